//! The languages that clients of "SlideSpeaker" choose from: by a name of its own, or by a tag.

use serde_json::{Value, json};

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// What clients send and are told.
    pub name: &'static str,
    /// BCP 47.
    pub tag: &'static str,
    /// In English, for people.
    title: &'static str,
    /// As its speakers call it.
    own: &'static str,
}

/// The one that holds where none is asked for.
pub static USUAL: &Language = &ALL[0];

static ALL: [Language; 14] = [
    Language { name: "english", tag: "en", title: "English", own: "English" },
    Language { name: "simplified_chinese", tag: "zh-Hans", title: "Simplified Chinese", own: "简体中文" },
    Language { name: "traditional_chinese", tag: "zh-Hant", title: "Traditional Chinese", own: "繁體中文" },
    Language { name: "japanese", tag: "ja", title: "Japanese", own: "日本語" },
    Language { name: "korean", tag: "ko", title: "Korean", own: "한국어" },
    Language { name: "thai", tag: "th", title: "Thai", own: "ไทย" },
    Language { name: "spanish", tag: "es", title: "Spanish", own: "Español" },
    Language { name: "french", tag: "fr", title: "French", own: "Français" },
    Language { name: "german", tag: "de", title: "German", own: "Deutsch" },
    Language { name: "italian", tag: "it", title: "Italian", own: "Italiano" },
    Language { name: "portuguese", tag: "pt", title: "Portuguese", own: "Português" },
    Language { name: "russian", tag: "ru", title: "Russian", own: "Русский" },
    Language { name: "arabic", tag: "ar", title: "Arabic", own: "العربية" },
    Language { name: "hindi", tag: "hi", title: "Hindi", own: "हिन्दी" },
];

/// The language of a name, a tag, or a title, in any case.
pub fn find(text: &str) -> Option<&'static Language> {
    let text = text.trim().replace([' ', '-'], "_").to_ascii_lowercase();
    let alias = match text.as_str() {
        "chinese" | "zh" | "zh_cn" => "simplified_chinese",
        "zh_tw" | "zh_hk" => "traditional_chinese",
        other => other,
    };
    ALL.iter().find(|language| language.name == alias || language.tag.replace('-', "_").eq_ignore_ascii_case(alias))
}

/// All of them, as they are listed.
pub fn list() -> Value {
    let view = |language: &Language| {
        let Language { name, tag, title, own } = language;
        json!({ "name": name, "locale_code": tag, "display_name": title, "code": tag, "native_name": own })
    };
    ALL.iter().map(view).collect()
}

/// What people call a language, in English.
pub fn title(language: &Language) -> &'static str {
    language.title
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|language| language.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_by_each_of_its_names() {
        for text in ["french", "French", "fr", " FR "] {
            assert_eq!(find(text).map(|language| language.tag), Some("fr"), "{text:?}");
        }
        for text in ["simplified_chinese", "Simplified Chinese", "zh-Hans", "zh-CN", "chinese"] {
            assert_eq!(find(text).map(|language| language.tag), Some("zh-Hans"), "{text:?}");
        }
        for text in ["klingon", "", "e", "zh-Latn"] {
            assert_eq!(find(text), None, "{text:?}");
        }
        assert_eq!((names().len(), USUAL.tag), (14, "en"));
    }
}
