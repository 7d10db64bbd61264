//! What a file is, as its first bytes say it, and for packed ones what they hold.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes at the beginning that are looked at.
const HEAD: u64 = 64 << 10;

/// Parts that a packed document may have. The list of more of them would fill the memory before anybody looks at it.
const PARTS: u64 = 65_535;

/// A kind of file that Lectern can do something with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PowerPoint of 2007 and later.
    Pptx,
    /// PowerPoint before that.
    Ppt,
    /// OpenDocument presentation.
    Odp,
    /// PDF.
    Pdf,
    /// Word of 2007 and later.
    Docx,
    /// Plain text, in UTF-8 or, with a byte order mark, UTF-16.
    Text,
    /// The same with marks.
    Markdown,
    /// PNG picture.
    Png,
    /// JPEG picture.
    Jpeg,
    /// Wave.
    Wav,
    /// MPEG layer 3.
    Mp3,
    /// AAC in MP4.
    M4a,
    /// AAC by itself (ADTS).
    Aac,
    /// FLAC.
    Flac,
    /// Ogg, with Vorbis or Opus.
    Ogg,
    /// MP4 film.
    Mp4,
    /// QuickTime film.
    Mov,
    /// WebM film.
    WebM,
    /// Matroska film.
    Mkv,
    /// AVI film.
    Avi,
}

/// Slides.
pub const DECKS: &[Kind] = &[Kind::Pptx, Kind::Ppt, Kind::Odp, Kind::Pdf];
/// What slides can be made of.
pub const CONTENT: &[Kind] = &[Kind::Pdf, Kind::Docx, Kind::Text, Kind::Markdown];
/// Pictures.
pub const PICTURES: &[Kind] = &[Kind::Png, Kind::Jpeg];
/// Recordings.
pub const SOUNDS: &[Kind] = &[Kind::Wav, Kind::Mp3, Kind::M4a, Kind::Aac, Kind::Flac, Kind::Ogg];
/// Films.
pub const FILMS: &[Kind] = &[Kind::Mp4, Kind::Mov, Kind::WebM, Kind::Mkv, Kind::Avi];

impl Kind {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Pptx => "a PowerPoint file (.pptx)",
            Kind::Ppt => "an old PowerPoint file (.ppt)",
            Kind::Odp => "an OpenDocument presentation (.odp)",
            Kind::Pdf => "a PDF",
            Kind::Docx => "a Word file (.docx)",
            Kind::Text => "a plain text",
            Kind::Markdown => "a Markdown text",
            Kind::Png => "a PNG picture",
            Kind::Jpeg => "a JPEG picture",
            Kind::Wav => "a WAV recording",
            Kind::Mp3 => "an MP3 recording",
            Kind::M4a => "an M4A recording",
            Kind::Aac => "an AAC recording",
            Kind::Flac => "a FLAC recording",
            Kind::Ogg => "an Ogg recording",
            Kind::Mp4 => "an MP4 film",
            Kind::Mov => "a QuickTime film (.mov)",
            Kind::WebM => "a WebM film",
            Kind::Mkv => "a Matroska film (.mkv)",
            Kind::Avi => "an AVI film",
        }
    }

    /// The ending that its files have, with the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Kind::Pptx => ".pptx",
            Kind::Ppt => ".ppt",
            Kind::Odp => ".odp",
            Kind::Pdf => ".pdf",
            Kind::Docx => ".docx",
            Kind::Text => ".txt",
            Kind::Markdown => ".md",
            Kind::Png => ".png",
            Kind::Jpeg => ".jpg",
            Kind::Wav => ".wav",
            Kind::Mp3 => ".mp3",
            Kind::M4a => ".m4a",
            Kind::Aac => ".aac",
            Kind::Flac => ".flac",
            Kind::Ogg => ".ogg",
            Kind::Mp4 => ".mp4",
            Kind::Mov => ".mov",
            Kind::WebM => ".webm",
            Kind::Mkv => ".mkv",
            Kind::Avi => ".avi",
        }
    }

    /// A recording?
    pub fn is_sound(self) -> bool {
        SOUNDS.contains(&self)
    }

    /// What a file is. Its name decides only whether a text has marks.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn find(path: &Path, name: &str) -> io::Result<Option<Kind>> {
        let mut file = File::open(path)?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut head)?;
        if head.starts_with(b"PK\x03\x04") {
            file.seek(SeekFrom::Start(0))?;
            return Ok(packed(file));
        }
        // [MS-CFB], 2.2: a file of files, as Office wrote them before 2007.
        if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
            file.seek(SeekFrom::Start(0))?;
            return Ok(has_presentation(file)?.then_some(Kind::Ppt));
        }
        Ok(magic(&head).or_else(|| text(&head, name)))
    }
}

/// A few kinds in a sentence.
pub fn list(kinds: &[Kind]) -> String {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    match titles.as_slice() {
        [] => "nothing".into(),
        [one] => (*one).into(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}

/// Of kinds that begin in their own way.
fn magic(head: &[u8]) -> Option<Kind> {
    let at = |place: usize, wanted: &[u8]| head.get(place..place + wanted.len()) == Some(wanted);
    let has = |within: usize, wanted: &[u8]| head[..head.len().min(within)].windows(wanted.len()).any(|window| window == wanted);
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::Png);
    }
    if at(0, b"\xff\xd8\xff") {
        return Some(Kind::Jpeg);
    }
    if at(0, b"RIFF") && at(8, b"WAVE") {
        return Some(Kind::Wav);
    }
    if at(0, b"RIFF") && at(8, b"AVI ") {
        return Some(Kind::Avi);
    }
    if at(0, b"fLaC") {
        return Some(Kind::Flac);
    }
    if at(0, b"OggS") {
        return Some(Kind::Ogg);
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        // Matroska's document type is said in its head.
        let kinds: [(&[u8], Kind); 2] = [(b"webm", Kind::WebM), (b"matroska", Kind::Mkv)];
        return kinds.into_iter().find(|(word, _)| has(64, word)).map(|(_, kind)| kind);
    }
    if at(4, b"ftyp") {
        // ISO/IEC 14496-12, 4.3: the major brand.
        return Some(match head.get(8..12)? {
            b"qt  " => Kind::Mov,
            b"M4A " | b"M4B " => Kind::M4a,
            _ => Kind::Mp4,
        });
    }
    // QuickTime from before brands.
    if [b"moov", b"mdat", b"wide"].into_iter().any(|word| at(4, word)) {
        return Some(Kind::Mov);
    }
    // Readers look for it in the first kilobyte (ISO 32000-1, annex H.3.4.1).
    if has(1024, b"%PDF-") {
        return Some(Kind::Pdf);
    }
    if at(0, b"ID3") {
        return Some(Kind::Mp3);
    }
    match head {
        // ISO/IEC 13818-7, 6.2: twelve ones, then layer 0.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Some(Kind::Aac),
        // ISO/IEC 11172-3, 2.4.1.3: eleven ones, a version, layer 3; a bit rate and a sampling rate that are.
        [0xff, second, third, ..] if second & 0xe6 == 0xe2 && second & 0x18 != 0x08 && third >> 4 != 15 && third & 0x0c != 0x0c => {
            Some(Kind::Mp3)
        }
        _ => None,
    }
}

fn text(head: &[u8], name: &str) -> Option<Kind> {
    // A letter may be cut off at the end of what is looked at.
    let valid = match head {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        _ => match std::str::from_utf8(head) {
            Ok(text) => text.into(),
            Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&head[..error.valid_up_to()]).into_owned(),
            Err(_) => return None,
        },
    };
    let plain = valid.chars().all(|c| !c.is_control() || "\t\n\r\u{c}".contains(c));
    let name = name.to_ascii_lowercase();
    let marked = name.ends_with(".md") || name.ends_with(".markdown");
    plain.then_some(if marked { Kind::Markdown } else { Kind::Text })
}

/// Text behind a byte order mark, if it is some.
fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Option<String> {
    let mut units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
    // The first half of a letter.
    units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
    String::from_utf16(&units).ok().filter(|text| !text.is_empty())
}

/// Office's and OpenDocument's files are zip archives.
fn packed(mut file: File) -> Option<Kind> {
    if parts(&mut file).ok()? > PARTS {
        return None;
    }
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut archive = zip::ZipArchive::new(file).ok()?;
    if archive.index_for_name("ppt/presentation.xml").is_some() {
        return Some(Kind::Pptx);
    }
    if archive.index_for_name("word/document.xml").is_some() {
        return Some(Kind::Docx);
    }
    // OpenDocument 1.2, part 3, 3.3.
    let mut kind = String::new();
    archive.by_name("mimetype").ok()?.take(80).read_to_string(&mut kind).ok()?;
    kind.starts_with("application/vnd.oasis.opendocument.presentation").then_some(Kind::Odp)
}

/// How many parts an archive says that it has, wherever a reader might look for that (APPNOTE.TXT, 4.3.14 to 4.3.16).
fn parts(file: &mut File) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    // The end of the list of parts, before a comment of up to 64 KiB.
    file.seek(SeekFrom::Start(size.saturating_sub((64 << 10) + 98)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let mut most = 0;
    for place in 0..(tail.len() + 1).saturating_sub(20) {
        let at = |from: usize, length: usize| &tail[place + from..place + from + length];
        match at(0, 4) {
            b"PK\x05\x06" => most = most.max(u64::from(u16::from_le_bytes([tail[place + 10], tail[place + 11]]))),
            // With more than 65,534 parts, another record says how many.
            b"PK\x06\x07" => {
                let record = u64::from_le_bytes(at(8, 8).try_into().expect("eight bytes"));
                let mut head = [0; 40];
                file.seek(SeekFrom::Start(record))?;
                file.read_exact(&mut head)?;
                most = most.max(u64::from_le_bytes(head[32..].try_into().expect("eight bytes")));
            }
            _ => {}
        }
    }
    Ok(most)
}

/// Is there a stream of this name in the file? [MS-PPT], 2.1.2: names are UTF-16.
fn has_presentation(mut file: File) -> io::Result<bool> {
    let wanted: Vec<u8> = "PowerPoint Document".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut window = Vec::new();
    loop {
        let kept = window.len().min(wanted.len() - 1);
        window.drain(..window.len() - kept);
        if file.by_ref().take(HEAD).read_to_end(&mut window)? == 0 {
            return Ok(false);
        }
        if window.windows(wanted.len()).any(|place| place == wanted) {
            return Ok(true);
        }
    }
}
