//! The documents of VOSpace 2.1, UWS 1.1 and VOSI 1.0, read and written.
//!
//! Reading is bounded and suspicious: no DOCTYPE and so no entity can be declared, nothing nests deeper or grows
//! larger than a real document does, and a document that ends too early is an error, never a shorter answer. It is
//! lenient where services differ: either namespace, any prefix, unknown elements skipped, `xsi:type` with or without prefix.
//!
//! Listings are streamed by [`read::ListingReader`]; every other document is small and read whole.

use crate::uri::UriError;

pub mod availability;
pub mod capabilities;
pub mod job;
pub mod read;
pub mod transfer;
mod tree;
pub mod write;

/// Namespace of nodes and transfers, for 2.0 and 2.1 alike (VOSpace 2.1 appendix A).
pub const VOSPACE: &str = "http://www.ivoa.net/xml/VOSpace/v2.0";
/// The same as a service spells it that made up a namespace for the minor version (pyvospace, observed).
pub const VOSPACE_21: &str = "http://www.ivoa.net/xml/VOSpace/v2.1";
/// Namespace of `xsi:type` and `xsi:nil`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed.
    #[error("the document is not well-formed XML: {0}")]
    Malformed(String),
    /// It ended before its root element did.
    #[error("the document ends too early")]
    Truncated,
    /// It declares a document type, which no service sends and only an attack needs.
    #[error("the document declares a DOCTYPE, which is refused")]
    DocType,
    /// Larger or deeper than any real document.
    #[error("the document has a part larger than {0}")]
    TooLarge(&'static str),
    /// The root is another element than expected.
    #[error("expected a {expected} document and found <{found}>")]
    Unexpected {
        /// What was asked for.
        expected: &'static str,
        /// Local name of the root element.
        found: String,
    },
    /// A required part is not there.
    #[error("the document has no {0}")]
    Missing(&'static str),
    /// A value that is not what its place demands.
    #[error("the document has the {what} '{value}', which is not valid")]
    Value {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// A node URI that cannot be.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The bytes stopped coming.
    #[error("the document could not be read to its end: {0}")]
    Io(String),
}
