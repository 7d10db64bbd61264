//! Whole imports: real decks through LibreOffice, and every bad input that a user may bring.

use super::*;
use engine::cue::{Anchor, Placement, Transition};
use engine::time::{Span, Time};
use std::fs;
use std::io::{Cursor, Read, Write};
use std::process::Command;
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn deck(name: &str) -> PathBuf {
    root().join("tests/decks").join(name)
}

fn demo() -> PathBuf {
    root().join("graphs/demo/lectern.pptx")
}

fn options(cache: &TempDir) -> ImportOptions {
    ImportOptions { cache_dir: cache.path().into(), ..ImportOptions::default() }
}

/// Options under which any use of LibreOffice fails.
fn without_office(cache: &TempDir) -> ImportOptions {
    ImportOptions { libreoffice: "/no/office".into(), ..options(cache) }
}

fn texts(lesson: &Lesson) -> Vec<&str> {
    let text = |slide| match slide {
        &Slide { narration: Narration::Text(ref text), .. } => text.as_str(),
        _ => "",
    };
    lesson.slides.iter().map(text).collect()
}

/// The same zip with one part changed.
fn with_part(bytes: &[u8], part: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let mut found = false;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if name == part {
            found = true;
            content = change(std::str::from_utf8(&content).unwrap()).into_bytes();
        }
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(&content).unwrap();
    }
    assert!(found, "{part} is not in the deck");
    writer.finish().unwrap().into_inner()
}

/// What importing these bytes under this name says when it fails.
fn failure(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = import(&path, &without_office(&folder)).unwrap_err().to_string();
    assert!(error.contains(name), "the message names the file: {error}");
    error
}

fn picture(path: &Path, width: u32, height: u32, color: [u8; 3]) {
    image::RgbImage::from_pixel(width, height, image::Rgb(color)).save(path).unwrap();
}

/// Mean structural similarity of the luma of two RGBA pictures over 8x8 windows (Wang, Bovik, Sheikh, Simoncelli 2004).
fn ssim(a: &[u8], b: &[u8], width: usize) -> f64 {
    let luma = |rgba: &[u8]| -> Vec<f64> {
        rgba.chunks_exact(4).map(|p| 0.2126 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.0722 * f64::from(p[2])).collect()
    };
    let (a, b) = (luma(a), luma(b));
    let (c1, c2) = ((0.01f64 * 255.0).powi(2), (0.03f64 * 255.0).powi(2));
    let height = a.len() / width;
    let (mut sum, mut windows) = (0.0, 0.0);
    for top in (0..=height - 8).step_by(4) {
        for left in (0..=width - 8).step_by(4) {
            let (mut ma, mut mb, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for at in (0..64).map(|i| (top + i / 8) * width + left + i % 8) {
                let (x, y) = (a[at], b[at]);
                (ma, mb, aa, bb, ab) = (ma + x, mb + y, aa + x * x, bb + y * y, ab + x * y);
            }
            let (ma, mb) = (ma / 64.0, mb / 64.0);
            let (va, vb, cov) = (aa / 64.0 - ma * ma, bb / 64.0 - mb * mb, ab / 64.0 - ma * mb);
            sum += (2.0 * ma * mb + c1) * (2.0 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            windows += 1.0;
        }
    }
    sum / windows
}

/// A page as poppler draws it.
fn pdftoppm(document: &Path, index: usize, size: (u32, u32)) -> Picture {
    let page = (index + 1).to_string();
    let (width, height) = (size.0.to_string(), size.1.to_string());
    let output = Command::new("pdftoppm").args(["-png", "-f", &page, "-l", &page, "-scale-to-x", &width, "-scale-to-y", &height]).arg(document).output().unwrap();
    assert!(output.status.success());
    let image = image::load_from_memory(&output.stdout).unwrap().into_rgba8();
    Picture { width: image.width(), height: image.height(), rgba: image.into_raw() }
}

#[test]
fn the_demo_deck_is_read_drawn_and_kept() {
    let cache = tempfile::tempdir().unwrap();
    let lesson = import(&demo(), &options(&cache)).unwrap();
    assert_eq!((lesson.id.as_str(), lesson.size, lesson.language.as_str()), ("lectern", (12_192_000, 6_858_000), "en-US"));
    assert_eq!(lesson.warnings, [], "the demo has nothing that is not shown");
    assert_eq!(lesson.slides.iter().map(|slide| slide.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 7], "slide 6 is hidden");
    assert!(texts(&lesson).iter().all(|text| text.len() > 60));
    let words: usize = texts(&lesson).iter().map(|text| text.split_whitespace().count()).sum();
    assert!((180..300).contains(&words), "{words} words at about 150 a minute are 75 to 110 s");

    let mut rasterizer = Rasterizer::new();
    for slide in &lesson.slides {
        let Visual::Page { document, index, .. } = &slide.visual else { panic!("a deck has pages") };
        let ours = rasterizer.draw(&slide.visual, (1280, 720)).unwrap();
        let theirs = pdftoppm(document, *index, (1280, 720));
        let similarity = ssim(&ours.rgba, &theirs.rgba, 1280);
        assert!(similarity >= 0.95, "slide {}: {similarity}", slide.number);
        assert_eq!(ours, Rasterizer::new().draw(&slide.visual, (1280, 720)).unwrap(), "the same pixels each time");
    }

    // What was converted once needs LibreOffice no more, not even when notes change.
    assert_eq!(import(&demo(), &without_office(&cache)).unwrap(), lesson);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("lectern.pptx");
    let bytes = fs::read(demo()).unwrap();
    fs::write(&copy, with_part(&bytes, "ppt/notesSlides/notesSlide3.xml", |xml| xml.replacen("</a:t>", " And one more.</a:t>", 1))).unwrap();
    let edited = import(&copy, &without_office(&cache)).unwrap();
    let hashes = |lesson: &Lesson| lesson.slides.iter().map(Slide::content_hash).collect::<Vec<_>>();
    let changed: Vec<usize> = hashes(&lesson).iter().zip(hashes(&edited)).enumerate().filter(|(_, (a, b))| **a != *b).map(|(index, _)| index).collect();
    assert_eq!(changed, [2], "one slide's notes change one slide's hash");
    // A change of a picture needs it again.
    fs::write(&copy, with_part(&bytes, "ppt/slides/slide1.xml", |xml| xml.replacen("</a:t>", "!</a:t>", 1))).unwrap();
    assert!(import(&copy, &without_office(&cache)).unwrap_err().to_string().contains("no program /no/office"));
    // A damaged cache is repaired, not believed.
    for entry in fs::read_dir(cache.path()).unwrap() {
        fs::write(entry.unwrap().path(), b"%PDF-1.7 cut").unwrap();
    }
    assert_eq!(import(&demo(), &options(&cache)).unwrap(), lesson);
}

#[test]
fn foreign_decks_are_read_as_their_authors_see_them() {
    let cache = tempfile::tempdir().unwrap();
    let lesson = import(&deck("ph-inherit-props.pptx"), &options(&cache)).unwrap();
    assert_eq!(texts(&lesson), ["Notes in inherited position and size.", "Notes in modified position and size."]);
    assert_eq!(lesson.slides[0].title, "Title Text");
    assert_eq!(lesson.slides[1].title, "Slide 2");
    let lesson = import(&deck("shp-common-props.pptx"), &options(&cache)).unwrap();
    assert_eq!(lesson.slides.len(), 2);
    assert!(lesson.warnings[0].text.contains("no slide has speaker notes"), "{:?}", lesson.warnings);
    assert!(lesson.slides.iter().all(|slide| slide.narration == Narration::Silence(SILENT_SLIDE)));
    let pictures: Vec<Picture> = lesson.slides.iter().map(|slide| Rasterizer::new().draw(&slide.visual, (640, 360)).unwrap()).collect();
    assert!(pictures.iter().all(|picture| picture.rgba.chunks_exact(4).any(|pixel| pixel != [255; 4])), "something is drawn");
}

#[test]
fn opendocument_and_the_binary_format_give_the_same_lesson() {
    let cache = tempfile::tempdir().unwrap();
    for name in ["hidden.odp", "hidden.ppt"] {
        let lesson = import(&deck(name), &options(&cache)).unwrap();
        assert_eq!(texts(&lesson), ["Good morning.\nThis is the first slide.", "The second slide, [pause 0.5s] as it is shown.", ""], "{name}");
        assert_eq!(lesson.slides.iter().map(|slide| (slide.number, slide.title.as_str())).collect::<Vec<_>>(), [(1, "First"), (3, "Second"), (4, "Silent")]);
        let ratio = f64::from(lesson.size.0) / f64::from(lesson.size.1);
        assert!((ratio - 16.0 / 9.0).abs() < 0.01, "{name}: {ratio}");
        assert!(matches!(&lesson.slides[1].visual, Visual::Page { index: 2, .. }), "page n is slide n");
    }
}

#[test]
fn bad_decks_get_one_clear_error() {
    let good = fs::read(demo()).unwrap();
    assert!(failure("cut.pptx", &good[..good.len() / 2]).contains("is damaged"));
    assert!(failure("empty.pptx", b"").contains("empty file"));
    assert!(failure("broken.pptx", &with_part(&good, "ppt/slides/slide2.xml", |xml| xml.replacen("</p:sp>", "", 1))).contains("\"ppt/slides/slide2.xml\" is not well-formed"));
    let bomb = with_part(&good, "ppt/presentation.xml", |xml| xml.replacen("<p:presentation", "<!DOCTYPE p [<!ENTITY a 'b'>]><p:presentation", 1));
    assert!(failure("entity.pptx", &bomb).contains("entity definition, which is refused"));
    let none = with_part(&good, "ppt/presentation.xml", |xml| regexless_remove(xml, "<p:sldIdLst>", "</p:sldIdLst>"));
    assert!(failure("none.pptx", &none).contains("has no slides"));
    let lost = with_part(&good, "ppt/presentation.xml", |xml| xml.replacen("<p:sldId ", "<p:sldId r:id=\"rId999\" x", 1).replacen(" r:id=\"rId7\"", "", 0));
    assert!(failure("lost.pptx", &lost).contains("lost.pptx"));
    let many = with_part(&good, "ppt/presentation.xml", |xml| {
        let start = xml.find("<p:sldId ").unwrap();
        let end = start + xml[start..].find("/>").unwrap() + 2;
        xml.replacen(&xml[start..end], &xml[start..end].repeat(500), 1)
    });
    assert!(failure("many.pptx", &many).contains("has 506 slides; the limit is 500"));
    let hidden = (1..=7).fold(good.clone(), |bytes, number| with_part(&bytes, &format!("ppt/slides/slide{number}.xml"), |xml| xml.replacen("<p:sld ", "<p:sld show=\"0\" ", 1).replacen("show=\"0\" show=\"0\"", "show=\"0\"", 1)));
    assert!(failure("hidden.pptx", &hidden).contains("hidden"));
    let other = with_part(&good, "[Content_Types].xml", |xml| xml.replace("presentationml.", "wordprocessingml."));
    assert!(failure("other.pptx", &other).contains("a Word document, not a presentation"));
}

fn regexless_remove(text: &str, from: &str, to: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap();
    format!("{before}{}", rest.split_once(to).unwrap().1)
}
