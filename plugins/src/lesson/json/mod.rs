//! Lessons in the JSON of the "Rapido" system: one slide (`{"slide_data": {...}}`) or many (`{"slides": [{"slideInfo": {...}}]}`).
//!
//! They are written by a drawing program in browsers (Fabric.js), so names of fields vary and many are missing: what is there is taken,
//! what is not understood is left out with a warning. Files are read from the lesson's folder only, and nothing is fetched.

mod animation;
mod fields;
mod files;
mod narration;
mod objects;
mod placement;
mod style;

use super::canvas::{Canvas, Color, Content, Paint};
use super::confine::confined;
use super::error::LessonError;
use super::frames::{self, RATE};
use super::limits::{check_count, read_text};
use super::model::{Frames, Lesson, SILENT_EMBED, SILENT_SLIDE, Slide, Visual, Warning};
use super::{ImportOptions, short_title, slug};
use crate::part_file::folder_of;
use engine::time::Span;
use fields::Fields;
use narration::Spoken;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The size of a canvas that says none.
const SIZE: (f64, f64) = (1280.0, 720.0);

/// Whether this is such a lesson, and not a `lesson.yaml` that is written as JSON.
pub(super) fn is_lesson(text: &str) -> bool {
    let Ok(Value::Object(file)) = serde_json::from_str(text) else { return false };
    let is_slide = |value: &Value| value.get("slideInfo").is_some() || value.get("slide_data").is_some();
    file.contains_key("slide_data")
        || file.get("slides").and_then(Value::as_array).is_some_and(|slides| slides.iter().any(is_slide))
        || (file.contains_key("narrationData") && file.contains_key("objects"))
}

/// Imports a lesson.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let text = read_text(path)?;
    let file: Value = serde_json::from_str(&text).map_err(|error| LessonError::invalid(path, format!("it is no JSON: {error}")))?;
    let top = Fields::of(&file).ok_or_else(|| LessonError::invalid(path, "it holds no lesson"))?;
    let mut reader = Reader::new(path, options)?;
    let entries = match top.get(&["slides"]) {
        Some(slides) => {
            let list = slides.as_array().map(Vec::as_slice).unwrap_or_default();
            check_count(path, list.len())?;
            let mut entries: Vec<Entry> = list.iter().filter_map(Entry::of_many).collect();
            // Where positions are missing or equal the order of the file stands.
            entries.sort_by(|a, b| a.position.total_cmp(&b.position));
            entries
        }
        None => top.get(&["slide_data"]).or(Some(&file)).and_then(Entry::of_one).into_iter().collect(),
    };
    let mut size = None;
    let mut slides = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        reader.slide = index + 1;
        slides.push(reader.slide(entry, entries.len() == 1, &mut size)?);
    }
    give_ids(&mut slides);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let id = top.name(&["lesson_id", "lessonId", "id"]).map_or_else(|| slug(&stem), |id| slug(&id));
    let language = top.text(&["language", "lang"]).map(String::from);
    let title = top.text(&["title", "name"]).map_or_else(|| id.clone(), short_title);
    if top.get(&["slides", "slide_data"]).is_some() {
        top.note_rest(&mut reader.unknown);
    }
    let (width, height) = size.unwrap_or(SIZE);
    Ok(Lesson {
        id,
        title,
        language: options.language.clone().or(language).unwrap_or_else(|| "en".into()),
        size: (width.round().max(1.0) as u32, height.round().max(1.0) as u32),
        voices: Default::default(),
        pronounce: Default::default(),
        slides,
        warnings: reader.warnings(),
    })
}

/// Ids are made different where they are the same.
fn give_ids(slides: &mut [Slide]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for slide in slides {
        let times = seen.entry(slide.id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            slide.id = format!("{}-{}", slide.id, slide.number);
        }
    }
}

/// A slide of either form: the objects that may hold its fields, the first one to be asked first.
struct Entry<'a> {
    position: f64,
    places: Vec<Fields<'a>>,
}

impl<'a> Entry<'a> {
    fn of_one(value: &'a Value) -> Option<Entry<'a>> {
        Some(Entry { position: 0.0, places: vec![Fields::of(value)?] })
    }

    fn of_many(value: &'a Value) -> Option<Entry<'a>> {
        let outer = Fields::of(value)?;
        let info = outer.fields(&["slideInfo", "slide_info"]);
        let canvas = outer.fields(&["slide_data", "slideData", "canvas", "canvasData"]);
        let within = info.as_ref().and_then(|info| info.fields(&["slide_data", "slideData", "canvas", "canvasData"]));
        let places: Vec<Fields> = [info, within, canvas, Some(outer)].into_iter().flatten().collect();
        let position = places.iter().find_map(|place| place.number(&["position", "order"])).unwrap_or(0.0);
        Some(Entry { position, places })
    }

    fn find<T>(&self, read: impl Fn(&Fields<'a>) -> Option<T>) -> Option<T> {
        self.places.iter().find_map(read)
    }
}

/// What reading one file needs and gathers.
pub(super) struct Reader<'a> {
    /// Resolved: no symbolic link leads out of it.
    folder: PathBuf,
    options: &'a ImportOptions,
    /// Number of the slide that is being read.
    slide: usize,
    unknown: BTreeSet<String>,
    found: Vec<Warning>,
}

/// Numbered pictures, with width and height of each.
type Drawn = (Frames, (u32, u32));

impl<'a> Reader<'a> {
    fn new(path: &Path, options: &'a ImportOptions) -> Result<Reader<'a>, LessonError> {
        let folder = folder_of(path);
        let folder = folder.canonicalize().map_err(LessonError::read(folder))?;
        Ok(Reader { folder, options, slide: 0, unknown: BTreeSet::new(), found: Vec::new() })
    }

    /// Says once what is not shown as its author expects.
    fn warn(&mut self, text: impl Into<String>) {
        let warning = Warning { slide: Some(self.slide), text: text.into() };
        if !self.found.contains(&warning) {
            self.found.push(warning);
        }
    }

    fn warnings(mut self) -> Vec<Warning> {
        if !self.unknown.is_empty() {
            let names: Vec<String> = self.unknown.into_iter().take(20).collect();
            self.found.push(Warning { slide: None, text: format!("fields that mean nothing here are passed over: {}", names.join(", ")) });
        }
        self.found
    }

    /// `alone`: the lesson has no other slide.
    fn slide(&mut self, entry: &Entry, alone: bool, size: &mut Option<(f64, f64)>) -> Result<Slide, LessonError> {
        let number = self.slide;
        let sides = entry.find(|place| {
            let inner = place.fields(&["size", "dimensions", "canvasSize"]);
            let side = |long: &'static str, short: &'static str| {
                place.number(&[long, short]).or_else(|| inner.as_ref().and_then(|inner| inner.number(&[short])))
            };
            Some((side("canvasWidth", "width")?, side("canvasHeight", "height")?))
        });
        let sides = sides.filter(|(width, height)| *width > 0.0 && *height > 0.0);
        // All slides of a lesson are drawn on the same ground unless one says otherwise.
        let sides = *sides.as_ref().unwrap_or(size.get_or_insert(sides.unwrap_or(SIZE)));
        let is_embed = entry.find(|place| place.number(&["slideType"])) == Some(2.0)
            || entry.find(|place| place.text(&["contentType"])) == Some("embed");
        let silent = if is_embed { SILENT_EMBED } else { SILENT_SLIDE };
        let spoken = self.narration(entry, silent)?;
        let id = entry.find(|place| place.name(&["slideId", "id", "_id"]));
        let presenter = entry.find(|place| place.fields(&["presenterConfig"]));
        let presenter = presenter.map(|presenter| self.presenter(&presenter, sides)).unwrap_or_default();
        // Fields of a canvas, whether one is shown or not.
        for place in &entry.places {
            place.get(&["objects", "elements", "backgroundColor", "background", "backgroundImage"]);
        }
        let frames = if is_embed { None } else { self.frames(id.as_deref(), entry.position, alone)? };
        let (visual, title) = match frames {
            Some((frames, (across, down))) => {
                *size = Some((f64::from(across), f64::from(down)));
                (Visual::Frames(frames), None)
            }
            None if is_embed => (self.embed(entry), None),
            None => {
                let canvas = self.canvas(entry, sides, &spoken)?;
                let title = first_line(&canvas);
                (Visual::Canvas(canvas.into()), title)
            }
        };
        let asked = entry.find(|place| place.text(&["title", "name"]));
        let title = asked.map(short_title).or(title).unwrap_or_else(|| format!("Slide {number}"));
        for place in &entry.places {
            place.note_rest(&mut self.unknown);
        }
        Ok(Slide {
            id: id.unwrap_or_else(|| format!("slide-{number}")),
            number,
            title,
            visual,
            narration: spoken.narration,
            voice: None,
            presenter,
            overlays: Vec::new(),
            transition: None,
            duration: spoken.duration,
        })
    }

    /// The slide drawn by somebody else, picture by picture: numbered PNGs in the folder `frames` beside the lesson, or in a folder in it that
    /// is named like the slide or its position; the same of the folder that the options name.
    fn frames(&mut self, id: Option<&str>, position: f64, alone: bool) -> Result<Option<Drawn>, LessonError> {
        let place = position.to_string();
        let names = |before: &str, all: &str| {
            let apart = id.into_iter().chain([place.as_str()]).map(|name| format!("{before}{name}"));
            apart.chain(alone.then(|| all.to_string())).collect::<Vec<_>>()
        };
        // What lies beside a lesson is meant for it, whatever lies elsewhere.
        let beside = names("frames/", "frames").into_iter().map(|name| (self.folder.clone(), name));
        let elsewhere = self.options.frames.as_ref().and_then(|folder| folder.canonicalize().ok());
        let elsewhere = elsewhere.into_iter().flat_map(|folder| names("", ".").into_iter().map(move |name| (folder.clone(), name)));
        let places: Vec<_> = beside.chain(elsewhere).collect();
        let is_picture = |path: PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        for (ground, name) in places {
            let Some(folder) = confined(&ground, &name).ok().filter(|folder| folder.is_dir()) else { continue };
            let mut files = std::fs::read_dir(&folder).map_err(LessonError::read(&folder))?.flatten();
            if files.any(|file| is_picture(file.path())) {
                return frames::film(&folder, RATE).map(Some);
            }
        }
        Ok(None)
    }

    /// A live page. One that has a name only is known to the pages of the other system by it.
    fn embed(&mut self, entry: &Entry) -> Visual {
        let id = entry.find(|place| place.name(&["embedUrl", "url", "embedId", "src"])).unwrap_or_default();
        let is_address = (id.starts_with("https://") || id.starts_with("http://")) && !id.contains(char::is_whitespace);
        let url = if is_address {
            id
        } else {
            self.warn(format!("the live page {id:?} has no address: players that know it by its name show it, others show nothing"));
            // A host that is never there (RFC 2606).
            format!("https://embed.invalid/{}", slug(&id))
        };
        Visual::Embed { url, poster: None, capture: None }
    }

    fn canvas(&mut self, entry: &Entry, (width, height): (f64, f64), spoken: &Spoken) -> Result<Canvas, LessonError> {
        let ground = entry.find(|place| place.get(&["backgroundColor", "background"]));
        let ground = ground.and_then(|ground| self.paint(ground, "backgroundColor")).unwrap_or(Paint::Color(Color::WHITE));
        let mut canvas = Canvas::new(width, height, ground);
        let picture = entry.find(|place| {
            place
                .text(&["backgroundImage"])
                .map(String::from)
                .or_else(|| place.fields(&["backgroundImage"]).and_then(|image| image.text(&["src", "url"]).map(String::from)))
        });
        canvas.picture = match picture {
            Some(source) => self.picture(&source, "the background")?,
            None => None,
        };
        let list = entry.find(|place| place.get(&["objects", "elements"])).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        self.objects(&mut canvas, list, spoken)?;
        Ok(canvas)
    }
}

/// The first line of the first text of a canvas.
fn first_line(canvas: &Canvas) -> Option<String> {
    let lines = canvas.objects.iter().filter_map(|object| match &object.content {
        Content::Text(text) => text.paragraphs.first(),
        Content::Image(_) | Content::Shape(_) => None,
    });
    lines.map(|line| short_title(&line.runs.iter().map(|run| run.text.as_str()).collect::<String>())).find(|line| !line.is_empty())
}

/// A length of time in milliseconds, if it is one.
fn millis(value: f64) -> Option<Span> {
    (value.is_finite() && (0.0..=1e9).contains(&value)).then(|| Span::from_seconds_f64(value / 1000.0))
}
