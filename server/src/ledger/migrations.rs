//! The tables of the ledger, as steps from nothing to now. `user_version` counts the steps that a file has taken.
//!
//! Every step can be undone. What undoes it lies in the file itself, so that an older program can take back what a newer one did.

use super::LedgerError;
use rusqlite::{Connection, TransactionBehavior, params};

/// A step.
pub struct Migration {
    /// Takes it.
    pub up: &'static str,
    /// Takes it back.
    pub down: &'static str,
}

/// All steps in order. They are only ever added to.
pub const MIGRATIONS: &[Migration] = &[JOBS, WEBHOOKS, FURTHEST];

const JOBS: Migration = Migration {
    up: "
            CREATE TABLE jobs (
                id TEXT PRIMARY KEY,
                kind TEXT NOT NULL,
                owner TEXT,
                title TEXT NOT NULL,
                spec TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
                priority INTEGER NOT NULL,
                held INTEGER NOT NULL,
                created_at INTEGER NOT NULL,
                started_at INTEGER,
                finished_at INTEGER,
                error TEXT,
                result TEXT NOT NULL,
                idempotency_key TEXT,
                fingerprint TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE UNIQUE INDEX jobs_by_key ON jobs (ifnull(owner, ''), idempotency_key) WHERE idempotency_key IS NOT NULL;
            CREATE INDEX jobs_by_age ON jobs (created_at, id);
            CREATE INDEX jobs_by_owner ON jobs (owner, created_at, id);
            CREATE INDEX jobs_by_kind ON jobs (kind, created_at);
            CREATE INDEX jobs_at_work ON jobs (created_at) WHERE state IN ('pending', 'processing');
            CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
            CREATE TABLE stages (
                job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                position INTEGER NOT NULL,
                name TEXT NOT NULL,
                title TEXT NOT NULL,
                weight REAL NOT NULL CHECK (weight >= 0),
                task TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'skipped', 'cancelled')),
                attempt INTEGER NOT NULL,
                -- Attempts up to this one no longer count against the stage: somebody asked for a new beginning.
                forgiven INTEGER NOT NULL,
                progress REAL NOT NULL,
                started_at INTEGER,
                finished_at INTEGER,
                note TEXT,
                result TEXT NOT NULL,
                PRIMARY KEY (job, position),
                UNIQUE (job, name)
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE attempts (
                job TEXT NOT NULL,
                position INTEGER NOT NULL,
                attempt INTEGER NOT NULL,
                worker TEXT NOT NULL,
                started_at INTEGER NOT NULL,
                finished_at INTEGER,
                -- Null while it is under way. 'returned': given back unfinished; 'lost': nobody heard of it again.
                outcome TEXT CHECK (outcome IN ('completed', 'skipped', 'failed', 'cancelled', 'returned', 'lost')),
                error TEXT,
                PRIMARY KEY (job, position, attempt),
                FOREIGN KEY (job, position) REFERENCES stages (job, position) ON DELETE CASCADE
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE events (
                seq INTEGER PRIMARY KEY AUTOINCREMENT,
                job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                at INTEGER NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('stage_update', 'progress_update', 'error', 'complete')),
                stage TEXT,
                data TEXT NOT NULL
            ) STRICT;
            CREATE INDEX events_by_job ON events (job, seq);
        ",
    down: "DROP TABLE events; DROP TABLE attempts; DROP TABLE stages; DROP TABLE jobs;",
};

const WEBHOOKS: Migration = Migration {
    up: "
            CREATE TABLE webhooks (
                id TEXT PRIMARY KEY,
                -- Null: it is told of everybody's jobs.
                owner TEXT,
                url TEXT NOT NULL,
                secret TEXT NOT NULL,
                created_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE deliveries (
                id TEXT PRIMARY KEY,
                webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
                body TEXT NOT NULL,
                attempt INTEGER NOT NULL,
                due INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX deliveries_by_webhook ON deliveries (webhook);
            CREATE INDEX deliveries_by_due ON deliveries (due);
        ",
    down: "DROP TABLE deliveries; DROP TABLE webhooks;",
};

const FURTHEST: Migration = Migration {
    up: "
            -- The highest percentage that was told of the job.
            ALTER TABLE jobs ADD COLUMN furthest REAL NOT NULL DEFAULT 0;
        ",
    down: "ALTER TABLE jobs DROP COLUMN furthest;",
};

/// Brings a file to the last of `steps`, up or down, in one transaction. Gives the versions before and after.
///
/// # Errors
/// A step fails: the file is then as it was.
pub fn migrate(connection: &mut Connection, steps: &[Migration]) -> Result<(usize, usize), LedgerError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let before = usize::try_from(version(&transaction)?).map_err(|_| LedgerError::Foreign)?;
    if before == 0 {
        let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 && !has_steps(&transaction)? {
            return Err(LedgerError::Foreign);
        }
        transaction.execute_batch("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, down TEXT NOT NULL) STRICT")?;
    }
    for (index, step) in steps.iter().enumerate().skip(before) {
        transaction.execute_batch(step.up)?;
        transaction.execute("INSERT INTO migrations VALUES (?, ?)", params![index as i64 + 1, step.down])?;
    }
    for version in (steps.len() + 1..=before).rev() {
        let down: String = transaction.query_row("SELECT down FROM migrations WHERE version = ?", [version as i64], |row| row.get(0))?;
        transaction.execute_batch(&down)?;
        transaction.execute("DELETE FROM migrations WHERE version = ?", [version as i64])?;
    }
    transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    transaction.commit()?;
    Ok((before, steps.len()))
}

fn has_steps(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'", [], |row| row.get::<_, i64>(0))
        .map(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<String> {
        let mut query = connection.prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn steps_are_taken_and_taken_back_and_what_is_in_older_tables_stays() {
        let mut file = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut file, MIGRATIONS).unwrap(), (0, MIGRATIONS.len()));
        let now = schema(&file);
        let job = "INSERT INTO jobs VALUES ('a', 'render', NULL, 't', '{}', 'pending', 0, 0, 1, NULL, NULL, NULL, 'null', NULL, 'f', 0)";
        file.execute(job, []).unwrap();
        // A newer program has been here.
        let newer = Migration {
            up: "ALTER TABLE jobs ADD COLUMN colour TEXT; CREATE TABLE colours (name TEXT) STRICT;",
            down: "DROP TABLE colours; ALTER TABLE jobs DROP COLUMN colour;",
        };
        let own = MIGRATIONS.iter().map(|Migration { up, down }| Migration { up, down });
        let longer: Vec<Migration> = own.chain([newer]).collect();
        assert_eq!(migrate(&mut file, &longer).unwrap(), (MIGRATIONS.len(), longer.len()));
        file.execute("UPDATE jobs SET colour = 'red'", []).unwrap();
        assert_ne!(schema(&file), now);
        // This one knows nothing of it, and takes it back.
        assert_eq!(migrate(&mut file, MIGRATIONS).unwrap(), (longer.len(), MIGRATIONS.len()));
        assert_eq!(schema(&file), now);
        assert_eq!(file.query_row("SELECT title FROM jobs", [], |row| row.get::<_, String>(0)).unwrap(), "t");
        // All the way down, and up again.
        assert_eq!(migrate(&mut file, &[]).unwrap(), (MIGRATIONS.len(), 0));
        assert_eq!(schema(&file), ["migrations"]);
        assert_eq!(migrate(&mut file, MIGRATIONS).unwrap(), (0, MIGRATIONS.len()));
        assert_eq!(schema(&file), now);
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut file = Connection::open_in_memory().unwrap();
        let bad = [Migration { up: "CREATE TABLE a (b TEXT) STRICT", down: "DROP TABLE a" }, Migration { up: "nonsense", down: "" }];
        assert!(migrate(&mut file, &bad).is_err());
        assert!(schema(&file).is_empty());
    }

    #[test]
    fn a_database_of_something_else_is_left_alone() {
        let mut file = Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE music (title TEXT)").unwrap();
        assert!(matches!(migrate(&mut file, MIGRATIONS), Err(LedgerError::Foreign)));
        assert_eq!(schema(&file), ["music"]);
    }
}
