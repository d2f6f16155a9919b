//! Who is let in, how callers prove who they are, and what they may see.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What happens to an authorisation scheme that the service does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownScheme {
    /// The caller counts as anonymous.
    Anonymous,
    /// 401.
    Refused,
}

/// What answers to anonymous callers say of how to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Challenges {
    /// Tokens, and where a token or a certificate is to be had for a name and a password.
    Logins,
    /// Tokens, from wherever.
    Tokens,
    /// Nothing.
    None,
}

/// Identification and rights, as far as services differ in them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Whether `Authorization: Bearer` is looked at.
    pub bearer: bool,
    /// Basic and other schemes.
    pub unknown_scheme: UnknownScheme,
    /// The cookie that may have the token.
    pub cookie: Option<Cow<'static, str>>,
    /// The header that may have the token.
    pub header: Option<Cow<'static, str>>,
    /// Whether client certificates are looked at.
    pub certificates: bool,
    /// Whether tokens are those of an OIDC issuer, which is asked whose they are, if the service was started with one.
    pub issued: bool,
    /// Whether a credential that is not good counts as none, and not as a reason for 401.
    pub bad_is_anonymous: bool,
    /// Whether nothing is answered to anonymous callers but 403.
    pub members_only: bool,
    /// What anonymous callers are told.
    pub challenges: Challenges,
    /// Whether answers name the caller, in `x-vo-authenticated`.
    pub names_caller: bool,
    /// Whether every caller may see all nodes, though not their bytes.
    pub open_metadata: bool,
    /// Whether groups are named by URIs, and not by whatever words.
    pub group_uris: bool,
    /// Whether everybody may change and remove what is public.
    pub public_is_open: bool,
    /// Whether the creation of a node fails for anonymous callers, where it should be refused.
    pub anonymous_creation_fails: bool,
}

impl Access {
    /// As Vault has it.
    pub const CADC: Access = Access {
        bearer: true,
        unknown_scheme: UnknownScheme::Anonymous,
        cookie: Some(Cow::Borrowed("CADC_SSO")),
        header: None,
        certificates: true,
        issued: false,
        bad_is_anonymous: false,
        members_only: false,
        challenges: Challenges::Logins,
        names_caller: true,
        open_metadata: false,
        group_uris: true,
        public_is_open: false,
        anonymous_creation_fails: false,
    };
}
