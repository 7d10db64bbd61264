//! Which phoneme belongs to which word.
//!
//! espeak-ng does not say: it joins words (`of the` -> `ʌvðə`), splits others (`2024` -> `tˈuː θˈaʊzənd twˈɛnti fˈoːɹ`) and reads some
//! differently in context (`ˈeɪ` alone, `ɐ` before a noun). So each word is also asked for alone, and the phonemes in context are
//! aligned with those of the words in a row: a global alignment of two sequences (Needleman and Wunsch 1970) where a vowel may cheaply
//! become another vowel and spaces want to meet word borders. Works for every language and every way of reading a number.

/// What a symbol of the alignment costs against another, in tenths.
const GAP: i32 = 8;
const SIMILAR: i32 = 6;
const OTHER: i32 = 11;
const CLASH: i32 = 17;
/// Both start a word; worth more than a lucky match.
const BORDER: i32 = -4;

/// One phoneme of a sequence: its base letter, and whether a word (as espeak-ng writes it) starts with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sound {
    ch: char,
    starts: bool,
}

/// The word of each character of `text` (phonemes of the clause), given the phonemes of each word alone. Spaces belong to no word, marks
/// and modifiers to that of their letter. Words never go backwards. Where no word has phonemes of its own, `lengths` (of the written
/// words, any unit) share the clause among them.
pub(super) fn words_of(text: &str, words: &[String], lengths: &[usize]) -> Vec<Option<usize>> {
    let chars: Vec<char> = text.chars().collect();
    let heard = sounds(&chars);
    let mut alone: Vec<Sound> = Vec::new();
    let mut owner: Vec<usize> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let word: Vec<char> = word.chars().collect();
        let first = alone.len();
        alone.extend(sounds(&word).into_iter().map(|(_, sound)| Sound { starts: false, ..sound }));
        if let Some(sound) = alone.get_mut(first) {
            sound.starts = true;
        }
        owner.resize(alone.len(), index);
    }
    let matched = if alone.is_empty() {
        share(&heard, lengths)
    } else {
        align(&heard, &alone).into_iter().map(|to| to.map(|to| owner[to])).collect()
    };
    spread(&chars, &heard, &filled(&heard, matched))
}

/// Stress, length, tone and diacritics: not sounds of their own.
pub(super) fn is_modifier(ch: char) -> bool {
    matches!(ch, 'ˈ' | 'ˌ' | 'ː' | 'ˑ' | '˞' | 'ʰ' | 'ʲ' | 'ʷ' | 'ˠ' | 'ˤ' | '\'' | '"' | '.' | '^' | '~' | '0'..='9' | '˥'..='˩' | '↓' | '↑')
        || unicode_normalization::char::is_combining_mark(ch)
}

/// The base letters with their index.
fn sounds(chars: &[char]) -> Vec<(usize, Sound)> {
    let mut starts = true;
    let mut sounds = Vec::with_capacity(chars.len());
    for (index, &ch) in chars.iter().enumerate() {
        if ch == ' ' {
            starts = true;
        } else if !is_modifier(ch) {
            sounds.push((index, Sound { ch, starts }));
            starts = false;
        }
    }
    sounds
}

fn cost(a: Sound, b: Sound) -> i32 {
    let base = match (a.ch == b.ch, is_vowel(a.ch), is_vowel(b.ch)) {
        (true, ..) => 0,
        (_, true, true) => SIMILAR,
        (_, false, false) if class(a.ch) == class(b.ch) => SIMILAR,
        (_, false, false) => OTHER,
        _ => CLASH,
    };
    base + if a.starts && b.starts { BORDER } else { 0 }
}

pub(super) fn is_vowel(ch: char) -> bool {
    "aeiouyæɐɑɒɔəɘɚɛɜɝɞɤɨɪɯɵøœɶʉʊʌʏᵻε".contains(ch)
}

/// Consonants that stand for each other between contexts.
fn class(ch: char) -> u8 {
    match ch {
        't' | 'd' | 'ɾ' | 'ʔ' | 'θ' | 'ð' => 1,
        's' | 'z' | 'ʃ' | 'ʒ' => 2,
        'p' | 'b' | 'm' => 3,
        'f' | 'v' => 4,
        'k' | 'ɡ' | 'g' | 'ŋ' | 'x' => 5,
        'n' | 'ɲ' => 6,
        'ɹ' | 'r' | 'l' | 'ɫ' | 'ʁ' | 'w' | 'j' => 7,
        _ => 0,
    }
}

/// For each sound heard, the sound of a word it was aligned with.
fn align(heard: &[(usize, Sound)], alone: &[Sound]) -> Vec<Option<usize>> {
    let width = alone.len() + 1;
    let mut costs = vec![0_i32; (heard.len() + 1) * width];
    for (column, cost) in costs[..width].iter_mut().enumerate() {
        *cost = column as i32 * GAP;
    }
    for row in 1..=heard.len() {
        costs[row * width] = row as i32 * GAP;
        for column in 1..width {
            let through = costs[(row - 1) * width + column - 1] + cost(heard[row - 1].1, alone[column - 1]);
            let skipped = costs[(row - 1) * width + column].min(costs[row * width + column - 1]) + GAP;
            costs[row * width + column] = through.min(skipped);
        }
    }
    let mut to = vec![None; heard.len()];
    let (mut row, mut column) = (heard.len(), alone.len());
    while row > 0 && column > 0 {
        let here = costs[row * width + column];
        if here == costs[(row - 1) * width + column - 1] + cost(heard[row - 1].1, alone[column - 1]) {
            (row, column) = (row - 1, column - 1);
            to[row] = Some(column);
        } else if here == costs[(row - 1) * width + column] + GAP {
            row -= 1;
        } else {
            column -= 1;
        }
    }
    to
}

/// Without phonemes of single words: shares the sounds by the words' lengths, borders moved to the nearest space.
fn share(heard: &[(usize, Sound)], lengths: &[usize]) -> Vec<Option<usize>> {
    let total: usize = lengths.iter().sum();
    if total == 0 {
        return vec![None; heard.len()];
    }
    let starts: Vec<usize> = (0..heard.len()).filter(|&index| heard[index].1.starts).collect();
    let mut owners = vec![Some(0); heard.len()];
    let mut before = 0;
    for (word, length) in lengths.iter().enumerate() {
        let ideal = before * heard.len() / total;
        let border =
            starts.iter().copied().min_by_key(|start| start.abs_diff(ideal)).filter(|start| start.abs_diff(ideal) <= 4).unwrap_or(ideal);
        owners[border..].fill(Some(word));
        before += length;
    }
    owners
}

/// Sounds that no word claims go with the sound after them if they start a word, else with the one before.
fn filled(heard: &[(usize, Sound)], mut words: Vec<Option<usize>>) -> Vec<Option<usize>> {
    let mut after = None;
    let next: Vec<Option<usize>> = words
        .iter()
        .rev()
        .map(|word| {
            after = word.or(after);
            after
        })
        .collect();
    let mut before = None;
    let mut since_start = false;
    for index in 0..words.len() {
        since_start = heard[index].1.starts || since_start && words[index].is_none();
        if words[index].is_none() {
            let after = next[words.len() - 1 - index];
            words[index] = if since_start { after.or(before) } else { before.or(after) };
        }
        before = words[index];
    }
    words
}

/// From sounds to characters: marks before a letter (stress) and after it (length, diacritics) go with it.
fn spread(chars: &[char], heard: &[(usize, Sound)], words: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut result = vec![None; chars.len()];
    for ((index, _), word) in heard.iter().zip(words) {
        result[*index] = *word;
    }
    for index in 0..chars.len() {
        if result[index].is_none() && is_modifier(chars[index]) {
            let leads = matches!(chars[index], 'ˈ' | 'ˌ');
            let after = chars[index + 1..].iter().position(|ch| !matches!(ch, 'ˈ' | 'ˌ')).and_then(|offset| result[index + 1 + offset]);
            let before = index.checked_sub(1).and_then(|before| result[before]);
            result[index] = if leads { after.or(before) } else { before.or(after) };
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phonemes of each word, by the alignment.
    fn by_word(text: &str, words: &[&str]) -> Vec<String> {
        let owners = words_of(text, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &vec![1; words.len()]);
        assert!(owners.iter().flatten().is_sorted(), "words went backwards in {text}");
        (0..words.len())
            .map(|word| text.chars().zip(&owners).filter(|(_, owner)| **owner == Some(word)).map(|(ch, _)| ch).collect())
            .collect()
    }

    #[test]
    fn joined_split_and_changed_words_are_found() {
        assert_eq!(by_word("wˈʌn ʌvðə hˈaʊzᵻz", &["wˈʌn", "ˈʌv", "ðˈə", "hˈaʊzᵻz"]), ["wˈʌn", "ʌv", "ðə", "hˈaʊzᵻz"]);
        assert_eq!(
            by_word("ɪn tˈuː θˈaʊzənd twˈɛnti fˈoːɹ ɪt", &["ˈɪn", "tˈuː θˈaʊzənd twˈɛnti fˈoːɹ", "ˈɪt"])[1],
            "tˈuːθˈaʊzəndtwˈɛntifˈoːɹ"
        );
        assert_eq!(by_word("fɚɹˈə kˈæt", &["fˈɔːɹ", "ˈeɪ", "kˈæt"]), ["fɚɹ", "ˈə", "kˈæt"]);
        assert_eq!(by_word("ɐ ɐ ɐ", &["ˈeɪ", "ˈeɪ", "ˈeɪ"]), ["ɐ", "ɐ", "ɐ"]);
    }

    #[test]
    fn a_word_that_says_nothing_gets_nothing() {
        assert_eq!(by_word("wˈʌn tˈuː", &["wˈʌn", "", "tˈuː"]), ["wˈʌn", "", "tˈuː"]);
        assert_eq!(by_word("", &["wˈʌn"]), [""]);
    }

    #[test]
    fn without_single_words_the_lengths_share() {
        let owners = words_of("abcd efgh ijkl", &[String::new(), String::new(), String::new()], &[4, 4, 4]);
        assert_eq!(owners.iter().flatten().filter(|&&word| word == 1).count(), 4);
        assert_eq!(owners[5], Some(1));
    }
}
