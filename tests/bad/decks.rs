//! Decks that are not what they should be, one line a case: name, content, what the error says.

use super::{LESSON, Place};
use crate::support::files::{pdf, pdf_with, png_header};
use crate::support::{deck, root, zip};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A picture of more pixels than anybody has memory for.
const HUGE: (u32, u32) = (30_000, 30_000);
const TOO_MANY: usize = 10_000;

fn demo() -> Vec<u8> {
    fs::read(root().join("graphs/demo/lectern.pptx")).unwrap()
}

fn odp() -> Vec<u8> {
    fs::read(deck("hidden.odp")).unwrap()
}

/// `render` refuses the file.
fn refused(name: &str, content: &[u8], expected: &str) {
    let place = Place::with(name, content);
    let said = place.refuses(&mut place.lectern(&["render", name, "-o", "film.mp4"]), 2);
    assert!(said.contains(name) && said.contains(expected), "{name}: {said}");
}

/// The document with another part.
fn with_part(document: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let parts = zip::parts(document);
    zip::packed(parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())).chain([(name, content)]))
}

/// What lies between two marks is replaced.
fn between(text: &str, from: &str, to: &str, by: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap_or_else(|| panic!("there is no {from}"));
    let (_, after) = rest.split_once(to).unwrap_or_else(|| panic!("there is no {to}"));
    format!("{before}{from}{by}{to}{after}")
}

fn long() -> String {
    "too long ".repeat(2223)
}

const BOMB: &str = "as protection against zip bombs";
const ENTITIES: &str = "entity definition, which is refused";
const PIXELS: &str = "30000x30000 pixels; the limit is 200 megapixels: scale it down";

#[test]
fn powerpoint() {
    let good = demo();
    let in_presentation = |change: &dyn Fn(&str) -> String| zip::edited(&good, "ppt/presentation.xml", change);
    let ids = |count: usize| -> String { (0..count).map(|id| format!("<p:sldId id=\"{}\" r:id=\"rId{id}\"/>", 256 + id)).collect() };
    refused("empty.pptx", b"", "is an empty file");
    refused("cut.pptx", &good[..good.len() / 2], "is damaged");
    // A password makes it an OLE file with this stream in it (MS-OFFCRYPTO 2.3.4).
    let stream: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("locked.pptx", &[b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 504], &stream].concat(), "protected with a password");
    let none = in_presentation(&|xml| between(xml, "<p:sldIdLst>", "</p:sldIdLst>", ""));
    refused("none.pptx", &none, "has no slides");
    let many = in_presentation(&|xml| between(xml, "<p:sldIdLst>", "</p:sldIdLst>", &ids(TOO_MANY)));
    refused("many.pptx", &many, "it has 10000 slides; the limit is 500");
    refused("bomb.pptx", &with_part(&good, "ppt/media/zero.bin", &vec![0; 80 << 20]), BOMB);
    let entities = in_presentation(&|xml| {
        xml.replacen("<p:presentation", "<!DOCTYPE p [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><p:presentation", 1)
    });
    refused("entities.pptx", &entities, ENTITIES);
    let linked = zip::edited(&good, "ppt/slides/_rels/slide2.xml.rels", |xml| {
        let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image";
        let link = format!("<Relationship Id=\"rId77\" Type=\"{kind}\" Target=\"../media/huge.png\"/></Relationships>");
        xml.replacen("</Relationships>", &link, 1)
    });
    let huge = with_part(&linked, "ppt/media/huge.png", &png_header(HUGE.0, HUGE.1));
    refused("huge.pptx", &huge, &format!("slide 2: its picture \"ppt/media/huge.png\" has {PIXELS}"));
    let notes = zip::edited(&good, "ppt/notesSlides/notesSlide3.xml", |xml| xml.replacen("</a:t>", &format!(" {}</a:t>", long()), 1));
    refused("long.pptx", &notes, "slide 3: its narration has 20");
}

#[test]
fn opendocument() {
    let good = odp();
    let in_content = |change: &dyn Fn(&str) -> String| zip::edited(&good, "content.xml", change);
    let pages = |xml: &str, by: &str| {
        let (first, last) = (xml.find("<draw:page ").unwrap(), xml.rfind("</draw:page>").unwrap() + "</draw:page>".len());
        format!("{}{by}{}", &xml[..first], &xml[last..])
    };
    refused("empty.odp", b"", "is an empty file");
    refused("cut.odp", &good[..good.len() / 2], "is damaged");
    let locked = zip::edited(&good, "META-INF/manifest.xml", |xml| {
        xml.replacen("<manifest:file-entry ", "<manifest:encryption-data/><manifest:file-entry ", 1)
    });
    refused("locked.odp", &locked, "protected with a password");
    refused("none.odp", &in_content(&|xml| pages(xml, "")), "has no slides");
    let many = in_content(&|xml| pages(xml, &"<draw:page/>".repeat(TOO_MANY)));
    refused("many.odp", &many, "it has 10000 slides; the limit is 500");
    refused("bomb.odp", &with_part(&good, "Pictures/zero.bin", &vec![0; 80 << 20]), BOMB);
    let entities = in_content(&|xml| {
        xml.replacen("<office:document-content", "<!DOCTYPE o SYSTEM \"file:///etc/passwd\"><office:document-content", 1)
    });
    refused("entities.odp", &entities, ENTITIES);
    let shown = in_content(&|xml| {
        let (page, rest) = xml.split_once("</draw:page>").unwrap();
        format!("{page}<draw:frame><draw:image xlink:href=\"Pictures/huge.png\"/></draw:frame></draw:page>{rest}")
    });
    let huge = with_part(&shown, "Pictures/huge.png", &png_header(HUGE.0, HUGE.1));
    refused("huge.odp", &huge, &format!("slide 1: its picture \"Pictures/huge.png\" has {PIXELS}"));
    let notes = in_content(&|xml| xml.replacen("Good morning.", &long(), 1));
    refused("long.odp", &notes, "slide 1: its narration has 20");
}

#[test]
fn the_binary_format() {
    let good = fs::read(deck("hidden.ppt")).unwrap();
    refused("empty.ppt", b"", "is an empty file");
    let place = Place::with("cut.ppt", &good[..1000]);
    let said = place.refuses(&mut place.lectern(&["render", "cut.ppt"]), 2);
    assert!(said.contains("cut.ppt"), "{said}");
    // A password adds this stream (MS-PPT 2.1.5).
    let stream: Vec<u8> = "EncryptedSummary".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("locked.ppt", &[good.as_slice(), &stream].concat(), "protected with a password");
}

/// What LibreOffice makes of a deck in the binary format is not trusted more than any other deck. It never makes one without slides
/// itself, so something stands in for it that does.
#[test]
fn the_binary_format_as_it_is_converted() {
    let (good, binary) = (demo(), fs::read(deck("hidden.ppt")).unwrap());
    let in_slides = |slides: &str| zip::edited(&good, "ppt/presentation.xml", |xml| between(xml, "<p:sldIdLst>", "</p:sldIdLst>", slides));
    let many: String = (0..TOO_MANY).map(|id| format!("<p:sldId id=\"{}\" r:id=\"rId{id}\"/>", 256 + id)).collect();
    for (name, converted, expected) in [
        ("none.ppt", in_slides(""), "none.ppt has no slides"),
        ("many.ppt", in_slides(&many), "it has 10000 slides; the limit is 500"),
        ("cut.ppt", good[..good.len() / 2].to_vec(), "is damaged"),
    ] {
        let (place, office) = (Place::with(name, &binary), tempfile::tempdir().unwrap());
        let (made, program) = (office.path().join("made"), office.path().join("soffice"));
        fs::write(&made, converted).unwrap();
        let script = format!("while [ \"$1\" != --outdir ]; do shift; done\nmkdir -p \"$2\" && cp '{}' \"$2/deck.pptx\"", made.display());
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", office.path().display(), std::env::var("PATH").unwrap());
        let said = place.refuses(place.lectern(&["render", name, "-o", "film.mp4"]).env("PATH", path), 2);
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn pdf_documents() {
    let good = pdf(1, "");
    refused("empty.pdf", b"", "is an empty file");
    let print = fs::read(deck("small-print.pdf")).unwrap();
    refused("cut.pdf", &print[..print.len() / 2], "is damaged: it is cut off");
    let key = "<00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff>";
    let id = "<00112233445566778899aabbccddeeff>";
    let encrypt = format!("/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O {key} /U {key} >> /ID [{id} {id}] /Root");
    let text = String::from_utf8(good).unwrap();
    refused("locked.pdf", text.replacen("/Root", &encrypt, 1).as_bytes(), "protected with a password");
    refused("none.pdf", &pdf(0, ""), "none.pdf");
    refused("many.pdf", &pdf(TOO_MANY, ""), "it has 10000 slides; the limit is 500");
    let zeros = deflated(&vec![b' '; 80 << 20]);
    refused("bomb.pdf", &pdf_with(1, &[("/Filter /FlateDecode", &zeros)], ""), BOMB);
    let twice = deflated(&zeros);
    refused("twice.pdf", &pdf_with(1, &[("/Filter [/FlateDecode /FlateDecode]", &twice)], ""), BOMB);
    let image = "/Type /XObject /Subtype /Image /Width 30000 /Height 30000 /BitsPerComponent 8 /ColorSpace /DeviceGray";
    let huge = pdf_with(1, &[("", b"q 1600 0 0 900 0 0 cm /I Do Q"), (image, b"")], "/XObject << /I 5 0 R >>");
    refused("huge.pdf", &huge, PIXELS);
    let place = Place::with("long.pdf", pdf(2, ""));
    fs::write(place.path("long.md"), format!("# One\nShort.\n# Two\n{}\n", long())).unwrap();
    let said = place.refuses(&mut place.lectern(&["render", "long.pdf"]), 2);
    assert!(said.contains("long.pdf, slide 2: its narration has 20"), "{said}");
}

/// zlib data, taken out of the parts of a zip file: its deflated data, headed as RFC 1950 says. The checksum at its end is missing, which
/// readers of streams do not mind.
fn deflated(content: &[u8]) -> Vec<u8> {
    let zip = zip::packed([("a", content)]);
    let start = 30 + 1;
    let end = zip.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    [b"\x78\x9c".as_slice(), &zip[start..end]].concat()
}

#[test]
fn folders_of_pictures() {
    let place = Place::new();
    let refused = |expected: &str| {
        let said = place.refuses(&mut place.lectern(&["render", "slides", "-o", "film.mp4"]), 2);
        assert!(said.contains(expected), "{said}");
    };
    refused("there is no deck slides");
    fs::create_dir(place.path("slides")).unwrap();
    refused("has no pictures");
    fs::write(place.path("slides/1.png"), "").unwrap();
    refused("1.png is damaged");
    fs::write(place.path("slides/1.png"), png_header(HUGE.0, HUGE.1)).unwrap();
    refused(PIXELS);
    fs::write(place.path("slides/1.png"), crate::support::picture::png(32, 18)).unwrap();
    fs::write(place.path("slides/script.md"), format!("# One\n{}\n", long())).unwrap();
    refused("slide 1: its narration has 20");
    for number in 2..=TOO_MANY {
        fs::File::create(place.path(&format!("slides/{number}.png"))).unwrap();
    }
    refused("it has 10000 slides; the limit is 500");
}

#[test]
fn lesson_files() {
    refused("empty.yaml", b"", "is an empty file");
    refused("cut.yaml", &LESSON.as_bytes()[..LESSON.find("204060").unwrap()], "cut.yaml:4:");
    refused("none.yaml", b"version: 1\nslides: []\n", "has no slide to show");
    let many = format!("version: 1\nslides:\n{}", "- color: \"#000000\"\n".repeat(TOO_MANY));
    refused("many.yaml", many.as_bytes(), "10000 slides; the limit is 500");
    refused("long.yaml", LESSON.replace("Good morning.", &long()).as_bytes(), "slide 1: its narration has 20");
    refused("missing.yaml", LESSON.replace("silence: 1s", "audio: { file: no.wav }").as_bytes(), "\"no.wav\", which cannot be read");
    let place = Place::with("huge.yaml", "version: 1\nslides:\n- image: huge.png\n");
    fs::write(place.path("huge.png"), png_header(HUGE.0, HUGE.1)).unwrap();
    let said = place.refuses(&mut place.lectern(&["render", "huge.yaml"]), 2);
    assert!(said.contains("huge.png") && said.contains(PIXELS), "{said}");
}

#[test]
fn what_is_no_file() {
    let place = Place::new();
    let made = Command::new("mkfifo").arg(place.path("pipe.pptx")).status().unwrap();
    assert!(made.success());
    let said = place.refuses(&mut place.lectern(&["render", "pipe.pptx"]), 2);
    assert!(said.contains("not a regular file"), "{said}");
    let sparse = fs::File::create(place.path("big.pptx")).unwrap();
    sparse.set_len(101 << 20).unwrap();
    (&sparse).write_all(b"PK\x03\x04").unwrap();
    drop(sparse);
    let said = place.refuses(&mut place.lectern(&["render", "big.pptx"]), 2);
    assert!(said.contains("the limit is 100 MiB a file"), "{said}");
}

#[test]
fn graphs_are_refused_with_nothing_written() {
    let place = Place::with("two.yaml", LESSON);
    let graphs = root().join("tests/cli/graphs");
    for entry in fs::read_dir(&graphs).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        // Those that need arguments are wrong with the arguments only.
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        if name.starts_with('g') && name.ends_with(".yaml") && !text.starts_with("# args: ") && entry.path().is_file() {
            fs::copy(entry.path(), place.path("graph.yaml")).unwrap();
            place.refuses(&mut place.lectern(&["run", "graph.yaml"]), 2);
        }
    }
    let lecture = fs::read_to_string(root().join("graphs/lecture.yaml")).unwrap();
    fs::write(place.path("graph.yaml"), lecture.replace("1280x720", "1281x720")).unwrap();
    let said = place.refuses(&mut place.lectern(&["render", "two.yaml", "--graph", "graph.yaml"]), 2);
    assert!(said.contains("graph.yaml:") && said.contains("1281x720"), "{said}");
}
