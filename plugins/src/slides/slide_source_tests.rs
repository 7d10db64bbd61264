use super::*;
use crate::gst::film::tests::{brighter, make, number_of};
use crate::lesson::import;
use engine::cue::{Easing, Motion, Side, Transition, WordCue};
use engine::frame::Size;
use engine::testing::{NodeTest, Outputs};
use engine::time::Rate;

const RATE: Rate = Rate::per_second(30);

fn cue(tick: i64, index: usize, id: &str, transition: Transition) -> Packet<Cue> {
    let slide = SlideCue { id: id.into(), index, number: index + 1, transition, ..SlideCue::default() };
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
fn a_push_shows_both_pictures_beside_each_other_and_then_the_slides_own() {
    let dir = lesson();
    let ids = ids(&dir);
    let motion = Motion { from: Side::Right, duration: RATE.span_of(8), easing: Easing::Linear };
    for (transition, left) in [(Transition::Push(motion), 16), (Transition::Slide(motion), 16)] {
        let frames = run(&dir, vec![cue(0, 0, &ids[0], Transition::Cut), cue(10, 1, &ids[1], transition)], 40).unwrap().packets(VIDEO);
        let ends = frames.iter().map(|frame| {
            let row = &frame.media.picture.plane(0).data[..320];
            (RATE.index_at(frame.pts), row[0], row[319], row.iter().filter(|level| **level == 235).count())
        });
        let ends: Vec<_> = ends.collect();
        let expected: Vec<_> = (0..8).map(|tick| (10 + tick, left, if tick > 0 { 235 } else { 16 }, 40 * tick as usize)).collect();
        assert_eq!(ends[1..9], expected, "{transition:?}");
        assert_eq!((ends[0], ends[9]), ((0, 16, 16, 0), (18, 235, 235, 320)));
    }
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

/// A lesson of one canvas 64x36: a black block enters from transparent on the word "save", one at the bottom comes at 1 s at once.
fn canvas_lesson() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = "version: 1\nslides:\n- id: c\n  narration: Notes save time.\n  canvas:\n    width: 64\n    height: 36\n    objects:\n\
        \x20   - { id: a, x: 0, y: 0, width: 64, height: 10, content: { shape: { outline: { rectangle: {} }, fill: { color: \"#000000\" } } },\n\
        \x20       enter: { trigger: { word: { text: save } }, effect: fade, duration: 200ms, easing: linear } }\n\
        \x20   - { id: b, x: 0, y: 26, width: 64, height: 10, content: { shape: { outline: { rectangle: {} }, fill: { color: \"#000000\" } } },\n\
        \x20       enter: { trigger: { time: 1s }, effect: appear } }\n";
    std::fs::write(dir.path().join("lesson.yaml"), text).unwrap();
    dir
}

/// The slide of `canvas_lesson`, as far as it is, at a tick.
fn canvas_cue(tick: i64, elapsed: i64, paused: bool) -> Packet<Cue> {
    let mut packet = cue(tick, 0, "c", Transition::Cut);
    let Cue::Slide(slide) = &mut packet.media else { unreachable!() };
    let slide = Arc::get_mut(slide).unwrap();
    (slide.elapsed, slide.paused) = (RATE.span_of(elapsed), paused);
    packet
}

fn spoken(tick: i64, range: std::ops::Range<usize>) -> Packet<Cue> {
    let word = WordCue { text: "word".into(), range: Some(range), stressed: false, emphasis: false, estimated: false };
    Packet::new(RATE.time_of(tick), Cue::Word(Arc::new(word)))
}

/// Tick, level at the top, level at the bottom.
fn ends(frames: &[Packet<VideoFrame>]) -> Vec<(i64, u8, u8)> {
    let level = |frame: &Packet<VideoFrame>, row: usize| frame.media.picture.plane(0).data[row * 320 + 5];
    frames.iter().map(|frame| (RATE.index_at(frame.pts), level(frame, 10), level(frame, 170))).collect()
}

#[test]
fn an_object_comes_with_its_word_and_another_one_at_its_time() {
    let dir = canvas_lesson();
    let cues = || vec![canvas_cue(0, 0, false), spoken(3, 0..5), spoken(10, 6..10), spoken(14, 11..15)];
    let out = run(&dir, cues(), 60).unwrap();
    assert!(out.warnings.is_empty(), "{:?}", out.warnings);
    let frames = out.packets(VIDEO);
    let levels = ends(&frames);
    let ticks: Vec<i64> = levels.iter().map(|(tick, ..)| *tick).collect();
    assert_eq!(ticks, [0, 11, 12, 13, 14, 15, 16, 30], "one picture a tick while something moves, and none else");
    assert_eq!((levels[0], levels[6], levels[7]), ((0, 235, 235), (16, 16, 235), (30, 16, 16)));
    assert!(levels.windows(2).all(|pair| pair[1].1 <= pair[0].1), "{levels:?}");
    assert!((120..132).contains(&levels[3].1), "half-way: {levels:?}");
    let again = run(&dir, cues(), 60).unwrap().packets(VIDEO);
    assert!(frames.iter().zip(&again).all(|(a, b)| a.media.picture.bytes() == b.media.picture.bytes()), "the same again");
}

#[test]
fn what_was_heard_holds_when_a_slide_goes_on_and_nothing_moves_while_it_stands() {
    let dir = canvas_lesson();
    let cues = vec![
        canvas_cue(0, 0, false),
        spoken(5, 6..10),
        // It stands for longer than what is left to the second object.
        canvas_cue(15, 15, true),
        canvas_cue(60, 15, false),
        // Begun again, from before the word.
        canvas_cue(90, 3, false),
        spoken(92, 6..10),
    ];
    let frames = run(&dir, cues, 130).unwrap().packets(VIDEO);
    let levels = ends(&frames);
    let at = |tick: i64| levels.iter().rev().find(|(shown, ..)| *shown <= tick).map(|(_, top, bottom)| (*top, *bottom)).unwrap();
    assert_eq!((at(14), at(15), at(59)), ((16, 235), (16, 235), (16, 235)));
    assert_eq!((at(74), at(75)), ((16, 235), (16, 16)), "30 ticks of its own time");
    assert_eq!((at(90), at(91)), ((235, 235), (235, 235)), "it has not been heard yet");
    assert_eq!(at(99), (16, 235));
    assert_eq!(at(117), (16, 16));
}

#[test]
fn what_is_said_aside_sets_nothing_off() {
    let dir = canvas_lesson();
    let Cue::Word(word) = spoken(5, 6..10).media else { unreachable!() };
    let aside = Packet::new(RATE.time_of(5), Cue::Word(Arc::new(WordCue { range: None, ..WordCue::clone(&word) })));
    let frames = run(&dir, vec![canvas_cue(0, 0, false), aside], 25).unwrap().packets(VIDEO);
    assert_eq!(ends(&frames), [(0, 235, 235)]);
}

#[test]
fn numbered_pictures_show_each_at_its_time_and_the_last_one_stands() {
    let dir = tempfile::tempdir().unwrap();
    let frames = dir.path().join("frames");
    std::fs::create_dir(&frames).unwrap();
    for (index, level) in [0u8, 255, 0, 255].into_iter().enumerate() {
        image::RgbImage::from_pixel(32, 18, image::Rgb([level; 3])).save(frames.join(format!("frame_{index:05}.png"))).unwrap();
    }
    std::fs::write(dir.path().join("lesson.yaml"), "version: 1\nslides:\n- id: f\n  frames: { folder: frames, fps: 10 }\n").unwrap();
    let shown = run(&dir, vec![cue(0, 0, "f", Transition::Cut)], 30).unwrap().packets(VIDEO);
    assert_eq!(luma(&shown), [(0, 16), (3, 235), (6, 16), (9, 235)]);
}

/// A black picture, a second of film (30 pictures, each brighter; a tone), a red picture.
fn with_a_film() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, color) in [("a.png", [0, 0, 0]), ("c.png", [255, 0, 0])] {
        image::RgbImage::from_pixel(64, 36, image::Rgb(color)).save(dir.path().join(name)).unwrap();
    }
    let tone = "-f lavfi -i sine=f=1000:r=48000:d=1";
    make(dir.path(), "b.mov", &format!("{} {tone} -c:v libx264 -qp 0 -bf 2 -c:a pcm_s16le", brighter("30", 30)));
    dir
}

/// The cue of the film, this long after its beginning.
fn film_cue(tick: i64, elapsed: i64, paused: bool, transition: Transition) -> Packet<Cue> {
    let mut cue = cue(tick, 1, "b.mov", transition);
    let Cue::Slide(slide) = &mut cue.media else { unreachable!() };
    let slide = Arc::get_mut(slide).unwrap();
    (slide.elapsed, slide.paused) = (RATE.span_of(elapsed), paused);
    cue
}

/// At which tick which picture of the film begins to show.
fn film_pictures(out: &Outputs, ticks: std::ops::Range<i64>) -> Vec<(i64, i64)> {
    let frames = out.packets(VIDEO).into_iter().filter(|frame| ticks.contains(&RATE.index_at(frame.pts)));
    frames.map(|frame| (RATE.index_at(frame.pts), number_of(&frame.media))).collect()
}

#[test]
fn a_film_shows_a_picture_a_tick_with_its_sound_and_its_last_one_stands() {
    let dir = with_a_film();
    let run = || {
        run(
            &dir,
            vec![cue(0, 0, "a.png", Transition::Cut), film_cue(10, 0, false, Transition::Cut), cue(60, 2, "c.png", Transition::Cut)],
            70,
        )
        .unwrap()
    };
    let out = run();
    assert!(out.warnings.is_empty(), "{:?}", out.warnings);
    assert_eq!(film_pictures(&out, 10..60), (0..30).map(|n| (10 + n, n)).collect::<Vec<_>>());
    let sound = out.packets(AUDIO);
    assert_eq!(sound.len(), 30);
    assert!(sound.iter().enumerate().all(|(n, block)| block.pts == RATE.time_of(10 + n as i64) && block.media.frames() == 1600));
    let peak = sound[10].media.samples().iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.1..0.15).contains(&peak), "{peak}");
    assert_eq!((out.end(VIDEO), out.end(AUDIO)), (Some(RATE.time_of(70)), Some(RATE.time_of(70))));
    // The same again, bit by bit.
    let again = run();
    assert!(again.packets(VIDEO).iter().zip(out.packets(VIDEO)).all(|(a, b)| a.media.picture.bytes() == b.media.picture.bytes()));
    assert!(again.packets(AUDIO).iter().zip(sound).all(|(a, b)| a.media.samples() == b.media.samples()));
}

#[test]
fn a_film_fades_in_while_it_plays_and_the_next_slide_fades_in_over_its_last_picture() {
    let dir = with_a_film();
    let fade = Transition::Fade(RATE.span_of(8));
    let out = run(&dir, vec![cue(0, 0, "a.png", Transition::Cut), film_cue(10, 0, false, fade), cue(50, 2, "c.png", fade)], 70).unwrap();
    let levels = luma(&out.packets(VIDEO));
    let at = |tick: i64| levels.iter().rev().find(|(at, _)| *at <= tick).map_or(0, |(_, level)| *level);
    // Half of black (16) and half of the fifth picture (48); then the film's own.
    assert!(at(10) == 16 && at(14).abs_diff(32) <= 2 && at(18).abs_diff(56) <= 1, "{levels:?}");
    assert!(at(50).abs_diff(98) <= 1 && at(54).abs_diff((98 + 63) / 2) <= 2 && at(58) == 63, "{levels:?}");
    let sound = out.packets(AUDIO);
    let peak = |n: usize| sound[n].media.samples().iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    assert!(peak(0) < 0.2 * peak(15) && (peak(4) / peak(15) - 0.6).abs() < 0.1, "its sound fades in, too");
}

#[test]
fn a_film_stands_with_its_slide_and_goes_on_where_it_was() {
    let dir = with_a_film();
    let cues = vec![
        film_cue(0, 0, true, Transition::Cut),
        film_cue(5, 0, false, Transition::Cut),
        film_cue(15, 10, true, Transition::Cut),
        film_cue(40, 10, false, Transition::Cut),
    ];
    let out = run(&dir, cues, 70).unwrap();
    let shown: Vec<i64> = film_pictures(&out, 0..70).into_iter().map(|(_, number)| number).collect();
    let at = |tick: i64| film_pictures(&out, 0..tick + 1).last().map(|(_, number)| *number);
    assert_eq!([0, 4, 5, 14, 15, 39, 40, 59, 69].map(at), [0, 0, 0, 9, 10, 10, 10, 29, 29].map(Some), "{shown:?}");
    let ticks: Vec<i64> = out.packets(AUDIO).iter().map(|block| RATE.index_at(block.pts)).collect();
    assert_eq!(ticks, (5..15).chain(40..60).collect::<Vec<_>>());
}

#[test]
fn a_film_that_breaks_off_is_named_and_the_lecture_goes_on_and_a_damaged_one_is_refused() {
    let dir = with_a_film();
    std::fs::remove_file(dir.path().join("b.mov")).unwrap();
    let film = make(dir.path(), "b.mkv", "-f lavfi -i testsrc2=s=320x180:r=30:d=3 -c:v libx264");
    let whole = std::fs::read(&film).unwrap();
    std::fs::write(&film, &whole[..whole.len() / 2]).unwrap();
    let cut = Transition::Cut;
    let cues = || vec![cue(0, 0, "a.png", cut), cue(10, 1, "b.mkv", cut), cue(110, 2, "c.png", cut)];
    let out = run(&dir, cues(), 120).unwrap();
    assert_eq!((out.warnings.len(), out.warnings[0].slide), (1, Some(2)), "{:?}", out.warnings);
    assert!(out.warnings[0].text.contains("b.mkv breaks off"), "{}", out.warnings[0].text);
    assert_eq!(luma(&out.packets(VIDEO)).last(), Some(&(110, 63)));
    std::fs::write(&film, &whole[..200]).unwrap();
    let refused = run(&dir, cues(), 120).err().unwrap().to_string();
    assert!(refused.contains("b.mkv cannot be shown as a clip"), "{refused}");
}
