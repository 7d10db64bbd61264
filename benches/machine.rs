//! The machine that was measured on, in words that name no machine.

use serde::{Deserialize, Serialize};
use std::process::Command;

/// What figures depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor as it calls itself.
    pub processor: String,
    /// Whether it has these, which decide which kernels run.
    pub vectors: Vec<String>,
    /// Cores that may be used.
    pub cores: usize,
    /// Memory in GiB.
    pub memory: f64,
    /// The first line of `ffmpeg -version`, and GStreamer's version.
    pub ffmpeg: String,
    /// GStreamer's version.
    pub gstreamer: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Machine {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = info.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_string())
        };
        let flags = field("flags").unwrap_or_default();
        let known = ["avx2", "avx512f"].map(String::from);
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kilobytes = memory.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0);
        Machine {
            processor: field("model name").unwrap_or_else(|| std::env::consts::ARCH.into()),
            vectors: known.into_iter().filter(|flag| flags.split(' ').any(|other| other == flag)).collect(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: (kilobytes / 1024.0 / 1024.0 * 10.0).round() / 10.0,
            ffmpeg: said("ffmpeg", &["-version"]).split(" Copyright").next().unwrap_or_default().to_string(),
            gstreamer: said("gst-launch-1.0", &["--gst-version"]),
        }
    }

    /// In one line.
    pub fn describe(&self) -> String {
        let Machine { processor, vectors, cores, memory, ffmpeg, gstreamer } = self;
        format!("{processor} ({}), {cores} cores, {memory} GiB; {ffmpeg}; {gstreamer}", vectors.join(", "))
    }
}

/// The first line a program writes.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("not installed").to_string()
}
