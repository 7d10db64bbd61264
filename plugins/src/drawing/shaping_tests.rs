//! Letters are chosen and placed as HarfBuzz does it (`hb-shape`), and put in order as Pango does it (`pango-view`): in ten scripts.

use super::TextBlock;
use super::text::GlyphRun;
use crate::lesson::canvas::{Paragraph, Run, Style, Text};
use std::process::Command;

/// Font family and a line, in each of ten scripts; marks, ligatures, joining letters and kerned pairs among them. The font has all
/// characters of its line: what it lacks (Noto Sans Hebrew has no comma) is taken from another one.
const SCRIPTS: [(&str, &str); 10] = [
    ("Noto Sans", "AVATAR Type, office: “fjord” naïve Ça Wörter"),
    ("Noto Sans", "Σήμερα θα δούμε πώς, ΐΰ ᾧ λειτουργεί"),
    ("Noto Sans", "Сегодня мы узнаем, как её щука"),
    ("Noto Sans Arabic", "اليوم سَوفَ نَرى، لا إله كَيفَ يعمل؟"),
    ("Noto Sans Hebrew", "הַיּוֹם נִרְאֶה כיצד פועל שׁלום"),
    ("Noto Sans Devanagari", "आज हम देखेंगे कि क्षत्रिय विद्या र्कि ज्ञान ट्ट"),
    ("Noto Sans Thai", "วันนี้ เราจะมาดูกันว่าน้ำที่ ปั๊ม กตัญญู"),
    ("Noto Sans CJK SC", "今天我们来看看，电动机是如何工作的？"),
    ("Noto Sans CJK JP", "今日は「モーター」が、どのように動くか。"),
    ("Noto Sans CJK KR", "오늘은 전동기가 어떻게, 작동하는지"),
];

const SIZE: f64 = 50.0;

/// The runs of a line, from left to right.
fn runs(family: &str, line: &str) -> Vec<GlyphRun> {
    let style = Style { family: family.into(), size: SIZE, ..Style::default() };
    let paragraph = Paragraph { runs: vec![Run { text: line.into(), style }], ..Paragraph::default() };
    TextBlock::lay_out(&Text { paragraphs: vec![paragraph], ..Text::default() }, 0.0).runs
}

/// What a program says.
fn says(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output();
    let out = out.unwrap_or_else(|error| panic!("{program} (scripts/setup installs it): {error}"));
    assert!(out.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Glyph and place of each letter as HarfBuzz sets the line in one go: `gid@dx,dy+advance|…`, in units of `em` to the font size.
fn harfbuzz(font: &std::path::Path, index: u32, em: u32, line: &str) -> Vec<(u32, f64)> {
    let (file, index, size) = (format!("--font-file={}", font.display()), format!("--face-index={index}"), format!("--font-size={em}"));
    let said = says("hb-shape", &["--no-glyph-names", "--no-clusters", &file, &index, &size, line]);
    let mut pen = 0.0;
    let glyph = |item: &str| {
        let (glyph, advance) = item.split_once('+').unwrap_or((item, "0"));
        let (id, dx) = match glyph.split_once('@') {
            Some((id, offset)) => (id, offset.split(',').next().unwrap().parse().unwrap()),
            None => (glyph, 0.0),
        };
        let x = pen + dx;
        pen += advance.split(',').next().unwrap().parse::<f64>().unwrap();
        (id.parse().unwrap(), x * SIZE / f64::from(em))
    };
    said.trim().trim_matches(['[', ']']).split('|').map(glyph).collect()
}

#[test]
fn glyphs_and_their_places_are_those_of_harfbuzz_in_ten_scripts() {
    let folder = tempfile::tempdir().unwrap();
    for (family, line) in SCRIPTS {
        let runs = runs(family, line);
        let font = &runs[0].font;
        assert!(runs.iter().all(|run| run.font.data.id() == font.data.id()), "{family} has all letters of {line}");
        let file = folder.path().join("font");
        std::fs::write(&file, font.data.data()).unwrap();
        let theirs = harfbuzz(&file, font.index, 4096, line);
        let left = runs[0].glyphs[0].x - theirs[0].1 as f32;
        let ours: Vec<(u32, f64)> = runs.iter().flat_map(|run| &run.glyphs).map(|glyph| (glyph.id, f64::from(glyph.x - left))).collect();
        assert_eq!(ours.iter().map(|(id, _)| *id).collect::<Vec<_>>(), theirs.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{line}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours.1 - theirs.1).abs() < 1.0, "{line}: {ours:?} is at {theirs:?}");
        }
        assert!(ours.iter().all(|(id, _)| *id != 0), "{line}: a letter is missing");
    }
}

#[test]
fn lines_of_two_directions_are_in_the_order_of_pango() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layout.json");
    // Of fonts that have both scripts: whose space or mark is taken between two fonts is everybody's own choice.
    for (family, line) in [
        ("DejaVu Sans", "Hello שלום 123 (עולם) end"),
        ("DejaVu Sans", "שלום Hello 3.5 עולם!"),
        ("DejaVu Sans", "The word كتاب means “book”, كتب “books”."),
        ("DejaVu Sans", "يعمل GPU بسرعة 25 مرة (CPU)."),
        ("Noto Sans CJK JP", "GPUは25倍 速い。"),
    ] {
        let to = format!("--serialize-to={}", file.display());
        says("pango-view", &["--no-display", &format!("--font={family} 50"), &to, "--text", line]);
        let layout: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let theirs = layout["output"]["lines"][0]["runs"].as_array().unwrap().iter();
        let theirs = theirs.flat_map(|run| run["glyphs"].as_array().unwrap()).map(|glyph| glyph["glyph"].as_u64().unwrap());
        let ours: Vec<u64> = runs(family, line).iter().flat_map(|run| &run.glyphs).map(|glyph| u64::from(glyph.id)).collect();
        assert_eq!(ours, theirs.collect::<Vec<_>>(), "{line}");
    }
}
