//! BLAKE3 hashes, and how named values go into one.

use std::fmt;

/// A BLAKE3 hash, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Hash {
        Hash(*blake3::hash(bytes.as_ref()).as_bytes())
    }

    /// The hash of several values; their borders count (`ab`, `c` is not `a`, `bc`).
    pub fn of_all<T: AsRef<[u8]>>(values: impl IntoIterator<Item = T>) -> Hash {
        let mut hasher = blake3::Hasher::new();
        for value in values {
            hasher.update(&(value.as_ref().len() as u64).to_le_bytes()).update(value.as_ref());
        }
        Hash(*hasher.finalize().as_bytes())
    }

    /// Reads what `Display` writes.
    pub fn from_hex(text: &str) -> Option<Hash> {
        blake3::Hash::from_hex(text).ok().map(|hash| Hash(*hash.as_bytes()))
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_count_and_text_comes_back() {
        assert_ne!(Hash::of_all(["ab", "c"]), Hash::of_all(["a", "bc"]));
        let hash = Hash::of("x");
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(Hash::from_hex("x"), None);
    }
}
