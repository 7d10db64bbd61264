//! Who speaks a lesson: one voice, or several that take turns, each at the same loudness.

use super::text::{Clause, Narration as Script, Options, narrate_by};
use super::voice::{CachedVoice, Settings, Synthesis, Voice, VoiceError, gain_for, must_be_voice, primary, shared};
use crate::lesson::{Lesson, Pronunciations, Speaker};
use crate::models::ModelError;
use engine::node::{Failure, Result, Start};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A voice of the cast.
struct Member {
    /// Name or path of the voice.
    name: String,
    voice: Arc<CachedVoice>,
    /// Brings it to the loudness of all.
    gain: f32,
}

/// The voices of a lesson. A clause is spoken by the one that it names, others by the first.
pub(super) struct Cast(Vec<Member>);

impl Cast {
    /// Opens the voice `first`.
    pub fn open(first: &str, settings: Settings, start: &Start<'_>) -> Result<Cast> {
        let mut cast = Cast(Vec::new());
        cast.add(first, settings, start)?;
        Ok(cast)
    }

    /// Opens another voice, unless it is there.
    pub fn add(&mut self, name: &str, settings: Settings, start: &Start<'_>) -> Result {
        if self.0.iter().all(|member| member.name != name) {
            // Held until the render is over, whatever run it is that speaks.
            let voice = start.shared(&format!("{name} {}", settings.speed), || Ok(shared(name, settings)?))?;
            self.0.push(Member { name: name.to_owned(), voice: Arc::clone(&*voice), gain: 1.0 });
        }
        Ok(())
    }

    /// Finds out how loud each of them is.
    pub fn measure(&mut self) -> Result {
        for member in &mut self.0 {
            member.gain = gain_for(&*member.voice, member.voice.cache())?;
        }
        Ok(())
    }

    /// The member of this name, else the first.
    fn named(&self, name: Option<&str>) -> &Member {
        name.and_then(|name| self.0.iter().find(|member| member.name == name)).unwrap_or(&self.0[0])
    }

    fn of(&self, clause: &Clause) -> &Member {
        self.named(clause.voice.as_deref())
    }

    /// The factor for the sound of a clause.
    pub fn gain(&self, clause: &Clause) -> f32 {
        self.of(clause).gain
    }

    /// The clause was spoken before and is kept.
    pub fn remembers(&self, clause: &Clause) -> bool {
        self.of(clause).voice.remembers(clause)
    }

    /// The language of a voice of the cast.
    pub fn language_of(&self, name: Option<&str>) -> &str {
        self.named(name).voice.language()
    }

    /// The clauses of one voice after those of another: models are read once.
    pub fn in_turn<'a>(&self, mut clauses: Vec<&'a Clause>) -> Vec<&'a Clause> {
        clauses.sort_by_key(|clause| self.0.iter().position(|member| std::ptr::eq(member, self.of(clause))));
        clauses
    }
}

impl Voice for Cast {
    fn id(&self) -> &str {
        self.0[0].voice.id()
    }

    fn language(&self) -> &str {
        self.0[0].voice.language()
    }

    fn sample_rate(&self) -> u32 {
        self.0[0].voice.sample_rate()
    }

    fn fingerprint(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        self.0.iter().for_each(|member| {
            hasher.update(member.voice.fingerprint().as_bytes());
        });
        hasher.finalize()
    }

    fn synthesize(&self, clause: &Clause) -> std::result::Result<Synthesis, VoiceError> {
        self.of(clause).voice.synthesize(clause)
    }

    fn rest(&self) {
        self.0.iter().for_each(|member| member.voice.rest());
    }
}

/// Gives the parts of a lesson to its voices.
pub(super) struct Casting<'a> {
    pub lesson: &'a Lesson,
    /// Voices by the names that slides and marks give them, before those of the lesson.
    pub voices: &'a BTreeMap<String, String>,
    /// How words are said.
    pub words: &'a Pronunciations,
    pub settings: Settings,
}

impl Casting<'_> {
    /// The voice that a name means: that of the graph, else that of the lesson, else the one that is called so.
    fn voice(&self, name: &str) -> String {
        match (self.voices.get(name), self.lesson.voices.get(name)) {
            (Some(voice), _) => voice.clone(),
            (None, Some(Speaker::Named(voice))) => voice.clone(),
            (None, Some(Speaker::File { path, .. })) => path.display().to_string(),
            (None, None) => name.to_owned(),
        }
    }

    /// What is said at a slide, each clause with the voice that speaks it; voices that are new join the cast.
    ///
    /// # Errors
    /// A voice is named that does not exist or is not on this machine; the text says at which slide.
    pub fn script(&self, index: usize, text: &str, cast: &mut Cast, start: &Start<'_>) -> Result<Script> {
        let slide = &self.lesson.slides[index];
        // One that nobody has could be a name that the lesson forgot.
        let at_slide = |name: &str, error: Failure| match must_be_voice(name) {
            Err(VoiceError::Model(ModelError::NoVoice { .. })) => {
                Failure::msg(format!("slide {}: {error}. Or write who {name} is under voices: in the lesson", slide.number))
            }
            _ => Failure::msg(format!("slide {}: {error}", slide.number)),
        };
        let own = slide.voice.as_deref().map(|name| self.voice(name));
        if let Some(name) = &own {
            cast.add(name, self.settings, start).map_err(|error| at_slide(name, error))?;
        }
        // A slide with a voice of another language is read by the rules of that.
        let spoken = cast.language_of(own.as_deref());
        let language = if own.is_none() || same_language(spoken, &self.lesson.language) { &self.lesson.language } else { spoken };
        let mut script = narrate_by(self.words, text, language, Options::default());
        for clause in &mut script.clauses {
            if let Some(name) = clause.voice.take().map(|name| self.voice(&name)).or_else(|| own.clone()) {
                cast.add(&name, self.settings, start).map_err(|error| at_slide(&name, error))?;
                clause.voice = Some(name.into());
            }
        }
        Ok(script)
    }
}

/// The primary parts of two BCP 47 tags are the same.
pub(super) fn same_language(a: &str, b: &str) -> bool {
    primary(a) == primary(b)
}
