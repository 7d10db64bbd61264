//! Fragmented MP4 as messages: one fragment a picture, the same bytes for all viewers of a rung.
//!
//! A viewer's queue is bounded. When it is full the viewer goes on with the next keyframe; when that happens too often it is moved to the
//! next smaller rung, and from the smallest one it is sent away. No viewer ever holds up another one, or the lecture.

use super::news::millis;
use super::{Counters, Place, Rung};
use bytes::Bytes;
use engine::media::EncodedUnit;
use engine::packet::Packet;
use engine::time::{Span, Time};
use plugins::mp4::{Fragmenter, Mp4Error, Run};
use plugins::outputs::{Tracks, units};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Fragments that wait for a viewer: about three seconds of pictures.
const QUEUE: usize = 96;
/// So many times a viewer may be slow before it is moved or sent away.
const PATIENCE: u32 = 3;
/// After so many pictures in a row it counts as quick again: about twenty seconds.
const FORGIVEN: u32 = 600;

/// What a viewer of fragmented MP4 gets, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A header; another one when the viewer has been moved to another rung.
    Init {
        /// The MIME type with codecs, as a browser's `MediaSource` wants it.
        mime: Arc<str>,
        /// Where in the programme the pictures begin, in milliseconds.
        programme_ms: i64,
        /// `ftyp` and `moov`.
        header: Bytes,
    },
    /// `moof` and `mdat`.
    Fragment(Bytes),
    /// The programme has ended.
    End,
}

/// A viewer of fragmented MP4. Dropping it lets it go.
pub struct MediaViewer {
    receiver: mpsc::Receiver<Message>,
    slow: Arc<AtomicBool>,
    _place: Place,
}

impl MediaViewer {
    pub(super) fn join(rungs: &[Rung], rung: usize, place: Place, counters: &Counters) -> MediaViewer {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let slow = Arc::new(AtomicBool::new(false));
        let lower = rungs[rung + 1..].iter().map(|rung| rung.channel.clone()).collect();
        rungs[rung].channel.add(Taker { sender, slow: slow.clone(), phase: Phase::New, slips: 0, quick: 0, lower });
        counters.joined.fetch_add(1, Ordering::Relaxed);
        MediaViewer { receiver, slow, _place: place }
    }

    /// What comes next; `None` when the viewer is sent away, or the room has closed.
    pub async fn next(&mut self) -> Option<Message> {
        self.receiver.recv().await
    }

    /// It is sent away because it is too slow.
    pub fn was_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }
}

/// The sender's side of a viewer.
struct Taker {
    sender: mpsc::Sender<Message>,
    slow: Arc<AtomicBool>,
    phase: Phase,
    /// Times that it was slow of late.
    slips: u32,
    /// Fragments that it took since.
    quick: u32,
    /// Where it may be moved.
    lower: std::collections::VecDeque<Arc<Channel>>,
}

/// How far a viewer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It needs a header, then a keyframe.
    New,
    /// It needs a keyframe.
    Behind,
    /// It takes every fragment.
    Playing,
}

/// Where fragments of one rung go out.
pub(crate) struct Channel {
    fragmenter: Fragmenter,
    tracks: Tracks,
    mime: Arc<str>,
    header: Bytes,
    counters: Arc<Counters>,
    takers: Mutex<Vec<Taker>>,
    /// A viewer waits for a keyframe.
    wanted: AtomicBool,
}

/// What is gathered for the next fragment; the node's own.
#[derive(Default)]
pub(crate) struct Gathered {
    picture: Option<Packet<EncodedUnit>>,
    sound: Vec<Packet<EncodedUnit>>,
    written: u32,
}

impl Channel {
    pub(crate) fn new(fragmenter: Fragmenter, tracks: Tracks, counters: Arc<Counters>) -> Result<Channel, Mp4Error> {
        let header = fragmenter.init_segment()?;
        let mime = fragmenter.mime().into();
        Ok(Channel { fragmenter, tracks, mime, header, counters, takers: Mutex::default(), wanted: AtomicBool::new(false) })
    }

    /// Somebody waits for a keyframe since the last question.
    pub(crate) fn takes_keyframe(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed)
    }

    /// A picture ends the one before it, which goes out with the sound up to here.
    pub(crate) fn picture(&self, gathered: &mut Gathered, packet: Packet<EncodedUnit>) -> Result<(), Mp4Error> {
        let end = packet.pts;
        match gathered.picture.replace(packet) {
            Some(picture) => self.fragment(gathered, &picture, end),
            None => Ok(()),
        }
    }

    /// The last picture ends with the programme.
    pub(crate) fn last(&self, gathered: &mut Gathered, end: Time) -> Result<(), Mp4Error> {
        match gathered.picture.take() {
            Some(picture) if end > picture.pts => self.fragment(gathered, &picture, end),
            _ => Ok(()),
        }
    }

    /// Sound goes out with the picture that it belongs to; alone where there are no pictures.
    pub(crate) fn sound(&self, gathered: &mut Gathered, packet: Packet<EncodedUnit>) {
        gathered.sound.push(packet);
    }

    fn fragment(&self, gathered: &mut Gathered, picture: &Packet<EncodedUnit>, end: Time) -> Result<(), Mp4Error> {
        if self.lock().is_empty() {
            gathered.sound.clear();
            return Ok(());
        }
        let sound = std::mem::take(&mut gathered.sound);
        let (pictures, sounds) = (units(std::slice::from_ref(picture), Span::ZERO), units(&sound, self.tracks.priming));
        let runs: Vec<Run<'_>> = [(self.tracks.video, &pictures), (self.tracks.audio, &sounds)]
            .into_iter()
            .filter_map(|(track, units)| Some(Run { track: track?, units, end }))
            .filter(|run| !run.units.is_empty())
            .collect();
        gathered.written += 1;
        let bytes = self.fragmenter.chunk(gathered.written, &runs)?;
        self.send(&bytes, picture.media.keyframe, picture.pts);
        Ok(())
    }

    pub(super) fn send(&self, bytes: &Bytes, keyframe: bool, pts: Time) {
        let mut moved = Vec::new();
        let mut takers = self.lock();
        let mut place = 0;
        while place < takers.len() {
            match self.give(&mut takers[place], bytes, keyframe, pts) {
                Fate::Stays => place += 1,
                Fate::Gone => _ = takers.swap_remove(place),
                Fate::Lowered(channel) => moved.push((channel, takers.swap_remove(place))),
            }
        }
        drop(takers);
        for (channel, taker) in moved {
            channel.add(taker);
        }
    }

    fn give(&self, taker: &mut Taker, bytes: &Bytes, keyframe: bool, pts: Time) -> Fate {
        if taker.phase != Phase::Playing && !keyframe {
            return Fate::Stays;
        }
        if taker.phase == Phase::New {
            let header = Message::Init { mime: self.mime.clone(), programme_ms: millis(pts), header: self.header.clone() };
            match taker.sender.try_send(header) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => return Fate::Stays,
                Err(mpsc::error::TrySendError::Closed(_)) => return Fate::Gone,
            }
        }
        if std::mem::replace(&mut taker.phase, Phase::Playing) == Phase::New {
            self.counters.sees();
        }
        match taker.sender.try_send(Message::Fragment(bytes.clone())) {
            Ok(()) => {
                taker.quick += 1;
                if taker.quick == FORGIVEN {
                    taker.slips = 0;
                }
                Fate::Stays
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Fate::Gone,
            Err(mpsc::error::TrySendError::Full(_)) => self.slip(taker),
        }
    }

    /// A viewer's queue is full.
    fn slip(&self, taker: &mut Taker) -> Fate {
        self.counters.skipped.fetch_add(1, Ordering::Relaxed);
        (taker.phase, taker.quick) = (Phase::Behind, 0);
        taker.slips += 1;
        if taker.slips < PATIENCE {
            self.wanted.store(true, Ordering::Relaxed);
            return Fate::Stays;
        }
        taker.slips = 0;
        if let Some(lower) = taker.lower.pop_front() {
            taker.phase = Phase::New;
            self.counters.lowered.fetch_add(1, Ordering::Relaxed);
            return Fate::Lowered(lower);
        }
        self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        taker.slow.store(true, Ordering::Relaxed);
        Fate::Gone
    }

    fn add(&self, taker: Taker) {
        self.lock().push(taker);
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// The programme has ended.
    pub(crate) fn end(&self) {
        for taker in self.lock().drain(..) {
            // One whose queue is full finds it closed, which says the same.
            let _ = taker.sender.try_send(Message::End);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Taker>> {
        self.takers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a viewer after a fragment.
enum Fate {
    Stays,
    Gone,
    Lowered(Arc<Channel>),
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Room;
    use super::*;
    use engine::media::VideoCodec;
    use engine::time::Rate;
    use plugins::mp4::{MovieSpec, Synthetic, TrackSpec, VideoSpec};

    /// An `avcC` with one set of each kind (ISO/IEC 14496-15, 5.3.3.1).
    const CONFIG: &[u8] = &[1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 2, 0x68, 0xce];

    /// A room without WebRTC, with so many places and rungs. The first one's pictures are 640 pixels wide, the next one's half of that.
    pub(in crate::room) fn room(places: usize, rungs: u32) -> Room {
        let room = Room::new("a test", places, Counters::default());
        let rung = |n: u32| {
            let (width, height) = (640 >> n, 360 >> n);
            let codec_config = Bytes::from_static(CONFIG);
            let video = VideoSpec { codec: VideoCodec::H264, codec_config, width, height, rate: Rate::per_second(25) };
            let tracks = Tracks { specs: vec![TrackSpec::Video(video)], video: Some(0), audio: None, priming: Span::ZERO };
            let spec = MovieSpec { title: None, language: String::new(), synthetic: Synthetic::ALL, tracks: tracks.specs.clone() };
            let channel = Channel::new(Fragmenter::new(spec).unwrap(), tracks, room.counters.clone()).unwrap();
            Rung { channel: Arc::new(channel), whep: None }
        };
        room.set_rungs((0..rungs).map(rung).collect());
        room
    }

    /// Everything that waits for a viewer.
    fn taken(viewer: &mut MediaViewer) -> Vec<Message> {
        std::iter::from_fn(|| viewer.receiver.try_recv().ok()).collect()
    }

    fn fragment(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_slow_viewer_is_moved_to_the_smaller_pictures_and_from_there_sent_away() {
        let room = room(10, 2);
        let [large, small] = room.rungs() else { panic!("two rungs") };
        let mut viewer = room.join(0).unwrap();
        let key = |rung: &Rung, text| rung.channel.send(&fragment(text), true, Time::ZERO);
        // With its header the queue is full; every keyframe from then on is one that it was too slow for.
        (1..QUEUE).for_each(|_| key(large, "large"));
        assert_eq!((room.viewers().skipped, room.viewers().lowered), (0, 0));
        (1..PATIENCE).for_each(|_| key(large, "late"));
        assert!(large.channel.takes_keyframe(), "it goes on with the next one");
        assert_eq!((room.viewers().skipped, room.viewers().lowered), (u64::from(PATIENCE) - 1, 0));
        key(large, "late");
        assert_eq!((room.viewers().skipped, room.viewers().lowered), (u64::from(PATIENCE), 1));
        assert!(small.channel.takes_keyframe(), "it waits for one of the smaller pictures");
        let before = taken(&mut viewer);
        let Some((Message::Init { header: first, .. }, rest)) = before.split_first() else { panic!("{before:?}") };
        assert!(rest.len() == QUEUE - 1 && rest.iter().all(|message| *message == Message::Fragment(fragment("large"))));

        key(large, "not for it");
        small.channel.send(&fragment("no keyframe"), false, Time::ZERO);
        key(small, "small");
        let after = taken(&mut viewer);
        let [Message::Init { header: second, .. }, Message::Fragment(got)] = &after[..] else { panic!("{after:?}") };
        assert!(first != second && *got == fragment("small"), "{after:?}");

        // There is no smaller one: it is sent away, once what waits for it is taken.
        (0..QUEUE as u32 + PATIENCE).for_each(|_| key(small, "small"));
        let seen = room.viewers();
        assert_eq!((seen.skipped, seen.lowered, seen.dropped), (2 * u64::from(PATIENCE), 1, 1));
        assert_eq!(taken(&mut viewer).len(), QUEUE);
        assert!(viewer.was_slow() && viewer.receiver.is_closed());
        assert_eq!(seen.mse, 1, "until it has been told");
        drop(viewer);
        assert_eq!(room.viewers().mse, 0);
    }

    #[test]
    fn a_viewer_that_takes_everything_stays_where_it_is() {
        let room = room(10, 2);
        let mut viewer = room.join(0).unwrap();
        for n in 0..3 * QUEUE {
            room.rungs()[0].channel.send(&fragment("large"), n % 50 == 0, Time::ZERO);
            assert_eq!(taken(&mut viewer).len(), if n == 0 { 2 } else { 1 });
        }
        let seen = room.viewers();
        assert_eq!((seen.skipped, seen.lowered, seen.dropped), (0, 0, 0));
    }
}
