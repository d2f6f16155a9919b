//! How services of other makers word a refusal.

use super::{Fault, FaultKind};
use crate::profile::documents::Wording;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, header};

/// The header with the name of a fault.
const FAULT: HeaderName = HeaderName::from_static("x-vo-fault");

impl Fault {
    /// The text that a service of this wording gives, without the line end.
    pub fn said(&self, wording: Wording) -> String {
        match (wording, self.sentence()) {
            (Wording::Name, _) => self.text(),
            (_, None) => self.detail.clone(),
            (Wording::Words, Some((words, _))) => format!("{words}. {}", self.detail),
            (Wording::Sentence, Some((_, sentence))) => format!("{sentence}: {}", self.detail),
        }
    }

    /// The HTTP answer in this wording.
    pub fn answer(&self, wording: Wording) -> Response<Body> {
        match wording {
            Wording::Name => self.response(),
            Wording::Words => self.bodied("text/plain", self.said(wording) + "\n"),
            Wording::Sentence if self.name().is_empty() => {
                let status = self.status();
                let reason = status.canonical_reason().unwrap_or_default();
                let title = format!("HTTP Status {} - {reason}", status.as_u16());
                self.bodied("text/html", format!("<html><body><h1>{title}</h1></body></html>"))
            }
            Wording::Sentence => {
                let mut response = self.bodied("text/plain", self.said(wording) + "\n");
                response.headers_mut().insert(FAULT, HeaderValue::from_static(self.name()));
                response
            }
        }
    }

    fn bodied(&self, content_type: &'static str, text: String) -> Response<Body> {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }

    /// The name in words, and the sentence of the standard; nothing for what it does not know.
    fn sentence(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.kind {
            FaultKind::NodeNotFound | FaultKind::UnreadableLinkTarget => {
                ("Node Not Found", "A Node does not exist with the requested URI")
            }
            FaultKind::ContainerNotFound => {
                ("Container Not Found", "A Container does not exist with the requested URI")
            }
            FaultKind::LinkFound => ("Link Found", "LinkFoundFault: the path leads through a link"),
            FaultKind::DuplicateNode => ("Duplicate Node", "A Node already exists with the requested URI"),
            FaultKind::PermissionDenied | FaultKind::NotAuthenticated => {
                ("Permission Denied", "User does not have permissions to perform the operation")
            }
            FaultKind::InvalidUri => ("Invalid URI", "The requested URI is invalid"),
            FaultKind::InvalidArgument | FaultKind::OptionNotSupported => {
                ("Invalid Argument", "A specified value is invalid")
            }
            FaultKind::TypeNotSupported => {
                ("Type Not Supported", "The type specified in xsi:type is not supported by the service")
            }
            FaultKind::ViewNotSupported => ("View Not Supported", "The service does not support the requested View"),
            FaultKind::QuotaExceeded | FaultKind::Plain(_) | FaultKind::Unavailable(_) | FaultKind::Internal => {
                return None;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maker_words_it_differently() {
        let fault = Fault::new(FaultKind::NodeNotFound, "vos://a!b/c");
        assert_eq!(fault.said(Wording::Name), "NodeNotFound: vos://a!b/c");
        assert_eq!(fault.said(Wording::Words), "Node Not Found. vos://a!b/c");
        let answer = fault.answer(Wording::Sentence);
        assert_eq!((answer.status().as_u16(), answer.headers()[FAULT].to_str().unwrap()), (404, "NodeNotFound"));
        let page = Fault::internal("SQL").answer(Wording::Sentence);
        assert_eq!((page.status().as_u16(), page.headers().get(FAULT)), (500, None));
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html");
        assert_eq!(Fault::plain(500, "'space_name'").said(Wording::Words), "'space_name'");
    }
}
