//! Packets: an item with its time.

use crate::media::{AudioBlock, Kind, Media, Payload};
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
    /// Which flush it comes after: set by the runtime, 0 until the first flush.
    pub epoch: u32,
    /// The item.
    pub media: M,
}

impl<M> Packet<M> {
    /// An item that holds until the next one.
    pub const fn new(pts: Time, media: M) -> Packet<M> {
        Packet { pts, dur: None, discont: false, epoch: 0, media }
    }

    /// An item that lasts `dur`.
    pub const fn lasting(pts: Time, dur: Span, media: M) -> Packet<M> {
        Packet { pts, dur: Some(dur), discont: false, epoch: 0, media }
    }

    /// The same times around another item.
    #[inline]
    pub fn map<N>(self, change: impl FnOnce(M) -> N) -> Packet<N> {
        Packet { pts: self.pts, dur: self.dur, discont: self.discont, epoch: self.epoch, media: change(self.media) }
    }

    /// When it ends, as far as it says.
    pub fn end(&self) -> Option<Time> {
        self.dur.map(|dur| self.pts + dur)
    }
}

impl Packet<AudioBlock> {
    /// What begins before `at`, to the sample; nothing when all of it begins at `at` or later.
    pub fn before(self, at: Time) -> Option<Packet<AudioBlock>> {
        (self.pts < at).then(|| Packet::from(self).split_sound(at).0).and_then(Packet::typed)
    }
}

impl<M: Payload> Packet<M> {
    /// When it happens in the order of its port, and the earliest order that the next packet may have, before the item is wrapped up.
    #[inline(always)]
    pub(crate) fn order_and_settles(&self) -> (Time, Time) {
        let order = self.media.dts().unwrap_or(self.pts);
        (order, settles(M::KIND, order, self.dur))
    }
}

/// Cues may share a time and overlap; pictures and sound follow each other; encoded units have strictly increasing decode times.
#[inline(always)]
fn settles(kind: Kind, order: Time, dur: Option<Span>) -> Time {
    match (kind, dur) {
        (Kind::Cues, _) => order,
        (Kind::Video | Kind::Audio, Some(dur)) if dur > Span::ZERO => order + dur,
        _ => Time(order.0 + 1),
    }
}

impl Packet {
    /// What the runtime sorts by: decode time of encoded units, else presentation time.
    #[inline]
    pub const fn order(&self) -> Time {
        match &self.media {
            Media::Encoded(unit) => unit.dts,
            _ => self.pts,
        }
    }

    /// The earliest order that the next packet of the same port may have.
    #[inline]
    pub fn settles(&self) -> Time {
        settles(self.media.kind(), self.order(), self.dur)
    }

    /// The packet with its item unwrapped; `None` when it carries something else.
    #[inline]
    pub fn typed<M: Payload>(self) -> Option<Packet<M>> {
        let Packet { pts, dur, discont, epoch, media } = self;
        M::from_media(media).map(|media| Packet { pts, dur, discont, epoch, media })
    }

    /// Cuts a packet of sound in two at the first sample that does not begin before `at`; the second part is `None` when all of it
    /// begins before. Other packets stay whole.
    pub fn split_sound(self, at: Time) -> (Packet, Option<Packet>) {
        let Media::Audio(block) = &self.media else { return (self, None) };
        let rate = block.rate();
        let frames = (-rate.count_in(self.pts - at)).max(0) as usize;
        if frames >= block.frames() {
            return (self, None);
        }
        let part = |from: usize, to: usize| {
            let piece = block.slice(from, to);
            let pts = self.pts + rate.span_of(from as i64);
            Packet { pts, dur: Some(piece.duration()), discont: self.discont && from == 0, epoch: self.epoch, media: piece.into() }
        };
        let later = part(frames, block.frames());
        (part(0, frames), Some(later))
    }

    /// Ends it at `cut` if it lasts beyond.
    pub(crate) fn shorten(&mut self, cut: Time) {
        if self.end().is_none_or(|end| end <= cut) {
            return;
        }
        let pts = self.pts;
        if matches!(self.media, Media::Audio(_)) {
            let whole = std::mem::replace(&mut self.media, Media::Cue(crate::cue::Cue::Rest));
            let packet = Packet { media: whole, ..self.clone() };
            *self = packet.split_sound(cut).0;
        } else {
            self.dur = Some(cut - pts);
        }
    }
}

impl<M: Payload> From<Packet<M>> for Packet<Media> {
    fn from(packet: Packet<M>) -> Packet<Media> {
        packet.map(Into::into)
    }
}
