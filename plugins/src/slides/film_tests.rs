use super::*;
use crate::gst::film::tests::{brighter, make, number_of};
use crate::lesson::{ImportOptions, Visual, import};
use std::path::Path;

const SAMPLES: Rate = Rate::per_second(48_000);
const ALL: Wanted = Wanted { pictures: true, sound: true };

fn defaults(fps: u32) -> Defaults {
    Defaults { size: Size::new(128, 72), fps: Rate::per_second(fps), sample_rate: SAMPLES }
}

fn clip(path: &Path) -> Clip {
    let lesson = import(path, &ImportOptions::default()).unwrap();
    let Visual::Clip(clip) = lesson.slides[0].visual.clone() else { panic!("a film") };
    clip
}

fn play(clip: &Clip, elapsed: Span, defaults: Defaults) -> Vec<Step> {
    let showing = Showing { elapsed, fade_in: Span::ZERO, wanted: ALL };
    let mut film = Film::open(clip, showing, defaults, &Cancel::default()).unwrap();
    std::iter::from_fn(|| film.step().unwrap()).collect()
}

/// The number of the picture that shows at each tick.
fn shown(steps: &[Step]) -> Vec<i64> {
    let mut last = -1;
    let number = |step: &Step| {
        last = step.picture.as_ref().map_or(last, number_of);
        last
    };
    steps.iter().map(number).collect()
}

fn heard(steps: &[Step]) -> Vec<f32> {
    steps.iter().flat_map(|step| step.sound.clone().unwrap_or_default()).collect()
}

#[test]
fn every_tick_shows_the_picture_that_covers_it_at_any_rate() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rate, coding) in
        [("a.mp4", "25", "-bf 3 -qp 0"), ("b.mp4", "60", "-qp 0"), ("c.mkv", "30", "-qp 0"), ("d.mp4", "24000/1001", "-qp 0")]
    {
        let film = make(dir.path(), name, &format!("{} -c:v libx264 {coding}", brighter(rate, 60)));
        let fps: f64 = if rate == "24000/1001" { 24_000.0 / 1001.0 } else { rate.parse().unwrap() };
        for ticks in [30, 25] {
            let steps = play(&clip(&film), Span::ZERO, defaults(ticks));
            let numbers = shown(&steps);
            let expected: Vec<i64> =
                (0..steps.len()).map(|k| ((k as f64 / f64::from(ticks) + 0.001) * fps).floor().min(59.0) as i64).collect();
            assert_eq!(numbers, expected, "{name} at {ticks}");
            assert_eq!(steps.len(), (60.0 / fps * f64::from(ticks)).ceil() as usize, "{name} at {ticks}");
            assert!(steps.iter().all(|step| step.fault.is_none() && step.sound.is_none()));
        }
    }
}

#[test]
fn pictures_that_come_at_no_fixed_rate_show_when_they_are_due() {
    let dir = tempfile::tempdir().unwrap();
    // Ten at 25 a second, then ten at 5 a second.
    let pace = "-vf setpts='round(if(lt(N,10),N/25,0.4+(N-10)/5)/TB)' -fps_mode passthrough -enc_time_base 1:1000";
    let film = make(dir.path(), "v.mkv", &format!("{} {pace} -c:v libx264 -qp 0", brighter("25", 20)));
    let numbers = shown(&play(&clip(&film), Span::ZERO, defaults(25)));
    let expected: Vec<i64> = (0..10).chain((0..10).flat_map(|n| std::iter::repeat_n(10 + n, 5))).collect();
    assert_eq!(numbers[..55], expected[..55]);
}

#[test]
fn sound_of_any_rate_comes_at_its_time() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rate, coding) in [
        ("a.mp4", 44_100, "-c:a aac -ac 2 -b:a 192k"),
        ("b.mov", 48_000, "-c:a pcm_s16le"),
        ("c.mkv", 22_050, "-c:a flac -ac 2"),
        ("d.mp4", 48_000, "-c:a aac"),
        ("e.webm", 48_000, "-c:a libopus -b:a 128k"),
        ("f.avi", 8_000, "-c:a pcm_s16le"),
    ] {
        // A click at one second in silence.
        let click = format!("-f lavfi -i aevalsrc=exprs='if(between(t,1,1.01),0.8*sin(2*PI*1000*t),0)':s={rate}:d=2");
        let video = if name.ends_with("webm") { "libvpx" } else { "mpeg4" };
        let film = make(dir.path(), name, &format!("{} {click} -c:v {video} {coding}", brighter("25", 50)));
        let clip = clip(&film);
        let steps = play(&clip, Span::ZERO, defaults(30));
        assert!(
            steps.iter().all(|step| step.fault.is_none() && step.sound.as_ref().is_some_and(|samples| samples.len() == 1600)),
            "{name}"
        );
        let samples = heard(&steps);
        let begin = samples.iter().position(|sample| sample.abs() > 0.2).unwrap_or_else(|| panic!("{name}: no click"));
        let off = (begin as f64 - 48_000.0) / 48.0;
        let slack = if name == "e.webm" { 8.0 } else { 1.5 };
        assert!(off.abs() < slack, "{name}: the click is {off} ms off");
        let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.5..1.0).contains(&peak), "{name}: {peak}");
        // The same again, and from the middle.
        assert!(heard(&play(&clip, Span::ZERO, defaults(30))) == samples, "{name}");
        let later = heard(&play(&clip, Span::from_millis(500), defaults(30)));
        let worst = later.iter().zip(&samples[24_000..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let place = |samples: &[f32]| samples.iter().position(|sample| sample.abs() > 0.2);
        assert!(later.len() == samples.len() - 24_000 && worst < 1e-4, "{name}: {worst} {:?} {:?}", place(&later), place(&samples));
    }
}

#[test]
fn a_jump_far_into_a_film_shows_and_sounds_what_playing_it_would() {
    let dir = tempfile::tempdir().unwrap();
    let sources =
        "-f lavfi -i testsrc2=s=64x36:r=25:d=9 -f lavfi -i aevalsrc=exprs='0.2*sin(2*PI*t*(300+40*t))+0.1*sin(2*PI*1200*t)':s=44100:d=9";
    let film = make(dir.path(), "long.mp4", &format!("{sources} -c:v libx264 -bf 2 -g 75 -c:a aac -ac 2"));
    let clip = clip(&film);
    let (all, later) = (play(&clip, Span::ZERO, defaults(25)), play(&clip, Span::from_millis(5_000), defaults(25)));
    assert_eq!(later.len(), all.len() - 125);
    let mut before: Option<&VideoFrame> = None;
    for (n, step) in all.iter().enumerate() {
        before = step.picture.as_ref().or(before);
        if n >= 125
            && let Some(picture) = &later[n - 125].picture
        {
            assert!(before.is_some_and(|before| before.picture.bytes() == picture.picture.bytes()), "tick {n}");
        }
    }
    let (all, later) = (heard(&all), heard(&later));
    let worst = all[240_000..].iter().zip(&later).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn a_part_begins_and_ends_where_it_says_and_its_sound_is_faded() {
    let dir = tempfile::tempdir().unwrap();
    let tone = "-f lavfi -i sine=f=1000:r=48000:d=4";
    let film = make(dir.path(), "a.mp4", &format!("{} {tone} -c:v libx264 -qp 0 -c:a aac", brighter("25", 100)));
    let part = Clip { from: Span::SECOND, length: Span::from_seconds(2), fade_out: Span::from_millis(500), ..clip(&film) };
    let showing = Showing { elapsed: Span::ZERO, fade_in: Span::SECOND, wanted: ALL };
    let mut film = Film::open(&part, showing, defaults(25), &Cancel::default()).unwrap();
    let steps: Vec<Step> = std::iter::from_fn(|| film.step().unwrap()).collect();
    assert_eq!(shown(&steps), (25..75).collect::<Vec<_>>());
    let samples = heard(&steps);
    assert_eq!(samples.len(), 96_000);
    let level = |from: usize| samples[from..from + 480].iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let full = level(60_000);
    assert!(level(0) < 0.02 * full && (level(24_000) / full - 0.5).abs() < 0.05, "faded in");
    assert!((level(84_000 - 240) / full - 0.5).abs() < 0.05 && level(95_500) < 0.03 * full, "faded out");
    // Past its end the last picture stands, in silence.
    let over = play(&part, Span::from_seconds(3), defaults(25));
    assert_eq!((shown(&over), heard(&over).iter().all(|sample| *sample == 0.0)), (vec![74], true));
}

#[test]
fn narrow_films_get_bars_and_oblong_pixels_become_square() {
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "a.mp4", "-f lavfi -i color=c=white:s=96x96:r=10:d=0.5 -c:v libx264 -aspect 4:3");
    let steps = play(&clip(&film), Span::ZERO, defaults(25));
    let frame = steps[0].picture.as_ref().unwrap();
    let row: Vec<u8> = frame.picture.plane(0).data[36 * frame.picture.plane(0).stride..][..128].to_vec();
    // 4:3 in 16:9: 96 of 128 columns.
    assert!(row[..14].iter().chain(&row[114..]).all(|level| *level <= 20) && row[20..108].iter().all(|level| *level > 225), "{row:?}");
}

#[test]
fn a_film_that_breaks_off_says_so_once_and_its_last_picture_stays() {
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "cut.mkv", "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v libx264");
    let bytes = std::fs::read(&film).unwrap();
    std::fs::write(&film, &bytes[..bytes.len() / 2]).unwrap();
    let steps = play(&clip(&film), Span::ZERO, defaults(25));
    assert_eq!(steps.len(), 100, "as long as it says it is");
    let faults: Vec<&str> = steps.iter().filter_map(|step| step.fault.as_deref()).collect();
    assert!(faults.len() == 1 && faults[0].contains("cut.mkv breaks off; it should go on for"), "{faults:?}");
    assert!(steps[0].picture.is_some() && steps[99].picture.is_none());
}

#[test]
fn a_film_that_nobody_watches_ends_its_thread() {
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "a.mp4", "-f lavfi -i testsrc2=s=64x36:r=25:d=60 -c:v libx264");
    let showing = Showing { elapsed: Span::ZERO, fade_in: Span::ZERO, wanted: ALL };
    let film = Film::open(&clip(&film), showing, defaults(25), &Cancel::default()).unwrap();
    let stop = Arc::downgrade(&film.stop);
    drop(film);
    while stop.strong_count() > 0 {
        std::thread::yield_now();
    }
}
