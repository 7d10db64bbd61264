//! Sound on its way: from sound to sound.

mod audio_mix;
mod limiter;
mod loudness;
mod resample;
mod true_peak;

pub use loudness::limited;

use engine::registry::NodeType;
use engine::time::{Span, Time};

/// The family's nodes, in the order of the catalogue.
pub const NODES: &[&NodeType] = &[&audio_mix::AUDIO_MIX, &loudness::LOUDNESS, &resample::RESAMPLE];

/// Times of sound that differ by less are the same: rounding in what came before, not a gap.
const TOLERANCE: Span = Span::from_millis(1);

/// Sound that is due at `due` and comes at `pts` does not go on but begins anew.
fn is_gap(due: Time, pts: Time) -> bool {
    pts - due >= TOLERANCE || due - pts >= TOLERANCE
}
