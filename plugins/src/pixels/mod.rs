//! From and to the one colour format of the program: BT.709, limited range, 8 bit, 4:2:0 with chroma sited left.
//!
//! Everything is rounded once, to nearest, from the unrounded sums; every routine gives the same bytes with and without AVX2, because
//! only integer and IEEE single operations in a fixed order are used. Chroma sited left means that chroma sample *i* lies on luma column
//! 2*i* and half-way between two luma rows: it is gathered with the weights 1 2 1 across and 1 1 down. (The `yuv` crate averages 2x2
//! pixels, which is chroma sited in the middle and shifts colour by half a pixel; hence these kernels.)

mod changing;
pub(crate) mod lanes;
mod patch;
pub(crate) mod premultiplied;
mod rgba;
mod scale;
pub(crate) mod simd;
mod view;

pub use changing::Changing;
pub use patch::Patch;
pub use rgba::{Alpha, Rgba, draw_rgba, reach, rgba_to_a420, rgba_to_i420};
pub use scale::{fit, letterbox, scale_frame};
pub use view::frame_to_rgba;

use engine::frame::Size;

/// What is wrong with pixels handed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PixelError {
    /// 4:2:0 needs even sides.
    #[error("a picture of {size} cannot be used: width and height must be even and not zero; make it {}", even(*.size))]
    OddSize {
        /// The size asked for.
        size: Size,
    },
    /// The data does not hold the picture it is said to hold.
    #[error("an RGBA picture of {size} has {} bytes, not {bytes}", .size.area() * 4)]
    Length {
        /// The size it should have.
        size: Size,
        /// The bytes that were given.
        bytes: usize,
    },
    /// Source and target of a partial conversion differ in size.
    #[error("an RGBA picture of {source_size} cannot be drawn over a frame of {frame_size}: both must have the same size")]
    SizeDiffers {
        /// Size of the RGBA picture.
        source_size: Size,
        /// Size of the frame.
        frame_size: Size,
    },
}

/// The nearest even size that is not smaller.
fn even(size: Size) -> Size {
    Size::new(size.width.max(1).next_multiple_of(2), size.height.max(1).next_multiple_of(2))
}

fn check_size(size: Size) -> Result<(), PixelError> {
    if size.is_even() { Ok(()) } else { Err(PixelError::OddSize { size }) }
}
