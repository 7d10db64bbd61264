//! How a deck is read and what a film is like, as whoever asks for it says.

use crate::cli::Cli;
use crate::quality;
use clap::Parser;
use engine::graph::unit::FrameSize;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use utoipa::ToSchema;

/// Variables that may be set from outside; others name files.
const VARIABLES: [&str; 7] = ["fps", "codec", "encoder", "preset", "crf", "transition", "progress"];
/// More than anybody writes by hand.
const LONGEST: usize = 16_000;

/// How a deck or document is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// What the lecture should be like, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// About how many minutes it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Its language, as a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `slides` or `content`: whether a document is shown as it is.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// Of new slides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// Of new slides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
}

/// What a film is like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Looks {
    /// Who speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Who is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// How they are seen in a film: without it, small in a corner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presenter: Option<Presenter>,
    /// Which slides: `3-5,8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slides: Option<String>,
    /// Size, rate and care by name: `minimal`, `fast`, `standard`, `high`, or what other systems call them (`speed`, `balanced`, `quality`,
    /// `fast_low_memory`, `cpu_optimized`, `high_quality`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Bit rate of the sound by name: `basic`, `standard`, `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// `sd`, `hd`, `fullhd` or `WIDTHxHEIGHT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// A text in the corner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
    /// Variables of the graph about the pictures: `fps`, `codec`, `encoder`, `preset`, `crf`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
}

/// How a presenter is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presenter {
    /// Not at all.
    Hidden,
    /// In the middle, nearly as high as the picture.
    Large,
}

impl Presenter {
    /// The profile of the lecture's graph.
    pub(in crate::worker) fn profile(self) -> &'static str {
        match self {
            Presenter::Hidden => "no_presenter",
            Presenter::Large => "large_presenter",
        }
    }
}

impl Wishes {
    /// All as it would be without any.
    pub fn is_empty(&self) -> bool {
        *self == Wishes::default()
    }

    /// What the command line says for it.
    pub(in crate::worker) fn arguments(&self) -> Vec<OsString> {
        let Wishes { instructions, minutes, language, read_as, theme, shape } = self;
        let texts = [("instructions", instructions), ("language", language), ("as", read_as), ("theme", theme), ("shape", shape)];
        let texts = texts.into_iter().filter_map(|(name, value)| Some(option(name, value.as_ref()?)));
        texts.chain(minutes.map(|minutes| option("minutes", &minutes))).collect()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let Wishes { instructions, minutes, language, read_as, theme, shape } = self;
        if instructions.as_ref().is_some_and(|text| text.len() > LONGEST) {
            return Err(format!("the instructions are longer than {LONGEST} bytes; say it in fewer words"));
        }
        if minutes.is_some_and(|minutes| !(minutes > 0.0 && minutes <= 240.0)) {
            return Err("minutes is out of range; it goes from over 0 to 240".into());
        }
        for (field, value) in [("language", language), ("as", read_as), ("theme", theme), ("shape", shape)] {
            value.as_deref().map_or(Ok(()), |value| name(field, value))?;
        }
        parses(self.arguments())
    }
}

impl Looks {
    /// What the command line says for it.
    pub(in crate::worker) fn arguments(&self) -> Vec<OsString> {
        let Looks { voice, avatar, presenter: _, slides, quality, sound, size, watermark, set } = self;
        let all = [
            ("voice", voice),
            ("avatar", avatar),
            ("slides", slides),
            ("quality", quality),
            ("sound", sound),
            ("size", size),
            ("watermark", watermark),
        ];
        let all = all.into_iter().filter_map(|(name, value)| Some(option(name, value.as_ref()?)));
        all.chain(set.iter().map(|(name, value)| option("set", &format!("{name}={value}")))).collect()
    }

    /// With pictures no larger than `largest`, width and height; and, where they were to be larger, the size that was asked for and the one
    /// that it is now.
    pub(in crate::worker) fn within(&self, largest: (u32, u32)) -> (Looks, Option<(FrameSize, FrameSize)>) {
        let asked = quality::asked(self.quality.as_deref(), self.size.as_deref());
        let smaller = asked.and_then(|asked| Some((asked, quality::within(asked, largest)?)));
        let size = smaller.map_or_else(|| self.size.clone(), |(_, made)| Some(made.to_string()));
        (Looks { size, ..self.clone() }, smaller)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let Looks { voice, avatar, presenter: _, slides, quality, sound, size, watermark, set } = self;
        voice.as_deref().map_or(Ok(()), voice_name)?;
        for (field, value) in [("avatar", avatar), ("quality", quality), ("sound", sound), ("size", size)] {
            value.as_deref().map_or(Ok(()), |value| name(field, value))?;
        }
        let is_choice = |text: &String| text.len() <= 1000 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-,. ".contains(c));
        if slides.as_ref().is_some_and(|text| !is_choice(text)) {
            return Err("slides is no choice of slides; write numbers and ranges, such as 3-5,8".into());
        }
        // A text that is a path would be taken for a picture of the server.
        if watermark.as_ref().is_some_and(|text| text.len() > 200 || text.contains(['/', '\\', '\n', '\0'])) {
            return Err("watermark is a text of up to 200 bytes without slashes and line breaks".into());
        }
        for (key, value) in set {
            if !VARIABLES.contains(&key.as_str()) {
                return Err(format!("set has the variable {key:?}; the variables are {}", VARIABLES.join(", ")));
            }
            name(key, value)?;
        }
        parses(self.arguments())
    }
}

/// The command line takes it: what is right is written down there, once.
fn parses(arguments: Vec<OsString>) -> Result<(), String> {
    let all = ["lectern", "render", "deck"].map(OsString::from).into_iter().chain(arguments);
    Cli::try_parse_from(all).map(drop).map_err(|error| {
        let text = error.to_string();
        let said: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        said.join(" ").trim_start_matches("error: ").to_string()
    })
}

/// `--name=value`, which cannot be taken for another option.
fn option(name: &str, value: &impl std::fmt::Display) -> OsString {
    format!("--{name}={value}").into()
}

/// A voice by name, perhaps with that of its model before it: `joe`, `kokoro:af_heart`.
pub(super) fn voice_name(voice: &str) -> Result<(), String> {
    voice.splitn(2, ':').try_for_each(|part| name("voice", part))
}

/// A word that can be no path and no option.
pub(super) fn name(field: &str, value: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_name = !value.is_empty() && value.len() <= 64 && value.chars().all(fits) && !value.starts_with(['-', '.']);
    if is_name { Ok(()) } else { Err(format!("{field} is {value:?}; write a name of letters, digits, and _ - . between them")) }
}
