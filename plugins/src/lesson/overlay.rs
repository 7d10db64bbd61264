//! Additions over a slide's picture: what they are, and when they come.

use super::canvas::{ImageFile, Trigger};
use super::hash::Canon;
use super::model::{Narration, Slide};
use crate::writer::{sentence_ranges, terms};
use engine::cue::Anchor;
use engine::time::{Span, Time};
use std::collections::BTreeMap;
use std::ops::Range;

/// What an overlay is for; it decides place and look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayRole {
    /// A line of a numbered list that grows, in a column of a quarter of the picture's width.
    Bullet,
    /// A line of its own.
    Text,
    /// A mark of origin.
    Watermark,
    /// A name with what its bearer is: comes, stays a while and goes.
    LowerThird,
    /// A picture.
    Picture,
}

/// Something over the picture for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// What it is for.
    pub role: OverlayRole,
    /// What it says; of a lower third the name, of a picture nothing.
    pub text: String,
    /// Of a lower third: what stands below the name. May be empty.
    pub detail: String,
    /// Of a picture: which one.
    pub file: Option<ImageFile>,
    /// Of a picture: how high it is, as part of the slide's height, over 0 to 1. `None` = a third.
    pub height: Option<f64>,
    /// Which corner, edge or middle it is at; `None` = where its role puts it, away from the presenter. Bullets have a column of their own.
    pub anchor: Option<Anchor>,
    /// Appears. `None` = a bullet with the sentence that it goes with, a lower third shortly after the slide, all others with it.
    pub from: Option<Trigger>,
    /// Is gone, from the slide's start; `None` = with the slide, a lower third after five seconds.
    pub until: Option<Time>,
}

/// When a lower third comes that does not say it: the slide is taken in first.
const LOWER_THIRD: Span = Span::from_millis(800);
/// The first bullet of a slide that says nothing, or whose words are not known, and how far they are apart where nothing tells it.
const FIRST_BULLET: Span = Span::from_millis(500);
const BULLETS_APART: Span = Span::from_seconds(2);

impl Overlay {
    /// One that says something, where and as long as its role has it.
    pub fn new(role: OverlayRole, text: impl Into<String>) -> Overlay {
        Overlay { role, text: text.into(), detail: String::new(), file: None, height: None, anchor: None, from: None, until: None }
    }

    /// When it appears at the earliest, as far as that is known before anything is said.
    pub fn earliest(&self) -> Time {
        match &self.from {
            Some(Trigger::Time(at)) => Time::ZERO + *at,
            None if self.role == OverlayRole::LowerThird => Time::ZERO + LOWER_THIRD,
            Some(Trigger::Start | Trigger::Word { .. }) | None => Time::ZERO,
        }
    }

    pub(super) fn canon(&self, canon: Canon) -> Canon {
        let canon = canon
            .number(self.role as i64)
            .text(&self.text)
            .text(&self.detail)
            .option(self.file.as_ref(), |canon, file| canon.hash(file.hash))
            .option(self.height, Canon::real)
            .option(self.anchor, |canon, anchor| canon.number(anchor as i64));
        let canon = canon.option(self.from.as_ref(), |canon, from| match from {
            Trigger::Start => canon.text("time").number(0),
            Trigger::Time(at) => canon.text("time").number(at.0),
            Trigger::Word { text, nth } => canon.text("word").text(text).number(*nth as i64),
        });
        canon.option(self.until, |canon, until| canon.number(until.0))
    }
}

impl Slide {
    /// What sets off each of its overlays, in their order; words are those of [`Narration::spoken`]. Bullets that do not say it come with the
    /// sentences that share their words, in order; those between are spread over what is said between.
    pub fn triggers(&self) -> Vec<Trigger> {
        let own = |overlay: &Overlay| overlay.role != OverlayRole::Bullet || overlay.from.is_some();
        let bullets: Vec<&str> = self.overlays.iter().filter(|overlay| !own(overlay)).map(|overlay| overlay.text.as_str()).collect();
        let mut moments = self.moments(&bullets).into_iter();
        let trigger = |overlay: &Overlay| match &overlay.from {
            Some(from) => from.clone(),
            None if overlay.role == OverlayRole::Bullet => moments.next().unwrap_or_default(),
            None if overlay.role == OverlayRole::LowerThird => Trigger::Time(LOWER_THIRD),
            None => Trigger::Start,
        };
        self.overlays.iter().map(trigger).collect()
    }

    /// When these bullets come.
    fn moments(&self, bullets: &[&str]) -> Vec<Trigger> {
        let said = self.narration.spoken();
        let sentences = sentence_ranges(&said);
        if sentences.is_empty() {
            let apart = match &self.narration {
                Narration::Silence(length) => Span((length.0 - FIRST_BULLET.0).max(0) / bullets.len().max(1) as i64),
                Narration::Text(_) | Narration::Audio { .. } => BULLETS_APART,
            };
            return (0..bullets.len() as i64).map(|n| Trigger::Time(FIRST_BULLET + Span(apart.0 * n))).collect();
        }
        let chosen = matched(bullets, &said, &sentences);
        let (mut moments, mut last) = (Vec::new(), 0);
        for (index, sentence) in chosen.iter().enumerate() {
            let before = chosen[..index].iter().filter(|other| *other == sentence).count();
            let all = chosen.iter().filter(|other| *other == sentence).count();
            let words = word_starts(&said, &sentences[*sentence]);
            // The first one of a sentence comes with it, the others with their own word in it, or in equal steps.
            let named = words.iter().copied().find(|at| *at > last && names(&said[*at..], bullets[index]));
            let at = named.filter(|_| before > 0).unwrap_or(words[before * words.len() / all]).max(last);
            moments.push(Trigger::word_at(&said, at));
            last = at;
        }
        moments
    }
}

/// Where the words of a part of a text begin; its own beginning is always among them.
fn word_starts(text: &str, part: &Range<usize>) -> Vec<usize> {
    let mut starts = vec![part.start];
    let mut before = ' ';
    for (at, c) in text[part.clone()].char_indices() {
        if at > 0 && before.is_whitespace() && c.is_alphanumeric() {
            starts.push(part.start + at);
        }
        before = c;
    }
    starts
}

/// What two words share that mean the same in different forms.
const STEM: usize = 5;
/// Shorter words of plain letters are in every sentence.
const LEAST_NAME: usize = 4;
/// A bullet goes with a sentence when they share a word that few sentences have: one that stands in four of them tells nothing.
const LEAST_SHARED: f64 = 0.3;

/// The beginnings of the words of a text that tell something.
fn stems(text: &str) -> Vec<String> {
    let telling = |term: &&String| term.len() >= LEAST_NAME || !term.chars().all(|c| c.is_ascii_alphabetic());
    terms(text).iter().filter(telling).map(|term| term.chars().take(STEM).collect()).collect()
}

/// A text begins with a word of the bullet.
fn names(text: &str, bullet: &str) -> bool {
    let opening: String = text.chars().take(STEM).flat_map(char::to_lowercase).collect();
    stems(bullet).iter().any(|stem| opening.starts_with(stem.as_str()))
}

/// For each bullet its sentence, from the first to the last. Sentences that share words with bullets are chosen so that together they share
/// the most; the bullets between are spread evenly.
fn matched(bullets: &[&str], text: &str, sentences: &[Range<usize>]) -> Vec<usize> {
    let said: Vec<Vec<String>> = sentences.iter().map(|range| stems(&text[range.clone()])).collect();
    let mut rarity: BTreeMap<&str, f64> = BTreeMap::new();
    for sentence in &said {
        let mut own: Vec<&str> = sentence.iter().map(String::as_str).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|stem| *rarity.entry(stem).or_default() += 1.0);
    }
    let shared = |bullet: &[String], sentence: &[String]| -> f64 {
        let score: f64 = bullet.iter().filter(|stem| sentence.contains(stem)).map(|stem| 1.0 / rarity[stem.as_str()]).sum();
        if score < LEAST_SHARED { 0.0 } else { score }
    };
    // best[b][s]: the most that the first b bullets share, the last sentence being before s; and the choice that led there.
    let (rows, columns) = (bullets.len(), sentences.len());
    let mut best = vec![vec![0.0; columns + 1]; rows + 1];
    for (b, bullet) in bullets.iter().enumerate() {
        let bullet = stems(bullet);
        for (s, sentence) in said.iter().enumerate() {
            let score = shared(&bullet, sentence);
            let with = if score > 0.0 { best[b][s + 1] + score } else { 0.0 };
            best[b + 1][s + 1] = f64::max(best[b][s + 1], f64::max(best[b + 1][s], with));
        }
    }
    let mut found: Vec<Option<usize>> = vec![None; rows];
    let (mut b, mut s) = (rows, columns);
    while b > 0 && s > 0 {
        if best[b][s] == best[b][s - 1] {
            s -= 1;
        } else if best[b][s] == best[b - 1][s] {
            b -= 1;
        } else {
            found[b - 1] = Some(s - 1);
            b -= 1;
        }
    }
    spread(&found, columns)
}

/// Fills the gaps evenly.
fn spread(found: &[Option<usize>], sentences: usize) -> Vec<usize> {
    let mut all: Vec<usize> = Vec::new();
    for (index, own) in found.iter().enumerate() {
        let place = own.unwrap_or_else(|| {
            let before = (0..index).rev().find_map(|at| Some((at as i64, found[at]? as i64))).unwrap_or((-1, -1));
            let after = (index + 1..found.len()).find_map(|at| Some((at as i64, found[at]? as i64)));
            let (next, end) = after.unwrap_or((found.len() as i64, sentences as i64));
            let steps = (index as i64 - before.0) * (end - before.1);
            (before.1 + steps / (next - before.0)).clamp(0, sentences as i64 - 1) as usize
        });
        all.push(place.max(all.last().copied().unwrap_or(0)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{SILENT_SLIDE, Visual};

    fn slide(narration: Narration, bullets: &[&str]) -> Slide {
        Slide {
            id: "1".into(),
            number: 1,
            title: "One".into(),
            visual: Visual::Color([0; 3]),
            narration,
            voice: None,
            presenter: Default::default(),
            overlays: bullets.iter().map(|text| Overlay::new(OverlayRole::Bullet, *text)).collect(),
            transition: None,
            duration: None,
        }
    }

    /// Beginnings of the words that bullets come with, read on for a while.
    fn heard(text: &str, bullets: &[&str]) -> Vec<String> {
        let slide = slide(Narration::Text(text.into()), bullets);
        let at = |trigger: Trigger| text[trigger.place(text).unwrap()..].chars().take(9).collect();
        slide.triggers().into_iter().map(at).collect()
    }

    const NOTES: &str = "Good morning. Wind turbines turn moving air into current. They stand where the land is flat. \
        Solar panels work in the desert. In the end it is the price that counts. Thank you.";

    #[test]
    fn bullets_come_with_the_sentences_that_share_their_words() {
        assert_eq!(heard(NOTES, &["Wind turbine", "Solar panel", "Price counts"]), ["Wind turb", "Solar pan", "In the en"]);
        assert_eq!(heard(NOTES, &["Wind", "Nothing of the kind", "Price"]), ["Wind turb", "They stan", "In the en"], "one between");
        assert_eq!(heard(NOTES, &["Xxx", "Yyy", "Zzz"]), ["Good morn", "They stan", "In the en"], "spread");
    }

    #[test]
    fn those_of_one_sentence_are_spread_over_its_words() {
        assert_eq!(heard("It has captions, overlays and music.", &["Captions", "Overlays", "Music"]), ["It has ca", "overlays ", "music."]);
        assert_eq!(heard("Short.", &["a", "b", "c"]), ["Short.", "Short.", "Short."]);
    }

    #[test]
    fn without_words_time_decides_and_what_is_said_is_kept() {
        let silent = slide(Narration::Silence(SILENT_SLIDE), &["a", "b"]).triggers();
        assert_eq!(silent, [Trigger::Time(FIRST_BULLET), Trigger::Time(Span::from_millis(1750))]);
        let mut given = slide(Narration::Text(NOTES.into()), &["Wind", "Solar panel"]);
        given.overlays[0].from = Some(Trigger::Time(Span::SECOND));
        given.overlays.push(Overlay::new(OverlayRole::LowerThird, "Ada"));
        given.overlays.push(Overlay::new(OverlayRole::Text, "x"));
        let triggers = given.triggers();
        assert_eq!((&triggers[0], &triggers[3]), (&Trigger::Time(Span::SECOND), &Trigger::Start));
        assert_eq!(triggers[1], Trigger::Word { text: "Solar".into(), nth: 1 });
        assert_eq!(triggers[2], Trigger::Time(LOWER_THIRD));
        assert_eq!((given.overlays[2].earliest(), given.overlays[0].earliest()), (Time::ZERO + LOWER_THIRD, Time::ZERO + Span::SECOND));
    }
}
