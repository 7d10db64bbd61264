//! Passwords, kept as Argon2id hashes.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::OnceLock;
use uuid::Uuid;

/// Characters of the shortest password (NIST SP 800-63B, 5.1.1.2).
const SHORTEST: usize = 8;
/// Bytes of the longest one: nobody is to make the server hash a book.
const LONGEST: usize = 1024;

/// OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).expect("these are in range"))
}

/// What is kept of a password.
///
/// # Errors
/// It is too short or too long.
pub fn hash(password: &str) -> Result<String, String> {
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return Err(format!("use {SHORTEST} characters or more, and {LONGEST} bytes at most"));
    }
    let salt = SaltString::encode_b64(Uuid::new_v4().as_bytes()).map_err(|error| error.to_string())?;
    argon2().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Is it the password of which this hash was kept? Without a hash the answer is no, after the same time.
pub fn verify(password: &str, kept: Option<&str>) -> bool {
    let right = PasswordHash::new(kept.unwrap_or_else(|| nobody()))
        .is_ok_and(|hash| password.len() <= LONGEST && argon2().verify_password(password.as_bytes(), &hash).is_ok());
    right && kept.is_some()
}

/// A hash that is as much work as any other.
fn nobody() -> &'static str {
    static NOBODY: OnceLock<String> = OnceLock::new();
    NOBODY.get_or_init(|| hash("the password of nobody").expect("it is long enough"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_account_as_much_is_worked_and_the_answer_is_no() {
        let kept = hash("correct horse battery").unwrap();
        let (kept, nobody) = (PasswordHash::new(&kept).unwrap(), PasswordHash::new(nobody()).unwrap());
        assert_eq!((kept.algorithm, kept.version, &kept.params), (nobody.algorithm, nobody.version, &nobody.params));
        assert!(!verify("the password of nobody", None));
    }
}
