//! Fragments, joined as a player would get them.

use std::fs;

use bytes::Bytes;
use engine::time::{Rate, Span, Time};
use mp4_atom::{Any, Decode};

use super::media::{Encoded, audio, live_video, probe, run, spec, video};
use crate::mp4::{Fragmenter, Mp4Error, Run, Unit};

/// The joined header and segments of half a second.
fn joined(pictures: &Encoded, sound: &Encoded) -> Vec<u8> {
    let rate = Rate::per_second(30);
    let fragmenter = Fragmenter::new(spec(&[pictures, sound])).unwrap();
    let mut bytes = fragmenter.init_segment().unwrap().to_vec();
    for segment in 0..4 {
        let (start, end) = (rate.time_of(segment * 15), rate.time_of(segment * 15 + 15));
        let of = |encoded: &'_ Encoded| -> Vec<usize> {
            (0..encoded.units.len())
                .filter(|&index| encoded.units[index].0 >= start && (encoded.units[index].0 < end || segment == 3))
                .collect()
        };
        let units: Vec<Vec<Unit>> =
            [pictures, sound].map(|encoded| of(encoded).into_iter().map(|index| encoded.unit(index)).collect()).into();
        let runs = [Run { track: 0, units: &units[0], end }, Run { track: 1, units: &units[1], end }];
        let made = fragmenter.media_segment(segment as u32 + 1, &runs).unwrap();
        assert_eq!(made, fragmenter.media_segment(segment as u32 + 1, &runs).unwrap());
        bytes.extend_from_slice(&made);
    }
    bytes
}

#[test]
fn header_and_segments_play_with_exact_times() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (live_video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let path = folder.path().join("joined.mp4");
    fs::write(&path, joined(&pictures, &sound)).unwrap();
    let found = probe(&path, &["-show_streams", "-show_frames", "-show_format"]);
    let stream = &found["streams"][0];
    assert_eq!(
        (stream["color_space"].as_str(), stream["color_range"].as_str(), stream["time_base"].as_str()),
        (Some("bt709"), Some("tv"), Some("1/30000"))
    );
    let times = |kind: &str| -> Vec<i64> {
        let frames = found["frames"].as_array().unwrap().iter().filter(|frame| frame["media_type"] == kind);
        frames.map(|frame| frame["pts"].as_i64().unwrap()).collect()
    };
    assert_eq!(times("video"), (0..60).map(|index| index * 1000).collect::<Vec<_>>());
    // The first unit, which holds nothing but priming, is not there.
    assert_eq!(times("audio"), (0..sound.units.len() as i64 - 1).map(|index| index * 1024).collect::<Vec<_>>());
    assert_eq!(found["format"]["tags"]["synthetic"], "voice,face");
    run("ffmpeg", &["-v", "error", "-xerror", "-i", path.to_str().unwrap(), "-f", "null", "-"]);
    let pcm = run("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-map", "0:a", "-f", "s16le", "-"]);
    let pcm: Vec<u16> = pcm.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs()).collect();
    let peak = (0..pcm.len()).max_by_key(|&index| pcm[index]).unwrap();
    assert!((48_000..48_004).contains(&peak), "the click is at {peak}");
}

#[test]
fn pictures_out_of_order_have_signed_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 60), audio(96_000, 48_000, 48_000));
    let bytes = joined(&pictures, &sound);
    let (mut rest, mut shown) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        if let Any::Moof(moof) = Any::decode(&mut rest).unwrap() {
            let video = &moof.traf[0];
            let mut decode = video.tfdt.as_ref().unwrap().base_media_decode_time as i64;
            for entry in video.trun[0].samples.iter() {
                shown.push(decode + entry.cts.unwrap());
                decode += i64::from(entry.duration.unwrap());
            }
        }
    }
    let expected: Vec<i64> = pictures.units.iter().map(|(pts, ..)| Rate::per_second(30).index_at(*pts) * 1000).collect();
    assert!(!expected.is_sorted(), "the material must have B-frames");
    assert_eq!(shown, expected);
}

#[test]
fn a_viewer_who_joins_late_gets_programme_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut pictures = live_video(folder.path(), Rate::per_second(30), 15);
    // Four hours in: decode times beyond 32 bits of flicks, and of ticks at 44.1 kHz and above.
    pictures.units.iter_mut().for_each(|unit| unit.0 += Span::from_seconds(50 * 3600));
    let fragmenter = Fragmenter::new(spec(&[&pictures])).unwrap();
    let units: Vec<Unit> = (0..15).map(|index| pictures.unit(index)).collect();
    let end = Time::ZERO + Span::from_seconds(50 * 3600) + Span::from_millis(500);
    let segment = fragmenter.media_segment(7, &[Run { track: 0, units: &units, end }]).unwrap();
    let path = folder.path().join("late.mp4");
    fs::write(&path, [fragmenter.init_segment().unwrap(), segment].concat()).unwrap();
    let found = probe(&path, &["-show_packets"]);
    let packets = found["packets"].as_array().unwrap();
    assert_eq!(packets.len(), 15);
    assert_eq!(packets[0]["pts"], 50 * 3600 * 30_000_i64);
}

#[test]
fn nothing_and_nonsense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, sound) = (video(folder.path(), Rate::per_second(30), 4), audio(4096, 0, 48_000));
    let fragmenter = Fragmenter::new(spec(&[&pictures, &sound])).unwrap();
    let segment = |track, units: &[Unit]| -> Result<Bytes, Mp4Error> {
        fragmenter.media_segment(1, &[Run { track, units, end: Time::ZERO + Span::from_seconds(1) }])
    };
    assert!(matches!(fragmenter.media_segment(1, &[]), Err(Mp4Error::EmptyFragment)));
    assert!(matches!(segment(1, &[sound.unit(0)]), Err(Mp4Error::EmptyFragment)), "only priming");
    assert!(segment(0, &[pictures.unit(1)]).unwrap_err().to_string().contains("no keyframe"));
    assert!(segment(5, &[pictures.unit(0)]).unwrap_err().to_string().contains("track 5"));
    assert!(segment(0, &[pictures.unit(0), pictures.unit(0)]).unwrap_err().to_string().contains("two units share"));
}
