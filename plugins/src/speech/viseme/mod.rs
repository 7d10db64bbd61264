//! Mouth shapes from phonemes and from sound. The shapes themselves, the 15 of Oculus, are a part of the packets' language:
//! [`engine::cue::Viseme`].

mod features;
mod gaussians;
mod ipa;
mod sound;
mod training;

pub use engine::cue::Viseme;
pub use ipa::from_ipa;
pub use sound::visemes_from_sound;
pub use training::train;
