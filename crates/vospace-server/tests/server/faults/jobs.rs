//! Faults of negotiations, jobs and moves.

use crate::support::{ADA, Answer, Bench, EVE, negotiation, relocation};
use vospace_client::xml::transfer;

/// The last step of a negotiation by document, and the URL of its job.
async fn negotiate(bench: &Bench, service: &str, document: &str) -> (Answer, String) {
    let answer = bench.transfer(service, "synctrans", document).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let job = answer.location().strip_suffix("/results/transferDetails").unwrap().to_owned();
    let answer = bench.get(answer.location()).await;
    let last = if answer.status == 303 { bench.get(answer.location()).await } else { answer };
    (last, job)
}

fn endpoints(answer: &Answer) -> Vec<String> {
    let details = transfer::read(&answer.body).unwrap();
    details.protocols.into_iter().filter_map(|protocol| protocol.endpoint).collect()
}

async fn phase(bench: &Bench, job: &str) -> String {
    bench.get(&format!("{job}/phase")).await.text().to_owned()
}

async fn start(bench: &Bench, job: &str) -> u16 {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await.status
}

#[tokio::test]
async fn fault_04_a_dead_host_a_wrong_host_or_a_site_without_the_file_comes_first() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let document = negotiation("vault", "/ada/f", "pullFromVoSpace");
    let form = "/vault/synctrans?TARGET=vos://cadc.nrc.ca~vault/ada/f&DIRECTION=pullFromVoSpace\
                &PROTOCOL=ivo://ivoa.net/vospace/core%23httpsget";
    let other_site = format!("{}/minoc9", bench.base);
    for (place, connects) in
        [("http://127.0.0.1:1/minoc", false), ("http://site.invalid/minoc", false), (&other_site, true)]
    {
        bench.fault(&format!(r#"{{"route": "xfer", "count": 1, "first_endpoint": "{place}"}}"#)).await;
        let offered = endpoints(&negotiate(&bench, "vault", &document).await.0);
        assert_eq!(offered.len(), 2, "{offered:?}");
        assert!(offered[0].starts_with(place) && offered[1].starts_with(&bench.base), "{offered:?}");
        let first = bench.try_send("GET", &offered[0], None, &[], "").await;
        assert_eq!(first.map(|answer| answer.status).ok(), connects.then_some(404));
        assert_eq!(bench.send("GET", &offered[1], None, &[], "").await.text(), "abc");
        for (route, url) in [("synctrans", form), ("files", "/vault/files/ada/f")] {
            bench.fault(&format!(r#"{{"route": "{route}", "count": 1, "first_endpoint": "{place}"}}"#)).await;
            let answer = bench.get(url).await;
            assert_eq!(answer.status, 303);
            assert!(answer.location().starts_with(place), "{}", answer.location());
            assert!(bench.get(url).await.location().starts_with(&bench.base), "asked again");
        }
    }
}

#[tokio::test]
async fn fault_21_negotiations_and_jobs_that_come_to_nothing() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.write("vault", "/ada/f", b"abc").await;
    let pull = negotiation("vault", "/ada/f", "pullFromVoSpace");
    bench.fault(r#"{"route": "xfer", "count": 1, "no_endpoints": true}"#).await;
    let (answer, job) = negotiate(&bench, "vault", &pull).await;
    assert_eq!((answer.status, endpoints(&answer).len(), phase(&bench, &job).await.as_str()), (200, 0, "EXECUTING"));
    bench.fault(r#"{"route": "xfer", "count": 1, "status": 500, "text": "Internal Error: /ada/f"}"#).await;
    assert_eq!(negotiate(&bench, "vault", &pull).await.0.text(), "Internal Error: /ada/f");
    // A job that is lost.
    let created = bench.transfer("vault", "transfers", &relocation("vault", "/ada/d", "/ada/e")).await;
    bench.fault(r#"{"route": "transfers", "count": 1, "lose_job": true}"#).await;
    assert_eq!(bench.get(created.location()).await.status, 404);
    assert_eq!(start(&bench, created.location()).await, 404, "for good");
    // Jobs that stay in a phase, or end in one without a word.
    for wanted in ["QUEUED", "EXECUTING", "HELD", "SUSPENDED", "ABORTED", "UNKNOWN", "ERROR"] {
        let created = bench.transfer("vault", "transfers", &relocation("vault", "/ada/d", "/ada/e")).await;
        bench.fault(&format!(r#"{{"method": "POST", "path": "/phase", "count": 1, "job_phase": "{wanted}"}}"#)).await;
        assert_eq!(start(&bench, created.location()).await, 303);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while phase(&bench, created.location()).await != wanted {
            assert!(tokio::time::Instant::now() < deadline);
        }
        bench.get(&format!("{}?WAIT=1", created.location())).await;
        assert_eq!(phase(&bench, created.location()).await, wanted);
        assert_eq!(bench.get(&format!("{}/error", created.location())).await.status, 404);
    }
    assert_eq!(bench.get("/vault/nodes/ada/d").await.status, 200, "nothing was done");
    bench.fault(r#"{"method": "POST", "route": "synctrans", "count": 1, "job_phase": "HELD"}"#).await;
    let (answer, job) = negotiate(&bench, "vault", &pull).await;
    assert_eq!((answer.status, phase(&bench, &job).await.as_str()), (404, "HELD"));
}

#[tokio::test]
async fn fault_21_the_texts_of_failed_jobs() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.mkdir("vault", "/ada/empty").await;
    bench.write("vault", "/ada/f", b"abc").await;
    bench.mkdir("arc", "/ada/d").await;
    // By themselves: what was asked for cannot be done.
    for (from, to, text) in [
        ("/ada/none", "/ada/x", "NodeNotFound"),
        ("/ada/d", "/ada/f", "DuplicateNode"),
        ("/ada/d", "/ada/none/x", "NodeNotFound: Parent directory"),
        ("/ada/d", "/eve/x", "PermissionDenied"),
        ("/ada/d", "/x", "PermissionDenied"),
        ("/ada/d", "/ada/d/x", "InvalidArgument"),
    ] {
        let (phase, error) = bench.rename("vault", from, to).await;
        assert_eq!(phase, "ERROR", "{from} to {to}");
        assert!(error.contains(text), "{from} to {to}: {error}");
    }
    let document = negotiation("vault", "/ada/f", "pullFromVoSpace");
    for (part, other, text) in [
        ("pullFromVoSpace", "pullToVoSpace", "pullToVoSpace not implemented"),
        ("pullFromVoSpace", "pushFromVoSpace", "pushFromVoSpace not implemented"),
        ("pullFromVoSpace", "sideways", "invalid direction"),
        ("</vos:direction>", "</vos:direction><vos:view uri=\"ivo://x.org/v\"/>", "ViewNotSupported"),
        ("<vos:target>", "<vos:target>vos://cadc.nrc.ca~vault/ada/g</vos:target><vos:target>", "TooManyTargets (2)"),
        ("/ada/f", "/ada/d", "InvalidArgument: target is not a data node"),
        ("/ada/f", "/ada/none", "NodeNotFound"),
        ("~vault/ada/f", "~vault/eve/f", "PermissionDenied"),
    ] {
        let (_, job) = negotiate(&bench, "vault", &document.replacen(part, other, 1)).await;
        let error = bench.get(&format!("{job}/error")).await;
        assert_eq!((phase(&bench, &job).await.as_str(), error.status), ("ERROR", 200), "{other}");
        assert!(error.text().contains(text), "{other}: {}", error.text());
    }
    // On demand: what only happens to others.
    for text in [
        "QuotaExceeded: vos://cadc.nrc.ca~vault/ada/d",
        "NodeBusy: vos://cadc.nrc.ca~vault/ada/d",
        "NodeLocked: vos://cadc.nrc.ca~vault/ada/d",
        "TransientException: service busy",
        "RuntimeException:oops",
        "Unexpected Exception: job aborted",
        "",
    ] {
        for service in ["vault", "arc"] {
            bench.fault(&format!(r#"{{"method": "POST", "path": "/phase", "count": 1, "job_error": "{text}"}}"#)).await;
            let outcome = bench.rename(service, "/ada/d", "/ada/e").await;
            assert_eq!(outcome, ("ERROR".to_owned(), text.to_owned()));
        }
    }
    // Of recursive jobs as well.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    bench.fault(r#"{"method": "POST", "path": "/phase", "count": 1, "job_error": "RuntimeException:oops"}"#).await;
    let created =
        bench.send("POST", "/vault/async-delete", ADA, &form, "target=vos://cadc.nrc.ca~vault/ada/empty").await;
    assert_eq!(bench.run(&created).await, ("ERROR".to_owned(), "RuntimeException:oops".to_owned()));
    assert_eq!(bench.get("/vault/nodes/ada/empty").await.status, 200);
}

#[tokio::test]
async fn fault_22_moves_whose_ends_change_or_that_take_their_time() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        let slow = r#"{"method": "POST", "path": "/phase", "count": 1, "slow_job_ms": 1000}"#;
        let begin = async |from: &str, to: &str| {
            bench.fault(slow).await;
            let created = bench.transfer(service, "transfers", &relocation(service, from, to)).await;
            let job = created.location().to_owned();
            assert_eq!(start(&bench, &job).await, 303);
            job
        };
        let end = async |job: &str| loop {
            bench.get(&format!("{job}?WAIT=5")).await;
            let phase = phase(&bench, job).await;
            if !matches!(phase.as_str(), "QUEUED" | "EXECUTING") {
                return (phase, bench.get(&format!("{job}/error")).await.text().to_owned());
            }
        };
        bench.mkdir(service, "/ada/a").await;
        // The destination appears meanwhile.
        let job = begin("/ada/a", "/ada/b").await;
        bench.write(service, "/ada/b", b"first").await;
        let (phase, error) = end(&job).await;
        assert!(phase == "ERROR" && error.contains("DuplicateNode"), "{service}: {phase} {error}");
        // The source goes meanwhile.
        let job = begin("/ada/a", "/ada/c").await;
        bench.delete(&format!("/{service}/nodes/ada/a")).await;
        let (phase, error) = end(&job).await;
        assert!(phase == "ERROR" && error.contains("NodeNotFound"), "{service}: {phase} {error}");
        // A queue that is slow, and a job that is given up in it.
        bench.mkdir(service, "/ada/a").await;
        let job = begin("/ada/a", "/ada/c").await;
        let form = [("content-type", "application/x-www-form-urlencoded")];
        bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=ABORT").await;
        assert_eq!(end(&job).await.0, "ABORTED");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/a")).await.status, 200);
        let job = begin("/ada/a", "/ada/c").await;
        assert_eq!(end(&job).await.0, "COMPLETED");
        // Done, and nobody was told.
        bench.fault(r#"{"method": "POST", "route": "synctrans", "count": 1, "lose_answer": true}"#).await;
        let document = relocation(service, "/ada/c", "/ada/d");
        let url = format!("/{service}/synctrans");
        assert!(bench.try_send("POST", &url, ADA, &[("content-type", "text/xml")], document).await.is_err());
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/c")).await.status, 404);
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/d")).await.status, 200);
    }
}

#[tokio::test]
async fn fault_27_expired_tokens_anonymous_callers_and_changing_owners() {
    let bench = Bench::with(|options| options.users.set_lifetime(std::time::Duration::from_secs(600))).await;
    bench.write("arc", "/ada/f", b"abc").await;
    // The token ends while the upload goes on: this one is finished, the next is refused.
    bench.fault(r#"{"method": "PUT", "route": "files", "count": 1, "bytes_per_second": 20}"#).await;
    let upload = bench.send("PUT", "/arc/files/ada/f", ADA, &[], "0123456789");
    let ages = async {
        while !bench.send("GET", "/_bench/fault", None, &[], "").await.text().contains("\"count\":0") {}
        bench.control("clock", r#"{"offset_ms": 3600000}"#).await;
    };
    let (answer, ()) = tokio::join!(upload, ages);
    assert_eq!(answer.status, 201);
    let answer = bench.send("PUT", "/arc/files/ada/f", ADA, &[], "x").await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").is_some());
    assert_eq!(bench.get("/vault/nodes/ada").await.status, 401);
    assert_eq!(bench.send("GET", "/vault/nodes/ada/f", None, &[], "").await.status, 403, "anonymous");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let login = bench.send("POST", "/ac/login", None, &form, "username=ada&password=ada-password").await;
    assert_eq!(login.status, 200);
    let answer = bench.send("GET", "/arc/files/ada/f", Some(login.text()), &[], "").await;
    assert_eq!(answer.text(), "0123456789");
    bench.control("clock", r#"{"offset_ms": 0}"#).await;

    // Whoever moves, becomes the owner.
    let write = "<vos:properties><vos:property uri=\"ivo://ivoa.net/vospace/core#groupwrite\">\
                 ivo://cadc.nrc.ca/gms?team</vos:property></vos:properties>";
    for service in ["vault", "arc"] {
        bench.node("POST", service, "/ada", "ContainerNode", write).await;
        bench.node("PUT", service, "/ada/d", "ContainerNode", write).await;
        assert_eq!(bench.stat(service, "/ada/d").await.properties.creator(), Some("ada"));
        let headers = [("content-type", "text/xml")];
        let document = relocation(service, "/ada/d", "/ada/e");
        let answer = bench.send("POST", &format!("/{service}/synctrans"), EVE, &headers, document).await;
        assert_eq!(answer.status, 303);
        assert_eq!(
            bench.send("GET", &format!("/{service}/nodes/ada/e"), EVE, &[], "").await.node().properties.creator(),
            Some("eve")
        );
    }
}

#[tokio::test]
async fn fault_36_read_only() {
    let bench = Bench::start().await;
    bench.control("mode", r#"{"mode": "read_only"}"#).await;
    for (method, url) in [
        ("PUT", "/vault/nodes/ada/d"),
        ("POST", "/arc/nodes/ada"),
        ("DELETE", "/vault/nodes/ada"),
        ("PUT", "/arc/files/ada/f"),
    ] {
        let answer = bench.send(method, url, ADA, &[], "x").await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("180")), "{method} {url}");
    }
    assert_eq!(bench.get("/vault/nodes/ada").await.status, 200);
    bench.control("mode", r#"{"mode": "read_write"}"#).await;
    // The real services let jobs and uploads pass; all that changes anything is refused like this.
    for method in ["PUT", "POST", "DELETE"] {
        let rule = r#""path": "/", "status": 503, "retry_after": "180", "text": "System is in read-only mode"}"#;
        bench.fault(&format!("{{\"method\": \"{method}\", {rule}")).await;
    }
    let answer = bench.transfer("vault", "synctrans", &negotiation("vault", "/ada/f", "pushToVoSpace")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("180")));
    assert_eq!(bench.get("/vault/nodes/ada/f").await.status, 404);
}
