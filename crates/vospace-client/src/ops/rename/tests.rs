use reqwest::Url;

use super::*;
use crate::node::Node;
use crate::testing::{Reply, Seen, Stub, uri};
use crate::xml::job::{self, ErrorSummary, Job};
use crate::xml::write;

fn node(path: &str) -> Reply {
    Reply::ok(write::node(&Node::data(uri(path)), [].into_iter()))
}

fn missing() -> Reply {
    Reply::fault(404, "NodeNotFound")
}

fn job(phase: Phase, text: &str) -> Reply {
    let mut job = Job::new("J", phase);
    job.error_summary = (!text.is_empty()).then(|| ErrorSummary { message: text.to_owned(), transient: false });
    Reply::ok(job::write(&job))
}

/// `/from` is there and `/to` is not, unless the move was `done`.
fn ends(seen: &Seen, done: bool) -> Option<Reply> {
    match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => Some(if done { missing() } else { node("/from") }),
        "GET /svc/nodes/d/to?limit=0" => Some(if done { node("/d/to") } else { missing() }),
        _ => None,
    }
}

async fn rename(stub: &Stub) -> Result<()> {
    stub.client().rename(&uri("/from"), &uri("/d/to")).await
}

#[tokio::test]
async fn a_synchronous_move_takes_two_requests() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" => Reply::ok("COMPLETED\n"),
        _ => ends(seen, false).unwrap(),
    })
    .await;
    rename(&stub).await.unwrap();
    assert_eq!(stub.lines(), ["GET /nodes/d/to?limit=0", "POST /sync", "GET /transfers/J/phase"]);
    let sent = transfer::read(&stub.requests()[1].body).unwrap();
    assert_eq!((sent.target(), sent.keep_bytes), ("vos://test~svc/from", Some(false)));
    assert_eq!(sent.direction, Direction::Node("vos://test~svc/d/to".to_owned()));
}

#[tokio::test]
async fn the_reason_of_a_failed_move_is_told_unless_it_was_done() {
    for done in [false, true] {
        let stub = Stub::service(move |seen, n| match seen.line().as_str() {
            "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
            "GET /svc/transfers/J/phase" => Reply::ok("ERROR"),
            "GET /svc/transfers/J/error" => {
                Reply::ok("InvalidArgument: Cannot move container node into its descendants")
            }
            _ => ends(seen, done && n > 0).unwrap(),
        })
        .await;
        let result = rename(&stub).await;
        if done {
            result.unwrap();
        } else {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::MovePrefix);
        }
    }
}

#[tokio::test]
async fn a_job_is_used_where_a_request_does_not_do_it_and_waited_for_to_its_end() {
    let stub = Stub::service(|seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::fault(400, "not here"),
        "POST /svc/transfers" => Reply::redirect("/svc/transfers/J"),
        "POST /svc/transfers/J/phase" => Reply::redirect("/svc/transfers/J"),
        "GET /svc/transfers/J?WAIT=30" if n < 5 => job(Phase::Queued, ""),
        "GET /svc/transfers/J?WAIT=30" => job(Phase::Completed, ""),
        _ => ends(seen, false).unwrap(),
    })
    .await;
    let client = stub.client();
    client.rename(&uri("/from"), &uri("/d/to")).await.unwrap();
    assert_eq!(stub.lines().iter().filter(|line| line.contains("WAIT")).count(), 2);
    assert_eq!(stub.requests()[3].body, b"PHASE=RUN");
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().sync_move, Learned::No);
}

#[tokio::test]
async fn a_lost_answer_is_resolved_by_looking_at_both_ends() {
    let stub = Stub::service(|seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::Raw(Vec::new()),
        _ => ends(seen, n > 0).unwrap(),
    })
    .await;
    rename(&stub).await.unwrap();
    assert_eq!(stub.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_moved() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "GET /svc/nodes/d/to?limit=0" => node("/d/to"),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(rename(&stub).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let client = stub.client();
    let kind = async |from: &VosUri, to: &VosUri| client.rename(from, to).await.unwrap_err().kind();
    assert_eq!(kind(&uri("/a"), &uri("/a/b")).await, ErrorKind::MovePrefix);
    assert_eq!(kind(&uri("/"), &uri("/a")).await, ErrorKind::MoveIntoRoot);
    assert_eq!(kind(&uri("/a"), &VosUri::new("other~svc", "/a")).await, ErrorKind::Unsupported);
}

#[test]
fn the_job_of_a_synchronous_transfer() {
    let job =
        |text: &str| job_of(&Request::get(Url::parse(text).unwrap(), Grant::Caller)).map(|job| String::from(job.url));
    let expected = Some("https://h/v/transfers/J1".to_owned());
    assert_eq!(job("https://h/v/transfers/J1/results/transferDetails"), expected);
    assert_eq!(job("https://h/v/xfer/J1"), expected);
    assert_eq!(job("https://h/minoc/files/x"), None);
}
