//! Every codec through encoder and sink, read back with ffprobe and ffmpeg.

use super::audio_encoder::AUDIO_ENCODER;
use super::mp4_sink::MP4_SINK;
use super::tests::{config, moving_pictures, probe, tone};
use super::video_encoder::VIDEO_ENCODER;
use engine::frame::{Size, VideoFrame};
use engine::media::{AudioBlock, Caps, EncodedUnit};
use engine::node::{In, Out};
use engine::testing::{NodeTest, Outputs};
use engine::time::{Rate, Span, Time};
use serde_json::json;
use std::path::Path;
use std::process::Command;

const ENCODED: Out<EncodedUnit> = Out::new("encoded");
const SIZE: Size = Size::new(320, 180);
const FRAMES: i64 = 75;
/// 2.5 s.
const END: Time = Time(5 * Span::SECOND.0 / 2);

fn encode(settings: &str) -> Outputs {
    let pictures = moving_pictures(SIZE, FRAMES);
    let test = NodeTest::new(&VIDEO_ENCODER, settings).input(In::<VideoFrame>::new("video"), pictures, END);
    test.run().unwrap_or_else(|error| panic!("{settings}: {error}"))
}

fn sound(settings: &str) -> Outputs {
    NodeTest::new(&AUDIO_ENCODER, settings).input(In::<AudioBlock>::new("audio"), tone(2500), END).run().unwrap()
}

/// A movie of these tracks.
fn write(path: &Path, video: &Outputs, audio: &Outputs) {
    let mut test = NodeTest::new(&MP4_SINK, &format!("{{ path: {} }}", path.display()));
    for (port, track) in [("video", video), ("audio", audio)] {
        test = test.input_with(In::<EncodedUnit>::new(port), track.caps[0].clone().unwrap(), track.packets(ENCODED), END);
    }
    test.run().unwrap();
}

fn decoded(path: &Path, options: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg").args(["-v", "error", "-xerror", "-i"]).arg(path).args(options).arg("-").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What must be true of every codec; gives what ffprobe says of the pictures.
fn holds(settings: &str, codec: &str) -> serde_json::Value {
    let out = encode(settings);
    let units = out.packets(ENCODED);
    let rate = Rate::per_second(30);
    let all: Vec<Time> = (0..FRAMES).map(|index| rate.time_of(index)).collect();
    assert_eq!(units.iter().map(|unit| unit.media.dts).collect::<Vec<_>>(), all, "{settings}");
    let mut shown: Vec<Time> = units.iter().map(|unit| unit.pts).collect();
    for first in (0..units.len()).filter(|&i| units[i].media.keyframe) {
        assert!(units[first..].iter().all(|unit| unit.pts >= units[first].pts), "{settings}: a picture refers across a keyframe");
    }
    shown.sort();
    assert_eq!(shown, all, "{settings}");
    let again = encode(settings);
    assert!(out.caps == again.caps && units.iter().zip(again.packets(ENCODED)).all(|(a, b)| a.media.data == b.media.data), "{settings}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    write(&path, &out, &sound("{}"));
    let told = probe(&path, &["-show_packets", "-select_streams", "v", "-count_frames"]);
    let stream = &told["streams"][0];
    for (key, value) in [
        ("codec_name", json!(codec)),
        ("width", json!(320)),
        ("height", json!(180)),
        ("pix_fmt", json!("yuv420p")),
        ("color_range", json!("tv")),
        ("color_space", json!("bt709")),
        ("color_transfer", json!("bt709")),
        ("color_primaries", json!("bt709")),
        ("nb_read_frames", json!(FRAMES.to_string())),
        ("duration", json!("2.500000")),
    ] {
        assert_eq!(stream[key], value, "{settings}: {key} in {stream}");
    }
    // A keyframe in the file is one that ffmpeg can begin at: the pictures from there on decode without the ones before.
    let keyframes: Vec<bool> =
        told["packets"].as_array().unwrap().iter().map(|packet| packet["flags"].as_str().unwrap().starts_with('K')).collect();
    assert_eq!(keyframes, units.iter().map(|unit| unit.media.keyframe).collect::<Vec<_>>(), "{settings}");
    let second = keyframes.iter().skip(1).position(|&keyframe| keyframe).unwrap_or_else(|| panic!("{settings}: one a second")) + 1;
    assert!(second <= 30, "{settings}: {second}");
    let from = (units[second].pts - Time::ZERO).as_seconds() + 0.001;
    let rest = decoded(&path, &["-ss", &from.to_string(), "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p"]);
    let frame = SIZE.area() as usize * 3 / 2;
    assert!(rest.len() / frame >= 75 - second - 1, "{settings}");

    let raw = decoded(&path, &["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p"]);
    assert_eq!(raw.len(), FRAMES as usize * frame, "{settings}");
    for (index, (decoded, original)) in raw.chunks_exact(frame).zip(moving_pictures(SIZE, FRAMES)).enumerate() {
        let original = original.media.picture;
        let error: u64 = decoded.iter().zip(original.bytes()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(error / frame as u64 <= 3, "{settings}: picture {index} differs by {} levels on average", error / frame as u64);
    }
    stream.clone()
}

#[test]
fn hevc_is_whole_in_a_file() {
    assert_eq!(holds("{ codec: hevc, keyframe_every: 1s }", "hevc")["codec_tag_string"], "hvc1");
}

#[test]
fn vp9_is_whole_in_a_file() {
    assert_eq!(holds("{ codec: vp9, keyframe_every: 1s }", "vp9")["codec_tag_string"], "vp09");
}

#[test]
fn av1_is_whole_in_a_file() {
    assert_eq!(holds("{ codec: av1, keyframe_every: 1s }", "av1")["codec_tag_string"], "av01");
}

#[test]
fn openh264_is_whole_in_a_file() {
    let stream = holds("{ encoder: openh264, keyframe_every: 1s }", "h264");
    assert_eq!((&stream["codec_tag_string"], &stream["has_b_frames"]), (&json!("avc1"), &json!(0)));
    assert_eq!(
        holds("{ encoder: openh264, profile: constrained_baseline, keyframe_every: 1s }", "h264")["profile"],
        "Constrained Baseline"
    );
}

#[test]
fn every_codec_can_do_without_delay_and_with_a_rate() {
    for codec in ["h264", "hevc", "vp9", "av1"] {
        let out = encode(&format!("{{ codec: {codec}, preset: superfast, tune: zerolatency, bitrate: 300k }}"));
        assert_eq!(out.latency, Span::ZERO, "{codec}");
        let bytes: usize = out.packets(ENCODED).iter().map(|unit| unit.media.data.len()).sum();
        assert!((2_000..200_000).contains(&bytes), "{codec}: {bytes} bytes in 2.5 s at 300 kbit/s");
    }
}

#[test]
fn auto_takes_what_works_and_says_what_and_why() {
    let out = encode("{ encoder: auto }");
    let Some(Caps::EncodedVideo(caps)) = &out.caps[0] else { panic!("{:?}", out.caps) };
    let [warning] = &out.warnings[..] else { panic!("{:?}", out.warnings) };
    // On a machine without a chip it is x264, with the very bytes that x264 gives when it is asked for.
    if warning.text.starts_with("encoder: auto took x264enc") {
        assert!(warning.text.contains("nvh264enc: not installed") && warning.text.contains("v4l2h264enc"), "{}", warning.text);
        let plain = encode("{ encoder: x264 }");
        assert!(plain.warnings.is_empty() && plain.caps == out.caps);
        assert!(out.packets(ENCODED).iter().zip(plain.packets(ENCODED)).all(|(a, b)| a.media.data == b.media.data));
    }
    assert_eq!(caps.size, SIZE);
}

#[test]
fn an_encoder_that_is_not_there_names_what_is_needed() {
    let refused = |settings: &str| {
        let test = NodeTest::new(&VIDEO_ENCODER, settings).input(In::<VideoFrame>::new("video"), moving_pictures(SIZE, 2), END);
        test.run().err().map(|failure| failure.to_string())
    };
    // A machine that has the chip encodes.
    if let Some(text) = refused("{ encoder: v4l2, bitrate: 500k }") {
        assert!(text.contains("v4l2h264enc") && (text.contains("gstreamer1.0-plugins-good") || text.contains("failed")), "{text}");
    }
    assert!(refused("{ encoder: v4l2 }").unwrap().contains("write bitrate instead of crf"));
    let told = |settings: &str| config(&VIDEO_ENCODER, settings).0.unwrap_err();
    assert!(told("{ codec: av1, encoder: openh264 }").contains("openh264 does not make AV1"));
    assert!(told("{ codec: vp9, encoder: nvenc }").contains("software"));
}

#[test]
fn sinks_of_streams_take_h264_only() {
    let out = encode("{ codec: vp9, preset: ultrafast }");
    let folder = tempfile::tempdir().unwrap();
    let hls = format!("{{ path: {} }}", folder.path().join("hls").display());
    for (sink, settings) in
        [(&super::hls_sink::HLS_SINK, hls.as_str()), (&super::rtmp_sink::RTMP_SINK, "{ url: \"rtmp://127.0.0.1/a/b\" }")]
    {
        let test = NodeTest::new(sink, settings);
        let test = test.input_with(In::<EncodedUnit>::new("video"), out.caps[0].clone().unwrap(), Vec::new(), END);
        let text = test.run().err().expect("refused").to_string();
        assert!(text.contains("takes H.264 and not VP9") && text.contains("codec: h264"), "{text}");
    }
    assert!(!folder.path().join("hls").exists());
}

#[test]
fn opus_sounds_in_a_file_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    write(&path, &encode("{}"), &sound("{ codec: opus }"));
    let stream = &probe(&path, &["-select_streams", "a"])["streams"][0];
    for (key, value) in
        [("codec_name", json!("opus")), ("sample_rate", json!("48000")), ("channels", json!(2)), ("duration_ts", json!(120_000))]
    {
        assert_eq!(stream[key], value, "{key} in {stream}");
    }
    let heard = decoded(&path, &["-map", "0:a", "-ac", "1", "-f", "s16le"]);
    let samples: Vec<f64> = heard.as_chunks::<2>().0.iter().map(|bytes| f64::from(i16::from_le_bytes(*bytes))).collect();
    assert!(samples.len().abs_diff(120_000) <= 960, "{}", samples.len());
    // The tone of 440 Hz begins with the film: a wave that is shifted by the priming (312 samples are 2.86 waves) would not fit.
    let original: Vec<f64> = tone(2500).iter().flat_map(|packet| packet.media.samples().iter().map(|&sample| f64::from(sample))).collect();
    let (a, b) = (&samples[4800..96_000], &original[4800..96_000]);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let alike = product(a, b) / (product(a, a) * product(b, b)).sqrt();
    assert!(alike > 0.98, "{alike}");
}
