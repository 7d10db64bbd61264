use super::*;
use engine::testing::{NodeTest, Outputs};
use std::path::Path;

const SECOND: usize = 48_000;

/// A piece of music of so many seconds: a tone of one level at the left, and nothing or the same at the right.
fn music(folder: &Path, seconds: usize, both: bool) -> String {
    let path = folder.join("music.wav");
    let form = hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut file = hound::WavWriter::create(&path, form).unwrap();
    for n in 0..seconds * SECOND {
        let tone = (n as f32 * 997.0 / 48_000.0 * std::f32::consts::TAU).sin() * 0.5;
        file.write_sample(tone).unwrap();
        file.write_sample(if both { tone } else { 0.0 }).unwrap();
    }
    file.finalize().unwrap();
    path.display().to_string()
}

/// A programme in which a low tone is heard where `speaks` says so, in blocks of so many samples.
fn programme(seconds: usize, block: usize, speaks: impl Fn(f64) -> bool) -> Vec<Packet<AudioBlock>> {
    let sample = |n: usize| if speaks(n as f64 / SECOND as f64) { (n as f32 * 0.02).sin() * 0.3 } else { 0.0 };
    let whole = AudioBlock::mono((0..seconds * SECOND).map(sample).collect(), SAMPLES);
    let part = |at: usize| {
        let part = whole.slice(at, at + block);
        Packet::lasting(SAMPLES.time_of(at as i64), part.duration(), part)
    };
    (0..seconds * SECOND).step_by(block).map(part).collect()
}

fn test(config: &str, packets: &[Packet<AudioBlock>]) -> NodeTest {
    let end = packets.last().and_then(Packet::end).unwrap_or(Time::ZERO);
    NodeTest::new(&MUSIC_BED, config).input(AUDIO, packets.to_vec(), end)
}

fn run(config: &str, packets: &[Packet<AudioBlock>]) -> Outputs {
    let end = packets.last().and_then(Packet::end).unwrap_or(Time::ZERO);
    test(config, packets).ends_at(end).run().unwrap()
}

/// One side of all that left, which has no gaps and begins at zero.
fn side(out: &Outputs, side: usize) -> Vec<f32> {
    let mut all = Vec::new();
    for packet in out.packets(AUDIO_OUT) {
        assert_eq!((packet.pts, packet.media.channels()), (SAMPLES.time_of(all.len() as i64), 2));
        all.extend(packet.media.samples().iter().skip(side).step_by(SIDES));
    }
    all
}

/// What is heard besides the programme, as the highest sample of every 10 ms.
fn levels(out: &Outputs, packets: &[Packet<AudioBlock>]) -> Vec<f32> {
    let own: Vec<f32> = packets.iter().flat_map(|packet| packet.media.samples().to_vec()).collect();
    let rest: Vec<f32> = side(out, 0).iter().zip(own).map(|(all, own)| all - own).collect();
    rest.chunks(480).map(|chunk| chunk.iter().fold(0.0, |level: f32, sample| level.max(sample.abs()))).collect()
}

fn decibel(level: f32) -> f32 {
    20.0 * level.log10()
}

#[test]
fn the_music_is_so_far_below_speech_and_further_while_somebody_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{{ file: {} }}", music(folder.path(), 60, true));
    // Four seconds of silence, speech with a pause of half a second, silence.
    let speaks = |at: f64| (4.0..6.0).contains(&at) || (6.5..8.0).contains(&at);
    let packets = programme(14, 960, speaks);
    let out = run(&config, &packets);
    assert_eq!(out.latency, Span::from_seconds_f64(5.0 / 30.0), "150 ms in whole pictures");
    let levels = levels(&out, &packets);
    // A sine on both sides has its level in LUFS: its peak is at -24.
    let near = |second: f64, level: f32| {
        let found = decibel(levels[(second * 100.0) as usize]);
        assert!((found - level).abs() < 0.2, "at {second} s: {found} dB, not {level}");
    };
    [2.5, 3.8].into_iter().for_each(|second| near(second, -24.0));
    [4.0, 5.0, 6.25, 7.9, 8.6].into_iter().for_each(|second| near(second, -34.0));
    [9.4, 10.5].into_iter().for_each(|second| near(second, -24.0));
    let between = decibel(levels[393]);
    assert!((-33.0..-25.0).contains(&between), "it steps back before the first word: {between}");
    let steps = levels.windows(2).map(|pair| (decibel(pair[1].max(1e-4)) - decibel(pair[0].max(1e-4))).abs());
    assert!(steps.skip(100).take(1000).fold(0.0, f32::max) < 1.6, "no jumps");
}

#[test]
fn what_was_heard_before_passes_bit_by_bit_however_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{{ file: {} }}", music(folder.path(), 9, false));
    let packets = programme(5, 960, |at| at > 1.0);
    let out = run(&config, &packets);
    let own: Vec<f32> = packets.iter().flat_map(|packet| packet.media.samples().to_vec()).collect();
    assert!(side(&out, 1) == own, "nothing of the music is at the right");
    for block in [777, 1600] {
        let other = run(&config, &programme(5, block, |at| at > 1.0));
        assert!(side(&other, 0) == side(&out, 0), "blocks of {block}");
    }
}

#[test]
fn the_music_begins_again_without_a_gap_and_fades_at_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{{ file: {}, fade_in: 1s, fade_out: 2s }}", music(folder.path(), 4, true));
    let packets = programme(12, 960, |_| false);
    let heard = levels(&run(&config, &packets), &packets);
    let middle = &heard[105..995];
    let (least, most) = (middle.iter().copied().fold(1.0, f32::min), middle.iter().copied().fold(0.0, f32::max));
    // Where one turn fades into the next, equal parts of the same tone may add up to 3 dB, or be as much too quiet.
    assert!(decibel(most) < -20.5 && decibel(least) > -40.0, "{} to {}", decibel(most), decibel(least));
    assert!(heard[0] < 1e-3 && heard[1199] < 1e-3 && (decibel(heard[1100]) + 30.0).abs() < 1.0, "{}", decibel(heard[1100]));
    // Where nobody knew the end.
    let out = test(&config, &packets).run().unwrap();
    let heard = levels(&out, &packets);
    assert!(heard[1170] > 0.03 && heard[1199] < 2e-3, "{} {}", heard[1170], heard[1199]);
    assert_eq!(side(&out, 0).len(), 12 * SECOND);
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = music(folder.path(), 2, true);
    let refused = |config: &str| {
        let config = config.replace("FILE", &file);
        test(&config, &programme(1, 960, |_| false)).run().err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused("{ file: FILE, level_db: 3 }").contains("level_db is 3; it goes from -40 to 0"));
    assert!(refused("{ file: FILE, level_db: -20 }").contains("under_speech_db is -18; it goes from -60 to level_db"));
    assert!(refused("{ file: FILE, attack: 2s }").contains("attack is 2s; it goes from 20ms to 1s"));
    std::fs::write(folder.path().join("text.mp3"), "no music").unwrap();
    let text = folder.path().join("text.mp3");
    assert!(refused(&format!("{{ file: {} }}", text.display())).contains("no sound file that can be read"));
    let value = engine::graph::parse::parse("{ file: nowhere.mp3 }", &Arc::from("test")).unwrap();
    let config = (MUSIC_BED.config.parse)(&value, "config").unwrap();
    assert!(config.check_env().unwrap_err().contains("cannot read the music nowhere.mp3"));
    let silent = folder.path().join("silent.wav");
    let form = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut wav = hound::WavWriter::create(&silent, form).unwrap();
    (0..SECOND).for_each(|_| wav.write_sample(0i16).unwrap());
    wav.finalize().unwrap();
    assert!(refused(&format!("{{ file: {} }}", silent.display())).contains("is silent, or too short"));
}
