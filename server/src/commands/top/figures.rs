//! What `/metrics` says, as a table.

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// So many values are kept for each line's course.
const COURSE: usize = 60;

/// One node of one session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFigures {
    /// As in the graph.
    pub node: String,
    /// Its type.
    pub node_type: String,
    /// Packets so far: what came out, of a sink what went in.
    pub packets: f64,
    /// Packets a second since the start.
    pub fps: f64,
    /// Part of the time that it works.
    pub busy: f64,
    /// 99 % of its calls take at most so many seconds.
    pub p99: f64,
    /// Packets that wait before it.
    pub depth: f64,
    /// Packets dropped before it.
    pub dropped: f64,
}

/// One session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomFigures {
    /// By name.
    pub nodes: BTreeMap<String, NodeFigures>,
    /// Viewers by WebRTC, by fragmented MP4.
    pub viewers: (f64, f64),
    /// Times that sound was not there in time.
    pub underruns: f64,
    /// Largest distance between sound and picture, in seconds.
    pub skew: f64,
    /// Programme time so far, in seconds.
    pub media: f64,
}

/// All sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// By room.
    pub rooms: BTreeMap<String, RoomFigures>,
}

impl Figures {
    /// Reads the text format of Prometheus, as this server writes it.
    pub fn read(text: &str) -> Figures {
        let mut figures = Figures::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, labels, value)) = parse(line) else { continue };
            let label = |name: &str| labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
            if label("room").is_empty() {
                continue;
            }
            let room = figures.rooms.entry(label("room").to_string()).or_default();
            match name {
                "lectern_viewers" if label("by") == "whep" => room.viewers.0 = value,
                "lectern_viewers" => room.viewers.1 = value,
                "lectern_playout_underruns_total" => room.underruns = value,
                "lectern_av_skew_seconds" => room.skew = value,
                "lectern_media_seconds" => room.media = value,
                "lectern_edge_depth_packets" => room.of_edge(label("edge")).depth += value,
                "lectern_edge_dropped_total" => room.of_edge(label("edge")).dropped += value,
                _ => {
                    let node = label("node");
                    if node.is_empty() {
                        continue;
                    }
                    let kind = label("type").to_string();
                    let node = room.nodes.entry(node.to_string()).or_default();
                    (node.node, node.node_type) = (label("node").to_string(), kind);
                    match (name, label("per"), label("quantile"), label("port")) {
                        ("lectern_node_fps", "wall", ..) => node.fps = value,
                        ("lectern_node_busy_ratio", ..) => node.busy = value,
                        // Not a number before its first call.
                        ("lectern_node_process_seconds", _, "0.99", _) if !value.is_nan() => node.p99 = value,
                        ("lectern_node_packets_total", ..) => node.packets = node.packets.max(value),
                        _ => {}
                    }
                }
            }
        }
        figures
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let node = |node: &NodeFigures| {
            json!({ "node": node.node, "type": node.node_type, "fps": node.fps, "busy": node.busy, "p99_seconds": node.p99,
                "depth": node.depth, "dropped": node.dropped })
        };
        let room = |(name, room): (&String, &RoomFigures)| {
            json!({ "room": name, "viewers": { "whep": room.viewers.0, "mse": room.viewers.1 }, "underruns": room.underruns,
                "skew_seconds": room.skew, "media_seconds": room.media, "nodes": room.nodes.values().map(node).collect::<Vec<_>>() })
        };
        json!({ "rooms": self.rooms.iter().map(room).collect::<Vec<_>>() })
    }

    /// As lines of text.
    pub fn table(&self) -> String {
        if self.rooms.is_empty() {
            return "nothing is given now\n".into();
        }
        let mut text = String::new();
        for (name, room) in &self.rooms {
            text += &format!("{name}  {}\n", room.headline());
            text +=
                &format!("  {:<12} {:<18} {:>8} {:>6} {:>9} {:>6} {:>7}\n", "node", "type", "packets/s", "busy", "p99", "waits", "dropped");
            for node in room.nodes.values() {
                let [busy, p99] = [percent(node.busy), millis(node.p99)];
                let (name, kind, fps) = (&node.node, &node.node_type, node.fps);
                text += &format!("  {name:<12} {kind:<18} {fps:>8.1} {busy:>6} {p99:>9} {:>6.0} {:>7.0}\n", node.depth, node.dropped);
            }
        }
        text
    }
}

impl RoomFigures {
    /// One line on the whole session.
    pub fn headline(&self) -> String {
        let (whep, mse) = self.viewers;
        format!("{:.0} s  {whep:.0} by WebRTC, {mse:.0} by MP4  underruns {:.0}  skew {}", self.media, self.underruns, millis(self.skew))
    }

    /// The node that an edge leads to: `speech.audio -> level.audio`.
    fn of_edge(&mut self, edge: &str) -> &mut NodeFigures {
        let to = edge.split(" -> ").nth(1).and_then(|to| to.split('.').next()).unwrap_or_default().to_string();
        self.nodes.entry(to).or_default()
    }
}

/// The course of pictures a second, by room and node.
#[derive(Default)]
pub struct History {
    /// The newest.
    pub last: Figures,
    courses: BTreeMap<(String, String), VecDeque<u64>>,
}

impl History {
    /// Takes in the figures of another second.
    pub fn add(&mut self, figures: Figures) {
        for (name, room) in &figures.rooms {
            for (node, now) in &room.nodes {
                let before = self.last.rooms.get(name).and_then(|room| room.nodes.get(node));
                let rate = before.map_or(now.fps, |before| (now.packets - before.packets).max(0.0));
                let course = self.courses.entry((name.clone(), node.clone())).or_default();
                if course.len() == COURSE {
                    course.pop_front();
                }
                course.push_back(rate.round() as u64);
            }
        }
        self.last = figures;
    }

    /// The last minute of a node.
    pub fn course(&self, room: &str, node: &str) -> Vec<u64> {
        self.courses.get(&(room.to_string(), node.to_string())).map(|course| course.iter().copied().collect()).unwrap_or_default()
    }
}

/// 0.123 as `12 %`.
pub fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}

/// Seconds as `1.25 ms`.
pub fn millis(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1000.0)
}

/// A name, its labels and its value.
type Sample<'a> = (&'a str, Vec<(String, String)>, f64);

/// A line of the text format: `name{label="value",…} number`.
fn parse(line: &str) -> Option<Sample<'_>> {
    let (head, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = head.split_once('{') else { return Some((head, Vec::new(), value)) };
    let labels = labels.strip_suffix('}')?;
    let label = |part: &str| {
        let (key, value) = part.split_once("=\"")?;
        Some((key.trim_start_matches(',').to_string(), value.trim_end_matches('"').to_string()))
    };
    let labels = labels.split_inclusive("\",").map(|part| part.trim_end_matches(',')).filter_map(label).collect();
    Some((name, labels, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE lectern_node_fps gauge\n\
        lectern_node_fps{room=\"demo\",node=\"h264\",type=\"video_encoder\",per=\"wall\"} 25\n\
        lectern_node_packets_total{room=\"demo\",node=\"h264\",type=\"video_encoder\",port=\"out\"} 250\n\
        lectern_edge_depth_packets{room=\"demo\",edge=\"playout.video -> h264.video\"} 2\n\
        lectern_viewers{room=\"demo\",by=\"whep\"} 3\n\
        lectern_node_fps{node=\"other\",type=\"x\",per=\"wall\"} 1\n";

    #[test]
    fn the_servers_figures_are_read_by_room_and_node() {
        let figures = Figures::read(TEXT);
        let room = &figures.rooms["demo"];
        let node = &room.nodes["h264"];
        assert_eq!((figures.rooms.len(), room.viewers, node.fps, node.depth), (1, (3.0, 0.0), 25.0, 2.0));
        assert!(figures.table().contains("h264") && figures.table().contains("25.0"));
        assert_eq!(figures.json()["rooms"][0]["viewers"]["whep"], 3.0);
    }

    #[test]
    fn a_course_is_what_came_each_second() {
        let mut history = History::default();
        history.add(Figures::read(TEXT));
        history.add(Figures::read(&TEXT.replace("} 250", "} 280")));
        assert_eq!(history.course("demo", "h264"), [25, 30]);
    }
}
