//! The drawn presenter: a figure made of layers, performed from visemes, painted frame by frame.
//!
//! Three parts with clean borders, and two tools for those who draw presenters ([`sheet`], [`read_drawings`]):
//! - [`Rig`]: a folder of `rig.svg`, `poses.json` and `rig.toml`, read and checked into one immutable value;
//! - [`Performance`]: from the cues of one slide ([`SpeechTrack`]) to a [`Pose`] at any time, as a pure function;
//! - [`Painter`]: from a pose to a picture, redrawing only what changed.
//!
//! The format is described in `plugins/presenters/README.md`; two presenters are built in, any other is given by its folder.

mod articulate;
mod draw;
mod drawn;
mod error;
mod figure;
mod kernel;
mod moments;
mod motion;
mod mouth;
mod noise;
mod numbers;
mod occlusion;
mod parts;
mod plate;
mod pose;
mod poses;
mod region;
mod scene;
mod sheet;
mod svg;
mod track;

#[cfg(test)]
mod expression;
#[cfg(test)]
mod speech_sample;
#[cfg(test)]
mod spoken;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use draw::{HEIGHTS, Painter};
pub use drawn::{read_drawings, write_drawings};
pub use error::RigError;
pub use figure::{RestBox, Rig};
pub use motion::{LOOKAHEAD, Performance, SETTLE, WINDOW};
pub use pose::Pose;
pub use poses::MOUTH_POSES;
pub use region::Region;
pub use sheet::{Sheet, sheet};
pub use track::{Rest, SentenceEnd, SpeechTrack, Stress, TimedViseme};

/// An entry of [`BUILTIN`].
macro_rules! presenter {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../presenters/", $name, "/rig.svg")),
            include_str!(concat!("../../../presenters/", $name, "/poses.json")),
            include_str!(concat!("../../../presenters/", $name, "/rig.toml")),
        )
    };
}

/// The embedded presenters: name, then the texts of `rig.svg`, `poses.json` and `rig.toml`.
const BUILTIN: [(&str, &str, &str, &str); 5] =
    [presenter!("maya"), presenter!("henrik"), presenter!("ruth"), presenter!("samuel"), presenter!("amina")];

/// Names of the presenters that are built in.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, ..)| *name)
}

/// The presenter `name`: a built-in one, else the folder of that path.
///
/// # Errors
/// [`RigError::Unknown`] when there is neither, otherwise what is wrong with the folder.
pub fn load(name: &str) -> Result<Rig, RigError> {
    match builtin(name) {
        Err(RigError::Unknown { .. }) if Path::new(name).is_dir() => Rig::from_folder(Path::new(name)),
        result => result,
    }
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
    let file = |kind: &str| format!("{name}/{kind}");
    Rig::parse([(&file("rig.svg"), svg), (&file("poses.json"), poses), (&file("rig.toml"), numbers)])
}
