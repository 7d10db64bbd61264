//! What is said for a written word, in English: numbers, dates, times, money, units, abbreviations, addresses, acronyms, symbols.
//!
//! Words come in as chunks between white space, without the punctuation around them (an abbreviation keeps its dots), and are read in the
//! light of their neighbours. What comes out are words alone: the voice has no number left to read. Initials have dots between them,
//! which voices spell. In case of doubt a chunk is left as it stands.

mod address;
mod amount;
mod currency;
mod names;
mod number;
mod tables;
mod when;

use super::normalise::plain;
use tables::{abbreviation, month, weekday};

pub(super) use tables::symbol;

/// The reading of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// What is said; empty when nothing is.
    pub spoken: String,
    /// So many chunks after it are part of it (`$5 million`).
    pub takes: usize,
}

/// What stands beside a chunk.
pub(super) struct Around<'a> {
    /// The chunk before and the one before that, in the same sentence; empty where there is none.
    pub before: [&'a str; 2],
    /// Those after it, up to the next punctuation.
    pub after: &'a [&'a str],
    /// Brackets are around this chunk alone.
    pub bracketed: bool,
}

/// Reads one chunk.
pub(super) fn english(chunk: &str, around: &Around<'_>) -> Reading {
    let Reading { spoken, takes } = read(chunk, around);
    Reading { spoken: plain(&spoken), takes }
}

fn read(chunk: &str, around: &Around<'_>) -> Reading {
    let next = around.after.first().copied().unwrap_or_default();
    if let Some(read) = abbreviated(chunk, around) {
        return one(read);
    }
    if chunk.is_ascii() && chunk.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return one(chunk);
    }
    if let Some(reading) = names::tag(chunk) {
        return reading;
    }
    if let Some(read) = tables::known_name(chunk).map(str::to_owned).or_else(|| address::address(chunk)) {
        return one(&read);
    }
    if let Some(reading) = address::telephone(chunk, around)
        // Before amounts: `1990s` is no time in seconds, `3:45` and `1/2` no numbers with a unit.
        .or_else(|| when::date(chunk, around))
        .or_else(|| address::version(chunk, around).map(|read| one(&read)))
        .or_else(|| when::clock(chunk, around))
        .or_else(|| amount::amount(chunk, around))
    {
        return reading;
    }
    if let Some(read) = names::numeral(chunk, around)
        .or_else(|| names::letter(chunk, around))
        .or_else(|| names::acronym(chunk, around))
        .or_else(|| names::mixed(chunk, around))
    {
        return one(&read);
    }
    // `x < 5` compares, `<5` limits.
    match chunk {
        "<" if !next.is_empty() => one("is less than"),
        ">" if !next.is_empty() => one("is greater than"),
        _ => one(&words(chunk, around)),
    }
}

/// Whether `word`, with its dot and before `next`, is an abbreviation: then the dot need not end the sentence.
pub(super) fn is_abbreviation(word: &str, next: &str) -> bool {
    abbreviation(word).is_some() || abbreviated(word, &Around { before: ["", ""], after: &[next], bracketed: false }).is_some()
}

/// The word that an abbreviation stands for.
fn abbreviated(chunk: &str, around: &Around<'_>) -> Option<&'static str> {
    let next = around.after.first().copied().unwrap_or_default();
    let starts_upper = |text: &str| text.starts_with(char::is_uppercase);
    let counted = next.starts_with(|ch: char| ch.is_ascii_digit());
    match chunk {
        // After a name it is a street; before one a person.
        "St." | "Dr." if starts_upper(around.before[0]) && !starts_upper(next) => {
            return Some(if chunk == "St." { "street" } else { "drive" });
        }
        "No." | "no." => return counted.then_some("number"),
        "Nos." | "nos." => return counted.then_some("numbers"),
        "c." => return counted.then_some("circa"),
        // Words as well, at the end of a sentence.
        "Sun." | "Sat." | "Mar." if !counted && month(next).is_none() => return None,
        // Without a dot before the number of a day only.
        "Mar" | "Sun" | "Sat" => return None,
        _ => {}
    }
    match chunk.strip_suffix('.') {
        Some(name) => month(name).or_else(|| weekday(name)).or_else(|| abbreviation(chunk)).filter(|read| !read.is_empty()),
        None => month(chunk).filter(|_| counted).or_else(|| abbreviation(chunk)),
    }
}

/// The reading of signs made of several characters, standing alone.
pub(super) fn operator(chunk: &str) -> Option<&'static str> {
    Some(match chunk {
        "->" | "=>" | "-->" | "==>" => "to",
        "<-" | "<--" => "from",
        ">=" => "at least",
        "<=" => "at most",
        "!=" | "<>" => "is not equal to",
        "==" | ":=" => "equals",
        "&&" => "and",
        "||" => "or",
        _ => return None,
    })
}

/// Whether this is the sign of a currency.
pub(super) fn is_currency(sign: char) -> bool {
    currency::currency_sign(sign).is_some()
}

fn one(read: &str) -> Reading {
    Reading { spoken: read.to_owned(), takes: 0 }
}

/// Any other chunk: symbols become words, `snake_case` and paths fall apart, numbers in it are read, the rest stays.
fn words(chunk: &str, around: &Around<'_>) -> String {
    if let Some(parts) = joined(chunk, around) {
        return parts;
    }
    let is_letter = |ch: Option<char>| ch.is_some_and(char::is_alphanumeric);
    let chunk = chunk.trim_start_matches(['#', '-', '–', '—', '~', '_']).trim_end_matches(['/', '_', '-', '–', '—']);
    let mut read = String::with_capacity(chunk.len());
    let mut previous = None;
    let mut rest = chunk;
    while let Some(ch) = rest.chars().next() {
        let number = number::length(rest);
        if number > 0 && ch != '.' {
            read.push(' ');
            read.push_str(&number::words(&rest[..number]));
            read.push(' ');
            previous = rest[..number].chars().next_back();
            rest = &rest[number..];
            continue;
        }
        rest = &rest[ch.len_utf8()..];
        match symbol(ch) {
            // Between words a slash is silent.
            Some(_) if ch == '/' && is_letter(previous) && is_letter(rest.chars().next()) => read.push(' '),
            Some(word) => {
                read.push(' ');
                read.push_str(word);
                read.push(' ');
            }
            None if matches!(ch, '–' | '—' | '_' | '\\' | '|' | '…') => read.push(' '),
            // A colon or brackets between letters: `std::vec`, `f(x)`.
            None if matches!(ch, ':' | '(' | ')' | '[' | ']' | '{' | '}') && is_letter(previous) => read.push(' '),
            None => read.push(ch),
        }
        previous = Some(ch);
        if ch == '.' && rest.starts_with('.') {
            read.push(' ');
        }
    }
    read
}

/// Parts with a sign between them, each read by itself: `TCP/IP`, `R&D`, `A/B`, `Q1/Q2`, `AI-based`, `GPU+CPU`.
fn joined(chunk: &str, around: &Around<'_>) -> Option<String> {
    let signs = ['/', '&', '-', '+', '=', '_'];
    let at = chunk.find(signs).filter(|at| *at > 0)?;
    let parts: Vec<&str> = chunk.split(signs).collect();
    let is_part = |part: &&str| !part.is_empty() && part.chars().all(char::is_alphanumeric);
    let needed = |part: &&str| part.chars().all(char::is_uppercase) || part.chars().any(|ch| ch.is_ascii_digit());
    if !parts.iter().all(is_part) || !parts.iter().any(needed) {
        return None;
    }
    let sign = match &chunk[at..=at] {
        "&" => " and ",
        "+" => " plus ",
        "=" => " equals ",
        _ => " ",
    };
    let alone = Around { before: [around.before[0], ""], after: &[], bracketed: false };
    // Single letters side by side are spelled in one go: `I/O`.
    if sign == " " && parts.iter().all(|part| part.len() == 1 && part.chars().all(char::is_uppercase)) {
        return Some(parts.join("."));
    }
    let said = |part: &&str| if *part == "A" { names::LETTER_A.to_owned() } else { read(part, &alone).spoken };
    Some(parts.iter().map(said).collect::<Vec<_>>().join(sign))
}
