//! Where outputs may lie.

use crate::part_file::folder_of;
use std::path::Path;
use std::{fs, io};

/// Whether a file can be made at `path`, as far as looking tells (only trying to write would tell all, and that is for `start`).
pub(super) fn check_file(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err(format!("{0} is a folder; name a file in it, such as {0}/lecture", path.display()));
    }
    check_folder(path)
}

/// Whether something can be made in the folder that `path` lies in.
pub(super) fn check_folder(path: &Path) -> Result<(), String> {
    let folder = folder_of(path);
    let (shown, place, word) = (path.display(), folder.display(), shell_word(folder));
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("cannot write {shown}: the folder {place} does not exist; make it with `mkdir -p {word}`, or choose another path"))
        }
        Err(error) => Err(format!("cannot write {shown}: the folder {place} cannot be looked at ({error}); choose another path")),
        Ok(found) if !found.is_dir() => Err(format!("cannot write {shown}: {place} is a file, no folder; choose another path")),
        Ok(found) if found.permissions().readonly() => {
            Err(format!("cannot write {shown}: the folder {place} is read-only; allow it with `chmod u+w {word}`, or choose another path"))
        }
        Ok(_) => Ok(()),
    }
}

/// A path as a shell takes it for one word: with quotes where it needs them.
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |ch: char| ch.is_alphanumeric() || "/._-+:@%,=".contains(ch);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Whether a path has one of these endings (without the dot, in any case); which one.
pub(super) fn ending<'a>(path: &Path, endings: &[&'a str]) -> Option<&'a str> {
    let extension = path.extension()?.to_str()?;
    endings.iter().copied().find(|ending| extension.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_wrong_with_a_path_is_told_with_its_mend() {
        let folder = tempfile::tempdir().unwrap();
        let text = |path: &Path| check_file(path).unwrap_err();
        assert!(text(&folder.path().join("no/such/a.mp4")).contains("`mkdir -p "));
        assert!(text(folder.path()).contains("is a folder; name a file in it"));
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(text(&folder.path().join("file/a.mp4")).contains("is a file, no folder"));
        let locked = folder.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
        assert!(text(&locked.join("a.mp4")).contains("chmod u+w"));
        assert_eq!(check_file(&folder.path().join("a.mp4")), Ok(()));
        assert_eq!(check_file(Path::new("a.mp4")), Ok(()));
    }

    #[test]
    fn a_shell_takes_paths_as_they_are_told() {
        assert_eq!(shell_word(Path::new("/srv/über-uns/a_1.b")), "/srv/über-uns/a_1.b");
        assert_eq!(shell_word(Path::new("neu er Ordner")), "'neu er Ordner'");
        assert_eq!(shell_word(Path::new("Ann's $HOME")), r"'Ann'\''s $HOME'");
        assert!(check_file(Path::new("no such/a.mp4")).unwrap_err().contains("`mkdir -p 'no such'`"));
    }

    #[test]
    fn endings_are_read_in_any_case() {
        assert_eq!(ending(Path::new("a.SRT"), &["srt", "vtt"]), Some("srt"));
        assert_eq!(ending(Path::new("srt"), &["srt", "vtt"]), None);
    }
}
