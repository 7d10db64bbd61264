//! A folder of pictures and films with `script.md`: one of them a slide, in natural order of their names (`2.png` before `10.mp4`).
//!
//! Headings of the script belong to pictures by name when every heading is a picture's name (with or without its ending), else by
//! order.

use super::clip::{self, Part};
use super::error::LessonError;
use super::limits::{check_count, read_file};
use super::model::{Lesson, Narration, SILENT_SLIDE, Slide, Visual, Warning};
use super::raster::image_size;
use super::script::{Script, Section};
use super::{ImportOptions, slug};
use engine::cue::Placement;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// Imports a folder.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let pictures = pictures(path)?;
    check_count(path, pictures.len())?;
    if pictures.is_empty() {
        return Err(LessonError::Empty {
            path: path.into(),
            cause: "has no pictures (.png, .jpg, .webp), no films (.mp4, .mov, .mkv, .webm) and no lesson.yaml".into(),
        });
    }
    let script_path = path.join("script.md");
    let mut warnings = Vec::new();
    let mut sections = if script_path.is_file() {
        assign(Script::read(&script_path)?, &script_path, &pictures, &mut warnings)?
    } else {
        let text =
            "nothing is said: write script.md into the folder, with one heading (# Title) for each picture and what is said below it"
                .to_string();
        warnings.push(Warning { slide: None, text });
        vec![None; pictures.len()]
    };
    let mut slides = Vec::new();
    let mut size = None;
    for (index, picture) in pictures.into_iter().enumerate() {
        let stem = stem(&picture);
        let section = sections[index].take().unwrap_or_default();
        if has_extension(&picture, &clip::EXTENSIONS) {
            let film = clip::read(&picture, &Part::WHOLE)?;
            size.get_or_insert(film.size);
            let title = if section.title.is_empty() { stem } else { section.title };
            slides.push(clip::slide(file_name(&picture), index + 1, title, film, (!section.text.is_empty()).then_some(section.text)));
            continue;
        }
        let (_, hash) = read_file(&picture)?;
        size.get_or_insert(image_size(&picture)?);
        slides.push(Slide {
            id: file_name(&picture),
            number: index + 1,
            title: if section.title.is_empty() { stem } else { section.title },
            visual: Visual::Image { path: picture, hash },
            narration: if section.text.is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(section.text) },
            voice: None,
            presenter: Placement::default(),
            overlays: Vec::new(),
            transition: None,
            duration: None,
        });
    }
    // The current folder is named `.`; its real name is wanted.
    let name = std::fs::canonicalize(path)
        .ok()
        .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .unwrap_or_default();
    Ok(Lesson {
        id: slug(&name),
        title: if name.is_empty() { "Lesson".into() } else { name },
        language: options.language.clone().unwrap_or_else(|| "en".into()),
        size: size.unwrap_or((16, 9)),
        voices: Default::default(),
        pronounce: Default::default(),
        slides,
        warnings,
    })
}

/// The file's name ends in one of these, however it is written.
fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The pictures and films of a folder, hidden ones left out, in natural order.
fn pictures(path: &Path) -> Result<Vec<PathBuf>, LessonError> {
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(path).map_err(LessonError::read(path))? {
        let file = entry.map_err(LessonError::read(path))?.path();
        let is_shown = has_extension(&file, &EXTENSIONS) || has_extension(&file, &clip::EXTENSIONS);
        if is_shown && !file_name(&file).starts_with('.') && file.is_file() {
            pictures.push(file);
        }
    }
    pictures.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    Ok(pictures)
}

/// Gives each picture its section, by name or by order.
fn assign(script: Script, path: &Path, pictures: &[PathBuf], warnings: &mut Vec<Warning>) -> Result<Vec<Option<Section>>, LessonError> {
    let picture_of =
        |section: &Section| pictures.iter().position(|picture| section.title == file_name(picture) || section.title == stem(picture));
    let named: Option<Vec<usize>> = script.sections.iter().map(picture_of).collect();
    let Some(named) = named else { return script.in_order(path, pictures.len(), "picture", warnings) };
    let mut sections = vec![None; pictures.len()];
    for (index, section) in named.into_iter().zip(script.sections) {
        if sections[index].is_some() {
            return Err(LessonError::invalid(path, format!("it has two headings {:?}; join them", section.title)));
        }
        // A file name is no title that a viewer wants to read; the slide then takes the name without its ending.
        sections[index] = Some(Section { title: String::new(), ..section });
    }
    for (index, _) in sections.iter().enumerate().filter(|(_, section)| section.is_none()) {
        warnings.push(Warning {
            slide: Some(index + 1),
            text: format!("nothing is said: {} has no heading {:?}", path.display(), stem(&pictures[index])),
        });
    }
    Ok(sections)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Orders names as people do: runs of digits by their value, letters without regard to case; equal ones by their bytes.
fn natural(a: &str, b: &str) -> Ordering {
    fn pieces(name: &str) -> Vec<(bool, String)> {
        let mut pieces: Vec<(bool, String)> = Vec::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            let digit = c.is_ascii_digit();
            match pieces.last_mut() {
                Some((same, piece)) if *same == digit => piece.push(c),
                _ => pieces.push((digit, c.to_string())),
            }
        }
        pieces
    }
    let compare = |(x, y): (&(bool, String), &(bool, String))| {
        if x.0 && y.0 {
            let (x, y) = (x.1.trim_start_matches('0'), y.1.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            x.1.cmp(&y.1)
        }
    };
    let (x, y) = (pieces(a), pieces(b));
    let first = x.iter().zip(&y).map(compare).find(|order| order.is_ne());
    first.unwrap_or_else(|| x.len().cmp(&y.len())).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["b10.png", "a.png", "b9.png", "B2.png", "b010.png", "1.png", "99999999999999999999999.png"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["1.png", "99999999999999999999999.png", "a.png", "B2.png", "b9.png", "b010.png", "b10.png"]);
    }
}
