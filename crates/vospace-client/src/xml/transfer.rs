//! The transfer document of VOSpace 2.1 §3.6: what is to move where, and where the bytes can be fetched or put.

use super::tree::Element;
use super::write::{escape, push};
use super::{VOSPACE, XmlError};

/// Protocol URI for reading over http.
pub const HTTP_GET: &str = "ivo://ivoa.net/vospace/core#httpget";
/// Protocol URI for writing over http.
pub const HTTP_PUT: &str = "ivo://ivoa.net/vospace/core#httpput";
/// Protocol URI for reading over https.
pub const HTTPS_GET: &str = "ivo://ivoa.net/vospace/core#httpsget";
/// Protocol URI for writing over https.
pub const HTTPS_PUT: &str = "ivo://ivoa.net/vospace/core#httpsput";

/// Security method for bearer tokens.
pub const SECURITY_TOKEN: &str = "ivo://ivoa.net/sso#token";
/// Security method for client certificates.
pub const SECURITY_CERTIFICATE: &str = "ivo://ivoa.net/sso#tls-with-certificate";
/// Security method for a user name and password.
pub const SECURITY_BASIC: &str = "ivo://ivoa.net/sso#BasicAA";
/// A cookie.
pub const SECURITY_COOKIE: &str = "ivo://ivoa.net/sso#cookie";

/// What a transfer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direction {
    /// The client will PUT.
    PushToVoSpace,
    /// The client will GET.
    PullFromVoSpace,
    /// The service fetches from a URL.
    PullToVoSpace,
    /// The service sends to a URL.
    PushFromVoSpace,
    /// Move or copy to this node URI.
    Node(String),
    /// Anything else, kept as it was.
    Other(String),
}

impl Direction {
    /// The text in a document.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Direction::PushToVoSpace => "pushToVoSpace",
            Direction::PullFromVoSpace => "pullFromVoSpace",
            Direction::PullToVoSpace => "pullToVoSpace",
            Direction::PushFromVoSpace => "pushFromVoSpace",
            Direction::Node(text) | Direction::Other(text) => text,
        }
    }
}

impl From<&str> for Direction {
    fn from(text: &str) -> Self {
        match text {
            "pushToVoSpace" => Direction::PushToVoSpace,
            "pullFromVoSpace" => Direction::PullFromVoSpace,
            "pullToVoSpace" => Direction::PullToVoSpace,
            "pushFromVoSpace" => Direction::PushFromVoSpace,
            text if text.starts_with("vos:") => Direction::Node(text.to_owned()),
            text => Direction::Other(text.to_owned()),
        }
    }
}

/// One way to transfer the bytes: asked for, or offered with an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protocol {
    /// For instance [`HTTPS_PUT`].
    pub uri: String,
    /// Where, in an answer. May carry its own grant: a secret.
    pub endpoint: Option<String>,
    /// Security methods; none means anonymous.
    pub security_methods: Vec<String>,
}

/// A transfer document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Node URIs; one, except for packages. Kept as text: the service decides what it takes.
    pub targets: Vec<String>,
    /// What is to be done.
    pub direction: Direction,
    /// URI of the view.
    pub view: Option<String>,
    /// Protocols, in order of preference or in the order offered.
    pub protocols: Vec<Protocol>,
    /// For node directions: false moves, true copies. Absent counts as true on CADC services.
    pub keep_bytes: Option<bool>,
    /// Other parameters, URI and value.
    pub params: Vec<(String, String)>,
}

impl Transfer {
    /// A transfer of one target with nothing else set.
    #[must_use]
    pub fn new(target: impl Into<String>, direction: Direction) -> Self {
        Transfer {
            targets: vec![target.into()],
            direction,
            view: None,
            protocols: Vec::new(),
            keep_bytes: None,
            params: Vec::new(),
        }
    }

    /// The first target.
    #[must_use]
    pub fn target(&self) -> &str {
        self.targets.first().map(String::as_str).unwrap_or_default()
    }
}

/// Reads a transfer document.
///
/// # Errors
/// [`XmlError`] when it is broken or lacks target or direction.
pub fn read(bytes: &[u8]) -> Result<Transfer, XmlError> {
    from_element(&Element::document(bytes, "transfer")?)
}

pub(super) fn from_element(root: &Element) -> Result<Transfer, XmlError> {
    let targets: Vec<String> = root.children("target").map(|target| target.text.trim().to_owned()).collect();
    if targets.is_empty() || targets.iter().any(String::is_empty) {
        return Err(XmlError::Missing("transfer target"));
    }
    let direction = root.child_text("direction").ok_or(XmlError::Missing("transfer direction"))?.into();
    let protocols = root
        .children("protocol")
        .map(|protocol| {
            Ok(Protocol {
                uri: protocol.attribute("uri").ok_or(XmlError::Missing("protocol uri"))?.to_owned(),
                endpoint: protocol.child_text("endpoint").map(str::to_owned),
                security_methods: protocol
                    .children("securityMethod")
                    .filter_map(|method| method.attribute("uri"))
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .collect::<Result<_, XmlError>>()?;
    let keep_bytes = match root.child_text("keepBytes") {
        None => None,
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        Some(other) => return Err(XmlError::Value { what: "keepBytes", value: other.to_owned() }),
    };
    let params = root
        .children("param")
        .filter_map(|param| Some((param.attribute("uri")?.to_owned(), param.text.trim().to_owned())))
        .collect();
    let view = root.child("view").and_then(|view| view.attribute("uri")).map(str::to_owned);
    Ok(Transfer { targets, direction, view, protocols, keep_bytes, params })
}

/// Writes a transfer document, in the order that the schema demands.
#[must_use]
pub fn write(transfer: &Transfer) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    write_element(&mut text, transfer, VOSPACE);
    text
}

/// Writes one to be sent to a service: without an XML declaration, which one refuses and none needs (Astro Data Lab,
/// observed).
#[must_use]
pub fn request(transfer: &Transfer, namespace: &str) -> String {
    let mut text = String::new();
    write_element(&mut text, transfer, namespace);
    text
}

/// The namespace comes first in the root: a service looks for it there, as text (Astro Data Lab, observed).
pub(super) fn write_element(text: &mut String, transfer: &Transfer, namespace: &str) {
    push(text, format_args!("<vos:transfer xmlns:vos=\"{namespace}\" version=\"2.1\">\n"));
    for target in &transfer.targets {
        push(text, format_args!("<vos:target>{}</vos:target>\n", escape(target)));
    }
    push(text, format_args!("<vos:direction>{}</vos:direction>\n", escape(transfer.direction.as_str())));
    if let Some(view) = &transfer.view {
        push(text, format_args!("<vos:view uri=\"{}\"/>\n", escape(view)));
    }
    for protocol in &transfer.protocols {
        push(text, format_args!("<vos:protocol uri=\"{}\">", escape(&protocol.uri)));
        if let Some(endpoint) = &protocol.endpoint {
            push(text, format_args!("<vos:endpoint>{}</vos:endpoint>", escape(endpoint)));
        }
        for method in &protocol.security_methods {
            push(text, format_args!("<vos:securityMethod uri=\"{}\"/>", escape(method)));
        }
        text.push_str("</vos:protocol>\n");
    }
    if let Some(keep) = transfer.keep_bytes {
        push(text, format_args!("<vos:keepBytes>{keep}</vos:keepBytes>\n"));
    }
    for (uri, value) in &transfer.params {
        push(text, format_args!("<vos:param uri=\"{}\">{}</vos:param>\n", escape(uri), escape(value)));
    }
    text.push_str("</vos:transfer>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_read_back() {
        let mut transfer = Transfer::new("vos://a~b/c&d", Direction::PushToVoSpace);
        transfer.view = Some("ivo://ivoa.net/vospace/core#defaultview".to_owned());
        transfer.protocols.push(Protocol {
            uri: HTTPS_PUT.to_owned(),
            endpoint: Some("https://h/x?a=1&b=2".to_owned()),
            security_methods: vec![SECURITY_TOKEN.to_owned()],
        });
        transfer.protocols.push(Protocol { uri: HTTP_PUT.to_owned(), ..Protocol::default() });
        transfer.keep_bytes = Some(false);
        transfer.params.push(("ivo://ivoa.net/vospace/core#length".to_owned(), "12".to_owned()));
        assert_eq!(read(write(&transfer).as_bytes()).unwrap(), transfer);
        let request = request(&transfer, super::super::VOSPACE_21);
        let head = "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.1\" version=\"2.1\">";
        assert!(request.starts_with(head), "{request}");
        assert_eq!(super::read(request.as_bytes()).unwrap(), transfer);
    }

    #[test]
    fn a_node_direction_is_a_move_or_copy() {
        let text = write(&Transfer::new("vos://a~b/c", Direction::Node("vos://a~b/d".to_owned())));
        let read = read(text.as_bytes()).unwrap();
        assert_eq!((read.direction, read.keep_bytes), (Direction::Node("vos://a~b/d".to_owned()), None));
    }

    #[test]
    fn incomplete_documents_are_errors() {
        let whole = write(&Transfer::new("vos://a~b/c", Direction::PullFromVoSpace));
        assert!(read(whole.replace("pullFromVoSpace", " ").as_bytes()).is_err());
        assert!(read(whole.replace("vos://a~b/c", "").as_bytes()).is_err());
        assert!(read(&whole.as_bytes()[..whole.len() - 5]).is_err());
        assert!(read(b"").is_err());
    }
}
