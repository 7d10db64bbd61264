//! Whole lectures, from decks to films.

mod avsync;
mod decks;
mod demo;
mod graphs;
mod registry;
mod voice;
