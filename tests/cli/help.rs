//! Help, versions, usage errors, completions.

use super::run;
use std::path::Path;

const COMMANDS: [&str; 24] = [
    "render",
    "live",
    "serve",
    "worker",
    "jobs",
    "join",
    "podcast",
    "run",
    "check",
    "graph",
    "nodes",
    "schema",
    "lesson",
    "speak",
    "subtitles",
    "voices",
    "avatars",
    "token",
    "top",
    "cache",
    "watch",
    "config",
    "doctor",
    "completions",
];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_command_explains_itself() {
    let all = run(here(), "--help").ok();
    for command in COMMANDS {
        assert!(all.contains(&format!("\n  {command} ")), "{command}: {all}");
        let text = run(here(), &format!("{command} --help")).ok();
        assert!(text.contains(&format!("Usage: lectern {command}")), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{command}: a line is too long\n{text}");
    }
    assert!(all.contains("Exit codes: 0 done, 1 the run failed, 2 graph, input or usage invalid, 3 a live run did not drain"));
    assert_eq!(run(here(), "--version").ok(), format!("lectern {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_exit_code_2_with_a_hint() {
    assert!(run(here(), "rendr talk.pptx").fails(2).contains("'render'"));
    assert!(run(here(), "render").fails(2).contains("<DECK>"));
    assert!(run(here(), "live").fails(2).contains("<DECK|GRAPH>"));
    assert!(run(here(), "live talk.pptx --listen here").fails(2).contains("--listen"));
    assert!(run(here(), "serve --host here").fails(2).contains("write an IP address"));
    assert!(run(here(), "serve --port 80 --listen 127.0.0.1:80").fails(2).contains("cannot be used with"));
    assert!(run(here(), "serve --slide-data one.json").fails(2).contains("--lesson-id <ID>"));
    assert!(run(here(), "serve --status-only --lesson-id one").fails(2).contains("cannot be used with"));
    assert!(run(here(), "token --role king").fails(2).contains("[possible values: viewer, author, operator, worker]"));
    assert!(run(here(), "run graphs/hello.yaml --set voice").fails(2).contains("write NAME=VALUE"));
    assert!(run(here(), "graph --format svg").fails(2).contains("[possible values: dot, mermaid, lanes, json]"));
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(here(), &format!("completions {shell}")).ok();
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
}
