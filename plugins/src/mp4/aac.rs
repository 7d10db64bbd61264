//! The part of an MPEG-4 `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1) that a container needs.

use super::Mp4Error;

/// Sampling frequencies by their 4-bit index (ISO/IEC 14496-3, table 1.18).
const FREQUENCIES: [u32; 13] = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// What an AAC-LC configuration says about its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AacConfig {
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u16,
    /// Samples (per channel) in one unit: 1024, or 960 in the short variant.
    pub unit_samples: u32,
}

impl AacConfig {
    /// Reads the configuration of an AAC-LC stream. Other object types (HE-AAC among them, whose units are counted at another
    /// rate) are an error, and so is a truncated configuration.
    pub fn parse(config: &[u8]) -> Result<AacConfig, Mp4Error> {
        let mut bits = Bits { data: config, at: 0 };
        let parsed = (|| {
            let object_type = bits.take(5)?;
            let sample_rate = match bits.take(4)? {
                15 => bits.take(24)?,
                index => *FREQUENCIES.get(index as usize)?,
            };
            let channels = match bits.take(4)? {
                channels @ 1..=6 => channels as u16,
                7 => 8,
                _ => return None,
            };
            let unit_samples = if bits.take(1)? == 1 { 960 } else { 1024 };
            (object_type == 2 && sample_rate > 0).then_some(AacConfig { sample_rate, channels, unit_samples })
        })();
        parsed.ok_or_else(|| {
            Mp4Error::Spec(format!("{config:02x?} is no AudioSpecificConfig of AAC-LC with 1 to 8 channels; encode as AAC-LC"))
        })
    }
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_encoders_write() {
        let parse = |bytes: &[u8]| AacConfig::parse(bytes).unwrap();
        assert_eq!(parse(&[0x11, 0x88]), AacConfig { sample_rate: 48_000, channels: 1, unit_samples: 1024 });
        assert_eq!(parse(&[0x12, 0x10, 0x56, 0xe5, 0x00]), AacConfig { sample_rate: 44_100, channels: 2, unit_samples: 1024 });
        assert_eq!(parse(&[0x11, 0xbc]), AacConfig { sample_rate: 48_000, channels: 8, unit_samples: 960 });
        assert_eq!(parse(&[0x17, 0x80, 0x5d, 0xc0, 0x08]), AacConfig { sample_rate: 48_000, channels: 1, unit_samples: 1024 });
    }

    #[test]
    fn refuses_the_rest() {
        for bytes in [&[][..], &[0x11], &[0x2b, 0x11, 0x88], &[0x16, 0x88], &[0x11, 0x80], &[0x17, 0x80, 0, 0, 0x08]] {
            assert!(matches!(AacConfig::parse(bytes), Err(Mp4Error::Spec(_))), "{bytes:02x?}");
        }
    }
}
