//! What cannot be written says so, and leaves nothing behind.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use engine::media::{AudioCodec, VideoCodec};
use engine::time::{Rate, Span, Time};

use super::media::{Encoded, spec, video};
use crate::mp4::{AudioSpec, MovieSpec, Mp4Error, Mp4Writer, Synthetic, TrackSpec, Unit, VideoSpec};

fn at(millis: i64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A sound track with one unit of nonsense: the writer does not look inside.
fn sound() -> Encoded {
    let config = Bytes::from_static(&[0x11, 0x88]);
    Encoded {
        spec: TrackSpec::Audio(AudioSpec { codec: AudioCodec::Aac, codec_config: config, priming: 1024, bitrate: 64_000 }),
        units: vec![(at(0), true, vec![1; 100])],
    }
}

#[test]
fn specs_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let good = b"\x01\x64\x00\x1f\xff\xe1\x00\x04\x67\x64\x00\x1f\x01\x00\x02\x68\xee";
    let with = |tracks: Vec<TrackSpec>| {
        let spec = MovieSpec { title: None, language: "en".into(), synthetic: Synthetic::NONE, tracks };
        let result = Mp4Writer::create(folder.path().join("never.mp4"), spec).map(|_| ());
        result.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let video = |config: &[u8], width, rate| {
        TrackSpec::Video(VideoSpec { codec: VideoCodec::H264, codec_config: Bytes::copy_from_slice(config), width, height: 90, rate })
    };
    let thirty = Rate::per_second(30);
    assert_eq!(with(vec![video(good, 160, thirty)]), "");
    assert!(with(vec![]).contains("neither a video nor an audio track"));
    assert!(with(vec![video(good, 0, thirty)]).contains("a width of 0 pixels"));
    assert!(with(vec![video(good, 70_000, thirty)]).contains("2 to 16384"));
    assert!(with(vec![video(b"", 160, thirty)]).contains("cannot be read"));
    assert!(with(vec![video(b"\x01\x64\x00\x1f\xff\xe0\x00", 160, thirty)]).contains("lacks a sequence"));
    assert!(
        with(vec![video(b"\x01\x64\x00\x1f\xfd\xe1\x00\x04\x67\x64\x00\x1f\x01\x00\x02\x68\xee", 160, thirty)]).contains("2-byte lengths")
    );
    assert!(with(vec![video(good, 160, Rate::per_second(44_100_000))]).contains("32-bit time scale"));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn units_that_do_not_fit_name_their_track_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = video(folder.path(), Rate::per_second(30), 4);
    let path = folder.path().join("units.mp4");
    let start = || Mp4Writer::create(&path, spec(&[&pictures, &sound()])).unwrap();
    let mut writer = start();
    let mut refused = |track, pts, keyframe, data: &[u8]| writer.push(track, Unit { pts, keyframe, data }).unwrap_err().to_string();
    assert!(refused(0, at(0), false, b"x").contains("no keyframe"));
    assert!(refused(0, at(-1), true, b"x").starts_with("track 0, at -0:00:00.001: a unit starts before"));
    assert!(refused(1, at(0), true, b"").contains("without bytes"));
    assert!(refused(2, at(0), true, b"x").contains("track 2"));
    drop(writer);

    let mut writer = start();
    pictures.push_all(&mut writer, 0);
    assert!(matches!(writer.finish(at(1000)), Err(Mp4Error::EmptyTrack { track: 1, kind: "audio" })));
    for (pts, end, problem) in
        [(at(0), at(1000), "two units share"), (at(2000), at(1000), "the movie ends before"), (Time(i64::MAX - 1), Time::MAX, "32 bits")]
    {
        let mut writer = start();
        pictures.push_all(&mut writer, 0);
        sound().push_all(&mut writer, 1);
        writer.push(0, Unit { pts, keyframe: true, data: b"x" }).unwrap();
        let error = writer.finish(end).unwrap_err().to_string();
        assert!(error.starts_with("track 0") && error.contains(problem), "{error}");
    }
    let mut writer = start();
    pictures.push_all(&mut writer, 0);
    writer.push(1, Unit { pts: at(2000), keyframe: true, data: b"x" }).unwrap();
    assert!(writer.finish(at(1500)).unwrap_err().to_string().contains("before this track begins"));
    assert_eq!(names(folder.path()), ["source-30-1-4.mp4"]);
}

#[test]
fn dropped_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drop.mp4");
    fs::write(&path, "the movie before").unwrap();
    let mut writer = Mp4Writer::create(&path, spec(&[&sound()])).unwrap();
    sound().push_all(&mut writer, 0);
    assert_eq!(names(folder.path()), ["drop.mp4", "drop.mp4.media.part"]);
    drop(writer);
    assert_eq!(names(folder.path()), ["drop.mp4"]);
    assert_eq!(fs::read(&path).unwrap(), b"the movie before");
    let mut writer = Mp4Writer::create(&path, spec(&[&sound()])).unwrap();
    sound().push_all(&mut writer, 0);
    writer.finish(at(20)).unwrap();
    assert_eq!(names(folder.path()), ["drop.mp4"]);
    assert_eq!(&fs::read(&path).unwrap()[4..8], b"ftyp");
}

#[test]
fn a_file_system_that_refuses() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::create_dir(folder.path().join("folder.mp4")).unwrap();
    for path in
        [folder.path().join("missing/a.mp4"), folder.path().join("file/a.mp4"), folder.path().join("folder.mp4"), "/proc/a.mp4".into()]
    {
        let error = Mp4Writer::create(&path, spec(&[&sound()])).unwrap_err().to_string();
        assert!(error.starts_with("cannot create ") && error.contains(path.to_str().unwrap()), "{error}");
    }
    assert_eq!(names(folder.path()), ["file", "folder.mp4"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("full.mp4");
    // The device that is always full stands in for each of the two files.
    for part in ["full.mp4.media.part", "full.mp4.part"] {
        let part = folder.path().join(part);
        std::os::unix::fs::symlink("/dev/full", &part).unwrap();
        let mut writer = Mp4Writer::create(&path, spec(&[&sound()])).unwrap();
        sound().push_all(&mut writer, 0);
        let error = writer.finish(at(20)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write {}: ", part.display())) && error.contains("No space left"), "{error}");
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    }
}
