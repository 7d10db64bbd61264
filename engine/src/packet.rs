//! Packets: an item with its time.

use crate::media::{AudioBlock, Kind, Media, Payload};
use crate::time::{Span, Time};
use std::mem::MaybeUninit;

/// An item on an edge with when it happens. `Packet` alone carries any medium, `Packet<VideoFrame>` a known one.
#[derive(Clone, Debug)]
// In this order in memory, see `around`.
#[repr(C)]
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
        let times = self.around(());
        times.around(change(self.media))
    }

    /// Everything but the item, around `media`. In one piece: were it written field by field and then moved on, as packets are, the
    /// processor would have to wait until all its parts have been stored before it could read it as a whole.
    #[inline(always)]
    pub(crate) fn around<N>(&self, media: N) -> Packet<N> {
        let mut packet = MaybeUninit::<Packet<N>>::uninit();
        // SAFETY: fields lie in the order in which they are declared, so all before `media` lie alike in every packet, and all of them
        // are `Copy`. With `media` everything is written.
        unsafe {
            let times = std::mem::offset_of!(Packet<N>, media).min(std::mem::offset_of!(Packet<M>, media));
            std::ptr::from_ref(self).cast::<u8>().copy_to_nonoverlapping(packet.as_mut_ptr().cast(), times);
            (&raw mut (*packet.as_mut_ptr()).media).write(media);
            packet.assume_init()
        }
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
        let times = self.around(());
        M::from_media(self.media).map(|media| times.around(media))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cue::Cue;
    use crate::media::EncodedUnit;
    use crate::time::Rate;

    /// There and back again, against the same written field by field.
    fn wrapped<M: Payload + std::fmt::Debug>(media: M) {
        for (dur, discont, epoch) in [(None, true, 7), (Some(Span(3)), false, u32::MAX)] {
            let packet = Packet { pts: Time(-5), dur, discont, epoch, media: media.clone() };
            let plain: Packet<Media> = Packet { pts: packet.pts, dur, discont, epoch, media: media.clone().into() };
            let whole = Packet::from(packet.clone());
            assert_eq!(format!("{whole:?}"), format!("{plain:?}"));
            let back = whole.typed::<M>().expect("what it was made of");
            assert_eq!(format!("{back:?}"), format!("{packet:?}"));
        }
    }

    #[test]
    fn wrapping_up_an_item_keeps_its_times() {
        wrapped(AudioBlock::mono(vec![1.0, 2.0], Rate::per_second(48_000)));
        wrapped(Cue::SentenceEnd { question: true });
        wrapped(EncodedUnit { dts: Time(9), keyframe: true, data: vec![1, 2].into() });
        wrapped(crate::pool::Pool::new().black(crate::frame::PixelFormat::I420, crate::frame::Size::new(2, 2)).freeze());
        assert!(Packet::from(Packet::new(Time(1), Cue::Rest)).typed::<AudioBlock>().is_none());
        let wide = Packet::new(Time(1), 1u128).map(|number| number + 1);
        assert_eq!((wide.pts, wide.map(|number| number as u8).media), (Time(1), 2), "whatever the item's alignment");
    }
}
