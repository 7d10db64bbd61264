use super::*;
use crate::compositor::captions::band;
use crate::drawing::Scene;
use crate::lesson::canvas::{Look, Schedule};
use crate::lesson::{MAX_BULLET_CHARS, MAX_BULLETS, Narration, Visual};
use engine::time::Span;

fn slide(overlays: Vec<Overlay>) -> Slide {
    Slide {
        id: "1".into(),
        number: 1,
        title: "One".into(),
        visual: Visual::Color([0; 3]),
        narration: Narration::Silence(Span::from_seconds(9)),
        voice: None,
        presenter: Default::default(),
        overlays,
        transition: None,
        duration: None,
    }
}

/// Where something of these overlays is seen when all are there.
fn seen(overlays: Vec<Overlay>, picture: Size, presenter: Option<Rect>) -> Rect {
    seen_with(overlays, picture, presenter, None)
}

/// The same where captions lie over them.
fn seen_with(overlays: Vec<Overlay>, picture: Size, presenter: Option<Rect>, captions: Option<Rect>) -> Rect {
    let canvas = lay_out(&slide(overlays), picture, presenter, captions).canvas;
    let hidden = vec![Look::Hidden; canvas.objects.len()];
    Scene::new(&canvas, picture).changed(&hidden, &[])
}

fn bullets(count: usize, characters: usize) -> Vec<Overlay> {
    let text: String = "Words of some length, one after the other. ".chars().cycle().take(characters).collect();
    (0..count).map(|_| Overlay::new(OverlayRole::Bullet, text.trim())).collect()
}

const HD: Size = Size::new(1920, 1080);
/// As the lecture graph has it: 40 % of the height, at the right.
const CORNER: Rect = Rect { x: 1524, y: 648, width: 360, height: 432 };

#[test]
fn bullets_have_a_quarter_of_the_width_and_end_above_the_presenter() {
    let few = seen(bullets(4, 30), HD, Some(CORNER));
    assert!(few.x >= 1440 - 16 && few.x + few.width as i32 <= 1920 && few.y + few.height as i32 <= 648, "{few:?}");
    // Alone they stand in the middle of the height.
    let alone = seen(bullets(4, 30), HD, None);
    assert!((alone.y + alone.height as i32 / 2).abs_diff(540) < 12 && alone.x == few.x, "{alone:?}");
    // What is too much for the right is on the left.
    let many = seen(bullets(9, 60), HD, Some(CORNER));
    assert!(many.x < 40 && many.x + many.width as i32 <= 480 + 16 && many.height > 500, "{many:?}");
}

#[test]
fn bullets_are_numbered_from_the_top_in_their_authors_order_whenever_each_comes() {
    let bullet =
        |text: &str, at: i64| Overlay { from: Some(Trigger::Time(Span::from_seconds(at))), ..Overlay::new(OverlayRole::Bullet, text) };
    let canvas = lay_out(&slide(vec![bullet("Last said", 6), bullet("First said", 1), bullet("Said between", 3)]), HD, None, None).canvas;
    let mut texts: Vec<(f64, f64, &str)> = Vec::new();
    for object in &canvas.objects {
        if let Content::Text(text) = &object.content {
            texts.push(((object.y + object.height / 2.0).round(), object.x, &text.paragraphs[0].runs[0].text));
        }
    }
    texts.sort_by(|one, two| one.partial_cmp(two).expect("numbers"));
    let texts: Vec<&str> = texts.into_iter().map(|(.., text)| text).collect();
    assert_eq!(texts, ["1", "Last said", "2", "First said", "3", "Said between"]);
}

#[test]
fn letters_of_bullets_are_28_pixels_high_and_24_where_more_must_fit() {
    // Each size that is chosen while more and more bullets must fit into the column.
    let sizes = |picture: Size| {
        let size = |count: usize| {
            let canvas = lay_out(&slide(bullets(count, 60)), picture, None, None).canvas;
            let sizes = canvas.objects.iter().filter_map(|object| match &object.content {
                Content::Text(text) => Some(text.paragraphs[0].runs[0].style.size),
                _ => None,
            });
            // The number on its disc is smaller.
            sizes.fold(0.0, f64::max)
        };
        let mut sizes: Vec<f64> = (1..=MAX_BULLETS).map(size).collect();
        sizes.dedup();
        sizes
    };
    assert_eq!(sizes(HD)[..2], [28.0, 24.0]);
    let smaller = sizes(Size::new(1280, 720));
    assert!((smaller[0] - 28.0 / 1.5).abs() < 1e-9 && (smaller[1] - 24.0 / 1.5).abs() < 1e-9, "{smaller:?}");
}

#[test]
fn as_much_as_a_lesson_may_have_fits_into_every_picture() {
    for (width, height) in [(1920, 1080), (1280, 720), (640, 480), (1080, 1920), (720, 720)] {
        let corner = Rect { x: width * 3 / 4, y: height * 3 / 5, width: width as u32 / 5, height: height as u32 * 2 / 5 };
        for presenter in [None, Some(corner)] {
            let area = seen(bullets(MAX_BULLETS, MAX_BULLET_CHARS), Size::new(width as u32, height as u32), presenter);
            let fits = area.y > 0 && area.y + (area.height as i32) < height && area.x > 0 && area.x + (area.width as i32) < width;
            assert!(fits, "{width}x{height}, {presenter:?}: {area:?}");
        }
    }
}

#[test]
fn boxes_keep_clear_of_each_other_and_of_the_presenter() {
    let text = |text: &str, from: i64, until: i64| Overlay {
        from: Some(Trigger::Time(Span::from_millis(from))),
        until: Some(Time::ZERO + Span::from_millis(until)),
        ..Overlay::new(OverlayRole::Text, text)
    };
    let one = seen(vec![text("One", 0, 500)], HD, Some(CORNER));
    let after = seen(vec![text("One", 0, 500), text("Two", 500, 900)], HD, Some(CORNER));
    assert!(one.x < 80 && one.y + one.height as i32 > 1000 && after.height == one.height, "{one:?} {after:?}");
    let both = seen(vec![text("One", 0, 500), text("Two", 400, 900)], HD, Some(CORNER));
    assert!(both.height > one.height * 2 - 30, "{both:?}");
    // On a telephone the presenter takes most of the width: the name stands above.
    let upright = Rect { x: 400, y: 1152, width: 640, height: 768 };
    let name = Overlay { detail: "Analyst".into(), ..Overlay::new(OverlayRole::LowerThird, "Ada King of Lovelace") };
    let third = seen(vec![name.clone()], Size::new(1080, 1920), Some(upright));
    assert!(third.y + third.height as i32 <= 1152, "{third:?}");
    // Where its author puts it.
    let right = Overlay { anchor: Some(Anchor::TopRight), ..name };
    let third = seen(vec![right], HD, Some(CORNER));
    assert!(third.y < 60 && third.x + third.width as i32 > 1860, "{third:?}");
    let left = Rect { x: 36, ..CORNER };
    assert!(seen(vec![text("One", 0, 500)], HD, Some(left)).x > 1500, "the presenter stands at the left");
}

#[test]
fn what_captions_would_cover_stands_above_them() {
    let text = |text: &str| Overlay::new(OverlayRole::Text, text);
    let name = Overlay { detail: "Analyst".into(), ..Overlay::new(OverlayRole::LowerThird, "Ada King of Lovelace") };
    for (picture, corner) in [(HD, CORNER), (Size::new(640, 480), Rect { x: 464, y: 288, width: 160, height: 192 })] {
        let captions = band(picture);
        let end = |overlay: &Overlay, captions: Option<Rect>| {
            let area = seen_with(vec![overlay.clone()], picture, Some(corner), captions);
            area.y + area.height as i32
        };
        for overlay in [text("As of May, all of the numbers"), name.clone()] {
            // As much as a pixel or two more counts as touched.
            assert!(end(&overlay, None) > captions.y + 2, "{picture}, {overlay:?}");
            assert!(end(&overlay, Some(captions)) <= captions.y + 2, "{picture}, {overlay:?}");
        }
        // Nothing else moves.
        let top = Overlay { anchor: Some(Anchor::TopLeft), ..name.clone() };
        assert_eq!(end(&top, None), end(&top, Some(captions)), "{picture}");
    }
    // Captions are not as wide as the picture: what is short stands beside them.
    let short = |captions: Option<Rect>| seen_with(vec![text("1")], HD, Some(CORNER), captions);
    assert_eq!(short(None), short(Some(band(HD))));
    let many = |captions: Option<Rect>| seen_with(bullets(MAX_BULLETS, MAX_BULLET_CHARS), HD, None, captions);
    let (before, now) = (many(None), many(Some(band(HD))));
    assert!(before.y + before.height as i32 > band(HD).y + 2 && now.y + now.height as i32 <= band(HD).y + 2, "{before:?} {now:?}");
}

/// What is seen of a lower third at a time in the slide: of the bar, of the plate, and of its letters; 0 to 1.
fn parts(overlay: &Overlay, at: Span) -> (f64, f64, f64) {
    let canvas = lay_out(&slide(vec![overlay.clone()]), HD, None, None).canvas;
    let looks = Schedule::new(&canvas, "").looks(at);
    let seen = |look: &Look| match look {
        Look::Hidden => 0.0,
        Look::Partly(_, part) => *part,
        Look::Whole => 1.0,
    };
    // Shadow, plate and rim, then the bar, name and detail.
    let [shapes @ .., bar, name, detail] = &looks[..] else { panic!("{looks:?}") };
    (seen(bar), seen(&shapes[0]), seen(name).max(seen(detail)))
}

#[test]
fn a_name_goes_before_its_plate_and_the_bar_last_and_all_of_it_by_its_end() {
    let name = Overlay { detail: "Analyst".into(), ..Overlay::new(OverlayRole::LowerThird, "Ada King of Lovelace") };
    let until = |from: i64, until: i64| Overlay {
        from: Some(Trigger::Time(Span::from_millis(from))),
        until: Some(Time::ZERO + Span::from_millis(until)),
        ..name.clone()
    };
    // Without a time it comes after 800 ms and stays five seconds; the last one is there for less than it takes to come.
    for (overlay, end, takes) in [(until(500, 3000), 3000, 450), (name.clone(), 6100, 450), (until(500, 900), 900, 200)] {
        let at = |before: i64| parts(&overlay, Span::from_millis(end - before));
        assert_eq!(at(0), (0.0, 0.0, 0.0), "{overlay:?}");
        for before in 1..=takes {
            let (bar, plate, letters) = at(before);
            assert!(letters == 0.0 || plate > 0.9, "{before} ms before its end: {plate} of the plate, {letters} of the letters");
            assert!(plate == 0.0 || bar > 0.9, "{before} ms before its end: {bar} of the bar, {plate} of the plate");
        }
    }
    assert_eq!(parts(&until(500, 3000), Span::from_millis(2500)), (1.0, 1.0, 1.0));
}
