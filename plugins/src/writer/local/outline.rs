//! Which slides there are: one a passage, joined where there are too many, with a first, a last and, in a long lecture, signposts.

use super::super::brief::Wishes;
use super::super::content::{Content, Part};
use super::super::sentences::clip;
use super::super::{KeyPoints, MAX_POINTS, Notes, Outline, Planned, Role, TITLE_COLUMNS};
use super::phrases::Phrases;

/// From so many slides of content on the lecture says what will come.
const AGENDA_FROM: usize = 6;
/// From so many on its chapters have slides of their own.
const CHAPTERS_FROM: usize = 8;
/// From so many on it ends with what to remember.
const SUMMARY_FROM: usize = 3;
/// A slide is worth showing for so long.
const SECONDS_A_SLIDE: f64 = 12.0;

/// A slide of content that may still be joined with its neighbour.
#[derive(Clone)]
struct Candidate {
    title: String,
    chapter: String,
    points: Vec<String>,
    passages: Vec<usize>,
    weight: f64,
}

/// Plans the slides.
pub(super) fn outline(content: &Content, points: &[KeyPoints], wishes: &Wishes, notes: &mut Notes) -> Outline {
    let mut slides = candidates(content, points);
    let phrases = Phrases::of(&content.language);
    let by_time = wishes.length.map(|length| ((length.as_seconds() / SECONDS_A_SLIDE) as usize).max(1));
    // The first slide and the last one count; a single slide is content.
    let frame = |count: usize| match count {
        0..=1 => 0,
        2..=4 => 1,
        _ => 2,
    };
    let by_count = wishes.slides.map(|count| count.saturating_sub(frame(count)).max(1));
    if let Some(most) = by_count.into_iter().chain(by_time).min() {
        join(&mut slides, most, wishes.points.unwrap_or(MAX_POINTS).min(MAX_POINTS));
    }
    if let (Some(asked), Some(count)) = (by_count, wishes.slides)
        && slides.len() < asked
    {
        notes.add(format!("{count} slides were asked for; the content gives {} and the local writer adds nothing", slides.len()));
    }
    let plain = |role, title: &str, points: Vec<String>| Planned { role, title: clip(title, TITLE_COLUMNS), points, passages: Vec::new() };
    let exact = wishes.slides.is_some();
    let mut planned = Vec::new();
    if wishes.slides != Some(1) && !(wishes.no_opening && slides.len() > 1) {
        planned.push(plain(Role::Title, &content.title, Vec::new()));
    }
    let parts = signposts(&slides);
    if let Some(phrases) = phrases.filter(|_| slides.len() >= AGENDA_FROM && parts.len() >= 3 && !wishes.no_agenda && !exact) {
        planned.push(plain(Role::Agenda, phrases.agenda, parts));
    }
    let chapters = slides.len() >= CHAPTERS_FROM && !exact;
    let mut chapter = String::new();
    let summary = remembered(content, &slides);
    for (index, slide) in slides.iter().enumerate() {
        if slide.chapter != chapter {
            chapter.clone_from(&slide.chapter);
            let long = slides.get(index + 1).is_some_and(|next| next.chapter == chapter);
            if chapters && long && !chapter.is_empty() && chapter != slide.title {
                planned.push(plain(Role::Chapter, &chapter, Vec::new()));
            }
        }
        let title = if slide.title.is_empty() { &content.title } else { &slide.title };
        planned.push(Planned {
            role: Role::Points,
            title: clip(title, TITLE_COLUMNS),
            points: slide.points.clone(),
            passages: slide.passages.clone(),
        });
    }
    number(&mut planned);
    let room = wishes.slides.is_none_or(|count| planned.len() < count);
    let worth = wishes.length.is_none_or(|length| length.as_seconds() > 45.0);
    if let Some(phrases) = phrases.filter(|_| room && worth && slides.len() > 1 && !wishes.no_closing) {
        // A text that sums itself up is not summed up again.
        let sums_up = slides.iter().rev().take(2).any(|slide| phrases.sums_up(&slide.title));
        planned.push(match slides.len() {
            SUMMARY_FROM.. if summary.len() > 1 && !sums_up => plain(Role::Closing, phrases.summary, summary),
            _ => plain(Role::Closing, phrases.thanks, Vec::new()),
        });
    }
    Outline { title: content.title.clone(), slides: planned }
}

fn candidates(content: &Content, points: &[KeyPoints]) -> Vec<Candidate> {
    let mut slides = Vec::new();
    for (index, (passage, key)) in content.passages.iter().zip(points).enumerate() {
        let shown = passage.parts.iter().any(|part| !matches!(part, Part::Prose(_) | Part::List(_)));
        if key.weight > 0.0 && (shown || !key.points.is_empty()) {
            slides.push(Candidate {
                title: passage.heading.clone(),
                chapter: passage.chapter.clone(),
                points: key.points.clone(),
                passages: vec![index],
                weight: key.weight,
            });
        }
    }
    // Everything was asked to be left out: something must be shown all the same.
    if slides.is_empty() {
        let title = content.passages.first().map_or_else(String::new, |passage| passage.heading.clone());
        let passages = if content.passages.is_empty() { Vec::new() } else { vec![0] };
        slides.push(Candidate { title, chapter: String::new(), points: Vec::new(), passages, weight: 1.0 });
    }
    slides
}

/// Joins neighbours, the lightest pair first, those of one heading or chapter before others, until at most `most` slides are left.
fn join(slides: &mut Vec<Candidate>, most: usize, points: usize) {
    while slides.len() > most {
        let apart = |pair: &[Candidate]| match () {
            _ if pair[0].title == pair[1].title => 0.0,
            _ if pair[0].chapter == pair[1].chapter && !pair[0].chapter.is_empty() => 0.5,
            _ => 1.0,
        };
        let burden = |pair: &[Candidate]| pair[0].weight + pair[1].weight + apart(pair);
        let lightest = slides.windows(2).enumerate().min_by(|a, b| burden(a.1).total_cmp(&burden(b.1))).map(|(index, _)| index);
        let Some(index) = lightest else { return };
        let second = slides.remove(index + 1);
        let first = &mut slides[index];
        // Both keep a fair part of the lines.
        let (own, other) = (first.points.len(), second.points.len());
        let keep = if own + other <= points { own } else { own.min((points * own).div_ceil((own + other).max(1)).min(points - 1).max(1)) };
        first.points.truncate(keep);
        first.points.extend(second.points.into_iter().take(points.saturating_sub(keep)));
        if first.title != second.title {
            first.title = match () {
                _ if first.chapter == second.chapter && !first.chapter.is_empty() => first.chapter.clone(),
                _ if first.title == second.chapter => first.title.clone(),
                _ if second.weight > first.weight || first.title.is_empty() => second.title,
                _ => first.title.clone(),
            };
        }
        if first.chapter != second.chapter {
            first.chapter = String::new();
        }
        first.passages.extend(second.passages);
        first.weight = (first.weight + second.weight).min(1.5);
    }
}

/// Slides that go on under the title of the one before are counted: `Method`, `Method (2)`.
fn number(planned: &mut [Planned]) {
    let mut before = (String::new(), 1);
    for slide in planned.iter_mut() {
        if slide.role != Role::Points {
            before = (String::new(), 1);
        } else if slide.title == before.0 {
            before.1 += 1;
            slide.title = format!("{} ({})", before.0, before.1);
        } else {
            before = (slide.title.clone(), 1);
        }
    }
}

/// What the lecture goes through: its chapters, or the headings where there are none.
fn signposts(slides: &[Candidate]) -> Vec<String> {
    let name = |slide: &Candidate| if slide.chapter.is_empty() { slide.title.clone() } else { slide.chapter.clone() };
    let mut names: Vec<(String, f64)> = Vec::new();
    for slide in slides {
        let name = name(slide);
        match names.last_mut() {
            Some((last, weight)) if *last == name => *weight = weight.max(slide.weight),
            _ if name.is_empty() => {}
            _ => names.push((name, slide.weight)),
        }
    }
    while names.len() > MAX_POINTS {
        let lightest = names.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(index, _)| index);
        names.remove(lightest.expect("there are more than none"));
    }
    names.into_iter().map(|(name, _)| clip(&name, super::super::POINT_COLUMNS)).collect()
}

/// The first point of each of the four slides that matter most. An item of a list says little alone.
fn remembered(content: &Content, slides: &[Candidate]) -> Vec<String> {
    let listed = |slide: &Candidate| {
        slide.passages.iter().any(|index| content.passages[*index].parts.iter().any(|part| matches!(part, Part::List(_))))
    };
    let mut order: Vec<usize> = (0..slides.len()).filter(|index| !slides[*index].points.is_empty() && !listed(&slides[*index])).collect();
    order.sort_by(|a, b| slides[*b].weight.total_cmp(&slides[*a].weight).then(a.cmp(b)));
    order.truncate(4);
    order.sort_unstable();
    let mut points: Vec<String> = Vec::new();
    for index in order {
        let point = slides[index].points[0].clone();
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
}
