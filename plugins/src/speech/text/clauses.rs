//! Words and punctuation grouped into clauses.
//!
//! A clause ends at every mark inside a sentence that a speaker would breathe at. Two corrections make them good to speak and to wait
//! for: comma parts of one to three words are joined with a neighbour (a voice reads lists better in one go, and a lone word
//! costs as much overhead as a clause), and parts longer than the limit are cut, best before a conjunction.

use engine::time::Span;
use std::sync::Arc;

use super::words::Piece;
use super::{Clause, Ends, Narration, Options, Token, Unspoken};

/// Comma parts with fewer words are joined with a neighbour …
const SHORT: usize = 4;
/// … as long as the whole does not get longer than this.
const JOINED: usize = 14;
/// Bytes of spoken text in a clause at most, against words made of symbols.
const LONGEST_SPOKEN: usize = 400;

/// Good words to cut a long clause before.
const CONJUNCTIONS: &[&str] = &[
    "and", "but", "or", "because", "which", "that", "while", "when", "where", "so", "if", "although", "who", "with", "for", "as", "to",
    "from", "in", "on", "by", "und", "aber", "oder", "weil", "dass", "wenn", "et", "mais", "ou", "que", "y", "pero", "o", "e", "ma",
];

const AFTER_CUT: Span = Span::from_millis(60);
const AFTER_COMMA: Span = Span::from_millis(180);
const AFTER_COLON: Span = Span::from_millis(260);
const AFTER_SENTENCE: Span = Span::from_millis(380);
const AFTER_PARAGRAPH: Span = Span::from_millis(650);

/// A part of a sentence up to a mark.
struct Part {
    words: Vec<Token>,
    unspoken: Vec<Unspoken>,
    /// `,` `;` `:` `-` inside a sentence, `.` `!` `?` at its end.
    mark: char,
    paragraph: bool,
    explicit: Option<Span>,
    /// Cut for length only.
    cut: bool,
    voice: Option<Arc<str>>,
}

impl Part {
    fn is_end(&self) -> bool {
        matches!(self.mark, '.' | '!' | '?')
    }
}

/// Groups pieces into clauses.
pub(super) fn group(pieces: Vec<Piece>, options: Options) -> Narration {
    let (lead, parts) = parts(pieces);
    let mut all: Vec<Part> = Vec::new();
    for part in join(parts) {
        let first = if all.is_empty() { options.longest_first } else { options.longest_clause };
        cut(part, first.max(1), options.longest_clause.max(1), &mut all);
    }
    let last = all.len().saturating_sub(1);
    let clauses = all.into_iter().enumerate().map(|(index, part)| clause(part, index == last)).collect();
    Narration { lead, clauses }
}

/// Collects words up to each mark; pauses attach to the part before them, or to the start.
fn parts(pieces: Vec<Piece>) -> (Span, Vec<Part>) {
    let mut lead = Span::ZERO;
    let mut parts: Vec<Part> = Vec::new();
    let mut words: Vec<Token> = Vec::new();
    let mut unspoken: Vec<Unspoken> = Vec::new();
    let mut voice: Option<Arc<str>> = None;
    let close = |words: &mut Vec<Token>, unspoken: &mut Vec<Unspoken>, parts: &mut Vec<Part>, voice: &Option<Arc<str>>, mark: char| {
        if !words.is_empty() {
            parts.push(Part {
                words: std::mem::take(words),
                unspoken: std::mem::take(unspoken),
                mark,
                paragraph: false,
                explicit: None,
                cut: false,
                voice: voice.clone(),
            });
        } else if let Some(last) = parts.last_mut().filter(|last| !last.is_end() && matches!(mark, '.' | '!' | '?')) {
            last.mark = mark;
        }
    };
    for piece in pieces {
        match piece {
            Piece::Word(token) => words.push(token),
            Piece::Unspoken(what) => unspoken.push(what),
            Piece::Comma => {
                if let Some(last) = words.last_mut() {
                    last.comma = true;
                }
            }
            Piece::Break(mark) | Piece::End(mark) => close(&mut words, &mut unspoken, &mut parts, &voice, mark),
            Piece::Paragraph => {
                close(&mut words, &mut unspoken, &mut parts, &voice, '.');
                if let Some(last) = parts.last_mut() {
                    last.paragraph = true;
                }
            }
            Piece::Voice(name) => {
                close(&mut words, &mut unspoken, &mut parts, &voice, '.');
                voice = name.map(Into::into);
            }
            Piece::Pause(span) => {
                close(&mut words, &mut unspoken, &mut parts, &voice, ',');
                match parts.last_mut() {
                    Some(last) => last.explicit = Some(last.explicit.unwrap_or(Span::ZERO) + span),
                    None => lead += span,
                }
            }
        }
    }
    close(&mut words, &mut unspoken, &mut parts, &voice, '.');
    if !unspoken.is_empty() {
        match parts.last_mut() {
            Some(last) => last.unspoken.append(&mut unspoken),
            None => parts.push(Part { words, unspoken, mark: '.', paragraph: false, explicit: None, cut: false, voice }),
        }
    }
    (lead, parts)
}

/// Joins short comma parts with the part after them.
fn join(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        match joined.last_mut() {
            Some(last)
                if last.mark == ','
                    && last.voice == part.voice
                    && last.explicit.is_none()
                    && (last.words.len() < SHORT || part.words.len() < SHORT)
                    && last.words.len() + part.words.len() <= JOINED =>
            {
                last.words.last_mut().expect("a part before another has words").comma = true;
                last.words.append(&mut part.words);
                last.unspoken.append(&mut part.unspoken);
                (last.mark, last.paragraph, last.explicit) = (part.mark, part.paragraph, part.explicit);
            }
            _ => joined.push(part),
        }
    }
    joined
}

/// Cuts a part until each piece is within its limit.
fn cut(mut part: Part, first: usize, others: usize, all: &mut Vec<Part>) {
    let mut limit = first;
    loop {
        let mut bytes = 0;
        let fitting = part.words.iter().take_while(|word| {
            bytes += word.spoken.len() + 1;
            bytes <= LONGEST_SPOKEN
        });
        let most = fitting.count().clamp(1, limit);
        if part.words.len() <= most {
            all.push(part);
            return;
        }
        let at = place(&part.words, most);
        let rest = part.words.split_off(at);
        let border = rest[0].range.start;
        let later = part.unspoken.iter().position(|what| what.range.start >= border).unwrap_or(part.unspoken.len());
        let unspoken = part.unspoken.split_off(later);
        let comma = std::mem::take(&mut part.words.last_mut().expect("cut after at least one word").comma);
        let next = Part { words: rest, unspoken, ..part };
        all.push(Part {
            words: part.words,
            unspoken: part.unspoken,
            mark: ',',
            paragraph: false,
            explicit: None,
            cut: !comma,
            voice: next.voice.clone(),
        });
        part = next;
        limit = others;
    }
}

/// Where to cut so that at most `most` words come first: after a comma, else before a conjunction, in the last two thirds of what fits
/// and near to the middle of the whole; else as evenly as possible.
fn place(words: &[Token], most: usize) -> usize {
    let pieces = words.len().div_ceil(most);
    let even = words.len().div_ceil(pieces).clamp(1, most);
    let range = most.div_ceil(3).max(1)..=most;
    let nearest = |good: &dyn Fn(usize) -> bool| range.clone().filter(|&at| good(at)).min_by_key(|at| at.abs_diff(even));
    nearest(&|at| words[at - 1].comma)
        .or_else(|| nearest(&|at| CONJUNCTIONS.contains(&words[at].text.to_lowercase().as_str())))
        .unwrap_or(even)
}

fn clause(part: Part, is_last: bool) -> Clause {
    let (mark, natural) = match part.mark {
        ',' if part.cut => (',', AFTER_CUT),
        ',' => (',', AFTER_COMMA),
        '-' => (',', AFTER_COLON),
        mark @ (';' | ':') => (mark, AFTER_COLON),
        mark => (mark, if part.paragraph { AFTER_PARAGRAPH } else { AFTER_SENTENCE }),
    };
    let ends = match mark {
        '?' if !part.paragraph => Ends::Question,
        '.' | '!' | '?' => {
            if part.paragraph {
                Ends::Paragraph
            } else {
                Ends::Sentence
            }
        }
        _ => Ends::Comma,
    };
    let mut text = String::new();
    for word in &part.words {
        if !text.is_empty() && !word.joined {
            text.push(' ');
        }
        text.push_str(&word.shown);
    }
    let range = match (part.words.first(), part.words.last(), part.unspoken.first(), part.unspoken.last()) {
        (Some(first), Some(last), ..) => first.range.start..last.range.end,
        (_, _, Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..0,
    };
    let pause_after = part.explicit.unwrap_or(if is_last { Span::ZERO } else { natural });
    Clause { text, range, words: part.words, unspoken: part.unspoken, mark, ends, pause_after, voice: part.voice }
}
