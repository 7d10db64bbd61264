//! Web and mail addresses, names of files, versions and telephone numbers.

use super::number::{all_digits, cardinal, digits};
use super::{Around, Reading};

/// Endings by which a name with dots is known as a host.
const DOMAINS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "io", "dev", "ai", "rs", "eu", "uk", "de", "fr", "es", "it", "nl", "ch", "at", "jp", "cn", "in",
    "br", "ca", "au", "us", "info", "app", "tv", "me", "co", "biz",
];
/// Endings of hosts that are said as words; others are spelled.
const SAID_DOMAINS: &[&str] = &["com", "org", "net", "gov", "dev", "info", "app", "biz"];
/// Endings of files: as written, as said.
const FILES: &[(&str, &str)] = &[
    ("yaml", "yaml"),
    ("yml", "Y.M.L"),
    ("html", "H.T.M.L"),
    ("css", "C.S.S"),
    ("js", "J.S"),
    ("ts", "T.S"),
    ("rs", "R.S"),
    ("py", "pie"),
    ("c", "C"),
    ("h", "H"),
    ("cpp", "C.P.P"),
    ("md", "M.D"),
    ("txt", "text"),
    ("toml", "toml"),
    ("json", "jason"),
    ("xml", "X.M.L"),
    ("csv", "C.S.V"),
    ("pdf", "P.D.F"),
    ("pptx", "P.P.T.X"),
    ("docx", "doc X"),
    ("zip", "zip"),
    ("png", "P.N.G"),
    ("jpg", "jay peg"),
    ("svg", "S.V.G"),
    ("mp4", "M.P four"),
    ("mp3", "M.P three"),
    ("wav", "wave"),
    ("exe", "E.X.E"),
    ("sh", "S.H"),
];

/// Words before a telephone number.
const CALLING: &[&str] = &["call", "dial", "ring", "phone", "telephone", "tel", "fax", "text", "number", "hotline"];

/// Of a web address the host, never the path; of a mail address both sides.
pub(super) fn address(chunk: &str) -> Option<String> {
    let bare = chunk.strip_prefix("https://").or_else(|| chunk.strip_prefix("http://"));
    if let Some(rest) = bare.or_else(|| chunk.starts_with("www.").then_some(chunk)) {
        return Some(host(rest.split(['/', '?', '#', ':']).next().unwrap_or_default().trim_start_matches("www.")));
    }
    if let Some((person, at)) = chunk.split_once('@')
        && !person.is_empty()
        && at.contains('.')
    {
        return Some(format!("{} at {}", dotted(person), host(at)));
    }
    let (name, path) = chunk.split_once('/').unwrap_or((chunk, ""));
    let (stem, ending) = name.rsplit_once('.')?;
    let is_name =
        !stem.is_empty() && stem.starts_with(char::is_alphabetic) && stem.chars().all(|ch| ch.is_alphanumeric() || "-_.".contains(ch));
    if !is_name {
        return None;
    }
    if let Some((_, said)) = FILES.iter().find(|(written, _)| path.is_empty() && *written == ending && stem.len() > 1)
        // `rs` is both; a host of two parts is a site.
        && !(DOMAINS.contains(&ending) && stem.contains('.'))
    {
        return Some(format!("{} dot {said}", dotted(stem)));
    }
    (DOMAINS.contains(&ending) && stem.len() > 1).then(|| host(name))
}

fn host(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 3 && !SAID_DOMAINS.contains(&ending) => format!("{} dot {}", dotted(stem), spelled(ending)),
        _ => dotted(name),
    }
}

fn dotted(name: &str) -> String {
    name.replace('.', " dot ").replace('-', " dash ").replace('_', " ")
}

fn spelled(letters: &str) -> String {
    letters.chars().map(|letter| letter.to_uppercase().to_string()).collect::<Vec<_>>().join(".")
}

/// `v2.0.1`, `1.22.0`, `192.168.0.1`, and `3.11` after *version*.
pub(super) fn version(chunk: &str, around: &Around<'_>) -> Option<String> {
    let bare = chunk.strip_prefix(['v', 'V']);
    let named = bare.is_some() || matches!(around.before[0].to_lowercase().as_str(), "version" | "versions" | "release");
    let parts: Vec<&str> = bare.unwrap_or(chunk).split('.').collect();
    if !parts.iter().all(|part| all_digits(part)) || parts.len() < if named { 1 } else { 3 } {
        return None;
    }
    // An address of four numbers has names of digits, a version has numbers.
    if parts.len() == 4 && !named {
        return Some(parts.iter().map(|part| digits(part)).collect::<Vec<_>>().join(" dot "));
    }
    let numbers: Option<Vec<String>> = parts.iter().map(|part| part.parse().ok().map(cardinal)).collect();
    Some(format!("{}{}", if bare.is_some() { "version " } else { "" }, numbers?.join(" point ")))
}

/// A telephone number: groups of digits, read digit by digit. `555-0123`, `800-555-0100`, `+1 800 555 0199`, `(212) 555-0187`.
pub(super) fn telephone(chunk: &str, around: &Around<'_>) -> Option<Reading> {
    let groups = |text: &str| -> Option<Vec<String>> {
        let groups: Vec<&str> = text.split('-').collect();
        (groups.iter().all(|group| all_digits(group) && group.len() <= 5)).then(|| groups.into_iter().map(digits).collect())
    };
    let lengths = |text: &str| text.split('-').map(str::len).collect::<Vec<_>>();
    // Two groups may as well be a range.
    let called = CALLING.contains(&around.before[0].to_lowercase().as_str());
    let is_whole = |text: &str| match lengths(text).as_slice() {
        [3, 4] => called || around.bracketed || text[4..].starts_with('0'),
        lengths => matches!(lengths, [3, 3, 4] | [1, 3, 3, 4]),
    };
    if let Some(rest) = chunk.strip_prefix('+') {
        let mut said = groups(rest)?;
        let more: Vec<Vec<String>> = around.after.iter().map_while(|next| groups(next)).collect();
        let takes = more.len();
        said.extend(more.into_iter().flatten());
        return (said.len() > 2).then(|| Reading { spoken: format!("plus {}", said.join(" ")), takes });
    }
    if around.bracketed && chunk.len() == 3 && all_digits(chunk) {
        let next = around.after.first().filter(|next| is_whole(next))?;
        return Some(Reading { spoken: format!("{} {}", digits(chunk), groups(next)?.join(" ")), takes: 1 });
    }
    is_whole(chunk).then(|| groups(chunk)).flatten().map(|said| Reading { spoken: said.join(" "), takes: 0 })
}
