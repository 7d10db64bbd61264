//! `frame_folder` [-> video]: a film kept as numbered PNG pictures in a folder.

use super::picture_size::PictureSize;
use crate::lesson::{MAX_PIXELS, numbered};
use crate::pixels::{Alpha, rgba_to_a420, rgba_to_i420};
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::graph::unit::FrameRate;
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Failure, Flow, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Rate, Time};
use image::{ImageDecoder, ImageFormat, ImageReader, Limits};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};

const VIDEO: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const FRAME_FOLDER: NodeType = NodeType {
    name: "frame_folder",
    family: "slides",
    revision: 1,
    summary: "A film kept as numbered PNG pictures in a folder",
    inputs: &[],
    outputs: &[VIDEO.port("one picture a frame time; with alpha when the first one has it")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<FrameFolderConfig>("{ folder: frames, fps: 30, size: keep }"),
};

/// Settings of `frame_folder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameFolderConfig {
    /// The folder. Its PNG files have one name but for the number (`frame_0001.png`, or just `1.png`), without gaps; they have one
    /// size with even sides. Other files are left alone.
    folder: PathBuf,
    /// Pictures a second; the graph's when left out.
    fps: Option<FrameRate>,
    /// How large the pictures become.
    #[serde(default)]
    size: PictureSize,
}

impl NodeConfig for FrameFolderConfig {
    fn check_env(&self) -> std::result::Result<(), String> {
        numbered(&self.folder).map(drop).map_err(|error| error.to_string())
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let rate = self.fps.map_or(defaults.fps, |fps| fps.0);
        Ok(Box::new(FrameFolder { config: self, rate, graph: defaults.size, film: None, pool: Pool::new(), index: 0, from: Time::ZERO }))
    }
}

/// Why the pictures cannot be shown.
#[derive(Debug, thiserror::Error)]
enum FolderError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be read as a PNG picture: {cause}", path.display())]
    Damaged { path: PathBuf, cause: String },
    #[error("{} is {found}, but the film began with {first}; export all frames alike", path.display())]
    Differs { path: PathBuf, found: String, first: String },
}

struct FrameFolder {
    config: FrameFolderConfig,
    rate: Rate,
    graph: Size,
    film: Option<Film>,
    pool: Pool,
    index: usize,
    /// After a flush: where the next picture is stated, if it began before.
    from: Time,
}

struct Film {
    files: Vec<PathBuf>,
    size: Size,
    format: PixelFormat,
}

impl Node for FrameFolder {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let files = numbered(&self.config.folder)?;
        let decoder = open(&files[0])?;
        let (width, height) = decoder.dimensions();
        let size = Size::new(width, height);
        if !size.is_even() {
            let even = Size::new(width.next_multiple_of(2), height.next_multiple_of(2));
            return Err(Failure::msg(format!("{} is {size}; both sides must be even: export the frames as {even}", files[0].display())));
        }
        let format = if decoder.color_type().has_alpha() { PixelFormat::A420 } else { PixelFormat::I420 };
        let target = self.config.size.target(size, format, self.graph);
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format, size: target, rate: self.rate }));
        start.expect_end(self.rate.time_of(files.len() as i64));
        self.film = Some(Film { files, size, format });
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let film = self.film.as_ref().expect("started before it is called");
        let time = self.rate.time_of(self.index as i64);
        let Some(path) = film.files.get(self.index) else {
            cx.settle(VIDEO, time);
            return Ok(Flow::Done);
        };
        let frame = self.config.size.apply(film.read(path, &self.pool)?, self.graph, &self.pool)?;
        let frame = VideoFrame { seq: self.index as u64, ..frame };
        self.index += 1;
        let from = time.max(self.from);
        cx.emit(VIDEO, Packet::lasting(from, time + self.rate.interval() - from, frame));
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        self.index = self.index.min(self.rate.index_at(cut).max(0) as usize);
        self.from = cut;
    }
}

impl Film {
    fn read(&self, path: &Path, pool: &Pool) -> Result<VideoFrame> {
        let decoder = open(path)?;
        let (width, height) = decoder.dimensions();
        let size = Size::new(width, height);
        let differs = |found: String, first: String| FolderError::Differs { path: path.into(), found, first };
        if size != self.size {
            return Err(differs(size.to_string(), self.size.to_string()).into());
        }
        let damaged = |error: image::ImageError| FolderError::Damaged { path: path.into(), cause: error.to_string() };
        let rgba = image::DynamicImage::from_decoder(decoder).map_err(damaged)?.into_rgba8().into_raw();
        match self.format {
            PixelFormat::A420 => Ok(rgba_to_a420(&rgba, size, Alpha::Straight, pool)?),
            PixelFormat::I420 if rgba.as_chunks::<4>().0.iter().any(|pixel| pixel[3] != 255) => {
                Err(differs("partly transparent".into(), "opaque pictures".into()).into())
            }
            PixelFormat::I420 => Ok(rgba_to_i420(&rgba, size, pool)?),
        }
    }
}

fn open(path: &Path) -> std::result::Result<impl ImageDecoder + use<>, FolderError> {
    let file = std::fs::File::open(path).map_err(|source| FolderError::Read { path: path.into(), source })?;
    let mut reader = ImageReader::with_format(std::io::BufReader::new(file), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| FolderError::Damaged { path: path.into(), cause: error.to_string() })?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        let cause = format!("it has {width}x{height} pixels; the limit is {} megapixels", MAX_PIXELS / 1_000_000);
        return Err(FolderError::Damaged { path: path.into(), cause });
    }
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::testing::{NodeTest, Outputs};

    /// A folder of small pictures, each of one colour, by name.
    fn folder(files: &[(&str, [u8; 4])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, color) in files {
            let path = dir.path().join(name);
            match color[3] {
                255 => image::RgbImage::from_pixel(32, 18, image::Rgb([color[0], color[1], color[2]])).save(path).unwrap(),
                _ => image::RgbaImage::from_pixel(32, 18, image::Rgba(*color)).save(path).unwrap(),
            }
        }
        dir
    }

    fn run(dir: &tempfile::TempDir, rest: &str) -> Result<Outputs> {
        NodeTest::new(&FRAME_FOLDER, &format!("{{ folder: {}, {rest} }}", dir.path().display())).run()
    }

    fn refused(files: &[&str]) -> String {
        let files: Vec<(&str, [u8; 4])> = files.iter().map(|name| (*name, [9, 9, 9, 255])).collect();
        run(&folder(&files), "").err().expect("refused").to_string()
    }

    fn grey(level: u8) -> [u8; 4] {
        [level, level, level, 255]
    }

    #[test]
    fn frames_come_by_number_at_exact_times() {
        let dir = folder(&[("f10.png", grey(255)), ("f9.png", grey(0)), ("f11.PNG", grey(255))]);
        std::fs::write(dir.path().join("notes.txt"), "not a frame").unwrap();
        let out = run(&dir, "fps: 30000/1001, size: keep").unwrap();
        let frames = out.packets(VIDEO);
        let rate = Rate::new(30_000, 1001).unwrap();
        let luma: Vec<u8> = frames.iter().map(|frame| frame.media.picture.plane(0).data[0]).collect();
        assert_eq!(luma, [16, 235, 235]);
        assert!(
            frames
                .iter()
                .enumerate()
                .all(|(i, frame)| frame.pts == rate.time_of(i as i64) && frame.end() == Some(rate.time_of(i as i64 + 1)))
        );
        assert_eq!(out.end(VIDEO), Some(rate.time_of(3)));
        assert_eq!(frames[0].media.size(), Size::new(32, 18));
        assert_eq!(out.caps[0], Some(Caps::Video(VideoCaps { format: PixelFormat::I420, size: Size::new(32, 18), rate })));
    }

    #[test]
    fn pictures_are_fitted_into_the_graph_and_keep_their_alpha() {
        let dir = folder(&[("1.png", [200, 0, 0, 0]), ("2.png", [200, 0, 0, 128])]);
        let out = run(&dir, "").unwrap();
        let frames = out.packets(VIDEO);
        assert_eq!((frames[1].media.format(), frames[1].media.size()), (PixelFormat::A420, Size::new(320, 180)));
        assert_eq!((frames[0].media.picture.plane(3).data[7], frames[1].media.picture.plane(3).data[7]), (0, 128));
        let opaque = run(&folder(&[("1.png", grey(255))]), "").unwrap().packets(VIDEO);
        assert_eq!(opaque[0].media.size(), Size::new(320, 180));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused(&["f1.png", "f2.png", "f4.png"]).contains("picture 3 is missing"));
        assert!(refused(&["f1.png", "g2.png"]).contains("different films"));
        assert!(refused(&["f1.png", "f01.png"]).contains("same number"));
        assert!(refused(&["f1.png", "title.png"]).contains("title.png has no number"));
        assert!(refused(&[]).contains("holds no numbered .png"));
        let nowhere = NodeTest::new(&FRAME_FOLDER, "{ folder: /nowhere/at/all }").run().err().unwrap().to_string();
        assert!(nowhere.contains("cannot read /nowhere/at/all"), "{nowhere}");
        let dir = folder(&[("1.png", grey(3)), ("2.png", [1, 2, 3, 4])]);
        assert!(run(&dir, "").err().unwrap().to_string().contains("2.png is partly transparent"));
        std::fs::write(dir.path().join("2.png"), b"\x89PNG\r\n\x1a\nrubbish").unwrap();
        assert!(run(&dir, "").err().unwrap().to_string().contains("2.png cannot be read as a PNG"));
        image::RgbImage::new(34, 18).save(dir.path().join("2.png")).unwrap();
        assert!(run(&dir, "").err().unwrap().to_string().contains("2.png is 34x18, but the film began with 32x18"));
        image::RgbImage::new(33, 18).save(dir.path().join("1.png")).unwrap();
        assert!(run(&dir, "").err().unwrap().to_string().contains("34x18"));
    }
}
