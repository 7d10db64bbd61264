//! One slide's sound and cues, grown clause by clause and drained block by block.

use super::captions::{Caption, Captions};
use super::text::{Clause, Ends};
use super::voice::{SAMPLES, Synthesis, Word};
use crate::lesson::TimedWord;
use engine::cue::{Cue, VisemeCue, WordCue};
use engine::packet::Packet;
use engine::segments::Hash;
use engine::time::{Span, Time};
use std::collections::VecDeque;

/// What is ready of a slide and not yet sent. Times count from the slide's start.
#[derive(Default)]
pub(crate) struct Timeline {
    /// It is said beside the slide's narration.
    aside: bool,
    samples: VecDeque<f32>,
    cues: VecDeque<(Span, Option<Span>, Cue)>,
    /// What has been said and is in no caption yet.
    captions: Captions,
    /// Samples made so far, sent ones included.
    made: i64,
    /// Samples sent so far.
    sent: i64,
    /// Clauses added so far.
    clauses: usize,
}

/// What a slide's sound and cues are made of, by name.
#[derive(Clone)]
pub(crate) struct Content {
    /// What is heard, with the words and mouth shapes that go with it: up to the end of each second, the last one that of the slide.
    heard: Vec<Hash>,
    /// What all that looks random comes from.
    pub seed: Hash,
    /// Where the presenter stands.
    pub place: Hash,
    pub transition: Hash,
}

impl Content {
    /// All of it.
    pub fn hash(&self) -> Hash {
        Hash::of_all(self.heard.last().copied().into_iter().chain([self.seed, self.place, self.transition]))
    }

    /// What is heard up to this time, and perhaps up to a second more.
    pub fn heard(&self, until: Span) -> Hash {
        let second = (until.0 + Span::SECOND.0 - 1) / Span::SECOND.0;
        let heard = self.heard.get((second - 1).max(0) as usize).or(self.heard.last());
        heard.copied().unwrap_or_else(|| Hash::of(""))
    }
}

impl Default for Content {
    fn default() -> Content {
        let none = Hash::of("");
        Content { heard: Vec::new(), seed: none, place: none, transition: none }
    }
}

impl Timeline {
    /// One of what is said beside the narration.
    pub fn aside() -> Timeline {
        Timeline { aside: true, ..Timeline::default() }
    }

    /// How much has been made.
    pub fn length(&self) -> Span {
        SAMPLES.span_of(self.made)
    }

    /// How much has been sent.
    pub fn position(&self) -> Span {
        SAMPLES.span_of(self.sent)
    }

    /// Samples that wait.
    pub fn waiting(&self) -> usize {
        self.samples.len()
    }

    /// Samples that can be sent: up to the first word whose caption is not known yet.
    pub fn ready(&self) -> usize {
        let known = self.captions.open_since().map_or(self.made, |word| SAMPLES.count_in(word));
        ((known - self.sent).max(0) as usize).min(self.samples.len())
    }

    /// Adds an event at the end of what has been made, lasting `dur` if that is known.
    pub fn cue(&mut self, dur: Option<Span>, cue: Cue) {
        self.cues.push_back((self.length(), dur, cue));
    }

    /// Adds silence.
    pub fn silence(&mut self, span: Span) {
        let count = SAMPLES.count_in(span).max(0);
        self.samples.extend(std::iter::repeat_n(0.0, count as usize));
        self.made += count;
    }

    /// Adds sound without a text: `cues` with times from its start.
    pub fn sound(&mut self, samples: &[f32], gain: f32, cues: Vec<(Span, Option<Span>, Cue)>) {
        let start = self.length();
        self.cues.extend(cues.into_iter().map(|(at, dur, cue)| (start + at, dur, cue)));
        self.samples.extend(samples.iter().map(|sample| sample * gain));
        self.made += samples.len() as i64;
    }

    /// Adds a spoken clause and the pause after it; `later` are the clauses that come then.
    pub fn clause(&mut self, clause: &Clause, spoken: &Synthesis, gain: f32, later: &[Clause]) {
        let pause = if later.is_empty() { Span::ZERO } else { clause.pause_after };
        self.captions.hear(clause, &spoken.words, self.length());
        let mut cues: Vec<(Span, Option<Span>, Cue)> = Vec::new();
        for word in &spoken.words {
            let Word { token, text, range, stressed } = &word.value;
            let range = (!self.aside).then(|| range.clone());
            let emphasis = clause.words.get(*token).is_some_and(|token| token.emphasis);
            let cue = WordCue { text: text.as_str().into(), range, stressed: *stressed, emphasis, estimated: spoken.estimated };
            cues.push((word.at, Some(word.dur), Cue::Word(cue.into())));
        }
        for phoneme in &spoken.phonemes {
            cues.push((phoneme.at, Some(phoneme.dur), Cue::Phoneme(phoneme.value.ipa.as_str().into())));
        }
        for viseme in &spoken.visemes {
            cues.push((viseme.at, Some(viseme.dur), Cue::Viseme(VisemeCue { viseme: viseme.value, strength: 1.0 })));
        }
        if clause.ends != Ends::Comma {
            let at = spoken.words.last().map_or(spoken.duration(), |word| word.end());
            cues.push((at, None, Cue::SentenceEnd { question: clause.ends == Ends::Question }));
        }
        cues.sort_by_key(|(at, ..)| *at);
        // Who waits for an answer hears its first clause before the second one is made.
        let is_first_of_answer = self.aside && self.clauses == 0;
        self.clauses += 1;
        self.sound(&spoken.samples, gain, cues);
        self.silence(pause);
        if is_first_of_answer || self.captions.is_closed(clause, later, self.length()) {
            self.close_captions();
        }
    }

    /// Adds a recording with the times of its words, if they are known: `visemes` with times from its start.
    pub fn recording(&mut self, samples: &[f32], gain: f32, visemes: Vec<(Span, Option<Span>, Cue)>, words: &[TimedWord]) {
        let start = self.length();
        let mut cues = visemes;
        let mut captions = Vec::new();
        let mut place = 0;
        for word in words {
            // As in `Narration::spoken`.
            let range = Some(place..place + word.text.len());
            place += word.text.len() + 1;
            let (at, until) = (word.start.since_start(), word.end.since_start());
            captions.extend(self.captions.hear_word(&word.text, start + at, start + until));
            let cue = WordCue { text: word.text.as_str().into(), range, stressed: false, emphasis: false, estimated: false };
            cues.push((at, Some(until - at), Cue::Word(cue.into())));
        }
        cues.sort_by_key(|(at, ..)| *at);
        self.sound(samples, gain, cues);
        self.show(captions);
    }

    /// What has been said is all that its captions show; they may stay up to here.
    pub fn close_captions(&mut self) {
        let captions = self.captions.cut(self.length());
        self.show(captions);
    }

    /// Before the words that they begin with.
    fn show(&mut self, captions: Vec<Caption>) {
        for Caption { at, dur, text } in captions {
            let place = self.cues.partition_point(|(other, ..)| *other < at);
            self.cues.insert(place, (at, Some(dur), Cue::Caption(text.into())));
        }
    }

    /// Hashes of all that has been made, before any of it is taken: of what is heard, with the words and mouth shapes that go with it,
    /// and of how the slide looks while it shows.
    pub fn content(&self) -> Content {
        let mut hasher = blake3::Hasher::new();
        let mut heard = Vec::new();
        let mut look = Content::default();
        let mut cues = self.cues.iter().peekable();
        let mut samples = self.samples.iter().peekable();
        let mut second = Vec::new();
        while samples.peek().is_some() {
            second.clear();
            second.extend(samples.by_ref().take(SAMPLES.count_in(Span::SECOND) as usize).flat_map(|sample| sample.to_le_bytes()));
            hasher.update(&second);
            let end = Span(Span::SECOND.0 * (heard.len() as i64 + 1));
            while let Some((at, dur, cue)) = cues.next_if(|(at, ..)| *at < end || samples.peek().is_none()) {
                let Cue::Slide(slide) = cue else {
                    hasher.update(format!("{} {} {cue:?}\n", at.0, dur.map_or(-1, |dur| dur.0)).as_bytes());
                    continue;
                };
                look.seed = Hash::of(slide.seed.to_le_bytes());
                look.place = Hash::of(format!("{:?} {:?}", slide.placement, slide.fades_from));
                look.transition = Hash::of(format!("{:?}", slide.transition));
            }
            heard.push(Hash(*hasher.finalize().as_bytes()));
        }
        Content { heard, ..look }
    }

    /// Takes up to `count` samples and the cues that begin before their end, as packets that count from `start`.
    pub fn take(&mut self, count: usize, start: Time) -> (Vec<f32>, Vec<Packet<Cue>>) {
        let count = count.min(self.ready());
        let samples: Vec<f32> = self.samples.drain(..count).collect();
        self.sent += count as i64;
        let until = self.position();
        let due = self.cues.partition_point(|(at, ..)| *at < until);
        let packet = |(at, dur, cue)| Packet { dur, ..Packet::new(start + at, cue) };
        (samples, self.cues.drain(..due).map(packet).collect())
    }

    /// The cues that are left when all samples are sent: those at the very end.
    pub fn take_rest(&mut self, start: Time) -> Vec<Packet<Cue>> {
        self.cues.drain(..).map(|(at, dur, cue)| Packet { dur, ..Packet::new(start + at, cue) }).collect()
    }
}
