//! How an adapter is reached: who may ask, and from which pages.

use super::fastapi::Refusal;
use super::origins::Origins;
use crate::auth::{Auth, Claims, SHORTEST, TokenError};
use crate::config::{Adapter, AdapterAuth, Settings};
use crate::failure::Failure;
use crate::http::{App, token_in};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;

/// See the module docs.
pub struct Door {
    auth: AdapterAuth,
    origins: Origins,
    secret: Option<Vec<u8>>,
}

/// Somebody who may ask.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// Nobody asks who it is.
    Anybody,
    /// With a token of Lectern's, of an author or operator.
    Known(Claims),
}

impl Visitor {
    /// Whose jobs are theirs; `None`: everybody's.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Visitor::Anybody => None,
            Visitor::Known(claims) => Some(&claims.sub),
        }
    }

    /// May they see what belongs to `owner`?
    pub fn may_see(&self, owner: Option<&str>) -> bool {
        match self {
            Visitor::Anybody => owner.is_none(),
            Visitor::Known(claims) => owner == Some(&claims.sub) || claims.must_be_operator().is_ok(),
        }
    }
}

impl Door {
    /// Of an adapter, in a server at `address` that the outside knows as `own`.
    ///
    /// # Errors
    /// Its secret protects nothing.
    pub fn new(adapter: &Adapter, settings: &Settings, (address, own): (SocketAddr, &str)) -> Result<Door, Failure> {
        let auth = settings.adapter_auth(adapter.auth);
        let secret = adapter.secret.as_ref().map(|secret| secret.expose().as_bytes().to_vec());
        if auth == AdapterAuth::Token && secret.as_ref().is_some_and(|secret| secret.len() < SHORTEST) {
            let text = "the secret of an adapter (JWT_SECRET, NEXTAUTH_SECRET) is shorter than";
            return Err(Failure::Invalid(format!("{text} {SHORTEST} bytes; use, for example, `openssl rand -hex 32`")));
        }
        Ok(Door { auth, origins: Origins::new(auth, address, own, &adapter.origins), secret })
    }

    /// What it asks for.
    pub fn auth(&self) -> AdapterAuth {
        self.auth
    }

    /// Comes a request from a program, or from a page that may ask with cookies?
    pub fn knows_page(&self, headers: &HeaderMap) -> bool {
        self.origins.knows(headers)
    }

    /// What signs the tokens of the other system.
    pub fn secret(&self) -> Option<&[u8]> {
        self.secret.as_deref()
    }

    /// Who asks, where only tokens of Lectern's are known.
    ///
    /// # Errors
    /// Nobody who may.
    pub fn visitor(&self, auth: &Auth, headers: &HeaderMap) -> Result<Visitor, Refusal> {
        if self.auth == AdapterAuth::None {
            return Ok(Visitor::Anybody);
        }
        let claims = auth.check(token_in(headers).ok_or(TokenError::Missing)?)?;
        claims.may_have_jobs()?;
        Ok(Visitor::Known(claims))
    }

    /// May whoever sends these headers come in?
    pub fn lets_in(&self, auth: &Auth, headers: &HeaderMap) -> bool {
        self.origins.check(headers).is_ok() && self.visitor(auth, headers).is_ok()
    }
}

/// Lets pages ask that may, of an adapter with rules of its own for who may.
pub fn pages(router: Router<Arc<App>>, door: Arc<Door>) -> Router<Arc<App>> {
    router.layer(from_fn_with_state(door, for_other_origins))
}

/// The same, and only visitors are let in; handlers find a [`Visitor`] among the request's extensions.
pub fn guarded(router: Router<Arc<App>>, app: &Arc<App>, door: Arc<Door>) -> Router<Arc<App>> {
    let known = (app.clone(), door.clone());
    pages(router.layer(from_fn_with_state(known, let_in)), door)
}

async fn let_in(State((app, door)): State<(Arc<App>, Arc<Door>)>, mut request: Request, next: Next) -> Response {
    match door.visitor(&app.auth, request.headers()) {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Pages on other sites ask, if they may.
async fn for_other_origins(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let allowed = match door.origins.check(request.headers()) {
        Ok(allowed) => allowed,
        Err(refusal) => return refusal.into_response(),
    };
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = allowed else { return response };
    if origin != "*" {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type, range"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}
