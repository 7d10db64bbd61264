//! `frame_sink` [video]: pictures as numbered PNG files in a folder.

use super::file::check_folder;
use super::picture::png;
use crate::part_file::{FileError, part_of};
use engine::frame::VideoFrame;
use engine::node::{Cx, Flow, In, Node, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::{fs, io};

const VIDEO: In<VideoFrame> = In::new("video");

/// The node's entry in the registry.
pub const FRAME_SINK: NodeType = NodeType {
    name: "frame_sink",
    family: "outputs",
    revision: 1,
    summary: "Pictures as numbered PNG files in a folder",
    inputs: &[VIDEO.port("pictures; behind playout there is one at every tick")],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<FrameSinkConfig>("{ path: frames, every: 30 }"),
};

/// Settings of `frame_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameSinkConfig {
    /// The folder. It is made anew, as `frame_00000.png`, `frame_00001.png` …; one that holds nothing but such files is replaced.
    path: PathBuf,
    /// Keeps the first of this many pictures, 1 to 1000000.
    #[serde(default = "all")]
    every: u32,
}

fn all() -> u32 {
    1
}

impl NodeConfig for FrameSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match self.every {
            1..=1_000_000 => Ok(()),
            every => Err(format!("every is {every}; it goes from 1 (all pictures) to 1000000")),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_folder(&self.path)?;
        let shown = self.path.display();
        if self.path.exists() && !self.path.is_dir() {
            return Err(format!("{shown} is a file; name a folder for the pictures"));
        }
        match foreign(&self.path) {
            Ok(None) => Ok(()),
            Ok(Some(name)) => Err(format!("the folder {shown} holds other files (such as {name}); name an empty or a new folder")),
            Err(error) => Err(format!("the folder {shown} cannot be read ({error}); name another one")),
        }
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(FrameSink { config: self, folder: None, seen: 0, written: 0 }))
    }
}

struct FrameSink {
    config: FrameSinkConfig,
    folder: Option<PartFolder>,
    seen: u64,
    written: u64,
}

impl Node for FrameSink {
    fn start(&mut self, _: &mut Start<'_>) -> Result {
        self.folder = Some(PartFolder::create(&self.config.path)?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let (Some(packet), Some(folder)) = (cx.take(VIDEO), &self.folder) else { return Ok(Flow::More) };
        if self.seen.is_multiple_of(self.config.every.into()) {
            let path = folder.part.join(name(self.written));
            fs::write(&path, png(&packet.media)?).map_err(FileError::write(&path))?;
            self.written += 1;
        }
        self.seen += 1;
        Ok(Flow::More)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result {
        match self.folder.take() {
            Some(folder) => Ok(folder.keep()?),
            None => Ok(()),
        }
    }
}

fn name(number: u64) -> String {
    format!("frame_{number:05}.png")
}

fn is_frame(name: &str) -> bool {
    name.strip_prefix("frame_").and_then(|rest| rest.strip_suffix(".png")).is_some_and(|n| n.parse().is_ok_and(|n| self::name(n) == name))
}

/// A folder at `PATH.part` that goes to `PATH` when it is kept. Dropped before, it is removed.
struct PartFolder {
    part: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl PartFolder {
    fn create(path: &Path) -> std::result::Result<PartFolder, FileError> {
        let part = part_of(path, ".part");
        remove(&part).and_then(|()| fs::create_dir(&part)).map_err(FileError::create(&part))?;
        Ok(PartFolder { part, path: path.to_path_buf(), kept: false })
    }

    fn keep(mut self) -> std::result::Result<(), FileError> {
        remove(&self.path).and_then(|()| fs::rename(&self.part, &self.path)).map_err(FileError::keep(&self.path))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for PartFolder {
    fn drop(&mut self) {
        if !self.kept {
            let _ = remove(&self.part);
        }
    }
}

/// Removes a folder of frames, if it is there. Other files are never touched: with one inside, nothing is removed.
fn remove(folder: &Path) -> io::Result<()> {
    if let Some(name) = foreign(folder)? {
        return Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, format!("it holds other files, such as {name}")));
    }
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    fs::remove_dir(folder)
}

/// The name of something in the folder that is no frame of ours.
fn foreign(folder: &Path) -> io::Result<Option<String>> {
    if !folder.exists() {
        return Ok(None);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_frame(&name) || !entry.file_type()?.is_file() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, moving_pictures};
    use engine::frame::Size;
    use engine::testing::NodeTest;
    use engine::time::{Span, Time};

    fn run(path: &Path, every: u32, count: i64) -> Result<engine::testing::Outputs> {
        let settings = format!("{{ path: {}, every: {every} }}", path.display());
        let pictures = moving_pictures(Size::new(320, 180), count);
        NodeTest::new(&FRAME_SINK, &settings).input(VIDEO, pictures, Time::ZERO + Span::SECOND).run()
    }

    fn files(path: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_third_picture_is_kept_and_its_pixels_are_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        run(&path, 1, 9).unwrap();
        run(&path, 3, 7).unwrap();
        assert_eq!(files(&path), ["frame_00000.png", "frame_00001.png", "frame_00002.png"], "the earlier nine are gone");
        assert_eq!(files(folder.path()), ["frames"], "no part is left");
        let picture = image::open(path.join("frame_00001.png")).unwrap().into_rgb8();
        assert_eq!((picture.width(), picture.height()), (320, 180));
        let expected = frame_rgb(&moving_pictures(Size::new(320, 180), 4)[3].media);
        assert_eq!(picture.into_raw(), expected);
    }

    fn frame_rgb(frame: &VideoFrame) -> Vec<u8> {
        crate::pixels::frame_to_rgba(frame).chunks(4).flat_map(|pixel| pixel[..3].to_vec()).collect()
    }

    #[test]
    fn other_files_are_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("frame_1.png"), "mine").unwrap();
        let settings = format!("{{ path: {} }}", path.display());
        assert!(config(&FRAME_SINK, &settings).1.unwrap_err().contains("holds other files (such as frame_1.png)"));
        assert!(run(&path, 1, 2).map(drop).unwrap_err().to_string().contains("put the finished output at"));
        assert_eq!(files(&path), ["frame_1.png"]);
        assert_eq!(files(folder.path()), ["frames"], "and the part is gone");
        assert!(config(&FRAME_SINK, "{ path: frames, every: 0 }").0.unwrap_err().contains("from 1"));
    }
}
