//! `y4m_source` [-> video]: an uncompressed film in a Y4M file, read picture by picture.
//!
//! Format: <https://wiki.multimedia.cx/index.php/YUV4MPEG2>. Colours are taken as BT.709 in limited range, whatever the siting of chroma.

use super::picture_size::PictureSize;
use crate::lesson::MAX_PIXELS;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Flow, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Rate, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const VIDEO: Out<VideoFrame> = Out::new("video");
/// A longer header line is none.
const LONGEST_LINE: u64 = 4096;

/// The node's entry in the registry.
pub const Y4M_SOURCE: NodeType = NodeType {
    name: "y4m_source",
    family: "slides",
    revision: 1,
    summary: "An uncompressed film in a Y4M file",
    inputs: &[],
    outputs: &[VIDEO.port("its pictures, opaque, at the file's rate")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<Y4mSourceConfig>("{ path: presenter.y4m, size: keep }"),
};

/// Settings of `y4m_source`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Y4mSourceConfig {
    /// The file: 4:2:0 with 8 bits, progressive, limited range, even sides.
    path: PathBuf,
    /// How large the pictures become.
    #[serde(default)]
    size: PictureSize,
}

impl NodeConfig for Y4mSourceConfig {
    fn check_env(&self) -> std::result::Result<(), String> {
        match self.path.is_file() {
            true => Ok(()),
            false => Err(format!("there is no file {}", self.path.display())),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Y4mSource { config: self, graph: defaults.size, film: None, pool: Pool::new(), index: 0, from: Time::ZERO }))
    }
}

/// Why a film cannot be shown.
#[derive(Debug, thiserror::Error)]
enum Y4mError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is no Y4M film: {cause}", path.display())]
    Damaged { path: PathBuf, cause: String },
    #[error("{} {what}; convert it: ffmpeg -i FILE -pix_fmt yuv420p {remedy}-f yuv4mpegpipe NEW.y4m", path.display())]
    Unsupported { path: PathBuf, what: String, remedy: &'static str },
    #[error("{} breaks off in picture {picture}; write it again", path.display())]
    CutOff { path: PathBuf, picture: u64 },
}

struct Y4mSource {
    config: Y4mSourceConfig,
    graph: Size,
    film: Option<Film>,
    pool: Pool,
    index: u64,
    /// After a flush: where the next picture is stated, if it began before.
    from: Time,
}

struct Film {
    path: PathBuf,
    file: BufReader<File>,
    /// Where each picture so far begins in the file.
    positions: Vec<u64>,
    size: Size,
    rate: Rate,
}

impl Node for Y4mSource {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let film = Film::open(&self.config.path)?;
        let size = self.config.size.target(film.size, PixelFormat::I420, self.graph);
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format: PixelFormat::I420, size, rate: film.rate }));
        self.film = Some(film);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let film = self.film.as_mut().expect("started before it is called");
        let (time, interval) = (film.rate.time_of(self.index as i64), film.rate.interval());
        let Some(frame) = film.read(self.index, &self.pool)? else {
            cx.settle(VIDEO, time);
            return Ok(Flow::Done);
        };
        let frame = self.config.size.apply(frame, self.graph, &self.pool)?;
        let from = time.max(self.from);
        cx.emit(VIDEO, Packet::lasting(from, time + interval - from, VideoFrame { seq: self.index, ..frame }));
        self.index += 1;
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        if let Some(film) = &self.film {
            self.index = self.index.min(film.rate.index_at(cut).max(0) as u64);
            self.from = cut;
        }
    }
}

impl Film {
    /// Opens a file and reads its header.
    fn open(path: &Path) -> std::result::Result<Film, Y4mError> {
        let read = |source| Y4mError::Read { path: path.into(), source };
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(read)?);
        let damaged = |cause: String| Y4mError::Damaged { path: path.into(), cause };
        let header = line(&mut file).map_err(read)?;
        let Some(parameters) = header.as_deref().and_then(|header| header.strip_prefix("YUV4MPEG2")) else {
            return Err(damaged("it does not begin with YUV4MPEG2".into()));
        };
        let unsupported = |what: String, remedy| Y4mError::Unsupported { path: path.into(), what, remedy };
        let (mut width, mut height, mut rate) = (0, 0, None);
        for parameter in parameters.split_ascii_whitespace() {
            let Some((tag, value)) = parameter.split_at_checked(1) else { continue };
            let number = || value.parse::<u32>().map_err(|_| damaged(format!("its header says {parameter:?}, which is no size")));
            match tag {
                "W" => width = number()?,
                "H" => height = number()?,
                "F" => rate = value.split_once(':').and_then(|(num, den)| Rate::new(num.parse().ok()?, den.parse().ok()?)),
                "I" if !matches!(value, "p" | "?") => return Err(unsupported(format!("is interlaced (I{value})"), "-vf yadif ")),
                "C" if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                    return Err(unsupported(format!("has pixels of the kind C{value}; only 4:2:0 with 8 bits is read"), ""));
                }
                "X" if value == "COLORRANGE=FULL" => {
                    return Err(unsupported("has colours in full range".into(), "-vf scale=out_range=tv "));
                }
                _ => {}
            }
        }
        let size = Size::new(width, height);
        let Some(rate) = rate else { return Err(damaged("its header has no frame rate that can be timed exactly, such as F30:1".into())) };
        if width == 0 || height == 0 || size.area() > MAX_PIXELS {
            return Err(damaged(format!("its header says {size} pixels")));
        }
        if !size.is_even() {
            return Err(unsupported(
                format!("has pictures of {size}, and both sides must be even"),
                "-vf crop=trunc(iw/2)*2:trunc(ih/2)*2 ",
            ));
        }
        Ok(Film { path: path.into(), file, positions: Vec::new(), size, rate })
    }

    /// The next picture, which is number `index` from 0; `None` at the end.
    fn read(&mut self, index: u64, pool: &Pool) -> std::result::Result<Option<VideoFrame>, Y4mError> {
        let failed = |path: &Path, source: std::io::Error| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => Y4mError::CutOff { path: path.into(), picture: index + 1 },
            _ => Y4mError::Read { path: path.into(), source },
        };
        match self.positions.get(index as usize) {
            // The film goes on somewhere else than where it was read last.
            Some(position) => drop(self.file.seek(SeekFrom::Start(*position)).map_err(|error| failed(&self.path, error))?),
            None => self.positions.push(self.file.stream_position().map_err(|error| failed(&self.path, error))?),
        }
        match line(&mut self.file).map_err(|error| failed(&self.path, error))?.as_deref() {
            None => return Ok(None),
            Some(header) if header == "FRAME" || header.starts_with("FRAME ") => {}
            Some(_) => {
                let cause = format!("picture {} does not begin with FRAME", index + 1);
                return Err(Y4mError::Damaged { path: self.path.clone(), cause });
            }
        }
        let mut frame = pool.blank(PixelFormat::I420, self.size);
        let layout = frame.layout();
        let bytes = frame.bytes_mut();
        for p in 0..layout.planes() {
            let (stride, width) = (layout.stride(p), layout.plane_size(p).width as usize);
            for row in bytes[layout.offset(p)..layout.offset(p + 1)].chunks_exact_mut(stride) {
                self.file.read_exact(&mut row[..width]).map_err(|error| failed(&self.path, error))?;
            }
        }
        Ok(Some(frame.freeze()))
    }
}

/// A line without its end; `None` at the end of the file. What is too long or no text comes out as a line that means nothing.
fn line(file: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    file.take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.pop_if(|last| *last == b'\n');
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::testing::{NodeTest, Outputs};

    /// A film of pictures of one level each.
    fn film(header: &str, size: (usize, usize), levels: &[u8]) -> Vec<u8> {
        let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
        for (i, level) in levels.iter().enumerate() {
            bytes.extend(if i == 0 { &b"FRAME\n"[..] } else { b"FRAME Ip\n" });
            bytes.extend(std::iter::repeat_n(*level, size.0 * size.1));
            bytes.extend(std::iter::repeat_n(100, size.0 * size.1 / 4));
            bytes.extend(std::iter::repeat_n(150, size.0 * size.1 / 4));
        }
        bytes
    }

    fn run(bytes: &[u8], size: &str) -> Result<Outputs> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.y4m");
        std::fs::write(&path, bytes).unwrap();
        NodeTest::new(&Y4M_SOURCE, &format!("{{ path: {}, size: {size} }}", path.display())).run()
    }

    #[test]
    fn pictures_come_at_the_files_rate_with_padded_rows() {
        // Chroma rows of 5 bytes lie 8 apart.
        let out = run(&film("W10 H6 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG", (10, 6), &[40, 50, 60]), "keep").unwrap();
        let frames = out.packets(VIDEO);
        let rate = Rate::per_second(25);
        assert_eq!(out.end(VIDEO), Some(rate.time_of(3)));
        assert_eq!(frames.len(), 3);
        assert_eq!((frames[2].pts, frames[2].dur), (rate.time_of(2), Some(rate.interval())));
        for (p, expected) in [(0, 60), (1, 100), (2, 150)] {
            let plane = frames[2].media.picture.plane(p);
            let rows = plane.data.chunks(plane.stride).map(|row| &row[..plane.size.width as usize]);
            assert!(rows.flatten().all(|level| *level == expected), "plane {p}");
        }
    }

    #[test]
    fn pictures_are_fitted_into_the_graph() {
        let frames = run(&film("W16 H16 F30000:1001", (16, 16), &[200]), "graph").unwrap().packets(VIDEO);
        let luma = frames[0].media.picture.plane(0);
        assert_eq!((frames[0].media.size(), luma.data[0], luma.data[160 + 320 * 90]), (Size::new(320, 180), 16, 200));
    }

    #[test]
    fn what_cannot_be_shown_is_named() {
        let mut cut = film("W8 H8 F25:1", (8, 8), &[1, 2]);
        cut.truncate(cut.len() - 1);
        let mut unframed = film("W8 H8 F25:1", (8, 8), &[1, 2]);
        let second = unframed.len() - 8 * 8 * 3 / 2 - 2;
        unframed[second - 6] = b'X';
        let long = [b"YUV4MPEG2 W8 H8 F25:1 X".to_vec(), vec![b'x'; 10_000]].concat();
        let cases: [(&[u8], &str); 12] = [
            (b"", "does not begin with YUV4MPEG2"),
            (b"RIFF", "does not begin with YUV4MPEG2"),
            (b"YUV4MPEG2 W8 H8\n", "no frame rate"),
            (b"YUV4MPEG2 W8 H8 F0:0\n", "no frame rate"),
            (b"YUV4MPEG2 H8 F25:1\n", "0x8"),
            (b"YUV4MPEG2 W4000000000 H4000000000 F25:1\n", "pixels"),
            (b"YUV4MPEG2 W9 H8 F25:1\n", "even"),
            (b"YUV4MPEG2 W8 H8 F25:1 C444\n", "C444"),
            (b"YUV4MPEG2 W8 H8 F25:1 It\n", "interlaced"),
            (b"YUV4MPEG2 W8 H8 F25:1 XCOLORRANGE=FULL\n", "full range"),
            (&cut, "breaks off in picture 2"),
            (&unframed, "picture 2 does not begin with FRAME"),
        ];
        for (bytes, says) in cases {
            let error = run(bytes, "keep").err().unwrap_or_else(|| panic!("{says}")).to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(run(&long, "keep").is_err());
    }
}
