//! XML as a tree, with guards: no document type, no entity but the five of XML itself, limits on depth and on the number of nodes.
//!
//! Office formats choose their own prefixes, so names are compared without them; the namespace of an attribute is kept, because
//! `id` and `r:id` stand side by side in one element.

use super::hash::Canon;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

const MAX_DEPTH: usize = 256;
const MAX_NODES: usize = 2_000_000;

/// Why a text is not usable XML; continues a sentence that names the part.
#[derive(Debug, thiserror::Error)]
pub(super) enum XmlError {
    #[error("is not UTF-8 text")]
    Encoding,
    #[error("is not well-formed XML at byte {at}: {cause}")]
    Malformed { at: u64, cause: String },
    #[error("holds a document type or entity definition, which is refused because it can blow up memory or read other files")]
    Entities,
    #[error("is nested or branched too far to be a slide ({MAX_DEPTH} levels, {MAX_NODES} nodes)")]
    TooLarge,
}

/// An element with its attributes and children, in order.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Without prefix.
    pub name: String,
    attributes: Vec<Attribute>,
    pub children: Vec<Node>,
}

#[derive(Debug)]
struct Attribute {
    namespace: String,
    name: String,
    value: String,
}

#[derive(Debug)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

/// Reads one document.
pub(super) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut open = vec![Element::default()];
    let mut nodes = 0;
    loop {
        let at = reader.buffer_position();
        let malformed = |cause: &dyn std::fmt::Display| XmlError::Malformed { at, cause: cause.to_string() };
        let event = reader.read_event().map_err(|error| malformed(&error))?;
        nodes += 1;
        if nodes > MAX_NODES || open.len() > MAX_DEPTH {
            return Err(XmlError::TooLarge);
        }
        match event {
            Event::Start(start) => open.push(element(&reader, &start, at)?),
            Event::Empty(start) => {
                let child = element(&reader, &start, at)?;
                last(&mut open).children.push(Node::Element(child));
            }
            Event::End(_) => {
                let child = open.pop().expect("the reader checks that each end has its start");
                last(&mut open).children.push(Node::Element(child.resolved()));
            }
            Event::Text(text) => push_text(last(&mut open), &text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => push_text(last(&mut open), &text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let character = match &*reference {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => reference.resolve_char_ref().map_err(|error| malformed(&error))?.ok_or(XmlError::Entities)?,
                };
                push_text(last(&mut open), character.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err(XmlError::Entities),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if open.len() > 1 => return Err(malformed(&format!("it ends inside <{}>", last(&mut open).name))),
            Event::Eof => break,
        }
    }
    let root = open.pop().expect("the document itself is never closed");
    root.children
        .into_iter()
        .find_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
        .ok_or(XmlError::Malformed { at: 0, cause: "it has no element".into() })
}

fn last(open: &mut [Element]) -> &mut Element {
    open.last_mut().expect("the document itself is never closed")
}

fn push_text(parent: &mut Element, text: &str) {
    match parent.children.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ => parent.children.push(Node::Text(text.into())),
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, at: u64) -> Result<Element, XmlError> {
    let malformed = |cause: &dyn std::fmt::Display| XmlError::Malformed { at, cause: cause.to_string() };
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => Default::default(),
        };
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| malformed(&error))?.into_owned();
        attributes.push(Attribute { namespace: namespace.to_string(), name: name.as_ref().to_string(), value });
    }
    Ok(Element { name: start.local_name().as_ref().to_string(), attributes, children: Vec::new() })
}

impl Element {
    /// Of the alternatives that one file offers to programs of different age, keeps the first: otherwise all text would be there twice.
    fn resolved(mut self) -> Element {
        if self.name == "AlternateContent" {
            let keep = self.elements().next().map_or("", |first| if first.name == "Choice" { "Choice" } else { "Fallback" }).to_string();
            let mut kept = false;
            self.children.retain(|node| match node {
                Node::Element(child) if child.name == keep && !kept => {
                    kept = true;
                    true
                }
                _ => false,
            });
        }
        self
    }

    /// The value of an attribute without a namespace.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name && attribute.namespace.is_empty())
            .map(|attribute| attribute.value.as_str())
    }

    /// The value of an attribute whose namespace ends with `space`.
    pub fn attr_in(&self, space: &str, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name && attribute.namespace.ends_with(space))
            .map(|attribute| attribute.value.as_str())
    }

    /// All values of attributes of this name, whatever their namespace.
    pub fn attrs(&self, name: &str) -> impl Iterator<Item = &str> {
        self.attributes.iter().filter(move |attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.elements().find(|child| child.name == name)
    }

    /// This element and all below it, in document order.
    pub fn all(&self) -> impl Iterator<Item = &Element> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let next = stack.pop()?;
            let first = stack.len();
            stack.extend(next.elements());
            stack[first..].reverse();
            Some(next)
        })
    }

    /// The first element of this name here or below.
    pub fn find(&self, name: &str) -> Option<&Element> {
        self.all().find(|element| element.name == name)
    }

    /// All text here and below, as it stands.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in self.all().flat_map(|element| &element.children) {
            if let Node::Text(part) = node {
                text.push_str(part);
            }
        }
        text
    }

    /// Writes the tree into a hash, leaving out elements named `skip`.
    pub fn digest(&self, canon: Canon, skip: &str) -> Canon {
        let canon = canon
            .text(&self.name)
            .list(&self.attributes, |canon, attribute| canon.text(&attribute.namespace).text(&attribute.name).text(&attribute.value));
        let canon = self.children.iter().fold(canon, |canon, node| match node {
            Node::Text(text) => canon.text("text").text(text),
            Node::Element(child) if child.name == skip => canon,
            Node::Element(child) => child.digest(canon.text("element"), skip),
        });
        canon.text("end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_prefixes_and_attributes_keep_namespaces() {
        let root = parse(br#"<?xml version="1.0"?><p:a xmlns:p="urn:p" xmlns:r="urn:x/relationships" id="1" r:id="rId2"><p:b>x &amp; &#65;<![CDATA[<]]></p:b></p:a>"#)
            .unwrap();
        assert_eq!((root.name.as_str(), root.attr("id"), root.attr_in("/relationships", "id")), ("a", Some("1"), Some("rId2")));
        assert_eq!(root.find("b").unwrap().text(), "x & A<");
    }

    #[test]
    fn of_alternatives_one_is_kept() {
        let root =
            parse(b"<a><AlternateContent><Choice><t>new</t></Choice><Fallback><t>old</t></Fallback></AlternateContent></a>").unwrap();
        assert_eq!(root.text(), "new");
        let root = parse(b"<a><AlternateContent><Fallback><t>old</t></Fallback></AlternateContent></a>").unwrap();
        assert_eq!(root.text(), "old");
    }

    #[test]
    fn document_order_is_kept() {
        let root = parse(b"<a><b><c/></b><d/></a>").unwrap();
        assert_eq!(root.all().map(|element| element.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn hostile_and_broken_text_is_refused() {
        let bomb = br#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>"#;
        assert!(matches!(parse(bomb), Err(XmlError::Entities)));
        assert!(matches!(parse(b"<x>&secret;</x>"), Err(XmlError::Entities)));
        assert!(matches!(parse(b"<x><y></x>"), Err(XmlError::Malformed { .. })));
        assert!(matches!(parse(b"<x><y>"), Err(XmlError::Malformed { .. })));
        assert!(matches!(parse(b""), Err(XmlError::Malformed { .. })));
        assert!(matches!(parse(b"\xff\xfe<"), Err(XmlError::Encoding)));
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        assert!(matches!(parse(deep.as_bytes()), Err(XmlError::TooLarge)));
    }
}
