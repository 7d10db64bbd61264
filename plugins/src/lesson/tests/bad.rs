//! Every bad input that a user may bring: one error that says what to change.

use super::*;

/// What importing these bytes under this name says when it fails.
fn failure(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = import(&path, &without_office(&folder)).unwrap_err().to_string();
    assert!(error.contains(name), "the message names the file: {error}");
    error
}

#[test]
fn bad_decks_get_one_clear_error() {
    let good = fs::read(demo()).unwrap();
    assert!(failure("cut.pptx", &good[..good.len() / 2]).contains("is damaged"));
    assert!(failure("empty.pptx", b"").contains("empty file"));
    assert!(
        failure("broken.pptx", &with_part(&good, "ppt/slides/slide2.xml", |xml| xml.replacen("</p:sp>", "", 1)))
            .contains("slide 2: part \"ppt/slides/slide2.xml\" is not well-formed")
    );
    let bomb =
        with_part(&good, "ppt/presentation.xml", |xml| xml.replacen("<p:presentation", "<!DOCTYPE p [<!ENTITY a 'b'>]><p:presentation", 1));
    assert!(failure("entity.pptx", &bomb).contains("entity definition, which is refused"));
    let none = with_part(&good, "ppt/presentation.xml", |xml| {
        let (before, rest) = xml.split_once("<p:sldIdLst>").unwrap();
        format!("{before}{}", rest.split_once("</p:sldIdLst>").unwrap().1)
    });
    assert!(failure("none.pptx", &none).contains("has no slides"));
    let lost = with_part(&good, "ppt/presentation.xml", |xml| {
        xml.replacen("<p:sldIdLst>", "<p:sldIdLst><p:sldId id=\"999\" r:id=\"rId999\"/>", 1)
    });
    assert!(failure("lost.pptx", &lost).contains("slide 1: the deck lists it but does not say where it is"));
    let many = with_part(&good, "ppt/presentation.xml", |xml| {
        let start = xml.find("<p:sldId ").unwrap();
        let end = start + xml[start..].find("/>").unwrap() + 2;
        xml.replacen(&xml[start..end], &xml[start..end].repeat(500), 1)
    });
    assert!(failure("many.pptx", &many).contains("has 506 slides; the limit is 500"));
    let hidden = (1..=7).fold(good.clone(), |bytes, number| {
        with_part(&bytes, &format!("ppt/slides/slide{number}.xml"), |xml| {
            xml.replacen(" show=\"0\"", "", 1).replacen("<p:sld ", "<p:sld show=\"0\" ", 1)
        })
    });
    assert!(failure("hidden.pptx", &hidden).contains("has only hidden slides"));
    let other = with_part(&good, "[Content_Types].xml", |xml| xml.replace("presentationml.", "wordprocessingml."));
    let locked = with_part(&fs::read(deck("hidden.odp")).unwrap(), "META-INF/manifest.xml", |xml| {
        xml.replacen("<manifest:file-entry ", "<manifest:encryption-data/><manifest:file-entry ", 1)
    });
    assert!(failure("locked.odp", &locked).contains("protected with a password"));
    assert!(failure("other.pptx", &other).contains("holds no text"));
}

#[test]
fn bad_pdfs_get_one_clear_error() {
    let good = pdf(&[(160, 90)]);
    assert!(failure("junk.pdf", b"%PDF-1.4 and nothing else").contains("is cut off or no PDF"));
    assert!(failure("cut.pdf", &good[..60]).contains("is damaged"));
    assert!(failure("many.pdf", &pdf(&[(160, 90); 501])).contains("has 501 slides; the limit is 500"));
    let key = "<00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff>";
    let id = "<00112233445566778899aabbccddeeff>";
    let encrypt = format!("/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O {key} /U {key} >> /ID [{id} {id}] /Root");
    let locked = String::from_utf8(good).unwrap().replacen("/Root", &encrypt, 1);
    assert!(failure("locked.pdf", locked.as_bytes()).contains("protected with a password"));
}

#[test]
fn huge_pictures_and_pages_are_refused_before_they_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    // A BMP header that claims 20,000 x 20,000 pixels.
    let mut header = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    header.extend(20_000u32.to_le_bytes());
    header.extend(20_000u32.to_le_bytes());
    header.extend([1, 0, 24, 0]);
    header.resize(54, 0);
    let path = folder.path().join("a.png");
    fs::write(&path, header).unwrap();
    let error = import(folder.path(), &without_office(&folder)).unwrap_err().to_string();
    assert!(error.contains("20000x20000 pixels; the limit is 200 megapixels"), "{error}");
    let path = folder.path().join("a.pdf");
    fs::write(&path, pdf(&[(160, 90)])).unwrap();
    let visual = |index| Visual::Page { document: path.clone(), index, hash: ContentHash::of(b"") };
    assert!(Rasterizer::new().draw(&visual(0), (100_000, 100_000)).unwrap_err().to_string().contains("16384 pixels a side"));
    assert!(Rasterizer::new().draw(&visual(7), (160, 90)).unwrap_err().to_string().contains("page 8 was asked for, but it has 1"));
    let sparse = fs::File::create(folder.path().join("big.pptx")).unwrap();
    sparse.set_len(MAX_FILE_BYTES + 1).unwrap();
    assert!(
        import(&folder.path().join("big.pptx"), &without_office(&folder)).unwrap_err().to_string().contains("the limit is 100 MiB a file")
    );
}

#[test]
fn bad_lesson_files_get_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lesson.yaml");
    fs::write(folder.path().join("secret.png"), "x").unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    std::os::unix::fs::symlink("../secret.png", inner.join("link.png")).unwrap();
    let says = |slides: &str| {
        let path = inner.join("lesson.yaml");
        fs::write(&path, format!("version: 1\nslides:\n{slides}")).unwrap();
        import(&path, &without_office(&folder)).unwrap_err().to_string()
    };
    let cases = [
        ("- { color: \"#000000\", narrration: x }", "3:23: slides[0] has no key \"narrration\"; it has: id, title"),
        ("- { color: \"#000000\", duration: 3 }", "has no unit"),
        ("- { color: black }", "is no colour"),
        ("- { color: \"#000000\", image: a.png }", "slide 1: it must show one of page, image, color, clip, frames, embed and canvas"),
        ("- { narration: x }", "it must show one of page, image, color, clip, frames, embed and canvas"),
        ("- { embed: { url: example.org } }", "slide 1: its embed \"example.org\" is no address of a page; write it whole"),
        ("- { embed: { url: \"javascript:alert(1)\" } }", "is no address of a page"),
        ("- { embed: { url: \"https://example.org/a b\" } }", "is no address of a page"),
        ("- { embed: https://example.org }", "embed"),
        ("- { embed: { url: https://example.org, rate: 10 } }", "rate and length are for a page that is captured as it moves"),
        ("- { embed: { url: https://example.org, capture: moving, rate: 26 } }", "its rate must be 1 to 25 pictures a second"),
        ("- { embed: { url: https://example.org, capture: moving, length: 1h } }", "the length of its capture is"),
        ("- { embed: { url: https://example.org, capture: film } }", "capture"),
        ("- { embed: { url: https://example.org, poster: gone.png } }", "it needs \"gone.png\", which cannot be read"),
        ("- { color: \"#000000\", narration: x, silence: 1s }", "it must say one of narration, audio and silence"),
        ("- { image: ../secret.png }", "must be relative and stay in the lesson's folder"),
        ("- { image: /etc/passwd }", "must be relative and stay in the lesson's folder"),
        ("- { image: link.png }", "is a link that leads out"),
        ("- { image: none.png }", "cannot be read: No such file"),
        ("- { color: \"#000000\", id: a }\n- { color: \"#000000\", id: a }", "slide 2: its id \"a\" is empty or taken"),
        ("- { color: \"#000000\", silence: 0s }", "its silence must be longer than zero"),
        ("- { color: \"#000000\", duration: 5h }", "the limit is"),
        ("- { color: \"#000000\", presenter: { height: 0% } }", "must be over 0%"),
        ("- { color: \"#000000\", transition: { kind: cut, duration: 1s } }", "a cut takes no time"),
        ("- { color: \"#000000\", overlays: [{ role: text, text: x, from: 2s, until: 1s }] }", "ends before it starts"),
        ("- { color: \"#000000\", overlays: [{ role: bullet, text: x, from: 1s, word: y }] }", "has from and word; one of them"),
        (
            "- { color: \"#000000\", narration: One two., overlays: [{ role: bullet, text: x, word: three }] }",
            "slide 1: the overlay \"x\" waits for the word \"three\" (number 1), which is not in the narration",
        ),
        ("- { color: \"#000000\", overlays: [{ role: bullet, text: x, nth: 2 }] }", "has nth without word"),
        ("- { color: \"#000000\", overlays: [{ role: bullet, text: \" \" }] }", "says nothing; write text"),
        ("- { color: \"#000000\", overlays: [{ role: text, text: x, detail: y }] }", "detail, which is for role: lower_third"),
        ("- { color: \"#000000\", overlays: [{ role: text, text: x, file: a.png }] }", "which are for role: picture"),
        ("- { color: \"#000000\", overlays: [{ role: picture }] }", "is a picture without file"),
        ("- { color: \"#000000\", overlays: [{ role: picture, file: gone.png }] }", "gone.png"),
        ("- { color: \"#000000\", overlays: [{ role: picture, file: ../secret.png }] }", "must be relative and stay"),
        ("- { color: \"#000000\", overlays: [{ role: bullet, text: x, anchor: left }] }", "bullets have a column"),
        ("- { color: \"#000000\", overlays: [{ role: banner, text: x }] }", "lower_third"),
        ("- { color: \"#000000\", transition: { kind: fade, from: left } }", "for what moves"),
        ("- { color: \"#000000\", transition: wipe }", "push"),
        ("- { color: \"#000000\", transition: { kind: push, duration: 11s } }", "the limit is"),
        ("  []", "has no slide to show"),
    ];
    for (slides, expected) in cases {
        let error = says(slides);
        assert!(error.contains(expected), "{slides}: {error}");
    }
    let long = says(&format!("- {{ color: \"#000000\", narration: \"{}\" }}", "long ".repeat(4001)));
    assert!(
        long.contains("slide 1: its narration has 20004 characters; the limit is 20000"),
        "{}",
        &long[long.len().saturating_sub(200)..]
    );
    fs::write(&path, "version: 2\nslides: []\n").unwrap();
    assert!(import(&path, &without_office(&folder)).unwrap_err().to_string().contains("version 2, but this program reads version 1"));
    fs::write(&path, "version: 1\nslides: [").unwrap();
    assert!(import(&path, &without_office(&folder)).unwrap_err().to_string().contains("lesson.yaml:"));
}
