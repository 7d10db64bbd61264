//! What a film looks like, by name: the one table of `--quality`, and the names of `--size`.

use crate::graphs::GraphFile;
use clap::{Args, ValueEnum};
use engine::graph::unit::FrameSize;

/// How much work a film is given. The other names of each are those of other systems, for whom they are priorities and presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Quality {
    /// 854x480, 25 a second: the least work, for old machines and thin lines.
    #[value(alias = "fast_low_memory")]
    Minimal,
    /// 1280x720, 25 a second: quick, and small enough to be sent.
    #[value(aliases = ["speed", "cpu_optimized"])]
    Fast,
    /// 1280x720, 30 a second: as without the option.
    #[value(alias = "balanced")]
    Standard,
    /// 1920x1080, 30 a second: finer quantizer and a slower, more thorough encoder.
    #[value(aliases = ["quality", "high_quality"])]
    High,
}

impl Quality {
    /// By any of its names.
    pub fn named(name: &str) -> Option<Quality> {
        Quality::from_str(name, false).ok()
    }

    /// As the command line says it.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
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

/// The sound is the same in all of them: AAC, stereo, 48 kHz, as good as [`Sound`] says.
const TABLE: [Row; 4] = [
    Row { quality: Quality::Minimal, size: "854x480", fps: 25, preset: "superfast", crf: 26, bitrate: "900k" },
    Row { quality: Quality::Fast, size: "1280x720", fps: 25, preset: "superfast", crf: 23, bitrate: "2000k" },
    Row { quality: Quality::Standard, size: "1280x720", fps: 30, preset: "veryfast", crf: 20, bitrate: "2500k" },
    Row { quality: Quality::High, size: "1920x1080", fps: 30, preset: "medium", crf: 18, bitrate: "5000k" },
];

/// Names of sizes.
const SIZES: [(&str, &str); 3] = [("sd", "640x480"), ("hd", "1280x720"), ("fullhd", "1920x1080")];

/// How good the sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sound {
    /// 96 kbit/s: speech, for thin lines.
    Basic,
    /// 192 kbit/s: as without the option.
    Standard,
    /// 320 kbit/s: music, too.
    High,
}

impl Sound {
    /// Of AAC.
    fn bitrate(self) -> &'static str {
        match self {
            Sound::Basic => "96k",
            Sound::Standard => "192k",
            Sound::High => "320k",
        }
    }
}

/// What the pictures are like, and the sound.
#[derive(Args, Clone, Debug, Default)]
pub struct PictureOptions {
    /// Size, rate and care by name; --size and --set are stronger.
    #[arg(long, value_name = "NAME", value_enum)]
    quality: Option<Quality>,
    /// Bit rate of the sound by name: 96, 192 or 320 kbit/s; --set sound_bitrate= is stronger.
    #[arg(long, value_name = "NAME", value_enum)]
    sound: Option<Sound>,
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
        let sound = self.sound.iter().map(|sound| ("sound_bitrate", sound.bitrate().to_string(), "sound"));
        let watermark = self.watermark.iter().map(|mark| ("watermark", mark.clone(), "watermark"));
        row.into_iter().flatten().chain(size).chain(sound).chain(watermark)
    }

    /// The profile of the graph that is needed.
    pub fn profile(&self) -> Option<&'static str> {
        self.watermark.as_ref().map(|_| "watermark")
    }
}

/// The pictures that somebody asks for, by the name of a quality, or by a size, which is stronger; `None` where they say nothing of it.
pub fn asked(quality: Option<&str>, size: Option<&str>) -> Option<FrameSize> {
    let by_quality = || TABLE.iter().find(|row| Some(row.quality) == quality.and_then(Quality::named)).map(|row| row.size);
    let by_name = size.map(|size| SIZES.iter().find(|(name, _)| *name == size).map_or(size, |(_, pixels)| *pixels));
    by_name.or_else(by_quality)?.parse().ok()
}

/// What is made of pictures where none may be larger than `largest`, upright ones neither; `None`: they may stay as they are.
pub fn within(asked: FrameSize, (long, short): (u32, u32)) -> Option<FrameSize> {
    let FrameSize { width, height } = asked;
    let (long, short) = if width >= height { (long, short) } else { (short, long) };
    let part = (f64::from(long) / f64::from(width)).min(f64::from(short) / f64::from(height));
    // Both sides stay even.
    let side = |side: u32| (((f64::from(side) * part / 2.0).round() as u32) * 2).max(2);
    (part < 1.0).then(|| FrameSize { width: side(width), height: side(height) })
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
        PictureOptions { quality, size: size.map(String::from), ..PictureOptions::default() }.variables(&GraphFile::new(None)).collect()
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
    fn names_of_other_systems_mean_qualities() {
        for (quality, names) in [
            (Quality::Minimal, &["minimal", "fast_low_memory"][..]),
            (Quality::Fast, &["fast", "speed", "cpu_optimized"]),
            (Quality::Standard, &["standard", "balanced"]),
            (Quality::High, &["high", "quality", "high_quality"]),
        ] {
            assert!(names.iter().all(|name| Quality::named(name) == Some(quality)), "{names:?}");
            assert_eq!(quality.name(), names[0]);
        }
        assert_eq!(Quality::named("best"), None);
    }

    #[test]
    fn the_sound_has_three_rates_and_the_standard_changes_nothing() {
        let graph = GraphFile::new(None);
        let rate = |sound| {
            let options = PictureOptions { sound: Some(sound), ..PictureOptions::default() };
            options.variables(&graph).next().map(|(name, value, _)| (name, value))
        };
        let rates = [Sound::Basic, Sound::Standard, Sound::High].map(|sound| rate(sound).unwrap());
        assert_eq!(rates.each_ref().map(|(_, rate)| rate.as_str()), ["96k", "192k", "320k"]);
        assert_eq!(graph.variable(rates[1].0).as_deref(), Some(rates[1].1.as_str()));
    }

    #[test]
    fn pictures_keep_their_proportions_when_they_are_too_large() {
        let fits = |size: &str, largest| within(size.parse().unwrap(), largest).map(|size| size.to_string());
        let small = (1280, 720);
        assert_eq!(fits("1280x720", small), None);
        assert_eq!(fits("720x1280", small), None);
        assert_eq!(fits("1920x1080", small).as_deref(), Some("1280x720"));
        assert_eq!(fits("1080x1920", small).as_deref(), Some("720x1280"));
        assert_eq!(fits("1024x768", small).as_deref(), Some("960x720"));
        assert_eq!(fits("8192x2", small).as_deref(), Some("1280x2"));
        assert_eq!(fits("3840x2160", (1920, 1080)).as_deref(), Some("1920x1080"));
    }

    #[test]
    fn a_job_says_how_large_its_pictures_are_or_does_not() {
        let size = |quality, size| asked(quality, size).map(|size| size.to_string());
        assert_eq!(size(Some("high"), None).as_deref(), Some("1920x1080"));
        assert_eq!(size(Some("high"), Some("sd")).as_deref(), Some("640x480"));
        assert_eq!(size(None, Some("1600x900")).as_deref(), Some("1600x900"));
        assert_eq!((size(None, None), size(None, Some("none"))), (None, None));
    }

    #[test]
    fn sizes_have_names() {
        assert_eq!(["sd", "hd", "fullhd", "854x480"].map(|text| size(text).unwrap()), ["640x480", "1280x720", "1920x1080", "854x480"]);
        assert!(size("853x480").unwrap_err().contains("854x480"));
        assert!(size("huge").unwrap_err().contains("sd, hd and fullhd"));
    }
}
