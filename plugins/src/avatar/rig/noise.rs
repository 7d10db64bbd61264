//! Motion without memory: hashed chance, easing, and values that move from hold to hold.
//!
//! Everything here is a function of a seed, a stream number and the time; nothing is carried from frame to frame.

/// A number in 0..1 for step `k` of `stream`: SplitMix64's finaliser (Steele, Lea, Flood 2014) over all three.
pub(super) fn chance(seed: u64, stream: u64, k: i64) -> f64 {
    let mut z = seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (k as u64).wrapping_mul(0xd1b5_4a32_d192_ed03);
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        z = (z ^ z >> 30).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(factor);
        z ^= z >> 27;
    }
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// [`chance`] between `low` and `high`.
pub(super) fn between(low: f64, high: f64, chance: f64) -> f64 {
    low + (high - low) * chance
}

/// From 0 at `t <= 0` to 1 at `t >= 1`, at rest at both ends: 3t^2 - 2t^3.
pub(super) fn ease(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// As [`ease`], the path of least jerk (Flash and Hogan 1985): 10t^3 - 15t^4 + 6t^5. For what has mass.
pub(super) fn glide(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * t * (10.0 - 15.0 * t + 6.0 * t * t)
}

/// A bump: 0 up to `from`, 1 at `peak`, 0 again from `until`.
pub(super) fn bump(t: f64, from: f64, peak: f64, until: f64) -> f64 {
    if t < peak { ease((t - from) / (peak - from)) } else { ease((until - t) / (until - peak)) }
}

/// Moments at about equal distances, each shifted by chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beats {
    pub seed: u64,
    pub stream: u64,
    /// Mean distance in seconds.
    pub period: f64,
    /// Largest shift either way, as part of the period; below one half, so that the order stays.
    pub shift: f64,
}

impl Beats {
    /// When beat `k` is, in seconds.
    pub fn at(&self, k: i64) -> f64 {
        (k as f64 + between(-self.shift, self.shift, chance(self.seed, self.stream, k))) * self.period
    }

    /// The last beat at or before `t`.
    pub fn last(&self, t: f64) -> i64 {
        let mut k = (t / self.period + self.shift).floor() as i64;
        while self.at(k) > t {
            k -= 1;
        }
        k
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_keep_their_order_and_are_found() {
        let beats = Beats { seed: 7, stream: 3, period: 1.5, shift: 0.3 };
        for k in -5..200 {
            assert!(beats.at(k) < beats.at(k + 1));
            assert_eq!(beats.last(beats.at(k)), k);
            assert_eq!(beats.last(beats.at(k + 1) - 1e-9), k);
        }
    }

    #[test]
    fn chance_is_even_and_streams_are_independent() {
        let mut bins = [0; 10];
        let mut product = 0.0;
        for k in 0..10_000 {
            let (a, b) = (chance(1, 1, k), chance(1, 2, k));
            bins[(a * 10.0) as usize] += 1;
            product += (a - 0.5) * (b - 0.5);
        }
        assert!(bins.iter().all(|n| (850..1150).contains(n)), "{bins:?}");
        assert!((product / 10_000.0).abs() < 0.005);
    }

    #[test]
    fn easing_starts_and_ends_at_rest() {
        for f in [ease, glide] {
            assert_eq!((f(-1.0), f(0.0), f(0.5), f(1.0), f(2.0)), (0.0, 0.0, 0.5, 1.0, 1.0));
        }
        assert_eq!((bump(0.0, 1.0, 2.0, 4.0), bump(2.0, 1.0, 2.0, 4.0), bump(5.0, 1.0, 2.0, 4.0)), (0.0, 1.0, 0.0));
    }
}
