//! Films of which nothing is left but themselves: `lectern render --private`, and all films of a server with `privacy.encrypted`.
//!
//! What programs want as plain files (the lesson, sounds, pictures of pages) lies in a folder in memory. What may be large, the encoded
//! segments, lies on the disk, sealed with a key of the run that is in memory only ([`Vault`]). Whoever makes the film is a child that finds
//! both folders in its environment; who has started it removes them, however it ends.

use crate::failure::Failure;
use crate::privacy::{Vault, in_memory};
use crate::signals::{Signal, Signals};
use crate::worker::PARENT;
use bytes::Bytes;
use engine::segments::{Hash, Store};
use nix::sys::signal;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Names the folder of sealed files to a child.
const SEALED: &str = "LECTERN_SEALED";

/// What a child is told about where its files go.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// In memory.
    pub memory: PathBuf,
    /// On the disk.
    pub sealed: PathBuf,
}

impl Hidden {
    /// Of a service with this data folder. The folder in memory is found again after a crash, and gone when the machine was started anew;
    /// what a dead process has sealed is removed.
    ///
    /// # Errors
    /// There is no memory that looks like a folder, or a folder cannot be made.
    pub fn of_service(data: &Path) -> io::Result<Hidden> {
        let none =
            || io::Error::other("there is no folder in memory (/dev/shm) for files that are to be private; leave privacy.encrypted out");
        let name = blake3::hash(data.as_os_str().as_encoded_bytes()).to_hex();
        let hidden = Hidden { memory: in_memory().ok_or_else(none)?.join(format!("lectern-{}", &name[..16])), sealed: data.join("sealed") };
        crate::folders::remove_folder(&hidden.sealed)?;
        hidden.make()?;
        Ok(hidden)
    }

    /// Only for its owner.
    fn make(&self) -> io::Result<()> {
        for folder in [&self.memory, &self.sealed] {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        }
        [self.cache(), self.temporary()].iter().try_for_each(fs::create_dir_all)
    }

    fn cache(&self) -> PathBuf {
        self.memory.join("cache")
    }

    fn temporary(&self) -> PathBuf {
        self.memory.join("tmp")
    }

    /// Of a service that ends in order: jobs that are not over find what they were given at the next start, and nothing else stays.
    pub fn clear(&self) {
        for folder in [self.cache(), self.temporary(), self.sealed.clone()] {
            if let Err(error) = crate::folders::remove_folder(&folder) {
                tracing::warn!(%error, "private files are left in {}", folder.display());
            }
        }
        // Fails where something is in it.
        let _ = ["uploads", "work", ""].map(|folder| fs::remove_dir(self.memory.join(folder)));
    }

    /// What a child has in its environment.
    pub fn variables(&self) -> [(&'static str, OsString); 3] {
        [("XDG_CACHE_HOME", self.cache().into()), ("TMPDIR", self.temporary().into()), (SEALED, self.sealed.clone().into())]
    }
}

/// This process makes something private.
pub fn is_private() -> bool {
    std::env::var_os(SEALED).is_some()
}

/// Runs this command once more, as a child that leaves nothing behind but what it was asked for.
///
/// # Errors
/// It did not succeed, and has said why; or its folders cannot be made.
pub fn run_again() -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("cannot keep the film private: {error}"));
    let signals = Signals::listen();
    let memory =
        in_memory().ok_or_else(|| Failure::Failed("cannot keep the film private: there is no folder in memory (/dev/shm)".into()))?;
    let folder = |below: &Path| tempfile::Builder::new().prefix("lectern-").tempdir_in(below);
    let (memory, sealed) = (folder(&memory).map_err(failed)?, folder(&std::env::temp_dir()).map_err(failed)?);
    let path = |folder: &TempDir| folder.path().to_path_buf();
    let hidden = Hidden { memory: path(&memory), sealed: path(&sealed) };
    hidden.make().map_err(failed)?;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(std::env::args_os().skip(1)).envs(hidden.variables()).env(PARENT, std::process::id().to_string());
    let mut child = command.spawn().map_err(failed)?;
    let id = child.id();
    let pass_on = move || {
        // Closed when a signal comes. What a terminal sends the child has got itself.
        let _ = signals.cancel().channel().recv();
        if signals.aborted() == Some(Signal::Terminate)
            && let Ok(id) = i32::try_from(id)
            && let Err(error) = signal::kill(Pid::from_raw(id), signal::Signal::SIGTERM)
        {
            tracing::debug!(%error, "the child is gone already");
        }
    };
    std::thread::Builder::new().name("signals-on".into()).spawn(pass_on).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::OfChild(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::Failed(format!("the film was not made: its process ended with {status}"))),
    }
}

/// Segments that only this process can read.
pub struct SealedSegments(Vault);

impl SealedSegments {
    /// Where the environment of a private process says; `None` in any other.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn open() -> io::Result<Option<SealedSegments>> {
        std::env::var_os(SEALED).map(|folder| Vault::new(Path::new(&folder)).map(SealedSegments)).transpose()
    }
}

impl Store for SealedSegments {
    fn get(&self, hash: &Hash) -> io::Result<Option<Bytes>> {
        let mut found = match self.0.get(&hash.to_string()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        let mut bytes = Vec::new();
        found.read_to_end(&mut bytes)?;
        Ok(Some(bytes.into()))
    }

    fn put(&self, hash: &Hash, content: &[u8]) -> io::Result<()> {
        // Two that make it at once make the same.
        if self.0.holds(&hash.to_string()) { Ok(()) } else { self.0.put(&hash.to_string(), content) }
    }

    fn remove(&self, hash: &Hash) {
        let _ = self.0.remove(&hash.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_segments_come_back_and_the_first_one_stays() {
        let place = tempfile::tempdir().unwrap();
        let store = SealedSegments(Vault::new(place.path()).unwrap());
        let (hash, secret) = (Hash::of("a"), b"what only two people know".repeat(1000));
        assert_eq!(store.get(&hash).unwrap(), None);
        store.put(&hash, &secret).unwrap();
        store.put(&hash, b"another").unwrap();
        assert_eq!(store.get(&hash).unwrap().as_deref(), Some(secret.as_slice()));
        store.remove(&hash);
        assert_eq!(store.get(&hash).unwrap(), None);
    }

    #[test]
    fn a_service_finds_its_folder_in_memory_again_and_nobody_else_does() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("sealed")).unwrap();
        fs::write(data.path().join("sealed/old"), "of a dead process").unwrap();
        let (hidden, again) = (Hidden::of_service(data.path()).unwrap(), Hidden::of_service(data.path()).unwrap());
        assert_eq!(hidden.memory, again.memory);
        assert!(hidden.memory.starts_with("/dev/shm") && !hidden.sealed.join("old").exists());
        assert_eq!(fs::metadata(&hidden.memory).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(hidden.temporary().join("page.png"), "picture").unwrap();
        fs::create_dir_all(hidden.memory.join("work/job")).unwrap();
        hidden.clear();
        let left: Vec<_> = fs::read_dir(&hidden.memory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left == ["work"] && !hidden.sealed.exists(), "{left:?}");
        fs::remove_dir(hidden.memory.join("work/job")).unwrap();
        hidden.clear();
        assert!(!hidden.memory.exists());
    }
}
