//! Whole lectures, from decks to films.

mod avsync;
mod control;
mod decks;
mod demo;
mod graphs;
mod live;
mod registry;
mod segments;
mod sparse;
mod voice;
