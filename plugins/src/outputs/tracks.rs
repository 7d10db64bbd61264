//! The tracks of a movie, from the encoders that are connected to a sink.

use crate::mp4::{AudioSpec, TrackSpec, Unit, VideoSpec};
use engine::media::{EncodedUnit, EncodedVideoCaps, VideoCodec};
use engine::node::{Failure, In, Result, Start};
use engine::packet::Packet;
use engine::time::Span;

/// What is connected.
pub struct Tracks {
    /// As the writer wants them.
    pub specs: Vec<TrackSpec>,
    /// The number of the track of pictures.
    pub video: Option<usize>,
    /// The number of the track of sound.
    pub audio: Option<usize>,
    /// By how much a sound unit's samples went into the encoder later than they are heard.
    pub priming: Span,
}

impl Tracks {
    /// The pictures first.
    ///
    /// # Errors
    /// Pictures and sound are mixed up, or nothing is connected.
    pub fn connected(start: &Start<'_>, video: In<EncodedUnit>, audio: In<EncodedUnit>) -> Result<Tracks> {
        Tracks::of_nth(start, (video, 0), audio)
    }

    /// The same with the `n`-th connection of a video port that takes many.
    ///
    /// # Errors
    /// The same.
    pub fn of_nth(start: &Start<'_>, (video, n): (In<EncodedUnit>, usize), audio: In<EncodedUnit>) -> Result<Tracks> {
        if start.encoded_audio(video).is_some() || start.encoded_video(audio).is_some() {
            return Err(Failure::msg("video and audio are mixed up: connect a video_encoder to video and an audio_encoder to audio"));
        }
        let mut tracks = Tracks { specs: Vec::new(), video: None, audio: None, priming: Span::ZERO };
        if let Some(caps) = start.encoded_video_nth(video, n) {
            let (width, height) = (caps.size.width, caps.size.height);
            tracks.video = Some(tracks.specs.len());
            let spec = VideoSpec { codec: caps.codec, codec_config: caps.config, width, height, rate: caps.rate };
            tracks.specs.push(TrackSpec::Video(spec));
        }
        if let Some(caps) = start.encoded_audio(audio) {
            tracks.priming = caps.rate.span_of(caps.priming.into());
            tracks.audio = Some(tracks.specs.len());
            let spec = AudioSpec { codec: caps.codec, codec_config: caps.config, priming: caps.priming, bitrate: caps.bitrate };
            tracks.specs.push(TrackSpec::Audio(spec));
        }
        if tracks.specs.is_empty() {
            return Err(Failure::msg("neither video nor audio is connected; connect at least one of them to an encoder"));
        }
        Ok(tracks)
    }
}

/// Refuses pictures that `sink` (as messages call it) cannot hand on.
///
/// # Errors
/// They are not H.264.
pub fn must_be_h264(video: Option<&EncodedVideoCaps>, sink: &str) -> Result {
    match video.map(|caps| caps.codec) {
        None | Some(VideoCodec::H264) => Ok(()),
        Some(codec) => {
            Err(Failure::msg(format!("{sink} takes H.264 and not {}; set codec: h264 in the video_encoder before it", codec.as_str())))
        }
    }
}

/// As the writer takes them, so much later.
pub fn units(packets: &[Packet<EncodedUnit>], shift: Span) -> Vec<Unit<'_>> {
    packets.iter().map(|Packet { pts, media, .. }| Unit { pts: *pts + shift, keyframe: media.keyframe, data: &media.data }).collect()
}
