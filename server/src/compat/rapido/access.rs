//! Who may ask the adapter: everybody, or who has a token of Lectern's (author, operator) or of the system whose paths these are.
//!
//! That system's tokens are signed with `JWT_SECRET` (HS256); they name the one lesson that they are for and are accepted here only.

use super::Rapido;
use crate::auth::{Claims, TokenError};
use crate::compat::fastapi::Refusal;
use crate::http::App;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use clap::ValueEnum;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use std::sync::Arc;

/// Who made the other system's tokens, as they say.
const ISSUER: &str = "rapido-system";

/// What the adapter asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RapidoAuth {
    /// Nothing.
    None,
    /// A bearer token.
    Token,
}

/// Somebody who may ask.
pub enum Access {
    /// Anything.
    Open,
    /// With a token of Lectern's.
    Own(Claims),
    /// With one of the other system's, for one lesson.
    Lesson(String),
}

impl Access {
    /// May what is given in this room be asked for?
    pub fn may(&self, room: &str) -> Result<(), Refusal> {
        let allowed = match self {
            Access::Open => Ok(()),
            Access::Own(claims) => claims.may_command(room),
            Access::Lesson(lesson) if lesson == room => Ok(()),
            Access::Lesson(lesson) => Err(TokenError::Forbidden(format!("it is for the lesson \"{lesson}\""))),
        };
        allowed.map_err(refused)
    }
}

fn refused(error: TokenError) -> Refusal {
    let status = if matches!(error, TokenError::Forbidden(_)) { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
    Refusal::Because(status, error.to_string())
}

impl FromRequestParts<Arc<App>> for Access {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Access, Refusal> {
        if app.rapido.auth == RapidoAuth::None {
            return Ok(Access::Open);
        }
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| header.strip_prefix("Bearer ").or(header.strip_prefix("bearer ")));
        let token = token.ok_or(TokenError::Missing).map_err(refused)?.trim();
        let own = app.auth.check(token);
        match (own, lesson_of(&app.rapido, token)) {
            (Ok(claims), _) => claims.must_be_author().map(|()| Access::Own(claims)).map_err(refused),
            (Err(_), Some(Ok(lesson))) => Ok(Access::Lesson(lesson)),
            (Err(_), Some(Err(TokenError::Expired))) => Err(refused(TokenError::Expired)),
            (Err(error), _) => Err(refused(error)),
        }
    }
}

/// The lesson that a token of the other system is for; `None` where none of them are accepted.
fn lesson_of(rapido: &Rapido, token: &str) -> Option<Result<String, TokenError>> {
    #[derive(Deserialize)]
    struct Claims {
        lesson_id: String,
    }
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_required_spec_claims(&["iss", "exp"]);
    rules.validate_aud = false;
    rules.leeway = 10;
    let read = decode::<Claims>(token, &DecodingKey::from_secret(rapido.secret.as_deref()?), &rules);
    Some(read.map(|token| token.claims.lesson_id).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        kind => TokenError::Invalid(format!("{kind:?}")),
    }))
}
