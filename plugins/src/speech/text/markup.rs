//! Markup of narration text: removed from what is said, its meaning kept.
//!
//! Understood: `*emphasis*`, `_emphasis_`, `**strong**`, `` `code` ``, `~~struck~~`, headings, bullets, numbered points, quotes, rules,
//! `[text](url)`, `![text](url)`, `[word](say:sounds like)`, `<tags>`, `<https://address>`, backslash escapes, `[pause 0.5s]` and `[voice guest]`.
//! Anything that looks like markup and is not stays text.
//!
//! Lines: an empty line ends a paragraph, so does a heading. A single line break is a space, unless the next line starts a point, or the
//! line is short (under 60 characters: notes written in lines, not wrapped prose) and the next does not start in lower case; then
//! it ends a sentence.

use super::Unspoken;
use engine::time::Span;

/// A line shorter than this was broken by its author, not by an editor's wrapping.
const SHORT_LINE: usize = 60;
/// Longest pause a mark may ask for, in seconds.
const LONGEST_PAUSE: f64 = 60.0;
/// No link, tag or pause mark is longer, in bytes.
const LONGEST_MARK: usize = 2000;
/// Emphasis opened and not closed that is remembered.
const DEEPEST: usize = 16;
/// What a bare `[pause]` means, in seconds.
const DEFAULT_PAUSE: f64 = 0.5;
/// Units of a pause, in seconds.
const UNITS: [(&str, f64); 3] = [("ms", 0.001), ("min", 60.0), ("s", 1.0)];

const UNREAD: &str = "a pause that cannot be read; write it as [pause 0.5s] or [pause 800ms]";
const OUT_OF_RANGE: &str = "a pause has 0 to 60 s";
const WITHOUT_UNIT: &str = "a number without a unit means seconds, and a pause has 0 to 60 s; write ms or s behind it";

/// One element of the text after markup.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// A character that is read, with its byte offset in the source.
    Char { ch: char, at: usize, emphasis: bool },
    /// A word with its pronunciation given: the bytes shown and what is said for them.
    Said { start: usize, end: usize, say: String, emphasis: bool },
    /// A pause mark.
    Pause(Span),
    /// A mark that cannot be followed.
    Unspoken(Unspoken),
    /// Another voice speaks from here on; `None` = the first one again.
    Voice(Option<String>),
    /// The end of a sentence that no punctuation shows.
    SentenceEnd,
    /// The end of a paragraph.
    ParagraphEnd,
}

/// Reads the whole text.
pub(super) fn read(source: &str) -> Vec<Item> {
    let mut items = Vec::with_capacity(source.len());
    let mut at = 0;
    let mut lines = source.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let text = line.trim_end();
        let (skipped, block) = block_mark(text);
        if text.is_empty() || block == Block::Rule {
            items.push(Item::ParagraphEnd);
        } else {
            if block != Block::Text {
                items.push(Item::SentenceEnd);
            }
            inline(&text[skipped..], at + skipped, &mut items);
            let next = lines.peek().map_or("", |next| next.trim());
            let point = block_mark(next).1 != Block::Text;
            let own_line = text.chars().count() < SHORT_LINE && !next.starts_with(char::is_lowercase);
            items.push(match block {
                Block::Heading => Item::ParagraphEnd,
                _ if point || own_line => Item::SentenceEnd,
                _ => Item::Char { ch: ' ', at: at + text.len(), emphasis: false },
            });
        }
        at += line.len();
    }
    items
}

#[derive(Clone, Copy, PartialEq)]
enum Block {
    Text,
    Heading,
    Point,
    Rule,
}

/// The length in bytes of the mark that starts a line, and what it says the line is.
fn block_mark(line: &str) -> (usize, Block) {
    let body = line.trim_start();
    let indent = line.len() - body.len();
    let hashes = body.len() - body.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && (body.len() == hashes || body[hashes..].starts_with(' ')) {
        return (indent + hashes, Block::Heading);
    }
    if body.len() >= 3 && ['-', '*', '_', '='].iter().any(|&mark| body.chars().all(|ch| ch == mark)) {
        return (line.len(), Block::Rule);
    }
    if let Some(rest) = body.strip_prefix(['-', '*', '+', '•', '‣', '◦', '▪', '–', '>'])
        && (rest.starts_with([' ', '\t']) || rest.is_empty())
    {
        return (line.len() - rest.len(), Block::Point);
    }
    let digits = body.len() - body.trim_start_matches(|ch: char| ch.is_ascii_digit()).len();
    if (1..=3).contains(&digits) && body[digits..].starts_with([')', '.']) && body[digits + 1..].starts_with(' ') {
        return (indent + digits + 1, Block::Point);
    }
    (0, Block::Text)
}

/// Reads one line without its block mark; `base` is its offset in the source.
fn inline(line: &str, base: usize, items: &mut Vec<Item>) {
    let mut markers = emphasis_markers(line).into_iter().peekable();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(ch) = line[at..].chars().next() {
        let emphasis = depth > 0;
        while markers.next_if(|marker| marker.at < at).is_some() {}
        if let Some(marker) = markers.next_if(|marker| marker.at == at) {
            depth = depth.saturating_add_signed(marker.change);
            at += marker.length;
        } else if ch == '\\' && line[at + 1..].starts_with(|next: char| next.is_ascii_punctuation()) {
            let next = line.as_bytes()[at + 1] as char;
            items.push(Item::Char { ch: next, at: base + at + 1, emphasis });
            at += 2;
        } else if let Some((length, pause)) = pause_mark(&line[at..]) {
            items.push(match pause {
                Ok(pause) => Item::Pause(pause),
                Err(reason) => {
                    let range = base + at..base + at + length;
                    Item::Unspoken(Unspoken { text: line[at..at + length].to_owned(), range, reason })
                }
            });
            at += length;
        } else if let Some((length, voice)) = voice_mark(&line[at..]) {
            items.push(Item::Voice(voice));
            at += length;
        } else if let Some(link) = link(&line[at..]) {
            let text = at + link.text.start..at + link.text.end;
            match link.target.strip_prefix("say:").map(str::trim) {
                Some(say) if !say.is_empty() => {
                    items.push(Item::Said { start: base + text.start, end: base + text.end, say: say.to_owned(), emphasis });
                }
                _ => inline_nested(&line[text.clone()], base + text.start, emphasis, items),
            }
            at += link.length;
        } else if let Some((length, inner)) = tag(&line[at..]) {
            inner.chars().fold(at + 1, |position, ch| {
                items.push(Item::Char { ch, at: base + position, emphasis });
                position + ch.len_utf8()
            });
            at += length;
        } else {
            items.push(Item::Char { ch, at: base + at, emphasis });
            at += ch.len_utf8();
        }
    }
}

/// The text of a link: emphasis inside it counts, further links do not (so nesting is bounded).
fn inline_nested(text: &str, base: usize, outer: bool, items: &mut Vec<Item>) {
    let mut markers = emphasis_markers(text).into_iter().peekable();
    let mut depth = usize::from(outer);
    let mut at = 0;
    while let Some(ch) = text[at..].chars().next() {
        while markers.next_if(|marker| marker.at < at).is_some() {}
        if let Some(marker) = markers.next_if(|marker| marker.at == at) {
            depth = depth.saturating_add_signed(marker.change);
            at += marker.length;
        } else {
            items.push(Item::Char { ch, at: base + at, emphasis: depth > 0 });
            at += ch.len_utf8();
        }
    }
}

/// A marker that belongs to a pair: where, how long, and what it does to the depth of emphasis.
struct Marker {
    at: usize,
    length: usize,
    change: isize,
}

/// Finds the markers that open and close something. A marker opens before a word (not inside one: `snake_case`, `2*3*4`) and closes after
/// one; unmatched markers stay text.
fn emphasis_markers(line: &str) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    while let Some(ch) = line[at..].chars().next() {
        if !matches!(ch, '*' | '_' | '`' | '~') {
            at += ch.len_utf8();
            continue;
        }
        let length = line[at..].bytes().take_while(|&byte| byte == ch as u8).count();
        let run = &line[at..at + length];
        let before = line[..at].chars().next_back();
        let after = line[at + length..].chars().next();
        let closes = before.is_some_and(|before| !before.is_whitespace()) && !after.is_some_and(char::is_alphanumeric);
        let opens = after.is_some_and(|after| !after.is_whitespace()) && !before.is_some_and(char::is_alphanumeric);
        let known = match ch {
            '~' => length == 2,
            '`' => true,
            _ => length <= 3,
        };
        if known {
            if closes && let Some(index) = open.iter().rposition(|(_, opened)| *opened == run) {
                let change = isize::from(matches!(ch, '*' | '_'));
                markers.push(Marker { at: open[index].0, length, change });
                markers.push(Marker { at, length, change: -change });
                open.truncate(index);
            } else if opens {
                if open.len() == DEEPEST {
                    open.remove(0);
                }
                open.push((at, run));
            }
        }
        at += length;
    }
    markers.sort_unstable_by_key(|marker| marker.at);
    markers
}

/// Where `byte` first is in `text`, looking no further than [`LONGEST_MARK`]: brackets without end cost nothing.
fn position(text: &str, byte: u8) -> Option<usize> {
    text.bytes().take(LONGEST_MARK).position(|found| found == byte)
}

/// `[pause]`, `[pause 0.5s]`, `[pause 0,5s]`, `[pause 500ms]`, `[pause 1min]`, `[pause 2]` (seconds): its length in bytes and the pause, or
/// why it is none.
fn pause_mark(text: &str) -> Option<(usize, Result<Span, &'static str>)> {
    let inner_start = text.strip_prefix('[')?;
    let close = position(inner_start, b']')?;
    let inner = inner_start[..close].trim();
    let amount = inner.get(..5).filter(|word| word.eq_ignore_ascii_case("pause")).map(|_| &inner[5..])?;
    // `[pauses]` is no mark.
    if !(amount.is_empty() || amount.starts_with(|ch: char| ch.is_whitespace() || ch.is_ascii_digit() || ":=.".contains(ch))) {
        return None;
    }
    let pause = pause(amount.trim_start_matches([':', '=']).trim());
    // `[pause button](address)` is a link.
    let is_link = pause.is_err() && inner_start[close + 1..].starts_with('(');
    (!is_link).then_some((close + 2, pause))
}

/// The pause of an amount as it is written in a mark, or why it is none.
fn pause(amount: &str) -> Result<Span, &'static str> {
    if amount.is_empty() {
        return Ok(Span::from_seconds_f64(DEFAULT_PAUSE));
    }
    let amount = amount.to_ascii_lowercase();
    let unit = UNITS.into_iter().find(|(unit, _)| amount.ends_with(unit));
    let number = amount.strip_suffix(unit.map_or("", |(unit, _)| unit)).unwrap_or_default().trim();
    // Nobody writes a part of a millisecond: `1,500ms` has a comma between thousands.
    let number = if amount.ends_with("ms") { number.to_owned() } else { number.replace(',', ".") };
    let seconds = number.parse::<f64>().map_err(|_| UNREAD)? * unit.map_or(1.0, |(_, seconds)| seconds);
    match unit {
        _ if (0.0..=LONGEST_PAUSE).contains(&seconds) => Ok(Span::from_seconds_f64(seconds)),
        Some(_) => Err(OUT_OF_RANGE),
        None => Err(WITHOUT_UNIT),
    }
}

/// `[voice guest]`, `[voice: kokoro:af_heart]`, `[voice]`: its length in bytes and the name.
fn voice_mark(text: &str) -> Option<(usize, Option<String>)> {
    let inner = text.strip_prefix('[')?;
    let inner = &inner[..position(inner, b']')?];
    let name = inner.trim_start().get(..5).filter(|word| word.eq_ignore_ascii_case("voice")).map(|_| &inner.trim_start()[5..])?;
    // `[voices]` and `[voice](address)` are no marks.
    let ends = text[inner.len() + 2..].starts_with('(') || !(name.is_empty() || name.starts_with([' ', ':']));
    let name = name.trim_start_matches(':').trim();
    (!ends && !name.contains(char::is_whitespace)).then(|| (inner.len() + 2, (!name.is_empty()).then(|| name.to_owned())))
}

/// A link or picture at the start of `text`.
struct Link<'a> {
    length: usize,
    text: std::ops::Range<usize>,
    target: &'a str,
}

fn link(text: &str) -> Option<Link<'_>> {
    let start = if text.starts_with("![") { 2 } else { 1 };
    if !text[start - 1..].starts_with('[') {
        return None;
    }
    let close = start + position(&text[start..], b']')?;
    let target = text[close + 1..].strip_prefix('(')?;
    let end = position(target, b')')?;
    (!text[start..close].contains('[')).then_some(Link { length: close + 2 + end + 1, text: start..close, target: &target[..end] })
}

/// A tag at the start of `text`: its length, and the text it stands for (an address in angle brackets; nothing for HTML).
/// `a <b and c> d` is no tag: words after the name must be attributes.
fn tag(text: &str) -> Option<(usize, &str)> {
    let inner_start = text.strip_prefix('<')?;
    let close = position(inner_start, b'>')?;
    let inner = &inner_start[..close];
    let name = inner.trim_start_matches('/');
    let address = name.contains("://") || name.contains('@');
    let rest = name.trim_start_matches(|ch: char| ch.is_ascii_alphanumeric());
    let named = name.starts_with(|ch: char| ch.is_ascii_alphabetic()) && (rest.is_empty() || rest.trim() == "/" || rest.contains('='));
    (address || named || inner.starts_with("!--")).then_some((close + 2, if address { inner } else { "" }))
}
