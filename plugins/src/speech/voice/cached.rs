//! A voice that remembers what it said.
//!
//! Samples are kept as the 32-bit floats that the voice made, not as 16-bit PCM: then a clause from the cache and one made anew are the
//! same bits by construction, whatever gain, mixing or limiting follows, and no rounding or clipping rule has to be proved harmless.
//! The price is twice the disk space; 10 GB still hold 14 hours.

use engine::time::Span;

use super::{Phoneme, Synthesis, Timed, Voice, VoiceError, Word};
use crate::speech::cache::{Cache, Key};
use crate::speech::text::{Clause, Unspoken};
use crate::speech::viseme::Viseme;

/// Raised when the layout of entries or the parts of their key change.
const REVISION: u32 = 2;

/// A voice with a cache before it.
pub struct CachedVoice {
    voice: Box<dyn Voice>,
    cache: Cache,
}

impl CachedVoice {
    /// Puts `cache` before `voice`.
    pub fn new(voice: Box<dyn Voice>, cache: Cache) -> CachedVoice {
        CachedVoice { voice, cache }
    }

    /// The cache, for other results that belong to the voice.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The clause was spoken before and is kept.
    pub fn remembers(&self, clause: &Clause) -> bool {
        self.cache.has(&self.key(clause))
    }

    fn key(&self, clause: &Clause) -> Key {
        let voice = (self.voice.id(), self.voice.fingerprint());
        Cache::key(&[b"clause", &REVISION.to_le_bytes(), voice.0.as_bytes(), voice.1.as_bytes(), &said(clause)])
    }
}

impl Voice for CachedVoice {
    fn id(&self) -> &str {
        self.voice.id()
    }

    fn language(&self) -> &str {
        self.voice.language()
    }

    fn sample_rate(&self) -> u32 {
        self.voice.sample_rate()
    }

    fn fingerprint(&self) -> blake3::Hash {
        self.voice.fingerprint()
    }

    fn synthesize(&self, clause: &Clause) -> Result<Synthesis, VoiceError> {
        let key = self.key(clause);
        if let Some(synthesis) = self.cache.get(&key).and_then(|bytes| decode(&bytes, clause)) {
            return Ok(synthesis);
        }
        let synthesis = self.voice.synthesize(clause)?;
        self.cache.put(&key, &encode(&synthesis));
        Ok(synthesis)
    }

    fn loudness(&self) -> Option<f64> {
        self.voice.loudness()
    }

    fn rest(&self) {
        self.voice.rest();
    }
}

/// All of a clause that a voice hears: what is said, not how it is written or where it stands.
fn said(clause: &Clause) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in &clause.words {
        bytes.extend((word.spoken.len() as u32).to_le_bytes());
        bytes.extend(word.spoken.as_bytes());
        let flags = [word.comma, word.joined, word.sounds.is_some(), word.emphasis];
        bytes.push(flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag)));
        if let Some(sounds) = &word.sounds {
            bytes.extend((sounds.len() as u32).to_le_bytes());
            bytes.extend(sounds.as_bytes());
        }
    }
    let mut mark = [0; 4];
    bytes.extend(clause.mark.encode_utf8(&mut mark).as_bytes());
    bytes
}

/// Layout, all little-endian: count and entries of words (token, stressed), phonemes (length and UTF-8 of the symbol, stressed), visemes
/// (index), each after its start and length in flicks; `estimated`; count and samples.
fn encode(synthesis: &Synthesis) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(synthesis.samples.len() * 4 + synthesis.phonemes.len() * 64);
    let count = |bytes: &mut Vec<u8>, count: usize| bytes.extend((count as u32).to_le_bytes());
    let span = |bytes: &mut Vec<u8>, at: Span, dur: Span| {
        bytes.extend(at.0.to_le_bytes());
        bytes.extend(dur.0.to_le_bytes());
    };
    count(&mut bytes, synthesis.words.len());
    for word in &synthesis.words {
        span(&mut bytes, word.at, word.dur);
        count(&mut bytes, word.value.token);
        bytes.push(u8::from(word.value.stressed));
    }
    count(&mut bytes, synthesis.phonemes.len());
    for phoneme in &synthesis.phonemes {
        span(&mut bytes, phoneme.at, phoneme.dur);
        count(&mut bytes, phoneme.value.ipa.len());
        bytes.extend(phoneme.value.ipa.as_bytes());
        bytes.push(u8::from(phoneme.value.stressed));
    }
    count(&mut bytes, synthesis.visemes.len());
    for viseme in &synthesis.visemes {
        span(&mut bytes, viseme.at, viseme.dur);
        bytes.push(viseme.value as u8);
    }
    bytes.push(u8::from(synthesis.estimated));
    count(&mut bytes, synthesis.samples.len());
    bytes.extend(synthesis.samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

/// Words and what was left unsaid get their text and place from the clause at hand. `None` when the bytes do not fit it.
fn decode(bytes: &[u8], clause: &Clause) -> Option<Synthesis> {
    let mut reader = Reader(bytes);
    let words = reader.list(|reader| {
        let (at, dur) = reader.span()?;
        let token = reader.count()?;
        let word = clause.words.get(token)?;
        Some(Timed { at, dur, value: Word { token, text: word.text.clone(), range: word.range.clone(), stressed: reader.flag()? } })
    })?;
    let phonemes = reader.list(|reader| {
        let (at, dur) = reader.span()?;
        let length = reader.count()?;
        let ipa = std::str::from_utf8(reader.take(length)?).ok()?.to_owned();
        Some(Timed { at, dur, value: Phoneme { ipa, stressed: reader.flag()? } })
    })?;
    let visemes = reader.list(|reader| {
        let (at, dur) = reader.span()?;
        let index = usize::from(reader.take(1)?[0]);
        Some(Timed { at, dur, value: *Viseme::ALL.get(index)? })
    })?;
    let estimated = reader.flag()?;
    let count = reader.count()?;
    let samples = reader
        .take(count.checked_mul(4)?)?
        .chunks_exact(4)
        .map(|sample| f32::from_le_bytes([sample[0], sample[1], sample[2], sample[3]]))
        .collect();
    if !reader.0.is_empty() {
        return None;
    }
    let mut unspoken = clause.unspoken.clone();
    let foreign = clause.words.iter().enumerate().filter(|(token, _)| !words.iter().any(|word: &Timed<Word>| word.value.token == *token));
    unspoken.extend(foreign.map(|(_, word)| Unspoken {
        text: word.text.clone(),
        range: word.range.clone(),
        reason: super::FOREIGN_SCRIPT,
    }));
    unspoken.sort_by_key(|what| what.range.start);
    Some(Synthesis { samples, words, phonemes, visemes, unspoken, estimated })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)?[0] != 0)
    }

    fn span(&mut self) -> Option<(Span, Span)> {
        let mut one = || Some(Span(i64::from_le_bytes(self.take(8)?.try_into().ok()?)));
        Some((one()?, one()?))
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        (0..count).map(|_| one(self)).collect()
    }
}
