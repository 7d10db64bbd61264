//! What was said as a text to read: a title, a section for each slide with its time, paragraphs.

use crate::scripts::ends_sentence;
use crate::speech::lines_are_spaced;
use engine::cue::{Cue, SlideCue};
use engine::packet::Packet;
use engine::time::{Span, Time};
use std::fmt::Write;
use std::sync::Arc;

/// A sentence after a pause of this length begins a paragraph: the speech pauses for 650 ms between two.
const PARAGRAPH: Span = Span::from_millis(600);

/// Gathers what cues say.
#[derive(Default)]
pub(super) struct Transcript {
    title: String,
    sections: Vec<Section>,
    /// The caption before, and when it is over.
    last: Option<(Arc<str>, Time)>,
    /// The last line of the paragraph.
    line: String,
    /// When the last word was over.
    heard: Option<Time>,
}

#[derive(Default)]
struct Section {
    slide: Option<(Arc<SlideCue>, Time)>,
    paragraphs: Vec<String>,
}

impl Transcript {
    /// Of what it is.
    pub(super) fn entitle(&mut self, title: String) {
        self.title = title;
    }

    pub(super) fn add(&mut self, packet: &Packet<Cue>) {
        match &packet.media {
            Cue::Slide(slide) => {
                // One that goes on after a pause or a jump within it, and is stated again, is no new one.
                let goes_on = self.sections.last().and_then(|section| section.slide.as_ref());
                if !goes_on.is_some_and(|(before, _)| before.id == slide.id && slide.elapsed > Span::ZERO) {
                    self.sections.push(Section { slide: Some((slide.clone(), packet.pts)), paragraphs: Vec::new() });
                    self.heard = None;
                }
            }
            Cue::Word(_) => self.heard = packet.end().max(self.heard),
            Cue::Caption(text) => self.caption(text, packet),
            _ => {}
        }
    }

    /// Nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| section.paragraphs.is_empty())
    }

    fn caption(&mut self, text: &Arc<str>, packet: &Packet<Cue>) {
        let end = packet.end().unwrap_or(packet.pts);
        // Stated again after a cut.
        let again = self.last.replace((text.clone(), end)).is_some_and(|(last, until)| last == *text && packet.pts <= until);
        if again {
            return;
        }
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        let Some(section) = self.sections.last_mut() else { return };
        let pause = self.heard.map_or(Span::ZERO, |heard| packet.pts - heard);
        if section.paragraphs.last().is_none_or(|last| pause >= PARAGRAPH && ends_sentence(last)) {
            section.paragraphs.push(String::new());
            self.line.clear();
        }
        let Some(paragraph) = section.paragraphs.last_mut() else { return };
        for line in text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()) {
            if lines_are_spaced(&self.line, line) {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
            self.line = line.to_owned();
        }
    }

    /// As Markdown (<https://spec.commonmark.org>).
    pub(super) fn markdown(&self) -> String {
        let mut out = format!("# {}\n", escaped(&self.title));
        for Section { slide, paragraphs } in &self.sections {
            if let Some((slide, start)) = slide {
                let seconds = start.since_start().to_millis() / 1000;
                let clock = match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
                    (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
                    (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
                };
                let title = match slide.title.trim() {
                    "" => format!("Slide {}", slide.number),
                    title => escaped(title),
                };
                let _ = write!(out, "\n## {title} ({clock})\n");
            }
            for paragraph in paragraphs {
                let _ = write!(out, "\n{}\n", escaped(paragraph));
            }
        }
        out
    }
}

/// A line of text whose characters mean themselves.
fn escaped(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let text = text.trim();
    let mut out = String::new();
    // What opens a heading, a list or a quotation does so only at a line's start.
    let number = text.find(|ch: char| !ch.is_ascii_digit()).filter(|&end| end > 0 && text[end..].starts_with(['.', ')']));
    for (at, ch) in text.char_indices() {
        let opens = at == 0 && matches!(ch, '#' | '-' | '+' | '=') || Some(at) == number;
        if opens || matches!(ch, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '~') {
            out.push('\\');
        }
        out.push(ch);
    }
    out
}
