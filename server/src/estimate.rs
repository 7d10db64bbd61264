//! About how long a slide will be, before anything is spoken.

use engine::time::Span;
use plugins::lesson::{LEAD_IN, Narration, Slide, TAIL};
use plugins::speech::text::{Options, narrate};

/// Speech runs at about this many characters a second, pauses not counted.
const CHARACTERS_A_SECOND: f64 = 19.0;

/// The length of a slide; `None` for a recording, whose length is known only when it is decoded.
pub fn length(slide: &Slide, language: &str) -> Option<Span> {
    let least = slide.least();
    let spoken = match &slide.narration {
        Narration::Silence(span) => *span,
        Narration::Audio { .. } => return None,
        Narration::Text(text) => {
            let script = narrate(text, language, Options::default());
            let lead = LEAD_IN.max(slide.transition.unwrap_or_default().duration()) + script.lead;
            let said = |clause: &plugins::speech::text::Clause| {
                let characters: usize = clause.words.iter().map(|word| word.spoken.chars().count() + 1).sum();
                Span::from_seconds_f64(characters as f64 / CHARACTERS_A_SECOND)
            };
            let pauses: Span = script.clauses.iter().rev().skip(1).map(|clause| clause.pause_after).sum();
            lead + script.clauses.iter().map(said).sum() + pauses + TAIL
        }
    };
    Some(spoken.max(least))
}

/// Words that a slide's narration has.
pub fn words(slide: &Slide) -> usize {
    match &slide.narration {
        Narration::Text(text) => text.split_whitespace().count(),
        Narration::Audio { words, .. } => words.as_ref().map_or(0, Vec::len),
        Narration::Silence(_) => 0,
    }
}
