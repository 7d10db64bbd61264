//! Tokens: JSON Web Tokens (RFC 7519) signed with a shared secret, HS256.
//!
//! The one place where tokens are signed: those for LiveKit rooms, and those that the server gives to its own viewers.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign a token: {0}")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// Signs claims with HS256. `kid` names the key where a verifier has several.
///
/// # Errors
/// The claims are no JSON object.
pub fn sign(claims: &impl Serialize, kid: Option<&str>, secret: &[u8]) -> Result<String, SignError> {
    let header = Header { kid: kid.map(String::from), ..Header::new(Algorithm::HS256) };
    Ok(encode(&header, claims, &EncodingKey::from_secret(secret))?)
}

/// Seconds since 1970, as tokens count.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What a participant may do in a LiveKit room (`video` of its token).
///
/// Source: LiveKit's documentation of access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VideoGrant {
    /// The room.
    pub room: String,
    /// It may come in.
    pub room_join: bool,
    /// It may send pictures and sound.
    pub can_publish: bool,
    /// It may send data messages.
    pub can_publish_data: bool,
    /// It may take pictures and sound.
    pub can_subscribe: bool,
}

/// The attribute of a LiveKit token that says what its owner is in the lecture.
pub const ROLE: &str = "lectern.role";
/// Its value for those who may command the lecture.
pub const AUTHOR: &str = "author";

/// The claims of a LiveKit token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveKitClaims {
    /// The API key.
    pub iss: String,
    /// The participant's identity, one of a kind in its room.
    pub sub: String,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whatever others should know of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    /// The same, by name. The server passes it on, and lets nobody change it whose grants do not say so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Not valid before; a little ago, since clocks differ.
    pub nbf: u64,
    /// Not valid from then on.
    pub exp: u64,
    /// What it may do.
    pub video: VideoGrant,
}

impl LiveKitClaims {
    /// For somebody who gives a lecture: sends, and hears only data. (The publishing element receives data only when its token lets it
    /// subscribe to nothing.)
    pub fn presenter(key: &str, room: &str, identity: &str, ttl: Duration) -> LiveKitClaims {
        let video = VideoGrant { room: room.into(), room_join: true, can_publish: true, can_publish_data: true, can_subscribe: false };
        LiveKitClaims::new(key, identity, ttl, video)
    }

    /// For somebody who watches, and may send data such as `resumeStream`.
    pub fn viewer(key: &str, room: &str, identity: &str, ttl: Duration) -> LiveKitClaims {
        let video = VideoGrant { room: room.into(), room_join: true, can_publish: false, can_publish_data: true, can_subscribe: true };
        LiveKitClaims::new(key, identity, ttl, video)
    }

    /// For somebody who commands the lecture by data messages, watches it, and may send pictures and sound, too.
    pub fn author(key: &str, room: &str, identity: &str, ttl: Duration) -> LiveKitClaims {
        let video = VideoGrant { room: room.into(), room_join: true, can_publish: true, can_publish_data: true, can_subscribe: true };
        let attributes = BTreeMap::from([(ROLE.to_string(), AUTHOR.to_string())]);
        LiveKitClaims { attributes, ..LiveKitClaims::new(key, identity, ttl, video) }
    }

    fn new(key: &str, identity: &str, ttl: Duration, video: VideoGrant) -> LiveKitClaims {
        let (name, metadata, now) = (String::new(), String::new(), now());
        LiveKitClaims {
            iss: key.into(),
            sub: identity.into(),
            name,
            metadata,
            attributes: BTreeMap::new(),
            nbf: now.saturating_sub(10),
            exp: now + ttl.as_secs(),
            video,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation, decode};

    #[test]
    fn a_livekit_token_says_who_and_what_and_is_short_lived() {
        let mut claims = LiveKitClaims::viewer("key", "room-1", "eve", Duration::from_secs(3600));
        claims.name = "Eve".into();
        let token = sign(&claims, None, b"secret").unwrap();
        let read = decode::<LiveKitClaims>(&token, &DecodingKey::from_secret(b"secret"), &Validation::new(Algorithm::HS256)).unwrap();
        assert_eq!(read.claims, claims);
        assert_eq!(claims.exp - claims.nbf, 3610);
        let json = serde_json::to_value(&claims).unwrap();
        assert_eq!((&json["video"]["roomJoin"], &json["video"]["canPublish"]), (&true.into(), &false.into()));
        assert!(json.get("metadata").is_none() && json.get("attributes").is_none(), "a viewer is nothing more");
        let author = serde_json::to_value(LiveKitClaims::author("key", "room-1", "ann", Duration::from_secs(60))).unwrap();
        assert_eq!(author["attributes"], serde_json::json!({ "lectern.role": "author" }));
        assert!(decode::<LiveKitClaims>(&token, &DecodingKey::from_secret(b"other"), &Validation::new(Algorithm::HS256)).is_err());
    }
}
