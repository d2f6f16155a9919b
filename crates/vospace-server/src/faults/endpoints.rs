//! Endpoints of negotiations that lead nowhere.

use super::Effect;
use vospace_client::xml::transfer::Protocol;

/// Changes the endpoints of a negotiation.
pub fn distort(effect: Option<&Effect>, protocols: &mut Vec<Protocol>) {
    match effect {
        Some(Effect::NoEndpoints(true)) => protocols.clear(),
        Some(Effect::FirstEndpoint(place)) => {
            if let Some(first) = protocols.first().cloned() {
                let endpoint = first.endpoint.map(|url| moved(&url, place));
                protocols.insert(0, Protocol { endpoint, ..first });
            }
        }
        _ => {}
    }
}

/// A byte URL at another place: what comes before `/files/` is replaced.
pub fn moved(url: &str, place: &str) -> String {
    match url.find("/files/") {
        Some(at) => format!("{}{}", place.trim_end_matches('/'), &url[at..]),
        None => place.to_owned(),
    }
}
