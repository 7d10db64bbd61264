//! What a run comes to.

use super::flow::{Flow, Origin};
use super::play::{Failure, Outcome};
use std::fmt;

/// Flows of one contract by how they went.
#[derive(Default)]
pub struct Report {
    /// The contract, and which of its flows.
    pub of: String,
    /// Name and title.
    pub passed: Vec<String>,
    pub failed: Vec<(String, Failure)>,
    /// With the reason.
    pub skipped: Vec<(String, String)>,
}

impl Report {
    /// Adds a flow that was played.
    pub fn add(&mut self, flow: &Flow, outcome: &Outcome) {
        match outcome {
            Outcome::Passed(_) => self.passed.push(format!("{}: {}", flow.name, flow.title)),
            Outcome::Failed(failure) => self.failed.push((format!("{}: {}", flow.name, flow.title), failure.clone())),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { of, passed, failed, skipped } = self;
        writeln!(out, "{of}: {} flows passed, {} failed, {} skipped", passed.len(), failed.len(), skipped.len())?;
        passed.iter().try_for_each(|name| writeln!(out, "  passed   {name}"))?;
        for (name, Failure { step, reason, origin, note }) in failed {
            writeln!(out, "  failed   {name}, at \"{step}\": {reason}")?;
            if *origin == Origin::Inferred {
                writeln!(out, "           this is inferred: a question, perhaps no bug")?;
            }
            note.iter().try_for_each(|note| writeln!(out, "           note: {note}"))?;
        }
        skipped.iter().try_for_each(|(name, reason)| writeln!(out, "  skipped  {name}: {reason}"))
    }
}

#[test]
fn what_failed_is_told_with_its_step_and_what_was_skipped_with_its_reason() {
    let failure = |origin| Failure { step: "look".into(), reason: "at /a: int was due".into(), origin, note: Some("careful".into()) };
    let report = Report {
        of: "small".into(),
        passed: vec!["a: A".into()],
        failed: vec![("b: B".into(), failure(Origin::PublicCode)), ("c: C".into(), failure(Origin::Inferred))],
        skipped: vec![("d".into(), "needs luck: there is none".into())],
    };
    let due = [
        "small: 1 flows passed, 2 failed, 1 skipped",
        "  passed   a: A",
        "  failed   b: B, at \"look\": at /a: int was due",
        "           note: careful",
        "  failed   c: C, at \"look\": at /a: int was due",
        "           this is inferred: a question, perhaps no bug",
        "           note: careful",
        "  skipped  d: needs luck: there is none",
    ];
    assert_eq!(report.to_string().lines().collect::<Vec<_>>(), due);
}
