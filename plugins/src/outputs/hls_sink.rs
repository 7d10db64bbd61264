//! `hls_sink` [video, audio]: the lecture as HTTP Live Streaming, for any web server that hands out files of a folder.
//!
//! Segments are fragmented MP4, cut at keyframes; `index.m3u8` lists them (RFC 8216, protocol version 7). Every file is there whole or
//! not at all, and the list names a segment only once it is there.

use super::file::check_folder;
use super::tracks::{Tracks, must_be_h264, units};
use crate::mp4::{Fragmenter, MovieSpec, Mp4Error, Run, Synthetic};
use crate::part_file::{self, FileError};
use engine::graph::unit::DurationSetting;
use engine::media::{AudioCodec, EncodedUnit};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

const VIDEO: In<EncodedUnit> = In::new("video");
const AUDIO: In<EncodedUnit> = In::new("audio");

/// The node's entry in the registry.
pub const HLS_SINK: NodeType = NodeType {
    name: "hls_sink",
    family: "outputs",
    revision: 1,
    summary: "The lecture as HLS: a list and segments in a folder",
    inputs: &[VIDEO.port("H.264 units").optional(), AUDIO.port("AAC units").optional()],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<HlsSinkConfig>("{ path: hls, segment: 2s, keep: 10 }"),
};

/// Settings of `hls_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HlsSinkConfig {
    /// The folder; it is made where it is missing. Segments of an earlier lecture in it are removed.
    path: PathBuf,
    /// How long a segment is, 1s to 30s. The encoder's `keyframe_every` must not be longer.
    #[serde(default = "two_seconds")]
    segment: DurationSetting,
    /// So many segments stay listed, at least 3; older ones are removed. Without it all stay, and the lecture can be watched from its
    /// beginning.
    keep: Option<u32>,
}

fn two_seconds() -> DurationSetting {
    DurationSetting(Span::from_seconds(2))
}

impl NodeConfig for HlsSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if self.segment.0 < Span::SECOND || self.segment.0 > Span::from_seconds(30) {
            return Err(format!("segment is {}; it goes from 1s to 30s", self.segment.0));
        }
        match self.keep {
            Some(keep) if keep < 3 => Err(format!("keep is {keep}; players need at least 3 segments")),
            _ => Ok(()),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        if self.path.exists() && !self.path.is_dir() {
            return Err(format!("{} is no folder; choose another path", self.path.display()));
        }
        check_folder(&self.path)
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(HlsSink { config: self, stream: None }))
    }
}

/// A stream that could not be written, with its folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the stream in {}", path.display())]
struct StreamError {
    path: PathBuf,
    source: Mp4Error,
}

struct HlsSink {
    config: HlsSinkConfig,
    stream: Option<Stream>,
}

/// The stream being written.
struct Stream {
    folder: PathBuf,
    fragmenter: Fragmenter,
    tracks: Tracks,
    segment: Span,
    keep: Option<u32>,
    video: VecDeque<Packet<EncodedUnit>>,
    audio: VecDeque<Packet<EncodedUnit>>,
    /// Where the segment that is gathered begins, and where the next ones will, as far as that is known.
    from: Time,
    cuts: VecDeque<Time>,
    /// Segments so far, and the lengths of those that are listed.
    written: u32,
    listed: VecDeque<Span>,
}

impl Stream {
    fn open(config: &HlsSinkConfig, tracks: Tracks) -> std::result::Result<Stream, Mp4Error> {
        let folder = config.path.clone();
        fs::create_dir_all(&folder).map_err(FileError::create(&folder))?;
        let earlier = fs::read_dir(&folder).map_err(FileError::create(&folder))?.flatten();
        let is_ours = |name: &str| name == "index.m3u8" || (name.starts_with("segment-") && name.ends_with(".m4s"));
        for file in earlier.filter(|file| file.file_name().to_str().is_some_and(is_ours)) {
            fs::remove_file(file.path()).map_err(FileError::write(&file.path()))?;
        }
        // What will be said and shown is not known yet.
        let synthetic = Synthetic::ALL;
        let spec = MovieSpec { title: None, language: String::new(), synthetic, tracks: tracks.specs.clone() };
        let fragmenter = Fragmenter::new(spec)?;
        part_file::write(&folder.join("init.mp4"), &fragmenter.init_segment()?)?;
        let (segment, keep) = (config.segment.0, config.keep);
        let (video, audio, cuts, listed) = Default::default();
        Ok(Stream { folder, fragmenter, tracks, segment, keep, video, audio, from: Time::ZERO, cuts, written: 0, listed })
    }

    fn take(&mut self, cx: &mut Cx<'_>) -> std::result::Result<(), Mp4Error> {
        if let Some(packet) = cx.take(VIDEO) {
            // Half a segment is enough: a keyframe that somebody asked for comes when it comes.
            let begins = packet.media.keyframe && packet.pts - self.last_cut() >= self.segment / 2;
            if begins {
                self.cuts.push_back(packet.pts);
            }
            self.video.push_back(packet);
        }
        if let Some(packet) = cx.take(AUDIO) {
            if self.tracks.video.is_none() && packet.pts - self.last_cut() >= self.segment {
                self.cuts.push_back(packet.pts);
            }
            self.audio.push_back(packet);
        }
        // Everything before the cut has come when all tracks are settled there.
        while let Some(cut) = self.cuts.pop_front_if(|cut| *cut <= cx.settled()) {
            self.write(cut, false)?;
        }
        Ok(())
    }

    fn last_cut(&self) -> Time {
        self.cuts.back().copied().unwrap_or(self.from)
    }

    fn finish(mut self, end: Time) -> std::result::Result<(), Mp4Error> {
        while let Some(cut) = self.cuts.pop_front() {
            self.write(cut, false)?;
        }
        match self.video.is_empty() && self.audio.is_empty() {
            true => self.list(true),
            false => self.write(end, true),
        }
    }

    /// Writes what lies before `until` as a segment, and lists it.
    fn write(&mut self, until: Time, ends: bool) -> std::result::Result<(), Mp4Error> {
        // Pictures come in decoding order; those of the next segment begin with its keyframe.
        let next = |units: &VecDeque<Packet<EncodedUnit>>| {
            let begins = |unit: &Packet<EncodedUnit>| !ends && unit.pts >= until && unit.media.keyframe;
            units.iter().position(begins).unwrap_or(units.len())
        };
        let (pictures, sounds) = (next(&self.video), next(&self.audio));
        let (video, audio): (Vec<_>, Vec<_>) = (self.video.drain(..pictures).collect(), self.audio.drain(..sounds).collect());
        let (video, audio) = (units(&video, Span::ZERO), units(&audio, self.tracks.priming));
        let runs: Vec<Run<'_>> = [(self.tracks.video, &video), (self.tracks.audio, &audio)]
            .into_iter()
            .filter_map(|(track, units)| Some(Run { track: track?, units, end: until }))
            .filter(|run| !run.units.is_empty())
            .collect();
        self.written += 1;
        let bytes = self.fragmenter.media_segment(self.written, &runs)?;
        part_file::write(&self.folder.join(name_of(self.written)), &bytes)?;
        self.listed.push_back(until - self.from);
        self.from = until;
        self.list(ends)?;
        if let Some(gone) = self.keep.and_then(|keep| self.written.checked_sub(keep + LINGER)).filter(|gone| *gone > 0) {
            // Somebody else may have removed it; it was due to go.
            let _ = fs::remove_file(self.folder.join(name_of(gone)));
        }
        Ok(())
    }

    /// Writes the list anew.
    fn list(&mut self, ends: bool) -> std::result::Result<(), Mp4Error> {
        while self.keep.is_some_and(|keep| self.listed.len() > keep as usize) {
            self.listed.pop_front();
        }
        let first = self.written + 1 - self.listed.len() as u32;
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n",
            target(self.segment)
        );
        if self.keep.is_none() {
            text += "#EXT-X-PLAYLIST-TYPE:EVENT\n";
        }
        text += "#EXT-X-MAP:URI=\"init.mp4\"\n";
        for (number, length) in (first..).zip(&self.listed) {
            let _ = write!(text, "#EXTINF:{:.5},\n{}\n", length.as_seconds(), name_of(number));
        }
        if ends {
            text += "#EXT-X-ENDLIST\n";
        }
        Ok(part_file::write(&self.folder.join("index.m3u8"), text.as_bytes())?)
    }

    /// The longest that a segment may be, or an error that says what to change.
    fn check_length(&self) -> Result {
        match self.listed.back() {
            Some(length) if length.as_seconds().round() as i64 > target(self.segment) => Err(Failure::msg(format!(
                "a segment became {length} long, because there was no keyframe; set keyframe_every of the video_encoder to at most {}",
                self.segment
            ))),
            _ => Ok(()),
        }
    }
}

/// So many segments stay in the folder after they have left the list: somebody may have read it just before.
const LINGER: u32 = 3;

/// A segment ends at the first keyframe after half its length, so this holds for all of them, rounded to whole seconds.
fn target(segment: Span) -> i64 {
    (segment.as_seconds() * 1.5).ceil() as i64
}

fn name_of(number: u32) -> String {
    format!("segment-{number:06}.m4s")
}

impl HlsSink {
    fn failed(&self, source: Mp4Error) -> StreamError {
        StreamError { path: self.config.path.clone(), source }
    }
}

impl Node for HlsSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        must_be_h264(start.encoded_video(VIDEO).as_ref(), "HLS")?;
        let tracks = Tracks::connected(start, VIDEO, AUDIO)?;
        if start.encoded_audio(AUDIO).is_some_and(|caps| caps.codec != AudioCodec::Aac) {
            return Err(Failure::msg("HLS takes AAC only; set codec: aac in the audio_encoder before it"));
        }
        self.stream = Some(Stream::open(&self.config, tracks).map_err(|error| self.failed(error))?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(mut stream) = self.stream.take() {
            stream.take(cx).map_err(|error| self.failed(error))?;
            stream.check_length()?;
            self.stream = Some(stream);
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let finished = self.stream.take().map_or(Ok(()), |stream| stream.finish(cx.end()));
        Ok(finished.map_err(|error| self.failed(error))?)
    }
}

#[cfg(test)]
#[path = "hls_sink_tests.rs"]
mod tests;
