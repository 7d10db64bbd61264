//! The language of a text.

use whatlang::Lang;

/// Fewer letters tell nothing.
const LETTERS: usize = 24;

/// The language of `text` as a BCP 47 tag, when it can be told with confidence.
pub(crate) fn of(text: &str) -> Option<&'static str> {
    if text.chars().filter(|c| c.is_alphabetic()).count() < LETTERS {
        return None;
    }
    let info = whatlang::detect(text)?;
    // A script that one language uses is sure in few letters.
    let tag = tag(info.lang(), text)?;
    (info.is_reliable() || !matches!(info.script(), whatlang::Script::Latin | whatlang::Script::Cyrillic)).then_some(tag)
}

fn tag(language: Lang, text: &str) -> Option<&'static str> {
    Some(match language {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Tur => "tr",
        Lang::Ell => "el",
        Lang::Heb => "he",
        Lang::Ara => "ar",
        Lang::Pes => "fa",
        Lang::Urd => "ur",
        Lang::Hin => "hi",
        Lang::Ben => "bn",
        Lang::Tam => "ta",
        Lang::Tha => "th",
        Lang::Vie => "vi",
        Lang::Ind => "id",
        Lang::Kor => "ko",
        Lang::Jpn => "ja",
        Lang::Cmn if is_traditional(text) => "zh-Hant",
        Lang::Cmn => "zh-Hans",
        _ => return None,
    })
}

/// Of characters that are written in two ways, most are in the older one.
fn is_traditional(text: &str) -> bool {
    const OLD: &str = "這個們來說時會對學發國過與為麼還點後實機問題開關體電網書車長門馬語話認識";
    const NEW: &str = "这个们来说时会对学发国过与为么还点后实机问题开关体电网书车长门马语话认识";
    let count = |set: &str| text.chars().filter(|c| set.contains(*c) && !(OLD.contains(*c) && NEW.contains(*c))).count();
    count(OLD) > count(NEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        let cases = [
            ("The quick brown fox jumps over the lazy dog, and nobody in the village knows why it does so.", "en"),
            ("Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf weiß, warum er das tut.", "de"),
            ("Le renard brun rapide saute par-dessus le chien paresseux, et personne au village ne sait pourquoi.", "fr"),
            ("机器学习是人工智能的一个分支，它让计算机从数据中学习规律，并对新的情况作出判断。", "zh-Hans"),
            ("機器學習是人工智慧的一個分支，它讓電腦從資料中學習規律，並對新的情況作出判斷。", "zh-Hant"),
            ("機械学習は人工知能の一分野で、データから規則を見つけて新しい状況を判断する技術です。", "ja"),
            ("التعلم الآلي فرع من فروع الذكاء الاصطناعي يتيح للحاسوب أن يتعلم من البيانات.", "ar"),
            ("Машинное обучение это раздел искусственного интеллекта, который изучает методы построения моделей.", "ru"),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        assert_eq!(of("OK 123"), None);
    }
}
