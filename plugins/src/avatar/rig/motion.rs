//! The performance: from speech to poses.
//!
//! A pose is a pure function of the seed, the time in the slide and the cues around that time. There are no springs and there is no
//! memory: whatever looks random is hashed from the seed and a count (see [`super::noise`]), whatever moves is a sum of eased moves
//! and bumps with known times. So every frame can be made alone, in any order, on any machine.
//!
//! The speech drives it: the head moves on with a stress, eyes blink and the chest fills where a sentence ends, words that weigh get a nod, a
//! turn or the brows (nod and brows together where their author emphasised them), a question is asked with brows and a tilted head, and the
//! presenter looks up at the viewer before a sentence ends.
//!
//! Invariants, all tested:
//! - A pose at `t` depends only on cues that have begun by `t + LOOKAHEAD` and have not ended before `t - WINDOW`.
//! - At the start of a slide, from [`SETTLE`] after a rest began, and at the end of a rest that knows its end, the pose is exactly
//!   [`Performance::rest_pose`]: the slide can be cut there. In a longer rest the presenter idles in between.

use engine::time::Span;

use super::figure::Rig;
use super::moments::Moments;
use super::mouth;
use super::noise::{Beats, between, bump, chance, ease};
use super::numbers::Numbers;
use super::pose::Pose;
use super::track::SpeechTrack;

/// How far ahead of a frame its cues must be known.
pub const LOOKAHEAD: Span = Span::from_millis(200);
/// How long a cue matters after its end.
pub const WINDOW: Span = Span::from_seconds(6);
/// From the start of a rest until the pose is at rest.
pub const SETTLE: Span = Span::from_millis(500);

/// Seconds: how long a presenter that rests stands still before idling, and how long before the end of the slide it stands still again.
const IDLE_AFTER: f64 = 1.2;
const STILL_BEFORE_END: f64 = 0.25;
/// Seconds that coming to life, and idling away or back, take.
const WAKE: f64 = 0.4;
const IDLE_EASE: f64 = 0.6;
/// Part of the head's motion in speech that is left when idling.
const IDLE_HEAD: f64 = 0.3;

/// The highest that brows go.
const MOST_RAISED: f64 = 0.55;
/// What an emphasised word gets: the most that chance gives to others.
const EMPHASIS_NOD: f64 = 0.26;
const EMPHASIS_RAISED: f64 = 0.5;
/// Seconds for which a word or the end of a sentence is felt.
const ACCENT: Span = Span::from_millis(1500);

/// Streams of chance, one per use.
mod stream {
    pub const HEAD: u64 = 1;
    pub const YAW: u64 = 2;
    pub const PITCH: u64 = 3;
    pub const TILT: u64 = 4;
    pub const GLANCE: u64 = 5;
    pub const BLINK: u64 = 6;
    pub const DOUBLE: u64 = 7;
    pub const GAZE: u64 = 8;
    pub const GAZE_X: u64 = 9;
    pub const GAZE_Y: u64 = 10;
    pub const BREATH: u64 = 11;
    pub const DEPTH: u64 = 12;
    pub const BROW: u64 = 13;
    pub const STRESS: u64 = 14;
    pub const PACE: u64 = 15;
    pub const KIND: u64 = 16;
    pub const END: u64 = 17;
    pub const SWAY: u64 = 18;
}

/// How one presenter performs one slide.
#[derive(Clone, Debug)]
pub struct Performance {
    numbers: Numbers,
    seed: u64,
}

/// How alive the presenter is: 0 is the pose of rest.
struct Life {
    /// Speaking, 0..1.
    speech: f64,
    /// Idling, 0..1.
    idle: f64,
    /// The mouth follows the visemes, 0..1: sooner than the rest of the body.
    voice: f64,
}

impl Performance {
    /// For one slide; `seed` comes from its content, so that the same slide is always performed the same.
    pub fn new(rig: &Rig, seed: u64) -> Performance {
        Performance { numbers: rig.numbers.clone(), seed }
    }

    /// The pose of silence, at both ends of every slide.
    pub fn rest_pose(&self) -> Pose {
        let rest = &self.numbers.rest;
        Pose { yaw: rest.yaw, pitch: rest.pitch, tilt: rest.tilt, gaze_x: against(rest.yaw), ..Pose::NEUTRAL }
    }

    /// The pose at `time` since the start of the slide. See the module for which cues must be known.
    pub fn pose_at(&self, time: Span, track: &SpeechTrack) -> Pose {
        let t = time.as_seconds();
        let rest = self.rest_pose();
        let life = self.life(t, time, track);
        let awake = life.speech.max(life.idle);
        if awake <= 0.0 && life.voice <= 0.0 {
            return rest;
        }
        let head = self.head(t, track);
        let accent = self.accents(t, time, track);
        let amount = life.speech + life.idle * IDLE_HEAD;
        let toward = |from: f64, to: f64, amount: f64| from + (to - from) * amount;
        let yaw = toward(rest.yaw, head.yaw, amount) + accent.turn * life.speech;
        let pitch = toward(rest.pitch, head.pitch, amount) + accent.nod.min(0.34) * life.speech;
        let tilt = toward(rest.tilt, head.tilt, amount) + accent.tilt * life.speech;
        let (fixation_x, fixation_y) = self.fixation(t);
        let glance = head.glance * (1.0 - accent.back) * life.speech;
        Pose {
            mouth: mouth::weights(t, self.numbers.limits.mouth_lead_s, life.voice, life.speech, track),
            blink: self.blink(t, track) * awake,
            raised: head.brow.max(accent.raised) * life.speech,
            concerned: head.concerned * (1.0 - accent.raised) * life.speech,
            yaw,
            pitch,
            tilt,
            gaze_x: (against(yaw) + fixation_x * awake) * (1.0 - glance.abs()) + glance,
            gaze_y: (-pitch / 4.0 + fixation_y) * awake,
            breath: self.breath(t, track) * awake,
        }
    }

    /// Speaking until a rest begins, then at rest, then idling if it is a long one.
    fn life(&self, t: f64, time: Span, track: &SpeechTrack) -> Life {
        let begun = ease(t / WAKE);
        let mut life = Life { speech: begun, idle: 0.0, voice: ease(t / 0.06) };
        for rest in track.rests.iter().filter(|r| r.from <= time + LOOKAHEAD) {
            let from = rest.from.as_seconds();
            let end = track.end_of(rest);
            let over = if end.0 == i64::MAX { f64::INFINITY } else { end.as_seconds() };
            // A slide that starts with a rest has nothing to settle from.
            let settled = if rest.from <= Span::ZERO { 1.0 } else { ease((t - from) / 0.45) };
            life.speech *= 1.0 - settled * (1.0 - ease((t - over) / WAKE));
            life.voice *= 1.0 - settled * (1.0 - ease((t - over + 0.16) / 0.06));
            let mut idle = ease((t - from - IDLE_AFTER) / IDLE_EASE) * (1.0 - ease((t - over) / WAKE));
            if let Some(until) = rest.until {
                idle *= ease((until.as_seconds() - STILL_BEFORE_END - t) / IDLE_EASE);
            }
            life.idle = life.idle.max(idle * begun);
        }
        life
    }

    /// Where the head is held, moving on with a stress every two seconds or so, and swaying a little all the time.
    fn head(&self, t: f64, track: &SpeechTrack) -> Head {
        let moments = Moments {
            beats: Beats { seed: self.seed, stream: stream::HEAD, period: 1.6, shift: 0.28 },
            event: |from, until| track.stress_within(from, until),
            patience: 0.5,
            ahead: 0.1,
        };
        let duration = |k: i64| between(0.38, 0.75, chance(self.seed, stream::PACE, k));
        // The eyes go first, then the head turns, then it tilts.
        let axis = |delay: f64, hold: &dyn Fn(i64) -> f64| moments.held(t - delay, duration, hold);
        let glances = |k: i64| chance(self.seed, stream::GLANCE, k) < 0.16;
        let spread = |stream: u64, k: i64| chance(self.seed, stream, k) + chance(self.seed, stream, k + 1_000_003) - 1.0;
        let k = moments.last(t);
        let eyes = ease((t - moments.at(k)) / 0.09);
        let glance = |k: i64| if glances(k) { -0.55 } else { 0.0 };
        Head {
            yaw: axis(0.06, &|k| if glances(k) { -0.5 } else { -0.04 + 0.5 * spread(stream::YAW, k) }) + 0.04 * self.sway(0, 2.3, t),
            pitch: axis(0.08, &|k| 0.22 * spread(stream::PITCH, k)) + 0.04 * self.sway(1, 1.9, t),
            tilt: axis(0.16, &|k| 0.06 + 0.5 * spread(stream::TILT, k)) + 0.06 * self.sway(2, 2.9, t),
            glance: glance(k - 1) + (glance(k) - glance(k - 1)) * eyes,
            brow: axis(0.0, &|k| 0.14 * (spread(stream::BROW, k).max(0.0))),
            concerned: axis(0.0, &|k| if chance(self.seed, stream::BROW, k) < 0.12 { 0.25 } else { 0.0 }),
        }
    }

    /// A head is never quite still: -1..1, wandering from beat to beat without a stop.
    fn sway(&self, axis: u64, period: f64, t: f64) -> f64 {
        let stream = stream::SWAY + axis;
        let beats = Beats { seed: self.seed, stream, period, shift: 0.3 };
        let k = beats.last(t);
        let at = |k: i64| between(-1.0, 1.0, chance(self.seed, stream, k + 1_000_003));
        at(k) + (at(k + 1) - at(k)) * ease((t - beats.at(k)) / (beats.at(k + 1) - beats.at(k)))
    }

    /// Nods, turns, looks and brows that go with the words.
    fn accents(&self, t: f64, time: Span, track: &SpeechTrack) -> Accents {
        let mut accents = Accents { nod: 0.0, turn: 0.0, tilt: 0.0, raised: 0.0, back: 0.0 };
        let (past, ahead) = (time - ACCENT, time + LOOKAHEAD);
        let first = track.stresses.partition_point(|s| s.at < past);
        for stress in track.stresses[first..].iter().take_while(|s| s.at <= ahead) {
            let (at, strength) = (stress.at.as_seconds(), stress.strength.clamp(0.0, 1.0));
            if stress.emphasis {
                accents.nod += EMPHASIS_NOD * bump(t, at - 0.12, at + 0.07, at + 0.42);
                accents.raise(EMPHASIS_RAISED * bump(t, at - 0.14, at + 0.1, at + 0.7));
                continue;
            }
            let luck = chance(self.seed, stream::STRESS, stress.at.to_millis());
            let kind = chance(self.seed, stream::KIND, stress.at.to_millis());
            // Not on every stress, and rarely the same on two.
            if luck < 0.3 + 0.4 * strength {
                let size = strength * bump(t, at - 0.12, at + 0.07, at + 0.42);
                let side = if luck < 0.35 { -1.0 } else { 1.0 };
                match kind {
                    nod if nod < 0.6 => accents.nod += between(0.1, 0.26, kind / 0.6) * size,
                    turn if turn < 0.8 => accents.turn += 0.14 * side * size,
                    _ => accents.tilt += 0.2 * side * size,
                }
            }
            if luck > 0.9 - 0.2 * strength {
                accents.raise(between(0.3, 0.5, kind) * strength * bump(t, at - 0.14, at + 0.1, at + 0.7));
            }
        }
        let first = track.sentence_ends.partition_point(|e| e.at < past);
        for end in track.sentence_ends[first..].iter().take_while(|e| e.at <= ahead) {
            let at = end.at.as_seconds();
            let luck = chance(self.seed, stream::END, end.at.to_millis());
            accents.back = accents.back.max(bump(t, at - 0.19, at - 0.07, at + 1.2));
            if end.question {
                let asking = bump(t, at - 0.19, at + 0.12, at + 0.9);
                accents.raise(between(0.4, 0.5, luck) * asking);
                accents.tilt += if luck < 0.7 { 0.24 } else { -0.24 } * asking;
                accents.nod -= 0.12 * asking;
            } else {
                // Down with the last word, and up to the next sentence.
                accents.nod += between(0.2, 0.34, luck) * bump(t, at - 0.16, at + 0.14, at + 0.7);
                accents.nod -= 0.1 * bump(t, at + 0.4, at + 0.75, at + 1.4);
            }
        }
        accents
    }

    /// Small jumps of the eyes between points of the viewer's face.
    fn fixation(&self, t: f64) -> (f64, f64) {
        let beats = Beats { seed: self.seed, stream: stream::GAZE, period: 1.1, shift: 0.4 };
        let k = beats.last(t);
        let jumped = ease((t - beats.at(k)) / 0.07);
        let point = |stream: u64, reach: f64| {
            let at = |k: i64| between(-reach, reach, chance(self.seed, stream, k));
            at(k - 1) + (at(k) - at(k - 1)) * jumped
        };
        (point(stream::GAZE_X, 0.1), point(stream::GAZE_Y, 0.08))
    }

    /// How far the eyes are closed: a blink every 3 to 5 s, at the end of a sentence if one is near, now and then two in a row.
    fn blink(&self, t: f64, track: &SpeechTrack) -> f64 {
        let moments = Moments {
            beats: Beats { seed: self.seed, stream: stream::BLINK, period: 4.0, shift: 0.06 },
            event: |from, until| track.sentence_end_within(from, until),
            patience: 0.55,
            ahead: 0.0,
        };
        let [closing, closed, opening] = self.numbers.limits.blink_s;
        let shape = |since: f64| ease(since / closing) * ease((closing + closed + opening - since) / opening);
        // The last beat but one may still be at its second blink.
        let last = moments.last(t);
        [last, last - 1].into_iter().fold(0.0f64, |shut, k| {
            let at = moments.at(k);
            // Not within the first second of a slide: it would meet the blink of the slide before.
            if at < 1.0 {
                return shut;
            }
            let second = if chance(self.seed, stream::DOUBLE, k) < 0.15 { shape(t - at - 0.34) } else { 0.0 };
            shut.max(shape(t - at)).max(second)
        })
    }

    /// How full the chest is: in where a sentence ends, out while speaking, no breath like the one before.
    fn breath(&self, t: f64, track: &SpeechTrack) -> f64 {
        let moments = Moments {
            beats: Beats { seed: self.seed, stream: stream::BREATH, period: self.numbers.breath.period_s, shift: 0.08 },
            event: |from, until| track.sentence_end_within(from, until),
            patience: 0.2 * self.numbers.breath.period_s,
            ahead: 0.0,
        };
        let k = moments.last(t);
        let (start, end) = (moments.at(k), moments.beats.at(k + 1));
        between(0.7, 1.0, chance(self.seed, stream::DEPTH, k)) * bump(t, start, start + 0.34 * (end - start), end)
    }
}

/// What is held between the beats of the head.
struct Head {
    yaw: f64,
    pitch: f64,
    tilt: f64,
    /// Gaze at the slide, which lies at the viewer's left.
    glance: f64,
    brow: f64,
    concerned: f64,
}

/// What the words add. Neighbours flow together instead of taking turns: a second raise of the brows keeps them up.
struct Accents {
    nod: f64,
    turn: f64,
    tilt: f64,
    raised: f64,
    /// How far the eyes are back from the slide, 0..1.
    back: f64,
}

impl Accents {
    fn raise(&mut self, by: f64) {
        self.raised += by * (1.0 - self.raised / MOST_RAISED);
    }
}

/// The gaze that keeps looking at the viewer while the head is turned by `yaw`.
fn against(yaw: f64) -> f64 {
    -yaw / 3.0
}
