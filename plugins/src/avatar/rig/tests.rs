//! The whole rig: loading, performing and painting the built-in presenters.

use std::sync::Arc;

use engine::cue::Viseme;
use engine::time::Span;
use vello_cpu::Pixmap;

use super::speech_sample::lecture;
use super::*;

fn rig(name: &str) -> Arc<Rig> {
    Arc::new(builtin(name).expect("the built-in presenters are valid"))
}

fn frame(index: i64) -> Span {
    Span::from_seconds(index) / 30
}

/// Mean absolute difference over all bytes.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

mod loading {
    use super::*;

    /// The error of maya with `edit` applied to (rig.svg, poses.json, rig.toml).
    fn broken(edit: impl Fn(&mut [String; 3])) -> String {
        let (_, svg, poses, numbers) = BUILTIN[0];
        let mut files = [svg, poses, numbers].map(str::to_owned);
        edit(&mut files);
        match Rig::parse([("rig.svg", &files[0]), ("poses.json", &files[1]), ("rig.toml", &files[2])]) {
            Ok(_) => panic!("a broken rig was loaded"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn built_in_presenters_load_and_others_load_from_a_folder() {
        assert_eq!(names().collect::<Vec<_>>(), ["maya", "henrik", "ruth", "samuel", "amina"]);
        let folder = tempfile::tempdir().unwrap();
        for (name, svg, poses, numbers) in BUILTIN {
            for (file, text) in [("rig.svg", svg), ("poses.json", poses), ("rig.toml", numbers)] {
                std::fs::write(folder.path().join(file), text).unwrap();
            }
            assert_eq!(load(folder.path().to_str().unwrap()).unwrap().name(), load(name).unwrap().name());
        }
        assert_eq!(rig("maya").rest_box(), RestBox { x: 86.0, y: 86.0, width: 628.0, height: 814.0, cut_y: 900.0 });
        std::fs::remove_file(folder.path().join("poses.json")).unwrap();
        assert!(load(folder.path().to_str().unwrap()).unwrap_err().to_string().contains("poses.json"));
        let unknown = load("nobody").unwrap_err().to_string();
        assert!(unknown.contains("\"nobody\"") && unknown.contains("maya, henrik"), "{unknown}");
    }

    #[test]
    fn the_template_is_a_presenter() {
        let template = Arc::new(load(concat!(env!("CARGO_MANIFEST_DIR"), "/presenters/template")).unwrap());
        assert_eq!(template.name(), "Template");
        for kind in Sheet::ALL {
            assert!(sheet(kind, std::slice::from_ref(&template)).width() > 1000);
        }
    }

    #[test]
    fn errors_name_the_file_and_the_path() {
        let cases: [(&str, usize, &str, &str, &[&str]); 9] = [
            ("a missing pose", 1, "\"PP\": [", "\"Pq\": [", &["poses.json", "channel \"mouth\"", "\"PP\" is missing"]),
            ("a wrong topology", 1, "\"topology\": \"MCC", "\"topology\": \"MC", &["poses.json", "coordinates where the topology needs"]),
            (
                "a foreign command",
                1,
                "\"topology\": \"MC",
                "\"topology\": \"MQ",
                &["poses.json", "must begin with M and hold only M, C and Z"],
            ),
            ("a lost path", 0, "id=\"philtrum\"", "id=\"other\"", &["rig.svg", "\"philtrum\"", "missing"]),
            (
                "another shape",
                0,
                "<path id=\"mouth_inside\" fill=\"url(#mouth_in)\" d=\"M342.3 462.5",
                "<path id=\"mouth_inside\" fill=\"url(#mouth_in)\" d=\"M1 1",
                &["rig.svg", "\"mouth_inside\"", "is not the pose \"sil\""],
            ),
            ("a stroke", 0, "id=\"hair_back_mass\"", "id=\"hair_back_mass\" stroke=\"#fff\"", &["rig.svg", "hair_back_mass", "stroke"]),
            ("a layer not in the drawing", 2, "nose = {", "hat = { parent = \"head\" }\nnose = {", &["rig.svg", "\"hat\""]),
            ("a layer without numbers", 2, "nose = {", "snout = {", &["rig.toml", "\"nose\""]),
            ("a number out of range", 2, "tilt_deg = 3.5", "tilt_deg = 350", &["rig.toml", "head.tilt_deg", "350"]),
        ];
        for (what, file, from, to, expected) in cases {
            let error = broken(|files| {
                assert!(files[file].contains(from), "{what}: nothing to break");
                files[file] = files[file].replacen(from, to, 1);
            });
            for part in expected {
                assert!(error.contains(part), "{what}: {error}");
            }
        }
        assert!(broken(|files| files[0].truncate(5000)).contains("rig.svg"));
        assert!(broken(|files| files[1].truncate(5000)).contains("poses.json"));
        assert!(broken(|files| files[2].push_str(&" ".repeat(9 << 20))).contains("rig.toml is larger"));
    }
}

mod performing {
    use super::*;

    /// The parts of a pose as numbers of about equal weight.
    fn numbers(pose: &Pose) -> Vec<f64> {
        let Pose { mouth, blink, raised, concerned, yaw, pitch, tilt, gaze_x, gaze_y, breath } = *pose;
        mouth.into_iter().chain([blink, raised, concerned, yaw, pitch, tilt, gaze_x, gaze_y, breath]).collect()
    }

    fn performance(seed: u64) -> Performance {
        Performance::new(&rig("maya"), seed)
    }

    #[test]
    fn a_pose_needs_no_more_than_the_cues_around_it() {
        let (mut track, end) = lecture(20.0, 3.0);
        track.stresses.iter_mut().step_by(7).for_each(|stress| stress.emphasis = true);
        let performance = performance(3);
        for index in 0..(end.as_seconds() * 30.0) as i64 {
            let now = frame(index);
            let mut known = SpeechTrack::new();
            let until = now + LOOKAHEAD;
            track.visemes.iter().filter(|v| v.start <= until).for_each(|v| known.viseme(*v));
            track.stresses.iter().filter(|s| s.at <= until).for_each(|s| known.stress(*s));
            track.sentence_ends.iter().filter(|e| e.at <= until).for_each(|e| known.sentence_end(*e));
            track.rests.iter().filter(|r| r.from <= until).for_each(|r| known.rest(*r));
            known.forget(now - WINDOW);
            assert!(known.visemes.len() < 120);
            assert_eq!(performance.pose_at(now, &known), performance.pose_at(now, &track), "at {now}");
        }
    }

    #[test]
    fn slides_begin_and_end_in_the_pose_of_rest() {
        let (track, end) = lecture(5.0, 0.6);
        let rest_from = track.rests[0].from;
        for seed in 0..50 {
            let performance = performance(seed);
            let rest = performance.rest_pose();
            assert_eq!((rest.yaw, rest.pitch, rest.tilt, rest.breath, rest.blink), (-0.25, 0.0, 0.2, 0.0, 0.0));
            assert_eq!(performance.pose_at(Span::ZERO, &track), rest);
            assert_ne!(performance.pose_at(rest_from - Span::SECOND, &track), rest);
            let mut now = rest_from + SETTLE;
            while now <= end {
                assert_eq!(performance.pose_at(now, &track), rest);
                now += Span::from_millis(5);
            }
        }
    }

    #[test]
    fn a_long_rest_is_idled_through_and_ends_still() {
        let mut track = SpeechTrack::new();
        let until = Span::from_seconds(12);
        track.rest(Rest { from: Span::ZERO, until: Some(until) });
        let performance = performance(11);
        let poses: Vec<Pose> = (0..=360).map(|i| performance.pose_at(frame(i), &track)).collect();
        assert!(poses.iter().any(|p| p.blink > 0.9), "nobody rests for 12 s without a blink");
        assert!(poses.iter().any(|p| p.breath > 0.5));
        assert!(poses.iter().all(|p| p.mouth == Pose::NEUTRAL.mouth));
        assert!(poses[354..].iter().all(|p| *p == performance.rest_pose()));
        // Without a known end the idling goes on until speech sets in.
        let mut open = SpeechTrack::new();
        open.rest(Rest { from: Span::ZERO, until: None });
        assert_ne!(performance.pose_at(Span::from_seconds(12), &open), performance.rest_pose());
        let start = Span::from_seconds(12);
        open.viseme(TimedViseme { start, end: start + Span::from_millis(150), viseme: Viseme::Aa, strength: 1.0 });
        assert!(performance.pose_at(start + Span::from_millis(50), &open).mouth[Viseme::Aa as usize] > 0.05);
    }

    #[test]
    fn nothing_jumps() {
        let (mut track, end) = lecture(30.0, 6.0);
        track.stresses.iter_mut().step_by(7).for_each(|stress| stress.emphasis = true);
        for seed in 0..5 {
            let performance = performance(seed);
            let mut before = numbers(&performance.pose_at(Span::ZERO, &track));
            for millis in 1..=end.to_millis() {
                let after = numbers(&performance.pose_at(Span::from_millis(millis), &track));
                for (index, (a, b)) in before.iter().zip(&after).enumerate() {
                    // Lips close in 65 ms and eyes in 70; a smoothstep is one and a half times as steep in its middle.
                    assert!((a - b).abs() < 0.04, "seed {seed}, {millis} ms, number {index}: {a} to {b}");
                }
                assert!((after[..16].iter().sum::<f64>() - 1.0).abs() < 1e-9 && after[..16].iter().all(|w| *w >= 0.0));
                before = after;
            }
        }
    }

    #[test]
    fn lips_close_and_mouths_open_a_little_ahead_of_the_sound() {
        let (track, _) = lecture(20.0, 0.6);
        let performance = performance(1);
        let lead = Span::from_millis(50);
        for viseme in track.visemes.iter().filter(|v| v.start > Span::SECOND) {
            let middle = performance.pose_at(viseme.start + (viseme.end - viseme.start) / 2 - lead, &track);
            let weight = middle.mouth[viseme.viseme as usize];
            match viseme.viseme {
                Viseme::Pp | Viseme::Ff => assert!(weight > 0.9, "{viseme:?}: {weight}"),
                Viseme::Aa | Viseme::Oh => assert!(weight > 0.25, "{viseme:?}: {weight}"),
                _ => {}
            }
        }
    }

    #[test]
    fn blinks_come_every_three_to_five_seconds() {
        let (track, _) = lecture(120.0, 0.6);
        let mut doubles = 0;
        for seed in 0..3 {
            let performance = performance(seed);
            let shut: Vec<bool> = (0..6000).map(|i| performance.pose_at(Span::from_millis(20 * i), &track).blink > 0.5).collect();
            let starts: Vec<usize> = (50..6000).filter(|i| shut[*i] && !shut[i - 1]).collect();
            for gap in starts.windows(2).map(|w| (w[1] - w[0]) as f64 / 50.0) {
                doubles += usize::from(gap < 0.5);
                assert!(gap < 0.5 || (2.55..=5.1).contains(&gap), "{gap} s between blinks");
            }
        }
        assert!(doubles > 3, "{doubles} double blinks in six minutes");
    }

    #[test]
    fn the_body_goes_with_the_sentences() {
        let (track, _) = lecture(400.0, 0.6);
        let mut deaf = track.clone();
        deaf.sentence_ends.clear();
        let (mut ends, mut blinked) = (0, 0);
        for seed in 0..3 {
            let performance = performance(seed);
            for end in track.sentence_ends.iter().filter(|end| end.at > Span::SECOND) {
                let at = end.at + Span::from_millis(130);
                let (pose, without) = (performance.pose_at(at, &track), performance.pose_at(at, &deaf));
                if end.question {
                    assert!(pose.raised > 0.35 && (pose.tilt - without.tilt).abs() > 0.15, "asked with {pose:?}");
                } else {
                    assert!(pose.pitch - without.pitch > 0.05, "the head goes down from {} to {}", without.pitch, pose.pitch);
                }
                assert!((pose.gaze_x + pose.yaw / 3.0).abs() < 0.2, "the eyes are on the viewer: {pose:?}");
                ends += 1;
                let shut = |millis: i64| performance.pose_at(end.at + Span::from_millis(millis), &track).blink > 0.5;
                blinked += usize::from(shut(90) && !shut(-60));
            }
        }
        assert!(blinked * 12 > ends, "{blinked} blinks at {ends} ends of sentences");
    }

    #[test]
    fn seeds_differ_and_no_motion_repeats() {
        let (track, _) = lecture(60.0, 0.6);
        let (one, other) = (performance(1), performance(2));
        let yaw = |performance: &Performance, second: i64| -> Vec<f64> {
            (0..100).map(|i| performance.pose_at(Span::from_millis(1000 * second + 50 * i), &track).yaw).collect()
        };
        assert_eq!(yaw(&one, 10), yaw(&one, 10));
        assert_ne!(yaw(&one, 10), yaw(&other, 10));
        for later in 16..55 {
            assert_ne!(yaw(&one, 10), yaw(&one, later));
        }
    }

    #[test]
    fn names_of_visemes_are_those_of_the_poses() {
        for viseme in Viseme::ALL {
            assert_eq!(Viseme::from_name(viseme.as_str()), Some(viseme));
        }
        assert_eq!((Viseme::Kk.as_str(), Viseme::Ou.as_str(), Viseme::from_name("smile")), ("kk", "ou", None));
    }
}

mod painting {
    use super::*;

    /// Frame 1.09 s of the speech by which the presenters were reviewed.
    fn reviewed() -> Pose {
        let mut pose = Pose { raised: 0.7, yaw: 0.5462, pitch: 0.1514, tilt: 0.5644, gaze_x: -0.3476, breath: 0.5862, ..Pose::NEUTRAL };
        (pose.mouth[0], pose.mouth[8], pose.mouth[13]) = (0.1, 0.1944, 0.7056);
        pose
    }

    fn straight(picture: &Pixmap) -> Vec<u8> {
        let unmultiply = |c: u8, a: u8| if a == 0 { 0 } else { (u32::from(c) * 255 / u32::from(a)).min(255) as u8 };
        picture.data().iter().flat_map(|p| [unmultiply(p.r, p.a), unmultiply(p.g, p.a), unmultiply(p.b, p.a), p.a]).collect()
    }

    #[test]
    fn frames_are_those_of_another_renderer() {
        // The golden pictures are the same frame composed from the files as the format says and drawn by librsvg.
        let goldens: [(&str, &[u8]); 5] = [
            ("maya", include_bytes!("golden/maya.png")),
            ("henrik", include_bytes!("golden/henrik.png")),
            ("ruth", include_bytes!("golden/ruth.png")),
            ("samuel", include_bytes!("golden/samuel.png")),
            ("amina", include_bytes!("golden/amina.png")),
        ];
        for (name, golden) in goldens {
            let golden = image::load_from_memory(golden).unwrap().to_rgba8();
            let mut painter = Painter::new(rig(name), 300);
            painter.paint(&reviewed());
            assert_eq!((u32::from(painter.picture().width()), u32::from(painter.picture().height())), golden.dimensions());
            let over_white = |data: &[u8]| -> Vec<u8> {
                let blend = |c: u8, a: u8| ((u32::from(c) * u32::from(a) + 255 * (255 - u32::from(a))) / 255) as u8;
                data.chunks_exact(4).flat_map(|p| [blend(p[0], p[3]), blend(p[1], p[3]), blend(p[2], p[3]), p[3]]).collect()
            };
            let difference = difference(&over_white(&straight(painter.picture())), &over_white(golden.as_raw()));
            assert!(difference < 0.9, "{name}: {difference}");
            painter.paint(&Pose { yaw: 0.45, ..reviewed() });
            let moved = super::difference(&over_white(&straight(painter.picture())), &over_white(golden.as_raw()));
            assert!(moved > difference * 1.2, "{name}: a slight turn must be seen: {moved} after {difference}");
        }
    }

    #[test]
    fn what_was_painted_before_does_not_matter() {
        let (track, end) = lecture(4.0, 0.6);
        for name in names() {
            let rig = rig(name);
            let performance = Performance::new(&rig, 5);
            let mut painter = Painter::new(rig.clone(), 180);
            let mut whole = Painter::build(rig.clone(), 180, false);
            let (mut smaller, mut still) = (0, 0);
            for index in 0..(end.as_seconds() * 30.0) as i64 {
                let pose = performance.pose_at(frame(index), &track);
                let before = painter.picture().clone();
                let region = painter.paint(&pose);
                let (width, height) = (painter.picture().width(), painter.picture().height());
                smaller += usize::from(region.is_some_and(|r| r.area() < u32::from(width) * u32::from(height)));
                still += usize::from(region.is_none());
                for (at, (old, new)) in before.data().iter().zip(painter.picture().data()).enumerate() {
                    let (x, y) = ((at % usize::from(width)) as u16, (at / usize::from(width)) as u16);
                    let inside = region.is_some_and(|r| (r.x0..r.x1).contains(&x) && (r.y0..r.y1).contains(&y));
                    assert!(inside || old == new, "{name}: {index}: a change at {x}, {y} outside of {region:?}");
                }
                // Far away and back: everything is drawn anew.
                whole.paint(&Pose { yaw: 1.0, tilt: -1.0, pitch: 1.0, breath: 1.0, ..pose });
                whole.paint(&pose);
                let differing = painter.picture().data().iter().zip(whole.picture().data()).enumerate().filter(|(_, (a, b))| a != b);
                let places: Vec<_> =
                    differing.map(|(at, (a, b))| (at % usize::from(width), at / usize::from(width), *a, *b)).take(12).collect();
                assert!(
                    places.is_empty(),
                    "{name}: frame {index}, {region:?} of {width}x{height} depends on the frames before: {places:?}"
                );
            }
            assert!(smaller > 10 && still > 2, "{name}: {smaller} partial frames, {still} unchanged");
        }
    }

    #[test]
    fn both_ends_of_a_slide_are_the_same_picture() {
        let (track, end) = lecture(3.0, 0.6);
        for name in names() {
            let performance = Performance::new(&rig(name), 9);
            let mut painter = Painter::new(rig(name), 180);
            painter.paint(&performance.pose_at(Span::ZERO, &track));
            let start = painter.picture().clone();
            for index in 0..(end.as_seconds() * 30.0) as i64 {
                painter.paint(&performance.pose_at(frame(index), &track));
            }
            assert!(painter.picture().data() == start.data());
            assert_eq!(painter.paint(&performance.pose_at(end, &track)), None);
        }
    }

    #[test]
    fn the_figure_stands_on_the_lower_edge_and_stays_inside() {
        for name in names() {
            let mut painter = Painter::new(rig(name), 240);
            assert_eq!(rig(name).picture_size(240), (painter.picture().width(), 240));
            let width = usize::from(painter.picture().width());
            assert_eq!(width % 2, 0);
            for corner in 0..16 {
                let end = |bit: i32| if corner >> bit & 1 == 0 { -1.0 } else { 1.0 };
                painter.paint(&Pose { yaw: end(0), pitch: end(1), tilt: end(2), breath: (end(3) + 1.0) / 2.0, ..Pose::NEUTRAL });
                let data = painter.picture().data();
                let alpha = |x: usize, y: usize| data[y * width + x].a;
                assert!((0..width).all(|x| alpha(x, 0) == 0), "{name} {corner}: cut at the top");
                assert!((0..239).all(|y| alpha(0, y) == 0 && alpha(width - 1, y) == 0), "{name} {corner}: cut at a side");
                assert_eq!(alpha(width / 2, 239), 255, "{name} {corner}: the cut is on the lower edge");
                assert!(data.iter().all(|p| p.r <= p.a && p.g <= p.a && p.b <= p.a), "premultiplied");
            }
        }
    }

    #[test]
    fn any_numbers_are_painted() {
        let mut painter = Painter::new(rig("maya"), 64);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, f64::MIN_POSITIVE] {
            let (yaw, pitch, tilt, gaze_x, gaze_y, breath) = (value, value, value, value, value, value);
            painter.paint(&Pose {
                mouth: [value; 16],
                blink: value,
                raised: value,
                concerned: value,
                yaw,
                pitch,
                tilt,
                gaze_x,
                gaze_y,
                breath,
            });
            painter.paint(&Pose::NEUTRAL);
        }
        assert_eq!(rig("maya").picture_size(0).1, 64);
        assert_eq!(rig("maya").picture_size(u16::MAX).1, 2160);
    }
}
