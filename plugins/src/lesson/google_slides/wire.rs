//! What the API says of a presentation, as far as a lesson needs it, and the lesson that it makes.
//!
//! Shapes of `GET /v1/presentations/{id}` (Google Slides API v1, <https://developers.google.com/workspace/slides/api/reference/rest/v1/presentations>).
//! The same is kept beside the pictures, as `presentation.json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked for: all that this module reads, and nothing that changes from one answer to the next.
pub const FIELDS: &str = "revisionId,title,locale,pageSize,slides(objectId,slideProperties(isSkipped,\
    notesPage(notesProperties(speakerNotesObjectId),pageElements(objectId,shape(text(textElements(textRun(content),autoText(content))))))),\
    pageElements(objectId,video(source),shape(placeholder(type),text(textElements(textRun(content),autoText(content))))))";

/// A presentation.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Presentation {
    /// Changes whenever the presentation does; only those who may edit it are told.
    pub revision_id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub title: String,
    /// BCP 47 tag.
    pub locale: Option<String>,
    page_size: Option<PageSize>,
    /// Skipped ones, too.
    #[serde(default)]
    pub slides: Vec<Page>,
}

#[derive(Debug, Deserialize, Serialize)]
struct PageSize {
    width: Dimension,
    height: Dimension,
}

/// In `EMU` or `PT`, both sides in the same unit.
#[derive(Debug, Deserialize, Serialize)]
struct Dimension {
    #[serde(default)]
    magnitude: f64,
}

/// A slide.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Stays with the slide when others are added or moved.
    pub object_id: String,
    #[serde(default)]
    slide_properties: SlideProperties,
    #[serde(default)]
    page_elements: Vec<Element>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct SlideProperties {
    is_skipped: bool,
    notes_page: NotesPage,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct NotesPage {
    notes_properties: NotesProperties,
    page_elements: Vec<Element>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct NotesProperties {
    /// The shape that holds the notes; it exists only once there are notes.
    speaker_notes_object_id: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Element {
    object_id: String,
    shape: Option<Shape>,
    video: Option<Value>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Shape {
    placeholder: Option<Placeholder>,
    text: Text,
}

#[derive(Debug, Deserialize, Serialize)]
struct Placeholder {
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Text {
    text_elements: Vec<TextElement>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct TextElement {
    text_run: Option<Run>,
    auto_text: Option<Run>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Run {
    #[serde(default)]
    content: String,
}

impl Presentation {
    /// Width and height of a page in the source's own unit; 16 by 9 where it says nothing that could be.
    pub fn size(&self) -> (u32, u32) {
        let sides = self.page_size.as_ref().map(|size| (size.width.magnitude.round() as u32, size.height.magnitude.round() as u32));
        sides.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((16, 9))
    }
}

impl Page {
    /// It is left out when the presentation is shown.
    pub fn is_skipped(&self) -> bool {
        self.slide_properties.is_skipped
    }

    /// The speaker notes, paragraphs separated by line ends; empty when there are none.
    pub fn notes(&self) -> String {
        let page = &self.slide_properties.notes_page;
        let Some(id) = &page.notes_properties.speaker_notes_object_id else { return String::new() };
        let shape = page.page_elements.iter().find(|element| element.object_id == *id).and_then(|element| element.shape.as_ref());
        shape.map(|shape| shape.text.plain()).unwrap_or_default()
    }

    /// What stands in the title's placeholder.
    pub fn title(&self) -> Option<String> {
        let is_title = |shape: &&Shape| {
            shape.placeholder.as_ref().is_some_and(|placeholder| matches!(placeholder.kind.as_str(), "TITLE" | "CENTERED_TITLE"))
        };
        let shape = self.page_elements.iter().filter_map(|element| element.shape.as_ref()).find(is_title)?;
        Some(super::super::short_title(&shape.text.plain())).filter(|title| !title.is_empty())
    }

    /// It has a video on it, of which the picture shows the first frame only.
    pub fn has_video(&self) -> bool {
        self.page_elements.iter().any(|element| element.video.is_some())
    }
}

impl Text {
    /// Runs end in a line end at the end of a paragraph; a vertical tab is a line break within one.
    fn plain(&self) -> String {
        let runs = self.text_elements.iter().filter_map(|element| element.text_run.as_ref().or(element.auto_text.as_ref()));
        let text = runs.map(|run| run.content.as_str()).collect::<String>().replace('\u{b}', "\n");
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(value: Value) -> Page {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn notes_are_those_of_the_shape_that_is_named() {
        let shape = |id: &str, runs: &[&str]| {
            let elements: Vec<Value> = runs.iter().map(|run| json!({ "textRun": { "content": run, "style": {} } })).collect();
            json!({ "objectId": id, "size": {}, "shape": { "shapeType": "TEXT_BOX", "text": { "textElements": elements } } })
        };
        let with = |notes: Value| page(json!({ "objectId": "p", "slideProperties": { "layoutObjectId": "l", "notesPage": notes } }));
        let slide = with(json!({
            "objectId": "n",
            "notesProperties": { "speakerNotesObjectId": "i3" },
            "pageElements": [shape("i2", &["The date\n"]), shape("i3", &["Good ", "morning.  \n", "Line\u{b}break.\n", "\n"])],
        }));
        assert_eq!(slide.notes(), "Good morning.\nLine\nbreak.");
        let named_only = json!({ "notesProperties": { "speakerNotesObjectId": "i3" }, "pageElements": [shape("i2", &["x\n"])] });
        assert_eq!(with(named_only).notes(), "", "the shape is made with the first note");
        assert_eq!(with(json!({ "pageElements": [shape("i3", &["x\n"])] })).notes(), "");
        assert_eq!(page(json!({ "objectId": "p" })).notes(), "");
    }

    #[test]
    fn titles_come_from_their_placeholder() {
        let with = |kind: &str| {
            let elements =
                json!([{ "textRun": { "content": "Cats\u{b}and " } }, { "autoText": { "type": "SLIDE_NUMBER", "content": "3" } }]);
            let placeholder = json!({ "type": kind, "index": 0 });
            let shape = json!({ "objectId": "t", "shape": { "placeholder": placeholder, "text": { "textElements": elements } } });
            page(json!({ "objectId": "p", "pageElements": [{ "objectId": "line", "line": {} }, shape] })).title()
        };
        assert_eq!([with("TITLE"), with("CENTERED_TITLE")], [Some("Cats and 3".into()), Some("Cats and 3".into())]);
        assert_eq!(with("BODY"), None);
    }

    #[test]
    fn sizes_are_in_the_source_s_unit() {
        let size = |value: Value| serde_json::from_value::<Presentation>(value).unwrap().size();
        let emu = |width: u32, height: u32| json!({ "width": { "magnitude": width, "unit": "EMU" }, "height": { "magnitude": height, "unit": "EMU" } });
        assert_eq!(size(json!({ "pageSize": emu(9_144_000, 5_143_500) })), (9_144_000, 5_143_500));
        assert_eq!(size(json!({ "pageSize": emu(0, 5) })), (16, 9));
        assert_eq!(size(json!({})), (16, 9));
    }
}
