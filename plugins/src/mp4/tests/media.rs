//! Real H.264 and AAC for the tests, made by ffmpeg and taken apart here into what an encoder node would give.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use engine::media::{AudioCodec, VideoCodec};
use engine::time::{Rate, Time};
use serde_json::Value;

use crate::mp4::{AudioSpec, MovieSpec, Mp4Writer, Synthetic, TrackSpec, Unit, VideoSpec};

/// Encoded units with their times, and the track they are for.
pub struct Encoded {
    pub spec: TrackSpec,
    pub units: Vec<(Time, bool, Vec<u8>)>,
}

impl Encoded {
    pub fn unit(&self, index: usize) -> Unit<'_> {
        let (pts, keyframe, data) = &self.units[index];
        Unit { pts: *pts, keyframe: *keyframe, data }
    }

    pub fn push_all(&self, writer: &mut Mp4Writer, track: usize) {
        (0..self.units.len()).for_each(|index| writer.push(track, self.unit(index)).unwrap());
    }
}

/// Runs a program and gives its standard output; fails with its complaints.
pub fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What ffprobe says of a file, as JSON.
pub fn probe(path: &Path, arguments: &[&str]) -> Value {
    let path = path.to_str().unwrap();
    serde_json::from_slice(&run("ffprobe", &[&["-v", "error", "-of", "json"], arguments, &[path]].concat())).unwrap()
}

/// A moving picture of so many frames, with three B-frames in a row and a keyframe every 15 frames.
pub fn video(folder: &Path, rate: Rate, frames: usize) -> Encoded {
    encode(folder, rate, frames, 3)
}

/// The same without B-frames, as live encoders make it.
pub fn live_video(folder: &Path, rate: Rate, frames: usize) -> Encoded {
    encode(folder, rate, frames, 0)
}

fn encode(folder: &Path, rate: Rate, frames: usize, b_frames: u32) -> Encoded {
    let file = folder.join(format!("source-{}-{}-{frames}.mp4", rate.num(), rate.den()));
    let source = format!("testsrc2=size=320x180:rate={rate},format=yuv420p");
    let params = format!(
        "bframes={b_frames}:b-adapt=0:b-pyramid=none:scenecut=0:open-gop=0:keyint=15:min-keyint=15:colorprim=bt709:transfer=bt709:colormatrix=bt709"
    );
    let count = frames.to_string();
    let name = file.to_str().unwrap();
    let encode =
        ["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-frames:v", &count, "-c:v", "libx264", "-threads", "1", "-preset", "veryfast"];
    run("ffmpeg", &[&encode[..], &["-x264-params", &params, name]].concat());
    // ffmpeg's own file already holds length-prefixed units: they are cut out where ffprobe says that they lie.
    let bytes = std::fs::read(&file).unwrap();
    let packets = probe(&file, &["-show_packets"])["packets"].take();
    let packets = packets.as_array().unwrap();
    let number = |packet: &Value, key: &str| packet[key].as_str().unwrap().parse::<usize>().unwrap();
    let ticks = |packet: &Value| packet["pts"].as_i64().unwrap();
    let first = packets.iter().map(ticks).min().unwrap();
    let duration = packets[0]["duration"].as_i64().unwrap();
    let unit = |packet: &Value| {
        let (position, size) = (number(packet, "pos"), number(packet, "size"));
        let keyframe = packet["flags"].as_str().unwrap().starts_with('K');
        (rate.time_of((ticks(packet) - first) / duration), keyframe, bytes[position..position + size].to_vec())
    };
    let units: Vec<_> = packets.iter().map(unit).collect();
    assert_eq!(units.len(), frames);
    let at = bytes.windows(4).position(|kind| kind == b"avcC").unwrap();
    let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    let avcc = bytes[at + 4..at - 4 + size].to_vec();
    Encoded {
        spec: TrackSpec::Video(VideoSpec { codec: VideoCodec::H264, codec_config: avcc.into(), width: 320, height: 180, rate }),
        units,
    }
}

/// Sound of this many samples, silent but for one full-scale click of 4 samples from `click` on; ffmpeg's encoder primes by 1024.
pub fn audio(samples: usize, click: usize, rate: u32) -> Encoded {
    let source = format!("aevalsrc='if(between(n,{click},{}),0.9,0)':s={rate}", click + 3);
    let trim = format!("atrim=end_sample={samples}");
    let stream =
        run("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", &source, "-af", &trim, "-c:a", "aac", "-b:a", "192k", "-f", "adts", "-"]);
    let per_second = Rate::per_second(rate);
    let (mut rest, mut units, mut config) = (&stream[..], Vec::new(), Bytes::new());
    while !rest.is_empty() {
        // ADTS: profile, frequency and channels from bits 16 on, 13 bits of length from bit 30 on, 7 bytes without checksum.
        let length = usize::from(rest[3] & 3) << 11 | usize::from(rest[4]) << 3 | usize::from(rest[5]) >> 5;
        let (profile, frequency, channels) = (rest[2] >> 6, rest[2] >> 2 & 15, (rest[2] & 1) << 2 | rest[3] >> 6);
        config = vec![(profile + 1) << 3 | frequency >> 1, frequency << 7 | channels << 3].into();
        units.push((per_second.time_of(units.len() as i64 * 1024), true, rest[7..length].to_vec()));
        rest = &rest[length..];
    }
    Encoded { spec: TrackSpec::Audio(AudioSpec { codec: AudioCodec::Aac, codec_config: config, priming: 1024, bitrate: 192_000 }), units }
}

/// A movie of these tracks.
pub fn spec(tracks: &[&Encoded]) -> MovieSpec {
    let tracks = tracks.iter().map(|track| track.spec.clone()).collect();
    MovieSpec { title: Some("Über die Zeit".into()), language: "en-GB".into(), synthetic: Synthetic::ALL, tracks }
}
