//! Problems of a graph file with the lines they are about, for people at a terminal.

use ariadne::{CharSet, Color, Config, Label, Report, ReportKind, Source};
use engine::graph::{Problem, Problems, Severity};
use std::ops::Range;

/// Draws each problem with its line of `text`, the file's content.
pub fn draw(problems: &Problems, text: &str, color: bool) -> String {
    let mut problems = problems.clone();
    problems.sort();
    problems.0.iter().map(|problem| draw_one(problem, text, color)).collect()
}

fn draw_one(problem: &Problem, text: &str, color: bool) -> String {
    let file = problem.file.to_string();
    let kind = match problem.code.severity() {
        Severity::Error => ReportKind::Error,
        Severity::Warning => ReportKind::Warning,
    };
    let span = (file.clone(), range(text, problem.line, problem.column));
    let config = Config::default().with_color(color).with_char_set(CharSet::Unicode);
    let label = Label::new(span.clone()).with_message("here").with_color(Color::Red);
    let mut report =
        Report::build(kind, span).with_config(config).with_code(problem.code.as_str()).with_message(&problem.message).with_label(label);
    if let Some(help) = &problem.help {
        report = report.with_help(help);
    }
    let mut drawn = Vec::new();
    match report.finish().write((file, Source::from(text)), &mut drawn) {
        Ok(()) => String::from_utf8_lossy(&drawn).into_owned(),
        Err(_) => format!("{problem}\n"),
    }
}

/// The word at a place, in characters from the start of the text.
fn range(text: &str, line: u32, column: u32) -> Range<usize> {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line.saturating_sub(1) as usize).map(|line| line.chars().count()).sum();
    let rest = lines.next().unwrap_or_default().chars().skip(column.saturating_sub(1) as usize);
    let length = rest.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '}' | ']' | ':')).count();
    let start = (before + column.saturating_sub(1) as usize).min(text.chars().count());
    start..start + length.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::graph::{Code, Location};

    #[test]
    fn the_word_is_marked_in_its_line() {
        let text = "version: 1\nnodes:\n  ä: { type: colr, x: 1 }\n";
        let at = Location::new(&"g.yaml".into(), 3, 14);
        let problem = Problem::new(Code::UnknownType, &at, "unknown").with_help("Did you mean \"color\"?");
        let drawn = draw(&problem.into(), text, false);
        assert!(drawn.contains("[G019] Error: unknown") && drawn.contains("g.yaml:3:14"), "{drawn}");
        assert!(drawn.contains("ä: { type: colr, x: 1 }") && drawn.contains("Did you mean"), "{drawn}");
        assert_eq!(range(text, 3, 14), 31..35);
        assert_eq!(range(text, 99, 7), 44..45);
        let past = Problem::new(Code::MissingKey, &Location::new(&"g.yaml".into(), 99, 7), "past the end");
        assert!(draw(&past.into(), text, false).contains("past the end"));
    }
}
