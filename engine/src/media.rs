//! What travels on edges: a closed set of four media and the caps that describe a stream of each.

use crate::cue::Cue;
use crate::frame::{PixelFormat, Size, VideoFrame};
use crate::time::{Rate, Span};
use bytes::Bytes;
use std::sync::Arc;

/// The four kinds of port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Raw pictures.
    Video,
    /// Raw sound.
    Audio,
    /// Timed events.
    Cues,
    /// Compressed pictures or sound.
    Encoded,
}

impl Kind {
    /// As written in messages and catalogues.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Video => "video",
            Kind::Audio => "audio",
            Kind::Cues => "cues",
            Kind::Encoded => "encoded",
        }
    }
}

/// One item of any kind. Cloning counts one or two references, it never copies samples.
#[derive(Clone, Debug)]
pub enum Media {
    /// A picture.
    Video(VideoFrame),
    /// Some sound.
    Audio(AudioBlock),
    /// An event.
    Cue(Cue),
    /// An access unit.
    Encoded(EncodedUnit),
}

impl Media {
    /// Which kind of port it belongs on.
    pub const fn kind(&self) -> Kind {
        match self {
            Media::Video(_) => Kind::Video,
            Media::Audio(_) => Kind::Audio,
            Media::Cue(_) => Kind::Cues,
            Media::Encoded(_) => Kind::Encoded,
        }
    }

    /// Bytes it keeps alive, for the limits of inboxes.
    pub fn bytes(&self) -> usize {
        match self {
            Media::Video(frame) => frame.picture.bytes().len(),
            Media::Audio(block) => size_of_val(block.samples()),
            Media::Cue(_) => 64,
            Media::Encoded(unit) => unit.data.len(),
        }
    }
}

/// A type that travels in packets of one kind.
pub trait Payload: Clone + Sized + Into<Media> {
    /// The kind of port it needs.
    const KIND: Kind;
    /// Unwraps; `None` when `media` is of another kind.
    fn from_media(media: Media) -> Option<Self>;
    /// Looks inside; `None` when `media` is of another kind.
    fn in_media(media: &Media) -> Option<&Self>;
    /// When it must be decoded, where that is not when it is shown.
    fn dts(&self) -> Option<crate::time::Time> {
        None
    }
}

macro_rules! payload {
    ($type:ty, $variant:ident, $kind:ident $(, $dts:item)?) => {
        impl From<$type> for Media {
            #[inline]
            fn from(value: $type) -> Media {
                Media::$variant(value)
            }
        }
        impl Payload for $type {
            const KIND: Kind = Kind::$kind;
            #[inline]
            fn from_media(media: Media) -> Option<Self> {
                if let Media::$variant(value) = media { Some(value) } else { None }
            }
            #[inline]
            fn in_media(media: &Media) -> Option<&Self> {
                if let Media::$variant(value) = media { Some(value) } else { None }
            }
            $($dts)?
        }
    };
}
payload!(VideoFrame, Video, Video);
payload!(AudioBlock, Audio, Audio);
payload!(Cue, Cue, Cues);
payload!(
    EncodedUnit,
    Encoded,
    Encoded,
    #[inline]
    fn dts(&self) -> Option<crate::time::Time> {
        Some(self.dts)
    }
);

/// Interleaved 32-bit float samples, nominally -1 to 1; a window into a shared buffer, so cutting costs nothing.
#[derive(Clone, Debug)]
pub struct AudioBlock {
    buffer: Arc<Vec<f32>>,
    start: usize,
    len: usize,
    channels: u16,
    rate: Rate,
}

impl AudioBlock {
    /// A block of whole frames (one sample per channel each).
    ///
    /// # Panics
    /// When `samples` is not a whole number of frames: the caller's arithmetic is wrong.
    pub fn new(samples: Vec<f32>, channels: u16, rate: Rate) -> AudioBlock {
        assert!(channels > 0 && samples.len().is_multiple_of(channels as usize), "an audio block holds whole frames");
        let len = samples.len();
        AudioBlock { buffer: Arc::new(samples), start: 0, len, channels, rate }
    }

    /// A block of one channel.
    pub fn mono(samples: Vec<f32>, rate: Rate) -> AudioBlock {
        AudioBlock::new(samples, 1, rate)
    }

    /// Silence of `frames` frames.
    pub fn silence(frames: usize, channels: u16, rate: Rate) -> AudioBlock {
        AudioBlock::new(vec![0.0; frames * channels as usize], channels, rate)
    }

    /// The samples, interleaved.
    pub fn samples(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.len]
    }

    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.len / self.channels as usize
    }

    /// Channels.
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// Samples a second.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// How long it sounds, exact.
    pub fn duration(&self) -> Span {
        self.rate.span_of(self.frames() as i64)
    }

    /// The part from frame `from` (inclusive) to `to` (exclusive), clipped to what is there, without copying.
    pub fn slice(&self, from: usize, to: usize) -> AudioBlock {
        let to = to.min(self.frames());
        let from = from.min(to);
        let channels = self.channels as usize;
        AudioBlock { start: self.start + from * channels, len: (to - from) * channels, ..self.clone() }
    }
}

/// A compressed access unit. H.264 and HEVC: NAL units each behind a 4-byte length, without parameter sets (those are in the caps).
/// VP9: a frame or superframe. AV1: a temporal unit without its delimiter. AAC and Opus: one raw frame.
#[derive(Clone, Debug)]
pub struct EncodedUnit {
    /// When it must be decoded, counted like the packet's `pts`; increases strictly.
    pub dts: crate::time::Time,
    /// Decoding can start here.
    pub keyframe: bool,
    /// The unit.
    pub data: Bytes,
}

/// What every packet of a stream has in common, fixed when a run starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Caps {
    /// Raw pictures.
    Video(VideoCaps),
    /// Raw sound.
    Audio(AudioCaps),
    /// Events.
    Cues,
    /// Compressed pictures.
    EncodedVideo(EncodedVideoCaps),
    /// Compressed sound.
    EncodedAudio(EncodedAudioCaps),
}

/// Pictures of at most `size` (whole pictures have it exactly, layers are smaller), BT.709 limited range, square pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoCaps {
    /// Pixel format.
    pub format: PixelFormat,
    /// The largest size.
    pub size: Size,
    /// Nominal pictures a second; held pictures may be sparser.
    pub rate: Rate,
}

/// Interleaved float sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioCaps {
    /// Samples a second.
    pub rate: Rate,
    /// Channels.
    pub channels: u16,
}

/// Compressed pictures with what a decoder and a file need to know beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedVideoCaps {
    /// Which codec.
    pub codec: VideoCodec,
    /// Pixels.
    pub size: Size,
    /// Nominal pictures a second.
    pub rate: Rate,
    /// Decoder configuration, as it stands in an MP4 file: the payload of `avcC` or `hvcC` (ISO/IEC 14496-15),
    /// `vpcC` or `av1C`.
    pub config: Bytes,
}

/// Compressed sound with what a decoder and a file need to know beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedAudioCaps {
    /// Which codec.
    pub codec: AudioCodec,
    /// Samples a second.
    pub rate: Rate,
    /// Channels.
    pub channels: u16,
    /// Decoder configuration: AudioSpecificConfig for AAC, OpusHead for Opus.
    pub config: Bytes,
    /// Samples that a decoder gives before the first real one.
    pub priming: u32,
    /// Bits a second asked of the encoder.
    pub bitrate: u32,
}

/// Video codecs on edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum VideoCodec {
    H264,
    Hevc,
    Vp9,
    Av1,
}

impl VideoCodec {
    /// As written in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            VideoCodec::H264 => "H.264",
            VideoCodec::Hevc => "HEVC",
            VideoCodec::Vp9 => "VP9",
            VideoCodec::Av1 => "AV1",
        }
    }
}

/// Audio codecs on edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AudioCodec {
    Aac,
    Opus,
}

impl Caps {
    /// The kind of port these describe.
    pub const fn kind(&self) -> Kind {
        match self {
            Caps::Video(_) => Kind::Video,
            Caps::Audio(_) => Kind::Audio,
            Caps::Cues => Kind::Cues,
            Caps::EncodedVideo(_) | Caps::EncodedAudio(_) => Kind::Encoded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slicing_sound_is_exact_and_clipped() {
        let block = AudioBlock::new((0..10).map(|i| i as f32).collect(), 2, Rate::per_second(48_000));
        assert_eq!(block.frames(), 5);
        let part = block.slice(1, 3).slice(1, 9);
        assert_eq!(part.samples(), [4.0, 5.0]);
        assert_eq!(block.slice(9, 12).frames(), 0);
        assert_eq!(block.duration(), Rate::per_second(48_000).span_of(5));
    }
}
