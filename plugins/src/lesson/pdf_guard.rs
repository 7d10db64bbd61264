//! Protection against PDF files that are not whole, or unpack to far more than they are.
//!
//! A document that is cut off is refused, because its reader would make do with the pages that are left. What unpacks to too much is
//! found in the bytes, not at the document: every stream that is packed with Flate is unpacked through a counter, twice packed ones
//! too, before anything that believes the file sees it. Pictures may be large up to the limit for pictures; everything else in a PDF
//! is drawing commands, fonts and tables, of which a slide has far less.

use super::error::LessonError;
use super::limits::MAX_PIXELS;
use flate2::read::ZlibDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Bytes of a stream that is no picture, unpacked.
const MAX_STREAM: u64 = 64 << 20;
/// Bytes of a pixel at most: four colours of 8 bits.
const PIXEL: u64 = 4;
/// How often a stream may be packed.
const MAX_LAYERS: usize = 4;
/// A stream's dictionary is looked for so far before it.
const DICTIONARY: usize = 4096;

/// The mark of the end stands within the last bytes of a file (PDF 1.7, appendix H, note 18: 1024; some writers add more behind it).
const END: (&[u8], usize) = (b"%%EOF", 4096);

/// Fails when the end of the PDF in `bytes` is missing, a picture of it has too many pixels, or a stream unpacks to too much. Not an
/// error: whatever else may be wrong with it.
pub(super) fn check(path: &Path, bytes: &[u8]) -> Result<(), LessonError> {
    if !bytes[bytes.len().saturating_sub(END.1)..].windows(END.0.len()).any(|word| word == END.0) {
        return Err(LessonError::damaged(path, "it is cut off or no PDF document"));
    }
    let limit = |what: String, limit: String| LessonError::Limit { path: path.into(), what, limit };
    for start in streams(bytes) {
        let dictionary = dictionary(&bytes[..start]);
        let picture = number(dictionary, b"/Width").zip(number(dictionary, b"/Height"));
        if let Some((width, height)) = picture.filter(|(width, height)| width.saturating_mul(*height) > MAX_PIXELS) {
            return Err(limit(
                format!("a picture in it has {width}x{height} pixels"),
                format!("{} megapixels: scale it down", MAX_PIXELS / 1_000_000),
            ));
        }
        let most = picture.map_or(MAX_STREAM, |_| MAX_PIXELS * PIXEL);
        if unpacked(&bytes[start..], most) > most {
            return Err(limit(
                format!("a part of it unpacks to more than {} MiB", most >> 20),
                format!("{} MiB for what is no picture, as protection against zip bombs", MAX_STREAM >> 20),
            ));
        }
    }
    Ok(())
}

/// Where the content of each stream begins (PDF 1.7, 7.3.8: the keyword `stream`, then a line end).
fn streams(bytes: &[u8]) -> impl Iterator<Item = usize> {
    const KEYWORD: &[u8] = b"stream";
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += bytes[at..].iter().position(|byte| *byte == b's')?;
            let rest = &bytes[at..];
            at += 1;
            if rest.starts_with(KEYWORD) {
                let ends = rest[KEYWORD.len()..].iter().take(2).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if ends > 0 {
                    return Some(at - 1 + KEYWORD.len() + ends);
                }
            }
        }
    })
}

/// What stands between the last `obj` and the end of `before`.
fn dictionary(before: &[u8]) -> &[u8] {
    let near = &before[before.len().saturating_sub(DICTIONARY)..];
    near.windows(3).rposition(|word| word == b"obj").map_or(near, |start| &near[start..])
}

/// The whole number after `key`.
fn number(dictionary: &[u8], key: &[u8]) -> Option<u64> {
    let start = dictionary.windows(key.len()).position(|word| word == key)? + key.len();
    let digits: Vec<u8> = dictionary[start..].iter().copied().skip_while(u8::is_ascii_whitespace).take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// How much comes out of the innermost layer, or of one before it if that is more than `most`; counted only as far as needed.
fn unpacked(packed: &[u8], most: u64) -> u64 {
    fn count(mut source: impl BufRead, most: u64, layers: usize) -> u64 {
        // A slice is at hand whole; a reader gives more than two bytes unless it ends.
        let head = source.fill_buf().map(|head| [head.first().copied(), head.get(1).copied()]).unwrap_or_default();
        let [Some(method), Some(flags)] = head else { return 0 };
        // RFC 1950: method 8, and the two bytes a multiple of 31.
        if layers == 0 || method & 0x0f != 8 || (u16::from(method) << 8 | u16::from(flags)) % 31 != 0 {
            return read(source, most);
        }
        let reader: Box<dyn Read + '_> = Box::new(ZlibDecoder::new(source));
        count(BufReader::new(reader), most, layers - 1)
    }
    /// What can be read; damage ends it.
    fn read(source: impl BufRead, most: u64) -> u64 {
        let mut source = source.take(most + 1);
        let mut total = 0;
        loop {
            match source.fill_buf() {
                Ok([]) => return total,
                Ok(part) => {
                    let length = part.len();
                    total += length as u64;
                    source.consume(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return total,
            }
        }
    }
    // What is not packed is as long as it is.
    let packed = &packed[..packed.len().min(usize::try_from(most).unwrap_or(usize::MAX))];
    count(packed, most, MAX_LAYERS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::ZlibEncoder;

    fn packed(content: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        ZlibEncoder::new(content, Compression::fast()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn with(dictionary: &str, content: &[u8]) -> Result<(), String> {
        let pdf =
            [format!("%PDF-1.4\n4 0 obj\n<< {dictionary} >>\nstream\r\n").as_bytes(), content, b"\nendstream\nendobj\n%%EOF\n"].concat();
        check(Path::new("a.pdf"), &pdf).map_err(|error| error.to_string())
    }

    #[test]
    fn bombs_are_found_and_large_pictures_are_not_taken_for_them() {
        let zeros = |bytes: u64| packed(io::repeat(0).take(bytes));
        assert!(with("", &zeros(MAX_STREAM + 1)).unwrap_err().contains("unpacks to more than 64 MiB"));
        assert!(with("", &packed(&zeros(MAX_STREAM + 1)[..])).unwrap_err().contains("unpacks to more than 64 MiB"), "packed twice");
        assert_eq!(with("", &zeros(MAX_STREAM)), Ok(()));
        assert_eq!(with("/Subtype /Image /Width 10000 /Height 10000", &zeros(100_000_000)), Ok(()));
        assert!(with("/Width 30000 /Height 30000", b"").unwrap_err().contains("30000x30000 pixels; the limit is 200 megapixels"));
        assert_eq!(with("/Length 4", b"q Q\n"), Ok(()));
        assert_eq!(with("/Length 4", &zeros(1000)[..5]), Ok(()), "damage is for others to find");
        assert!(check(Path::new("a.pdf"), b"%PDF-1.4\n4 0 obj").unwrap_err().to_string().contains("cut off"));
    }
}
