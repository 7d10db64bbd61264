//! Readers of foreign bytes under fire: valid files, damaged at random, must give a value or an error; never a panic, never a hang.
//!
//! `make test` runs some hundred cases of each, the same ones every time. `LECTERN_FUZZ_MINUTES=10` runs each for that long, with new
//! cases each time (`scripts/soak fuzz`). What fails is written beside the corpus and named; kept in `corpus/`, it is tried first.

use super::mutation::{changed, changes};
use crate::support::{deck, root, zip};
use engine::graph::check::{Depth, check};
use engine::graph::draw::{Format, draw};
use engine::graph::{LoadOptions, load};
use plugins::lesson::{ImportOptions, Lesson, Narration, export, import};
use plugins::speech::decode::decode;
use plugins::speech::text::{Options, narrate};
use proptest::sample::Index;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Cases of the short form.
const CASES: u32 = 300;
/// No case may take longer; the files are small.
const LONGEST: Duration = Duration::from_secs(3);

/// The contents of all files with one of these endings in the folders.
fn corpus(folders: &[&str], endings: &[&str]) -> Vec<Vec<u8>> {
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}")));
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)));
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// How long this thread has had a processor: what else the machine does is no finding.
fn worked() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one value, which lives here.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Tries the corpus as it is, then damaged files made of it, in the long form for this share of the time.
fn fuzz(name: &str, corpus: &[Vec<u8>], tokens: &[&[u8]], share: f64, read: impl Fn(&[u8])) {
    let timed = |bytes: &[u8]| {
        let start = worked();
        read(bytes);
        assert!(worked() - start < LONGEST, "it took {:?}", worked() - start);
    };
    corpus.iter().for_each(|file| timed(file));
    let damaged = (proptest::arbitrary::any::<Index>(), changes())
        .prop_map(|(file, changes)| Damaged(changed(file.get::<Vec<u8>>(corpus), &changes, corpus, tokens)));
    let asked = std::env::var("LECTERN_FUZZ_MINUTES").ok();
    let minutes = asked.map(|text| share * text.parse::<f64>().expect("a number of minutes"));
    let seed =
        minutes.map_or(0, |_| u64::from(std::process::id()) << 32 | u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos()));
    let (start, mut cases, mut round) = (Instant::now(), 0, 0);
    loop {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&u64::to_le_bytes(round));
        let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let ran = runner.run(&damaged, |Damaged(bytes)| {
            timed(&bytes);
            Ok(())
        });
        if let Err(TestError::Fail(reason, Damaged(bytes))) = &ran {
            let found = std::env::temp_dir().join(format!("lectern-fuzz-{name}-{seed:x}-{round}"));
            fs::write(&found, bytes).unwrap();
            panic!("{name}: {reason}; the input is {}", found.display());
        }
        ran.unwrap();
        (cases, round) = (cases + CASES, round + 1);
        match minutes {
            Some(minutes) if start.elapsed().as_secs_f64() < minutes * 60.0 => {}
            Some(minutes) => return println!("{name}: {cases} cases in {minutes} min, seed {seed:x}, no finding"),
            None => return,
        }
    }
}

/// Bytes that are not printed when a case fails: the file that they are written to is.
struct Damaged(Vec<u8>);

impl std::fmt::Debug for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[test]
fn graph_files() {
    let files = corpus(&["graphs", "tests/cli/graphs", "engine/src/graph/document"], &["yaml"]);
    let tokens: [&[u8]; 24] = [
        b"${out}",
        b"${",
        b"}",
        b"{",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"null",
        b"~",
        b"&a ",
        b"*a",
        b"!!map ",
        b"---\n",
        b"\"",
        b"'",
        b"|-\n",
        b"\t",
        b"1e999",
        b"-9223372036854775808",
        b"0x0",
        b"999999999999h",
        b"playout.video",
        "\u{2028}\u{feff}😀".as_bytes(),
    ];
    let registry = plugins::registry();
    fuzz("graph", &files, &tokens, 1.0, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let problems = match load(&text, "fuzz.yaml", &LoadOptions::default()) {
            Ok(document) => match check(&document, &registry, Depth::Pure) {
                Ok(plan) => return assert!(draw(&plan, Format::Lanes).contains(&plan.name)),
                Err(problems) => problems,
            },
            Err(problems) => problems,
        };
        assert!(!problems.0.is_empty() && problems.to_string().contains("fuzz.yaml:"), "{problems}");
    });
}

#[test]
fn lesson_files() {
    let files = corpus(&["tests/bad/corpus/lesson"], &["yaml"]);
    let tokens: [&[u8]; 20] = [
        b"narration: ",
        b"- ",
        b"  ",
        b"|\n",
        b"\"",
        b"{",
        b"}",
        b"600ms",
        b"-1s",
        b"40%",
        b"1e9",
        b"../",
        b"a.png",
        b"a.pdf",
        b"a.wav",
        b"[pause ",
        b"slides:\n",
        b"id: a\n",
        b"\0",
        "\u{202e}😀".as_bytes(),
    ];
    let home = tempfile::tempdir().unwrap();
    let (folder, copy) = (home.path().join("lesson"), home.path().join("copy/lesson.yaml"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.png"), crate::support::picture::png(32, 18)).unwrap();
    fs::write(folder.join("a.pdf"), crate::support::files::pdf(1, "")).unwrap();
    fs::write(folder.join("a.wav"), b"RIFF of no sound").unwrap();
    let path = folder.join("lesson.yaml");
    let options = ImportOptions { libreoffice: "/no/office".into(), ..ImportOptions::default() };
    fuzz("lesson", &files, &tokens, 1.0, |bytes| {
        fs::write(&path, bytes).unwrap();
        match import(&path, &options) {
            Ok(lesson) => {
                export(&lesson, &copy).unwrap();
                assert_eq!(import(&copy, &options).unwrap().content_hash(), lesson.content_hash(), "what is written is what is read");
                fs::remove_dir_all(copy.parent().unwrap()).unwrap();
            }
            Err(error) => assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}"),
        }
    });
}

/// Everything that is said can be cut into clauses, and these lie in the text.
fn said(lesson: &Lesson) {
    for slide in &lesson.slides {
        if let Narration::Text(text) = &slide.narration {
            let script = narrate(text, &lesson.language, Options::default());
            let unspoken = script.clauses.iter().flat_map(|clause| &clause.unspoken);
            assert!(unspoken.into_iter().all(|part| text.get(part.range.clone()).is_some()), "{text:?}");
        }
    }
}

#[test]
fn notes_of_decks() {
    let tokens: [&[u8]; 26] = [
        b"<a:t>",
        b"</a:t>",
        b"<a:br/>",
        b"<a:p>",
        b"</a:p>",
        b"<a:r>",
        b"</a:r>",
        b"<p:sp>",
        b"</p:sp>",
        b"&amp;",
        b"&#0;",
        b"&#x1F600;",
        b"&x;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<!DOCTYPE a [<!ENTITY x \"y\">]>",
        b"<?a?>",
        b"type=\"body\"",
        b"xmlns:a=\"b\" ",
        b"[pause 99999999999h]",
        b"[pause ",
        b"lang=\"xx\"",
        "\u{202e}\u{200d}👩‍🚀e\u{301}".as_bytes(),
        "日本語 עברית 3½".as_bytes(),
    ];
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deck.pptx");
    let options = ImportOptions { cache_dir: home.path().join("cache"), ..ImportOptions::default() };
    let source = fs::read(deck("ph-inherit-props.pptx")).unwrap();
    // Notes are no part of the picture: after this no damaged deck is converted but what is damaged elsewhere, which goes no further.
    import(&deck("ph-inherit-props.pptx"), &options).unwrap();
    let options = ImportOptions { libreoffice: "/no/office".into(), ..options };
    let parts = zip::parts(&source);
    let damaged = |name: &str| name.contains("notesSlide") || name.ends_with("slide1.xml") || name.ends_with("presentation.xml");
    let names: Vec<&String> = parts.iter().map(|(name, _)| name).filter(|name| damaged(name)).collect();
    let share = 1.0 / (names.len() + 1) as f64;
    for name in names {
        let part = [zip::part(&parts, name).to_vec()];
        fuzz(&format!("notes-{}", name.replace(['/', '.'], "_")), &part, &tokens, share, |bytes| {
            let deck = parts.iter().map(|(other, content)| (other.as_str(), if other == name { bytes } else { content.as_slice() }));
            fs::write(&path, zip::zip(deck)).unwrap();
            check_import(&path, &options);
        });
    }
    fuzz("notes-package", &[source], &tokens, share, |bytes| {
        fs::write(&path, bytes).unwrap();
        check_import(&path, &options);
    });
}

fn check_import(path: &Path, options: &ImportOptions) {
    match import(path, options) {
        Ok(lesson) => said(&lesson),
        Err(error) => assert!(error.to_string().contains("deck.pptx"), "{error}"),
    }
}

#[test]
fn recordings_in_mp4() {
    let files = corpus(&["tests/bad/corpus/mp4"], &["m4a", "mp4", "mov"]);
    let tokens: [&[u8]; 28] = [
        b"moov",
        b"trak",
        b"mdia",
        b"minf",
        b"stbl",
        b"stsd",
        b"stts",
        b"stsc",
        b"stsz",
        b"stco",
        b"co64",
        b"elst",
        b"edts",
        b"moof",
        b"traf",
        b"trun",
        b"tfhd",
        b"mdat",
        b"free",
        b"esds",
        b"mp4a",
        b"ftyp",
        b"\0\0\0\0",
        b"\0\0\0\x01",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\0\0\0\x08",
        b"\x80\0\0\0",
    ];
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("sound.m4a");
    fuzz("mp4", &files, &tokens, 1.0, |bytes| {
        fs::write(&path, bytes).unwrap();
        match decode(&path) {
            Ok(samples) => assert!(!samples.is_empty() && samples.iter().all(|sample| sample.is_finite())),
            Err(error) => assert!(error.to_string().contains("sound.m4a"), "{error}"),
        }
    });
}
