//! Frames as GStreamer buffers, without a copy.

use engine::frame::{Picture, PixelFormat, VideoFrame};
use engine::media::VideoCaps;
use engine::time::{Rate, Span};
use gstreamer as gst;
use std::sync::Arc;

/// Keeps the picture out of its pool for as long as GStreamer reads it.
struct Shown(Arc<Picture>);

impl AsRef<[u8]> for Shown {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// A buffer that shows the frame's planes where they are: the frame's layout is GStreamer's own. `since` counts from the start of the
/// stream; both times are rounded down to nanoseconds.
pub fn picture_buffer(frame: &VideoFrame, since: Span, lasting: Option<Span>) -> gst::Buffer {
    timed(gst::Buffer::from_slice(Shown(Arc::clone(&frame.picture))), since, lasting)
}

pub(super) fn timed(mut buffer: gst::Buffer, since: Span, lasting: Option<Span>) -> gst::Buffer {
    let nanos = |span: Span| gst::ClockTime::from_nseconds(span.to_nanos().max(0) as u64);
    let shared = buffer.get_mut().expect("a new buffer has one owner");
    shared.set_pts(nanos(since));
    shared.set_duration(lasting.map(nanos));
    buffer
}

/// GStreamer's words for a stream of frames: BT.709 limited range, chroma sited left, square pixels, progressive.  [`init`](super::init) comes first.
pub fn video_caps(caps: &VideoCaps) -> gst::Caps {
    let format = match caps.format {
        PixelFormat::I420 => "I420",
        PixelFormat::A420 => "A420",
    };
    gst::Caps::builder("video/x-raw")
        .field("format", format)
        .field("width", caps.size.width as i32)
        .field("height", caps.size.height as i32)
        .field("framerate", fraction(caps.rate))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("interlace-mode", "progressive")
        .field("colorimetry", "bt709")
        .field("chroma-site", "mpeg2")
        .build()
}

fn fraction(rate: Rate) -> gst::Fraction {
    gst::Fraction::new(rate.num() as i32, rate.den() as i32)
}
