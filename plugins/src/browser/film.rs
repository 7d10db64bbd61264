//! Pictures of a page as a film without sound: H.264 nearly without loss, for ourselves to read again.

use crate::gst::{RateControl, VideoEncoder, VideoSettings};
use crate::mp4::{MovieSpec, Mp4Writer, Synthetic, TrackSpec, Unit, VideoSpec};
use crate::pixels::rgba_to_i420;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::media::{EncodedUnit, VideoCaps};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::time::Rate;
use image::imageops::{FilterType, resize};
use std::path::Path;

/// x264's constant quality at which letters keep their edges.
const CRF: u32 = 8;

/// A film that is being made; it lies at its path once it is finished.
pub struct PageFilm {
    encoder: VideoEncoder,
    writer: Mp4Writer,
    size: Size,
    rate: Rate,
    pool: Pool,
    count: i64,
    last: Vec<u8>,
}

impl PageFilm {
    /// Begins a film.
    ///
    /// # Errors
    /// The encoder is missing, or the file cannot be made.
    pub fn create(path: &Path, size: Size, rate: Rate) -> Result<PageFilm, String> {
        let caps = VideoCaps { format: PixelFormat::I420, size, rate };
        let settings = VideoSettings { rate_control: RateControl::Crf(CRF), ..VideoSettings::default() };
        let encoder = VideoEncoder::open(&caps, &settings).map_err(|error| error.to_string())?;
        let video = VideoSpec {
            codec: encoder.caps().codec,
            codec_config: encoder.caps().config.clone(),
            width: size.width,
            height: size.height,
            rate,
        };
        let spec = MovieSpec { title: None, language: String::new(), synthetic: Synthetic::NONE, tracks: vec![TrackSpec::Video(video)] };
        let writer = Mp4Writer::create(path, spec).map_err(|error| error.to_string())?;
        Ok(PageFilm { encoder, writer, size, rate, pool: Pool::new(), count: 0, last: Vec::new() })
    }

    /// Adds the next picture, a PNG. One that is the same as before holds on.
    ///
    /// # Errors
    /// It is no picture, or cannot be encoded or written.
    pub fn push(&mut self, png: &[u8]) -> Result<(), String> {
        if self.count == 0 || png != self.last {
            let frame = self.frame(png)?;
            let units = self.encoder.push(Packet::new(self.rate.time_of(self.count), frame)).map_err(|error| error.to_string())?;
            self.write(&units)?;
            self.last = png.to_vec();
        }
        self.count += 1;
        Ok(())
    }

    /// Completes the film.
    ///
    /// # Errors
    /// It cannot be encoded or written; nothing is left behind then.
    pub fn finish(mut self) -> Result<(), String> {
        let units = self.encoder.finish().map_err(|error| error.to_string())?;
        self.write(&units)?;
        let end = self.rate.time_of(self.count);
        self.writer.finish(end).map(drop).map_err(|error| error.to_string())
    }

    fn frame(&self, png: &[u8]) -> Result<VideoFrame, String> {
        let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png).map_err(|error| error.to_string())?;
        let mut picture = picture.into_rgba8();
        // Windows have whole pixels of their own: some sizes miss by one.
        if (picture.width(), picture.height()) != (self.size.width, self.size.height) {
            picture = resize(&picture, self.size.width, self.size.height, FilterType::Triangle);
        }
        rgba_to_i420(picture.as_raw(), self.size, &self.pool).map_err(|error| error.to_string())
    }

    fn write(&mut self, units: &[Packet<EncodedUnit>]) -> Result<(), String> {
        for unit in units {
            let EncodedUnit { keyframe, data, .. } = &unit.media;
            self.writer.push(0, Unit { pts: unit.pts, keyframe: *keyframe, data }).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
