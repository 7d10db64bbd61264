//! From phonemes in the International Phonetic Alphabet to mouth shapes.

use super::Viseme;

/// The mouth shape of one speech sound, `ipa` being a letter (or affricate) with any modifiers, stress marks included. The table covers
/// the sounds of espeak-ng's English exactly and all pulmonic consonants and vowels of the IPA by place of articulation and lip
/// rounding, so other languages move plausibly; what is no sound at all is [`Viseme::Sil`].
///
/// The mapping of English follows the reference pages of the Oculus set (`viseme-reference`), with two choices: `l` moves the tongue
/// as `n` does, and `h` takes the open shape that its vowel is about to have.
pub fn from_ipa(ipa: &str) -> Viseme {
    let mut sounds = ipa.chars().filter_map(letter);
    match (sounds.next(), sounds.next()) {
        // Affricates: the fricative decides.
        (Some(Viseme::Dd), Some(second @ (Viseme::Ch | Viseme::Ss))) => {
            if second == Viseme::Ch {
                Viseme::Ch
            } else {
                Viseme::Ss
            }
        }
        (Some(first), _) => first,
        (None, _) => Viseme::Sil,
    }
}

fn letter(ch: char) -> Option<Viseme> {
    Some(match ch {
        'p' | 'b' | 'm' | 'ɓ' | 'ʙ' | 'ɸ' | 'β' | 'ʘ' => Viseme::Pp,
        'f' | 'v' | 'ɱ' | 'ʋ' | 'ⱱ' => Viseme::Ff,
        'θ' | 'ð' => Viseme::Th,
        't' | 'd' | 'ɾ' | 'ʈ' | 'ɖ' | 'ɗ' | 'ɟ' | 'ǀ' | 'ǃ' | 'ǂ' | 'ɽ' => Viseme::Dd,
        'k' | 'ɡ' | 'g' | 'q' | 'ɢ' | 'x' | 'ɣ' | 'χ' | 'ŋ' | 'ɴ' | 'c' | 'ɠ' | 'ʛ' | 'ʄ' | 'ħ' | 'ʕ' | 'ʜ' | 'ʡ' | 'ʢ' | 'ɰ' => {
            Viseme::Kk
        }
        'ʃ' | 'ʒ' | 'ʂ' | 'ʐ' | 'ɕ' | 'ʑ' | 'ɧ' => Viseme::Ch,
        's' | 'z' | 'ɬ' | 'ɮ' => Viseme::Ss,
        'n' | 'ɲ' | 'ɳ' | 'l' | 'ɫ' | 'ɭ' | 'ʎ' | 'ʟ' | 'ɺ' | 'ǁ' => Viseme::Nn,
        'r' | 'ɹ' | 'ɻ' | 'ʀ' | 'ʁ' | 'ɚ' | 'ɝ' => Viseme::Rr,
        'a' | 'ɑ' | 'æ' | 'ɐ' | 'ɒ' | 'ʌ' | 'ɶ' | 'h' | 'ɦ' => Viseme::Aa,
        'e' | 'ɛ' | 'ɜ' | 'ə' | 'ɘ' | 'ɞ' | 'ɤ' | 'œ' | 'ε' => Viseme::E,
        'i' | 'ɪ' | 'ɨ' | 'ᵻ' | 'j' | 'ç' | 'ʝ' => Viseme::Ih,
        'o' | 'ɔ' | 'ɵ' | 'ø' => Viseme::Oh,
        'u' | 'ʊ' | 'ʉ' | 'ɯ' | 'w' | 'ʍ' | 'ɥ' | 'y' | 'ʏ' => Viseme::Ou,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_have_their_shapes() {
        for (ipa, viseme) in [
            ("p", Viseme::Pp),
            ("ˈɜː", Viseme::E),
            ("tʃ", Viseme::Ch),
            ("dʒ", Viseme::Ch),
            ("ts", Viseme::Ss),
            ("t", Viseme::Dd),
            ("w", Viseme::Ou),
            ("oʊ", Viseme::Oh),
            ("a\u{303}", Viseme::Aa),
            ("ʔ", Viseme::Sil),
            ("", Viseme::Sil),
        ] {
            assert_eq!(from_ipa(ipa), viseme, "{ipa}");
        }
    }

    #[test]
    fn every_sound_of_the_default_voice_moves_the_mouth() {
        let sounds = "abdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʙʛʜʝʟβθχᵻⱱ";
        for sound in sounds.chars() {
            assert_ne!(from_ipa(&sound.to_string()), Viseme::Sil, "{sound}");
        }
    }
}
