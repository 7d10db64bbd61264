//! The symbols that Kokoro reads, and how the phonemes of espeak-ng are written in them.
//!
//! The table is `vocab` of the model's `config.json` (v1.0). Its English was trained on one letter for a diphthong and for an affricate
//! (`A` for `eɪ`, `ʧ` for `tʃ`), without length marks; the rules are those by which the model's own `misaki` reads espeak-ng's phonemes.

use std::ops::Range;

use crate::speech::voice::align::is_vowel;
use crate::speech::voice::clause::Symbols;

/// Symbol and id.
const VOCABULARY: &[(char, i64)] = &[
    (';', 1),
    (':', 2),
    (',', 3),
    ('.', 4),
    ('!', 5),
    ('?', 6),
    ('—', 9),
    ('…', 10),
    (' ', 16),
    ('\u{303}', 17),
    ('ʣ', 18),
    ('ʥ', 19),
    ('ʦ', 20),
    ('ʨ', 21),
    ('ᵝ', 22),
    ('A', 24),
    ('I', 25),
    ('O', 31),
    ('Q', 33),
    ('S', 35),
    ('T', 36),
    ('W', 39),
    ('Y', 41),
    ('ᵊ', 42),
    ('a', 43),
    ('b', 44),
    ('c', 45),
    ('d', 46),
    ('e', 47),
    ('f', 48),
    ('h', 50),
    ('i', 51),
    ('j', 52),
    ('k', 53),
    ('l', 54),
    ('m', 55),
    ('n', 56),
    ('o', 57),
    ('p', 58),
    ('q', 59),
    ('r', 60),
    ('s', 61),
    ('t', 62),
    ('u', 63),
    ('v', 64),
    ('w', 65),
    ('x', 66),
    ('y', 67),
    ('z', 68),
    ('ɑ', 69),
    ('ɐ', 70),
    ('ɒ', 71),
    ('æ', 72),
    ('β', 75),
    ('ɔ', 76),
    ('ɕ', 77),
    ('ç', 78),
    ('ɖ', 80),
    ('ð', 81),
    ('ʤ', 82),
    ('ə', 83),
    ('ɚ', 85),
    ('ɛ', 86),
    ('ɜ', 87),
    ('ɟ', 90),
    ('ɡ', 92),
    ('ɥ', 99),
    ('ɨ', 101),
    ('ɪ', 102),
    ('ʝ', 103),
    ('ɯ', 110),
    ('ɰ', 111),
    ('ŋ', 112),
    ('ɳ', 113),
    ('ɲ', 114),
    ('ɴ', 115),
    ('ø', 116),
    ('ɸ', 118),
    ('θ', 119),
    ('œ', 120),
    ('ɹ', 123),
    ('ɾ', 125),
    ('ɻ', 126),
    ('ʁ', 128),
    ('ɽ', 129),
    ('ʂ', 130),
    ('ʃ', 131),
    ('ʈ', 132),
    ('ʧ', 133),
    ('ʊ', 135),
    ('ʋ', 136),
    ('ʌ', 138),
    ('ɣ', 139),
    ('ɤ', 140),
    ('χ', 142),
    ('ʎ', 143),
    ('ʒ', 147),
    ('ʔ', 148),
    ('ˈ', 156),
    ('ˌ', 157),
    ('ː', 158),
    ('ʰ', 162),
    ('ʲ', 164),
    ('ᵻ', 177),
];

/// What is written differently in every language.
const EVERYWHERE: &[(&str, &str)] =
    &[("aɪ", "I"), ("aʊ", "W"), ("dz", "ʣ"), ("dʒ", "ʤ"), ("eɪ", "A"), ("oʊ", "O"), ("əʊ", "Q"), ("ts", "ʦ"), ("tʃ", "ʧ"), ("ɔɪ", "Y")];
/// And in English; the longer ones first.
const ENGLISH: &[(&str, &str)] = &[
    ("ʔn\u{329}", "tᵊn"),
    ("n\u{329}", "ᵊn"),
    ("l\u{329}", "ᵊl"),
    ("m\u{329}", "ᵊm"),
    ("əl", "ᵊl"),
    ("ʔ", "t"),
    ("e", "A"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɐ", "ə"),
    ("ɬ", "l"),
    ("ʲ", ""),
    ("\u{303}", ""),
];
const AMERICAN: &[(&str, &str)] = &[("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ɚ", "əɹ"), ("oː", "ɔ"), ("o", "ɔ"), ("ɾ", "T"), ("ː", "")];
const BRITISH: &[(&str, &str)] = &[("eə", "ɛː"), ("iə", "ɪə"), ("ɚ", "əɹ"), ("o", "ɔ")];

/// How phonemes are written, by the name of espeak-ng's voice.
pub(super) fn rules(espeak: &str) -> Vec<(&'static str, &'static str)> {
    let own: &[&[(&str, &str)]] = match espeak {
        // Diphthongs first: `oʊ` begins with what alone is another vowel.
        "en-us" => &[EVERYWHERE, AMERICAN, ENGLISH],
        "en-gb" => &[EVERYWHERE, BRITISH, ENGLISH],
        _ => &[EVERYWHERE],
    };
    own.iter().flat_map(|rules| rules.iter().copied()).collect()
}

fn id(symbol: char) -> Option<i64> {
    VOCABULARY.iter().find(|(known, _)| *known == symbol).map(|(_, id)| *id)
}

/// The ids of phonemes, each with the range of phonemes that it stands for. What the model does not know has none.
pub(super) fn ids(symbols: &Symbols, rules: &[(&str, &str)]) -> Vec<(i64, Range<usize>)> {
    let mut ids = Vec::with_capacity(symbols.len());
    let mut at = 0;
    while at < symbols.len() {
        let (ch, word) = symbols[at];
        let fits = |from: &str| {
            let length = from.chars().count();
            let part = symbols.get(at..at + length)?;
            // `əl` is one sound at the end of a syllable only: not in `həlˈoʊ`.
            let opens = |(ch, of): &(char, Option<usize>)| *of == word && (matches!(ch, 'ˈ' | 'ˌ') || is_vowel(*ch));
            if from == "əl" && symbols.get(at + length).is_some_and(opens) {
                return None;
            }
            // A rule joins sounds of one word only.
            (part.iter().map(|(ch, _)| *ch).eq(from.chars()) && part.iter().all(|(_, of)| *of == word)).then_some(length)
        };
        match rules.iter().find_map(|(from, to)| Some((fits(from)?, *to))) {
            Some((length, to)) => {
                ids.extend(to.chars().filter_map(id).map(|id| (id, at..at + length)));
                at += length;
            }
            None => {
                ids.extend(id(ch).map(|id| (id, at..at + 1)));
                at += 1;
            }
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ipa: &str, espeak: &str) -> String {
        let symbols: Symbols = ipa.chars().map(|ch| (ch, (ch != ' ').then_some(0))).collect();
        let symbol = |id: i64| VOCABULARY.iter().find(|(_, known)| *known == id).unwrap().0;
        ids(&symbols, &rules(espeak)).into_iter().map(|(id, _)| symbol(id)).collect()
    }

    #[test]
    fn phonemes_are_written_as_the_model_learned_them() {
        assert_eq!(written("həlˈoʊ", "en-us"), "həlˈO");
        assert_eq!(written("lˈɪɾəl", "en-us"), "lˈɪTᵊl");
        assert_eq!(written("bˈɜːɹd ɹˈaɪɾɚ", "en-us"), "bˈɜɹd ɹˈITəɹ");
        assert_eq!(written("dʒˈʌdʒ eɪt", "en-us"), "ʤˈʌʤ At");
        assert_eq!(written("ɡˈəʊ ðˈeə", "en-gb"), "ɡˈQ ðˈɛː");
        assert_eq!(written("vˈotʃe", "it"), "vˈoʧe");
    }

    #[test]
    fn each_id_knows_its_phonemes() {
        let symbols: Symbols = vec![('t', Some(0)), ('ʃ', Some(0)), ('\u{1}', None), ('t', Some(0)), ('ʃ', Some(1))];
        let places: Vec<Range<usize>> = ids(&symbols, &rules("en-us")).into_iter().map(|(_, place)| place).collect();
        assert_eq!(places, [0..2, 3..4, 4..5]);
    }
}
