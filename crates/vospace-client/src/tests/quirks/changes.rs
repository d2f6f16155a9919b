//! What is known of moves and removals.

use super::{count, forcing, lines};
use crate::ErrorKind;
use crate::node::{Node, NodeKind, property};
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::xml::capabilities::{NODES, TRANSFERS};
use crate::xml::job::{self, ErrorSummary, Job, Phase};
use crate::xml::write;

/// What a service offers that moves by jobs only.
const BY_JOBS: &[(&str, &str)] = &[(NODES, "nodes"), (TRANSFERS, "transfers")];

fn file() -> Node {
    let mut node = Node::data(uri("/from"));
    node.properties.set(property::LENGTH, "4");
    node
}

fn link() -> Node {
    Node { kind: NodeKind::Link { target: "vos://test~svc/x".to_owned() }, ..Node::data(uri("/from")) }
}

fn shown(node: &Node) -> Reply {
    Reply::ok(write::node(node, [].into_iter()))
}

/// A service that has `node` and nothing where it goes, and moves by jobs that end so.
fn moving(seen: &Seen, node: &Node, phase: Phase) -> Reply {
    match seen.line().as_str() {
        "GET /svc/nodes/to?limit=0" => Reply::fault(404, "NodeNotFound"),
        "POST /svc/transfers" => Reply::redirect("/svc/transfers/J"),
        "POST /svc/transfers/J/phase" => Reply::redirect("/svc/transfers/J"),
        line if line.starts_with("GET /svc/transfers/J") => {
            let mut job = Job::new("J", phase);
            job.error_summary = (phase == Phase::Error).then(|| ErrorSummary {
                message: "'space_name'".to_owned(),
                transient: false,
                detailed: false,
            });
            Reply::ok(job::write(&job))
        }
        _ => shown(node),
    }
}

#[tokio::test]
async fn sync_move() {
    // It refuses to, or never was asked.
    for (value, asked) in [("yes", 2), ("no", 0)] {
        let stub = Stub::service(|seen, _| match seen.line().as_str() {
            "POST /svc/sync" => Reply::fault(400, "not here"),
            _ => moving(seen, &file(), Phase::Completed),
        })
        .await;
        let client = forcing(&stub, "sync-move", value);
        for _ in 0..2 {
            client.rename(&uri("/from"), &uri("/to")).await.unwrap();
        }
        assert_eq!((lines(&stub, "POST /sync"), lines(&stub, "POST /transfers")), (asked, 2), "{value}");
    }
}

#[tokio::test]
async fn moves_files() {
    // It would; or it fails in the same words each time, which shows that it does not.
    for (value, phase, jobs) in [("no", Phase::Completed, 0), ("yes", Phase::Error, 1)] {
        let stub = Stub::service_of(BY_JOBS, move |seen, _| moving(seen, &file(), phase)).await;
        let moved = forcing(&stub, "moves-files", value).rename(&uri("/from"), &uri("/to")).await;
        match value {
            "no" => refused(moved, ErrorKind::Unsupported, "the service moves no files that hold bytes"),
            _ => refused(moved, ErrorKind::Service, "'space_name'"),
        }
        assert_eq!(lines(&stub, "POST /transfers"), jobs, "{value}: {:?}", stub.lines());
    }
}

#[tokio::test]
async fn moves_links() {
    // It would; or the link that was moved lacks its target.
    for (value, jobs) in [("no", 0), ("yes", 1)] {
        let stub = Stub::service_of(BY_JOBS, |seen, _| match seen.line().as_str() {
            "PUT /svc/nodes/to" => Reply::status(201),
            "DELETE /svc/nodes/from" => Reply::status(204),
            _ => moving(seen, &link(), Phase::Completed),
        })
        .await;
        // Whether what is made anew can be read is not what is looked at.
        let _ = forcing(&stub, "moves-links", value).rename(&uri("/from"), &uri("/to")).await;
        let found = (lines(&stub, "POST /transfers"), lines(&stub, "PUT /nodes/to"));
        assert_eq!(found, (jobs, 1 - jobs), "{value}: {:?}", stub.lines());
        // Nobody looks at a link that is known to come through.
        let looks = count(&stub, |seen| seen.line() == "GET /svc/nodes/to?limit=0");
        assert!(value == "no" || looks == 1, "{:?}", stub.lines());
    }
}

#[tokio::test]
async fn deletes_trees() {
    // It refuses what is not empty, which shows that it spares trees.
    for (value, looks) in [("yes", 2), ("no", 0)] {
        let stub = Stub::service(|seen, _| match seen.method.as_str() {
            "DELETE" => Reply::fault(400, "container node 'c' is not empty"),
            _ => shown(&Node::container(uri("/d"))),
        })
        .await;
        let client = forcing(&stub, "deletes-trees", value);
        for _ in 0..2 {
            assert_eq!(client.rmdir(&uri("/d")).await.unwrap_err().kind(), ErrorKind::NotEmpty);
        }
        let looked = count(&stub, |seen| seen.method == "GET");
        assert_eq!((looked, lines(&stub, "DELETE /nodes/d")), (looks, 2), "{value}");
    }
}
