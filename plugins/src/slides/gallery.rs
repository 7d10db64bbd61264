//! The pictures of a lesson's slides, drawn on a thread of their own, one ahead.
//!
//! At most three are in memory: the one asked for last, the next one (drawn while the first shows), and whichever the caller still
//! holds. So a change of slide waits for no drawing, and memory does not grow with the number of slides.

use super::canvas_show::Still;
use crate::drawing::{Painter, Scene};
use crate::lesson::canvas::{Canvas, Schedule};
use crate::lesson::{Frames, FramesError, Lesson, LessonError, Rasterizer, Visual, numbered};
use crate::pixels::rgba_to_i420;
use crossbeam_channel::{Sender, bounded};
use engine::frame::{Size, VideoFrame};
use engine::node::{Failure, Result};
use engine::pool::Pool;
use engine::run::{Bridge, Cancel};
use engine::time::Span;
use std::sync::Arc;

/// What stands in for a picture that cannot be shown.
pub fn plain(size: Size, pool: &Pool) -> VideoFrame {
    let picture = Rasterizer::new().draw(&PLAIN, (size.width, size.height)).expect("one colour can always be drawn");
    rgba_to_i420(&picture.rgba, size, pool).expect("the graph's size is even and the picture has it")
}

/// Light grey.
const PLAIN: Visual = Visual::Color([0xe6, 0xe8, 0xeb]);

/// A slide's picture, as far as it could be drawn.
#[derive(Clone)]
pub struct Drawn {
    /// The picture, or a plain one; of a canvas the one that it begins with.
    pub frame: VideoFrame,
    /// Of a canvas, to go on from there.
    pub still: Option<Arc<Still>>,
    /// What is not seen, and why.
    pub fault: Option<Arc<str>>,
}

/// The drawing thread and the picture asked for last. Dropping it ends the thread after the picture at hand.
pub struct Gallery {
    /// For each slide whether it is a picture to be drawn.
    draws: Vec<bool>,
    jobs: Sender<usize>,
    drawn: Bridge<Drawn>,
    /// What the thread is drawing, or has drawn and nobody fetched.
    asked: Option<usize>,
    last: Option<(usize, Drawn)>,
    /// The next slide is drawn while one shows.
    ahead: bool,
}

impl Gallery {
    /// Starts the thread; it begins with the slide `first`, and goes `ahead` to the next one whenever it has drawn one.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(lesson: Arc<Lesson>, size: Size, first: usize, ahead: bool, cancel: &Cancel) -> Result<Gallery> {
        let (jobs, queue) = bounded::<usize>(1);
        let (done, drawn) = Bridge::new(1, cancel);
        let draws = lesson.slides.iter().map(|slide| !matches!(slide.visual, Visual::Clip(_))).collect();
        let work = move || {
            let (mut rasterizer, mut painter, pool) = (Rasterizer::new(), Painter::default(), Pool::new());
            for index in queue {
                let picture = match &lesson.slides[index].visual {
                    Visual::Canvas(canvas) => draw_canvas(&mut painter, canvas, size, &pool),
                    Visual::Frames(frames) => match first_of(frames) {
                        Ok(first) => draw(&mut rasterizer, &first, size, &pool),
                        Err(_) => draw(&mut rasterizer, &PLAIN, size, &pool),
                    },
                    visual => draw(&mut rasterizer, visual, size, &pool),
                };
                if done.send(picture).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("slides".into()).spawn(work)?;
        let mut gallery = Gallery { draws, jobs, drawn, asked: None, last: None, ahead };
        gallery.ask(first);
        Ok(gallery)
    }

    /// The picture of a slide, and a start on the next one's where it goes ahead. Waits while it is being drawn.
    ///
    /// # Errors
    /// When the run is cancelled meanwhile, or the thread has ended.
    pub fn picture(&mut self, index: usize) -> Result<Drawn> {
        if let Some((last, drawn)) = &self.last
            && *last == index
        {
            return Ok(drawn.clone());
        }
        if self.asked.is_some_and(|asked| asked != index) {
            // It was drawn for nothing: the lecture went elsewhere.
            self.fetch()?;
        }
        if self.asked.is_none() {
            self.ask(index);
        }
        let drawn = self.fetch()?;
        self.last = Some((index, drawn.clone()));
        if self.ahead {
            self.ask(index + 1);
        }
        Ok(drawn)
    }

    fn ask(&mut self, index: usize) {
        if self.draws.get(index).is_some_and(|draws| *draws) {
            // The thread only ends with a panic, which `fetch` reports.
            let _ = self.jobs.send(index);
            self.asked = Some(index);
        }
    }

    fn fetch(&mut self) -> Result<Drawn> {
        let drawn = self.drawn.recv()?;
        // Not before: a wait that a flush ends leaves the picture on its way.
        self.asked = None;
        drawn.ok_or_else(|| Failure::msg("the thread that draws slides ended without an answer"))
    }
}

fn draw(rasterizer: &mut Rasterizer, visual: &Visual, size: Size, pool: &Pool) -> Drawn {
    let mut frame = |visual: &Visual| -> std::result::Result<VideoFrame, LessonError> {
        let picture = rasterizer.draw(visual, (size.width, size.height))?;
        Ok(rgba_to_i420(&picture.rgba, size, pool).expect("the graph's size is even and the picture has it"))
    };
    match frame(visual) {
        Ok(frame) => Drawn { frame, still: None, fault: None },
        Err(error) => {
            let fault = format!("its picture cannot be drawn, a plain ground is shown: {error}");
            Drawn { frame: plain(size, pool), still: None, fault: Some(fault.into()) }
        }
    }
}

/// The first picture of a film. What is wrong with it is said by whoever shows the film.
fn first_of(frames: &Frames) -> std::result::Result<Visual, FramesError> {
    let first = numbered(&frames.folder)?.swap_remove(0);
    Ok(Visual::Image { path: first, hash: frames.hash })
}

/// A canvas as it is when its slide begins.
fn draw_canvas(painter: &mut Painter, canvas: &Canvas, size: Size, pool: &Pool) -> Drawn {
    let mut scene = Scene::new(canvas, size);
    let fault = match std::mem::take(&mut scene.faults) {
        faults if faults.is_empty() => None,
        faults => Some(format!("a picture on it cannot be drawn and is left out: {}", faults.join("; ")).into()),
    };
    let still = Still::new(scene, Schedule::new(canvas, "").looks(Span::ZERO), painter);
    let frame = rgba_to_i420(still.picture.data_as_u8_slice(), size, pool).expect("the graph's size is even and the picture has it");
    Drawn { frame, still: Some(still.into()), fault }
}
