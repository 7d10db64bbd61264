//! How long files stay.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Kinds of files, by how long they are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// On the way to something else.
    Temporary,
    /// Made from uploads, and easily made again.
    Processed,
    /// What people sent.
    Upload,
    /// What they wanted to have.
    Video,
}

impl Tier {
    const ALL: [Tier; 4] = [Tier::Temporary, Tier::Processed, Tier::Upload, Tier::Video];

    /// The tier that a file's name asks for: as [`Piece`] says, and that of films for all others.
    pub fn of(name: &str) -> Tier {
        Piece::ALL.iter().find(|piece| name.ends_with(piece.ending())).map_or(Tier::Video, |piece| piece.tier())
    }

    /// As it is written in keys.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Tier::Temporary => "temporary",
            Tier::Processed => "processed",
            Tier::Upload => "upload",
            Tier::Video => "video",
        }
    }

    pub(super) fn from_folder(folder: &str) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.folder() == folder)
    }
}

/// The files of a picture and a recording on their way to a film, by their names: `TASK_original.jpg` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The picture that was sent.
    Original,
    /// The recording that was sent.
    Audio,
    /// The person, cut out as a rectangle.
    Cropped,
    /// The person without what is behind.
    Transparent,
    /// What is person and what is not.
    Mask,
    /// The film.
    Final,
    /// What is known about all of them.
    Metadata,
}

impl Piece {
    const ALL: [Piece; 7] = [Piece::Original, Piece::Audio, Piece::Cropped, Piece::Transparent, Piece::Mask, Piece::Final, Piece::Metadata];

    /// The name of a task's file.
    pub fn name(self, task: &str) -> String {
        format!("{task}{}", self.ending())
    }

    /// The same of a file that is of another kind than usual, by the ending of those: `TASK_original.png`.
    pub fn name_with(self, task: &str, ending: &str) -> String {
        let usual = self.ending();
        let stem = usual.rsplit_once('.').map_or(usual, |(stem, _)| stem);
        format!("{task}{stem}{ending}")
    }

    fn ending(self) -> &'static str {
        match self {
            Piece::Original => "_original.jpg",
            Piece::Audio => "_audio.wav",
            Piece::Cropped => "_cropped.jpg",
            Piece::Transparent => "_transparent.png",
            Piece::Mask => "_mask.png",
            Piece::Final => "_final.mp4",
            Piece::Metadata => "_metadata.json",
        }
    }

    fn tier(self) -> Tier {
        match self {
            Piece::Original | Piece::Audio => Tier::Upload,
            Piece::Cropped | Piece::Transparent | Piece::Mask => Tier::Processed,
            Piece::Final | Piece::Metadata => Tier::Video,
        }
    }
}

/// How long files of each tier stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What people sent.
    pub uploads: Duration,
    /// What was made from it on the way, and blobs.
    pub processed: Duration,
    /// Films and what belongs to them.
    pub videos: Duration,
    /// What is only needed for a moment; also what a publication that failed has left.
    pub temporary: Duration,
}

impl Default for Retention {
    fn default() -> Retention {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Retention { uploads: days(7), processed: days(3), videos: days(30), temporary: Duration::from_secs(3600) }
    }
}

impl Retention {
    /// Of a tier.
    pub fn of(&self, tier: Tier) -> Duration {
        match tier {
            Tier::Temporary => self.temporary,
            Tier::Processed => self.processed,
            Tier::Upload => self.uploads,
            Tier::Video => self.videos,
        }
    }
}
