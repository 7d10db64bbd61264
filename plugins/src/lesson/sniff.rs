//! What a file is, by its content: names lie, and uploads have none.

use super::content::Format as Document;
use super::deck::Format;
use super::error::LessonError;
use super::json;
use super::package::Package;
use std::path::Path;

/// What an importer is there for.
#[derive(Debug)]
pub(super) enum Kind {
    Deck(Format),
    Pdf,
    Lesson,
    /// In the JSON of another system.
    Json,
    /// Text for which slides are made.
    Content(Document),
}

/// Looks at the content; `path` is for the message.
pub(super) fn kind(path: &Path, bytes: &[u8]) -> Result<Kind, LessonError> {
    let unsupported = |found: &str| Err(LessonError::Unsupported { path: path.into(), found: found.into() });
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    // Names in an OLE file are UTF-16.
    let has_name = |name: &str| has(&name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    // A PDF may have up to 1024 bytes of something else before its header (PDF 1.7, appendix H).
    let head = &bytes[..bytes.len().min(1024)];
    match bytes {
        [] => Err(LessonError::Empty { path: path.into(), cause: "is an empty file".into() }),
        [b'P', b'K', 3, 4, ..] => zipped(path, bytes),
        [b'P', b'K', 5, 6, ..] => unsupported("an empty zip file"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] if has_name("EncryptedPackage") || has_name("EncryptedSummary") => {
            Err(LessonError::Encrypted { path: path.into() })
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] if has_name("PowerPoint Document") => Ok(Kind::Deck(Format::Ppt)),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => unsupported("an old Office document, but no presentation"),
        _ if head.windows(5).any(|window| window == b"%PDF-") => Ok(Kind::Pdf),
        _ if image::guess_format(bytes).is_ok() => unsupported("a single picture; put it into a folder"),
        _ => text(path, bytes),
    }
}

fn zipped(path: &Path, bytes: &[u8]) -> Result<Kind, LessonError> {
    let mut package = Package::open(path, bytes)?;
    if let Some(kind) = package.read("mimetype")? {
        return match kind.as_slice() {
            b"application/vnd.oasis.opendocument.presentation" | b"application/vnd.oasis.opendocument.presentation-template" => {
                Ok(Kind::Deck(Format::Odp))
            }
            other => Err(LessonError::Unsupported {
                path: path.into(),
                found: format!("{}, not a presentation", String::from_utf8_lossy(other)),
            }),
        };
    }
    let types = package.read("[Content_Types].xml")?.unwrap_or_default();
    let types = String::from_utf8_lossy(&types);
    let found = match () {
        // Also .pptm, .ppsx, .potx: `…presentationml.slideshow.main+xml` and their like.
        _ if types.contains("presentationml.") || types.contains("ms-powerpoint.") => return Ok(Kind::Deck(Format::Pptx)),
        // Also .docm, .dotx.
        _ if types.contains("wordprocessingml.") || types.contains("ms-word.") => return Ok(Kind::Content(Document::Docx)),
        _ if types.contains("spreadsheetml.") => "an Excel workbook, not a presentation",
        _ => "a zip file, but no presentation",
    };
    Err(LessonError::Unsupported { path: path.into(), found: found.into() })
}

fn text(path: &Path, bytes: &[u8]) -> Result<Kind, LessonError> {
    let unsupported = |found: &str| Err(LessonError::Unsupported { path: path.into(), found: found.into() });
    let named = |names: &[&str]| path.extension().is_some_and(|extension| names.iter().any(|name| extension.eq_ignore_ascii_case(name)));
    // Somebody else's encoding is told of as such where a text was meant.
    let Ok(text) = super::content::text(path, bytes) else {
        return if named(&["md", "markdown", "txt", "text"]) {
            super::content::text(path, bytes).map(|_| Kind::Lesson)
        } else {
            unsupported("of no known format")
        };
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\u{c}');
    let starts =
        |key: &str| text.lines().any(|line| line.trim_end() == key || line.strip_prefix(key).is_some_and(|rest| rest.starts_with(' ')));
    match () {
        _ if text.trim_start().starts_with('{') && json::is_lesson(&text) => Ok(Kind::Json),
        _ if named(&["yaml", "yml"]) || (starts("slides:") && starts("version:")) => Ok(Kind::Lesson),
        _ if text.contains(control) => unsupported("of no known format"),
        _ if text.trim().is_empty() => Err(LessonError::Empty { path: path.into(), cause: "is an empty file".into() }),
        _ if named(&["md", "markdown"]) => Ok(Kind::Content(Document::Markdown)),
        _ if is_for_programs(&text) => unsupported("text of a kind that is no document"),
        _ if !named(&["txt", "text"]) && is_markdown(&text) => Ok(Kind::Content(Document::Markdown)),
        _ => Ok(Kind::Content(Document::Plain)),
    }
}

/// JSON, XML, HTML, PostScript: nothing to read aloud.
fn is_for_programs(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '<'])
        || text.starts_with("%!")
        || (text.starts_with('[') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// Whether a text has headings, links or pictures as Markdown writes them.
fn is_markdown(text: &str) -> bool {
    let heading =
        |line: &str| line.trim_start_matches('#').starts_with(' ') && (1..=6).contains(&(line.len() - line.trim_start_matches('#').len()));
    text.lines().any(heading) || text.contains("](") || text.contains("\n```") || text.contains("**")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> String {
        match kind(Path::new("upload"), bytes) {
            Ok(kind) => format!("{kind:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn content_decides_and_not_the_name() {
        assert_eq!(of(b"junk\n%PDF-1.7 ..."), "Pdf");
        assert_eq!(of(b"version: 1\nslides:\n- id: a\n"), "Lesson");
        assert_eq!(of(br#" {"slide_data": {}}"#), "Json");
        assert_eq!(of(br#"{"slides": [{"slideInfo": {}}]}"#), "Json");
        assert!(of(br#"{"slides": ["#).contains("no document"));
        assert!(of(b"").contains("empty file"));
        assert!(of(b"\x89PNG\r\n\x1a\n0000").contains("a single picture; put it into a folder"));
        assert_eq!(of(b"Hello"), "Content(Plain)");
        assert_eq!(of(b"# Hello\nthere"), "Content(Markdown)");
        assert_eq!(of(b"\xff\xfeH\0i\0"), "Content(Plain)", "UTF-16");
        assert_eq!(of(b"Notes\nslides: 10\n"), "Content(Plain)", "a word alone makes no lesson file");
        assert!(of(b" \n").contains("empty file"));
        assert!(of(b"{\"a\": 1}").contains("no document"));
        assert!(of(b"Hello\x00").contains("no known format"));
        assert!(of(b"\xff\x00\x01").contains("no known format"));
        let error = kind(Path::new("notes.txt"), b"caf\xe9").unwrap_err().to_string();
        assert!(error.contains("save it as UTF-8"), "{error}");
        assert!(of(b"PK\x05\x06").contains("empty zip"));
        assert!(of(b"PK\x03\x04 cut").contains("damaged"));
    }

    #[test]
    fn old_office_files_are_told_apart() {
        let ole =
            |name: &str| [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), name.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
        assert_eq!(of(&ole("PowerPoint Document")), "Deck(Ppt)");
        assert!(of(&ole("EncryptedPackage")).contains("protected with a password"));
        assert!(of(&ole("EncryptedSummary")).contains("protected with a password"));
        assert!(of(&ole("WordDocument")).contains("no presentation"));
    }
}
