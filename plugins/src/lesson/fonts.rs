//! Which fonts a deck asks for and the machine lacks.

use crate::process;
use engine::run::Cancel;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

/// Families drawn to the same widths, so that lines break where their author saw them break.
const SAME_WIDTHS: [(&str, &str); 10] = [
    ("arial", "liberation sans"),
    ("helvetica", "liberation sans"),
    ("times new roman", "liberation serif"),
    ("times", "liberation serif"),
    ("courier new", "liberation mono"),
    ("courier", "liberation mono"),
    ("calibri", "carlito"),
    ("cambria", "caladea"),
    ("symbol", "opensymbol"),
    ("wingdings", "opensymbol"),
];

/// The font families of this machine, in lower case; `None` when fontconfig cannot be asked.
pub(super) struct Fonts(Option<BTreeSet<String>>);

impl Fonts {
    /// Asks fontconfig's `fc-list`, once a deck (about 20 ms).
    pub fn installed() -> Fonts {
        let listed = process::run(Command::new("fc-list").args([":", "family"]), Duration::from_secs(10), &Cancel::default());
        Fonts(listed.ok().filter(|listed| listed.success).map(|listed| {
            let families = listed.output.lines().flat_map(|line| line.split(','));
            families.map(|family| family.trim().to_lowercase()).filter(|family| !family.is_empty()).collect()
        }))
    }

    /// Whether this family or one of the same widths is there. Without fontconfig everything counts as there: a warning that may be
    /// wrong helps nobody.
    pub fn has(&self, family: &str) -> bool {
        let Some(families) = &self.0 else { return true };
        let family = family.trim().to_lowercase();
        let same = SAME_WIDTHS.iter().filter(|(asked, _)| *asked == family).map(|(_, there)| *there);
        std::iter::once(family.as_str()).chain(same).any(|family| families.contains(family))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_of_the_same_widths_counts() {
        let fonts = Fonts(Some(BTreeSet::from(["carlito".into(), "noto sans".into()])));
        assert!(fonts.has("Calibri") && fonts.has("Noto Sans"));
        assert!(!fonts.has("Cambria") && !fonts.has("Segoe UI"));
        assert!(Fonts(None).has("Segoe UI"));
    }
}
