use super::*;

fn cut(text: &str) -> Vec<String> {
    narrate(text, "en-US", Options::default()).clauses.into_iter().map(|clause| clause.text).collect()
}

fn said(text: &str) -> String {
    let words: Vec<Token> = narrate(text, "en", Options::default()).clauses.into_iter().flat_map(|clause| clause.words).collect();
    words.iter().map(|word| word.spoken.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn sentences_end_where_they_end() {
    assert_eq!(cut("Pi is 3.14 today. Is it? Yes!"), ["Pi is 3.14 today.", "Is it?", "Yes!"]);
    assert_eq!(
        cut("Dr. Smith met J. R. R. Tolkien in the U.S. Army. The end."),
        ["Dr. Smith met J. R. R. Tolkien in the U.S. Army.", "The end."]
    );
    assert_eq!(cut("We use tools, e.g. Rust, etc. Then we rest."), ["We use tools, e.g. Rust, etc.", "Then we rest."]);
    assert_eq!(cut("He said “stop.” Then (quietly) he left."), ["He said “stop.”", "Then (quietly) he left."]);
    assert_eq!(cut("See Fig. 3 and Eq. 4, i.e. the proof."), ["See Fig. 3 and Eq. 4, i.e. the proof."]);
    assert_eq!(cut("Wait... what? It works!!! Really?!"), ["Wait...", "what?", "It works!!!", "Really?!"]);
    assert_eq!(cut("A long word 😀 👍\u{fe0f}. That was all."), ["A long word.", "That was all."]);
    assert_eq!(cut("He said “fine 👍.” Yes (👍)!"), ["He said “fine.”", "Yes!"]);
    assert_eq!(cut("今天很好。我们开始吧！好吗？"), ["今天很好。", "我们开始吧！", "好吗？"]);
    assert_eq!(cut("The meeting—our third—starts at 10:30, not at 9."), ["The meeting—", "our third—", "starts at 10:30, not at 9."]);
}

#[test]
fn short_parts_join_and_long_ones_are_cut() {
    assert_eq!(cut("Red, green, blue, and white light adds up."), ["Red, green, blue, and white light adds up."]);
    let long = "one two three four five six seven eight nine ten and ".repeat(8);
    let narration = narrate(&long, "en", Options { longest_clause: 20, longest_first: 8 });
    assert!(narration.clauses[0].words.len() <= 8);
    assert!(narration.clauses.iter().all(|clause| (3..=20).contains(&clause.words.len())), "{:?}", cut(&long));
    assert_eq!(narration.clauses.iter().map(|clause| clause.words.len()).sum::<usize>(), 88);
}

#[test]
fn pauses_follow_punctuation_and_marks() {
    let narration = narrate(
        "[pause 1s]One two three four, five six seven eight: nine. Ten?\n\nEleven [pause 250ms] [pause]\ntwelve. Last.",
        "en",
        Options::default(),
    );
    let pauses: Vec<i64> = narration.clauses.iter().map(|clause| clause.pause_after.to_millis()).collect();
    assert_eq!(narration.lead, Span::SECOND);
    assert_eq!(pauses, [180, 260, 380, 650, 750, 380, 0]);
    let ends: Vec<Ends> = narration.clauses.iter().map(|clause| clause.ends).collect();
    assert_eq!(ends, [Ends::Comma, Ends::Comma, Ends::Sentence, Ends::Paragraph, Ends::Comma, Ends::Sentence, Ends::Sentence]);
    assert_eq!(narration.clauses[3].mark, '?', "a question that ends a paragraph still sounds like one");
}

#[test]
fn pauses_are_read_or_left_out_and_told() {
    let given = |mark: &str| narrate(&format!("One two. {mark} Three four."), "en", Options::default()).clauses;
    let good = [("[pause 0,5s]", 500), ("[pause: 2 S]", 2000), ("[pause 1min]", 60_000), ("[pause 60]", 60_000), ("[pause 800ms]", 800)];
    for (mark, millis) in good {
        let clauses = given(mark);
        assert_eq!((clauses.len(), clauses[0].pause_after.to_millis()), (2, millis), "{mark}");
        assert!(clauses.iter().all(|clause| clause.unspoken.is_empty()), "{mark}");
    }
    let bad = [
        ("[pause 2min]", "0 to 60 s"),
        ("[pause -1s]", "0 to 60 s"),
        ("[pause 500]", "write ms or s behind it"),
        ("[pause 100h]", "cannot be read; write it as [pause 0.5s]"),
        ("[pause 1,500ms]", "cannot be read"),
        ("[Pause a moment]", "cannot be read"),
    ];
    for (mark, why) in bad {
        let clauses = given(mark);
        assert_eq!(clauses.iter().map(|clause| clause.text.as_str()).collect::<Vec<_>>(), ["One two.", "Three four."], "{mark}");
        assert_eq!(clauses[0].pause_after, narrate("One two. Three four.", "en", Options::default()).clauses[0].pause_after);
        let unspoken: Vec<&Unspoken> = clauses.iter().flat_map(|clause| &clause.unspoken).collect();
        assert_eq!((unspoken.len(), unspoken[0].text.as_str(), unspoken[0].range.clone()), (1, mark, 9..9 + mark.len()));
        assert!(unspoken[0].reason.contains(why), "{mark}: {}", unspoken[0].reason);
    }
    assert_eq!(cut("The [pauses] and the [pause button](x.md)"), ["The [pauses] and the pause button"]);
    assert!(narrate("[pause 2min]", "en", Options::default()).clauses[0].words.is_empty(), "it is told all the same");
}

#[test]
fn markup_is_not_spoken() {
    let source = "# The *main* idea\n- **First** point with `code_here`\n- a [link](https://x.org/a_b) and ![a picture](p.png)\n1. <b>bold</b> \\*literal\\* 2*3*4 ~~gone~~ a < b\n\n---\n[GIF](say: jiff) files";
    assert_eq!(
        cut(source),
        ["The main idea", "First point with code_here", "a link and a picture", "bold *literal* 2*3*4 gone a < b", "GIF files"]
    );
    assert_eq!(said("[GIF](say: jiff) files"), "jiff files");
    let narration = narrate(source, "en", Options::default());
    let strong: Vec<&str> =
        narration.clauses.iter().flat_map(|clause| &clause.words).filter(|word| word.emphasis).map(|word| word.text.as_str()).collect();
    assert_eq!(strong, ["main", "First"]);
}

#[test]
fn a_few_words_are_emphasised_and_bold_type_is_not() {
    let strong = |source: &str| -> Vec<String> {
        let words = narrate(source, "en", Options::default()).clauses.into_iter().flat_map(|clause| clause.words);
        words.filter(|word| word.emphasis).map(|word| word.text).collect()
    };
    assert_eq!(strong("It is *not* the wind, **but the sail**, that counts."), ["not", "but", "the", "sail"]);
    assert_eq!(strong("**All of this is bold.** One *word* is not."), ["word"]);
    assert_eq!(strong("**Never, never. Do not.**"), ["Never", "never", "Do", "not"]);
    assert!(strong("**Four, five, six, seven** are bold.").is_empty());
}

#[test]
fn lines_of_notes_are_sentences_and_wrapped_lines_are_not() {
    assert_eq!(cut("Welcome everyone\nToday we start\nwith a map"), ["Welcome everyone", "Today we start with a map"]);
    let wrapped = "This paragraph was wrapped by an editor at a width of seventy columns\nJust like this.";
    assert_eq!(cut(wrapped), ["This paragraph was wrapped by an editor at a width of seventy columns Just like this."]);
}

#[test]
fn numbers_units_and_symbols_are_read_sensibly() {
    for (written, read) in [
        ("$5 million", "five million dollars"),
        ("$1.50 or €20", "one dollar and fifty cents or twenty euros"),
        ("5km in 3 min", "five kilometers in three minutes"),
        ("1 GB at -3 °C", "one gigabyte at minus three degrees Celsius"),
        ("10–20% of ~5", "ten to twenty percent of about five"),
        ("the 1990s and '80s", "the nineteen nineties and eighties"),
        ("in 1984, 1984 people", "in nineteen eighty four one thousand nine hundred eighty four people"),
        ("in 1905", "in nineteen oh five"),
        ("at 3:45pm or 10:00", "at three forty five P.M or ten o'clock"),
        ("R&D, C++ & #1", "R and D C plus plus and number one"),
        ("see https://www.example.com/a?b=1.", "see example dot com"),
        ("mail a.b@c.org", "mail a dot b at c dot org"),
        ("my_function() in std::vec", "my function in std vec"),
        ("1920x1080 at 30 fps", "nineteen twenty by ten eighty at thirty frames per second"),
        ("a 2x gain → x ≥ 3", "a two times gain to x at least three"),
        ("press A -> B || C >= 2, i.e. ≥ 5x", "press A to B or C at least two that is at least five times"),
        ("the U.S. and A.I.", "the U.S and A.I"),
        ("Prof. X vs. No. 5", "professor X versus number five"),
        ("1,234,567.89", "one million two hundred thirty four thousand five hundred sixty seven point eight nine"),
        ("it’s the students' state-of-the-art", "it's the students state-of-the-art"),
    ] {
        assert_eq!(said(written), read, "{written}");
    }
}

#[test]
fn english_rules_are_for_english() {
    for language in ["de", "fr", "es", "it", "pt-BR", "ru", "hi", "ar", "th", "ko", "ja", "zh-Hans"] {
        for clause in narrate("5 km vs. 3,5 % am 3.10.2024, Dr. $5 IV FBI 10:30.", language, Options::default()).clauses {
            for word in &clause.words {
                // Voices are given no colons: the two numbers are read one after the other.
                let bare = word.text.replace(':', " ");
                assert!(bare.contains(word.spoken.as_str()), "{language}: {} is read {}", word.text, word.spoken);
            }
        }
    }
}

#[test]
fn ranges_point_at_the_source() {
    let source = "  It **costs** “$5 million”, naïve — 今天。 ok 😀 \n";
    let narration = narrate(source, "en", Options::default());
    let words: Vec<&str> = narration.clauses.iter().flat_map(|clause| &clause.words).map(|word| &source[word.range.clone()]).collect();
    assert_eq!(words, ["It", "costs", "$5 million", "naïve", "今", "天", "ok"]);
    let unspoken: Vec<&Unspoken> = narration.clauses.iter().flat_map(|clause| &clause.unspoken).collect();
    assert_eq!((unspoken.len(), unspoken[0].text.as_str(), &source[unspoken[0].range.clone()]), (1, "😀", "😀"));
    assert!(narration.clauses[0].text.starts_with("It costs “$5 million”,"), "{}", narration.clauses[0].text);
}

#[test]
fn odd_text_never_fails() {
    let mut seed = 7_u64;
    let alphabet: Vec<char> = "ab .,;:!?-–—…*_`~[](){}<>#\\/\n$€%5°1'’😀\u{fe0f}\u{200d}今。ａ\u{301}\tpause s@".chars().collect();
    for _ in 0..3000 {
        let text: String = (0..60)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(seed >> 33) as usize % alphabet.len()]
            })
            .collect();
        for language in ["en", "zh"] {
            let narration = narrate(&text, language, Options { longest_clause: 3, longest_first: 1 });
            let mut last = 0;
            for clause in &narration.clauses {
                assert!(clause.words.len() <= 3);
                for word in &clause.words {
                    assert!(word.range.start >= last && word.range.end <= text.len() && text.is_char_boundary(word.range.end), "{text:?}");
                    assert!(!word.spoken.is_empty());
                    last = word.range.start;
                }
            }
        }
    }
    for hostile in ["[".repeat(100_000), "*a".repeat(50_000), "<".repeat(100_000), "a".repeat(100_000), "&".repeat(1000)] {
        narrate(&hostile, "en", Options::default());
    }
    assert_eq!(narrate("", "en", Options::default()), Narration::default());
    assert!(narrate("😀", "en", Options::default()).clauses[0].words.is_empty());
}

#[test]
fn marks_say_who_speaks() {
    let narration = narrate(
        "Nobody yet. [voice host] One, two [voice: kokoro:af_heart]three. Four.\n[voice]Five [voices] [voice](x).",
        "en",
        Options::default(),
    );
    let said: Vec<(Option<&str>, &str)> = narration.clauses.iter().map(|clause| (clause.voice.as_deref(), clause.text.as_str())).collect();
    let guest = Some("kokoro:af_heart");
    assert_eq!(
        said,
        [(None, "Nobody yet."), (Some("host"), "One, two"), (guest, "three."), (guest, "Four."), (None, "Five [voices] voice.")]
    );
    assert!(narration.clauses[..4].iter().all(|clause| clause.ends != Ends::Comma), "a turn is a sentence");
}

#[test]
fn sounds_in_place_of_words() {
    let clause = narrate("Say [GIF](say:/dʒˈɪf/) now.", "en", Options::default()).clauses.remove(0);
    assert_eq!(
        (clause.words[1].sounds.as_deref(), clause.words[1].spoken.as_str(), clause.words[1].text.as_str()),
        (Some("dʒˈɪf"), "GIF", "GIF")
    );
}

#[test]
fn a_narration_is_read_without_its_marks() {
    let source = "A *first* sentence, [pause 1s] with `code`. And [one more](say:another).\n\nA second paragraph,\nwrapped.";
    assert_eq!(readable(source), "A first sentence, with code. And one more.\n\nA second paragraph, wrapped.");
    assert_eq!(readable("See ([Kubernetes](say:koo ber net ees)), “[x](say:ex)”!"), "See (Kubernetes), “x”!");
    assert_eq!(readable("pre[fix](say:ficks)es stay"), "prefixes stay");
    assert_eq!(readable("[pause]"), "");
    assert_eq!(readable("春眠不觉晓。处处闻啼鸟。"), "春眠不觉晓。处处闻啼鸟。");
}
