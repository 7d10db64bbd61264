//! The voice, heard by a recogniser.

use crate::support::{lectern, succeed, word_error};

/// Harvard sentences, lists 1 and 2 (IEEE Recommended Practice for Speech Quality Measurements, 1969).
const HARVARD: [&str; 20] = [
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring.",
    "Kick the ball straight and follow through.",
    "Help the woman get back to her feet.",
    "A pot of tea helps to pass the evening.",
    "Smoky fires lack flame and heat.",
    "The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea.",
    "The girl at the booth sold fifty bonds.",
];

/// From the first page of "On the Origin of Species" (1859).
const DARWIN: &str = "On my return home, it occurred to me that something might perhaps be made out on this question by patiently \
    accumulating and reflecting on all sorts of facts which could possibly have any bearing on it. After five years' work I allowed myself \
    to speculate on the subject, and drew up some short notes.";

#[test]
fn the_second_engine_is_understood_and_knows_its_words_times() {
    let home = tempfile::tempdir().unwrap();
    let (audio, times) = (home.path().join("said.wav"), home.path().join("times.json"));
    // Where a kernel of the run-time library is wrong for a processor, long sentences are noise first.
    for text in [HARVARD[..8].join("\n\n"), DARWIN.to_owned()] {
        let mut speak = lectern(home.path());
        succeed(speak.arg("speak").arg(&text).arg("-o").arg(&audio).arg("--times").arg(&times).args(["--voice", "kokoro:af_heart"]));
        assert!(word_error(home.path(), &text, &audio) <= 0.07);
        let times: serde_json::Value = serde_json::from_slice(&std::fs::read(&times).unwrap()).unwrap();
        assert_eq!(times["words"].as_array().unwrap().len(), text.split_whitespace().count());
    }
}

#[test]
fn twenty_harvard_sentences_are_understood() {
    let home = tempfile::tempdir().unwrap();
    let (audio, times) = (home.path().join("harvard.wav"), home.path().join("times.json"));
    let text = HARVARD.join("\n\n");
    succeed(lectern(home.path()).arg("speak").arg(&text).arg("-o").arg(&audio).arg("--times").arg(&times));
    assert!(word_error(home.path(), &text, &audio) <= 0.10);
    let times: serde_json::Value = serde_json::from_slice(&std::fs::read(times).unwrap()).unwrap();
    assert_eq!(times["words"].as_array().unwrap().len(), text.split_whitespace().count());
}
