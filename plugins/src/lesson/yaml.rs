//! YAML as the exporter writes it: block style, text in double quotes where it could be read as something else.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;
use std::fmt::{self, Display};

/// YAML as it grows.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// All of it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// A line at this depth.
    pub fn line(&mut self, level: usize, line: &str) {
        self.0.push_str(&"  ".repeat(level));
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// A key with what follows it on its line.
    pub fn value(&mut self, level: usize, key: &str, value: impl Display) {
        self.line(level, &format!("{key}: {value}"));
    }

    /// Data, one entry a line; lists of plain numbers on one.
    pub fn tree(&mut self, level: usize, tree: &Tree) {
        self.entries(level, &"  ".repeat(level), tree);
    }

    /// `first` stands before the first line: the indent, or what has been written of that line.
    fn entries(&mut self, level: usize, first: &str, tree: &Tree) {
        let indent = "  ".repeat(level);
        let mut lead = first.to_string();
        match tree {
            Tree::Map(entries) => {
                for (key, value) in entries {
                    let key = format!("{}{key}:", std::mem::replace(&mut lead, indent.clone()));
                    match value.on_one_line() {
                        Some(value) => self.line(0, &format!("{key} {value}")),
                        None => {
                            self.line(0, &key);
                            self.tree(level + 1, value);
                        }
                    }
                }
            }
            Tree::List(items) => {
                for item in items {
                    let lead = format!("{}- ", std::mem::replace(&mut lead, indent.clone()));
                    self.entries(level + 1, &lead, item);
                }
            }
            Tree::Plain(value) => self.line(0, &format!("{lead}{value}")),
        }
    }

    /// Text to be edited: as a block with its own line ends, if YAML can hold it so.
    pub fn prose(&mut self, level: usize, key: &str, prose: &str) {
        let plain = prose.chars().all(|c| c == '\n' || printable(c));
        let edges = prose.starts_with(char::is_whitespace)
            || prose.ends_with(char::is_whitespace)
            || prose.lines().any(|line| line.trim().is_empty());
        if !plain || edges || prose.is_empty() {
            return self.value(level, key, quoted(prose));
        }
        self.line(level, &format!("{key}: |-"));
        prose.split('\n').for_each(|line| self.line(level + 1, line));
    }
}

/// Neither a control character nor one that YAML or an editor may take for a line end or a mark of order.
fn printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A double-quoted YAML scalar (YAML 1.2, 7.3.1) on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if printable(c) => quoted.push(c),
            c => quoted.push_str(&format!("\\u{:04x}", c as u32)),
        }
    }
    quoted.push('"');
    quoted
}

/// Data of any form as YAML writes it, in the order of its fields.
pub(super) enum Tree {
    /// A number, a word or a quoted text.
    Plain(String),
    /// Items.
    List(Vec<Tree>),
    /// Keys and what they say.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// The form in which JSON would write `data`.
    pub fn of(data: &impl Serialize) -> Tree {
        let json = serde_json::to_string(data).expect("plain data without maps can be written");
        serde_json::from_str(&json).expect("what was just written can be read")
    }

    fn on_one_line(&self) -> Option<String> {
        match self {
            Tree::Plain(value) => Some(value.clone()),
            Tree::List(items) => {
                let plain = |item: &Tree| if let Tree::Plain(value) = item { Some(value.clone()) } else { None };
                Some(format!("[{}]", items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(", ")))
            }
            Tree::Map(entries) if entries.is_empty() => Some("{}".into()),
            Tree::Map(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Plain("null".into()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        // Without an exponent, and 40 for 40.0.
        Ok(Tree::Plain(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Plain(word(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

/// A text as it is where YAML cannot take it for something else: two or more small letters, or a number with its unit.
fn word(text: &str) -> String {
    let is_taken = matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    let is_name = text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_time = text.strip_suffix("ms").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    if (is_name && !is_taken) || is_time { text.into() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_for_yaml() {
        assert_eq!(quoted("a \"b\" \\ \n\u{1}\u{85}ü"), "\"a \\\"b\\\" \\\\ \\n\\u0001\\u0085ü\"");
        let mut text = Text::default();
        text.prose(1, "narration", "One: a # b\nTwo");
        text.prose(1, "narration", " edge");
        assert_eq!(text.0, "  narration: |-\n    One: a # b\n    Two\n  narration: \" edge\"\n");
    }
}
