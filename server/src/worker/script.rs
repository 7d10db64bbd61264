//! A text that comes without slides, as a lesson: a plain slide a paragraph.

mod points;

use super::Layout;
use serde_json::{Value, json};

/// The colour of the slides.
const GROUND: &str = "#1d3557";
/// A paragraph that is longer than this is cut at ends of sentences, in characters; a slide takes 20,000.
const LONGEST: usize = 8_000;
/// So many slides has a lesson at most.
const MOST: usize = 500;

/// The text of a lesson file: JSON, which is YAML, too.
///
/// # Errors
/// There is nothing to say, or too much.
pub fn lesson((title, language): (&str, Option<&str>), layout: Layout, text: &str) -> Result<String, String> {
    let sentences = if layout == Layout::Points { points::MOST } else { usize::MAX };
    let paragraphs: Vec<String> = text.replace("\r\n", "\n").split("\n\n").flat_map(|paragraph| pieces(paragraph, sentences)).collect();
    if paragraphs.is_empty() {
        return Err("the script is empty; write what is to be said".into());
    }
    if paragraphs.len() > MOST {
        return Err(format!("the script has {} paragraphs; a lesson has {MOST} slides at most", paragraphs.len()));
    }
    let mut said = 0;
    let slide = |text: &String| match layout {
        Layout::Title => json!({ "title": title, "color": GROUND, "overlays": [{ "role": "text", "text": title }], "narration": text }),
        Layout::Presenter => json!({ "title": title, "color": GROUND, "presenter": { "fill": true }, "narration": text }),
        Layout::Points => {
            let (canvas, count) = points::canvas(text, said + 1);
            said += count;
            json!({ "title": title, "canvas": canvas, "presenter": points::presenter(), "narration": text })
        }
    };
    let slides: Vec<Value> = paragraphs.iter().map(slide).collect();
    Ok(json!({ "version": 1, "id": "script", "title": title, "language": language.unwrap_or("en"), "slides": slides }).to_string())
}

/// A paragraph in pieces that a slide can hold, each of so many sentences at most.
fn pieces(paragraph: &str, most: usize) -> Vec<String> {
    let mut pieces: Vec<(usize, String)> = Vec::new();
    for sentence in sentences(paragraph.trim()) {
        match pieces.last_mut() {
            Some((count, piece)) if *count < most && piece.chars().count() + sentence.chars().count() <= LONGEST => {
                piece.push_str(sentence);
                *count += 1;
            }
            _ => pieces.push((1, sentence.to_string())),
        }
    }
    pieces.into_iter().map(|(_, piece)| piece.trim().to_string()).filter(|piece| !piece.is_empty()).collect()
}

/// The sentences of a text, each with the space behind it. A point within a word, such as in `[pause 0.5s]`, ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let ends = |&(at, c): &(usize, char)| c == '\n' || ".!?".contains(c) && rest[at + 1..].starts_with(char::is_whitespace);
        let end = rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at + 1);
        let space = rest[end..].len() - rest[end..].trim_start().len();
        let (sentence, after) = rest.split_at(end + space);
        rest = after;
        (!sentence.is_empty()).then_some(sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugins::lesson::canvas::{Content, Object};
    use plugins::lesson::{ImportOptions, Lesson, Narration, Slide, Visual, import};

    fn read(layout: Layout, text: &str) -> Lesson {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.yaml");
        std::fs::write(&path, lesson(("Notes: \"all\" of ${env:HOME}", Some("de")), layout, text).unwrap()).unwrap();
        import(&path, &ImportOptions::default()).unwrap()
    }

    #[test]
    fn every_paragraph_is_a_slide() {
        for layout in [Layout::Title, Layout::Presenter, Layout::Points] {
            let read = read(layout, "One. Two.\r\n\r\n  Three #3: {x}\n\n\n\n");
            assert_eq!((read.title.as_str(), read.language.as_str(), read.slides.len()), ("Notes: \"all\" of ${env:HOME}", "de", 2));
            assert_eq!(read.slides[1].narration, Narration::Text("Three #3: {x}".into()));
            assert_eq!(read.slides[0].presenter.fill, layout == Layout::Presenter);
        }
        let written = |text: &str| lesson(("a", None), Layout::Title, text);
        assert!(written(" \n\n ").is_err() && written(&"a\n\n".repeat(501)).is_err());
        assert_eq!(pieces(&"Word after word. ".repeat(1000), usize::MAX).len(), 3);
    }

    #[test]
    fn points_come_when_they_are_said_and_are_counted_over_all_slides() {
        let text = "First, write the goal down. Second, ask one person to read it, who has not seen it before. Third, change it! \
            [pause 0.5s] Four. Five. Six.";
        let read = read(Layout::Points, text);
        let points = |slide: &Slide| {
            let Visual::Canvas(canvas) = &slide.visual else { panic!("it is drawn") };
            let said = |object: &Object| match &object.content {
                Content::Text(text) => {
                    Some((text.paragraphs[0].marker.clone()?, text.paragraphs[0].runs[0].text.clone(), object.enter.clone()?))
                }
                _ => None,
            };
            canvas.objects.iter().filter_map(said).collect::<Vec<_>>()
        };
        let (first, last) = (points(&read.slides[0]), points(&read.slides[1]));
        let shown: Vec<_> = first.iter().chain(&last).map(|(marker, text, _)| (marker.as_str(), text.as_str())).collect();
        let due = [
            ("1.", "First, write the goal down"),
            ("2.", "Second, ask one person to read it, who has …"),
            ("3.", "Third, change it"),
            ("4.", "Four"),
            ("5.", "Five"),
            ("6.", "Six"),
        ];
        assert_eq!(shown, due);
        for (index, word) in ["First", "Second", "Third", "Four"].into_iter().enumerate() {
            assert_eq!(first[index].2.trigger.place(&read.slides[0].narration.spoken()), text.find(word), "{word}");
        }
        assert_eq!(read.slides[1].narration, Narration::Text("Six.".into()));
    }
}
