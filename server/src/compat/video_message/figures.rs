//! How the server's jobs do, under the names that the other system's alerts ask for.

use crate::guard;
use crate::jobs::JobsError;
use crate::ledger::{JobQuery, JobState, Order};
use crate::metrics::Metrics;
use crate::service::Service;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// So many jobs that ended last are looked at.
const LATELY: u32 = 100;

/// See the module docs.
#[derive(Debug, PartialEq)]
pub struct Figures {
    /// Seconds that those took which ended well lately.
    pub seconds: Vec<f64>,
    /// The part of those that ended lately and well, 0 to 1; cancelled ones do not count.
    pub success_rate: f64,
    /// How busy the busiest graphics processor is; 0 where there is none.
    pub gpu_percent: f64,
    /// Bytes of all that the server keeps, counted a minute ago at most; `None` where the store does not tell.
    pub storage_bytes: Option<u64>,
    /// Bytes that are free where it is kept.
    pub free_bytes: u64,
    /// Jobs that are at work or wait.
    pub active: u64,
    /// How many jobs are in each state.
    pub states: BTreeMap<&'static str, u64>,
    /// All parts of the server answer.
    pub is_ready: bool,
}

impl Figures {
    /// As they are now.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn of(service: &Arc<Service>) -> Result<Figures, JobsError> {
        let is_ready = service.readiness.look().await.are_ready();
        let storage_bytes = match service.storage.kept().await {
            Ok((_, kept)) => Some(kept.all().bytes),
            Err(error) => {
                tracing::warn!(%error, "how much is kept is not known");
                None
            }
        };
        let service = service.clone();
        let looked = tokio::task::spawn_blocking(move || Figures::looked(&service, storage_bytes, is_ready));
        looked.await.map_err(|error| JobsError::Files(error.into()))?
    }

    fn looked(service: &Service, storage_bytes: Option<u64>, is_ready: bool) -> Result<Figures, JobsError> {
        let jobs = |states: &[JobState]| {
            let (states, order) = (states.to_vec(), Order::Updated);
            service.jobs.list(&JobQuery { states, order, descending: true, limit: LATELY, ..JobQuery::default() })
        };
        let ended = jobs(&[JobState::Completed, JobState::Failed])?.jobs;
        let good = ended.iter().filter(|job| job.state == JobState::Completed);
        let seconds: Vec<f64> = good.filter_map(|job| Some(job.finished_at?.since(job.started_at?).as_secs_f64())).collect();
        Ok(Figures {
            success_rate: if ended.is_empty() { 1.0 } else { seconds.len() as f64 / ended.len() as f64 },
            seconds,
            gpu_percent: guard::gpu_percent().unwrap_or(0.0),
            storage_bytes,
            free_bytes: service.storage.free().map_err(|error| JobsError::Files(io::Error::other(error)))?,
            is_ready,
            states: service.jobs.ledger().count(None)?,
            active: jobs(&[JobState::Pending, JobState::Processing])?.total,
        })
    }

    /// In the text format of Prometheus.
    pub fn text(&self) -> String {
        let metrics = Metrics::default();
        metrics.add_jobs(self);
        metrics.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_the_names_that_alerts_ask_for() {
        let states = BTreeMap::from([("pending", 2)]);
        let (seconds, storage_bytes, free_bytes) = (vec![4.0, 1.0, 2.0], Some(1_234_567), 9);
        let some = Figures { seconds, success_rate: 0.75, gpu_percent: 12.0, storage_bytes, free_bytes, active: 3, states, is_ready: true };
        let text = some.text();
        for line in [
            "pipeline_execution_time_seconds{quantile=\"0.5\"} 2",
            "pipeline_execution_time_seconds{quantile=\"0.95\"} 4",
            "pipeline_success_rate 0.75",
            "gpu_utilization_percent 12",
            "storage_used_bytes 1234567",
            "active_pipelines_count 3",
            "storage_free_bytes 9",
            "lectern_jobs{state=\"pending\"} 2",
            "lectern_ready 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        // As a summary without observations has it.
        let none = Figures { seconds: Vec::new(), success_rate: 1.0, ..some };
        assert!(none.text().contains("pipeline_execution_time_seconds{quantile=\"0.5\"} NaN"), "{}", none.text());
    }
}
