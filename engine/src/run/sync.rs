//! The sync policies: when a node is called and with what. The only code that compares timestamps of different ports.

use super::epoch::Epochs;
use super::slot::Slot;
use crate::media::Payload;
use crate::packet::Packet;
use crate::registry::Sync;
use crate::time::{Rate, Span, Time};

/// A tick of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Its number.
    pub index: i64,
    /// When it begins.
    pub time: Time,
    /// When the next one begins.
    pub next: Time,
}

/// All connections of a node and its policy.
pub(crate) struct Inputs {
    pub(crate) slots: Vec<Slot>,
    pub(crate) rate: Rate,
    pub(crate) again: bool,
    /// What the call is about that `poll` asks for.
    pub(crate) news: News,
    sync: Sync,
    /// By how much the node holds packets back, as it has declared.
    pub(crate) latency: Span,
    tick: i64,
    /// The first call is for a tick in the middle of the programme, and takes all that comes before.
    catches_up: bool,
    /// A merge hands nothing on beyond this: `playout`, where the run makes only a part of the programme.
    until: Time,
    /// How far everything was settled at the last call.
    called_at: Time,
    /// The order of the packet that a merge was handed last.
    handed: Time,
    /// For `playout`: when the clock is to wake it; nothing = when something comes.
    pub(crate) wake: Option<Time>,
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// When it happens.
    pub(crate) pts: Time,
    /// How many packets it is.
    pub(crate) packets: u64,
}

/// What a policy says next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// Call the node.
    Call,
    /// Nothing can be said before there is news on this connection.
    Need(usize),
    /// All inputs are used up.
    End,
}

impl Inputs {
    pub(crate) fn new(slots: Vec<Slot>, sync: Sync, rate: Rate) -> Inputs {
        Inputs {
            slots,
            rate,
            again: false,
            news: News { pts: Time::ZERO, packets: 0 },
            sync,
            latency: Span::ZERO,
            tick: 0,
            catches_up: false,
            until: Time::MAX,
            called_at: Time(i64::MIN),
            handed: Time(i64::MIN),
            wake: None,
        }
    }

    /// Of the programme only what lies between these is wanted. The first call of a join is there, with all sound and cues that came
    /// before it.
    pub(crate) fn only(&mut self, from: Time, until: Time) {
        self.until = until;
        if self.sync == Sync::Join {
            self.tick = self.rate.index_from(from);
            self.catches_up = self.tick > 0;
        }
    }

    /// Whatever waits anywhere is to be taken: one connection may be full long before another has come as far as it must.
    pub(crate) fn catches_up(&self) -> bool {
        self.catches_up
    }

    #[inline]
    pub(crate) fn of_port(&self, port: usize) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(move |slot| slot.port == port)
    }

    pub(crate) fn slot(&self, port: usize, n: usize) -> Option<&Slot> {
        self.of_port(port).nth(n)
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, port: usize, n: usize) -> Option<&mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.port == port).nth(n)
    }

    /// The next packet of this call on the first connection of a port.
    // Not inlined: the packet is then copied in one piece to where the caller wants it, not field by field.
    #[inline(never)]
    pub(crate) fn take<T: Payload>(&mut self, port: usize) -> Option<Packet<T>> {
        self.slots.iter_mut().find(|slot| slot.port == port)?.take()
    }

    pub(crate) fn tick(&self) -> Tick {
        Tick { index: self.tick, time: self.rate.time_of(self.tick), next: self.rate.time_of(self.tick + 1) }
    }

    /// When the node's inputs ended: the latest end among the ports it requires (of all, when it requires none).
    pub(crate) fn end(&self) -> Time {
        let ends = |required: bool| self.slots.iter().filter(move |slot| slot.required || !required).filter_map(|slot| slot.end).max();
        ends(true).or_else(|| ends(false)).unwrap_or(Time::ZERO)
    }

    /// When the outputs end where the inputs have: those of a merge not after what is wanted of it.
    pub(crate) fn outputs_end(&self) -> Time {
        if self.sync == Sync::Merge { self.end().min(self.until) } else { self.end() }
    }

    /// For a merge: no packet before this time comes any more, and the programme lasts at least to here. That its inputs are settled beyond
    /// it does not say so: a stream may end before its last packet does. Of a part of the programme it is known that it is whole.
    #[inline]
    pub(crate) fn lasts(&self) -> Time {
        if self.until == Time::MAX { self.handed } else { self.called_at.min(self.until) }
    }

    /// Everything before this time has been used. A merge counts to where it stood at its last call.
    #[inline(always)]
    pub(crate) fn used(&self) -> Time {
        match self.sync {
            Sync::Join => self.rate.time_of(self.tick),
            Sync::Each => self.settled(),
            Sync::Merge => self.called_at.min(self.until),
        }
    }

    /// How far the outputs are settled by that. A node that holds packets back counts like a merge.
    #[inline(always)]
    pub(crate) fn handled(&self) -> Time {
        let used = match self.sync {
            Sync::Merge => self.lasts(),
            Sync::Each if self.latency > Span::ZERO => self.called_at,
            _ => self.used(),
        };
        if self.latency == Span::ZERO { used } else { used.saturating_sub(self.latency) }
    }

    /// `poll` may go on by itself, past ticks that need no call.
    pub(crate) fn skips(&self) -> bool {
        self.sync == Sync::Join
    }

    /// No packet before this time comes on any port any more; the end when all have ended.
    #[inline]
    pub(crate) fn settled(&self) -> Time {
        let settled = match self.slots.as_slice() {
            [slot] => slot.settled(),
            slots => slots.iter().map(Slot::settled).min().unwrap_or(Time::MAX),
        };
        if settled == Time::MAX { self.end() } else { settled }
    }

    /// Decides, and for `Call` moves what the call needs into `ready` and `current`.
    #[inline]
    pub(crate) fn poll(&mut self) -> Poll {
        match self.sync {
            Sync::Each => self.poll_each(),
            Sync::Merge => self.poll_merge(),
            Sync::Join => self.poll_join(),
        }
    }

    /// Nothing is left, and more may come: only news can lead to the next call.
    #[inline]
    pub(crate) fn is_used_up(&self) -> bool {
        self.sync == Sync::Each && matches!(self.slots.as_slice(), [slot] if slot.queue.is_empty() && slot.end.is_none())
    }

    /// After a call: what it left behind is dropped, a join goes on to its next tick.
    #[inline]
    pub(crate) fn called(&mut self) {
        self.slots.iter_mut().for_each(Slot::called);
        if self.sync == Sync::Join {
            self.tick += 1;
            self.catches_up = false;
        }
    }

    /// After a flush at `cut`, with which epoch `now` began: its inputs are as if nothing had come beyond, and a join goes back to the
    /// first tick from there.
    pub(crate) fn flush(&mut self, epochs: &Epochs, cut: Time, now: u32) {
        self.slots.iter_mut().for_each(|slot| slot.flush(epochs, now));
        self.tick = self.tick.min(self.rate.index_from(cut));
        self.called_at = self.called_at.min(cut);
        self.handed = self.handed.min(cut);
        self.again = true;
    }

    /// For `playout`: hands over everything that is there, whatever else is not.
    pub(crate) fn gather_all(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.ready = slot.queue.len());
        self.note_news();
    }

    #[inline(never)]
    fn note_settled(&mut self) {
        self.called_at = self.settled();
    }

    fn note_news(&mut self) {
        if let Some(packet) = self.slots.iter().find_map(Slot::news) {
            self.news.pts = packet.pts;
        }
        self.news.packets = self.slots.iter().map(|slot| slot.ready as u64 + u64::from(slot.fresh)).sum();
    }

    #[inline]
    fn poll_each(&mut self) -> Poll {
        let slot = &mut self.slots[0];
        let Some(packet) = slot.queue.front() else {
            return if slot.end.is_some() { Poll::End } else { Poll::Need(0) };
        };
        self.news = News { pts: packet.pts, packets: 1 };
        slot.ready = 1;
        if self.latency > Span::ZERO {
            self.note_settled();
        }
        Poll::Call
    }

    fn poll_merge(&mut self) -> Poll {
        let first = self.slots.iter().enumerate().filter_map(|(i, slot)| slot.queue.front().map(|packet| (packet.order(), i))).min();
        let Some((order, chosen)) = first else {
            let open = self.slots.iter().enumerate().filter(|(_, slot)| !slot.is_over()).min_by_key(|(_, slot)| slot.bound);
            return open.map_or(Poll::End, |(i, _)| Poll::Need(i));
        };
        for (i, slot) in self.slots.iter().enumerate() {
            // A packet of equal order on an earlier port goes first, so that port must be settled beyond it.
            let waits = slot.queue.is_empty() && slot.end.is_none() && (slot.bound < order || (i < chosen && slot.bound == order));
            if waits {
                return Poll::Need(i);
            }
        }
        self.slots[chosen].ready = 1;
        self.handed = order;
        self.note_settled();
        self.note_news();
        Poll::Call
    }

    fn poll_join(&mut self) -> Poll {
        loop {
            let Tick { time, next, .. } = self.tick();
            for i in 0..self.slots.len() {
                if !self.slots[i].gather(time, next) {
                    return Poll::Need(i);
                }
            }
            if self.is_past_end(time) {
                return Poll::End;
            }
            self.note_news();
            if self.news.packets > 0 || self.again {
                self.again = false;
                return Poll::Call;
            }
            self.tick += 1;
        }
    }

    fn is_past_end(&self, time: Time) -> bool {
        let required = self.slots.iter().any(|slot| slot.required);
        let mut deciding = self.slots.iter().filter(|slot| slot.required || !required);
        deciding.all(|slot| slot.end.is_some_and(|end| time >= end))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::cue::Cue;
    use crate::frame::{PixelFormat, Size};
    use crate::media::AudioBlock;
    use crate::media::Kind;
    use crate::pool::Pool;

    const TICK: Rate = Rate::per_second(30);
    const SAMPLES: Rate = Rate::per_second(48_000);

    fn picture(pts: Time, dur: Option<Span>) -> Packet {
        let frame = Pool::new().black(PixelFormat::I420, Size::new(2, 2)).freeze();
        Packet { dur, ..Packet::new(pts, frame) }.into()
    }

    fn cue(pts: Time) -> Packet {
        Packet::new(pts, Cue::Rest).into()
    }

    fn slot(kind: Kind, packets: Vec<Packet>, end: Option<Time>) -> Slot {
        let mut slot = Slot::new(0, kind, true);
        slot.bound = packets.last().map_or(Time(i64::MIN), Packet::settles);
        slot.queue = packets.into();
        slot.end = end;
        slot
    }

    /// Which picture (by its time) covers each tick at which a join is called.
    fn covered(inputs: &mut Inputs) -> Vec<(i64, Option<Time>)> {
        let mut calls = Vec::new();
        while inputs.poll() == Poll::Call {
            calls.push((inputs.tick().index, inputs.slots[0].current.as_ref().map(|packet| packet.pts)));
            inputs.called();
        }
        calls
    }

    #[test]
    fn a_join_gives_the_picture_that_covers_the_tick_and_only_calls_for_news() {
        let source = Rate::per_second(25);
        let pictures = (0..25).map(|i| picture(source.time_of(i), Some(source.interval()))).collect();
        let end = source.time_of(25);
        let mut inputs = Inputs::new(vec![slot(Kind::Video, pictures, Some(end))], Sync::Join, TICK);
        let calls = covered(&mut inputs);
        assert_eq!(inputs.poll(), Poll::End);
        assert_eq!(calls.len(), 25, "the five ticks at which the picture before still holds are not called");
        assert!(
            calls
                .iter()
                .all(|(tick, pts)| pts.is_some_and(|pts| pts <= TICK.time_of(*tick) && TICK.time_of(*tick) < pts + source.interval()))
        );
        assert_eq!(inputs.end(), end);
    }

    #[test]
    fn a_picture_with_a_length_goes_away_and_the_last_one_stays() {
        let pictures = vec![picture(Time::ZERO, Some(TICK.interval())), picture(TICK.time_of(3), Some(TICK.interval()))];
        let mut inputs = Inputs::new(vec![slot(Kind::Video, pictures, Some(TICK.time_of(6)))], Sync::Join, TICK);
        assert_eq!(covered(&mut inputs), [(0, Some(Time::ZERO)), (1, None), (3, Some(TICK.time_of(3)))]);
    }

    #[test]
    fn a_join_cuts_sound_at_ticks_and_waits_until_all_ports_are_settled() {
        // One block of 100 ms: three ticks of 1600 samples.
        let block = AudioBlock::mono((0..4800).map(|i| i as f32).collect(), SAMPLES);
        let sound = vec![Packet::lasting(Time::ZERO, block.duration(), block).into()];
        let mut inputs =
            Inputs::new(vec![slot(Kind::Audio, sound, None), slot(Kind::Cues, vec![cue(TICK.time_of(1))], None)], Sync::Join, TICK);
        inputs.slots[1].port = 1;
        assert_eq!(inputs.poll(), Poll::Call);
        assert_eq!((inputs.slots[0].ready, inputs.slots[0].queue[0].dur), (1, Some(TICK.interval())));
        assert_eq!(inputs.slots[1].ready, 0);
        inputs.called();
        assert_eq!(inputs.poll(), Poll::Need(1), "more cues may come in this tick");
        inputs.slots[1].bound = TICK.time_of(2);
        assert_eq!(inputs.poll(), Poll::Call);
        assert_eq!(inputs.slots[1].ready, 1);
        let Some(crate::media::Media::Audio(block)) = inputs.slots[0].queue.front().map(|packet| &packet.media) else { panic!("sound") };
        assert_eq!((block.samples()[0], block.frames()), (1600.0, 1600));
    }

    #[test]
    fn sound_is_cut_at_the_first_sample_of_a_tick_that_is_between_samples() {
        let ntsc = Rate::new(30_000, 1001).unwrap();
        let block = AudioBlock::mono(vec![0.0; 9600], SAMPLES);
        let (now, later) = Packet::from(Packet::lasting(Time::ZERO, block.duration(), block)).split_sound(ntsc.time_of(1));
        assert_eq!(now.dur, Some(SAMPLES.span_of(1602)), "1601.6 samples belong to the first tick");
        assert!(later.is_some_and(|later| later.pts >= ntsc.time_of(1)));
    }

    #[test]
    fn a_flush_that_the_lane_does_not_know_of_yet_still_counts_when_it_does() {
        let epochs = Epochs::new();
        epochs.publish(Time(100));
        epochs.publish(Time(200));
        let mut inputs = Inputs::new(vec![Slot::new(0, Kind::Video, true)], Sync::Each, TICK);
        inputs.slots[0].bound = Time(300);
        inputs.flush(&epochs, epochs.cut_since(0), 1);
        assert_eq!(inputs.slots[0].bound, Time(100));
        // The lane goes on in epoch 1, as its producer of the same lane does.
        inputs.slots[0].bound = Time(300);
        inputs.flush(&epochs, epochs.cut_since(1), 2);
        assert_eq!(inputs.slots[0].bound, Time(200));
    }

    #[test]
    fn a_merge_goes_by_time_then_port_and_waits_for_the_silent_port() {
        let mut inputs = Inputs::new(
            vec![
                slot(Kind::Video, vec![picture(TICK.time_of(1), None)], None),
                slot(Kind::Cues, vec![cue(Time::ZERO), cue(TICK.time_of(1))], None),
            ],
            Sync::Merge,
            TICK,
        );
        let mut order = Vec::new();
        let mut take = |inputs: &mut Inputs| {
            let slot = inputs.slots.iter().position(|slot| slot.ready > 0).expect("one port has the packet");
            order.push((slot, inputs.slots[slot].queue[0].pts));
            inputs.called();
        };
        for _ in 0..2 {
            assert_eq!(inputs.poll(), Poll::Call);
            take(&mut inputs);
        }
        assert_eq!(inputs.poll(), Poll::Call, "the video port is settled past its picture");
        take(&mut inputs);
        assert_eq!(order, [(1, Time::ZERO), (0, TICK.time_of(1)), (1, TICK.time_of(1))]);
        assert!(matches!(inputs.poll(), Poll::Need(_)));
        (inputs.slots[0].end, inputs.slots[1].end) = (Some(TICK.time_of(4)), Some(TICK.time_of(2)));
        assert_eq!(inputs.poll(), Poll::End);
        assert_eq!(inputs.end(), TICK.time_of(4));
    }

    #[test]
    fn a_merge_lasts_no_longer_than_to_what_it_was_handed_unless_it_is_known_to_be_whole() {
        let (at, end) = (Time::ZERO + Span::from_millis(520), Time::ZERO + Span::from_millis(558));
        // The sound has ended; the picture says that it lasts two milliseconds longer, and its stream may end with the sound.
        let inputs = || {
            let last = picture(at, Some(Span::from_millis(40)));
            Inputs::new(vec![slot(Kind::Video, vec![last], None), slot(Kind::Audio, vec![], Some(end))], Sync::Merge, TICK)
        };
        let mut whole = inputs();
        assert_eq!((whole.poll(), whole.settled(), whole.lasts()), (Poll::Call, at + Span::from_millis(40), at));
        assert_eq!(whole.handled(), at, "what is made up to the end comes later");
        let mut part = inputs();
        part.only(Time::ZERO, end);
        assert_eq!((part.poll(), part.lasts()), (Poll::Call, end));
    }
}
