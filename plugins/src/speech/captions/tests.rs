use super::super::text::{Clause, Options, narrate};
use super::super::timeline::Timeline;
use super::super::voice::{SAMPLES, Synthesis, Timed, Word};
use super::*;
use crate::lesson::{LEAD_IN, TAIL, TimedWord};
use engine::cue::Cue;
use engine::time::Time;
use unicode_width::UnicodeWidthChar;

/// A voice that says so many letters a second, some faster than others, and needs no time for it.
struct Tempo(f64);

impl Tempo {
    /// Words from 20 ms on, without pauses between them, and 60 ms of silence at the end.
    fn speak(&self, clause: &Clause) -> Synthesis {
        let mut at = Span::from_millis(20);
        let words = clause.words.iter().enumerate().map(|(token, word)| {
            let letters = lines::columns(&word.spoken) as f64 + 1.0;
            let mood = 0.85 + 0.3 * f64::from(blake3::hash(word.text.as_bytes()).as_bytes()[0]) / 255.0;
            let dur = Span::from_millis((letters / self.0 * mood * 1000.0) as i64);
            let word = Timed { at, dur, value: Word { token, text: word.text.clone(), range: word.range.clone(), stressed: false } };
            at += dur;
            word
        });
        let words: Vec<_> = words.collect();
        Synthesis { samples: vec![0.0; SAMPLES.count_in(at + Span::from_millis(60)) as usize], words, ..Synthesis::default() }
    }

    /// A slide's captions and words, sent block by block as they are made.
    fn give(&self, text: &str, language: &str) -> Given {
        let clauses = narrate(text, language, Options::default()).clauses;
        let (mut line, mut next, mut given) = (Timeline::default(), 0, Given::default());
        line.silence(LEAD_IN);
        loop {
            while line.ready() < 960 && next <= clauses.len() {
                match clauses.get(next) {
                    Some(clause) => line.clause(clause, &self.speak(clause), 1.0, &clauses[next + 1..]),
                    None => {
                        line.silence(TAIL);
                        line.close_captions();
                    }
                }
                next += 1;
            }
            let sent = line.position();
            let (samples, cues) = line.take(960, Time::ZERO);
            assert!(cues.iter().all(|cue| cue.pts.since_start() >= sent), "too late to be sent");
            for cue in cues {
                let (at, dur) = (cue.pts.since_start(), cue.dur.unwrap_or(Span::ZERO));
                match cue.media {
                    Cue::Caption(text) => given.captions.push(Caption { at, dur, text: text.to_string() }),
                    Cue::Word(word) => given.words.push((at, at + dur, word.text.to_string())),
                    _ => {}
                }
            }
            if samples.is_empty() {
                given.end = line.length();
                return given;
            }
        }
    }
}

#[derive(Default)]
struct Given {
    captions: Vec<Caption>,
    words: Vec<(Span, Span, String)>,
    end: Span,
}

impl Given {
    fn texts(&self) -> Vec<&str> {
        self.captions.iter().map(|caption| caption.text.as_str()).collect()
    }

    /// How long the words of a cue are heard, from its start.
    fn spoken(&self, cue: &Caption) -> Option<Span> {
        let words = self.words.iter().filter(|(at, ..)| *at >= cue.at && *at < cue.at + cue.dur);
        words.map(|(_, until, _)| *until - cue.at).max()
    }

    /// What holds for every cue, however fast the speech.
    fn check(&self) {
        let mut words = self.words.iter().peekable();
        // How much of the next word has been shown: words of scripts without spaces are parted, by the place of the letters in them.
        let mut shown_of = 0;
        for (index, cue) in self.captions.iter().enumerate() {
            let lines: Vec<&str> = cue.text.split('\n').collect();
            assert!(lines.len() <= 2, "{cue:?}");
            for line in lines {
                let wide = line.chars().filter(|ch| ch.width() == Some(2)).count();
                assert!(line.chars().count() + wide <= if wide > 0 { 40 } else { 42 }, "{line:?} is {} long", line.chars().count());
                assert!(line == line.trim() && !line.is_empty(), "{line:?}");
            }
            let end = cue.at + cue.dur;
            let next = self.captions.get(index + 1).map_or(self.end, |next| next.at);
            assert!(end <= next, "{cue:?} runs into the next one at {next}");
            assert!(cue.dur <= LONGEST, "{cue:?}");
            assert!(cue.dur >= SHORTEST || self.captions.len() == 1, "{cue:?}");
            // The words that are heard while it shows are its own, the first one from its very start.
            let mut shown = cue.text.replace('\n', " ");
            let mut first = None;
            while let Some((at, until, word)) = words.peek() {
                let time_of = |byte: usize| *at + Span((*until - *at).0 * byte as i64 / word.len() as i64);
                let from = time_of(shown_of);
                if from >= next {
                    break;
                }
                first = first.or(Some(from));
                let plain = |text: &str| text.replace(' ', "");
                let (line, rest) = (plain(&shown), plain(&word[shown_of..]));
                let until = match line.find(&rest) {
                    Some(found) => {
                        shown = line[found + rest.len()..].to_string();
                        shown_of = 0;
                        words.next();
                        *until
                    }
                    // It goes on in the next cue, which begins where this one's letters end.
                    None => {
                        let is_parted = word.chars().all(|ch| matches!(ch, '\u{e00}'..='\u{e7f}')) && !line.is_empty();
                        assert!(is_parted && rest.starts_with(&line), "{rest:?} is not in {shown:?} of {cue:?}");
                        shown.clear();
                        shown_of += line.len();
                        assert_eq!(time_of(shown_of), next, "{cue:?}");
                        next
                    }
                };
                assert!(until <= end || cue.dur == LONGEST, "{rest:?} is heard until {until}, {cue:?} ends at {end}");
            }
            assert_eq!(first, Some(cue.at), "{cue:?}");
            // Neither too fast where there was room, nor too slow where it was not spoken so slowly.
            let (fastest, slowest) = if lines::is_mostly_wide(&cue.text) { (24, 8) } else { (20, 10) };
            let (width, seconds) = (lines::columns(&cue.text) as f64, cue.dur.as_seconds());
            let is_full = next - end <= Span::from_millis(20);
            assert!(width / seconds <= f64::from(fastest) + 0.01 || is_full, "{cue:?} has room up to {next}");
            let slow = width / seconds < f64::from(slowest) - 0.01;
            assert!(!slow || cue.dur == SHORTEST || Some(cue.dur) == self.spoken(cue), "{cue:?} stays too long after its words");
        }
        assert_eq!(words.next(), None);
    }
}

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const NOUNS: &[&str] =
    &["model", "graph", "lecture", "student", "theorem", "temperature", "sea", "engine", "distribution", "cell", "light", "idea"];
const VERBS: &[&str] = &["shows", "changes", "explains", "measures", "needs", "carries", "is", "describes", "moves", "approximates"];
const ADJECTIVES: &[&str] = &["small", "very large", "well-known", "simple", "new", "probabilistic", "bright", "two-dimensional", "old"];
const STARTS: &[&str] = &["However", "In the end", "Of course", "First", "As we have seen", "On the other hand", "Today"];
const LINKS: &[&str] = &["and", "because", "which means that", "but", "so that", "while", "although"];
const COUNTED: &[&str] = &["5 km", "20 percent", "3 million years", "12 kg", "300 miles", "2.5 seconds", "40 degrees", "7 days"];
const SHORT_ONES: &[&str] = &["Yes.", "Right?", "Look.", "No!", "Why?", "Exactly so.", "So what?"];

/// A sentence of one to about fifty words.
fn sentence(dice: &mut Dice) -> String {
    if dice.roll(8) == 0 {
        return dice.pick(SHORT_ONES).into();
    }
    let noun = |dice: &mut Dice| match dice.roll(3) {
        0 => format!("the {}", dice.pick(NOUNS)),
        1 => format!("a {} {}", dice.pick(ADJECTIVES), dice.pick(NOUNS)),
        _ => format!("the {} of {}", dice.pick(NOUNS), dice.pick(COUNTED)),
    };
    let mut text = String::new();
    if dice.roll(3) == 0 {
        text += &format!("{}, ", dice.pick(STARTS));
    }
    for part in 0..=dice.roll(5) {
        if part > 0 {
            text += format!("{} {} ", if dice.roll(2) == 0 { "," } else { "" }, dice.pick(LINKS)).trim_start_matches(' ');
        }
        text += &format!("{} {} {}", noun(dice), dice.pick(VERBS), noun(dice));
        text += if dice.roll(2) == 0 { "" } else { " in 2019" };
        text += " ";
    }
    let mut text = text.trim().replace(" ,", ",");
    text[..1].make_ascii_uppercase();
    text + dice.pick(&[".", ".", "?", "!"])
}

/// About so many characters in paragraphs.
fn lecture(dice: &mut Dice, characters: usize) -> String {
    let mut text = String::new();
    while text.len() < characters {
        text += &sentence(dice);
        text += dice.pick(&[" ", " ", " ", " ", "\n\n", " [pause 0.7s] "]);
    }
    text
}

#[test]
fn two_hours_of_text_keep_every_limit() {
    let mut dice = Dice(7);
    let (mut length, mut cues, mut slow, mut fast) = (Span::ZERO, 0, 0, 0);
    while length < Span::from_seconds(7200) {
        let text = lecture(&mut dice, 1500);
        let given = Tempo(15.0).give(&text, "en");
        given.check();
        length += given.end;
        cues += given.captions.len();
        for cue in &given.captions {
            let rate = cue.text.chars().count() as f64 / cue.dur.as_seconds();
            // Numbers and units are said longer than they are written (`12 kg`, `2019`), and pauses between sentences are heard, too.
            let is_long_said = cue.text[..cue.text.len() - 1].contains(|ch: char| ch.is_ascii_digit() || ".!?".contains(ch));
            let is_said_so = is_long_said && given.spoken(cue) == Some(cue.dur);
            (slow, fast) = (slow + usize::from(rate < 9.99 && !is_said_so), fast + usize::from(rate > 20.01));
        }
        // No border between cues or lines tears an article off, or a number from what it counts.
        let lines: Vec<&str> = given.captions.iter().flat_map(|cue| cue.text.split('\n')).collect();
        for pair in lines.windows(2) {
            let last = pair[0].rsplit(' ').next().unwrap().to_lowercase();
            let first = pair[1].split(' ').next().unwrap();
            assert!(!["the", "a", "an"].contains(&last.as_str()), "{pair:?}");
            let torn =
                COUNTED.iter().any(|counted| counted.split_once(' ').unwrap() == (&last, first.trim_end_matches(['.', ',', '?', '!'])));
            assert!(!torn, "{pair:?}");
        }
    }
    assert!(cues > 1500, "{cues} cues");
    // Else too slow are only short ones that are held for 1.2 s; none is too fast at this pace.
    assert!(fast * 200 <= cues && slow * 100 <= cues, "of {cues} cues {slow} are slow and {fast} fast");
}

#[test]
fn slow_and_fast_speech_keep_what_can_be_kept() {
    let mut dice = Dice(11);
    for tempo in [7.0, 10.0, 12.0, 19.0, 25.0, 32.0] {
        for _ in 0..8 {
            let text = lecture(&mut dice, 1500);
            Tempo(tempo).give(&text, "en").check();
        }
    }
}

#[test]
fn other_scripts_keep_their_limits() {
    for (language, tempo, text) in SCRIPTS {
        let text = [*text; 12].join(if ["zh", "ja"].contains(language) { "" } else { " " });
        let given = Tempo(*tempo).give(&text, language);
        given.check();
        assert!(given.captions.len() > 20, "{language}: {:?}", given.texts());
    }
}

/// Language, columns a second, text.
const SCRIPTS: &[(&str, f64, &str)] = &[
    (
        "el",
        15.0,
        "Σήμερα θα δούμε πώς λειτουργεί ένας ηλεκτρικός κινητήρας. Πρώτα, όμως, ας θυμηθούμε τι είναι το μαγνητικό πεδίο, και γιατί μας ενδιαφέρει; Ναι.",
    ),
    (
        "ru",
        15.0,
        "Сегодня мы узнаем, как работает электрический двигатель и почему он так эффективен. Но сначала вспомним, что такое магнитное поле! Хорошо.",
    ),
    (
        "ar",
        13.0,
        "اليوم سوف نرى كيف يعمل المحرك الكهربائي، ولماذا هو فعال إلى هذا الحد. ولكن قبل ذلك، دعونا نتذكر ما هو المجال المغناطيسي؟ نعم.",
    ),
    ("he", 13.0, "היום נראה כיצד פועל מנוע חשמלי, ומדוע הוא יעיל כל כך. אבל קודם לכן, בואו ניזכר מהו שדה מגנטי? כן."),
    ("hi", 14.0, "आज हम देखेंगे कि बिजली की मोटर कैसे काम करती है, और वह इतनी कुशल क्यों है। लेकिन पहले याद करें कि चुंबकीय क्षेत्र क्या होता है? हाँ।"),
    ("th", 14.0, "วันนี้เราจะมาดูกันว่ามอเตอร์ไฟฟ้าทำงานอย่างไรและทำไมจึงมีประสิทธิภาพสูงขนาดนี้ แต่ก่อนอื่นเรามาทบทวนกันก่อนว่าสนามแม่เหล็กคืออะไร"),
    ("zh", 9.0, "今天我们来看看电动机是如何工作的，以及它为什么如此高效。但是首先，让我们回忆一下什么是磁场？很好。"),
    (
        "ja",
        14.0,
        "今日は電動機がどのように動くのか、そしてなぜそれほど効率が良いのかを見ていきましょう。その前に、磁場とは何かを思い出しましょう。はい。",
    ),
    (
        "ko",
        12.0,
        "오늘은 전동기가 어떻게 작동하는지, 그리고 왜 그렇게 효율이 높은지 알아보겠습니다. 하지만 먼저 자기장이 무엇인지 떠올려 봅시다. 네.",
    ),
];

#[test]
fn lines_break_where_a_phrase_ends() {
    let given =
        Tempo(15.0).give("The temperature of the sea has risen by 3 degrees, and the ice is melting faster than ever before.", "en");
    assert_eq!(
        given.texts(),
        ["The temperature of the sea\nhas risen by 3 degrees,", "and the ice is melting faster\nthan ever before."],
        "{:?}",
        given.captions
    );
    let japanese = Tempo(14.0).give(SCRIPTS[7].2, "ja");
    let borders: Vec<(char, char)> = japanese
        .texts()
        .join("\n")
        .split('\n')
        .collect::<Vec<_>>()
        .windows(2)
        .map(|pair| (pair[0].chars().last().unwrap(), pair[1].chars().next().unwrap()))
        .collect();
    assert!(
        borders.iter().all(|(last, first)| !"、。ーっゃゅょ".contains(*first) && !"はがをにとの".contains(*first) && *last != '「'),
        "{borders:?}"
    );
}

#[test]
fn short_sentences_share_a_cue_and_a_lone_word_stays() {
    let given = Tempo(15.0).give("Yes. No. Maybe so. That is a longer sentence which stands for itself, does it not?", "en");
    given.check();
    assert_eq!(given.texts()[0], "Yes. No.");
    // The last sentence would be too short: it goes with the one before.
    let given = Tempo(15.0).give("This is what we wanted to show you today in this lecture about the sea and its currents. Good.", "en");
    given.check();
    assert!(given.texts().last().unwrap().ends_with("currents. Good."), "{:?}", given.texts());
    // Nothing to join it with, and a long pause to stay into.
    let given = Tempo(15.0).give("Well. [pause 3s] Let us begin with the first of all the questions that were asked.", "en");
    given.check();
    assert_eq!((given.captions[0].text.as_str(), given.captions[0].dur), ("Well.", SHORTEST));
    // All there is: until the slide is over.
    let given = Tempo(15.0).give("Hi.", "en");
    assert_eq!(given.captions.iter().map(|cue| cue.at + cue.dur).collect::<Vec<_>>(), [given.end]);
}

#[test]
fn a_word_longer_than_a_line_and_a_word_longer_than_a_cue_are_shown() {
    let word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
    let given = Tempo(15.0).give(word, "de");
    assert_eq!(given.texts().join("\n").replace('\n', ""), word);
    assert!(given.texts().iter().flat_map(|text| text.split('\n')).all(|line| line.chars().count() <= 42));
    let sentence = "Some say that pneumonoultramicroscopicsilicovolcanoconiosis is the longest word of all.";
    let given = Tempo(15.0).give(sentence, "en");
    let (mut read, mut before) = (String::new(), "");
    for line in given.texts().iter().flat_map(|text| text.split('\n')) {
        read.push_str(if lines_are_spaced(before, line) { " " } else { "" });
        read.push_str(line);
        before = line;
    }
    assert_eq!(read, sentence);
    let mut captions = Captions::default();
    captions.hear_word("Ommmm", Span::ZERO, Span::from_seconds(20));
    let cut = captions.cut(Span::from_seconds(30));
    assert_eq!((cut.len(), cut[0].dur), (1, LONGEST));
}

#[test]
fn a_recording_with_the_times_of_its_words_has_captions() {
    let text = "So this is a recording. It was made in another place, and its words are known.";
    let word = |(index, text): (usize, &str)| {
        let at = Time::ZERO + Span::from_millis(400 * index as i64);
        TimedWord { text: text.into(), start: at, end: at + Span::from_millis(350) }
    };
    let words: Vec<TimedWord> = text.split(' ').enumerate().map(word).collect();
    let mut line = Timeline::default();
    line.silence(LEAD_IN);
    line.recording(&[0.0; 48_000 * 7], 1.0, Vec::new(), &words);
    line.silence(TAIL);
    line.close_captions();
    let (_, cues) = line.take(usize::MAX, Time::ZERO);
    let cues: Vec<_> = cues.into_iter().filter(|cue| matches!(cue.media, Cue::Caption(_))).collect();
    let read = |cue: &Cue| if let Cue::Caption(text) = cue { text.replace('\n', " ") } else { String::new() };
    assert_eq!(cues.iter().map(|cue| read(&cue.media)).collect::<Vec<_>>().join(" "), text);
    assert!(cues.len() >= 2 && cues[0].pts == Time::ZERO + LEAD_IN, "{cues:?}");
    assert!(cues.windows(2).all(|pair| pair[0].end().unwrap() <= pair[1].pts));
}

#[test]
fn an_answer_waits_for_no_more_than_its_first_clause() {
    let clauses = narrate("Yes. That is what it means, and there is more to it than that.", "en", Options::default()).clauses;
    let mut line = Timeline::aside();
    line.clause(&clauses[0], &Tempo(15.0).speak(&clauses[0]), 1.0, &clauses[1..]);
    assert_eq!(line.ready(), line.waiting());
    let mut line = Timeline::default();
    line.clause(&clauses[0], &Tempo(15.0).speak(&clauses[0]), 1.0, &clauses[1..]);
    assert!(line.ready() < line.waiting(), "the narration does: its caption may go on");
}
