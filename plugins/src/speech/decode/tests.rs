use super::*;
use std::process::Command;
use tempfile::TempDir;

/// Where the tone begins and ends, and how long the recordings are, in seconds.
const TONE: (f64, f64) = (0.5, 1.0);
const LENGTH: f64 = 1.6234;

/// Recordings of 1 kHz between silences, by the encoders of ffmpeg.
fn recordings(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let channel = format!("0.5*sin(2*PI*1000*t)*gte(t,{})*lt(t,{})", TONE.0, TONE.1);
    let tone = format!("aevalsrc='{channel}|{channel}':s=44100:d={LENGTH}");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &tone, "-f", "lavfi", "-i", "testsrc=s=64x64:r=10:d=1"]).current_dir(&folder);
    for name in names {
        let options: &[&str] = match *name {
            "48k.mp3" | "48k.m4a" => &["-map", "0:a", "-ar", "48000"],
            "22k.m4a" => &["-map", "0:a", "-ar", "22050"],
            "float.wav" => &["-map", "0:a", "-c:a", "pcm_f32le"],
            "fast.m4a" => &["-map", "0:a", "-movflags", "+faststart"],
            "film.mp4" => &["-map", "0:a", "-map", "1:v"],
            "tone.ogg" => &["-map", "0:a", "-c:a", "libvorbis"],
            "opus.ogg" => &["-map", "0:a", "-c:a", "libopus"],
            "lossless.m4a" => &["-map", "0:a", "-c:a", "alac"],
            "silent.mp4" => &["-map", "1:v"],
            _ => &["-map", "0:a"],
        };
        ffmpeg.args(options).arg(name);
    }
    assert!(ffmpeg.status().expect("ffmpeg is installed").success());
    folder
}

/// First and last sample of the tone, and its frequency by its zero crossings.
fn tone(samples: &[f32]) -> (usize, usize, f64) {
    let loud = |s: &f32| s.abs() > 0.25;
    let (first, last) = (samples.iter().position(loud).unwrap(), samples.iter().rposition(loud).unwrap());
    let crossings = samples[first..last].windows(2).filter(|pair| pair[0] <= 0.0 && pair[1] > 0.0).count();
    (first, last, crossings as f64 / ((last - first) as f64 / 48_000.0))
}

fn assert_tone(samples: &[f32], delay: f64, name: &str) {
    let (first, last, frequency) = tone(samples);
    let expected = |at: f64| (at + delay) * 48_000.0;
    assert!((first as f64 - expected(TONE.0)).abs() < 24.0, "{name}: the tone begins at {first}");
    assert!((last as f64 - expected(TONE.1)).abs() < 24.0, "{name}: the tone ends at {last}");
    assert!((frequency - 1000.0).abs() < 5.0, "{name}: {frequency} Hz");
    let middle = &samples[(first + last) / 2 - 4800..][..9600];
    let power = middle.iter().map(|s| s * s).sum::<f32>() / 9600.0;
    // LAME turns the sound down to 95 %.
    assert!((power - 0.125).abs() < 0.013, "{name}: power {power}");
}

fn text(result: Result<Vec<f32>, DecodeError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn every_format_keeps_length_and_time() {
    let names =
        ["tone.wav", "float.wav", "tone.mp3", "48k.mp3", "tone.m4a", "fast.m4a", "48k.m4a", "22k.m4a", "film.mp4", "tone.flac", "tone.ogg"];
    let folder = recordings(&names);
    for name in names {
        let samples = decode(&folder.path().join(name)).unwrap();
        // What the encoder gets: at 44.1 kHz, or converted from it.
        let rate = if name.starts_with("48k") {
            48_000.0
        } else if name.starts_with("22k") {
            22_050.0
        } else {
            44_100.0
        };
        let expected = (LENGTH * rate).round() / rate * 48_000.0;
        assert!((samples.len() as f64 - expected).abs() <= 48_000.0 / rate + 1.0, "{name}: {} samples, not {expected}", samples.len());
        assert_tone(&samples, 0.0, name);
        assert_eq!(samples, decode(&folder.path().join(name)).unwrap(), "{name}: the same bits every time");
    }
}

#[test]
fn bare_aac_keeps_the_delay_that_it_does_not_tell() {
    let folder = recordings(&["tone.aac"]);
    assert_tone(&decode(&folder.path().join("tone.aac")).unwrap(), 1024.0 / 44_100.0, "tone.aac");
}

#[test]
fn channels_are_averaged_and_numbers_that_are_none_are_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let spec = hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut wav = hound::WavWriter::create(&path, spec).unwrap();
    for sample in [0.5, 0.25, -1.0, 1.0, f32::NAN, 0.5, f32::INFINITY, 0.5, f32::MAX, f32::MAX] {
        wav.write_sample(sample).unwrap();
    }
    wav.finalize().unwrap();
    assert_eq!(decode(&path).unwrap(), [0.375, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_large_tag_before_an_mp3_is_passed_over() {
    let folder = recordings(&["tone.mp3"]);
    let path = folder.path().join("tone.mp3");
    let sound = std::fs::read(&path).unwrap();
    let size = 3_000_000_u32;
    let mut tagged = vec![b'I', b'D', b'3', 4, 0, 0];
    tagged.extend([21, 14, 7, 0].map(|shift| (size >> shift) as u8 & 0x7f));
    // What a picture may hold: something that looks like the start of a frame.
    tagged.extend([0xff, 0xfb, 0x90, 0x64].into_iter().cycle().take(size as usize));
    tagged.extend(&sound);
    let with_tag = folder.path().join("tag.mp3");
    std::fs::write(&with_tag, tagged).unwrap();
    assert_eq!(decode(&with_tag).unwrap(), decode(&path).unwrap());
}

#[test]
fn what_is_cut_off_is_an_error() {
    let names = ["tone.wav", "tone.mp3", "tone.m4a", "fast.m4a", "tone.flac", "tone.ogg"];
    let folder = recordings(&names);
    let cut = folder.path().join("cut");
    for name in names {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        for part in [1, 12, 100, bytes.len() / 10, bytes.len() / 2, bytes.len() * 9 / 10] {
            std::fs::write(&cut, &bytes[..part]).unwrap();
            let error = text(decode(&cut));
            assert!(error.contains(cut.to_str().unwrap()) && error.contains("Bring"), "{name} to {part}: {error}");
        }
        if name != "tone.mp3" {
            std::fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
            assert!(decode(&cut).is_err(), "{name} without its last byte");
        }
    }
}

#[test]
fn what_is_damaged_or_no_sound_at_all_never_panics() {
    let names = ["tone.wav", "tone.mp3", "fast.m4a", "tone.flac", "tone.ogg", "tone.aac"];
    let folder = recordings(&names);
    let path = folder.path().join("bad");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for name in names {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        for round in 0..20 {
            let mut bytes = bytes.clone();
            let reach = if round % 2 == 0 { bytes.len() } else { 400 };
            for _ in 0..8 {
                bytes[random() as usize % reach] = random() as u8;
            }
            std::fs::write(&path, bytes).unwrap();
            if let Ok(samples) = decode(&path) {
                assert!(samples.iter().all(|sample| sample.is_finite()), "{name}");
            }
        }
    }
    for length in [1, 7, 5000, 500_000] {
        std::fs::write(&path, (0..length).map(|_| random() as u8).collect::<Vec<u8>>()).unwrap();
        assert!(text(decode(&path)).contains("is no sound file"), "{length} random bytes");
    }
    for other in ["", "Dear students,\n", "%PDF-1.7\n", "{\"slides\": []}", "ID3", "RIFF\0\0\0\0WAVE", "fLaC", "OggS"] {
        std::fs::write(&path, other).unwrap();
        let error = text(decode(&path));
        assert!(error.contains("is no sound file") && error.contains("Bring WAV, MP3"), "{other:?}: {error}");
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let folder = recordings(&["opus.ogg", "lossless.m4a", "silent.mp4"]);
    let error = |name: &str| text(decode(&folder.path().join(name)));
    assert!(error("missing.wav").contains("cannot read the recording"), "{}", error("missing.wav"));
    assert!(error("").contains("not a regular file"), "{}", error(""));
    assert!(error("opus.ogg").contains("is coded in Opus"), "{}", error("opus.ogg"));
    assert!(error("lossless.m4a").contains("is coded in Apple Lossless"), "{}", error("lossless.m4a"));
    assert!(error("silent.mp4").contains("there is no sound in"), "{}", error("silent.mp4"));
    let empty = folder.path().join("empty.wav");
    let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    hound::WavWriter::create(&empty, spec).unwrap().finalize().unwrap();
    assert!(error("empty.wav").contains("there is no sound in"), "{}", error("empty.wav"));
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    let folder = recordings(&["tone.wav"]);
    let path = folder.path().join("tone.wav");
    let bytes = decode(&path).unwrap().len() * size_of::<f32>();
    assert!(decode_up_to(&path, bytes).is_ok());
    assert!(text(decode_up_to(&path, bytes - 400)).contains("is longer than 0 minutes, which is the most at 44100 Hz"));
}

#[test]
fn both_sides_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (channels, rate) in [(1u16, 48_000), (2, 48_000), (2, 44_100)] {
        let path = folder.path().join("sound.wav");
        let form = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
        let mut file = hound::WavWriter::create(&path, form).unwrap();
        (0..rate).for_each(|_| (0..channels).for_each(|channel| file.write_sample(8192i16 * (1 - 2 * channel as i16)).unwrap()));
        file.finalize().unwrap();
        let both = decode_stereo(&path).unwrap();
        assert_eq!(both.len(), 96_000, "{channels} channels at {rate} Hz");
        let (left, right) = (both[48_000], both[48_001]);
        assert!((left - 0.25).abs() < 0.01 && (right - if channels == 1 { 0.25 } else { -0.25 }).abs() < 0.01, "{left} {right}");
    }
}
