//! Amounts: money, units, ranges, fractions, and plain numbers.

use super::currency::{Currency, currency_code, currency_sign, magnitude};
use super::number::{all_digits, cardinal, fraction, length, ordinal, words};
use super::tables::unit;
use super::{Around, Reading, one};

/// Signs between the ends of a range.
const DASHES: [char; 5] = ['–', '—', '-', '−', '‑'];

/// Any amount, with the unit or currency that is written in or after `chunk`.
pub(super) fn amount(chunk: &str, around: &Around<'_>) -> Option<Reading> {
    let next = around.after.first().copied().unwrap_or_default();
    if let Some((word, rest)) = relation(chunk) {
        let inner = money(rest, around).or_else(|| quantity(rest, next))?;
        return Some(Reading { spoken: format!("{word} {}", inner.spoken), ..inner });
    }
    money(chunk, around).or_else(|| mixed_fraction(chunk, next)).or_else(|| quantity(chunk, next))
}

/// A sign before a number that is a word.
fn relation(chunk: &str) -> Option<(&'static str, &str)> {
    let words = [
        ("#", "number"),
        ("~", "about"),
        ("≈", "about"),
        ("<", "under"),
        (">", "over"),
        ("≤", "at most"),
        ("≥", "at least"),
        ("±", "plus or minus"),
        ("+/-", "plus or minus"),
        ("+", "plus"),
    ];
    let (sign, word) = words.iter().find(|(sign, _)| chunk.starts_with(sign))?;
    let rest = &chunk[sign.len()..];
    (length(rest) > 0 || rest.starts_with(|ch| currency_sign(ch).is_some())).then_some((*word, rest))
}

fn signed(chunk: &str) -> (&'static str, &str) {
    match chunk.strip_prefix(['-', '−', '–']) {
        Some(body) if length(body) > 0 || body.starts_with(|ch| currency_sign(ch).is_some()) => ("minus ", body),
        _ => ("", chunk),
    }
}

/// `$5`, `€3.50`, `20€`, `-$5`, `$5M`, `$5 million`, `US$7`, `$10–20`, `$20/month`, `300 USD`, `CHF 50`.
fn money(chunk: &str, around: &Around<'_>) -> Option<Reading> {
    let next = around.after.first().copied().unwrap_or_default();
    // The code before the amount.
    if let Some(currency) = currency_code(chunk)
        && length(next) > 0
        && length(next) == next.len()
    {
        return Some(Reading { spoken: in_currency(next, currency), takes: 1 });
    }
    let (minus, body) = signed(chunk);
    let (currency, body) = signed_currency(body)?;
    let (currency, number, rest) = match currency {
        Some(currency) => (currency, &body[..length(body)], &body[length(body)..]),
        None => {
            let number = &body[..length(body)];
            let after = &body[number.len()..];
            let sign = after.chars().next().and_then(|ch| Some((currency_sign(ch)?, &after[ch.len_utf8()..])));
            match sign {
                Some((currency, rest)) => (currency, number, rest),
                None if after.is_empty() && !number.is_empty() && currency_code(next).is_some() => {
                    return Some(Reading { spoken: format!("{minus}{}", in_currency(number, currency_code(next)?)), takes: 1 });
                }
                None => return None,
            }
        }
    };
    if number.is_empty() {
        return None;
    }
    let said = |spoken: String, takes| Some(Reading { spoken: format!("{minus}{spoken}"), takes });
    // A magnitude apart is a word of its own: `$5 million`, not `$5 m`.
    let apart = magnitude(next).filter(|_| rest.is_empty() && next.len() > 2);
    if let Some(large) = apart.or_else(|| magnitude(rest)) {
        return said(format!("{} {large} {}", words(number), currency.many), usize::from(rest.is_empty()));
    }
    if let Some(upper) = rest.strip_prefix(DASHES) {
        let upper = upper.strip_prefix(|ch| currency_sign(ch).is_some()).unwrap_or(upper);
        let inner = in_currency(&upper[..length(upper)], currency);
        let large = magnitude(&upper[length(upper)..]);
        return match (length(upper), large) {
            (0, _) => None,
            (_, Some(large)) => said(format!("{} to {} {large} {}", words(number), words(&upper[..length(upper)]), currency.many), 0),
            (whole, _) if whole == upper.len() => said(format!("{} to {inner}", words(number)), 0),
            _ => None,
        };
    }
    match rest.strip_prefix('/') {
        Some(per) if !per.is_empty() => {
            said(format!("{} per {}", in_currency(number, currency), unit(per).map_or(per, |unit| unit.one)), 0)
        }
        // Decimals after a comma, as on the continent.
        None if matches!(rest.as_bytes(), [b',', a, b] if a.is_ascii_digit() && b.is_ascii_digit()) => {
            said(in_currency(&format!("{number}.{}", &rest[1..]), currency), 0)
        }
        None if rest.is_empty() => said(in_currency(number, currency), 0),
        _ => None,
    }
}

/// The currency sign at the start, with a country's letters before it, and what follows.
fn signed_currency(body: &str) -> Option<(Option<&'static Currency>, &str)> {
    for (letters, code) in [("US$", "USD"), ("C$", "CAD"), ("CA$", "CAD"), ("A$", "AUD"), ("AU$", "AUD"), ("R$", "BRL"), ("HK$", "HKD")] {
        if let Some(rest) = body.strip_prefix(letters) {
            return Some((currency_code(code), rest));
        }
    }
    let sign = body.chars().next()?;
    Some(match currency_sign(sign) {
        Some(currency) => (Some(currency), &body[sign.len_utf8()..]),
        None => (None, body),
    })
}

/// `3.50` in dollars: `three dollars and fifty cents`.
fn in_currency(number: &str, currency: &Currency) -> String {
    match number.split_once('.') {
        Some((whole, small)) if small.len() == 2 && !currency.part.is_empty() => {
            let cents: u64 = small.parse().unwrap_or_default();
            let small = format!("{} {}", cardinal(cents), if cents == 1 { currency.part } else { currency.parts });
            let large = format!("{} {}", words(whole), if whole == "1" { currency.one } else { currency.many });
            match (whole, cents) {
                (_, 0) => large,
                ("0" | "", _) => small,
                _ => format!("{large} and {small}"),
            }
        }
        _ => format!("{} {}", words(number), if number == "1" { currency.one } else { currency.many }),
    }
}

/// `2 1/2`, `1½`.
fn mixed_fraction(chunk: &str, next: &str) -> Option<Reading> {
    let said = |whole: &str, part: String, takes| {
        let part = if part.starts_with("one half") { "a half".to_owned() } else { part };
        Reading { spoken: format!("{} and {part}", words(whole)), takes }
    };
    if all_digits(chunk) && chunk.len() <= 4 {
        return Some(said(chunk, slashed(next).filter(|(over, under)| over < under).and_then(|(over, under)| fraction(over, under))?, 1));
    }
    let sign = chunk.chars().next_back()?;
    let whole = &chunk[..chunk.len() - sign.len_utf8()];
    let (over, under) = match sign {
        '½' => (1, 2),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '⅛' => (1, 8),
        _ => return None,
    };
    match whole {
        "" => Some(one(&fraction(over, under)?)),
        whole => all_digits(whole).then(|| said(whole, fraction(over, under).unwrap_or_default(), 0)),
    }
}

/// The two numbers of `3/4`.
fn slashed(text: &str) -> Option<(u64, u64)> {
    let (over, under) = text.split_once('/')?;
    let number = |text: &str| (all_digits(text) && text.len() <= 4).then(|| text.parse().ok()).flatten();
    Some((number(over)?, number(under)?))
}

/// Numbers with something before or after: `5km`, `5 km`, `-3 °C`, `10–20%`, `1920x1080`, `2x`, `3rd`, `3:1`, `10^6`, `6'2"`.
fn quantity(chunk: &str, next: &str) -> Option<Reading> {
    let said = |spoken: String| Some(Reading { spoken, takes: 0 });
    if let Some((over, under)) = slashed(chunk) {
        return said(match (over, under) {
            (24, 7) => "twenty four seven".to_owned(),
            (9, 11) => "nine eleven".to_owned(),
            _ => fraction(over, under).filter(|_| over < under).unwrap_or_else(|| format!("{} over {}", cardinal(over), cardinal(under))),
        });
    }
    let (minus, body) = signed(chunk);
    let first = &body[..length(body)];
    if first.is_empty() {
        return None;
    }
    let rest = &body[first.len()..];
    if let Some(upper) = rest.strip_prefix(DASHES)
        && length(upper) > 0
        && !upper[length(upper)..].contains(['-', '–', '/'])
    {
        let inner = quantity(upper, next)?;
        return Some(Reading { spoken: format!("{minus}{} to {}", words(first), inner.spoken), ..inner });
    }
    let other = |sign: &[char]| rest.strip_prefix(sign).filter(|other| length(other) > 0 && length(other) == other.len());
    if let Some(other) = other(&['x', '×']) {
        return said(format!("{} by {}", dimension(first), dimension(other)));
    }
    if let Some(other) = other(&[':']) {
        return said(format!("{minus}{} to {}", words(first), words(other)));
    }
    if let Some(other) = other(&['/']) {
        return said(format!("{minus}{} over {}", words(first), words(other)));
    }
    if let Some(power) = rest.strip_prefix('^') {
        let (minus_power, power) = signed(power);
        return (length(power) == power.len() && !power.is_empty())
            .then(|| one(&format!("{minus}{} to the power of {minus_power}{}", words(first), words(power))));
    }
    if all_digits(first) && matches!(rest, "st" | "nd" | "rd" | "th") {
        return said(ordinal(first.parse().ok()?));
    }
    if let Some(inches) = rest.strip_prefix(['\'', '′'])
        && let Some(inches) = inches.strip_suffix(['"', '″']).or(Some(inches)).filter(|inches| all_digits(inches))
    {
        return said(format!("{} foot {}", words(first), words(inches)));
    }
    let is_one = first == "1";
    if !rest.is_empty() {
        let name = per(rest.trim_start_matches('-'), is_one)?;
        return said(format!("{minus}{} {name}", words(first)));
    }
    // Apart from its number a unit of one letter may as well be a word or a name: `5 A`, `2 x`, `3 K`.
    let apart = next.chars().count() > 1 || matches!(next, "m" | "g" | "h" | "W" | "V" | "%" | "°");
    let spoken = format!("{minus}{}", words(first));
    match per(next, is_one).filter(|_| apart) {
        Some(name) => Some(Reading { spoken: format!("{spoken} {name}"), takes: 1 }),
        None => said(spoken),
    }
}

/// One side of a picture: `1920` -> `nineteen twenty`.
fn dimension(number: &str) -> String {
    match number.parse::<u64>() {
        Ok(value @ 1000..=9999) if number.len() == 4 && value % 100 >= 10 => super::number::year(value),
        _ => words(number),
    }
}

/// A unit, or one per another: `mg/kg`, `$`-less `req/s`.
fn per(symbol: &str, is_one: bool) -> Option<String> {
    let named = |symbol: &str, is_one: bool| unit(symbol).map(|unit| if is_one { unit.one } else { unit.many });
    if let Some(name) = named(symbol, is_one) {
        return Some(name.to_owned());
    }
    let (over, under) = symbol.split_once('/')?;
    let under = unit(under).map_or(under, |unit| unit.one);
    under.chars().all(|ch| ch.is_alphabetic() || ch == ' ').then_some(())?;
    Some(format!("{} per {under}", named(over, is_one)?))
}
