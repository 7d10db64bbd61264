//! Tokens of other systems, which are signed with a secret that is theirs and ours.

use super::TokenError;
use super::keys::LEEWAY;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::DeserializeOwned;

/// What a token says that this secret has signed (HS256), of this issuer where one is named.
///
/// # Errors
/// It is over or not valid yet, says no `exp`, or is somebody else's.
pub fn foreign<T: DeserializeOwned>(token: &str, secret: &[u8], issuer: Option<&str>) -> Result<T, TokenError> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_required_spec_claims(if issuer.is_some() { &["iss", "exp"] } else { &["exp"] });
    if let Some(issuer) = issuer {
        rules.set_issuer(&[issuer]);
    }
    rules.validate_nbf = true;
    // It is for that system's own audience.
    rules.validate_aud = false;
    rules.leeway = LEEWAY;
    let read = decode::<T>(token, &DecodingKey::from_secret(secret), &rules);
    read.map(|token| token.claims).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        kind => TokenError::Invalid(format!("{kind:?}")),
    })
}
