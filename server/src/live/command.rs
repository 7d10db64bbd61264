//! What a session can be told, by REST, WebSocket, LiveKit data and a file of lines.

use super::State;
use engine::run::ControlError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longer answers are not spoken.
pub const LONGEST_SAY: usize = 20_000;

/// One command, as JSON: `{"command": "goto", "slide": 3}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Begin the lecture.
    Start,
    /// Silence, while the slide stands and the presenter idles.
    Pause,
    /// End a pause: the interrupted sentence is begun again.
    Resume,
    /// Go to the next slide.
    Next,
    /// Go to the slide before.
    Previous,
    /// Go to a slide.
    Goto {
        /// Its number in the deck, from 1.
        slide: usize,
    },
    /// Say something that is not in the lesson.
    Say {
        /// What.
        text: String,
        /// At once, not at the next sentence border.
        #[serde(default)]
        interrupt: bool,
    },
    /// Show a page over the slide, in silence, until `resume_embed`, or another command that goes on with the lecture.
    Embed {
        /// Its address: http or https.
        url: String,
    },
    /// Go on after a page that was shown.
    ResumeEmbed,
    /// End the lecture in order.
    Stop,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It does not fit the state.
    #[error("the session is {0}; this command is for one that is {1}")]
    State(State, &'static str),
    /// Its content cannot be used.
    #[error("{0}")]
    Content(String),
    /// The session has no talk to command.
    #[error("nobody speaks in this graph; commands need a node of type tts_chunker")]
    NoTalk,
    /// The run did not take it.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl Command {
    /// What is wrong with its content, if anything.
    ///
    /// # Errors
    /// What, and what to write instead.
    pub fn check(&self) -> Result<(), CommandError> {
        let content = |text: String| Err(CommandError::Content(text));
        match self {
            Command::Say { text, .. } if text.trim().is_empty() => content("the text is empty; write what is to be said".into()),
            Command::Say { text, .. } if text.len() > LONGEST_SAY => {
                content(format!("the text is {} bytes long; at most {LONGEST_SAY} are said at once", text.len()))
            }
            Command::Goto { slide: 0 } => content("slides are counted from 1".into()),
            Command::Embed { url } if !url.starts_with("https://") && !url.starts_with("http://") => {
                content(format!("{url:?} is no address of a page; it begins with https:// or http://"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_they_are_documented() {
        let read = |text: &str| serde_json::from_str::<Command>(text);
        assert_eq!(read(r#"{"command":"goto","slide":3}"#).unwrap(), Command::Goto { slide: 3 });
        assert_eq!(
            read(r#"{"command":"say","text":"Hello","interrupt":true}"#).unwrap(),
            Command::Say { text: "Hello".into(), interrupt: true }
        );
        assert_eq!(read(r#"{"command":"resume_embed"}"#).unwrap(), Command::ResumeEmbed);
        assert!(read(r#"{"command":"dance"}"#).is_err());
        assert!(read(r#"{"command":"goto","page":3}"#).is_err());
        assert!(Command::Say { text: " ".into(), interrupt: false }.check().is_err());
        assert!(Command::Embed { url: "javascript:alert(1)".into() }.check().is_err());
    }
}
