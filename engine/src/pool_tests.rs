use super::*;
use crate::frame::Point;

fn solid(pool: &Pool, size: Size, level: u8) -> VideoFrame {
    let mut frame = pool.blank(PixelFormat::I420, size);
    frame.bytes_mut().fill(level);
    frame.freeze()
}

fn at(x: i32, y: i32, width: u32, height: u32) -> Rect {
    Rect { x, y, width, height }
}

fn fill(frame: &mut FrameMut, rect: Rect, level: u8) {
    for plane in frame.draw(rect).1.into_iter().flatten() {
        (0..plane.size.height as usize).for_each(|y| plane.data[y * plane.stride..][..plane.size.width as usize].fill(level));
    }
}

#[test]
fn a_recycled_buffer_shows_the_base_again() {
    let pool = Pool::new();
    let size = Size::new(32, 16);
    let base = solid(&pool, size, 40);
    let mut first = pool.on(&base);
    let (rect, planes) = first.draw(Rect::new(Point { x: 5, y: 3 }, Size::new(4, 4)));
    assert_eq!(rect, Rect { x: 4, y: 2, width: 6, height: 6 });
    for plane in planes.into_iter().flatten() {
        for row in 0..plane.size.height as usize {
            plane.data[row * plane.stride..][..plane.size.width as usize].fill(200);
        }
    }
    let shown = first.freeze();
    assert_eq!(shown.picture.plane(0).data[3 * 32 + 6], 200);
    assert_eq!(shown.picture.plane(1).data[16 + 3], 200);
    let address = shown.picture.bytes().as_ptr();
    drop(shown);
    let second = pool.on(&base).freeze();
    assert_eq!(second.picture.bytes().as_ptr(), address, "the buffer is used again");
    assert_eq!(second.picture.bytes(), base.picture.bytes());
}

#[test]
fn what_will_be_written_anyway_is_not_restored() {
    let (pool, size) = (Pool::new(), Size::new(32, 16));
    let base = solid(&Pool::new(), size, 40);
    // The hole inside what was drawn, over each of its edges and corners, beside it, around it.
    let holes = [at(8, 4, 4, 4), at(2, 2, 6, 6), at(14, 8, 8, 8), at(0, 6, 32, 2), at(10, 0, 2, 16), at(24, 12, 8, 4), at(0, 0, 32, 16)];
    for hole in holes {
        let mut first = pool.on(&base);
        fill(&mut first, at(4, 4, 12, 8), 200);
        drop(first.freeze());
        let mut second = pool.around(&base, hole);
        let laid = pool.laid();
        fill(&mut second, hole, 90);
        let mut expected = Pool::new().on(&base);
        fill(&mut expected, hole, 90);
        assert!(second.freeze().picture.bytes() == expected.freeze().picture.bytes(), "{hole:?}");
        assert!(pool.on(&base).freeze().picture.bytes() == base.picture.bytes(), "{hole:?}");
        // Dropped before anything is drawn.
        drop(pool.around(&base, hole));
        assert!(pool.on(&base).freeze().picture.bytes() == base.picture.bytes(), "{hole:?}");
        assert_eq!((pool.laid(), pool.copies()), (laid, 0));
    }
}

#[test]
fn of_what_stays_only_that_is_drawn_which_a_buffer_lacks() {
    let (pool, size) = (Pool::new(), Size::new(64, 32));
    let base = solid(&Pool::new(), size, 40);
    // By number, what may stay: a title, a name, a stamp over the title's corner. Each has versions, with their own levels.
    let places = [at(0, 0, 20, 6), at(2, 20, 12, 8), at(16, 4, 8, 8)];
    let (mover, everywhere) = (at(40, 10, 12, 12), size.rect());
    let level = |index: usize, what: u64, x: i32| if x < 8 { 100 + 10 * index as u8 } else { 100 + 10 * index as u8 + what as u8 };
    // Where it is drawn for a picture with these, and something that moves in a place; the picture is as if all were drawn on the base.
    let frame = |which: &[(usize, u64)], knows: bool, moves: Option<Rect>| {
        let rect = moves.unwrap_or_default();
        let still = |&(index, what): &(usize, u64)| Still { pose: index as u64, what, area: vec![places[index]] };
        let still: Vec<Still> = which.iter().map(still).collect();
        let draw = |frame: &mut FrameMut, (index, what): (usize, u64), part: Rect| {
            // Versions differ from x = 8 on.
            let [left, right] = [at(0, 0, 8, 32), at(8, 0, 56, 32)].map(|half| half.intersect(part));
            [left, right].into_iter().filter(|half| !half.is_empty()).for_each(|half| fill(frame, half, level(index, what, half.x)));
        };
        let mut drawn: Vec<Rect> = Vec::new();
        let differs = |_: usize, _: u64| knows.then(|| vec![at(8, 0, 56, 32)]);
        let mut made = pool.with(&base, &still, rect, differs, |frame, n, parts| {
            drawn.extend(parts);
            parts.iter().for_each(|part| draw(frame, which[n], *part));
        });
        fill(&mut made, rect, 200);
        let mut expected = Pool::new().on(&base);
        which.iter().for_each(|one| draw(&mut expected, *one, places[one.0]));
        fill(&mut expected, rect, 200);
        assert!(made.freeze().picture.bytes() == expected.freeze().picture.bytes(), "{which:?} {moves:?}");
        drawn
    };
    let [title, name, stamp] = places;
    let twice = |which: &[(usize, u64)], moves| [(); 2].map(|()| frame(which, true, moves));
    assert_eq!(twice(&[(0, 0)], Some(mover)), [vec![title], vec![]]);
    assert_eq!(twice(&[(0, 0), (1, 0)], Some(mover)), [vec![name], vec![]], "what is there already stays");
    assert_eq!(twice(&[(0, 0), (1, 1)], Some(mover)), [vec![at(8, 20, 6, 8)], vec![]], "of another version, what differs");
    assert_eq!(frame(&[(0, 0), (1, 2)], false, None), [name], "all of it where that is not known");
    assert_eq!(twice(&[(0, 0), (1, 2), (2, 0)], None), [vec![at(16, 4, 4, 2), stamp], vec![]], "what lies under it is drawn there, too");
    assert_eq!(twice(&[(0, 0), (1, 2)], None), [vec![at(16, 4, 4, 2)], vec![]], "and when it has gone");
    assert_eq!(twice(&[], Some(mover)), [vec![], vec![]]);
    // What should not be drawn over it was: it is drawn anew.
    assert_eq!([None, Some(everywhere), None].map(|moves| frame(&[(0, 0)], true, moves)), [vec![title], vec![], vec![title]]);
    assert_eq!((pool.on(&base).freeze().picture.bytes() == base.picture.bytes(), pool.laid(), pool.copies()), (true, 1, 0));
}

#[test]
fn drawings_far_apart_are_restored_each_for_itself() {
    let (pool, size) = (Pool::new(), Size::new(64, 32));
    let base = solid(&Pool::new(), size, 40);
    let all = [at(0, 0, 8, 4), at(50, 20, 10, 10), at(2, 20, 6, 6), at(40, 0, 4, 4), at(54, 2, 6, 4), at(6, 2, 4, 20)];
    for count in 0..=all.len() {
        let mut drawn = crate::frame::Drawn::default();
        let mut frame = pool.on(&base);
        for rect in &all[..count] {
            drawn.add(*rect);
            for plane in frame.draw(*rect).1.into_iter().flatten() {
                (0..plane.size.height as usize).for_each(|y| plane.data[y * plane.stride..][..plane.size.width as usize].fill(200));
            }
        }
        let kept: Vec<Rect> = drawn.rects().collect();
        assert!(all[..count].iter().all(|rect| kept.iter().any(|kept| kept.intersect(*rect) == *rect)), "{kept:?}");
        assert!(kept.iter().enumerate().all(|(i, a)| kept[i + 1..].iter().all(|b| a.intersect(*b).is_empty())), "{kept:?}");
        drop(frame.freeze());
        assert!(pool.on(&base).freeze().picture.bytes() == base.picture.bytes(), "{count}");
    }
    let mut corners = crate::frame::Drawn::default();
    [at(0, 0, 8, 4), at(50, 20, 10, 10)].into_iter().for_each(|rect| corners.add(rect));
    assert_eq!(corners.rects().map(Rect::area).sum::<u64>(), 132, "not all that lies between them");
}

#[test]
fn a_base_is_laid_once_a_buffer_and_everything_more_is_a_copy() {
    let (elsewhere, pool) = (Pool::new(), Pool::new());
    let base = solid(&elsewhere, Size::new(16, 16), 40);
    let held: Vec<VideoFrame> = (0..3).map(|_| pool.on(&base).freeze()).collect();
    drop(held);
    for _ in 0..100 {
        drop(pool.on(&base).freeze());
    }
    assert_eq!((pool.laid(), pool.copies()), (3, 0), "three buffers, however many frames");
    let other = solid(&elsewhere, Size::new(16, 16), 90);
    drop(pool.on(&other).freeze());
    assert_eq!((pool.laid(), pool.copies()), (4, 0));

    // One's own picture as the base of the next.
    let mut shown = pool.on(&other).freeze();
    for _ in 0..5 {
        shown = pool.on(&shown).freeze();
    }
    assert_eq!(pool.copies(), 5);
    // Frames that never come back.
    let kept: Vec<VideoFrame> = (0..KEEP + 10).map(|_| elsewhere.on(&shown).freeze()).collect();
    assert_eq!((elsewhere.laid(), elsewhere.copies(), kept.len()), (KEEP as u64, 10, KEEP + 10));
}

#[test]
fn a_producer_gets_back_the_newest_of_its_pictures_that_is_free() {
    let (pool, size) = (Pool::new(), Size::new(16, 16));
    assert!(pool.again(PixelFormat::I420, size).is_none());
    let frames: Vec<VideoFrame> = (0..3).map(|level| solid(&pool, size, level)).collect();
    let id = frames[2].picture.id();
    drop(frames);
    let (frame, known) = pool.again(PixelFormat::I420, size).expect("they came back");
    assert_eq!(known, id);
    assert_eq!(frame.freeze().picture.bytes()[0], 2);
    assert!(pool.again(PixelFormat::I420, Size::new(32, 16)).is_none());
}

#[test]
fn what_is_copied_is_within_even_edges_of_the_part_in_every_plane() {
    let (pool, size) = (Pool::new(), Size::new(16, 8));
    let bright = solid(&pool, size, 90);
    let mut frame = pool.black(PixelFormat::I420, size);
    // Grown to 2, 2 to 6, 6; clipped at the picture's edge.
    frame.copy(&bright.picture, Rect { x: 3, y: 3, width: 2, height: 2 });
    frame.copy(&bright.picture, Rect { x: 14, y: 4, width: 9, height: 9 });
    let (frame, black) = (frame.freeze(), pool.black(PixelFormat::I420, size).freeze());
    for plane in 0..3 {
        let half = i32::from(plane > 0);
        let (is, was, from) = (frame.picture.plane(plane), black.picture.plane(plane), bright.picture.plane(plane));
        for (x, y) in (0..16 >> half).flat_map(|x| (0..8 >> half).map(move |y| (x, y))) {
            let (left, top) = (x << half, y << half);
            let copied = (2..6).contains(&left) && (2..6).contains(&top) || left >= 14 && top >= 4;
            let at = y as usize * is.stride + x as usize;
            assert_eq!(is.data[at], if copied { from.data[at] } else { was.data[at] }, "plane {plane}: {x}, {y}");
        }
    }
}

#[test]
fn another_base_is_copied_whole_and_sizes_do_not_mix() {
    let pool = Pool::new();
    let (a, b) = (solid(&pool, Size::new(16, 16), 10), solid(&pool, Size::new(16, 16), 90));
    drop(pool.on(&a).freeze());
    assert_eq!(pool.on(&b).freeze().picture.bytes(), b.picture.bytes());
    assert_eq!(pool.blank(PixelFormat::A420, Size::new(16, 16)).bytes_mut().len(), 16 * 16 * 2 + 8 * 8 * 2);
}
