//! What a movie is made of, as the caller states it, and the same thing checked.

use bytes::Bytes;
use engine::media::{AudioCodec, VideoCodec};
use engine::time::{Rate, Time};

use super::aac::AacConfig;
use super::scale::TimeScale;
use super::{Mp4Error, Synthetic, config, entry};

/// A movie: what is known before the first unit.
#[derive(Clone, Debug)]
pub struct MovieSpec {
    /// The title shown by players.
    pub title: Option<String>,
    /// The language spoken and written, as a BCP-47 tag (`en`, `de-AT`); empty for undetermined.
    pub language: String,
    /// What was made by a computer; the file says so (see `metadata`).
    pub synthetic: Synthetic,
    /// Pictures and sound; at least one track. Captions and chapters need no track: they are made when there are any.
    pub tracks: Vec<TrackSpec>,
}

impl MovieSpec {
    /// Fragments are for players that were tried with H.264 and AAC.
    pub(super) fn must_be_common(&self) -> Result<(), Mp4Error> {
        let uncommon = self.tracks.iter().find_map(|track| match track {
            TrackSpec::Video(video) if video.codec != VideoCodec::H264 => Some(video.codec.as_str()),
            TrackSpec::Audio(audio) if audio.codec != AudioCodec::Aac => Some("Opus"),
            _ => None,
        });
        uncommon.map_or(Ok(()), |codec| Err(Mp4Error::Spec(format!("fragments hold H.264 and AAC, not {codec}"))))
    }

    /// The brand that the codec of the pictures brings along, if it has one. Files of sound alone have H.264's, as they always had.
    pub(super) fn brand(&self) -> Option<&'static [u8; 4]> {
        let codec = self.tracks.iter().find_map(|track| if let TrackSpec::Video(video) = track { Some(video.codec) } else { None });
        match codec {
            None | Some(VideoCodec::H264) => Some(b"avc1"),
            Some(VideoCodec::Av1) => Some(b"av01"),
            Some(VideoCodec::Hevc | VideoCodec::Vp9) => None,
        }
    }
}

/// One track of pictures or sound.
#[derive(Clone, Debug)]
pub enum TrackSpec {
    /// Pictures.
    Video(VideoSpec),
    /// Sound.
    Audio(AudioSpec),
}

/// Pictures: H.264 and HEVC as access units of 4-byte length-prefixed NAL units without parameter sets, VP9 as (super)frames, AV1 as
/// temporal units without delimiters; BT.709, limited range, square pixels.
#[derive(Clone, Debug)]
pub struct VideoSpec {
    /// How they are coded.
    pub codec: VideoCodec,
    /// The payload of `avcC` or `hvcC` (ISO/IEC 14496-15), `vpcC` or `av1C`.
    pub codec_config: Bytes,
    /// Width in pixels, 2 to 16,384.
    pub width: u32,
    /// Height in pixels, 2 to 16,384.
    pub height: u32,
    /// The nominal frame rate; pictures may be sparser.
    pub rate: Rate,
}

/// Sound: AAC-LC as raw units without ADTS headers, or Opus in packets of 20 ms.
#[derive(Clone, Debug)]
pub struct AudioSpec {
    /// How it is coded.
    pub codec: AudioCodec,
    /// The `AudioSpecificConfig` or the `OpusHead`; it also tells sample rate and channels.
    pub codec_config: Bytes,
    /// Samples that the decoder gives before the first one of the sound (1024 with `avenc_aac`, 312 with Opus).
    pub priming: u32,
    /// Nominal bits a second, as a hint to players.
    pub bitrate: u32,
}

/// One encoded unit: a picture's access unit, or one frame of sound.
///
/// Units come in decoding order. A picture's `pts` is when it is shown. A sound unit's `pts` is that of the samples that went into the
/// encoder for it (the first unit: when the sound starts); the priming by which its decoded samples lag behind is taken off here.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    /// Programme time, not negative.
    pub pts: Time,
    /// True when decoding can start here; always true for sound.
    pub keyframe: bool,
    /// The bytes as they go into the file.
    pub data: &'a [u8],
}

/// Opus counts at this rate whatever the sound's is; its packets here last 20 ms.
const OPUS_RATE: u32 = 48_000;
const OPUS_UNIT: u32 = 960;

/// A checked track.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) scale: TimeScale,
    /// The sample entry, encoded.
    pub(super) entry: Vec<u8>,
    pub(super) media: Media,
}

/// What differs between pictures and sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Video { width: u16, height: u16 },
    Audio { unit_samples: u32, priming: u32 },
}

impl Media {
    pub(super) fn name(self) -> &'static str {
        match self {
            Media::Video { .. } => "video",
            Media::Audio { .. } => "audio",
        }
    }
}

impl Track {
    fn new(spec: &TrackSpec) -> Result<Track, Mp4Error> {
        match spec {
            TrackSpec::Video(video) => {
                let (width, height) = (side("width", video.width)?, side("height", video.height)?);
                let scale = TimeScale::of_video(video.rate)
                    .ok_or_else(|| Mp4Error::Spec(format!("{} frames a second are beyond a 32-bit time scale", video.rate)))?;
                let entry = entry::pictures(video.codec, &video.codec_config, width, height)?;
                Ok(Track { scale, entry, media: Media::Video { width, height } })
            }
            TrackSpec::Audio(audio) => {
                let (sample_rate, unit_samples, entry) = match audio.codec {
                    AudioCodec::Aac => {
                        let config = AacConfig::parse(&audio.codec_config)?;
                        (config.sample_rate, config.unit_samples, entry::mp4a(audio, config)?)
                    }
                    AudioCodec::Opus => (OPUS_RATE, OPUS_UNIT, entry::opus(audio, config::dops(&audio.codec_config)?)?),
                };
                let media = Media::Audio { unit_samples, priming: audio.priming };
                Ok(Track { scale: TimeScale::of_audio(sample_rate), entry, media })
            }
        }
    }

    /// What every unit must fulfil by itself; `first` in its track (or fragment).
    pub(super) fn check(&self, track: usize, unit: &Unit<'_>, first: bool) -> Result<(), Mp4Error> {
        let problem = if unit.pts < Time::ZERO {
            "a unit starts before the programme; its time must not be negative"
        } else if unit.data.is_empty() {
            "a unit without bytes; drop it before the writer"
        } else if u32::try_from(unit.data.len()).is_err() {
            "a unit of 4 GiB or more; the format cannot hold it"
        } else if first && !unit.keyframe && matches!(self.media, Media::Video { .. }) {
            "the first picture is no keyframe, so nothing could be decoded; start at one"
        } else {
            return Ok(());
        };
        Err(Mp4Error::Unit { track, at: unit.pts, problem })
    }
}

/// A movie that can be written: every track checked, and the movie's own time scale.
#[derive(Clone, Debug)]
pub(super) struct Movie {
    pub(super) tracks: Vec<Track>,
    pub(super) scale: TimeScale,
}

impl Movie {
    pub(super) fn new(spec: &MovieSpec) -> Result<Movie, Mp4Error> {
        if spec.tracks.is_empty() {
            return Err(Mp4Error::Spec("it has neither a video nor an audio track; name at least one".into()));
        }
        let tracks = spec.tracks.iter().map(Track::new).collect::<Result<Vec<_>, _>>()?;
        let sound = tracks.iter().filter(|track| matches!(track.media, Media::Audio { .. }));
        let scale = TimeScale::of_movie(sound.map(|track| track.scale.per_second()))
            .ok_or_else(|| Mp4Error::Spec("its sample rates have no common 32-bit time scale; resample to 48 kHz".into()))?;
        Ok(Movie { tracks, scale })
    }

    pub(super) fn track(&self, index: usize) -> Result<&Track, Mp4Error> {
        let count = self.tracks.len();
        self.tracks
            .get(index)
            .ok_or_else(|| Mp4Error::Spec(format!("a unit came for track {index}, but it has only {count} (counted from 0)")))
    }

    /// Width and height of the first track of pictures; a movie without one gives its captions 1280x720.
    pub(super) fn size(&self) -> (u16, u16) {
        let video = self.tracks.iter().find_map(|track| match track.media {
            Media::Video { width, height } => Some((width, height)),
            Media::Audio { .. } => None,
        });
        video.unwrap_or((1280, 720))
    }
}

fn side(name: &str, pixels: u32) -> Result<u16, Mp4Error> {
    match u16::try_from(pixels) {
        Ok(side @ 2..=16_384) => Ok(side),
        _ => Err(Mp4Error::Spec(format!("a {name} of {pixels} pixels; it must be 2 to 16384"))),
    }
}
