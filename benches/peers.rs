//! The other side: scripts in `benches/peers/`, run as they stand, so that anyone can run them by hand.

use std::path::PathBuf;
use std::process::Command;

/// A script by its name.
pub fn script(name: &str) -> Command {
    Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name))
}

/// A program is installed.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Those that key and place, with the program they need.
pub const KEYERS: [Keyer; 3] = [
    Keyer { script: "ffmpeg-chromakey", name: "ffmpeg chromakey", program: "ffmpeg", key: 40.0, render: 1.8 },
    Keyer { script: "ffmpeg-colorkey", name: "ffmpeg colorkey", program: "ffmpeg", key: 15.0, render: 1.2 },
    Keyer { script: "gstreamer-alpha", name: "GStreamer alpha + compositor", program: "gst-launch-1.0", key: 20.0, render: 1.5 },
];

/// A peer that keys and places.
pub struct Keyer {
    /// Its script.
    pub script: &'static str,
    /// As it is called in the table.
    pub name: &'static str,
    /// What it needs.
    pub program: &'static str,
    /// How many times its work has to be ours, for key + place and for a whole render.
    pub key: f64,
    /// See `key`.
    pub render: f64,
}
