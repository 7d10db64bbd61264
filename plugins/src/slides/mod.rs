//! Slides and other pictures from files: the nodes that bring them in.

mod canvas_show;
mod cinema;
pub(crate) mod entrance;
mod film;
pub mod frame_folder;
mod frames_show;
mod gallery;
mod moving;
mod pages;
mod picture_size;
mod showings;
pub mod slide_source;
pub mod y4m_source;

use engine::registry::NodeType;

/// The nodes of this family.
pub const NODES: &[&NodeType] = &[&slide_source::SLIDE_SOURCE, &frame_folder::FRAME_FOLDER, &y4m_source::Y4M_SOURCE];
