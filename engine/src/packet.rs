//! Packets: an item with its time.

use crate::media::{Media, Payload};
use crate::time::{Span, Time};

/// An item on an edge with when it happens. `Packet` alone carries any medium, `Packet<VideoFrame>` a known one.
#[derive(Clone, Debug)]
pub struct Packet<M = Media> {
    /// Presentation time, from the start of the run.
    pub pts: Time,
    /// How long it lasts; `None` = until the next packet of this port.
    pub dur: Option<Span>,
    /// Packets before this one are missing on purpose.
    pub discont: bool,
    /// The item.
    pub media: M,
}

impl<M> Packet<M> {
    /// An item that holds until the next one.
    pub const fn new(pts: Time, media: M) -> Packet<M> {
        Packet { pts, dur: None, discont: false, media }
    }

    /// An item that lasts `dur`.
    pub const fn lasting(pts: Time, dur: Span, media: M) -> Packet<M> {
        Packet { pts, dur: Some(dur), discont: false, media }
    }

    /// The same times around another item.
    pub fn map<N>(self, change: impl FnOnce(M) -> N) -> Packet<N> {
        Packet { pts: self.pts, dur: self.dur, discont: self.discont, media: change(self.media) }
    }

    /// When it ends, as far as it says.
    pub fn end(&self) -> Option<Time> {
        self.dur.map(|dur| self.pts + dur)
    }
}

impl Packet {
    /// What the runtime sorts by: decode time of encoded units, else presentation time.
    pub const fn order(&self) -> Time {
        match &self.media {
            Media::Encoded(unit) => unit.dts,
            _ => self.pts,
        }
    }

    /// The earliest order that the next packet of the same port may have. Cues may share a time and overlap; pictures and sound follow
    /// each other; encoded units have strictly increasing decode times.
    pub fn settles(&self) -> Time {
        match (&self.media, self.dur) {
            (Media::Cue(_), _) => self.pts,
            (Media::Video(_) | Media::Audio(_), Some(dur)) if dur > Span::ZERO => self.pts + dur,
            _ => Time(self.order().0 + 1),
        }
    }

    /// The packet with its item unwrapped; `None` when it carries something else.
    pub fn typed<M: Payload>(self) -> Option<Packet<M>> {
        let Packet { pts, dur, discont, media } = self;
        M::from_media(media).map(|media| Packet { pts, dur, discont, media })
    }
}

impl<M: Payload> From<Packet<M>> for Packet<Media> {
    fn from(packet: Packet<M>) -> Packet<Media> {
        packet.map(Into::into)
    }
}
