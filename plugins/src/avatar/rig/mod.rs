//! The drawn presenter.

mod articulate;
mod draw;
mod error;
mod figure;
mod kernel;
mod motion;
mod mouth;
mod noise;
mod numbers;
mod parts;
mod plate;
mod pose;
mod poses;
mod region;
mod scene;
mod svg;
mod track;

pub use draw::{HEIGHTS, Painter};
pub use error::RigError;
pub use figure::{RestBox, Rig};
pub use motion::{LOOKAHEAD, Performance, SETTLE, WINDOW};
pub use pose::Pose;
pub use poses::MOUTH_POSES;
pub use region::Region;
pub use track::{Rest, SentenceEnd, SpeechTrack, Stress, TimedViseme, Viseme};

/// The embedded presenters: name, then the texts of `rig.svg`, `poses.json` and `rig.toml`.
const BUILTIN: [(&str, &str, &str, &str); 2] = [
    (
        "maya",
        include_str!("../../../presenters/maya/rig.svg"),
        include_str!("../../../presenters/maya/poses.json"),
        include_str!("../../../presenters/maya/rig.toml"),
    ),
    (
        "henrik",
        include_str!("../../../presenters/henrik/rig.svg"),
        include_str!("../../../presenters/henrik/poses.json"),
        include_str!("../../../presenters/henrik/rig.toml"),
    ),
];

/// Names of the presenters that are built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, ..)| *name)
}

/// The built-in presenter `name`.
///
/// # Errors
/// [`RigError::Unknown`] when there is none of that name.
pub fn builtin(name: &str) -> Result<Rig, RigError> {
    let (_, svg, poses, numbers) = BUILTIN
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or_else(|| RigError::Unknown { name: name.to_owned(), known: names().collect::<Vec<_>>().join(", ") })?;
    Rig::parse([("rig.svg", svg), ("poses.json", poses), ("rig.toml", numbers)])
}
