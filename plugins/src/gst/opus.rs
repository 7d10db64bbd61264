//! Opus by libopus, in units of 20 ms (RFC 6716).

use super::sound::Coder;
use engine::media::AudioCodec;
use gstreamer as gst;

/// The configuration is the OpusHead (RFC 7845, 5.1), which names the priming: its pre-skip.
pub(super) static CODERS: [Coder; 1] = [Coder {
    codec: AudioCodec::Opus,
    name: "Opus",
    element: "opusenc",
    // Takes 16 bits only. Dither is noise from a random source: off.
    launch: "audioconvert dithering=none ! opusenc frame-size=20 bitrate={bitrate}",
    unit: 960,
    delay: 0,
    rates: 48_000..=48_000,
    bitrates: 6_000..=510_000,
    config,
    priming,
    // Its decoder remembers.
    pieces: None,
}];

fn config(fields: &gst::StructureRef) -> Option<gst::Buffer> {
    fields.get::<gst::Array>("streamheader").ok()?.first()?.get().ok()
}

/// Bytes 10 and 11, counted at 48 kHz whatever the rate of the sound.
fn priming(head: &[u8]) -> Option<usize> {
    head.starts_with(b"OpusHead").then_some(())?;
    Some(u16::from_le_bytes([*head.get(10)?, *head.get(11)?]).into())
}

#[cfg(test)]
#[path = "opus_tests.rs"]
mod tests;
