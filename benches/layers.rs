//! What captions in the picture and a watermark cost, above the picture itself.

use crate::graph::run;
use crate::keying::sources;
use crate::measure::{OneCore, above, cpu};
use crate::rows::{Mark, Row};
use crate::scene::{FPS, FULL, Scene};
use engine::cue::{Cue, WordCue};
use engine::node::{Cx, Flow, Node, Out, Result};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;

const CUES: Out<Cue> = Out::new("cues");

/// Says a caption every four seconds, and its words.
pub const SAID: NodeType = NodeType {
    name: "said",
    family: "bench",
    revision: 1,
    summary: "Captions and words",
    inputs: &[],
    outputs: &[CUES.port("captions and words")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<SaidConfig>("{ captions: 3 }"),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaidConfig {
    captions: i64,
}

struct Said {
    left: i64,
    at: Time,
}

impl NodeConfig for SaidConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Said { left: self.captions, at: Time::ZERO }))
    }
}

impl Node for Said {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if self.left == 0 {
            return Ok(Flow::Done);
        }
        let text = "Here is a caption of two lines, as long\nas they are when somebody gives a lecture.";
        cx.emit(CUES, Packet::lasting(self.at, Span::from_millis(3800), Cue::Caption(text.into())));
        for (index, word) in text.split_whitespace().enumerate() {
            let at = self.at + Span::from_millis(240 * index as i64);
            let cue = WordCue { text: word.into(), range: None, stressed: false, emphasis: false, estimated: false };
            cx.emit(CUES, Packet::lasting(at, Span::from_millis(240), Cue::Word(cue.into())));
        }
        (self.left, self.at) = (self.left - 1, self.at + Span::from_seconds(4));
        cx.settle(CUES, self.at);
        Ok(Flow::More)
    }
}

/// A presenter who moves at every picture, over slides: with captions and a watermark, less without.
pub fn captions(folder: &Path) -> Vec<Row> {
    const ROUNDS: usize = 9;
    let _one = OneCore::take();
    let scene = Scene::write(folder, "captions", 12);
    let graph = |layers: &str, more: &str| {
        format!(
            "{}  said: {{ type: said, config: {{ captions: {} }} }}\n{more}\
            \x20 scene: {{ type: chroma_compositor, inputs: {{ slide: slides.video, avatar: presenter.video, cues: said.cues, layers: [{layers}] }}, config: {{ key: {{ color: \"#00b140\" }}, place: {{ height: 50% }} }} }}\n\
            \x20 end: {{ type: null_sink, inputs: {{ video: [scene.video] }} }}\n",
            sources(&scene),
            scene.seconds / 4,
        )
    };
    let mark = "  mark: { type: overlay, inputs: { cues: said.cues }, config: { watermark: Example University } }\n";
    let text = |config: &str| format!("{mark}  text: {{ type: captions, inputs: {{ cues: said.cues }}, config: {config} }}\n");
    let without = graph("", "");
    let kinds = [("a plate", text("{}")), ("an outline, each word lit", text("{ look: outline, highlight: \"#ffd84d\" }"))];
    let row = |(name, nodes): (&str, String)| {
        let with = graph("mark.layer, text.layer", &nodes);
        let milliseconds =
            above(ROUNDS, || cpu(|| run(FULL, &with)), || cpu(|| run(FULL, &without))) * 1e3 / f64::from(scene.seconds * FPS);
        Row::new("captions", format!("captions ({name}) and a watermark over a 1080p frame"), milliseconds, "ms").mark(Mark::AtMost(0.3))
    };
    kinds.map(row).into()
}
