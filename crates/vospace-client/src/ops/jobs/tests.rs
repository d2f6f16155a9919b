use super::*;
use crate::node::{Node, NodeKind};
use crate::testing::{Reply, Stub, refused, uri};
use crate::xml::job::ErrorSummary;
use crate::xml::write;

fn job(phase: Phase, results: &[(&str, &str)], text: &str) -> Reply {
    let mut job = Job::new("K", phase);
    job.results = results.iter().map(|(id, href)| ((*id).to_owned(), (*href).to_owned())).collect();
    job.error_summary =
        (!text.is_empty()).then(|| ErrorSummary { message: text.to_owned(), transient: false, detailed: false });
    Reply::ok(job::write(&job))
}

async fn deleting(end: Reply) -> Stub {
    Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/d?limit=0" => Reply::ok(write::node(&Node::container(uri("/d")), [].into_iter())),
        "POST /svc/async-delete" => Reply::redirect("/svc/async-delete/K"),
        "POST /svc/async-delete/K/phase" => Reply::redirect("/svc/async-delete/K"),
        "GET /svc/async-delete/K?WAIT=30" => end.clone(),
        other => panic!("{other}"),
    })
    .await
}

#[tokio::test]
async fn a_tree_is_deleted_and_counted() {
    let stub = deleting(job(Phase::Completed, &[("successcount", "final:7")], "")).await;
    let counts = stub.client().delete_tree(&uri("/d")).await.unwrap();
    assert_eq!(counts, JobCounts { succeeded: 7, failed: 0 });
    let made = stub.requests().into_iter().find(|seen| seen.method == "POST").unwrap();
    assert_eq!(made.body, b"target=vos%3A%2F%2Ftest%7Esvc%2Fd");
    let stub = deleting(job(Phase::Aborted, &[("successcount", "final:3"), ("errorcount", "final:1")], "")).await;
    let counts = stub.client().delete_tree(&uri("/d")).await.unwrap();
    assert_eq!(counts, JobCounts { succeeded: 3, failed: 1 });
    let stub = deleting(job(Phase::Error, &[], "PermissionDenied")).await;
    assert_eq!(stub.client().delete_tree(&uri("/d")).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_failure_is_told_in_full_where_the_summary_has_only_the_words_of_the_standard() {
    for (words, reason, kind) in [
        ("Internal Fault", "InternalFault: the disk is on fire", ErrorKind::Service),
        ("Permission Denied", "the disk is on fire", ErrorKind::PermissionDenied),
        ("", "the disk is on fire", ErrorKind::Service),
    ] {
        let mut job = Job::new("K", Phase::Error);
        job.error_summary = Some(ErrorSummary { message: words.to_owned(), transient: false, detailed: true });
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "GET /svc/nodes/d?limit=0" => Reply::ok(write::node(&Node::container(uri("/d")), [].into_iter())),
            "GET /svc/async-delete/K?WAIT=30" => Reply::ok(job::write(&job)),
            "GET /svc/async-delete/K/error" => Reply::ok(reason),
            line if line.starts_with("POST ") => Reply::redirect("/svc/async-delete/K"),
            other => panic!("{other}"),
        })
        .await;
        let error = stub.client().delete_tree(&uri("/d")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("the disk is on fire"), "{error}");
    }
}

/// pyvospace and Astro Data Lab overlook WAIT and answer at once: they are not asked without a pause.
#[tokio::test]
async fn a_service_that_does_not_wait_is_asked_now_and_then() {
    let asked = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/d?limit=0" => Reply::ok(write::node(&Node::container(uri("/d")), [].into_iter())),
        line if line.starts_with("GET ") => {
            let mut times = noted.lock();
            times.push(Instant::now());
            job(if times.len() < 3 { Phase::Executing } else { Phase::Completed }, &[], "")
        }
        _ => Reply::redirect("/svc/async-delete/K"),
    })
    .await;
    stub.client().delete_tree(&uri("/d")).await.unwrap();
    let times = asked.lock();
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|two| two[1] - two[0] >= POLL), "{times:?}");
}

/// pyvospace never names the results of a job. Counts that are nowhere are none; where a transfer's are, is known.
#[tokio::test]
async fn a_job_without_results_is_done_all_the_same() {
    let stub = deleting(job(Phase::Completed, &[], "")).await;
    let counts = stub.client().delete_tree(&uri("/d")).await.unwrap();
    assert_eq!(counts, JobCounts { succeeded: 0, failed: 0 });
}

#[tokio::test]
async fn only_what_was_just_seen_to_be_a_container_is_deleted_as_a_tree() {
    let mut link = Node::data(uri("/d"));
    link.kind = NodeKind::Link { target: "vos://test~svc/precious".to_owned() };
    let text = write::node(&link, [].into_iter());
    let stub = Stub::service(move |seen, _| match seen.method.as_str() {
        "GET" => Reply::ok(text.clone()),
        other => panic!("{other}"),
    })
    .await;
    let tree = async |path| stub.client().delete_tree(&uri(path)).await;
    refused(
        tree("/d").await,
        ErrorKind::NotAContainer,
        "only containers are deleted with all they contain; name a container",
    );
    refused(
        tree("/").await,
        ErrorKind::BadRequest,
        "the root container cannot be deleted; the service refuses the request",
    );
}

#[test]
fn urls_below_a_job() {
    let job = Url::parse("https://h/transfers/abc?WAIT=3").unwrap();
    assert_eq!(below(&job, "phase").as_str(), "https://h/transfers/abc/phase");
}

#[test]
fn a_fault_keeps_what_the_service_said() {
    let uri = uri("/c");
    let error = fault(&uri, Phase::Error, "DuplicateNode: /c");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("DuplicateNode: /c"));
    assert!(fault(&uri, Phase::Aborted, "").to_string().contains("ABORTED"));
}

#[tokio::test]
async fn a_job_that_never_ends_is_given_up_and_named() {
    for phase in [Phase::Executing, Phase::Held, Phase::Suspended, Phase::Unknown] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "POST /svc/transfers/K/phase" => Reply::redirect("/svc/transfers/K"),
            "GET /svc/transfers/K?WAIT=30" => job(phase, &[], ""),
            other => panic!("{other}"),
        })
        .await;
        let job = JobUrl { url: format!("{}/svc/transfers/K", stub.base).parse().unwrap(), grant: Grant::Caller };
        let error = finish(&stub.client().inner, &uri("/a"), &job, Duration::ZERO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains(&format!("still {} after 0 s", phase.as_str())), "{error}");
    }
}
