//! The service is killed between any two steps, and within them, and started again.

use crate::process::Process;
use crate::put_transactions::Upload;
use crate::support::{ADA, Answer, Bench, digest, negotiation, received, relocation};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use vospace_client::xml::transfer;

const COMMIT: [(&str, &str); 2] = [("x-put-txn-op", "commit"), ("content-length", "0")];

fn started(data: &Path) -> (Process, Bench) {
    let process = Process::start(data);
    let bench = Bench::of(&process.base);
    (process, bench)
}

/// Waits until the service has so many bytes of something that comes in below this directory.
async fn has_come(dir: &Path, bytes: u64) {
    let largest = || {
        let sizes = std::fs::read_dir(dir).into_iter().flatten().flatten();
        sizes.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0)
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while largest() < bytes {
        assert!(tokio::time::Instant::now() < deadline, "the service takes the bytes in");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Sends the head of a PUT and the first so many bytes of its body; the connection stays open.
async fn begin_put(bench: &Bench, url: &str, headers: &str, announced: usize, sent: usize) -> tokio::net::TcpStream {
    let path = url.strip_prefix(&bench.base).unwrap();
    let mut stream = bench.connect().await;
    let head = format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; sent]).await.unwrap();
    stream
}

#[tokio::test]
async fn fault_37_killed_between_two_steps_of_an_upload_in_segments() {
    let content: Vec<u8> = [vec![b'a'; 100], vec![b'b'; 100]].concat();
    for killed_after in 0..6 {
        let data = tempfile::tempdir().unwrap();
        let (mut process, bench) = started(data.path());
        let mut step = 0;
        let mut passed = || {
            if step == killed_after {
                process.kill_and_restart();
            }
            step += 1;
        };
        bench.node("PUT", "vault", "/ada/f", "DataNode", "").await;
        passed();
        let upload = Upload::start(&bench, "/ada/f", "200").await;
        passed();
        assert_eq!(upload.append(b'a', 100).await.status, 202);
        passed();
        assert_eq!(upload.settled().await, (Some(100), Some(digest(&content[..100]))));
        let answer = upload.append(b'b', 100).await;
        assert_eq!((answer.status, answer.header("digest")), (202, Some(digest(&content).as_str())));
        passed();
        let answer = upload.send("PUT", &COMMIT, "").await;
        assert_eq!((answer.status, answer.header("digest")), (201, Some(digest(&content).as_str())));
        passed();
        assert_eq!(bench.stat("vault", "/ada/f").await.properties.length(), Some(200));
        passed();
        assert_eq!(bench.read("vault", "/ada/f").await, content, "killed after step {killed_after}");
        assert_eq!(upload.send("HEAD", &[], "").await.status, 400, "the transaction has ended");
    }
}

#[tokio::test]
async fn fault_37_killed_within_an_upload() {
    let data = tempfile::tempdir().unwrap();
    let (mut process, bench) = started(data.path());
    const LARGE: usize = 8_000_000;
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", b"precious").await;
    }
    // Of a file as a whole: atomic at the byte service.
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let _open = begin_put(&bench, &endpoint, "", LARGE, LARGE / 2).await;
    let incoming = data.path().join("vault/bytes/incoming");
    has_come(&incoming, 1_000_000).await;
    process.kill_and_restart();
    assert_eq!(bench.read("vault", "/ada/f").await, b"precious");
    assert_eq!(std::fs::read_dir(&incoming).unwrap().count(), 0, "nothing is left of it");
    // In place at the file service: what had come, with the checksum of before (Cavern, observed).
    let url = format!("{}/arc/files/ada/f", bench.base);
    let _open = begin_put(&bench, &url, "Authorization: Bearer ada-token\r\n", LARGE, LARGE / 2).await;
    let shards = std::fs::read_dir(data.path().join("arc/bytes")).unwrap().flatten();
    let shard = shards.map(|entry| entry.path()).find(|path| path.file_name().unwrap().len() == 2).unwrap();
    has_come(&shard, 1_000_000).await;
    process.kill_and_restart();
    let answer = bench.get("/arc/files/ada/f").await;
    assert!((1_000_000..=LARGE / 2).contains(&answer.body.len()) && answer.body.iter().all(|byte| *byte == b'x'));
    assert_eq!(answer.header("digest"), Some(digest(b"precious").as_str()));
    bench.write("arc", "/ada/f", b"again").await;
    assert_eq!(bench.read("arc", "/ada/f").await, b"again");
    // Within a segment: not rolled back, and its checksum is that of before (Vault, observed).
    let upload = Upload::start(&bench, "/ada/f", "20000000").await;
    assert_eq!(upload.append(b'a', 100).await.status, 202);
    let headers = format!("x-put-txn-id: {}\r\n", upload.id);
    let _open = begin_put(&bench, &upload.endpoint, &headers, LARGE, LARGE / 2).await;
    has_come(&data.path().join("vault/bytes/transactions"), 1_000_000).await;
    process.kill_and_restart();
    let (length, sum) = upload.settled().await;
    assert!(length.unwrap() > 1_000_000 && sum == Some(digest(&[b'a'; 100])), "{length:?}");
    assert_eq!(upload.send("POST", &[("x-put-txn-op", "abort")], "").await.status, 204);
    assert_eq!(bench.read("vault", "/ada/f").await, b"precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_37_killed_while_an_upload_becomes_true() {
    let data = tempfile::tempdir().unwrap();
    let (mut process, bench) = started(data.path());
    bench.write("vault", "/ada/f", b"version 0").await;
    let mut current = b"version 0".to_vec();
    let mut outcomes = [0, 0];
    for round in 1..=16_u64 {
        let next = format!("version {round}").into_bytes();
        let upload = Upload::start(&bench, "/ada/f", &next.len().to_string()).await;
        assert_eq!(upload.send("PUT", &[], next.clone()).await.status, 202);
        let headers = [("x-put-txn-id", upload.id.as_str()), COMMIT[0], COMMIT[1]];
        let commit = bench.try_send("PUT", &upload.endpoint, None, &headers, "");
        let kill = async {
            tokio::time::sleep(Duration::from_micros(round * 400)).await;
            tokio::task::block_in_place(|| process.kill_and_restart());
        };
        let answered = tokio::join!(commit, kill).0.is_ok();
        let stored = bench.read("vault", "/ada/f").await;
        let is_new = stored == next;
        assert!(is_new || (!answered && stored == current), "round {round}: {}", String::from_utf8_lossy(&stored));
        let answer = bench.get("/vault/files/ada/f").await;
        assert_eq!(answer.header("digest"), Some(digest(&stored).as_str()), "round {round}");
        // Who was not told says it again: it is done now, or was.
        let again = upload.send("PUT", &COMMIT, "").await.status;
        assert_eq!(again, if is_new { 400 } else { 201 }, "round {round}");
        assert_eq!(bench.read("vault", "/ada/f").await, next, "round {round}");
        outcomes[usize::from(is_new)] += 1;
        current = next;
    }
    assert_eq!(std::fs::read_dir(data.path().join("vault/bytes/transactions")).unwrap().count(), 0, "{outcomes:?}");
    drop(process);
    let blobs = walk(&data.path().join("vault/bytes"));
    assert_eq!(blobs, 1, "nothing is left of the others");
}

fn walk(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

/// The endpoints at the end of a negotiation.
fn endpoints(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let details = transfer::read(&answer.body).unwrap();
    details.protocols.into_iter().filter_map(|protocol| protocol.endpoint).collect()
}

#[tokio::test]
async fn fault_37_killed_between_two_steps_of_a_negotiation() {
    for service in ["vault", "arc"] {
        for killed_after in 0..4 {
            let data = tempfile::tempdir().unwrap();
            let (mut process, bench) = started(data.path());
            let answer = bench.transfer(service, "synctrans", &negotiation(service, "/ada/f", "pushToVoSpace")).await;
            if killed_after == 0 {
                process.kill_and_restart();
            }
            let answer = bench.get(answer.location()).await;
            assert_eq!(answer.status, 303, "{}", answer.text());
            if killed_after == 1 {
                process.kill_and_restart();
            }
            let answer = bench.get(answer.location()).await;
            let endpoint = endpoints(&answer).remove(0);
            if killed_after == 2 {
                process.kill_and_restart();
            }
            assert_eq!(bench.send("PUT", &endpoint, None, &[], "abc").await.status, 201);
            if killed_after == 3 {
                process.kill_and_restart();
            }
            assert_eq!(bench.read(service, "/ada/f").await, b"abc", "{service}: killed after step {killed_after}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_37_killed_between_two_steps_of_a_job_and_within_it() {
    for service in ["vault", "arc"] {
        let data = tempfile::tempdir().unwrap();
        let (mut process, bench) = started(data.path());
        bench.mkdir(service, "/ada/d").await;
        bench.write(service, "/ada/d/f", b"abc").await;
        // Made and not started: it can be started later.
        let created = bench.transfer(service, "transfers", &relocation(service, "/ada/d", "/ada/e")).await;
        process.kill_and_restart();
        assert_eq!(bench.get(&format!("{}/phase", created.location())).await.text(), "PENDING");
        assert_eq!(bench.run(&created).await.0, "COMPLETED");
        process.kill_and_restart();
        assert_eq!(bench.get(&format!("{}/phase", created.location())).await.text(), "COMPLETED");
        assert_eq!(bench.read(service, "/ada/e/f").await, b"abc");
        // Started and killed at some moment: the node is at one of both places, with all that is in it.
        let (mut here, mut there) = ("/ada/e", "/ada/d");
        for round in 0..8_u64 {
            let created = bench.transfer(service, "transfers", &relocation(service, here, there)).await;
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let url = format!("{}/phase", created.location());
            let start = bench.try_send("POST", &url, ADA, &form, "PHASE=RUN");
            let kill = async {
                tokio::time::sleep(Duration::from_micros(round * 700)).await;
                tokio::task::block_in_place(|| process.kill_and_restart());
            };
            let _ = tokio::join!(start, kill).0;
            let at = async |path: &str| bench.get(&format!("/{service}/nodes{path}?limit=0")).await.status;
            let (old, new) = (at(here).await, at(there).await);
            assert!(matches!((old, new), (200, 404) | (404, 200)), "{service} round {round}: {old} {new}");
            if new == 200 {
                (here, there) = (there, here);
            }
            assert_eq!(bench.read(service, &format!("{here}/f")).await, b"abc");
            let phase = bench.get(&url).await.text().to_owned();
            assert!(["PENDING", "QUEUED", "EXECUTING", "COMPLETED"].contains(&phase.as_str()), "{phase}");
        }
        // A recursive removal: what is left is a tree, and can be removed by another job.
        for number in 0..40 {
            bench.mkdir(service, &format!("{here}/sub{number}")).await;
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let remove = async || {
            let body = format!("target=vos://cadc.nrc.ca~{service}{here}");
            bench.send("POST", &format!("/{service}/async-delete"), ADA, &form, body).await
        };
        let created = remove().await;
        let url = format!("{}/phase", created.location());
        assert_eq!(bench.send("POST", &url, ADA, &form, "PHASE=RUN").await.status, 303);
        process.kill_and_restart();
        if bench.get(&format!("/{service}/nodes{here}")).await.status == 200 {
            assert_eq!(bench.run(&remove().await).await.0, "COMPLETED");
        }
        assert_eq!(bench.get(&format!("/{service}/nodes{here}")).await.status, 404);
        assert_eq!(bench.get(&format!("/{service}/nodes/ada")).await.status, 200);
    }
}

#[tokio::test]
async fn a_disk_that_is_full() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::on_small_disk(data.path(), 8);
    let bench = Bench::of(&process.base);
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", b"precious").await;
    }
    const TOO_LARGE: usize = 16_000_000;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let full = |answer: &Answer| {
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("No space left on device"), "{}", answer.text());
    };
    // The service may answer before all is sent, and a client that still sends then does not see it: twice in small
    // pieces is enough for one.
    let mut stream = begin_put(&bench, &endpoint, "Connection: close\r\n", TOO_LARGE, TOO_LARGE / 2).await;
    let _ = stream.write_all(&vec![b'x'; TOO_LARGE / 2]).await;
    let (head, body) = received(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 500"), "{head}");
    assert!(String::from_utf8_lossy(&body).contains("No space left on device"));
    assert_eq!(bench.read("vault", "/ada/f").await, b"precious", "the old content stays");
    let url = format!("{}/arc/files/ada/f", bench.base);
    let headers = "Authorization: Bearer ada-token\r\nConnection: close\r\n";
    let mut stream = begin_put(&bench, &url, headers, TOO_LARGE, TOO_LARGE / 2).await;
    let _ = stream.write_all(&vec![b'x'; TOO_LARGE / 2]).await;
    let (head, _) = received(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 500"), "{head}");
    assert_eq!(bench.read("arc", "/ada/f").await, b"", "in place: emptied");
    // A transaction ends with it.
    let upload = Upload::start(&bench, "/ada/t", "16000000").await;
    assert_eq!(upload.append(b'x', 1_000_000).await.status, 202);
    let headers = format!("x-put-txn-id: {}\r\nConnection: close\r\n", upload.id);
    let mut stream = begin_put(&bench, &upload.endpoint, &headers, TOO_LARGE, TOO_LARGE / 2).await;
    let _ = stream.write_all(&vec![b'x'; TOO_LARGE / 2]).await;
    assert!(received(&mut stream).await.0.starts_with("HTTP/1.1 500"));
    assert_eq!(upload.send("HEAD", &[], "").await.status, 400);
    // With next to nothing left, changes of nodes fail too, and nothing is broken by it.
    let mut kept = Vec::new();
    for number in 0..40 {
        let endpoint = bench.endpoint("vault", &format!("/ada/k{number}"), "pushToVoSpace").await;
        let answer = bench.send("PUT", &endpoint, None, &[], vec![b'k'; 300_000]).await;
        if answer.status == 201 {
            kept.push(number);
        } else {
            full(&answer);
            break;
        }
    }
    assert!(!kept.is_empty() && kept.len() < 40, "{kept:?}");
    for number in &kept {
        assert_eq!(bench.read("vault", &format!("/ada/k{number}")).await, vec![b'k'; 300_000]);
    }
    // Space that is given back is good again.
    for number in &kept {
        assert_eq!(bench.delete(&format!("/vault/nodes/ada/k{number}")).await.status, 200);
    }
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", &[b'n'; 1_000_000]).await;
        assert_eq!(bench.read(service, "/ada/f").await, vec![b'n'; 1_000_000]);
    }
}
