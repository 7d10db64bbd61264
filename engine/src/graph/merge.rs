//! Profiles: partial documents that are merged into the file, left to right.
//!
//! Maps merge key by key and keep the file's order, new keys come last; everything else (lists too) replaces; `null` removes the
//! key. Merged parts keep the place where they were written. Before anything is merged, the short form of an input
//! (`port: a.b`) becomes the long one (`port: { from: a.b }`), so that a profile can add a `queue` to an input of the file.

use std::collections::HashMap;

use super::problem::{Code, Problem, Problems, list};
use super::value::{Key, Kind, Located, Value};

/// The keys that a profile may set.
pub const PROFILE_KEYS: [&str; 6] = ["defaults", "clock", "latency", "drain", "segment_by", "nodes"];

/// The names of the profiles that a document declares, in file order.
pub fn profile_names(document: &Value) -> Vec<Located<String>> {
    let profiles = document.get("profiles").and_then(Value::as_map).unwrap_or_default();
    profiles.iter().map(|(name, _)| name.clone()).collect()
}

/// Checks all profiles of a document and that the chosen ones exist.
pub fn check_profiles(document: &Value, chosen: &[String], problems: &mut Problems) {
    let known = profile_names(document);
    let at = document.entry("profiles").map_or(&document.at, |(key, _)| &key.at);
    for name in chosen.iter().filter(|name| !known.iter().any(|profile| profile.value == **name)) {
        let known = known.iter().map(|profile| profile.value.as_str());
        let message = format!("there is no profile {name:?}; the file has: {}", list(known.clone()));
        problems.push(Problem::new(Code::UnknownProfile, at, message).suggest(name, known));
    }
    let Some(profiles) = document.get("profiles") else { return };
    let Some(entries) = profiles.as_map() else {
        if !profiles.is_null() {
            let message = format!("profiles is {}, but must be a map from names to partial graphs", profiles.describe());
            problems.push(Problem::new(Code::WrongType, &profiles.at, message));
        }
        return;
    };
    for (name, profile) in entries {
        let path = format!("profiles.{}", name.value);
        match &profile.kind {
            Kind::Null => {}
            Kind::Map(keys) => {
                for (key, _) in keys.iter().filter(|(key, _)| !PROFILE_KEYS.contains(&key.value.as_str())) {
                    let message = format!("{path} has no key {:?}; a profile has: {}", key.value, list(PROFILE_KEYS));
                    problems.push(Problem::new(Code::UnknownKey, &key.at, message).suggest(&key.value, PROFILE_KEYS));
                }
            }
            _ => {
                let message = format!("{path} is {}, but must be a map with the keys {}", profile.describe(), list(PROFILE_KEYS));
                problems.push(Problem::new(Code::WrongType, &profile.at, message));
            }
        }
    }
}

/// Merges the chosen profiles into the document and takes `profiles` out of it. The profiles were checked.
pub fn apply_profiles(document: &mut Value, chosen: &[String]) {
    expand_inputs(document);
    let Some(mut profiles) = document.remove("profiles") else { return };
    for name in chosen {
        if let Some(profile) = profiles.get_mut(name).filter(|profile| !profile.is_null()) {
            expand_inputs(profile);
            merge(document, profile);
        }
    }
}

/// `port: a.b` -> `port: { from: a.b }` in all inputs of all nodes, also inside lists.
fn expand_inputs(document: &mut Value) {
    let Some(Kind::Map(nodes)) = document.get_mut("nodes").map(|nodes| &mut nodes.kind) else { return };
    for (_, node) in nodes {
        let Some(Kind::Map(inputs)) = node.get_mut("inputs").map(|inputs| &mut inputs.kind) else { continue };
        for (_, input) in inputs {
            match &mut input.kind {
                Kind::List(items) => items.iter_mut().for_each(expand_input),
                _ => expand_input(input),
            }
        }
    }
}

fn expand_input(input: &mut Value) {
    if input.as_scalar().is_some() {
        let at = input.at.clone();
        let short = std::mem::replace(input, Value::empty_map(at.clone()));
        input.kind = Kind::Map(vec![(Key { value: "from".into(), at }, short)]);
    }
}

/// Merges `overlay` into `base`.
pub fn merge(base: &mut Value, overlay: &Value) {
    let Kind::Map(additions) = &overlay.kind else {
        *base = overlay.clone();
        return;
    };
    if base.as_map().is_none() {
        // Merged into an empty map and not cloned, so that a null inside removes nothing instead of staying.
        *base = Value::empty_map(overlay.at.clone());
    }
    let Kind::Map(entries) = &mut base.kind else { return };
    let mut index: HashMap<String, usize> = entries.iter().enumerate().map(|(i, (key, _))| (key.value.clone(), i)).collect();
    let mut removed = vec![false; entries.len()];
    for (key, value) in additions {
        let known = index.get(key.value.as_str()).copied();
        match (known, value.is_null()) {
            (Some(i), true) => removed[i] = true,
            (Some(i), false) => merge(&mut entries[i].1, value),
            (None, true) => {}
            (None, false) => {
                let mut merged = Value { kind: Kind::Null, at: value.at.clone() };
                merge(&mut merged, value);
                index.insert(key.value.clone(), entries.len());
                entries.push((key.clone(), merged));
                removed.push(false);
            }
        }
    }
    let mut flags = removed.into_iter();
    entries.retain(|_| !flags.next().unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::parse::parse;

    fn merged(text: &str, chosen: &[&str]) -> Value {
        let mut document = parse(text, "g.yaml").unwrap();
        apply_profiles(&mut document, &chosen.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        document
    }

    #[test]
    fn maps_merge_lists_replace_null_removes() {
        let text = "
clock: offline
nodes: { a: { config: { crf: 20, list: [1, 2], deep: { x: 1 } } }, b: { type: sink } }
profiles:
  live: { clock: live, nodes: { a: { config: { crf: null, list: [3], deep: { y: 2 } } }, c: { type: new, config: { gone: null, z: { gone: ~ } } } } }
  bare: { nodes: { b: null, a: { config: { deep: 7 } } } }
  nothing:
";
        assert_eq!(
            merged(text, &[]).to_string(),
            "{clock: offline, nodes: {a: {config: {crf: 20, list: [1, 2], deep: {x: 1}}}, b: {type: sink}}}"
        );
        assert_eq!(
            merged(text, &["live", "nothing"]).to_string(),
            "{clock: live, nodes: {a: {config: {list: [3], deep: {x: 1, y: 2}}}, b: {type: sink}, c: {type: new, config: {z: {}}}}}"
        );
        assert_eq!(
            merged(text, &["live", "bare"]).to_string(),
            "{clock: live, nodes: {a: {config: {list: [3], deep: 7}}, c: {type: new, config: {z: {}}}}}"
        );
        assert_eq!(
            merged(text, &["bare", "live"]).get("nodes").unwrap().get("a").unwrap().to_string(),
            "{config: {list: [3], deep: {y: 2}}}"
        );
    }

    #[test]
    fn short_inputs_become_long_before_the_merge() {
        let text = "
nodes: { m: { inputs: { video: scene.video, layers: [a, { from: b.c }] } } }
profiles: { live: { nodes: { m: { inputs: { video: { tap: true }, more: x.y } } } } }
";
        assert_eq!(
            merged(text, &["live"]).to_string(),
            "{nodes: {m: {inputs: {video: {from: scene.video, tap: true}, layers: [{from: a}, {from: b.c}], more: {from: x.y}}}}}"
        );
    }

    #[test]
    fn places_follow_what_was_written() {
        let tree = merged("clock: offline\nnodes: {}\nprofiles:\n  live:\n    clock: live\n    nodes: { x: { type: t } }\n", &["live"]);
        assert_eq!(tree.get("clock").unwrap().at.to_string(), "g.yaml:5:12");
        assert_eq!(tree.get("nodes").unwrap().entry("x").unwrap().0.at.to_string(), "g.yaml:6:14");
        assert_eq!(tree.get("nodes").unwrap().at.line, 2);
    }

    #[test]
    fn a_wide_merge_is_not_quadratic() {
        let wide = |value: &str| (0..40_000).map(|i| format!("  k{i}: {value}\n")).collect::<String>();
        let tree = merged(&format!("nodes:\n{}profiles: {{ p: {{ nodes: {{ k7: 2, k9: ~ }} }} }}", wide("1")), &["p"]);
        assert_eq!(tree.get("nodes").unwrap().as_map().unwrap().len(), 39_999);
    }
}
