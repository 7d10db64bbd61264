//! From sentences to the short lines on a slide.

use super::super::brief::Wishes;
use super::super::content::{Content, Part, Passage};
use super::super::sentences::{clip, columns};
use super::super::{KeyPoints, MAX_POINTS, POINT_COLUMNS};
use super::score::{Scored, best};

/// Lines on a slide unless asked otherwise.
const USUAL_POINTS: usize = 5;
/// A line of this width fits a slide in one or two rows; longer statements are cut at a clause.
const GOOD_COLUMNS: usize = 84;
/// What is left of a statement must say something.
const LEAST_COLUMNS: usize = 24;
/// Where the main statement of a sentence ends.
const CLAUSES: [&str; 14] =
    ["; ", " – ", " — ", " - ", ": ", ", which ", ", so that ", ", because ", ", while ", ", and ", ", but ", "；", "，", "、"];

/// The key points of each passage.
pub(super) fn key_points(content: &Content, scored: &[Vec<Scored>], wishes: &Wishes) -> Vec<KeyPoints> {
    let most = wishes.points.unwrap_or(USUAL_POINTS).clamp(1, MAX_POINTS);
    let mut found: Vec<KeyPoints> =
        content.passages.iter().zip(scored).map(|(passage, sentences)| of_passage(passage, sentences, most, wishes)).collect();
    let heaviest = found.iter().map(|points| points.weight).fold(f64::MIN_POSITIVE, f64::max);
    found.iter_mut().for_each(|points| points.weight = (points.weight / heaviest).clamp(0.0, 1.0));
    found
}

fn of_passage(passage: &Passage, sentences: &[Scored], most: usize, wishes: &Wishes) -> KeyPoints {
    let items: Vec<&String> = passage
        .parts
        .iter()
        .filter_map(|part| if let Part::List(items) = part { Some(items) } else { None })
        .flatten()
        .filter(|item| !wishes.drops(item))
        .collect();
    let about = [&passage.heading, &passage.chapter];
    let unwanted = about.iter().any(|text| wishes.drops(text)) || wishes.only && !about.iter().any(|text| wishes.favours(text));
    let dropped = sentences.is_empty() && (unwanted || !passage.said().is_empty());
    let shown = passage.parts.iter().any(|part| matches!(part, Part::Picture(_) | Part::Code(_) | Part::Table(_)));
    let points = match () {
        _ if dropped => Vec::new(),
        // An author's list is what the author thinks matters.
        _ if !items.is_empty() => items.iter().take(most).map(|item| clause(&without_brackets(item))).collect(),
        _ if passage.parts.iter().any(|part| matches!(part, Part::Table(_) | Part::Quote(_))) => Vec::new(),
        _ => {
            // A slide that repeats each sentence that is said is read, not listened to.
            let count = sentences.len().div_ceil(2).max(sentences.len().min(3)).min(most);
            best(sentences, count as f64, |_| 1.0).iter().map(|sentence| shortened(&sentence.text)).collect()
        }
    };
    let mut scores: Vec<f64> = sentences.iter().map(|sentence| sentence.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let strong = scores.iter().take(3).sum::<f64>() / 3.0;
    let weight = if dropped { 0.0 } else { strong.max(0.0) + (1.0 + sentences.len() as f64).ln() * 0.1 + if shown { 0.2 } else { 0.0 } };
    KeyPoints { points, weight }
}

/// Words that go on with something: what begins with them is no statement.
const CONNECTING: [&str; 10] = ["and ", "or ", "but ", "nor ", "und ", "oder ", "et ", "ou ", "y ", "o "];

/// A statement as a line: without asides, connecting words and full stop.
pub(super) fn shortened(sentence: &str) -> String {
    let mut line = without_brackets(sentence.trim());
    // "However, it rains": what stands before an early comma only connects, unless it is a name or a date.
    if let Some((before, after)) = line.split_once(", ")
        && before.split(' ').count() <= 2
        && !CONNECTING.iter().any(|word| after.starts_with(word))
        && after.starts_with(char::is_lowercase)
        && !after.contains(", ")
        && columns(after) >= LEAST_COLUMNS
        && !before.chars().skip(1).any(|c| c.is_uppercase() || c.is_ascii_digit())
    {
        line = after.to_string();
    }
    clause(&line)
}

/// The main clause of a line that is long, with a capital and without a full stop.
fn clause(line: &str) -> String {
    let mut line = line.to_string();
    if columns(&line) > GOOD_COLUMNS {
        let ends = CLAUSES.iter().filter_map(|mark| {
            let at = line.match_indices(mark).map(|(at, _)| at).filter(|at| columns(&line[..*at]) <= GOOD_COLUMNS).last()?;
            // The end of an enumeration is no end of a clause.
            if mark.starts_with(", ") && line[..at].contains(", ") {
                return None;
            }
            (columns(&line[..at]) >= LEAST_COLUMNS).then_some(at)
        });
        if let Some(at) = ends.max() {
            line.truncate(at);
        }
    }
    let line = clip(&line, POINT_COLUMNS);
    let line = line.trim_end_matches(['.', ',', ';', ':', '。', '，', '、', '；', '：', '।']).trim();
    let mut characters = line.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The text without what stands in round brackets.
pub(super) fn without_brackets(text: &str) -> String {
    let mut kept = String::new();
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            // A space before the bracket and one after it would be two.
            c if depth == 0 && !(kept.ends_with(' ') && (c == ' ' || ",.;:!?".contains(c))) => kept.push(c),
            c if depth == 0 && c != ' ' => {
                kept.truncate(kept.trim_end().len());
                kept.push(c);
            }
            _ => {}
        }
    }
    // An open bracket that is never closed is no aside.
    if depth > 0 { text.to_string() } else { kept.trim().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_the_statement() {
        assert_eq!(clause("a meter, and a contract"), "A meter, and a contract");
        let three = "This lecture shows how we catch some of the light, what it costs, and where the limits are.";
        assert_eq!(shortened(three), &three[..three.len() - 1]);
        assert_eq!(shortened("However, the panels (made of silicon) turn light into current."), "The panels turn light into current");
        assert_eq!(
            shortened("In 2020, it began to rain in the whole of the country."),
            "In 2020, it began to rain in the whole of the country"
        );
        let long =
            "Wind turbines are built along the coast where the wind is strong, because the land is flat and the sea is cold; nobody minds.";
        assert_eq!(shortened(long), "Wind turbines are built along the coast where the wind is strong");
        assert!(columns(&shortened(&"words without any mark ".repeat(20))) <= POINT_COLUMNS);
        assert_eq!(shortened("機械学習は、データから規則を見つける技術です。"), "機械学習は、データから規則を見つける技術です");
        assert_eq!(without_brackets("open (never closed"), "open (never closed");
    }
}
