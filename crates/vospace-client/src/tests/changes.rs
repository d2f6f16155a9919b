//! Changes of nodes that a service cannot do, or does by halves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ErrorKind;
use crate::dialect::Learned;
use crate::node::{Node, NodeKind, Properties};
use crate::testing::{Heard, Reply, Stub, refused, uri};
use crate::xml::capabilities::NODES;
use crate::xml::write;

const OWN: &str = "ivo://my.example/vospace#x";

#[tokio::test]
async fn what_a_service_has_no_means_for_is_said() {
    let stub = Stub::service_of(&[(NODES, "nodes")], |seen, _| match seen.target.as_str() {
        "/svc/nodes/to?limit=0" => Reply::fault(404, "NodeNotFound"),
        _ => Reply::ok(write::node(&Node::container(uri("/d")), [].into_iter())),
    })
    .await;
    let client = stub.client();
    let mut changes = Properties::new();
    changes.set(OWN, "x");
    let tree = client.set_properties_tree(&uri("/d"), &NodeKind::Container, &changes).await;
    refused(
        tree,
        ErrorKind::Unsupported,
        "the service cannot change the properties of a tree; this service does not offer",
    );
    let moved = client.rename(&uri("/d"), &uri("/to")).await;
    refused(moved, ErrorKind::Unsupported, "the service has no moves; this service does not offer it");
    refused(client.delete(&uri("/")).await, ErrorKind::BadRequest, "the root container cannot be deleted");
}

/// A service that moves no links, and takes no properties of new ones.
#[tokio::test]
async fn a_link_that_is_made_anew_without_its_properties_says_which() {
    let made = AtomicBool::new(false);
    let kind = NodeKind::Link { target: "vos://test~svc/f".to_owned() };
    let mut old = Node { kind: kind.clone(), ..Node::data(uri("/l")) };
    old.properties.set(OWN, "precious");
    let new = Node { kind, ..Node::data(uri("/m")) };
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/l?limit=0" => Reply::ok(write::node(&old, [].into_iter())),
        "GET /svc/nodes/m?limit=0" if !made.load(Ordering::SeqCst) => Reply::fault(404, "NodeNotFound"),
        "PUT /svc/nodes/m" | "GET /svc/nodes/m?limit=0" => {
            made.store(true, Ordering::SeqCst);
            Reply::ok(write::node(&new, [].into_iter()))
        }
        "POST /svc/nodes/m" => Reply::fault(400, "links have no properties"),
        "DELETE /svc/nodes/l" => Reply::status(204),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.moves_links = Learned::No);
    let heard = Heard::here();
    client.rename(&uri("/l"), &uri("/m")).await.unwrap();
    heard.says(&format!("vos://test~svc/m is a link made anew, and could not be given {OWN}: "));
}

/// Nobody waits for the deletion of a tree any more, and the service does not let its job be stopped.
#[tokio::test]
async fn a_job_that_goes_on_is_said() {
    let begun = Arc::new(AtomicBool::new(false));
    let is_begun = Arc::clone(&begun);
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/d?limit=0" => Reply::ok(write::node(&Node::container(uri("/d")), [].into_iter())),
        "POST /svc/async-delete" => Reply::redirect("/svc/async-delete/K"),
        "POST /svc/async-delete/K/phase" if seen.body == b"PHASE=ABORT" => Reply::fault(403, "it is nearly done"),
        "POST /svc/async-delete/K/phase" => Reply::redirect("/svc/async-delete/K"),
        _ => {
            is_begun.store(true, Ordering::SeqCst);
            Reply::Stall(Vec::new())
        }
    })
    .await;
    let client = stub.client();
    let heard = Heard::here();
    let tree = uri("/d");
    tokio::select! {
        gone = client.delete_tree(&tree) => panic!("{gone:?}"),
        () = until(|| begun.load(Ordering::SeqCst)) => {}
    }
    until(|| heard.has("a job of the service could not be stopped: POST ")).await;
}

/// Lets the others go on until it is so.
async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.unwrap();
}

/// A service that holds on to what is to be cleaned up.
#[tokio::test]
async fn what_is_not_cleaned_up_at_the_end_is_said() {
    let client = Stub::service(|_, _| Reply::status(204)).await.client();
    let heard = Heard::here();
    client.inner.in_background(std::future::pending());
    client.settle(std::time::Duration::from_millis(1)).await;
    heard.says("not everything could be cleaned up in time");
}
