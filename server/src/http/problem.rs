//! Errors as RFC 9457 describes them: `application/problem+json`, with a code for programs and a cure for people.

use crate::auth::TokenError;
use crate::live::{CommandError, CreateError};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plugins_webrtc::room::{Refused, WhepError};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::openapi::{self, Content, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// A problem as it is sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// Always `about:blank`: the code says more.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: Option<&'static str>,
    /// The status.
    status: u16,
    /// A stable name for programs.
    code: &'static str,
    /// What happened.
    detail: String,
    /// What to do.
    cure: String,
}

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let content = Content::new(Some(RefOr::Ref(openapi::Ref::from_schema_name("Problem"))));
        let response = ResponseBuilder::new().description("What went wrong, and what to do.").content("application/problem+json", content);
        BTreeMap::from([("default".into(), RefOr::T(response.build()))])
    }
}

/// The media type of all problems.
const KIND: &str = "application/problem+json";
/// Bytes of what is said of a refusal in plain words.
const LONGEST: usize = 4 << 10;

/// A layer: what is refused before a handler sees it, in plain words or none at all, is told as a problem, too.
pub async fn explained(response: Response) -> Response {
    let status = response.status();
    let is_told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == KIND);
    if is_told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (head, body) = response.into_parts();
    let said = to_bytes(body, LONGEST).await.map(|said| String::from_utf8_lossy(&said).into_owned()).unwrap_or_default();
    let (code, usual) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("wrong_method", "this address does not take this method; Allow says which it takes"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the request is too large; send less"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("wrong_kind", "the body is of a kind that is not taken here; send it as it is documented"),
        _ => ("bad_request", "the request cannot be read; send it as it is documented"),
    };
    let detail = if said.is_empty() { usual.to_string() } else { format!("{said}; send it as it is documented") };
    let mut told = Problem::new(status, code, detail).into_response();
    let mut headers = head.headers;
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    told.headers_mut().extend(headers);
    told
}

/// What went wrong with a request.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    /// With a status, a stable code, and what happened and what to do.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into() }
    }

    /// There is no such session.
    pub fn no_room(room: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "no_such_room", format!("nothing is given in the room \"{room}\" now"))
    }

    /// The body of a request cannot be used.
    pub fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// Its code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { status, code, detail } = self;
        // The part after the semicolon says what to do.
        let (what, cure) = detail.split_once("; ").unwrap_or((&detail, ""));
        let (detail, cure) = (what.to_string(), cure.to_string());
        let document = Document { kind: "about:blank", title: status.canonical_reason(), status: status.as_u16(), code, detail, cure };
        let document = serde_json::to_string(&document).expect("a problem is plain data");
        let mut response = (status, [(header::CONTENT_TYPE, KIND)], Body::from(document)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Problem {
        let (status, code) = match error {
            TokenError::Missing => (StatusCode::UNAUTHORIZED, "token_missing"),
            TokenError::Invalid(_) => (StatusCode::UNAUTHORIZED, "token_invalid"),
            TokenError::Expired => (StatusCode::UNAUTHORIZED, "token_expired"),
            TokenError::Revoked => (StatusCode::UNAUTHORIZED, "token_revoked"),
            TokenError::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
        };
        Problem::new(status, code, error.to_string())
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Problem {
        let (status, code) = match error {
            CommandError::State(..) => (StatusCode::CONFLICT, "wrong_state"),
            CommandError::Content(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_command"),
            CommandError::NoTalk => (StatusCode::CONFLICT, "no_talk"),
            CommandError::Control(_) => (StatusCode::CONFLICT, "not_taken"),
        };
        Problem::new(status, code, error.to_string())
    }
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Problem {
        let (status, code) = match error {
            CreateError::Exists(_) => (StatusCode::CONFLICT, "room_exists"),
            CreateError::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "too_busy"),
            CreateError::Lesson(_) => (StatusCode::NOT_FOUND, "no_such_lesson"),
            CreateError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "cannot_be_given"),
        };
        Problem::new(status, code, error.to_string())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let (status, code) = match refused {
            Refused::Full => (StatusCode::SERVICE_UNAVAILABLE, "room_full"),
            Refused::Closed => (StatusCode::NOT_FOUND, "room_closed"),
            Refused::NoRung => (StatusCode::BAD_REQUEST, "no_such_rung"),
        };
        Problem::new(status, code, refused.to_string())
    }
}

impl From<WhepError> for Problem {
    fn from(error: WhepError) -> Problem {
        match error {
            WhepError::Refused(refused) => refused.into(),
            WhepError::Off => Problem::new(StatusCode::NOT_FOUND, "whep_off", error.to_string()),
            WhepError::BadOffer(_) => Problem::new(StatusCode::NOT_ACCEPTABLE, "bad_offer", error.to_string()),
            WhepError::Failed(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "whep_failed", error.to_string()),
        }
    }
}
