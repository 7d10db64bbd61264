//! The mouth in speech.
//!
//! The visemes are smoothed by a window of [`BLEND`]: neighbouring shapes cross over in eased moves, and a short one between two
//! others is not reached fully, as in real speech (co-articulation; after Cohen and Massaro 1993, with one window for all). Closures
//! are the exception: lips that do not meet on p, b, m, f and v are seen at once, so these are laid over the rest at full strength.

use engine::time::Span;

use super::noise::ease;
use super::track::SpeechTrack;
use engine::cue::Viseme;

/// Seconds in which one shape becomes the next.
const BLEND: f64 = 0.1;
/// Seconds that lips take to close and to open, and how long they touch at least.
const CLOSE: f64 = 0.065;
const CLOSED: f64 = 0.03;
/// Seconds around a frame within which no sound means a pause; a comma is too short for a smile.
const PAUSE: f64 = 0.14;
/// Weight of the smile in a pause.
const PAUSE_SMILE: f64 = 0.17;
const SMILE: usize = 15;

/// Weights of the mouth poses at `t` seconds, `lead` seconds ahead of the sound. `voice` (0..1) fades the visemes to the closed mouth,
/// `speech` the smile in a pause.
pub(super) fn weights(t: f64, lead: f64, voice: f64, speech: f64, track: &SpeechTrack) -> [f64; 16] {
    let now = t + lead;
    let reach = Span::from_seconds_f64(PAUSE.max(CLOSE + CLOSED));
    let centre = Span::from_seconds_f64(now);
    let mut mouth = [0.0; 16];
    let mut closure = 0.0;
    let mut closed_by = Viseme::Pp;
    let mut sound = 0.0;
    for cue in track.visemes_within(centre - reach, centre + reach) {
        let (start, end) = (cue.start.as_seconds(), cue.end.as_seconds());
        if cue.viseme == Viseme::Sil {
            continue;
        }
        let strength = cue.strength.clamp(0.0, 1.0);
        mouth[cue.viseme as usize] += covered(now, BLEND / 2.0, start, end) * reached(cue.viseme) * (0.8 + 0.2 * strength);
        sound += covered(now, PAUSE, start, end);
        if matches!(cue.viseme, Viseme::Pp | Viseme::Ff) {
            let (middle, half) = ((start + end) / 2.0, ((end - start).min(0.12) / 2.0 - 0.01).max(CLOSED / 2.0));
            let shut = ease((CLOSE + half - (now - middle).abs()) / CLOSE);
            if shut > closure {
                (closure, closed_by) = (shut, cue.viseme);
            }
        }
    }
    // Visemes that overlap would add up to more than a mouth.
    let total: f64 = mouth.iter().sum();
    let scale = voice / total.max(1.0);
    let closure = closure * voice;
    mouth = mouth.map(|w| w * scale * (1.0 - closure));
    mouth[SMILE] += PAUSE_SMILE * speech.min(voice) * (1.0 - closure) * ease(1.0 - sound / 0.04);
    mouth[closed_by as usize] += closure;
    let open: f64 = mouth[1..].iter().sum();
    mouth[0] += (1.0 - mouth[0] - open).max(0.0);
    mouth
}

/// How much of the eased window of `half` seconds either way around `now` lies in `start..end`, 0..1.
fn covered(now: f64, half: f64, start: f64, end: f64) -> f64 {
    let before = |edge: f64| ease((edge - now + half) / (2.0 * half));
    (before(end) - before(start)).max(0.0)
}

/// How far speech goes to each pose: the open ones are drawn for a shout.
fn reached(viseme: Viseme) -> f64 {
    match viseme {
        Viseme::Sil => 0.0,
        Viseme::Aa => 0.68,
        Viseme::E => 0.8,
        Viseme::Oh => 0.82,
        Viseme::Ou | Viseme::Ih => 0.9,
        Viseme::Pp | Viseme::Ff => 1.0,
        Viseme::Th | Viseme::Dd | Viseme::Kk | Viseme::Ch | Viseme::Ss | Viseme::Nn | Viseme::Rr => 0.9,
    }
}
