//! AAC-LC by libavcodec, or by vo-aacenc where that is missing.

use super::sound::{Coder, Pieces};
use engine::media::AudioCodec;
use gstreamer as gst;

/// Units of 1024 samples (ISO/IEC 14496-3, AAC-LC); the configuration is the AudioSpecificConfig, which says nothing of the priming.
pub(super) static CODERS: [Coder; 2] = [
    // The fast search, and both channels by their middle and side: a third of the work, and nearer to the sound than the default. Noise for
    // bands and intensity for sides are for rates below 64 kbit/s (ffmpeg-codecs, 10.1).
    Coder {
        launch: "avenc_aac aac-coder=fast aac-ms=true aac-is=false aac-pns=false aac-tns=false bitrate={bitrate} ! capsfilter caps=audio/mpeg,mpegversion=4,stream-format=raw",
        // From its 17th unit on an encoder that began anywhere decides on windows as one that began earlier, so that they fit each other.
        pieces: Some(Pieces { units: 512, run_up: 16 }),
        ..coder("avenc_aac", 1, |_| Some(1024))
    },
    // Takes 16 bits only. Dither is noise from a random source: off.
    Coder {
        launch: "audioconvert dithering=none ! voaacenc bitrate={bitrate} ! capsfilter caps=audio/mpeg,mpegversion=4,stream-format=raw",
        ..coder("voaacenc", 0, |_| Some(1600))
    },
];

const fn coder(element: &'static str, delay: usize, priming: fn(&[u8]) -> Option<usize>) -> Coder {
    Coder {
        codec: AudioCodec::Aac,
        name: "AAC",
        element,
        launch: "",
        unit: 1024,
        delay,
        rates: 8_000..=96_000,
        bitrates: 16_000..=512_000,
        config,
        priming,
        pieces: None,
    }
}

fn config(fields: &gst::StructureRef) -> Option<gst::Buffer> {
    fields.get::<gst::Buffer>("codec_data").ok()
}

#[cfg(test)]
#[path = "aac_tests.rs"]
mod tests;
