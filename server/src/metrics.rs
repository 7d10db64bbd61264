//! The figures of a run as Prometheus text: what `/metrics` answers, and what `--metrics` keeps in a file for a node exporter.
//!
//! The frame path knows nothing of this: counters are read once a second from where lanes keep them.

mod families;

use crate::compat::Figures;
use engine::run::Report;
use families::Families;
use metrics::{Label, counter, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use plugins::part_file;
use plugins_webrtc::room::Viewers;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the file is written anew.
const EVERY: Duration = Duration::from_secs(1);

/// Turns reports into text.
pub struct Metrics {
    recorder: PrometheusRecorder,
    text: PrometheusHandle,
    families: Mutex<Families>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let text = recorder.handle();
        Metrics { recorder, text, families: Mutex::default() }
    }
}

impl Metrics {
    /// The figures of `report` in the text format of Prometheus.
    ///
    /// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.
    pub fn text(&self, report: &Report) -> String {
        with_local_recorder(&self.recorder, || record(report, None));
        self.record_families(report, None);
        self.render()
    }

    /// The same for several rooms, each figure with its room, and their viewers. `joins` are the last seconds from token to first picture.
    pub fn of_rooms(&self, rooms: &[(String, Report, Viewers)], joins: &[f64]) -> String {
        with_local_recorder(&self.recorder, || {
            for (room, report, viewers) in rooms {
                record(report, Some(room));
                self.record_families(report, Some(room));
                record_viewers(room, viewers);
            }
            if !joins.is_empty() {
                record_seconds("lectern_viewer_join_seconds", joins);
            }
        });
        self.render()
    }

    /// Takes in how a server's jobs do.
    pub fn add_jobs(&self, figures: &Figures) {
        let Figures { seconds, success_rate, gpu_percent, storage_bytes, free_bytes, active, states, is_ready } = figures;
        with_local_recorder(&self.recorder, || {
            record_seconds("pipeline_execution_time_seconds", seconds);
            gauge!("pipeline_success_rate").set(*success_rate);
            gauge!("gpu_utilization_percent").set(*gpu_percent);
            if let Some(bytes) = storage_bytes {
                gauge!("storage_used_bytes").set(*bytes as f64);
            }
            gauge!("active_pipelines_count").set(*active as f64);
            gauge!("storage_free_bytes").set(*free_bytes as f64);
            gauge!("lectern_ready").set(if *is_ready { 1.0 } else { 0.0 });
            for (state, count) in states {
                gauge!("lectern_jobs", "state" => *state).set(*count as f64);
            }
        });
    }

    /// What has been taken in so far, as text.
    pub fn render(&self) -> String {
        self.text.render() + &self.families.lock().expect("nobody panics with this lock").render()
    }

    /// What is in seconds and only ever grows, and how long things took.
    fn record_families(&self, report: &Report, room: Option<&str>) {
        let mut families = self.families.lock().expect("nobody panics with this lock");
        for node in &report.nodes {
            let took = node.process_seconds;
            let labels = with_room(room, vec![Label::new("node", node.node.clone()), Label::new("type", node.node_type)]);
            let quantiles = [("0.5", took.p50), ("0.99", took.p99), ("1", took.max)];
            families.summary("lectern_node_process_seconds", &labels, &quantiles, took.sum, took.count);
        }
        for edge in &report.edges {
            let labels = with_room(room, vec![Label::new("edge", format!("{} -> {}", edge.from, edge.to))]);
            families.counter("lectern_edge_blocked_seconds_total", &labels, edge.blocked_seconds);
        }
        if let Some(playout) = &report.playout {
            let labels = with_room(room, Vec::new());
            let quantiles = [("0.99", playout.late_seconds_p99)];
            families.summary("lectern_playout_late_seconds", &labels, &quantiles, playout.late_seconds_sum, playout.late);
            families.counter("lectern_playout_silence_seconds_total", &labels, playout.silence_seconds);
        }
    }
}

fn with_room(room: Option<&str>, labels: Vec<Label>) -> Vec<Label> {
    room.map(|room| Label::new("room", room.to_string())).into_iter().chain(labels).collect()
}

/// Middle and high values of some lengths of time; not a number where there are none.
fn record_seconds(name: &'static str, seconds: &[f64]) {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    for (label, quantile) in [("0.5", 0.5), ("0.95", 0.95)] {
        let value = sorted.len().checked_sub(1).map_or(f64::NAN, |last| sorted[(last as f64 * quantile).round() as usize]);
        gauge!(name, "quantile" => label).set(value);
    }
}

fn record(report: &Report, room: Option<&str>) {
    let all = |labels| with_room(room, labels);
    let own = || all(Vec::new());
    for node in &report.nodes {
        let labels = || all(vec![Label::new("node", node.node.clone()), Label::new("type", node.node_type)]);
        let with = |name: &'static str, value: &'static str| labels().into_iter().chain([Label::new(name, value)]).collect::<Vec<_>>();
        counter!("lectern_node_packets_total", with("port", "in")).absolute(node.packets_in);
        counter!("lectern_node_packets_total", with("port", "out")).absolute(node.packets_out);
        gauge!("lectern_node_fps", with("per", "wall")).set(node.fps_wall);
        gauge!("lectern_node_fps", with("per", "media")).set(node.fps_media);
        gauge!("lectern_node_busy_ratio", labels()).set(node.busy_ratio);
        counter!("lectern_node_errors_total", labels()).absolute(node.errors);
    }
    for edge in &report.edges {
        let label = || all(vec![Label::new("edge", format!("{} -> {}", edge.from, edge.to))]);
        gauge!("lectern_edge_depth_packets", label()).set(edge.depth as f64);
        gauge!("lectern_edge_depth_seconds", label()).set(edge.depth_seconds);
        counter!("lectern_edge_dropped_total", label().into_iter().chain([Label::new("reason", "full")]).collect::<Vec<_>>())
            .absolute(edge.dropped);
    }
    if let Some(playout) = &report.playout {
        counter!("lectern_playout_held_total", own()).absolute(playout.held);
        counter!("lectern_playout_late_total", own()).absolute(playout.late);
        counter!("lectern_playout_underruns_total", own()).absolute(playout.underruns);
        counter!("lectern_playout_refills_total", own()).absolute(playout.refills);
        counter!("lectern_playout_skipped_total", own()).absolute(playout.skipped);
    }
    gauge!("lectern_av_skew_seconds", own()).set(report.av_skew_seconds);
    gauge!("lectern_media_seconds", own()).set(report.media_seconds);
    gauge!("lectern_wall_seconds", own()).set(report.wall_seconds);
    counter!("lectern_frame_copies_total", own()).absolute(report.frame_copies);
    counter!("lectern_warnings_total", own()).absolute(report.warnings.len() as u64);
}

fn record_viewers(room: &str, viewers: &Viewers) {
    let of = |by: Option<&'static str>| {
        [Some(Label::new("room", room.to_string())), by.map(|by| Label::new("by", by))].into_iter().flatten().collect::<Vec<_>>()
    };
    gauge!("lectern_viewers", of(Some("whep"))).set(viewers.whep as f64);
    gauge!("lectern_viewers", of(Some("mse"))).set(viewers.mse as f64);
    counter!("lectern_viewers_joined_total", of(None)).absolute(viewers.joined);
    counter!("lectern_viewers_skipped_total", of(None)).absolute(viewers.skipped);
    counter!("lectern_viewers_lowered_total", of(None)).absolute(viewers.lowered);
    counter!("lectern_viewers_dropped_total", of(None)).absolute(viewers.dropped);
}

/// Keeps a file with the figures of a run until it is dropped.
pub struct MetricsFile {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MetricsFile {
    /// Writes `path` once a second, whole or not at all, and a last time at the end.
    pub fn keep(path: &Path, report: impl Fn() -> Report + Send + 'static) -> MetricsFile {
        let (stop, stopped) = channel::<()>();
        let path = path.to_path_buf();
        let work = move || {
            let metrics = Metrics::default();
            loop {
                let ends = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                if let Err(error) = part_file::write(&path, metrics.text(&report()).as_bytes()) {
                    tracing::warn!(%error, "cannot write the metrics {}", path.display());
                }
                if ends {
                    return;
                }
            }
        };
        // A run without its figures is better than none.
        let thread = std::thread::Builder::new().name("metrics".into()).spawn(work).ok();
        MetricsFile { stop: Some(stop), thread }
    }
}

impl Drop for MetricsFile {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::run::{EdgeReport, NodeReport, PlayoutReport, ProcessSeconds};

    #[test]
    fn a_report_becomes_text_with_names_units_and_labels() {
        let node = NodeReport {
            node: "speech".into(),
            node_type: "tts_chunker",
            packets_out: 7,
            fps_wall: 2.5,
            fps_media: 50.0,
            process_seconds: ProcessSeconds { p50: 0.001, p99: 0.002, max: 0.004, sum: 0.75, count: 500 },
            errors: 1,
            ..NodeReport::default()
        };
        let edge = EdgeReport {
            from: "speech.audio".into(),
            to: "level.audio".into(),
            depth: 3,
            depth_seconds: 0.06,
            dropped: 2,
            blocked_seconds: 0.5,
            ..EdgeReport::default()
        };
        let playout =
            PlayoutReport { late: 2, late_seconds_p99: 0.08, late_seconds_sum: 0.12, silence_seconds: 0.04, ..Default::default() };
        let mut report =
            Report { nodes: vec![node], edges: vec![edge], playout: Some(playout), av_skew_seconds: 0.02, ..Report::default() };
        let metrics = Metrics::default();
        let text = metrics.text(&report);
        for line in [
            "lectern_node_packets_total{node=\"speech\",type=\"tts_chunker\",port=\"out\"} 7",
            "lectern_node_fps{node=\"speech\",type=\"tts_chunker\",per=\"media\"} 50",
            "lectern_node_errors_total{node=\"speech\",type=\"tts_chunker\"} 1",
            "# TYPE lectern_node_process_seconds summary",
            "lectern_node_process_seconds{node=\"speech\",type=\"tts_chunker\",quantile=\"0.99\"} 0.002",
            "lectern_node_process_seconds_sum{node=\"speech\",type=\"tts_chunker\"} 0.75",
            "lectern_node_process_seconds_count{node=\"speech\",type=\"tts_chunker\"} 500",
            "lectern_edge_depth_packets{edge=\"speech.audio -> level.audio\"} 3",
            "lectern_edge_depth_seconds{edge=\"speech.audio -> level.audio\"} 0.06",
            "# TYPE lectern_edge_blocked_seconds_total counter",
            "lectern_edge_blocked_seconds_total{edge=\"speech.audio -> level.audio\"} 0.5",
            "# TYPE lectern_playout_late_seconds summary",
            "lectern_playout_late_seconds{quantile=\"0.99\"} 0.08",
            "lectern_playout_late_seconds_sum 0.12",
            "lectern_playout_late_seconds_count 2",
            "# TYPE lectern_playout_silence_seconds_total counter",
            "lectern_playout_silence_seconds_total 0.04",
            "lectern_edge_dropped_total{edge=\"speech.audio -> level.audio\",reason=\"full\"} 2",
            "lectern_av_skew_seconds 0.02",
            "# TYPE lectern_node_packets_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        report.nodes[0].packets_out = 9;
        assert!(metrics.text(&report).contains("port=\"out\"} 9"));
        let rooms = [("one".to_string(), report, Viewers::default())];
        let text = Metrics::default().of_rooms(&rooms, &[]);
        assert!(text.lines().any(|line| line == "lectern_playout_silence_seconds_total{room=\"one\"} 0.04"), "{text}");
    }
}
