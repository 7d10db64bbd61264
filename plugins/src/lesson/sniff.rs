//! What a file is, by its content: names lie, and uploads have none.

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
        [0xd0, 0xcf, 0x11, 0xe0, ..] if has_name("EncryptedPackage") => Err(LessonError::Encrypted { path: path.into() }),
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
        _ if types.contains("wordprocessingml.") => "a Word document, not a presentation",
        _ if types.contains("spreadsheetml.") => "an Excel workbook, not a presentation",
        _ => "a zip file, but no presentation",
    };
    Err(LessonError::Unsupported { path: path.into(), found: found.into() })
}

fn text(path: &Path, bytes: &[u8]) -> Result<Kind, LessonError> {
    let found = match std::str::from_utf8(bytes) {
        Err(_) => "of no known format",
        Ok(text) if text.trim_start().starts_with('{') && json::is_lesson(text) => return Ok(Kind::Json),
        Ok(text) if text.lines().any(|line| line.trim_end() == "slides:" || line.starts_with("slides: ")) => return Ok(Kind::Lesson),
        Ok(_) if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") => return Ok(Kind::Lesson),
        Ok(_) => "text without slides",
    };
    Err(LessonError::Unsupported { path: path.into(), found: found.into() })
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
        assert!(of(br#"{"slides": ["#).contains("text without slides"));
        assert!(of(b"").contains("empty file"));
        assert!(of(b"\x89PNG\r\n\x1a\n0000").contains("a single picture; put it into a folder"));
        assert!(of(b"Hello").contains("text without slides"));
        assert!(of(b"\xff\x00\x01").contains("no known format"));
        assert!(of(b"PK\x05\x06").contains("empty zip"));
        assert!(of(b"PK\x03\x04 cut").contains("damaged"));
    }

    #[test]
    fn old_office_files_are_told_apart() {
        let ole =
            |name: &str| [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), name.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
        assert_eq!(of(&ole("PowerPoint Document")), "Deck(Ppt)");
        assert!(of(&ole("EncryptedPackage")).contains("protected with a password"));
        assert!(of(&ole("WordDocument")).contains("no presentation"));
    }
}
