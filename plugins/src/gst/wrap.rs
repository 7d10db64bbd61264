//! Frames and compressed units as GStreamer buffers, without a copy.

use engine::frame::{Picture, PixelFormat, VideoFrame};
use engine::media::{AudioCodec, EncodedAudioCaps, EncodedUnit, EncodedVideoCaps, VideoCaps, VideoCodec};
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

/// A buffer of a compressed unit; all times count from the start of the stream and are rounded down to nanoseconds.
pub fn encoded_buffer(unit: &EncodedUnit, pts: Span, dts: Span, lasting: Option<Span>) -> gst::Buffer {
    let mut buffer = timed(gst::Buffer::from_slice(unit.data.clone()), pts, lasting);
    let shared = buffer.get_mut().expect("a new buffer has one owner");
    shared.set_dts(gst::ClockTime::from_nseconds(dts.to_nanos().max(0) as u64));
    if !unit.keyframe {
        shared.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}

/// GStreamer's words for compressed pictures. [`init`](super::init) comes first.
pub fn encoded_video_caps(caps: &EncodedVideoCaps) -> gst::Caps {
    let builder = match caps.codec {
        VideoCodec::H264 => gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au"),
        VideoCodec::Hevc => gst::Caps::builder("video/x-h265").field("stream-format", "hvc1").field("alignment", "au"),
        VideoCodec::Vp9 => gst::Caps::builder("video/x-vp9").field("alignment", "super-frame"),
        VideoCodec::Av1 => gst::Caps::builder("video/x-av1").field("stream-format", "obu-stream").field("alignment", "tu"),
    };
    builder
        .field("codec_data", gst::Buffer::from_slice(caps.config.clone()))
        .field("width", caps.size.width as i32)
        .field("height", caps.size.height as i32)
        .field("framerate", fraction(caps.rate))
        .build()
}

/// GStreamer's words for compressed sound. [`init`](super::init) comes first.
pub fn encoded_audio_caps(caps: &EncodedAudioCaps) -> gst::Caps {
    let builder = match caps.codec {
        AudioCodec::Aac => gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4)
            .field("stream-format", "raw")
            .field("codec_data", gst::Buffer::from_slice(caps.config.clone())),
        AudioCodec::Opus => gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0),
    };
    builder.field("rate", caps.rate.num() as i32).field("channels", i32::from(caps.channels)).build()
}

fn fraction(rate: Rate) -> gst::Fraction {
    gst::Fraction::new(rate.num() as i32, rate.den() as i32)
}
