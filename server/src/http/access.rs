//! Who asks: the token of a request.

use super::App;
use super::problem::Problem;
use crate::auth::{Claims, TokenError};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use axum::http::request::Parts;
use std::sync::Arc;

/// The claims of the token that came as `Authorization: Bearer TOKEN`.
pub struct Bearer(pub Claims);

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Bearer, Problem> {
        Ok(Bearer(app.auth.check(token_in(&parts.headers).ok_or(TokenError::Missing)?)?))
    }
}

/// The token of `Authorization: Bearer TOKEN`. Browsers can send no headers with a WebSocket: theirs is among the subprotocols, as
/// `token.TOKEN`.
pub fn token_in(headers: &HeaderMap) -> Option<&str> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        let header = header.to_str().ok()?;
        return header.strip_prefix("Bearer ").or(header.strip_prefix("bearer ")).map(str::trim);
    }
    let offered = headers.get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    offered.split(',').find_map(|protocol| protocol.trim().strip_prefix("token."))
}
