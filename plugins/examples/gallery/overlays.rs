//! What lies over slides, at several moments and in several shapes of picture.

use crate::sheet::{Sheet, over};
use engine::cue::{Anchor, Cue, Placement, SlideCue, WordCue};
use engine::frame::{Size, VideoFrame};
use engine::node::{In, Out};
use engine::packet::Packet;
use engine::registry::Defaults;
use engine::testing::NodeTest;
use engine::time::{Rate, Span, Time};
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};
use plugins::compositor::overlay::OVERLAY;
use plugins::compositor::{PlaceConfig, placement_rect};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CUES: In<Cue> = In::new("cues");
const LAYER: Out<VideoFrame> = Out::new("layer");
const RATE: Rate = Rate::per_second(30);
/// Pictures of the sheet; others are scaled to fit.
const CELL: Size = Size::new(640, 360);

const NARRATION: &str = "Wind turbines turn moving air into current. They stand where the land is flat. Solar panels work in the desert. \
    In the end it is the price that counts.";
const BULLETS: &str = "{ role: bullet, text: Moving air becomes current }, { role: bullet, text: Turbines stand where the land is flat }, \
    { role: bullet, text: \"Solar panels: deserts\" }, { role: bullet, text: It is the price that counts in the end }";
const NAME: &str = "{ role: lower_third, text: Ada Lovelace, detail: Head of Energy Research, from: 500ms, until: 5s }";
const REST: &str = "{ role: text, text: \"Source: Grid report, May 2026\", from: 1s, until: 6s }, { role: picture, file: map.png, height: 34%, anchor: top_left, from: 1s }";

/// A moment of a slide.
struct Moment<'a> {
    overlays: &'a str,
    size: Size,
    /// Ground of the slide: light or dark.
    light: bool,
    presenter: Option<Anchor>,
    more: &'a str,
    /// In milliseconds; the words of the narration are said one every 400.
    at: i64,
}

/// Overlays of all kinds while they come, stand and go.
pub fn overlays() -> Sheet {
    let folder = tempfile::tempdir().expect("a folder for the lesson");
    map().save(folder.path().join("map.png")).expect("the folder was just made");
    let mut sheet = Sheet::new(CELL, 3);
    let (hd, small, upright) = (Size::new(1920, 1080), Size::new(1280, 720), Size::new(1080, 1920));
    let right = Some(Anchor::BottomRight);
    let base = Moment { overlays: BULLETS, size: hd, light: true, presenter: right, more: "", at: 400 };
    let all = format!("{BULLETS}, {NAME}, {REST}");
    let long = (1..=8)
        .map(|n| format!("{{ role: bullet, text: Point number {n} is a longer one and takes two lines }}"))
        .collect::<Vec<_>>()
        .join(", ");
    let moments = [
        ("the first bullet comes, 130 ms", Moment { at: 530, ..base }),
        ("the second one, 200 ms", Moment { at: 3400, ..base }),
        ("all of them", Moment { at: 12_000, ..base }),
        ("on a dark slide", Moment { at: 12_000, light: false, ..base }),
        ("1280x720, nobody stands there", Moment { at: 12_000, size: small, presenter: None, light: false, ..base }),
        ("the presenter at the left", Moment { at: 12_000, presenter: Some(Anchor::BottomLeft), ..base }),
        ("a name comes, 130 ms", Moment { overlays: NAME, at: 630, ..base }),
        ("330 ms", Moment { overlays: NAME, at: 830, ..base }),
        ("it stands", Moment { overlays: NAME, at: 3000, ..base }),
        ("it stands, dark", Moment { overlays: NAME, at: 3000, light: false, ..base }),
        ("it goes, 150 ms before the end", Moment { overlays: NAME, at: 4850, ..base }),
        ("text and picture", Moment { overlays: REST, at: 3000, ..base }),
        ("everything, and the lecture's progress", Moment { overlays: &all, at: 3500, more: "progress: lecture, ", ..base }),
        (
            "everything on a dark slide, 1280x720",
            Moment { overlays: &all, at: 4500, size: small, light: false, more: "progress: slide, ", ..base },
        ),
        ("eight long bullets go to the other side", Moment { overlays: &long, at: 20_000, ..base }),
        ("9:16", Moment { at: 12_000, size: upright, ..base }),
        ("9:16, a name", Moment { overlays: NAME, at: 3000, size: upright, ..base }),
        ("9:16, everything", Moment { overlays: &all, at: 4500, size: upright, light: false, ..base }),
    ];
    for (label, moment) in moments {
        sheet.add(fitted(&picture(folder.path(), &moment)), label);
    }
    sheet
}

/// What is seen at a moment.
fn picture(folder: &Path, moment: &Moment<'_>) -> RgbImage {
    let lesson = lesson(folder, moment.overlays);
    let config = format!("{{ {}presenter: {}, lesson: {} }}", moment.more, moment.presenter.is_some(), lesson.display());
    let placement = Placement { anchor: moment.presenter, visible: moment.presenter.is_some(), ..Placement::default() };
    let slide = SlideCue { id: "slide-1".into(), number: 1, placement, ..SlideCue::default() };
    let mut cues = vec![Packet::new(Time::ZERO, Cue::Slide(Arc::new(slide)))];
    cues.extend(words());
    // All of it: what has not been said when a slide ends comes then.
    let (until, end) = (Time::ZERO + Span::from_millis(moment.at), Time::ZERO + Span::from_seconds(20));
    let defaults = Defaults { size: moment.size, fps: RATE, sample_rate: Rate::per_second(48_000) };
    let out = NodeTest::new(&OVERLAY, &config).defaults(defaults).input(CUES, cues, end).run();
    let layers = out.unwrap_or_else(|failure| panic!("{config}: {failure}")).packets(LAYER);
    let mut whole = slide_picture(moment.size, moment.light);
    if moment.presenter.is_some() {
        presenter(&mut whole, &placement);
    }
    layers.iter().rfind(|layer| layer.pts < until).into_iter().for_each(|layer| over(&mut whole, &layer.media));
    whole
}

/// The words of the narration, one every 400 ms.
fn words() -> impl Iterator<Item = Packet<Cue>> {
    // One place in memory: a constant may have several.
    let said: &'static str = NARRATION;
    said.split_whitespace().enumerate().map(move |(index, text)| {
        let at = text.as_ptr() as usize - said.as_ptr() as usize;
        let word = WordCue { text: text.into(), range: Some(at..at + text.len()), stressed: false, emphasis: false, estimated: false };
        Packet::new(Time::ZERO + Span::from_millis(400 * (index as i64 + 1)), Cue::Word(Arc::new(word)))
    })
}

fn lesson(folder: &Path, overlays: &str) -> PathBuf {
    let path = folder.join("lesson.yaml");
    let text = format!(
        "version: 1\nslides:\n- {{ color: \"#ffffff\", narration: \"{NARRATION}\", overlays: [{overlays}] }}\n- {{ color: \"#000000\" }}\n"
    );
    std::fs::write(&path, text).expect("the folder was just made");
    path
}

/// Something like a slide: a headline, lines, a picture.
pub fn slide_picture(size: Size, light: bool) -> RgbImage {
    let (paper, ink, faint) = if light {
        (Rgb([252, 252, 250]), Rgb([32, 48, 84]), Rgb([196, 206, 222]))
    } else {
        (Rgb([20, 26, 42]), Rgb([236, 240, 248]), Rgb([70, 86, 120]))
    };
    // In an upright picture the slide lies in the middle, with bars of its colour.
    let high = (size.width * 9 / 16).min(size.height);
    let top = (size.height - high) / 2;
    RgbImage::from_fn(size.width, size.height, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(size.width), (f64::from(y) - f64::from(top)) / f64::from(high));
        let row = ((v - 0.26) / 0.085).floor();
        let within = (v - 0.26) / 0.085 - row;
        let headline = (0.09..0.15).contains(&v) && (0.06..0.52).contains(&u);
        let line = (0.0..7.0).contains(&row) && within < 0.35 && (0.06..0.52 - 0.05 * (row % 3.0)).contains(&u);
        let chart = (0.26..0.8).contains(&v) && (0.58..0.94).contains(&u);
        let bar = chart && ((u - 0.58) / 0.06).fract() < 0.6 && v > 0.75 - 0.08 * ((u - 0.58) / 0.06).floor();
        match () {
            () if headline || bar => ink,
            () if line => faint,
            () => paper,
        }
    })
}

/// A figure where the presenter stands.
fn presenter(picture: &mut RgbImage, placement: &Placement) {
    let size = Size::new(picture.width(), picture.height());
    let rect = placement_rect(size, Size::new(5, 6), placement, &PlaceConfig::default());
    for y in 0..rect.height {
        for x in 0..rect.width {
            let (u, v) = (f64::from(x) / f64::from(rect.width) - 0.5, f64::from(y) / f64::from(rect.height));
            let head = (u / 0.2).powi(2) + ((v - 0.3) / 0.24).powi(2) < 1.0;
            let body = (u / 0.46).powi(2) + ((v - 1.05) / 0.48).powi(2) < 1.0;
            let at = (rect.x + x as i32, rect.y + y as i32);
            if (head || body) && at.0 >= 0 && at.1 >= 0 && (at.0 as u32) < size.width && (at.1 as u32) < size.height {
                picture.put_pixel(at.0 as u32, at.1 as u32, if head { Rgb([222, 172, 140]) } else { Rgb([58, 92, 140]) });
            }
        }
    }
}

/// A small picture to be laid over slides.
fn map() -> RgbImage {
    RgbImage::from_fn(640, 420, |x, y| {
        let wave = (f64::from(x) / 60.0).sin() * 30.0 + (f64::from(y) / 45.0).cos() * 26.0 + f64::from(x) * 0.2;
        if (wave / 26.0).rem_euclid(2.0) < 1.0 { Rgb([142, 190, 130]) } else { Rgb([120, 170, 214]) }
    })
}

/// The picture as large as its cell takes.
pub fn fitted(picture: &RgbImage) -> RgbImage {
    let fit = (f64::from(CELL.width) / f64::from(picture.width())).min(f64::from(CELL.height) / f64::from(picture.height()));
    let (width, height) = ((f64::from(picture.width()) * fit).round() as u32, (f64::from(picture.height()) * fit).round() as u32);
    resize(picture, width, height, FilterType::Triangle)
}
