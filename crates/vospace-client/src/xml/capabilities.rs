//! The capabilities document of VOSI 1.0: what a service offers, and at which URL.
//!
//! The URLs are to be followed as they stand, but for a port that a document shows that it lost ([`port`]): services name
//! other hosts too, and guessing a better one would only work by luck.

mod port;

use super::tree::Element;
use super::write::{escape, push};
use super::{XSI, XmlError};

/// Node operations.
pub const NODES: &str = "ivo://ivoa.net/std/VOSpace/v2.0#nodes";
/// Asynchronous transfers (moves).
pub const TRANSFERS: &str = "ivo://ivoa.net/std/VOSpace/v2.0#transfers";
/// Synchronous transfers (negotiation).
pub const SYNC: &str = "ivo://ivoa.net/std/VOSpace#sync-2.1";
/// Bytes by path, a prototype of CADC.
pub const FILES: &str = "ivo://ivoa.net/std/VOSpace#files-proto";
/// Recursive deletion, a prototype of CADC.
pub const RECURSIVE_DELETE: &str = "ivo://ivoa.net/std/VOSpace#recursive-delete-proto";
/// Recursive property update, a prototype of CADC.
pub const RECURSIVE_PROPERTIES: &str = "ivo://ivoa.net/std/VOSpace#recursive-nodeprops-proto";
/// Proxy certificates (Credential Delegation Protocol 1.0, §3).
pub const PROXY_CERTIFICATE: &str = "ivo://ivoa.net/std/CDP#proxy-1.0";
/// This document.
pub const CAPABILITIES: &str = "ivo://ivoa.net/std/VOSI#capabilities";
/// Whether the service is up.
pub const AVAILABILITY: &str = "ivo://ivoa.net/std/VOSI#availability";

const VOSI: &str = "http://www.ivoa.net/xml/VOSICapabilities/v1.0";
const VODATASERVICE: &str = "http://www.ivoa.net/xml/VODataService/v1.1";

/// One URL of a capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Access URL.
    pub url: String,
    /// `base` when a path is to be appended, else `full`.
    pub base: bool,
    /// Security method ids; an empty one, or an empty list, means anonymous.
    pub security_methods: Vec<String>,
}

/// One thing that the service offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// For instance [`NODES`].
    pub standard_id: String,
    /// Its URLs.
    pub interfaces: Vec<Interface>,
}

/// The whole document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// In the order of the document.
    pub capabilities: Vec<Capability>,
}

impl Capabilities {
    /// The URL of a capability for a security method (`None` = anonymous), the anonymous one if there is none for
    /// the method, else any: services list one URL for all methods, or none but theirs. Of several, `https` first.
    #[must_use]
    pub fn url(&self, standard_id: &str, method: Option<&str>) -> Option<&str> {
        let interfaces: Vec<&Interface> = self
            .capabilities
            .iter()
            .filter(|capability| capability.standard_id == standard_id)
            .flat_map(|capability| &capability.interfaces)
            .collect();
        let anonymous = |interface: &Interface| {
            interface.security_methods.is_empty() || interface.security_methods.iter().any(String::is_empty)
        };
        let wanted = |interface: &Interface| {
            method.is_some_and(|method| interface.security_methods.iter().any(|offered| offered == method))
        };
        best(&interfaces, wanted).or_else(|| best(&interfaces, anonymous)).or_else(|| best(&interfaces, |_| true))
    }
}

fn best<'a>(interfaces: &[&'a Interface], fits: impl Fn(&Interface) -> bool) -> Option<&'a str> {
    let mut urls = interfaces.iter().filter(|interface| fits(interface)).map(|interface| interface.url.as_str());
    let first = urls.next()?;
    if first.starts_with("https:") { Some(first) } else { urls.find(|url| url.starts_with("https:")).or(Some(first)) }
}

/// Reads a capabilities document.
///
/// # Errors
/// [`XmlError`] when it is broken; an interface without URL is passed over.
pub fn read(bytes: &[u8]) -> Result<Capabilities, XmlError> {
    let root = Element::document(bytes, "capabilities")?;
    let capabilities = root
        .children("capability")
        .filter_map(|capability| {
            let interfaces = capability.children("interface").flat_map(|interface| {
                let methods: Vec<String> = interface
                    .children("securityMethod")
                    .map(|method| method.attribute("standardID").unwrap_or_default().to_owned())
                    .collect();
                interface.children("accessURL").map(move |url| Interface {
                    url: url.text.trim().to_owned(),
                    base: url.attribute("use") == Some("base"),
                    security_methods: methods.clone(),
                })
            });
            Some(Capability {
                standard_id: capability.attribute("standardID")?.to_owned(),
                interfaces: interfaces.filter(|interface| !interface.url.is_empty()).collect(),
            })
        })
        .collect();
    Ok(Capabilities { capabilities })
}

/// Writes a capabilities document that the Python client takes too (it wants `xsi` declared on the root).
#[must_use]
pub fn write(capabilities: &Capabilities) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vosi:capabilities xmlns:vosi=\"{VOSI}\" \
         xmlns:vs=\"{VODATASERVICE}\" xmlns:xsi=\"{XSI}\">\n"
    );
    for capability in &capabilities.capabilities {
        push(&mut text, format_args!("<capability standardID=\"{}\">\n", escape(&capability.standard_id)));
        for interface in &capability.interfaces {
            let usage = if interface.base { "base" } else { "full" };
            text.push_str("<interface xsi:type=\"vs:ParamHTTP\" role=\"std\">");
            push(&mut text, format_args!("<accessURL use=\"{usage}\">{}</accessURL>", escape(&interface.url)));
            for method in &interface.security_methods {
                if method.is_empty() {
                    text.push_str("<securityMethod/>");
                } else {
                    push(&mut text, format_args!("<securityMethod standardID=\"{}\"/>", escape(method)));
                }
            }
            text.push_str("</interface>\n");
        }
        text.push_str("</capability>\n");
    }
    text.push_str("</vosi:capabilities>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(url: &str, methods: &[&str]) -> Interface {
        let security_methods = methods.iter().map(|&method| method.to_owned()).collect();
        Interface { url: url.to_owned(), base: true, security_methods }
    }

    #[test]
    fn a_document_is_read_back_and_the_right_url_found() {
        let document = Capabilities {
            capabilities: vec![
                Capability {
                    standard_id: NODES.to_owned(),
                    interfaces: vec![
                        interface("http://h/nodes?a=1&b", &["", "ivo://ivoa.net/sso#token"]),
                        interface("https://h/nodes", &["ivo://ivoa.net/sso#token"]),
                        interface("https://h/cert", &["ivo://ivoa.net/sso#tls-with-certificate"]),
                    ],
                },
                Capability { standard_id: SYNC.to_owned(), interfaces: vec![interface("https://h/s", &["x"])] },
            ],
        };
        let read = read(write(&document).as_bytes()).unwrap();
        assert_eq!(read, document);
        assert_eq!(read.url(NODES, None), Some("http://h/nodes?a=1&b"));
        assert_eq!(read.url(NODES, Some("ivo://ivoa.net/sso#token")), Some("https://h/nodes"));
        assert_eq!(read.url(NODES, Some("ivo://ivoa.net/sso#tls-with-certificate")), Some("https://h/cert"));
        assert_eq!(read.url(NODES, Some("ivo://ivoa.net/sso#cookie")), Some("http://h/nodes?a=1&b"));
        assert_eq!(read.url(SYNC, None), Some("https://h/s"));
        assert_eq!(read.url(FILES, None), None);
    }

    #[test]
    fn something_else_is_an_error() {
        assert!(read(b"<html><body>hello</body></html>").is_err());
        assert!(read(b"").is_err());
    }
}
