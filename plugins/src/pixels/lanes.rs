//! Eight 16-bit numbers at once, and four singles.
//!
//! For loops over short runs, which the compiler vectorises only when it is lucky. On x86-64 every operation is one or two SSE2
//! instructions, which are there on every such machine; elsewhere, and as what those are tested against, the same in plain Rust.

/// How many.
pub(crate) const LANES: usize = 8;

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use plain::{Lanes, line};
#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::{Lanes, line};

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use super::LANES;
    use std::arch::x86_64::*;

    /// An operation of SSE2 on values.
    macro_rules! sse2 {
        ($operation:expr) => {
            // SAFETY: SSE2 is part of x86-64, and no memory is touched.
            unsafe { $operation }
        };
    }

    /// Eight signed 16-bit numbers; sums and differences wrap.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes(__m128i);

    impl Lanes {
        /// The same number eight times.
        #[inline(always)]
        pub(crate) fn splat(value: i16) -> Lanes {
            Lanes(sse2!(_mm_set1_epi16(value)))
        }

        /// 0 to 255.
        #[inline(always)]
        pub(crate) fn from_bytes(bytes: [u8; LANES]) -> Lanes {
            Lanes(sse2!(_mm_unpacklo_epi8(_mm_cvtsi64_si128(i64::from_le_bytes(bytes)), _mm_setzero_si128())))
        }

        /// Clipped to 0 to 255.
        #[inline(always)]
        pub(crate) fn to_bytes(self) -> [u8; LANES] {
            sse2!(_mm_cvtsi128_si64(_mm_packus_epi16(self.0, self.0))).to_le_bytes()
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Lanes) -> Lanes {
            Lanes(sse2!(_mm_add_epi16(self.0, other.0)))
        }

        #[inline(always)]
        pub(crate) fn minus(self, other: Lanes) -> Lanes {
            Lanes(sse2!(_mm_sub_epi16(self.0, other.0)))
        }

        /// The upper halves of the products.
        #[inline(always)]
        pub(crate) fn times(self, other: Lanes) -> Lanes {
            Lanes(sse2!(_mm_mulhi_epi16(self.0, other.0)))
        }

        /// The larger numbers.
        #[inline(always)]
        pub(crate) fn max(self, other: Lanes) -> Lanes {
            Lanes(sse2!(_mm_max_epi16(self.0, other.0)))
        }

        /// Shifted left.
        #[inline(always)]
        pub(crate) fn up<const BITS: i32>(self) -> Lanes {
            Lanes(sse2!(_mm_slli_epi16::<BITS>(self.0)))
        }

        /// Shifted right; the sign stays.
        #[inline(always)]
        pub(crate) fn down<const BITS: i32>(self) -> Lanes {
            Lanes(sse2!(_mm_srai_epi16::<BITS>(self.0)))
        }

        /// The first four of both and the last four of both, in turns.
        #[inline(always)]
        pub(crate) fn in_turns(self, other: Lanes) -> [Lanes; 2] {
            [Lanes(sse2!(_mm_unpacklo_epi16(self.0, other.0))), Lanes(sse2!(_mm_unpackhi_epi16(self.0, other.0)))]
        }
    }

    /// `start + step * places`.
    #[inline(always)]
    pub(crate) fn line(start: f32, step: f32, [a, b, c, d]: [f32; 4]) -> [f32; 4] {
        let line = sse2!(_mm_add_ps(_mm_set1_ps(start), _mm_mul_ps(_mm_set1_ps(step), _mm_setr_ps(a, b, c, d))));
        // SAFETY: both are four singles.
        unsafe { std::mem::transmute(line) }
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain {
    use super::LANES;

    /// Eight signed 16-bit numbers; sums and differences wrap.
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes([i16; LANES]);

    impl Lanes {
        #[inline(always)]
        fn each(self, other: Lanes, operation: impl Fn(i16, i16) -> i16) -> Lanes {
            Lanes(std::array::from_fn(|i| operation(self.0[i], other.0[i])))
        }

        pub(crate) fn splat(value: i16) -> Lanes {
            Lanes([value; LANES])
        }

        pub(crate) fn from_bytes(bytes: [u8; LANES]) -> Lanes {
            Lanes(bytes.map(i16::from))
        }

        pub(crate) fn to_bytes(self) -> [u8; LANES] {
            self.0.map(|value| value.clamp(0, 255) as u8)
        }

        pub(crate) fn plus(self, other: Lanes) -> Lanes {
            self.each(other, i16::wrapping_add)
        }

        pub(crate) fn minus(self, other: Lanes) -> Lanes {
            self.each(other, i16::wrapping_sub)
        }

        pub(crate) fn times(self, other: Lanes) -> Lanes {
            self.each(other, |a, b| ((i32::from(a) * i32::from(b)) >> 16) as i16)
        }

        pub(crate) fn max(self, other: Lanes) -> Lanes {
            self.each(other, i16::max)
        }

        pub(crate) fn up<const BITS: i32>(self) -> Lanes {
            Lanes(self.0.map(|value| value << BITS))
        }

        pub(crate) fn down<const BITS: i32>(self) -> Lanes {
            Lanes(self.0.map(|value| value >> BITS))
        }

        pub(crate) fn in_turns(self, other: Lanes) -> [Lanes; 2] {
            [0, LANES / 2].map(|start| Lanes(std::array::from_fn(|i| [self.0, other.0][i % 2][start + i / 2])))
        }
    }

    /// `start + step * places`.
    pub(crate) fn line(start: f32, step: f32, places: [f32; 4]) -> [f32; 4] {
        places.map(|place| start + step * place)
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{LANES, plain, sse2};

    /// Every operation on many numbers, by both; bytes show 16 bits in two halves.
    #[test]
    fn sse2_does_what_the_plain_code_does() {
        macro_rules! results {
            ($lanes:ty, $a:expr, $b:expr, $scale:expr) => {{
                let (a, b) = (<$lanes>::from_bytes($a), <$lanes>::from_bytes($b));
                let (a, b) = (a.up::<7>().minus(<$lanes>::splat($scale)), b.up::<6>().plus(<$lanes>::splat($scale)));
                let [low, high] = a.in_turns(b);
                let all = [a, b, a.plus(b), a.minus(b), a.times(b), a.max(b), a.up::<3>(), a.down::<2>(), low, high];
                all.map(|x| [x.to_bytes(), x.down::<8>().plus(<$lanes>::splat(128)).to_bytes()])
            }};
        }
        let mut n = 1_u32;
        for _ in 0..2_000 {
            let mut random = || {
                n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                n >> 24
            };
            let (a, b): ([u8; LANES], [u8; LANES]) = (std::array::from_fn(|_| random() as u8), std::array::from_fn(|_| random() as u8));
            let scale = (random() as i16 - 128) << 7;
            assert_eq!(results!(sse2::Lanes, a, b, scale), results!(plain::Lanes, a, b, scale));
            let (start, step, places) = (f32::from(a[0]), f32::from(scale), [b[0], b[1], b[2], b[3]].map(|b| f32::from(b) / 7.0));
            assert_eq!(sse2::line(start, step, places), plain::line(start, step, places));
        }
    }
}
