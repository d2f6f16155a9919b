//! Bytes at a service that gives a place for each transfer, good once: negotiated by hand, past all code under test.
//!
//! Two makers' services take the same transfer in forms that exclude each other, and each refuses that of the other.

use vospace_client::uri::VosUri;

use crate::profile::Profile;
use crate::server::Server;
use crate::wire::{Reply, Wire};

/// The bytes of a file that the service has.
pub fn fetch(server: &Server, path: &str) -> Vec<u8> {
    let wire = Wire::new(server);
    let place = match place(server, &wire, path, "pullFromVoSpace", "httpget") {
        Ok(place) => place,
        // A file that nobody ever wrote has no bytes to be given (pyvospace, observed).
        Err(refusal) if refusal.contains("not on any storage") => return Vec::new(),
        Err(refusal) => panic!("no place for the bytes of {path}: {refusal}"),
    };
    let answer = wire.get(&place);
    if answer.status == 404 {
        // Replaced since the negotiation; what is there now is asked for anew, or refused by that.
        return fetch(server, path);
    }
    assert!(matches!(answer.status, 200 | 204), "GET {place}: {} {}", answer.status, answer.text());
    answer.body
}

fn decoded(path: &str) -> String {
    let uri = VosUri::from_wire(&format!("vos://a~b/{path}")).unwrap();
    uri.path().trim_start_matches('/').to_owned()
}

/// Negotiates, and returns the first place that is offered, or what was said instead.
fn place(server: &Server, wire: &Wire<'_>, path: &str, direction: &str, protocol: &str) -> Result<String, String> {
    let service = server.profile.service();
    // One takes names as they stand in a document, the other as in a URL.
    let path = if server.profile == Profile::Pyvospace { decoded(path) } else { path.to_owned() };
    let target = format!("vos://{}/{path}", server.profile.authority().replace('~', "!"));
    let (resource, kind, version, view) = match server.profile {
        Profile::Datalab => {
            let view = r#"<vos:view uri="ivo://ivoa.net/vospace/core#defaultview"/>"#;
            ("sync", "application/x-www-form-urlencoded", "2.0", view)
        }
        _ => ("synctrans", "text/xml", "2.1", ""),
    };
    let document = format!(
        r#"<vos:transfer xmlns:vos="http://www.ivoa.net/xml/VOSpace/v{version}" version="2.1"><vos:target>{target}</vos:target><vos:direction>{direction}</vos:direction>{view}<vos:protocol uri="ivo://ivoa.net/vospace/core#{protocol}"/></vos:transfer>"#
    );
    let answer = wire.send("POST", &format!("/{service}/{resource}"), &[("Content-Type", kind)], document.as_bytes());
    let told = |reply: &Reply| format!("{} {}", reply.status, reply.text());
    if !matches!(answer.status, 302 | 303) {
        return Err(told(&answer));
    }
    let details = wire.get(answer.header("location").unwrap());
    let text = details.text();
    let endpoint = text.split("endpoint>").nth(1).and_then(|rest| rest.split("</").next());
    endpoint.map(|place| place.trim().replace("&amp;", "&")).ok_or_else(|| told(&details))
}
