//! Recordings: a sound file in, samples at 48 kHz out.
//!
//! WAV, MP3, AAC (bare or in MP4, M4A and MOV), FLAC and Ogg Vorbis, told apart by their content, not by their name. What an encoder put
//! before and behind the sound is taken off where the file says how much it is, so that a time in the recording is the same time in the
//! samples. A file that is cut off or damaged is an error, not a shorter recording; only MP3 and bare AAC may be cut where nothing shows.

mod edit;

use self::edit::{Edit, edits};
use super::voice::{SAMPLE_RATE, VoiceError, resample};
use engine::time::{Span, Time};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions, well_known as codecs};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::well_known::{FORMAT_ID_FLAC, FORMAT_ID_MP3, FORMAT_ID_OGG, FORMAT_ID_WAVE};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::{get_codecs, register_enabled_formats};

/// Bytes of decoded sound, mono, at the rate of the file or at 48 kHz, whichever is more: 93 minutes at rates up to 48 kHz.
pub const LARGEST: usize = 1 << 30;
/// Bytes that may stand before the first frame: what is left of the frame that a cut went through.
const SEARCH: u32 = 16 << 10;
/// Samples of an MP3 frame. Encoders disagree on whether the frame that holds the count is counted.
const MP3_FRAME: u64 = 1152;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file cannot be opened.
    #[error("cannot read the recording {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is something else, or the part of a file that says what it is, is missing.
    #[error("{path} is no sound file that can be read, or only a part of one ({cause}). Bring WAV, MP3, AAC, M4A, FLAC or Ogg Vorbis")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader stumbled over.
        cause: String,
    },
    /// The container is known, the coding of the sound in it is not.
    #[error("the sound in {path} is coded in {codec}, which cannot be read. Convert it: ffmpeg -i {path} sound.flac")]
    Codec {
        /// The file.
        path: PathBuf,
        /// Name of the coding, as far as it is known.
        codec: &'static str,
    },
    /// There is no sound in it.
    #[error("there is no sound in {path}. Bring a recording in WAV, MP3, AAC, M4A, FLAC or Ogg Vorbis")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It begins well, then it does not go on.
    #[error(
        "{path} is cut off or damaged at {at}: {cause}. Bring the whole file; what is left can be saved by: ffmpeg -i {path} rest.flac"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// How far it was good.
        at: Time,
        /// What went wrong there.
        cause: String,
    },
    /// It is longer than what fits into memory.
    #[error("{path} is longer than {minutes} minutes, which is the most at {rate} Hz. Cut it into parts")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most.
        minutes: usize,
        /// Samples a second in the file.
        rate: u32,
    },
    /// Its sample rate cannot be converted.
    #[error("the sound in {path} cannot be used: {cause}")]
    Rate {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: VoiceError,
    },
}

/// Reads a recording: the average of its channels at 48 kHz, nominally within -1..1, never infinite or not a number, at least one sample.
/// Sample `i` is what sounds at `i / 48000` s. Of several sound tracks the default one is taken.
///
/// # Errors
/// For everything that is not a whole recording in a known coding of at most [`LARGEST`] bytes; see [`DecodeError`].
pub fn decode(path: &Path) -> Result<Vec<f32>, DecodeError> {
    decode_up_to(path, LARGEST)
}

/// The same with both sides kept, left and right by turns. What has one channel has it on both sides; of more than two the first two count.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_stereo(path: &Path) -> Result<Vec<f32>, DecodeError> {
    interleaved(path, LARGEST, |frame| [frame[0], frame[frame.len().min(2) - 1]])
}

fn decode_up_to(path: &Path, largest: usize) -> Result<Vec<f32>, DecodeError> {
    interleaved(path, largest, |frame| [frame.iter().sum::<f32>() / frame.len() as f32])
}

/// Reads a recording, its channels mixed to so many, by turns, at 48 kHz.
fn interleaved<const N: usize>(path: &Path, largest: usize, mix: fn(&[f32]) -> [f32; N]) -> Result<Vec<f32>, DecodeError> {
    // The decoders read what strangers wrote; a slip in them must end this file, not the program.
    let Sound { frames, rate } = catch_unwind(|| Recording::open(path)?.sound(largest, mix))
        .unwrap_or_else(|_| Err(DecodeError::Format { path: path.into(), cause: "the decoder gave up".into() }))?;
    if rate == SAMPLE_RATE {
        return Ok(frames.into_flattened());
    }
    let converted = |channel: usize| {
        let samples: Vec<f32> = frames.iter().map(|frame| frame[channel]).collect();
        resample(&samples, rate).map_err(|cause| DecodeError::Rate { path: path.into(), cause })
    };
    let channels = (0..N).map(converted).collect::<Result<Vec<_>, _>>()?;
    Ok((0..channels[0].len()).flat_map(|frame| channels.iter().map(move |channel| channel[frame])).collect())
}

/// Sound at the rate of its file.
struct Sound<const N: usize> {
    frames: Vec<[f32; N]>,
    rate: u32,
}

/// A recognised file, ready to be decoded.
struct Recording<'a> {
    path: &'a Path,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: Track,
    edit: Option<Edit>,
    /// Length of the file.
    bytes: u64,
}

impl<'a> Recording<'a> {
    fn open(path: &'a Path) -> Result<Recording<'a>, DecodeError> {
        let unread = |cause| DecodeError::File { path: path.into(), cause };
        // Asked before it is opened: to open a pipe would be to wait for a writer.
        if !path.metadata().map_err(unread)?.is_file() {
            return Err(unread(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")));
        }
        let mut source = Untagged::new(File::open(path).map_err(unread)?).map_err(unread)?;
        let bytes = source.len;
        let edits = edits(&mut source, bytes).map_err(|error| match error.kind() {
            ErrorKind::InvalidData => DecodeError::Format { path: path.into(), cause: error.to_string() },
            _ => unread(error),
        })?;
        source.seek(SeekFrom::Start(0)).map_err(unread)?;
        if source.len == 0 {
            return Err(DecodeError::Format { path: path.into(), cause: "it is empty".into() });
        }
        let mut probe = Probe::new_with_options(&ProbeOptions { max_probe_depth: SEARCH, ..ProbeOptions::default() });
        register_enabled_formats(&mut probe);
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let format = probe
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| DecodeError::Format { path: path.into(), cause: cause(&error) })?;
        let track = format.default_track(TrackType::Audio).cloned().ok_or_else(|| DecodeError::Empty { path: path.into() })?;
        let params = track.codec_params.as_ref().and_then(|params| params.audio()).cloned().unwrap_or_default();
        let decoder = get_codecs().make_audio_decoder(&params, &AudioDecoderOptions::default()).map_err(|_| {
            let codec = match params.codec {
                codecs::CODEC_ID_OPUS => "Opus",
                codecs::CODEC_ID_ALAC => "Apple Lossless",
                codecs::CODEC_ID_AAC => "a variant of AAC other than LC",
                _ => "a way that is not known here",
            };
            DecodeError::Codec { path: path.into(), codec }
        })?;
        let edit = edits.into_iter().find(|edit| edit.track == track.id);
        Ok(Recording { path, format, decoder, track, edit, bytes })
    }

    fn sound<const N: usize>(mut self, largest: usize, mix: fn(&[f32]) -> [f32; N]) -> Result<Sound<N>, DecodeError> {
        let mut read = Sound { frames: Vec::new(), rate: 0 };
        let (mut block, most) = (Vec::<f32>::new(), largest / size_of::<[f32; N]>());
        // Tables may claim billions of empty packets; a true one takes a byte at least.
        let mut packets = 0;
        loop {
            packets += 1;
            if packets > self.bytes {
                return Err(self.broken((read.frames.len(), read.rate), &Error::DecodeError("more packets than bytes")));
            }
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track.id => packet,
                Ok(Some(_)) => continue,
                Ok(None) => break,
                Err(error) if self.is_end(&error) => break,
                Err(error) => return Err(self.broken((read.frames.len(), read.rate), &error)),
            };
            let (rate, channels) = match self.decoder.decode(&packet) {
                Ok(sound) => {
                    sound.copy_to_vec_interleaved(&mut block);
                    (sound.spec().rate(), sound.num_planes().max(1))
                }
                Err(error) => return Err(self.broken((read.frames.len(), read.rate), &error)),
            };
            if read.rate != rate && read.rate != 0 {
                return Err(self.broken((read.frames.len(), read.rate), &Error::Unsupported("another sample rate from here on")));
            }
            read.rate = rate;
            let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
            read.frames.extend(block.chunks_exact(channels).map(mix).map(|frame| frame.map(finite)));
            let fastest = rate.max(SAMPLE_RATE);
            if read.frames.len() as u64 * u64::from(fastest) > most as u64 * u64::from(rate) {
                return Err(DecodeError::TooLong { path: self.path.into(), minutes: most / fastest as usize / 60, rate });
            }
        }
        if self.promised().is_some_and(|count| (read.frames.len() as u64) < count) {
            return Err(self.broken((read.frames.len(), read.rate), &std::io::Error::from(ErrorKind::UnexpectedEof).into()));
        }
        if let Some(edit) = &self.edit {
            let written = self.track.duration.map_or(0, |duration| duration.get());
            let heard = edit.heard(read.frames.len(), written, read.rate);
            read.frames.truncate(heard.end);
            read.frames.drain(..heard.start);
        }
        if read.frames.is_empty() {
            return Err(DecodeError::Empty { path: self.path.into() });
        }
        Ok(read)
    }

    /// A WAV file that was written into a pipe does not know its length: it ends where it ends.
    fn is_end(&self, error: &Error) -> bool {
        let at_end = matches!(error, Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof);
        at_end && self.format.format_info().format == FORMAT_ID_WAVE && self.track.num_frames.is_none()
    }

    /// The number of samples that the file says it has, where that is no guess. (MP4 reads by its tables and fails by itself.)
    fn promised(&self) -> Option<u64> {
        match self.format.format_info().format {
            FORMAT_ID_WAVE | FORMAT_ID_FLAC | FORMAT_ID_OGG => self.track.num_frames,
            // The count and the encoder's delay stand in the same header; without it the count is worked out from the bit rate.
            FORMAT_ID_MP3 => self.track.delay.and(self.track.num_frames).map(|count| count.saturating_sub(MP3_FRAME)),
            _ => None,
        }
    }

    fn broken(&self, (frames, rate): (usize, u32), error: &Error) -> DecodeError {
        // By floating point: a damaged header may name a rate that no grid of times has.
        let at = Time::ZERO + Span::from_seconds_f64(frames as f64 / f64::from(rate.max(1)));
        DecodeError::Broken { path: self.path.into(), at, cause: cause(error) }
    }
}

/// What the reader or a decoder says, for people.
fn cause(error: &Error) -> String {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => "the file ends too soon".into(),
        Error::ResetRequired => "another recording begins there".into(),
        Error::DecodeError(text) | Error::Unsupported(text) => (*text).into(),
        error => error.to_string(),
    }
}

/// A file without the ID3v2 tags at its start (id3.org, "ID3 tag version 2.4.0", 3.1): a picture in one is longer than any search for the
/// first frame, and looks like frames here and there.
struct Untagged {
    file: File,
    start: u64,
    len: u64,
}

impl Untagged {
    fn new(mut file: File) -> io::Result<Untagged> {
        let (size, mut start) = (file.metadata()?.len(), 0);
        loop {
            file.seek(SeekFrom::Start(start))?;
            let mut head = Vec::new();
            file.by_ref().take(10).read_to_end(&mut head)?;
            let &[b'I', b'D', b'3', _, _, flags, ref length @ ..] = head.as_slice() else { break };
            let content = length.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
            start = (start + 10 + content + if flags & 0x10 != 0 { 10 } else { 0 }).min(size);
        }
        file.seek(SeekFrom::Start(start))?;
        Ok(Untagged { file, start, len: size - start })
    }
}

impl Read for Untagged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Untagged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = if let SeekFrom::Start(at) = to { SeekFrom::Start(at.saturating_add(self.start)) } else { to };
        Ok(self.file.seek(to)?.saturating_sub(self.start))
    }
}

impl MediaSource for Untagged {
    fn is_seekable(&self) -> bool {
        true
    }
    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

#[cfg(test)]
mod tests;
