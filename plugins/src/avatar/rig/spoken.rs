//! Mouths measured on real speech: the mouth shapes of 25 seconds of a Piper voice, as `lectern speak --times` gives them.

use std::sync::Arc;

use engine::cue::Viseme;
use engine::time::{Rate, Span, Time};
use serde::Deserialize;
use vello_cpu::kurbo::{Affine, ParamCurve, Shape};

use super::articulate::{Articulation, Steps};
use super::numbers::Numbers;
use super::poses::Channel;
use super::{Performance, Rig, SpeechTrack, TimedViseme, builtin, names};

#[derive(Deserialize)]
struct Spoken {
    /// Start and end in milliseconds, and the name.
    visemes: Vec<(f64, f64, String)>,
}

fn spoken() -> SpeechTrack {
    let spoken: Spoken = serde_json::from_str(include_str!("spoken.json")).unwrap();
    let mut track = SpeechTrack::new();
    for (start, end, name) in spoken.visemes {
        let [start, end] = [start, end].map(|millis| Span::from_seconds_f64(millis / 1000.0));
        track.viseme(TimedViseme { start, end, viseme: Viseme::from_name(&name).unwrap(), strength: 1.0 });
    }
    track
}

fn lead(numbers: &Numbers) -> Span {
    Span::from_seconds_f64(numbers.limits.mouth_lead_s)
}

#[test]
fn a_mouth_shape_is_clearest_within_a_frame_of_the_middle_of_its_sound() {
    let (track, rig) = (spoken(), builtin("maya").unwrap());
    let performance = Performance::new(&rig, 1);
    let (frame, reach, step) = (Span::SECOND / 30, Span::from_millis(60), Span::from_millis(1));
    let mut measured = 0;
    // The mouth opens within the first moments of a slide, and a sound there is cut.
    for viseme in track.visemes.iter().filter(|v| v.viseme != Viseme::Sil && v.start > Span::from_millis(300)) {
        let wanted = viseme.start + (viseme.end - viseme.start) / 2 - lead(&rig.numbers);
        let mut seen: Vec<(Span, f64)> = Vec::new();
        let mut at = viseme.start - lead(&rig.numbers) - reach;
        while at < viseme.end - lead(&rig.numbers) + reach {
            seen.push((at, performance.pose_at(at, &track).mouth[viseme.viseme as usize]));
            at += step;
        }
        let most = seen.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
        assert!(most > 0.2, "{viseme:?} is hardly seen: {most}");
        // A long sound is held: the middle of what is held counts.
        let mut held = seen.iter().filter(|(_, weight)| *weight >= 0.95 * most).map(|(at, _)| *at);
        let first = held.next().unwrap();
        let apex = first + (held.next_back().unwrap_or(first) - first) / 2;
        let error = Span((apex - wanted).0.abs());
        assert!(error <= frame, "{viseme:?}: clearest at {apex}, not at {wanted}");
        measured += 1;
    }
    assert!(measured > 230, "{measured}");
}

#[test]
fn lips_meet_on_every_p_b_and_m_at_every_frame_rate() {
    let track = spoken();
    let closures: Vec<&TimedViseme> = track.visemes.iter().filter(|v| v.viseme == Viseme::Pp && v.start > Span::from_millis(300)).collect();
    assert!(closures.len() > 35);
    for name in names() {
        let rig = Arc::new(builtin(name).unwrap());
        let performance = Performance::new(&rig, 1);
        for rate in [Rate::per_second(24), Rate::per_second(25), Rate::per_second(30), Rate::per_second(60)] {
            for closure in &closures {
                let middle = closure.start + (closure.end - closure.start) / 2 - lead(&rig.numbers);
                let nearest = rate.index_from(Time::ZERO + middle);
                let gap = |index: i64| opening(&rig, &performance, rate.time_of(index).since_start(), &track);
                let least = [nearest - 1, nearest, nearest + 1].into_iter().map(gap).fold(f64::MAX, f64::min);
                // Closed lips are drawn 0.6 units apart; a picture 540 high has 0.64 pixels a unit.
                assert!(least < 2.0, "{name}, {closure:?}: the lips are {least} apart at {rate:?}");
            }
            // And they are not simply always closed.
            let most = (0..600).map(|i| opening(&rig, &performance, rate.time_of(i).since_start(), &track)).fold(0.0, f64::max);
            assert!(most > 20.0, "{name}: the mouth opens by {most} only");
        }
    }
}

/// Height of the open mouth in figure units.
fn opening(rig: &Rig, performance: &Performance, at: Span, track: &SpeechTrack) -> f64 {
    let steps = Steps::new(rig, 0.64);
    let frame = Articulation::new(rig, &performance.pose_at(at, track), Affine::IDENTITY, &steps);
    let inside = rig.poses.morph_of("mouth_inside").unwrap();
    let mut path = rig.poses.morphs[inside].first_pose();
    rig.poses.morphs[inside].mix(frame.weights(Channel::Mouth), &mut Vec::new(), &mut path);
    // In the middle, where the lips are furthest apart.
    let points = path.segments().flat_map(|segment| (0..=16).map(move |i| segment.eval(f64::from(i) / 16.0)));
    let middle = path.bounding_box().center().x;
    let (top, bottom) =
        points.filter(|p| (p.x - middle).abs() < 4.0).fold((f64::MAX, f64::MIN), |(top, bottom), p| (top.min(p.y), bottom.max(p.y)));
    bottom - top
}
