use super::*;
use crate::pixels::{Alpha, rgba_to_a420, rgba_to_i420};
use engine::cue::{Anchor, SlideCue, Transition, WordCue};
use engine::testing::{NodeTest, Outputs};
use engine::time::{Rate, Time};
use std::sync::Arc;

const RATE: Rate = Rate::per_second(30);
const FRAME: Size = Size::new(320, 180);
const CONFIG: &str = "{ place: { anchor: bottom_right, height: 40%, margin: 24 } }";

/// RGBA by position in pixels.
fn drawn(size: Size, color: impl Fn(f64, f64) -> [u8; 4]) -> Vec<u8> {
    (0..size.area() as u32).flat_map(|i| color(f64::from(i % size.width) + 0.5, f64::from(i / size.width) + 0.5)).collect()
}

fn slide(color: [u8; 3]) -> VideoFrame {
    let [r, g, b] = color;
    // A ramp downwards, so that a shift shows.
    let picture = drawn(FRAME, |_, y| [r, g, b, 255].map(|c| c.saturating_sub((y / 4.0) as u8)));
    rgba_to_i420(&picture, FRAME, &Pool::new()).unwrap()
}

/// A disc with a soft edge of two pixels: coverage 0 to 1.
fn disc(size: Size) -> impl Fn(f64, f64) -> f64 {
    move |x, y| {
        let (dx, dy) = (x - f64::from(size.width) / 2.0, y - f64::from(size.height) / 2.0);
        ((f64::from(size.height) * 0.4 - dx.hypot(dy)) / 2.0 + 0.5).clamp(0.0, 1.0)
    }
}

const SKIN: [u8; 3] = [224, 172, 140];

/// A disc of skin with alpha.
fn cut_out(size: Size) -> VideoFrame {
    let cover = disc(size);
    let picture = drawn(size, |x, y| [SKIN[0], SKIN[1], SKIN[2], (cover(x, y) * 255.0).round() as u8]);
    rgba_to_a420(&picture, size, Alpha::Straight, &Pool::new()).unwrap()
}

/// The same in front of the default screen.
fn screened(size: Size) -> VideoFrame {
    let cover = disc(size);
    let picture = drawn(size, |x, y| {
        let mix = |c: u8, screen: u8| (f64::from(c) * cover(x, y) + f64::from(screen) * (1.0 - cover(x, y))).round() as u8;
        [mix(SKIN[0], 0x00), mix(SKIN[1], 0xb1), mix(SKIN[2], 0x40), 255]
    });
    rgba_to_i420(&picture, size, &Pool::new()).unwrap()
}

/// What it must look like, in RGBA.
fn expected(below: &VideoFrame, size: Size, at: Point) -> Vec<u8> {
    let cover = disc(size);
    let ground = crate::pixels::frame_to_rgba(below);
    drawn(FRAME, |x, y| {
        let (px, py) = (x - f64::from(at.x), y - f64::from(at.y));
        let inside = px > 0.0 && py > 0.0 && px < f64::from(size.width) && py < f64::from(size.height);
        let cover = if inside { cover(px, py) } else { 0.0 };
        let start = (y as usize * FRAME.width as usize + x as usize) * 4;
        let mix = |c: usize| (f64::from(SKIN[c]) * cover + f64::from(ground[start + c]) * (1.0 - cover)).round() as u8;
        [mix(0), mix(1), mix(2), 255]
    })
}

/// Mean and largest difference over all channels.
fn difference(frame: &VideoFrame, expected: &[u8]) -> (f64, u8) {
    let shown = crate::pixels::frame_to_rgba(frame);
    let differences = shown.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    (differences.clone().map(f64::from).sum::<f64>() / shown.len() as f64, differences.max().unwrap_or(0))
}

fn cue(tick: i64, placement: Placement) -> Packet<Cue> {
    let slide = SlideCue { id: "s".into(), number: 1, placement, ..SlideCue::default() };
    Packet::new(RATE.time_of(tick), Cue::Slide(Arc::new(slide)))
}

fn at(tick: i64, frame: VideoFrame) -> Packet<VideoFrame> {
    Packet::new(RATE.time_of(tick), frame)
}

struct Streams {
    slides: Vec<Packet<VideoFrame>>,
    avatar: Vec<Packet<VideoFrame>>,
    cues: Vec<Packet<Cue>>,
    layers: Vec<Vec<Packet<VideoFrame>>>,
}

fn run(config: &str, streams: Streams) -> Outputs {
    let end = RATE.time_of(30);
    let mut test = NodeTest::new(&CHROMA_COMPOSITOR, config).input(SLIDE, streams.slides, end).input(AVATAR, streams.avatar, end);
    test = test.input(CUES, streams.cues, end);
    for layer in streams.layers {
        test = test.input(LAYERS, layer, end);
    }
    test.run().expect("runs")
}

fn one(config: &str, avatar: VideoFrame, placement: Placement) -> VideoFrame {
    let streams =
        Streams { slides: vec![at(0, slide([90, 120, 200]))], avatar: vec![at(0, avatar)], cues: vec![cue(0, placement)], layers: vec![] };
    let frames = run(config, streams).packets(VIDEO);
    assert_eq!(frames.len(), 1, "one still, one packet");
    assert!(frames[0].dur.is_none());
    frames[0].media.clone()
}

const PRESENTER: Size = Size::new(96, 72);
/// 320 - 96 - 6, 180 - 72.
const CORNER: Point = Point { x: 218, y: 108 };

#[test]
fn alpha_and_key_give_the_true_composite_at_every_scale() {
    let below = slide([90, 120, 200]);
    let expected = expected(&below, PRESENTER, CORNER);
    for (name, avatar, config, worst, mean) in [
        ("alpha", cut_out(PRESENTER), CONFIG, 36, 0.09),
        ("larger, with alpha", cut_out(Size::new(192, 144)), CONFIG, 38, 0.11),
        ("smaller, with alpha", cut_out(Size::new(64, 48)), CONFIG, 50, 0.17),
        ("default screen", screened(PRESENTER), CONFIG, 60, 0.15),
        ("screen without its light", screened(PRESENTER), "{ key: { spill: 1 } }", 54, 0.12),
        ("larger, screen", screened(Size::new(192, 144)), CONFIG, 66, 0.14),
    ] {
        let frame = one(config, avatar, Placement::default());
        let (average, largest) = difference(&frame, &expected);
        assert!(average <= mean && largest <= worst, "{name}: mean {average:.3}, largest {largest}");
    }
}

#[test]
fn only_the_presenters_rectangle_is_touched() {
    let below = slide([90, 120, 200]);
    let frame = one(CONFIG, cut_out(PRESENTER), Placement::default());
    for p in 0..3 {
        let half = if p == 0 { 1 } else { 2 };
        let (a, b) = (frame.picture.plane(p), below.picture.plane(p));
        for y in 0..a.size.height as usize {
            for x in 0..a.size.width as usize {
                let inside = x >= CORNER.x as usize / half && x < (CORNER.x as usize + 96) / half && y >= CORNER.y as usize / half;
                assert!(inside || a.data[y * a.stride + x] == b.data[y * b.stride + x]);
            }
        }
    }
}

#[test]
fn none_keeps_opaque_pictures_whole_and_a_screen_keys_whatever_comes() {
    let whole = one("{ key: none }", screened(PRESENTER), Placement { height: Some(0.4), ..Placement::default() });
    let corner = |frame: &VideoFrame| frame.picture.plane(0).data[(CORNER.y as usize + 1) * 320 + CORNER.x as usize + 1];
    assert_eq!(corner(&whole), 129, "the screen itself");
    let below = slide([90, 120, 200]);
    let keyed = one("{ key: { color: '#00b140' } }", screened(PRESENTER), Placement::default());
    assert_eq!(corner(&keyed), corner(&below));
}

#[test]
fn a_hidden_presenter_leaves_the_slides_own_picture_without_a_copy() {
    let hidden = Placement { visible: false, ..Placement::default() };
    let (first, second) = (slide([90, 120, 200]), slide([200, 120, 90]));
    let avatar = (0..30).map(|tick| at(tick, cut_out(PRESENTER))).collect();
    let streams = Streams {
        slides: vec![at(0, first.clone()), at(10, second.clone())],
        avatar,
        cues: vec![cue(0, hidden), cue(20, Placement::default())],
        layers: vec![],
    };
    let frames = run(CONFIG, streams).packets(VIDEO);
    let ticks: Vec<i64> = frames.iter().map(|frame| RATE.index_at(frame.pts)).collect();
    assert_eq!(ticks, [&[0, 10][..], &(20..30).collect::<Vec<_>>()].concat(), "unseen moves are no news");
    assert_eq!((frames[0].media.picture.id(), frames[1].media.picture.id()), (first.picture.id(), second.picture.id()));
    assert_ne!(frames[2].media.picture.id(), second.picture.id());
}

/// A cue of a slide that fades in within ten ticks, from a presenter who stood like that.
fn fading(tick: i64, placement: Placement, from: Placement) -> Packet<Cue> {
    let Cue::Slide(slide) = cue(tick, placement).media else { unreachable!("a slide") };
    let transition = Transition::Fade(RATE.span_of(10));
    let slide = SlideCue { transition, fades_from: Some(from), ..SlideCue::clone(&slide) };
    Packet::new(RATE.time_of(tick), Cue::Slide(slide.into()))
}

#[test]
fn a_presenter_who_comes_goes_or_stands_elsewhere_fades() {
    let here = Placement::default();
    let places = [here, Placement { visible: false, ..here }, Placement { anchor: Some(Anchor::TopLeft), height: Some(0.3), ..here }];
    let alone = places.map(|place| one(CONFIG, cut_out(PRESENTER), place));
    for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0)] {
        let streams = Streams {
            slides: vec![at(0, slide([90, 120, 200]))],
            avatar: vec![at(0, cut_out(PRESENTER))],
            cues: vec![cue(0, places[from]), fading(10, places[to], places[from])],
            layers: vec![],
        };
        let out = run(CONFIG, streams);
        let frames = out.packets(VIDEO);
        let ticks: Vec<i64> = frames.iter().map(|frame| RATE.index_at(frame.pts)).collect();
        assert_eq!(ticks, [&[0][..], &(10..=20).collect::<Vec<_>>()].concat(), "one holds before it, one after");
        for (frame, part) in frames.iter().zip([0, 0, 26, 51, 77, 102, 128, 154, 179, 205, 230, 256]) {
            let mean = |(a, b): (&u8, &u8)| ((u16::from(*a) * (256 - part) + u16::from(*b) * part + 128) >> 8) as u8;
            let mixed = alone[from].picture.bytes().iter().zip(alone[to].picture.bytes()).map(mean);
            assert!(mixed.eq(frame.media.picture.bytes().iter().copied()), "from {from} to {to}, {part} of 256");
        }
    }
}

#[test]
fn a_slide_says_where_and_how_large() {
    let presenter = Size::new(640, 360);
    let rows = |placement| {
        let (frame, below) = (one(CONFIG, cut_out(presenter), placement), slide([90, 120, 200]));
        let (a, b) = (frame.picture.plane(0), below.picture.plane(0));
        let changed: Vec<(usize, usize)> = (0..180)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .filter(|(x, y)| a.data[y * a.stride + x] != b.data[y * b.stride + x])
            .collect();
        let x = changed.iter().map(|(x, _)| *x).min().unwrap()..changed.iter().map(|(x, _)| *x).max().unwrap() + 1;
        let y = changed.iter().map(|(_, y)| *y).min().unwrap()..changed.iter().map(|(_, y)| *y).max().unwrap() + 1;
        (x, y)
    };
    // The disc is four fifths of the picture's height, in its middle.
    let (x, y) = rows(Placement { anchor: Some(Anchor::TopLeft), height: Some(0.5), margin: Some(0), ..Placement::default() });
    assert!(x.start.abs_diff(44) <= 2 && x.end.abs_diff(116) <= 2 && y.start.abs_diff(9) <= 2 && y.end.abs_diff(81) <= 2, "{x:?} {y:?}");
    let (x, y) = rows(Placement { fill: true, anchor: Some(Anchor::TopLeft), ..Placement::default() });
    assert!(x.start.abs_diff(88) <= 2 && x.end.abs_diff(232) <= 2 && y.start.abs_diff(18) <= 2 && y.end.abs_diff(162) <= 2, "{x:?} {y:?}");
}

#[test]
fn layers_lie_on_top_in_order_and_go_away() {
    let label = |level: u8, alpha: u8, place| {
        let size = Size::new(40, 20);
        let mut frame = rgba_to_a420(&drawn(size, |_, _| [level, level, level, alpha]), size, Alpha::Straight, &Pool::new()).unwrap();
        frame.place = Some(place);
        frame
    };
    let (place, beside) = (Point { x: 230, y: 130 }, Point { x: 240, y: 135 });
    let streams = Streams {
        slides: vec![at(0, slide([90, 120, 200]))],
        avatar: vec![at(0, cut_out(PRESENTER))],
        cues: vec![],
        layers: vec![
            vec![Packet::lasting(RATE.time_of(5), RATE.span_of(5), label(0, 255, place)), at(20, label(9, 0, place))],
            vec![at(7, label(255, 128, beside))],
        ],
    };
    let frames = run(CONFIG, streams).packets(VIDEO);
    let luma = |frame: &Packet<VideoFrame>| frame.media.picture.plane(0).data[140 * 320 + 250];
    let seen: Vec<(i64, u8)> = frames.iter().map(|frame| (RATE.index_at(frame.pts), luma(frame))).collect();
    let skin = seen[0].1;
    assert_eq!(seen.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), [0, 5, 7, 10, 20]);
    assert_eq!((seen[1].1, seen[2].1), (16, 126), "black, then half white over it");
    assert!(seen[3].1.abs_diff(((u16::from(skin) + 235) / 2) as u8) <= 1 && seen[4].1 == seen[3].1);
}

#[test]
fn equal_inputs_give_equal_bytes_whatever_the_buffers_held() {
    let run = || {
        let avatar = (0..30).map(|tick| at(tick, cut_out(Size::new(96 + (tick as u32 % 3) * 20, 72)))).collect();
        let placements =
            [Anchor::TopLeft, Anchor::Center, Anchor::BottomRight].map(|anchor| Placement { anchor: Some(anchor), ..Placement::default() });
        let cues = placements.into_iter().enumerate().map(|(i, placement)| cue(10 * i as i64, placement)).collect();
        run(CONFIG, Streams { slides: vec![at(0, slide([90, 120, 200])), at(15, slide([20, 90, 60]))], avatar, cues, layers: vec![] })
            .packets(VIDEO)
    };
    let (first, second) = (run(), run());
    assert_eq!(first.len(), 30);
    assert!(first.iter().zip(&second).all(|(a, b)| a.media.picture.bytes() == b.media.picture.bytes()));
    // The last one again, alone and on fresh buffers.
    let placement = Placement { anchor: Some(Anchor::BottomRight), ..Placement::default() };
    let streams = Streams {
        slides: vec![at(0, slide([20, 90, 60]))],
        avatar: vec![at(0, cut_out(Size::new(96 + 2 * 20, 72)))],
        cues: vec![cue(0, placement)],
        layers: vec![],
    };
    let alone = super::tests::run(CONFIG, streams).packets(VIDEO);
    assert!(alone[0].media.picture.bytes() == first[29].media.picture.bytes());
}

#[test]
fn layers_that_stand_still_are_where_they_would_be_if_all_were_drawn_anew() {
    let label = |level: u8, at: (i32, i32)| {
        let size = Size::new(60, 20);
        let picture = drawn(size, |x, _| [level, 90, 40, (x * 4.0) as u8]);
        VideoFrame { place: Some(Point { x: at.0, y: at.1 }), ..rgba_to_a420(&picture, size, Alpha::Straight, &Pool::new()).unwrap() }
    };
    // At the top, then another one, then moved by an odd number of pixels, then outside; one beside it that comes to overlap it and then the
    // presenter.
    let titles = [(0, label(250, (10, 10))), (6, label(20, (10, 10))), (10, label(20, (31, 13))), (16, label(20, (320, 180)))];
    let names = [(3, label(130, (100, 10))), (12, label(130, (60, 20))), (18, label(130, (210, 120))), (24, label(130, (12, 12)))];
    let avatar: Vec<VideoFrame> = (0..30).map(|tick| screened(Size::new(96 + (tick % 4) * 12, 72))).collect();
    let slides = [(0, slide([90, 120, 200])), (20, slide([20, 90, 60]))];
    let sent = |frames: &[(i64, VideoFrame)]| frames.iter().map(|(tick, frame)| at(*tick, frame.clone())).collect::<Vec<_>>();
    let moves = avatar.iter().enumerate().map(|(tick, frame)| at(tick as i64, frame.clone())).collect();
    let streams = Streams { slides: sent(&slides), avatar: moves, cues: vec![], layers: vec![sent(&titles), sent(&names)] };
    let together = run(CONFIG, streams).packets(VIDEO);
    assert_eq!(together.len(), 30);
    for (tick, frame) in (0..30).zip(together) {
        let now = |frames: &[(i64, VideoFrame)]| frames.iter().rfind(|(from, _)| *from <= tick).map(|(_, frame)| at(0, frame.clone()));
        let layers = [&titles, &names].map(|frames| Vec::from_iter(now(frames))).to_vec();
        let streams =
            Streams { slides: Vec::from_iter(now(&slides)), avatar: vec![at(0, avatar[tick as usize].clone())], cues: vec![], layers };
        let alone = run(CONFIG, streams).packets(VIDEO);
        assert!(alone[0].media.picture.bytes() == frame.media.picture.bytes(), "tick {tick}");
    }
}

#[test]
fn the_picture_rate_is_the_graphs_whatever_the_slides_have() {
    let rate = Rate::new(1, 6).unwrap();
    let caps = Caps::Video(VideoCaps { format: PixelFormat::I420, size: FRAME, rate });
    let test = NodeTest::new(&CHROMA_COMPOSITOR, CONFIG).input_with(SLIDE, caps, vec![at(0, slide([90, 120, 200]))], RATE.time_of(30));
    let Some(Caps::Video(caps)) = &test.run().unwrap().caps[0] else { panic!("caps") };
    assert_eq!((caps.rate, caps.size), (RATE, FRAME));
}

#[test]
fn mistakes_are_named() {
    let refused = |config: &str| NodeTest::new(&CHROMA_COMPOSITOR, config).run().err().expect("refused").to_string();
    assert!(refused("{ place: { height: 0% } }").contains("place.height"));
    assert!(refused("{ place: { margin: 9999 } }").contains("place.margin"));
    assert!(refused("{ key: { similarity: 2 } }").contains("similarity"));
    assert!(refused("{ key: green }").contains("auto"));
    let error = NodeTest::new(&CHROMA_COMPOSITOR, "{}").input(SLIDE, vec![at(0, cut_out(PRESENTER))], Time::ZERO).run().err().unwrap();
    assert!(error.to_string().contains("have alpha"), "{error}");
}

#[test]
fn captions_and_bullets_that_change_in_places_are_where_they_would_be_if_all_were_drawn_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lesson.yaml");
    let bullets = "{ role: bullet, text: One }, { role: bullet, text: Two, from: 200ms }, { role: lower_third, text: Ada, from: 100ms, until: 700ms }";
    std::fs::write(&path, format!("version: 1\nslides:\n- {{ id: s, color: \"#5a78c8\", silence: 1s, overlays: [{bullets}] }}\n")).unwrap();
    let word = |tick: i64, text: &str| {
        let cue = WordCue { text: text.into(), range: None, stressed: false, emphasis: false, estimated: false };
        Packet::lasting(RATE.time_of(tick), RATE.span_of(2), Cue::Word(Arc::new(cue)))
    };
    let caption = |tick: i64, text: &str| Packet::lasting(RATE.time_of(tick), RATE.span_of(13), Cue::Caption(text.into()));
    let said = vec![
        caption(1, "It is one\nor all"),
        word(1, "It"),
        word(3, "is"),
        word(5, "one"),
        word(9, "or"),
        word(11, "all"),
        caption(15, "It is one\nor all"),
        word(17, "is"),
        word(19, "or"),
    ];
    let defaults = Defaults { size: FRAME, fps: RATE, sample_rate: Rate::per_second(48_000) };
    let layers = |node: &'static NodeType, config: &str, cues: Vec<Packet<Cue>>| {
        let out = NodeTest::new(node, config).defaults(defaults).input(CUES, cues, RATE.time_of(30)).run();
        out.unwrap_or_else(|failure| panic!("{config}: {failure}")).packets(Out::<VideoFrame>::new("layer"))
    };
    let config = format!("{{ lesson: \"{}\", place: {{ height: 40%, margin: 24 }} }}", path.display());
    let over = layers(&crate::compositor::overlay::OVERLAY, &config, vec![cue(0, Placement::default())]);
    let text = layers(&crate::compositor::captions::CAPTIONS, "{ look: outline, highlight: \"#ffd84d\", size: 9% }", said);
    let partly = |layer: &Packet<VideoFrame>| layer.media.damage.is_some_and(|(_, changed)| changed != layer.media.size().rect());
    assert!(over.iter().filter(|layer| partly(layer)).count() > 10 && text.iter().filter(|layer| partly(layer)).count() >= 5);
    let avatar: Vec<VideoFrame> = (0..30).map(|tick| screened(Size::new(96 + (tick % 4) * 12, 72))).collect();
    let moves = avatar.iter().zip(0..).map(|(frame, tick)| at(tick, frame.clone())).collect();
    let slides = vec![at(0, slide([90, 120, 200]))];
    let streams = Streams { slides: slides.clone(), avatar: moves, cues: vec![], layers: vec![over.clone(), text.clone()] };
    let together = run(CONFIG, streams).packets(VIDEO);
    assert_eq!(together.len(), 30);
    for (tick, frame) in (0..30).zip(together) {
        let time = RATE.time_of(tick);
        let now = |layers: &[Packet<VideoFrame>]| layers.iter().rfind(|layer| layer.pts <= time).map(|layer| at(0, layer.media.clone()));
        let layers = [&over, &text].map(|layers| Vec::from_iter(now(layers))).to_vec();
        let streams = Streams { slides: slides.clone(), avatar: vec![at(0, avatar[tick as usize].clone())], cues: vec![], layers };
        let alone = run(CONFIG, streams).packets(VIDEO);
        assert!(alone[0].media.picture.bytes() == frame.media.picture.bytes(), "tick {tick}");
    }
}
