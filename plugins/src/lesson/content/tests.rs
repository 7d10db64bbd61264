//! Whole imports of content: each kind of document, with the local writer and with a model.

use super::super::canvas::Canvas;
use super::super::{Design, ImportOptions, Proportions, ReadAs, Theme, export, import};
use super::*;
use crate::writer::{Brief, KeyPoints, Planned, Writer, WriterError};
use engine::time::Span;
use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

const NOTES: &str = "# Solar power\n\nSolar panels turn sunlight into electric current. A panel lasts about 25 years.\n\n## Prices\n\nPrices fell by 90 percent in ten years. Large plants are the cheapest source of power today.\n\n- Panels: 40 percent\n- Installation: 35 percent\n- Grid: 25 percent\n\n## History\n\nThe first solar cell is from 1883. Satellites used them from 1958 on.\n";

fn options(folder: &TempDir) -> ImportOptions {
    ImportOptions {
        cache_dir: folder.path().join("cache"),
        libreoffice: "/no/office".into(),
        writer: Some(Arc::new(crate::writer::Local)),
        ..ImportOptions::default()
    }
}

fn told(lesson: &Lesson) -> String {
    let text = |slide: &Slide| match &slide.narration {
        Narration::Text(text) => text.clone(),
        _ => String::new(),
    };
    lesson.slides.iter().map(text).collect::<Vec<_>>().join("\n")
}

fn titles(lesson: &Lesson) -> Vec<&str> {
    lesson.slides.iter().map(|slide| slide.title.as_str()).collect()
}

fn canvas(slide: &Slide) -> &Canvas {
    match &slide.visual {
        Visual::Canvas(canvas) => canvas,
        other => panic!("{other:?}"),
    }
}

fn warns(lesson: &Lesson, text: &str) -> bool {
    lesson.warnings.iter().any(|warning| warning.text.contains(text))
}

/// A folder with one file in it, and the file.
fn with(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::from_fn(64, 32, |x, y| image::Rgb([x as u8 * 4, y as u8 * 8, 90]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

const TYPES: &str = "<Types xmlns=\"t\"><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";

/// A Word document with this body.
fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<w:document xmlns:w=\"urn:w\" xmlns:r=\"urn:x/relationships\" xmlns:a=\"urn:a\" xmlns:wp=\"urn:wp\"><w:body>{body}</w:body></w:document>"
    );
    let style = |id: &str, name: &str, more: &str| format!("<w:style w:styleId=\"{id}\"><w:name w:val=\"{name}\"/>{more}</w:style>");
    let styles = format!(
        "<w:styles xmlns:w=\"urn:w\"><w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val=\"en-GB\"/></w:rPr></w:rPrDefault></w:docDefaults>{}{}{}{}{}{}</w:styles>",
        style("T", "Title", ""),
        style("H1", "heading 1", ""),
        style("H2", "heading 2", ""),
        style("Own", "My heading", "<w:basedOn w:val=\"H2\"/>"),
        style("Q", "Intense Quote", ""),
        style("C", "toc 1", ""),
    );
    let links = "<Relationships xmlns=\"r\"><Relationship Id=\"rId1\" Type=\"t/image\" Target=\"media/a.png\"/><Relationship Id=\"rId2\" Type=\"t/image\" Target=\"media/b.emf\"/><Relationship Id=\"rId3\" Type=\"t/image\" Target=\"https://a.example/c.png\" TargetMode=\"External\"/></Relationships>";
    let root = "<Relationships xmlns=\"r\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>";
    zip(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", root.as_bytes()),
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/_rels/document.xml.rels", links.as_bytes()),
        ("word/media/a.png", &picture()),
        ("word/media/b.emf", b"\x01\0\0\0 EMF"),
    ])
}

fn paragraph(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

fn plain(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A PDF of pages with lines of text, each of a size.
fn pdf(pages: &[&[(f64, &str)]]) -> Vec<u8> {
    pdf_with("", pages)
}

/// The same with something more drawn on the last page.
fn pdf_with(drawn: &str, pages: &[&[(f64, &str)]]) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_string()];
    let kids: Vec<String> = (0..pages.len()).map(|index| format!("{} 0 R", 4 + index * 2)).collect();
    objects.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()));
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into());
    for (index, lines) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] /Contents {} 0 R /Resources << /Font << /F 3 0 R >> >> >>",
            5 + index * 2
        ));
        let mut y = 440.0;
        let mut text = String::from("BT\n");
        for (size, line) in *lines {
            text.push_str(&format!("/F {size} Tf 1 0 0 1 40 {y} Tm ({line}) Tj\n"));
            y -= size * 1.3;
        }
        text.push_str("ET");
        if index + 1 == pages.len() {
            text.push_str(drawn);
        }
        objects.push(format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()));
    }
    let mut pdf = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(pdf.len());
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = pdf.len();
    pdf.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    offsets.iter().for_each(|offset| pdf.push_str(&format!("{offset:010} 00000 n \n")));
    pdf.push_str(&format!("trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1));
    pdf.into_bytes()
}

#[test]
fn markdown_becomes_slides_and_narration() {
    let (folder, path) = with("notes.md", NOTES.as_bytes());
    let lesson = import(&path, &options(&folder)).unwrap();
    assert_eq!(titles(&lesson), ["Solar power", "Solar power", "Prices", "History", "What to remember"]);
    assert_eq!((lesson.title.as_str(), lesson.language.as_str(), lesson.size), ("Solar power", "en", (16, 9)));
    let ids: Vec<&str> = lesson.slides.iter().map(|slide| slide.id.as_str()).collect();
    assert_eq!(ids, ["title", "solar-power", "prices", "history", "closing"]);
    let said = told(&lesson);
    for fact in ["turn sunlight into electric current", "90 percent in ten years", "Installation: 35 percent.", "from 1883"] {
        assert!(said.contains(fact), "{fact}: {said}");
    }
    assert!(warns(&lesson, "put together by the local writer"));
    assert_eq!(import(&path, &options(&folder)).unwrap(), lesson, "the same text gives the same lesson");
}

#[test]
fn instructions_and_settings_change_the_lesson() {
    let (folder, path) = with("notes.md", NOTES.as_bytes());
    let usual = import(&path, &options(&folder)).unwrap();
    let with = |instructions: &str| {
        let brief = Brief { instructions: instructions.into(), ..Brief::default() };
        import(&path, &ImportOptions { brief, ..options(&folder) }).unwrap()
    };
    let short = with("Keep it under 20 seconds. Leave out the history");
    assert!(told(&short).len() * 3 < told(&usual).len() * 2 && !told(&short).contains("1883"), "{}", told(&short));
    assert_eq!(with("three slides").slides.len(), 3);
    assert!(warns(&with("like a pirate"), "does not understand \"like a pirate\""));
    let french = Brief { language: Some("fr".into()), ..Brief::default() };
    let lesson = import(&path, &ImportOptions { brief: french, ..options(&folder) }).unwrap();
    assert!(lesson.language == "en" && warns(&lesson, "cannot translate"));
    let design = Design { theme: Theme::Dark, shape: Proportions::Classic };
    let dark = import(&path, &ImportOptions { design, ..options(&folder) }).unwrap();
    assert!(
        dark.size == (4, 3) && canvas(&dark.slides[0]).width == 960.0 && canvas(&dark.slides[0]).ground != canvas(&usual.slides[0]).ground
    );
}

#[test]
fn plain_text_becomes_a_lesson_in_its_own_language() {
    let text = "ENERGIE AUS SONNE\n\nWie es geht\n\nSolarzellen wandeln Sonnenlicht in elektrischen Strom um. Eine Zelle hält etwa 25 Jahre.\n\n- Silizium ist billig\n- Sonne gibt es überall\n";
    let (folder, path) = with("notizen.txt", text.as_bytes());
    let lesson = import(&path, &options(&folder)).unwrap();
    assert_eq!(lesson.language, "de");
    assert!(told(&lesson).starts_with("Willkommen.") && told(&lesson).contains("Silizium ist billig."), "{}", told(&lesson));
    assert_eq!(lesson.title, "ENERGIE AUS SONNE");
    let told_otherwise = import(&path, &ImportOptions { language: Some("nl".into()), ..options(&folder) }).unwrap();
    assert_eq!(told_otherwise.language, "nl");
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let (folder, path) = with("notizen", &utf16);
    assert_eq!(import(&path, &options(&folder)).unwrap().slides.len(), lesson.slides.len(), "known by its content");
}

#[test]
fn word_documents_become_a_lesson() {
    let picture =
        |id: &str| format!("<w:p><w:r><w:drawing><wp:docPr id=\"1\" descr=\"A map\"/><a:blip r:embed=\"{id}\"/></w:drawing></w:r></w:p>");
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", plain(text));
    let item = |text: &str| format!("<w:p><w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>");
    let body = [
        paragraph("T", "Rivers of the world"),
        paragraph("C", "Contents 1"),
        paragraph("H1", "The Nile"),
        "<w:p><w:r><w:t xml:space=\"preserve\">It flows </w:t></w:r><w:del><w:r><w:delText>south</w:delText></w:r></w:del><w:ins><w:r><w:t>north to the sea.</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r></w:p>".into(),
        picture("rId1"),
        paragraph("Own", "Length"),
        format!("<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>", cell("River"), cell("km"), cell("Nile"), cell("6650")),
        paragraph("H1", "The Amazon"),
        item("Widest"),
        item("Wettest"),
        paragraph("Q", "The river sea."),
        picture("rId2"),
        picture("rId3"),
    ]
    .concat();
    let (folder, path) = with("rivers.docx", &docx(&body));
    let lesson = import(&path, &options(&folder)).unwrap();
    assert_eq!(lesson.title, "Rivers of the world");
    let expected = ["Rivers of the world", "The Nile", "Length", "The Amazon", "The Amazon (2)", "Thank you"];
    assert_eq!(titles(&lesson), expected);
    let said = told(&lesson);
    assert!(
        said.contains("It flows north to the sea.")
            && said.contains("Nile: 6650.")
            && said.contains("Widest.")
            && said.contains("The river sea."),
        "{said}"
    );
    assert!(!said.contains("secret") && !said.contains("south") && !said.contains("Contents 1"), "{said}");
    let shown: Vec<&PathBuf> = canvas(&lesson.slides[1]).files().map(|file| &file.path).collect();
    assert!(
        shown.len() == 1 && shown[0].starts_with(folder.path().join("cache")) && fs::read(shown[0]).unwrap() == super::tests::picture()
    );
    assert!(warns(&lesson, "media/b.emf\" is of a kind that is not shown") && warns(&lesson, "linked, not stored"));
    // To be edited, and read again.
    let out = folder.path().join("out/lesson.yaml");
    export(&lesson, &out).unwrap();
    let again = import(&out, &ImportOptions { writer: None, ..options(&folder) }).unwrap();
    assert_eq!((told(&again), titles(&again)), (said, titles(&lesson)));
    assert_eq!(again.slides[1].content_hash(), lesson.slides[1].content_hash());
}

#[test]
fn bold_lines_are_headings_where_there_are_no_others() {
    let bold = |text: &str| format!("<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{text}</w:t></w:r></w:p>");
    let body = [bold("First part"), plain("Some words about it are here."), bold("Second part"), plain("Other words about it are there.")]
        .concat();
    let (folder, path) = with("a.docx", &docx(&body));
    let lesson = import(&path, &options(&folder)).unwrap();
    assert_eq!(titles(&lesson)[1..3], ["First part", "Second part"]);
}

#[test]
fn bad_word_documents_get_one_clear_error() {
    let good = docx(&plain("Some text is here."));
    let fails = |bytes: &[u8]| {
        let (folder, path) = with("a.docx", bytes);
        import(&path, &options(&folder)).unwrap_err().to_string()
    };
    assert!(fails(&good[..good.len() / 2]).contains("is damaged"));
    assert!(fails(&docx("<w:p><w:r><w:t>x</w:p>")).contains("is damaged: part \"word/document.xml\" is not well-formed"));
    assert!(fails(&docx("<w:sectPr/>")).contains("has no text to make a lesson of"));
    assert!(fails(&docx("&lol;")).contains("entity definition"));
    assert!(fails(&zip(&[("[Content_Types].xml", TYPES.as_bytes())])).contains("part \"word/document.xml\" is missing"));
    let bomb = zip(&[("[Content_Types].xml", TYPES.as_bytes()), ("word/document.xml", &vec![b' '; 90 << 20])]);
    assert!(fails(&bomb).contains("zip bombs"));
    assert!(fails(&docx(&plain("x").repeat(25_000))).contains("more than 20000 paragraphs"));
    for cut in (0..good.len()).step_by(97) {
        let mut broken = good.clone();
        broken[cut] ^= 0x41;
        let (folder, path) = with("a.docx", &broken);
        // An error or a lesson, no panic.
        let _ = import(&path, &options(&folder));
    }
}

#[test]
fn a_pdf_is_slides_or_content_as_asked() {
    let pages: [&[(f64, &str)]; 2] = [
        &[
            (20.0, "Tides"),
            (10.0, "The sea rises and falls twice a day. The moon pulls at the"),
            (10.0, "water, and the earth turns under it."),
        ],
        &[(20.0, "Use"), (10.0, "Tidal plants make power from this move-"), (10.0, "ment. They are few.")],
    ];
    let (folder, path) = with("tides.pdf", &pdf(&pages));
    let slides = import(&path, &options(&folder)).unwrap();
    assert_eq!(titles(&slides), ["Tides", "Use"]);
    assert!(matches!(slides.slides[1].visual, Visual::Page { index: 1, .. }));
    assert!(
        told(&slides).contains("The moon pulls at the water, and the earth turns under it.")
            && told(&slides).contains("from this movement. They are few."),
        "{}",
        told(&slides)
    );
    assert!(warns(&slides, "made of the pages' own text; to say something else write tides.md"));
    let content = import(&path, &ImportOptions { read_as: ReadAs::Content, ..options(&folder) }).unwrap();
    assert_eq!(titles(&content), ["tides", "Tides", "Use", "Thank you"]);
    assert!(matches!(content.slides[1].visual, Visual::Canvas(_)) && told(&content).contains("twice a day"));
    // What its author wrote beside it is said, and follows the instructions.
    fs::write(path.with_extension("md"), "# One\nFirst thing to say. Second thing to say; really.\n# Two\nThird.").unwrap();
    let scripted = import(&path, &options(&folder)).unwrap();
    assert_eq!(told(&scripted), "First thing to say. Second thing to say; really.\nThird.");
    let brief = Brief { instructions: "short sentences".into(), ..Brief::default() };
    assert!(told(&import(&path, &ImportOptions { brief, ..options(&folder) }).unwrap()).contains("to say. Really."));
    let (folder, path) = with("empty.pdf", &pdf(&[&[]]));
    let error = import(&path, &ImportOptions { read_as: ReadAs::Content, ..options(&folder) }).unwrap_err().to_string();
    assert!(error.contains("needs text recognition"), "{error}");
    assert!(warns(&import(&path, &options(&folder)).unwrap(), "nothing is said: write empty.md"));
}

#[test]
fn pictures_of_a_pdf_are_shown_but_marks_and_backgrounds_are_not() {
    let pages: [&[(f64, &str)]; 2] = [
        &[(20.0, "Tides"), (10.0, "The sea rises and falls twice a day. The moon pulls at the water.")],
        &[(20.0, "Use"), (10.0, "Tidal plants make power from this movement. They are few.")],
    ];
    // Two pixels, red and blue; at each of these places of a page of 400 x 500: width, height, left, bottom.
    let image = "BI /W 2 /H 1 /CS /RGB /BPC 8 /F /AHx ID ff00000000ff> EI";
    let places = ["400 0 0 500 0 0", "20 0 0 20 370 10", "200 0 0 100 40 150"];
    let drawn: String = places.iter().map(|place| format!("\nq {place} cm {image} Q")).collect();
    let (folder, path) = with("tides.pdf", &pdf_with(&drawn, &pages));
    let lesson = import(&path, &ImportOptions { read_as: ReadAs::Content, ..options(&folder) }).unwrap();
    let files = |slide: &Slide| canvas(slide).files().map(|file| file.path.clone()).collect::<Vec<_>>();
    let shown: Vec<(&str, PathBuf)> =
        lesson.slides.iter().flat_map(|slide| files(slide).into_iter().map(|file| (slide.title.as_str(), file))).collect();
    let [("Use", file)] = shown.as_slice() else { panic!("{shown:?}") };
    let pixels = image::open(file).unwrap().to_rgb8();
    assert_eq!(pixels.dimensions(), (1600, 800));
    assert!(pixels.get_pixel(200, 400)[0] > 200 && pixels.get_pixel(1400, 400)[2] > 200, "red, then blue");
}

#[test]
fn what_has_no_other_form_is_told() {
    let (folder, path) = with("lesson.yaml", b"version: 1\nslides:\n- { color: \"#000000\", narration: Hi there. }\n");
    let error = import(&path, &ImportOptions { read_as: ReadAs::Content, ..options(&folder) }).unwrap_err().to_string();
    assert!(error.contains("it is a lesson file, and only documents"), "{error}");
    let (folder, path) = with("notes.md", NOTES.as_bytes());
    let error = import(&path, &ImportOptions { read_as: ReadAs::Slides, ..options(&folder) }).unwrap_err().to_string();
    assert!(error.contains("no slides of its own"), "{error}");
    let (folder, path) = with("only.md", b"# Heading\n\n[^1]: note\n");
    let error = import(&path, &options(&folder)).unwrap_err().to_string();
    assert!(error.contains("has no text to make a lesson of"), "{error}");
}

/// A model in short: it writes in capitals and translates by turning words round.
struct Loud;

impl Writer for Loud {
    fn name(&self) -> String {
        "loud".into()
    }
    fn analyse(&self, content: &Content, _: &Brief, _: &mut Notes) -> Result<Vec<KeyPoints>, WriterError> {
        Ok(content.passages.iter().map(|passage| KeyPoints { points: vec![passage.heading.to_uppercase()], weight: 1.0 }).collect())
    }
    fn outline(&self, content: &Content, points: &[KeyPoints], _: &Brief, _: &mut Notes) -> Result<Outline, WriterError> {
        let slide = |(index, key): (usize, &KeyPoints)| Planned {
            role: Role::Points,
            title: format!("S{index}"),
            points: key.points.clone(),
            passages: vec![index],
        };
        Ok(Outline { title: content.title.clone(), slides: points.iter().enumerate().map(slide).collect() })
    }
    fn write(&self, content: &Content, outline: &Outline, _: &Brief, _: &mut Notes) -> Result<Vec<String>, WriterError> {
        Ok(outline.slides.iter().map(|slide| content.passages[slide.passages[0]].text().to_uppercase()).collect())
    }
    fn revise(&self, script: &[String], _: &str, _: &Brief, _: &mut Notes) -> Result<Vec<String>, WriterError> {
        Ok(script.iter().map(|text| text.to_uppercase()).collect())
    }
    fn translate(&self, texts: &[String], _: &str, to: &str, _: &mut Notes) -> Result<Option<Vec<String>>, WriterError> {
        Ok(Some(texts.iter().map(|text| format!("{to}:{text}")).collect()))
    }
    fn summarise(&self, _: &Content, _: Span, _: &Brief, _: &mut Notes) -> Result<String, WriterError> {
        Err(WriterError::Refused("no".into()))
    }
}

#[test]
fn another_writer_writes_and_translates_everything_that_is_seen_and_said() {
    let text = "# T\n\n## A\n\nFirst words.\n\n| Name | Size |\n|---|---|\n| cat | 1 |\n\n> Quoted words.\n";
    let (folder, path) = with("notes.md", text.as_bytes());
    let brief = Brief { language: Some("de".into()), ..Brief::default() };
    let lesson = import(&path, &ImportOptions { writer: Some(Arc::new(Loud)), brief: brief.clone(), ..options(&folder) }).unwrap();
    assert_eq!((lesson.language.as_str(), lesson.title.as_str(), titles(&lesson)), ("de", "de:T", vec!["de:S0", "de:S1"]));
    assert!(told(&lesson).starts_with("de:FIRST WORDS."));
    let seen = |slide: &Slide| serde_json::to_string(canvas(slide)).unwrap();
    assert!(seen(&lesson.slides[0]).contains("de:cat") && seen(&lesson.slides[1]).contains("de:Quoted words."));
    // A lesson that has its words keeps its slides.
    let (folder, path) = with("lesson.yaml", b"version: 1\ntitle: Talk\nslides:\n- { id: a, title: One, color: \"#000000\", narration: Hello to all of you who are here. }\n- { color: \"#000000\", silence: 1s }\n");
    let lesson = import(&path, &ImportOptions { writer: Some(Arc::new(Loud)), brief, ..options(&folder) }).unwrap();
    assert_eq!(
        (told(&lesson).as_str(), titles(&lesson)[0], lesson.language.as_str()),
        ("de:Hello to all of you who are here.\n", "de:One", "de")
    );
    assert!(warns(&lesson, "slides was not translated"));
    let brief = Brief { instructions: "louder".into(), ..Brief::default() };
    let lesson = import(&path, &ImportOptions { writer: Some(Arc::new(Loud)), brief, ..options(&folder) }).unwrap();
    assert_eq!(told(&lesson), "HELLO TO ALL OF YOU WHO ARE HERE.\n");
}
