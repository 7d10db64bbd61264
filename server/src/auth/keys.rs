//! The keys that sign and check tokens.
//!
//! Lectern's own secret is the setting `auth.secret`, by the environment `LECTERN_AUTH_SECRET` or `LECTERN_JWT_SECRET`, or the content of
//! the file that one of these names with `_FILE` behind it. Without any of them one is made at the first use and kept in the state folder,
//! readable by its owner only: good for a server on loopback, where `lectern token` of the same user finds it, too. Tokens of others are
//! accepted by keys of `LECTERN_JWT_KEYS`, a JSON file:
//! `[{"kid": "campus", "alg": "ES256", "pem": "-----BEGIN PUBLIC KEY-----…"}]`. The algorithm belongs to the key and is never taken from
//! a token's header.

use super::TokenError;
use super::claims::{Claims, ISSUER};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use plugins_webrtc::token::{SignError, sign};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Seconds by which clocks may differ.
pub const LEEWAY: u64 = 10;
/// The id of Lectern's own key.
const OWN: &str = "lectern";
/// Bytes of a secret. RFC 7518, 3.2: a key as long as the hash at least.
pub const SHORTEST: usize = 32;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file with keys cannot be read or written.
    #[error("cannot use the key file {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The secret is too short to protect anything.
    #[error("the secret in {0} is {1} bytes long; use at least 32, for example from `openssl rand -hex 32`")]
    Short(&'static str, usize),
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A key of somebody else, as in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignKey {
    kid: String,
    alg: Algorithm,
    pem: Option<String>,
    secret: Option<String>,
}

/// See the module docs.
pub struct Keys {
    secret: Vec<u8>,
    checks: HashMap<String, (DecodingKey, Validation)>,
}

impl Keys {
    /// With the secret that is kept in a folder, made there if need be.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn kept_in(folder: &Path) -> Result<Keys, KeyError> {
        Keys::new(kept(&folder.join("jwt-secret"))?, "jwt-secret")
    }

    /// With one secret.
    ///
    /// # Errors
    /// It is too short.
    pub fn new(secret: Vec<u8>, name: &'static str) -> Result<Keys, KeyError> {
        if secret.len() < SHORTEST {
            return Err(KeyError::Short(name, secret.len()));
        }
        let check = (DecodingKey::from_secret(&secret), rules(Algorithm::HS256));
        Ok(Keys { secret, checks: HashMap::from([(OWN.into(), check)]) })
    }

    /// With the keys of a file as well.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn with_file(mut self, path: &Path) -> Result<Keys, KeyError> {
        let wrong = |cause: String| KeyError::File { path: path.into(), cause };
        let keys: Vec<ForeignKey> = serde_json::from_str(&read(path)?).map_err(|error| wrong(error.to_string()))?;
        for ForeignKey { kid, alg, pem, secret } in keys {
            let bad = |error: jsonwebtoken::errors::Error| wrong(format!("key \"{kid}\": {error}"));
            let key = match (alg, pem, secret) {
                (Algorithm::RS256, Some(pem), None) => DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(bad)?,
                (Algorithm::ES256, Some(pem), None) => DecodingKey::from_ec_pem(pem.as_bytes()).map_err(bad)?,
                (Algorithm::HS256, None, Some(secret)) if secret.len() >= SHORTEST => DecodingKey::from_secret(secret.as_bytes()),
                _ => {
                    return Err(wrong(format!(
                        "key \"{kid}\": write alg RS256 or ES256 with pem, or HS256 with a secret of 32 bytes or more"
                    )));
                }
            };
            if kid == OWN {
                return Err(wrong(format!("the id \"{OWN}\" is taken by the server's own key")));
            }
            self.checks.insert(kid, (key, rules(alg)));
        }
        Ok(self)
    }

    /// Signs with the own key.
    pub(super) fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        Ok(sign(claims, Some(OWN), &self.secret)?)
    }

    pub(super) fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let invalid = |error: jsonwebtoken::errors::Error| match error.kind() {
            ErrorKind::ExpiredSignature => TokenError::Expired,
            ErrorKind::InvalidSignature => TokenError::Invalid("it is signed with another key".into()),
            kind => TokenError::Invalid(format!("{kind:?}")),
        };
        let kid = decode_header(token).map_err(|_| TokenError::Invalid("it is no token".into()))?.kid;
        let (key, rules) = self
            .checks
            .get(kid.as_deref().unwrap_or(OWN))
            .ok_or_else(|| TokenError::Invalid("it names a key that is not known here".into()))?;
        decode::<Claims>(token, key, rules).map(|token| token.claims).map_err(invalid)
    }
}

/// What a token must be like to be looked at.
fn rules(algorithm: Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[ISSUER]);
    rules.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
    rules.validate_nbf = true;
    rules.leeway = LEEWAY;
    rules
}

fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|error| KeyError::File { path: path.into(), cause: error.to_string() })
}

/// The secret that is kept in a file, or a new one.
fn kept(path: &Path) -> Result<Vec<u8>, KeyError> {
    let failed = |error: std::io::Error| KeyError::File { path: path.into(), cause: error.to_string() };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let secret: String = (0..2).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
            file.write_all(secret.as_bytes()).map_err(failed)?;
            Ok(secret.into_bytes())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(read(path)?.into_bytes()),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;
    use serde_json::json;
    use std::time::Duration;

    fn keys() -> Keys {
        Keys::new(vec![7; 32], "a test").unwrap()
    }

    fn claims(change: impl FnOnce(&mut Claims)) -> Claims {
        let mut claims = Claims::new(Role::Viewer, Some("demo".into()), "eve", Duration::from_secs(60));
        change(&mut claims);
        claims
    }

    #[test]
    fn a_token_is_accepted_as_it_was_made() {
        let made = claims(|_| {});
        assert_eq!(keys().verify(&keys().sign(&made).unwrap()), Ok(made));
    }

    #[test]
    fn what_is_over_foreign_or_unfinished_is_refused() {
        let check = |change: fn(&mut Claims)| keys().verify(&keys().sign(&claims(change)).unwrap());
        assert_eq!(check(|claims| claims.exp = claims.iat - 11), Err(TokenError::Expired));
        assert!(check(|claims| claims.exp = claims.iat - 5).is_ok(), "clocks may differ by ten seconds");
        assert!(matches!(check(|claims| claims.nbf = claims.iat + 60), Err(TokenError::Invalid(_))));
        assert!(matches!(check(|claims| claims.iss = "other".into()), Err(TokenError::Invalid(_))));
        assert!(matches!(check(|claims| claims.aud = "other".into()), Err(TokenError::Invalid(_))));
        let other = Keys::new(vec![8; 32], "a test").unwrap().sign(&claims(|_| {})).unwrap();
        assert_eq!(keys().verify(&other), Err(TokenError::Invalid("it is signed with another key".into())));
        assert!(matches!(keys().verify("no token"), Err(TokenError::Invalid(_))));
        assert!(matches!(Keys::new(vec![1; 31], "a test"), Err(KeyError::Short("a test", 31))));
    }

    #[test]
    fn the_algorithm_belongs_to_the_key() {
        // A token that says HS512 in its header, signed with the right secret.
        let header = jsonwebtoken::Header { kid: Some(OWN.into()), ..jsonwebtoken::Header::new(Algorithm::HS512) };
        let token = jsonwebtoken::encode(&header, &claims(|_| {}), &jsonwebtoken::EncodingKey::from_secret(&[7; 32])).unwrap();
        assert!(matches!(keys().verify(&token), Err(TokenError::Invalid(_))));
        let unknown = sign(&claims(|_| {}), Some("nobody"), &[7; 32]).unwrap();
        assert!(matches!(keys().verify(&unknown), Err(TokenError::Invalid(_))));
    }

    /// A key of 2048 bits, and an author's token (sub "ann", until 2100) that its other half, which nobody has kept, has signed.
    const RSA: &str = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnzgMQ10DjdRw+qu1Qw2e\n5tnNcD24VY0W0IDNyAAefSc0tSyLjuS4zimSIi2vJ5LBf2ZC93bNWFjwrDVJ5G7n\ngvZms2oY+DlWYZylzun0gbJ/3LsomMhcFYzRECAxMGxvDBSd2pxVwx1SJWZCnIBs\nRkaJVxvq1dNvJ0AJtiypHZ7HgP+QL3vpfxPhJvdmkqyf4Lall6Tebxv8RzaKrc4H\noSUnwIoUKPDF2s53uyb8vLbeMiQfLQ7ie4CcCnAP9FXslKhmYJQBPWupHU70s0gg\nCQa/XfQl3BdBTyaXVDjC9nvzHGbgyS22MoHIwv96+Bi6MpYPyLo75SOubAfDTv8k\n7QIDAQAB\n-----END PUBLIC KEY-----\n";
    const OF_RSA: &str = concat!(
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6ImxpYnJhcnkifQ.eyJpc3MiOiJsZWN0ZXJuIiwiYXVkIjoibGVjdGVybiIsInN1YiI",
        "6ImFubiIsImp0aSI6Im9uZSIsImlhdCI6MTcwMDAwMDAwMCwibmJmIjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDAsInJvbGUiOiJhdXRob",
        "3IifQ.A9od_vLSuJ9uDDA1bnxpuzxs0p2aN02e4QFZKHgCivOlsxtFb-BVRvPXYFqujGyNwJgO23g7AIU1SEfIEYLux7P4TgMstzNzcWS690Zz",
        "0Q-XiBOHpL0g9v7jRYGnMdAxBtNUktWI_-X2VyqN9sNwhcIA4aUcKrr4sL05Ux6n2DHDSsuB5S4Zk3T_Lw8qw1OOWYUkz5xnY_5zbvRj8yIF2K",
        "ckzMCSAUsrcHxyP0uMn-oIfaylVkJ9sahnxYcvSjmzURrq3B3wjyTBVjEvZGvo2cx3sKp7HZCcX-T6K75l_wy5iNPZtPO0KXGjhnUKFMHEcMVV",
        "i04oRa3k-sjYIoazdA",
    );

    /// With a file of these keys.
    fn with(keys_of_others: &serde_json::Value) -> Result<Keys, KeyError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        fs::write(&path, keys_of_others.to_string()).unwrap();
        keys().with_file(&path)
    }

    #[test]
    fn tokens_of_others_are_accepted_by_the_keys_of_a_file() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let all = with(&json!([
            { "kid": "library", "alg": "RS256", "pem": RSA },
            { "kid": "campus", "alg": "ES256", "pem": pair.public_key_pem() },
            { "kid": "shared", "alg": "HS256", "secret": "0123456789abcdef0123456789abcdef" },
        ]))
        .unwrap();
        assert_eq!(all.verify(OF_RSA).map(|claims| (claims.sub, claims.role)), Ok(("ann".into(), Role::Author)));
        let elliptic = jsonwebtoken::EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let sign = |kid: &str, change: fn(&mut Claims)| {
            let header = jsonwebtoken::Header { kid: Some(kid.into()), ..jsonwebtoken::Header::new(Algorithm::ES256) };
            jsonwebtoken::encode(&header, &claims(change), &elliptic).unwrap()
        };
        assert_eq!(all.verify(&sign("campus", |_| {})).map(|claims| claims.sub), Ok("eve".into()));
        assert_eq!(all.verify(&sign("campus", |claims| claims.exp = claims.iat - 11)), Err(TokenError::Expired));
        assert!(matches!(all.verify(&sign("campus", |claims| claims.aud = "other".into())), Err(TokenError::Invalid(_))));
        for other in ["library", "shared", OWN, "nobody"] {
            assert!(matches!(all.verify(&sign(other, |_| {})), Err(TokenError::Invalid(_))), "{other} is somebody else's key");
        }
        // Whoever has the public key signs nothing with it, and the server's own tokens are good as before.
        let forged = super::sign(&claims(|_| {}), Some("library"), RSA.as_bytes()).unwrap();
        assert!(matches!(all.verify(&forged), Err(TokenError::Invalid(_))));
        assert!(all.verify(&all.sign(&claims(|_| {})).unwrap()).is_ok());
        assert!(matches!(keys().verify(OF_RSA), Err(TokenError::Invalid(_))), "without the file it is nobody's");
    }

    #[test]
    fn keys_of_others_that_cannot_be_used_are_named() {
        let wrong = |keys: serde_json::Value| with(&keys).err().unwrap().to_string();
        for (key, cause) in [
            (json!({ "kid": "a", "alg": "RS256", "pem": "-----BEGIN" }), "key \"a\": "),
            (json!({ "kid": "a", "alg": "ES256", "pem": RSA }), "key \"a\": "),
            (json!({ "kid": "a", "alg": "HS256", "secret": "short" }), "key \"a\": write alg RS256 or ES256 with pem"),
            (json!({ "kid": "a", "alg": "RS384", "pem": RSA }), "key \"a\": write alg RS256 or ES256 with pem"),
            (json!({ "kid": OWN, "alg": "RS256", "pem": RSA }), "the id \"lectern\" is taken"),
            (json!({ "kid": "a", "alg": "RS256", "pen": RSA }), "unknown field `pen`"),
        ] {
            let error = wrong(json!([key]));
            assert!(error.contains("keys.json: ") && error.contains(cause), "{error}");
        }
        assert!(matches!(keys().with_file(Path::new("/nowhere")), Err(KeyError::File { .. })));
    }

    #[test]
    fn a_secret_that_nobody_gave_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/jwt-secret");
        let first = kept(&path).unwrap();
        assert_eq!((first.len(), kept(&path).unwrap()), (64, first.clone()));
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
