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
