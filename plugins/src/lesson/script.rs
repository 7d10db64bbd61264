//! Scripts: narration in a Markdown file, one heading a slide.
//!
//! Any heading (`#` to `######`) starts a section, its level does not matter; text before the first heading is a remark to the
//! author and is not spoken. Headings inside fenced code and HTML comments are none.

use super::error::LessonError;
use super::limits::read_text;
use super::model::Warning;
use super::short_title;
use std::path::Path;

/// What is said at one slide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// The heading.
    pub title: String,
    /// Paragraphs, one a line; empty when nothing is said.
    pub text: String,
}

/// A script, in order.
pub(super) struct Script {
    pub sections: Vec<Section>,
}

impl Script {
    /// Reads a script file.
    pub fn read(path: &Path) -> Result<Script, LessonError> {
        let script = Script::parse(&read_text(path)?);
        if script.sections.is_empty() {
            return Err(LessonError::invalid(path, "it has no headings; start each slide's text with a line like \"# Title\""));
        }
        Ok(script)
    }

    fn parse(text: &str) -> Script {
        let mut sections: Vec<Section> = Vec::new();
        let mut fenced = false;
        let mut paragraph = String::new();
        for line in without_comments(text).lines() {
            let line = line.trim();
            fenced ^= line.starts_with("```") || line.starts_with("~~~");
            if let Some(title) = heading(line).filter(|_| !fenced) {
                end_paragraph(&mut sections, &mut paragraph);
                sections.push(Section { title: short_title(title), text: String::new() });
            } else if line.is_empty() {
                end_paragraph(&mut sections, &mut paragraph);
            } else {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(line);
            }
        }
        end_paragraph(&mut sections, &mut paragraph);
        Script { sections }
    }

    /// The section of each of `count` slides by order; `None` where the script has ended. `what` names a slide's source.
    ///
    /// # Errors
    /// When text would be lost because there are more sections than slides.
    pub fn in_order(self, path: &Path, count: usize, what: &str, warnings: &mut Vec<Warning>) -> Result<Vec<Option<Section>>, LessonError> {
        if let Some(extra) = self.sections.get(count) {
            let cause =
                format!("it has {} headings for {count} {what}s; {:?} is the first without a {what}", self.sections.len(), extra.title);
            return Err(LessonError::invalid(path, cause));
        }
        let mut sections: Vec<Option<Section>> = self.sections.into_iter().map(Some).collect();
        for number in sections.len() + 1..=count {
            warnings.push(Warning { slide: Some(number), text: format!("nothing is said: {} has no heading for it", path.display()) });
        }
        sections.resize(count, None);
        Ok(sections)
    }
}

fn end_paragraph(sections: &mut [Section], paragraph: &mut String) {
    if let Some(section) = sections.last_mut().filter(|_| !paragraph.is_empty()) {
        if !section.text.is_empty() {
            section.text.push('\n');
        }
        section.text.push_str(paragraph);
    }
    paragraph.clear();
}

/// The text of an ATX heading (CommonMark 4.2), closing marks removed.
pub(super) fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t']))).then(|| rest.trim().trim_end_matches('#').trim_end())
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(title: &str, text: &str) -> Section {
        Section { title: title.into(), text: text.into() }
    }

    #[test]
    fn headings_start_sections_and_lines_join_into_paragraphs() {
        let text = "To the author.\n\n# One #\nHello\nworld. [pause 0.5s]\n\nAgain.\n## Two\n```\n# no heading\n```\n<!-- # hidden\n# too -->\n#hashtag\n# Three";
        let script = Script::parse(text);
        let expected =
            [section("One", "Hello world. [pause 0.5s]\nAgain."), section("Two", "``` # no heading ```\n#hashtag"), section("Three", "")];
        assert_eq!(script.sections, expected);
    }

    #[test]
    fn too_few_sections_warn_and_too_many_fail() {
        let path = Path::new("a.md");
        let mut warnings = Vec::new();
        let sections = Script::parse("# A\nx").in_order(path, 2, "page", &mut warnings).unwrap();
        assert_eq!(sections, [Some(section("A", "x")), None]);
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].slide, Some(2));
        let error = Script::parse("# A\n# B").in_order(path, 1, "page", &mut warnings).unwrap_err().to_string();
        assert!(error.contains("2 headings for 1 pages; \"B\""), "{error}");
    }
}
