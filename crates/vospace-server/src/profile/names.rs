//! Which names there are, and what becomes of them between a request and the store.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How the length of names is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Longest {
    /// In characters, as a database does.
    Characters(usize),
    /// In bytes, as a file system does.
    Bytes(usize),
}

impl Longest {
    /// Whether a name is short enough.
    pub fn takes(self, name: &str) -> bool {
        match self {
            Longest::Characters(most) => name.chars().count() <= most,
            Longest::Bytes(most) => name.len() <= most,
        }
    }
}

/// How the path of a request is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoding {
    /// Twice: by the servlet container, and again when it is pasted into a URI. `#` and `?` cut it.
    Twice,
    /// By the servlet container, which also cuts what follows a `;`.
    Servlet,
    /// Once, and then `#`, `?` and `;` cut it.
    Cut,
}

/// What the root is as a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// A container like others.
    Listed,
    /// A container, at `/nodes/` and not at `/nodes`.
    WithSlash,
    /// 500.
    Fails,
}

/// Names, as far as services differ in them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// How paths of requests are decoded.
    pub decoding: Decoding,
    /// Whether names stand in URIs of documents as they are, and `%` there is a character like others.
    pub raw_in_documents: bool,
    /// The characters beside letters, digits and `_` of ASCII that a name may have; without it, all.
    pub legal: Option<Cow<'static, str>>,
    /// The characters at which the service fails, though they are legal.
    pub failing: Cow<'static, str>,
    /// Longest name; a longer one is a failure, not a refusal.
    pub longest: Longest,
    /// Whether a path must not end with a slash.
    pub slash_refused: bool,
    /// What the root is.
    pub root: Root,
}

impl Names {
    /// As Vault has them.
    pub const CADC: Names = Names {
        decoding: Decoding::Twice,
        raw_in_documents: false,
        legal: None,
        failing: Cow::Borrowed(""),
        longest: Longest::Characters(512),
        slash_refused: false,
        root: Root::Listed,
    };
}
