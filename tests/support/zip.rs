//! Office documents taken apart and put together.

use std::io::{Cursor, Read, Write};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

/// Names and contents of all parts, in order.
pub fn parts(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).expect("a zip file");
    let count = archive.len();
    let part = |index| {
        let mut entry = archive.by_index(index).expect("a part");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("a whole part");
        (entry.name().expect("a name").into_owned(), content)
    };
    (0..count).map(part).collect()
}

/// One part's content.
pub fn part<'a>(parts: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
    &parts.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("there is no part {name}")).1
}

/// A zip file of these parts, not compressed.
pub fn zip<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    write(parts, CompressionMethod::Stored)
}

/// A zip file of these parts, compressed.
pub fn packed<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    write(parts, CompressionMethod::Deflated)
}

/// The same document with one part's text changed.
pub fn edited(document: &[u8], name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut parts = parts(document);
    let changed = change(std::str::from_utf8(part(&parts, name)).expect("text"));
    parts.iter_mut().find(|(other, _)| other == name).expect("found above").1 = changed.into_bytes();
    packed(parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())))
}

fn write<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>, method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).expect("memory");
        writer.write_all(content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}
