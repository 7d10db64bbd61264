//! Colours and fonts of generated slides.

use super::super::canvas::{Color, Paint, Stop};

/// How generated slides look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark letters on white, blue.
    #[default]
    Light,
    /// Light letters on night blue.
    Dark,
    /// Brown letters on cream, with serifs.
    Warm,
}

impl Theme {
    /// All of them.
    pub const ALL: [Theme; 3] = [Theme::Light, Theme::Dark, Theme::Warm];
}

impl std::fmt::Display for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
            Theme::Warm => "warm",
        })
    }
}

impl std::str::FromStr for Theme {
    type Err = String;

    fn from_str(text: &str) -> Result<Theme, String> {
        let found = Theme::ALL.into_iter().find(|theme| theme.to_string() == text.trim().to_lowercase());
        found.ok_or_else(|| format!("{text:?} is no theme; there are light, dark and warm"))
    }
}

/// What a theme is made of.
pub(super) struct Look {
    /// Of slides with content, from top to bottom.
    pub ground: [Color; 2],
    /// Where the presenter stands on them.
    pub stage: [Color; 2],
    /// Of the first and the last slide and of chapters.
    pub cover: [Color; 2],
    pub on_cover: Color,
    /// The line under titles on a cover.
    pub cover_accent: Color,
    pub title: Color,
    pub text: Color,
    pub quiet: Color,
    pub accent: Color,
    /// Behind tables and code.
    pub panel: Color,
    /// Behind the names of a table's columns.
    pub head: Color,
    pub on_head: Color,
    pub line: Color,
    pub title_font: &'static str,
    pub text_font: &'static str,
}

/// Fonts with a fixed width.
pub(super) const CODE_FONT: &str = "Liberation Mono, DejaVu Sans Mono, monospace";

pub(super) fn look(theme: Theme) -> Look {
    const fn c(rgb: u32) -> Color {
        Color([(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8, 255])
    }
    match theme {
        Theme::Light => Look {
            ground: [c(0xffffff), c(0xf4f7fc)],
            stage: [c(0xe3ecfa), c(0xc9dbf5)],
            cover: [c(0x17408b), c(0x0b2559)],
            on_cover: c(0xffffff),
            cover_accent: c(0xffc44d),
            title: c(0x12305f),
            text: c(0x24364f),
            quiet: c(0x7286a3),
            accent: c(0x2f6fde),
            panel: c(0xeef3fb),
            head: c(0x2f6fde),
            on_head: c(0xffffff),
            line: c(0xd3deee),
            title_font: "Carlito, Noto Sans, sans-serif",
            text_font: "Carlito, Noto Sans, sans-serif",
        },
        Theme::Dark => Look {
            ground: [c(0x131c2e), c(0x0d1422)],
            stage: [c(0x1f2d4a), c(0x17233c)],
            cover: [c(0x0d1422), c(0x1c3357)],
            on_cover: c(0xf2f6fc),
            cover_accent: c(0x3ecbe0),
            title: c(0xf2f6fc),
            text: c(0xd5deec),
            quiet: c(0x8496b3),
            accent: c(0x3ecbe0),
            panel: c(0x1c2740),
            head: c(0x24507a),
            on_head: c(0xf2f6fc),
            line: c(0x33425f),
            title_font: "Liberation Sans, Noto Sans, sans-serif",
            text_font: "Liberation Sans, Noto Sans, sans-serif",
        },
        Theme::Warm => Look {
            ground: [c(0xfefaf3), c(0xfaf1e3)],
            stage: [c(0xf6e4cd), c(0xecd0ad)],
            cover: [c(0x9a3f22), c(0x6b2815)],
            on_cover: c(0xfff6e9),
            cover_accent: c(0xf5c98a),
            title: c(0x5a2713),
            text: c(0x463226),
            quiet: c(0x9b8472),
            accent: c(0xc4592f),
            panel: c(0xf6ebdb),
            head: c(0xc4592f),
            on_head: c(0xffffff),
            line: c(0xe5d3bc),
            title_font: "Caladea, Noto Serif, serif",
            text_font: "Carlito, Noto Sans, sans-serif",
        },
    }
}

/// From one colour at the top to another at the bottom.
pub(super) fn falling([top, bottom]: [Color; 2]) -> Paint {
    Paint::Linear { angle: 90.0, stops: vec![Stop { at: 0.0, color: top }, Stop { at: 1.0, color: bottom }] }
}
