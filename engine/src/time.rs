//! Exact time.
//!
//! One unit everywhere: the *flick*, 1/705,600,000 s. 24, 25, 30, 50, 60 fps, their NTSC siblings over 1001 and 8, 16, 22.05, 24,
//! 32, 44.1, 48 and 96 kHz all have a whole number of flicks to a frame or sample, so nothing ever drifts and tests compare with `==`.
//! Conversions to other units happen at the doors of the program and say how they round.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Rem, Sub, SubAssign};

/// Flicks in one second.
pub const FLICKS_PER_SECOND: i64 = 705_600_000;

/// A point in time, in flicks from the start of whatever the value is measured against (a run, a slide, a segment).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A length of time in flicks; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub i64);

impl Time {
    /// The start.
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens: the bound of a stream that will say nothing more.
    pub const MAX: Time = Time(i64::MAX);

    /// The distance from the start.
    pub const fn since_start(self) -> Span {
        Span(self.0)
    }

    /// Adds without wrapping: `Time::MAX` stays `Time::MAX`.
    pub const fn saturating_add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }

    /// Subtracts, except that `Time::MAX` stays `Time::MAX` (a stream that ended stays ended whatever the latency).
    pub const fn saturating_sub(self, span: Span) -> Time {
        if self.0 == i64::MAX { self } else { Time(self.0.saturating_sub(span.0)) }
    }

    /// Whole nanoseconds, rounded down.
    pub const fn to_nanos(self) -> i64 {
        Span(self.0).to_nanos()
    }

    /// Seconds for people and for JSON; never computed with.
    pub fn as_seconds(self) -> f64 {
        Span(self.0).as_seconds()
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// One second.
    pub const SECOND: Span = Span(FLICKS_PER_SECOND);

    /// Whole seconds.
    pub const fn from_seconds(seconds: i64) -> Span {
        Span(seconds * FLICKS_PER_SECOND)
    }

    /// Whole milliseconds (705,600 flicks each, exact).
    pub const fn from_millis(millis: i64) -> Span {
        Span(millis * (FLICKS_PER_SECOND / 1000))
    }

    /// Nanoseconds, rounded to the nearest flick.
    pub const fn from_nanos(nanos: i64) -> Span {
        let flicks = nanos as i128 * FLICKS_PER_SECOND as i128;
        Span((flicks + 500_000_000).div_euclid(1_000_000_000) as i64)
    }

    /// Seconds from a measurement or a file, rounded to the nearest flick; not finite becomes zero.
    pub fn from_seconds_f64(seconds: f64) -> Span {
        if seconds.is_finite() { Span((seconds * FLICKS_PER_SECOND as f64).round() as i64) } else { Span::ZERO }
    }

    /// Whole nanoseconds, rounded down.
    pub const fn to_nanos(self) -> i64 {
        (self.0 as i128 * 1_000_000_000).div_euclid(FLICKS_PER_SECOND as i128) as i64
    }

    /// Whole milliseconds, rounded down.
    pub const fn to_millis(self) -> i64 {
        self.0.div_euclid(FLICKS_PER_SECOND / 1000)
    }

    /// Seconds for people and for JSON; never computed with.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / FLICKS_PER_SECOND as f64
    }

    /// For operating-system calls; negative becomes zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.to_nanos().max(0) as u64)
    }

    /// The smallest multiple of `step` that is not less than this span. `step` must be positive.
    pub const fn round_up_to(self, step: Span) -> Span {
        Span((self.0 + step.0 - 1).div_euclid(step.0) * step.0)
    }
}

/// Units per second as a fraction in lowest terms: 30 fps, 30000/1001 fps, 48000 samples a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    num: u32,
    den: u32,
}

impl Rate {
    /// `num / den` units a second. `None` when either is zero or when a unit is not a whole number of flicks.
    pub const fn new(num: u32, den: u32) -> Option<Rate> {
        if num == 0 || den == 0 {
            return None;
        }
        let shared = gcd(num, den);
        let rate = Rate { num: num / shared, den: den / shared };
        if (FLICKS_PER_SECOND * rate.den as i64) % rate.num as i64 != 0 {
            return None;
        }
        Some(rate)
    }

    /// A whole number of units a second that is known to be exact in flicks (25, 30, 48000 …).
    ///
    /// # Panics
    /// When it is not; meant for constants.
    pub const fn per_second(units: u32) -> Rate {
        match Rate::new(units, 1) {
            Some(rate) => rate,
            None => panic!("a rate must be a whole number of flicks per unit"),
        }
    }

    /// Numerator in lowest terms.
    pub const fn num(self) -> u32 {
        self.num
    }

    /// Denominator in lowest terms.
    pub const fn den(self) -> u32 {
        self.den
    }

    /// The length of one unit, exact.
    pub const fn interval(self) -> Span {
        Span(FLICKS_PER_SECOND * self.den as i64 / self.num as i64)
    }

    /// When unit `index` starts. Multiplies from the index, so nothing accumulates.
    pub const fn time_of(self, index: i64) -> Time {
        Time(index * self.interval().0)
    }

    /// The length of `count` units.
    pub const fn span_of(self, count: i64) -> Span {
        Span(count * self.interval().0)
    }

    /// The unit that covers `time` (rounded down).
    pub const fn index_at(self, time: Time) -> i64 {
        time.0.div_euclid(self.interval().0)
    }

    /// The first unit that starts at or after `time` (rounded up).
    pub const fn index_from(self, time: Time) -> i64 {
        let step = self.interval().0;
        time.0.div_euclid(step) + if time.0.rem_euclid(step) == 0 { 0 } else { 1 }
    }

    /// How many units a span holds, rounded down.
    pub const fn count_in(self, span: Span) -> i64 {
        span.0.div_euclid(self.interval().0)
    }

    /// True when `time` is the start of a unit.
    pub const fn is_on_grid(self, time: Time) -> bool {
        time.0.rem_euclid(self.interval().0) == 0
    }

    /// Units a second for people and for JSON.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The smallest span that is a whole number of both rates' units: at 30 fps and 48 kHz 1600 samples, one frame.
pub fn common_interval(a: Rate, b: Rate) -> Span {
    let (x, y) = (a.interval().0, b.interval().0);
    let (mut p, mut q) = (x, y);
    while q != 0 {
        (p, q) = (q, p % q);
    }
    Span(x / p * y)
}

impl fmt::Display for Time {
    /// `h:mm:ss.mmm`, rounded down to the millisecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Time::MAX {
            return f.write_str("end");
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let millis = Span(self.0.saturating_abs()).to_millis();
        let (seconds, millis) = (millis / 1000, millis % 1000);
        write!(f, "{sign}{}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

impl fmt::Display for Span {
    /// Milliseconds below one second, else seconds with three decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() < FLICKS_PER_SECOND {
            write!(f, "{}ms", self.as_seconds() * 1000.0)
        } else {
            write!(f, "{:.3}s", self.as_seconds())
        }
    }
}

impl fmt::Display for Rate {
    /// `30` or `30000/1001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0 + span.0)
    }
}
impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        self.0 += span.0;
    }
}
impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, span: Span) -> Time {
        Time(self.0 - span.0)
    }
}
impl Sub<Time> for Time {
    type Output = Span;
    fn sub(self, earlier: Time) -> Span {
        Span(self.0 - earlier.0)
    }
}
impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0 + other.0)
    }
}
impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        self.0 += other.0;
    }
}
impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0 - other.0)
    }
}
impl SubAssign for Span {
    fn sub_assign(&mut self, other: Span) {
        self.0 -= other.0;
    }
}
impl Neg for Span {
    type Output = Span;
    fn neg(self) -> Span {
        Span(-self.0)
    }
}
impl Mul<i64> for Span {
    type Output = Span;
    fn mul(self, times: i64) -> Span {
        Span(self.0 * times)
    }
}
impl Div<i64> for Span {
    type Output = Span;
    fn div(self, parts: i64) -> Span {
        Span(self.0 / parts)
    }
}
impl Rem for Span {
    type Output = Span;
    fn rem(self, step: Span) -> Span {
        Span(self.0.rem_euclid(step.0))
    }
}
impl std::iter::Sum for Span {
    fn sum<I: Iterator<Item = Span>>(spans: I) -> Span {
        spans.fold(Span::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_rates_are_exact() {
        for (num, den) in [
            (24, 1),
            (25, 1),
            (30, 1),
            (50, 1),
            (60, 1),
            (24000, 1001),
            (30000, 1001),
            (60000, 1001),
            (22050, 1),
            (44100, 1),
            (48000, 1),
            (96000, 1),
        ] {
            let rate = Rate::new(num, den).expect("exact");
            assert_eq!(rate.interval().0 * i64::from(num), FLICKS_PER_SECOND * i64::from(den));
            assert_eq!(rate.index_at(rate.time_of(123_457)), 123_457);
            assert_eq!(rate.index_at(rate.time_of(123_457) - Span(1)), 123_456);
            assert_eq!(rate.index_from(rate.time_of(7) + Span(1)), 8);
        }
        assert_eq!(Rate::new(0, 1), None);
        assert_eq!(Rate::new(1, 0), None);
        assert_eq!(Rate::new(11, 1), None);
    }

    #[test]
    fn a_frame_at_30_fps_is_1600_samples() {
        let step = common_interval(Rate::per_second(30), Rate::per_second(48_000));
        assert_eq!(Rate::per_second(48_000).count_in(step), 1600);
        let ntsc = common_interval(Rate::new(30000, 1001).unwrap(), Rate::per_second(48_000));
        assert_eq!(Rate::per_second(48_000).count_in(ntsc), 8008);
    }

    #[test]
    fn nanoseconds_round_down_and_text_is_readable() {
        assert_eq!(Rate::per_second(30).time_of(1).to_nanos(), 33_333_333);
        assert_eq!(Span::from_millis(20).to_nanos(), 20_000_000);
        assert_eq!(Time(Span::from_millis(3_723_004).0).to_string(), "1:02:03.004");
        assert_eq!(Span::from_millis(400).to_string(), "400ms");
        assert_eq!(Span::from_seconds(90).to_string(), "90.000s");
        assert_eq!(Span::from_millis(41).round_up_to(Span::from_millis(20)), Span::from_millis(60));
    }
}
