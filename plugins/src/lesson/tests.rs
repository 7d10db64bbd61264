//! Whole imports: real decks through LibreOffice, PDFs, folders of pictures.

use super::*;
use engine::time::Span;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::process::Command;
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

mod bad;
mod json;
mod roundtrip;

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

/// Two seconds of film with a tone: 64x36 at 25 pictures a second.
fn film(folder: &Path, name: &str) -> PathBuf {
    let tone = "-f lavfi -i sine=d=2 -c:v libx264 -c:a pcm_s16le";
    crate::gst::film::tests::make(folder, name, &format!("-f lavfi -i testsrc2=s=64x36:r=25:d=2 {tone}"))
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
    let output = Command::new("pdftoppm")
        .args(["-png", "-f", &page, "-l", &page, "-scale-to-x", &width, "-scale-to-y", &height])
        .arg(document)
        .output()
        .unwrap();
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
    fs::write(&copy, with_part(&bytes, "ppt/notesSlides/notesSlide3.xml", |xml| xml.replacen("</a:t>", " And one more.</a:t>", 1)))
        .unwrap();
    let edited = import(&copy, &without_office(&cache)).unwrap();
    let hashes = |lesson: &Lesson| lesson.slides.iter().map(Slide::content_hash).collect::<Vec<_>>();
    let changed: Vec<usize> =
        hashes(&lesson).iter().zip(hashes(&edited)).enumerate().filter(|(_, (a, b))| **a != *b).map(|(index, _)| index).collect();
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
    let lesson = import(&deck("sld-notes.pptx"), &options(&cache)).unwrap();
    assert_eq!(texts(&lesson), ["Notes", ""], "the second slide has none");
    let lesson = import(&deck("shp-common-props.pptx"), &options(&cache)).unwrap();
    assert_eq!(lesson.slides.len(), 2);
    assert!(lesson.warnings[0].text.contains("no slide has speaker notes"), "{:?}", lesson.warnings);
    assert!(lesson.slides.iter().all(|slide| slide.narration == Narration::Silence(SILENT_SLIDE)));
    let pictures: Vec<Picture> = lesson.slides.iter().map(|slide| Rasterizer::new().draw(&slide.visual, (640, 360)).unwrap()).collect();
    assert!(pictures.iter().all(|picture| picture.rgba.chunks_exact(4).any(|pixel| pixel != [255; 4])), "something is drawn");
}

#[test]
fn emoji_are_drawn_and_a_language_that_no_run_names_is_found() {
    let (cache, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("hello.pptx");
    // Nothing but emoji are on the second slide.
    let smile = |xml: &str| xml.replace(">E<", ">\u{1f600}<").replace(">mpty comment slide<", ">\u{1f600}<");
    let bytes = with_part(&fs::read(deck("hello.pptx")).unwrap(), "ppt/slides/slide2.xml", smile);
    fs::write(&path, &bytes).unwrap();
    let lesson = import(&path, &options(&cache)).unwrap();
    assert_eq!((lesson.language.as_str(), lesson.slides[1].title.as_str()), ("en-JP", "\u{1f600}\u{1f600}"));
    let drawn = Rasterizer::new().draw(&lesson.slides[1].visual, (640, 360)).unwrap();
    assert!(drawn.rgba.chunks_exact(4).any(|pixel| pixel[0] < 64), "the emoji are blank");

    let german = "Windkraft treibt heute viele Anlagen an, und ihr Strom kommt bis in die Städte, weil die Leitungen ihn dorthin tragen.";
    let untagged = |xml: &str| xml.replace(" lang=\"en-JP\"", "").replace("This is a", german);
    let parts = ["ppt/notesSlides/notesSlide1.xml", "ppt/notesSlides/notesSlide2.xml"];
    fs::write(&path, parts.iter().fold(bytes, |bytes, part| with_part(&bytes, part, untagged))).unwrap();
    assert_eq!(import(&path, &without_office(&cache)).unwrap().language, "de");
    let told = ImportOptions { language: Some("fr".into()), ..without_office(&cache) };
    assert_eq!(import(&path, &told).unwrap().language, "fr");
}

#[test]
fn opendocument_and_the_binary_format_give_the_same_lesson() {
    let cache = tempfile::tempdir().unwrap();
    for name in ["hidden.odp", "hidden.ppt"] {
        let lesson = import(&deck(name), &options(&cache)).unwrap();
        assert_eq!(
            texts(&lesson),
            ["Good morning.\nThis is the first slide.", "The second slide, [pause 0.5s] as it is shown.", ""],
            "{name}"
        );
        assert_eq!(
            lesson.slides.iter().map(|slide| (slide.number, slide.title.as_str())).collect::<Vec<_>>(),
            [(1, "First"), (3, "Second"), (4, "Silent")]
        );
        let ratio = f64::from(lesson.size.0) / f64::from(lesson.size.1);
        assert!((ratio - 16.0 / 9.0).abs() < 0.01, "{name}: {ratio}");
        assert!(matches!(&lesson.slides[1].visual, Visual::Page { index: 2, .. }), "page n is slide n");
    }
}

/// A PDF with one empty page a size, in points.
fn pdf(sizes: &[(u32, u32)]) -> Vec<u8> {
    let kids: Vec<String> = (0..sizes.len()).map(|index| format!("{} 0 R", index + 3)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), sizes.len()),
    ];
    objects.extend(sizes.iter().map(|(width, height)| format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] >>")));
    let mut text = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(text.len());
        text += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = text.len();
    text += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    places.iter().for_each(|place| text += &format!("{place:010} 00000 n \n"));
    text += &format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    text.into_bytes()
}

#[test]
fn a_pdf_is_told_by_the_script_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("My talk.pdf");
    fs::write(&path, pdf(&[(1600, 900), (900, 1600)])).unwrap();
    let silent = import(&path, &without_office(&folder)).unwrap();
    assert!(silent.warnings[0].text.contains("write My talk.md beside it"), "{:?}", silent.warnings);
    assert_eq!((silent.id.as_str(), silent.size, texts(&silent)), ("My-talk", (160_000, 90_000), vec!["", ""]));
    fs::write(path.with_extension("md"), "# Hello\nGood morning.\n").unwrap();
    let lesson = import(&path, &ImportOptions { language: Some("de".into()), ..without_office(&folder) }).unwrap();
    assert_eq!((texts(&lesson), lesson.language.as_str(), lesson.slides[0].title.as_str()), (vec!["Good morning.", ""], "de", "Hello"));
    assert_eq!(lesson.warnings[0].slide, Some(2));
    fs::write(path.with_extension("md"), "# 1\n# 2\n# 3\n").unwrap();
    assert!(import(&path, &without_office(&folder)).unwrap_err().to_string().contains("3 headings for 2 pages; \"3\""));
    fs::write(path.with_extension("md"), "no headings").unwrap();
    assert!(import(&path, &without_office(&folder)).unwrap_err().to_string().contains("has no headings"));
}

#[test]
fn a_folder_of_pictures_is_a_lesson() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk");
    fs::create_dir(&path).unwrap();
    assert!(import(&path, &without_office(&folder)).unwrap_err().to_string().contains("has no pictures"));
    picture(&path.join("slide10.png"), 64, 36, [9, 9, 9]);
    picture(&path.join("slide2.jpg"), 64, 36, [200, 0, 0]);
    picture(&path.join("slide1.webp"), 64, 36, [0, 200, 0]);
    fs::write(path.join(".hidden.png"), "not a picture").unwrap();
    let silent = import(&path, &without_office(&folder)).unwrap();
    assert_eq!(silent.slides.iter().map(|slide| slide.id.as_str()).collect::<Vec<_>>(), ["slide1.webp", "slide2.jpg", "slide10.png"]);
    assert_eq!((silent.id.as_str(), silent.size), ("talk", (64, 36)));
    fs::write(path.join("script.md"), "# Start\nA.\n# Middle\n# End\nC.\n").unwrap();
    let lesson = import(&path, &without_office(&folder)).unwrap();
    assert_eq!((texts(&lesson), lesson.slides[1].title.as_str()), (vec!["A.", "", "C."], "Middle"));
    fs::write(path.join("script.md"), "# slide10\nTen.\n# slide1.webp\nOne.\n").unwrap();
    let lesson = import(&path, &without_office(&folder)).unwrap();
    assert_eq!((texts(&lesson), lesson.slides[0].title.as_str()), (vec!["One.", "", "Ten."], "slide1"));
    assert!(lesson.warnings[0].to_string().starts_with("slide 2: nothing is said"), "{:?}", lesson.warnings);
    fs::write(path.join("slide3.png"), "not a picture").unwrap();
    assert!(import(&path, &without_office(&folder)).unwrap_err().to_string().contains("slide3.png is damaged: it is no picture"));
}

#[test]
fn pictures_keep_their_shape_and_their_ground() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let mut image = image::RgbaImage::from_pixel(300, 300, image::Rgba([10, 20, 30, 255]));
    for (x, y) in (100..200).flat_map(|x| (100..200).map(move |y| (x, y))) {
        image.put_pixel(x, y, image::Rgba([255, 0, 0, 0]));
    }
    image.save(&path).unwrap();
    let visual = Visual::Image { path: path.clone(), hash: ContentHash::of(b"a") };
    let wide = Rasterizer::new().draw(&visual, (160, 90)).unwrap();
    let at =
        |picture: &Picture, x: u32, y: u32| -> [u8; 4] { picture.rgba[((y * picture.width + x) * 4) as usize..][..4].try_into().unwrap() };
    assert_eq!((wide.width, wide.height, wide.rgba.len()), (160, 90, 160 * 90 * 4));
    assert_eq!(at(&wide, 0, 0), [10, 20, 30, 255], "bars take the ground of the picture");
    assert_eq!(at(&wide, 80, 45), [255, 255, 255, 255], "what is transparent is white");
    // Two different edges have no common ground: the bars take their mean.
    let photo = image::RgbImage::from_fn(100, 100, |x, _| image::Rgb([if x < 50 { 0 } else { 200 }, 0, 0]));
    photo.save(&path).unwrap();
    let wide = Rasterizer::new().draw(&visual, (160, 90)).unwrap();
    assert_eq!(at(&wide, 0, 0), [100, 0, 0, 255]);
    let flat = Rasterizer::new().draw(&Visual::Color([1, 2, 3]), (4, 2)).unwrap();
    assert_eq!(flat.rgba, [1, 2, 3, 255].repeat(8));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Rasterizer::new().draw(&visual, (160, 90)), Err(LessonError::Read { .. })));
}

#[test]
fn names_become_ids_and_titles() {
    assert_eq!(slug("Über: my talk (2).final"), "ber-my-talk-2-final");
    assert_eq!(slug("日本"), "lesson");
    assert!(limits::is_id(&slug(&"x y".repeat(100))));
    assert_eq!(short_title("  a\n b\t c "), "a b c");
    assert_eq!(short_title(&"é".repeat(200)).chars().count(), 121);
}

#[test]
fn a_rasterizer_can_move_to_another_thread() {
    fn is_send<T: Send>(_: T) {}
    is_send(Rasterizer::new());
}

#[test]
fn films_are_slides_of_a_folder_and_a_lesson_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    picture(&folder.path().join("1.png"), 32, 18, [1, 2, 3]);
    film(folder.path(), "2.MOV");
    film(folder.path(), "10.mkv");
    fs::write(folder.path().join("script.md"), "# 1\nHello.\n# 2\nThis is a film.\n# 10\n").unwrap();
    let lesson = import(folder.path(), &without_office(&folder)).unwrap();
    let shown: Vec<(&str, bool, Option<i64>)> =
        lesson.slides.iter().map(|slide| (slide.id.as_str(), slide.presenter.visible, Some(slide.visual.length().to_millis()))).collect();
    assert_eq!(shown, [("1.png", true, Some(0)), ("2.MOV", true, Some(2000)), ("10.mkv", false, Some(2000))]);
    assert_eq!((lesson.slides[1].title.as_str(), texts(&lesson)), ("2", vec!["Hello.", "This is a film.", ""]));
    assert_eq!(lesson.slides[2].narration, Narration::Silence(lesson.slides[2].visual.length()));

    let lesson = import(&folder.path().join("2.MOV"), &without_office(&folder)).unwrap();
    let Visual::Clip(clip) = &lesson.slides[0].visual else { panic!("a film") };
    assert_eq!((clip.size, clip.length, clip.sound, lesson.size), ((64, 36), Span::from_seconds(2), true, (64, 36)));
    let drawn = Rasterizer::new().draw(&lesson.slides[0].visual, (64, 64)).unwrap();
    assert!(drawn.rgba.chunks_exact(4).any(|pixel| pixel[0].abs_diff(pixel[2]) > 100), "its first picture");
}

#[test]
fn mistakes_about_films_are_named() {
    let folder = tempfile::tempdir().unwrap();
    film(folder.path(), "a.mov");
    let whole = fs::read(folder.path().join("a.mov")).unwrap();
    fs::write(folder.path().join("d.mov"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.path().join("b.mp4"), "#EXTM3U\nhttp://127.0.0.1/a.ts").unwrap();
    let refused = |clip: &str| {
        let path = folder.path().join("lesson.yaml");
        fs::write(&path, format!("version: 1\nslides:\n- color: \"#000000\"\n- clip: {clip}\n")).unwrap();
        import(&path, &without_office(&folder)).map(|lesson| lesson.slides[1].visual.length()).map_err(|error| error.to_string())
    };
    assert_eq!(refused("{ file: a.mov, from: 500ms, until: 9s }"), Ok(Span::from_millis(1500)));
    for (clip, expected) in [
        ("{ file: a.mov, from: 3s }", "slide 2: it cannot be shown as a clip: the part from 3"),
        ("{ file: a.mov, from: 1s, until: 1s }", "is empty"),
        ("{ file: d.mov }", "slide 2: it cannot be shown as a clip: it is cut off"),
        ("{ file: b.mp4 }", "slide 2: it cannot be shown as a clip: it is no film"),
        ("{ file: ../a.mov }", "must be relative"),
        ("{ file: c.mov }", "cannot be read"),
    ] {
        let error = refused(clip).expect_err(clip);
        assert!(error.contains(expected), "{error}");
    }
}
