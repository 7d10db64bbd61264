//! How words are said that a voice reads wrongly: a list of words, each with a respelling or with its sounds.
//!
//! An entry is for whole words. Written in lower case it is for the word in any case; with a capital letter only for the word as it is
//! written (`polish` and `Polish`, `us` and `US`). A possessive `'s` after the word is kept.

use super::error::LessonError;
use super::limits::read_text;
use engine::graph::from_value_all;
use engine::graph::parse::parse;
use std::collections::BTreeMap;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// Bytes of a word or of what is said for it at most.
const LONGEST: usize = 200;
/// Signs of the International Phonetic Alphabet that are no letters: stress, length, and those of manner.
const MARKS: &str = "ˈˌːˑ˞ʰʲʷˠˤʼ˥˦˧˨˩↑↓ ";

/// What is said for a word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Said {
    /// Other words, read in place of it: `koo-ber-net-eez`.
    Words(String),
    /// Its sounds, in decomposed form (NFD): `kuːbɚnˈɛtiːz`.
    Sounds(String),
}

impl Said {
    /// Reads what an author wrote: between slashes (`/ˈlɛktɚn/`) sounds in the International Phonetic Alphabet, else other words.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Said, String> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(format!("what is said for it is longer than {LONGEST} bytes"));
        }
        let Some(sounds) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) else {
            return match text.chars().any(char::is_alphanumeric) {
                true => Ok(Said::Words(text.to_owned())),
                false => Err(format!("{text:?} has nothing that can be said")),
            };
        };
        // Ties and syllable dots say nothing to a voice.
        let sounds: String =
            sounds.replace('g', "ɡ").replace(':', "ː").replace('\'', "ˈ").nfd().filter(|ch| !"\u{361}\u{35c}.".contains(*ch)).collect();
        let known = |ch: &char| ch.is_alphabetic() || MARKS.contains(*ch) || unicode_normalization::char::is_combining_mark(*ch);
        if let Some(odd) = sounds.chars().find(|ch| !known(ch)) {
            return Err(format!(
                "{odd:?} is no sign of the International Phonetic Alphabet; between slashes stand sounds, such as /ˈlɛktɚn/"
            ));
        }
        match sounds.chars().any(char::is_alphabetic) {
            true => Ok(Said::Sounds(sounds)),
            false => Err("there is no sound between the slashes".into()),
        }
    }

    /// As an author writes it.
    pub fn written(&self) -> String {
        match self {
            Said::Words(words) => words.clone(),
            Said::Sounds(sounds) => format!("/{sounds}/"),
        }
    }

    /// With a possessive or plural `s` after it.
    fn with_s(&self) -> Said {
        match self {
            Said::Words(words) => Said::Words(format!("{words}'s")),
            Said::Sounds(sounds) => {
                let last = sounds.chars().rfind(|ch| ch.is_alphabetic());
                let ending = match last {
                    Some('s' | 'z' | 'ʃ' | 'ʒ') => "ɪz",
                    Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
                    _ => "z",
                };
                Said::Sounds(format!("{sounds}{ending}"))
            }
        }
    }
}

/// A list of words with what is said for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pronunciations(BTreeMap<String, Said>);

impl Pronunciations {
    /// Makes one of words and what an author wrote for them.
    ///
    /// # Errors
    /// The word that is wrong, and why.
    pub fn parse(entries: impl IntoIterator<Item = (String, String)>) -> Result<Pronunciations, String> {
        let entry = |(word, said): (String, String)| {
            let wrong = |cause: String| format!("the pronunciation of {word:?}: {cause}");
            if word.is_empty() || word.len() > LONGEST || word.chars().any(char::is_whitespace) {
                return Err(wrong("an entry is for one word, without spaces".into()));
            }
            let said = Said::parse(&said).map_err(wrong)?;
            Ok((word.nfc().collect(), said))
        };
        Ok(Pronunciations(entries.into_iter().map(entry).collect::<Result<_, String>>()?))
    }

    /// Reads a dictionary file: YAML, one `word: what is said` a line.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong in it.
    pub fn read(path: &Path) -> Result<Pronunciations, LessonError> {
        let invalid = |cause: String| LessonError::invalid(path, format!("it is no dictionary of pronunciations: {cause}"));
        let tree = parse(&read_text(path)?, &path.display().to_string()).map_err(|problems| invalid(format!("\n{problems}")))?;
        let entries: BTreeMap<String, String> = from_value_all(&tree, "").map_err(|problems| invalid(format!("\n{problems}")))?;
        Pronunciations::parse(entries).map_err(invalid)
    }

    /// These and `others`, of which those here win.
    pub fn over(&self, others: &Pronunciations) -> Pronunciations {
        let mut all = others.0.clone();
        all.extend(self.0.clone());
        Pronunciations(all)
    }

    /// What is said for a word as it stands in a text, without punctuation around it.
    pub fn find(&self, word: &str) -> Option<Said> {
        if self.0.is_empty() {
            return None;
        }
        let exact = |word: &str| self.0.get(word).or_else(|| self.0.get(&word.to_lowercase()));
        let word: String = word.nfc().collect();
        exact(&word).cloned().or_else(|| {
            let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s"))?;
            exact(stem).map(Said::with_s)
        })
    }

    /// The words with what is said for them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Said)> {
        self.0.iter().map(|(word, said)| (word.as_str(), said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(&str, &str)]) -> Result<Pronunciations, String> {
        Pronunciations::parse(entries.iter().map(|(word, said)| (word.to_string(), said.to_string())))
    }

    #[test]
    fn small_letters_are_for_any_case_and_capitals_for_their_own() {
        let list = list(&[("nginx", "engine X"), ("US", "the States"), ("Lectern", "/ˈlek.tə:n/")]).unwrap();
        let words = |text: &str| Some(Said::Words(text.into()));
        assert_eq!([list.find("NGINX"), list.find("Nginx"), list.find("US")], [words("engine X"), words("engine X"), words("the States")]);
        assert_eq!([list.find("us"), list.find("lectern"), list.find("nginxes")], [None, None, None]);
        assert_eq!(list.find("Lectern"), Some(Said::Sounds("ˈlektəːn".into())));
        assert_eq!(list.find("Lectern's"), Some(Said::Sounds("ˈlektəːnz".into())));
        assert_eq!(list.find("nginx’s"), words("engine X's"));
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        for (word, said, cause) in [
            ("a b", "x", "without spaces"),
            ("x", "…", "nothing that can be said"),
            ("x", "/a1/", "'1' is no sign"),
            ("x", "//", "no sound"),
        ] {
            let error = list(&[(word, said)]).unwrap_err();
            assert!(error.contains(cause) && error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_and_the_lessons_own_words_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.yaml");
        std::fs::write(&path, "SQL: sequel\nGIF: jiff\n").unwrap();
        let all = list(&[("GIF", "ghif")]).unwrap().over(&Pronunciations::read(&path).unwrap());
        assert_eq!((all.find("SQL").unwrap().written(), all.find("GIF").unwrap().written()), ("sequel".into(), "ghif".into()));
        std::fs::write(&path, "SQL: [1]\n").unwrap();
        assert!(Pronunciations::read(&path).unwrap_err().to_string().contains("words.yaml"));
    }
}
