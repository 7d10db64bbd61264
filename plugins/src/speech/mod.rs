//! Speech: from narration to sound, and to the cues that captions and mouths follow.
//!
//! [`text`] cuts narration into clauses, a [`voice`] speaks them (exact times of words and phonemes), [`viseme`] says what the mouth does, [`cache`]
//! remembers. The nodes: `tts_chunker` for lessons, `audio_file` for recordings, `music_bed` for music
//! under both.

mod answer;
mod at_exit;
pub mod audio_file;
pub mod cache;
mod captions;
mod cast;
pub mod decode;
mod direction;
mod embed;
pub mod music_bed;
mod narrator;
mod programme;
mod recordings;
mod stretches;
mod talk;
pub mod text;
mod timeline;
pub mod tts_chunker;
mod turns;
pub mod viseme;
pub mod voice;

pub(crate) use captions::{Caption, lines_are_spaced, reworded};

use engine::registry::NodeType;

/// The nodes of this family.
pub const NODES: &[&NodeType] = &[&tts_chunker::TTS_CHUNKER, &audio_file::AUDIO_FILE, &music_bed::MUSIC_BED];
