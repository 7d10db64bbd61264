use super::*;
use crate::graph::parse::parse;

fn environment(name: &str) -> Option<String> {
    match name {
        "KEY" => Some("hunter2".into()),
        "PORT" => Some("8080".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// Substitutes in `text` below `doc`; gives the result and the problems.
fn run(text: &str, overrides: &[(&str, &str)]) -> (Value, String) {
    let mut document = parse(text, "g.yaml").unwrap();
    let mut problems = Problems::default();
    let overrides: Vec<_> = overrides.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    let mut variables = Variables::new(&document, &overrides, &environment, &mut problems);
    if let Some(unused) = document.get_mut("unneeded") {
        variables.substitute(unused, false, &mut problems);
    }
    let mut result = document.remove("doc").unwrap();
    variables.substitute(&mut result, true, &mut problems);
    (result, problems.to_string())
}

fn fine(text: &str, overrides: &[(&str, &str)]) -> String {
    let (value, problems) = run(text, overrides);
    assert_eq!(problems, "");
    value.to_string()
}

#[test]
fn a_leaf_that_is_one_variable_takes_its_type() {
    let vars = "vars: { n: 30, s: '30', t: true, z: ~, deep: { x: 1.5 } }\n";
    assert_eq!(
        fine(&format!("{vars}doc: ['${{n}}', '${{s}}', '${{t}}', '${{z}}', '${{deep.x}}', 'a${{n}}b', '$${{n}}', '${{n}}${{n}}']"), &[]),
        r#"[30, "30", true, null, 1.5, "a30b", "${n}", "3030"]"#
    );
}

#[test]
fn keys_are_left_alone() {
    assert_eq!(fine("vars: { a: b }\ndoc: { '${a}': '${a}' }", &[]), "{${a}: b}");
}

#[test]
fn variables_use_variables_in_any_order() {
    assert_eq!(fine("vars: { out: '${dir}/x.mp4', dir: '${base}/out', base: /tmp }\ndoc: '${out}'", &[]), r#""/tmp/out/x.mp4""#);
    assert_eq!(fine("vars: { out: '${dir}/x.mp4', dir: y }\ndoc: '${out}'", &[("dir", "z")]), r#""z/x.mp4""#);
}

#[test]
fn overrides_are_literal_and_typed() {
    let text = "vars: { a: 1, b: { c: x } }\ndoc: ['${a}', '${b.c}']";
    assert_eq!(fine(text, &[("a", "true"), ("b.c", "${a}")]), "[true, ${a}]");
    assert_eq!(fine(text, &[("a", "null"), ("b.c", "")]), "[null, ]");
    let (_, problems) = run(text, &[("b.d", "1"), ("nodes.x.config.crf", "3")]);
    assert_eq!(
        problems,
        "error[G005] g.yaml:1:1: --set b.d: there is no such variable, and only variables can be set; the file has: a, b.c. Did you mean \"b.c\"?\n\
         error[G005] g.yaml:1:1: --set nodes.x.config.crf: there is no such variable, and only variables can be set; the file has: a, b.c"
    );
}

#[test]
fn the_environment_is_secret_and_typed() {
    let (value, problems) =
        run("vars: { k: 'Bearer ${env:KEY}' }\ndoc: ['${env:KEY}', 'x${k}', '${env:PORT}', '${env:EMPTY}', plain]", &[]);
    assert_eq!(problems, "");
    assert_eq!(value.to_string(), "[***, ***, ***, ***, plain]");
    let items = value.as_list().unwrap();
    assert_eq!(items[1].as_scalar().unwrap().text(), "xBearer hunter2");
    assert_eq!(items[2].as_scalar().unwrap().typed(), crate::graph::value::Typed::Int(8080));
    assert_eq!(items[3].as_scalar().unwrap().text(), "");
}

#[test]
fn a_missing_environment_variable_is_told_where_it_is_needed() {
    let text = "vars: { url: '${env:NO_URL}', other: '${env:NO_OTHER}' }\nunneeded: ['${env:NO_THIRD}', '${other}']\ndoc: ['${url}', '${url}', '${env:NO_FOURTH}']";
    assert_eq!(
        run(text, &[]).1,
        "error[G013] g.yaml:1:14: the environment variable NO_URL is not set\n\
         error[G013] g.yaml:3:27: the environment variable NO_FOURTH is not set"
    );
    assert_eq!(run("vars: { url: '${env:NO_URL}' }\ndoc: '${url}'", &[("url", "x")]).1, "");
}

#[test]
fn mistakes_have_places_and_hints() {
    assert_eq!(
        run("vars: { voice: x }\ndoc:\n  - ${voise}\n  - a ${voice\n", &[]).1,
        "error[G005] g.yaml:3:5: there is no variable \"voise\"; the file has: voice. Did you mean \"voice\"?\n\
         error[G014] g.yaml:4:5: a ${ without its }; write ${name}, or $${ for the two characters themselves"
    );
    assert_eq!(
        run("vars: { a: '${b}', b: '${c}', c: '${b}' }\ndoc: 1", &[]).1,
        "error[G011] g.yaml:1:20: variables refer to each other in a circle: b -> c -> b"
    );
    assert_eq!(
        run("vars: { a: ~ }\ndoc: 'x${a}'", &[]).1,
        "error[G014] g.yaml:2:6: the variable \"a\" has no value to put into a text. Give it one: --set a=..."
    );
    assert_eq!(
        run("vars: { Big-Name: 1, l: [1] }\ndoc: 1", &[]).1,
        "error[G015] g.yaml:1:9: \"Big-Name\" is no variable name; names are a lower-case letter, then lower-case letters, digits and _. Write \"big_name\".\n\
         error[G004] g.yaml:1:25: the variable \"l\" is a list, but must be one value"
    );
    assert_eq!(run("vars: [1]\ndoc: 1", &[]).1, "error[G004] g.yaml:1:7: vars is a list, but must be a map from names to values");
    assert_eq!(run("vars: { a.b: 1, a: { b: 2 } }\ndoc: 1", &[]).1, "error[G006] g.yaml:1:22: the variable \"a.b\" is declared twice");
}

#[test]
fn growth_and_depth_are_bounded() {
    let mut laughs = format!("vars:\n  a0: {}\n", "x".repeat(1000));
    for level in 1..60 {
        laughs += &format!("  a{level}: \"${{a{0}}}${{a{0}}}\"\n", level - 1);
    }
    assert!(run(&format!("{laughs}doc: '${{a59}}'"), &[]).1.contains("error[G007]"));
    let many = format!("vars: {{ a: {} }}\ndoc: [{}]", "x".repeat(10_000), "'${a}', ".repeat(1000));
    assert!(run(&many, &[]).1.contains("with all ${...} put in, the file has more than 4194304 bytes"));
    let chain: String = (0..5000).map(|i| format!("  a{i}: '${{a{}}}'\n", i + 1)).collect();
    assert!(run(&format!("vars:\n{chain}  a5000: 1\ndoc: 1"), &[]).1.contains("variables refer to each other more than 64 deep"));
}

#[test]
fn unused_variables_are_linted() {
    let document = parse("vars: { used: 1, unused: 2 }\ndoc: '${used}'", "g.yaml").unwrap();
    let mut problems = Problems::default();
    let mut variables = Variables::new(&document, &[], &environment, &mut problems);
    variables.substitute(&mut document.get("doc").unwrap().clone(), true, &mut problems);
    let (listed, lints) = variables.finish();
    assert_eq!(
        listed.iter().map(|variable| (variable.name.value.as_str(), variable.used)).collect::<Vec<_>>(),
        [("used", true), ("unused", false)]
    );
    assert_eq!(Problems(lints).to_string(), "warning[L001] g.yaml:1:18: nothing uses the variable \"unused\"");
}
