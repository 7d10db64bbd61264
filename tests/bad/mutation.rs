//! Structured damage: valid files with parts flipped, cut, repeated, exchanged, and the marks of their format put where none belong.

use proptest::prelude::*;
use proptest::sample::Index;

/// One change of a file's bytes. Places are fractions of whatever there is, so that any list of changes fits any file and shrinks.
#[derive(Clone, Debug)]
pub enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Remove(Index, u8),
    Repeat(Index, u8),
    /// A token of the format is put in.
    Insert(Index, Index),
    /// A token of the format is written over what is there.
    Overwrite(Index, Index),
    /// A line of another file of the corpus is put in at a line's start.
    Line(Index, Index, Index),
    Cut(Index),
}

/// One to eight changes.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let change = prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, mask)| Change::Flip(at, mask)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), any::<u8>()).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (at(), any::<u8>()).prop_map(|(at, length)| Change::Repeat(at, length)),
        4 => (at(), at()).prop_map(|(at, token)| Change::Insert(at, token)),
        2 => (at(), at()).prop_map(|(at, token)| Change::Overwrite(at, token)),
        4 => (at(), at(), at()).prop_map(|(at, file, line)| Change::Line(at, file, line)),
        1 => at().prop_map(Change::Cut),
    ];
    proptest::collection::vec(change, 1..=8)
}

/// The file with all changes made, one after the other.
pub fn changed(file: &[u8], changes: &[Change], corpus: &[Vec<u8>], tokens: &[&[u8]]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for change in changes {
        let place = |index: &Index| index.index(bytes.len() + 1);
        let end = |at: usize, length: u8| bytes.len().min(at + usize::from(length));
        match change {
            Change::Flip(at, mask) if place(at) < bytes.len() => {
                let at = place(at);
                bytes[at] ^= mask;
            }
            Change::Set(at, byte) if place(at) < bytes.len() => {
                let at = place(at);
                bytes[at] = *byte;
            }
            Change::Flip(..) | Change::Set(..) => {}
            Change::Remove(at, length) => {
                let range = place(at)..end(place(at), *length);
                bytes.drain(range);
            }
            Change::Repeat(at, length) => {
                let range = place(at)..end(place(at), *length);
                let (part, at) = (bytes[range.clone()].to_vec(), range.end);
                bytes.splice(at..at, part);
            }
            Change::Insert(at, token) => {
                let at = place(at);
                bytes.splice(at..at, token.get(tokens).iter().copied());
            }
            Change::Overwrite(at, token) => {
                let (at, token) = (place(at), token.get(tokens));
                let until = bytes.len().min(at + token.len());
                bytes.splice(at..until, token.iter().copied());
            }
            Change::Line(at, file, line) => {
                let lines: Vec<&[u8]> = file.get::<Vec<u8>>(corpus).split_inclusive(|byte| *byte == b'\n').collect();
                let at = bytes[..place(at)].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                if !lines.is_empty() {
                    bytes.splice(at..at, line.get(&lines).iter().copied());
                }
            }
            Change::Cut(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}
