//! The local writer: no network, no model. It chooses sentences of the content, orders and shortens them, and adds a greeting, an
//! overview and a summary in the content's language. It does not write sentences of its own and cannot translate; it says so.
//!
//! A pure function of content and brief: the same input gives the same script.

mod converse;
mod outline;
mod phrases;
mod points;
mod score;

#[cfg(test)]
mod tests;

use super::brief::{Brief, Extent, Wishes};
use super::content::{Content, Part, Passage, ended};
use super::sentences::{is_wide, length, seconds};
use super::{KeyPoints, Notes, Outline, Planned, Role, Writer, WriterError};
pub(super) use converse::converse;
use engine::time::Span;
use phrases::Phrases;
use score::{Scored, best, score};

/// Content that takes up to this long to say is said whole, of what is more about a third, unless asked otherwise.
const WHOLE_UP_TO: f64 = 240.0;
const KEPT_ABOVE: f64 = 0.35;
/// The longest lecture that nobody asked for.
const LONGEST: f64 = 1200.0;
/// Lead-in, tail and what a slide needs besides its words.
const SECONDS_BETWEEN_SLIDES: f64 = 1.0;
/// Below this length there is no time for greetings.
const TIME_FOR_GREETINGS: f64 = 40.0;

/// The default writer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Writer for Local {
    fn name(&self) -> String {
        "the local writer".into()
    }

    fn analyse(&self, content: &Content, brief: &Brief, _: &mut Notes) -> Result<Vec<KeyPoints>, WriterError> {
        let wishes = Wishes::read(brief, &content.language);
        Ok(points::key_points(content, &score(content, &wishes, false), &wishes))
    }

    fn outline(&self, content: &Content, points: &[KeyPoints], brief: &Brief, notes: &mut Notes) -> Result<Outline, WriterError> {
        Ok(outline::outline(content, points, &Wishes::read(brief, &content.language), notes))
    }

    fn write(&self, content: &Content, outline: &Outline, brief: &Brief, notes: &mut Notes) -> Result<Vec<String>, WriterError> {
        let wishes = Wishes::read(brief, &content.language);
        notes.add(
            "the script was put together by the local writer: sentences of the content, chosen and shortened by rules, nothing is added. \
             A language model writes freely: set LECTERN_WRITER_URL, or give --writer URL",
        );
        remarks(&wishes, notes);
        let scored = score(content, &wishes, wishes.extent == Extent::Verbatim);
        let of_slide =
            |slide: &Planned| -> Vec<Scored> { slide.passages.iter().flat_map(|index| scored[*index].iter().cloned()).collect() };
        let slides: Vec<Vec<Scored>> = outline.slides.iter().map(of_slide).collect();
        let full: f64 = slides.iter().flatten().map(|sentence| seconds(&sentence.text)).sum();
        let around: Vec<String> = outline.slides.iter().map(|slide| framing(slide, content, &wishes)).collect();
        let spent = length(&around).as_seconds() + outline.slides.len() as f64 * SECONDS_BETWEEN_SLIDES;
        let target = target(full, spent, &wishes);
        if wishes.length.is_none() && wishes.extent == Extent::Usual && target < full {
            notes.add(format!(
                "the content takes about {} to say and was summarised to about {}; --instructions \"everything\" keeps it whole, --minutes N makes it another length",
                minutes(full),
                minutes(target)
            ));
        }
        let share = if full > 0.0 { (target / full).min(1.0) } else { 1.0 };
        let mut script = Vec::new();
        for ((slide, sentences), around) in outline.slides.iter().zip(slides).zip(around) {
            let own: f64 = sentences.iter().map(|sentence| seconds(&sentence.text)).sum();
            let chosen = if share < 1.0 { best(&sentences, own * share, |sentence| seconds(&sentence.text)) } else { sentences };
            script.push(match slide.role {
                Role::Points => spoken(&chosen, &wishes),
                _ => around,
            });
        }
        if let Some(asked) = wishes.length {
            let got = length(&script).as_seconds() + outline.slides.len() as f64 * SECONDS_BETWEEN_SLIDES;
            if got < asked.as_seconds() * 0.7 {
                notes.add(format!("the content is enough for about {}; the local writer adds nothing to make it longer", minutes(got)));
            }
        }
        Ok(script)
    }

    fn revise(&self, script: &[String], language: &str, brief: &Brief, notes: &mut Notes) -> Result<Vec<String>, WriterError> {
        let wishes = Wishes::read(brief, language);
        remarks(&wishes, notes);
        let passage = |text: &String| Passage {
            parts: text.lines().filter(|line| !line.trim().is_empty()).map(|line| Part::Prose(line.into())).collect(),
            ..Passage::default()
        };
        let content = Content { title: String::new(), language: language.into(), passages: script.iter().map(passage).collect() };
        let scored = score(&content, &wishes, true);
        let full: f64 = scored.iter().flatten().map(|sentence| seconds(&sentence.text)).sum();
        let spent = script.len() as f64 * SECONDS_BETWEEN_SLIDES;
        let share = match (wishes.length, wishes.extent) {
            (Some(asked), _) => ((asked.as_seconds() - spent).max(1.0) / full.max(1.0)).min(1.0),
            (None, Extent::Short) => 0.5,
            _ => 1.0,
        };
        let changes = share < 1.0 || wishes.simple || wishes.calm || !wishes.omit.is_empty() || wishes.only;
        if !changes {
            return Ok(script.to_vec());
        }
        notes.add("the narration was changed by the local writer, by rules: it shortens and leaves out, and adds nothing");
        let slide = |sentences: &Vec<Scored>| {
            let own: f64 = sentences.iter().map(|sentence| seconds(&sentence.text)).sum();
            let chosen = if share < 1.0 { best(sentences, own * share, |sentence| seconds(&sentence.text)) } else { sentences.clone() };
            spoken(&chosen, &wishes)
        };
        Ok(scored.iter().map(slide).collect())
    }

    fn translate(&self, _: &[String], from: &str, to: &str, notes: &mut Notes) -> Result<Option<Vec<String>>, WriterError> {
        notes.add(untranslated(from, to));
        Ok(None)
    }

    fn summarise(&self, content: &Content, length: Span, brief: &Brief, notes: &mut Notes) -> Result<String, WriterError> {
        let wishes = Wishes::read(brief, &content.language);
        remarks(&wishes, notes);
        let passages = score(content, &wishes, false);
        let all: Vec<Scored> = passages
            .into_iter()
            .flat_map(|passage| passage.into_iter().enumerate().map(|(index, sentence)| Scored { first: index == 0, ..sentence }))
            .collect();
        Ok(spoken(&best(&all, length.as_seconds(), |sentence| seconds(&sentence.text)), &wishes))
    }
}

/// Seconds of speech for the content, of which saying it all takes `full`, when the rest takes `spent`.
fn target(full: f64, spent: f64, wishes: &Wishes) -> f64 {
    let usual = if full <= WHOLE_UP_TO { full } else { (WHOLE_UP_TO + (full - WHOLE_UP_TO) * KEPT_ABOVE).min(LONGEST) };
    match (wishes.length, wishes.extent) {
        (_, Extent::Verbatim) => full,
        (Some(asked), _) => (asked.as_seconds() - spent).max(1.0),
        (None, Extent::Short) => usual * 0.5,
        (None, Extent::Whole) => full,
        (None, Extent::Usual) => usual,
    }
}

/// What is said at slides without content of their own.
fn framing(slide: &Planned, content: &Content, wishes: &Wishes) -> String {
    let hurried = wishes.length.is_some_and(|length| length.as_seconds() < TIME_FOR_GREETINGS);
    let title = slide.title.trim_end_matches(['.', '。', '…']);
    let Some(phrases) = Phrases::of(&content.language) else {
        return if slide.role == Role::Points { String::new() } else { ended(title) };
    };
    let with = |phrase: &str, what: &str| phrase.replacen("{}", what.trim_end_matches(['.', '。', '…']), 1);
    match slide.role {
        Role::Title if hurried => ended(title),
        Role::Title if wishes.friendly => format!("{} {}", phrases.hello, with(phrases.welcome, title)),
        Role::Title => with(phrases.welcome, title),
        Role::Agenda => with(phrases.agenda_says, &slide.points.join(phrases.comma)),
        Role::Chapter => ended(title),
        Role::Closing if slide.points.is_empty() => phrases.thanks_says.into(),
        Role::Closing => {
            let points = slide.points.iter().map(|point| ended(point)).collect::<Vec<_>>().join(" ");
            format!("{} {points}\n{}", phrases.summary_says, phrases.thanks_says)
        }
        Role::Points => String::new(),
    }
}

/// Sentences as a narration: one paragraph a line.
fn spoken(sentences: &[Scored], wishes: &Wishes) -> String {
    let mut text = String::new();
    for (index, sentence) in sentences.iter().enumerate() {
        let said = if wishes.simple { plain(&sentence.text) } else { sentence.text.clone() };
        if index > 0 {
            // Short items of a list belong together; paragraphs stand apart.
            let apart = sentence.first;
            match (apart, said.chars().next().is_some_and(is_wide)) {
                (true, _) if wishes.calm => text.push_str(" [pause 0.8s]\n"),
                (true, _) => text.push('\n'),
                (false, true) => {}
                (false, false) => text.push(' '),
            }
        }
        text.push_str(&said);
    }
    text
}

/// A sentence in shorter ones, without asides.
fn plain(sentence: &str) -> String {
    let text = points::without_brackets(sentence);
    let mut plain = String::new();
    for piece in text.split(['；', ';']).flat_map(|piece| piece.split(" – ")).flat_map(|piece| piece.split(" — ")) {
        let piece = ended(piece);
        let mut characters = piece.chars();
        let Some(first) = characters.next() else { continue };
        if !plain.is_empty() && !is_wide(first) {
            plain.push(' ');
        }
        plain.extend(first.to_uppercase());
        plain.push_str(characters.as_str());
    }
    plain
}

/// Says what of the instructions is not followed.
fn remarks(wishes: &Wishes, notes: &mut Notes) {
    for clause in &wishes.unknown {
        notes.add(format!(
            "the local writer does not understand {clause:?} and left it undone; it knows lengths (\"2 minutes\", \"5 slides\", shorter, everything), \
             \"short sentences\", \"calm\", \"friendly\", \"focus on …\" and \"leave out …\""
        ));
    }
    if let Some(language) = &wishes.foreign {
        notes.add(untranslated("the content's language", language));
    }
}

fn untranslated(from: &str, to: &str) -> String {
    format!(
        "the local writer cannot translate: the lecture stays in {from} instead of {to:?}. A language model can: set LECTERN_WRITER_URL, or give --writer URL"
    )
}

/// `50 s`, `3 min`.
fn minutes(seconds: f64) -> String {
    if seconds < 90.0 { format!("{:.0} s", seconds.max(1.0)) } else { format!("{:.0} min", seconds / 60.0) }
}
