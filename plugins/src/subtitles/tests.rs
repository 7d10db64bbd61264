use super::*;
use crate::writer::{Brief, Content, KeyPoints, Local, Outline};
use unicode_width::UnicodeWidthStr;

/// What becomes of a caption.
type Make = fn(&str) -> Vec<String>;

/// Answers with what it is told to make of each caption.
struct Says(Make);

impl Writer for Says {
    fn name(&self) -> String {
        "a writer".into()
    }
    fn analyse(&self, content: &Content, brief: &Brief, notes: &mut Notes) -> Result<Vec<KeyPoints>, WriterError> {
        Local.analyse(content, brief, notes)
    }
    fn outline(&self, content: &Content, points: &[KeyPoints], brief: &Brief, notes: &mut Notes) -> Result<Outline, WriterError> {
        Local.outline(content, points, brief, notes)
    }
    fn write(&self, content: &Content, outline: &Outline, brief: &Brief, notes: &mut Notes) -> Result<Vec<String>, WriterError> {
        Local.write(content, outline, brief, notes)
    }
    fn revise(&self, script: &[String], language: &str, brief: &Brief, notes: &mut Notes) -> Result<Vec<String>, WriterError> {
        Local.revise(script, language, brief, notes)
    }
    fn translate(&self, texts: &[String], from: &str, to: &str, notes: &mut Notes) -> Result<Option<Vec<String>>, WriterError> {
        Local.translate(texts, from, to, notes)
    }
    fn summarise(&self, content: &Content, length: Span, brief: &Brief, notes: &mut Notes) -> Result<String, WriterError> {
        Local.summarise(content, length, brief, notes)
    }
    fn translate_captions(&self, groups: &[Vec<String>], _: &str, _: &str, _: &mut Notes) -> Result<Option<Vec<Vec<String>>>, WriterError> {
        Ok(Some(groups.iter().map(|group| group.iter().flat_map(|text| self.0(text)).collect()).collect()))
    }
}

const SPOKEN: &str = "1\n00:00:01,000 --> 00:00:04,000\nThis sea is calm, and\nit is 200 meters deep,\n\n\
    2\n00:00:04,000 --> 00:00:06,500\nas we have seen.\n\n\
    3\n00:00:08,250 --> 00:00:10,000\nYes.\n\n";

fn spoken() -> Subtitles {
    Subtitles { captions: read_subrip(SPOKEN).unwrap() }
}

fn said(subtitles: &Subtitles) -> Vec<&str> {
    subtitles.captions.iter().map(|caption| caption.text.as_str()).collect()
}

fn times(subtitles: &Subtitles) -> Vec<(i64, i64)> {
    subtitles.captions.iter().map(|caption| (caption.start.since_start().to_millis(), caption.end.since_start().to_millis())).collect()
}

fn translated(to: &str, says: Make) -> Result<Subtitles, String> {
    spoken().translated("en", to, &Says(says), &mut Notes::default()).map_err(|error| error.to_string())
}

#[test]
fn words_are_translated_and_times_stay() {
    let loud = translated("fr", |text| vec![text.to_uppercase()]).unwrap();
    assert_eq!(said(&loud), ["THIS SEA IS CALM,\nAND IT IS 200 METERS DEEP,", "AS WE HAVE SEEN.", "YES."]);
    assert_eq!(times(&loud), times(&spoken()));
    let folder = tempfile::tempdir().unwrap();
    let [srt, vtt] = ["film.fr.srt", "film.fr.vtt"].map(|name| folder.path().join(name));
    loud.write(&srt, &vtt).unwrap();
    assert_eq!(Subtitles::read(&srt).unwrap(), loud);
    let text = std::fs::read_to_string(&vtt).unwrap();
    assert!(text.starts_with("WEBVTT\n") && text.contains("00:00:08.250 --> 00:00:10.000 ") && text.contains("\nYES.\n"), "{text}");
}

#[test]
fn sentences_stay_together() {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    let found = groups(texts(&["One and", "two.", "Three!", "and so on"]).into_iter());
    assert_eq!(found, [texts(&["One and", "two."]), texts(&["Three!"]), texts(&["and so on"])]);
    let endless = groups((0..30).map(|number| format!("word {number}")));
    assert_eq!(endless.iter().map(Vec::len).collect::<Vec<_>>(), [12, 12, 6]);
    assert_eq!((unbroken("one\n two"), unbroken("今日は、\n晴れ。")), ("one two".into(), "今日は、晴れ。".into()));
    assert_eq!(
        unbroken("pneumonoultramicroscopicsilicovolcanoconio\nsis, a word"),
        "pneumonoultramicroscopicsilicovolcanoconiosis, a word"
    );
}

#[test]
fn lines_are_broken_by_the_rules_and_what_is_too_long_shares_the_time_of_its_sentence() {
    let long: [(&str, Make, usize); 3] = [
        ("de", |text| vec![format!("{text} Und dazu kommt noch, dass niemand die ganze Tiefe dieses Meeres je gemessen hat.")], 42),
        ("ja", |_| vec!["この海は穏やかで、深さは二百メートルあり、その底を見た人はまだ誰もいないと言われています。".into()], 40),
        ("xx", |_| vec!["x".repeat(200)], 42),
    ];
    for (to, says, columns) in long {
        let made = translated(to, says).unwrap();
        for caption in &made.captions {
            let lines: Vec<&str> = caption.text.lines().collect();
            assert!(lines.len() <= 2 && lines.iter().all(|line| line.width() <= columns), "{lines:?}");
            assert!(caption.start < caption.end, "{caption:?}");
        }
        assert!(made.captions.windows(2).all(|pair| pair[0].end <= pair[1].start), "{:?}", times(&made));
        let (before, after) = (times(&spoken()), times(&made));
        assert!(after.len() > before.len());
        // Up to the next sentence, for it takes as long to read; and there is nothing to share behind the last one.
        for (start, end) in [(1000, 8250), (8250, 10_000)] {
            let inside: Vec<_> = after.iter().filter(|(from, to)| *from >= start && *to <= end).collect();
            assert_eq!((inside.first().map(|time| time.0), inside.last().map(|time| time.1)), (Some(start), Some(end)), "{to}");
        }
        let whole: String = said(&made).concat().split_whitespace().collect();
        let expected: String = spoken().captions.iter().map(|caption| says(&unbroken(&caption.text)).concat()).collect();
        assert_eq!(whole, expected.split_whitespace().collect::<String>(), "no word is lost");
    }
}

#[test]
fn what_could_not_be_read_in_its_time_is_cut_anew_within_the_limits() {
    let at = |millis| Time::ZERO + Span::from_millis(millis);
    let caption = |from: i64, to: i64, text: String| Caption { start: at(from), end: at(to), text };
    let captions = (0..20).flat_map(|n| {
        let said = |from: i64, to: i64, text: String| caption(6000 * n + from, 6000 * n + to, text);
        // By turns the first and the second part become too long for their time.
        let (border, end) = if n % 2 == 0 { (2500, "and nobody has forgotten it.") } else { (3700, "and it is kept.") };
        [said(0, border, format!("What sea number {n} has taught us,")), said(border, 5000, end.into())]
    });
    // Behind the last one there is no time to be had.
    let spoken = Subtitles { captions: captions.chain([caption(120_000, 121_500, "The end.".into())]).collect() };
    let longer: Make = |text| match text.strip_prefix("What sea") {
        Some(rest) => vec![format!("Und was uns alle miteinander das Meer mit der{rest}")],
        None => vec![text.replace("it is kept.", "es wird auch heute noch bewahrt.")],
    };
    let made = spoken.translated("en", "de", &Says(longer), &mut Notes::default()).unwrap();
    for caption in &made.captions {
        let (millis, letters) = ((caption.end - caption.start).to_millis(), caption.text.chars().count() as i64);
        assert!((1200..=7000).contains(&millis) && letters * 1000 <= 20 * millis, "{caption:?}");
        assert!(caption.text.lines().count() <= 2 && caption.text.lines().all(|line| line.width() <= 42), "{caption:?}");
    }
    let found = times(&made);
    for n in 0..20 {
        let inside: Vec<_> = found.iter().filter(|time| time.0 / 6000 == n).collect();
        assert!(inside[0].0 == 6000 * n && inside.iter().all(|time| time.1 <= 6000 * (n + 1)), "{inside:?}");
    }
    let whole = said(&made).join(" ").replace('\n', " ");
    assert_eq!(whole, spoken.captions.iter().flat_map(|caption| longer(&caption.text)).collect::<Vec<_>>().join(" "));
    // What can be read where it is stays there.
    let kept = spoken.translated("en", "de", &Says(|text| vec![text.to_lowercase()]), &mut Notes::default()).unwrap();
    assert_eq!(times(&kept), times(&spoken));
}

#[test]
fn captions_that_lie_over_each_other_or_are_out_of_order_lose_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.srt");
    let times = [
        "00:00:10,000 --> 00:00:12,000",
        "00:00:01,000 --> 00:00:05,000",
        "00:00:02,000 --> 00:00:03,000",
        "00:00:04,000 --> 00:00:09,000",
    ];
    for text in ["It goes on,", "It is deep."] {
        let captions: String = times.iter().enumerate().map(|(n, time)| format!("{n}\n{time}\n{n} {text}\n\n")).collect();
        std::fs::write(&path, captions).unwrap();
        let spoken = Subtitles::read(&path).unwrap();
        assert!(spoken.captions.is_sorted_by_key(|caption| caption.start));
        let longer: Make = |text| vec![format!("{text} {}", "und noch einige Worte mehr ".repeat(4).trim())];
        let made = spoken.translated("en", "de", &Says(longer), &mut Notes::default()).unwrap();
        assert!(made.captions.iter().all(|caption| caption.start < caption.end), "{made:?}");
        let (mut found, mut due): (Vec<String>, Vec<String>) = (
            said(&made).iter().flat_map(|text| text.split_whitespace().map(String::from)).collect(),
            spoken
                .captions
                .iter()
                .flat_map(|caption| longer(&caption.text)[0].split_whitespace().map(String::from).collect::<Vec<_>>())
                .collect(),
        );
        found.sort();
        due.sort();
        assert_eq!(found, due);
    }
    // What stands for long may.
    std::fs::write(&path, "1\n00:00:01,000 --> 00:00:21,000\n[Music]\n").unwrap();
    let music =
        Subtitles::read(&path).unwrap().translated("en", "de", &Says(|_| vec!["[Musik spielt]".into()]), &mut Notes::default()).unwrap();
    assert_eq!(music.captions[0].end - music.captions[0].start, Span::from_seconds(20));
}

#[test]
fn what_cannot_be_is_told() {
    let wrong = translated("fr", |_| Vec::new()).unwrap_err();
    assert!(wrong.contains("a writer gave no usable answer: it has 0 captions in place of 3; try again"), "{wrong}");
    let unable = spoken().translated("en", "fr", &Local, &mut Notes::default()).unwrap_err().to_string();
    assert!(unable.contains("the local writer does not translate; set LECTERN_WRITER_URL"), "{unable}");
    let mut notes = Notes::default();
    assert_eq!(spoken().translated("en-US", "en", &Local, &mut notes).unwrap(), spoken());
    assert!(notes.mention("in the language \"en\" already"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.srt");
    let error = || Subtitles::read(&path).unwrap_err().to_string();
    assert!(error().contains("name the .srt file beside a film"), "{}", error());
    std::fs::write(&path, "WEBVTT\n\nHello").unwrap();
    assert!(error().contains("cannot be read as SubRip: caption 1 has no times"), "{}", error());
    std::fs::write(&path, "").unwrap();
    let none = Subtitles::read(&path).unwrap();
    assert_eq!((none.count(), none.language()), (0, None));
    assert_eq!(none.translated("en", "fr", &Local, &mut notes).unwrap(), none);
    let text = "The sea is calm, and the ship is on its way to the harbour. There the people have waited for it since the morning, and now they can see it.";
    let captions = read_subrip(&format!("1\n00:00:00,000 --> 00:00:06,000\n{text}\n\n")).unwrap();
    assert_eq!(Subtitles { captions }.language(), Some("en"));
}
