//! What is said in short, at the right of the presenter: numbered, each point from when it is said.

use super::{GROUND, sentences};
use plugins::lesson::canvas::{Animation, Canvas, Color, Content, Object, Outline, Paint, Paragraph, Run, Shape, Style, Text, Trigger};
use serde_json::{Value, json};

/// So many points fit one below the other.
pub const MOST: usize = 5;
/// Words of a point at most.
const WORDS: usize = 9;
/// Width and height of the picture, and where the points begin: they take a quarter of it.
const PICTURE: (f64, f64) = (1280.0, 720.0);
const LEFT: f64 = 960.0;
/// Around the points.
const MARGIN: f64 = 24.0;
/// Sizes of letters: of a point, and of one that is alone or nearly so.
const SIZES: [f64; 2] = [24.0, 28.0];
/// The ground of the points.
const PANEL: Color = Color::rgb(0x14, 0x26, 0x3d);
const ACCENT: Color = Color::rgb(0xf4, 0xa2, 0x61);

/// Where the presenter stands: in the middle of the rest.
pub fn presenter() -> Value {
    json!({ "at": [0.17, 0.1], "height": "90%" })
}

/// The picture of a slide on which this is said, and how many points it has; the first one has this number.
pub fn canvas(said: &str, number: usize) -> (Canvas, usize) {
    let (width, height) = PICTURE;
    let mut canvas = Canvas::new(width, height, Paint::Color(GROUND.parse().unwrap_or(Color::BLACK)));
    let panel = Shape { outline: Outline::Rectangle { radius: 0.0 }, fill: Some(Paint::Color(PANEL)), stroke: None };
    let line = Shape { outline: Outline::Rectangle { radius: 0.0 }, fill: Some(Paint::Color(ACCENT)), stroke: None };
    canvas.objects.push(Object::new("panel", [LEFT, 0.0, width - LEFT, height], Content::Shape(panel)));
    canvas.objects.push(Object::new("line", [LEFT, 0.0, 4.0, height], Content::Shape(line)));
    let points = points(said);
    let room = (height - 2.0 * MARGIN) / points.len().max(3) as f64;
    let size = SIZES[usize::from(points.len() <= 3)];
    for (index, (at, text)) in points.iter().enumerate() {
        let style = Style { size, color: Color::WHITE, ..Style::default() };
        let paragraph = Paragraph {
            runs: vec![Run { text: text.clone(), style }],
            marker: Some(format!("{}.", number + index)),
            indent: 1.6 * size,
            space_before: 0.0,
        };
        let text = Text { paragraphs: vec![paragraph], ..Text::default() };
        let place = [LEFT + MARGIN, MARGIN + index as f64 * room, width - LEFT - 2.0 * MARGIN, room];
        let enter = Animation { trigger: Trigger::word_at(said, *at), ..Animation::default() };
        canvas.objects.push(Object { enter: Some(enter), ..Object::new(format!("point-{index}"), place, Content::Text(text)) });
    }
    (canvas, points.len())
}

/// Each sentence in short, with where its first word begins.
fn points(said: &str) -> Vec<(usize, String)> {
    let mut points = Vec::new();
    let mut at = 0;
    for sentence in sentences(said) {
        let spoken = spoken(sentence);
        let begin = at + sentence.len() - spoken.len();
        at += sentence.len();
        let text = short(spoken);
        if text.chars().any(char::is_alphanumeric) {
            points.push((begin, text));
        }
    }
    points
}

/// A sentence without the marks before it, such as `[pause 0.5s]`.
fn spoken(sentence: &str) -> &str {
    let sentence = sentence.trim_start();
    match sentence.strip_prefix('[').and_then(|mark| mark.split_once(']')) {
        Some((_, rest)) => spoken(rest),
        None => sentence,
    }
}

/// A sentence without its end, and what is too long of it.
fn short(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    match words.get(..WORDS) {
        Some(first) if words.len() > WORDS => format!("{} …", first.join(" ")),
        _ => words.join(" ").trim_end_matches(['.', '!']).to_string(),
    }
}
