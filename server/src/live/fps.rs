//! How many packets a second each node of a session handles: mean, extremes and deviation of the last 100 seconds, one sample a second.
//!
//! Nodes that carry pictures are rated: good from 20 a second, warn from 10, else poor. Before `playout` only what changes is sent on: a
//! slide that stands still is not rated, and a presenter that idles moves less often than one that speaks.

use engine::run::{NodeReport, Report};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// So many samples count.
const SAMPLES: usize = 100;

/// See the module docs.
#[derive(Default)]
pub struct Fps {
    nodes: BTreeMap<String, Counter>,
}

#[derive(Default)]
struct Counter {
    count: u64,
    samples: VecDeque<f64>,
}

/// The figures of one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeFps {
    /// Its name in the graph.
    pub node: String,
    /// What the counter is called in the "Rapido" system, where it has one.
    pub name: Option<&'static str>,
    /// The last sample, packets a second.
    pub now: f64,
    /// The samples' mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// How many there are.
    pub samples: usize,
    /// Of a node that carries pictures.
    pub rating: Option<&'static str>,
}

impl Fps {
    /// Takes a sample, `seconds` after the last one.
    pub fn sample(&mut self, report: &Report, seconds: f64) {
        for node in &report.nodes {
            let count = handled(report, node);
            match self.nodes.get_mut(&node.node) {
                Some(counter) => {
                    if counter.samples.len() == SAMPLES {
                        counter.samples.pop_front();
                    }
                    counter.samples.push_back(count.saturating_sub(counter.count) as f64 / seconds.max(1e-3));
                    counter.count = count;
                }
                None => _ = self.nodes.insert(node.node.clone(), Counter { count, samples: VecDeque::new() }),
            }
        }
    }

    /// What the samples say, in the order of the report.
    pub fn figures(&self, report: &Report) -> Vec<NodeFps> {
        report.nodes.iter().filter_map(|node| Some(figures(node, &self.nodes.get(&node.node)?.samples))).collect()
    }
}

/// Packets out; of a sink those in, and only the pictures where it has some.
fn handled(report: &Report, node: &NodeReport) -> u64 {
    if !is_sink(node) {
        return node.packets_out;
    }
    let pictures = format!("{}.video", node.node);
    let edge = report.edges.iter().find(|edge| edge.to.starts_with(&pictures));
    let producer = edge.and_then(|edge| report.nodes.iter().find(|node| edge.from.split('.').next() == Some(node.node.as_str())));
    match (edge, producer) {
        (Some(edge), Some(producer)) => producer.packets_out.saturating_sub(edge.dropped + edge.depth),
        _ => node.packets_in,
    }
}

fn is_sink(node: &NodeReport) -> bool {
    node.node_type.ends_with("_sink")
}

fn figures(node: &NodeReport, samples: &VecDeque<f64>) -> NodeFps {
    let count = samples.len().max(1) as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let deviation = (samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / count).sqrt();
    let name = match node.node_type {
        "slide_source" => Some("slide_frames"),
        "tts_chunker" => Some("synctalk_input"),
        "lip_sync" => Some("synctalk_output"),
        "chroma_compositor" => Some("composer"),
        "livekit_sink" => Some("livekit_output"),
        _ => None,
    };
    let rated = match node.node_type {
        "lip_sync" | "chroma_compositor" | "video_encoder" | "livekit_sink" | "web_sink" | "rtmp_sink" | "hls_sink" => true,
        "slide_source" => mean >= 1.0,
        _ => false,
    };
    let rating = match mean.round() {
        _ if !rated || samples.is_empty() => None,
        mean if mean >= 20.0 => Some("good"),
        mean if mean >= 10.0 => Some("warn"),
        _ => Some("poor"),
    };
    let round = |value: f64| (value * 100.0).round() / 100.0;
    let smallest = samples.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let largest = samples.iter().copied().reduce(f64::max).unwrap_or(0.0);
    NodeFps {
        node: node.node.clone(),
        name,
        now: round(samples.back().copied().unwrap_or(0.0)),
        mean: round(mean),
        min: round(smallest),
        max: round(largest),
        deviation: round(deviation),
        samples: samples.len(),
        rating,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::run::EdgeReport;

    fn report(counts: &[(&str, &'static str, u64)], dropped: u64) -> Report {
        let node = |(name, node_type, count): &(&str, &'static str, u64)| NodeReport {
            node: name.to_string(),
            node_type,
            packets_in: count * 3,
            packets_out: *count,
            ..NodeReport::default()
        };
        let edge = EdgeReport { from: "h264.encoded".into(), to: "room.video".into(), dropped, ..EdgeReport::default() };
        Report { nodes: counts.iter().map(node).collect(), edges: vec![edge], ..Report::default() }
    }

    #[test]
    fn samples_become_figures_and_ratings() {
        let at = |seconds: u64| {
            let nodes = [("h264", "video_encoder", 30 * seconds), ("room", "livekit_sink", 0), ("avatar", "lip_sync", 14 * seconds)];
            report(&nodes, 25 * seconds)
        };
        let mut fps = Fps::default();
        (0..=4).for_each(|second| fps.sample(&at(second), 1.0));
        let figures = fps.figures(&at(4));
        let of: Vec<_> = figures.iter().map(|node| (node.mean, node.samples, node.rating, node.name)).collect();
        let due = [
            (30.0, 4, Some("good"), None),
            // What its edge dropped did not come in, and sound is not counted.
            (5.0, 4, Some("poor"), Some("livekit_output")),
            (14.0, 4, Some("warn"), Some("synctalk_output")),
        ];
        assert_eq!(of, due);
    }

    #[test]
    fn the_last_hundred_samples_count() {
        let mut fps = Fps::default();
        let mut count = 0;
        let mut at = |more: u64| {
            count += more;
            report(&[("h264", "video_encoder", count)], 0)
        };
        fps.sample(&at(0), 1.0);
        (0..50).for_each(|_| fps.sample(&at(1000), 1.0));
        (0..SAMPLES).for_each(|index| fps.sample(&at(if index % 2 == 0 { 40 } else { 44 }), 2.0));
        let figures = &fps.figures(&at(0))[0];
        assert_eq!((figures.mean, figures.min, figures.max, figures.deviation, figures.samples), (21.0, 20.0, 22.0, 1.0, SAMPLES));
        assert_eq!((figures.now, figures.rating), (22.0, Some("good")));
    }

    #[test]
    fn a_slide_that_stands_still_and_sound_are_not_rated() {
        let at = |count| report(&[("slides", "slide_source", count), ("speech", "tts_chunker", count)], 0);
        let mut fps = Fps::default();
        assert!(fps.figures(&at(0)).is_empty());
        (0..3).for_each(|_| fps.sample(&at(1), 1.0));
        assert!(fps.figures(&at(1)).iter().all(|node| node.rating.is_none() && node.mean == 0.0));
    }
}
