//! Premultiplied pixels as words, in integers. Two channels share a word: products of 8-bit values fit in 16 bits each. Wrapping only in
//! name: checks keep loops from becoming vector instructions.

/// The red and blue bytes of a pixel, or, shifted down by 8, green and alpha.
pub const PAIR: u32 = 0x00ff_00ff;
/// Half of the last place, in both.
pub const HALF: u32 = 0x0080_0080;

/// The even bytes of `word` times `factor` / 255, rounded: x / 255 = (x + 128 + (x + 128) / 256) / 256 for x up to 255 * 255.
#[inline(always)]
pub fn scaled(word: u32, factor: u32) -> u32 {
    let product = (word & PAIR).wrapping_mul(factor).wrapping_add(HALF);
    product.wrapping_add(product >> 8 & PAIR) >> 8 & PAIR
}

/// The pixel `ground` under a premultiplied one given as (red, blue) and (green, alpha).
#[inline(always)]
pub fn over(ground: u32, red_blue: u32, green_alpha: u32) -> u32 {
    let through = 255u32.wrapping_sub(green_alpha >> 16);
    red_blue.wrapping_add(scaled(ground, through)) | green_alpha.wrapping_add(scaled(ground >> 8, through)) << 8
}
