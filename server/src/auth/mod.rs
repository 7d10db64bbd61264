//! Who may do what: JSON Web Tokens, the keys that sign and check them, and those that hold no more.

mod claims;
mod denied;
mod foreign;
mod keys;

pub use claims::{Claims, Role};
pub use denied::Denied;
pub use foreign::foreign;
pub use keys::{KeyError, Keys, LEEWAY, SHORTEST};

use std::sync::Mutex;

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None came with the request.
    #[error("a token is needed; send it as `Authorization: Bearer TOKEN`")]
    Missing,
    /// It cannot be read, is signed by somebody else, or lacks a claim.
    #[error("the token is not valid: {0}")]
    Invalid(String),
    /// Its time is over.
    #[error("the token has expired; ask for a new one")]
    Expired,
    /// It has been taken back.
    #[error("the token has been revoked")]
    Revoked,
    /// It is good, but not for this.
    #[error("the token does not allow this: {0}")]
    Forbidden(String),
}

/// The one place where tokens are made and checked.
pub struct Auth {
    keys: Keys,
    denied: Mutex<Denied>,
}

impl Auth {
    /// With these keys and these denied ids.
    pub fn new(keys: Keys, denied: Denied) -> Auth {
        Auth { keys, denied: Mutex::new(denied) }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn mint(&self, claims: &Claims) -> Result<String, KeyError> {
        self.keys.sign(claims)
    }

    /// Reads and checks a token.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn check(&self, token: &str) -> Result<Claims, TokenError> {
        let claims = self.keys.verify(token)?;
        if self.is_denied(&claims.jti) { Err(TokenError::Revoked) } else { Ok(claims) }
    }

    /// A token that was good is still so: neither over nor taken back.
    ///
    /// # Errors
    /// It is not.
    pub fn still_holds(&self, claims: &Claims) -> Result<(), TokenError> {
        // As whoever checks a token at the door has it: to the second.
        if claims.exp.saturating_add(LEEWAY) < plugins_webrtc::token::now() {
            return Err(TokenError::Expired);
        }
        if self.is_denied(&claims.jti) { Err(TokenError::Revoked) } else { Ok(()) }
    }

    /// Takes a token back, by its id.
    ///
    /// # Errors
    /// The list of denied ids cannot be written.
    pub fn deny(&self, jti: &str) -> Result<(), plugins::part_file::FileError> {
        self.denied.lock().expect("nobody panics with this lock").add(jti)
    }

    fn is_denied(&self, jti: &str) -> bool {
        self.denied.lock().expect("nobody panics with this lock").holds(jti)
    }
}
