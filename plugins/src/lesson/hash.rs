//! Content hashes: BLAKE3 over a canonical form.
//!
//! Canonical means that every field is written with its length or its tag, so that no two different values give the same bytes, and
//! that nothing of the machine enters: no path, no date, no order of a hash map.

use std::fmt;

/// The BLAKE3 hash of some content. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of plain bytes (a file).
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(*blake3::hash(bytes).as_bytes())
    }

    /// The first eight bytes as a number: a seed for all that looks random on a slide.
    pub fn seed(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Feeds fields into a hash, unambiguously.
pub(super) struct Canon(blake3::Hasher);

impl Canon {
    /// Starts a hash for one kind of value; the tag keeps kinds apart and carries the version of their form.
    pub fn new(tag: &str) -> Canon {
        Canon(blake3::Hasher::new()).text(tag)
    }

    /// A piece of text, with its length before it.
    pub fn text(mut self, text: &str) -> Canon {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }

    /// A whole number.
    pub fn number(mut self, number: i64) -> Canon {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// A fraction; both zeros count as one.
    pub fn real(self, real: f64) -> Canon {
        self.number((real + 0.0).to_bits() as i64)
    }

    /// Another hash.
    pub fn hash(mut self, hash: ContentHash) -> Canon {
        self.0.update(&hash.0);
        self
    }

    /// A value that may be missing.
    pub fn option<T>(self, value: Option<T>, write: impl FnOnce(Canon, T) -> Canon) -> Canon {
        match value {
            None => self.number(0),
            Some(value) => write(self.number(1), value),
        }
    }

    /// A list, with its length before it.
    pub fn list<T>(self, items: &[T], write: impl FnMut(Canon, &T) -> Canon) -> Canon {
        items.iter().fold(self.number(items.len() as i64), write)
    }

    /// The hash of all that was written.
    pub fn finish(self) -> ContentHash {
        ContentHash(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_fields_cannot_run_into_each_other() {
        let join = |a, b| Canon::new("t").text(a).text(b).finish();
        assert_ne!(join("ab", "c"), join("a", "bc"));
        let maybe = |value: Option<i64>| Canon::new("t").option(value, Canon::number).number(1).finish();
        assert_ne!(maybe(None), maybe(Some(0)));
        assert_eq!(Canon::new("t").real(0.0).finish(), Canon::new("t").real(-0.0).finish());
    }

    #[test]
    fn shown_as_hexadecimal() {
        let hash = ContentHash::of(b"");
        assert_eq!(hash.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        assert_eq!(hash.seed(), 0xa6a1_f9f5_b949_13af);
    }
}
