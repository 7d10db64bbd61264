//! What the face says with the words, measured on a made-up lecture: brows, nods and glances.

use engine::time::Span;

use super::speech_sample::lecture;
use super::{Performance, Pose, SpeechTrack, Stress, builtin};

/// One presenter on slides of these seeds.
fn performances(seeds: u64) -> impl Iterator<Item = Performance> {
    let rig = builtin("maya").expect("built in");
    (0..seeds).map(move |seed| Performance::new(&rig, seed))
}

/// A lecture without ends of sentences, with the stresses that this makes of its own.
fn stressed(seconds: f64, mut change: impl FnMut(&mut Stress) -> bool) -> SpeechTrack {
    let (mut track, _) = lecture(seconds, 0.6);
    track.sentence_ends.clear();
    track.stresses.retain_mut(|stress| change(stress));
    track
}

#[test]
fn brows_rise_and_the_head_nods_on_an_emphasised_word_and_on_no_other() {
    let at = Span::from_millis(8000);
    let told = |strength: f64, emphasis: bool| {
        let mut track = stressed(20.0, |_| false);
        track.stress(Stress { at, strength, emphasis });
        track
    };
    // The head may move on with any stress: one of no strength is what the others are compared with.
    let (calm, strong) = (told(0.0, false), told(1.0, true));
    for (seed, performance) in performances(40).enumerate() {
        let poses = |millis: i64| -> (Pose, Pose) {
            let at = at + Span::from_millis(millis);
            (performance.pose_at(at, &calm), performance.pose_at(at, &strong))
        };
        let (without, with) = poses(100);
        assert!(with.raised > 0.45 && without.raised < 0.15, "seed {seed}: brows at {} after {}", with.raised, without.raised);
        assert!(with.pitch - without.pitch > 0.2, "seed {seed}: the head goes down by {}", with.pitch - without.pitch);
        for away in [-2000, -150, 710, 2000] {
            let (without, with) = poses(away);
            assert_eq!(with, without, "seed {seed}, {away} ms after the word");
        }
    }
}

#[test]
fn brows_rise_on_about_every_third_stress() {
    // So far apart that one does not reach into the next.
    let mut last = Span::ZERO;
    let track = stressed(400.0, |stress| {
        let keeps = stress.at - last > Span::from_millis(1600);
        if keeps {
            last = stress.at;
        }
        stress.strength = 1.0;
        keeps
    });
    let mut calm = track.clone();
    calm.stresses.iter_mut().for_each(|stress| stress.strength = 0.0);
    let (mut risen, mut all) = (0, 0);
    for performance in performances(3) {
        for stress in track.stresses.iter().filter(|stress| stress.at > Span::SECOND) {
            let at = stress.at + Span::from_millis(100);
            let (with, without) = (performance.pose_at(at, &track).raised, performance.pose_at(at, &calm).raised);
            assert!(without < 0.15 && with >= without, "at {at} brows are at {without} without a stress");
            risen += i32::from(with - without > 0.15);
            all += 1;
        }
    }
    let share = f64::from(risen) / f64::from(all);
    assert!(all > 300 && (0.2..0.4).contains(&share), "{risen} of {all}");
}

#[test]
fn now_and_then_the_presenter_looks_at_the_slide() {
    let track = stressed(300.0, |_| true);
    let (mut looks, mut frames, mut yaw) = (0, 0, 0.0);
    for performance in performances(4) {
        for index in 60..2900 {
            let pose = performance.pose_at(Span::from_millis(100 * index), &track);
            frames += 1;
            // The slide is at the viewer's left. Eyes alone, that look at the viewer from a turned head, do not go so far.
            if pose.gaze_x < -0.35 {
                looks += 1;
                yaw += pose.yaw;
            }
        }
    }
    let share = f64::from(looks) / f64::from(frames);
    assert!((0.06..0.28).contains(&share), "{share} of the time");
    // The head turns with the eyes.
    assert!(yaw / f64::from(looks) < -0.25, "the head is at {}", yaw / f64::from(looks));
}
