//! Addresses: URIs of nodes, and which names a service lets through, in either direction.
//!
//! Most services decode the path of a URI; one takes it as it stands and cuts it where a URL would be cut, so that a name
//! leads to another node than it says. What a name must not have is looked at here too.

use super::Space;
use crate::fault::{Fault, FaultKind};
use crate::names;
use crate::profile::names::Decoding;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vospace_client::uri::{UriError, VosUri};

impl Space {
    /// The URI of the node at a path, as this service writes it.
    pub fn uri(&self, path: &str) -> String {
        self.written(&VosUri::new(self.authority, path))
    }

    /// A URI as this service writes it.
    pub fn written(&self, uri: &VosUri) -> String {
        let documents = &self.profile.documents;
        let wire = uri.to_wire();
        let (_, path) = wire["vos://".len()..].split_once('/').unwrap_or_default();
        let path = if self.profile.names.raw_in_documents { uri.path().trim_start_matches('/') } else { path };
        let authority = uri.authority().replace('~', documents.separator.encode_utf8(&mut [0; 4]));
        match (documents.double_slash, path) {
            (true, path) => format!("vos://{authority}//{path}"),
            (false, "") => format!("vos://{authority}"),
            (false, path) => format!("vos://{authority}/{path}"),
        }
    }

    /// Reads a URI out of a request.
    ///
    /// # Errors
    /// [`UriError`] when it is no URI of a node.
    pub fn parsed(&self, text: &str) -> Result<VosUri, UriError> {
        if !self.profile.names.raw_in_documents {
            return VosUri::from_wire(text);
        }
        let uri = VosUri::from_wire(&text.replace('%', "%25"))?;
        Ok(VosUri::new(uri.authority(), &self.cut(uri.path().to_owned())))
    }

    /// The path that a URI of a request names. The authority is not looked at: the real services do not either.
    pub fn path_of(&self, uri: &str) -> Result<String, Fault> {
        match self.parsed(uri) {
            Ok(uri) => self.let_through(uri.path().to_owned()),
            Err(error) => Err(Fault::argument(format!("invalid vos URI: {uri}: {error}"))),
        }
    }

    /// The path of a node that the path of a request means: `rest` is what follows the resource, as sent.
    pub fn path_from(&self, rest: &str) -> Result<String, Fault> {
        let names = &self.profile.names;
        if names.slash_refused && rest.len() > 1 && rest.ends_with('/') {
            return Err(Fault::new(FaultKind::InvalidUri, rest));
        }
        let path = match names.decoding {
            Decoding::Twice => names::pasted(&names::servlet_path(rest)?)?,
            Decoding::Servlet => names::servlet_path(rest)?,
            Decoding::Cut => self.cut(names::decoded(rest)?),
        };
        self.let_through(path)
    }

    /// Whether a node can be asked for by this name: none but it is meant then.
    pub fn addresses(&self, name: &str) -> bool {
        let rest = format!("/{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
        self.path_from(&rest).is_ok_and(|path| path == format!("/{name}"))
    }

    /// A path cut where this service cuts it.
    fn cut(&self, path: String) -> String {
        match self.profile.names.decoding {
            Decoding::Cut => {
                let kept = path.split(['#', '?', ';']).next().unwrap_or_default();
                format!("/{}", kept.trim_matches('/'))
            }
            Decoding::Twice | Decoding::Servlet => path,
        }
    }

    /// The path, if this service knows all characters of its names.
    fn let_through(&self, path: String) -> Result<String, Fault> {
        let names = &self.profile.names;
        let known = |c: char| match &names.legal {
            Some(legal) => c == '/' || c == '_' || c.is_ascii_alphanumeric() || legal.contains(c),
            None => true,
        };
        if !path.chars().all(known) {
            return Err(Fault::new(FaultKind::InvalidUri, self.uri(&path)));
        }
        match path.chars().find(|c| names.failing.contains(*c)) {
            Some(character) => Err(Fault::internal(format!("syntax error in SQL near {character}"))),
            None => Ok(path),
        }
    }
}
