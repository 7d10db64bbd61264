//! Renders in segments: what is encoded again after which edit, that the film is the same whichever way it came about, and that nothing
//! is lost where segments meet.

use crate::support::{lectern, probe, root, sound, succeed};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Five slides: fades, also of a presenter who stands elsewhere, silence, and one that is long enough to be cut inside.
const LESSON: &str = r##"version: 1
id: five
slides:
- { id: one, title: One, color: "#204060", narration: "Good morning, everybody." }
- { id: two, title: Two, color: "#a04060", silence: 1s }
- { id: three, title: Three, color: "#206040", duration: 31s, narration: "This one stays for long. Its first sentences are said while the first pictures \
    are made, and they stay as they are when somebody edits the last one, which comes many seconds later. Until then there is time for a few more \
    words, although nobody has anything to say. In the meantime the presenter looks at the people in the room, says a word about the weather, and \
    takes a sip of water. Here is the last one." }
- { id: four, title: Four, color: "#c0c0c0", narration: "It comes in slowly.", presenter: { anchor: bottom_left, height: 60% }, transition: { kind: fade, duration: 500ms } }
- { id: five, title: Five, color: "#404040", silence: 1s, presenter: { visible: false } }
"##;

struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { home: tempfile::tempdir().unwrap() };
        place.write_lesson(LESSON);
        let graph = fs::read_to_string(root().join("graphs/lecture.yaml")).unwrap();
        let small = graph.replace("1280x720", "160x90").replace("crf: 20", "crf: 2");
        // One picture at every tick, so that they can be counted.
        let every =
            small.replace("cues: speech.cues } }\n  h264:", "cues: speech.cues }, config: { constant_frame_rate: true } }\n  h264:");
        fs::write(place.path("whole.yaml"), every.replace("segment_by: slide", "segment_by: null")).unwrap();
        fs::write(place.path("every.yaml"), &every).unwrap();
        assert!(every != small, "the lecture graph is not as this test expects");
        fs::write(place.path("small.yaml"), small).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write_lesson(&self, text: &str) {
        fs::write(self.path("lesson.yaml"), text).unwrap();
    }

    fn command(&self, film: &str, more: &[&str]) -> Command {
        self.command_by("small.yaml", film, more)
    }

    fn command_by(&self, graph: &str, film: &str, more: &[&str]) -> Command {
        let mut command = lectern(self.home.path());
        command.current_dir(self.home.path()).args(["render", "lesson.yaml", "--graph", graph, "--quiet", "-o", film]).args(more);
        command
    }

    fn render(&self, film: &str, more: &[&str]) -> Vec<u8> {
        succeed(&mut self.command(film, more));
        fs::read(self.path(film)).unwrap()
    }

    /// Renders, and says how many segments there are and how many were encoded.
    fn counts(&self, more: &[&str]) -> (u64, u64) {
        self.render("film.mp4", &[&["--report", "report.json"], more].concat());
        let report: Value = serde_json::from_slice(&fs::read(self.path("report.json")).unwrap()).unwrap();
        let count = |name: &str| report["segments"][name].as_u64().unwrap();
        assert_eq!(count("total"), count("encoded") + count("reused"));
        (count("total"), count("encoded"))
    }

    /// Which slides a render says it encodes, with what has changed.
    fn reasons(&self) -> Vec<(u64, String)> {
        let mut command = lectern(self.home.path());
        command.current_dir(self.home.path()).args([
            "render",
            "lesson.yaml",
            "--graph",
            "small.yaml",
            "--json",
            "--explain",
            "-o",
            "film.mp4",
        ]);
        let said = String::from_utf8(succeed(&mut command).stdout).unwrap();
        let events = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|event| event["event"] == "slide");
        events.filter(|slide| slide["encoded"] != 0).map(|slide| (slide["slide"].as_u64().unwrap(), slide["because"].to_string())).collect()
    }

    fn segments(&self) -> PathBuf {
        self.path("cache/lectern/seg")
    }
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All pictures of a film, grey.
fn pictures(film: &Path) -> Vec<Vec<u8>> {
    let raw = ["-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
    let output = succeed(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(film).args(raw));
    output.stdout.chunks_exact(160 * 90).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_film_of_segments_is_the_film_from_beginning_to_end() {
    let place = Place::new();
    succeed(&mut place.command_by("every.yaml", "every.mp4", &[]));
    succeed(&mut place.command_by("whole.yaml", "whole.mp4", &[]));
    let (ours, whole) = (pictures(&place.path("every.mp4")), pictures(&place.path("whole.mp4")));
    assert_eq!(ours.len(), whole.len());
    for (index, (ours, whole)) in ours.iter().zip(&whole).enumerate() {
        let error: u64 = ours.iter().zip(whole).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        assert!(error < 4 * 160 * 90, "picture {index} differs: mean squared error {}", error as f64 / (160.0 * 90.0));
    }
    let film = place.render("film.mp4", &["--jobs", "1"]);
    assert!(sound(&place.path("film.mp4")) == sound(&place.path("whole.mp4")), "the sound differs");
    let streams = |film: &str| probe(&place.path(film), &["-show_chapters", "-show_entries", "stream=codec_type,duration,nb_frames"]);
    assert_eq!(streams("film.mp4")["chapters"], streams("whole.mp4")["chapters"]);
    for name in ["film.srt", "film.vtt"] {
        assert_eq!(fs::read(place.path(name)).unwrap(), fs::read(place.path(&name.replace("film", "whole"))).unwrap());
    }
    // Whichever way it comes about.
    let other = Place::new();
    assert!(other.render("film.mp4", &["--jobs", "4"]) == film, "four at once");
    assert!(place.render("again.mp4", &[]) == film, "from the cache");
    assert!(place.render("anew.mp4", &["--no-cache"]) == film, "without a cache");
}

#[test]
fn only_what_an_edit_touches_is_encoded_again() {
    let place = Place::new();
    assert_eq!(place.counts(&["--no-cache"]), (6, 6), "the long slide has two");
    assert_eq!(place.counts(&[]), (6, 6), "nothing was kept of that");
    assert_eq!(place.counts(&[]), (6, 0));
    assert_eq!(place.counts(&["--no-cache"]), (6, 6), "nothing is taken for that");
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(place.path("lesson.yaml")).unwrap();
        assert!(text.contains(from));
        place.write_lesson(&text.replace(from, to));
    };
    edit("Good morning, everybody.", "Good evening, everybody.");
    assert_eq!(place.reasons(), [(1, r#"["changed: narration (speech)"]"#.to_string())]);
    assert_eq!(place.counts(&[]), (6, 0));
    edit("Here is the last one.", "Here is the end.");
    assert_eq!(place.counts(&[]), (6, 1), "the first fifteen seconds stay as they were");
    // What one in another size is made of is not what has changed.
    place.render("small.mp4", &["--set", "size=320x180"]);
    edit("#206040", "#206060");
    let reasons = place.reasons();
    assert_eq!(reasons[0], (3, r#"["changed: picture (slides)"]"#.to_string()));
    assert_eq!(reasons[1], (4, r#"["changed: picture of the slide before (slides)"]"#.to_string()), "it fades in over the one before");
    assert_eq!(reasons.len(), 2);
    edit("title: Two", "title: Second");
    assert_eq!(place.counts(&[]), (6, 0), "a title is no picture");
    let text = fs::read_to_string(place.path("lesson.yaml")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let first = lines.remove(3);
    lines.insert(4, first);
    place.write_lesson(&(lines.join("\n") + "\n"));
    assert_eq!(place.counts(&[]), (6, 0), "the first two change places");
    let [one] = files(&place.segments()).into_iter().take(1).collect::<Vec<_>>().try_into().unwrap();
    let before = place.render("film.mp4", &[]);
    let mut bytes = fs::read(&one).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&one, bytes).unwrap();
    assert!(place.render("film.mp4", &[]) == before, "a damaged segment is made again");
}

#[test]
fn a_transition_belongs_to_the_slide_that_comes_and_bullets_to_their_own() {
    let place = Place::new();
    let lesson = r##"version: 1
id: three
slides:
- { id: one, color: "#204060", narration: "Good morning, everybody. Notes save time.", overlays: [{ role: bullet, text: Good morning }, { role: bullet, text: Time is saved }] }
- { id: two, color: "#a04060", silence: 2s, overlays: [{ role: text, text: Two }] }
- { id: three, color: "#206040", silence: 1s, transition: cut }
"##;
    place.write_lesson(lesson);
    let push: &[&str] = &["--set", "transition=push"];
    assert_eq!(place.counts(push), (3, 3));
    assert_eq!(place.counts(push), (3, 0));
    // The second slide pushes the first one out, the third one says that it is a cut.
    place.write_lesson(&lesson.replace("#204060", "#304060"));
    assert_eq!(place.counts(push), (3, 2), "the first slide's picture");
    place.write_lesson(&lesson.replace("#204060", "#304060").replace("#a04060", "#b04060"));
    assert_eq!(place.counts(push), (3, 1), "nothing of the second one is seen in the third");
    let edited = lesson.replace("#204060", "#304060").replace("#a04060", "#b04060");
    place.write_lesson(&edited.replace("text: Time is saved", "text: Time"));
    assert_eq!(place.counts(push), (3, 1), "what lies over a slide leaves with it");
    place.write_lesson(&edited.replace("text: Time is saved", "text: Time").replace("text: Two", "text: II"));
    assert_eq!(place.counts(push), (3, 1));
    assert_eq!(place.counts(&["--set", "transition=slide"]), (3, 1), "only the second slide comes in as the graph says");
}

#[test]
fn a_killed_render_goes_on_and_two_at_once_share_what_they_make() {
    let place = Place::new();
    let whole = place.render("film.mp4", &[]);
    // How long it takes when all is spoken: what is killed has spoken before, too.
    fs::remove_dir_all(place.segments()).unwrap();
    let since = Instant::now();
    place.render("film.mp4", &[]);
    let wall = since.elapsed();
    let seed = u64::from(std::process::id()) << 32 | u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    println!("seed {seed}");
    let mut random = seed;
    let kills = std::env::var("LECTERN_KILLS").map_or(3, |kills| kills.parse().expect("LECTERN_KILLS is a number"));
    let mut killed = 0;
    while killed < kills {
        fs::remove_dir_all(place.segments()).unwrap();
        fs::remove_file(place.path("film.mp4")).unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut running = place.command("film.mp4", &[]).spawn().unwrap();
        // Any moment: there is no event to wait for.
        std::thread::sleep(Duration::from_secs_f64(wall.as_secs_f64() * f64::from((random >> 33) as u32) / f64::from(1u32 << 31)));
        running.kill().unwrap();
        // One that was faster this time is not counted.
        killed += usize::from(running.wait().unwrap().signal() == Some(libc::SIGKILL));
        // Four pieces of sound are not counted.
        let left =
            files(&place.segments()).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "lseg")).count();
        assert!(place.render("film.mp4", &["--report", "report.json"]) == whole, "seed {seed}: the next render differs");
        let report: Value = serde_json::from_slice(&fs::read(place.path("report.json")).unwrap()).unwrap();
        let reused = report["segments"]["reused"].as_u64().unwrap();
        assert!(reused + 4 >= left as u64, "seed {seed}: {left} files were there, {reused} segments were taken");
    }
    fs::remove_dir_all(place.segments()).unwrap();
    let mut two = ["a.mp4", "b.mp4"].map(|film| place.command(film, &["--jobs", "2"]).spawn().unwrap());
    assert!(two.iter_mut().all(|render| render.wait().unwrap().success()));
    assert!(["a.mp4", "b.mp4"].iter().all(|film| fs::read(place.path(film)).unwrap() == whole));
    let parts = files(&place.segments()).into_iter().filter(|path| path.extension().is_none_or(|extension| extension != "lseg")).count();
    assert_eq!(parts, 0, "nothing unfinished is left");
}

#[test]
fn a_cache_keeps_to_its_limit_and_can_be_cleared() {
    let place = Place::new();
    place.render("film.mp4", &[]);
    let before: Vec<PathBuf> = files(&place.segments());
    place.write_lesson(&LESSON.replace("#404040", "#505050"));
    place.render("film.mp4", &["--cache-limit", "10kB"]);
    let left = files(&place.segments());
    assert!(before.iter().any(|path| !left.contains(path)), "what was not used goes");
    assert_eq!(place.counts(&["--cache-limit", "10kB"]), (6, 0), "but nothing of this film");
    let said = |arguments: &[&str]| {
        let mut command = lectern(place.home.path());
        String::from_utf8(succeed(command.arg("cache").args(arguments)).stdout).unwrap()
    };
    let shown: Value = serde_json::from_str(&said(&["show", "--json"])).unwrap();
    let of = |name: &str| shown["kept"].as_array().unwrap().iter().find(|kept| kept["name"] == name).unwrap()["files"].as_u64().unwrap();
    assert_eq!(of("segments"), left.len() as u64);
    assert!(of("speech") > 0 && of("renders") == 1);
    said(&["clear", "segments"]);
    assert!(!place.segments().exists() && place.path("cache/lectern/speech").exists());
    said(&["clear"]);
    assert!(files(&place.path("cache/lectern")).is_empty());
}

#[test]
fn a_watched_deck_is_rendered_again_when_it_is_saved() {
    use std::io::{BufRead, BufReader};
    let place = Place::new();
    place.write_lesson("version: 1\nid: one\nslides:\n- { id: one, color: \"#204060\", silence: 1s }\n");
    let mut command = lectern(place.home.path());
    command.current_dir(place.home.path()).args(["watch", "lesson.yaml", "--graph", "small.yaml", "--json", "-o", "film.mp4"]);
    let mut watching = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut events =
        BufReader::new(watching.stdout.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut next = |name: &str| events.find(|event| event["event"] == name).unwrap_or_else(|| panic!("no event {name}"));
    assert_eq!(next("done")["media_seconds"], 1.0);
    next("waiting");
    place.write_lesson("version: 1\nid: one\nslides:\n- { id: one, color: nonsense, silence: 1s }\n");
    next("error");
    next("waiting");
    place.write_lesson("version: 1\nid: one\nslides:\n- { id: one, color: \"#204060\", silence: 2s }\n");
    assert_eq!(next("done")["media_seconds"], 2.0);
    next("waiting");
    // SAFETY: a plain system call on a child that has not been waited for.
    unsafe { libc::kill(watching.id() as libc::pid_t, libc::SIGINT) };
    assert_eq!(watching.wait().unwrap().code(), Some(0));
}
