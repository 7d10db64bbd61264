//! Who asks: the token of a request.

use super::App;
use super::problem::Problem;
use crate::auth::{Claims, TokenError};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use std::sync::Arc;

/// The claims of the token that came as `Authorization: Bearer TOKEN`.
pub struct Bearer(pub Claims);

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Bearer, Problem> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| header.strip_prefix("Bearer ").or(header.strip_prefix("bearer ")));
        Ok(Bearer(app.auth.check(token.ok_or(TokenError::Missing)?.trim())?))
    }
}
