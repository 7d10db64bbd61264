//! Subtitles of a film that has been made, in another language.

use super::{Broken, Step, words};
use serde_json::{Value, json};

impl Step<'_> {
    /// Translates them; the files lie beside the spoken ones.
    pub(super) async fn subtitles(&mut self, captions: &str, from: &str, to: &str) -> Result<Value, Broken> {
        self.say("translating the subtitles");
        let mut result = json!({ "language": to });
        self.child(&words(["subtitles", captions, "--from", from, "--to", to]), |event, _| {
            if event["event"] == "done" {
                result["captions"] = event["captions"].clone();
            }
        })
        .await?;
        Ok(result)
    }
}
