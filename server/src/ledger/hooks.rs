//! Who wants to be told that a job is over, and what they have still to be told: written down with the end itself, so that nothing is lost.

use super::records::{Job, Timestamp};
use super::writer::Write;
use super::{Ledger, LedgerError};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Somebody who wants to be told.
#[derive(Clone, Debug, Serialize)]
pub struct Webhook {
    /// Its name.
    pub id: String,
    /// Of whose jobs; `None`: of everybody's.
    pub owner: Option<String>,
    /// Where.
    pub url: String,
    /// What signs. Not shown again.
    #[serde(skip)]
    pub secret: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// Something that somebody has still to be told.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name, by which whoever gets it twice knows it.
    pub id: String,
    /// Where.
    pub url: String,
    /// What signs it.
    pub secret: String,
    /// What is told.
    pub body: String,
    /// How often it was tried in vain.
    pub attempt: u32,
}

const WEBHOOK: &str = "SELECT id, owner, url, secret, created_at FROM webhooks";

fn webhook_of(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    Ok(Webhook { id: row.get(0)?, owner: row.get(1)?, url: row.get(2)?, secret: row.get(3)?, created_at: row.get(4)? })
}

impl Ledger {
    /// All that an owner has; of `None`, those that are told of everybody's jobs.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn webhooks(&self, owner: Option<&str>) -> Result<Vec<Webhook>, LedgerError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(&format!("{WEBHOOK} WHERE owner IS ? ORDER BY created_at, id"))?;
            Ok(query.query_map([owner], webhook_of)?.collect::<Result<_, _>>()?)
        })
    }

    /// What has to be told now, the oldest first, so many at most.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn deliveries(&self, now: Timestamp, most: u32) -> Result<Vec<Delivery>, LedgerError> {
        self.read(|connection| {
            let due = "SELECT d.id, w.url, w.secret, d.body, d.attempt FROM deliveries d JOIN webhooks w ON w.id = d.webhook
                WHERE d.due <= ? ORDER BY d.due LIMIT ?";
            let mut query = connection.prepare_cached(due)?;
            let rows = query.query_map(params![now, most], |row| {
                Ok(Delivery { id: row.get(0)?, url: row.get(1)?, secret: row.get(2)?, body: row.get(3)?, attempt: row.get(4)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How long until something has to be told; `None`: there is nothing.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn next_delivery(&self, now: Timestamp) -> Result<Option<Duration>, LedgerError> {
        self.read(|connection| {
            let first = connection.query_row("SELECT min(due) FROM deliveries", [], |row| row.get::<_, Option<Timestamp>>(0))?;
            Ok(first.map(|due| due.since(now)))
        })
    }

    /// Done when a job has ended since this was last asked.
    pub async fn ended(&self) {
        self.0.hub.ended.notified().await;
    }
}

impl Write<'_> {
    /// Somebody wants to be told. `false`: they have so many already.
    pub fn add_webhook(&self, new: &Webhook, most: u32) -> Result<bool, LedgerError> {
        let count = "SELECT count(*) FROM webhooks WHERE owner IS ?";
        let count: u32 = self.connection.prepare_cached(count)?.query_row([&new.owner], |row| row.get(0))?;
        if count >= most {
            return Ok(false);
        }
        let insert = "INSERT INTO webhooks (id, owner, url, secret, created_at) VALUES (?, ?, ?, ?, ?)";
        self.connection.prepare_cached(insert)?.execute(params![new.id, new.owner, new.url, new.secret, new.created_at])?;
        Ok(true)
    }

    /// They want it no more; what they have not been told yet goes, too. `false`: there is no such one of this owner.
    pub fn remove_webhook(&self, id: &str, owner: Option<&str>) -> Result<bool, LedgerError> {
        let delete = "DELETE FROM webhooks WHERE id = ? AND owner IS ?";
        Ok(self.connection.prepare_cached(delete)?.execute(params![id, owner])? > 0)
    }

    /// It has been told, or is given up.
    pub fn delivered(&self, id: &str) -> Result<(), LedgerError> {
        self.connection.prepare_cached("DELETE FROM deliveries WHERE id = ?")?.execute([id])?;
        Ok(())
    }

    /// It could not be told, and is tried again at `due`.
    pub fn postponed(&self, id: &str, due: Timestamp) -> Result<(), LedgerError> {
        let later = "UPDATE deliveries SET attempt = attempt + 1, due = ?2 WHERE id = ?1";
        self.connection.prepare_cached(later)?.execute(params![id, due])?;
        Ok(())
    }

    /// A job is over: whoever wants to know is to be told.
    pub(super) fn announce(&self, job: &Job) -> Result<(), LedgerError> {
        let wanted = "SELECT id FROM webhooks WHERE owner IS NULL OR owner = ?";
        let mut query = self.connection.prepare_cached(wanted)?;
        let hooks: Vec<String> = query.query_map([&job.owner], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if hooks.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        let data =
            json!({ "id": job.id, "kind": job.kind, "title": job.title, "state": job.state, "result": job.result, "error": job.error });
        let body = json!({ "type": format!("job.{}", job.state), "timestamp": now, "data": data }).to_string();
        let insert = "INSERT INTO deliveries (id, webhook, body, attempt, due) VALUES (?, ?, ?, 0, ?)";
        for hook in hooks {
            self.connection.prepare_cached(insert)?.execute(params![format!("msg_{}", Uuid::new_v4().simple()), hook, body, now])?;
        }
        Ok(())
    }
}
