//! Movies made by the nodes one after another, looked at by ffprobe and ffmpeg.

use super::*;
use crate::outputs::audio_encoder::AUDIO_ENCODER;
use crate::outputs::tests::{config, moving_pictures, probe, tone};
use crate::outputs::video_encoder::VIDEO_ENCODER;
use engine::cue::Placement;
use engine::frame::{Size, VideoFrame};
use engine::media::{AudioBlock, Caps};
use engine::node::Out;
use engine::nodes::ENGINE_NODES;
use engine::testing::{NodeTest, Outputs};
use engine::time::Rate;
use std::fs;
use std::process::Command;

const ENCODED: Out<EncodedUnit> = Out::new("encoded");

/// Two seconds.
const END: Time = Time(2 * Span::SECOND.0);

fn video() -> Outputs {
    let pictures = moving_pictures(Size::new(320, 180), 60);
    NodeTest::new(&VIDEO_ENCODER, "{}").input(In::<VideoFrame>::new("video"), pictures, END).run().unwrap()
}

fn audio() -> Outputs {
    NodeTest::new(&AUDIO_ENCODER, "{}").input(In::<AudioBlock>::new("audio"), tone(2000), END).run().unwrap()
}

fn at(millis: i64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

fn slide(millis: i64, index: usize, title: &str, elapsed: Span) -> Packet<Cue> {
    let id = format!("s{index}").into();
    let cue = SlideCue { id, index, number: index + 1, title: title.into(), elapsed, ..SlideCue::default() };
    Packet::new(at(millis), Cue::Slide(cue.into()))
}

fn cues() -> Vec<Packet<Cue>> {
    vec![
        slide(0, 0, "Hello", Span::ZERO),
        Packet::lasting(at(100), Span::from_millis(700), Cue::Caption("First line\nsecond line".into())),
        Packet::new(at(900), Cue::Rest),
        slide(1000, 1, "", Span::ZERO),
        slide(1500, 1, "", Span::from_millis(500)),
        Packet::new(at(1500), Cue::Caption("Until the end".into())),
    ]
}

struct Made {
    folder: tempfile::TempDir,
    path: PathBuf,
}

/// A sink with these tracks connected.
fn sink(settings: &str, video: Option<&Outputs>, audio: Option<&Outputs>) -> (Made, NodeTest) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let mut test = NodeTest::new(&MP4_SINK, &format!("{{ path: {}, {settings} }}", path.display()));
    for (port, encoded) in [(VIDEO, video), (AUDIO, audio)] {
        if let Some(out) = encoded {
            test = test.input_with(port, out.caps[0].clone().unwrap(), out.packets(ENCODED), END);
        }
    }
    (Made { folder, path }, test)
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_lecture_has_all_its_parts_and_is_the_same_every_time() {
    let settings = "title: \"A test: 1 < 2\", language: en-GB";
    let make = || {
        let (made, test) = sink(settings, Some(&video()), Some(&audio()));
        test.input(CUES, cues(), END).run().unwrap();
        made
    };
    let made = make();
    assert_eq!(names(&made.folder), ["a.mp4"], "no part is left");
    let found = probe(&made.path, &["-count_frames"]);
    let [video, audio, captions, ..] = found["streams"].as_array().unwrap().as_slice() else { panic!("{found}") };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    assert_eq!(
        ["codec_name", "nb_read_frames", "duration", "start_time"].map(|key| text(&video[key])),
        ["h264", "60", "2.000000", "0.000000"]
    );
    assert_eq!(["pix_fmt", "color_space", "color_range", "r_frame_rate"].map(|key| text(&video[key])), ["yuv420p", "bt709", "tv", "30/1"]);
    assert_eq!(
        ["codec_name", "channel_layout", "duration", "start_time"].map(|key| text(&audio[key])),
        ["aac", "stereo", "2.000000", "0.000000"]
    );
    assert_eq!(text(&captions["codec_name"]), "mov_text");
    assert_eq!(text(&audio["tags"]["language"]), "eng");
    assert_eq!(text(&found["format"]["tags"]["title"]), "A test: 1 < 2");
    assert!(text(&found["format"]["tags"]["comment"]).contains("synthetic"), "{}", found["format"]["tags"]);
    let chapters: Vec<_> = found["chapters"].as_array().unwrap().iter().collect();
    let chapters = chapters.iter().map(|c| [text(&c["start_time"]), text(&c["tags"]["title"])].join(" ")).collect::<Vec<_>>();
    assert_eq!(chapters, ["0.000000 Hello", "1.000000 Slide 2"]);
    assert_eq!(fs::read(&made.path).unwrap(), fs::read(&make().path).unwrap());
}

#[test]
fn title_and_language_are_those_of_the_lesson_where_none_are_given() {
    let audio = audio();
    let folder = tempfile::tempdir().unwrap();
    let lesson = folder.path().join("lesson.yaml");
    let tags = |language: &str, settings: &str| {
        let text = format!(
            "{{ version: 1, title: Von Meeren, language: {language}, size: 16x9, slides: [{{ id: a, color: \"#000000\", silence: 1s }}] }}"
        );
        fs::write(&lesson, text).unwrap();
        let (made, test) = sink(&format!("lesson: {}, {settings}", lesson.display()), None, Some(&audio));
        test.run().unwrap();
        let found = probe(&made.path, &[]);
        [&found["format"]["tags"]["title"], &found["streams"][0]["tags"]["language"]]
            .map(|tag| tag.as_str().unwrap_or_default().to_string())
    };
    assert_eq!(tags("de-AT", ""), ["Von Meeren", "deu"]);
    assert_eq!(tags("de", "title: A day at sea"), ["A day at sea", "deu"]);
    assert_eq!(tags("de", "language: nl"), ["Von Meeren", "nld"]);
    assert_eq!(tags("Deutsch!", ""), ["Von Meeren", "und"]);
    fs::remove_file(&lesson).unwrap();
    let (made, test) = sink(&format!("lesson: {}", lesson.display()), None, Some(&audio));
    assert!(test.run().map(drop).unwrap_err().to_string().contains("lesson.yaml"));
    assert!(names(&made.folder).is_empty());
}

/// Runs ffmpeg on the movie and gives its standard output.
fn ffmpeg(made: &Made, options: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&made.path).args(options).arg("-").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn sound_pictures_and_captions_come_back_at_their_time() {
    let (made, test) = sink("", Some(&video()), Some(&audio()));
    test.input(CUES, cues(), END).run().unwrap();
    // The tone was put in from sample 0 on and has no delay.
    let decoded = ffmpeg(&made, &["-map", "0:a", "-f", "f32le"]);
    let samples: Vec<f32> = decoded.as_chunks::<8>().0.iter().map(|[left @ .., _, _, _, _]| f32::from_le_bytes(*left)).collect();
    let original: Vec<f32> = tone(2000).iter().flat_map(|block| block.media.samples().to_vec()).collect();
    // ffmpeg takes off the priming; it leaves the padding of the last unit on, which players cut by the track's length.
    assert_eq!(samples.len(), 95 * 1024 - 1024);
    let worst = samples[4800..91_200].iter().zip(&original[4800..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 0.05, "the tone is off by {worst}");
    // Picture by picture.
    let decoded = ffmpeg(&made, &["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p"]);
    let frame = 320 * 180 * 3 / 2;
    assert_eq!(decoded.len(), 60 * frame);
    for (decoded, original) in decoded.chunks(frame).zip(moving_pictures(Size::new(320, 180), 60)) {
        let luma = original.media.picture.plane(0);
        let error: u64 = (0..180)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .map(|(x, y)| u64::from(decoded[y * 320 + x].abs_diff(luma.data[y * luma.stride + x])))
            .sum();
        assert!(error / (320 * 180) < 4, "the picture at {} differs by {error}", original.pts);
    }
    let captions = String::from_utf8(ffmpeg(&made, &["-map", "0:s:0", "-f", "srt"])).unwrap().replace('\r', "");
    let has = |time: &str, text: &str| captions.split("\n\n").any(|caption| caption.contains(time) && caption.contains(text));
    assert!(has("00:00:00,100 --> 00:00:00,800", "First line\nsecond line"), "{captions}");
    assert!(has("00:00:01,500 --> 00:00:02,000", "Until the end"), "{captions}");
}

#[test]
fn one_track_is_enough_and_the_rest_is_optional() {
    let (made, test) = sink("synthetic: false", None, Some(&audio()));
    test.run().unwrap();
    let found = probe(&made.path, &[]);
    assert_eq!((found["streams"].as_array().unwrap().len(), &found["format"]["duration"]), (1, &"2.000000".into()));
    assert!(found["format"]["tags"].get("comment").is_none());
    let (made, test) = sink("chapters: false, captions: false", Some(&video()), None);
    test.input(CUES, cues(), END).run().unwrap();
    let found = probe(&made.path, &[]);
    assert_eq!((found["streams"].as_array().unwrap().len(), found["chapters"].as_array().unwrap().len()), (1, 0));
}

#[test]
fn only_what_is_there_is_called_synthetic() {
    let (video, audio) = (video(), audio());
    let tags = |cues: Vec<Packet<Cue>>, audio| {
        let (made, test) = sink("", Some(&video), audio);
        test.input(CUES, cues, END).run().unwrap();
        probe(&made.path, &[])["format"]["tags"].clone()
    };
    let Cue::Slide(shown) = slide(0, 0, "A film", Span::ZERO).media else { unreachable!() };
    let placement = Placement { visible: false, ..Placement::default() };
    let film = || Packet::new(at(0), Cue::Slide(SlideCue { placement, ..SlideCue::clone(&shown) }.into()));
    let said = || Packet::lasting(at(100), Span::from_millis(700), Cue::Caption("Good morning.".into()));

    let alone = tags(vec![film(), Packet::new(at(0), Cue::Rest)], Some(&audio));
    assert!(alone.get("comment").is_none() && alone.get("synthetic").is_none(), "{alone}");
    let voice = tags(vec![film(), said()], Some(&audio));
    assert_eq!([&voice["comment"], &voice["synthetic"]], ["The voice in this video is synthetic: it was made by a computer.", "voice"]);
    let silent = tags(vec![slide(0, 0, "Silent", Span::ZERO)], Some(&audio));
    assert_eq!([&silent["comment"], &silent["synthetic"]], ["The face in this video is synthetic: it was made by a computer.", "face"]);
    let marked = Packet::new(at(0), Cue::Marker("synthetic:voice,face".into()));
    assert_eq!(tags(vec![film(), marked], Some(&audio))["synthetic"], "voice,face", "the film says so");
    assert_eq!(tags(cues(), None)["synthetic"], "face", "it has no sound");
    assert_eq!(tags(Vec::new(), Some(&audio))["synthetic"], "voice,face", "nothing is known");
}

#[test]
fn failures_leave_what_was_there_and_name_the_file() {
    let video = video();
    let caps = video.caps[0].clone().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, "earlier").unwrap();
    let run = |settings: &str, port, caps: &Caps, units| {
        let test = NodeTest::new(&MP4_SINK, &format!("{{ path: {}, {settings} }}", path.display()));
        test.input_with(port, caps.clone(), units, END).run().map(drop).unwrap_err().to_string()
    };
    // The first unit is lost, so nothing could be decoded.
    let error = run("", VIDEO, &caps, video.packets(ENCODED)[1..].to_vec());
    assert!(error.starts_with(&format!("cannot make {}: track 0", path.display())) && error.contains("keyframe"), "{error}");
    let error = run("", VIDEO, &caps, Vec::new());
    assert!(error.contains("got no unit"), "{error}");
    assert!(run("", AUDIO, &caps, Vec::new()).contains("mixed up"));
    assert_eq!(names(&folder), ["a.mp4"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
    let test = NodeTest::new(&MP4_SINK, "{ path: no/such/a.mp4 }").input_with(VIDEO, caps, Vec::new(), END);
    assert!(test.run().map(drop).unwrap_err().to_string().contains("no/such/a.mp4"));
    let (_made, test) = sink("", None, None);
    assert!(test.input(CUES, cues(), END).run().map(drop).unwrap_err().to_string().contains("neither video nor audio"));
}

#[test]
fn bad_settings_are_told() {
    assert!(config(&MP4_SINK, "{ path: a.avi }").0.unwrap_err().contains("end in .mp4"));
    assert!(config(&MP4_SINK, "{ path: a.mp4, language: English! }").0.unwrap_err().contains("such as en or de-AT"));
    assert!(config(&MP4_SINK, "{ path: no/such/a.mp4 }").1.unwrap_err().contains("mkdir -p no/such"));
    for tag in ["en", "de-AT", "zh-Hans-CN"] {
        assert_eq!(config(&MP4_SINK, &format!("{{ path: a.mp4, language: {tag} }}")), (Ok(()), Ok(())));
    }
}

/// A film of 700 pictures, of which those are left out that show what the one before shows: a slide, another one, a second of motion, and a
/// slide again. Its picture at each tick.
fn slides() -> (Outputs, Vec<Packet<VideoFrame>>) {
    let rate = Rate::per_second(30);
    let moving = moving_pictures(Size::new(320, 180), 60);
    let shown = |tick: usize| match tick {
        0..40 => &moving[0],
        40..200 => &moving[20],
        200..230 => &moving[tick - 170],
        _ => &moving[5],
    };
    let all = (0..700).map(|tick| Packet::new(rate.time_of(tick as i64), shown(tick).media.clone())).collect::<Vec<_>>();
    let playout = ENGINE_NODES.iter().find(|node_type| node_type.name == "playout").unwrap();
    let (port, end) = (In::<VideoFrame>::new("video"), rate.time_of(700));
    let out = NodeTest::new(playout, "{}").sparse().input(port, all.clone(), end).run().unwrap();
    let pictures = out.packets(Out::<VideoFrame>::new("video"));
    let encoder = NodeTest::new(&VIDEO_ENCODER, "{ keyframe_every: 2s }").sparse();
    (encoder.input_with(port, out.caps[0].clone().unwrap(), pictures, end).run().unwrap(), all)
}

#[test]
fn a_film_without_the_pictures_that_repeat_shows_each_at_its_time() {
    let (units, all) = slides();
    let folder = tempfile::tempdir().unwrap();
    let made = Made { path: folder.path().join("a.mp4"), folder };
    let sink = NodeTest::new(&MP4_SINK, &format!("{{ path: {} }}", made.path.display()));
    sink.input_with(VIDEO, units.caps[0].clone().unwrap(), units.packets(ENCODED), Rate::per_second(30).time_of(700)).run().unwrap();
    let found = probe(&made.path, &["-show_frames"]);
    assert_eq!([&found["streams"][0]["duration"], &found["streams"][0]["start_time"]], ["23.333333", "0.000000"]);
    let frames = found["frames"].as_array().unwrap();
    let ticks: Vec<usize> = frames.iter().map(|frame| frame["pts"].as_u64().unwrap() as usize).map(|pts| pts / 1000).collect();
    let expected: Vec<usize> = [0, 40, 190].into_iter().chain(200..=230).chain([380, 530, 680]).collect();
    assert_eq!(ticks, expected);
    // Nobody has to decode more pictures than at a constant rate.
    let keyframes: Vec<usize> = (0..frames.len()).filter(|&index| frames[index]["key_frame"] == 1).collect();
    assert!(keyframes[0] == 0 && keyframes.windows(2).all(|pair| pair[1] - pair[0] <= 60), "{keyframes:?}");
    let decoded = ffmpeg(&made, &["-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p"]);
    assert_eq!(decoded.len(), expected.len() * 320 * 180 * 3 / 2);
    for (decoded, tick) in decoded.chunks(320 * 180 * 3 / 2).zip(expected) {
        let luma = all[tick].media.picture.plane(0);
        let error: u64 = (0..320 * 180).map(|i| u64::from(decoded[i].abs_diff(luma.data[i / 320 * luma.stride + i % 320]))).sum();
        assert!(error / (320 * 180) < 4, "the picture of tick {tick} differs by {error}");
    }
}
