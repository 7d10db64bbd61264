//! Captions of a clause: at most two lines to read, each shown while its words are spoken.

use super::text::{Clause, Token};
use super::voice::{Timed, Word};
use engine::time::Span;

/// Characters of one caption at most: two lines of 42.
const LONGEST: usize = 84;
/// A caption shows at least this long, where the pause after the clause leaves room.
const SHORTEST: Span = Span::from_millis(1200);
/// A caption stays this long after its last word, where there is room.
const LINGER: Span = Span::from_millis(400);

/// A line to read, timed from the start of the clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caption {
    pub at: Span,
    pub dur: Span,
    pub text: String,
}

/// Cuts a clause of which `words` were spoken, until `end` (its pause included).
pub(crate) fn captions(clause: &Clause, words: &[Timed<Word>], end: Span) -> Vec<Caption> {
    let mut pieces: Vec<(Span, Span, String)> = Vec::new();
    let length = |token: &Token| token.shown.chars().count() + usize::from(!token.joined);
    let mut rest: usize = clause.words.iter().map(length).sum();
    // Equal parts read better than a full one and a remainder.
    let mut parts = rest.div_ceil(LONGEST).max(1);
    let mut goal = rest.div_ceil(parts);
    for (index, token) in clause.words.iter().enumerate() {
        let spoken = || words.iter().filter(|word| word.value.token == index);
        let (from, until) = (spoken().map(|word| word.at).min(), spoken().map(Timed::end).max());
        match pieces.last_mut() {
            // The word that crosses the goal still belongs to this part, where the limit allows it.
            Some((_, last, text)) if from.is_none() || (text.chars().count() < goal && text.chars().count() + length(token) <= LONGEST) => {
                if !token.joined {
                    text.push(' ');
                }
                text.push_str(&token.shown);
                *last = until.unwrap_or(*last);
            }
            other => {
                if other.is_some() && parts > 1 {
                    parts -= 1;
                    goal = rest.div_ceil(parts);
                }
                let at = from.unwrap_or_else(|| pieces.last().map_or(Span::ZERO, |(_, last, _)| *last));
                pieces.push((at, until.unwrap_or(at), token.shown.clone()));
            }
        }
        rest -= length(token);
    }
    let starts: Vec<Span> = pieces.iter().skip(1).map(|(at, ..)| *at).chain([end]).collect();
    let time = |((at, last, text), next): ((Span, Span, String), Span)| {
        let until = (last + LINGER).max(at + SHORTEST).min(next);
        Caption { at, dur: until - at, text }
    };
    pieces.into_iter().zip(starts).map(time).filter(|caption| caption.dur > Span::ZERO).collect()
}

#[cfg(test)]
mod tests {
    use super::super::text::{Options, narrate};
    use super::*;

    #[test]
    fn long_clauses_are_cut_into_even_parts_that_follow_each_other() {
        let source =
            "This rather long sentence goes on and on about nothing in particular so that it has to be shown in more than one caption";
        let clause = narrate(source, "en", Options::default()).clauses.remove(0);
        let words: Vec<Timed<Word>> = (0..clause.words.len())
            .map(|token| {
                let value =
                    Word { token, text: clause.words[token].text.clone(), range: clause.words[token].range.clone(), stressed: false };
                Timed { at: Span::from_millis(300 * token as i64), dur: Span::from_millis(280), value }
            })
            .collect();
        let end = Span::from_millis(300 * words.len() as i64 + 380);
        let cut = captions(&clause, &words, end);
        assert_eq!(cut.len(), 2);
        assert!(cut.iter().all(|caption| caption.text.chars().count() <= LONGEST), "{cut:?}");
        assert!(cut[0].at + cut[0].dur <= cut[1].at);
        assert_eq!(cut.iter().map(|caption| caption.text.as_str()).collect::<Vec<_>>().join(" ").trim_end_matches('.'), source);
        assert!(cut[1].at + cut[1].dur <= end);
    }
}
