//! Captions as files hold them: from cues to lines with a start and an end.

use engine::cue::Cue;
use engine::packet::Packet;
use engine::time::Time;
use std::sync::Arc;

/// A caption with both its times, `start < end`; its text has no empty lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caption {
    pub(crate) start: Time,
    pub(crate) end: Time,
    /// Lines parted by `\n`, trimmed, none of them empty.
    pub(crate) text: String,
}

/// Gathers caption cues until the end of the programme is known.
#[derive(Debug, Default)]
pub(super) struct Captions {
    seen: Vec<(Time, Option<Time>, Arc<str>)>,
}

impl Captions {
    /// Takes note of a caption; other cues are let pass.
    pub(super) fn add(&mut self, packet: &Packet<Cue>) {
        if let Cue::Caption(text) = &packet.media {
            self.seen.push((packet.pts, packet.end(), text.clone()));
        }
    }

    /// All captions within zero and `end`, in order of their start. One without a length shows until the next one, and an empty one only
    /// ends it. One that is stated again before it is over goes on.
    pub(super) fn until(self, end: Time) -> Vec<Caption> {
        let next: Vec<Time> = self.seen.iter().skip(1).map(|(start, ..)| *start).chain([end]).collect();
        let captions = self.seen.into_iter().zip(next).map(|((start, until, text), next)| Caption {
            start: start.max(Time::ZERO),
            end: until.unwrap_or(next).min(end),
            text: lines(&text),
        });
        let mut shown: Vec<Caption> = Vec::new();
        for caption in captions.filter(|caption| caption.start < caption.end && !caption.text.is_empty()) {
            match shown.last_mut() {
                Some(last) if last.text == caption.text && caption.start <= last.end => last.end = last.end.max(caption.end),
                _ => shown.push(caption),
            }
        }
        shown
    }
}

/// Trimmed lines without empty ones (in both subtitle formats an empty line ends a caption) and without NUL, which no text file holds.
fn lines(text: &str) -> String {
    let text = text.replace('\0', "\u{fffd}").replace('\r', "\n");
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::time::Span;

    fn at(millis: i64) -> Time {
        Time::ZERO + Span::from_millis(millis)
    }

    #[test]
    fn captions_get_an_end_and_lose_what_cannot_be_shown() {
        let caption = |text: &str| Cue::Caption(text.into());
        let mut captions = Captions::default();
        captions.add(&Packet::lasting(at(0), Span::from_millis(500), caption(" one\r\n\r\n two ")));
        captions.add(&Packet::new(at(600), Cue::Rest));
        captions.add(&Packet::new(at(700), caption("held")));
        captions.add(&Packet::new(at(900), caption("")));
        captions.add(&Packet::lasting(at(950), Span::from_millis(500), caption("cut")));
        captions.add(&Packet::lasting(at(970), Span::from_millis(500), caption("cut")));
        captions.add(&Packet::lasting(at(1000), Span::from_millis(500), caption("beyond")));
        let lines: Vec<_> = captions.until(at(1000)).into_iter().map(|c| (c.start, c.end, c.text)).collect();
        let expected = [(at(0), at(500), "one\ntwo"), (at(700), at(900), "held"), (at(950), at(1000), "cut")];
        assert_eq!(lines, expected.map(|(start, end, text)| (start, end, text.to_string())));
    }
}
