//! Temporary files that nobody else can read: encrypted with a key that is in memory only and gone with the program.
//!
//! A file is a stream of pieces of 64 KiB, each sealed by XChaCha20-Poly1305 in the STREAM construction (Hoang, Reyhanitabar, Rogaway and
//! Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015): pieces cannot be changed, left out, moved, or
//! taken from another file, nor can the end be cut off. Once the key is gone, what may be left on a disk says nothing.
//!
//! ```text
//! let vault = Vault::new(&data.join("private"))?;        // settings.privacy.encrypted
//! vault.put("job-42-deck", upload)?;                     // a reader
//! let deck = vault.get("job-42-deck")?;                  // a reader; or vault.reveal(name, path) for a program that wants a file
//! ```
//! What has to lie in the clear for a while, such as an upload that is coming in or a deck for LibreOffice, lies where [`in_memory`] says.

use aead_stream::{DecryptorBE32, EncryptorBE32, Nonce, StreamBE32};
use chacha20poly1305::aead::Generate;
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305};
use plugins::lesson::is_id;
use plugins::part_file::PartFile;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Bytes that are sealed at a time.
const PIECE: usize = 64 << 10;
/// What the seal adds to each.
const SEAL: usize = 16;

type Stream = StreamBE32<XChaCha20Poly1305>;
type Start = Nonce<XChaCha20Poly1305, Stream>;

/// A folder of such files. Dropping it forgets the key and removes them.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    folder: TempDir,
}

impl Vault {
    /// Below a folder, which is made, with a new key.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(below: &Path) -> io::Result<Vault> {
        std::fs::create_dir_all(below)?;
        let folder = tempfile::Builder::new().prefix("vault-").tempdir_in(below)?;
        Ok(Vault { cipher: XChaCha20Poly1305::new(&Key::generate()), folder })
    }

    /// Keeps what a reader gives under a name of letters, digits, `_` and `-`. It is there whole or not at all.
    ///
    /// # Errors
    /// The reader fails, or the disk does.
    pub fn put(&self, name: &str, mut from: impl Read) -> io::Result<()> {
        let mut file = PartFile::create(&self.path(name)?).map_err(io::Error::other)?;
        let start = Start::generate();
        file.file().write_all(start.as_slice())?;
        let mut stream = EncryptorBE32::from_aead(self.cipher.clone(), &start);
        let mut piece = read_piece(&mut from, PIECE)?;
        loop {
            let next = read_piece(&mut from, PIECE)?;
            if next.is_empty() {
                break;
            }
            stream.encrypt_next_in_place(name.as_bytes(), &mut piece).map_err(|_| io::Error::other("the file is too large"))?;
            file.file().write_all(&piece)?;
            piece = next;
        }
        stream.encrypt_last_in_place(name.as_bytes(), &mut piece).map_err(|_| io::Error::other("the file is too large"))?;
        file.write(&piece).and_then(|()| file.publish()).map_err(io::Error::other)
    }

    /// Reads it again. A file that somebody has changed fails where it was changed.
    ///
    /// # Errors
    /// It is not there.
    pub fn get(&self, name: &str) -> io::Result<impl Read + Send + use<>> {
        let mut file = File::open(self.path(name)?)?;
        let mut start = Start::default();
        file.read_exact(start.as_mut_slice())?;
        let stream = DecryptorBE32::from_aead(self.cipher.clone(), &start);
        let ahead = read_piece(&mut file, PIECE + SEAL)?;
        Ok(Opened { file, name: name.into(), stream: Some(stream), ahead, piece: io::Cursor::default() })
    }

    /// Is there a file of this name?
    pub fn holds(&self, name: &str) -> bool {
        self.path(name).is_ok_and(|path| path.exists())
    }

    /// Writes it to a path in the clear, for a program that wants a file. Who asks removes it.
    ///
    /// # Errors
    /// It is not there or was changed, or the path cannot be written.
    pub fn reveal(&self, name: &str, path: &Path) -> io::Result<()> {
        let clear = PartFile::create(path).map_err(io::Error::other)?;
        io::copy(&mut self.get(name)?, &mut clear.file())?;
        clear.publish().map_err(io::Error::other)
    }

    /// Removes one.
    ///
    /// # Errors
    /// It is not there.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name)?)
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        match is_id(name) {
            true => Ok(self.folder.path().join(name)),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no name of letters, digits, _ and -"))),
        }
    }
}

/// A folder whose files are in memory only, where the system has one; they may still be swapped out.
pub fn in_memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    let about = nix::sys::statfs::statfs(&folder).ok()?;
    (about.filesystem_type() == nix::sys::statfs::TMPFS_MAGIC).then_some(folder)
}

/// As many bytes as there are, `length` at most.
fn read_piece(from: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(length + SEAL);
    from.take(length as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// A file that is being read.
struct Opened {
    file: File,
    name: String,
    /// `None` after the last piece.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    /// The next piece, sealed: whether it is the last one shows when nothing comes after it.
    ahead: Vec<u8>,
    piece: io::Cursor<Vec<u8>>,
}

impl Read for Opened {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.position() == self.piece.get_ref().len() as u64 {
            let Some(mut stream) = self.stream.take() else { return Ok(0) };
            let next = read_piece(&mut self.file, PIECE + SEAL)?;
            let mut piece = std::mem::replace(&mut self.ahead, next);
            let opened = match self.ahead.is_empty() {
                true => stream.decrypt_last_in_place(self.name.as_bytes(), &mut piece),
                false => {
                    let opened = stream.decrypt_next_in_place(self.name.as_bytes(), &mut piece);
                    self.stream = Some(stream);
                    opened
                }
            };
            opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file was changed since it was written"))?;
            self.piece = io::Cursor::new(piece);
        }
        self.piece.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(vault: &Vault, name: &str) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        vault.get(name)?.read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn files_of_every_length_come_back() {
        let below = tempfile::tempdir().unwrap();
        let vault = Vault::new(&below.path().join("private")).unwrap();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7] {
            let content: Vec<u8> = (0..=250).cycle().take(length).collect();
            vault.put("a", content.as_slice()).unwrap();
            assert_eq!(read(&vault, "a").unwrap(), content, "{length}");
            let clear = below.path().join("clear");
            vault.reveal("a", &clear).unwrap();
            assert_eq!(fs::read(&clear).unwrap(), content);
        }
        vault.remove("a").unwrap();
        assert!(read(&vault, "a").is_err() && vault.put("../a", &b""[..]).is_err());
    }

    #[test]
    fn nothing_of_it_can_be_read_changed_cut_or_exchanged() {
        let below = tempfile::tempdir().unwrap();
        let vault = Vault::new(below.path()).unwrap();
        let secret = b"what only two people know".repeat(10_000);
        vault.put("a", secret.as_slice()).unwrap();
        vault.put("b", secret.as_slice()).unwrap();
        let path = |name: &str| vault.folder.path().join(name);
        let sealed = fs::read(path("a")).unwrap();
        assert!(!sealed.windows(8).any(|window| window == &secret[..8]));
        assert_ne!(sealed, fs::read(path("b")).unwrap(), "the same content looks different each time");

        let start = size_of::<Start>();
        let piece = PIECE + SEAL;
        let mut changed = sealed.clone();
        changed[start + piece + 5] ^= 1;
        let swapped =
            [&sealed[..start], &sealed[start + piece..start + 2 * piece], &sealed[start..start + piece], &sealed[start + 2 * piece..]]
                .concat();
        let cut = sealed[..start + 2 * piece].to_vec();
        let shorter = sealed[..sealed.len() - 1].to_vec();
        for (what, content) in [("changed", changed), ("swapped", swapped), ("cut", cut), ("shorter", shorter)] {
            fs::write(path("a"), content).unwrap();
            assert_eq!(read(&vault, "a").unwrap_err().kind(), io::ErrorKind::InvalidData, "{what}");
            let clear = below.path().join("clear");
            assert!(vault.reveal("a", &clear).is_err() && !clear.exists());
        }
        fs::copy(path("b"), path("a")).unwrap();
        assert!(read(&vault, "a").is_err(), "it is another file's");
        // Another run's key.
        let other = Vault::new(below.path()).unwrap();
        fs::copy(path("b"), other.folder.path().join("b")).unwrap();
        assert!(read(&other, "b").is_err() && read(&vault, "b").is_ok());
    }

    #[test]
    fn nothing_is_left_at_the_end() {
        let below = tempfile::tempdir().unwrap();
        let vault = Vault::new(below.path()).unwrap();
        vault.put("a", &b"x"[..]).unwrap();
        let broken = io::Cursor::new(vec![1; 10]).chain(Broken);
        assert!(vault.put("b", broken).is_err());
        assert_eq!(fs::read_dir(vault.folder.path()).unwrap().count(), 1, "what came only in part");
        drop(vault);
        assert_eq!(fs::read_dir(below.path()).unwrap().count(), 0);
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the line is dead"))
        }
    }
}
