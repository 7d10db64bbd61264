//! The figures of a run as Prometheus text: what `/metrics` answers, and what `--metrics` keeps in a file for a node exporter.
//!
//! The frame path knows nothing of this: counters are read once a second from where lanes keep them.

use engine::run::{Handle, Report};
use metrics::{Label, counter, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use plugins::part_file;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the file is written anew.
const EVERY: Duration = Duration::from_secs(1);

/// Turns reports into text.
pub struct Metrics {
    recorder: PrometheusRecorder,
    text: PrometheusHandle,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let text = recorder.handle();
        Metrics { recorder, text }
    }
}

impl Metrics {
    /// The figures of `report` in the text format of Prometheus.
    ///
    /// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.
    pub fn text(&self, report: &Report) -> String {
        with_local_recorder(&self.recorder, || record(report));
        self.text.render()
    }
}

fn record(report: &Report) {
    for node in &report.nodes {
        let labels = || vec![Label::new("node", node.node.clone()), Label::new("type", node.node_type)];
        let with = |name: &'static str, value: &'static str| labels().into_iter().chain([Label::new(name, value)]).collect::<Vec<_>>();
        counter!("lectern_node_packets_total", with("port", "in")).absolute(node.packets_in);
        counter!("lectern_node_packets_total", with("port", "out")).absolute(node.packets_out);
        gauge!("lectern_node_fps", with("per", "wall")).set(node.fps_wall);
        gauge!("lectern_node_fps", with("per", "media")).set(node.fps_media);
        gauge!("lectern_node_busy_ratio", labels()).set(node.busy_ratio);
        for (quantile, seconds) in [("0.5", node.process_seconds.p50), ("0.99", node.process_seconds.p99), ("1", node.process_seconds.max)]
        {
            gauge!("lectern_node_process_seconds", with("quantile", quantile)).set(seconds);
        }
    }
    for edge in &report.edges {
        let label = || vec![Label::new("edge", format!("{} -> {}", edge.from, edge.to))];
        gauge!("lectern_edge_depth_packets", label()).set(edge.depth as f64);
        gauge!("lectern_edge_blocked_seconds_total", label()).set(edge.blocked_seconds);
        counter!("lectern_edge_dropped_total", label().into_iter().chain([Label::new("reason", "full")]).collect::<Vec<_>>())
            .absolute(edge.dropped);
    }
    if let Some(playout) = &report.playout {
        counter!("lectern_playout_held_total").absolute(playout.held);
        counter!("lectern_playout_late_total").absolute(playout.late);
        counter!("lectern_playout_underruns_total").absolute(playout.underruns);
        counter!("lectern_playout_refills_total").absolute(playout.refills);
        counter!("lectern_playout_skipped_total").absolute(playout.skipped);
        gauge!("lectern_playout_late_seconds", "quantile" => "0.99").set(playout.late_seconds_p99);
        gauge!("lectern_playout_silence_seconds_total").set(playout.silence_seconds);
    }
    gauge!("lectern_av_skew_seconds").set(report.av_skew_seconds);
    gauge!("lectern_media_seconds").set(report.media_seconds);
    gauge!("lectern_wall_seconds").set(report.wall_seconds);
    counter!("lectern_frame_copies_total").absolute(report.frame_copies);
    counter!("lectern_warnings_total").absolute(report.warnings.len() as u64);
}

/// Keeps a file with the figures of a run until it is dropped.
pub struct MetricsFile {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MetricsFile {
    /// Writes `path` once a second, whole or not at all, and a last time at the end.
    pub fn keep(path: &Path, handle: Handle) -> MetricsFile {
        let (stop, stopped) = channel::<()>();
        let path = path.to_path_buf();
        let work = move || {
            let metrics = Metrics::default();
            loop {
                let ends = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                if let Err(error) = part_file::write(&path, metrics.text(&handle.report()).as_bytes()) {
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
    use engine::run::{EdgeReport, NodeReport};

    #[test]
    fn a_report_becomes_text_with_names_units_and_labels() {
        let node = NodeReport {
            node: "speech".into(),
            node_type: "tts_chunker",
            state: String::new(),
            packets_in: 0,
            packets_out: 7,
            fps_wall: 2.5,
            fps_media: 50.0,
            busy_ratio: 0.25,
            process_seconds: Default::default(),
        };
        let edge =
            EdgeReport { from: "speech.audio".into(), to: "level.audio".into(), depth: 3, max_depth: 4, dropped: 2, blocked_seconds: 0.5 };
        let mut report = Report { nodes: vec![node], edges: vec![edge], av_skew_seconds: 0.02, ..Report::default() };
        let metrics = Metrics::default();
        let text = metrics.text(&report);
        for line in [
            "lectern_node_packets_total{node=\"speech\",type=\"tts_chunker\",port=\"out\"} 7",
            "lectern_node_fps{node=\"speech\",type=\"tts_chunker\",per=\"media\"} 50",
            "lectern_edge_depth_packets{edge=\"speech.audio -> level.audio\"} 3",
            "lectern_edge_dropped_total{edge=\"speech.audio -> level.audio\",reason=\"full\"} 2",
            "lectern_av_skew_seconds 0.02",
            "# TYPE lectern_node_packets_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        report.nodes[0].packets_out = 9;
        assert!(metrics.text(&report).contains("port=\"out\"} 9"));
    }
}
