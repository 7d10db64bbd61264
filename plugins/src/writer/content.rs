//! What a writer is given: a text in passages, free of any file format.

use super::sentences::sentences;

/// A text to be lectured on.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Of the whole; one line.
    pub title: String,
    /// As a BCP 47 tag.
    pub language: String,
    /// In order.
    pub passages: Vec<Passage>,
}

/// As much as goes on one slide, under one heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passage {
    /// The heading it stands under; may be empty.
    pub heading: String,
    /// The chapter that the heading belongs to, if it is not itself one.
    pub chapter: String,
    /// What stands there, in order.
    pub parts: Vec<Part>,
}

/// A piece of a passage.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A paragraph.
    Prose(String),
    /// A list, item by item.
    List(Vec<String>),
    /// The words of somebody else.
    Quote(String),
    /// Rows of cells; the first row names the columns.
    Table(Vec<Vec<String>>),
    /// A picture's description, which is for whom it is not shown to: no words of the lecture. May be empty.
    Picture(String),
    /// What is shown and never spoken: source code, formulas. Lines as they stand.
    Code(String),
}

impl Passage {
    /// All that can be said of it, in whole sentences, with the mark whether the sentence starts a part.
    pub fn said(&self) -> Vec<(bool, String)> {
        let mut said = Vec::new();
        for part in &self.parts {
            let whole: Vec<String> = match part {
                Part::Prose(text) => sentences(text),
                Part::Quote(text) => sentences(text),
                Part::List(items) => items.iter().map(|item| ended(item)).collect(),
                Part::Table(rows) => rows_said(rows),
                Part::Picture(_) | Part::Code(_) => Vec::new(),
            };
            said.extend(whole.into_iter().enumerate().map(|(index, sentence)| (index == 0, sentence)));
        }
        said
    }

    /// All its text, for measuring and for models.
    pub fn text(&self) -> String {
        let lines = self.parts.iter().map(|part| match part {
            Part::Prose(text) | Part::Quote(text) | Part::Picture(text) | Part::Code(text) => text.clone(),
            Part::List(items) => items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n"),
            Part::Table(rows) => rows.iter().map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The text as a sentence: with a full stop, unless it ends in one already.
pub(super) fn ended(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', ';', ':', '、', '；', '：']);
    match text.chars().next_back() {
        None => String::new(),
        Some(last) if ".!?…。！？।؟".contains(last) => text.to_string(),
        Some(last) if !last.is_alphanumeric() && text.chars().rev().nth(1).is_some_and(|c| ".!?…。！？।؟".contains(c)) => {
            text.to_string()
        }
        Some(last) if super::sentences::is_wide(last) => format!("{text}。"),
        Some(_) => format!("{text}."),
    }
}

/// A table as it is read out: the name of each row, then each column with its value.
fn rows_said(rows: &[Vec<String>]) -> Vec<String> {
    let Some((head, body)) = rows.split_first() else { return Vec::new() };
    if body.is_empty() {
        return head.iter().filter(|cell| !cell.is_empty()).map(|cell| ended(cell)).collect();
    }
    let row = |row: &Vec<String>| {
        let (name, cells) = row.split_first()?;
        let cells = cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(index, cell)| match head.get(index + 1).filter(|name| !name.is_empty()) {
            // With one column of values its name says nothing new on every row.
            Some(column) if head.len() > 2 => format!("{column} {cell}"),
            _ => cell.clone(),
        });
        let cells = cells.collect::<Vec<_>>().join(", ");
        let said = match (name.is_empty(), cells.is_empty()) {
            (true, true) => return None,
            (true, false) => cells,
            (false, true) => name.clone(),
            (false, false) => format!("{name}: {cells}"),
        };
        Some(ended(&said))
    };
    body.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_said_is_said_in_sentences() {
        let row = |cells: &[&str]| cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>();
        let passage = Passage {
            parts: vec![
                Part::Prose("One thing. Another thing:".into()),
                Part::List(vec!["fast".into(), "is it safe?".into(), "速い".into()]),
                Part::Table(vec![row(&["City", "2020", "2021"]), row(&["Rome", "3", ""]), row(&["", "", ""])]),
                Part::Table(vec![row(&["City", "People"]), row(&["Bern", "140,000"])]),
                Part::Picture("A view".into()),
                Part::Code("x = 1".into()),
            ],
            ..Passage::default()
        };
        let said: Vec<String> = passage.said().into_iter().map(|(_, sentence)| sentence).collect();
        assert_eq!(said, ["One thing.", "Another thing:", "fast.", "is it safe?", "速い。", "Rome: 2020 3.", "Bern: 140,000."]);
        let picture = Passage { parts: vec![Part::Picture("A view".into())], ..Passage::default() };
        assert!(picture.said().is_empty());
    }
}
