//! The tables of accounts in SQLite, and what is asked of them.

use super::{Account, Change};
use crate::auth::Role;
use rusqlite::{Connection, OptionalExtension, Result, Row, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;

/// The steps from one form of the tables to the next; `user_version` says how many of them a file has seen.
const STEPS: [&str; 1] = ["
    CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        email TEXT NOT NULL,
        email_key TEXT NOT NULL UNIQUE,
        name TEXT,
        picture TEXT,
        preferred_language TEXT,
        preferred_theme TEXT,
        role TEXT NOT NULL,
        password TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE links (
        provider TEXT NOT NULL,
        subject TEXT NOT NULL,
        account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
        PRIMARY KEY (provider, subject)
    ) STRICT;
"];

const COLUMNS: &str = "id, email, name, picture, preferred_language, preferred_theme, role, created_at, updated_at";

/// Opens a file and brings its tables to the newest form.
pub fn open(path: &Path) -> std::result::Result<Connection, String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    prepare(path).map_err(|error| error.to_string())?.ok_or_else(|| "a newer version of this program wrote it; use that one".into())
}

/// `None` where the file is newer than this program.
fn prepare(path: &Path) -> Result<Option<Connection>> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = change.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(steps) = STEPS.get(version as usize..) else { return Ok(None) };
    steps.iter().try_for_each(|step| change.execute_batch(step))?;
    change.pragma_update(None, "user_version", STEPS.len() as u32)?;
    change.commit()?;
    Ok(Some(connection))
}

/// Adds an account; `false`: the address is taken.
pub fn add(connection: &Connection, account: &Account, password: Option<&str>) -> Result<bool> {
    let Account { id, email, name, picture, preferred_language, preferred_theme, role, created_at, updated_at } = account;
    let added = connection.execute(
        "INSERT INTO accounts (id, email, email_key, name, picture, preferred_language, preferred_theme, role, password, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (email_key) DO NOTHING",
        params![
            id,
            email,
            email.to_lowercase(),
            name,
            picture,
            preferred_language,
            preferred_theme,
            text(*role),
            password,
            created_at.unix_timestamp(),
            updated_at.unix_timestamp()
        ],
    )?;
    Ok(added == 1)
}

/// The same for somebody whom a provider vouches for.
pub fn add_linked(connection: &mut Connection, account: &Account, provider: &str, subject: &str) -> Result<bool> {
    let change = connection.transaction()?;
    let added = add(&change, account, None)?;
    if added {
        change.execute("INSERT INTO links (provider, subject, account) VALUES (?1, ?2, ?3)", params![provider, subject, account.id])?;
    }
    change.commit()?;
    Ok(added)
}

/// An account and the hash of its password, if it has one.
pub fn with_password(connection: &Connection, email: &str) -> Result<Option<(Account, Option<String>)>> {
    let query = format!("SELECT {COLUMNS}, password FROM accounts WHERE email_key = ?1");
    connection.query_row(&query, [email.trim().to_lowercase()], |row| Ok((read(row)?, row.get("password")?))).optional()
}

/// By its id.
pub fn by_id(connection: &Connection, id: &str) -> Result<Option<Account>> {
    connection.query_row(&format!("SELECT {COLUMNS} FROM accounts WHERE id = ?1"), [id], read).optional()
}

/// By who vouches for it.
pub fn by_link(connection: &Connection, provider: &str, subject: &str) -> Result<Option<Account>> {
    let query = format!("SELECT {COLUMNS} FROM accounts JOIN links ON account = id WHERE provider = ?1 AND subject = ?2");
    connection.query_row(&query, [provider, subject], read).optional()
}

/// Changes what is given.
pub fn change(connection: &Connection, id: &str, change: &Change<'_>) -> Result<bool> {
    let changed = connection.execute(
        "UPDATE accounts SET name = coalesce(?2, name), preferred_language = coalesce(?3, preferred_language),
         preferred_theme = coalesce(?4, preferred_theme), updated_at = ?5 WHERE id = ?1",
        params![id, change.name, change.preferred_language, change.preferred_theme, now()],
    )?;
    Ok(changed == 1)
}

/// Another hash.
pub fn set_password(connection: &Connection, id: &str, hash: &str) -> Result<bool> {
    let changed = connection.execute("UPDATE accounts SET password = ?2, updated_at = ?3 WHERE id = ?1", params![id, hash, now()])?;
    Ok(changed == 1)
}

/// Another role.
pub fn set_role(connection: &Connection, id: &str, role: Role) -> Result<bool> {
    let changed = connection.execute("UPDATE accounts SET role = ?2, updated_at = ?3 WHERE id = ?1", params![id, text(role), now()])?;
    Ok(changed == 1)
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn text(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Author => "author",
        Role::Operator => "operator",
        Role::Worker => "worker",
    }
}

fn read(row: &Row<'_>) -> Result<Account> {
    let time = |column: &str| {
        let seconds = row.get::<_, i64>(column)?;
        OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, seconds))
    };
    let role = match row.get::<_, String>("role")?.as_str() {
        "operator" => Role::Operator,
        "author" => Role::Author,
        "worker" => Role::Worker,
        // Whatever it is, it is least.
        _ => Role::Viewer,
    };
    Ok(Account {
        id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        picture: row.get("picture")?,
        preferred_language: row.get("preferred_language")?,
        preferred_theme: row.get("preferred_theme")?,
        role,
        created_at: time("created_at")?,
        updated_at: time("updated_at")?,
    })
}
