//! Files that a command is going to write, looked at before anything is begun.

use crate::failure::Failure;
use plugins::part_file::folder_of;
use std::path::{Path, PathBuf};

/// `path` can be written and is none of `inputs`.
///
/// # Errors
/// The folder is missing or may not be written, the path is a folder, or it is an input.
pub fn check(path: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let shown = path.display();
    if path.is_dir() {
        return Err(Failure::Invalid(format!("the output {shown} is a folder; name a file in it")));
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(Failure::Invalid(format!("cannot write {shown}: there is no folder {folder}. Make it: mkdir -p {folder}")));
    }
    takes_files(folder).map_err(|error| {
        Failure::Invalid(format!("cannot write {shown}: its folder does not take files ({}). Choose another place with -o", error.kind()))
    })?;
    match inputs.iter().find(|input| same_file(path, input)) {
        Some(_) => Err(Failure::Invalid(format!("the output {shown} is the input; choose another name with -o"))),
        None => Ok(()),
    }
}

/// A file can be made in `folder`. Trying is the only way to know: permissions, read-only disks and folders of the system all say no
/// in their own way. Nothing is left behind.
///
/// # Errors
/// What the system says.
pub fn takes_files(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".lectern-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}

/// The film's name when none is given: that of the deck with `.mp4`, in the current folder.
pub fn default_film(deck: &Path) -> PathBuf {
    let real = deck.canonicalize().unwrap_or_else(|_| deck.to_path_buf());
    // A folder's name may have dots in it; only a file has an extension.
    let stem = if real.is_dir() { real.file_name() } else { real.file_stem() };
    let mut name = stem.map_or_else(|| "lecture".into(), |stem| stem.to_os_string());
    name.push(".mp4");
    name.into()
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_told_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("talk.pptx");
        std::fs::write(&input, b"x").unwrap();
        let text = |path: &Path| check(path, &[&input]).unwrap_err().to_string();
        assert!(check(&folder.path().join("talk.mp4"), &[&input]).is_ok());
        assert!(text(&folder.path().join("no/talk.mp4")).contains("Make it: mkdir -p "));
        assert!(text(folder.path()).contains("is a folder"));
        assert!(text(&folder.path().join("./talk.pptx")).contains("is the input"));
        assert!(text(Path::new("/proc/talk.mp4")).contains("cannot write /proc/talk.mp4"), "a folder that cannot be written");
    }

    #[test]
    fn the_film_is_named_after_the_deck() {
        assert_eq!(default_film(Path::new("/some/where/talk.v2.pptx")), Path::new("talk.v2.mp4"));
        let folder = tempfile::Builder::new().prefix("talk.").tempdir().unwrap();
        let name = folder.path().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(default_film(folder.path()), Path::new(&format!("{name}.mp4")));
    }
}
