//! Accounts: people with an address and a password, or whom an outside sign-in vouches for.
//!
//! Passwords are kept as Argon2id hashes only. Whether an address has an account cannot be told from an answer to a wrong password, nor
//! from how long it takes; an account that is tried too often is closed for a while. Tokens are Lectern's own, see `auth`.
//!
//! All methods may take a while (a password takes tens of milliseconds): call them where no other request waits.
//! ```text
//! let accounts = Accounts::open(&data.join("accounts.db"))?;
//! let ada = accounts.register(&NewAccount { email: "ada@lessons.example", password: "…", name: Some("Ada") })?;
//! let token = accounts.token(&auth, &accounts.login("ada@lessons.example", "…")?)?;
//! let me = accounts.get(&claims.sub)?;
//! ```

mod password;
mod table;

use crate::auth::{Auth, Claims, KeyError, Role};
use crate::limits::{Limiter, Ticks, TooMany, Who};
use rusqlite::Connection;
use serde::Serialize;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// How long a token is good.
pub const TTL: Duration = Duration::from_secs(24 * 3600);
/// An account may be tried so often within [`PERIOD`].
const TRIES: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// See [`TRIES`].
const PERIOD: Duration = Duration::from_secs(15 * 60);

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Stays the same for ever.
    pub id: String,
    /// As it was given, unique whatever its case.
    pub email: String,
    /// For people.
    pub name: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
    /// Code or name of a language.
    pub preferred_language: Option<String>,
    /// Such as `dark`.
    pub preferred_theme: Option<String>,
    /// What somebody may do here.
    pub role: Role,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// What it takes to make an account.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// Its address.
    pub email: &'a str,
    /// Its password.
    pub password: &'a str,
    /// For people.
    pub name: Option<&'a str>,
}

/// Somebody whom an outside sign-in (OAuth) vouches for.
#[derive(Clone, Copy, Debug)]
pub struct Vouched<'a> {
    /// Who vouches, such as `google`.
    pub provider: &'a str,
    /// The provider's own id of the account.
    pub subject: &'a str,
    /// An address that the provider has checked.
    pub email: &'a str,
    /// For people.
    pub name: Option<&'a str>,
    /// Address of a picture.
    pub picture: Option<&'a str>,
}

/// What is to change; `None` stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// For people.
    pub name: Option<&'a str>,
    /// Code or name of a language.
    pub preferred_language: Option<&'a str>,
    /// Such as `dark`.
    pub preferred_theme: Option<&'a str>,
}

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The address has an account already.
    #[error("that address is taken; sign in, or use another one")]
    Taken,
    /// Address and password do not belong together.
    #[error("the address or the password is wrong")]
    Wrong,
    /// It was tried too often.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// There is no such account.
    #[error("there is no such account")]
    Missing,
    /// What was given cannot be used.
    #[error("{field}: {why}")]
    Invalid {
        /// Which part of it.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// The database does not work.
    #[error("the accounts in {} cannot be used: {cause}", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// Its reason.
        cause: String,
    },
    /// A token could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// See the module docs.
pub struct Accounts {
    path: PathBuf,
    connection: Mutex<Connection>,
    tries: Limiter,
}

impl Accounts {
    /// Those in a database file, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be used, or a newer version of this program wrote it.
    pub fn open(path: &Path) -> Result<Accounts, AccountError> {
        Accounts::open_with(path, Ticks::default())
    }

    /// The same with a clock of its own.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(path: &Path, ticks: Ticks) -> Result<Accounts, AccountError> {
        let connection = table::open(path).map_err(|cause| AccountError::Database { path: path.into(), cause })?;
        Ok(Accounts { path: path.into(), connection: Mutex::new(connection), tries: Limiter::new(TRIES, PERIOD, ticks) })
    }

    /// Makes an account, of an author.
    ///
    /// # Errors
    /// The address is taken, or something about it cannot be used.
    pub fn register(&self, new: &NewAccount<'_>) -> Result<Account, AccountError> {
        let account = made(new.email, new.name, None)?;
        let hash = password::hash(new.password).map_err(|why| AccountError::Invalid { field: "password", why })?;
        match self.try_to(|connection| table::add(connection, &account, Some(&hash)))? {
            true => Ok(account),
            false => Err(AccountError::Taken),
        }
    }

    /// The account of somebody who knows its password.
    ///
    /// # Errors
    /// There is none, the password is wrong, or it was tried too often.
    pub fn login(&self, email: &str, password: &str) -> Result<Account, AccountError> {
        // Also where there is no account: nobody is to learn whether there is.
        self.tries.check(&Who::Account(email.to_lowercase()))?;
        let found = self.try_to(|connection| table::with_password(connection, email))?;
        let (account, hash) = found.map_or((None, None), |(account, hash)| (Some(account), hash));
        match (password::verify(password, hash.as_deref()), account) {
            (true, Some(account)) => Ok(account),
            _ => Err(AccountError::Wrong),
        }
    }

    /// The account of somebody whom an outside sign-in vouches for; it is made at the first time. The caller has checked that the
    /// provider says so. An account with the same address and a password stays apart: it may belong to somebody else.
    ///
    /// # Errors
    /// The address is taken, or something about it cannot be used.
    pub fn vouched(&self, who: &Vouched<'_>) -> Result<Account, AccountError> {
        if who.provider.is_empty() || who.subject.is_empty() {
            return Err(AccountError::Invalid { field: "id", why: "the provider's id of the account is missing".into() });
        }
        if let Some(account) = self.try_to(|connection| table::by_link(connection, who.provider, who.subject))? {
            return Ok(account);
        }
        let account = made(who.email, who.name, who.picture)?;
        match self.try_to(|connection| table::add_linked(connection, &account, who.provider, who.subject))? {
            true => Ok(account),
            false => Err(AccountError::Taken),
        }
    }

    /// An account by its id: the subject of its tokens.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, id: &str) -> Result<Account, AccountError> {
        self.try_to(|connection| table::by_id(connection, id))?.ok_or(AccountError::Missing)
    }

    /// Changes what somebody says about themselves.
    ///
    /// # Errors
    /// There is no such account, or something cannot be used.
    pub fn change(&self, id: &str, change: &Change<'_>) -> Result<Account, AccountError> {
        limited("name", change.name, 200)?;
        limited("preferred_language", change.preferred_language, 32)?;
        limited("preferred_theme", change.preferred_theme, 32)?;
        self.try_to(|connection| table::change(connection, id, change))?;
        self.get(id)
    }

    /// Another password: from then on only that one is good.
    ///
    /// # Errors
    /// There is no such account, or the password cannot be used.
    pub fn set_password(&self, id: &str, password: &str) -> Result<(), AccountError> {
        let hash = password::hash(password).map_err(|why| AccountError::Invalid { field: "password", why })?;
        if self.try_to(|connection| table::set_password(connection, id, &hash))? { Ok(()) } else { Err(AccountError::Missing) }
    }

    /// What somebody may do here from the next token on.
    ///
    /// # Errors
    /// There is no such account.
    pub fn set_role(&self, id: &str, role: Role) -> Result<(), AccountError> {
        if self.try_to(|connection| table::set_role(connection, id, role))? { Ok(()) } else { Err(AccountError::Missing) }
    }

    /// A token of Lectern's for an account, good for a day.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn token(&self, auth: &Auth, account: &Account) -> Result<String, AccountError> {
        Ok(auth.mint(&Claims::new(account.role, None, &account.id, TTL))?)
    }

    fn try_to<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, AccountError> {
        work(&mut self.lock()).map_err(|error| AccountError::Database { path: self.path.clone(), cause: error.to_string() })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new account, checked.
fn made(email: &str, name: Option<&str>, picture: Option<&str>) -> Result<Account, AccountError> {
    let email = email.trim();
    let parts = email.split_once('@');
    let fine = parts.is_some_and(|(own, host)| !own.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.'));
    if !fine || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AccountError::Invalid { field: "email", why: "write an address such as ada@lessons.example".into() });
    }
    limited("name", name, 200)?;
    limited("picture", picture, 2000)?;
    // To the second, as it is kept.
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or_else(|_| OffsetDateTime::now_utc());
    Ok(Account {
        id: Uuid::new_v4().to_string(),
        email: email.into(),
        name: name.map(String::from),
        picture: picture.map(String::from),
        preferred_language: None,
        preferred_theme: None,
        role: Role::Author,
        created_at: now,
        updated_at: now,
    })
}

fn limited(field: &'static str, text: Option<&str>, longest: usize) -> Result<(), AccountError> {
    match text.is_some_and(|text| text.chars().count() > longest || text.chars().any(char::is_control)) {
        true => Err(AccountError::Invalid { field, why: format!("use {longest} characters at most, and no control characters") }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
