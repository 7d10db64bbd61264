//! Captions in ten scripts.

use crate::sheet::{Sheet, over};
use engine::cue::{Cue, WordCue};
use engine::frame::{Size, VideoFrame};
use engine::node::{In, Out};
use engine::packet::Packet;
use engine::registry::Defaults;
use engine::testing::NodeTest;
use engine::time::{Rate, Span, Time};
use image::{Rgb, RgbImage};
use plugins::compositor::captions::CAPTIONS;
use std::sync::Arc;

const CUES: In<Cue> = In::new("cues");
const LAYER: Out<VideoFrame> = Out::new("layer");
const SIZE: Size = Size::new(960, 270);
/// Captions count in parts of the height; these are half of a picture 540 high.
const HEIGHT: Size = Size::new(960, 540);

/// Script, language, two lines, a word of them.
const SCRIPTS: [(&str, &str, &str, &str); 10] = [
    ("Latin", "en", "Captions are shown while they are said,\nand break where a phrase ends.", "shown"),
    ("Greek", "el", "Σήμερα θα δούμε πώς λειτουργεί\nένας ηλεκτρικός κινητήρας.", "λειτουργεί"),
    ("Cyrillic", "ru", "Сегодня мы узнаем, как работает\nэлектрический двигатель.", "работает"),
    ("Arabic", "ar", "اليوم سوف نرى كيف يعمل المحرك الكهربائي،\nولماذا تبلغ كفاءته 95 بالمئة.", "يعمل"),
    ("Hebrew", "he", "היום נראה כיצד פועל מנוע חשמלי (DC),\nומדוע הוא יעיל כל כך.", "פועל"),
    ("Devanagari", "hi", "आज हम देखेंगे कि बिजली की मोटर\nकैसे काम करती है, और क्यों।", "मोटर"),
    ("Thai", "th", "วันนี้เราจะมาดูกันว่ามอเตอร์ไฟฟ้า\nทำงานอย่างไร และน้ำที่ปั๊มไปไหน", "มอเตอร์ไฟฟ้า"),
    ("Chinese", "zh", "今天我们来看看电动机是如何工作的，\n以及它为什么如此高效。", "电动机"),
    ("Japanese", "ja", "今日はモーターがどのように動くのか、\nなぜ効率が良いのかを見ていきましょう。", "モーター"),
    ("Korean", "ko", "오늘은 전동기가 어떻게 작동하는지,\n왜 효율이 높은지 알아보겠습니다.", "전동기가"),
];

/// Each script on a plate, on a dark and a light picture in turn; then two with an outline.
pub fn scripts() -> Sheet {
    let mut sheet = Sheet::new(SIZE, 2);
    for (index, (script, language, text, word)) in SCRIPTS.iter().enumerate() {
        let config = format!("{{ language: {language}, size: 8%, highlight: \"#ffd84d\" }}");
        sheet.add(picture(&config, text, word, index % 4 > 1), *script);
    }
    for (index, (script, language, text, word)) in [SCRIPTS[0], SCRIPTS[3]].iter().enumerate() {
        let config = format!("{{ language: {language}, size: 8%, highlight: \"#ffd84d\", look: outline }}");
        sheet.add(picture(&config, text, word, index == 0), format!("{script}, outline"));
    }
    sheet
}

/// What the node makes of a caption while one of its words is spoken, over something like a slide.
fn picture(config: &str, text: &str, word: &str, light: bool) -> RgbImage {
    let lasting = |cue: Cue| Packet::lasting(Time::ZERO, Span::SECOND, cue);
    let word = WordCue { text: word.into(), range: None, stressed: false, emphasis: false, estimated: false };
    let cues = vec![lasting(Cue::Caption(text.into())), lasting(Cue::Word(Arc::new(word)))];
    let defaults = Defaults { size: HEIGHT, fps: Rate::per_second(30), sample_rate: Rate::per_second(48_000) };
    let out = NodeTest::new(&CAPTIONS, config).defaults(defaults).input(CUES, cues, Time::ZERO + Span::SECOND).run();
    let layers = out.unwrap_or_else(|failure| panic!("{config}: {failure}")).packets(LAYER);
    let mut whole = RgbImage::from_fn(HEIGHT.width, HEIGHT.height, |x, y| {
        let shade = ((x + 2 * y) / 14 % 60) as u8;
        if light { Rgb([250 - shade / 2, 246 - shade, 214]) } else { Rgb([24, 52 + shade, 92 + shade / 2]) }
    });
    over(&mut whole, &layers[0].media);
    image::imageops::crop_imm(&whole, 0, HEIGHT.height - SIZE.height, SIZE.width, SIZE.height).to_image()
}
