//! Key + place, and the whole render: against peers that get the same files.

use crate::graph::run;
use crate::measure::{OneCore, cpu, cpu_of, median};
use crate::peers::{self, KEYERS};
use crate::rows::{Mark, Row};
use crate::scene::{FPS, FULL, SMALL, Scene};
use std::path::Path;

/// Distance of the presenter from the picture's right edge, as the peers' scripts have it.
const MARGIN: u32 = 24;

/// The scene in front of the slides, placed as the peers' scripts say.
fn composed(scene: &Scene) -> String {
    format!(
        "{}  scene: {{ type: chroma_compositor, inputs: {{ slide: slides.video, avatar: presenter.video }}, config: {{ key: {{ color: \"#00b140\" }}, place: {{ anchor: bottom_right, height: 50%, margin: 16 }} }} }}\n",
        sources(scene)
    )
}

/// The presenter and the slides as nodes.
pub fn sources(scene: &Scene) -> String {
    let source =
        |name: &str, path: &Path| format!("  {name}: {{ type: y4m_source, config: {{ path: \"{}\", size: keep }} }}\n", path.display());
    source("presenter", &scene.presenter) + &source("slides", &scene.slides)
}

/// Key + place alone, on one core: what a run costs, less what reading the same films costs. Every side in every round.
pub fn key(folder: &Path) -> Vec<Row> {
    const ROUNDS: usize = 3;
    let _one = OneCore::take();
    let scene = Scene::write(folder, "key", 12);
    let work = format!("{}  end: {{ type: null_sink, inputs: {{ video: [scene.video] }} }}\n", composed(&scene));
    let read = format!("{}  end: {{ type: null_sink, inputs: {{ video: [presenter.video, slides.video] }} }}\n", sources(&scene));
    let milliseconds = 1e3 / f64::from(scene.seconds * FPS);
    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); KEYERS.len()];
    for _ in 0..ROUNDS {
        // Ours is short: three times as many rounds cost little.
        for _ in 0..3 {
            ours.push((cpu(|| run(FULL, &work)) - cpu(|| run(FULL, &read))) * milliseconds);
        }
        for (peer, figures) in KEYERS.iter().zip(&mut theirs) {
            let cost = |mode: &str| {
                cpu_of(peers::script(peer.script).arg(mode).arg(&scene.presenter).arg(&scene.closed).arg(scene.seconds.to_string()))
            };
            figures.push((cost("work") - cost("read")) * milliseconds);
        }
    }
    let ours = median(ours);
    let row = |what: String| Row::new("key", what, ours, "ms");
    let mut rows: Vec<Row> = KEYERS
        .iter()
        .zip(theirs)
        .map(|(peer, figures)| {
            row(format!("key + place, a 1080p frame, against {}", peer.name)).against(median(figures)).mark(Mark::Faster(peer.key))
        })
        .collect();
    rows.extend(alike(folder));
    rows
}

/// How alike our picture and each peer's are where the presenter stands: a fast keyer that does other work would prove nothing.
fn alike(folder: &Path) -> Vec<Row> {
    let scene = Scene::write(folder, "alike", 1);
    let ours = folder.join("alike-ours.i420");
    let sink = format!("  end: {{ type: raw_sink, inputs: {{ video: scene.video }}, config: {{ path: \"{}\" }} }}\n", ours.display());
    run(FULL, &(composed(&scene) + &sink));
    let compare = |peer: &peers::Keyer| {
        let theirs = folder.join(format!("alike-{}.i420", peer.script));
        let mut command = peers::script(peer.script);
        cpu_of(command.arg("frames").arg(&scene.presenter).arg(&scene.closed).args(["1", "-"]).arg(&theirs));
        let what = format!("key + place: likeness (SSIM) to {}", peer.name);
        Row::new("key", what, likeness(&luma(&ours), &luma(&theirs)), "").mark(Mark::AtLeast(0.98))
    };
    KEYERS.iter().map(compare).collect()
}

/// The luma of the eleventh picture, cut to where the presenter is.
fn luma(file: &Path) -> Vec<u8> {
    const NUMBER: usize = 10;
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let frame = (FULL.area() * 3 / 2) as usize;
    assert!(bytes.len() > NUMBER * frame, "{} holds only {} bytes", file.display(), bytes.len());
    let (left, top) = (FULL.width - SMALL.width - MARGIN, FULL.height - SMALL.height);
    let row = |y: u32| NUMBER * frame + (y * FULL.width + left) as usize;
    (top..FULL.height).flat_map(|y| bytes[row(y)..][..SMALL.width as usize].iter().copied()).collect()
}

/// Mean structural similarity over blocks of 8x8 of pictures as wide as the presenter's.
/// Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004.
fn likeness(a: &[u8], b: &[u8]) -> f64 {
    let width = SMALL.width as usize;
    let mut blocks = Vec::new();
    for y in (0..a.len() / width - 7).step_by(8) {
        for x in (0..width - 7).step_by(8) {
            let pixels = |p: &[u8]| -> Vec<f64> { (0..64).map(|i| f64::from(p[(y + i / 8) * width + x + i % 8])).collect() };
            let (pa, pb) = (pixels(a), pixels(b));
            let mean = |p: &[f64]| p.iter().sum::<f64>() / 64.0;
            let (ma, mb) = (mean(&pa), mean(&pb));
            let spread = |p: &[f64], mp: f64, q: &[f64], mq: f64| p.iter().zip(q).map(|(p, q)| (p - mp) * (q - mq)).sum::<f64>() / 63.0;
            let (c1, c2) = ((0.01 * 255.0_f64).powi(2), (0.03 * 255.0_f64).powi(2));
            let above = (2.0 * ma * mb + c1) * (2.0 * spread(&pa, ma, &pb, mb) + c2);
            let below = (ma * ma + mb * mb + c1) * (spread(&pa, ma, &pa, ma) + spread(&pb, mb, &pb, mb) + c2);
            blocks.push(above / below);
        }
    }
    blocks.iter().sum::<f64>() / blocks.len() as f64
}

/// The whole way from the same files to a film: processor time of all processes.
pub fn render(folder: &Path, lectern: &Path) -> Vec<Row> {
    const ROUNDS: usize = 2;
    let scene = Scene::write(folder, "render", 18);
    let graph = folder.join("render.yaml");
    let film = |name: &str| folder.join(format!("render-{name}.mp4"));
    let text = format!(
        "version: 1\ngraph: render\ndefaults: {{ video: {{ size: 1920x1080, fps: 30 }} }}\nnodes:\n{}\
        \x20 sound: {{ type: audio_file, config: {{ path: \"{}\" }} }}\n\
        \x20 playout: {{ type: playout, inputs: {{ video: scene.video, audio: sound.audio }} }}\n\
        \x20 h264: {{ type: video_encoder, inputs: {{ video: playout.video }}, config: {{ preset: veryfast, crf: 23, threads: 2, keyframe_every: 2s }} }}\n\
        \x20 aac: {{ type: audio_encoder, inputs: {{ audio: playout.audio }}, config: {{ codec: aac, bitrate: 192k }} }}\n\
        \x20 file: {{ type: mp4_sink, inputs: {{ video: h264, audio: aac }}, config: {{ path: \"{}\" }} }}\n",
        composed(&scene),
        scene.sound.display(),
        film("lectern").display(),
    );
    std::fs::write(&graph, text).expect("our own folder");
    let per_minute = 60.0 / f64::from(scene.seconds);
    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); KEYERS.len()];
    for _ in 0..ROUNDS {
        ours.push(cpu_of(std::process::Command::new(lectern).args(["run", "--quiet"]).arg(&graph)) * per_minute);
        for (peer, figures) in KEYERS.iter().zip(&mut theirs) {
            let mut command = peers::script(peer.script);
            command.arg("render").args([&scene.presenter, &scene.closed]).arg(scene.seconds.to_string());
            figures.push(cpu_of(command.arg(&scene.sound).arg(film(peer.script))) * per_minute);
        }
    }
    let ours = ours.into_iter().fold(f64::INFINITY, f64::min);
    let row = |what: String| Row::new("render", what, ours, "s");
    KEYERS
        .iter()
        .zip(theirs)
        .map(|(peer, figures)| {
            let least = figures.into_iter().fold(f64::INFINITY, f64::min);
            row(format!("whole render, a minute of 1080p, against {}", peer.name)).against(least).mark(Mark::Faster(peer.render))
        })
        .collect()
}
