//! The grammar of `${...}`: a leaf's text -> its parts.

use super::is_name;

/// A piece of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// As it stands.
    Text(&'a str),
    /// `${name}`, perhaps dotted.
    Variable(&'a str),
    /// `${env:NAME}`.
    Env(&'a str),
}

/// Splits a leaf; `$${` gives `${`, a `$` without a brace is a `$`. The error is a message.
pub(super) fn split(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(found) = rest.find("${") {
        let escaped = rest[..found].ends_with('$');
        // Of `$${` the first sign is dropped and the rest kept as it is.
        let before = if escaped { &rest[..found - 1] } else { &rest[..found] };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        if escaped {
            parts.push(Part::Text("${"));
            rest = &rest[found + 2..];
            continue;
        }
        let inner = &rest[found + 2..];
        let end =
            inner.find('}').ok_or_else(|| "a ${ without its }; write ${name}, or $${ for the two characters themselves".to_string())?;
        parts.push(expression(&inner[..end])?);
        rest = &inner[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn expression(inner: &str) -> Result<Part<'_>, String> {
    if let Some(name) = inner.strip_prefix("env:") {
        let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if valid {
            Ok(Part::Env(name))
        } else {
            Err(format!("{name:?} is no name of an environment variable; write ${{env:NAME}}"))
        };
    }
    if inner.split('.').all(is_name) {
        return Ok(Part::Variable(inner));
    }
    Err(format!("${{{inner}}} cannot be read; write ${{name}} for a variable or ${{env:NAME}} for the environment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn leaves_split_into_parts() {
        use Part::*;
        assert_eq!(split("${a}"), Ok(vec![Variable("a")]));
        assert_eq!(split("x/${a.b}-${env:HOME}.mp4"), Ok(vec![Text("x/"), Variable("a.b"), Text("-"), Env("HOME"), Text(".mp4")]));
        assert_eq!(split("$${a} $5 $$$"), Ok(vec![Text("${"), Text("a} $5 $$$")]));
        assert_eq!(split("$$${a}"), Ok(vec![Text("$"), Text("${"), Text("a}")]));
        assert_eq!(split(""), Ok(vec![]));
        for bad in ["${", "${a", "${}", "${A}", "${ a }", "${a.}", "${env:}", "${env:1X}", "${a:b}", "${${a}}"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn splitting_never_panics(text in "[${}a.:env ä]{0,40}") {
            let _ = split(&text);
        }

        #[test]
        fn escaped_text_comes_back(text in "[${}aä ]{0,20}") {
            // Every `${` escaped, the parts give the text again. A `$` before `${` would make a different escape.
            prop_assume!(!text.contains("$${"));
            let escaped = text.replace("${", "$${");
            let parts = split(&escaped).unwrap();
            let joined: String = parts.iter().map(|part| if let Part::Text(text) = part { *text } else { "?" }).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
