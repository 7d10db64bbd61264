//! Whole movies.

use std::fs;
use std::path::Path;

use engine::time::{Rate, Span, Time};
use serde_json::{Value, json};

use super::media::{Encoded, audio, probe, run, spec, video};
use crate::mp4::{Mp4Writer, SYNTHETIC_COMMENT, Summary};

fn at(millis: i64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

/// Kinds and sizes of the boxes at the top of a file.
fn boxes(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let (mut rest, mut kinds) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let size = match u32::from_be_bytes(rest[..4].try_into().unwrap()) {
            1 => u64::from_be_bytes(rest[8..16].try_into().unwrap()),
            size => size.into(),
        };
        kinds.push(String::from_utf8_lossy(&rest[4..8]).into_owned());
        rest = &rest[size as usize..];
    }
    kinds
}

/// Decodes everything; any complaint fails.
fn plays(path: &Path) {
    let complaints =
        std::process::Command::new("ffmpeg").args(["-v", "error", "-xerror", "-i"]).arg(path).args(["-f", "null", "-"]).output().unwrap();
    assert!(complaints.status.success() && complaints.stderr.is_empty(), "{}", String::from_utf8_lossy(&complaints.stderr));
}

/// The decoded sound of a mono movie, by ffmpeg.
fn decoded(path: &Path) -> Vec<i16> {
    let bytes = run("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-map", "0:a", "-f", "s16le", "-"]);
    bytes.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}

/// Where the loudest sample is.
fn peak(sound: &[i16]) -> usize {
    (0..sound.len()).max_by_key(|&index| sound[index].unsigned_abs()).unwrap()
}

fn numbers(packets: &Value, key: &str) -> Vec<i64> {
    packets["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|packet| packet[key].as_i64().unwrap_or_else(|| panic!("{key} in {packet}")))
        .collect()
}

/// Two seconds of everything. `interleaved` feeds the tracks turn by turn, else one after the other.
fn lecture(path: &Path, pictures: &Encoded, sound: &Encoded, interleaved: bool) -> Summary {
    let mut writer = Mp4Writer::create(path, spec(&[pictures, sound])).unwrap();
    if interleaved {
        for index in 0..pictures.units.len().max(sound.units.len()) {
            for (track, encoded) in [pictures, sound].into_iter().enumerate() {
                if index < encoded.units.len() {
                    writer.push(track, encoded.unit(index)).unwrap();
                }
            }
        }
    } else {
        sound.push_all(&mut writer, 1);
        pictures.push_all(&mut writer, 0);
    }
    writer.caption(at(0), at(900), "Time flies – première ligne\nand a second one.").unwrap();
    writer.caption(at(1250), at(1999), "時間 <b>\"quoted\"").unwrap();
    writer.chapter(at(0), "Opening").unwrap();
    writer.chapter(at(1000), "Größe 时间").unwrap();
    writer.finish(at(2000)).unwrap()
}

#[test]
fn a_lecture_as_others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let path = folder.path().join("lecture.mp4");
    let summary = lecture(&path, &pictures, &sound, true);
    assert_eq!((summary.units.as_slice(), summary.chapters, summary.duration), (&[60, sound.units.len()][..], 2, Span::from_seconds(2)));
    assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(boxes(&path), ["ftyp", "moov", "mdat"]);
    plays(&path);

    let found = probe(&path, &["-show_streams", "-show_format", "-show_chapters"]);
    let [pictures_found, sound_found, captions_found, chapters_found] = &found["streams"].as_array().unwrap()[..] else {
        panic!("{found}")
    };
    for (key, value) in [
        ("codec_name", json!("h264")),
        ("width", json!(320)),
        ("height", json!(180)),
        ("sample_aspect_ratio", json!("1:1")),
        ("color_range", json!("tv")),
        ("color_space", json!("bt709")),
        ("color_transfer", json!("bt709")),
        ("color_primaries", json!("bt709")),
        ("r_frame_rate", json!("30/1")),
        ("time_base", json!("1/30000")),
        ("start_pts", json!(0)),
        ("duration_ts", json!(60_000)),
        ("nb_frames", json!("60")),
    ] {
        assert_eq!(pictures_found[key], value, "{key}");
    }
    for (key, value) in [
        ("codec_name", json!("aac")),
        ("channels", json!(1)),
        ("sample_rate", json!("48000")),
        ("start_pts", json!(0)),
        ("duration_ts", json!(96_000)),
    ] {
        assert_eq!(sound_found[key], value, "{key}");
    }
    assert_eq!(sound_found["tags"]["language"], "eng");
    assert_eq!((&captions_found["codec_name"], &captions_found["tags"]["language"]), (&json!("mov_text"), &json!("eng")));
    assert_eq!(captions_found["disposition"]["default"], 0);
    assert_eq!(chapters_found["codec_name"], "bin_data");
    let tags = &found["format"]["tags"];
    assert_eq!((&tags["title"], &tags["encoder"]), (&json!("Über die Zeit"), &json!("Lectern")));
    assert_eq!((&tags["comment"], &tags["synthetic"]), (&json!(SYNTHETIC_COMMENT), &json!("voice,face")));
    assert!(tags.get("creation_time").is_none());
    assert_eq!((&found["format"]["start_time"], &found["format"]["duration"]), (&json!("0.000000"), &json!("2.000000")));
    let chapter = |index: usize| {
        let chapter = &found["chapters"][index];
        (chapter["start_time"].as_str().unwrap(), chapter["end_time"].as_str().unwrap(), chapter["tags"]["title"].as_str().unwrap())
    };
    assert_eq!((chapter(0), chapter(1)), (("0.000000", "1.000000", "Opening"), ("1.000000", "2.000000", "Größe 时间")));
    let captions = run("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-map", "0:s:0", "-f", "webvtt", "-"]);
    assert_eq!(
        String::from_utf8(captions).unwrap(),
        "WEBVTT\n\n00:00.000 --> 00:00.900\nTime flies – première ligne\nand a second one.\n\n\
         00:01.250 --> 00:01.999\n時間 <b>\"quoted\"\n"
    );
}

#[test]
fn pictures_out_of_order_keep_their_times_and_content() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let path = folder.path().join("order.mp4");
    lecture(&path, &pictures, &sound, true);
    let packets = probe(&path, &["-select_streams", "v", "-show_packets"]);
    let expected: Vec<i64> = pictures.units.iter().map(|(pts, ..)| Rate::per_second(30).index_at(*pts) * 1000).collect();
    assert!(!expected.is_sorted(), "the material must have B-frames");
    assert_eq!(numbers(&packets, "pts"), expected);
    let dts = numbers(&packets, "dts");
    assert!(dts.windows(2).all(|pair| pair[1] - pair[0] == 1000) && dts.iter().zip(&expected).all(|(dts, pts)| dts <= pts), "{dts:?}");
    assert!(numbers(&packets, "duration").iter().all(|&duration| duration == 1000));
    let keyframes = packets["packets"].as_array().unwrap().iter().map(|packet| packet["flags"].as_str().unwrap().starts_with('K'));
    assert!(keyframes.eq(pictures.units.iter().map(|(_, keyframe, _)| *keyframe)));

    let hashes = |path: &Path| {
        run("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
    };
    let pictures_of = |path: &Path| -> Vec<String> {
        let list = String::from_utf8(hashes(path)).unwrap();
        list.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit(',').next().unwrap().trim().to_string()).collect()
    };
    assert_eq!(pictures_of(&path), pictures_of(&folder.path().join("source-30-1-60.mp4")));
}

#[test]
fn the_sound_is_where_it_was_and_as_long_as_the_programme() {
    let folder = tempfile::tempdir().unwrap();
    for (rate, samples, click) in [(48_000, 96_000, 48_000), (48_000, 94 * 1024, 0), (44_100, 66_150, 11_025)] {
        let sound = audio(samples, click, rate);
        let path = folder.path().join("sound.mp4");
        let mut writer = Mp4Writer::create(&path, spec(&[&sound])).unwrap();
        sound.push_all(&mut writer, 0);
        writer.finish(Rate::per_second(rate).time_of(samples as i64)).unwrap();
        plays(&path);
        let found = decoded(&path);
        assert!((click..click + 4).contains(&peak(&found)), "{} Hz: the click is at {}", rate, peak(&found));
        // ffmpeg 5 gives the unit in which the programme ends whole, and no other after it.
        assert_eq!(found.len(), samples.next_multiple_of(1024));
        let stream = probe(&path, &["-show_streams", "-show_packets"]);
        assert_eq!(stream["streams"][0]["duration_ts"], samples);
        let (times, durations) = (numbers(&stream, "pts"), numbers(&stream, "duration"));
        assert_eq!((times[0], times.last().unwrap() + durations.last().unwrap()), (-1024, samples as i64));
    }
}

#[test]
fn the_same_units_give_the_same_bytes_however_they_are_fed() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let write = |name: &str, interleaved| {
        lecture(&folder.path().join(name), &pictures, &sound, interleaved);
        fs::read(folder.path().join(name)).unwrap()
    };
    let first = write("a.mp4", true);
    assert!(first == write("b.mp4", true), "written twice");
    assert!(first == write("c.mp4", false), "fed track by track");
    let left = fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "part").count();
    assert_eq!(left, 0);
}

#[test]
fn chunks_alternate_by_half_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let path = folder.path().join("chunks.mp4");
    lecture(&path, &pictures, &sound, false);
    let packets = probe(&path, &["-show_packets"]);
    let mut packets: Vec<(i64, f64)> = packets["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|packet| {
            let text = |key: &str| packet[key].as_str().unwrap();
            (text("pos").parse().unwrap(), text("pts_time").parse().unwrap())
        })
        .collect();
    packets.sort_by_key(|packet| packet.0);
    let mut latest = f64::MIN;
    for (position, time) in packets {
        assert!(time > latest - 0.6, "at byte {position} lies {time} s behind {latest} s");
        latest = latest.max(time);
    }
}

#[test]
fn sparse_pictures_last_until_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut pictures = video(folder.path(), Rate::per_second(25), 4);
    let frame = |index: i64| Rate::per_second(25).time_of(index);
    // A slide held for two seconds, then movement, then held to the end.
    let stretched = [0, 50, 51, 52];
    for unit in &mut pictures.units {
        unit.0 = frame(stretched[Rate::per_second(25).index_at(unit.0) as usize]);
    }
    let path = folder.path().join("sparse.mp4");
    let mut writer = Mp4Writer::create(&path, spec(&[&pictures])).unwrap();
    pictures.push_all(&mut writer, 0);
    writer.finish(frame(250)).unwrap();
    plays(&path);
    let found = probe(&path, &["-show_streams", "-show_frames"]);
    assert_eq!((&found["streams"][0]["duration_ts"], &found["streams"][0]["nb_frames"]), (&json!(250_000), &json!("4")));
    let shown: Vec<i64> = found["frames"].as_array().unwrap().iter().map(|frame| frame["pts"].as_i64().unwrap()).collect();
    assert_eq!(shown, [0, 50_000, 51_000, 52_000]);
}

#[test]
fn ntsc_and_a_single_frame() {
    let folder = tempfile::tempdir().unwrap();
    let rate = Rate::new(30_000, 1001).unwrap();
    for frames in [31, 1] {
        let pictures = video(folder.path(), rate, frames);
        let path = folder.path().join("ntsc.mp4");
        let mut writer = Mp4Writer::create(&path, spec(&[&pictures])).unwrap();
        pictures.push_all(&mut writer, 0);
        writer.finish(rate.time_of(frames as i64)).unwrap();
        plays(&path);
        let found = probe(&path, &["-show_streams", "-show_packets"]);
        let stream = &found["streams"][0];
        assert_eq!((&stream["time_base"], &stream["r_frame_rate"]), (&json!("1/30000"), &json!("30000/1001")));
        assert_eq!((&stream["nb_frames"], &stream["duration_ts"]), (&json!(frames.to_string()), &json!(frames * 1001)));
        let mut shown = numbers(&found, "pts");
        shown.sort_unstable();
        assert!(shown.iter().enumerate().all(|(index, &pts)| pts == index as i64 * 1001), "{shown:?}");
    }
}

#[test]
fn tracks_that_begin_late_stay_in_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pictures, mut sound) = (video(folder.path(), Rate::per_second(30), 30), audio(48_000, 24_000, 48_000));
    pictures.units.iter_mut().for_each(|unit| unit.0 += Span::from_millis(300));
    sound.units.iter_mut().for_each(|unit| unit.0 += Span::from_millis(200));
    let path = folder.path().join("late.mp4");
    let mut writer = Mp4Writer::create(&path, spec(&[&pictures, &sound])).unwrap();
    pictures.push_all(&mut writer, 0);
    sound.push_all(&mut writer, 1);
    writer.finish(at(1300)).unwrap();
    plays(&path);
    let found = probe(&path, &["-show_streams", "-show_frames"]);
    let frames = found["frames"].as_array().unwrap();
    let times = |kind: &str| -> Vec<String> {
        frames.iter().filter(|frame| frame["media_type"] == kind).map(|frame| frame["pts_time"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!((times("video").len(), times("video")[0].as_str(), times("video")[29].as_str()), (30, "0.300000", "1.266667"));
    assert_eq!(times("audio")[0], "0.200000");
    assert!((24_000..24_004).contains(&peak(&decoded(&path))));
}

#[test]
fn hours_of_one_chapter_after_a_short_sound() {
    let folder = tempfile::tempdir().unwrap();
    let sound = audio(4096, 100, 44_100);
    let path = folder.path().join("hours.mp4");
    let mut writer = Mp4Writer::create(&path, spec(&[&sound])).unwrap();
    sound.push_all(&mut writer, 0);
    writer.chapter(at(0), "All of it").unwrap();
    writer.caption(at(10_000_000), at(10_001_000), "late").unwrap();
    writer.finish(Time::ZERO + Span::from_seconds(5 * 3600)).unwrap();
    plays(&path);
    let found = probe(&path, &["-show_streams", "-show_format", "-show_chapters"]);
    assert_eq!(found["format"]["duration"], "18000.000000");
    assert_eq!(found["chapters"][0]["end_time"], "18000.000000");
    assert_eq!(found["streams"][0]["duration_ts"], (sound.units.len() - 1) * 1024);
    assert_eq!(decoded(&path).len(), (sound.units.len() - 1) * 1024);
}

#[test]
fn large_files_have_64_bit_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let path = folder.path().join("large.mp4");
    let mut writer = Mp4Writer::create(&path, spec(&[&pictures, &sound])).unwrap();
    writer.large_from = 10_000;
    pictures.push_all(&mut writer, 0);
    sound.push_all(&mut writer, 1);
    writer.finish(at(2000)).unwrap();
    let bytes = fs::read(&path).unwrap();
    let holds = |kind: &[u8]| bytes.windows(4).any(|window| window == kind);
    assert!(holds(b"co64") && !holds(b"stco"));
    assert_eq!(boxes(&path), ["ftyp", "moov", "mdat"]);
    plays(&path);
    assert_eq!(probe(&path, &["-show_streams"])["streams"][0]["nb_frames"], "60");
}

#[test]
fn hundreds_of_chapters_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = video(folder.path(), Rate::per_second(30), 30);
    let path = folder.path().join("chapters.mp4");
    let mut writer = Mp4Writer::create(&path, spec(&[&pictures])).unwrap();
    pictures.push_all(&mut writer, 0);
    for index in 1..=400 {
        writer.chapter(at(index), &format!("Slide {index} {}", "é".repeat(200))).unwrap();
    }
    assert_eq!(writer.finish(at(1000)).unwrap().chapters, 401);
    plays(&path);
    let found = probe(&path, &["-show_chapters"]);
    let chapters = found["chapters"].as_array().unwrap();
    assert_eq!(
        (chapters.len(), &chapters[0]["tags"]["title"], &chapters[400]["start_time"]),
        (401, &json!("Über die Zeit"), &json!("0.400000"))
    );
    assert_eq!(chapters[400]["tags"]["title"], format!("Slide 400 {}", "é".repeat(200)));
}
