//! Text -> [`Value`].
//!
//! Reads the subset of YAML 1.2 that a graph needs: maps with text keys, lists, scalars, comments, anchors and aliases. Tags, merge
//! keys and a second document are problems. The parser is pulled event by event with a stack of our own, so depth is bounded by
//! [`MAX_DEPTH`] and not by the thread's stack; what aliases copy counts against [`MAX_NODES`] and [`MAX_BYTES`].

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::problem::{Code, Problem, Problems};
use super::value::{Key, Kind, Location, Scalar, Style, Value, is_null};

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The most nodes of a tree, those that aliases copy included.
pub const MAX_NODES: usize = 100_000;
/// The deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;

/// Reads the tree of a file; `file` is its name in messages. An empty file is null at 1:1.
///
/// # Errors
/// Syntax errors end the reading; duplicate keys are gathered.
pub fn parse(text: &str, file: &str) -> Result<Value, Problems> {
    let file: Arc<str> = Arc::from(file);
    let start = Location::new(&file, 1, 1);
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; a graph file has at most {MAX_BYTES}", text.len());
        return Err(Problem::new(Code::LimitExceeded, &start, message).into());
    }
    if let Some(problem) = control_character(text, &file) {
        return Err(problem.into());
    }
    let mut builder =
        Builder { file, stack: Vec::new(), root: None, anchors: HashMap::new(), size: Size::default(), problems: Problems::default() };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                let at = builder.locate(&span.start);
                if documents > 1 {
                    Err(Problem::new(Code::UnsupportedYaml, &at, "a graph file holds one document; this is a second one"))
                } else {
                    Ok(())
                }
            }
            Ok((event, span)) => builder.take(event, span.start),
            Err(error) => Err(syntax(error.info(), text, builder.locate(error.marker()))),
        };
        if let Err(problem) = step {
            builder.problems.push(problem);
            break;
        }
    }
    let root = builder.root.unwrap_or(Value { kind: Kind::Null, at: start });
    builder.problems.into_result(root)
}

/// YAML allows no control characters, and a parser may take NUL for the end of the text and ignore the rest.
fn control_character(text: &str, file: &Arc<str>) -> Option<Problem> {
    let bad = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    for (index, line) in text.lines().enumerate() {
        if let Some((column, c)) = line.chars().enumerate().find(|(_, c)| bad(*c)) {
            let at = Location::new(file, index as u32 + 1, column as u32 + 1);
            return Some(Problem::new(Code::Syntax, &at, format!("the control character U+{:04X} is not allowed in YAML", c as u32)));
        }
    }
    None
}

fn syntax(info: &str, text: &str, at: Location) -> Problem {
    let line = text.lines().nth(at.line as usize - 1).unwrap_or("");
    let problem = Problem::new(Code::Syntax, &at, format!("not valid YAML: {info}"));
    // The most common slip: the braces of a bare ${name} read as a map.
    if line.contains("${") { problem.with_help("Put quotes around ${...} inside { } and [ ]: \"${name}\".") } else { problem }
}

/// A list or map that is still open.
struct Open {
    at: Location,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<(Key, Value)>,
    /// Each key with the line where it was last seen.
    seen: HashMap<String, u32>,
    /// The key that waits for its value.
    key: Option<Key>,
}

/// How much a tree holds.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl Size {
    fn of(value: &Value) -> Size {
        let mut size = Size { nodes: 1, bytes: 0, depth: 0 };
        let mut add = |key: usize, value: &Value| {
            let inner = Size::of(value);
            size.nodes += inner.nodes + key.min(1);
            size.bytes += inner.bytes + key;
            size.depth = size.depth.max(inner.depth + 1);
        };
        match &value.kind {
            Kind::Null => {}
            Kind::Scalar(scalar) => size.bytes = scalar.text().len(),
            Kind::List(items) => items.iter().for_each(|item| add(0, item)),
            Kind::Map(entries) => entries.iter().for_each(|(key, value)| add(key.value.len(), value)),
        }
        size
    }
}

struct Builder {
    file: Arc<str>,
    stack: Vec<Open>,
    root: Option<Value>,
    /// What each finished anchor stands for.
    anchors: HashMap<usize, (Value, Size)>,
    /// All that was made so far, copies included.
    size: Size,
    problems: Problems,
}

impl Builder {
    fn locate(&self, mark: &Marker) -> Location {
        // The parser counts columns from 0.
        Location::new(&self.file, mark.line().max(1) as u32, mark.col() as u32 + 1)
    }

    fn take(&mut self, event: Event<'_>, mark: Marker) -> Result<(), Problem> {
        let at = self.locate(&mark);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), &at)?;
                self.count(Size { nodes: 1, bytes: text.len(), depth: 0 }, &at)?;
                if let Some(map) = self.map_without_key() {
                    let problem = map.set_key(text.into_owned(), at)?;
                    problem.into_iter().for_each(|problem| self.problems.push(problem));
                    return Ok(());
                }
                let kind = match style {
                    ScalarStyle::Plain if is_null(&text) => Kind::Null,
                    ScalarStyle::Plain => Kind::Scalar(Scalar::new(text, Style::Plain)),
                    _ => Kind::Scalar(Scalar::new(text, Style::Quoted)),
                };
                self.place(anchor, Value { kind, at })
            }
            Event::SequenceStart(anchor, tag) => self.open(anchor, tag.is_some(), at, Content::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.open(anchor, tag.is_some(), at, Content::Map(OpenMap::default())),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.stack.pop().expect("the parser closes only what it opened");
                let kind = match open.content {
                    Content::List(items) => Kind::List(items),
                    Content::Map(map) => Kind::Map(map.entries),
                };
                self.place(open.anchor, Value { kind, at: open.at })
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, tagged: bool, at: Location, content: Content) -> Result<(), Problem> {
        refuse_tag(tagged, &at)?;
        self.refuse_as_key(&at)?;
        self.count(Size { nodes: 1, bytes: 0, depth: 1 }, &at)?;
        self.stack.push(Open { at, anchor, content });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Location) -> Result<(), Problem> {
        self.refuse_as_key(&at)?;
        let Some(size) = self.anchors.get(&anchor).map(|(_, size)| *size) else {
            return Err(Problem::new(Code::Syntax, &at, "this alias stands inside the value that it names"));
        };
        self.count(size, &at)?;
        let copy = self.anchors[&anchor].0.clone();
        self.place(0, copy)
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, anchor: usize, value: Value) -> Result<(), Problem> {
        if anchor != 0 {
            // The copy counts as well: anchors inside anchors would otherwise multiply memory by depth.
            let size = Size::of(&value);
            self.count(Size { depth: 0, ..size }, &value.at)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        match self.stack.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(value),
            Some(Content::List(items)) => items.push(value),
            Some(Content::Map(map)) => map.entries.push((map.key.take().expect("a value follows its key"), value)),
        }
        Ok(())
    }

    fn count(&mut self, more: Size, at: &Location) -> Result<(), Problem> {
        self.size.nodes += more.nodes;
        self.size.bytes += more.bytes;
        let message = if self.stack.len() + more.depth > MAX_DEPTH {
            format!("lists and maps are nested more than {MAX_DEPTH} deep")
        } else if self.size.nodes > MAX_NODES {
            format!("the file has more than {MAX_NODES} values, with what its aliases copy")
        } else if self.size.bytes > MAX_BYTES {
            format!("the file has more than {MAX_BYTES} bytes of text, with what its aliases copy")
        } else {
            return Ok(());
        };
        Err(Problem::new(Code::LimitExceeded, at, message))
    }

    fn map_without_key(&mut self) -> Option<&mut OpenMap> {
        match self.stack.last_mut().map(|open| &mut open.content) {
            Some(Content::Map(map)) if map.key.is_none() => Some(map),
            _ => None,
        }
    }

    fn refuse_as_key(&mut self, at: &Location) -> Result<(), Problem> {
        if self.map_without_key().is_none() {
            return Ok(());
        }
        let problem = Problem::new(Code::UnsupportedYaml, at, "a key must be a text, not a list, a map or an alias");
        Err(problem.with_help("If a value was meant, put quotes around ${...}: \"${name}\"."))
    }
}

impl OpenMap {
    /// Takes the key of the next entry; gives back a problem that does not end the reading.
    fn set_key(&mut self, text: String, at: Location) -> Result<Option<Problem>, Problem> {
        if text == "<<" {
            let problem = Problem::new(Code::UnsupportedYaml, &at, "graph files have no merge keys (<<)");
            return Err(problem.with_help("Write the keys out, or use a profile."));
        }
        let problem = self
            .seen
            .insert(text.clone(), at.line)
            .map(|first| Problem::new(Code::DuplicateKey, &at, format!("the key {text:?} is here twice; it was on line {first} already")));
        self.key = Some(Key { value: text, at });
        Ok(problem)
    }
}

fn refuse_tag(tagged: bool, at: &Location) -> Result<(), Problem> {
    if !tagged {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedYaml, at, "graph files have no YAML tags (!name)").with_help("Remove the tag."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        parse(text, "g.yaml").expect("valid").to_string()
    }

    fn refused(text: &str) -> String {
        parse(text, "g.yaml").expect_err("not valid").to_string()
    }

    #[test]
    fn order_styles_and_places_are_kept() {
        assert_eq!(
            shown("b: 1\na: [x, 'y', \"1\", ~]\nc: |\n  two\n  lines\nd:\n"),
            r#"{b: 1, a: [x, "y", "1", null], c: "two\nlines\n", d: null}"#
        );
        let tree = parse("first: 1\nnodes:\n  file: { type: sink,\n          inputs: [a, b] }\n", "g.yaml").unwrap();
        let file = tree.get("nodes").unwrap().get("file").unwrap();
        assert_eq!(tree.at.to_string(), "g.yaml:1:1");
        assert_eq!(tree.entry("nodes").unwrap().0.at.to_string(), "g.yaml:2:1");
        assert_eq!(tree.get("nodes").unwrap().at.to_string(), "g.yaml:3:3");
        assert_eq!(file.at.to_string(), "g.yaml:3:9");
        assert_eq!(file.get("inputs").unwrap().as_list().unwrap()[1].at.to_string(), "g.yaml:4:23");
    }

    #[test]
    fn columns_count_characters() {
        let tree = parse("{ größe: ä, x: 1 }", "g.yaml").unwrap();
        assert_eq!(tree.entry("x").unwrap().0.at.column, 13);
    }

    #[test]
    fn an_empty_file_is_null() {
        assert_eq!(shown(""), "null");
        assert_eq!(shown("# only a comment\n"), "null");
        assert_eq!(shown("\u{feff}a: 1"), "{a: 1}");
    }

    #[test]
    fn syntax_errors_have_a_place_and_a_hint() {
        assert_eq!(refused("a: [1, 2\nb: 3"), "error[G002] g.yaml:2:2: not valid YAML: illegal placement of ':' indicator");
        let braces = refused("config: { lesson: ${lesson} }");
        assert!(
            braces.starts_with("error[G002] g.yaml:1:") && braces.ends_with("Put quotes around ${...} inside { } and [ ]: \"${name}\"."),
            "{braces}"
        );
        assert_eq!(refused("a: 1\nb: x\0y"), "error[G002] g.yaml:2:5: the control character U+0000 is not allowed in YAML");
    }

    #[test]
    fn duplicate_keys_are_all_named() {
        assert_eq!(
            refused("a: 1\nb: { c: 1, c: 2 }\na: 3"),
            "error[G006] g.yaml:2:12: the key \"c\" is here twice; it was on line 2 already\n\
             error[G006] g.yaml:3:1: the key \"a\" is here twice; it was on line 1 already"
        );
    }

    #[test]
    fn what_graphs_do_without_is_refused() {
        assert_eq!(refused("a: 1\n---\nb: 2"), "error[G018] g.yaml:2:1: a graph file holds one document; this is a second one");
        assert_eq!(refused("a: !!int 3"), "error[G018] g.yaml:1:4: graph files have no YAML tags (!name). Remove the tag.");
        assert_eq!(
            refused("a: &x {b: 1}\nc: { <<: *x }"),
            "error[G018] g.yaml:2:6: graph files have no merge keys (<<). Write the keys out, or use a profile."
        );
        let key = "a key must be a text, not a list, a map or an alias. If a value was meant, put quotes around ${...}: \"${name}\".";
        assert_eq!(refused("{a: 1}: 2"), format!("error[G018] g.yaml:1:1: {key}"));
        assert_eq!(refused("a: &x 1\n*x : 2"), format!("error[G018] g.yaml:2:1: {key}"));
    }

    #[test]
    fn aliases_copy_and_are_bounded() {
        assert_eq!(shown("a: &x { b: [1, &y two] }\nc: *x\nd: *y"), "{a: {b: [1, two]}, c: {b: [1, two]}, d: two}");
        assert_eq!(refused("a: &x [ *x ]"), "error[G002] g.yaml:1:9: this alias stands inside the value that it names");
        let mut laughs = String::from("a0: &a0 [lol, lol]\n");
        for level in 1..40 {
            laughs += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
        }
        assert!(refused(&laughs).contains("the file has more than 100000 values, with what its aliases copy"));
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(10_000), "*a, ".repeat(1000));
        assert!(refused(&long).contains("the file has more than 1048576 bytes of text"));
        let deep = format!("a: &a {}{}\nb: {}*a{}", "[".repeat(40), "]".repeat(40), "[".repeat(40), "]".repeat(40));
        assert!(refused(&deep).contains("nested more than 64 deep"));
    }

    #[test]
    fn size_and_depth_are_bounded() {
        assert_eq!(refused(&"[".repeat(70)), "error[G007] g.yaml:1:65: lists and maps are nested more than 64 deep");
        // Beyond 255 the parser's own limit comes first, because it reads ahead.
        assert!(refused(&"[".repeat(100_000)).contains("g.yaml:1:"));
        assert!(refused(&" ".repeat(MAX_BYTES + 1)).contains("error[G007] g.yaml:1:1: the file has 1048577 bytes"));
        assert!(refused(&"- 1\n".repeat(MAX_NODES)).contains("the file has more than 100000 values"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse(&text, "g.yaml");
        }

        #[test]
        fn any_yaml_like_text_is_read_or_refused(text in "[-a:?\\[\\]{},&*!|>'\"%@#~$ \n\t0]{0,120}") {
            let _ = parse(&text, "g.yaml");
        }
    }
}
