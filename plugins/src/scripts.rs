//! What is known of the world's scripts, for those who join and break text.

/// Of a script that writes no spaces between words: Han, kana, and their punctuation.
pub(crate) fn is_unspaced(ch: char) -> bool {
    matches!(ch as u32, 0x2E80..=0x312F | 0x31A0..=0x9FFF | 0xF900..=0xFAFF | 0xFF00..=0xFF60 | 0x20000..=0x3FFFF)
}

/// A space belongs between the end of one text and the beginning of another, as between words.
pub(crate) fn are_spaced(one: &str, other: &str) -> bool {
    !(one.is_empty() || other.is_empty() || one.ends_with(is_unspaced) && other.starts_with(is_unspaced))
}

/// A sentence, or all of a text, ends with these.
pub(crate) fn ends_sentence(text: &str) -> bool {
    let bare = text.trim_end_matches(['"', '”', '»', '’', ')', '」', '』', '）']);
    bare.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '।', '۔'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_stand_where_the_script_writes_them() {
        assert!(are_spaced("one", "two") && are_spaced("하나", "둘") && are_spaced("今日", "GPU"));
        assert!(!are_spaced("今日は、", "明日") && !are_spaced("", "two"));
        assert!(ends_sentence("He said “no.”") && ends_sentence("はい。」") && !ends_sentence("and so,"));
    }
}
