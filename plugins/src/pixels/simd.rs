//! One loop, compiled twice: for any machine and for AVX2, chosen when it runs.
//!
//! The loops are plain Rust that the compiler vectorises; the only `unsafe` is the call of the AVX2 twin after the processor was asked.

/// Defines `fn name(arguments) { body }` so that it runs its AVX2 twin where the processor has it. The body must not depend on which:
/// integer and single-precision operations without fused multiply-add give the same result in both. What it calls must be
/// `#[inline(always)]`, and it must not hand closures on: the compiler gives those no AVX2 unless it inlines them.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<const $generic:ident: bool>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name $(<const $generic: bool>)? ($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn portable $(<const $generic: bool>)? ($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2 $(<const $generic: bool>)? ($($arg: $ty),*) $(-> $ret)? {
                    portable $(::<$generic>)? ($($arg),*)
                }
                if $crate::pixels::simd::has_avx2() {
                    // SAFETY: the processor was just found to have AVX2, the only requirement of the call.
                    return unsafe { avx2 $(::<$generic>)? ($($arg),*) };
                }
            }
            portable $(::<$generic>)? ($($arg),*)
        }
    };
}
pub(crate) use vectorised;

vectorised! {
    /// Alpha of chroma samples from two rows of full-size alpha: weights 1 2 1 across and 1 1 down, rounded to nearest. `edge` is the
    /// column before the rows. Rows hold two samples for each one written.
    pub(crate) fn chroma_alpha(row0: &[u8], row1: &[u8], edge: [u8; 2], out: &mut [u8]) {
        let cells = out.len();
        let (row0, row1) = (&row0.as_chunks::<2>().0[..cells], &row1.as_chunks::<2>().0[..cells]);
        let Some(first) = out.first_mut() else { return };
        // Wrapping only in name: checks for overflow, which tests run with, would keep the loop from being vectorised.
        let pair = |a: u8, b: u8| u16::from(a).wrapping_add(u16::from(b));
        let sum = |before: u16, a: [u8; 2], b: [u8; 2]| {
            let own = pair(a[0], b[0]).wrapping_mul(2).wrapping_add(pair(a[1], b[1]));
            (before.wrapping_add(own).wrapping_add(4) >> 3) as u8
        };
        *first = sum(pair(edge[0], edge[1]), row0[0], row1[0]);
        let before = row0.iter().zip(row1);
        let own = row0[1..].iter().zip(&row1[1..]);
        for ((out, (a0, b0)), (a, b)) in out[1..].iter_mut().zip(before).zip(own) {
            *out = sum(pair(a0[1], b0[1]), *a, *b);
        }
    }
}

/// `x / 255` rounded to nearest, exact for every `x` up to 255 * 255.
#[inline(always)]
pub(crate) fn divide_by_255(x: u16) -> u8 {
    // Wrapping only in name: tests run with overflow checks, and those keep loops from being vectorised.
    let x = x.wrapping_add(128);
    (x.wrapping_add(x >> 8) >> 8) as u8
}

/// Asks for the memory around `memory[at]`, if there is such a place, so that the processor need not wait when it is read.
#[inline(always)]
pub(crate) fn prefetch(memory: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = memory.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint about a byte that exists; nothing is read or written.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (memory, at);
}

/// Rounds to nearest and clips to `low` and `high`, both within 0 to 255.
#[inline(always)]
pub(crate) fn level(x: f32, low: f32, high: f32) -> u8 {
    let x = if x > low { x } else { low };
    let x = if x < high { x } else { high };
    // At 2^23 the last bit of a single is one: adding rounds, and the low byte is the number. Vector units have no cheaper conversion.
    (x + 8_388_608.0).to_bits() as u8
}

/// The processor has AVX2. Tests can deny it on their own thread to run the portable twins.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    #[cfg(test)]
    if tests::DENIED.get() {
        return false;
    }
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        pub(super) static DENIED: Cell<bool> = const { Cell::new(false) };
    }

    /// Runs `work` on the portable code.
    pub(crate) fn without_avx2<T>(work: impl FnOnce() -> T) -> T {
        DENIED.set(true);
        let result = work();
        DENIED.set(false);
        result
    }
}
