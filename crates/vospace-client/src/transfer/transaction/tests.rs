use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::body::upload::digest_of;
use crate::client::Client;
use crate::dialect::Learned;
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::transfer::{PutOptions, UploadSource, Uploaded};
use crate::xml::transfer::{self as document, Direction, HTTP_PUT, Protocol, Transfer};
use crate::{ErrorKind, Result};

const CONTENT: &[u8] = b"0123456789";

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Done,
    /// The connection breaks; nothing is kept.
    Cut,
    /// It is done, and the connection breaks before the answer.
    Lost,
    /// The connection breaks; half of the bytes stay, and the digest does not tell (a service that crashed).
    Torn,
    /// Refused; the bytes stay, and the digest does not tell (as after any 412).
    Spoilt,
    /// Done, and another digest told.
    OtherDigest,
    /// An answer without anything in it.
    Bare,
    /// An answer that tells of more bytes than there are.
    More,
    /// No answer comes.
    Silence,
    /// This status and nothing else.
    Status(u16),
}

#[derive(Default)]
struct State {
    steps: Vec<String>,
    begun: usize,
    /// Number, bytes, and how many of them the digest tells.
    open: Option<(usize, Vec<u8>, usize)>,
    stored: Option<(Vec<u8>, Option<String>)>,
}

/// A service with transactions at `/svc/byte/N`.
#[derive(Clone)]
struct Site {
    state: Arc<Mutex<State>>,
    /// Largest segment.
    most: Option<u64>,
    /// What happens to the `n`th step of a name.
    plan: fn(&str, usize) -> Act,
}

impl Site {
    fn new(plan: fn(&str, usize) -> Act) -> Self {
        Site { state: Arc::default(), most: None, plan }
    }

    fn answer(&self, seen: &Seen) -> Reply {
        let mut state = self.state.lock();
        let id = seen.header("x-put-txn-id");
        let step = match (seen.method.as_str(), seen.header("x-put-txn-op"), id) {
            ("PUT", Some("start"), None) => "start",
            ("PUT", None, Some(_)) => "append",
            ("PUT", Some("commit"), Some(_)) => "commit",
            ("POST", Some("abort"), Some(_)) => "abort",
            ("HEAD", None, Some(id)) if id.starts_with("00000000-") => "probe",
            ("HEAD", None, Some(_)) => "ask",
            ("HEAD", None, None) => "find",
            ("PUT", None, None) => "put",
            other => panic!("{other:?}"),
        };
        let nth = state.steps.iter().filter(|before| before.split(' ').next() == Some(step)).count();
        let place = seen.target.trim_start_matches("/svc/byte/");
        let act = (self.plan)(&format!("{step}@{place}"), nth);
        let text = String::from_utf8_lossy(&seen.body);
        state.steps.push(if step == "append" { format!("{step} {text}") } else { step.to_owned() });
        assert_eq!(seen.header("authorization"), None);
        if let Act::Status(status) = act {
            return Reply::fault(status, "planned");
        }
        if act == Act::Cut {
            return Reply::Raw(vec![]);
        }
        if act == Act::Bare {
            return Reply::Raw(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n".to_vec());
        }
        if act == Act::More {
            return Reply::status(200).header("Content-Length", "99");
        }
        if act == Act::Silence {
            return Reply::Stall(vec![]);
        }
        let reply = Self::act(&mut state, step, seen, act, self.most);
        if matches!(act, Act::Lost | Act::Torn) { Reply::Raw(vec![]) } else { reply }
    }

    fn act(state: &mut State, step: &str, seen: &Seen, act: Act, most: Option<u64>) -> Reply {
        let digest = |bytes: &[u8]| {
            let bytes = if act == Act::OtherDigest { b"other" } else { bytes };
            digest_of(bytes).to_digest_header()
        };
        match step {
            "start" => {
                assert_eq!((seen.header("x-total-length"), seen.header("content-length")), (Some("10"), Some("0")));
                state.begun += 1;
                state.open = Some((state.begun, vec![], 0));
                let reply = Reply::status(202).header("x-put-txn-id", format!("T{}", state.begun));
                let reply = reply.header("x-put-segment-minbytes", "1");
                return match most {
                    Some(most) => reply.header("x-put-segment-maxbytes", most.to_string()),
                    None => reply,
                };
            }
            "put" => {
                state.stored = Some((seen.body.clone(), None));
                return Reply::status(201).header("Digest", digest(&seen.body));
            }
            "find" => {
                return match &state.stored {
                    None => Reply::status(404),
                    Some((bytes, _)) => {
                        let reply = Reply::status(200).header("Content-Length", bytes.len().to_string());
                        reply.header("Digest", digest(bytes))
                    }
                };
            }
            _ => {}
        }
        let known =
            state.open.as_ref().is_some_and(|open| seen.header("x-put-txn-id") == Some(&format!("T{}", open.0)));
        let Some((_, bytes, told)) = state.open.as_mut().filter(|_| known) else {
            return Reply::fault(400, "unknown transaction");
        };
        match step {
            "append" => {
                let kept = if act == Act::Torn { seen.body.len() / 2 } else { seen.body.len() };
                bytes.extend_from_slice(&seen.body[..kept]);
                if act == Act::Spoilt {
                    return Reply::fault(412, "checksum mismatch");
                }
                if act != Act::Torn {
                    *told = bytes.len();
                }
                Reply::status(202).header("Digest", digest(bytes))
            }
            "ask" => {
                let reply = Reply::status(200).header("Content-Length", bytes.len().to_string());
                if *told == 0 { reply } else { reply.header("Digest", digest(&bytes[..*told])) }
            }
            "abort" => {
                state.open = None;
                Reply::status(204)
            }
            _ => {
                let content_type = seen.header("content-type").map(str::to_owned);
                let reply = Reply::status(201).header("Digest", digest(&bytes[..*told]));
                state.stored = state.open.take().map(|(_, bytes, _)| (bytes, content_type));
                reply
            }
        }
    }

    /// Uploads ten bytes in segments of four.
    async fn upload(&self) -> (Result<Uploaded>, Client) {
        upload_to(&self.serve().await, None).await
    }

    async fn serve(&self) -> Stub {
        let site = self.clone();
        Stub::service(move |seen, _| match seen.line().as_str() {
            "PUT /svc/files/" => Reply::fault(405, "unsupported: HTTP PUT"),
            "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Reply::redirect("/svc/byte/0"),
            "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
            "GET /svc/transfers/J/results/transferDetails" => Reply::redirect("/svc/xfer/J"),
            "GET /svc/xfer/J" => {
                let mut offered = Transfer::new("vos://test~svc/a", Direction::PushToVoSpace);
                let endpoint = format!("http://{}/svc/byte/1", seen.header("host").unwrap());
                let protocol =
                    Protocol { uri: HTTP_PUT.to_owned(), endpoint: Some(endpoint), security_methods: vec![] };
                offered.protocols = vec![protocol];
                Reply::ok(document::write(&offered))
            }
            line if line.contains(" /svc/nodes/") => Reply::fault(404, "NodeNotFound"),
            _ => site.answer(seen),
        })
        .await
    }

    fn steps(&self) -> Vec<String> {
        self.state.lock().steps.clone()
    }

    /// After a success: the file is what was sent, and the steps were these.
    async fn stores(&self, steps: &[&str]) {
        let (result, client) = self.upload().await;
        let uploaded = result.unwrap();
        assert_eq!((uploaded.length, uploaded.md5), (10, digest_of(CONTENT)));
        assert_eq!(self.steps(), steps);
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().transactions, Learned::Yes);
        let state = self.state.lock();
        assert_eq!(state.stored, Some((CONTENT.to_vec(), Some("image/fits".to_owned()))));
        assert!(state.open.is_none(), "no transaction stays open");
    }
}

/// Uploads ten bytes in segments of four; with `notes` so that another program can go on with it.
async fn upload_to(stub: &Stub, notes: Option<&Path>) -> (Result<Uploaded>, Client) {
    let config = crate::ClientConfig { segment: 4, state_dir: notes.map(Path::to_owned), ..stub.config() };
    let client = Client::new(config).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    std::fs::write(&path, CONTENT).unwrap();
    let identity = notes.map(|_| "these bytes".to_owned());
    let options = PutOptions { content_type: Some("image/fits".to_owned()), identity, ..PutOptions::default() };
    let result = client.put(&uri("/a"), UploadSource::File { path, length: 10 }, options).await;
    (result, client)
}

fn usual(step: &str) -> Act {
    if step.starts_with("probe") { Act::Status(400) } else { Act::Done }
}

#[tokio::test]
async fn a_large_file_goes_in_segments() {
    let site = Site::new(|step, _| usual(step));
    site.stores(&["probe", "start", "append 0123", "append 4567", "append 89", "ask", "commit"]).await;
}

#[tokio::test]
async fn segments_are_no_larger_than_the_service_takes() {
    let site = Site { most: Some(3), ..Site::new(|step, _| usual(step)) };
    site.stores(&["probe", "start", "append 012", "append 345", "append 678", "append 9", "ask", "commit"]).await;
}

#[tokio::test]
async fn a_segment_that_is_cut_is_sent_again_and_nothing_else() {
    let site = Site::new(|step, n| if (step, n) == ("append@0", 1) { Act::Cut } else { usual(step) });
    site.stores(&["probe", "start", "append 0123", "append 4567", "ask", "append 4567", "append 89", "ask", "commit"])
        .await;
    // The service has it all the same: it is not sent twice.
    let site = Site::new(|step, n| if (step, n) == ("append@0", 1) { Act::Lost } else { usual(step) });
    site.stores(&["probe", "start", "append 0123", "append 4567", "ask", "append 89", "ask", "commit"]).await;
    // The very first one.
    let site = Site::new(|step, n| if (step, n) == ("append@0", 0) { Act::Status(500) } else { usual(step) });
    site.stores(&["probe", "start", "append 0123", "ask", "append 0123", "append 4567", "append 89", "ask", "commit"])
        .await;
}

#[tokio::test]
async fn a_spoilt_transaction_is_given_up_and_all_begins_anew() {
    let again = ["abort", "start", "append 0123", "append 4567", "append 89", "ask", "commit"];
    let anew = |before: &[&'static str]| [&["probe", "start", "append 0123", "append 4567"], before, &again].concat();
    // A 412, after which the digest is wrong for good.
    let site = Site::new(|step, n| if (step, n) == ("append@0", 1) { Act::Spoilt } else { usual(step) });
    site.stores(&anew(&[])).await;
    // Another digest of what is there so far.
    let site = Site::new(|step, n| if (step, n) == ("append@0", 1) { Act::OtherDigest } else { usual(step) });
    site.stores(&anew(&[])).await;
    // Torn bytes behind the digest.
    let site = Site::new(|step, n| if (step, n) == ("append@0", 1) { Act::Torn } else { usual(step) });
    site.stores(&anew(&["ask"; 6])).await;
    // The service had only not noticed yet that the connection broke.
    let site = Site::new(|step, n| match (step, n) {
        ("append@0", 1) => Act::Cut,
        ("ask@0", 0 | 1) => Act::OtherDigest,
        _ => usual(step),
    });
    let patient = ["ask", "ask", "ask", "append 4567", "append 89", "ask", "commit"];
    site.stores(&[&["probe", "start", "append 0123", "append 4567"], &patient[..]].concat()).await;
    // An answer that does not tell says nothing.
    let site = Site::new(|step, n| match (step, n) {
        ("append@0", 1) => Act::Cut,
        ("ask@0", 0 | 1) => Act::Bare,
        _ => usual(step),
    });
    site.stores(&[&["probe", "start", "append 0123", "append 4567"], &patient[..]].concat()).await;
    // The transaction is gone.
    let site = Site::new(|step, n| if (step, n) == ("append@0", 1) { Act::Status(400) } else { usual(step) });
    site.stores(&anew(&[])).await;
}

#[tokio::test]
async fn wrong_digests_without_end_are_an_error_and_nothing_is_committed() {
    let site = Site::new(|step, _| if step.starts_with("append") { Act::OtherDigest } else { usual(step) });
    let (result, _) = site.upload().await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ChecksumMismatch);
    let steps = site.steps();
    assert_eq!(steps.iter().filter(|step| *step == "start").count(), steps.iter().filter(|s| *s == "abort").count());
    assert!(!steps.contains(&"commit".to_owned()) && !steps.contains(&"put".to_owned()));
}

#[tokio::test]
async fn a_service_that_has_more_than_was_sent_is_not_believed() {
    let site = Site::new(|step, _| if step.starts_with("ask") { Act::More } else { usual(step) });
    let (result, _) = site.upload().await;
    let text = "the service has 99 bytes of the upload, more than were sent; try again; if it persists, report it";
    refused(result, ErrorKind::ChecksumMismatch, text);
    assert!(!site.steps().contains(&"commit".to_owned()));
}

#[tokio::test]
async fn a_commit_without_answer_is_asked_for() {
    let filled = ["probe", "start", "append 0123", "append 4567", "append 89", "ask", "commit", "find"];
    let site = Site::new(|step, n| if (step, n) == ("commit@0", 0) { Act::Lost } else { usual(step) });
    site.stores(&filled).await;
    let site = Site::new(|step, n| if (step, n) == ("commit@0", 0) { Act::Cut } else { usual(step) });
    site.stores(&[&filled[..], &["commit"]].concat()).await;
}

#[tokio::test]
async fn a_place_that_is_used_up_by_a_commit_without_answer_refuses_nothing() {
    let site = Site::new(|step, n| match (step, n) {
        ("commit@0", 0) => Act::Lost,
        ("commit@0" | "find@0", _) => Act::Status(403),
        _ => usual(step),
    });
    let (result, _) = site.upload().await;
    assert_eq!(result.unwrap().md5, digest_of(CONTENT), "another place was asked for");
    assert_eq!(site.state.lock().stored.as_ref().unwrap().0, CONTENT);
}

#[tokio::test]
async fn a_wrong_digest_of_the_commit_sends_all_again() {
    let site = Site::new(|step, n| if (step, n) == ("commit@0", 0) { Act::OtherDigest } else { usual(step) });
    let (result, _) = site.upload().await;
    result.unwrap();
    assert_eq!(site.steps().iter().filter(|step| *step == "commit").count(), 2);
}

#[tokio::test]
async fn another_site_begins_anew() {
    let site = Site::new(|step, n| match step {
        "append@0" | "ask@0" if n > 0 || step == "ask@0" => Act::Status(503),
        _ => usual(step),
    });
    let (result, _) = site.upload().await;
    result.unwrap();
    let steps = site.steps();
    let second = steps.iter().rposition(|step| step == "start").unwrap();
    assert_eq!(steps[second - 1], "abort", "{steps:?}");
    assert_eq!(steps[second..], ["start", "append 0123", "append 4567", "append 89", "ask", "commit"]);
    assert_eq!(site.state.lock().begun, 2);
}

#[tokio::test]
async fn a_place_without_transactions_gets_the_file_at_once() {
    for status in [404, 405, 403] {
        let site = Site::new(match status {
            404 => |step, _| if step.starts_with("probe") { Act::Status(404) } else { Act::Done },
            405 => |step, _| if step.starts_with("probe") { Act::Status(405) } else { Act::Done },
            _ => |step, _| if step.starts_with("probe") { Act::Status(403) } else { Act::Done },
        });
        let (result, client) = site.upload().await;
        assert_eq!(result.unwrap().md5, digest_of(CONTENT));
        assert_eq!(site.steps(), ["probe", "put"]);
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().transactions, Learned::No);
    }
    // It only looked as if it had them.
    let site = Site::new(|step, _| if step.starts_with("start") { Act::Status(405) } else { usual(step) });
    let (result, client) = site.upload().await;
    assert_eq!(result.unwrap().md5, digest_of(CONTENT));
    assert_eq!(site.steps(), ["probe", "start", "put"]);
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().transactions, Learned::No);
}

#[tokio::test]
async fn an_upload_that_is_no_longer_wanted_is_aborted() {
    let site = Site::new(|step, _| if step.starts_with("append") { Act::Silence } else { usual(step) });
    let upload = {
        let site = site.clone();
        tokio::spawn(async move { site.upload().await.0 })
    };
    while !site.steps().iter().any(|step| step.starts_with("append")) {
        tokio::task::yield_now().await;
    }
    upload.abort();
    let _ = upload.await;
    let started = std::time::Instant::now();
    while site.state.lock().open.is_some() {
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", site.steps());
        tokio::task::yield_now().await;
    }
}

/// Two segments are sent, the second of them without an answer; then the program ends, and the next one goes on.
async fn taken_up_after_two_segments(site: &Site) {
    let stub = Arc::new(site.serve().await);
    let notes = tempfile::tempdir().unwrap();
    let upload = {
        let (stub, notes) = (Arc::clone(&stub), notes.path().to_owned());
        tokio::spawn(async move { upload_to(&stub, Some(&notes)).await.0 })
    };
    while site.steps().len() < 4 {
        tokio::task::yield_now().await;
    }
    upload.abort();
    let _ = upload.await;
    upload_to(&stub, Some(notes.path())).await.0.unwrap();
}

#[tokio::test]
async fn who_takes_up_an_upload_waits_until_the_service_has_noticed_that_it_broke() {
    let site = Site::new(|step, n| match (step, n) {
        ("append@0", 1) => Act::Silence,
        ("ask@0", 0 | 1) => Act::OtherDigest,
        _ => usual(step),
    });
    taken_up_after_two_segments(&site).await;
    let broken = ["probe", "start", "append 0123", "append 4567"];
    let taken_up = ["probe", "ask", "ask", "ask", "append 4567", "append 89", "ask", "commit"];
    assert_eq!(site.steps(), [&broken[..], &taken_up].concat());
}

#[tokio::test]
async fn what_was_begun_at_an_address_that_is_good_no_more_is_sent_anew() {
    let site = Site::new(|step, n| match (step, n) {
        ("append@0", 1) => Act::Silence,
        ("ask@0", 0) => Act::Status(403),
        _ => usual(step),
    });
    taken_up_after_two_segments(&site).await;
    assert_eq!(site.state.lock().stored.as_ref().unwrap().0, CONTENT);
    let steps = site.steps();
    assert_eq!(steps[4..6], ["probe", "ask"]);
    assert_eq!(steps[steps.len() - 6..], ["start", "append 0123", "append 4567", "append 89", "ask", "commit"]);
}
