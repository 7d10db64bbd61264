//! The files that clients send, by the names that the contracts give them. Each is made when it is first asked for.

use super::flow::{Contract, FixtureSpec};
use crate::support::files::text_pdf;
use crate::support::{deck, lectern, lesson, probe, succeed, zip};
use image::{ImageFormat, Rgb, RgbImage};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// About 120 words.
const NOTES: &str = "\
Good notes save time twice: once while you listen, and once when you look for what was said. \
Write less than you hear. A sentence that you put into your own words is worth more than a page that you copied.\n\n\
There are three ways that work. Some people draw a line down the page, with questions on the left and answers on the right. \
Others write one idea on each card, give it a name, and put the cards into order later. \
A third group only draws: boxes for things, arrows for what one thing does to another.\n\n\
Whatever you choose, read your notes again on the same day. Ten minutes in the evening keep what an hour on Sunday cannot bring back.\n";

const MARKDOWN: &str = "\
# Notes that save time\n\n\
Good notes save time twice: while you listen, and when you look for what was said.\n\n\
## Four habits\n\n\
- Write less than you hear.\n\
- Put it into your own words.\n\
- Give every page a name.\n\
- Read it again on the same day.\n";

/// What is said in films and recordings: about twelve seconds of it, eight, and six.
const SPEECH: [&str; 3] = [
    "Good morning. Today we look at three ways to keep notes, and why one of them saves an hour each week. Take a sheet of paper and a pencil.",
    "Write the goal down first. Then ask one person to read it. Change it after that, and not before.",
    "Write the goal down first. Then ask one person to read it.",
];

/// A file that can be sent.
#[derive(Debug)]
pub struct Fixture {
    pub path: PathBuf,
    /// Where the request does not say another one.
    pub content_type: String,
}

/// The files of a contract.
pub struct Fixtures {
    home: TempDir,
    specs: BTreeMap<String, FixtureSpec>,
    making: Mutex<()>,
}

impl Fixtures {
    /// Those that a contract names.
    pub fn of(contract: &Contract) -> Fixtures {
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(home.path().join("files")).expect("a writable folder");
        Fixtures { home, specs: contract.settings.fixtures.clone(), making: Mutex::new(()) }
    }

    /// A file, which is made if it is not there yet.
    ///
    /// # Errors
    /// The contract does not name it, or nobody here knows how it is made.
    pub fn get(&self, name: &str) -> Result<Fixture, String> {
        let spec = self.specs.get(name).ok_or_else(|| format!("there is no fixture {name}"))?;
        let path = self.home.path().join("files").join(name);
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if !path.exists() {
            make(name, spec, &path, self.home.path())?;
        }
        Ok(Fixture { path, content_type: spec.content_type.clone() })
    }

    /// Another file in place of the one that would be made.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.home.path().join("files").join(name), bytes).expect("a writable folder");
    }
}

/// Makes a file; `home` has room for what is needed on the way.
fn make(name: &str, spec: &FixtureSpec, path: &Path, home: &Path) -> Result<(), String> {
    if let Some(size) = spec.size {
        return of_size(path, &spec.content_type, size).map_err(|error| format!("{name}: {error}"));
    }
    let bytes = match name {
        "notes.txt" => NOTES.into(),
        "notes.md" => MARKDOWN.into(),
        "notes.pdf" => text_pdf(&[NOTES.replace(". ", ".\n")]),
        "notes.docx" => docx(),
        "deck.pptx" => fs::read(deck("ph-inherit-props.pptx")).map_err(|error| format!("{name}: {error}"))?,
        "deck.pdf" => text_pdf(&(1..=2).map(page).collect::<Vec<_>>()),
        "deck2.pdf" => text_pdf(&(1..=12).map(page).collect::<Vec<_>>()),
        "not_a_video.mp4" => NOTES.bytes().cycle().take(2048).collect(),
        "broken.wav" => NOTES.bytes().cycle().take(1024).collect(),
        // No format that is known begins like this.
        "program.exe" => (0..1024_u32).map(|index| (index * index * 31 + index * 7 + 3) as u8).collect(),
        "landscape.jpg" => landscape(),
        "person.jpg" => fs::read(portrait("maya", home)).expect("it was just made"),
        "two_people.jpg" => two_people(home),
        "talk.wav" => recording(SPEECH[1], 8, home),
        "speech.wav" => recording(SPEECH[2], 6, home),
        "speaker.mp4" => speaker(home),
        _ => return Err(format!("nobody here knows how the fixture {name} is made: {}", spec.about)),
    };
    fs::write(path, bytes).map_err(|error| format!("{name}: {error}"))
}

/// A file that begins like one of its kind, and takes up no room on the disk.
fn of_size(path: &Path, content_type: &str, size: u64) -> std::io::Result<()> {
    let head: &[u8] = match content_type {
        "video/mp4" => b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2",
        "application/pdf" => b"%PDF-1.7\n",
        "image/jpeg" => b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01",
        _ => b"",
    };
    fs::write(path, head)?;
    fs::OpenOptions::new().write(true).open(path)?.set_len(size)
}

/// A page of a talk about notes.
fn page(number: usize) -> String {
    let sentences: Vec<&str> = NOTES.split_inclusive(['.', ':']).map(str::trim).collect();
    let lines = (0..6).map(|line| sentences[(number * 5 + line) % sentences.len()]);
    format!("Part {number} of the talk about notes\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// The notes as a Word document.
fn docx() -> Vec<u8> {
    const TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/word/document.xml\" \
        ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    const RELATIONSHIPS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
        <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>";
    let paragraphs: String = NOTES.split("\n\n").map(|text| format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", text.trim())).collect();
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
        <w:body>{paragraphs}</w:body></w:document>"
    );
    zip::packed([
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", RELATIONSHIPS.as_bytes()),
        ("word/document.xml", document.as_bytes()),
    ])
}

/// Hills under a sky, nobody in sight.
fn landscape() -> Vec<u8> {
    let picture = RgbImage::from_fn(1200, 800, |x, y| {
        let ridge = |height: f64, width: f64, rise: f64| height - rise * (f64::from(x) / width).sin().abs();
        match f64::from(y) {
            y if y > ridge(760.0, 210.0, 160.0) => Rgb([62, 98, 52]),
            y if y > ridge(620.0, 330.0, 190.0) => Rgb([104, 140, 92]),
            y => Rgb([(150.0 + y / 10.0) as u8, (190.0 + y / 16.0) as u8, 235]),
        }
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg).expect("memory");
    bytes.into_inner()
}

/// A film of one slide with a presenter who fills it.
fn film(name: &str, said: &str, set: &str, presenter: &str, home: &Path) -> PathBuf {
    let lesson = home.join(format!("{name}.yaml"));
    let slide =
        format!("version: 1\nslides:\n  - color: \"#c9ccc4\"\n    {said}\n    presenter: {{ anchor: bottom, height: 96%, margin: 0 }}\n");
    fs::write(&lesson, slide).expect("a writable folder");
    let film = home.join(format!("{name}.mp4"));
    let mut command = lectern(home);
    command.arg("render").arg(&lesson).arg("-o").arg(&film).args(["--quiet", "--avatar", presenter]);
    set.split(' ').for_each(|set| _ = command.args(["--set", set]));
    succeed(&mut command);
    film
}

/// Twelve seconds of somebody who speaks into a camera: picture and sound and nothing else.
fn speaker(home: &Path) -> Vec<u8> {
    let said = format!("narration: {:?}\n    duration: 12s", SPEECH[0]);
    let film = film("speaker", &said, "size=480x360 fps=15", "maya", home);
    let plain = home.join("plain.mp4");
    let alone = ["-map", "0:v", "-map", "0:a", "-c", "copy", "-map_chapters", "-1", "-map_metadata", "-1"];
    succeed(Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(film).args(alone).arg(&plain));
    fs::read(plain).expect("it was just made")
}

/// Head and shoulders, 900 x 1200.
fn portrait(presenter: &str, home: &Path) -> PathBuf {
    let film = film(presenter, "silence: 1s", "size=900x1200 fps=2", presenter, home);
    let picture = home.join(format!("{presenter}.jpg"));
    succeed(Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(film).args(["-frames:v", "1", "-q:v", "2"]).arg(&picture));
    picture
}

/// Two persons apart from each other, the left one larger.
fn two_people(home: &Path) -> Vec<u8> {
    let (left, right) = (portrait("maya", home), portrait("henrik", home));
    let beside = "[1]scale=600:800,pad=900:1200:150:400:0xc9ccc4[right];[0][right]hstack";
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(left).arg("-i").arg(right).args(["-filter_complex", beside, "-q:v", "2", "-f", "mjpeg", "-"]);
    succeed(&mut command).stdout
}

/// A voice, 16 bit, mono; cut or filled with silence to this many seconds.
fn recording(text: &str, seconds: u32, home: &Path) -> Vec<u8> {
    let spoken = home.join("spoken.wav");
    succeed(lectern(home).arg("speak").arg(text).arg("-o").arg(&spoken));
    let whole = home.join("whole.wav");
    let length = seconds.to_string();
    let fit = ["-af", "apad", "-t", &length, "-c:a", "pcm_s16le", "-ac", "1"];
    succeed(Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(&spoken).args(fit).arg(&whole));
    fs::read(whole).expect("it was just made")
}

#[test]
fn every_fixture_is_what_its_contract_says() {
    for contract in Contract::all() {
        let fixtures = Fixtures::of(&contract);
        for (name, spec) in &contract.settings.fixtures {
            let made = fixtures.get(name).unwrap_or_else(|error| panic!("{}: {error}", contract.system));
            assert_eq!(made.content_type, spec.content_type);
            let length = fs::metadata(&made.path).expect("a file").len();
            match spec.size {
                Some(size) => assert_eq!(length, size, "{name}"),
                None => is_what_it_says(name, &made.path, fixtures.home.path()),
            }
        }
        assert!(fixtures.get("another.txt").is_err());
    }
}

fn is_what_it_says(name: &str, path: &Path, home: &Path) {
    let bytes = fs::read(path).expect("a file");
    let pages = |count: usize| {
        let text = succeed(Command::new("pdftotext").arg(path).arg("-")).stdout;
        let text = String::from_utf8(text).expect("text");
        let pages: Vec<usize> = text.split_terminator('\u{c}').map(|page| page.split_whitespace().count()).collect();
        assert!(pages.len() == count && pages.iter().all(|words| *words > 20), "{name}: words of pages: {pages:?}");
    };
    let lasts = |seconds: f64, streams: &[&str]| {
        let found = probe(path, &["-show_streams", "-show_format"]);
        let length: f64 = found["format"]["duration"].as_str().expect("a length").parse().expect("a number");
        assert!((length - seconds).abs() < 0.2, "{name}: {length} s");
        let mut kinds: Vec<_> =
            found["streams"].as_array().expect("streams").iter().filter_map(|stream| stream["codec_name"].as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, streams, "{name}");
    };
    let measures = |width: u32, height: u32| {
        let picture = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((picture.width(), picture.height()), (width, height), "{name}");
    };
    match name {
        "notes.txt" => assert!((110..140).contains(&NOTES.split_whitespace().count())),
        "notes.md" => assert_eq!((MARKDOWN.matches("\n- ").count(), MARKDOWN.matches("# ").count()), (4, 2)),
        "notes.pdf" => pages(1),
        "notes.docx" => assert!(lesson(home, path)["slides"].as_array().is_some_and(|slides| !slides.is_empty())),
        "deck.pptx" => assert_eq!(lesson(home, path)["slides"].as_array().map(Vec::len), Some(2)),
        "deck.pdf" => pages(2),
        "deck2.pdf" => pages(12),
        "speaker.mp4" => lasts(12.0, &["aac", "h264"]),
        "talk.wav" => lasts(8.0, &["pcm_s16le"]),
        "speech.wav" => lasts(6.0, &["pcm_s16le"]),
        "person.jpg" => measures(900, 1200),
        "two_people.jpg" => measures(1800, 1200),
        "landscape.jpg" => measures(1200, 800),
        "not_a_video.mp4" => assert_eq!(bytes.len(), 2048),
        "program.exe" | "broken.wav" => assert_eq!(bytes.len(), 1024),
        other => panic!("nobody looks at {other}"),
    }
}
