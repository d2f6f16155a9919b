//! Names that a service cuts.
//!
//! One that reads the path of a node as a URL ends it at `;` (pyvospace, observed): `a;b` is `a` there, and storing, changing
//! or removing the one would take the other. Services with capabilities were all seen to take such names; of others it is
//! asked before the first one is used, by reading what its container would be called. That changes nothing. A service that
//! cuts has `;` among the refused characters of its [`crate::dialect::Dialect`] from then on.

use crate::http::{Grant, Http, Request};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::read::ListingReader;

/// Where it would be cut. At `#` and `?` no name is ever sent.
const CUT: char = ';';

/// Finds out whether the service cuts the names of `uri`, if they could be cut and it is not known.
pub(crate) async fn look(http: &Http, service: &Service, uri: &VosUri) {
    if !uri.path().contains(CUT) || !service.is_fixed() || service.dialect().refused_characters.has(CUT) {
        return;
    }
    let mut container = uri.clone();
    while container.path().contains(CUT) {
        let Some(parent) = container.parent() else { return };
        container = parent;
    }
    let doubtful = VosUri::new(uri.authority(), &format!("{}{CUT}cut", container.path()));
    if shown(http, service, &doubtful).await.is_some_and(|node| node.path() == container.path()) {
        service.learn(|dialect| dialect.refused_characters = dialect.refused_characters.with(CUT));
    }
}

/// The node that an answer is about, by its own words.
async fn shown(http: &Http, service: &Service, uri: &VosUri) -> Option<VosUri> {
    let mut url = service.node(uri).ok()?;
    // Not 0, which is refused there too.
    url.query_pairs_mut().append_pair("limit", "1");
    let response = http.begin(&Request::get(url, Grant::Caller)).await.ok()?;
    let mut reader = ListingReader::new(response.reader());
    reader.container().await.ok().map(|node| node.uri)
}
