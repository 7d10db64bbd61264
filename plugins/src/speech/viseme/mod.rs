//! Mouth shapes: the 15 visemes of Oculus/Meta lip-sync, the one alphabet that every speech source maps to and every face draws.

mod gaussians;
mod ipa;
mod mfcc;
mod sound;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use ipa::from_ipa;
pub use sound::visemes_from_sound;

/// A mouth shape. The names, written as in the Oculus set, are [`Viseme::as_str`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Viseme {
    /// Closed and at rest.
    #[default]
    #[serde(rename = "sil")]
    Sil,
    /// Lips pressed: p, b, m.
    #[serde(rename = "PP")]
    Pp,
    /// Lower lip at the teeth: f, v.
    #[serde(rename = "FF")]
    Ff,
    /// Tongue between the teeth: th.
    #[serde(rename = "TH")]
    Th,
    /// Tongue behind the teeth: t, d.
    #[serde(rename = "DD")]
    Dd,
    /// Back of the tongue: k, g.
    #[serde(rename = "kk")]
    Kk,
    /// Rounded and narrow: ch, j, sh, zh.
    #[serde(rename = "CH")]
    Ch,
    /// Teeth together: s, z.
    #[serde(rename = "SS")]
    Ss,
    /// Tongue up: n, l.
    #[serde(rename = "nn")]
    Nn,
    /// r.
    #[serde(rename = "RR")]
    Rr,
    /// Wide open: a.
    #[serde(rename = "aa")]
    Aa,
    /// Half open, spread: e.
    E,
    /// Narrow, spread: i.
    #[serde(rename = "ih")]
    Ih,
    /// Round: o.
    #[serde(rename = "oh")]
    Oh,
    /// Pursed: u, w.
    #[serde(rename = "ou")]
    Ou,
}

impl Viseme {
    /// All of them, in the order of the Oculus set.
    pub const ALL: [Viseme; 15] = [
        Viseme::Sil,
        Viseme::Pp,
        Viseme::Ff,
        Viseme::Th,
        Viseme::Dd,
        Viseme::Kk,
        Viseme::Ch,
        Viseme::Ss,
        Viseme::Nn,
        Viseme::Rr,
        Viseme::Aa,
        Viseme::E,
        Viseme::Ih,
        Viseme::Oh,
        Viseme::Ou,
    ];

    /// Its name in the Oculus set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Viseme::Sil => "sil",
            Viseme::Pp => "PP",
            Viseme::Ff => "FF",
            Viseme::Th => "TH",
            Viseme::Dd => "DD",
            Viseme::Kk => "kk",
            Viseme::Ch => "CH",
            Viseme::Ss => "SS",
            Viseme::Nn => "nn",
            Viseme::Rr => "RR",
            Viseme::Aa => "aa",
            Viseme::E => "E",
            Viseme::Ih => "ih",
            Viseme::Oh => "oh",
            Viseme::Ou => "ou",
        }
    }
}

impl fmt::Display for Viseme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no viseme's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no viseme; they are: sil PP FF TH DD kk CH SS nn RR aa E ih oh ou")]
pub struct UnknownViseme(pub String);

impl FromStr for Viseme {
    type Err = UnknownViseme;

    /// Exact names, case included.
    fn from_str(name: &str) -> Result<Viseme, UnknownViseme> {
        Viseme::ALL.into_iter().find(|viseme| viseme.as_str() == name).ok_or_else(|| UnknownViseme(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere() {
        for viseme in Viseme::ALL {
            assert_eq!(viseme.as_str().parse(), Ok(viseme));
            assert_eq!(serde_json::to_string(&viseme).unwrap(), format!("\"{viseme}\""));
        }
        assert!("AA".parse::<Viseme>().unwrap_err().to_string().contains("AA"));
    }
}
