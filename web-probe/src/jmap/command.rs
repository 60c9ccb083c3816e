//! What we say to a JMAP server: the request for a session, and the calls of its API (RFC 8620 section 3.3).

use probe_net::http::{Request, RequestError};
use probe_net::sasl::Credentials;
use serde_json::{Value, json};

use super::dialogue::Question;

/// What every JMAP server can do (RFC 8620 section 2).
pub(super) const CORE: &str = "urn:ietf:params:jmap:core";
/// What one with mail can do (RFC 8621 section 1.3).
pub(super) const MAIL: &str = "urn:ietf:params:jmap:mail";

/// What an echo must bring back.
pub(super) fn greeting() -> Value {
    json!({"hello": "mailprobe"})
}

/// Does nothing (RFC 8620 section 4).
pub(super) fn echo() -> Value {
    json!({"using": [CORE], "methodCalls": [["Core/echo", greeting(), "c0"]]})
}

/// Asks for all mailboxes, and of each no more than is needed (RFC 8621 section 2.1).
pub(super) fn mailboxes(account: &str) -> Value {
    let arguments = json!({
        "accountId": account,
        "ids": null,
        "properties": ["name", "role", "totalEmails", "unreadEmails"],
    });
    json!({"using": [CORE, MAIL], "methodCalls": [["Mailbox/get", arguments, "c0"]]})
}

/// The request for a question. A dialogue asks nothing of a host that is not trusted, so the credentials go along.
pub(super) fn request(
    question: &Question,
    credentials: Option<&Credentials>,
) -> Result<Request, RequestError> {
    let request = match &question.call {
        None => Request::get(question.url.clone()),
        Some(call) => Request::post(question.url.clone(), call.to_string())
            .with_header("content-type", "application/json")?,
    };
    let request = request
        .taking_gzip()
        .with_header("accept", "application/json")?;
    match credentials {
        Some(credentials) => request.with_credentials(credentials),
        None => Ok(request),
    }
}
