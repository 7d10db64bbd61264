//! Numbers as words, as American English says them.

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const THOUSANDS: [&str; 6] = ["", "thousand", "million", "billion", "trillion", "quadrillion"];
/// Longer rows of digits are no amounts but names: they are read digit by digit.
const MOST_DIGITS: usize = 18;

/// Whether there is something and all of it is ASCII digits.
pub(super) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Length in bytes of the number at the start of `text`: digits, with commas before groups of three and one decimal point; `.5` is one,
/// too.
pub(super) fn length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if (1..=3).contains(&end) {
        while bytes.get(end) == Some(&b',') && digits(end + 1) == 3 {
            end += 4;
        }
    }
    match digits(end + 1) {
        0 => end,
        // `1.22.0` is a version.
        more if bytes.get(end) == Some(&b'.') && !is_point(bytes, end + 1 + more) => end + 1 + more,
        _ => end,
    }
}

fn is_point(bytes: &[u8], at: usize) -> bool {
    bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
}

/// A number of the form that [`length`] finds: `1,234.5` -> `one thousand two hundred thirty four point five`.
pub(super) fn words(text: &str) -> String {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, decimals)| (whole, Some(decimals)));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let mut read = match whole.parse::<u64>() {
        Ok(value) if whole.len() <= MOST_DIGITS && (whole.len() == 1 || !whole.starts_with('0')) => cardinal(value),
        _ => digits(&whole),
    };
    if let Some(decimals) = decimals {
        read = format!("{read} point {}", digits(decimals)).trim_start().to_owned();
    }
    read
}

/// `345` -> `three hundred forty five`.
pub(super) fn cardinal(value: u64) -> String {
    if value == 0 {
        return ONES[0].to_owned();
    }
    let mut groups = Vec::new();
    let mut rest = value;
    for name in THOUSANDS {
        if !rest.is_multiple_of(1000) {
            let group = below_thousand((rest % 1000) as usize);
            groups.push(if name.is_empty() { group } else { format!("{group} {name}") });
        }
        rest /= 1000;
    }
    groups.reverse();
    groups.join(" ")
}

fn below_thousand(value: usize) -> String {
    match (value / 100, value % 100) {
        (0, rest) => below_hundred(rest),
        (hundreds, 0) => format!("{} hundred", ONES[hundreds]),
        (hundreds, rest) => format!("{} hundred {}", ONES[hundreds], below_hundred(rest)),
    }
}

fn below_hundred(value: usize) -> String {
    match (value / 10, value % 10) {
        (0 | 1, _) => ONES[value].to_owned(),
        (tens, 0) => TENS[tens].to_owned(),
        (tens, ones) => format!("{} {}", TENS[tens], ONES[ones]),
    }
}

/// `21` -> `twenty first`.
pub(super) fn ordinal(value: u64) -> String {
    let read = cardinal(value);
    let (before, last) = read.rsplit_once(' ').map_or(("", read.as_str()), |(before, last)| (before, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
        other => format!("{other}th"),
    };
    if before.is_empty() { last } else { format!("{before} {last}") }
}

/// Digit by digit; other characters are left out.
pub(super) fn digits(text: &str) -> String {
    text.bytes().filter(u8::is_ascii_digit).map(|digit| ONES[usize::from(digit - b'0')]).collect::<Vec<_>>().join(" ")
}

/// A year in two halves: `1905` -> `nineteen oh five`, `1800` -> `eighteen hundred`, `2000` -> `two thousand`.
pub(super) fn year(value: u64) -> String {
    match (value / 100, value % 100) {
        (century, 0..=9) if century % 10 == 0 => cardinal(value),
        (0..=9, _) | (100.., _) => cardinal(value),
        (century, 0) => format!("{} hundred", cardinal(century)),
        (century, rest @ 1..=9) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        (century, rest) => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

/// `twenty` -> `twenties`, `nineteen ninety` -> `nineteen nineties`, `half` -> `halves`.
pub(super) fn plural(read: &str) -> String {
    match (read.strip_suffix('y'), read.strip_suffix("lf")) {
        (Some(stem), _) => format!("{stem}ies"),
        (_, Some(stem)) => format!("{stem}lves"),
        _ => format!("{read}s"),
    }
}

/// `3/4` -> `three quarters`; `None` for a zero or a denominator that people do not say so.
pub(super) fn fraction(over: u64, under: u64) -> Option<String> {
    if over == 0 || !matches!(under, 2..=20 | 25 | 32 | 50 | 64 | 100 | 1000) {
        return None;
    }
    let part = match under {
        2 => "half".to_owned(),
        4 => "quarter".to_owned(),
        100 => "hundredth".to_owned(),
        1000 => "thousandth".to_owned(),
        _ => ordinal(under),
    };
    Some(format!("{} {}", cardinal(over), if over == 1 { part } else { plural(&part) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_whole() {
        for (text, found) in
            [("1,234.5km", "1,234.5"), ("1,2,3", "1"), ("12,3456", "12"), ("3.14.", "3.14"), ("1.22.0", "1"), (".5", ".5"), ("a1", "")]
        {
            assert_eq!(&text[..length(text)], found);
        }
    }

    #[test]
    fn numbers_are_said_in_full() {
        assert_eq!(words("1000000"), "one million");
        assert_eq!(words("18,000,000,000,000,000"), "eighteen quadrillion");
        assert_eq!(words("12345678901234567890").split(' ').count(), 20);
        assert_eq!(words(".50"), "point five zero");
        assert_eq!(words("012"), "zero one two");
        assert_eq!([ordinal(40), ordinal(112), ordinal(3)], ["fortieth", "one hundred twelfth", "third"]);
        assert_eq!(
            [year(2005), year(1066), year(2024), year(800)],
            ["two thousand five", "ten sixty six", "twenty twenty four", "eight hundred"]
        );
        assert_eq!(fraction(5, 16).unwrap(), "five sixteenths");
        assert_eq!(fraction(9, 11).unwrap(), "nine elevenths");
        assert!(fraction(1, 0).is_none());
    }
}
