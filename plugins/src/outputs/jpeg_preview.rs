//! `jpeg_preview` [video]: a JPEG now and then, to look at what is going on.

use super::file::{check_file, ending};
use super::picture::jpeg;
use crate::part_file::PartFile;
use crate::pixels::letterbox;
use engine::frame::{Size, VideoFrame};
use engine::graph::unit::{DurationSetting, FrameSize};
use engine::node::{Cx, Flow, In, Node, Result};
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

const VIDEO: In<VideoFrame> = In::new("video");

/// The node's entry in the registry.
pub const JPEG_PREVIEW: NodeType = NodeType {
    name: "jpeg_preview",
    family: "outputs",
    revision: 1,
    summary: "A JPEG now and then, to look at what is going on",
    inputs: &[VIDEO.port("pictures, perhaps sparse")],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<JpegPreviewConfig>("{ path: preview.jpg, every: 1s, size: 640x360 }"),
};

/// Settings of `jpeg_preview`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JpegPreviewConfig {
    /// The file, ending in `.jpg` or `.jpeg`.
    path: PathBuf,
    /// One picture for each such stretch of the programme: the first that comes in it. From 10ms.
    #[serde(default = "one_second")]
    every: DurationSetting,
    /// What stays: `latest` overwrites the one file; `all` writes `NAME_00000.jpg`, `NAME_00001.jpg` …, numbered by the stretch.
    #[serde(default)]
    keep: Keep,
    /// Scales pictures to fit into this size, with black bars where the proportions differ. Without it they stay as they come.
    size: Option<FrameSize>,
    /// JPEG quality, 1 to 100.
    #[serde(default = "good")]
    quality: u8,
}

/// Which previews stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Keep {
    /// Only the last one.
    #[default]
    Latest,
    /// Each in a file of its own.
    All,
}

fn one_second() -> DurationSetting {
    DurationSetting(Span::SECOND)
}
fn good() -> u8 {
    85
}

impl NodeConfig for JpegPreviewConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if ending(&self.path, &["jpg", "jpeg"]).is_none() {
            return Err(format!("path {} is no JPEG file; let it end in .jpg", self.path.display()));
        }
        if self.every.0 < Span::from_millis(10) {
            return Err(format!("every is {}; it must be 10ms at least", self.every));
        }
        match self.quality {
            1..=100 => Ok(()),
            quality => Err(format!("quality is {quality}; it goes from 1 to 100")),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_file(&self.path)
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(JpegPreview { config: self, pool: Pool::new(), next: 0 }))
    }
}

struct JpegPreview {
    config: JpegPreviewConfig,
    pool: Pool,
    /// The first stretch that has no picture yet.
    next: i64,
}

impl JpegPreview {
    fn path(&self, stretch: i64) -> PathBuf {
        let path = &self.config.path;
        match (self.config.keep, path.file_stem(), path.extension()) {
            (Keep::All, Some(stem), Some(extension)) => {
                path.with_file_name(format!("{}_{stretch:05}.{}", stem.to_string_lossy(), extension.to_string_lossy()))
            }
            _ => path.clone(),
        }
    }
}

impl Node for JpegPreview {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(packet) = cx.take(VIDEO) else { return Ok(Flow::More) };
        let stretch = stretch_of(packet.pts, self.config.every.0);
        if stretch < self.next {
            return Ok(Flow::More);
        }
        self.next = stretch + 1;
        let frame = match self.config.size {
            Some(FrameSize { width, height }) => letterbox(&packet.media, Size::new(width, height), &self.pool)?,
            None => packet.media,
        };
        let mut file = PartFile::create(&self.path(stretch))?;
        file.write(&jpeg(&frame, self.config.quality)?)?;
        file.publish()?;
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        self.next = self.next.min(stretch_of(cut, self.config.every.0));
    }
}

fn stretch_of(time: Time, every: Span) -> i64 {
    time.0.div_euclid(every.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, moving_pictures};
    use engine::testing::NodeTest;

    fn run(settings: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!("{{ path: {}, {settings} }}", folder.path().join("p.jpg").display());
        // 2.5 s, of which the pictures from 1 s to 2 s are held.
        let mut pictures = moving_pictures(Size::new(320, 180), 75);
        pictures.retain(|picture| stretch_of(picture.pts, Span::SECOND) != 1);
        NodeTest::new(&JPEG_PREVIEW, &settings).input(VIDEO, pictures, Time::ZERO + Span::from_millis(2500)).run().unwrap();
        folder
    }

    fn files(folder: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_latest_picture_is_in_the_one_file() {
        let folder = run("every: 1s");
        assert_eq!(files(&folder), ["p.jpg"]);
        let picture = image::open(folder.path().join("p.jpg")).unwrap().into_luma8();
        let expected = &moving_pictures(Size::new(320, 180), 61)[60].media;
        let luma = expected.picture.plane(0);
        let error = |x: usize| {
            let full = (f64::from(luma.data[90 * luma.stride + x]) - 16.0) * 255.0 / 219.0;
            (f64::from(picture.get_pixel(x as u32, 90)[0]) - full).abs()
        };
        let mean = (0..320).map(error).sum::<f64>() / 320.0;
        assert!(mean < 3.0, "{mean}");
    }

    #[test]
    fn all_pictures_are_numbered_by_their_stretch_and_scaled() {
        let folder = run("every: 500ms, keep: all, size: 160x120");
        assert_eq!(files(&folder), ["p_00000.jpg", "p_00001.jpg", "p_00004.jpg"]);
        let picture = image::open(folder.path().join("p_00004.jpg")).unwrap().into_luma8();
        assert_eq!((picture.width(), picture.height()), (160, 120));
        assert!(picture.get_pixel(80, 2)[0] < 8, "a bar above");
    }

    #[test]
    fn bad_settings_are_told() {
        let wrong = |settings: &str| config(&JPEG_PREVIEW, settings).0.unwrap_err();
        assert!(wrong("{ path: a.png }").contains("end in .jpg"));
        assert!(wrong("{ path: a.jpg, every: 1ms }").contains("10ms at least"));
        assert!(wrong("{ path: a.jpg, quality: 0 }").contains("1 to 100"));
    }
}
