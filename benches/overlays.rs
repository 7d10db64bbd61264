//! What bullets and names over the picture cost, and a slide that comes in.

use crate::graph::run;
use crate::keying::sources;
use crate::measure::{OneCore, above, cpu};
use crate::rows::{Mark, Row};
use crate::scene::{FPS, FULL, Scene};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// So many that the least of them hardly changes: what is looked for is a tenth of what a picture takes.
const ROUNDS: usize = 9;
/// A minute of slides of six seconds, each with a name at its beginning and bullets that come one by one.
const SLIDES: u32 = 10;
const BULLETS: [&str; 4] =
    ["What a lecture needs", "Points come one by one", "Each one at its own time", "What stands costs next to nothing"];

/// Above the picture itself, in which a presenter moves all the time.
pub fn overlays(folder: &Path) -> Vec<Row> {
    let _one = OneCore::take();
    let scene = Scene::write(folder, "overlays", SLIDES * 6);
    let overlays: String = BULLETS.iter().map(|text| format!("{{ role: bullet, text: {text} }}, ")).collect();
    let slide = format!("silence: 6s, overlays: [{overlays}{{ role: lower_third, text: Ada Lovelace, detail: Analyst, until: 3s }}]");
    let lesson = write_lesson(folder, "overlays", SLIDES, &slide);
    let graph = |layers: &str| {
        format!(
            "{}  speech: {{ type: tts_chunker, config: {{ lesson: \"{1}\" }} }}\n\
            \x20 over: {{ type: overlay, inputs: {{ cues: speech.cues }}, config: {{ lesson: \"{1}\" }} }}\n\
            \x20 scene: {{ type: chroma_compositor, inputs: {{ slide: slides.video, avatar: presenter.video, cues: speech.cues, layers: [{layers}] }}, config: {{ key: {{ color: \"#00b140\" }}, place: {{ height: 50% }} }} }}\n\
            \x20 end: {{ type: null_sink, inputs: {{ video: [scene.video{2}] }} }}\n",
            sources(&scene),
            lesson.display(),
            // The layer is made in both graphs: what it costs to make is measured by itself.
            if layers.is_empty() { ", over.layer" } else { "" },
        )
    };
    let frames = f64::from(scene.seconds * FPS);
    let (with, without) = (graph("over.layer"), graph(""));
    let bare = without.replace(", over.layer", "").replace("  over:", "  # over:");
    let milliseconds = |ours: &str, base: &str| above(ROUNDS, || cpu(|| run(FULL, ours)), || cpu(|| run(FULL, base))) * 1e3 / frames;
    let row = |what: &str, ours: f64| Row::new("overlays", what, ours, "ms").mark(Mark::AtMost(0.3));
    let mut rows = vec![row("four bullets and a name over a 1080p frame, all in all", milliseconds(&with, &bare))];
    rows.push(Row::new("overlays", "of that, drawing them as they come and go", milliseconds(&without, &bare), "ms"));
    // The words of a caption every four seconds, each lit as it is said.
    let captions = format!(
        "  said: {{ type: said, config: {{ captions: {} }} }}\n\
        \x20 text: {{ type: captions, inputs: {{ cues: said.cues }}, config: {{ look: outline, highlight: \"#ffd84d\" }} }}\n  end:",
        scene.seconds / 4
    );
    let all = with.replace("layers: [over.layer]", "layers: [over.layer, text.layer]").replace("  end:", &captions);
    rows.push(row("the same and captions, each word lit", milliseconds(&all, &bare)));
    rows.extend(transitions(folder));
    rows
}

/// A frame while a slide comes in, above the same slides one after the other.
fn transitions(folder: &Path) -> Vec<Row> {
    const COUNT: u32 = 12;
    let graph = |transition: &str| {
        let slide = format!("silence: 1s, transition: {{ kind: {transition} }}");
        let lesson = write_lesson(folder, transition.split(',').next().unwrap_or(transition), COUNT, &slide);
        format!(
            "  speech: {{ type: tts_chunker, config: {{ lesson: \"{0}\" }} }}\n\
            \x20 slides: {{ type: slide_source, inputs: {{ cues: speech.cues }}, config: {{ lesson: \"{0}\" }} }}\n\
            \x20 end: {{ type: null_sink, inputs: {{ video: [slides.video] }} }}\n",
            lesson.display()
        )
    };
    let cut = graph("cut");
    let row = |kind: &str| {
        let whole = graph(&format!("{kind}, duration: 1s"));
        let ours = above(ROUNDS, || cpu(|| run(FULL, &whole)), || cpu(|| run(FULL, &cut))) * 1e3 / f64::from((COUNT - 1) * FPS);
        Row::new("overlays", format!("a 1080p frame of a {kind}"), ours, "ms").mark(Mark::AtMost(3.0))
    };
    ["fade", "slide", "push"].map(row).into()
}

/// A lesson of coloured slides.
fn write_lesson(folder: &Path, name: &str, count: u32, slide: &str) -> PathBuf {
    let mut text = String::from("version: 1\nslides:\n");
    for number in 0..count {
        writeln!(text, "- {{ color: \"#{:02x}5070\", {slide} }}", 16 * (number % 16)).expect("text grows");
    }
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
