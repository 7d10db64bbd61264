//! Everything that is printed. Results go to standard output; what is about them goes to standard error.

use crate::cli::OutputOptions;
use crate::excerpt;
use crate::failure::Failure;
use engine::graph::{Problem, Problems};
use engine::run::Warning;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Somebody at a terminal: bars and colours.
    Terminal,
    /// A person later, or nobody: plain lines.
    Log,
    /// A program: JSON on standard output.
    Program,
}

/// Where a command prints.
#[derive(Clone)]
pub struct Console {
    options: OutputOptions,
    reader: Reader,
    color: bool,
}

impl Console {
    /// For the standard streams.
    pub fn new(options: OutputOptions) -> Console {
        let terminal = std::io::stderr().is_terminal();
        let reader = match options.json {
            true => Reader::Program,
            false if terminal => Reader::Terminal,
            false => Reader::Log,
        };
        // https://no-color.org
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Console { options, reader, color }
    }

    /// Who reads what is printed while something runs; `None`: nothing is to be printed.
    pub fn reader(&self) -> Option<Reader> {
        (!self.options.quiet).then_some(self.reader)
    }

    /// JSON is wanted.
    pub fn json(&self) -> bool {
        self.options.json
    }

    /// Prints what was asked for, also with `--quiet`: a table, a file's text.
    pub fn answer(&self, text: &str) {
        to_stdout(text);
    }

    /// Prints what was asked for as one JSON document.
    pub fn answer_json(&self, value: &Value) {
        to_stdout(&format!("{value:#}\n"));
    }

    /// Prints an event of something that runs, as one line of JSON. Only for programs.
    pub fn event(&self, value: &Value) {
        if self.reader() == Some(Reader::Program) {
            to_stdout(&format!("{value}\n"));
        }
    }

    /// Prints a line on the result, for people.
    pub fn say(&self, text: &str) {
        if self.reader().is_some_and(|reader| reader != Reader::Program) {
            to_stdout(&format!("{text}\n"));
        }
    }

    /// Prints a line on what is going on, for people.
    pub fn note(&self, text: &str) {
        if self.reader().is_some_and(|reader| reader != Reader::Program) {
            to_stderr(&format!("{text}\n"));
        }
    }

    /// Lists what the user should know, by slide.
    pub fn warnings(&self, warnings: &[Warning]) {
        let mut sorted: Vec<&Warning> = warnings.iter().collect();
        sorted.sort_by_key(|warning| warning.slide);
        for Warning { slide, text, node } in sorted {
            self.event(&json!({ "event": "warning", "slide": slide, "node": node, "text": text }));
            let place = slide.map_or_else(String::new, |slide| format!("slide {slide}: "));
            self.note(&format!("warning: {place}{text}"));
        }
    }

    /// Lists what an importer has to say about a lesson.
    pub fn lesson_warnings(&self, warnings: &[plugins::lesson::Warning]) {
        for warning in warnings {
            self.event(&json!({ "event": "warning", "slide": warning.slide, "text": warning.text }));
            self.note(&format!("warning: {warning}"));
        }
    }

    /// Lists lints of a graph file; `text` is its content.
    pub fn lints(&self, lints: &[Problem], text: &str) {
        for lint in lints {
            self.event(&json!({ "event": "lint", "problem": problem_json(lint) }));
            match self.reader() {
                Some(Reader::Terminal) => to_stderr(&excerpt::draw(&lint.clone().into(), text, self.color)),
                _ => self.note(&lint.to_string()),
            }
        }
    }

    /// Prints why the command did not succeed.
    pub fn failure(&self, failure: &Failure) {
        if matches!(failure, Failure::Told | Failure::OfChild(_)) {
            return;
        }
        let problems = if let Failure::Graph { problems, .. } = failure { problems_json(problems) } else { Value::Null };
        if self.json() {
            let event = json!({ "event": "error", "code": failure.code(), "message": failure.to_string(), "problems": problems });
            return to_stdout(&format!("{event}\n"));
        }
        match failure {
            Failure::Graph { problems, text: Some(text) } if self.reader == Reader::Terminal => {
                to_stderr(&excerpt::draw(problems, text, self.color));
            }
            // Problems say themselves that they are errors, and which.
            Failure::Graph { problems, .. } => to_stderr(&format!("{problems}\n")),
            Failure::Aborted(_) => to_stderr(&format!("{failure}\n")),
            failure => to_stderr(&format!("error: {failure}\n")),
        }
    }
}

/// A problem for programs.
pub fn problem_json(problem: &Problem) -> Value {
    let Problem { code, file, line, column, message, help } = problem;
    let severity = code.severity().to_string();
    json!({ "severity": severity, "code": code.as_str(), "file": &**file, "line": line, "column": column, "message": message, "help": help })
}

/// All that is wrong with a graph, in order.
pub fn problems_json(problems: &Problems) -> Value {
    let mut problems = problems.clone();
    problems.sort();
    problems.0.iter().map(problem_json).collect()
}

/// Prints. A reader that has gone (`lectern schema | head`) is no reason to fail, and there is nobody left to tell.
pub fn to_stdout(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints beside the results.
pub fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
