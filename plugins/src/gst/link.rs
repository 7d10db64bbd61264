//! A pipeline to a peer that may come and go: a thread of its own connects, feeds and connects again.
//!
//! Whoever pushes never waits: while there is no peer, and when the queue is full, packets are dropped, and pictures go on with the next
//! keyframe. The time between two attempts grows, with jitter, so that a peer that comes back is not run over.

use super::{Fed, Feed, GstError, Pipeline};
use backon::{BackoffBuilder, ExponentialBuilder};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use engine::media::EncodedUnit;
use engine::packet::Packet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Packets that wait: about two seconds.
const QUEUE: usize = 256;
/// The first wait after a loss, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// A connection that has lasted for so long was a good one: the next wait is short again.
const GOOD: Duration = Duration::from_secs(5);
/// A peer that takes nothing for so long has hung.
const HANGS: Duration = Duration::from_secs(5);
/// How often a connection without traffic is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The peer's side: how to reach it, and who wants to know.
pub trait Peer: Send + 'static {
    /// Makes a pipeline to the peer. Called anew for every attempt.
    ///
    /// # Errors
    /// It cannot be made; the link tries again.
    fn connect(&mut self) -> Result<Pipeline, GstError>;

    /// There are pictures: sound begins with the first one.
    fn has_video(&self) -> bool;

    /// The peer cannot be reached or is lost; the next attempt comes after `wait`. `first` since it was reached.
    fn lost(&mut self, error: &GstError, wait: Duration, first: bool);

    /// The work has ended: lets the peer have what is on its way.
    fn end(&mut self, pipeline: Pipeline) {
        drop(pipeline);
    }
}

/// What the thread is asked to do.
enum Work {
    Packet { track: usize, is_video: bool, packet: Packet<EncodedUnit> },
    Do(Box<dyn FnOnce(&Pipeline) + Send>),
}

/// See the module docs. Dropping it ends the connection.
pub struct Link {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// Pictures were dropped at the queue.
    gap: bool,
}

#[derive(Default)]
struct Shared {
    wants_keyframe: AtomicBool,
    dropped: AtomicU64,
}

impl Link {
    /// Starts to connect.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(name: &str, peer: impl Peer) -> std::io::Result<Link> {
        let (work, received) = bounded(QUEUE);
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = std::thread::Builder::new().name(name.to_string()).spawn(move || keep(peer, &received, &its))?;
        Ok(Link { work: Some(work), thread: Some(thread), shared, gap: false })
    }

    /// Passes a packet to a track. Never waits.
    pub fn push(&mut self, track: usize, is_video: bool, packet: Packet<EncodedUnit>) {
        if is_video {
            self.gap &= !packet.media.keyframe;
        }
        let lost = match &self.work {
            Some(work) if !(is_video && self.gap) => {
                matches!(work.try_send(Work::Packet { track, is_video, packet }), Err(TrySendError::Full(_)))
            }
            _ => true,
        };
        if lost {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            if is_video {
                self.gap = true;
                self.shared.wants_keyframe.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Does something with the pipeline, in the order of packets; nothing when there is none then.
    pub fn with(&self, action: impl FnOnce(&Pipeline) + Send + 'static) {
        if let Some(work) = &self.work {
            // A full queue means that the peer does not keep up; what is told then is lost like packets.
            let _ = work.try_send(Work::Do(Box::new(action)));
        }
    }

    /// After a while without packets pictures go on with a keyframe.
    pub fn resume(&mut self) {
        self.gap = true;
        self.shared.wants_keyframe.store(true, Ordering::Relaxed);
    }

    /// A keyframe would help since the last question.
    pub fn takes_keyframe(&self) -> bool {
        self.shared.wants_keyframe.swap(false, Ordering::Relaxed)
    }

    /// Packets that have not been sent.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.work.take();
        if let Some(thread) = self.thread.take() {
            // It ends with its pipeline, whose end has a limit.
            let _ = thread.join();
        }
    }
}

/// Connects, feeds, and again, until the work ends.
fn keep(mut peer: impl Peer, work: &Receiver<Work>, shared: &Shared) {
    let builder = ExponentialBuilder::default().with_min_delay(BACKOFF.0).with_max_delay(BACKOFF.1).with_jitter().without_max_times();
    let mut waits = builder.build();
    let mut first = true;
    loop {
        let began = Instant::now();
        let connected = peer.connect();
        let fed = connected.and_then(|pipeline| feed(&pipeline, peer.has_video(), work, shared).map(|()| pipeline));
        let error = match fed {
            Ok(pipeline) => return peer.end(pipeline),
            Err(error) => error,
        };
        if began.elapsed() > GOOD {
            (waits, first) = (builder.build(), true);
        }
        let wait = waits.next().unwrap_or(BACKOFF.1);
        peer.lost(&error, wait, std::mem::take(&mut first));
        if !drop_until(work, Instant::now() + wait, shared) {
            return;
        }
    }
}

/// Feeds a pipeline until it fails; `Ok` when the work ends.
fn feed(pipeline: &Pipeline, has_video: bool, work: &Receiver<Work>, shared: &Shared) -> Result<(), GstError> {
    let mut feed = Feed::default();
    shared.wants_keyframe.store(true, Ordering::Relaxed);
    let mut begun = !has_video;
    loop {
        match work.recv_timeout(LOOK) {
            Ok(Work::Packet { track, is_video, packet }) => {
                begun |= is_video && packet.media.keyframe;
                // Sound begins with the first picture.
                let fed = if begun { feed.push(pipeline, (track, is_video), &packet, HANGS)? } else { Fed::Waits };
                match fed {
                    Fed::Sent => {}
                    Fed::Waits => _ = shared.dropped.fetch_add(1, Ordering::Relaxed),
                    Fed::Full => return Err(GstError::Stalled { action: "take more data", seconds: HANGS.as_secs() }),
                }
            }
            Ok(Work::Do(action)) => action(pipeline),
            Err(RecvTimeoutError::Timeout) => pipeline.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Drops what comes until then; `false` when the work ends.
fn drop_until(work: &Receiver<Work>, deadline: Instant, shared: &Shared) -> bool {
    loop {
        match work.recv_deadline(deadline) {
            Ok(_) => _ = shared.dropped.fetch_add(1, Ordering::Relaxed),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}
