//! What a film looks like, by name: the one table of `--quality`, and the names of `--size`.

use crate::graphs::GraphFile;
use clap::{Args, ValueEnum};
use engine::graph::unit::FrameSize;

/// How much work a film is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Quality {
    /// 854x480, 25 a second: the least work, for old machines and thin lines.
    Minimal,
    /// 1280x720, 25 a second: quick, and small enough to be sent.
    Fast,
    /// 1280x720, 30 a second: as without the option.
    Standard,
    /// 1920x1080, 30 a second: finer quantizer and a slower, more thorough encoder.
    High,
}

/// A quality in numbers.
struct Row {
    quality: Quality,
    size: &'static str,
    fps: u32,
    /// x264's preset and constant quality, for files.
    preset: &'static str,
    crf: u32,
    /// For what goes live, where the preset is the graph's own.
    bitrate: &'static str,
}

/// The sound is the same in all of them: AAC, 192 kbit/s, stereo, 48 kHz.
const TABLE: [Row; 4] = [
    Row { quality: Quality::Minimal, size: "854x480", fps: 25, preset: "superfast", crf: 26, bitrate: "900k" },
    Row { quality: Quality::Fast, size: "1280x720", fps: 25, preset: "superfast", crf: 23, bitrate: "2000k" },
    Row { quality: Quality::Standard, size: "1280x720", fps: 30, preset: "veryfast", crf: 20, bitrate: "2500k" },
    Row { quality: Quality::High, size: "1920x1080", fps: 30, preset: "medium", crf: 18, bitrate: "5000k" },
];

/// Names of sizes.
const SIZES: [(&str, &str); 3] = [("sd", "640x480"), ("hd", "1280x720"), ("fullhd", "1920x1080")];

/// What the pictures are like.
#[derive(Args, Clone, Debug, Default)]
pub struct PictureOptions {
    /// Size, rate and care by name; --size and --set are stronger.
    #[arg(long, value_name = "NAME", value_enum)]
    quality: Option<Quality>,
    /// Size of the pictures: sd (640x480), hd (1280x720), fullhd (1920x1080) or WIDTHxHEIGHT, both even; --set size= is stronger.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    size: Option<String>,
    /// A mark of origin in the bottom right corner: a text, or a picture file (.png, .svg, .jpg, .webp).
    #[arg(long, value_name = "TEXT|FILE")]
    watermark: Option<String>,
}

impl PictureOptions {
    /// The variables of a graph that were given, the weightiest last, each with the option that gave it. What a quality says beyond size and
    /// rate needs a variable only where the graph has one.
    pub fn variables(&self, file: &GraphFile) -> impl Iterator<Item = (&'static str, String, &'static str)> {
        let row = TABLE.iter().find(|row| Some(row.quality) == self.quality);
        let row = row.map(|&Row { size, fps, preset, crf, bitrate, .. }| {
            let all = [
                ("size", size.into()),
                ("fps", fps.to_string()),
                ("preset", preset.into()),
                ("crf", crf.to_string()),
                ("bitrate", bitrate.into()),
            ];
            all.into_iter()
                .filter(|(name, _)| ["size", "fps"].contains(name) || file.declares(name))
                .map(|(name, value)| (name, value, "quality"))
        });
        let size = self.size.iter().map(|size| ("size", size.clone(), "size"));
        let watermark = self.watermark.iter().map(|mark| ("watermark", mark.clone(), "watermark"));
        row.into_iter().flatten().chain(size).chain(watermark)
    }

    /// The profile of the graph that is needed.
    pub fn profile(&self) -> Option<&'static str> {
        self.watermark.as_ref().map(|_| "watermark")
    }
}

/// A size by name or in pixels.
fn size(text: &str) -> Result<String, String> {
    if let Some((_, size)) = SIZES.iter().find(|(name, _)| *name == text) {
        return Ok(size.to_string());
    }
    match text.parse::<FrameSize>() {
        Ok(size) => Ok(size.to_string()),
        Err(error) => Err(format!("{error}; there are also sd, hd and fullhd")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(quality: Option<Quality>, size: Option<&str>) -> Vec<(&'static str, String, &'static str)> {
        PictureOptions { quality, size: size.map(String::from), watermark: None }.variables(&GraphFile::new(None)).collect()
    }

    #[test]
    fn every_quality_sets_what_the_lecture_has_and_the_standard_changes_nothing() {
        let graph = GraphFile::new(None);
        for row in &TABLE {
            let set = variables(Some(row.quality), None);
            assert!(set.iter().all(|(name, ..)| graph.declares(name)), "{set:?}");
            assert!(size(row.size).is_ok());
        }
        for (name, value, _) in variables(Some(Quality::Standard), None) {
            assert_eq!(graph.variable(name).as_deref(), Some(value.as_str()), "{name}");
        }
    }

    #[test]
    fn a_size_is_stronger_than_a_quality() {
        let set = variables(Some(Quality::High), Some("640x480"));
        let last = set.iter().rfind(|(name, ..)| *name == "size").unwrap();
        assert_eq!((last.1.as_str(), last.2), ("640x480", "size"));
        assert!(variables(None, None).is_empty());
    }

    #[test]
    fn sizes_have_names() {
        assert_eq!(["sd", "hd", "fullhd", "854x480"].map(|text| size(text).unwrap()), ["640x480", "1280x720", "1920x1080", "854x480"]);
        assert!(size("853x480").unwrap_err().contains("854x480"));
        assert!(size("huge").unwrap_err().contains("sd, hd and fullhd"));
    }
}
