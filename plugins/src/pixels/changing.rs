//! A picture with alpha that changes in places: what goes out shows all of it, only what has changed is converted, and what a buffer missed
//! while it was elsewhere is copied from the picture that went out last.

use super::{PixelError, Rgba, draw_rgba, reach};
use engine::frame::{PixelFormat, Rect, Size, VideoFrame, apart, beyond};
use engine::pool::{FrameMut, Pool};
use std::collections::VecDeque;

/// Pictures remembered: more than are about at once.
const SENT: usize = 128;

/// Makes the frames of such a picture. Their bytes are those of a whole conversion.
#[derive(Default)]
pub struct Changing {
    pool: Pool,
    size: Size,
    /// Pictures that went out and may come back, by their ids, each with where it differs from the one that went out last.
    sent: VecDeque<(u64, Vec<Rect>)>,
    /// The one that went out last.
    last: Option<VideoFrame>,
}

impl Changing {
    /// Nothing has gone out yet.
    pub fn new() -> Changing {
        Changing::default()
    }

    /// A frame that shows `picture`, which is what went out last but for the rectangles in `changed` (all of it, when it has another size)
    /// and transparent outside of those in `parts`; and where it differs from what went out last.
    ///
    /// # Errors
    /// None: the picture was looked at when it was made one.
    pub fn frame(&mut self, picture: Rgba<'_>, changed: Vec<Rect>, parts: &[Rect]) -> Result<(VideoFrame, Rect), PixelError> {
        let mut drawn = Ok(());
        let made =
            self.drawn(picture.size(), changed, parts, |frame, rect| drawn = drawn.clone().and(draw_rgba(frame, picture, rect).map(drop)));
        drawn.map(|()| made)
    }

    /// The same of a picture of which `draw` shows what lies in the [`reach`] of a rectangle.
    pub fn drawn(
        &mut self,
        size: Size,
        changed: Vec<Rect>,
        parts: &[Rect],
        mut draw: impl FnMut(&mut FrameMut, Rect),
    ) -> (VideoFrame, Rect) {
        if self.size != size {
            self.sent.clear();
            self.last = None;
            self.size = size;
        }
        let again = self.pool.again(PixelFormat::A420, size);
        for (_, lacking) in &mut self.sent {
            *lacking = apart(lacking.drain(..).chain(changed.iter().copied()));
        }
        let known = again.as_ref().and_then(|(_, id)| self.sent.iter().position(|(sent, _)| sent == id));
        // A buffer that still shows a picture of these lacks what has changed since, however long ago; any other shows nothing outside of the
        // parts before those are drawn.
        let whole = parts.contains(&size.rect());
        let (mut frame, lacking) = match (again, known.and_then(|index| self.sent.remove(index))) {
            (Some((frame, _)), Some((_, lacking))) => (frame, lacking),
            (Some((mut frame, _)), None) => {
                if !whole {
                    frame.clear(size.rect());
                }
                (frame, parts.to_vec())
            }
            (None, _) if whole => (self.pool.blank(PixelFormat::A420, size), parts.to_vec()),
            (None, _) => (self.pool.black(PixelFormat::A420, size), parts.to_vec()),
        };
        let anew = if let Some(last) = &self.last {
            let converted: Vec<Rect> = changed.iter().map(|rect| reach(*rect, size)).collect();
            let missed = lacking.into_iter().map(|rect| reach(rect, size));
            beyond(missed, &converted).into_iter().for_each(|rect| frame.copy(&last.picture, rect));
            &changed
        } else {
            &lacking
        };
        for rect in anew {
            draw(&mut frame, *rect);
        }
        let frame = frame.freeze();
        self.last = Some(frame.clone());
        if self.sent.len() == SENT {
            self.sent.pop_front();
        }
        let differs = changed.iter().map(|rect| reach(*rect, size)).fold(Rect::default(), Rect::union);
        self.sent.push_back((frame.picture.id(), Vec::new()));
        (frame, differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Alpha, rgba_to_a420};

    #[test]
    fn frames_are_those_of_whole_conversions_whatever_is_still_about() {
        let size = Size::new(64, 32);
        let mut pixels = vec![0; size.area() as usize * 4];
        let (mut changing, mut held, mut late) = (Changing::new(), VecDeque::new(), Vec::new());
        for step in 0..400_u32 {
            let rect = Rect { x: (step * 14 % 56) as i32, y: (step * 6 % 26) as i32, width: 8, height: 6 };
            for y in rect.y..rect.y + 6 {
                for x in rect.x..rect.x + 8 {
                    let alpha = (step * 37 % 256) as u8;
                    let pixel = [alpha / 2, alpha / 3, alpha, alpha];
                    pixels[(y as usize * 64 + x as usize) * 4..][..4].copy_from_slice(&pixel);
                }
            }
            let picture = Rgba::new(&pixels, size, Alpha::Premultiplied).unwrap();
            let parts = if step % 2 == 0 {
                vec![size.rect()]
            } else {
                vec![Rect { height: 16, ..size.rect() }, Rect { y: 16, height: 16, ..size.rect() }]
            };
            let (frame, differs) = changing.frame(picture, vec![rect], &parts).unwrap();
            assert_eq!(differs, Rect { width: 10.min(64 - rect.x as u32), ..rect });
            let whole = rgba_to_a420(&pixels, size, Alpha::Premultiplied, &Pool::new()).unwrap();
            assert!(frame.picture.bytes() == whole.picture.bytes(), "step {step}");
            // Some come back soon, some late, and one when it is forgotten.
            match step % 200 {
                10 => late.push(frame.clone()),
                170 => late.clear(),
                _ => {}
            }
            held.push_back(frame);
            if step % 3 != 0 || held.len() > 5 {
                held.pop_front();
            }
        }
        // Another size is another picture.
        let small = Size::new(32, 32);
        let picture = Rgba::new(&pixels[..32 * 32 * 4], small, Alpha::Premultiplied).unwrap();
        let (frame, _) = changing.frame(picture, Vec::new(), &[small.rect()]).unwrap();
        let whole = rgba_to_a420(&pixels[..32 * 32 * 4], small, Alpha::Premultiplied, &Pool::new()).unwrap();
        assert!(frame.picture.bytes() == whole.picture.bytes());
    }
}
