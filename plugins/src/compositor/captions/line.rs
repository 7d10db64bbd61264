//! The caption that holds, and how far in it the speaker is.

use engine::time::Time;
use std::ops::Range;

/// A caption.
pub(super) struct Line {
    /// Lines parted by `\n`.
    pub text: String,
    /// It is over here; `None` = with the next one.
    pub until: Option<Time>,
    /// The bytes of the word that was begun last.
    pub spoken: Option<Range<usize>>,
}

impl Line {
    /// `None` where there is nothing to read.
    pub fn new(text: &str, until: Option<Time>) -> Option<Line> {
        let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| Line { text: lines.join("\n"), until, spoken: None })
    }

    /// A word is spoken: the first such behind the one before. One that is not there (it is of the next caption) changes nothing.
    pub fn say(&mut self, word: &str) {
        let from = self.spoken.as_ref().map_or(0, |spoken| spoken.end);
        // A word of two may stand at the end of a line.
        let flat = |text: &str| text.replace(['\n', '\r', '\t'], " ");
        let word = flat(word);
        let found = flat(&self.text)[from..].find(word.trim()).filter(|_| !word.trim().is_empty());
        if let Some(at) = found {
            self.spoken = Some(from + at..from + at + word.trim().len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_one_after_the_other_over_line_ends() {
        let mut line = Line::new(" The cat saw\n the $5\nmillion cat. ", None).unwrap();
        assert_eq!(line.text, "The cat saw\nthe $5\nmillion cat.");
        let mut said = |word: &str| {
            line.say(word);
            line.spoken.clone().map(|spoken| (spoken.start, line.text[spoken].to_string()))
        };
        let expected = [("The", 0, "The"), ("cat", 4, "cat"), ("saw", 8, "saw"), ("the", 12, "the"), ("dog", 12, "the")];
        for (word, at, found) in expected {
            assert_eq!(said(word), Some((at, found.to_string())), "{word}");
        }
        assert_eq!(said("$5 million"), Some((16, "$5\nmillion".into())));
        assert_eq!(said("cat"), Some((27, "cat".into())));
        assert!(Line::new(" \n ", None).is_none());
    }
}
