//! LibreOffice as a converter, with a cache.
//!
//! Each conversion runs in a folder of its own with its own profile, home and temporary files, so that several run at once, nothing
//! of the user's set-up changes the result, and nothing is left behind. Results are published by rename: the first one wins.

use super::ImportOptions;
use super::error::LessonError;
use super::hash::ContentHash;
use super::workshop;
use crate::process;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One conversion.
pub(super) struct Task<'a> {
    /// The deck, for messages.
    pub path: &'a Path,
    /// Its content.
    pub bytes: &'a [u8],
    /// Extension of its format.
    pub from: &'a str,
    /// Extension of the result.
    pub to: &'a str,
    /// LibreOffice's name of the result's format, with options.
    pub filter: &'a str,
    /// Names the result in the cache: hash of all that shapes it.
    pub key: ContentHash,
}

/// Converts, or finds what was converted before; returns where it lies in the cache.
pub(super) fn convert(task: &Task, options: &ImportOptions) -> Result<PathBuf, LessonError> {
    let failed = |cause: String| LessonError::Office { path: task.path.into(), cause };
    let result = options.cache_dir.join(format!("{}.{}", task.key, task.to));
    if result.is_file() {
        return Ok(result);
    }
    let work = workshop::open(&options.cache_dir)?;
    let work = work.path();
    let input = work.join("deck").with_extension(task.from);
    fs::write(&input, task.bytes).map_err(LessonError::write(&input))?;
    let mut command = Command::new(&options.libreoffice);
    command.args(["--headless", "--norestore", "--nolockcheck", "--nodefault", "--nofirststartwizard", "--convert-to", task.filter]);
    command.arg("--outdir").arg(work.join("out")).arg(format!("-env:UserInstallation={}", file_url(&work.join("profile")))).arg(&input);
    environment(&mut command, work)?;
    let finished = process::run(&mut command, options.libreoffice_timeout, &options.cancel).map_err(|error| match error {
        process::ProcessError::Cancelled => LessonError::Cancelled,
        process::ProcessError::Start(error) if error.kind() == std::io::ErrorKind::NotFound => failed(format!(
            "there is no program {}. Get it: sudo apt-get install libreoffice-impress (or scripts/setup); or save the deck as PDF",
            options.libreoffice.display()
        )),
        error => failed(format!("{error}. Simplify the deck, give it more time (--conversion-limit 5min), or save it as PDF")),
    })?;
    let made = work.join("out").join("deck").with_extension(task.to);
    // It exits with zero when it could not read the deck, so the result is what counts.
    if !finished.success || !made.is_file() {
        let said = finished.output.lines().rfind(|line| !line.contains("javaldx")).unwrap_or("it said nothing").to_string();
        return Err(failed(format!("it made no {} ({said}); open the deck there and save it again", task.to)));
    }
    // A link fails when another process was first; its result is as good.
    match fs::hard_link(&made, &result) {
        Err(_) if !result.is_file() => fs::rename(&made, &result).map_err(LessonError::write(&result))?,
        _ => {}
    }
    Ok(result)
}

/// An environment that depends on nothing of the user's but where programs and fonts are.
fn environment(command: &mut Command, work: &Path) -> Result<(), LessonError> {
    let kept = ["PATH", "FONTCONFIG_PATH", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var_os(name)));
    // Fonts that the user installed lie here.
    let data = std::env::var_os("XDG_DATA_HOME")
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share").into_os_string()));
    command.env_clear().current_dir(work);
    for (name, value) in kept.into_iter().chain([("XDG_DATA_HOME", data)]) {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("HOME", work).env("TMPDIR", work).env("LC_ALL", "C.UTF-8").env("SAL_USE_VCLPLUGIN", "svp");
    let fonts = work.join("fonts.xml");
    let users = std::env::var_os("FONTCONFIG_FILE").filter(|file| !file.is_empty());
    fs::write(&fonts, without_pictures(&users.unwrap_or("fonts.conf".into()).to_string_lossy())).map_err(LessonError::write(&fonts))?;
    command.env("FONTCONFIG_FILE", fonts);
    Ok(())
}

/// Fontconfig's settings: those of `users`, a path or a name that fontconfig looks for itself, without the font whose characters are
/// pictures. LibreOffice puts it into a PDF without them, so that an emoji would be blank; without it another font draws the emoji.
fn without_pictures(users: &str) -> String {
    let users = users.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        r#"<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include>{users}</include>
  <selectfont>
    <rejectfont><pattern><patelt name="family"><string>Noto Color Emoji</string></patelt></pattern></rejectfont>
  </selectfont>
</fontconfig>
"#
    )
}

/// A `file:` URL of an absolute or relative path, as LibreOffice wants it.
fn file_url(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => url.push(*byte as char),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn convert_with(script: &str, timeout: Duration) -> String {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("office");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let options = ImportOptions {
            cache_dir: folder.path().join("cache"),
            libreoffice: program,
            libreoffice_timeout: timeout,
            ..ImportOptions::default()
        };
        let task = Task { path: Path::new("a.pptx"), bytes: b"x", from: "pptx", to: "pdf", filter: "pdf", key: ContentHash::of(b"x") };
        let answer = loop {
            let answer = convert(&task, &options).map(|path| fs::read_to_string(path).unwrap()).unwrap_or_else(|error| error.to_string());
            // A child that another test starts may still hold the script open for writing.
            if !answer.contains("Text file busy") {
                break answer;
            }
        };
        assert!(fs::read_dir(&options.cache_dir).unwrap().all(|entry| entry.unwrap().path().is_file()), "a working folder was left behind");
        answer
    }

    #[test]
    fn failures_are_told_apart() {
        let minute = Duration::from_secs(60);
        assert!(convert_with("echo 'Error: source file could not be loaded' >&2", minute).contains("source file could not be loaded"));
        assert!(convert_with("sleep 600", Duration::from_millis(50)).contains("took longer than 0.05 s"));
        assert_eq!(convert_with("mkdir -p out && echo \"$HOME\" | grep -c converting > out/deck.pdf", minute), "1\n");
        let options = ImportOptions {
            cache_dir: tempfile::tempdir().unwrap().path().into(),
            libreoffice: "no-such-office".into(),
            ..ImportOptions::default()
        };
        let task = Task { path: Path::new("a.pptx"), bytes: b"x", from: "pptx", to: "pdf", filter: "pdf", key: ContentHash::of(b"x") };
        assert!(convert(&task, &options).unwrap_err().to_string().contains("sudo apt-get install libreoffice-impress"));
    }

    #[test]
    fn paths_become_urls_and_stand_in_xml() {
        assert_eq!(file_url(Path::new("/a b/ü")), "file:///a%20b/%C3%BC");
        assert!(without_pictures("/a & <b>.conf").contains("<include>/a &amp; &lt;b&gt;.conf</include>"));
    }
}
