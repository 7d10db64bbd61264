use super::*;
use crate::lesson::import;
use engine::cue::Placement;
use engine::testing::{NodeTest, Outputs};
use engine::time::Rate;

const RATE: Rate = Rate::per_second(30);

fn cue(tick: i64, index: usize, id: &str, transition: Transition) -> Packet<Cue> {
    let (elapsed, placement) = (Span::ZERO, Placement::default());
    let slide =
        SlideCue { id: id.into(), index, number: index + 1, title: "".into(), seed: 0, elapsed, paused: false, placement, transition };
    Packet::new(RATE.time_of(tick), Cue::Slide(Arc::new(slide)))
}

fn word(tick: i64) -> Packet<Cue> {
    Packet::new(RATE.time_of(tick), Cue::Rest)
}

/// A lesson of pictures: black, white, one that is damaged after import, red.
fn lesson() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, color) in [("a.png", [0, 0, 0]), ("b.png", [255, 255, 255]), ("c.png", [9, 9, 9]), ("d.png", [255, 0, 0])] {
        image::RgbImage::from_pixel(64, 36, image::Rgb(color)).save(dir.path().join(name)).unwrap();
    }
    dir
}

/// The ids that an importer gave.
fn ids(dir: &tempfile::TempDir) -> Vec<String> {
    import(dir.path(), &ImportOptions::default()).unwrap().slides.into_iter().map(|slide| slide.id).collect()
}

fn run(dir: &tempfile::TempDir, cues: Vec<Packet<Cue>>, end: i64) -> Result<Outputs> {
    let config = format!("{{ lesson: {} }}", dir.path().display());
    NodeTest::new(&SLIDE_SOURCE, &config).input(CUES, cues, RATE.time_of(end)).run()
}

fn luma(frames: &[Packet<VideoFrame>]) -> Vec<(i64, u8)> {
    frames.iter().map(|frame| (RATE.index_at(frame.pts), frame.media.picture.plane(0).data[5])).collect()
}

#[test]
fn a_cut_is_one_picture_a_slide_whatever_is_said_meanwhile() {
    let dir = lesson();
    let ids = ids(&dir);
    let cues = vec![
        cue(0, 0, &ids[0], Transition::Cut),
        word(3),
        cue(10, 1, &ids[1], Transition::Cut),
        word(12),
        cue(20, 0, &ids[0], Transition::Cut),
    ];
    let out = run(&dir, cues, 30).unwrap();
    let frames = out.packets(VIDEO);
    assert_eq!(luma(&frames), [(0, 16), (10, 235), (20, 16)]);
    assert!(frames.iter().all(|frame| frame.dur.is_none() && frame.media.size() == Size::new(320, 180)));
    assert_eq!(out.end(VIDEO), Some(RATE.time_of(30)));
    assert!(out.warnings.is_empty());
}

#[test]
fn a_fade_is_one_mean_a_tick_and_then_the_slides_own_picture() {
    let dir = lesson();
    let ids = ids(&dir);
    let fade = Transition::Fade(RATE.span_of(8));
    let run = || run(&dir, vec![cue(0, 0, &ids[0], Transition::Cut), cue(10, 1, &ids[1], fade)], 40).unwrap().packets(VIDEO);
    let frames = run();
    let levels = luma(&frames);
    assert_eq!(levels.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), [0, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    assert_eq!((levels[1].1, levels[5].1, levels[9].1), (16, 126, 235), "start, middle (125.5 rounded), end");
    assert!(levels.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    assert!(run().iter().zip(&frames).all(|(a, b)| a.media.picture.bytes() == b.media.picture.bytes()), "the same again");
}

#[test]
fn a_jump_into_a_slide_goes_on_with_its_fade() {
    let dir = lesson();
    let ids = ids(&dir);
    let mut late = cue(10, 1, &ids[1], Transition::Fade(RATE.span_of(8)));
    let Cue::Slide(slide) = &mut late.media else { unreachable!() };
    Arc::get_mut(slide).unwrap().elapsed = RATE.span_of(4);
    let frames = run(&dir, vec![cue(0, 0, &ids[0], Transition::Cut), late], 40).unwrap().packets(VIDEO);
    let levels = luma(&frames);
    assert_eq!((levels[1], levels[levels.len() - 1]), ((10, 126), (14, 235)));
}

#[test]
fn a_first_slide_has_nothing_to_fade_from() {
    let dir = lesson();
    let ids = ids(&dir);
    let frames = run(&dir, vec![cue(0, 1, &ids[1], Transition::Fade(RATE.span_of(8)))], 20).unwrap().packets(VIDEO);
    assert_eq!(luma(&frames), [(0, 235)]);
}

#[test]
fn a_slide_that_cannot_be_drawn_is_plain_and_named_and_the_lecture_goes_on() {
    let dir = lesson();
    let ids = ids(&dir);
    // Its header is whole, so that only drawing finds out.
    let picture = dir.path().join("c.png");
    let bytes = std::fs::read(&picture).unwrap();
    std::fs::write(&picture, &bytes[..bytes.len() - 30]).unwrap();
    let order = [0, 1, 2, 3, 0, 2];
    let cues = order.iter().enumerate().map(|(i, &index)| cue(5 * i as i64, index, &ids[index], Transition::Cut)).collect();
    let out = run(&dir, cues, 40).unwrap();
    let frames = out.packets(VIDEO);
    assert_eq!(luma(&frames), [(0, 16), (5, 235), (10, 215), (15, 63), (20, 16), (25, 215)], "jumps back and forth, too");
    assert_eq!(out.warnings.len(), 1, "said once");
    assert_eq!(out.warnings[0].slide, Some(3));
    assert!(out.warnings[0].text.contains("c.png"), "{}", out.warnings[0].text);
}

#[test]
fn a_cue_of_another_lesson_is_refused_and_a_moved_slide_is_found() {
    let dir = lesson();
    let ids = ids(&dir);
    let error = run(&dir, vec![cue(0, 0, "elsewhere", Transition::Cut)], 10).err().unwrap().to_string();
    assert!(error.contains("no slide \"elsewhere\""), "{error}");
    let frames = run(&dir, vec![cue(0, 3, &ids[1], Transition::Cut)], 10).unwrap().packets(VIDEO);
    assert_eq!(luma(&frames), [(0, 235)]);
}
