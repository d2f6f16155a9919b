//! What can go wrong, in one enum.
//!
//! Every error names what it was about (method and URL, file, name), says what the service said, and ends with what
//! to do. Callers decide by [`Error::kind`]; the variants exist because each carries different facts. URLs are
//! redacted when an error is made: a pre-authorised URL is a secret. What others said is shown as [`Plain`] text.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::plain::Plain;
use crate::services::SettingsError;
use crate::uri::UriError;

/// What kind of failure it is: all that a caller needs to choose an errno or an exit status.
///
/// More kinds may come; one that a program does not know is to be treated as [`ErrorKind::Service`].
///
/// ```
/// use vospace_client::{Error, ErrorKind};
///
/// /// The exit status of a program.
/// fn status(error: &Error) -> u8 {
///     match error.kind() {
///         ErrorKind::NotFound => 2,
///         ErrorKind::PermissionDenied | ErrorKind::Unauthorized => 77,
///         _ if error.is_transient() => 75,
///         _ => 1,
///     }
/// }
///
/// assert_eq!(status(&Error::node(ErrorKind::NotFound, "vos:demo/a", "not there")), 2);
/// assert_eq!(status(&Error::node(ErrorKind::Timeout, "vos:demo/a", "no answer")), 75);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No such node.
    NotFound,
    /// The caller is known and may not, or is anonymous and may not.
    PermissionDenied,
    /// The credentials are not accepted.
    Unauthorized,
    /// The name is taken.
    AlreadyExists,
    /// A container that still has children.
    NotEmpty,
    /// A container was needed.
    NotAContainer,
    /// A data node was needed.
    NotData,
    /// The node is locked or busy.
    Locked,
    /// No space left, or the quota is used up.
    QuotaExceeded,
    /// The service takes no changes at present.
    ReadOnlyService,
    /// A name that cannot be sent.
    InvalidName,
    /// The service cannot do this.
    Unsupported,
    /// Larger than the service takes.
    TooLarge,
    /// Too many links, or a cycle of them, or one that leads nowhere.
    LinkLoop,
    /// A link stands on the way to the node, and the service follows none.
    LinkInPath,
    /// The bytes are not those that the digest tells.
    ChecksumMismatch,
    /// The file was replaced while it was being read.
    VersionChanged,
    /// A range that lies outside the file.
    RangeNotSatisfiable,
    /// No answer, or no progress, in time.
    Timeout,
    /// No connection.
    Unreachable,
    /// The connection is not secure: certificate of the server, protocol.
    Tls,
    /// The client's own credentials cannot be used: missing, unreadable, expired.
    Certificate,
    /// The registry knows no such service, or it offers no such capability.
    UnknownService,
    /// An answer that makes no sense.
    Protocol,
    /// The service failed (5xx).
    Service,
    /// The service does not like the request.
    BadRequest,
    /// The root container cannot receive or give up nodes by a move.
    MoveIntoRoot,
    /// A container cannot move to where the destination's path contains its own path as text.
    MovePrefix,
    /// A local file.
    Local(io::ErrorKind),
}

impl ErrorKind {
    /// What the user can do about it.
    fn advice(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "check the path",
            ErrorKind::PermissionDenied => "ask the owner for access, or check with which credentials you are working",
            ErrorKind::Unauthorized => "renew your credentials (cadc-get-cert -u <user>, or a new token)",
            ErrorKind::AlreadyExists => "choose another name or remove what is there first",
            ErrorKind::NotEmpty => "remove its contents first",
            ErrorKind::NotAContainer => "name a container",
            ErrorKind::NotData => "name a file",
            ErrorKind::Locked => "unlock the node or try again later",
            ErrorKind::QuotaExceeded => "free some space or ask for a larger quota",
            ErrorKind::ReadOnlyService => "the service is in read-only mode: try again later",
            ErrorKind::InvalidName => "rename it",
            ErrorKind::Unsupported => "this service does not offer it",
            ErrorKind::TooLarge => "split it, or use a service with a larger limit",
            ErrorKind::LinkLoop => "repair or remove the link",
            ErrorKind::LinkInPath => "a link stands on the way: name what it leads to, which vls -l shows",
            ErrorKind::ChecksumMismatch => "try again; if it persists, report it to the service's operators",
            ErrorKind::VersionChanged => "open the file again",
            ErrorKind::RangeNotSatisfiable => "the file has become shorter: open it again",
            ErrorKind::Timeout => "try again later",
            ErrorKind::Unreachable => "check the network and the service's address",
            ErrorKind::Tls => "check the clock, and the certificate authorities (VOSPACE_CA_BUNDLE adds a PEM file)",
            ErrorKind::Certificate => "get a new certificate (cadc-get-cert -u <user>) or name another with --certfile",
            ErrorKind::UnknownService => "check the prefix or authority, and the registry (VOSPACE_REGISTRY_URL)",
            ErrorKind::Protocol => "this is not how a VOSpace service answers: check the address, or report it",
            ErrorKind::Service => "try again later",
            ErrorKind::BadRequest => "the service refuses the request",
            ErrorKind::MoveIntoRoot => "services cannot move nodes into the top level: choose a container",
            ErrorKind::MovePrefix => {
                "services refuse to move a container to a path that contains its own path as text: move it elsewhere first"
            }
            ErrorKind::Local(_) => "check the file",
        }
    }
}

/// The one error of this crate. Cheap to clone, so that everybody who waits for the same request can have it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request failed: what was asked of whom, and what came back.
    #[error("{0}")]
    Request(Box<RequestError>),
    /// A node URI or name that cannot be used.
    #[error("{}", one_line(.0))]
    Name(#[from] UriError),
    /// The client's own credentials, or its configuration.
    #[error("{what}: {reason}; {remedy}")]
    Credentials {
        /// The file or option.
        what: String,
        /// What is wrong with it.
        reason: String,
        /// How to mend it.
        remedy: String,
    },
    /// The configuration file.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The service could not be found.
    #[error("{}: {}; {}", Plain(resource_id), Plain(reason), ErrorKind::UnknownService.advice())]
    UnknownService {
        /// The service's name in the registry.
        resource_id: String,
        /// What is wrong.
        reason: String,
    },
    /// A local file.
    #[error("{}: {reason}; {}", path.display(), ErrorKind::Local(*kind).advice())]
    Local {
        /// The file.
        path: PathBuf,
        /// Kind of failure.
        kind: io::ErrorKind,
        /// What the system said.
        reason: String,
    },
    /// A failure about a node that is not of one request.
    #[error("{}: {}; {}", Plain(subject), Plain(text), kind.advice())]
    Node {
        /// Kind of failure.
        kind: ErrorKind,
        /// The node.
        subject: String,
        /// What is wrong.
        text: String,
    },
}

fn one_line(error: &UriError) -> String {
    Plain(&error.to_string()).to_string()
}

/// The facts of a failed request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestError {
    /// Kind of failure.
    pub kind: ErrorKind,
    /// Method of the request.
    pub method: String,
    /// URL without secrets.
    pub url: String,
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// What the service said, or why there is no answer.
    pub text: String,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        if let Some(status) = self.status {
            write!(f, " answered {status}")?;
        }
        if !self.text.is_empty() {
            write!(f, ": {}", Plain(&self.text))?;
        }
        write!(f, "; {}", self.kind.advice())
    }
}

impl Error {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Request(error) => error.kind,
            Error::Name(_) => ErrorKind::InvalidName,
            Error::Credentials { .. } | Error::Settings(_) => ErrorKind::Certificate,
            Error::UnknownService { .. } => ErrorKind::UnknownService,
            Error::Local { kind, .. } => ErrorKind::Local(*kind),
            Error::Node { kind, .. } => *kind,
        }
    }

    /// A failure of this kind about a node (or anything that has a name).
    pub fn node(kind: ErrorKind, subject: impl fmt::Display, text: impl Into<String>) -> Self {
        Error::Node { kind, subject: subject.to_string(), text: text.into() }
    }

    /// A failure with a local file.
    #[must_use]
    pub fn local(path: &Path, error: &io::Error) -> Self {
        Error::Local { path: path.to_owned(), kind: error.kind(), reason: error.to_string() }
    }

    /// Whether the same request may work later, without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Service | ErrorKind::ReadOnlyService
        )
    }
}

/// The causes of a failed request, without those that only say that there is one. (The library's own text has the URL in it.)
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !text.starts_with("client error (") && !texts.iter().any(|before| before.contains(&text)) {
            texts.push(text);
        }
        source = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = Error::Request(Box::new(RequestError {
            kind: ErrorKind::PermissionDenied,
            method: "GET".to_owned(),
            url: "https://h/nodes/a".to_owned(),
            status: Some(403),
            text: "PermissionDenied: vos://a~b/a".to_owned(),
        }));
        let text = error.to_string();
        for part in ["GET https://h/nodes/a", "403", "PermissionDenied", "ask the owner"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn what_a_service_says_is_shown_as_plain_text() {
        let said = "no\u{1b}[2J\nERROR made up";
        let request = RequestError {
            kind: ErrorKind::Service,
            method: "GET".to_owned(),
            url: "https://h/nodes/a".to_owned(),
            status: Some(500),
            text: said.to_owned(),
        };
        let of_another = crate::uri::VosUri::from_wire(&format!("http://{said}")).unwrap_err();
        for error in [
            Error::Request(Box::new(request)),
            Error::node(ErrorKind::Protocol, said, said),
            Error::UnknownService { resource_id: said.to_owned(), reason: said.to_owned() },
            Error::from(of_another),
        ] {
            let shown = error.to_string();
            assert!(shown.contains(r"no\u{1b}[2J ERROR made up") && !shown.contains(char::is_control), "{shown:?}");
        }
    }

    #[test]
    fn a_local_failure_names_the_file() {
        let error = Error::local(Path::new("/x/y"), &io::Error::from(io::ErrorKind::StorageFull));
        assert!(error.to_string().starts_with("/x/y: ") && error.to_string().ends_with("; check the file"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Local(io::ErrorKind::StorageFull));
    }
}
