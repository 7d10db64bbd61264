//! The other side: scripts in `benches/peers/`, run as they stand, so that anyone can run them by hand.

use std::path::PathBuf;
use std::process::Command;

/// A script by its name.
pub fn script(name: &str) -> Command {
    Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name))
}

/// What the peers of a bench need: the program, and the package of Debian's that has it.
fn needs(bench: &str) -> &'static [(&'static str, &'static str)] {
    const FFMPEG: (&str, &str) = ("ffmpeg", "ffmpeg");
    const GSTREAMER: (&str, &str) = ("gst-launch-1.0", "gstreamer1.0-tools");
    match bench {
        "key" | "render" => &[FFMPEG, GSTREAMER],
        "border" => &[GSTREAMER],
        "slides" => &[FFMPEG],
        _ => &[],
    }
}

/// Nothing is measured without its peer, or a mark would hold because nobody looked.
///
/// # Errors
/// The first program that is not installed, and how to install it.
pub fn are_there(benches: &[String]) -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    for bench in benches {
        if let Some((program, package)) = needs(bench).iter().find(|(program, _)| !has(program)) {
            return Err(format!(
                "the bench {bench} measures beside {program}, which is not installed: run scripts/setup, or apt-get install {package}"
            ));
        }
    }
    Ok(())
}

/// Those that key and place.
pub const KEYERS: [Keyer; 3] = [
    Keyer { script: "ffmpeg-chromakey", name: "ffmpeg chromakey", key: 40.0, render: 1.8 },
    Keyer { script: "ffmpeg-colorkey", name: "ffmpeg colorkey", key: 15.0, render: 1.2 },
    Keyer { script: "gstreamer-alpha", name: "GStreamer alpha + compositor", key: 20.0, render: 1.5 },
];

/// A peer that keys and places.
pub struct Keyer {
    /// Its script.
    pub script: &'static str,
    /// As it is called in the table.
    pub name: &'static str,
    /// How many times its work has to be ours, for key + place and for a whole render.
    pub key: f64,
    /// See `key`.
    pub render: f64,
}
