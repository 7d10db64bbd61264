//! What a run has to say about itself, as written by `--report`.

use super::env::Warning;
use super::pacer::PlayoutReport;
use serde::Serialize;

/// Figures of a finished run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// From the first call to the end of the last lane.
    pub wall_seconds: f64,
    /// Length of the programme.
    pub media_seconds: f64,
    /// Processor time of the process, user and system. Filled in by the program.
    pub cpu_seconds: f64,
    /// Largest resident memory of the process. Filled in by the program.
    pub peak_rss_bytes: u64,
    /// Every node, producers before consumers.
    pub nodes: Vec<NodeReport>,
    /// Every edge between lanes.
    pub edges: Vec<EdgeReport>,
    /// Of a render in segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<SegmentsReport>,
    /// What a live programme had to make up for; nothing offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playout: Option<PlayoutReport>,
    /// Largest distance between a picture and the sound that left `playout` with it, by the times that both were made for. A picture that
    /// is held because the next one is not there counts in `playout.held` instead.
    pub av_skew_seconds: f64,
    /// Whole pictures that were copied only to be handed on.
    pub frame_copies: u64,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// How many segments of pictures a render is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SegmentsReport {
    /// All of them.
    pub total: usize,
    /// Made by this render.
    pub encoded: usize,
    /// Made before.
    pub reused: usize,
}

impl Report {
    /// Adds the figures of another run of the same render; rates are those of both together, over the longer wall time and programme.
    pub(crate) fn absorb(&mut self, other: Report) {
        let (wall, media) = (self.wall_seconds.max(other.wall_seconds), self.media_seconds.max(other.media_seconds));
        self.rescale(wall, media);
        let mut other = other;
        other.rescale(wall, media);
        for node in other.nodes {
            match self.nodes.iter_mut().find(|known| known.node == node.node && known.node_type == node.node_type) {
                Some(known) => known.absorb(&node),
                None => self.nodes.push(node),
            }
        }
        for edge in other.edges {
            match self.edges.iter_mut().find(|known| (&known.from, &known.to) == (&edge.from, &edge.to)) {
                Some(known) => {
                    known.depth += edge.depth;
                    known.depth_seconds += edge.depth_seconds;
                    known.max_depth = known.max_depth.max(edge.max_depth);
                    known.dropped += edge.dropped;
                    known.blocked_seconds += edge.blocked_seconds;
                }
                None => self.edges.push(edge),
            }
        }
        for warning in other.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        self.av_skew_seconds = self.av_skew_seconds.max(other.av_skew_seconds);
        self.frame_copies = self.frame_copies.max(other.frame_copies);
    }

    /// Gives rates over other lengths of time.
    pub(crate) fn rescale(&mut self, wall: f64, media: f64) {
        let part = |before: f64, now: f64| if now > 0.0 { before / now } else { 0.0 };
        let (wall_part, media_part) = (part(self.wall_seconds, wall), part(self.media_seconds, media));
        for node in &mut self.nodes {
            node.fps_wall *= wall_part;
            node.fps_media *= media_part;
            node.busy_ratio *= wall_part;
        }
        (self.wall_seconds, self.media_seconds) = (wall, media);
    }
}

impl NodeReport {
    fn absorb(&mut self, other: &NodeReport) {
        if self.state.is_empty() || self.state == "has ended" {
            self.state.clone_from(&other.state);
        }
        self.packets_in += other.packets_in;
        self.packets_out += other.packets_out;
        self.fps_wall += other.fps_wall;
        self.fps_media += other.fps_media;
        self.busy_ratio += other.busy_ratio;
        self.errors += other.errors;
        let (known, other) = (&mut self.process_seconds, other.process_seconds);
        *known = ProcessSeconds {
            p50: known.p50.max(other.p50),
            p99: known.p99.max(other.p99),
            max: known.max.max(other.max),
            sum: known.sum + other.sum,
            count: known.count + other.count,
        };
    }
}

/// Figures of one node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NodeReport {
    /// Its name in the graph.
    pub node: String,
    /// Its type.
    #[serde(rename = "type")]
    pub node_type: &'static str,
    /// What the thread is doing that it is the head of; empty for other nodes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Packets it was given.
    pub packets_in: u64,
    /// Packets it emitted.
    pub packets_out: u64,
    /// Packets (out, for sinks in) per second of wall time.
    pub fps_wall: f64,
    /// The same per second of programme.
    pub fps_media: f64,
    /// Part of the wall time spent inside the node.
    pub busy_ratio: f64,
    /// How long its calls took.
    pub process_seconds: ProcessSeconds,
    /// Times that it failed; more than 0 in a run that goes on only where it is a sink that was left out.
    pub errors: u64,
}

/// Lengths of calls, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ProcessSeconds {
    /// Half of the calls were not longer.
    pub p50: f64,
    /// 99 of 100 calls were not longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// All of them together.
    pub sum: f64,
    /// How many there were.
    pub count: u64,
}

/// Figures of one edge between lanes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EdgeReport {
    /// Producer, as `node.port`.
    pub from: String,
    /// Consumer, as `node.port`.
    pub to: String,
    /// Packets that wait now.
    pub depth: u64,
    /// How much of the programme that is, in seconds.
    pub depth_seconds: f64,
    /// The most packets that waited.
    pub max_depth: u64,
    /// Packets dropped by the edge's policy.
    pub dropped: u64,
    /// How long the producer waited for room.
    pub blocked_seconds: f64,
}
