//! One track while it grows: its table, and its open chunk in memory.

use engine::time::{Span, Time};

use super::Mp4Error;
use super::spec::Unit;
use super::spill::Spill;
use super::table::{Chunk, SampleTable};

/// A chunk is closed when it spans this much …
const CHUNK_SPAN: Span = Span::from_millis(500);
/// … or holds this many bytes; with one unit more this bounds the memory of a track.
const CHUNK_BYTES: usize = 8 << 20;

/// A track so far. Where its chunks are cut depends on its own units only.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    table: SampleTable,
    open: Vec<u8>,
    open_units: u32,
    open_start: Time,
}

impl Gathered {
    /// True until the first unit.
    pub(super) fn is_empty(&self) -> bool {
        self.table.pts.is_empty()
    }

    /// Adds a checked unit.
    pub(super) fn push(&mut self, unit: Unit<'_>, spill: &mut Spill) -> Result<(), Mp4Error> {
        if self.open_units > 0 && (unit.pts >= self.open_start.saturating_add(CHUNK_SPAN) || self.open.len() >= CHUNK_BYTES) {
            self.close(spill)?;
        }
        if self.open_units == 0 {
            // A picture shown before one of the chunk before it must not make this chunk come first.
            self.open_start = self.open_start.max(unit.pts);
        }
        self.table.push(unit.pts, unit.data.len() as u32, unit.keyframe);
        self.open.extend_from_slice(unit.data);
        self.open_units += 1;
        Ok(())
    }

    /// Closes the last chunk and gives the table.
    pub(super) fn finish(mut self, spill: &mut Spill) -> Result<SampleTable, Mp4Error> {
        self.close(spill)?;
        Ok(self.table)
    }

    fn close(&mut self, spill: &mut Spill) -> Result<(), Mp4Error> {
        let position = spill.append(&self.open)?;
        self.table.chunks.push(Chunk { start: self.open_start, position, bytes: self.open.len() as u64, units: self.open_units });
        self.open.clear();
        self.open_units = 0;
        Ok(())
    }
}
