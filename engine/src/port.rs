//! Ports of node types, and the typed handles by which nodes name them.

use crate::media::{Kind, Payload};
use std::marker::PhantomData;

/// A typed handle to an input port, used as a constant: `const AUDIO: In<AudioBlock> = In::new("audio");`
pub struct In<T> {
    /// The port's name in graph files.
    pub name: &'static str,
    payload: PhantomData<fn() -> T>,
}

/// A typed handle to an output port: `const VIDEO: Out<VideoFrame> = Out::new("video");`
pub struct Out<T> {
    /// The port's name in graph files.
    pub name: &'static str,
    payload: PhantomData<fn() -> T>,
}

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for In<T> {}
impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Out<T> {}

impl<T: Payload> In<T> {
    /// A handle to the port of this name.
    pub const fn new(name: &'static str) -> In<T> {
        In { name, payload: PhantomData }
    }

    /// The port's entry in a `NodeType`: required, one connection.
    pub const fn port(self, summary: &'static str) -> InPort {
        InPort { name: self.name, kind: T::KIND, required: true, many: false, sparse: false, summary }
    }
}

impl<T: Payload> Out<T> {
    /// A handle to the port of this name.
    pub const fn new(name: &'static str) -> Out<T> {
        Out { name, payload: PhantomData }
    }

    /// The port's entry in a `NodeType`.
    pub const fn port(self, summary: &'static str) -> OutPort {
        OutPort { name: self.name, kind: T::KIND, summary }
    }
}

/// An input port of a node type.
#[derive(Clone, Copy, Debug)]
pub struct InPort {
    /// Its name in graph files.
    pub name: &'static str,
    /// What travels on it.
    pub kind: Kind,
    /// The graph is refused when it is not connected.
    pub required: bool,
    /// Takes a list of connections (written `name*` in catalogues).
    pub many: bool,
    /// Takes a film whose pictures are left out where they show what the one before shows, and so may last seconds.
    pub sparse: bool,
    /// One line for catalogues.
    pub summary: &'static str,
}

impl InPort {
    /// The same, but the graph may leave it open.
    pub const fn optional(self) -> InPort {
        InPort { required: false, ..self }
    }

    /// The same, but it takes any number of connections, none included.
    pub const fn many(self) -> InPort {
        InPort { required: false, many: true, ..self }
    }

    /// The same, but pictures may be left out that show what the one before shows.
    pub const fn sparse(self) -> InPort {
        InPort { sparse: true, ..self }
    }
}

/// An output port of a node type.
#[derive(Clone, Copy, Debug)]
pub struct OutPort {
    /// Its name in graph files.
    pub name: &'static str,
    /// What travels on it.
    pub kind: Kind,
    /// One line for catalogues.
    pub summary: &'static str,
}
