//! What is to be given live, as a graph's profiles and variables.

use crate::graphs::{GraphFile, GraphOptions};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where a lecture goes, beside the browsers of its room.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// HLS into this folder.
    pub hls: Option<PathBuf>,
    /// A recording.
    pub record: Option<PathBuf>,
    /// An RTMP server's address, stream key included.
    pub rtmp: Option<String>,
    /// A LiveKit server's address.
    pub livekit: Option<String>,
}

impl Outputs {
    /// Somebody is served who does not come in by the room: the lecture begins at once.
    pub fn any(&self) -> bool {
        self.hls.is_some() || self.record.is_some() || self.rtmp.is_some() || self.livekit.is_some()
    }
}

/// A deck and how it is given.
#[derive(Clone, Debug, Default)]
pub struct Lecture {
    /// The deck.
    pub deck: PathBuf,
    /// The name that viewers join.
    pub room: String,
    /// What it is called, where that is known: a LiveKit room is told.
    pub title: String,
    /// Where it goes.
    pub outputs: Outputs,
    /// It waits for `start`, or the first viewer.
    pub waits: bool,
    /// It begins again after its last slide.
    pub repeat: bool,
    /// Captions are in its pictures.
    pub burned_captions: bool,
    /// A second, smaller picture size for slow viewers.
    pub small: Option<String>,
    /// The address that viewers by WebRTC are told, where it is one only.
    pub address: Option<String>,
    /// Variables of the graph, the weightiest last.
    pub set: Vec<(String, String)>,
}

impl Lecture {
    /// The profiles that are asked for, and the variables: those that the graph has. What was set by hand must be there.
    pub fn options(&self, file: &GraphFile) -> GraphOptions {
        let Outputs { hls, record, rtmp, livekit } = &self.outputs;
        let is_set = |name: &str| self.set.iter().any(|(known, _)| known == name);
        let asked = [
            ("web", true),
            ("wait", self.waits),
            ("loop", self.repeat),
            ("hls", hls.is_some()),
            ("record", record.is_some()),
            ("rtmp", rtmp.is_some()),
            ("livekit", livekit.is_some()),
            ("address", self.address.is_some()),
            ("small", self.small.is_some()),
            ("watermark", is_set("watermark")),
            ("captions", self.burned_captions),
            ("captions_and_watermark", self.burned_captions && is_set("watermark")),
            ("no_page_captions", self.burned_captions),
            ("no_recorded_captions", self.burned_captions && record.is_some()),
            ("music", is_set("music")),
        ];
        let profile = std::iter::once("live").chain(asked.into_iter().filter_map(|(name, asked)| asked.then_some(name)));
        let path = |path: &Path| path.display().to_string();
        let known = json!({ "lecture": self.room, "title": self.title });
        let own = [
            ("lesson", Some(path(&self.deck))),
            ("room", Some(self.room.clone())),
            ("hls", hls.as_deref().map(path)),
            ("out", record.as_deref().map(path)),
            ("rtmp", rtmp.clone()),
            ("livekit", livekit.clone()),
            ("livekit_metadata", Some(known.to_string()).filter(|_| livekit.is_some() && !self.title.is_empty())),
            ("address", self.address.clone()),
            ("small", self.small.clone()),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
        let own = own.filter(|(name, _)| file.declares(name));
        GraphOptions {
            profile: profile.filter(|name| file.has_profile(name)).map(String::from).collect(),
            set: own.chain(self.set.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::graph::check::Depth;

    #[test]
    fn burned_captions_are_in_the_pictures_and_nowhere_else() {
        let file = GraphFile::new(None);
        let outputs = Outputs { record: Some("r.mp4".into()), ..Outputs::default() };
        let set = vec![("watermark".into(), "Example".into())];
        let lecture = Lecture { deck: "d.pptx".into(), room: "d".into(), outputs, burned_captions: true, set, ..Lecture::default() };
        let (document, _) = file.plan(&lecture.options(&file), Depth::Pure).unwrap();
        let inputs = format!("{:?}", document.node("scene").unwrap().inputs);
        assert!(inputs.contains("captions") && inputs.contains("watermark"), "{inputs}");
        for silent in ["web", "recording"] {
            let config = format!("{:?}", document.node(silent).unwrap().config);
            assert!(config.contains("captions"), "{silent}: {config}");
        }
        for beside in ["overlays", "watermark"] {
            let config = format!("{:?}", document.node(beside).unwrap().config);
            assert!(config.contains("captions"), "{beside} keeps clear of them: {config}");
        }
    }

    #[test]
    fn a_livekit_room_is_told_what_is_given_unless_something_else_is_set() {
        let file = GraphFile::new(None);
        let outputs = Outputs { livekit: Some("wss://x".into()), ..Outputs::default() };
        let lecture = |set: &[(&str, &str)]| {
            let set = set.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            // A title that means something in a graph file, or in JSON, is told as it is.
            let title = "${env:HOME}: \"a\" # b".to_string();
            Lecture { deck: "d.pptx".into(), room: "d-1".into(), title, outputs: outputs.clone(), set, ..Lecture::default() }
        };
        let metadata = |lecture: &Lecture| {
            let set = lecture.options(&file).set;
            set.into_iter().rfind(|(name, _)| name == "livekit_metadata").expect("it is set").1
        };
        let told: serde_json::Value = serde_json::from_str(&metadata(&lecture(&[]))).unwrap();
        assert_eq!(told, json!({ "lecture": "d-1", "title": "${env:HOME}: \"a\" # b" }));
        assert_eq!(metadata(&lecture(&[("livekit_metadata", "mine")])), "mine");
        assert!(file.declares("livekit_metadata"));
    }

    #[test]
    fn every_output_has_its_profile_and_variable() {
        let outputs = Outputs { hls: Some("h".into()), record: None, rtmp: Some("rtmp://x/y".into()), livekit: None };
        let lecture = Lecture { deck: "d.pptx".into(), room: "d".into(), outputs, waits: false, ..Lecture::default() };
        let options = lecture.options(&GraphFile::new(None));
        assert_eq!(options.profile, ["live", "web", "hls", "rtmp"]);
        assert!(options.set.contains(&("rtmp".into(), "rtmp://x/y".into())) && !options.set.iter().any(|(name, _)| name == "out"));
    }
}
