//! Machines that lack something, and users who stop what they began.

use super::{LESSON, Place, content};
use crate::support::deck;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A folder to put first on `PATH`, with a LibreOffice that tells its process number to `ready`, a named pipe, and then hangs.
fn hanging_office() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (program, ready) = (folder.path().join("soffice"), folder.path().join("ready"));
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    fs::write(&program, format!("#!/bin/sh\nsleep 600 &\necho $! > {}\nwait\n", ready.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn path_with(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// What the office says when it hangs: the number of its child.
fn hangs(office: &Path) -> u32 {
    let mut number = String::new();
    fs::File::open(office.join("ready")).unwrap().read_to_string(&mut number).unwrap();
    number.trim().parse().unwrap()
}

/// Returns when a killed process is gone, or only waits for init to take note of its end.
fn ends(process: u32) {
    let lives = || fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z"));
    while lives() {
        std::thread::yield_now();
    }
}

fn place() -> Place {
    Place::with("talk.pptx", fs::read(deck("sld-notes.pptx")).unwrap())
}

#[test]
fn libreoffice_is_missing() {
    let (place, nothing) = (place(), tempfile::tempdir().unwrap());
    let said = place.refuses(place.lectern(&["render", "talk.pptx"]).env("PATH", nothing.path()), 1);
    assert!(said.contains("there is no program soffice. Get it: sudo apt-get install libreoffice-impress"), "{said}");
}

#[test]
fn libreoffice_hangs() {
    let (place, office) = (place(), hanging_office());
    let folder = office.path().to_path_buf();
    let child = std::thread::spawn(move || hangs(&folder));
    let mut render = place.lectern(&["render", "talk.pptx", "--conversion-limit", "5s"]);
    let said = place.refuses(render.env("PATH", path_with(office.path())), 1);
    assert!(said.contains("it took longer than 5 s") && said.contains("--conversion-limit"), "{said}");
    ends(child.join().unwrap());
    assert!(place.refuses(&mut place.lectern(&["render", "talk.pptx", "--conversion-limit", "5"]), 2).contains("has no unit"));
}

#[test]
fn libreoffice_is_stopped_by_a_signal() {
    for (signal, code, arguments) in [("-INT", 130, ["render", "talk.pptx", "-q"]), ("-TERM", 143, ["lesson", "show", "talk.pptx"])] {
        let (place, office) = (place(), hanging_office());
        let before = content(place.folder.path());
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.args(arguments).current_dir(place.folder.path()).env("XDG_CACHE_HOME", place.cache.path());
        let mut running = command.env("PATH", path_with(office.path())).stderr(Stdio::piped()).spawn().unwrap();
        let child = hangs(office.path());
        assert!(Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap().success());
        let mut said = String::new();
        running.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(running.wait().unwrap().code(), Some(code), "{said}");
        assert!(said.contains("stopped by SIG"), "{said}");
        ends(child);
        assert_eq!(content(place.folder.path()), before);
        assert_eq!(fs::read_dir(place.decks()).unwrap().count(), 0, "its folder is still there");
    }
}

#[test]
fn voice_or_library_is_missing() {
    let place = Place::with("two.yaml", LESSON);
    let render = || place.lectern(&["render", "two.yaml"]);
    let said = place.refuses(render().env("LECTERN_DATA", "/nowhere"), 1);
    assert!(said.contains("/nowhere/voices/joe/") && said.contains("Run scripts/setup"), "{said}");
    let said = place.refuses(place.lectern(&["speak", "Hello", "-o", "a.wav"]).env("LECTERN_DATA", "/nowhere"), 2);
    assert!(said.contains("Run scripts/setup"), "{said}");

    let voice = plugins::models::locate("voice:joe").expect("run scripts/setup");
    let data = tempfile::tempdir().unwrap();
    symlink(voice.parent().unwrap().parent().unwrap(), data.path().join("voices")).unwrap();
    let said = place.refuses(render().env("LECTERN_DATA", data.path()).env_remove("ORT_DYLIB_PATH"), 1);
    assert!(said.contains("libonnxruntime.so is missing. Run scripts/setup"), "{said}");
    fs::write(data.path().join("junk.so"), "no library").unwrap();
    let said = place.refuses(render().env("ORT_DYLIB_PATH", data.path().join("junk.so")), 1);
    assert!(said.contains("junk.so does not work") && said.contains("Run scripts/setup"), "{said}");
    let said = place.refuses(render().env("PATH", data.path()), 1);
    assert!(said.contains("cannot run espeak-ng") && said.contains("Install the package espeak-ng"), "{said}");
}

/// A program for which files end after so many bytes, as they do on a full disk: writing more is an error.
fn on_a_full_disk(place: &Place, bytes: u64, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.args(arguments).current_dir(place.folder.path()).env("XDG_CACHE_HOME", place.cache.path()).env_remove("LECTERN_LOG");
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: two plain system calls between fork and exec; without the signal's default the call that writes fails instead.
    unsafe {
        command.pre_exec(move || {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            if libc::setrlimit(libc::RLIMIT_FSIZE, &limit) == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
    command.output().unwrap()
}

#[test]
fn the_disk_is_full() {
    let place = Place::with("two.yaml", LESSON);
    let graph = "version: 1\ngraph: one\nnodes:\n  tone: { type: test_tone, config: { duration: 40ms } }\n  out: { type: hash, inputs: { audio: tone }, config: { path: out.txt } }\n";
    fs::write(place.path("graph.yaml"), graph).unwrap();
    let before = content(place.folder.path());
    let cases: [(u64, &[&str], &str); 5] = [
        (8_000, &["render", "two.yaml", "-o", "film.mp4", "-q"], "make room on the disk"),
        (0, &["render", "two.yaml", "-o", "film.mp4", "-q"], "make room on the disk"),
        (8_000, &["speak", "Good morning.", "-o", "a.wav"], "a.wav"),
        (1_000, &["speak", "Good morning.", "-o", "a.wav", "--times", "times.json"], "a.wav"),
        (50, &["lesson", "export", "two.yaml", "-o", "copy/lesson.yaml"], "lesson.yaml"),
    ];
    for (bytes, arguments, file) in cases {
        let output = on_a_full_disk(&place, bytes, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(file) && said.lines().count() == 1, "{arguments:?}: {said}");
        let left: Vec<_> =
            content(place.folder.path()).into_iter().filter(|(path, _)| !before.contains_key(path) && path.is_file()).collect();
        assert!(left.is_empty(), "{arguments:?} left {left:?}");
    }
    // What was rendered stays, what tells about it does not come half.
    let output = on_a_full_disk(&place, 300, &["run", "graph.yaml", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write the report report.json"));
    assert!(!place.path("report.json").exists() && !place.path("report.json.part").exists());
}

#[test]
fn the_output_cannot_be_put_where_it_should() {
    let place = Place::with("two.yaml", LESSON);
    let said = place.refuses(&mut place.lectern(&["render", "two.yaml", "-o", "/proc/film.mp4"]), 2);
    assert!(said.contains("cannot write /proc/film.mp4"), "{said}");
    fs::create_dir(place.path("film.srt")).unwrap();
    let said = place.refuses(&mut place.lectern(&["render", "two.yaml", "-o", "film.mp4"]), 2);
    assert!(said.contains("film.srt is a folder"), "{said}");
}
