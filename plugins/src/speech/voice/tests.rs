//! With the real default voice; `scripts/setup` must have run.

use std::fs;
use std::ops::Range;
use std::sync::OnceLock;

use super::piper::PiperVoice;
use super::*;
use crate::speech::cache::Cache;
use crate::speech::text::{Options, narrate, narrate_by};

fn voice() -> &'static PiperVoice {
    static VOICE: OnceLock<PiperVoice> = OnceLock::new();
    VOICE.get_or_init(|| PiperVoice::open("default", Settings::default()).expect("run scripts/setup"))
}

fn clauses(text: &str) -> Vec<Clause> {
    narrate(text, "en-US", Options::default()).clauses
}

fn say(text: &str) -> Synthesis {
    voice().synthesize(&clauses(text)[0]).unwrap()
}

/// Power of a part of the samples, in dB.
fn level(synthesis: &Synthesis, from: Span, to: Span) -> f64 {
    let index = |at: Span| (SAMPLES.count_in(at) as usize).min(synthesis.samples.len());
    let part = &synthesis.samples[index(from)..index(to)];
    10.0 * (part.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / part.len().max(1) as f64 + 1e-12).log10()
}

fn assert_sound(synthesis: &Synthesis, source: &str) {
    let duration = synthesis.duration();
    let mut before = Span::ZERO;
    for word in &synthesis.words {
        assert!(word.at >= before && word.dur >= Span::ZERO && word.end() <= duration, "{word:?}");
        assert_eq!(source[word.value.range.clone()], word.value.text);
        before = word.end();
    }
    before = Span::ZERO;
    for phoneme in &synthesis.phonemes {
        assert!(phoneme.at >= before && phoneme.end() <= duration, "{phoneme:?}");
        before = phoneme.end();
    }
    before = Span::ZERO;
    for viseme in &synthesis.visemes {
        assert!(viseme.at == before && viseme.dur > Span::ZERO, "{viseme:?}");
        before = viseme.end();
    }
    assert_eq!(before, duration);
    assert!(synthesis.visemes.windows(2).all(|pair| pair[0].value != pair[1].value));
    assert!(synthesis.samples.iter().all(|sample| sample.abs() < 1.5));
}

#[test]
fn words_are_where_the_sound_is() {
    let source = "Stop, then listen, and please answer the question about $5 million of the budget.";
    let synthesis = say(source);
    assert_sound(&synthesis, source);
    assert!(!synthesis.estimated);
    let words: Vec<&str> = synthesis.words.iter().map(|word| word.value.text.as_str()).collect();
    assert_eq!(
        words,
        ["Stop", "then", "listen", "and", "please", "answer", "the", "question", "about", "$5 million", "of", "the", "budget"]
    );
    for word in &synthesis.words {
        assert!(level(&synthesis, word.at, word.end()) > -45.0, "{} is silent", word.value.text);
        assert!(word.dur >= Span::from_millis(25), "{} is no word of {}", word.value.text, word.dur);
    }
    let (stop, then) = (&synthesis.words[0], &synthesis.words[1]);
    assert!(then.at - stop.end() > Span::from_millis(80), "a comma is heard");
    let quiet = level(&synthesis, stop.end() + Span::from_millis(40), then.at - Span::from_millis(20));
    assert!(quiet < level(&synthesis, stop.at, stop.end()) - 20.0, "{quiet} dB between the words");
    let of_money = &synthesis.words[9];
    assert!(of_money.dur > Span::from_millis(700), "five million dollars take {}", of_money.dur);
    assert!(synthesis.words[0].value.stressed && !synthesis.words[11].value.stressed);
    let edges = [(Span::ZERO, Span::from_millis(10)), (synthesis.duration() - Span::from_millis(10), synthesis.duration())];
    for (from, to) in edges {
        assert!(level(&synthesis, from, to) < -36.0, "{} dB at the edge at {from}", level(&synthesis, from, to));
    }
}

#[test]
fn lips_close_for_p_b_and_m() {
    let synthesis = say("Bob may map a pub.");
    for phoneme in synthesis.phonemes.iter().filter(|phoneme| matches!(phoneme.value.ipa.as_str(), "b" | "m" | "p")) {
        let shape = synthesis.visemes.iter().find(|viseme| viseme.at <= phoneme.at && phoneme.at < viseme.end()).unwrap();
        assert_eq!(shape.value, Viseme::Pp);
    }
    assert_eq!(synthesis.visemes.first().unwrap().value, Viseme::Sil);
    assert_eq!(synthesis.visemes.last().unwrap().value, Viseme::Sil);
}

#[test]
fn the_same_clause_is_the_same_bits() {
    let clause = &clauses("Determinism is a promise, and we keep it.")[0];
    let reference = voice().synthesize(clause).unwrap();
    let other = PiperVoice::open("joe", Settings::default()).unwrap();
    assert_eq!(other.fingerprint(), voice().fingerprint());
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..3).map(|index| scope.spawn(move || if index == 0 { voice().synthesize(clause) } else { say_other(clause) })).collect();
        for worker in workers {
            assert!(worker.join().unwrap().unwrap() == reference);
        }
    });
    assert!(other.synthesize(clause).unwrap() == reference);
}

fn say_other(clause: &Clause) -> Result<Synthesis, VoiceError> {
    voice().synthesize(&clauses("Something else between.")[0])?;
    voice().synthesize(clause)
}

#[test]
fn odd_text_is_spoken_or_reported() {
    for source in [
        "Привет 世界 😀 hello",
        "😀",
        "Zürich, São Paulo & jalapeño; naïve façade",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "[[hello]] <speak> 1/0 = ∞",
        "x\u{301}\u{302}\u{303} \u{200d}\u{feff} e\u{301}",
        "1,2,3,4,5,6,7,8,9,0 $$$ %%% ###",
        "π ≈ 3.14159; 5 − 3",
    ] {
        for clause in clauses(source) {
            let synthesis = voice().synthesize(&clause).unwrap();
            assert_sound(&synthesis, source);
            assert!(synthesis.words.len() <= clause.words.len());
        }
    }
    let synthesis = say("Привет 世界 😀 hello");
    assert_eq!(synthesis.words.len(), 1);
    let unspoken: Vec<&str> = synthesis.unspoken.iter().map(|what| what.text.as_str()).collect();
    assert_eq!(unspoken, ["Привет", "世", "界", "😀"]);
    assert!(say("😀").samples.is_empty());
}

#[test]
fn the_cache_gives_back_the_same_bits_at_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let cached = || CachedVoice::new(open("joe", Settings::default()).unwrap(), Cache::open(folder.path(), 100_000_000));
    let text = "Keep **this** clause, 世 please.";
    let longer = format!("Something before. {text}");
    let fresh = cached().synthesize(&clauses(text)[0]).unwrap();
    let files = || -> Vec<std::path::PathBuf> {
        let folders = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
    };
    assert_eq!(files().len(), 1);
    let again = cached().synthesize(&clauses(&longer)[1]).unwrap();
    assert_eq!(files().len(), 1, "the place in the text is no part of the key");
    assert_sound(&again, &longer);
    assert!(again.samples == fresh.samples && again.visemes == fresh.visemes && again.phonemes == fresh.phonemes);
    assert_eq!(again.unspoken[0].range.start, fresh.unspoken[0].range.start + "Something before. ".len());
    assert!(cached().synthesize(&clauses(text)[0]).unwrap() == fresh && voice().synthesize(&clauses(text)[0]).unwrap() == fresh);

    let file = &files()[0];
    let intact = fs::read(file).unwrap();
    fs::write(file, &intact[..intact.len() / 2]).unwrap();
    assert!(cached().synthesize(&clauses(text)[0]).unwrap() == fresh);
    assert_eq!(fs::read(&files()[0]).unwrap(), intact, "made again, byte for byte");
}

#[test]
fn speed_and_bad_settings() {
    let clause = &clauses("Speed can be set for every voice.")[0];
    let fast = PiperVoice::open("joe", Settings { speed: 1.5, ..Settings::default() }).unwrap();
    assert_ne!(fast.fingerprint(), voice().fingerprint());
    let (normal, fast) = (voice().synthesize(clause).unwrap().duration(), fast.synthesize(clause).unwrap().duration());
    assert!(fast < normal * 4 / 5, "{fast} of {normal}");
    for settings in [
        Settings { speed: 3.0, ..Settings::default() },
        Settings { speed: f32::NAN, ..Settings::default() },
        Settings { speaker: 1, ..Settings::default() },
    ] {
        assert!(matches!(PiperVoice::open("joe", settings), Err(VoiceError::Setting { .. })));
    }
}

#[test]
fn files_that_are_no_voice_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.onnx");
    let open = || PiperVoice::open(path.to_str().unwrap(), Settings::default()).map(|_| ()).unwrap_err();
    assert!(matches!(open(), VoiceError::File { .. }));
    let config = folder.path().join("mine.onnx.json");
    fs::write(&config, "{}").unwrap();
    assert!(open().to_string().contains("mine.onnx.json"));
    let json =
        r#"{"audio": {"sample_rate": 22050}, "espeak": {"voice": "en-us"}, "phoneme_id_map": {"^": [1], "_": [0], "$": [2], "a": [3]}}"#;
    fs::write(&config, json).unwrap();
    fs::write(&path, b"not a model").unwrap();
    let voice = PiperVoice::open(path.to_str().unwrap(), Settings::default()).unwrap();
    let error = voice.synthesize(&clauses("Hello.")[0]).unwrap_err();
    assert!(matches!(&error, VoiceError::Format { .. }) && error.to_string().contains("mine.onnx"), "{error}");
    assert!(matches!(PiperVoice::open("nobody", Settings::default()), Err(VoiceError::Model(ModelError::NoVoice { .. }))));
}

/// A voice of which nobody knows how loud it is.
struct Unknown<'a>(&'a PiperVoice);

impl Voice for Unknown<'_> {
    fn id(&self) -> &str {
        self.0.id()
    }

    fn language(&self) -> &str {
        self.0.language()
    }

    fn sample_rate(&self) -> u32 {
        self.0.sample_rate()
    }

    fn fingerprint(&self) -> blake3::Hash {
        self.0.fingerprint()
    }

    fn synthesize(&self, clause: &Clause) -> Result<Synthesis, VoiceError> {
        self.0.synthesize(clause)
    }
}

#[test]
fn the_gain_brings_speech_to_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 1_000_000);
    let gain = gain_for(&Unknown(voice()), &cache).unwrap();
    assert_eq!(gain_for(&Unknown(voice()), &cache).unwrap(), gain, "measured once");
    // What the manifest says is what one measures.
    let (known, measured) = (voice().loudness().unwrap(), gain::measure(voice()).unwrap().unwrap());
    assert!((known - measured).abs() < 0.05, "{measured} LUFS, but {known} in the manifest");
    assert!((gain_for(voice(), &Cache::none()).unwrap() / gain - 1.0).abs() < 0.01);
    let mut meter = ebur128::EbuR128::new(1, SAMPLE_RATE, ebur128::Mode::I).unwrap();
    meter.set_channel(0, ebur128::Channel::DualMono).unwrap();
    for clause in
        clauses("Welcome to this lecture on sailing. Today we learn how wind moves a boat. Even against the wind a good sailor gets home.")
    {
        let samples: Vec<f32> = voice().synthesize(&clause).unwrap().samples.iter().map(|sample| sample * gain).collect();
        meter.add_frames_f32(&samples).unwrap();
    }
    let loudness = meter.loudness_global().unwrap();
    assert!((loudness - TARGET_LUFS).abs() < 1.0, "other text at {loudness:.1} LUFS");
}

#[test]
fn mouth_shapes_from_sound_open_and_close_with_it() {
    let synthesis = say("Pause here, then go on talking for a while.");
    let mut samples = vec![0.0; 24_000];
    samples.extend(&synthesis.samples);
    samples.resize(samples.len() + 24_000, 0.0);
    let shapes = crate::speech::viseme::visemes_from_sound(&samples);
    let half = Span::from_millis(500);
    let duration = SAMPLES.span_of(samples.len() as i64);
    assert_eq!((shapes[0].value, shapes.last().unwrap().value), (Viseme::Sil, Viseme::Sil));
    assert!(
        (shapes[0].end() - half).0.abs() < Span::from_millis(70).0
            && (duration - shapes.last().unwrap().at - half).0.abs() < Span::from_millis(130).0,
        "{shapes:?}"
    );
    assert!(shapes.windows(2).all(|pair| pair[0].end() == pair[1].at && pair[0].value != pair[1].value));
    let per_second = shapes.len() as f64 / duration.as_seconds();
    assert!((3.0..16.0).contains(&per_second), "{per_second} shapes a second");
}

#[test]
fn mouth_shapes_from_sound_agree_with_the_true_ones() {
    let mut right = 0;
    let mut all = 0;
    for clause in clauses(
        "The boy was there when the sun rose. A rod is used to catch pink salmon. The source of the huge river is the clear spring.",
    ) {
        let synthesis = voice().synthesize(&clause).unwrap();
        let heard = crate::speech::viseme::visemes_from_sound(&synthesis.samples);
        for hundredth in 0..synthesis.duration().to_millis() / 10 {
            let at = Span::from_millis(10 * hundredth);
            let shape = |shapes: &[Timed<Viseme>]| shapes.iter().find(|shape| at < shape.end()).map(|shape| shape.value);
            let known = shape(&synthesis.visemes);
            if known != Some(Viseme::Sil) {
                all += 1;
                right += usize::from(shape(&heard) == known);
            }
        }
    }
    let share = right as f64 / all as f64;
    assert!(share > 0.35, "{share:.3} of the time; one shape in fourteen by chance would be 0.07");
}

/// The phonemes of a text without stress and spaces: where those lie depends on how it is cut into words.
fn heard(phonemizer: &espeak::Phonemizer, text: &str) -> String {
    let (ipa, _) = phonemizer.phonemes(text, &[]).unwrap();
    ipa.chars().filter(|ch| !matches!(ch, 'ˈ' | 'ˌ' | ' ')).collect()
}

#[test]
fn two_hundred_sentences_are_read_as_people_read_them() {
    let phonemizer = espeak::Phonemizer::new("en-us").unwrap();
    let list = include_str!("../text/readings.tsv");
    let rows: Vec<(&str, &str)> = list.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap()).collect();
    assert!(rows.len() >= 200, "{}", rows.len());
    let mut wrong = Vec::new();
    for (written, said) in &rows {
        let spoken: Vec<String> = clauses(written).into_iter().flat_map(|clause| clause.words).map(|word| word.spoken).collect();
        let spoken = spoken.join(" ");
        // Neither side has punctuation: it decides on pauses, not on words.
        let said = said.split(' ').map(|word| word.trim_end_matches(['.', ','])).collect::<Vec<_>>().join(" ");
        if heard(&phonemizer, &spoken) != heard(&phonemizer, &said) {
            wrong.push(format!("{written}\n    read   {spoken}\n    wanted {said}"));
        }
    }
    let right = rows.len() - wrong.len();
    println!("{right} of {} sentences are read as people read them; not these:\n{}", rows.len(), wrong.join("\n"));
    assert!(right * 100 >= rows.len() * 95, "only {right} of {}:\n{}", rows.len(), wrong.join("\n"));
}

#[test]
fn words_are_said_as_the_list_says() {
    let list = [("nginx", "engine X"), ("Lectern", "/ˈlɛktɚn/")].map(|(word, said)| (word.to_string(), said.to_string()));
    let list = crate::lesson::Pronunciations::parse(list).unwrap();
    let source = "Lectern runs beside NGINX and [this](say:/ðˈæt/) is Lectern's.";
    let clauses = narrate_by(&list, source, "en-US", Options::default()).clauses;
    let synthesis = voice().synthesize(&clauses[0]).unwrap();
    assert_sound(&synthesis, source);
    let sounds = |word: usize| -> String {
        let word = &synthesis.words[word];
        let within = synthesis.phonemes.iter().filter(|phoneme| phoneme.at >= word.at && phoneme.end() <= word.end());
        within.map(|phoneme| phoneme.value.ipa.as_str()).collect()
    };
    assert_eq!((sounds(0).as_str(), sounds(5).as_str(), sounds(7).as_str()), ("lɛktɚn", "ðæt", "lɛktɚnz"));
    assert_eq!(clauses[0].words[3].spoken, "engine X");
    let plain = narrate(source, "en-US", Options::default()).clauses;
    assert_ne!(voice().synthesize(&plain[0]).unwrap().samples, synthesis.samples);
}

#[test]
fn clauses_begin_and_end_in_silence() {
    let kokoro = open("kokoro:af_heart", Settings::default()).expect("run scripts/setup kokoro");
    let joe = open("joe", Settings::default()).unwrap();
    for voice in [joe, kokoro] {
        for clause in clauses("Stop, then go on. Is this the end of it? Yes!") {
            let spoken = voice.synthesize(&clause).unwrap();
            assert_sound(&spoken, "Stop, then go on. Is this the end of it? Yes!");
            assert!(!spoken.estimated, "{}", voice.id());
            // Whatever follows, no step is heard.
            assert_eq!((spoken.samples[0], *spoken.samples.last().unwrap()), (0.0, 0.0));
            let step = |part: &[f32]| part.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            let end = spoken.samples.len() - 48;
            // The first and the last millisecond.
            let edges = step(&spoken.samples[..48]).max(step(&spoken.samples[end..]));
            assert!(edges < 0.02, "{}: {} steps by {edges}", voice.id(), clause.text);
        }
    }
}

#[test]
fn words_at_pauses_are_where_they_are_heard() {
    let text =
        "When the mast is set, hoist the sail, and mind the boom. If it rains, we stay. Bread, milk, eggs, fish, and salt were sold.";
    for name in ["joe", "kokoro:af_heart", "kokoro:am_michael"] {
        let voice = open(name, Settings::default()).expect("run scripts/setup kokoro");
        let mut borders = 0;
        for clause in clauses(text) {
            let spoken = voice.synthesize(&clause).unwrap();
            assert_sound(&spoken, text);
            let block = Span::from_millis(5);
            let levels: Vec<f64> = (0..spoken.duration().0 / block.0).map(|at| level(&spoken, block * at, block * (at + 1))).collect();
            let heard = levels.iter().copied().fold(f64::MIN, f64::max) - 40.0;
            // Silence of a tenth of a second and more and that at the end, by their blocks.
            let mut silences: Vec<Range<usize>> = Vec::new();
            let mut from = 0;
            for (at, level) in levels.iter().chain([&f64::MAX]).enumerate() {
                if *level > heard {
                    silences.extend((at - from >= 20 || at == levels.len()).then_some(from..at));
                    from = at + 1;
                }
            }
            borders += silences.len();
            let middle = |silence: &Range<usize>| block * ((silence.start + silence.end) as i64 / 2);
            for silence in &silences {
                let before = spoken.words.iter().rev().find(|word| word.at < middle(silence)).unwrap();
                let late = (before.end() - block * silence.start as i64).to_millis();
                assert!(late.abs() <= 100, "{name}: `{}` ends {late} ms after it is heard", before.value.text);
                if let Some(after) = spoken.words.iter().find(|word| word.at >= middle(silence)) {
                    let late = (after.at - block * silence.end as i64).to_millis();
                    assert!(late.abs() <= 100, "{name}: `{}` begins {late} ms after it is heard", after.value.text);
                }
            }
        }
        assert!(borders >= 4, "{name} falls silent {borders} times");
    }
}

#[test]
fn the_second_engine_speaks_and_refuses_what_it_has_not() {
    let voice = open("kokoro:am_michael", Settings::default()).expect("run scripts/setup kokoro");
    let clause = &clauses("Determinism is a promise.")[0];
    let said = |spoken: &Synthesis| spoken.words.iter().map(|word| word.value.text.clone()).collect::<Vec<_>>();
    let spoken = voice.synthesize(clause).unwrap();
    assert_eq!(said(&spoken), ["Determinism", "is", "a", "promise"]);
    // To the last bit: after a longer clause, in the memory that it worked in, and by a session that has said nothing yet.
    voice.synthesize(&clauses("After five years' work I allowed myself to speculate on the subject.")[0]).unwrap();
    assert_eq!(voice.synthesize(clause).unwrap(), spoken);
    voice.rest();
    assert_eq!(voice.synthesize(clause).unwrap(), spoken);
    assert_eq!((voice.language(), voice.sample_rate()), ("en-US", 24_000));
    let error = |name: &str, settings| open(name, settings).map(|_| ()).unwrap_err().to_string();
    assert!(error("kokoro:nobody", Settings::default()).starts_with("there is no voice `kokoro:nobody`; `lectern voices` lists them"));
    assert!(error("kokoro:am_michael", Settings { speaker: 1, ..Settings::default() }).contains("speaker"));
    assert!(error("kokoro:am_michael", Settings { speed: 9.0, ..Settings::default() }).contains("0.5 to 2"));
}
