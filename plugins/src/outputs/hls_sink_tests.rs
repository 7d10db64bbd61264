//! Streams made by the nodes one after another, looked at by ffprobe and ffmpeg.

use super::*;
use crate::outputs::audio_encoder::AUDIO_ENCODER;
use crate::outputs::tests::{config, moving_pictures, probe, tone};
use crate::outputs::video_encoder::VIDEO_ENCODER;
use engine::frame::{Size, VideoFrame};
use engine::media::AudioBlock;
use engine::node::Out;
use engine::testing::{NodeTest, Outputs};
use std::process::Command;

const ENCODED: Out<EncodedUnit> = Out::new("encoded");

/// Seven seconds of a picture with a clock's hand, which jumps back now and then: the encoder makes keyframes of its own there.
const END: Time = Time(7 * Span::SECOND.0);

fn video(settings: &str) -> Outputs {
    let pictures = moving_pictures(Size::new(320, 180), 210);
    NodeTest::new(&VIDEO_ENCODER, settings).input(In::<VideoFrame>::new("video"), pictures, END).run().unwrap()
}

/// The same without any movement, so that keyframes come when they are due.
fn still(settings: &str) -> Outputs {
    let pictures = moving_pictures(Size::new(320, 180), 210);
    let first = pictures[0].media.clone();
    let pictures = pictures.into_iter().map(|picture| picture.map(|_| first.clone())).collect();
    NodeTest::new(&VIDEO_ENCODER, settings).input(In::<VideoFrame>::new("video"), pictures, END).run().unwrap()
}

fn audio() -> Outputs {
    NodeTest::new(&AUDIO_ENCODER, "{}").input(In::<AudioBlock>::new("audio"), tone(7000), END).run().unwrap()
}

fn stream(folder: &tempfile::TempDir, settings: &str, video: Option<&Outputs>, audio: Option<&Outputs>) -> Result<Outputs> {
    let mut test = NodeTest::new(&HLS_SINK, &format!("{{ path: {}, {settings} }}", folder.path().join("hls").display()));
    for (port, encoded) in [(VIDEO, video), (AUDIO, audio)] {
        if let Some(out) = encoded {
            test = test.input_with(port, out.caps[0].clone().unwrap(), out.packets(ENCODED), END);
        }
    }
    test.run()
}

fn list(folder: &tempfile::TempDir) -> String {
    fs::read_to_string(folder.path().join("hls/index.m3u8")).unwrap()
}

fn lengths(list: &str) -> Vec<f64> {
    list.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.parse().ok()).collect()
}

#[test]
fn a_stream_holds_every_picture_and_all_the_sound() {
    // Live encoders hold nothing back, offline ones send pictures out of order.
    for encoder in
        ["{ keyframe_every: 2s, tune: zerolatency, profile: constrained_baseline, crf: null, bitrate: 300k }", "{ keyframe_every: 2s }"]
    {
        let folder = tempfile::tempdir().unwrap();
        stream(&folder, "segment: 2s", Some(&video(encoder)), Some(&audio())).unwrap();
        let list = list(&folder);
        let segments = lengths(&list);
        assert!((segments.iter().sum::<f64>() - 7.0).abs() < 1e-4 && segments.iter().all(|length| *length <= 3.0), "{list}");
        let (last, others) = segments.split_last().unwrap();
        assert!(*last > 0.0 && others.iter().all(|length| *length >= 1.0), "{list}");
        assert!(
            list.contains("#EXT-X-TARGETDURATION:3\n") && list.contains("PLAYLIST-TYPE:EVENT") && list.ends_with("#EXT-X-ENDLIST\n"),
            "{list}"
        );
        let path = folder.path().join("hls/index.m3u8");
        let probed = probe(&path, &["-count_frames"]);
        let streams = probed["streams"].as_array().unwrap();
        assert_eq!(streams[0]["nb_read_frames"], "210", "{probed}");
        let length: f64 = probed["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((length - 7.0).abs() < 0.03, "{length}");
        let decoded = Command::new("ffmpeg")
            .args(["-v", "error", "-xerror", "-i"])
            .arg(&path)
            .args(["-ac", "1", "-f", "s16le", "-"])
            .output()
            .unwrap();
        assert!(decoded.status.success() && decoded.stderr.is_empty(), "{}", String::from_utf8_lossy(&decoded.stderr));
        let samples = decoded.stdout.len() / 2;
        assert!((335_000..=337_100).contains(&samples), "{samples} samples of 7 s at 48 kHz");
        let mut names: Vec<_> =
            fs::read_dir(folder.path().join("hls")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let mut expected = vec!["index.m3u8".to_string(), "init.mp4".to_string()];
        expected.extend((1..=segments.len() as u32).map(name_of));
        assert_eq!(names, expected);
    }
}

#[test]
fn a_window_moves_on_and_forgets_what_is_long_gone() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("hls/segment-000099.m4s");
    fs::create_dir(folder.path().join("hls")).unwrap();
    fs::write(&old, "of an earlier lecture").unwrap();
    stream(&folder, "segment: 1s, keep: 3", Some(&still("{ keyframe_every: 1s }")), None).unwrap();
    let list = list(&folder);
    assert!(list.contains("#EXT-X-MEDIA-SEQUENCE:5\n") && !list.contains("EVENT"), "{list}");
    assert_eq!(lengths(&list), [1.0, 1.0, 1.0]);
    let there = |number: u32| folder.path().join("hls").join(name_of(number)).exists();
    assert_eq!((1..=7).map(there).collect::<Vec<_>>(), [false, true, true, true, true, true, true]);
    assert!(!old.exists());
}

#[test]
fn sound_alone_is_cut_by_time() {
    let folder = tempfile::tempdir().unwrap();
    stream(&folder, "segment: 2s", None, Some(&audio())).unwrap();
    let lengths = lengths(&list(&folder));
    assert_eq!(lengths.len(), 4);
    assert!((lengths.iter().sum::<f64>() - 7.0).abs() < 0.001, "{lengths:?}");
}

#[test]
fn too_few_keyframes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = stream(&folder, "segment: 1s", Some(&still("{ keyframe_every: 4s }")), None).map(drop).unwrap_err().to_string();
    assert!(error.contains("set keyframe_every of the video_encoder to at most 1.000s"), "{error}");
    assert!(!list(&folder).contains("ENDLIST"));
}

#[test]
fn settings_are_checked() {
    let told = |settings: &str| config(&HLS_SINK, settings);
    assert!(told("{ path: a, segment: 500ms }").0.unwrap_err().contains("1s to 30s"));
    assert!(told("{ path: a, keep: 2 }").0.unwrap_err().contains("at least 3"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "").unwrap();
    assert!(told(&format!("{{ path: {} }}", folder.path().join("a").display())).1.unwrap_err().contains("is no folder"));
    assert!(told(&format!("{{ path: {} }}", folder.path().join("b").display())).1.is_ok());
}
