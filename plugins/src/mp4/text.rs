//! Captions and chapters: from what was said to the samples of a text track.
//!
//! A text track has no gaps: its samples follow each other from zero to the end, and where there is nothing to read lies an empty one.

use engine::time::Time;

use super::Mp4Error;

/// The longest text of a sample, in bytes: its length is 16 bits.
const MAX_TEXT: usize = u16::MAX as usize;

/// A caption, shown from `start` until `end`.
#[derive(Clone, Debug)]
pub(super) struct Caption {
    pub(super) start: Time,
    pub(super) end: Time,
    pub(super) text: String,
}

impl Caption {
    pub(super) fn new(start: Time, end: Time, text: &str) -> Result<Caption, Mp4Error> {
        check("caption", start, text)?;
        if end <= start {
            return Err(Mp4Error::Text { what: "caption", at: start, problem: "it ends before it begins; give an end after its start" });
        }
        Ok(Caption { start, end, text: text.to_string() })
    }
}

/// A chapter, lasting until the next one.
#[derive(Clone, Debug)]
pub(super) struct Chapter {
    pub(super) start: Time,
    pub(super) title: String,
}

impl Chapter {
    pub(super) fn new(start: Time, title: &str) -> Result<Chapter, Mp4Error> {
        check("chapter", start, title)?;
        Ok(Chapter { start, title: title.to_string() })
    }
}

fn check(what: &'static str, at: Time, text: &str) -> Result<(), Mp4Error> {
    let problem = if at < Time::ZERO {
        "it starts before the programme; its time must not be negative"
    } else if text.len() > MAX_TEXT {
        "its text is longer than 65535 bytes; split it"
    } else {
        return Ok(());
    };
    Err(Mp4Error::Text { what, at, problem })
}

/// The samples of a caption track (3GPP TS 26.245, 5.17), each with its start; the last lasts until `end`. Captions that overlap are
/// shown together, one below the other, in the order in which they begin. What lies after `end` is left out;
/// without captions there are no samples.
pub(super) fn caption_samples(mut captions: Vec<Caption>, end: Time) -> Vec<(Time, Vec<u8>)> {
    captions.retain(|caption| caption.start < end);
    if captions.is_empty() {
        return Vec::new();
    }
    captions.sort_by_key(|caption| caption.start);
    let mut borders: Vec<Time> = captions.iter().flat_map(|caption| [caption.start, caption.end]).chain([Time::ZERO]).collect();
    borders.retain(|&border| border < end);
    borders.sort_unstable();
    borders.dedup();
    let mut coming = captions.iter().peekable();
    let mut shown: Vec<&Caption> = Vec::new();
    let sample = |border: Time| {
        shown.retain(|caption| caption.end > border);
        while let Some(caption) = coming.next_if(|caption| caption.start == border) {
            shown.push(caption);
        }
        let lines: Vec<&str> = shown.iter().map(|caption| caption.text.as_str()).collect();
        (border, text_sample(&lines.join("\n")))
    };
    borders.into_iter().map(sample).collect()
}

/// The chapters as they will be: in order, within the movie, from its very start. Where the first begins later, one with the movie's
/// title comes before it; of two at one time the later one stays.
pub(super) fn settle_chapters(mut chapters: Vec<Chapter>, title: &str, end: Time) -> Vec<Chapter> {
    chapters.retain(|chapter| chapter.start < end);
    chapters.sort_by_key(|chapter| chapter.start);
    if chapters.first().is_some_and(|first| first.start > Time::ZERO) {
        chapters.insert(0, Chapter { start: Time::ZERO, title: title.to_string() });
    }
    chapters.dedup_by(|later, kept| {
        let same = later.start == kept.start;
        if same {
            kept.title = std::mem::take(&mut later.title);
        }
        same
    });
    chapters
}

/// A sample of a chapter track: the title, and the `encd` box by which QuickTime knows that it is UTF-8.
pub(super) fn chapter_sample(title: &str) -> Vec<u8> {
    let mut sample = text_sample(title);
    sample.extend_from_slice(b"\0\0\0\x0cencd\0\0\x01\0");
    sample
}

/// A length of 16 bits and the text; joined captions that are too long lose their end.
fn text_sample(text: &str) -> Vec<u8> {
    let text = &text[..text.floor_char_boundary(MAX_TEXT)];
    let mut sample = (text.len() as u16).to_be_bytes().to_vec();
    sample.extend_from_slice(text.as_bytes());
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::time::Span;

    fn at(millis: i64) -> Time {
        Time::ZERO + Span::from_millis(millis)
    }

    fn captions(list: &[(i64, i64, &str)], end: i64) -> Vec<(i64, String)> {
        let list = list.iter().map(|&(start, end, text)| Caption::new(at(start), at(end), text).unwrap()).collect();
        let samples = caption_samples(list, at(end)).into_iter();
        samples.map(|(time, sample)| (time.since_start().to_millis(), String::from_utf8(sample[2..].to_vec()).unwrap())).collect()
    }

    #[test]
    fn gaps_are_empty_samples_and_overlaps_share_the_screen() {
        let text = |list: &[(i64, &str)]| list.iter().map(|&(time, text)| (time, text.to_string())).collect::<Vec<_>>();
        assert_eq!(captions(&[(500, 900, "b"), (0, 500, "a")], 2000), text(&[(0, "a"), (500, "b"), (900, "")]));
        assert_eq!(captions(&[(100, 300, "a"), (200, 400, "b")], 400), text(&[(0, ""), (100, "a"), (200, "a\nb"), (300, "b")]));
        assert_eq!(captions(&[(100, 900, "a"), (500, 600, "never")], 400), text(&[(0, ""), (100, "a")]));
    }

    #[test]
    fn chapters_begin_at_zero_and_are_ordered() {
        let titles = |list: &[(i64, &str)]| {
            let list = list.iter().map(|&(start, title)| Chapter::new(at(start), title).unwrap()).collect();
            let settled = settle_chapters(list, "Movie", at(1000)).into_iter();
            settled.map(|chapter| format!("{}={}", chapter.start.since_start().to_millis(), chapter.title)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(titles(&[(500, "b"), (0, "a"), (1000, "late")]), "0=a 500=b");
        assert_eq!(titles(&[(300, "x"), (300, "y")]), "0=Movie 300=y");
        assert_eq!(titles(&[]), "");
    }

    #[test]
    fn impossible_texts_are_refused() {
        let error = |result: Result<Caption, Mp4Error>| result.unwrap_err().to_string();
        assert!(error(Caption::new(at(5), at(5), "x")).starts_with("caption at 0:00:00.005: it ends before"));
        assert!(error(Caption::new(at(-5), at(5), "x")).contains("before the programme"));
        assert!(error(Caption::new(at(0), at(5), &"x".repeat(65_536))).contains("split it"));
    }
}
