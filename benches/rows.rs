//! What was measured, against the marks: printed, and kept in `benches/results/`.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Which bench it belongs to.
    pub bench: String,
    /// What was measured.
    pub what: String,
    /// Ours, in `unit`.
    pub ours: f64,
    /// ns, ms, s, MB …
    pub unit: String,
    /// The other side in the same unit, where there is one.
    pub peer: Option<f64>,
    /// What has to hold, where something has to.
    pub mark: Option<Mark>,
}

/// What has to hold.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The peer's figure is at least so many times ours.
    Faster(f64),
    /// Ours is at most so many times the peer's.
    Within(f64),
    /// Ours is at most this.
    AtMost(f64),
    /// Ours is at least this.
    AtLeast(f64),
}

impl Row {
    /// A figure without a mark.
    pub fn new(bench: &str, what: impl Into<String>, ours: f64, unit: &str) -> Row {
        Row { bench: bench.into(), what: what.into(), ours, unit: unit.into(), peer: None, mark: None }
    }

    /// Beside a peer's figure.
    pub fn against(self, peer: f64) -> Row {
        Row { peer: Some(peer), ..self }
    }

    /// With what has to hold.
    pub fn mark(self, mark: Mark) -> Row {
        Row { mark: Some(mark), ..self }
    }

    /// How many times the peer's figure is ours.
    pub fn times(&self) -> Option<f64> {
        self.peer.map(|peer| peer / self.ours)
    }

    /// Whether the mark holds; `None` without one.
    pub fn holds(&self) -> Option<bool> {
        let peer = self.peer.unwrap_or(f64::NAN);
        self.mark.map(|mark| match mark {
            Mark::Faster(times) => peer >= times * self.ours,
            Mark::Within(times) => self.ours <= times * peer,
            Mark::AtMost(most) => self.ours <= most,
            Mark::AtLeast(least) => self.ours >= least,
        })
    }

    /// In one line for the terminal.
    pub fn line(&self) -> String {
        let peer = self.peer.map(|peer| format!(", other side {} {}, {}x", digits(peer), self.unit, digits(peer / self.ours)));
        let holds =
            self.holds().map_or(String::new(), |holds| format!(" [{}: {}]", self.mark_text(), if holds { "holds" } else { "MISSED" }));
        format!("{}: {} {}{}{holds}", self.what, digits(self.ours), self.unit, peer.unwrap_or_default())
    }

    fn mark_text(&self) -> String {
        match self.mark {
            None => String::new(),
            Some(Mark::Faster(times)) => format!("{times}x faster"),
            Some(Mark::Within(times)) => format!("at most {times}x"),
            Some(Mark::AtMost(most)) => format!("at most {most} {}", self.unit),
            Some(Mark::AtLeast(least)) => format!("at least {least}{}{}", if self.unit.is_empty() { "" } else { " " }, self.unit),
        }
    }
}

/// Three digits that count.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The rows as a table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| what | Lectern | other side | ratio | mark | |\n| --- | ---: | ---: | ---: | --- | --- |\n");
    for row in rows {
        let peer = row.peer.map(|peer| format!("{} {}", digits(peer), row.unit)).unwrap_or_default();
        let times = row.times().map(|times| format!("{}x", digits(times))).unwrap_or_default();
        let holds = row.holds().map_or("", |holds| if holds { "holds" } else { "MISSED" });
        let _ = writeln!(text, "| {} | {} {} | {peer} | {times} | {} | {holds} |", row.what, digits(row.ours), row.unit, row.mark_text());
    }
    text
}
