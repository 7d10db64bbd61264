//! Who asks: by a session that the other system's web front has signed, or by a token of Lectern's.
//!
//! The front signs sessions with the secret that it shares with this server (`NEXTAUTH_SECRET`, HS256). They come as
//! `Authorization: Bearer TOKEN` or as a cookie. A browser sends a cookie by itself, whichever page asks, so one counts only where the
//! page is this server's own or of an origin in the adapter's settings. Where nobody has to say who they are, all are the same person.

use super::refused::Refused;
use super::{KIND, Slidespeaker};
use crate::auth::{SHORTEST, TokenError, foreign};
use crate::config::AdapterAuth;
use crate::http::{App, token_in};
use crate::ledger::Job;
use crate::limits::Account;
use crate::service::Service;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// Cookies with a session, as Auth.js names them over HTTP and over HTTPS.
const COOKIES: [&str; 2] = ["next-auth.session-token", "__Secure-next-auth.session-token"];
/// Whose tasks are those that nobody in particular asked for.
const ANYBODY: &str = "anybody";

/// Somebody who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Whose tasks are theirs: the id of an account, or the subject of a token.
    pub id: String,
    /// An operator, to whom all tasks are shown.
    pub is_operator: bool,
}

impl Person {
    fn named(id: impl Into<String>) -> Person {
        Person { id: id.into(), is_operator: false }
    }

    fn may_see(&self, job: &Job) -> bool {
        job.kind == KIND && (self.is_operator || job.owner.as_deref() == Some(&self.id))
    }
}

/// Somebody, and the service that they ask.
pub struct Desk {
    /// Who asks.
    pub person: Person,
    /// Jobs, accounts and files.
    pub service: Arc<Service>,
}

impl FromRequestParts<Arc<App>> for Desk {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Desk, Refused> {
        let person = parts.extensions.get::<Person>().cloned().ok_or(TokenError::Missing)?;
        Ok(Desk { person, service: service(app)? })
    }
}

impl Desk {
    /// A task of somebody's; others' are not there.
    ///
    /// # Errors
    /// There is none.
    pub fn task(&self, id: &str) -> Result<Job, Refused> {
        let missing = || Refused::missing("there is no such task");
        let job = self.service.jobs.job(id.parse().map_err(|_| missing())?)?;
        if self.person.may_see(&job) { Ok(job) } else { Err(missing()) }
    }
}

/// The service of a server that takes jobs.
///
/// # Errors
/// This one does not.
pub fn service(app: &App) -> Result<Arc<Service>, Refused> {
    app.service.clone().ok_or_else(|| Refused::missing("this server takes no tasks; start it with `lectern serve`"))
}

/// Lets in who may ask; handlers and limits find them among the request's extensions.
pub async fn let_in(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    match who(&app, request.headers()) {
        Ok(person) => {
            if person.id != ANYBODY {
                request.extensions_mut().insert(Account(person.id.clone()));
            }
            request.extensions_mut().insert(person);
            next.run(request).await
        }
        Err(error) => Refused::from(error).into_response(),
    }
}

fn who(app: &App, headers: &HeaderMap) -> Result<Person, TokenError> {
    let adapter = &app.compat.slidespeaker;
    let cookie = || cookie(headers).filter(|_| adapter.door.knows_page(headers));
    match (token_in(headers), cookie()) {
        (Some(token), _) => match app.auth.check(token) {
            Ok(claims) => {
                claims.may_have_jobs()?;
                Ok(Person { is_operator: claims.must_be_operator().is_ok(), ..Person::named(claims.sub) })
            }
            // What is wrong with a token that is no session is told as it is with Lectern's own.
            Err(own) => match adapter.session(token) {
                None | Some(Err(TokenError::Invalid(_))) => Err(own),
                Some(session) => session.map(Person::named),
            },
        },
        (None, cookie) => match cookie.and_then(|session| adapter.session(session)) {
            Some(Ok(id)) => Ok(Person::named(id)),
            // A browser also sends cookies that other servers of this host have given it.
            _ if adapter.door.auth() == AdapterAuth::None => Ok(Person::named(ANYBODY)),
            Some(Err(error)) => Err(error),
            None => Err(TokenError::Missing),
        },
    }
}

/// May whoever asks say who somebody is: does it know the secret of sessions, or is it an operator?
///
/// # Errors
/// It may not.
pub fn must_vouch(app: &App, headers: &HeaderMap) -> Result<(), TokenError> {
    let adapter = &app.compat.slidespeaker;
    if adapter.door.auth() == AdapterAuth::None {
        return Ok(());
    }
    let token = token_in(headers).ok_or(TokenError::Missing)?;
    match (app.auth.check(token), adapter.door.secret()) {
        (Ok(claims), _) => claims.must_be_operator(),
        (Err(_), Some(secret)) => foreign::<serde_json::Value>(token, secret, None).map(drop),
        (Err(own), None) => Err(own),
    }
}

impl Slidespeaker {
    /// Whose session it is; `None` where there is no secret that could have signed any.
    fn session(&self, token: &str) -> Option<Result<String, TokenError>> {
        self.door.secret().filter(|secret| secret.len() >= SHORTEST).map(|secret| owner(token, secret))
    }
}

#[derive(Deserialize)]
struct User {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Session {
    sub: Option<String>,
    user: Option<User>,
}

fn owner(token: &str, secret: &[u8]) -> Result<String, TokenError> {
    let Session { sub, user } = foreign(token, secret, None)?;
    let id = user.and_then(|user| user.id).or(sub).filter(|id| !id.is_empty() && id != ANYBODY);
    id.ok_or_else(|| TokenError::Invalid("it does not say whose session it is".into()))
}

/// The session among the cookies of a request.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let named = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    named.filter(|(name, _)| COOKIES.contains(name)).map(|(_, value)| value).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::{Value, json};
    use std::time::{SystemTime, UNIX_EPOCH};

    const SECRET: &[u8] = &[7; 32];

    fn token(claims: Value, secret: &[u8], algorithm: Algorithm) -> String {
        encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    fn read(claims: Value) -> Result<String, TokenError> {
        owner(&token(claims, SECRET, Algorithm::HS256), SECRET)
    }

    fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn a_session_says_whose_it_is_and_is_over_some_time() {
        let later = now() + 60;
        assert_eq!(read(json!({ "sub": "a", "exp": later })), Ok("a".into()));
        assert_eq!(read(json!({ "sub": "a", "user": { "id": "b", "email": "x" }, "exp": later })), Ok("b".into()));
        assert_eq!(read(json!({ "sub": "a", "exp": now() - 60 })), Err(TokenError::Expired));
        let wrong = [
            json!({ "sub": "a" }),
            json!({ "exp": later }),
            json!({ "sub": "", "exp": later }),
            json!({ "sub": "anybody", "exp": later }),
            json!({ "sub": "a", "exp": later, "nbf": later }),
        ];
        for claims in wrong {
            assert!(matches!(read(claims.clone()), Err(TokenError::Invalid(_))), "{claims}");
        }
    }

    #[test]
    fn only_the_secret_and_the_algorithm_that_are_known_count() {
        let claims = json!({ "sub": "a", "exp": now() + 60 });
        for token in [token(claims.clone(), &[8; 32], Algorithm::HS256), token(claims, SECRET, Algorithm::HS384), "not.a.token".into()] {
            assert!(matches!(owner(&token, SECRET), Err(TokenError::Invalid(_))), "{token}");
        }
        // Without a signature, as RFC 7518 has it for "none".
        assert!(owner("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.", SECRET).is_err());
    }

    #[test]
    fn a_session_is_found_among_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, "theme=dark; next-auth.csrf-token=x".parse().unwrap());
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, "a=b;__Secure-next-auth.session-token=one.two.three".parse().unwrap());
        assert_eq!(cookie(&headers), Some("one.two.three"));
    }
}
