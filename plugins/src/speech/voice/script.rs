//! Which scripts a voice can read. A voice given letters of another script spells them or says "Chinese letter": better said by
//! nobody and reported.

/// Writing systems that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Han,
    Kana,
    Hangul,
    Arabic,
    Hebrew,
    Indic,
    Thai,
}

/// Whether a voice of `language` (BCP 47) can read `word`. Digits and symbols are read by all, single Greek letters (alpha, pi) by those
/// of Latin script. A language that is not listed reads everything.
pub(super) fn is_readable(word: &str, language: &str) -> bool {
    use Script::*;
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let scripts: &[Script] = match primary.as_str() {
        "zh" | "cmn" | "yue" => &[Han, Latin],
        "ja" => &[Han, Kana, Latin],
        "ko" => &[Hangul, Han, Latin],
        "ru" | "uk" | "bg" | "be" | "kk" | "ky" | "tt" | "mk" => &[Cyrillic, Latin],
        "sr" => &[Cyrillic, Latin],
        "el" => &[Greek, Latin],
        "ar" | "fa" | "ur" => &[Arabic, Latin],
        "he" => &[Hebrew, Latin],
        "hi" | "bn" | "ne" | "mr" | "pa" | "gu" | "ta" | "te" | "kn" | "ml" | "si" => &[Indic, Latin],
        "th" => &[Thai, Latin],
        "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "pl" | "cs" | "sk" | "sv" | "da" | "no" | "nb" | "nn" | "fi" | "hu" | "ro"
        | "tr" | "vi" | "ca" | "is" | "sl" | "hr" | "lt" | "lv" | "et" | "cy" | "eu" | "gl" | "id" | "ms" | "sw" => &[Latin],
        _ => return true,
    };
    if scripts[0] == Latin && word.chars().count() == 1 && word.chars().all(|ch| script(ch) == Some(Greek)) {
        return true;
    }
    word.chars().filter_map(script).all(|found| scripts.contains(&found))
}

/// The script of a letter; `None` for what all scripts share.
fn script(ch: char) -> Option<Script> {
    Some(match ch as u32 {
        0x41..=0x5A | 0x61..=0x7A | 0xC0..=0x24F | 0x1E00..=0x1EFF | 0xFF21..=0xFF5A => Script::Latin,
        0x370..=0x3FF | 0x1F00..=0x1FFF => Script::Greek,
        0x400..=0x52F => Script::Cyrillic,
        0x590..=0x5FF => Script::Hebrew,
        0x600..=0x6FF | 0x750..=0x77F | 0x8A0..=0x8FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF => Script::Arabic,
        0x900..=0xDFF => Script::Indic,
        0xE00..=0xE7F => Script::Thai,
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9D => Script::Kana,
        0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F => Script::Han,
        0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7AF => Script::Hangul,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_readable;

    #[test]
    fn voices_read_their_own_script() {
        assert!(is_readable("naïve 3.5", "en-US") && is_readable("π", "en") && is_readable("Привет", "ru") && is_readable("42", "zh-CN"));
        assert!(
            !is_readable("Привет", "en") && !is_readable("世界", "en-GB") && !is_readable("λόγος", "de") && !is_readable("مرحبا", "fr")
        );
        assert!(is_readable("ამბავი", "ka"), "a language without an entry reads everything");
    }
}
