//! What is said for a written word, in English: numbers with units and currencies, years, times, addresses, symbols, abbreviations.
//!
//! Only what espeak-ng reads badly is rewritten; plain numbers, ordinals, percentages of plain numbers and acronyms are its own
//! business. Words come in as white-space-delimited chunks without the punctuation around them (an abbreviation keeps its dots).

use super::units::{abbreviation, currency, magnitude, symbol, unit};

/// The reading of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// What is said; empty when nothing is.
    pub spoken: String,
    /// The next chunk is part of it (`$5 million`).
    pub takes_next: bool,
}

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
    "of",
    "around",
    "circa",
    "early",
    "late",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const TENS: &[&str] = &["hundreds", "tens", "twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties"];

/// Reads one chunk, given the chunks before and after it (empty where there are none).
pub(super) fn english(chunk: &str, previous: &str, next: &str) -> Reading {
    if let Some(read) = abbreviation(chunk).filter(|read| !read.is_empty()) {
        return one(read);
    }
    if (chunk == "No." || chunk == "no.") && next.starts_with(|ch: char| ch.is_ascii_digit()) {
        return one("number");
    }
    if let Some(read) = address(chunk) {
        return one(&read);
    }
    // Before quantities: `1990s` is no time in seconds, `3:45` and `1/2` no numbers with a unit.
    if let Some(read) = decade(chunk).or_else(|| year(chunk, previous)).or_else(|| clock(chunk)).or_else(|| fraction(chunk)) {
        return one(&read);
    }
    if let Some(reading) = money(chunk, next).or_else(|| quantity(chunk, next)) {
        return reading;
    }
    let read = match chunk {
        "C++" | "c++" => "C plus plus".to_owned(),
        "C#" => "C sharp".to_owned(),
        "F#" => "F sharp".to_owned(),
        "I/O" => "I O".to_owned(),
        "A/B" => "A B".to_owned(),
        _ => words(chunk),
    };
    one(&read)
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

fn one(read: &str) -> Reading {
    Reading { spoken: plain(read), takes_next: false }
}

/// Letters, digits and what stands inside words; everything else becomes a space. The reading of any chunk in a language without
/// rules of its own, and the last step of the others.
pub(super) fn plain(chunk: &str) -> String {
    let chars: Vec<char> = chunk.chars().collect();
    let mut read = String::with_capacity(chunk.len());
    for (index, &ch) in chars.iter().enumerate() {
        let inside = index > 0 && chars[index - 1].is_alphanumeric() && chars.get(index + 1).is_some_and(|next| next.is_alphanumeric());
        match ch {
            _ if is_word_char(ch) => read.push(ch),
            '\'' | '’' | 'ʼ' if index > 0 => read.push('\''),
            '.' | ',' | '-' if inside => read.push(ch),
            '\u{2010}' | '\u{2011}' if inside => read.push('-'),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' => {}
            _ if !read.ends_with(' ') => read.push(' '),
            _ => {}
        }
    }
    let read = read.trim();
    if read.contains(|ch: char| ch.is_alphanumeric()) { read.to_owned() } else { String::new() }
}

/// Letters, digits and combining marks (vowel signs of Indic scripts, accents written apart).
pub(super) fn is_word_char(ch: char) -> bool {
    ch.is_alphanumeric()
        || unicode_normalization::char::is_combining_mark(ch) && !('\u{fe00}'..='\u{fe0f}').contains(&ch) && ch != '\u{20e3}'
}

/// The number at the start: its length in bytes. Digits with grouping commas and one decimal point, a digit at the end.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    let mut points = 0;
    // After the point there is no more grouping: `1.5,2` is a list.
    while digit(end) || end > 0 && points == 0 && matches!(bytes.get(end), Some(b',' | b'.')) && digit(end + 1) {
        points += usize::from(bytes[end] == b'.');
        end += 1;
    }
    end
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `$5`, `€3.50`, `20€`, `-$5`, `$5M`, `$5 million`.
fn money(chunk: &str, next: &str) -> Option<Reading> {
    let (minus, body) = signed(chunk);
    let (sign, amount, rest) = match body.chars().next().and_then(|ch| currency(ch).map(|names| (names, ch.len_utf8()))) {
        Some((names, length)) => {
            let amount = &body[length..];
            (names, &amount[..number(amount)], &amount[number(amount)..])
        }
        None => {
            let amount = &body[..number(body)];
            let mut rest = body[amount.len()..].chars();
            let names = rest.next().and_then(currency)?;
            (names, amount, rest.as_str())
        }
    };
    if amount.is_empty() {
        return None;
    }
    let [single, many, hundredth, hundredths] = *sign;
    let large = if rest.is_empty() { magnitude(next).filter(|_| next.len() > 2) } else { magnitude(rest) };
    if let Some(large) = large {
        return Some(Reading { spoken: format!("{minus}{amount} {large} {many}"), takes_next: rest.is_empty() });
    }
    if !rest.is_empty() {
        return None;
    }
    let spoken = match amount.split_once('.') {
        Some((whole, small)) if small.len() == 2 && all_digits(small) => {
            let small = small.trim_start_matches('0');
            let whole_name = if whole == "1" { single } else { many };
            let small_name = if small == "1" { hundredth } else { hundredths };
            match (whole, small) {
                (_, "") => format!("{whole} {whole_name}"),
                ("0", _) => format!("{small} {small_name}"),
                _ => format!("{whole} {whole_name} and {small} {small_name}"),
            }
        }
        _ => format!("{amount} {}", if amount == "1" { single } else { many }),
    };
    Some(Reading { spoken: format!("{minus}{spoken}"), takes_next: false })
}

fn signed(chunk: &str) -> (&'static str, &str) {
    match chunk.strip_prefix(['-', '−', '–']) {
        Some(body) if body.starts_with(|ch: char| ch.is_ascii_digit() || currency(ch).is_some()) => ("minus ", body),
        _ => ("", chunk),
    }
}

/// Numbers with something before or after: `5km`, `5 km`, `-3 °C`, `10–20%`, `~5`, `#1`, `1920x1080`, `2x`.
fn quantity(chunk: &str, next: &str) -> Option<Reading> {
    if let Some(rest) = chunk.strip_prefix('#')
        && all_digits(rest)
    {
        return Some(one(&format!("number {rest}")));
    }
    if let Some(rest) = chunk.strip_prefix(['~', '≈'])
        && number(rest) > 0
    {
        let inner = quantity(rest, next).unwrap_or_else(|| one(rest));
        return Some(Reading { spoken: format!("about {}", inner.spoken), ..inner });
    }
    if let Some((word, rest)) = [('<', "under"), ('>', "over"), ('≤', "at most"), ('≥', "at least"), ('+', "plus"), ('±', "plus or minus")]
        .iter()
        .find_map(|(ch, word)| chunk.strip_prefix(*ch).map(|rest| (word, rest)))
        && number(rest) > 0
    {
        let inner = quantity(rest, next).unwrap_or_else(|| one(rest));
        return Some(Reading { spoken: format!("{word} {}", inner.spoken), ..inner });
    }
    let (minus, body) = signed(chunk);
    let first = &body[..number(body)];
    if first.is_empty() {
        return None;
    }
    let rest = &body[first.len()..];
    if let Some(upper) = rest.strip_prefix(['–', '—', '-', '−', '‑'])
        && number(upper) > 0
        && !upper[number(upper)..].contains(['-', '–', '/'])
    {
        let inner = quantity(upper, next).unwrap_or_else(|| one(upper));
        return Some(Reading { spoken: format!("{minus}{first} to {}", inner.spoken), ..inner });
    }
    if let Some(other) = rest.strip_prefix(['x', '×'])
        && number(other) > 0
        && number(other) == other.len()
    {
        return Some(one(&format!("{minus}{first} by {other}")));
    }
    let is_one = first == "1";
    if !rest.is_empty() {
        let name = unit(rest.trim_start_matches('-'), is_one)?;
        return Some(Reading { spoken: format!("{minus}{first} {name}"), takes_next: false });
    }
    // Apart from its number a unit of one letter may as well be a word or a name: `5 A`, `2 x`, `3 K`.
    let apart = next.chars().count() > 1 || matches!(next, "m" | "g" | "h" | "W" | "V" | "%" | "°");
    match unit(next, is_one).filter(|_| apart) {
        Some(name) => Some(Reading { spoken: format!("{minus}{first} {name}"), takes_next: true }),
        None if !minus.is_empty() => Some(Reading { spoken: format!("{minus}{first}"), takes_next: false }),
        None => None,
    }
}

/// `1990s`, `'90s`.
fn decade(chunk: &str) -> Option<String> {
    let digits = chunk.strip_suffix('s').map(|body| body.trim_end_matches(['\'', '’']).trim_start_matches(['\'', '’']))?;
    if !all_digits(digits) || !digits.ends_with('0') {
        return None;
    }
    let value: usize = digits.parse().ok()?;
    match digits.len() {
        2 if value >= 20 => Some(TENS[value / 10].to_owned()),
        4 if (1100..2000).contains(&value) || (2010..2100).contains(&value) => Some(format!("{} {}", value / 100, TENS[value % 100 / 10])),
        4 if value == 2000 => Some("two thousands".to_owned()),
        _ => None,
    }
}

/// A bare `1984` after a word like *in*, as two numbers; years from 2000 to 2009 read well as they are.
fn year(chunk: &str, previous: &str) -> Option<String> {
    let value: u32 = (chunk.len() == 4 && all_digits(chunk)).then(|| chunk.parse().ok())??;
    let previous = previous.to_lowercase();
    if !BEFORE_YEAR.contains(&previous.trim_end_matches(',')) || !((1100..2000).contains(&value) || (2010..2100).contains(&value)) {
        return None;
    }
    Some(match value % 100 {
        0 => format!("{} hundred", value / 100),
        last @ 1..=9 => format!("{} oh {last}", value / 100),
        last => format!("{} {last}", value / 100),
    })
}

/// `3:45`, `3:45pm`, `10:00`.
fn clock(chunk: &str) -> Option<String> {
    let lower = chunk.to_ascii_lowercase();
    let (body, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(body), _) => (body, " a m"),
        (_, Some(body)) => (body, " p m"),
        _ => (lower.as_str(), ""),
    };
    if all_digits(body) && !half.is_empty() && body.len() <= 2 {
        return Some(format!("{body}{half}"));
    }
    let (hour, minute) = body.split_once(':')?;
    if !all_digits(hour) || hour.len() > 2 || !all_digits(minute) || minute.len() != 2 {
        return None;
    }
    let hour = hour.parse::<u32>().ok()?;
    Some(match minute.parse::<u32>().ok()? {
        0 if half.is_empty() && (1..=12).contains(&hour) => format!("{hour} o'clock"),
        0 => format!("{hour}{half}"),
        minute @ 1..=9 => format!("{hour} oh {minute}{half}"),
        minute => format!("{hour} {minute}{half}"),
    })
}

/// The common fractions; others are read with their slash.
fn fraction(chunk: &str) -> Option<String> {
    let read = match chunk {
        "1/2" => "one half",
        "1/3" => "one third",
        "2/3" => "two thirds",
        "1/4" => "one quarter",
        "3/4" => "three quarters",
        "1/5" => "one fifth",
        "1/10" => "one tenth",
        "24/7" => "twenty four seven",
        _ => return None,
    };
    Some(read.to_owned())
}

/// Web and mail addresses: the host (and for mail the person), never the path.
fn address(chunk: &str) -> Option<String> {
    let bare = chunk.strip_prefix("https://").or_else(|| chunk.strip_prefix("http://"));
    if let Some(rest) = bare.or_else(|| chunk.starts_with("www.").then_some(chunk)) {
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
        return Some(host.trim_start_matches("www.").replace('.', " dot ").replace('-', " dash "));
    }
    let (person, host) = chunk.split_once('@')?;
    (!person.is_empty() && host.contains('.')).then(|| format!("{} at {}", person.replace('.', " dot "), host.replace('.', " dot ")))
}

/// Any other chunk: symbols become words, `snake_case` and paths fall apart, the rest stays.
fn words(chunk: &str) -> String {
    let alphanumeric = |ch: Option<char>| ch.is_some_and(char::is_alphanumeric);
    let chunk = chunk.trim_start_matches(['#', '-', '–', '—', '~', '_']).trim_end_matches(['/', '_', '-', '–', '—']);
    let mut read = String::with_capacity(chunk.len());
    let mut previous = None;
    let mut chars = chunk.chars().peekable();
    while let Some(ch) = chars.next() {
        match symbol(ch) {
            Some(word) => {
                read.push(' ');
                read.push_str(word);
                read.push(' ');
            }
            None if matches!(ch, '–' | '—' | '_' | '\\' | '|' | '…') => read.push(' '),
            // A colon or brackets between letters: `std::vec`, `f(x)`.
            None if matches!(ch, ':' | '(' | ')' | '[' | ']' | '{' | '}') && alphanumeric(previous) => read.push(' '),
            None => read.push(ch),
        }
        previous = Some(ch);
        if ch == '.' && chars.peek() == Some(&'.') {
            read.push(' ');
        }
    }
    read
}
