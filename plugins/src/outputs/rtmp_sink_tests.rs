//! To a real server: ffmpeg, which listens and writes what it gets.

use super::*;
use crate::outputs::audio_encoder::AUDIO_ENCODER;
use crate::outputs::tests::{config, moving_pictures, probe, tone};
use crate::outputs::video_encoder::VIDEO_ENCODER;
use engine::frame::{Size, VideoFrame};
use engine::media::{AudioBlock, Caps};
use engine::node::Out;
use engine::packet::Packet;
use engine::testing::{NodeTest, Outputs};
use engine::time::{Span, Time};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ENCODED: Out<EncodedUnit> = Out::new("encoded");
const LIMIT: Duration = Duration::from_secs(60);

/// A second and a half at 30 fps, and its sound.
fn lecture() -> (Outputs, Outputs) {
    let end = Time(Span::from_millis(1500).0);
    let settings = "{ tune: zerolatency, profile: constrained_baseline, crf: null, bitrate: 300k, keyframe_every: 500ms }";
    let pictures = moving_pictures(Size::new(320, 180), 45);
    let video = NodeTest::new(&VIDEO_ENCODER, settings).input(In::<VideoFrame>::new("video"), pictures, end).run().unwrap();
    let audio = NodeTest::new(&AUDIO_ENCODER, "{}").input(In::<AudioBlock>::new("audio"), tone(1500), end).run().unwrap();
    (video, audio)
}

/// A port that nobody uses.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// ffmpeg, as soon as it listens. Asking the port itself would take its only place.
struct Ffmpeg {
    ffmpeg: Child,
    file: PathBuf,
}

impl Ffmpeg {
    fn open(port: u16, file: PathBuf) -> Ffmpeg {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y", "-listen", "1", "-i", &format!("rtmp://127.0.0.1:{port}/live/key"), "-c", "copy"]);
        let ffmpeg = command.args(["-flush_packets", "1"]).arg(&file).stdin(Stdio::null()).spawn().expect("ffmpeg is installed");
        // State 0A is LISTEN (proc(5)).
        let listens = format!(":{port:04X} 00000000:0000 0A");
        let began = Instant::now();
        while !std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&listens) {
            assert!(began.elapsed() < LIMIT, "ffmpeg does not listen");
            std::thread::yield_now();
        }
        Ffmpeg { ffmpeg, file }
    }

    /// It has received some pictures.
    fn has_some(&self) -> bool {
        std::fs::metadata(&self.file).is_ok_and(|file| file.len() > 20_000)
    }

    fn kill(mut self) {
        self.ffmpeg.kill().unwrap();
        self.ffmpeg.wait().unwrap();
    }

    fn end(mut self) -> serde_json::Value {
        assert!(self.ffmpeg.wait().unwrap().success());
        probe(&self.file, &["-count_packets"])
    }
}

fn count(streams: &serde_json::Value, kind: &str) -> usize {
    let stream = streams["streams"].as_array().unwrap().iter().find(|stream| stream["codec_type"] == kind).expect("a stream");
    stream["nb_read_packets"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_server_gets_every_picture_and_the_sound() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let server = Ffmpeg::open(port, folder.path().join("received.flv"));
    let (video, audio) = lecture();
    let mut test = NodeTest::new(&RTMP_SINK, &format!("{{ url: \"rtmp://127.0.0.1:{port}/live/key\" }}"));
    for (port, encoded) in [(VIDEO, &video), (AUDIO, &audio)] {
        test = test.input_with(port, encoded.caps[0].clone().unwrap(), encoded.packets(ENCODED), Time(Span::from_millis(1500).0));
    }
    test.run().unwrap();
    let received = server.end();
    assert_eq!(count(&received, "video"), 45);
    // What is heard before the first picture is left out: the encoder's priming.
    assert_eq!(count(&received, "audio"), audio.packets(ENCODED).len() - 1);
    let of = |kind: &str| received["streams"].as_array().unwrap().iter().find(|stream| stream["codec_type"] == kind).unwrap().clone();
    assert_eq!((of("video")["codec_name"].as_str(), of("audio")["codec_name"].as_str()), (Some("h264"), Some("aac")));
    let start = |kind: &str| of(kind)["start_time"].as_str().unwrap().parse::<f64>().unwrap();
    assert!((start("video") - start("audio")).abs() < 0.002, "together to the millisecond that FLV counts in");
}

#[test]
fn a_server_that_comes_later_or_is_lost_and_comes_again_gets_the_stream_from_a_keyframe_on() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (video, _) = lecture();
    let Some(Caps::EncodedVideo(caps)) = video.caps[0].clone() else { panic!("pictures") };
    let (server, told) = Server::new(&format!("rtmp://127.0.0.1:{port}/live/key"), Some(caps), None);
    let mut link = Link::start("rtmp", server).unwrap();
    let units = video.packets(ENCODED);
    let length = Span::from_millis(1500);
    let began = Instant::now();
    let mut rounds = 0;
    // The same pictures over and over, faster than they are to be seen.
    let mut feed = |is_enough: &mut dyn FnMut() -> bool| {
        while !is_enough() {
            assert!(began.elapsed() < LIMIT, "nothing came of {rounds} rounds");
            for packet in &units {
                let later = |time: Time| time + Span(length.0 * rounds);
                let unit = EncodedUnit { dts: later(packet.media.dts), ..packet.media.clone() };
                link.push(0, true, Packet { pts: later(packet.pts), dur: packet.dur, ..Packet::new(Time::ZERO, unit) });
                std::thread::yield_now();
            }
            rounds += 1;
        }
    };
    let mut losses = Vec::new();
    feed(&mut || {
        losses.extend(told.try_iter());
        !losses.is_empty()
    });
    assert!(!losses[0].to_string().contains("live/key"), "the stream key is a secret: {}", losses[0]);
    let files = ["first.flv", "second.flv"].map(|name| folder.path().join(name));
    let server = Ffmpeg::open(port, files[0].clone());
    feed(&mut || server.has_some());
    assert_eq!(told.try_iter().count(), 0, "a loss is told once");
    // In mid-stream.
    server.kill();
    let server = Ffmpeg::open(port, files[1].clone());
    feed(&mut || server.has_some());
    told.try_iter().for_each(drop);
    drop(link);
    assert_eq!(told.try_iter().count(), 0, "the end was taken");
    let received = server.end();
    assert!(count(&received, "video") >= 45);
    for file in &files {
        let first = probe(file, &["-show_packets", "-read_intervals", "%+#1"]);
        assert!(first["packets"][0]["flags"].as_str().unwrap().starts_with('K'), "{first}");
    }
}

#[test]
fn an_address_must_be_whole_and_is_never_shown() {
    for url in ["http://host/app/key", "rtmp://host/app", "rtmp:///app/key", "rtmp://host/app/k y", "rtmp://host/app/\\\"key"] {
        let error = config(&RTMP_SINK, &format!("{{ url: \"{url}\" }}")).0.unwrap_err();
        assert!(error.contains("rtmp://HOST/APP/KEY") && !error.contains(url), "{error}");
    }
    assert_eq!(config(&RTMP_SINK, "{ url: \"rtmps://host:443/app/key?x=1\" }").0, Ok(()));
}
