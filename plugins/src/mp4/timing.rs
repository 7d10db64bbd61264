//! Decode times, durations and composition offsets from presentation times alone.
//!
//! The i-th unit to be decoded is decoded at the i-th smallest presentation time. What an encoder calls its decode times is ignored:
//! x264 derives them from the first gaps, which is wrong for sparse pictures. Offsets become negative where a picture is shown before
//! its place in decoding order, which signed `ctts` and `trun` entries are for; no edit is needed to bring the first picture to zero.

use engine::time::Time;

use super::Mp4Error;
use super::scale::TimeScale;

/// When a unit is decoded, for how long, and how much later it is shown; in ticks of its track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) decode: i64,
    pub(super) duration: u32,
    pub(super) offset: i32,
}

/// How long the last unit lasts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Last {
    /// Until this tick: pictures and text.
    Until(i64),
    /// So many samples, or fewer when the track ends at this tick inside it: sound.
    Samples(u32, i64),
}

/// The slots of units with these presentation times, given in decoding order. `track` is for the error.
///
/// # Errors
/// Two units at one tick, an end that leaves nothing to the last unit, a gap beyond 32 bits of ticks.
pub(super) fn schedule(track: usize, scale: TimeScale, pts: &[Time], last: Last) -> Result<Vec<Slot>, Mp4Error> {
    let mut order: Vec<Time> = pts.to_vec();
    order.sort_unstable();
    let wrong = |at: Time, problem| Mp4Error::Unit { track, at, problem };
    let mut slots = Vec::with_capacity(pts.len());
    for (index, (&shown, &decoded)) in pts.iter().zip(&order).enumerate() {
        let decode = scale.ticks(decoded);
        let duration = match (order.get(index + 1), last) {
            (Some(&next), _) => scale.ticks(next) - decode,
            (None, Last::Until(end)) => end - decode,
            (None, Last::Samples(samples, end)) if end > decode => i64::from(samples).min(end - decode),
            (None, Last::Samples(samples, _)) => i64::from(samples),
        };
        if duration <= 0 {
            let two = "two units share this time; a track's times must differ by at least a tick of its time scale";
            let late = "the movie ends before this unit is shown; give an end after the last unit";
            return Err(wrong(decoded, if index + 1 < order.len() { two } else { late }));
        }
        let too_far = "a gap in time that the format cannot hold (32 bits of ticks)";
        slots.push(Slot {
            decode,
            duration: u32::try_from(duration).map_err(|_| wrong(decoded, too_far))?,
            offset: i32::try_from(scale.ticks(shown) - decode).map_err(|_| wrong(shown, too_far))?,
        });
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::time::Rate;

    fn frames(indices: &[i64]) -> Vec<Time> {
        indices.iter().map(|&index| Rate::per_second(25).time_of(index)).collect()
    }

    fn scale() -> TimeScale {
        TimeScale::of_video(Rate::per_second(25)).unwrap()
    }

    #[test]
    fn pictures_out_of_order_and_sparse() {
        let slots = schedule(0, scale(), &frames(&[0, 3, 1, 2, 10]), Last::Until(25_000)).unwrap();
        let plain: Vec<_> = slots.iter().map(|slot| (slot.decode, slot.duration, slot.offset)).collect();
        assert_eq!(plain, [(0, 1000, 0), (1000, 1000, 2000), (2000, 1000, -1000), (3000, 7000, -1000), (10_000, 15_000, 0)]);
    }

    #[test]
    fn the_last_sound_unit_is_cut_at_the_end_only() {
        let rate = Rate::per_second(48_000);
        let pts: Vec<Time> = (0..3).map(|index| rate.time_of(index * 1024)).collect();
        let last = |end| schedule(0, TimeScale::of_audio(48_000), &pts, Last::Samples(1024, end)).unwrap()[2].duration;
        assert_eq!([last(2049), last(3000), last(3072), last(9999), last(2048), last(5)], [1, 952, 1024, 1024, 1024, 1024]);
    }

    #[test]
    fn impossible_times_are_named() {
        let text = |pts: &[Time], end| schedule(3, scale(), pts, Last::Until(end)).unwrap_err().to_string();
        assert!(text(&frames(&[0, 2, 2, 1]), 9000).starts_with("track 3, at 0:00:00.080: two units share"));
        assert!(text(&frames(&[0, 9]), 9000).starts_with("track 3, at 0:00:00.360: the movie ends before"));
        assert!(text(&frames(&[0, 25 * 200_000]), i64::MAX).contains("32 bits"));
    }
}
