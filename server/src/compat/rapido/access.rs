//! Who may ask the adapter: everybody, or who has a token of Lectern's (author, operator) or of the system whose paths these are.
//!
//! That system's tokens are signed with `JWT_SECRET` (HS256); they name the one lesson that they are for and are accepted here only. A lesson
//! that is worked through has one, too, as the id of its session.

use super::Rapido;
use crate::auth::{Claims, LEEWAY, TokenError, foreign};
use crate::compat::fastapi::Refusal;
use crate::config::AdapterAuth;
use crate::http::{App, token_in};
use crate::ledger::{Job, JobQuery, Timestamp};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use plugins_webrtc::token::now;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Who made the other system's tokens, as they say.
const ISSUER: &str = "rapido-system";
/// How long they are good, in seconds.
const TTL: u64 = 24 * 3600;

/// What one says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    lesson_id: String,
    #[serde(default)]
    user_id: Value,
    #[serde(default)]
    iat: u64,
    exp: u64,
    iss: String,
}

impl Session {
    /// The token of a lesson that somebody has had worked through, if there is a secret to sign it with. It is the same whenever it is asked for.
    pub fn token(secret: Option<&[u8]>, lesson: &str, user: Option<&str>, since: Timestamp) -> Option<String> {
        let iat = since.0.max(0) as u64 / 1000;
        let claims = Session { lesson_id: lesson.into(), user_id: user.into(), iat, exp: iat + TTL, iss: ISSUER.into() };
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret?)).ok()
    }
}

/// Somebody who may ask.
pub enum Access {
    /// Anything.
    Open,
    /// With a token of Lectern's.
    Own(Claims),
    /// With one of the other system's, for one lesson.
    Lesson(Session),
}

impl Access {
    /// May what is given in this room be asked for?
    pub fn may(&self, room: &str) -> Result<(), Refusal> {
        let allowed = match self {
            Access::Open => Ok(()),
            Access::Own(claims) => claims.may_command(room),
            Access::Lesson(session) if session.lesson_id == room => Ok(()),
            Access::Lesson(session) => Err(TokenError::Forbidden(format!("it is for the lesson \"{}\"", session.lesson_id))),
        };
        allowed.map_err(Refusal::from)
    }

    /// Who asks, where that is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Access::Open => None,
            Access::Own(claims) => Some(&claims.sub),
            Access::Lesson(session) => session.user_id.as_str(),
        }
    }

    /// Whose the jobs are that are made for it; `None`: nobody's, and so everybody's where nobody is known.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Access::Own(claims) => Some(&claims.sub),
            Access::Open | Access::Lesson(_) => None,
        }
    }

    /// May it see the job of a lesson?
    pub fn sees(&self, job: &Job) -> bool {
        match self {
            Access::Open => job.owner.is_none(),
            Access::Own(claims) => job.owner.as_deref() == Some(&claims.sub) || claims.must_be_operator().is_ok(),
            Access::Lesson(session) => job.title == session.lesson_id,
        }
    }

    /// Leaves those jobs out that it cannot see anyway.
    pub fn narrow(&self, query: JobQuery) -> JobQuery {
        match self {
            Access::Own(claims) if claims.must_be_operator().is_err() => JobQuery { owner: Some(claims.sub.clone()), ..query },
            Access::Lesson(session) => JobQuery { text: Some(session.lesson_id.clone()), ..query },
            _ => query,
        }
    }

    /// Is it still good?
    ///
    /// # Errors
    /// It is over, or was taken back.
    pub fn still_holds(&self, app: &App) -> Result<(), TokenError> {
        match self {
            Access::Open => Ok(()),
            Access::Own(claims) => app.auth.still_holds(claims),
            Access::Lesson(session) if session.exp + LEEWAY < now() => Err(TokenError::Expired),
            Access::Lesson(_) => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Access {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Access, Refusal> {
        if app.compat.rapido.door.auth() == AdapterAuth::None {
            return Ok(Access::Open);
        }
        let token = token_in(&parts.headers).ok_or(TokenError::Missing)?;
        let own = app.auth.check(token);
        match (own, session_of(&app.compat.rapido, token)) {
            (Ok(claims), _) => claims.must_be_author().map(|()| Access::Own(claims)).map_err(Refusal::from),
            (Err(_), Some(Ok(session))) => Ok(Access::Lesson(session)),
            (Err(_), Some(Err(TokenError::Expired))) => Err(TokenError::Expired.into()),
            (Err(error), _) => Err(error.into()),
        }
    }
}

/// What a token of the other system says; `None` where none of them are accepted.
fn session_of(rapido: &Rapido, token: &str) -> Option<Result<Session, TokenError>> {
    Some(foreign(token, rapido.door.secret()?, Some(ISSUER)))
}
