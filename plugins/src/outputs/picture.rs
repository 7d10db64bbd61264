//! Frames as PNG and JPEG files in memory. sRGB in all but name: BT.709 and sRGB share their primaries.

use crate::pixels::frame_to_rgba;
use engine::frame::{PixelFormat, VideoFrame};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};

/// A PNG, without loss: RGBA where the frame has alpha, else RGB.
pub(super) fn png(frame: &VideoFrame) -> Result<Vec<u8>, ImageError> {
    let rgba = frame_to_rgba(frame);
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive);
    let (width, height) = (frame.size().width, frame.size().height);
    match frame.format() {
        PixelFormat::A420 => encoder.write_image(&rgba, width, height, ExtendedColorType::Rgba8)?,
        PixelFormat::I420 => encoder.write_image(&without_alpha(&rgba), width, height, ExtendedColorType::Rgb8)?,
    }
    Ok(file)
}

/// A JPEG of this quality, 1 to 100; alpha is left out.
pub(super) fn jpeg(frame: &VideoFrame, quality: u8) -> Result<Vec<u8>, ImageError> {
    let rgb = without_alpha(&frame_to_rgba(frame));
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, quality);
    encoder.write_image(&rgb, frame.size().width, frame.size().height, ExtendedColorType::Rgb8)?;
    Ok(file)
}

fn without_alpha(rgba: &[u8]) -> Vec<u8> {
    rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
}
