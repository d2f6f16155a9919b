use super::*;
use crate::node::NodeKind;
use crate::testing::{Heard, Reply, Stub, refused, uri};
use crate::xml::capabilities::{NODES, SYNC};
use crate::xml::write;

fn container(path: &str, children: &[Node]) -> Reply {
    Reply::ok(write::node(&Node::container(uri(path)), children.iter()))
}

/// pyvospace and Astro Data Lab: DELETE takes the tree. Handled as the CADC services would have it, `rmdir` of a full
/// container would lose all that is in it.
#[tokio::test]
async fn a_container_that_is_to_be_empty_is_looked_into_before_it_is_deleted() {
    for full in [false, true] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "GET /svc/nodes/d?limit=1" if full => container("/d", &[Node::data(uri("/d/precious"))]),
            "GET /svc/nodes/d?limit=1" => container("/d", &[]),
            "DELETE /svc/nodes/d" if !full => Reply::status(204),
            other => panic!("{other}"),
        })
        .await;
        let removed = stub.client().rmdir(&uri("/d")).await;
        match full {
            true => refused(removed, ErrorKind::NotEmpty, "something is in it; remove its contents first"),
            false => removed.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_service_that_was_seen_to_refuse_is_not_asked_beforehand() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "GET /svc/nodes/d?limit=1" => container("/d", &[]),
        "DELETE /svc/nodes/d" => Reply::fault(400, "container node 'd' is not empty"),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    for _ in 0..2 {
        assert_eq!(client.rmdir(&uri("/d")).await.unwrap_err().kind(), ErrorKind::NotEmpty);
    }
    assert_eq!(stub.lines(), ["GET /nodes/d?limit=1", "DELETE /nodes/d", "DELETE /nodes/d"]);
}

#[tokio::test]
async fn what_is_no_container_is_not_removed_as_one() {
    let file = write::node(&Node::data(uri("/d")), [].into_iter());
    let stub = Stub::service(move |seen, _| match seen.method.as_str() {
        "GET" => Reply::ok(file.clone()),
        other => panic!("{other}"),
    })
    .await;
    refused(stub.client().rmdir(&uri("/d")).await, ErrorKind::NotAContainer, "it is no container; name a container");
}

/// A page for logging in is no success.
#[tokio::test]
async fn only_a_status_of_success_is_taken_for_it() {
    for (status, done) in [(200, true), (201, true), (204, true), (302, false), (303, false)] {
        let stub = Stub::service(move |_, _| Reply::status(status).header("Location", "/login")).await;
        let deleted = stub.client().delete(&uri("/d")).await;
        match done {
            true => deleted.unwrap(),
            false => refused(deleted, ErrorKind::Protocol, &format!("it answered {status}")),
        }
    }
}

#[tokio::test]
async fn a_service_without_a_job_for_it_is_cleared_from_the_leaves() {
    let stub = Stub::service_of(&[(NODES, "nodes"), (SYNC, "sync")], |seen, _| {
        let link =
            Node { kind: NodeKind::Link { target: "vos://test~svc/precious".to_owned() }, ..Node::data(uri("/d/l")) };
        match seen.line().as_str() {
            "GET /svc/nodes/d?limit=0" => container("/d", &[]),
            "GET /svc/nodes/d" => container("/d", &[Node::data(uri("/d/f")), Node::container(uri("/d/e")), link]),
            line if line.starts_with("GET /svc/nodes/d") => container("/d", &[]),
            "DELETE /svc/nodes/d/e" => Reply::fault(403, "no"),
            "DELETE /svc/nodes/d/f" | "DELETE /svc/nodes/d/l" => Reply::status(204),
            other => panic!("{other}"),
        }
    })
    .await;
    let client = stub.client();
    client.service(&uri("/")).await.unwrap().learn(|dialect| {
        dialect.paging = Learned::No;
        dialect.limit_zero = Learned::Yes;
        dialect.child_properties = Learned::Yes;
    });
    let heard = Heard::here();
    let counts = client.delete_tree(&uri("/d")).await.unwrap();
    heard.says("vos://test~svc/d/e is not deleted: ");
    // What could not be deleted keeps the container above it, which would take it along.
    assert_eq!(counts, JobCounts { succeeded: 2, failed: 2 });
    assert!(!stub.lines().contains(&"DELETE /nodes/d".to_owned()));
    assert!(stub.lines().iter().all(|line| !line.contains("precious")));
}
