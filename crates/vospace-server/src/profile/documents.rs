//! How documents of nodes are read and written, and how refusals are worded.

use serde::{Deserialize, Serialize};

/// The namespace of nodes and transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// That of VOSpace 2.0, which version 2.1 keeps.
    V20,
    /// One of its own for version 2.1.
    V21,
}

impl Namespace {
    /// Its URI.
    pub fn uri(self) -> &'static str {
        match self {
            Namespace::V20 => vospace_client::xml::VOSPACE,
            Namespace::V21 => "http://www.ivoa.net/xml/VOSpace/v2.1",
        }
    }

    /// The one that it is taken for by mistake.
    pub fn other(self) -> Namespace {
        match self {
            Namespace::V20 => Namespace::V21,
            Namespace::V21 => Namespace::V20,
        }
    }
}

/// What becomes of a document in the other namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherNamespace {
    /// 400.
    Refused,
    /// 500.
    Fails,
    /// Nothing in it is found: properties are dropped in silence, a link has no target and a transfer neither.
    Emptied,
}

/// How much of its children a container shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Children {
    /// As much as of itself.
    AsAsked,
    /// Names and types only, without properties and targets.
    Bare,
    /// Everything with `detail=max`, names and types with `properties`, and with `min` no child at all.
    BareUnlessAll,
}

/// How the URIs of properties of users' own are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnKeys {
    /// Kept as they are; those that look like the standard's have to be the standard's.
    Checked,
    /// Kept if their path begins with `/vospace` and they have a fragment, else 400.
    InVospace,
    /// Kept, and shown behind the namespace of the standard's: `ivo://ivoa.net/vospace/core#ivo://example.org/key`.
    Prefixed,
}

/// Which dates a node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dates {
    /// `date`, in UTC without saying so.
    Plain,
    /// `mtime` of files, as seconds since 1970 with a fraction; nothing else.
    Seconds,
    /// `date`, `btime`, `ctime` and `mtime` with `+0000`.
    Zoned,
    /// None: no profile is so, but a test may want one.
    None,
}

/// What becomes of the standard's structured and unstructured files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileTypes {
    /// They are kept apart.
    Kept,
    /// They are echoed at their creation and are plain files then.
    Forgotten,
    /// 400.
    Refused,
}

/// How a refusal is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// `NodeNotFound: detail`.
    Name,
    /// `Node Not Found. detail`.
    Words,
    /// A sentence, with the name in the header `X-VO-Fault`; what is no fault of the standard is a page of HTML with 500.
    Sentence,
}

/// Documents, as far as services differ in them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The namespace that is written and wanted.
    pub namespace: Namespace,
    /// What becomes of the other one.
    pub other_namespace: OtherNamespace,
    /// Whether the authority of the URI in a document is compared.
    pub authority_compared: bool,
    /// What stands between the parts of the authority in answers: `~` or `!`.
    pub separator: char,
    /// Whether the path in answers begins with two slashes.
    pub double_slash: bool,
    /// Whether documents are compared with the schema: a type needs a prefix, a container its `nodes`.
    pub validated: bool,
    /// Whether a document that is no XML fails with 500, and is not refused.
    pub malformed_fails: bool,
    /// Whether a root element without an end tag of its own fails.
    pub self_closing_fails: bool,
    /// Whether the answer to a creation is cut short by as many bytes as its characters outside ASCII take more than one.
    pub cut_by_characters: bool,
    /// Whether the answer to a change shows the change only.
    pub change_only: bool,
    /// What a listing shows of children.
    pub children: Children,
    /// Properties of users' own.
    pub own_keys: OwnKeys,
    /// Dates.
    pub dates: Dates,
    /// Whether checksum, media type and encoding of a file are shown.
    pub checksums: bool,
    /// Whether the length of a file is shown.
    pub lengths: bool,
    /// Whether nodes are shown to be public or not.
    pub publicity: bool,
    /// Whether `detail=max` adds what the caller may do.
    pub rights: bool,
    /// Structured and unstructured files.
    pub file_types: FileTypes,
    /// Whether a `detail` that does not exist is refused.
    pub detail_checked: bool,
    /// Refusals.
    pub wording: Wording,
}

impl Documents {
    /// As Vault has them.
    pub const CADC: Documents = Documents {
        namespace: Namespace::V20,
        other_namespace: OtherNamespace::Refused,
        authority_compared: true,
        separator: '~',
        double_slash: false,
        validated: true,
        malformed_fails: false,
        self_closing_fails: false,
        cut_by_characters: false,
        change_only: false,
        children: Children::AsAsked,
        own_keys: OwnKeys::Checked,
        dates: Dates::Plain,
        checksums: true,
        lengths: true,
        publicity: true,
        rights: true,
        file_types: FileTypes::Refused,
        detail_checked: false,
        wording: Wording::Name,
    };
}
