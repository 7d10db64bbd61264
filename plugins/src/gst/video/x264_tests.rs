//! Encoded with x264 and read back with ffmpeg.

use super::super::{Preset, Profile, RateControl, Tune};
use super::*;
use engine::time::Rate;
use std::process::Command;

const SIZE: Size = Size::new(176, 144);

fn caps(rate: Rate) -> VideoCaps {
    VideoCaps { format: PixelFormat::I420, size: SIZE, rate }
}

/// A pattern that moves and, at frame 40, changes wholly.
fn picture(pool: &Pool, index: usize) -> VideoFrame {
    let mut frame = pool.blank(PixelFormat::I420, SIZE);
    let scene = index / 40 * 37;
    for (i, sample) in frame.bytes_mut().iter_mut().enumerate() {
        let (x, y) = (i % 176, i / 176);
        *sample = 60 + ((x + 3 * index + scene * 5) / 8 * 29 + y / 8 * (17 + scene)) as u8 % 120;
    }
    frame.freeze()
}

/// All units, and after which picture each came.
fn encode(settings: &VideoSettings, rate: Rate, times: &[Time]) -> (EncodedVideoCaps, Vec<(usize, Packet<EncodedUnit>)>) {
    let pool = Pool::new();
    let mut encoder = VideoEncoder::open(&caps(rate), settings).unwrap();
    let mut units = Vec::new();
    for (index, &pts) in times.iter().enumerate() {
        let ready = encoder.push(Packet::lasting(pts, rate.interval(), picture(&pool, index))).unwrap();
        units.extend(ready.into_iter().map(|unit| (index, unit)));
    }
    units.extend(encoder.finish().unwrap().into_iter().map(|unit| (times.len(), unit)));
    (encoder.caps().clone(), units)
}

fn at_rate(rate: Rate, count: i64) -> Vec<Time> {
    (0..count).map(|index| rate.time_of(index)).collect()
}

/// Parameter sets from `avcC` and units with start codes: what ffmpeg reads from a plain file.
fn annex_b(config: &[u8], units: &[(usize, Packet<EncodedUnit>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut rest = &config[5..];
    for mask in [31, 255] {
        let count = rest[0] & mask;
        rest = &rest[1..];
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            stream.extend([0, 0, 0, 1]);
            stream.extend(&rest[2..2 + length]);
            rest = &rest[2 + length..];
        }
    }
    for (_, unit) in units {
        let mut rest = &unit.media.data[..];
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            stream.extend([0, 0, 0, 1]);
            stream.extend(&rest[4..4 + length]);
            rest = &rest[4 + length..];
        }
    }
    stream
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn ffmpeg_reads_every_frame_with_its_colours_and_order() {
    let rate = Rate::per_second(30);
    let (caps, units) =
        encode(&VideoSettings { keyframe_every: Span::from_seconds(1), ..VideoSettings::default() }, rate, &at_rate(rate, 60));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.h264");
    std::fs::write(&file, annex_b(&caps.config, &units)).unwrap();
    let fields =
        "stream=nb_read_frames,width,height,profile,color_range,color_space,color_transfer,color_primaries,chroma_location,has_b_frames";
    let told =
        run(Command::new("ffprobe").args(["-v", "error", "-count_frames", "-show_entries", fields, "-of", "default=nw=1"]).arg(&file));
    for expected in [
        "profile=High",
        "width=176",
        "height=144",
        "color_range=tv",
        "color_space=bt709",
        "color_transfer=bt709",
        "color_primaries=bt709",
        "chroma_location=left",
        "nb_read_frames=60",
    ] {
        assert!(told.lines().any(|line| line == expected), "{expected} in {told}");
    }
    let types = run(Command::new("ffprobe").args(["-v", "error", "-show_entries", "frame=pict_type", "-of", "csv=p=0"]).arg(&file));
    let types: Vec<char> = types.lines().filter_map(|line| line.chars().next()).collect();
    // Presentation order by our times is ffmpeg's order, and a keyframe is where one was promised.
    let mut shown: Vec<&Packet<EncodedUnit>> = units.iter().map(|(_, unit)| unit).collect();
    shown.sort_by_key(|unit| unit.pts);
    assert_eq!(shown.iter().map(|unit| unit.pts).collect::<Vec<_>>(), at_rate(rate, 60));
    assert!(types.contains(&'B'));
    for (unit, kind) in shown.iter().zip(&types) {
        assert!(!unit.media.keyframe || *kind == 'I');
    }
    assert!(shown.iter().filter(|unit| unit.media.keyframe).count() >= 2 && shown[0].media.keyframe);
    assert_eq!(units.iter().map(|(_, unit)| unit.media.dts).collect::<Vec<_>>(), at_rate(rate, 60));
    assert!(units.iter().any(|(_, unit)| unit.pts != unit.media.dts));
    // Decoded, the pictures are the ones that went in.
    let raw = folder.path().join("frames.yuv");
    run(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&file).args(["-f", "rawvideo", "-pix_fmt", "yuv420p"]).arg(&raw));
    let (decoded, pool) = (std::fs::read(&raw).unwrap(), Pool::new());
    let frame = SIZE.area() as usize * 3 / 2;
    assert_eq!(decoded.len(), 60 * frame);
    for (index, decoded) in decoded.chunks_exact(frame).enumerate() {
        let original = picture(&pool, index);
        let error: u64 = decoded.iter().zip(original.picture.bytes()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(error / frame as u64 <= 6, "frame {index} differs by {} levels on average", error / frame as u64);
    }
}

#[test]
fn two_runs_give_the_same_units_at_the_same_calls_with_the_declared_delay() {
    let rate = Rate::per_second(30);
    for (settings, delay) in [
        (VideoSettings::default(), 15),
        (VideoSettings { threads: 1, ..VideoSettings::default() }, 10),
        (VideoSettings { preset: Preset::Ultrafast, bframes: Some(0), threads: 2, ..VideoSettings::default() }, 2),
        (
            VideoSettings {
                tune: Some(Tune::Zerolatency),
                profile: Profile::ConstrainedBaseline,
                rate_control: RateControl::Bitrate(400),
                ..VideoSettings::default()
            },
            0,
        ),
    ] {
        let encoder = VideoEncoder::open(&caps(rate), &settings).unwrap();
        assert_eq!(encoder.latency(), rate.span_of(delay), "{settings:?}");
        let (first_caps, first) = encode(&settings, rate, &at_rate(rate, 50));
        let (second_caps, second) = encode(&settings, rate, &at_rate(rate, 50));
        assert_eq!(first_caps, second_caps);
        assert_eq!(first.len(), 50);
        for (k, ((call, unit), (again, same))) in first.iter().zip(&second).enumerate() {
            assert_eq!((call, unit.pts, unit.media.dts, &unit.media.data), (again, same.pts, same.media.dts, &same.media.data));
            assert_eq!(*call, (k + delay as usize).min(50));
        }
    }
}

#[test]
fn time_is_exact_for_odd_rates_late_starts_and_gaps() {
    let ntsc = Rate::new(30000, 1001).unwrap();
    let times: Vec<Time> = (0..40).map(|index| ntsc.time_of(1000 + index + if index > 20 { 90 * (index - 20) } else { 0 })).collect();
    let (_, units) = encode(&VideoSettings::default(), ntsc, &times);
    let mut shown: Vec<Time> = units.iter().map(|(_, unit)| unit.pts).collect();
    shown.sort();
    assert_eq!(shown, times);
    assert_eq!(units.iter().map(|(_, unit)| unit.media.dts).collect::<Vec<_>>(), times);
    // The bytes do not depend on when the stream starts.
    let start: Vec<Time> = times.iter().map(|&time| Time::ZERO + (time - times[0])).collect();
    let (_, same) = encode(&VideoSettings::default(), ntsc, &start);
    assert!(units.iter().zip(&same).all(|((_, a), (_, b))| a.media.data == b.media.data));
}

#[test]
fn a_keyframe_comes_on_demand_and_units_hold_no_parameter_sets() {
    let (rate, pool) = (Rate::per_second(30), Pool::new());
    let settings = VideoSettings {
        tune: Some(Tune::Zerolatency),
        profile: Profile::ConstrainedBaseline,
        rate_control: RateControl::Bitrate(500),
        ..VideoSettings::default()
    };
    let mut encoder = VideoEncoder::open(&caps(rate), &settings).unwrap();
    assert_eq!(encoder.caps().config[1], 66);
    for index in 0..20 {
        if index == 11 {
            encoder.request_keyframe();
            encoder.set_bitrate(300);
        }
        let units = encoder.push(Packet::new(rate.time_of(index), picture(&pool, index as usize))).unwrap();
        assert_eq!(units.len(), 1);
        assert_eq!(units[0].media.keyframe, index == 0 || index == 11, "picture {index}");
        let kind = units[0].media.data[4] & 31;
        assert!(kind == 1 || kind == 5, "NAL unit type {kind}");
    }
    assert!(encoder.finish().unwrap().is_empty());
}

#[test]
fn quality_is_not_held_down_by_a_rate() {
    // Noise at crf 5 needs far more than the element's default limit of 2,048 kbit/s.
    let (rate, pool) = (Rate::per_second(30), Pool::new());
    let mut encoder =
        VideoEncoder::open(&caps(rate), &VideoSettings { rate_control: RateControl::Crf(5), ..VideoSettings::default() }).unwrap();
    let mut seed = 1_u32;
    let mut bytes = 0;
    for index in 0..40 {
        let mut frame = pool.blank(PixelFormat::I420, SIZE);
        for sample in frame.bytes_mut() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = 60 + (seed >> 25) as u8;
        }
        let units = encoder.push(Packet::new(rate.time_of(index), frame.freeze())).unwrap();
        bytes += units.iter().map(|unit| unit.media.data.len()).sum::<usize>();
    }
    bytes += encoder.finish().unwrap().iter().map(|unit| unit.media.data.len()).sum::<usize>();
    assert!(bytes * 8 * 30 / 40 > 4_000_000, "{bytes} bytes");
}

#[test]
fn wrong_use_is_an_error() {
    let (rate, pool) = (Rate::per_second(30), Pool::new());
    let open = |settings| VideoEncoder::open(&caps(rate), &settings).err().map(|error| error.to_string());
    assert!(open(VideoSettings { threads: 0, ..VideoSettings::default() }).unwrap().contains("threads must be at least 1"));
    assert!(open(VideoSettings { rate_control: RateControl::Crf(51), ..VideoSettings::default() }).is_some());
    assert!(open(VideoSettings { keyframe_every: Span::ZERO, ..VideoSettings::default() }).is_some());
    let mut encoder = VideoEncoder::open(&caps(rate), &VideoSettings::default()).unwrap();
    encoder.push(Packet::new(rate.time_of(3), picture(&pool, 0))).unwrap();
    assert!(matches!(encoder.push(Packet::new(rate.time_of(3), picture(&pool, 1))), Err(GstError::Order { .. })));
    let small = pool.blank(PixelFormat::I420, Size::new(16, 16)).freeze();
    assert!(matches!(encoder.push(Packet::new(rate.time_of(4), small)), Err(GstError::Frame { .. })));
    assert_eq!(encoder.finish().unwrap().len(), 1);
}
