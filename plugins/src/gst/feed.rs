//! Encoded packets on their way into a pipeline.

use super::{GstError, Pipeline, encoded_buffer};
use engine::media::EncodedUnit;
use engine::packet::Packet;
use engine::time::{Span, Time};
use std::time::Duration;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It is on its way.
    Sent,
    /// It is lost: pictures wait for a keyframe.
    Waits,
    /// It is lost: there was no room.
    Full,
}

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
    /// Hands a packet to a track, after waiting at most `patience` for room.
    ///
    /// # Errors
    /// The pipeline has failed.
    pub fn push(
        &mut self,
        pipeline: &Pipeline,
        (track, is_video): (usize, bool),
        packet: &Packet<EncodedUnit>,
        patience: Duration,
    ) -> Result<Fed, GstError> {
        pipeline.check()?;
        if is_video {
            self.broken &= !packet.media.keyframe;
            if self.broken {
                return Ok(Fed::Waits);
            }
        }
        let shift = *self.shift.get_or_insert_with(|| pipeline.running_time() - (packet.pts - Time::ZERO));
        let since = |time: Time| time - Time::ZERO + shift;
        let buffer = encoded_buffer(&packet.media, since(packet.pts), since(packet.media.dts), packet.dur);
        match pipeline.push(track, buffer, patience) {
            Ok(()) => Ok(Fed::Sent),
            Err(GstError::Stalled { .. }) => {
                self.broken |= is_video;
                Ok(Fed::Full)
            }
            Err(error) => Err(error),
        }
    }
}
