//! Renders in segments: what an edit costs against the first render, what it costs to be cut, and how well the scheduler fills its places.

use crate::measure::{first_progress_and_peak_of, wall_of};
use crate::rows::{Mark, Row};
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::nodes::ENGINE_NODES;
use engine::registry::Registry;
use engine::run::Cancel;
use engine::segments::{Cut, MemoryStore, Render, RenderOptions, Watch};
use engine::testing::TEST_NODES;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Slides of the lecture, each spoken for about half a minute.
const SLIDES: usize = 10;

/// Slides of a long lecture, more than two hours of it.
const MANY: usize = 300;

/// What slide `number` says; takes about 30 s.
fn narration(number: usize, edited: bool) -> String {
    let ending = if edited { "This is how it ends since it was edited." } else { "And this is how it ends." };
    format!(
        "This is slide number {number} of a lecture that is rendered again and again, to find out what an edit costs. Every slide is spoken for about \
         half a minute, which is what people take for a slide when they explain it well. The presenter moves while he speaks, so that every picture \
         is another one, and all of them have to be encoded. When one slide is edited, the others are taken as they were made before. {ending} \
         Then there is the next slide, number {}, and it says the same with another number.",
        number + 1
    )
}

/// The same lecture as a lesson file with pictures, and as a deck.
fn lesson(folder: &Path, edited: bool) -> PathBuf {
    lesson_of(folder, &Vec::from_iter(0..SLIDES), edited)
}

/// Slides of these numbers.
fn lesson_of(folder: &Path, numbers: &[usize], edited: bool) -> PathBuf {
    let slides = numbers.len();
    let mut text = format!("version: 1\nid: lesson-{slides}\nslides:\n");
    for &number in numbers {
        let (shade, said) = (40 + number * 20 % 200, narration(number, edited && number == 4));
        text += &format!("- {{ id: s{number}, color: \"#{shade:02x}{:02x}60\", narration: \"{said}\" }}\n", 255 - shade);
    }
    let path = folder.join(format!("lesson-{slides}.yaml"));
    fs::write(&path, text).expect("our own folder");
    path
}

/// The demo deck with three of its slides once more, and other notes.
fn deck(folder: &Path, edited: bool) -> PathBuf {
    let demo = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/demo/lectern.pptx")).expect("the demo");
    let mut archive = zip::ZipArchive::new(Cursor::new(demo)).expect("a deck");
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("a part");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("a whole part");
        parts.push((entry.name().expect("a name").into_owned(), content));
    }
    let text = |parts: &[(String, Vec<u8>)], name: &str| {
        let (_, content) = parts.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("the demo has no {name}"));
        String::from_utf8(content.clone()).expect("text")
    };
    let slides = (1..).take_while(|n| parts.iter().any(|(name, _)| *name == format!("ppt/slides/slide{n}.xml"))).count();
    for new in slides + 1..=SLIDES {
        let old = new - slides;
        for name in [
            "ppt/slides/slide@.xml",
            "ppt/slides/_rels/slide@.xml.rels",
            "ppt/notesSlides/notesSlide@.xml",
            "ppt/notesSlides/_rels/notesSlide@.xml.rels",
        ] {
            let content = text(&parts, &name.replace('@', &old.to_string()));
            let content = content.replace(&format!("notesSlide{old}.xml"), &format!("notesSlide{new}.xml"));
            let content = content.replace(&format!("/slide{old}.xml"), &format!("/slide{new}.xml"));
            parts.push((name.replace('@', &new.to_string()), content.into_bytes()));
        }
        let mut edit = |name: &str, before: &str, added: String| {
            let changed = text(&parts, name).replacen(before, &(added + before), 1);
            parts.iter_mut().find(|(other, _)| other == name).expect("found above").1 = changed.into_bytes();
        };
        let kind = "application/vnd.openxmlformats-officedocument.presentationml";
        let overrides = format!(
            "<Override PartName=\"/ppt/slides/slide{new}.xml\" ContentType=\"{kind}.slide+xml\"/><Override PartName=\"/ppt/notesSlides/notesSlide{new}.xml\" ContentType=\"{kind}.notesSlide+xml\"/>"
        );
        edit("[Content_Types].xml", "</Types>", overrides);
        let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/slide";
        edit(
            "ppt/_rels/presentation.xml.rels",
            "</Relationships>",
            format!("<Relationship Id=\"rIdNew{new}\" Type=\"{relation}\" Target=\"slides/slide{new}.xml\"/>"),
        );
        edit("ppt/presentation.xml", "</p:sldIdLst>", format!("<p:sldId id=\"{}\" r:id=\"rIdNew{new}\"/>", 900 + new));
    }
    for number in 1..=SLIDES {
        let name = format!("ppt/notesSlides/notesSlide{number}.xml");
        let notes = text(&parts, &name);
        let (from, to) = (notes.find("<a:t>").expect("it has notes") + 5, notes.rfind("</a:t>").expect("it has notes"));
        let said = narration(number, edited && number == 5);
        let changed = format!("{}{said}{}", &notes[..from], &notes[to..]);
        parts.iter_mut().find(|(other, _)| *other == name).expect("found above").1 = changed.into_bytes();
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in &parts {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).expect("memory");
        writer.write_all(content).expect("memory");
    }
    let path = folder.join("ten.pptx");
    fs::write(&path, writer.finish().expect("memory").into_inner()).expect("our own folder");
    path
}

/// First render, one edit, nothing changed; then the same lecture cut and whole.
pub fn edits(folder: &Path, lectern: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    let graph = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/lecture.yaml")).expect("the repository's own graph");
    let graph = graph.replace("1280x720", "1920x1080");
    let (cut, whole) = (folder.join("cut.yaml"), folder.join("whole.yaml"));
    fs::write(&cut, &graph).expect("our own folder");
    fs::write(&whole, graph.replace("segment_by: slide", "segment_by: null")).expect("our own folder");
    let render = |deck: &Path, graph: &Path, cache: &str, film: &str, more: &[&str]| {
        let film = folder.join(film);
        let mut command = Command::new(lectern);
        command.current_dir(folder).env("XDG_CACHE_HOME", folder.join(cache)).args(["--quiet", "render"]).arg(deck);
        let wall = wall_of(command.arg("--graph").arg(graph).arg("-o").arg(&film).args(more));
        (wall, film)
    };
    for (name, make, least) in [("PPTX", deck as fn(&Path, bool) -> PathBuf, 5.0), ("lesson.yaml", lesson, 8.0)] {
        let cache = format!("cache-{name}");
        let (first, _) = render(&make(folder, false), &cut, &cache, "film.mp4", &[]);
        let (second, film) = render(&make(folder, true), &cut, &cache, "film.mp4", &[]);
        let (third, again) = render(&make(folder, true), &cut, &cache, "again.mp4", &[]);
        assert!(fs::read(film).expect("a film") == fs::read(again).expect("a film"), "two renders of one deck differ");
        let what = |what: &str| format!("{SLIDES} slides of 30 s at 1080p ({name}), {what}, against the first render, wall");
        rows.push(Row::new("segments", what("one edited"), second, "s").against(first).mark(Mark::Faster(least)));
        rows.push(Row::new("segments", what("nothing changed"), third, "s").against(first).mark(Mark::Faster(30.0)));
    }
    // All is spoken by now.
    let lesson = lesson(folder, true);
    let (one, film) = render(&lesson, &cut, "cache-lesson.yaml", "one.mp4", &["--no-cache", "--jobs", "1"]);
    // By turns: they are to be within a twentieth of each other, and a machine that others use too is not so even.
    let (mut two, mut unsegmented) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..2 {
        let (wall, same) = render(&lesson, &cut, "cache-lesson.yaml", "two.mp4", &["--no-cache", "--jobs", "2"]);
        assert!(fs::read(&film).expect("a film") == fs::read(same).expect("a film"), "--jobs 1 and --jobs 2 make different films");
        two = two.min(wall);
        unsegmented = unsegmented.min(render(&lesson, &whole, "cache-lesson.yaml", "whole.mp4", &[]).0);
    }
    rows.push(
        Row::new("segments", "the same in segments, two at once, against from beginning to end, wall", two, "s")
            .against(unsegmented)
            .mark(Mark::Within(1.05)),
    );
    rows.push(Row::new("segments", "one segment at a time, against two at once (the same file), wall", one, "s").against(two));
    rows
}

/// Two hours of lecture: memory as for ten of its slides, and somebody is told at once how far it is. Most memory is needed while two voices
/// speak their longest clauses at once, which is a matter of chance: the ten lie all over the lecture, and the middle one of three runs counts.
/// The slides have numbers that take about as long to say: of three digits, none of them 0 or 1.
pub fn long(folder: &Path, lectern: &Path) -> Vec<Row> {
    let numbers = (222..1000).filter(|number: &usize| number.to_string().chars().all(|digit| digit > '1'));
    let lesson = lesson_of(folder, &Vec::from_iter(numbers.take(MANY)), false);
    let render = |slides: &str, film: &str| {
        let mut command = Command::new(lectern);
        command
            .current_dir(folder)
            .env("XDG_CACHE_HOME", folder.join(format!("cache-{film}")))
            .args(["render", "--json", "--size", "sd", "--slides", slides]);
        first_progress_and_peak_of(command.arg(&lesson).arg("-o").arg(folder.join(film)))
    };
    let ten: Vec<String> = (1..=MANY).step_by(MANY / SLIDES).map(|slide| slide.to_string()).collect();
    let mut few = [1, 2, 3].map(|run| render(&ten.join(","), &format!("few-{run}.mp4")).1);
    few.sort_unstable();
    let (first, many) = render("all", &format!("{MANY}.mp4"));
    let film = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(folder.join(format!("{MANY}.mp4")))
        .output()
        .expect("ffprobe is installed");
    let hours = String::from_utf8_lossy(&film.stdout).trim().parse::<f64>().expect("a film has a length") / 3600.0;
    let (broken, readable) = captions(&fs::read_to_string(folder.join(format!("{MANY}.srt"))).expect("captions beside the film"));
    let what = |what: &str| format!("{MANY} slides, {hours:.1} h of lecture: {what}");
    vec![
        Row::new("long", what(&format!("memory, against {SLIDES} of them")), many as f64 / 1e6, "MB")
            .against(few[1] as f64 / 1e6)
            .mark(Mark::Within(1.1)),
        Row::new("long", what("first progress"), first, "s").mark(Mark::AtMost(2.0)),
        Row::new("long", what("captions beyond 1.2 to 7 s, 2 lines or 42 columns"), broken as f64, "").mark(Mark::AtMost(0.0)),
        Row::new("long", what("captions read at 10 to 20 characters a second"), readable * 100.0, "%"),
    ]
}

/// Of SubRip captions: how many are not between 1.2 and 7 s or have more than two lines of 42 characters; which part of them is read at 10 to
/// 20 characters a second.
fn captions(srt: &str) -> (usize, f64) {
    let seconds = |clock: &str| -> f64 {
        let parts = clock.trim().replace(',', ".");
        parts.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().expect("hours, minutes or seconds"))
    };
    let (mut count, mut broken, mut readable) = (0_usize, 0, 0_usize);
    for cue in srt.split("\n\n").filter(|cue| !cue.trim().is_empty()) {
        let mut lines = cue.trim().lines().skip(1);
        let (from, to) = lines.next().and_then(|times| times.split_once("-->")).expect("the times of a caption");
        let (length, lines) = (seconds(to) - seconds(from), lines.collect::<Vec<_>>());
        // Times in the file are whole milliseconds.
        let is_long = !(1.199..=7.001).contains(&length);
        broken += usize::from(is_long || lines.len() > 2 || lines.iter().any(|line| line.chars().count() > 42));
        let rate = lines.iter().map(|line| line.chars().count() as f64).sum::<f64>() / length;
        readable += usize::from((9.9..=20.1).contains(&rate));
        count += 1;
    }
    (broken, readable as f64 / count.max(1) as f64)
}

/// 640 segments of one small picture, each of which takes 100 ms, 64 at once.
pub fn scheduler() -> Vec<Row> {
    const PARTS: usize = 640;
    const JOBS: usize = 64;
    let text = format!(
        "version: 1\ngraph: parts\nsegment_by: slide\ndefaults: {{ video: {{ size: 16x16, fps: 30 }}, memory: 16GiB }}\nnodes:\n\
         \x20 v: {{ type: test_video, config: {{ duration: 1s, parts: {PARTS} }} }}\n\
         \x20 p: {{ type: playout, inputs: {{ video: v.video }} }}\n\
         \x20 d: {{ type: delay, inputs: {{ video: p.video }}, config: {{ frames: 0, busy_us: 100000 }} }}\n\
         \x20 e: {{ type: test_encoder, inputs: {{ video: d.video }}, config: {{ bytes: 100, keyframe_every: 1 }} }}\n\
         \x20 end: {{ type: null_sink, inputs: {{ encoded: [e.encoded] }} }}\n"
    )
    // Rounded down, it ends within the last picture; one more would make a segment of two.
    .replace("duration: 1s", &format!("duration: {}ms", PARTS * 1000 / 30));
    let document = load(&text, "parts.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let registry = Registry::new(&[ENGINE_NODES, TEST_NODES]);
    let plan = || check(&document, &registry, Depth::Pure);
    let options = RenderOptions {
        jobs: JOBS,
        memory: u64::MAX,
        store: Arc::<MemoryStore>::default(),
        helping: false,
        cancel: Cancel::default(),
        trace: false,
    };
    let since = Instant::now();
    let report = match Render::prepare(&plan, options, &Watch::new()) {
        Ok(Cut::Segments(render)) => render.run().unwrap_or_else(|error| panic!("{error}")),
        Ok(Cut::Whole(why)) => panic!("it is not cut: {why:?}"),
        Err(error) => panic!("{error}"),
    };
    let wall = since.elapsed().as_secs_f64();
    assert_eq!(report.segments.map(|segments| segments.encoded), Some(PARTS));
    let ideal = 0.1 * PARTS as f64 / JOBS as f64;
    let what = format!("{PARTS} segments that take 100 ms each, {JOBS} at once, against the ideal, wall");
    vec![Row::new("scheduler", what, wall, "s").against(ideal).mark(Mark::Within(1.15))]
}
