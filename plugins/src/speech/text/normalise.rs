//! What is left of a written word when only what a voice can read stays.

/// Letters, digits and what stands inside words; everything else becomes a space. The reading of any chunk in a language without
/// rules of its own, and the last step of the others.
pub(super) fn plain(chunk: &str) -> String {
    let chars: Vec<char> = chunk.chars().collect();
    let mut read = String::with_capacity(chunk.len());
    for (index, &ch) in chars.iter().enumerate() {
        let inside = index > 0 && chars[index - 1].is_alphanumeric() && chars.get(index + 1).is_some_and(|next| next.is_alphanumeric());
        match ch {
            _ if is_word_char(ch) => read.push(ch),
            '\'' | '’' | 'ʼ' if index > 0 => read.push('\''),
            '.' | ',' | '-' if inside => read.push(ch),
            '\u{2010}' | '\u{2011}' if inside => read.push('-'),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' => {}
            _ if !read.ends_with(' ') => read.push(' '),
            _ => {}
        }
    }
    let read = read.trim();
    if read.contains(|ch: char| ch.is_alphanumeric()) { read.to_owned() } else { String::new() }
}

/// Letters, digits and combining marks (vowel signs of Indic scripts, accents written apart).
pub(super) fn is_word_char(ch: char) -> bool {
    ch.is_alphanumeric()
        || unicode_normalization::char::is_combining_mark(ch) && !('\u{fe00}'..='\u{fe0f}').contains(&ch) && ch != '\u{20e3}'
}
