//! A decoded picture made ours: its limits, its shape with square pixels, and its copy in limited range.

use super::super::error::GstError;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::pool::Pool;
use gstreamer as gst;
use gstreamer_video::{VideoColorRange, VideoFrameExt, VideoFrameRef, VideoInfo};

/// The largest side of a film's pictures, in pixels.
const MAX_SIDE: u32 = 8192;
/// The most pixels of a film's picture: DCI 4K is 4096x2160.
const MAX_AREA: u64 = 4096 * 4096;

/// What to change when pictures are too large; a side of zero is unknown.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), String> {
    match width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_AREA {
        true => Err(format!(
            "its pictures are {width}x{height}; the limit is {MAX_SIDE} pixels a side and {} megapixels: scale it down",
            MAX_AREA / 1_000_000
        )),
        false => Ok(()),
    }
}

/// Width and height with square pixels, the longer way.
pub(super) fn shape(info: &VideoInfo) -> Size {
    let (width, height) = (info.width(), info.height());
    let (n, d) = (info.par().numer(), info.par().denom());
    let scaled = |side: u32, n: i32, d: i32| {
        ((i64::from(side) * i64::from(n) + i64::from(d) / 2) / i64::from(d.max(1))).clamp(2, i64::from(2 * MAX_SIDE)) as u32
    };
    match n.cmp(&d) {
        _ if n <= 0 || d <= 0 => Size::new(width, height),
        std::cmp::Ordering::Greater => Size::new(scaled(width, n, d), height),
        std::cmp::Ordering::Less => Size::new(width, scaled(height, d, n)),
        std::cmp::Ordering::Equal => Size::new(width, height),
    }
}

/// Levels of limited range for those of full range, luma and chroma (ITU-R BT.2100, table 9, at 8 bits), rounded to nearest.
fn limited(level: usize, plane: usize) -> u8 {
    match plane {
        0 => (16.0 + level as f64 * 219.0 / 255.0).round() as u8,
        _ => (128.0 + (level as f64 - 128.0) * 224.0 / 255.0).round() as u8,
    }
}

/// The picture in a buffer of our own, in limited range, without an odd last column or row.
pub(super) fn copied(view: &VideoFrameRef<&gst::BufferRef>, pool: &Pool) -> Result<VideoFrame, GstError> {
    let size = Size::new(view.width() & !1, view.height() & !1);
    if !size.is_even() {
        return Err(GstError::film("its pictures are less than two pixels wide or high"));
    }
    let mut frame = pool.blank(PixelFormat::I420, size);
    let layout = frame.layout();
    for plane in 0..3 {
        let cut_off = || GstError::film("one of its pictures is cut off");
        let (source, stride) = (view.plane_data(plane as u32).map_err(|_| cut_off())?, view.plane_stride()[plane]);
        let (stride, area) = (usize::try_from(stride).map_err(|_| cut_off())?, layout.plane_size(plane));
        let width = area.width as usize;
        let target = &mut frame.bytes_mut()[layout.offset(plane)..][..layout.plane_bytes(plane)];
        for (to, from) in target.chunks_mut(layout.stride(plane)).zip(source.chunks(stride.max(1))) {
            to[..width].copy_from_slice(from.get(..width).ok_or_else(cut_off)?);
        }
        if view.info().colorimetry().range() == VideoColorRange::Range0_255 {
            let levels: [u8; 256] = std::array::from_fn(|level| limited(level, plane));
            target.iter_mut().for_each(|level| *level = levels[usize::from(*level)]);
        }
    }
    Ok(frame.freeze())
}
