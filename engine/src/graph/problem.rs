//! What is wrong with a graph file: a stable code, a place, what happened and what to write instead.
//!
//! All codes of all phases stand in one table below. A code is never reused for something else; new ones are appended.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::value::Location;

macro_rules! codes {
    ($($name:ident $text:literal $summary:literal),+ $(,)?) => {
        /// The kind of a problem. `G` codes are errors, `L` codes are lints (warnings).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $name,)+
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The stable text, such as `G012`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }

            /// One line on what the code means.
            pub const fn summary(self) -> &'static str {
                match self { $(Code::$name => $summary,)+ }
            }
        }
    };
}

codes! {
    CannotRead "G001" "The file cannot be read: missing, no permission, not UTF-8, or a folder.",
    Syntax "G002" "The text is not valid YAML.",
    UnknownKey "G003" "A key that does not exist at this place.",
    WrongType "G004" "A value of another type than the one needed: a list for a number, a text for true or false.",
    UnknownVariable "G005" "A variable that is not declared in `vars`.",
    DuplicateKey "G006" "The same key twice in one map.",
    LimitExceeded "G007" "The file is too large, too deep, or grows too large when aliases and variables are expanded.",
    MissingKey "G008" "A key that must be there is not.",
    BadValue "G009" "A value of the right type that is not accepted: no unit, out of range, not one of the choices.",
    UnknownProfile "G010" "A profile that is not declared in `profiles`.",
    VariableCycle "G011" "Variables that refer to each other in a circle.",
    UnknownInput "G012" "An input port that the node's type does not have.",
    MissingEnvironment "G013" "An environment variable that is used but not set.",
    BadSubstitution "G014" "A `${...}` that cannot be read, or one that has nothing to put in.",
    BadName "G015" "A name that is not a lower-case letter followed by lower-case letters, digits and underscores.",
    BadReference "G016" "An input that is not written as `node` or `node.port`.",
    BadVersion "G017" "A version of the file format that this program does not know.",
    UnsupportedYaml "G018" "A feature of YAML that graph files do without: tags, merge keys, keys that are no text, several documents.",
    UnknownType "G019" "A node type that the registry does not have.",
    UnknownNode "G020" "An input that names a node which is not there.",
    UnknownOutput "G021" "An output port that the producer's type does not have, or one left out where there are several.",
    WrongKind "G022" "An output connected to an input of another kind: sound to pictures, cues to sound.",
    OpenInput "G023" "A required input port with nothing connected.",
    ConnectedTwice "G024" "Several connections into an input port that takes one.",
    Cycle "G025" "Nodes that feed each other in a circle.",
    BadConfig "G026" "Settings that are well formed but do not go together.",
    MissingOutside "G027" "Something outside the file that a node needs is not there: a file, a program, a model.",
    LossyOffline "G028" "A queue that drops packets in an offline graph.",
    TooMuchMemory "G030" "Queues that together may hold more than `defaults.memory`.",
    TwoPlayouts "G031" "More than one `playout` node.",
    NoPlayout "G032" "A live graph without a `playout`, so that nothing keeps time.",
    WrongPolicy "G033" "A queue policy that does not fit what travels there.",
    BeforeAndBehind "G034" "A node of a live graph that is fed from before and from behind `playout`.",
    NotJoined "G035" "A render in segments that could not be put together from them.",
    UnusedVariable "L001" "A variable that nothing uses.",
}

impl Code {
    /// Error or warning, by the code's first letter.
    pub const fn severity(self) -> Severity {
        if self.as_str().as_bytes()[0] == b'L' { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a problem stops the graph from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The graph is refused.
    Error,
    /// The graph runs; somebody should look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is.
    pub code: Code,
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What happened, without a full stop at the end.
    pub message: String,
    /// What to change, a whole sentence.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(code: Code, at: &Location, message: impl Into<String>) -> Problem {
        Problem { code, file: at.file.clone(), line: at.line, column: at.column, message: message.into(), help: None }
    }

    /// Adds what to change.
    pub fn with_help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// Adds `Did you mean "..."?` when one of the candidates is close to `word`.
    pub fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Problem {
        match did_you_mean(word, candidates) {
            Some(close) => self.with_help(format!("Did you mean \"{close}\"?")),
            None => self,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, file, line, column, message, help } = self;
        write!(f, "{}[{code}] {file}:{line}:{column}: {message}", code.severity())?;
        match help {
            Some(help) => write!(f, ". {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// All problems of a phase. Printed one per line, sorted by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// More than this many help nobody; the rest is left out, which also bounds the work on a hostile file.
    pub const LIMIT: usize = 100;

    /// Adds a problem, unless it is known already or [`Problems::LIMIT`] is reached.
    pub fn push(&mut self, problem: Problem) {
        if !self.is_full() && !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Adds all problems of another list.
    pub fn append(&mut self, other: Problems) {
        other.0.into_iter().for_each(|problem| self.push(problem));
    }

    /// Takes the problems out of a result.
    pub fn gather<T>(&mut self, result: Result<T, Problems>) -> Option<T> {
        result.map_err(|problems| self.append(problems)).ok()
    }

    /// No more problems are taken.
    pub fn is_full(&self) -> bool {
        self.0.len() >= Self::LIMIT
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At least one of the problems is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.code.severity() == Severity::Error)
    }

    /// Ends a phase: `value` when no errors were found, else all problems, sorted by place. Warnings alone do not fail a phase
    /// (and are dropped: a phase that warns keeps its warnings elsewhere).
    pub fn into_result<T>(mut self, value: T) -> Result<T, Problems> {
        if !self.has_errors() {
            return Ok(value);
        }
        self.sort();
        Err(self)
    }

    /// Sorts by file, line, column and code.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code)));
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.clone();
        sorted.sort();
        for (index, problem) in sorted.0.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        if self.is_full() {
            write!(f, "\nand perhaps more: only the first {} problems are listed", Self::LIMIT)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The candidate that `word` was probably meant to be: the one with the fewest edits (a swap of neighbours counts as one), if those
/// are at most a third of the word. Looks at 1,000 candidates at most, so that a hostile file cannot make this slow.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 64 {
        return None;
    }
    let allowed = (length / 3).max(1);
    let mut seen = HashSet::new();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().take(1000) {
        if candidate.len().abs_diff(word.len()) > 4 * allowed || !seen.insert(candidate) {
            continue;
        }
        let edits = strsim::osa_distance(word, candidate);
        // One edit turns any one-letter word into any other: that is no hint.
        if edits <= allowed && edits < length && best.is_none_or(|(fewest, _)| edits < fewest) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names for a message: `audio, cues`, the first twenty of them; `nothing` when there are none.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut text = names.by_ref().take(20).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 if text.is_empty() => text.push_str("nothing"),
        0 => {}
        more => text.push_str(&format!(" and {more} more")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Location {
        Location::new(&Arc::from("graphs/lecture.yaml"), line, column)
    }

    #[test]
    fn a_problem_prints_as_the_format_promises() {
        let problem =
            Problem::new(Code::UnknownInput, &at(22, 15), "node \"avatar\" (lip_sync) has no input \"audoi\"; it has: audio, cues")
                .suggest("audoi", ["audio", "cues"]);
        assert_eq!(
            problem.to_string(),
            "error[G012] graphs/lecture.yaml:22:15: node \"avatar\" (lip_sync) has no input \"audoi\"; it has: audio, cues. Did you mean \"audio\"?"
        );
        let lint = Problem::new(Code::UnusedVariable, &at(3, 9), "nothing uses the variable \"voice\"");
        assert_eq!(lint.to_string(), "warning[L001] graphs/lecture.yaml:3:9: nothing uses the variable \"voice\"");
    }

    #[test]
    fn codes_are_unique_and_documented() {
        let texts: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            let (letter, digits) = code.as_str().split_at(1);
            assert!(matches!(letter, "G" | "L") && digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()), "{code}");
            assert!(code.summary().ends_with('.'), "{code}");
        }
    }

    #[test]
    fn problems_are_sorted_and_bounded() {
        let mut problems = Problems::default();
        problems.push(Problem::new(Code::Syntax, &at(2, 1), "b"));
        problems.push(Problem::new(Code::Syntax, &at(1, 9), "a"));
        problems.push(Problem::new(Code::Syntax, &at(1, 9), "a"));
        assert_eq!(problems.to_string(), "error[G002] graphs/lecture.yaml:1:9: a\nerror[G002] graphs/lecture.yaml:2:1: b");
        for line in 0..500 {
            problems.push(Problem::new(Code::Syntax, &at(line, 1), "c"));
        }
        assert_eq!(problems.0.len(), Problems::LIMIT);
        assert!(problems.to_string().ends_with("only the first 100 problems are listed"));
    }

    #[test]
    fn warnings_alone_do_not_fail() {
        let lint = Problems::from(Problem::new(Code::UnusedVariable, &at(1, 1), "x"));
        assert_eq!(lint.into_result(7), Ok(7));
    }

    #[test]
    fn suggestions_are_close_or_none() {
        assert_eq!(did_you_mean("audoi", ["video", "audio"]), Some("audio"));
        assert_eq!(did_you_mean("ofline", ["offline", "live"]), Some("offline"));
        assert_eq!(did_you_mean("x", ["y", "z"]), None);
        assert_eq!(did_you_mean("completely", ["different"]), None);
        assert_eq!(did_you_mean(&"a".repeat(100_000), ["a"]), None);
    }
}
