//! The sound of a live programme: cut anew into blocks of 20 ms by sample index, silence where there is none, no clicks.

use crate::media::{AudioBlock, AudioCaps, Media};
use crate::packet::Packet;
use crate::time::{Rate, Time};
use std::collections::VecDeque;

/// Blocks a second.
const BLOCKS: Rate = Rate::per_second(50);
/// A jump in the sound is smoothed over this part of a second.
const FADES: Rate = Rate::per_second(100);

/// Sound that waits, and where the programme stands in it.
pub(super) struct Sound {
    pub(super) caps: AudioCaps,
    waiting: VecDeque<Packet<AudioBlock>>,
    /// The first sample of the programme that has not gone out.
    pub(super) next: i64,
    /// Samples of silence that go out before any more sound, because the programme has fallen behind.
    pub(super) owed: i64,
    /// How many samples the programme is behind the media in all.
    pub(super) behind: i64,
    /// The last sample of every channel that went out.
    last: Vec<f32>,
    /// A jump that is being smoothed: what it began with, and how far it is.
    jump: Option<(Vec<f32>, usize)>,
    /// The last sample was made up.
    was_silent: bool,
    /// The first media sample that was made anew after a flush.
    cut: Option<i64>,
    /// What of the last block comes from packets.
    made: Vec<Made>,
}

/// Samples that go out as they came.
struct Made {
    /// The first of them, counted in the programme.
    first: i64,
    count: i64,
    /// When it is heard in the media, by the time of its packet.
    media: Time,
}

impl Sound {
    pub(super) fn new(caps: AudioCaps) -> Sound {
        let last = vec![0.0; usize::from(caps.channels)];
        Sound {
            caps,
            waiting: VecDeque::new(),
            next: 0,
            owed: 0,
            behind: 0,
            last,
            jump: None,
            was_silent: false,
            cut: None,
            made: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, packet: Packet<AudioBlock>) {
        self.waiting.push_back(packet);
    }

    /// The media time of the next sample.
    pub(super) fn media(&self) -> Time {
        self.caps.rate.time_of(self.next - self.behind + self.owed)
    }

    /// The media time of what is heard at `programme`, by the times of the packets that the last block was cut from; nothing in silence
    /// and outside that block.
    pub(super) fn heard(&self, programme: Time) -> Option<Time> {
        let index = self.caps.rate.index_at(programme);
        let made = self.made.iter().find(|made| (made.first..made.first + made.count).contains(&index))?;
        Some(made.media + (programme - self.caps.rate.time_of(made.first)))
    }

    /// What is filled from here on is another block.
    pub(super) fn begin_block(&mut self) {
        self.made.clear();
    }

    /// The programme time of the next block.
    pub(super) fn due(&self) -> Time {
        self.caps.rate.time_of(self.next)
    }

    /// Where the next block ends: a whole number of blocks from the start.
    pub(super) fn block_end(&self) -> i64 {
        self.caps.rate.index_at(BLOCKS.time_of(BLOCKS.index_at(self.due()) + 1))
    }

    /// The programme falls behind by `samples` more.
    pub(super) fn fall_behind(&mut self, samples: i64) {
        self.owed += samples;
        self.behind += samples;
    }

    /// After a flush: sound from `cut` on is not wanted, and what comes instead begins with a jump.
    pub(super) fn flush(&mut self, cut: Time) {
        self.waiting = std::mem::take(&mut self.waiting).into_iter().filter_map(|packet| packet.before(cut)).collect();
        self.cut = Some(self.caps.rate.index_from(cut));
    }

    /// Appends programme samples up to `until` to `block`; `false` when sound is missing that should be there. `bound` is how far the sound
    /// is settled, `ended` that none comes any more.
    pub(super) fn fill(&mut self, block: &mut Vec<f32>, until: i64, bound: Time, ended: bool) -> bool {
        let (rate, channels) = (self.caps.rate, usize::from(self.caps.channels));
        while self.next < until {
            if self.owed > 0 {
                let count = self.owed.min(until - self.next);
                self.silence(block, count, true);
                self.owed -= count;
                continue;
            }
            let position = self.next - self.behind;
            let mut until = until;
            match self.cut {
                Some(cut) if position < cut => until = until.min(self.next + cut - position),
                Some(_) => {
                    self.cut = None;
                    self.smooth();
                }
                None => {}
            }
            let Some(packet) = self.waiting.front() else {
                let settled = if ended { i64::MAX } else { rate.index_at(bound) };
                if settled <= position {
                    return false;
                }
                // Nothing was made for here, and nothing will be.
                self.silence(block, (settled - position).min(until - self.next), false);
                continue;
            };
            let begin = rate.index_at(packet.pts);
            let end = begin + packet.media.frames() as i64;
            if end <= position {
                self.waiting.pop_front();
            } else if begin > position {
                self.silence(block, (begin - position).min(until - self.next), false);
            } else {
                let (from, to) = (position - begin, (end - begin).min(position - begin + until - self.next));
                let samples = packet.media.samples()[from as usize * channels..to as usize * channels].to_vec();
                self.made.push(Made { first: self.next, count: to - from, media: packet.pts + rate.span_of(from) });
                if std::mem::take(&mut self.was_silent) {
                    self.smooth();
                }
                self.emit(block, samples);
                self.next += to - from;
            }
        }
        true
    }

    /// The next sample does not follow from the last one.
    pub(super) fn smooth(&mut self) {
        self.jump = Some((self.last.clone(), 0));
    }

    /// Silence; `made_up` when there should be sound.
    fn silence(&mut self, block: &mut Vec<f32>, count: i64, made_up: bool) {
        if made_up && !self.was_silent {
            self.smooth();
            self.was_silent = true;
        }
        self.emit(block, vec![0.0; count as usize * usize::from(self.caps.channels)]);
        self.next += count;
    }

    /// Over a jump the last sample before it fades out while what follows fades in.
    fn emit(&mut self, block: &mut Vec<f32>, mut samples: Vec<f32>) {
        let channels = usize::from(self.caps.channels);
        let length = self.caps.rate.count_in(FADES.interval()).max(1) as usize;
        if let Some((from, mut done)) = self.jump.take() {
            for frame in samples.chunks_exact_mut(channels).take(length - done) {
                let gain = done as f32 / length as f32;
                frame.iter_mut().zip(&from).for_each(|(sample, from)| *sample = *sample * gain + from * (1.0 - gain));
                done += 1;
            }
            self.jump = (done < length).then_some((from, done));
        }
        if let Some(frame) = samples.chunks_exact(channels).next_back() {
            self.last.copy_from_slice(frame);
        }
        block.append(&mut samples);
    }
}

/// A block of sound as a packet of the programme.
pub(super) fn packet(samples: Vec<f32>, caps: AudioCaps, first: i64) -> Packet {
    let block = AudioBlock::new(samples, caps.channels, caps.rate);
    Packet { dur: Some(block.duration()), ..Packet::new(caps.rate.time_of(first), Media::Audio(block)) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn what_is_heard_goes_by_the_packets_and_not_by_the_count_of_samples() {
        let rate = Rate::per_second(48_000);
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        let block = |millis| {
            let block = AudioBlock::mono(vec![0.5; 960], rate);
            Packet::lasting(at(millis), block.duration(), block)
        };
        let mut sound = Sound::new(AudioCaps { rate, channels: 1 });
        let fill = |sound: &mut Sound, until: i64| {
            sound.begin_block();
            assert!(sound.fill(&mut Vec::new(), until, Time::MAX, false));
        };
        sound.take(block(0));
        sound.take(block(20));
        fill(&mut sound, 960);
        assert_eq!((sound.heard(at(0)), sound.heard(at(10)), sound.heard(at(20))), (Some(at(0)), Some(at(10)), None));
        // 10 ms of silence are owed; what follows comes that much later.
        sound.fall_behind(480);
        fill(&mut sound, 1920);
        assert_eq!((sound.heard(at(25)), sound.heard(at(30)), sound.heard(at(39))), (None, Some(at(20)), Some(at(29))));
        // Were the count wrong, as it never is, the packets would tell.
        sound.behind += 48;
        fill(&mut sound, 2016);
        assert_eq!(sound.heard(at(40)), Some(at(29)), "not 30");
    }
}
