//! Decks that this project did not make.

use crate::support::{deck, lesson, picture, probe, render, word_error};
use std::path::{Path, PathBuf};

/// The PDF that the deck became, in the cache of this test.
fn converted(home: &Path) -> PathBuf {
    let mut pdfs = std::fs::read_dir(home.join("cache/lectern/decks")).unwrap().map(|entry| entry.unwrap().path());
    pdfs.find(|path| path.extension().is_some_and(|e| e == "pdf")).expect("one deck was converted")
}

/// Renders a deck and holds the film against the deck's pages.
fn film_shows_the_pages(name: &str) {
    let home = tempfile::tempdir().unwrap();
    let film = render(home.path(), &deck(name), &[]);
    let slides = lesson(home.path(), &deck(name))["slides"].as_array().unwrap().clone();
    let said = probe(&film, &["-show_chapters", "-show_streams"]);
    let chapters = said["chapters"].as_array().unwrap();
    assert_eq!(chapters.len(), slides.len());
    let time = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let end = time(&said["streams"][0]["duration"]);
    assert!((time(&chapters[chapters.len() - 1]["end_time"]) - end).abs() < 1.0 / 30.0, "the chapters fill the film to one frame");
    let source = deck(name);
    let pdf = if source.extension().is_some_and(|e| e == "pdf") { source } else { converted(home.path()) };
    for (index, (chapter, slide)) in chapters.iter().zip(&slides).enumerate() {
        let middle = (time(&chapter["start_time"]) + time(&chapter["end_time"])) / 2.0;
        let shown = picture::frame_at(&film, middle, 1280, 720);
        // Hidden slides are pages of the PDF, too: page n is slide n.
        let page = slide["number"].as_u64().expect("a number") as usize;
        let drawn = picture::page(&pdf, page, 1280, 720, home.path());
        // Where the slide is and the presenter is not. Blocks on the slide's edge are half bar, whose colour is ours to choose.
        let (columns, rows) = &drawn.area;
        let inside =
            |x: usize, y: usize| columns.contains(&x) && rows.contains(&y) && columns.contains(&(x + 7)) && rows.contains(&(y + 7));
        let alike = picture::ssim(&shown, &drawn.grey, |x, y| inside(x, y) && (x < 900 || y < 400));
        assert!(alike >= 0.95, "{name}, slide {}: SSIM {alike:.3}", index + 1);
    }
}

#[test]
fn a_deck_with_notes_shows_its_pages() {
    film_shows_the_pages("sld-notes.pptx");
}

#[test]
fn a_deck_with_pictures_a_table_and_a_chart_shows_its_pages() {
    film_shows_the_pages("shp-common-props.pptx");
}

#[test]
fn a_deck_of_another_maker_shows_its_pages() {
    film_shows_the_pages("hello.pptx");
}

#[test]
fn an_odp_with_a_hidden_slide_shows_the_others() {
    film_shows_the_pages("hidden.odp");
}

#[test]
fn small_print_on_a_page_of_paper_is_shown_as_it_is() {
    film_shows_the_pages("small-print.pdf");
}

#[test]
fn the_notes_of_foreign_decks_are_understood() {
    let heard = |name: &str, expected: [&str; 2]| {
        let home = tempfile::tempdir().unwrap();
        let foreign = deck(name);
        let slides = lesson(home.path(), &foreign)["slides"].clone();
        let notes: Vec<&str> = slides.as_array().unwrap().iter().filter_map(|slide| slide["narration"]["text"].as_str()).collect();
        assert_eq!(notes, expected);
        word_error(home.path(), &notes.join("\n"), &render(home.path(), &foreign, &[]))
    };
    assert!(heard("hello.pptx", ["Hello. This is a pptx-tools library.", "This is a conclusion slide."]) <= 0.10);
    // Twelve words: the recogniser takes the unstressed "and" of both sentences for "in", which is 17 %.
    assert!(heard("ph-inherit-props.pptx", ["Notes in inherited position and size.", "Notes in modified position and size."]) <= 0.17);
}

#[test]
fn a_longer_text_over_a_foreign_page_is_understood() {
    let home = tempfile::tempdir().unwrap();
    let text = "Good morning, and welcome to the course. Today we look at how rivers shape the land around them. \
        Water carries sand and stones from the mountains to the sea, and leaves them where it slows down.";
    let page = home.path().join("rivers.pdf");
    std::fs::copy(deck("small-print.pdf"), &page).unwrap();
    std::fs::write(page.with_extension("md"), format!("# Rivers\n\n{text}\n")).unwrap();
    let film = render(home.path(), &page, &["--slides", "1"]);
    assert!(word_error(home.path(), text, &film) <= 0.10);
}

#[test]
fn slides_and_words_are_made_of_a_text_and_understood() {
    let home = tempfile::tempdir().unwrap();
    let notes = home.path().join("rivers.md");
    let text = "Today we look at how rivers shape the land around them. Water carries sand and stones from the mountains to the sea, and leaves them where it slows down.";
    std::fs::write(&notes, format!("# Rivers\n\n{text}\n")).unwrap();
    let film = render(home.path(), &notes, &["--instructions", "one slide", "--theme", "warm"]);
    assert!(word_error(home.path(), text, &film) <= 0.10);
    let chapters = probe(&film, &["-show_chapters"]);
    assert_eq!(chapters["chapters"][0]["tags"]["title"], "Rivers");
    // Letters on a light ground, on the left; cream at the foot.
    let shown = picture::frame_at(&film, 2.0, 1280, 720);
    let dark = (0..720 * 900).filter(|index| shown.levels[(index / 900) * 1280 + index % 900] < 110).count();
    assert!((3_000..120_000).contains(&dark), "{dark} dark pixels");
}
