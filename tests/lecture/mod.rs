//! Whole lectures, from decks to films.

mod avsync;
mod decks;
mod demo;
mod graphs;
mod live;
mod registry;
mod voice;
