//! Words that are no plain words: acronyms and initials, Roman numerals, letters with digits, tags.
//!
//! Initials are given to the voice with dots between them (`F.B.I`): so it spells them, and in one go.

use super::number::{all_digits, cardinal, ordinal};
use super::tables::known_name;
use super::{Around, Reading};

/// Acronyms that are said as words though their letters do not show it.
const SAID: &[&str] = &[
    "AIDS", "ASAP", "BASIC", "CAPTCHA", "COVID", "CRISPR", "CRUD", "CUDA", "DOS", "DRAM", "ECMA", "FIFA", "FIFO", "GAN", "IKEA",
    "INTERPOL", "LAN", "LASER", "LIDAR", "LIFO", "LISP", "MOOC", "NAFTA", "NASA", "NASDAQ", "NATO", "NIC", "NOAA", "OLED", "OPEC", "PIN",
    "RADAR", "RAID", "RAM", "REPL", "REST", "ROM", "SARS", "SCADA", "SCRUM", "SIM", "SONAR", "SPAM", "SWAT", "TED", "UNESCO", "UNICEF",
    "VAT", "WAN", "WASM", "YAML", "YOLO", "ZIP", "TOML", "SOAP", "MIDI", "NIST", "NUMA", "UNIX", "GNU", "GIF", "SAT",
];
/// Of these the letters are said though they could be words.
const SPELLED: &[&str] = &[
    "AI", "AM", "ARM", "ADHD", "API", "APIS", "ATM", "AWS", "BIOS", "CEO", "CIA", "CPU", "DIY", "DNA", "DOI", "EU", "FAA", "FAQ", "FBI",
    "GPU", "HIV", "HR", "ID", "IMF", "IO", "IOS", "IP", "ISO", "IT", "LED", "MIT", "NCAA", "OECD", "OEM", "OK", "OS", "PC", "PNG", "RNA",
    "ROI", "SAT", "SEO", "SOC", "UAE", "UCLA", "UEFI", "UFO", "UI", "UK", "UN", "URI", "URL", "US", "USA", "USB", "USDA", "UX", "VIP",
    "WHO", "YMCA",
];
/// Common words that are written large for emphasis.
const LOUD: &[&str] = &[
    "A", "ALL", "AND", "ANY", "ARE", "AS", "AT", "BE", "BEST", "BIG", "BUT", "BY", "CAN", "DO", "DONE", "EACH", "EVEN", "EVER", "EVERY",
    "FOR", "FREE", "FROM", "FULL", "GET", "GO", "GOOD", "HAS", "HE", "HOW", "I", "IF", "IN", "IS", "ITS", "JUST", "LESS", "MAIN", "MANY",
    "MAY", "ME", "MORE", "MOST", "MUST", "MY", "NEED", "NEVER", "NEW", "NO", "NOT", "NOW", "OF", "OFF", "OLD", "ON", "ONE", "ONLY", "OR",
    "OUR", "OUT", "SHE", "SO", "SOME", "STOP", "THAT", "THE", "THEY", "THIS", "TO", "TOO", "TWO", "UP", "USE", "VERY", "WE", "WHAT",
    "WHEN", "WHY", "WILL", "WITH", "YES", "YET", "YOU", "YOUR",
];
/// Words that a number counts the parts of.
const COUNTED: &[&str] = &[
    "chapter", "part", "book", "volume", "act", "scene", "section", "war", "type", "phase", "appendix", "article", "title", "level",
    "bowl", "class", "grade", "stage", "unit", "module", "lesson", "mark", "lemma", "theorem", "table", "schedule", "canto", "group",
    "category", "tier",
];
/// Names of rulers and popes: numbers after them are ordinals.
const RULERS: &[&str] = &[
    "Albert",
    "Alexander",
    "Alfonso",
    "Benedict",
    "Boniface",
    "Carlos",
    "Catherine",
    "Charles",
    "Christian",
    "Clement",
    "Constantine",
    "Edward",
    "Elizabeth",
    "Ferdinand",
    "Francis",
    "Franz",
    "Frederick",
    "Friedrich",
    "George",
    "Gregory",
    "Gustav",
    "Haakon",
    "Harald",
    "Henry",
    "Innocent",
    "Ivan",
    "James",
    "John",
    "Joseph",
    "Juan",
    "Julius",
    "Justinian",
    "Leo",
    "Leopold",
    "Louis",
    "Ludwig",
    "Margaret",
    "Mary",
    "Mehmed",
    "Michael",
    "Napoleon",
    "Nicholas",
    "Otto",
    "Paul",
    "Pedro",
    "Peter",
    "Philip",
    "Pius",
    "Ramesses",
    "Ramses",
    "Richard",
    "Robert",
    "Rudolf",
    "Stephen",
    "Urban",
    "Victor",
    "Wilhelm",
    "William",
];
/// What follows a ruler rather than a sentence that begins with *I*.
const AFTER_RULER: &[&str] = &["", "of", "and", "was", "is", "ruled", "reigned", "died", "became", "had", "to", "in"];

/// Words that the letter A names one of.
const LETTERED: &[&str] = &[
    "plan",
    "vitamin",
    "team",
    "option",
    "point",
    "exhibit",
    "block",
    "version",
    "side",
    "set",
    "case",
    "step",
    "letter",
    "hepatitis",
    "influenza",
];
/// What voices read as the letter A: alone they take it for the article.
pub(super) const LETTER_A: &str = "eh";

/// Initials that are words in a line of capitals: `WHAT IT MEANS`.
const EITHER: &[&str] = &["AM", "ARM", "IT", "US", "WHO"];

/// Whether the letters can be said as a word: no more than two vowels or consonants in a row, or so many letters that nobody spells them.
fn sounds_like_a_word(word: &str) -> bool {
    let is_vowel = |letter: &u8| b"AEIOUY".contains(letter);
    let longest = word.as_bytes().chunk_by(|a, b| is_vowel(a) == is_vowel(b)).map(<[u8]>::len).max();
    word.bytes().any(|letter| is_vowel(&letter)) && (word.len() >= 6 || word.len() >= 4 && longest <= Some(2))
}

fn is_upper(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `FBI` -> `F.B.I`.
pub(super) fn spelled(letters: &str) -> String {
    letters.chars().map(|letter| letter.to_uppercase().to_string()).collect::<Vec<_>>().join(".")
}

/// The reading of capital letters: spelled or as a word. `loud` says that the words beside are in capitals, too.
fn capitals(word: &str, loud: bool) -> String {
    let spells = if SPELLED.contains(&word) {
        !(loud && EITHER.contains(&word))
    } else {
        !(SAID.contains(&word)
            || LOUD.contains(&word)
            || sounds_like_a_word(word)
            || loud && word.bytes().any(|letter| b"AEIOU".contains(&letter)))
    };
    if spells { spelled(word) } else { word.to_lowercase() }
}

/// Capital letters, with a plural or possessive `s`, and joined by `/`, `&` or `-`; names that are said in a way of their own.
pub(super) fn acronym(chunk: &str, around: &Around<'_>) -> Option<String> {
    if let Some(read) = known_name(chunk) {
        return Some(read.to_owned());
    }
    let (stem, ending) = match (chunk.strip_suffix("'s").or_else(|| chunk.strip_suffix("’s")), chunk.strip_suffix('s')) {
        (Some(stem), _) | (None, Some(stem)) => (stem, "'s"),
        _ => (chunk, ""),
    };
    if !is_upper(stem) || stem.len() < 2 {
        return None;
    }
    let beside = |text: &str| is_upper(text) && text.len() > 1 && !SPELLED.contains(&text);
    let loud = beside(around.before[0]) || around.after.first().is_some_and(|next| beside(next));
    let read = known_name(stem).map_or_else(|| capitals(stem, loud), str::to_owned);
    Some(format!("{read}{ending}"))
}

/// The letter A as a name: `plan A`.
pub(super) fn letter(chunk: &str, around: &Around<'_>) -> Option<String> {
    let before = around.before[0].to_lowercase();
    (chunk == "A" && (LETTERED.contains(&before.as_str()) || COUNTED.contains(&before.as_str()))).then(|| LETTER_A.to_owned())
}

/// The value of a Roman numeral made of I, V, X and L in its one right form; `None` for what is none.
fn roman(text: &str) -> Option<u64> {
    let value = |letter: u8| match letter {
        b'I' => Some(1),
        b'V' => Some(5),
        b'X' => Some(10),
        b'L' => Some(50),
        _ => None,
    };
    let letters: Vec<u64> = text.bytes().map(value).collect::<Option<_>>()?;
    let part = |(index, letter): (usize, &u64)| {
        if letters.get(index + 1).is_some_and(|next| next > letter) { -(*letter as i64) } else { *letter as i64 }
    };
    let total = u64::try_from(letters.iter().enumerate().map(part).sum::<i64>()).ok().filter(|total| *total > 0)?;
    (written(total) == text).then_some(total)
}

/// The Roman numeral of a number below 90.
fn written(value: u64) -> String {
    let mut rest = value;
    let mut text = String::new();
    for (worth, letters) in [(50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")] {
        while rest >= worth {
            text.push_str(letters);
            rest -= worth;
        }
    }
    text
}

/// `World War II`, `Chapter IV`, `Louis XIV`, `the XIX century`.
pub(super) fn numeral(chunk: &str, around: &Around<'_>) -> Option<String> {
    let value = roman(chunk)?;
    let next = around.after.first().copied().unwrap_or_default();
    if next.eq_ignore_ascii_case("century") || next.eq_ignore_ascii_case("centuries") {
        return Some(ordinal(value));
    }
    let before = around.before[0];
    if COUNTED.contains(&before.to_lowercase().as_str()) {
        return Some(cardinal(value));
    }
    let alone = chunk.len() == 1;
    if RULERS.contains(&before) && (!alone || chunk == "I" && AFTER_RULER.contains(&next)) {
        return Some(format!("the {}", ordinal(value)));
    }
    let is_name = before.starts_with(char::is_uppercase) && before.chars().any(char::is_lowercase);
    // `XL` is a size, and `I` after a name begins a sentence.
    (is_name && !alone && chunk != "XL").then(|| cardinal(value))
}

/// Letters and digits in one: `MP3`, `CO2`, `3D`, `GPT-4`, `x86`.
pub(super) fn mixed(chunk: &str, around: &Around<'_>) -> Option<String> {
    let plain = |ch: char| ch.is_ascii_alphanumeric() || ch == '-';
    let digits = chunk.chars().filter(char::is_ascii_digit).count();
    if digits == 0 || !chunk.chars().all(plain) || !chunk.chars().any(|ch| ch.is_ascii_alphabetic()) || chunk.contains("--") {
        return None;
    }
    let mut runs: Vec<String> = Vec::new();
    for ch in chunk.chars() {
        match runs
            .last_mut()
            .filter(|run| run.chars().next_back().is_some_and(|last| last.is_ascii_digit() == ch.is_ascii_digit() && last != '-'))
        {
            Some(run) if ch != '-' => run.push(ch),
            _ => runs.push(ch.to_string()),
        }
    }
    let read = runs.iter().filter(|run| *run != "-").map(|run| match run.len() {
        1..=2 if all_digits(run) && (run.len() == 1 || !run.starts_with('0')) => cardinal(run.parse().unwrap_or_default()),
        _ if all_digits(run) => super::number::words(run),
        // `B2B`; the `s` of a plural and the `th` of what is no ordinal are letters.
        _ if is_upper(run) || run.len() == 1 => acronym(run, around).unwrap_or_else(|| spelled(run)),
        _ => run.clone(),
    });
    Some(read.collect::<Vec<_>>().join(" "))
}

/// `#RustLang`, `@name`.
pub(super) fn tag(chunk: &str) -> Option<Reading> {
    let (what, name) = match chunk.strip_prefix('#') {
        Some(name) => ("hashtag", name),
        None => ("at", chunk.strip_prefix('@')?),
    };
    if !name.starts_with(char::is_alphabetic) {
        return None;
    }
    let mut read = what.to_owned();
    let mut last = ' ';
    for ch in name.chars() {
        let begins = ch == '_' || ch.is_uppercase() && !last.is_uppercase() || ch.is_numeric() != last.is_numeric();
        if begins || last == ' ' {
            read.push(' ');
        }
        read.extend(Some(ch).filter(|ch| *ch != '_'));
        last = ch;
    }
    Some(Reading { spoken: read, takes: 0 })
}
