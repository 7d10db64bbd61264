//! Encoded packets on their way into a pipeline.

use super::{GstError, Pipeline};
use engine::media::{AudioCodec, EncodedAudioCaps, EncodedUnit, EncodedVideoCaps};
use engine::packet::Packet;
use engine::time::{Span, Time};
use gstreamer as gst;
use std::time::Duration;

/// Feeds the tracks of a pipeline with encoded packets.
///
/// Programme time becomes the pipeline's running time by one shift for all tracks, taken at the first packet, so they stay in sync. The
/// first picture is a keyframe, and so is the first one after a loss.
#[derive(Debug)]
pub struct Feed {
    shift: Option<Span>,
    /// Pictures wait for a keyframe.
    broken: bool,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed { shift: None, broken: true }
    }
}

impl Feed {
    /// Hands a packet to a track, if there is room at once. `false`: it is lost, and pictures wait for the next keyframe.
    ///
    /// # Errors
    /// The pipeline has failed.
    pub fn push(&mut self, pipeline: &Pipeline, track: usize, packet: &Packet<EncodedUnit>, is_video: bool) -> Result<bool, GstError> {
        pipeline.check()?;
        if is_video {
            self.broken &= !packet.media.keyframe;
            if self.broken {
                return Ok(false);
            }
        }
        let shift = *self.shift.get_or_insert_with(|| pipeline.running_time() - (packet.pts - Time::ZERO));
        match pipeline.push(track, buffer_of(packet, shift), Duration::ZERO) {
            Ok(()) => Ok(true),
            Err(GstError::Stalled { .. }) => {
                self.broken |= is_video;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The packet's bytes, not copied; its times are shifted and rounded down to nanoseconds.
fn buffer_of(packet: &Packet<EncodedUnit>, shift: Span) -> gst::Buffer {
    let nanos = |time: Time| gst::ClockTime::from_nseconds((time - Time::ZERO + shift).to_nanos().max(0) as u64);
    let mut buffer = gst::Buffer::from_slice(packet.media.data.clone());
    let shared = buffer.get_mut().expect("a new buffer has one owner");
    shared.set_pts(nanos(packet.pts));
    shared.set_dts(nanos(packet.media.dts));
    shared.set_duration(packet.dur.map(|dur| gst::ClockTime::from_nseconds(dur.to_nanos().max(0) as u64)));
    if !packet.media.keyframe {
        shared.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}

/// GStreamer's words for H.264 as it is on edges.
pub fn encoded_video_caps(caps: &EncodedVideoCaps) -> gst::Caps {
    gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("codec_data", gst::Buffer::from_slice(caps.config.clone()))
        .field("width", caps.size.width as i32)
        .field("height", caps.size.height as i32)
        .field("framerate", gst::Fraction::new(caps.rate.num() as i32, caps.rate.den() as i32))
        .build()
}

/// GStreamer's words for AAC and Opus as they are on edges.
pub fn encoded_audio_caps(caps: &EncodedAudioCaps) -> gst::Caps {
    let (channels, rate) = (i32::from(caps.channels), caps.rate.num() as i32);
    match caps.codec {
        AudioCodec::Aac => gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4i32)
            .field("stream-format", "raw")
            .field("framed", true)
            .field("codec_data", gst::Buffer::from_slice(caps.config.clone()))
            .field("channels", channels)
            .field("rate", rate)
            .build(),
        AudioCodec::Opus => {
            gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0i32).field("channels", channels).field("rate", rate).build()
        }
    }
}
