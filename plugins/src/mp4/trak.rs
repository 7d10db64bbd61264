//! Track and movie headers, put together from `mp4-atom`'s boxes and the few that it lacks (`gmhd`, `elng`).
//!
//! `mp4-atom`'s own containers (`Trak`, `Mdia`, `Minf`) have no place for these, hence the containers are written here. No box carries
//! a date: all are zero.

use mp4_atom::{
    BufMut, Dinf, Dref, DrefEntry, Edts, Elst, ElstEntry, Encode, FourCC, Hdlr, Mdhd, Mvhd, Nmhd, Result, Smhd, Tkhd,
    TrackReferenceTypeBox, Tref, Url, Vmhd,
};

use super::language::iso_639_2;
use super::scale::TimeScale;
use super::spec::Media;

/// What a track is to a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Pictures or sound.
    Media(Media),
    /// Soft captions over a picture of this size: listed and off until chosen, the sole member of their alternate group.
    Captions { width: u16, height: u16 },
    /// Chapter titles: disabled, found through other tracks' `chap` references.
    Chapters,
}

impl Role {
    fn handler(self) -> (&'static [u8; 4], &'static str) {
        match self {
            Role::Media(Media::Video { .. }) => (b"vide", "Video"),
            Role::Media(Media::Audio { .. }) => (b"soun", "Sound"),
            Role::Captions { .. } => (b"sbtl", "Captions"),
            Role::Chapters => (b"text", "Chapters"),
        }
    }
}

/// All of a track's header.
pub(super) struct Head<'a> {
    /// Counted from 1.
    pub(super) id: u32,
    pub(super) role: Role,
    /// Of sound and text, BCP-47; pictures have none.
    pub(super) language: &'a str,
    pub(super) scale: TimeScale,
    /// In ticks of the movie.
    pub(super) movie_duration: u64,
    /// In ticks of the track.
    pub(super) media_duration: u64,
    pub(super) edits: &'a [ElstEntry],
    /// The id of the chapter track, if there is one and this track refers to it.
    pub(super) chapters: Option<u32>,
}

impl Head<'_> {
    /// Writes `trak`, with what `stbl` writes in its place.
    pub(super) fn encode<B: BufMut>(&self, buf: &mut B, stbl: impl FnOnce(&mut B) -> Result<()>) -> Result<()> {
        buf.encode_atom(b"trak", |buf| {
            self.tkhd().encode(buf)?;
            if let Some(id) = self.chapters {
                let chap = TrackReferenceTypeBox { reference_type: FourCC::new(b"chap"), track_ids: vec![id] };
                Tref { track_reference_type_boxes: vec![chap] }.encode(buf)?;
            }
            if !self.edits.is_empty() {
                Edts { elst: Some(Elst { entries: self.edits.to_vec() }) }.encode(buf)?;
            }
            buf.encode_atom(b"mdia", |buf| self.mdia(buf, stbl))
        })
    }

    fn tkhd(&self) -> Tkhd {
        let (width, height) = match self.role {
            Role::Media(Media::Video { width, height }) | Role::Captions { width, height } => (width, height),
            _ => (0, 0),
        };
        let sound = matches!(self.role, Role::Media(Media::Audio { .. }));
        Tkhd {
            track_id: self.id,
            duration: self.movie_duration,
            layer: 0,
            alternate_group: if matches!(self.role, Role::Captions { .. }) { 2 } else { 0 },
            enabled: matches!(self.role, Role::Media(_)),
            in_movie: true,
            volume: u8::from(sound).into(),
            width: width.into(),
            height: height.into(),
            ..Default::default()
        }
    }

    fn mdia<B: BufMut>(&self, buf: &mut B, stbl: impl FnOnce(&mut B) -> Result<()>) -> Result<()> {
        let (handler, name) = self.role.handler();
        let tag = if matches!(self.role, Role::Media(Media::Video { .. })) { "" } else { self.language };
        let (timescale, duration, language) = (self.scale.per_second(), self.media_duration, iso_639_2(tag));
        Mdhd { timescale, duration, language, ..Default::default() }.encode(buf)?;
        Hdlr { handler: handler.into(), name: name.into() }.encode(buf)?;
        if !tag.is_empty() {
            extended_language(tag, buf)?;
        }
        buf.encode_atom(b"minf", |buf| {
            match self.role {
                Role::Media(Media::Video { .. }) => Vmhd::default().encode(buf)?,
                Role::Media(Media::Audio { .. }) => Smhd::default().encode(buf)?,
                Role::Captions { .. } => Nmhd {}.encode(buf)?,
                Role::Chapters => quicktime_text_header(buf)?,
            }
            // An empty location: the data is in this file.
            Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } }.encode(buf)?;
            stbl(buf)
        })
    }
}

/// The movie header; `next_id` is one above the highest track id.
pub(super) fn mvhd(scale: TimeScale, duration: u64, next_id: u32) -> Mvhd {
    Mvhd { timescale: scale.per_second(), duration, rate: 1.into(), volume: 1.into(), next_track_id: next_id, ..Default::default() }
}

/// An edit at normal speed: `length` ticks of the movie showing the media from `media_time` on; `None` shows nothing.
pub(super) fn edit(length: u64, media_time: Option<u64>) -> ElstEntry {
    ElstEntry { segment_duration: length, media_time, media_rate: 1.into() }
}

/// `elng`, the whole language tag (ISO/IEC 14496-12, 8.4.6).
fn extended_language<B: BufMut>(tag: &str, buf: &mut B) -> Result<()> {
    buf.encode_atom(b"elng", |buf| {
        0u32.encode(buf)?; // version and flags
        tag.replace('\0', "").as_str().encode(buf)
    })
}

/// `gmhd` with `gmin` and `text`, the media header of QuickTime text (QuickTime File Format, "Base media information header atoms").
fn quicktime_text_header<B: BufMut>(buf: &mut B) -> Result<()> {
    buf.encode_atom(b"gmhd", |buf| {
        buf.encode_atom(b"gmin", |buf| {
            0u32.encode(buf)?; // version and flags
            [0x0040u16, 0x8000, 0x8000, 0x8000, 0, 0].map(|field| field.to_be_bytes()).concat().encode(buf) // dither copy, grey, balance
        })?;
        buf.encode_atom(b"text", |buf| mp4_atom::Matrix::default().encode(buf))
    })
}
