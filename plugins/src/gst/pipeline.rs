//! Pipelines that carry tracks out of the program: network sinks and the like.
//!
//! A pipeline runs on its own threads and its sink may be slow, so pushing waits, but never for ever: a full track, an error and the end
//! all wake the waiter, and every wait has a limit.

use super::error::GstError;
use engine::time::Span;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSrc, AppSrcCallbacks};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Data that a track may hold before its pusher waits.
const TRACK_TIME: gst::ClockTime = gst::ClockTime::from_mseconds(500);
/// How long a pipeline that is dropped is waited for; elements that talk to a peer may not answer at all.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// A running pipeline, fed through `appsrc` elements. Dropping it stops it.
pub struct Pipeline {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    tracks: Vec<(String, AppSrc)>,
    state: Arc<Shared>,
}

/// What the pipeline's threads tell the pushers.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// One flag a track.
    full: Vec<bool>,
    failure: Option<GstError>,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `done` or a failure; false when the time is over.
    fn wait(&self, limit: Duration, mut done: impl FnMut(&State) -> bool) -> Result<bool, GstError> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            if done(&state) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }
}

impl Pipeline {
    /// Builds a pipeline from a launch text and starts it. The text holds an `appsrc` for each track, by the track's name.
    ///
    /// # Errors
    /// When an element is missing, the text is wrong, a track has no `appsrc`, or the pipeline does not start.
    pub fn launch(description: &str, tracks: &[(&str, gst::Caps)]) -> Result<Pipeline, GstError> {
        Pipeline::launch_with(description, tracks, |_| Ok(()))
    }

    /// The same, with what is to be done to its elements before it starts.
    ///
    /// # Errors
    /// As [`Pipeline::launch`], and those of `prepare`.
    pub fn launch_with(
        description: &str,
        tracks: &[(&str, gst::Caps)],
        prepare: impl FnOnce(&Pipeline) -> Result<(), GstError>,
    ) -> Result<Pipeline, GstError> {
        super::init()?;
        let element = gst::parse::launch(description).map_err(|error| GstError::from_parser(&error))?;
        // A single element comes without a pipeline around it.
        let pipeline =
            element.downcast::<gst::Pipeline>().map_err(|_| GstError::Launch { text: "a pipeline needs two elements at least".into() })?;
        let bus = pipeline.bus().ok_or_else(|| GstError::Launch { text: "the pipeline has no bus".into() })?;
        let state = Arc::new(Shared::default());
        state.lock().full = vec![false; tracks.len()];
        let told = Arc::clone(&state);
        bus.set_sync_handler(move |_, message| {
            match message.view() {
                gst::MessageView::Error(error) => {
                    let failure = GstError::from_message(error);
                    told.change(|state| _ = state.failure.get_or_insert(failure));
                }
                gst::MessageView::Eos(_) => told.change(|state| state.ended = true),
                _ => {}
            }
            gst::BusSyncReply::Drop
        });
        let mut started = Pipeline { pipeline, bus, tracks: Vec::new(), state };
        for (index, (name, caps)) in tracks.iter().enumerate() {
            let source = started.pipeline.by_name(name).and_then(|element| element.downcast::<AppSrc>().ok());
            let source = source.ok_or_else(|| GstError::Launch { text: format!("it has no appsrc named {name}") })?;
            source.set_caps(Some(caps));
            source.set_format(gst::Format::Time);
            source.set_max_time(TRACK_TIME);
            source.set_max_bytes(0);
            source.set_max_buffers(0);
            let (hungry, sated) = (Arc::clone(&started.state), Arc::clone(&started.state));
            let callbacks = AppSrcCallbacks::builder()
                .need_data(move |_, _| hungry.change(|state| state.full[index] = false))
                .enough_data(move |_| sated.change(|state| state.full[index] = true));
            source.set_callbacks(callbacks.build());
            started.tracks.push(((*name).to_owned(), source));
        }
        prepare(&started)?;
        if started.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(started.check().err().unwrap_or_else(|| GstError::Launch { text: "the pipeline does not start".into() }));
        }
        Ok(started)
    }

    /// How long it has been running, by its own clock.
    pub fn running_time(&self) -> Span {
        let nanos = self.pipeline.current_running_time().map_or(0, gst::ClockTime::nseconds);
        Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// The element of this name, for its properties and signals.
    pub fn element(&self, name: &str) -> Option<gst::Element> {
        self.pipeline.by_name(name)
    }

    /// Puts a buffer on a track, after waiting at most `limit` for room.
    ///
    /// # Errors
    /// When the pipeline has failed or does not make room in time.
    ///
    /// # Panics
    /// When there is no such track.
    pub fn push(&self, track: usize, buffer: gst::Buffer, limit: Duration) -> Result<(), GstError> {
        if !self.state.wait(limit, |state| !state.full[track])? {
            return Err(GstError::Stalled { action: "take more data", seconds: limit.as_secs() });
        }
        let (name, source) = &self.tracks[track];
        source.push_buffer(buffer).map(|_| ()).map_err(|error| {
            let failed = GstError::Element { element: name.clone(), text: format!("it takes no more data ({error})") };
            self.check().err().unwrap_or(failed)
        })
    }

    /// The first error so far.
    ///
    /// # Errors
    /// That one.
    pub fn check(&self) -> Result<(), GstError> {
        self.state.lock().failure.clone().map_or(Ok(()), Err)
    }

    /// Ends all tracks and waits until everything has left, at most for `limit`.
    ///
    /// # Errors
    /// When the pipeline fails meanwhile or does not finish in time.
    pub fn end(self, limit: Duration) -> Result<(), GstError> {
        for (_, source) in &self.tracks {
            // A track that failed says so below.
            let _ = source.end_of_stream();
        }
        if self.state.wait(limit, |state| state.ended)? {
            Ok(())
        } else {
            Err(GstError::Stalled { action: "finish", seconds: limit.as_secs() })
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.bus.unset_sync_handler();
        let pipeline = self.pipeline.clone();
        let (done, stopped) = std::sync::mpsc::channel::<()>();
        // A sink whose peer hangs may keep this call for minutes: it is left behind then.
        let stopper = std::thread::Builder::new().name("gst-stop".into()).spawn(move || {
            let _ = pipeline.set_state(gst::State::Null);
            drop(done);
        });
        if stopper.is_ok() {
            let _ = stopped.recv_timeout(STOP_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gst::{picture_buffer, video_caps};
    use engine::frame::{PixelFormat, Size};
    use engine::media::VideoCaps;
    use engine::pool::Pool;
    use engine::time::Rate;

    const LIMIT: Duration = Duration::from_secs(20);

    fn launch(text: &str) -> Result<Pipeline, GstError> {
        crate::gst::init().unwrap();
        let caps = VideoCaps { format: PixelFormat::I420, size: Size::new(64, 48), rate: Rate::per_second(30) };
        Pipeline::launch(text, &[("video", video_caps(&caps))])
    }

    fn frame(index: i64) -> gst::Buffer {
        let rate = Rate::per_second(30);
        let frame = Pool::new().blank(PixelFormat::I420, Size::new(64, 48)).freeze();
        picture_buffer(&frame, rate.span_of(index), Some(rate.interval()))
    }

    #[test]
    fn all_that_is_pushed_arrives_before_the_end() {
        let pipeline = launch("appsrc name=video ! fakesink name=sink sync=false").unwrap();
        let sink = pipeline.element("sink").unwrap();
        for index in 0..200 {
            pipeline.push(0, frame(index), LIMIT).unwrap();
        }
        pipeline.end(LIMIT).unwrap();
        drop(sink);
    }

    #[test]
    fn an_error_is_told_by_the_element_and_ends_waiting() {
        let pipeline = launch("appsrc name=video ! identity name=breaker error-after=3 ! fakesink sync=false").unwrap();
        let failure = (0..100_000).find_map(|index| pipeline.push(0, frame(index), LIMIT).err()).unwrap();
        assert!(matches!(&failure, GstError::Element { element, .. } if element == "breaker"), "{failure}");
        assert_eq!(pipeline.end(LIMIT), Err(failure));
    }

    #[test]
    fn a_sink_that_takes_nothing_is_reported() {
        // Synchronised to the clock with frames an hour apart: it waits.
        let pipeline = launch("appsrc name=video ! fakesink sync=true").unwrap();
        let failure = (0..40).find_map(|index| pipeline.push(0, frame(index * 108_000), Duration::from_millis(200)).err());
        assert!(matches!(failure, Some(GstError::Stalled { .. })), "{failure:?}");
    }

    #[test]
    fn wrong_texts_are_errors() {
        assert_eq!(launch("appsrc name=video ! nosuchsink").err(), Some(GstError::Missing { element: "nosuchsink".into() }));
        assert!(launch("appsrc name=video ! ").is_err());
        assert!(launch("appsrc name=other ! fakesink").is_err());
        let text = GstError::Missing { element: "x264enc".into() }.to_string();
        assert_eq!(text, "the GStreamer element x264enc is not installed; install the package gstreamer1.0-plugins-ugly");
    }
}
