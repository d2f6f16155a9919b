//! Faults: what the service answers when it does not do what was asked.
//!
//! One value travels from the node store up to the HTTP answer or into a job's error summary. A fault has the name that
//! VOSpace 2.1 gives it (or the one that CADC's services added), and a detail; [`Fault::text`] is the text that Vault
//! and Cavern send: `Name: detail`. The HTTP status follows from the name. A fault never carries a credential, and an
//! internal failure tells its cause to the log and to the client alike, as the real services do.

mod wording;

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of fault it is; decides name and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum FaultKind {
    /// 404, the node is not there.
    NodeNotFound,
    /// 404, the parent is missing or is not a container.
    ContainerNotFound,
    /// 404, a link leads nowhere, or round in a circle.
    UnreadableLinkTarget,
    /// 400, a link stands in the path, and this service does not follow it.
    LinkFound,
    /// 409, the name is taken.
    DuplicateNode,
    /// 403.
    PermissionDenied,
    /// 401, the credential that was presented is not good.
    NotAuthenticated,
    /// 400.
    InvalidUri,
    /// 400.
    InvalidArgument,
    /// 400, a node type that this service does not keep.
    TypeNotSupported,
    /// 400, a view that this service does not offer.
    ViewNotSupported,
    /// 400, an option of the request that this service refuses (Cavern's `uri`).
    OptionNotSupported,
    /// 413, the quota is used up.
    QuotaExceeded,
    /// Some other status with a bare text.
    Plain(u16),
    /// 503 with `Retry-After` in seconds.
    Unavailable(u32),
    /// 500.
    Internal,
}

/// A refused or failed operation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Fault {
    kind: FaultKind,
    detail: String,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Fault {
        Fault { kind, detail: detail.into() }
    }

    /// A bare text with this status.
    pub fn plain(status: u16, text: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Plain(status), text)
    }

    /// 400 `InvalidArgument`.
    pub fn argument(detail: impl Into<String>) -> Fault {
        Fault::new(FaultKind::InvalidArgument, detail)
    }

    /// 403 `PermissionDenied`.
    pub fn denied(what: impl fmt::Display) -> Fault {
        Fault::new(FaultKind::PermissionDenied, what.to_string())
    }

    /// 500; the cause goes to the log as well.
    pub fn internal(cause: impl fmt::Display) -> Fault {
        let cause = cause.to_string();
        tracing::error!(%cause, "internal failure");
        Fault::new(FaultKind::Internal, cause)
    }

    /// The kind.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The detail without the name.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        let code = match self.kind {
            FaultKind::NodeNotFound | FaultKind::ContainerNotFound | FaultKind::UnreadableLinkTarget => 404,
            FaultKind::DuplicateNode => 409,
            FaultKind::PermissionDenied => 403,
            FaultKind::NotAuthenticated => 401,
            FaultKind::LinkFound
            | FaultKind::InvalidUri
            | FaultKind::InvalidArgument
            | FaultKind::TypeNotSupported
            | FaultKind::ViewNotSupported
            | FaultKind::OptionNotSupported => 400,
            FaultKind::QuotaExceeded => 413,
            FaultKind::Plain(status) => status,
            FaultKind::Unavailable(_) => 503,
            FaultKind::Internal => 500,
        };
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The words of the standard for the summary of a failed job; faults that it does not know are internal.
    pub fn words(&self) -> &'static str {
        match self.kind {
            FaultKind::NodeNotFound | FaultKind::ContainerNotFound | FaultKind::UnreadableLinkTarget => {
                "Node Not Found"
            }
            FaultKind::DuplicateNode => "Duplicate Node",
            FaultKind::PermissionDenied | FaultKind::NotAuthenticated => "Permission Denied",
            FaultKind::InvalidUri | FaultKind::LinkFound => "Invalid URI",
            FaultKind::InvalidArgument | FaultKind::OptionNotSupported | FaultKind::TypeNotSupported => {
                "Invalid Argument"
            }
            FaultKind::ViewNotSupported => "View Not Supported",
            FaultKind::QuotaExceeded | FaultKind::Plain(_) | FaultKind::Unavailable(_) | FaultKind::Internal => {
                "Internal Fault"
            }
        }
    }

    /// The name of the fault; empty for those that have none.
    pub fn name(&self) -> &'static str {
        match self.kind {
            FaultKind::NodeNotFound => "NodeNotFound",
            FaultKind::ContainerNotFound => "ContainerNotFound",
            FaultKind::UnreadableLinkTarget => "UnreadableLinkTarget",
            FaultKind::LinkFound => "LinkFound",
            FaultKind::DuplicateNode => "DuplicateNode",
            FaultKind::PermissionDenied => "PermissionDenied",
            FaultKind::NotAuthenticated => "NotAuthenticated",
            FaultKind::InvalidUri => "InvalidURI",
            FaultKind::InvalidArgument => "InvalidArgument",
            FaultKind::TypeNotSupported => "TypeNotSupported",
            FaultKind::ViewNotSupported => "ViewNotSupported",
            FaultKind::OptionNotSupported => "OptionNotSupported",
            FaultKind::QuotaExceeded => "QuotaExceeded",
            FaultKind::Plain(_) | FaultKind::Unavailable(_) | FaultKind::Internal => "",
        }
    }

    /// The text of the answer, without the line end.
    pub fn text(&self) -> String {
        let (name, detail) = (self.name(), &self.detail);
        match self.kind {
            FaultKind::ViewNotSupported => format!("ViewNotSupported ({detail})"),
            FaultKind::Plain(_) | FaultKind::Unavailable(_) => detail.clone(),
            FaultKind::Internal => format!("unexpected exception: {detail}"),
            _ if detail.is_empty() => name.to_owned(),
            _ => format!("{name}: {detail}"),
        }
    }

    /// The HTTP answer: `text/plain`, the text and a line end.
    pub fn response(&self) -> Response<Body> {
        let mut builder = Response::builder().status(self.status()).header(header::CONTENT_TYPE, "text/plain");
        if let FaultKind::Unavailable(seconds) = self.kind {
            builder = builder.header(header::RETRY_AFTER, seconds);
        }
        builder.body(Body::from(self.text() + "\n")).expect("invariant: fixed headers make a valid answer")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for Fault {}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::internal(format!("node store: {error}"))
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        Fault::internal(format!("byte store: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_services() {
        let fault = Fault::new(FaultKind::NodeNotFound, "vos://cadc.nrc.ca~vault/x");
        assert_eq!(fault.text(), "NodeNotFound: vos://cadc.nrc.ca~vault/x");
        assert_eq!(fault.status(), 404);
        assert_eq!(Fault::denied("").text(), "PermissionDenied");
        assert_eq!(Fault::plain(400, "container node 'd' is not empty").text(), "container node 'd' is not empty");
    }
}
