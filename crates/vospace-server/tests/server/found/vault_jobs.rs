//! Vault: moves and jobs.

use super::{details, parameters};
use crate::support::{ADA, Bench, negotiation, relocation};
use vospace_client::xml::job;

#[tokio::test]
async fn b09_a_move_succeeds_though_its_job_says_error() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/a").await;
    let (phase, error) = bench.rename("vault", "/ada/a", "/ada/b%20c").await;
    assert_eq!(phase, "ERROR");
    assert!(error.starts_with("URISyntaxException:"), "{error}");
    assert_eq!(bench.get("/vault/nodes/ada/a").await.status, 404);
    assert!(bench.list("vault", "/ada").await.contains("b%20c"));
    // Other names that no request reaches are taken without complaint.
    for to in ["x%23y", "q%3Fr", "d%2541e"] {
        bench.mkdir("vault", "/ada/m").await;
        assert_eq!(bench.rename("vault", "/ada/m", &format!("/ada/{to}")).await.0, "COMPLETED");
        assert_eq!(bench.get(&format!("/vault/nodes/ada/{to}")).await.status, 404, "out of reach: {to}");
    }

    // The same on demand, with a name that is in reach.
    bench.mkdir("vault", "/ada/m").await;
    bench.fault(r#"{"path": "/transfers/", "method": "POST", "misreport_move": true}"#).await;
    assert_eq!(bench.rename("vault", "/ada/m", "/ada/n").await.0, "ERROR");
    assert_eq!(bench.get("/vault/nodes/ada/n").await.status, 200);
}

#[tokio::test]
async fn b10_a_synchronous_move_is_done_when_it_answers_and_its_phase_and_error_can_be_read() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/a", b"aaa").await;
    let relocate = async |from: &str, to: &str| {
        let answer = bench.transfer("vault", "synctrans", &relocation("vault", from, to)).await;
        assert_eq!(answer.status, 303);
        assert_eq!(bench.get(answer.location()).await.status, 404, "the details do not exist");
        answer.location().replace("/results/transferDetails", "")
    };
    let moved = relocate("/ada/a", "/ada/b").await;
    assert_eq!(bench.read("vault", "/ada/b").await, b"aaa");
    assert_eq!(bench.get(&format!("{moved}/phase")).await.text(), "COMPLETED");
    let document = job::read(&bench.get(&moved).await.body).unwrap();
    assert_eq!(document.result("destination"), Some("vos://cadc.nrc.ca~vault/ada/b"));
    let failed = relocate("/ada/a", "/ada/c").await;
    assert_eq!(bench.get(&format!("{failed}/phase")).await.text(), "ERROR");
    assert_eq!(bench.get(&format!("{failed}/error")).await.text(), "NodeNotFound: /ada/a");
}

#[tokio::test]
async fn b11_a_wait_ends_at_any_change_of_phase() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/a").await;
    bench.fault(r#"{"path": "/phase", "method": "POST", "slow_job_ms": 1500}"#).await;
    let created = bench.transfer("vault", "transfers", &relocation("vault", "/ada/a", "/ada/b")).await;
    let job = created.location().to_owned();
    let url = format!("{job}?WAIT=60");
    let waiting = bench.get(&url);
    let starting = async {
        // The wait is in the log when it ends; that it has begun is seen by nobody.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let form = [("content-type", "application/x-www-form-urlencoded")];
        bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await
    };
    let (waited, started) = tokio::join!(waiting, starting);
    assert_eq!(started.status, 303);
    let phase = job::read(&waited.body).unwrap().phase;
    assert!(!phase.is_final() && phase != job::Phase::Pending, "{phase:?}");
}

#[tokio::test]
async fn b16_a_site_that_is_down() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let location = bench.get("/vault/files/ada/f").await.location().to_owned();
    bench.control("site", r#"{"site": 1, "state": "dead"}"#).await;
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 303, "nobody has noticed");
    assert!(reqwest::get(&location).await.is_err());
    bench.control("site", r#"{"site": 1, "state": "down"}"#).await;
    let answer = bench.get("/vault/files/ada/f").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
    let head = bench.head("/vault/files/ada/f").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("3")), "that comes from the row");
    assert_eq!(bench.get("/vault/nodes/ada/f").await.status, 200);
    assert!(bench.get("/vault/availability").await.text().contains(">true<"));
    let answer = bench.get(&parameters("vault", "/ada/f", "pullFromVoSpace")).await;
    assert_eq!((answer.status, answer.text()), (400, "requested transfer specs not supported"));
    let answer = details(&bench, "vault", &negotiation("vault", "/ada/f", "pullFromVoSpace")).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("endpoint"), "{}", answer.text());
    bench.control("site", r#"{"site": 1, "state": "up"}"#).await;
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc");
}

#[tokio::test]
async fn jobs_that_never_end_or_take_their_time() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/a").await;
    bench.fault(r#"{"path": "/phase", "method": "POST", "count": 1, "job_phase": "EXECUTING"}"#).await;
    let created = bench.transfer("vault", "transfers", &relocation("vault", "/ada/a", "/ada/b")).await;
    let job = created.location().to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await.status, 303);
    bench.get(&format!("{job}?WAIT=1")).await;
    assert_eq!(bench.get(&format!("{job}/phase")).await.text(), "EXECUTING");
    assert_eq!(bench.get("/vault/nodes/ada/a").await.status, 200);
    bench.fault(r#"{"path": "/phase", "method": "POST", "slow_job_ms": 300}"#).await;
    let start = std::time::Instant::now();
    assert_eq!(bench.rename("vault", "/ada/a", "/ada/b").await.0, "COMPLETED");
    assert!(start.elapsed().as_millis() >= 300);
}
