//! Time scales: how many ticks of a track or of the movie make a second.
//!
//! Times are converted from the start, never added up, so rounding cannot accumulate; on a track's own grid it is exact.

use engine::time::{FLICKS_PER_SECOND, Rate, Time};

/// The movie's time scale as long as every sound track has a rate that divides it.
const MOVIE_SCALE: u32 = 48_000;

/// Ticks in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeScale(u32);

impl TimeScale {
    /// A track of pictures: 1000 ticks a frame at whole rates (room for pictures off the grid), the numerator at rates over 1001.
    /// `None` when the scale is beyond 32 bits.
    pub(super) fn of_video(rate: Rate) -> Option<TimeScale> {
        if rate.den() == 1001 { Some(TimeScale(rate.num())) } else { rate.num().checked_mul(1000).map(TimeScale) }
    }

    /// A sound track: one tick a sample.
    pub(super) fn of_audio(sample_rate: u32) -> TimeScale {
        TimeScale(sample_rate)
    }

    /// Captions and chapters: a fine grid, and gaps of a day still fit into 32 bits.
    pub(super) fn of_text() -> TimeScale {
        TimeScale(MOVIE_SCALE)
    }

    /// The movie: the smallest scale in which 48 kHz and all these sample rates are whole, so that an edit falls on a sample.
    /// `None` beyond 32 bits.
    pub(super) fn of_movie(sample_rates: impl Iterator<Item = u32>) -> Option<TimeScale> {
        let mut scale = MOVIE_SCALE;
        for rate in sample_rates {
            scale = (scale / gcd(scale, rate)).checked_mul(rate)?;
        }
        Some(TimeScale(scale))
    }

    /// Ticks in one second.
    pub(super) fn per_second(self) -> u32 {
        self.0
    }

    /// A time in ticks, rounded to the nearest; saturates.
    pub(super) fn ticks(self, time: Time) -> i64 {
        let flicks = i128::from(time.0) * i128::from(self.0) + i128::from(FLICKS_PER_SECOND / 2);
        i64::try_from(flicks.div_euclid(i128::from(FLICKS_PER_SECOND))).unwrap_or(i64::MAX)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_samples_are_whole() {
        for (num, den, scale, frame) in [(30, 1, 30_000, 1000), (24, 1, 24_000, 1000), (30_000, 1001, 30_000, 1001), (25, 2, 25_000, 2000)]
        {
            let rate = Rate::new(num, den).unwrap();
            let video = TimeScale::of_video(rate).unwrap();
            assert_eq!(video.per_second(), scale);
            assert_eq!(video.ticks(rate.time_of(1_000_003)), 1_000_003 * frame);
        }
        assert_eq!(TimeScale::of_audio(44_100).ticks(Rate::per_second(44_100).time_of(-7)), -7);
        assert_eq!(TimeScale::of_movie([48_000, 16_000].into_iter()).unwrap().per_second(), 48_000);
        assert_eq!(TimeScale::of_movie([44_100].into_iter()).unwrap().per_second(), 7_056_000);
        assert_eq!(TimeScale::of_movie([44_100, 47_999].into_iter()), None);
    }
}
