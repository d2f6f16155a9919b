//! Files whose bytes can be fetched from nowhere.

use crate::ErrorKind;
use crate::node::{Node, property};
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::view::View;
use crate::xml::capabilities::{NODES, SYNC};
use crate::xml::transfer::{self, Direction, Transfer};
use crate::xml::write;

/// A service without lasting addresses.
const OFFERED: &[(&str, &str)] = &[(NODES, "nodes"), (SYNC, "sync")];

fn file() -> Reply {
    let mut node = Node::data(uri("/a"));
    node.properties.set(property::LENGTH, "10");
    Reply::ok(write::node(&node, [].into_iter()))
}

/// A negotiation that goes well and gives no place.
fn nowhere(seen: &Seen) -> Reply {
    match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" => Reply::ok("COMPLETED"),
        "GET /svc/transfers/J/results/transferDetails" => {
            Reply::ok(transfer::write(&Transfer::new("vos://test~svc/a", Direction::PullFromVoSpace)))
        }
        _ => file(),
    }
}

#[tokio::test]
async fn what_has_no_bytes_to_fetch_says_so() {
    let stub = Stub::service_of(&[(NODES, "nodes")], |_, _| file()).await;
    let opened = stub.client().open(&uri("/a"), None).await;
    refused(opened, ErrorKind::Unsupported, "the service has no transfer negotiation; this service does not offer it");
    let stub = Stub::service_of(OFFERED, |seen, _| nowhere(seen)).await;
    let opened = stub.client().open(&uri("/a"), None).await;
    refused(opened, ErrorKind::Service, "the service offers no way to read it; try again later");
    let container = write::node(&Node::container(uri("/a")), [].into_iter());
    let stub = Stub::service_of(OFFERED, move |_, _| Reply::ok(container.clone())).await;
    refused(stub.client().open(&uri("/a"), None).await, ErrorKind::NotData, "a container has no bytes; name a file");
    let stub = Stub::service(|_, _| Reply::ok("0123456789")).await;
    let opened = stub.client().open_view(&uri("/a"), &View::Header).await;
    refused(opened, ErrorKind::Unsupported, "the service cuts nothing out of files; copy the whole file");
}
