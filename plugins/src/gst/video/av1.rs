//! Units of AV1 as they stand in an MP4 file (AV1 Codec ISO Media File Format Binding), with their colours told.
//!
//! Encoders leave open what colours they were given, and players then guess by the size of the picture; so the sequence header is given
//! the three numbers of BT.709 and the place of the chroma samples.

use bytes::{Bytes, BytesMut};

/// OBU types (AV1 Bitstream, 6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// A temporal unit without its delimiter.
///
/// # Errors
/// It is cut short.
pub(super) fn unit(unit: &[u8]) -> Result<Bytes, String> {
    let mut kept = BytesMut::with_capacity(unit.len() + 3);
    for obu in obus(unit) {
        match obu? {
            Obu { kind: TEMPORAL_DELIMITER, .. } => {}
            Obu { kind: SEQUENCE_HEADER, payload, .. } => kept.extend_from_slice(&Sequence::read(payload)?.obu()),
            Obu { whole, .. } => kept.extend_from_slice(whole),
        }
    }
    Ok(kept.freeze())
}

/// The payload of `av1C` (the binding, 2.3) from the sequence header in the first unit: 8 bits, 4:2:0.
///
/// # Errors
/// There is none, or it is of a kind that nobody who is asked here makes.
pub(super) fn config(first: &[u8]) -> Result<Bytes, String> {
    for obu in obus(first) {
        let obu = obu?;
        if obu.kind == SEQUENCE_HEADER {
            let sequence = Sequence::read(obu.payload)?;
            let mut record = vec![0x81, sequence.profile << 5 | sequence.level, sequence.tier << 7 | 0b1101, 0];
            record.extend(sequence.obu());
            return Ok(record.into());
        }
    }
    Err("its first unit has no sequence header".into())
}

struct Obu<'a> {
    kind: u8,
    whole: &'a [u8],
    payload: &'a [u8],
}

/// The OBUs of a unit (AV1 Bitstream, 5.3).
fn obus(unit: &[u8]) -> impl Iterator<Item = Result<Obu<'_>, String>> {
    let mut rest = unit;
    std::iter::from_fn(move || {
        let head = *rest.first()?;
        let prefix = 1 + usize::from(head >> 2 & 1);
        let size = match head >> 1 & 1 {
            0 => rest.len().checked_sub(prefix).map(|size| (size, 0)),
            _ => rest.get(prefix..).and_then(leb128),
        };
        let found = size.and_then(|(size, length)| {
            let start = prefix + length;
            let whole = rest.get(..start.checked_add(size)?)?;
            Some(Obu { kind: head >> 3 & 15, whole, payload: &whole[start..] })
        });
        rest = found.as_ref().map_or(&[], |obu| &rest[obu.whole.len()..]);
        Some(found.ok_or_else(|| "a unit that is cut short".into()))
    })
}

/// A number of up to eight bytes of seven bits, the lowest first (AV1 Bitstream, 4.10.5), and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let length = bytes.iter().take(8).position(|byte| byte & 128 == 0)? + 1;
    let value = bytes[..length].iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 127));
    Some((usize::try_from(value).ok()?, length))
}

/// A sequence header, its colours told.
struct Sequence {
    profile: u8,
    level: u8,
    tier: u8,
    payload: Vec<u8>,
}

impl Sequence {
    fn read(payload: &[u8]) -> Result<Sequence, String> {
        Sequence::parse(payload).ok_or_else(|| "its sequence header is of an unknown kind".into())
    }

    /// AV1 Bitstream, 5.5; `None` where it ends too early, has a decoder model, is that of a still picture, or not 8 bits and 4:2:0.
    fn parse(payload: &[u8]) -> Option<Sequence> {
        let mut bits = Bits { data: payload, at: 0 };
        let profile = bits.take(3)? as u8;
        let (_still, reduced, timing) = (bits.flag()?, bits.flag()?, bits.flag()?);
        if profile != 0 || reduced || timing {
            return None;
        }
        let delays = bits.flag()?;
        let points = bits.take(5)? + 1;
        let (mut level, mut tier) = (0, 0);
        for point in 0..points {
            bits.take(12)?;
            let of_point = bits.take(5)? as u8;
            let tier_of_point = if of_point > 7 { bits.take(1)? as u8 } else { 0 };
            if point == 0 {
                (level, tier) = (of_point, tier_of_point);
            }
            if delays && bits.flag()? {
                bits.take(4)?;
            }
        }
        let (width, height) = (bits.take(4)? + 1, bits.take(4)? + 1);
        bits.take(width as usize)?;
        bits.take(height as usize)?;
        if bits.flag()? {
            bits.take(7)?; // lengths of frame ids
        }
        bits.take(3)?; // superblocks, filters of intra prediction
        bits.take(4)?; // compound prediction, warped motion, dual filter
        let order_hint = bits.flag()?;
        if order_hint {
            bits.take(2)?;
        }
        let screen_content = bits.flag()? || bits.flag()?;
        if screen_content && !bits.flag()? {
            bits.take(1)?;
        }
        if order_hint {
            bits.take(3)?;
        }
        bits.take(3)?; // super-resolution, CDEF, restoration
        let (high, mono) = (bits.flag()?, bits.flag()?);
        if high || mono {
            return None;
        }
        let at = bits.at;
        let told = bits.flag()?;
        let mut written = Written::new(payload, at);
        written.add(1, 1);
        [1, 1, 1].into_iter().for_each(|bt709| written.add(bt709, 8));
        if told {
            bits.take(24)?;
        }
        // Limited range; left of the luma samples, between two of them.
        bits.take(3)?;
        written.add(0, 1);
        written.add(1, 2);
        // The rest, with its trailing bit and zeros: what was put in are whole bytes, so it stays as long as it was.
        while let Some(bit) = bits.take(1) {
            written.add(bit, 1);
        }
        Some(Sequence { profile, level, tier, payload: written.bytes })
    }

    /// All of the OBU, with its size.
    fn obu(&self) -> Vec<u8> {
        let mut obu = vec![SEQUENCE_HEADER << 3 | 2];
        let mut size = self.payload.len();
        while size > 127 {
            obu.push(size as u8 & 127 | 128);
            size >>= 7;
        }
        obu.push(size as u8);
        obu.extend_from_slice(&self.payload);
        obu
    }
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// Up to 32 bits, the highest first.
    fn take(&mut self, count: usize) -> Option<u32> {
        let bit = |value: u32, at: usize| Some(value << 1 | u32::from(self.data.get(at / 8)? >> (7 - at % 8) & 1));
        let value = (self.at..self.at + count).try_fold(0, bit)?;
        self.at += count;
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }
}

/// Bits written one after the other.
struct Written {
    bytes: Vec<u8>,
    length: usize,
}

impl Written {
    /// The first `length` bits of `data`.
    fn new(data: &[u8], length: usize) -> Written {
        let mut written = Written { bytes: Vec::with_capacity(data.len() + 3), length: 0 };
        for at in 0..length {
            written.add(u32::from(data[at / 8] >> (7 - at % 8) & 1), 1);
        }
        written
    }

    fn add(&mut self, value: u32, count: usize) {
        for bit in (0..count).rev() {
            if self.length.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (7 - self.length % 8);
            self.length += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libaom 3.6 writes for 320x180.
    const HEADER: [u8; 14] = [0x0a, 0x0c, 0x00, 0x00, 0x00, 0x04, 0x3c, 0xfe, 0xcf, 0x81, 0xb5, 0xf2, 0x00, 0x80];

    #[test]
    fn colours_are_put_into_the_sequence_header_and_delimiters_left_out() {
        let frame = [&[0x32, 0x82, 1][..], &[7; 130]].concat();
        let whole = [&[0x12, 0][..], &HEADER, &frame].concat();
        let told = unit(&whole).unwrap();
        let Ok(header) = obus(&told).next().unwrap() else { panic!("an OBU") };
        assert_eq!((header.kind, header.payload.len(), &told[header.whole.len()..]), (SEQUENCE_HEADER, HEADER.len() - 2 + 3, &frame[..]));
        let again = Sequence::parse(header.payload).unwrap();
        assert_eq!(again.payload, header.payload, "a header whose colours are told stays as it is");
        let record = config(&whole).unwrap();
        assert_eq!((&record[..4], &record[4..]), (&[0x81, 0, 0b1101, 0][..], header.whole));
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let whole = [&[0x12, 0][..], &HEADER].concat();
        for end in 0..whole.len() {
            let _ = (unit(&whole[..end]), config(&whole[..end]));
        }
        assert!(config(&whole[..8]).unwrap_err().contains("cut short"));
        assert!(config(&[0x12, 0]).unwrap_err().contains("no sequence header"));
        assert!(config(&[0x0a, 1, 0xff]).unwrap_err().contains("unknown kind"));
    }
}
