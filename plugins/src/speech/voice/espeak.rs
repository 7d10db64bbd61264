//! Phonemes from the program espeak-ng. It is called, never linked (it is GPL-3), once per clause, about 8 ms of CPU.
//!
//! Given on standard input, each line is spoken by itself, an empty line gives exactly one empty line, and so does a line without
//! anything to say (measured with 1.51). So the lines of one call are separated by empty ones and their answers can be told apart,
//! even when one answer has several lines.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

use super::VoiceError;

/// A call takes some 10 ms; one that takes this long hangs.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// espeak-ng reads lines of up to 1000 bytes; longer ones would be cut inside a word.
const LONGEST_LINE: usize = 900;

/// espeak-ng, set to one of its voices.
#[derive(Debug)]
pub(super) struct Phonemizer {
    voice: String,
    version: String,
}

impl Phonemizer {
    /// `voice` is a name that `espeak-ng --voices` lists: `en-us`.
    pub(super) fn new(voice: &str) -> Result<Phonemizer, VoiceError> {
        let output = Command::new("espeak-ng").arg("--version").stdin(Stdio::null()).output().map_err(VoiceError::NoPhonemizer)?;
        let version = String::from_utf8_lossy(&output.stdout).split("Data at").next().unwrap_or_default().trim().to_owned();
        Ok(Phonemizer { voice: voice.to_owned(), version })
    }

    /// What the program calls itself, with its version: part of what shapes the sound.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The phonemes of a text in context, and of each of its words alone (empty where a word alone gives none; all empty in the unlikely
    /// case that the answers cannot be told apart). As espeak-ng writes them in IPA, in decomposed form (NFD), one space between words.
    pub(super) fn phonemes(&self, text: &str, words: &[&str]) -> Result<(String, Vec<String>), VoiceError> {
        let mut input = line(text);
        for word in words {
            input.push_str("\n\n");
            input.push_str(&line(word));
        }
        input.push('\n');
        let output = self.run(&input).map_err(|cause| match cause {
            VoiceError::Phonemizer { cause, .. } => VoiceError::Phonemizer { text: text.to_owned(), cause },
            other => other,
        })?;
        Ok(match answers(&output, words.len() + 1) {
            Some(mut answers) => {
                let alone = answers.split_off(1);
                (answers.swap_remove(0), alone)
            }
            None => {
                let first = output.split("\n\n").next().unwrap_or_default();
                (clean(first.split('\n')), vec![String::new(); words.len()])
            }
        })
    }

    fn run(&self, input: &str) -> Result<String, VoiceError> {
        let failed = |cause: String| VoiceError::Phonemizer { text: String::new(), cause };
        let mut child = Command::new("espeak-ng")
            .args(["-q", "--ipa", "-b", "1", "-v", &self.voice])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(VoiceError::NoPhonemizer)?;
        let mut stdin = child.stdin.take().expect("piped");
        let mut stdout = child.stdout.take().expect("piped");
        let mut stderr = child.stderr.take().expect("piped");
        let (sender, receiver) = mpsc::channel();
        // A thread reads, so that a program that hangs can be given up and one that answers early cannot block on a full pipe.
        let reader = std::thread::spawn(move || {
            let mut output = Vec::new();
            let mut complaint = String::new();
            let result = stdout.read_to_end(&mut output).and_then(|_| stderr.read_to_string(&mut complaint)).map(|_| (output, complaint));
            // The receiver is gone only after the time limit, when nobody wants the answer.
            let _ = sender.send(result);
        });
        let written = stdin.write_all(input.as_bytes());
        drop(stdin);
        let answer = receiver.recv_timeout(TIME_LIMIT);
        if answer.is_err() {
            child.kill().map_err(|error| failed(error.to_string()))?;
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        let (output, complaint) = answer
            .map_err(|_| failed(format!("no answer within {} s", TIME_LIMIT.as_secs())))?
            .map_err(|error| failed(format!("its answer cannot be read: {error}")))?;
        reader.join().expect("the reader does not panic");
        if !status.success() {
            return Err(failed(format!("{status}: {}", complaint.trim())));
        }
        written.map_err(|error| failed(format!("it did not take its input: {error}")))?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

/// One line of input. `[[` would switch to espeak's own phoneme alphabet; callers have no brackets left.
fn line(text: &str) -> String {
    let mut end = text.len().min(LONGEST_LINE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace(['\n', '\r', '['], " ")
}

/// Splits the output into the answers to `count` lines; `None` when it does not fit.
fn answers(output: &str, count: usize) -> Option<Vec<String>> {
    let mut lines = output.lines().map(str::trim).peekable();
    let mut answers = Vec::with_capacity(count);
    for index in 0..count {
        let mut answer = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.is_empty()) {
            answer.push(line);
        }
        if answer.is_empty() && lines.next() != Some("") || index + 1 < count && lines.next() != Some("") {
            return None;
        }
        answers.push(clean(answer.into_iter()));
    }
    lines.next().is_none().then_some(answers)
}

/// Joins the lines of an answer, drops the marks of a change of language (`(en)`), decomposes.
fn clean<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut in_mark = false;
    for ch in lines.collect::<Vec<_>>().join(" ").nfd() {
        match ch {
            '(' => in_mark = true,
            ')' => in_mark = false,
            _ if in_mark => {}
            '\u{361}' | '\u{200d}' | '-' | '|' => {}
            ch if ch.is_whitespace() => {
                if !text.is_empty() && !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            ch => text.push(ch),
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let phonemizer = Phonemizer::new("en-us").expect("espeak-ng is installed");
        let (text, words) = phonemizer.phonemes("one of the U.S.A houses", &["one", "of", "the", "U.S.A", "houses"]).unwrap();
        assert_eq!(text, "wˈʌn ʌvðə jˌuːˌɛsˈeɪ hˈaʊzᵻz");
        assert_eq!(words, ["wˈʌn", "ˈʌv", "ðˈə", "jˌuːˌɛsˈeɪ", "hˈaʊzᵻz"]);
        let (text, words) = phonemizer.phonemes("a b", &["a", "...", "b"]).unwrap();
        assert_eq!((text.as_str(), words.len(), words[1].as_str()), ("ɐ bˈiː", 3, ""));
        assert!(phonemizer.version().contains("eSpeak"));
    }

    #[test]
    fn an_unknown_voice_is_an_error_that_says_so() {
        let error = Phonemizer::new("xx-nowhere").unwrap().phonemes("hello", &[]).unwrap_err();
        assert!(matches!(&error, VoiceError::Phonemizer { text, .. } if text == "hello"), "{error}");
    }

    #[test]
    fn odd_output_is_not_guessed_at() {
        assert_eq!(answers("a\n\nb\n", 2).unwrap(), ["a", "b"]);
        assert_eq!(answers("a\nb\n\n\n\nc\n", 3).unwrap(), ["a b", "", "c"]);
        assert_eq!(answers("a\n\nb\n\nc\n", 2), None);
        assert_eq!(answers("a\n", 2), None);
        assert_eq!(answers("(en)he\u{301}l(fr) o\n", 1).unwrap(), ["he\u{301}l o"]);
    }
}
