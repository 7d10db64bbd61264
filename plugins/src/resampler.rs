//! Sound at another sample rate: band-limited (FFT, Blackman-Harris window), without delay, of exact length.

use engine::media::{AudioBlock, AudioCaps};
use engine::node::{Failure, Result};
use engine::packet::Packet;
use engine::time::{Rate, Span, Time};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Samples of the lower rate that are converted at once, about: enough for a steep filter.
const BLOCK: usize = 256;

/// Converts stretches of sound without gaps.
pub(crate) struct Converter {
    from: AudioCaps,
    to: Rate,
    fft: Fft<f32>,
    /// Interleaved samples that do not fill a block yet.
    waiting: Vec<f32>,
    /// Time of the stretch's first sample.
    start: Option<Time>,
    /// Frames of the stretch taken in, and given out.
    taken: u64,
    given: u64,
    /// Output frames still to be left out: the filter's delay.
    skip: usize,
}

impl Converter {
    /// For sound as it comes, and the rate that is wanted.
    ///
    /// # Errors
    /// When the two rates have no small common step.
    pub fn new(from: AudioCaps, to: Rate) -> Result<Converter> {
        let unfit = || Failure::msg(format!("sound at {} Hz cannot be brought to {to} Hz exactly; choose another rate", from.rate));
        let ((1, 1), (input, output)) = ((from.rate.den(), to.den()), (from.rate.num(), to.num())) else { return Err(unfit()) };
        let common = gcd(input, output);
        let (step_in, step_out) = ((input / common) as usize, (output / common) as usize);
        if step_in.max(step_out) > 8 * BLOCK {
            return Err(unfit());
        }
        // The delay is half a block; with an even number of steps it is whole on both sides and can be taken off exactly.
        let steps = BLOCK.div_ceil(step_in.min(step_out)).next_multiple_of(2);
        let (input, output, channels) = (input as usize, output as usize, from.channels.into());
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(input, output, steps * step_in, 1, channels, window, FixedSync::Both)?;
        let skip = fft.output_delay();
        Ok(Converter { from, to, fft, waiting: Vec::new(), start: None, taken: 0, given: 0, skip })
    }

    /// A sample leaves once its block is whole and half a block more has come.
    pub fn latency(&self) -> Span {
        self.from.rate.span_of(self.fft.input_frames_next() as i64) + self.to.span_of(self.fft.output_delay() as i64 + 1)
    }

    /// When the stretch goes on.
    pub fn due(&self) -> Option<Time> {
        self.start.map(|start| start + self.from.rate.span_of(self.taken as i64))
    }

    /// Takes a packet that goes on where the one before ended, and gives what is ready.
    pub fn push(&mut self, packet: &Packet<AudioBlock>) -> Result<Vec<Packet<AudioBlock>>> {
        self.start.get_or_insert(packet.pts);
        self.taken += packet.media.frames() as u64;
        self.waiting.extend_from_slice(packet.media.samples());
        let mut blocks = Vec::new();
        let size = self.fft.input_frames_next() * usize::from(self.from.channels);
        while self.waiting.len() >= size {
            let input: Vec<f32> = self.waiting.drain(..size).collect();
            blocks.extend(self.convert(&input)?);
        }
        Ok(blocks)
    }

    /// The rest of the stretch; the next packet begins another.
    pub fn finish(&mut self) -> Result<Vec<Packet<AudioBlock>>> {
        let size = self.fft.input_frames_next() * usize::from(self.from.channels);
        let total = self.total();
        let mut blocks = Vec::new();
        while self.given < total {
            let mut input = std::mem::take(&mut self.waiting);
            input.resize(size, 0.0);
            blocks.extend(self.convert(&input)?);
        }
        self.fft.reset();
        self.waiting.clear();
        (self.start, self.taken, self.given, self.skip) = (None, 0, 0, self.fft.output_delay());
        Ok(blocks)
    }

    /// Frames that those taken become.
    fn total(&self) -> u64 {
        (self.taken * u64::from(self.to.num())).div_ceil(u64::from(self.from.rate.num()))
    }

    fn convert(&mut self, input: &[f32]) -> Result<Option<Packet<AudioBlock>>> {
        let channels = usize::from(self.from.channels);
        let adapter = InterleavedSlice::new(input, channels, input.len() / channels)?;
        let output = self.fft.process(&adapter, None)?.take_data();
        let frames = output.len() / channels;
        let skipped = self.skip.min(frames);
        self.skip -= skipped;
        let kept = ((frames - skipped) as u64).min(self.total() - self.given) as usize;
        if kept == 0 {
            return Ok(None);
        }
        let samples = output[skipped * channels..(skipped + kept) * channels].to_vec();
        let block = AudioBlock::new(samples, self.from.channels, self.to);
        let pts = self.start.unwrap_or_default() + self.to.span_of(self.given as i64);
        self.given += kept as u64;
        Ok(Some(Packet::lasting(pts, block.duration(), block)))
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
