//! A text that comes without slides, as a lesson: a plain slide a paragraph.

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
pub fn lesson(title: &str, language: Option<&str>, text: &str) -> Result<String, String> {
    let paragraphs: Vec<String> = text.replace("\r\n", "\n").split("\n\n").flat_map(pieces).collect();
    if paragraphs.is_empty() {
        return Err("the script is empty; write what is to be said".into());
    }
    if paragraphs.len() > MOST {
        return Err(format!("the script has {} paragraphs; a lesson has {MOST} slides at most", paragraphs.len()));
    }
    let slide =
        |said: &String| json!({ "title": title, "color": GROUND, "overlays": [{ "role": "text", "text": title }], "narration": said });
    let slides: Vec<Value> = paragraphs.iter().map(slide).collect();
    Ok(json!({ "version": 1, "id": "script", "title": title, "language": language.unwrap_or("en"), "slides": slides }).to_string())
}

/// A paragraph in pieces that a slide can hold.
fn pieces(paragraph: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for sentence in paragraph.trim().split_inclusive(['.', '!', '?', '\n']) {
        match pieces.last_mut() {
            Some(piece) if piece.chars().count() + sentence.chars().count() <= LONGEST => piece.push_str(sentence),
            _ => pieces.push(sentence.to_string()),
        }
    }
    pieces.into_iter().map(|piece| piece.trim().to_string()).filter(|piece| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugins::lesson::{ImportOptions, Narration, import};

    #[test]
    fn every_paragraph_is_a_slide() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.yaml");
        std::fs::write(&path, lesson("Notes: \"all\" of ${env:HOME}", Some("de"), "One. Two.\r\n\r\n  Three #3: {x}\n\n\n\n").unwrap())
            .unwrap();
        let read = import(&path, &ImportOptions::default()).unwrap();
        assert_eq!((read.title.as_str(), read.language.as_str(), read.slides.len()), ("Notes: \"all\" of ${env:HOME}", "de", 2));
        assert_eq!(read.slides[1].narration, Narration::Text("Three #3: {x}".into()));
        assert!(lesson("a", None, " \n\n ").is_err() && lesson("a", None, &"a\n\n".repeat(501)).is_err());
        assert_eq!(pieces(&"Word after word. ".repeat(1000)).len(), 3);
    }
}
