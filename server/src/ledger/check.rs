//! What always holds in a ledger, looked at from outside: the queries here share nothing with those that write.

use super::LedgerError;
use rusqlite::Connection;

/// A rule, and a query for the jobs (and what of them) that break it.
const RULES: &[(&str, &str)] = &[
    ("has no stages", "SELECT id FROM jobs WHERE NOT EXISTS (SELECT 1 FROM stages WHERE job = id)"),
    (
        "has stages that are not numbered from 0 on",
        "SELECT job FROM stages GROUP BY job HAVING min(position) <> 0 OR max(position) <> count(*) - 1",
    ),
    (
        "is completed, but a stage is not",
        "SELECT DISTINCT job FROM stages JOIN jobs ON id = job WHERE jobs.state = 'completed' AND stages.state NOT IN ('completed', 'skipped')",
    ),
    (
        "is not completed, but all stages are",
        "SELECT id FROM jobs WHERE state <> 'completed' AND NOT EXISTS
            (SELECT 1 FROM stages WHERE job = id AND state NOT IN ('completed', 'skipped'))",
    ),
    (
        "has failed, but not exactly one stage has",
        "SELECT id FROM jobs WHERE state = 'failed' AND (SELECT count(*) FROM stages WHERE job = id AND state = 'failed') <> 1",
    ),
    (
        "has not failed, but a stage has",
        "SELECT DISTINCT job FROM stages JOIN jobs ON id = job WHERE jobs.state <> 'failed' AND stages.state = 'failed'",
    ),
    ("has failed without an error, or not failed with one", "SELECT id FROM jobs WHERE (state = 'failed') <> (error IS NOT NULL)"),
    (
        "is over, but a stage of it is at work",
        "SELECT DISTINCT job FROM stages JOIN jobs ON id = job
            WHERE jobs.state IN ('completed', 'failed', 'cancelled') AND stages.state = 'processing'",
    ),
    (
        "is cancelled, but stages wait",
        "SELECT DISTINCT job FROM stages JOIN jobs ON id = job WHERE jobs.state = 'cancelled' AND stages.state = 'pending'",
    ),
    (
        "is not cancelled, but stages are",
        "SELECT DISTINCT job FROM stages JOIN jobs ON id = job WHERE jobs.state <> 'cancelled' AND stages.state = 'cancelled'",
    ),
    (
        "waits, but a stage of it is at work",
        "SELECT DISTINCT job FROM stages JOIN jobs ON id = job WHERE jobs.state = 'pending' AND stages.state = 'processing'",
    ),
    ("has two stages at work", "SELECT job FROM stages WHERE state = 'processing' GROUP BY job HAVING count(*) > 1"),
    (
        "went past a stage that is not done",
        "SELECT DISTINCT later.job FROM stages later JOIN stages earlier ON earlier.job = later.job AND earlier.position < later.position
            WHERE later.state IN ('processing', 'completed', 'skipped', 'failed') AND earlier.state NOT IN ('completed', 'skipped')",
    ),
    (
        "is over and has no end, or has an end and is not over",
        "SELECT id FROM jobs WHERE (state IN ('completed', 'failed', 'cancelled')) <> (finished_at IS NOT NULL)",
    ),
    (
        "has a stage that counts other attempts than there were",
        "SELECT DISTINCT stages.job FROM stages LEFT JOIN attempts USING (job, position) GROUP BY stages.job, stages.position
            HAVING stages.attempt <> count(attempts.attempt) OR stages.attempt <> ifnull(max(attempts.attempt), 0)",
    ),
    (
        "has a stage at work without an attempt under way",
        "SELECT DISTINCT stages.job FROM stages JOIN attempts USING (job, position)
            WHERE stages.attempt = attempts.attempt AND (stages.state = 'processing') <> (attempts.outcome IS NULL)",
    ),
    (
        "has an earlier attempt still under way",
        "SELECT DISTINCT stages.job FROM stages JOIN attempts USING (job, position) WHERE attempts.attempt < stages.attempt AND outcome IS NULL",
    ),
    (
        "has a stage that was completed twice",
        "SELECT DISTINCT stages.job FROM stages JOIN attempts USING (job, position)
            WHERE outcome = 'completed' AND attempts.attempt > forgiven GROUP BY stages.job, stages.position HAVING count(*) > 1",
    ),
    (
        "has told its end and goes on, or is over and has not told it",
        "SELECT id FROM jobs JOIN events last ON last.job = id AND last.seq = (SELECT max(seq) FROM events WHERE job = id)
            WHERE (state IN ('completed', 'failed', 'cancelled')) <> (last.kind = 'complete')",
    ),
    ("has no events", "SELECT id FROM jobs WHERE NOT EXISTS (SELECT 1 FROM events WHERE job = id)"),
];

/// All that is wrong with a ledger; nothing, if it is as it should be.
///
/// # Errors
/// It cannot be read at all.
pub fn faults(connection: &Connection) -> Result<Vec<String>, LedgerError> {
    let mut faults: Vec<String> = texts(connection, "PRAGMA integrity_check(10)")?.into_iter().filter(|text| text != "ok").collect();
    let strays = texts(connection, "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 10")?;
    faults.extend(strays.into_iter().map(|table| format!("a row of {table} belongs to nothing")));
    // What cannot be read has no meaning that could be wrong.
    if faults.is_empty() {
        for (rule, query) in RULES {
            faults.extend(texts(connection, &format!("{query} LIMIT 10"))?.into_iter().map(|job| format!("the job {job} {rule}")));
        }
    }
    Ok(faults)
}

fn texts(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
}
