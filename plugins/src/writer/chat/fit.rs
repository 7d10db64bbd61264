//! A model's words made fit: for a slide, to be spoken, of reasonable length.

use super::super::sentences::clip;
use super::super::{MAX_POINTS, Notes, POINT_COLUMNS, Role};

/// Characters of one slide's narration that are taken from a model.
pub(super) const NARRATION_CHARS: usize = 6_000;

pub(super) fn role(name: &str) -> Role {
    match name {
        "title" => Role::Title,
        "agenda" => Role::Agenda,
        "chapter" => Role::Chapter,
        "closing" => Role::Closing,
        _ => Role::Points,
    }
}

pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Title => "title",
        Role::Agenda => "agenda",
        Role::Chapter => "chapter",
        Role::Points => "points",
        Role::Closing => "closing",
    }
}

/// A model's lines, fit for a slide.
pub(super) fn lines(points: Vec<String>) -> Vec<String> {
    let clean = points.iter().map(|point| clip(point.trim_start_matches(['-', '•', '*', ' ']), POINT_COLUMNS));
    clean.filter(|point| !point.is_empty()).take(MAX_POINTS).collect()
}

/// A model's narration: paragraphs one a line, none blank.
pub(super) fn spoken(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A narration of reasonable length.
pub(super) fn shortened(text: String, index: usize, notes: &mut Notes) -> String {
    if text.chars().count() <= NARRATION_CHARS {
        return text;
    }
    notes.add(format!("what the model wrote for slide {} was longer than {NARRATION_CHARS} characters and was cut", index + 1));
    cut(&text, NARRATION_CHARS)
}

/// At most so many characters, cut after a sentence if there is one.
pub(super) fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.into() };
    let kept = &text[..end];
    let stop = kept.char_indices().rev().find(|(_, c)| ".!?。！？\n".contains(*c)).map(|(at, c)| at + c.len_utf8());
    kept[..stop.filter(|stop| *stop > end / 2).unwrap_or(end)].into()
}
