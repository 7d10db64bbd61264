use super::*;
use crate::writer::{MAX_POINTS, POINT_COLUMNS, columns};

fn prose(heading: &str, chapter: &str, text: &str) -> Passage {
    Passage { heading: heading.into(), chapter: chapter.into(), parts: vec![Part::Prose(text.into())] }
}

fn energy() -> Content {
    let passages = vec![
        prose(
            "Solar power",
            "",
            "Solar panels turn sunlight into electric current. A panel lasts about 25 years. Prices fell by 90 percent in ten years. Solar \
             panels work best where the sun shines often. However, at night they give nothing (which is why storage matters).",
        ),
        prose(
            "Wind power",
            "",
            "Wind turbines turn moving air into current. The best places are coasts and hills. Turbines are tall; some reach 200 metres.",
        ),
        prose(
            "Storage",
            "",
            "Batteries keep current for hours. Pumped water keeps it for weeks. Without storage the grid needs other plants.",
        ),
        Passage {
            heading: "History".into(),
            chapter: String::new(),
            parts: vec![
                Part::Prose("The first solar cell is from 1883.".into()),
                Part::List(vec!["1954: silicon cell".into(), "1958: first satellite".into()]),
            ],
        },
    ];
    Content { title: "Energy from sun and wind".into(), language: "en".into(), passages }
}

fn brief(instructions: &str) -> Brief {
    Brief { instructions: instructions.into(), ..Brief::default() }
}

fn lecture(content: &Content, brief: &Brief) -> (Outline, Vec<String>, Notes) {
    let mut notes = Notes::default();
    let points = Local.analyse(content, brief, &mut notes).unwrap();
    assert_eq!(points.len(), content.passages.len());
    for point in points.iter().flat_map(|key| &key.points) {
        assert!(columns(point) <= POINT_COLUMNS && !point.is_empty(), "{point:?}");
    }
    assert!(points.iter().all(|key| key.points.len() <= MAX_POINTS && (0.0..=1.0).contains(&key.weight)));
    let outline = Local.outline(content, &points, brief, &mut notes).unwrap();
    let script = Local.write(content, &outline, brief, &mut notes).unwrap();
    assert_eq!(script.len(), outline.slides.len());
    (outline, script, notes)
}

fn total(script: &[String]) -> f64 {
    script.iter().map(|text| seconds(text)).sum()
}

#[test]
fn short_content_is_said_whole_and_in_order() {
    let content = energy();
    let (outline, script, notes) = lecture(&content, &Brief::default());
    let roles: Vec<Role> = outline.slides.iter().map(|slide| slide.role).collect();
    assert_eq!(roles, [Role::Title, Role::Points, Role::Points, Role::Points, Role::Points, Role::Closing]);
    let said = script.join(" ");
    for passage in &content.passages {
        for (_, sentence) in passage.said() {
            assert!(said.contains(&sentence), "{sentence} is lost");
        }
    }
    assert!(script[0].starts_with("Welcome. This lecture is about Energy from sun and wind."));
    assert!(script[4].contains("1954: silicon cell."), "{}", script[4]);
    assert!(notes.mention("local writer: sentences of the content, chosen and shortened by rules"));
}

#[test]
fn instructions_change_the_script() {
    let content = energy();
    let (_, usual, _) = lecture(&content, &Brief::default());
    let (_, short, _) = lecture(&content, &brief("Make it short."));
    assert!(total(&short) < total(&usual) * 0.75, "{} {}", total(&short), total(&usual));
    let (_, timed, _) = lecture(&content, &brief("Keep it under 30 seconds."));
    assert!(total(&timed) < 30.0, "{}: {timed:?}", total(&timed));
    let (outline, focused, _) = lecture(&content, &brief("Leave out the history, focus on storage, 3 slides"));
    assert!(!focused.join(" ").contains("1883") && focused.join(" ").contains("Batteries"));
    assert_eq!(outline.slides.len(), 3);
    let (_, simple, _) = lecture(&content, &brief("Friendly, short sentences."));
    assert!(simple[0].starts_with("Hello, and good to have you here."));
    assert!(simple[2].contains("Turbines are tall. Some reach 200 metres."), "{}", simple[2]);
    assert!(!simple.join(" ").contains("which is why storage matters"));
    let (_, calm, _) = lecture(&content, &brief("Speak calmly"));
    assert!(calm[4].contains("[pause 0.8s]"), "{}", calm[4]);
}

#[test]
fn pictures_are_shown_and_not_spoken_of() {
    let mut content = energy();
    let parts = vec![Part::Picture("a picture".into()), Part::Code("flowers = 3".into())];
    content.passages.push(Passage { heading: "Flowers".into(), parts, ..Passage::default() });
    let (outline, script, _) = lecture(&content, &Brief::default());
    let shown = outline.slides.iter().position(|slide| slide.title == "Flowers").unwrap();
    assert!(script[shown].is_empty() && outline.slides[shown].points.is_empty());
    let words: Vec<&String> = script.iter().chain(outline.slides.iter().flat_map(|slide| &slide.points)).collect();
    assert!(words.iter().all(|text| !text.to_lowercase().contains("a picture")), "{words:?}");
    // Nothing is left of it: neither words nor a silent slide.
    let (outline, ..) = lecture(&content, &brief("Leave out the flowers"));
    assert_eq!(outline.slides.iter().filter(|slide| slide.title == "Flowers").count(), 0);
    assert!(outline.slides.iter().any(|slide| slide.title == "Wind power"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let (_, _, notes) = lecture(&energy(), &brief("Sound like a pirate, in French"));
    assert!(notes.mention("does not understand \"Sound like a pirate\"") && notes.mention("cannot translate"), "{notes:?}");
    let (_, _, notes) = lecture(&energy(), &brief("20 slides, 10 minutes"));
    assert!(notes.mention("20 slides were asked for; the content gives 4") && notes.mention("adds nothing to make it longer"), "{notes:?}");
    let mut notes = Notes::default();
    assert_eq!(Local.translate(&["Hi".into()], "en", "fr", &mut notes).unwrap(), None);
    assert!(notes.mention("set LECTERN_WRITER_URL"));
}

#[test]
fn long_content_is_summarised_and_gets_signposts() {
    let subjects = ["rivers", "mountains", "deserts", "oceans", "forests", "islands", "volcanoes", "glaciers", "plains", "caves"];
    let text = |subject: &str, index: usize| {
        let fact = |n: usize| {
            let number = index * 50 + n;
            format!(
                "The {subject} of region number {} were measured by team {} with instrument {number} in {}.",
                number * 3,
                number * 7 + 1,
                1900 + n
            )
        };
        (1..12).map(fact).collect::<Vec<_>>().join(" ")
    };
    let passages = subjects.iter().enumerate().map(|(index, subject)| {
        prose(&format!("About {subject}"), ["Water and land", "Life", "Fire and ice"][index / 4], &text(subject, index))
    });
    let content = Content { title: "Geography".into(), language: "en".into(), passages: passages.collect() };
    let (outline, script, notes) = lecture(&content, &Brief::default());
    assert_eq!(outline.slides[1].role, Role::Agenda);
    assert_eq!(outline.slides[1].points, ["Water and land", "Life", "Fire and ice"]);
    assert!(script[1].contains("Water and land, Life, Fire and ice"));
    assert_eq!(outline.slides.iter().filter(|slide| slide.role == Role::Chapter).count(), 3);
    assert!(notes.mention("was summarised to about"), "{notes:?}");
    let (_, whole, _) = lecture(&content, &brief("Keep everything"));
    assert!(total(&whole) > total(&script) * 1.3);
    let (outline, minute, _) = lecture(&content, &Brief { length: Some(Span::from_seconds(60)), ..Brief::default() });
    assert!((30.0..62.0).contains(&total(&minute)) && outline.slides.len() <= 10, "{} {}", total(&minute), outline.slides.len());
}

#[test]
fn a_text_that_sums_itself_up_is_not_summed_up_again() {
    let last = |heading: &str| {
        let mut content = energy();
        content.passages.last_mut().unwrap().heading = heading.into();
        let slide = lecture(&content, &Brief::default()).0.slides.pop().unwrap();
        (slide.role, slide.title, slide.points.is_empty())
    };
    assert_eq!(last("The grid"), (Role::Closing, "What to remember".into(), false));
    assert_eq!(last("Key takeaways"), (Role::Closing, "Thank you".into(), true));
}

#[test]
fn every_language_of_the_service_has_its_words() {
    for language in ["en", "zh-Hans", "zh-Hant", "ja", "th", "ko", "es", "fr", "de", "it", "pt", "ru", "ar", "hi"] {
        let content = Content { language: language.into(), ..energy() };
        let (outline, script, _) = lecture(&content, &Brief::default());
        let last = outline.slides.last().unwrap();
        assert!(last.role == Role::Closing && !script[0].contains("{}") && script[0].contains(&content.title), "{language}");
        assert!(language == "en" || !script[0].contains("Welcome"), "{language}");
    }
    let content = Content { language: "fi".into(), ..energy() };
    let (outline, script, _) = lecture(&content, &Brief::default());
    assert_eq!((outline.slides.last().unwrap().role, script[0].as_str()), (Role::Points, "Energy from sun and wind."));
}

#[test]
fn repeated_statements_are_said_once() {
    let mut content = energy();
    content.passages.push(prose("Again", "", "Solar panels turn the sunlight into electric current. Something new is said here as well."));
    let (_, script, _) = lecture(&content, &Brief::default());
    assert!(!script.join(" ").contains("turn the sunlight"));
    assert!(script.join(" ").contains("Something new"));
}

#[test]
fn a_script_is_revised_by_instructions_only() {
    let script = vec!["One thing is clear (really). It rained; it was cold.\nNobody came to the place.".to_string(), String::new()];
    let mut notes = Notes::default();
    assert_eq!(Local.revise(&script, "en", &brief("Read the notes as they are."), &mut notes).unwrap(), script);
    assert_eq!(notes, Notes::default());
    let revised = Local.revise(&script, "en", &brief("short sentences"), &mut notes).unwrap();
    assert_eq!(revised, ["One thing is clear. It rained. It was cold.\nNobody came to the place.", ""]);
    let shorter = Local.revise(&script, "en", &brief("shorter"), &mut notes).unwrap();
    assert!(!shorter[0].is_empty() && shorter[0].len() < script[0].len());
}

#[test]
fn a_summary_has_the_length_asked_for() {
    for length in [5, 15, 30] {
        let text = Local.summarise(&energy(), Span::from_seconds(length), &Brief::default(), &mut Notes::default()).unwrap();
        assert!(seconds(&text) <= length as f64 + 0.5 && seconds(&text) > length as f64 * 0.5, "{length}: {} {text}", seconds(&text));
    }
}

#[test]
fn nothing_to_say_still_makes_a_slide() {
    for passages in [vec![], vec![Passage::default()], vec![prose("", "", "Rain.")]] {
        let content = Content { title: "Empty".into(), language: "en".into(), passages };
        let (outline, _, _) = lecture(&content, &brief("leave out rain"));
        assert!(!outline.slides.is_empty());
    }
}
