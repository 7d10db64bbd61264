//! From a language tag to the code that a track header carries.

/// The undetermined language.
const UNDETERMINED: &str = "und";

/// ISO 639-1 codes with their ISO 639-2/T siblings, `aa` + `aar` and so on, in order of the first.
const CODES: &str = "aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam \
    bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo \
    esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv \
    hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz \
    klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah \
    mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji \
    omorm orori ososs papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk \
    slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur \
    tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor zazha zhzho zuzul";

/// The ISO 639-2/T code (three lower-case letters) of a BCP-47 tag: `de-AT` is `deu`. A tag without a language of two or three
/// letters, or with an unknown one of two, is `und`.
pub(super) fn iso_639_2(tag: &str) -> String {
    let language = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return UNDETERMINED.to_string();
    }
    match language.len() {
        2 => CODES.split_whitespace().find_map(|pair| pair.strip_prefix(language.as_str()).filter(|code| code.len() == 3)),
        3 => Some(language.as_str()),
        _ => None,
    }
    .unwrap_or(UNDETERMINED)
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tags_and_nonsense() {
        for (tag, code) in [
            ("en", "eng"),
            ("de-AT", "deu"),
            ("zh_Hant_TW", "zho"),
            ("EN-us", "eng"),
            ("yue", "yue"),
            ("aa", "aar"),
            ("zu", "zul"),
            ("", "und"),
            ("qq", "und"),
            ("x-klingon", "und"),
            ("日本", "und"),
            ("12", "und"),
        ] {
            assert_eq!(iso_639_2(tag), code, "{tag}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_well_formed() {
        let pairs: Vec<&str> = CODES.split_whitespace().collect();
        assert_eq!(pairs.len(), 184);
        assert!(pairs.iter().all(|pair| pair.len() == 5) && pairs.is_sorted());
    }
}
