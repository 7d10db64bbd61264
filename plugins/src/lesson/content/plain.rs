//! Plain text as a document: paragraphs, and the headings and lists that people write without any format.

use super::document::{Block, Document};
use super::markdown::one_line;
use crate::writer::columns;

/// The longest line that may be a heading, in columns.
const HEADING: usize = 70;

/// Reads plain text.
pub(super) fn read(text: &str) -> Document {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    // Text with few empty lines and long lines has one paragraph on each line.
    let long = lines.iter().filter(|line| columns(line) > 100).count();
    let unwrapped = long * 3 > lines.iter().filter(|line| !line.trim().is_empty()).count();
    let mut blocks: Vec<Block> = Vec::new();
    let mut paragraph = String::new();
    let mut items: Vec<String> = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index].trim();
        let next = lines.get(index + 1).map_or("", |line| line.trim());
        let alone = paragraph.is_empty() && items.is_empty();
        if line.is_empty() {
            end_paragraph(&mut blocks, &mut paragraph);
            // An empty line inside a list is followed by another item.
            if item(next).is_none() {
                end_list(&mut blocks, &mut items);
            }
        } else if !is_rule(line) && is_rule(next) && columns(line) <= HEADING {
            end_paragraph(&mut blocks, &mut paragraph);
            end_list(&mut blocks, &mut items);
            blocks.push(Block::Heading(if next.starts_with('=') { 1 } else { 2 }, one_line(line)));
            index += 1;
        } else if is_rule(line) {
            end_paragraph(&mut blocks, &mut paragraph);
            end_list(&mut blocks, &mut items);
        } else if let Some((level, text)) = numbered(line).filter(|_| alone && next.is_empty()) {
            blocks.push(Block::Heading(level, text));
        } else if let Some(text) = item(line) {
            end_paragraph(&mut blocks, &mut paragraph);
            items.push(text);
        } else if let Some(last) = items.last_mut() {
            // A line that goes on under its item.
            last.push(' ');
            last.push_str(&one_line(line));
        } else if alone && is_heading(line, next) {
            let level = if line.chars().any(char::is_lowercase) || !line.chars().any(char::is_uppercase) { 2 } else { 1 };
            blocks.push(Block::Heading(level, one_line(line.trim_end_matches(':'))));
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
            if unwrapped {
                end_paragraph(&mut blocks, &mut paragraph);
            }
        }
        index += 1;
    }
    end_paragraph(&mut blocks, &mut paragraph);
    end_list(&mut blocks, &mut items);
    // A line that nothing follows is no heading.
    if let Some(Block::Heading(_, text)) = blocks.last().cloned() {
        blocks.pop();
        blocks.push(Block::Prose(text));
    }
    Document { blocks, ..Document::default() }
}

fn end_paragraph(blocks: &mut Vec<Block>, paragraph: &mut String) {
    let text = one_line(&std::mem::take(paragraph));
    if !text.is_empty() {
        blocks.push(Block::Prose(text));
    }
}

fn end_list(blocks: &mut Vec<Block>, items: &mut Vec<String>) {
    if !items.is_empty() {
        blocks.push(Block::List(std::mem::take(items)));
    }
}

/// A line of dashes and their like.
fn is_rule(line: &str) -> bool {
    line.len() >= 3 && ["=", "-", "*", "_", "~", "#"].iter().any(|mark| line.chars().all(|c| mark.starts_with(c)))
}

/// A short line that ends no sentence and stands before an empty line, or is written in capitals.
fn is_heading(line: &str, next: &str) -> bool {
    let ends = line.ends_with(['.', '!', '?', ',', ';', '。', '！', '？', '،', '।', '…', '"', '”', ')']);
    let capitals = line.chars().filter(|c| c.is_uppercase()).count() > 3 && !line.chars().any(char::is_lowercase);
    columns(line) <= HEADING && !ends && (next.is_empty() || capitals)
}

/// `2.1 Method` and its like, with its level.
fn numbered(line: &str) -> Option<(u8, String)> {
    let (number, rest) = line.split_once(' ')?;
    let digits = number.trim_end_matches('.');
    let levels = digits.split('.').count();
    let number = digits.split('.').all(|part| !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit()));
    let rest = one_line(rest);
    let ends = rest.ends_with(['.', '!', '?', ',', ';', ':']);
    (number && levels <= 3 && !ends && !rest.is_empty() && columns(&rest) <= HEADING).then_some((levels as u8, rest))
}

/// The text of an item of a list.
fn item(line: &str) -> Option<String> {
    let marked = ["- ", "* ", "• ", "– ", "— ", "· ", "▪ ", "◦ ", "+ ", "・"].iter().find_map(|mark| line.strip_prefix(mark));
    let counted = || {
        let at = line.find([')', '.'])?;
        let (number, rest) = line.split_at(at);
        let short = number.trim_start_matches('(');
        let counts = !short.is_empty()
            && short.len() <= 2
            && (short.bytes().all(|byte| byte.is_ascii_digit())
                || (short.len() == 1 && short.bytes().all(|byte| byte.is_ascii_lowercase())));
        rest[1..].strip_prefix(' ').filter(|_| counts)
    };
    let text = one_line(marked.or_else(counted)?);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_mean_is_seen() {
        let text = "MY NOTES\n\nIntroduction\n\nThis paragraph is\nwrapped. It has two sentences.\n\nPoints:\n\n- one\n- two\n  goes on\n\n1) first\n2) second\n\n2.1 Method\n\nText.\n\nTitle\n=====\nMore.\n---\nEnd";
        let list = |items: &[&str]| Block::List(items.iter().map(|item| item.to_string()).collect());
        let expected = [
            Block::Heading(1, "MY NOTES".into()),
            Block::Heading(2, "Introduction".into()),
            Block::Prose("This paragraph is wrapped. It has two sentences.".into()),
            Block::Heading(2, "Points".into()),
            list(&["one", "two goes on", "first", "second"]),
            Block::Heading(2, "Method".into()),
            Block::Prose("Text.".into()),
            Block::Heading(1, "Title".into()),
            Block::Heading(2, "More.".into()),
            Block::Prose("End".into()),
        ];
        assert_eq!(read(text).blocks, expected);
    }

    #[test]
    fn a_paragraph_a_line_is_a_paragraph() {
        let line = "This is a rather long line of text that nobody has wrapped at eighty columns, as editors with soft wrapping write it.";
        assert_eq!(read(&format!("{line}\n{line}\n")).blocks, [Block::Prose(line.into()), Block::Prose(line.into())]);
        assert_eq!(read("Hello").blocks, [Block::Prose("Hello".into())]);
        assert_eq!(read(" \n\n").blocks, []);
    }
}
