//! Dates, years and times of day.

use super::number::{all_digits, cardinal, ordinal, plural, year};
use super::tables::{month, unit};
use super::{Around, Reading};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// Words after which a bare four-digit number is a year.
const BEFORE_YEAR: &[&str] = &[
    "in",
    "since",
    "by",
    "from",
    "until",
    "till",
    "before",
    "after",
    "during",
    "year",
    "years",
    "of",
    "around",
    "circa",
    "ca",
    "early",
    "late",
    "mid",
    "summer",
    "winter",
    "spring",
    "autumn",
    "fall",
    "between",
    "copyright",
    "©",
    "class",
    "born",
    "died",
    "census",
];
/// Words that follow a bare year that begins a sentence.
const AFTER_YEAR: &[&str] = &["was", "is", "will", "saw", "brought", "marked", "became", "has", "had"];
/// Eras, as written after a year.
const ERAS: &[&str] = &["BC", "AD", "BCE", "CE", "B.C", "A.D", "B.C.E", "C.E"];

/// A date or a year in digits, or the part of a date that is a day.
pub(super) fn date(chunk: &str, around: &Around<'_>) -> Option<Reading> {
    if let Some(read) = numeric_date(chunk).or_else(|| decade(chunk)).or_else(|| bare_year(chunk, around)).or_else(|| years(chunk, around))
    {
        return Some(Reading { spoken: read, takes: 0 });
    }
    day(chunk, around).map(|spoken| Reading { spoken, takes: 0 })
}

/// `2023-10-05`, `12/25/2022` (month first unless that cannot be), `31.12.1999` (day first).
fn numeric_date(chunk: &str) -> Option<String> {
    let separator = chunk.chars().find(|ch| "-/.".contains(*ch))?;
    let parts: Vec<&str> = chunk.split(separator).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    if !parts.iter().all(|part| all_digits(part) && part.len() <= 4) {
        return None;
    }
    let number = |text: &str| text.parse::<u64>().ok();
    let (full, month, day) = match (separator, first.len(), third.len()) {
        ('-' | '/', 4, 1..=2) => (number(first)?, number(second)?, number(third)?),
        ('/', 1..=2, 4) if number(first)? > 12 => (number(third)?, number(second)?, number(first)?),
        ('/' | '-', 1..=2, 4) => (number(third)?, number(first)?, number(second)?),
        ('.', 1..=2, 4) => (number(third)?, number(second)?, number(first)?),
        _ => return None,
    };
    let name = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    (1..=31).contains(&day).then(|| format!("{name} {} {}", ordinal(day), year(full)))
}

/// `1990s`, `'90s`.
fn decade(chunk: &str) -> Option<String> {
    let digits = chunk.strip_suffix('s').map(|body| body.trim_end_matches(['\'', '’']).trim_start_matches(['\'', '’']))?;
    if !all_digits(digits) || !digits.ends_with('0') {
        return None;
    }
    match (digits.len(), digits.parse().ok()?) {
        (2, value @ 20..) => Some(plural(&cardinal(value))),
        (4, value @ 1100..2100) => Some(plural(&year(value))),
        _ => None,
    }
}

/// The value of what looks like a year.
fn as_year(text: &str) -> Option<u64> {
    (text.len() == 4 && all_digits(text)).then(|| text.parse().ok()).flatten().filter(|value| (1100..2100).contains(value))
}

/// A bare `1984` where the words around it say that it is a year.
fn bare_year(chunk: &str, around: &Around<'_>) -> Option<String> {
    let next = around.after.first().copied().unwrap_or_default();
    let era = ERAS.contains(&next);
    let value = as_year(chunk).or_else(|| (era && all_digits(chunk) && chunk.len() <= 4).then(|| chunk.parse().ok()).flatten())?;
    let [previous, earlier] = around.before;
    let lower = previous.to_lowercase();
    let is_recent = (1900..2100).contains(&value);
    if !era && is_counted(next) {
        return None;
    }
    let is_year = era
        || around.bracketed
        || month(previous).is_some()
        || month(earlier).is_some() && is_day(previous)
        || BEFORE_YEAR.contains(&lower.as_str())
        || matches!(lower.as_str(), "to" | "and" | "or") && as_year(earlier).is_some()
        || lower == "the" && is_recent && next.starts_with(char::is_alphabetic)
        || is_quarter(previous)
        || previous.is_empty() && is_recent && AFTER_YEAR.contains(&next);
    is_year.then(|| year(value))
}

/// Whether a number before this word counts: `people`, `kg`, a plural.
fn is_counted(next: &str) -> bool {
    let plural = next.len() > 3 && next.ends_with('s') && !next.ends_with("ss") && next.starts_with(char::is_lowercase);
    unit(next).is_some() || plural || matches!(next, "people" | "men" | "women" | "children")
}

fn is_quarter(text: &str) -> bool {
    matches!(text.as_bytes(), [b'Q', b'1'..=b'4'])
}

/// `1914–1918`, after what a year follows or where both can be nothing else.
fn years(chunk: &str, around: &Around<'_>) -> Option<String> {
    let (from, to) = chunk.split_once(['–', '-', '—', '‑', '/'])?;
    let (from, to) = (as_year(from)?, as_year(to)?);
    let close = to > from && to - from < 200;
    let said = BEFORE_YEAR.contains(&around.before[0].to_lowercase().as_str());
    (close || said).then(|| format!("{} to {}", year(from), year(to)))
}

/// The number of a day: `3`, `3rd`.
fn day_number(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|ch: char| ch.is_ascii_lowercase());
    let suffix = &text[digits.len()..];
    let value = (all_digits(digits) && digits.len() <= 2).then(|| digits.parse().ok()).flatten()?;
    (matches!(suffix, "" | "st" | "nd" | "rd" | "th") && (1..=31).contains(&value)).then_some(value)
}

fn is_day(text: &str) -> bool {
    day_number(text).is_some()
}

/// The day before or after the name of a month.
fn day(chunk: &str, around: &Around<'_>) -> Option<String> {
    let value = day_number(chunk)?;
    let next = around.after.first().copied().unwrap_or_default();
    if month(around.before[0]).is_some() {
        return Some(ordinal(value));
    }
    month(next)?;
    let the = if around.before[0].eq_ignore_ascii_case("the") || month(around.before[0]).is_some() { "" } else { "the " };
    Some(format!("{the}{} of", ordinal(value)))
}

/// `3:45`, `3:45pm`, `10:00`, `1:42:30`, `9:00–17:00`; and a whole hour before *am* and *pm*.
pub(super) fn clock(chunk: &str, around: &Around<'_>) -> Option<Reading> {
    if let Some((from, to)) = chunk.split_once(['–', '-', '—', '‑']) {
        let (from, to) = (time(from, "")?, time(to, "")?);
        return Some(Reading { spoken: format!("{from} to {to}"), takes: 0 });
    }
    let next = around.after.first().map(|next| next.to_ascii_lowercase()).unwrap_or_default();
    let half = match next.as_str() {
        "am" | "a.m" => " A.M",
        "pm" | "p.m" => " P.M",
        _ => "",
    };
    let is_hour = all_digits(chunk) && chunk.len() <= 2 && !half.is_empty();
    let spoken = if is_hour { format!("{}{half}", cardinal(chunk.parse().ok()?)) } else { time(chunk, half)? };
    Some(Reading { spoken, takes: usize::from(!half.is_empty()) })
}

/// A time of day or a length, `half` after it.
fn time(chunk: &str, half: &str) -> Option<String> {
    let lower = chunk.to_ascii_lowercase();
    let (body, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(body), _) => (body, " A.M"),
        (_, Some(body)) => (body, " P.M"),
        _ => (lower.as_str(), half),
    };
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        (all_digits(text) && digits.contains(&text.len())).then(|| text.parse::<u64>().ok()).flatten()
    };
    let parts: Vec<&str> = body.split(':').collect();
    match parts.as_slice() {
        [hour] if !half.is_empty() && chunk.len() > hour.len() => Some(format!("{}{half}", cardinal(number(hour, 1..=2)?))),
        [hour, minute] => {
            let hour = number(hour, 1..=2)?;
            let said = cardinal(hour);
            Some(match number(minute, 2..=2).filter(|minute| *minute < 60 && hour <= 24)? {
                0 if half.is_empty() => format!("{said} o'clock"),
                0 => format!("{said}{half}"),
                minute @ 1..=9 => format!("{said} oh {}{half}", cardinal(minute)),
                minute => format!("{said} {}{half}", cardinal(minute)),
            })
        }
        [hours, minutes, seconds] => {
            let (hours, minutes, seconds) = (number(hours, 1..=2)?, number(minutes, 2..=2)?, number(seconds, 2..=2)?);
            let part =
                |value: u64, name: &str| (value > 0).then(|| format!("{} {name}{}", cardinal(value), if value == 1 { "" } else { "s" }));
            let parts: Vec<String> =
                [part(hours, "hour"), part(minutes, "minute"), part(seconds, "second")].into_iter().flatten().collect();
            let (last, first) = parts.split_last()?;
            Some(if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(" ")) })
        }
        _ => None,
    }
}
