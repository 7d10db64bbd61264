//! What the tests share: the program, its peers, and measuring what they made.

pub mod files;
pub mod line;
pub mod loudness;
pub mod nats;
pub mod picture;
pub mod s3;
pub mod together;
pub mod writer;
pub mod zip;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A deck of `tests/decks`.
pub fn deck(name: &str) -> PathBuf {
    root().join("tests/decks").join(name)
}

/// The program under test, with caches of its own in `home`.
pub fn lectern(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.current_dir(root()).env("XDG_CACHE_HOME", home.join("cache")).env("XDG_STATE_HOME", home.join("state")).env_remove("RUST_LOG");
    // The disk of whoever runs the tests may be nearly full.
    command.env("LECTERN_STORE_FLOOR", "0B");
    // What servers log is for whoever asks for it.
    if std::env::var_os("LECTERN_LOG").is_none() {
        command.env("LECTERN_LOG", "off");
    }
    // And the machine busy.
    command.env("LECTERN_GUARD_ENABLED", "false");
    command
}

/// Runs a command that has to succeed.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    output
}

/// The processes that another one has started.
pub fn children_of(parent: u32) -> Vec<i32> {
    // The name in /proc/PID/stat ends with the last parenthesis; state and parent come next.
    let started_by = |stat: String| stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok();
    let is_child = |id: &i32| std::fs::read_to_string(format!("/proc/{id}/stat")).ok().and_then(started_by) == Some(parent);
    let all = std::fs::read_dir("/proc").expect("Linux").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(is_child).collect()
}

/// Sends a signal to processes that each lead a group, with all that they have started.
pub fn signal_groups(leaders: &[i32], signal: i32) {
    for leader in leaders {
        // SAFETY: kill(2) of groups of a process that this test has started.
        assert_eq!(unsafe { libc::kill(-leader, signal) }, 0, "{leader}");
    }
}

/// Renders a deck into `home`; the film's path.
pub fn render(home: &Path, deck: &Path, more: &[&str]) -> PathBuf {
    let film = home.join("film.mp4");
    succeed(lectern(home).arg("render").arg(deck).arg("-o").arg(&film).arg("--quiet").args(more));
    film
}

/// What ffprobe says of a file.
pub fn probe(file: &Path, show: &[&str]) -> Value {
    let output = succeed(Command::new("ffprobe").args(["-v", "error", "-of", "json"]).args(show).arg(file));
    serde_json::from_slice(&output.stdout).expect("ffprobe writes JSON")
}

/// Every packet can be decoded without a complaint.
pub fn decodes_cleanly(file: &Path) {
    let output = succeed(Command::new("ffmpeg").args(["-v", "error", "-xerror", "-i"]).arg(file).args(["-f", "null", "-"]));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Decoded sound, the left channel at 48 kHz.
pub fn sound(file: &Path) -> Vec<f32> {
    let output = succeed(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(file).args([
        "-af",
        "pan=mono|c0=c0",
        "-ar",
        "48000",
        "-f",
        "f32le",
        "-",
    ]));
    output.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect()
}

/// The lesson as the program reads it.
pub fn lesson(home: &Path, deck: &Path) -> Value {
    let output = succeed(lectern(home).args(["lesson", "show", "--json"]).arg(deck));
    serde_json::from_slice(&output.stdout).expect("lesson show --json writes JSON")
}

/// Part of the words that a recogniser did not hear as written.
pub fn word_error(home: &Path, text: &str, audio: &Path) -> f64 {
    word_error_in("en", home, text, audio)
}

/// The same in another language, by its two letters.
pub fn word_error_in(language: &str, home: &Path, text: &str, audio: &Path) -> f64 {
    let reference = home.join("reference.txt");
    std::fs::write(&reference, text).expect("a writable folder");
    let output = succeed(
        Command::new(root().join("tests/judge/judge")).args(["wer", "--language", language, "--reference"]).arg(&reference).arg(audio),
    );
    let said: Value = serde_json::from_slice(&output.stdout).expect("the judge writes JSON");
    eprintln!("word error {} in {} words: {}", said["wer"], said["reference_words"], said["differences"]);
    said["wer"].as_f64().expect("a number")
}
