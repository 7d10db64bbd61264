use super::*;
use crate::pixels::frame_to_rgba;
use engine::cue::WordCue;
use engine::testing::NodeTest;
use engine::time::{Rate, Span};
use std::sync::Arc;

const RATE: Rate = Rate::per_second(30);
const HD: Size = Size::new(1920, 1080);

fn caption(millis: i64, length: i64, text: &str) -> Packet<Cue> {
    Packet::lasting(Time::ZERO + Span::from_millis(millis), Span::from_millis(length), Cue::Caption(text.into()))
}

fn word(millis: i64, text: &str) -> Packet<Cue> {
    let cue = WordCue { text: text.into(), range: None, stressed: false, emphasis: false, estimated: false };
    Packet::lasting(Time::ZERO + Span::from_millis(millis), Span::from_millis(200), Cue::Word(Arc::new(cue)))
}

fn layers(size: Size, config: &str, cues: Vec<Packet<Cue>>) -> Vec<(i64, VideoFrame)> {
    let defaults = Defaults { size, fps: RATE, sample_rate: Rate::per_second(48_000) };
    let end = RATE.time_of(300);
    let out = NodeTest::new(&CAPTIONS, config).defaults(defaults).input(CUES, cues, end).run();
    let out = out.unwrap_or_else(|failure| panic!("{config}: {failure}"));
    assert_eq!(out.end(LAYER), Some(end));
    out.packets(LAYER).into_iter().map(|packet| (RATE.index_at(packet.pts), packet.media)).collect()
}

/// Where in the picture the layer lies.
fn area(layer: &VideoFrame) -> Rect {
    Rect::new(layer.place.unwrap(), layer.size())
}

/// How many pixels have about this colour.
fn pixels_of(layer: &VideoFrame, color: [u8; 3]) -> usize {
    let near = |pixel: &[u8; 4]| pixel[3] > 200 && pixel[..3].iter().zip(color).all(|(a, b)| a.abs_diff(b) < 24);
    frame_to_rgba(layer).as_chunks::<4>().0.iter().filter(|pixel| near(pixel)).count()
}

#[test]
fn captions_come_and_go_at_their_times_and_are_drawn_once() {
    let cues = vec![caption(100, 1500, "First line\nand a second"), caption(1600, 1400, "Another"), caption(5000, 2000, "After a pause")];
    let all = layers(HD, "{}", cues);
    assert_eq!(all.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), [3, 48, 90, 150, 210]);
    let [(_, two), (_, one), (_, gone), ..] = &all[..] else { panic!() };
    // Centred, 5 % from the bottom, and no larger than the text.
    for layer in [two, one] {
        let area = area(layer);
        assert!((area.x + area.width as i32 / 2).abs_diff(960) <= 2, "{area:?}");
        assert!((area.y + area.height as i32).abs_diff(1080 - 54) <= 2, "{area:?}");
    }
    assert!(two.size().height > one.size().height * 3 / 2 && two.size().width < 600);
    assert_eq!(area(gone).intersect(HD.rect()), Rect::default());
    assert!(pixels_of(one, [255; 3]) > 500);
    assert!(layers(HD, "{}", vec![caption(0, 1000, " \n ")]).is_empty(), "nothing to read, nothing to show");
}

#[test]
fn the_word_being_spoken_is_lit() {
    let cues = vec![caption(0, 3000, "one two\nthree"), word(0, "one"), word(400, "two"), word(800, "three")];
    let all = layers(HD, "{ highlight: \"#ffd84d\" }", cues.clone());
    assert_eq!(all.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), [0, 12, 24, 90]);
    let lit: Vec<usize> = all.iter().map(|(_, layer)| pixels_of(layer, [255, 216, 77])).collect();
    assert!(lit[..3].iter().all(|&count| count > 200) && lit[2] > lit[0] && lit[3] == 0, "{lit:?}");
    let places: Vec<Rect> = all[..3].iter().map(|(_, layer)| area(layer)).collect();
    assert!(places.iter().all(|place| *place == places[0]), "it does not move: {places:?}");
    let all = layers(HD, "{}", cues);
    assert_eq!((all.len(), pixels_of(&all[0].1, [255, 216, 77])), (2, 0));
}

#[test]
fn what_was_lit_before_leaves_nothing_behind() {
    let text = "fjord AVAfj one two\nthree fAVA four";
    for config in ["{ highlight: \"#ffd84d\" }", "{ look: outline, highlight: \"#ffd84d\" }"] {
        let words: Vec<&str> = text.split_whitespace().collect();
        let said = words.iter().enumerate().map(|(n, said)| word(200 * n as i64, said));
        let all = layers(HD, config, std::iter::once(caption(0, 3000, text)).chain(said).collect());
        assert_eq!(all.len(), words.len() + 1);
        for ((_, layer), said) in all.iter().zip(&words) {
            let alone = layers(HD, config, vec![caption(0, 3000, text), word(0, said)]);
            assert!(layer.picture.bytes() == alone[0].1.picture.bytes(), "{config} {said}");
        }
        // Only the word differs from a caption of which nothing is lit.
        let (plain, lit) = (frame_to_rgba(&layers(HD, config, vec![caption(0, 3000, text)])[0].1), frame_to_rgba(&all[3].1));
        let differ = |near: u8| plain.iter().zip(&lit).filter(|(a, b)| a.abs_diff(**b) > near).count();
        assert!(differ(40) > 300 && differ(0) < plain.len() / 8, "{} and {} of {}", differ(40), differ(0), plain.len());
    }
}

#[test]
fn a_highlight_of_the_same_colour_changes_nothing() {
    let cues = vec![caption(0, 2000, "one two"), word(0, "one"), word(400, "two")];
    for color in ["#ffffff", "#ffd84d"] {
        let all = layers(HD, &format!("{{ color: \"{color}\", highlight: \"{color}\" }}"), cues.clone());
        let plain = layers(HD, &format!("{{ color: \"{color}\" }}"), cues.clone());
        let (plain, lit) = (frame_to_rgba(&plain[0].1), all[..2].iter().map(|(_, layer)| frame_to_rgba(layer)));
        assert!(lit.into_iter().all(|lit| lit.iter().zip(&plain).all(|(a, b)| a.abs_diff(*b) <= 4)), "{color}");
    }
}

#[test]
fn long_lines_stay_in_the_safe_area_in_every_shape_of_picture() {
    let text = "A line of letters that is as long as it may be\nand another one that has about as many of them";
    for (size, config) in
        [(HD, "{}"), (Size::new(640, 480), "{ size: 8% }"), (Size::new(720, 1280), "{ look: outline }"), (Size::new(64, 36), "{}")]
    {
        let all = layers(size, config, vec![caption(0, 2000, text)]);
        let area = area(&all[0].1);
        let (left, top) = (size.width as i32 / 20 - 2, size.height as i32 / 20 - 2);
        assert!(area.x >= left && area.x + area.width as i32 <= size.width as i32 - left, "{size}: {area:?}");
        assert!(area.y >= top.min(area.y) && area.y + area.height as i32 <= size.height as i32 - top, "{size}: {area:?}");
    }
    let top = area(&layers(HD, "{ edge: top }", vec![caption(0, 2000, text)])[0].1);
    assert_eq!(top.y, 54);
}

#[test]
fn two_full_lines_stay_two_in_an_upright_picture_and_lie_in_the_band_that_others_keep_clear_of() {
    let text = "A line of letters that is as long as it\nmay be, and another one that is as long as";
    // As before in 16:9 and 4:3: letters of 5 % of the height.
    for (size, letters) in [(HD, 54.0), (Size::new(640, 480), 24.0), (Size::new(360, 640), 13.5), (Size::new(1080, 1920), 40.5)] {
        let (area, band) = (area(&layers(size, "{}", vec![caption(0, 2000, text)])[0].1), band(size));
        let high = letters * (2.0 * 1.32 + 2.0 * 0.14);
        assert!((f64::from(area.height) - high).abs() <= 3.0, "{size}: {area:?}");
        assert!(band.y.abs_diff(area.y) <= 2 && band.x <= area.x && band.width >= area.width, "{size}: {area:?} in {band:?}");
    }
}

#[test]
fn an_outline_leaves_the_picture_between_the_letters() {
    let all = layers(HD, "{ look: outline }", vec![caption(0, 2000, "HIHIHI")]);
    let rgba = frame_to_rgba(&all[0].1);
    let alpha =
        |threshold: std::ops::RangeInclusive<u8>| rgba.as_chunks::<4>().0.iter().filter(|pixel| threshold.contains(&pixel[3])).count();
    assert!(alpha(0..=0) > rgba.len() / 4 / 5 && alpha(250..=255) > 1000);
    assert!(pixels_of(&all[0].1, [255; 3]) > 500 && pixels_of(&all[0].1, [10, 12, 16]) > 500);
}

#[test]
fn languages_choose_among_the_fonts_of_the_same_characters() {
    let font = |language: &str| plate::families(language, None).split("CJK ").nth(1).unwrap()[..2].to_string();
    let found = ["zh", "zh-TW", "zh-Hant-HK", "zh-Hant", "ja", "ko-KR", "en", "yue"].map(font);
    assert_eq!(found, ["SC", "TC", "HK", "TC", "JP", "KR", "JP", "HK"]);
    assert!(plate::families("en", Some("Lato")).starts_with("Lato, Noto Sans,"));
    let picture = |language: &str| frame_to_rgba(&layers(HD, &format!("{{ language: {language} }}"), vec![caption(0, 2000, "直骨")])[0].1);
    assert_ne!(picture("zh"), picture("ja"));
    assert_eq!(picture("ja"), picture("ja"));
}

#[test]
fn mistakes_are_named() {
    let refused = |config: &str| NodeTest::new(&CAPTIONS, config).run().err().expect("refused").to_string();
    assert!(refused("{ size: 40% }").contains("2% to 20%"));
    let value = engine::graph::parse::parse("{ lesson: nowhere/deck.pptx }", &Arc::from("test")).unwrap();
    let config = (CAPTIONS.config.parse)(&value, "config").unwrap();
    assert!(config.check_env().unwrap_err().contains("no file nowhere/deck.pptx"));
}
