//! Why a request is not answered: one sentence, and a status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::library::Unread;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Denial {
    /// A parameter is wrong; why, as a sentence.
    BadRequest(String),
    /// No token, or a wrong one.
    Unauthorized,
    /// A page of another origin asks.
    Forbidden,
    /// There is nothing, as a sentence.
    NotFound(&'static str),
    /// It is not for reading.
    MethodNotAllowed,
    /// `Host` names someone else.
    Misdirected,
    /// Too much is asked for at once.
    Busy,
    /// The ledger cannot be read.
    Unread,
}

impl Denial {
    /// The status of the answer (RFC 9110 §15).
    pub(in crate::admin) fn status(&self) -> StatusCode {
        match self {
            Denial::BadRequest(_) => StatusCode::BAD_REQUEST,
            Denial::Unauthorized => StatusCode::UNAUTHORIZED,
            Denial::Forbidden => StatusCode::FORBIDDEN,
            Denial::NotFound(_) => StatusCode::NOT_FOUND,
            Denial::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Denial::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Denial::Busy | Denial::Unread => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn sentence(&self) -> &str {
        match self {
            Denial::BadRequest(sentence) => sentence,
            Denial::Unauthorized => "The token of --admin-token is needed.",
            Denial::Forbidden => "Pages of other origins are not answered.",
            Denial::NotFound(sentence) => sentence,
            Denial::MethodNotAllowed => "This can be looked at, not changed.",
            Denial::Misdirected => "This is not the host that was asked for; --admin-host names others.",
            Denial::Busy => "Too much is asked for at once; try again in a moment.",
            Denial::Unread => "The ledger cannot be read; try again in a moment.",
        }
    }

    /// A field that belongs to the status.
    fn field(&self) -> Option<(header::HeaderName, &'static str)> {
        match self {
            Denial::Unauthorized => Some((
                header::WWW_AUTHENTICATE,
                "Basic realm=\"tallyd\", charset=\"UTF-8\", Bearer realm=\"tallyd\"",
            )),
            Denial::MethodNotAllowed => Some((header::ALLOW, "GET, HEAD")),
            Denial::Busy | Denial::Unread => Some((header::RETRY_AFTER, "2")),
            Denial::BadRequest(_) | Denial::Forbidden | Denial::NotFound(_) | Denial::Misdirected => None,
        }
    }
}

impl From<Unread> for Denial {
    fn from(unread: Unread) -> Denial {
        match unread {
            Unread::Busy => Denial::Busy,
            Unread::Failed => Denial::Unread,
        }
    }
}

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        let content = serde_json::json!({ "error": self.sentence() }).to_string();
        let mut response = (self.status(), super::json_response(content)).into_response();
        if let Some((name, value)) = self.field() {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
