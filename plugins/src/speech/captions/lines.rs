//! How wide text is, and how a cue is broken into lines.

use super::units::Unit;
use crate::scripts::are_spaced;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Columns of a line at most.
pub(super) const LINE: usize = 42;
/// The same where there are wide characters: twenty of them.
const WIDE_LINE: usize = 40;

/// Columns of a line of this text at most.
pub(super) fn limit(text: &str) -> usize {
    if text.chars().any(is_wide) { WIDE_LINE } else { LINE }
}

/// How wide a text is: wide characters (Chinese, Japanese, Korean) take two columns, all others one, marks on letters too.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|ch| if is_wide(ch) { 2 } else { 1 }).sum()
}

/// Most of the text's columns are of wide characters.
pub(super) fn is_mostly_wide(text: &str) -> bool {
    4 * text.chars().filter(|&ch| is_wide(ch)).count() > columns(text)
}

fn is_wide(ch: char) -> bool {
    ch.width() == Some(2)
}

/// A space belongs between two lines of captions when they are read as one text. None does where a word is longer than a line: the line is
/// full of it, and the next one goes on with it.
pub(crate) fn lines_are_spaced(line: &str, next: &str) -> bool {
    let more = next.graphemes(true).next().map_or(0, columns);
    let is_full = columns(line) <= LINE && columns(line) + more > LINE;
    let is_parted = is_full && !line.chars().any(|ch| ch.is_whitespace() || is_wide(ch));
    are_spaced(line, next) && !is_parted
}

/// Text in one or two lines.
pub(super) struct Broken {
    pub text: String,
    /// What is bad about the place of the break: 0 for a single line.
    pub cost: i64,
}

/// Breaks a cue's units into lines; `None` where two lines do not hold them. The best place is behind a mark, then where both lines are about as
/// long, the upper one rather the shorter.
pub(super) fn broken(units: &[Unit]) -> Option<Broken> {
    let whole = join(units);
    let limit = limit(&whole);
    if columns(&whole) <= limit {
        return Some(Broken { text: whole, cost: 0 });
    }
    let widths: Vec<usize> = units.iter().map(Unit::columns).collect();
    let total: usize = widths.iter().sum();
    let mut upper = 0;
    let mut best: Option<(i64, usize)> = None;
    for (index, unit) in units.iter().enumerate().take(units.len() - 1) {
        upper += widths[index];
        let lower = total - upper;
        if upper > limit + usize::from(units[0].space) || lower > limit + usize::from(units[index + 1].space) {
            continue;
        }
        let uneven = upper.abs_diff(lower) as i64;
        let cost = unit.after.cost() / 2 + uneven * 3 / 2 + if upper > lower { uneven / 2 } else { 0 };
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, index + 1));
        }
    }
    let (cost, at) = best?;
    Some(Broken { text: format!("{}\n{}", join(&units[..at]), join(&units[at..])), cost })
}

/// The units' text in one line.
fn join(units: &[Unit]) -> String {
    let mut text = String::new();
    for unit in units {
        if unit.space && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&unit.text);
    }
    text
}
