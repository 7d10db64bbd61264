use super::*;
use crate::lesson::canvas::{
    Align, Canvas, Color, Content, Effect, Fit, Image, ImageFile, Look, Object, Outline, Paint, Paragraph, Run, Shape, Side, Stop, Stroke,
    Style, Text, VerticalAlign,
};
use engine::frame::{Rect, Size};
use vello_cpu::Pixmap;

const SIZE: Size = Size::new(320, 180);
const RED: Color = Color::rgb(255, 0, 0);

fn canvas(objects: Vec<Object>) -> Canvas {
    Canvas { objects, ..Canvas::new(320.0, 180.0, Paint::Color(Color::WHITE)) }
}

fn shape(outline: Outline, fill: Paint) -> Content {
    Content::Shape(Shape { outline, fill: Some(fill), stroke: None })
}

fn block(color: Color) -> Content {
    shape(Outline::Rectangle { radius: 0.0 }, Paint::Color(color))
}

fn text(said: &str, style: Style) -> Text {
    Text { paragraphs: vec![line(said, style)], line_height: 1.2, ..Text::default() }
}

fn line(said: &str, style: Style) -> Paragraph {
    Paragraph { runs: vec![Run { text: said.into(), style }], ..Paragraph::default() }
}

fn draw(canvas: &Canvas, looks: &[Look]) -> Pixmap {
    let scene = Scene::new(canvas, SIZE);
    assert_eq!(scene.faults, [""; 0]);
    Painter::default().picture(&scene, looks)
}

fn one(object: Object) -> Pixmap {
    draw(&canvas(vec![object]), &[])
}

fn at(picture: &Pixmap, x: u16, y: u16) -> [u8; 4] {
    let pixel = picture.sample(x, y);
    [pixel.r, pixel.g, pixel.b, pixel.a]
}

/// The box of all pixels that are not white: left, top, right, bottom.
fn inked(picture: &Pixmap) -> Option<[u16; 4]> {
    let mut found: Option<[u16; 4]> = None;
    for y in 0..picture.height() {
        for x in 0..picture.width() {
            if at(picture, x, y) != [255; 4] {
                let [x0, y0, x1, y1] = found.unwrap_or([x, y, x, y]);
                found = Some([x0.min(x), y0.min(y), x1.max(x), y1.max(y)]);
            }
        }
    }
    found
}

const WHITE: [u8; 4] = [255; 4];

#[test]
fn each_shape_has_its_form() {
    let frame = [100.0, 40.0, 80.0, 60.0];
    let rectangle = one(Object::new("o", frame, block(RED)));
    assert_eq!(inked(&rectangle), Some([100, 40, 179, 99]));
    assert_eq!(at(&rectangle, 100, 40), RED.0);
    let rounded = one(Object::new("o", frame, shape(Outline::Rectangle { radius: 20.0 }, Paint::Color(RED))));
    assert_eq!((at(&rounded, 101, 41), at(&rounded, 140, 41), at(&rounded, 101, 70)), (WHITE, RED.0, RED.0));
    let ellipse = one(Object::new("o", frame, shape(Outline::Ellipse, Paint::Color(RED))));
    assert_eq!((at(&ellipse, 106, 46), at(&ellipse, 140, 41), at(&ellipse, 140, 70)), (WHITE, RED.0, RED.0));
    let path = one(Object::new("o", frame, shape(Outline::Path("M0 0 L80 0 L0 60 Z".into()), Paint::Color(RED))));
    assert_eq!((at(&path, 105, 45), at(&path, 174, 94)), (RED.0, WHITE));
    let stroke = Stroke { color: RED, width: 4.0, dash: vec![] };
    let line = one(Object::new(
        "o",
        frame,
        Content::Shape(Shape { outline: Outline::Line, fill: Some(Paint::Color(RED)), stroke: Some(stroke.clone()) }),
    ));
    assert_eq!((at(&line, 140, 70), at(&line, 140, 90)), (RED.0, WHITE), "a line has no inside");
    let dashed = Stroke { dash: vec![10.0, 10.0], ..stroke };
    let hollow = Shape { outline: Outline::Rectangle { radius: 0.0 }, fill: None, stroke: Some(dashed) };
    let hollow = one(Object::new("o", frame, Content::Shape(hollow)));
    assert_eq!((at(&hollow, 105, 40), at(&hollow, 115, 40), at(&hollow, 140, 70)), (RED.0, WHITE, WHITE));
}

#[test]
fn the_line_around_letters_lies_under_all_of_them() {
    let style = Style { size: 80.0, weight: 700, color: RED, ..Style::default() };
    let object = |stroke| Object::new("o", [20.0, 30.0, 280.0, 120.0], Content::Text(Text { stroke, ..text("illi", style.clone()) }));
    let width = |width| Some(Stroke { color: Color::BLACK, width, dash: vec![] });
    let (plain, edged) = (one(object(None)), one(object(width(24.0))));
    let ([x0, y0, x1, y1], [left, top, right, bottom]) = (inked(&plain).unwrap(), inked(&edged).unwrap());
    let beyond = [x0 - left, y0 - top, right - x1, bottom - y1];
    assert!(beyond.iter().all(|side| (11..=13).contains(side)), "half of its width: {beyond:?}");
    for y in 0..180 {
        for x in 0..320 {
            // A letter that is next to another is not covered by that one's line.
            assert!(at(&plain, x, y) != RED.0 || at(&edged, x, y) == RED.0, "{x}, {y}");
        }
    }
    assert_eq!(at(&edged, left + 3, (y0 + y1) / 2), Color::BLACK.0);
    assert!(one(object(width(0.0))).data_as_u8_slice() == plain.data_as_u8_slice(), "a line of no width is none");
}

#[test]
fn gradients_go_from_stop_to_stop() {
    let stops = || vec![Stop { at: 0.0, color: Color::BLACK }, Stop { at: 1.0, color: Color::WHITE }];
    let across = one(Object::new(
        "o",
        [0.0, 0.0, 320.0, 180.0],
        shape(Outline::Rectangle { radius: 0.0 }, Paint::Linear { angle: 0.0, stops: stops() }),
    ));
    let levels = [2, 160, 317].map(|x| at(&across, x, 90)[0]);
    assert!(levels[0] < 6 && (120..136).contains(&levels[1]) && levels[2] > 249, "{levels:?}");
    let down = one(Object::new(
        "o",
        [0.0, 0.0, 320.0, 180.0],
        shape(Outline::Rectangle { radius: 0.0 }, Paint::Linear { angle: 90.0, stops: stops() }),
    ));
    assert!(at(&down, 5, 2)[0] < 6 && at(&down, 5, 177)[0] > 249);
    let round =
        one(Object::new("o", [0.0, 0.0, 320.0, 180.0], shape(Outline::Rectangle { radius: 0.0 }, Paint::Radial { stops: stops() })));
    assert!(at(&round, 160, 90)[0] < 6 && at(&round, 1, 1)[0] > 240);
}

#[test]
fn transforms_work_around_the_middle() {
    let frame = [100.0, 80.0, 100.0, 20.0];
    let turned = one(Object { angle: 90.0, ..Object::new("o", frame, block(RED)) });
    assert_eq!(inked(&turned), Some([140, 40, 159, 139]));
    let larger = one(Object { scale: [0.5, 2.0], ..Object::new("o", frame, block(RED)) });
    assert_eq!(inked(&larger), Some([125, 70, 174, 109]));
    let stops = vec![Stop { at: 0.0, color: Color::BLACK }, Stop { at: 1.0, color: RED }];
    let mirrored = one(Object {
        scale: [-1.0, 1.0],
        ..Object::new("o", frame, shape(Outline::Rectangle { radius: 0.0 }, Paint::Linear { angle: 0.0, stops }))
    });
    assert!(at(&mirrored, 102, 90)[0] > 240 && at(&mirrored, 197, 90)[0] < 15);
    let half = one(Object { opacity: 0.5, ..Object::new("o", frame, block(RED)) });
    assert!((126..=129).contains(&at(&half, 150, 90)[1]));
}

#[test]
fn a_canvas_of_another_shape_is_fitted_and_its_ground_goes_on() {
    let square = Canvas {
        objects: vec![Object::new("o", [0.0, 0.0, 100.0, 100.0], block(RED))],
        ..Canvas::new(100.0, 100.0, Paint::Color(Color::rgb(0, 0, 255)))
    };
    let picture = draw(&square, &[]);
    assert_eq!((at(&picture, 10, 90), at(&picture, 160, 2), at(&picture, 71, 90)), ([0, 0, 255, 255], RED.0, RED.0));
    let clear = Canvas { ground: Paint::Color(Color([0; 4])), ..square };
    assert_eq!(at(&draw(&clear, &[]), 10, 90), [0; 4], "a ground may be transparent");
}

#[test]
fn pictures_fit_their_boxes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    // Left half red, right half half transparent green.
    image::RgbaImage::from_fn(400, 100, |x, _| image::Rgba(if x < 200 { [255, 0, 0, 255] } else { [0, 255, 0, 128] })).save(&path).unwrap();
    let object = |fit, radius| {
        let image = Image { file: ImageFile { path: path.clone(), hash: Default::default() }, fit, radius };
        one(Object::new("o", [100.0, 40.0, 100.0, 100.0], Content::Image(image)))
    };
    let filled = object(Fit::Fill, 0.0);
    assert_eq!((inked(&filled), at(&filled, 110, 50)), (Some([100, 40, 199, 139]), RED.0));
    let [red, green, blue, _] = at(&filled, 190, 50);
    assert!((126..=128).contains(&red) && green == 255 && (126..=128).contains(&blue), "over white");
    assert_eq!(inked(&object(Fit::Contain, 0.0)), Some([100, 77, 199, 102]));
    let cover = object(Fit::Cover, 30.0);
    assert_eq!((at(&cover, 101, 41), at(&cover, 140, 50)), (WHITE, RED.0), "corners are round");
    let lost = Canvas { picture: Some(ImageFile { path: dir.path().join("b.png"), hash: Default::default() }), ..canvas(vec![]) };
    let scene = Scene::new(&lost, SIZE);
    assert!(scene.faults[0].contains("b.png"));
    assert_eq!(inked(&Painter::default().picture(&scene, &[])), None, "the rest is drawn");
}

#[test]
fn effects_are_parts_of_the_way() {
    let frame = [100.0, 40.0, 80.0, 60.0];
    let drawn = |effect, part| draw(&canvas(vec![Object::new("o", frame, block(RED))]), &[Look::Partly(effect, part)]);
    assert_eq!(inked(&draw(&canvas(vec![Object::new("o", frame, block(RED))]), &[Look::Hidden])), None);
    assert!((190..=192).contains(&at(&drawn(Effect::Fade, 0.25), 140, 60)[1]));
    assert_eq!(inked(&drawn(Effect::Fly(Side::Left), 0.5)), Some([10, 40, 89, 99]));
    assert_eq!(inked(&drawn(Effect::Fly(Side::Bottom), 0.5)), Some([100, 110, 179, 169]));
    assert!(inked(&drawn(Effect::Fly(Side::Right), 0.001)).unwrap()[0] == 319, "as good as outside");
    assert_eq!(inked(&drawn(Effect::Wipe(Side::Left), 0.25)), Some([100, 40, 119, 99]));
    assert_eq!(inked(&drawn(Effect::Wipe(Side::Top), 0.5)), Some([100, 40, 179, 69]));
    assert_eq!(inked(&drawn(Effect::Wipe(Side::Right), 0.25)), Some([160, 40, 179, 99]));
    assert_eq!(inked(&drawn(Effect::Wipe(Side::Bottom), 0.5)), Some([100, 70, 179, 99]));
    assert_eq!(inked(&drawn(Effect::Zoom, 0.5)), Some([120, 55, 159, 84]));
    let floating = drawn(Effect::Float(Side::Bottom), 0.5);
    assert!(inked(&floating).unwrap()[1] > 40 && at(&floating, 140, 70)[1] > 100);
}

/// Objects of all kinds that overlap.
fn crowd() -> Canvas {
    let mut objects = Vec::new();
    for index in 0..8 {
        let step = f64::from(index);
        let content = match index % 4 {
            0 => Content::Text(text("Overlapping words in fi ligatures", Style { size: 24.0, ..Style::default() })),
            1 => shape(Outline::Ellipse, Paint::Color(Color([0, 90, 200, 160]))),
            2 => block(Color::rgb(200, 160, 40)),
            _ => Content::Shape(Shape {
                outline: Outline::Path("M0 0 C 30 60 60 -60 90 40".into()),
                fill: None,
                stroke: Some(Stroke { color: RED, width: 3.0, dash: vec![] }),
            }),
        };
        objects.push(Object {
            angle: step * 9.0,
            opacity: 1.0 - step * 0.07,
            ..Object::new(index.to_string(), [20.0 + step * 30.5, 10.0 + step * 13.3, 120.0, 50.0], content)
        });
    }
    canvas(objects)
}

#[test]
fn what_is_drawn_anew_in_part_equals_what_is_drawn_whole() {
    let scene = Scene::new(&crowd(), SIZE);
    let effects = [Effect::Fade, Effect::Fly(Side::Left), Effect::Zoom, Effect::Wipe(Side::Top), Effect::Float(Side::Right), Effect::Fade];
    let moments: Vec<Vec<Look>> = (0..12)
        .map(|moment| {
            let look = |index: usize| match (moment + index) % 7 {
                0 => Look::Hidden,
                1 => Look::Whole,
                step => Look::Partly(effects[index % effects.len()], step as f64 / 7.0),
            };
            (0..8).map(|index| if index == moment % 8 || index == 3 { look(index) } else { Look::Whole }).collect()
        })
        .collect();
    let mut painter = Painter::default();
    let mut picture = painter.picture(&scene, &moments[0]);
    for pair in moments.windows(2) {
        let changed = scene.changed(&pair[0], &pair[1]);
        painter.paint(&scene, &pair[1], changed, &mut picture);
        let whole = Painter::default().picture(&scene, &pair[1]);
        assert!(picture.data_as_u8_slice() == whole.data_as_u8_slice(), "{changed:?}");
    }
    assert_eq!(scene.changed(&moments[0], &moments[0]), Rect::default());
}

/// Shapes, gradients, strokes, opacity and effects in a grid: what needs no font.
fn sheet() -> image::RgbaImage {
    let stops = || vec![Stop { at: 0.0, color: Color::rgb(30, 64, 175) }, Stop { at: 1.0, color: Color::rgb(14, 165, 233) }];
    let blue = || Paint::Linear { angle: 45.0, stops: stops() };
    let stroke = |dash| Some(Stroke { color: Color::rgb(217, 119, 6), width: 4.0, dash });
    let forms = [
        Shape { outline: Outline::Rectangle { radius: 24.0 }, fill: Some(blue()), stroke: stroke(vec![]) },
        Shape { outline: Outline::Ellipse, fill: Some(Paint::Radial { stops: stops() }), stroke: stroke(vec![16.0, 10.0]) },
        Shape { outline: Outline::Path("M0 60 C 40 -60 100 160 160 20 L 160 100 L 0 100 Z".into()), fill: Some(blue()), stroke: None },
        Shape { outline: Outline::Line, fill: None, stroke: stroke(vec![]) },
    ];
    let looks = [
        Look::Whole,
        Look::Partly(Effect::Fade, 0.4),
        Look::Partly(Effect::Fly(Side::Left), 0.7),
        Look::Partly(Effect::Float(Side::Bottom), 0.6),
        Look::Partly(Effect::Zoom, 0.6),
        Look::Partly(Effect::Wipe(Side::Left), 0.6),
    ];
    let mut sheet = image::RgbaImage::new(6 * 160, 4 * 90);
    for (row, form) in forms.into_iter().enumerate() {
        let object = Object { angle: 12.0, opacity: 0.9, ..Object::new("o", [80.0, 30.0, 160.0, 120.0], Content::Shape(form)) };
        let scene = Scene::new(&canvas(vec![object]), Size::new(160, 90));
        for (column, look) in looks.into_iter().enumerate() {
            let cell = Painter::default().picture(&scene, &[look]).data_as_u8_slice().to_vec();
            let cell = image::RgbaImage::from_raw(160, 90, cell).unwrap();
            image::imageops::replace(&mut sheet, &cell, 160 * column as i64, 90 * row as i64);
        }
    }
    sheet
}

/// What was looked at and found right. When a change is meant: delete `golden.png`, run this test twice, look at the new one.
#[test]
fn shapes_and_effects_look_as_they_did_when_they_were_looked_at() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/drawing/golden.png");
    let drawn = sheet();
    if !path.is_file() {
        drawn.save(&path).unwrap();
        panic!("{} was written anew; look at it and run the test again", path.display());
    }
    let golden = image::open(&path).unwrap().into_rgba8();
    let difference: u64 = drawn.iter().zip(golden.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = difference as f64 / drawn.len() as f64;
    assert!(drawn.dimensions() == golden.dimensions() && mean < 0.25, "a mean difference of {mean}");
}

#[test]
fn text_is_broken_aligned_and_placed() {
    let style = || Style { size: 20.0, ..Style::default() };
    let long = text("Several words that do not fit into one line", style());
    let block = TextBlock::lay_out(&long, 120.0);
    assert!(block.size().0 <= 120.0 && block.size().1 > 3.0 * 24.0 - 0.1, "{:?}", block.size());
    let one_line = TextBlock::lay_out(&long, 0.0).size();
    assert!(one_line.0 > 300.0 && (one_line.1 - 24.0).abs() < 0.5, "{one_line:?}");
    let placed = |align, anchor| {
        let text = Text { align, anchor, ..text("word", style()) };
        inked(&one(Object::new("t", [20.0, 20.0, 280.0, 140.0], Content::Text(text)))).unwrap()
    };
    let left = placed(Align::Start, VerticalAlign::Top);
    let middle = placed(Align::Center, VerticalAlign::Middle);
    let right = placed(Align::End, VerticalAlign::Bottom);
    assert!(left[0] < 24 && left[1] < 36, "{left:?}");
    assert!((middle[0] + middle[2]).abs_diff(320) <= 3 && middle[1] > 75 && middle[3] < 105, "{middle:?}");
    assert!(right[2] > 295 && right[3] > 145, "{right:?}");
    let unbroken = TextBlock::lay_out(&text("Donaudampfschifffahrtsgesellschaft", style()), 100.0);
    assert!(unbroken.size().0 <= 100.0, "a long word is broken");
}

#[test]
fn markers_stand_in_the_indent() {
    let style = Style { size: 20.0, ..Style::default() };
    let item = |marker: Option<&str>| Text {
        paragraphs: vec![Paragraph { marker: marker.map(String::from), indent: 40.0, ..line("item", style.clone()) }],
        line_height: 1.2,
        ..Text::default()
    };
    let inked_of = |text| inked(&one(Object::new("t", [50.0, 50.0, 200.0, 40.0], Content::Text(text)))).unwrap();
    let (without, with) = (inked_of(item(None)), inked_of(item(Some("•"))));
    assert!(without[0] >= 89 && with[0] < 85 && with[0] > 55 && with[2] == without[2], "{without:?} {with:?}");
}

#[test]
fn scripts_of_the_world_are_drawn_from_their_side() {
    let style = || Style { size: 24.0, ..Style::default() };
    for said in ["Größe", "Привет", "你好世界", "こんにちは", "안녕하세요", "สวัสดีครับ", "नमस्ते", "مرحبا بالعالم", "שלום"]
    {
        let block = TextBlock::lay_out(&text(said, style()), 300.0);
        let glyphs: Vec<u32> = block.runs.iter().flat_map(|run| &run.glyphs).map(|glyph| glyph.id).collect();
        assert!(!glyphs.is_empty() && glyphs.iter().all(|id| *id != 0), "{said} has no glyph for something: {glyphs:?}");
    }
    let arabic = inked(&one(Object::new("t", [20.0, 20.0, 280.0, 60.0], Content::Text(text("مرحبا", style()))))).unwrap();
    assert!(arabic[0] > 200 && arabic[2] > 290, "it begins on the right: {arabic:?}");
}

#[test]
fn letters_may_be_underlined_struck_bold_and_slanted() {
    let ink = |style: Style| {
        let picture = one(Object::new("t", [20.0, 20.0, 280.0, 60.0], Content::Text(text("Hill", style))));
        picture.data_as_u8_slice().chunks(4).map(|pixel| u64::from(255 - pixel[1])).sum::<u64>()
    };
    let plain = || Style { size: 30.0, ..Style::default() };
    let weight = ink(plain());
    assert!(ink(Style { weight: 700, ..plain() }) > weight * 11 / 10);
    assert!(ink(Style { underline: true, ..plain() }) > weight && ink(Style { strike: true, ..plain() }) > weight);
    assert_ne!(ink(Style { italic: true, ..plain() }), weight);
    assert_eq!(ink(Style { color: Color([0, 0, 0, 0]), ..plain() }), 0);
}
