//! `playout` by the clock: one picture at every tick, one block of sound every 20 ms, whatever has come by then.
//!
//! Media time is programme time less one *offset*, the same for all tracks, so they cannot drift apart. The offset grows, by whole ticks,
//! when what decides (the sound; pictures where there is no sound) is not there in time; it never shrinks.

use super::sound::{Sound, packet};
use super::{AUDIO, AUDIO_OUT, CUES, CUES_OUT, VIDEO, VIDEO_OUT};
use crate::cue::Cue;
use crate::frame::VideoFrame;
use crate::media::{AudioBlock, AudioCaps};
use crate::node::{Cx, Flow};
use crate::packet::Packet;
use crate::run::Pacer;
use crate::time::{Rate, Span, Time};
use std::collections::VecDeque;

pub(super) struct Live {
    rate: Rate,
    /// The clock's time at which the programme began.
    origin: Option<Time>,
    /// Ticks by which the programme is behind the media.
    behind: i64,
    /// The next tick of the programme.
    tick: i64,
    pictures: Option<Pictures>,
    sound: Option<Sound>,
    cues: VecDeque<Packet<Cue>>,
    /// The programme time up to which cues have gone out.
    cues_until: Time,
    /// How far any output was settled before the end was known: the programme cannot end earlier.
    settled: Time,
    /// After a flush, until the first packet of the new epoch has come.
    refilling: bool,
    frames: u64,
}

struct Pictures {
    waiting: VecDeque<Packet<VideoFrame>>,
    shown: VideoFrame,
}

impl Live {
    /// `first` is what is shown until the first picture comes.
    pub(super) fn new(rate: Rate, first: Option<VideoFrame>, sound: Option<AudioCaps>) -> Live {
        Live {
            rate,
            origin: None,
            behind: 0,
            tick: 0,
            pictures: first.map(|shown| Pictures { waiting: VecDeque::new(), shown }),
            sound: sound.map(Sound::new),
            cues: VecDeque::new(),
            cues_until: Time::ZERO,
            settled: Time::ZERO,
            refilling: false,
            frames: 0,
        }
    }

    /// How far the programme is behind the media.
    fn offset(&self) -> Span {
        self.rate.span_of(self.behind)
    }

    /// The media time of the next tick.
    fn media(&self) -> Time {
        self.rate.time_of(self.tick) - self.offset()
    }

    /// Handles what has come, and at most one tick or one block that is due.
    pub(super) fn process(&mut self, pacer: &Pacer, cx: &mut Cx<'_>) -> Flow {
        let now = pacer.clock.now();
        self.gather(pacer, cx);
        let Some(origin) = self.origin else {
            if pacer.take_flush() {
                pacer.epochs.publish(Time::ZERO);
            } else if self.is_full(pacer, cx) {
                self.origin = Some(now);
                cx.wake_at(Some(now));
            } else {
                cx.wake_at(None);
            }
            return Flow::More;
        };
        if pacer.take_flush() {
            pacer.epochs.publish(self.cut());
            self.refilling = true;
            // Back at once, when the flush has been attended to.
            cx.wake_at(Some(now));
            return Flow::More;
        }
        let end = self.end(cx);
        let tick = self.pictures.as_ref().map(|_| self.rate.time_of(self.tick)).filter(|tick| *tick < end);
        let block = self.sound.as_ref().map(Sound::due).filter(|block| *block < end);
        // Sound goes first: it decides whether the programme falls behind.
        let next = [block, tick].into_iter().flatten().min();
        let programme = now - (origin - Time::ZERO);
        match next {
            None => {
                self.say_cues(end, cx);
                self.settle(end, cx);
                return Flow::Done;
            }
            Some(due) if due > programme => cx.wake_at(Some(origin + (due - Time::ZERO))),
            Some(due) => {
                self.say_cues(due, cx);
                if block == Some(due) {
                    self.block(end, pacer, cx);
                } else {
                    self.picture(end, pacer, cx);
                }
                self.advance(end, pacer, cx);
                cx.wake_at(Some(now));
            }
        }
        Flow::More
    }

    /// Takes over what has come.
    fn gather(&mut self, pacer: &Pacer, cx: &mut Cx<'_>) {
        let due = self.media();
        if let Some(pictures) = &mut self.pictures {
            while let Some(packet) = cx.take(VIDEO) {
                self.refilling &= self.sound.is_some() || packet.epoch < pacer.epochs.current();
                // Its tick has gone by.
                if self.origin.is_some() && packet.pts + self.rate.interval() <= due && packet.end().is_some_and(|end| end <= due) {
                    pacer.stats.saw_late(due - packet.pts);
                }
                pictures.waiting.push_back(packet);
            }
        }
        if let Some(sound) = &mut self.sound {
            while let Some(packet) = cx.take(AUDIO) {
                self.refilling &= packet.epoch < pacer.epochs.current();
                sound.take(packet);
            }
        }
        while let Some(packet) = cx.take(CUES) {
            self.cues.push_back(packet);
        }
    }

    /// Everything that is connected has been made up to the latency, or has ended.
    fn is_full(&self, pacer: &Pacer, cx: &Cx<'_>) -> bool {
        let enough = Time::ZERO + pacer.latency - self.rate.interval();
        let there = |state: Option<(Time, Option<Time>)>| state.is_none_or(|(bound, end)| end.is_some() || bound >= enough);
        there(cx.state_of(VIDEO)) && there(cx.state_of(AUDIO)) && there(cx.state_of(CUES))
    }

    /// When the programme ends: when all inputs have, which is not known before, and what has gone out by then has.
    fn end(&self, cx: &Cx<'_>) -> Time {
        let ends = [cx.state_of(VIDEO), cx.state_of(AUDIO), cx.state_of(CUES)];
        let mut last = Time::ZERO;
        for (_, end) in ends.into_iter().flatten() {
            let Some(end) = end else { return Time::MAX };
            last = last.max(end);
        }
        (last + self.offset()).max(self.settled)
    }

    /// The first picture that has not gone out; not before the sound that has.
    fn cut(&self) -> Time {
        let sound = self.sound.as_ref().map_or(Time::ZERO, Sound::media);
        if self.pictures.is_none() {
            return sound;
        }
        self.media().max(self.rate.time_of(self.rate.index_from(sound)))
    }

    fn block(&mut self, end: Time, pacer: &Pacer, cx: &mut Cx<'_>) {
        let Some(sound) = &mut self.sound else { return };
        let (bound, over) = cx.state_of(AUDIO).map_or((Time::MAX, true), |(bound, end)| (bound, end.is_some()));
        let (first, caps) = (sound.next, sound.caps);
        sound.begin_block();
        let until = if end == Time::MAX { sound.block_end() } else { sound.block_end().min(caps.rate.index_from(end)) };
        let mut samples = Vec::with_capacity((until - first).max(0) as usize * usize::from(caps.channels));
        while !sound.fill(&mut samples, until, bound, over) {
            self.behind += 1;
            let target = caps.rate.index_at(Time::ZERO + self.rate.span_of(self.behind));
            let more = target - sound.behind;
            sound.fall_behind(more);
            pacer.stats.silence_samples.add(more as u64);
            if self.refilling { pacer.stats.refills.add(1) } else { pacer.stats.underruns.add(1) }
        }
        let block = packet(samples, caps, first);
        if let Some(block) = block.typed::<AudioBlock>() {
            cx.emit(AUDIO_OUT, block);
        }
    }

    fn picture(&mut self, end: Time, pacer: &Pacer, cx: &mut Cx<'_>) {
        let mut media = self.media();
        let state = cx.state_of(VIDEO);
        let Some(pictures) = &mut self.pictures else { return };
        let is_next_there =
            |pictures: &Pictures, media| !pictures.waiting.is_empty() || state.is_none_or(|(bound, end)| end.is_some() || bound > media);
        if !is_next_there(pictures, media) {
            if self.sound.is_none() {
                // Pictures decide: the programme falls behind.
                self.behind += 1;
                media = media - self.rate.interval();
                if self.refilling { pacer.stats.refills.add(1) } else { pacer.stats.underruns.add(1) }
            } else {
                pacer.stats.held.add(1);
            }
        }
        let mut made_for = None;
        while pictures.waiting.front().is_some_and(|packet| packet.pts <= media) {
            if let Some(packet) = pictures.waiting.pop_front() {
                (pictures.shown, made_for) = (packet.media, Some(packet.pts));
            }
        }
        let time = self.rate.time_of(self.tick);
        if cx.would_block(VIDEO_OUT) {
            pacer.stats.skipped.add(1);
        } else {
            // The last one ends with the programme.
            let lasting = self.rate.interval().min(end - time);
            cx.emit(VIDEO_OUT, Packet::lasting(time, lasting, pictures.shown.clone()));
            self.frames += 1;
            // Each by the time that its packet was made for. A picture that is held counts as made for now.
            if let (Some(sound), Some(made_for)) = (&self.sound, made_for)
                && let Some(heard) = sound.heard(time)
            {
                let apart = heard - made_for;
                cx.saw_skew(if apart.0.abs() < sound.caps.rate.interval().0 { Span::ZERO } else { apart });
            }
        }
        self.tick += 1;
    }

    /// Cues whose time has come, a late one at once.
    fn say_cues(&mut self, until: Time, cx: &mut Cx<'_>) {
        let offset = self.offset();
        while self.cues.front().is_some_and(|cue| cue.pts + offset <= until) {
            if let Some(cue) = self.cues.pop_front() {
                cx.emit(CUES_OUT, Packet { pts: self.cues_until.max(cue.pts + offset), ..cue });
                self.cues_until = self.cues_until.max(cue.pts + offset);
            }
        }
        self.cues_until = self.cues_until.max(until);
    }

    /// What has gone out is settled; sources may run ahead of where the media stands now.
    fn advance(&mut self, end: Time, pacer: &Pacer, cx: &mut Cx<'_>) {
        let tick = self.rate.time_of(self.tick).min(end);
        let block = self.sound.as_ref().map(|sound| sound.due().min(end));
        if end == Time::MAX {
            self.settled = self.settled.max(self.pictures.as_ref().map_or(Time::ZERO, |_| tick)).max(block.unwrap_or(Time::ZERO));
        }
        let programme = match (&self.pictures, block) {
            (Some(_), Some(block)) => tick.min(block),
            (Some(_), None) => tick,
            (None, block) => block.unwrap_or(Time::ZERO),
        };
        cx.settle(VIDEO_OUT, tick);
        if let Some(block) = block {
            cx.settle(AUDIO_OUT, block);
        }
        cx.settle(CUES_OUT, self.cues_until);
        pacer.horizon.advance(programme - self.offset());
        cx.reach(programme, self.frames);
    }

    fn settle(&mut self, end: Time, cx: &mut Cx<'_>) {
        cx.settle(VIDEO_OUT, end);
        cx.settle(AUDIO_OUT, end);
        cx.settle(CUES_OUT, end);
        cx.reach(end, self.frames);
    }

    pub(super) fn flush(&mut self, cut: Time) {
        if let Some(pictures) = &mut self.pictures {
            pictures.waiting.retain(|packet| packet.pts < cut);
        }
        if let Some(sound) = &mut self.sound {
            sound.flush(cut);
        }
        self.cues.retain(|packet| packet.pts < cut);
    }
}
