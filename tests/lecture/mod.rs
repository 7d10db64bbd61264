//! Whole lectures, from decks to films.

mod avsync;
mod canvas;
mod captions;
mod control;
mod decks;
mod demo;
mod graphs;
mod join;
mod live;
mod music;
mod pages;
mod podcast;
mod profiles;
mod registry;
mod segments;
mod sparse;
mod voice;
