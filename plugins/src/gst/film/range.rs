//! The range of colour that an MP4 or MOV file names for its pictures (ISO/IEC 14496-12, 12.1.5: box `colr`, type `nclx`).
//!
//! GStreamer 1.22 reads matrix and primaries there but not the flag for full range, and believes them more than the pictures themselves.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;

/// What describes the tracks is not longer, even of a film of hours.
const LONGEST: u64 = 64 << 20;

/// GStreamer's words for the colour of pictures with full range; `None` when the file does not name one.
pub(super) fn full_range(path: &Path) -> Option<&'static str> {
    let moov = moov(path).ok()??;
    let nclx = moov.windows(8).position(|bytes| bytes == b"colrnclx")?;
    // Primaries, transfer, matrix, two bytes each; then the flag.
    let fields = moov.get(nclx + 8..nclx + 15)?;
    if fields[6] & 0x80 == 0 {
        return None;
    }
    // ISO/IEC 23091-2, 8.3; range, matrix, transfer and primaries in GStreamer's numbers.
    match u16::from_be_bytes([fields[4], fields[5]]) {
        0 => Some("1:1:7:1"),
        5 | 6 => Some("1:4:5:4"),
        7 => Some("1:5:5:6"),
        9 => Some("1:6:5:7"),
        _ => Some("1:3:5:1"),
    }
}

/// The box that describes the tracks.
fn moov(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut at: u64 = 0;
    while at + 8 <= bytes {
        file.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        file.by_ref().take(16).read_to_end(&mut head)?;
        let (size, begin) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => (bytes - at, 8),
            1 if head.len() == 16 => (head[8..].iter().fold(0, |size: u64, byte| size << 8 | u64::from(*byte)), 16),
            size => (size.into(), 8),
        };
        if &head[4..8] == b"moov" {
            file.seek(SeekFrom::Start(at + begin))?;
            let mut moov = Vec::new();
            file.take(size.saturating_sub(begin).min(LONGEST)).read_to_end(&mut moov)?;
            return Ok(Some(moov));
        }
        let is_known = matches!(&head[4..8], b"ftyp" | b"mdat" | b"wide" | b"free" | b"skip" | b"uuid");
        if size < 8 || !is_known {
            return Ok(None);
        }
        at = at.saturating_add(size);
    }
    Ok(None)
}
