//! Every fault that a client has to bear, by its number: switched on through the control resource (or by what the
//! profiles do anyway), and seen on the wire with a plain HTTP client.

#[path = "faults/bytes.rs"]
mod bytes;
#[path = "faults/jobs.rs"]
mod jobs;
#[path = "faults/nodes.rs"]
mod nodes;
#[path = "faults/restarts.rs"]
mod restarts;
#[path = "faults/transport.rs"]
mod transport;
#[path = "faults/uploads.rs"]
mod uploads;

/// The part of a listing that is about one child.
fn child<'a>(listing: &'a str, path: &str) -> &'a str {
    let at = listing.find(&format!("{path}\"")).expect("the child is listed");
    let end = listing[at..].find("</vos:node>").map_or(listing.len(), |end| at + end);
    &listing[at..end]
}

/// The value of a property as it is written.
fn value<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let at = document.find(&format!("core#{name}\""))?;
    let (_, rest) = document[at..].split_once('>')?;
    rest.split('<').next()
}

/// Where something is in a text, by its order.
fn places(text: &str, wanted: &[&str]) -> Vec<usize> {
    wanted.iter().map(|name| text.find(name).unwrap_or_else(|| panic!("{name} is missing"))).collect()
}
