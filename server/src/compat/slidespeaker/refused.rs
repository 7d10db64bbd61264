//! Why a request is refused, in the other system's words and statuses.

use crate::accounts::AccountError;
use crate::artifacts::StoreError;
use crate::auth::TokenError;
use crate::compat::fastapi::Refusal;
use crate::compat::form::FormError;
use crate::jobs::JobsError;
use crate::ledger::LedgerError;
use crate::limits::TooMany;
use crate::uploads::UploadError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::fmt::Display;

/// See the module docs.
#[derive(Debug)]
pub enum Refused {
    /// As services made with FastAPI say it.
    Plainly(Refusal),
    /// With when to come again.
    TooMany(TooMany),
}

impl Refused {
    /// With a status, and what happened and what to do.
    pub fn because(status: StatusCode, detail: impl Into<String>) -> Refused {
        Refused::Plainly(Refusal::Because(status, detail.into()))
    }

    /// What was asked for cannot be.
    pub fn bad(detail: impl Into<String>) -> Refused {
        Refused::because(StatusCode::BAD_REQUEST, detail)
    }

    /// It is not there, or somebody else's.
    pub fn missing(detail: impl Into<String>) -> Refused {
        Refused::because(StatusCode::NOT_FOUND, detail)
    }

    /// One value that cannot be: where it was, why, and what it was.
    pub fn invalid(kind: &str, place: [&str; 2], message: impl Into<String>, input: &Value) -> Refused {
        Refusal::invalid(kind, place, &message.into(), input).into()
    }

    /// As [`Refusal::failed`].
    pub fn failed(error: &dyn Display) -> Refused {
        Refusal::failed(error).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Refused::Plainly(refusal) => refusal.into_response(),
            Refused::TooMany(too_many) => too_many.into_response(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused::Plainly(refusal)
    }
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Refused {
        Refused::Plainly(error.into())
    }
}

impl From<AccountError> for Refused {
    fn from(error: AccountError) -> Refused {
        match error {
            AccountError::Taken => Refused::because(StatusCode::CONFLICT, error.to_string()),
            AccountError::Wrong => Refused::because(StatusCode::UNAUTHORIZED, error.to_string()),
            AccountError::TooMany(too_many) => Refused::TooMany(too_many),
            AccountError::Missing => Refused::missing(error.to_string()),
            AccountError::Invalid { field, why } => Refused::invalid("value_error", ["body", field], why, &Value::Null),
            AccountError::Database { .. } | AccountError::Key(_) => Refused::failed(&error),
        }
    }
}

impl From<JobsError> for Refused {
    fn from(error: JobsError) -> Refused {
        match &error {
            JobsError::Unknown(_) => Refused::missing("there is no such task"),
            JobsError::State(state, cure) => Refused::bad(format!("the task is {state}; {cure}")),
            // The rest as FastAPI's services have it.
            _ => Refusal::from(error).into(),
        }
    }
}

impl From<LedgerError> for Refused {
    fn from(error: LedgerError) -> Refused {
        JobsError::from(error).into()
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Refused {
        JobsError::from(error).into()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        match error {
            StoreError::Missing { .. } => Refused::missing("there is no such file; the task may not have made it yet"),
            StoreError::Expired { .. } => {
                Refused::missing("the file was kept as long as this server keeps files, and is gone; make it again")
            }
            error => Refusal::from(error).into(),
        }
    }
}

impl From<UploadError> for Refused {
    fn from(error: UploadError) -> Refused {
        let status = match &error {
            // The other system knows no 415.
            UploadError::Kind { .. } => StatusCode::BAD_REQUEST,
            other => other.status(),
        };
        Refused::because(status, error.to_string())
    }
}

impl From<FormError> for Refused {
    fn from(error: FormError) -> Refused {
        match error {
            FormError::File(_, error) => error.into(),
            FormError::Form(text) => Refused::bad(text),
        }
    }
}
