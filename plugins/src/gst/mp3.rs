//! MP3 by LAME, for files that people listen to: frames that follow each other are a file already (ISO/IEC 11172-3).

use super::chain::Chain;
use super::error::GstError;
use super::sound::sound_buffer;
use engine::media::AudioCaps;
use engine::time::Span;
use gstreamer as gst;

const ELEMENT: &str = "lamemp3enc";
/// 128 kbit/s; it takes 16 bits only. Dither is noise from a random source: off.
const LAUNCH: &str = "audioconvert dithering=none ! lamemp3enc target=bitrate cbr=true bitrate=128";
/// Samples a second that the standard has, with those of MPEG-2 and 2.5.
const RATES: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// An encoder in the caller's thread.
pub struct Mp3Encoder {
    chain: Chain,
    caps: AudioCaps,
    /// Samples per channel taken.
    taken: i64,
}

impl Mp3Encoder {
    /// Sets it up for sound of one or two channels.
    ///
    /// # Errors
    /// It is not installed, or does not take such sound.
    pub fn open(caps: &AudioCaps) -> Result<Mp3Encoder, GstError> {
        super::init()?;
        if gst::ElementFactory::find(ELEMENT).is_none() {
            return Err(GstError::Missing { element: ELEMENT.into() });
        }
        if caps.rate.den() != 1 || !RATES.contains(&caps.rate.num()) || !(1..=2).contains(&caps.channels) {
            let text = format!(
                "it takes one or two channels at 8000 to 48000 Hz, and got {} at {} Hz; put a resample node before it",
                caps.channels, caps.rate
            );
            return Err(GstError::Settings { codec: "MP3", text });
        }
        let raw = gst::Caps::builder("audio/x-raw")
            .field("format", "F32LE")
            .field("layout", "interleaved")
            .field("rate", caps.rate.num() as i32)
            .field("channels", i32::from(caps.channels))
            .build();
        Ok(Mp3Encoder { chain: Chain::open(LAUNCH, &raw)?, caps: *caps, taken: 0 })
    }

    /// Takes interleaved samples and gives what is ready of the file.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<u8>, GstError> {
        let frames = (samples.len() / usize::from(self.caps.channels)) as i64;
        if frames == 0 {
            return Ok(Vec::new());
        }
        let span = |frames: i64| -> Span { self.caps.rate.span_of(frames) };
        let (since, lasting) = (span(self.taken), span(self.taken + frames) - span(self.taken));
        self.chain.push(sound_buffer(samples, since, lasting))?;
        self.taken += frames;
        self.ready()
    }

    /// Gives the rest of the file.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn finish(self) -> Result<Vec<u8>, GstError> {
        self.chain.finish()?;
        self.ready()
    }

    fn ready(&self) -> Result<Vec<u8>, GstError> {
        let mut bytes = Vec::new();
        for buffer in self.chain.take() {
            let unreadable = |error: gst::glib::BoolError| GstError::Element { element: ELEMENT.into(), text: error.to_string() };
            bytes.extend_from_slice(&buffer.map_readable().map_err(unreadable)?);
        }
        Ok(bytes)
    }
}
