//! The fonts of this machine, found once and shared by all that lay text out.

use parley::{FontContext, LayoutContext};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// What a layout needs: the fonts, and working memory.
pub(super) struct Fonts {
    pub fonts: FontContext,
    pub layouts: LayoutContext<[u8; 4]>,
}

/// The fonts; finding them the first time takes some tens of milliseconds.
pub(super) fn fonts() -> MutexGuard<'static, Fonts> {
    static FONTS: LazyLock<Mutex<Fonts>> = LazyLock::new(|| Mutex::new(Fonts { fonts: FontContext::new(), layouts: LayoutContext::new() }));
    // Both are caches: what a panic left in them is begun anew by the next layout.
    FONTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Families drawn to the same widths as those that are asked for most, so that lines break where their author saw them break.
const SAME_WIDTHS: [(&str, &str); 8] = [
    ("arial", "Liberation Sans"),
    ("helvetica", "Liberation Sans"),
    ("times new roman", "Liberation Serif"),
    ("times", "Liberation Serif"),
    ("courier new", "Liberation Mono"),
    ("courier", "Liberation Mono"),
    ("calibri", "Carlito"),
    ("cambria", "Caladea"),
];

/// A list of families as in CSS with those that may stand for them, ending in one that is always there.
pub(super) fn families(asked: &str) -> String {
    let mut list = Vec::new();
    for family in asked.split(',').map(|family| family.trim().trim_matches(['"', '\''])) {
        // A name with a quote or a backslash is no name of a font, and would end the list.
        if family.is_empty() || family.contains(['"', '\'', '\\']) {
            continue;
        }
        let generic = ["serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "emoji", "math"].contains(&family);
        list.push(if generic { family.into() } else { format!("\"{family}\"") });
        let same = SAME_WIDTHS.iter().find(|(name, _)| family.eq_ignore_ascii_case(name));
        list.extend(same.map(|(_, stands_for)| format!("\"{stands_for}\"")));
    }
    list.push("sans-serif".into());
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_a_list_that_ends_in_a_font_that_is_there() {
        assert_eq!(families(" Arial, serif"), "\"Arial\", \"Liberation Sans\", serif, sans-serif");
        assert_eq!(families("'Open Sans',\"x\\\""), "\"Open Sans\", sans-serif");
        assert_eq!(families(""), "sans-serif");
    }
}
