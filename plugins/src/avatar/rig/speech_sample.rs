//! A made-up lecture for the tests: letters read as visemes, with stresses, sentence ends and a rest.

use engine::time::Span;

use super::track::{Rest, SentenceEnd, SpeechTrack, Stress, TimedViseme};
use engine::cue::Viseme;

const TEXT: &str = "hello, welcome to this short lecture about moving pictures. today we look at how a face is built from layers, and why \
    every frame can be made alone. what happens when the mouth is ahead of the sound? most people never notice, but a few find it odd. \
    keep both shapes for fifty milliseconds, fade from one to the other, and close the lips for p, b and m. that is all there is to it.";

/// The text, spoken again and again until `seconds` are full, then a rest that ends `tail` later. Returns the end of the slide, too.
pub fn lecture(seconds: f64, tail: f64) -> (SpeechTrack, Span) {
    let mut track = SpeechTrack::new();
    let mut now = 0.12;
    let mut count = 0u32;
    while now < seconds {
        for word in TEXT.split(' ').filter(|w| !w.is_empty()) {
            count += 1;
            let mut stressed = !word.starts_with(['a', 'o', 'i', 't']) || word.len() > 6;
            for letter in word.chars() {
                let (viseme, millis) = match letter {
                    'p' | 'b' | 'm' => (Viseme::Pp, 70),
                    'f' | 'v' => (Viseme::Ff, 80),
                    't' | 'd' => (Viseme::Dd, 55),
                    'k' | 'c' | 'g' | 'h' => (Viseme::Kk, 60),
                    's' | 'z' => (Viseme::Ss, 90),
                    'n' | 'l' => (Viseme::Nn, 65),
                    'r' => (Viseme::Rr, 60),
                    'a' => (Viseme::Aa, 110),
                    'e' => (Viseme::E, 85),
                    'i' | 'y' => (Viseme::Ih, 80),
                    'o' => (Viseme::Oh, 105),
                    'u' | 'w' => (Viseme::Ou, 90),
                    ',' => (Viseme::Sil, 220),
                    '.' | '?' => (Viseme::Sil, 520),
                    _ => continue,
                };
                let at = Span::from_seconds_f64(now);
                if viseme == Viseme::Sil && letter != ',' {
                    track.sentence_end(SentenceEnd { at, question: letter == '?' });
                }
                if stressed && matches!(viseme, Viseme::Aa | Viseme::E | Viseme::Ih | Viseme::Oh | Viseme::Ou) {
                    stressed = false;
                    track.stress(Stress { at, strength: 0.4 + 0.1 * f64::from(count % 7), emphasis: false });
                }
                now += f64::from(millis + (count * 7 % 5)) / 1000.0;
                track.viseme(TimedViseme { start: at, end: Span::from_seconds_f64(now), viseme, strength: 0.6 });
            }
            now += 0.01;
        }
    }
    let end = Span::from_seconds_f64(now + tail);
    track.rest(Rest { from: Span::from_seconds_f64(now), until: Some(end) });
    (track, end)
}
