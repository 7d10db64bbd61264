//! The connection of `rtmp_sink`: a thread that sends what it is handed, and connects again when that fails.
//!
//! Each connection is a stream of its own that begins with a keyframe at time zero. While there is none, everything is left out.

use crate::gst::{GstError, Pipeline, encoded_audio_caps, encoded_buffer, encoded_video_caps};
use crossbeam_channel::{Receiver, Sender, TryIter, bounded};
use engine::media::{EncodedAudioCaps, EncodedUnit, EncodedVideoCaps};
use engine::time::{Span, Time};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Units that may wait: some seconds.
const WAITING: usize = 256;
/// How long a caller waits for room.
const PATIENCE: Duration = Duration::from_millis(200);
/// A server that takes nothing for so long has hung.
const HANGS: Duration = Duration::from_secs(5);
/// How long the end may take.
const END: Duration = Duration::from_secs(3);
/// Pauses between attempts: the first, doubled each time up to the last, each a quarter longer or shorter by chance.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// A connection that took so much was a good one.
const GOOD: Span = Span::from_seconds(5);

/// A compressed picture, or compressed sound.
pub(super) struct Unit {
    pub(super) is_video: bool,
    pub(super) pts: Time,
    pub(super) dur: Option<Span>,
    pub(super) unit: EncodedUnit,
}

/// The near end of the thread.
pub(super) struct Link {
    units: Sender<Unit>,
    losses: Receiver<GstError>,
    wants_keyframe: Arc<AtomicBool>,
    /// Closes when the thread ends.
    ended: Receiver<()>,
}

impl Link {
    /// Starts the thread. It connects with the first keyframe.
    ///
    /// # Errors
    /// GStreamer cannot be used, or the system gives no thread.
    pub(super) fn open(url: &str, video: Option<EncodedVideoCaps>, audio: Option<EncodedAudioCaps>) -> engine::node::Result<Link> {
        crate::gst::init()?;
        let mut description = format!("flvmux name=mux streamable=true ! rtmp2sink sync=false location=\"{url}\"");
        let mut tracks = Vec::new();
        if let Some(caps) = &video {
            description += " appsrc name=video ! mux.video";
            tracks.push(("video", encoded_video_caps(caps)));
        }
        if let Some(caps) = &audio {
            description += " appsrc name=audio ! mux.audio";
            tracks.push(("audio", encoded_audio_caps(caps)));
        }
        let (units, queue) = bounded(WAITING);
        let (told, losses) = bounded(16);
        let (alive, ended) = bounded(0);
        let wants_keyframe = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            connect: Box::new(move || Pipeline::launch(&description, &tracks)),
            has_video: video.is_some(),
            connection: None,
            attempts: 0,
            again: Instant::now(),
            told: false,
            losses: told,
            wants_keyframe: wants_keyframe.clone(),
        };
        let work = move || {
            worker.run(&queue);
            drop::<Sender<()>>(alive);
        };
        std::thread::Builder::new().name("rtmp".into()).spawn(work)?;
        Ok(Link { units, losses, wants_keyframe, ended })
    }

    /// Hands a unit over; waits a moment for room, or not at all. `false` when it is left out.
    pub(super) fn send(&self, unit: Unit, at_once: bool) -> bool {
        match at_once {
            true => self.units.try_send(unit).is_ok(),
            false => self.units.send_timeout(unit, PATIENCE).is_ok(),
        }
    }

    /// Why connections were lost since the last call: the first reason of each time without one.
    pub(super) fn losses(&self) -> TryIter<'_, GstError> {
        self.losses.try_iter()
    }

    /// The connection begins with the next keyframe.
    pub(super) fn wants_keyframe(&self) -> bool {
        self.wants_keyframe.swap(false, Ordering::Relaxed)
    }

    /// Sends what waits and ends the stream, as far as that goes within some seconds. Returns what was lost.
    pub(super) fn close(self) -> Vec<GstError> {
        let Link { units, losses, ended, .. } = self;
        drop(units);
        // Nothing is ever sent: it ends with the thread, or with the time.
        let _ = ended.recv_timeout(END + HANGS);
        losses.try_iter().collect()
    }
}

/// What the thread does.
struct Worker {
    connect: Box<dyn Fn() -> Result<Pipeline, GstError> + Send>,
    has_video: bool,
    connection: Option<Connection>,
    attempts: u32,
    /// Not to be tried before.
    again: Instant,
    /// The loss has been told.
    told: bool,
    losses: Sender<GstError>,
    wants_keyframe: Arc<AtomicBool>,
}

struct Connection {
    pipeline: Pipeline,
    /// The decoding time of its first unit.
    origin: Time,
}

impl Worker {
    fn run(mut self, units: &Receiver<Unit>) {
        for unit in units {
            if let Err(error) = self.send(&unit) {
                self.lose(error);
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.pipeline.end(END)
        {
            self.lose(error);
        }
    }

    fn send(&mut self, Unit { is_video, pts, dur, unit }: &Unit) -> Result<(), GstError> {
        if self.connection.is_none() {
            if Instant::now() < self.again {
                return Ok(());
            }
            if self.has_video && !(*is_video && unit.keyframe) {
                self.wants_keyframe.store(true, Ordering::Relaxed);
                return Ok(());
            }
            self.connection = Some(Connection { pipeline: (self.connect)()?, origin: unit.dts });
        }
        let Some(connection) = &self.connection else { return Ok(()) };
        let since = |time: Time| time - connection.origin;
        // Sound from before the first picture, or from before it is to be heard.
        if unit.dts < connection.origin {
            return Ok(());
        }
        let track = usize::from(!is_video && self.has_video);
        connection.pipeline.push(track, encoded_buffer(unit, since(*pts), since(unit.dts), *dur), HANGS)?;
        if since(unit.dts) > GOOD {
            (self.attempts, self.told) = (0, false);
        }
        Ok(())
    }

    fn lose(&mut self, error: GstError) {
        self.connection = None;
        self.again = Instant::now() + pause(self.attempts, RandomState::new().hash_one(self.attempts));
        self.attempts += 1;
        if !std::mem::replace(&mut self.told, true) {
            // Whoever has not fetched sixteen of them knows enough.
            let _ = self.losses.try_send(error);
        }
    }
}

/// The pause after so many attempts; `chance` is any number.
fn pause(attempts: u32, chance: u64) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(1 << attempts.min(10)).min(LAST_PAUSE);
    pause * 3 / 4 + pause * (chance % 1000) as u32 / 2000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        assert_eq!((pause(0, 0), pause(0, 500)), (Duration::from_millis(375), Duration::from_millis(500)));
        assert_eq!((pause(1, 500), pause(3, 500)), (Duration::from_secs(1), Duration::from_secs(4)));
        assert!((0..2000).all(|chance| pause(40, chance) <= LAST_PAUSE * 5 / 4));
    }
}
