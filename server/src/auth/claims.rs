//! What a token of Lectern says.

use super::TokenError;
use clap::ValueEnum;
use plugins_webrtc::token::now;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Issuer and audience of Lectern's own tokens.
pub const ISSUER: &str = "lectern";

/// What somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Watches.
    Viewer,
    /// Gives lectures: makes sessions, commands its own, lets viewers in.
    Author,
    /// May do everything.
    Operator,
    /// Renders for the server.
    Worker,
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: `lectern`.
    pub iss: String,
    /// For whom it is: `lectern`.
    pub aud: String,
    /// Who it speaks for.
    pub sub: String,
    /// Its id, by which it can be taken back.
    pub jti: String,
    /// When it was made, in seconds since 1970.
    pub iat: u64,
    /// Not valid before.
    pub nbf: u64,
    /// Not valid from then on.
    pub exp: u64,
    /// What its owner is.
    pub role: Role,
    /// The one room it is for; all rooms where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
}

impl Claims {
    /// A new token's, valid for `ttl` from now.
    pub fn new(role: Role, room: Option<String>, identity: &str, ttl: Duration) -> Claims {
        let now = now();
        Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: identity.into(),
            jti: Uuid::new_v4().to_string(),
            iat: now,
            nbf: now,
            exp: now + ttl.as_secs(),
            role,
            room,
        }
    }

    /// May it look into this room?
    ///
    /// # Errors
    /// It is for another room.
    pub fn may_watch(&self, room: &str) -> Result<(), TokenError> {
        match &self.room {
            Some(own) if own != room => Err(TokenError::Forbidden(format!("it is for the room \"{own}\""))),
            _ if self.role == Role::Worker => Err(TokenError::Forbidden("a worker watches nothing".into())),
            _ => Ok(()),
        }
    }

    /// May it command what is given in this room?
    ///
    /// # Errors
    /// It is no author's or operator's, or for another room.
    pub fn may_command(&self, room: &str) -> Result<(), TokenError> {
        self.must_be_author()?;
        self.may_watch(room)
    }

    /// Is it an author's or an operator's?
    ///
    /// # Errors
    /// It is not.
    pub fn must_be_author(&self) -> Result<(), TokenError> {
        match self.role {
            Role::Author | Role::Operator => Ok(()),
            Role::Viewer | Role::Worker => Err(TokenError::Forbidden("this takes an author's token".into())),
        }
    }

    /// May its bearer have jobs?
    ///
    /// # Errors
    /// It is no author's or operator's, or only for one room.
    pub fn may_have_jobs(&self) -> Result<(), TokenError> {
        self.must_be_author()?;
        match &self.room {
            Some(room) => Err(TokenError::Forbidden(format!("it is for the room \"{room}\""))),
            None => Ok(()),
        }
    }

    /// Is it a worker's?
    ///
    /// # Errors
    /// It is not.
    pub fn must_be_worker(&self) -> Result<(), TokenError> {
        match self.role {
            Role::Worker => Ok(()),
            _ => Err(TokenError::Forbidden("this takes a worker's token; make one with `lectern token --role worker`".into())),
        }
    }

    /// Is it an operator's?
    ///
    /// # Errors
    /// It is not.
    pub fn must_be_operator(&self) -> Result<(), TokenError> {
        if self.role == Role::Operator { Ok(()) } else { Err(TokenError::Forbidden("this takes an operator's token".into())) }
    }
}
