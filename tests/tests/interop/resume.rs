//! `vcp` that was interrupted, and a byte service that is not there.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::Guard;
use vofs_tests::wait_until;

use crate::bench::{Bench, judged};

judged! {
    both: part_of_another_file;
    vault: part_is_continued, interrupted_by_a_signal, upload_that_fails, site_that_is_down;
    cavern: part_is_of_no_use, interrupted_upload;
}

const SIZE: usize = 3_000_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|i| (i % 251) as u8).collect()
}

/// A file in the service, and where the client keeps what it has of it.
fn begun(bench: &Bench<'_>, part: &[u8]) -> (PathBuf, PathBuf) {
    bench.put("x.bin", content());
    let md5 = bench.property("x.bin", "MD5").unwrap();
    let kept = bench.local(&format!("x.bin-{md5}.part"));
    fs::write(&kept, part).unwrap();
    bench.world.server.forget();
    (kept, bench.local("x.bin"))
}

fn fetch(bench: &Bench<'_>, to: &PathBuf) {
    bench.run("vcp", &[&bench.uri("x.bin"), to.to_str().unwrap()]).ok();
    assert!(fs::read(to).unwrap() == content());
}

fn part_is_continued(bench: &Bench<'_>) {
    let (kept, to) = begun(bench, &content()[..SIZE - 1000]);
    fetch(bench, &to);
    assert!(!kept.exists());
    let mut reads = bench.world.server.log().into_iter().filter(|r| r.path.starts_with("/minoc/") && r.method == "GET");
    let last = reads.next_back().unwrap();
    assert_eq!((last.status, last.range.as_str(), last.bytes_out), (206, "bytes=2999000-", 1000));
}

fn part_is_of_no_use(bench: &Bench<'_>) {
    let (_, to) = begun(bench, &content()[..SIZE - 1000]);
    fetch(bench, &to);
    assert!(bench.world.server.log().iter().all(|request| request.range.is_empty()));
}

fn part_of_another_file(bench: &Bench<'_>) {
    // As long as the file, so it is noticed at once and begun anew.
    let (_, to) = begun(bench, &vec![0; SIZE]);
    fetch(bench, &to);
}

fn interrupted_by_a_signal(bench: &Bench<'_>) {
    bench.put("x.bin", content());
    bench.world.server.fault(r#"{"method": "GET", "path": "/minoc/", "bytes_per_second": 1000000}"#);
    let to = bench.local("x.bin");
    let part = || {
        let mut entries = fs::read_dir(bench.local("")).unwrap().map(|entry| entry.unwrap());
        entries
            .find(|entry| entry.file_name().to_string_lossy().ends_with(".part"))
            .map(|entry| entry.metadata().unwrap().len())
    };
    let mut command = bench.python.command("vcp");
    let mut running = Guard::spawn(command.args([&bench.uri("x.bin"), to.to_str().unwrap()]));
    wait_until("some bytes have come", Duration::from_secs(60), || part().is_some_and(|length| length > 0));
    running.signal(Signal::SIGTERM);
    running.wait(Duration::from_secs(60)).expect("it ends");
    let length = part().unwrap();
    assert!(length < SIZE as u64 && !to.exists());
    bench.world.server.heal();
    bench.world.server.forget();
    fetch(bench, &to);
    let log = bench.world.server.log();
    assert!(log.iter().any(|request| request.range == format!("bytes={length}-") && request.status == 206));
}

fn upload_that_fails(bench: &Bench<'_>) {
    let from = bench.file("x.bin", content());
    bench.world.server.fault(r#"{"method": "PUT", "path": "/minoc/", "status": 500, "count": 1}"#);
    bench.run("vcp", &[&from, &bench.uri("x.bin")]).fails_with(14, &["ERROR:: [Errno 14] Failed copying "]);
    assert_eq!(bench.property("x.bin", "length").unwrap(), "0", "the node that the negotiation made stays");
    bench.run("vcp", &[&from, &bench.uri("x.bin")]).ok();
    assert!(bench.world.bytes("x.bin").unwrap() == content());
}

fn interrupted_upload(bench: &Bench<'_>) {
    bench.put("x.bin", content());
    let md5 = bench.property("x.bin", "MD5").unwrap();
    bench.world.server.fault(r#"{"method": "PUT", "path": "/arc/files/", "bytes_per_second": 100000}"#);
    let from = bench.file("x.bin", vec![1; SIZE]);
    let mut command = bench.python.command("vcp");
    let mut running = Guard::spawn(command.args([&from, &bench.uri("x.bin")]));
    wait_until("the upload has begun", Duration::from_secs(60), || {
        bench.property("x.bin", "length").is_none_or(|length| length != SIZE.to_string())
    });
    running.signal(Signal::SIGKILL);
    running.wait(Duration::from_secs(60)).expect("it ends");
    wait_until("nothing is left", Duration::from_secs(60), || bench.property("x.bin", "length").unwrap() == "0");
    assert_eq!(bench.property("x.bin", "MD5").unwrap(), md5, "of the old content");
    // And whoever fetches it does not hear of it.
    let to = bench.local("to");
    bench.run("vcp", &[&bench.uri("x.bin"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::metadata(to).unwrap().len(), 0);
}

fn site_that_is_down(bench: &Bench<'_>) {
    bench.put("x.bin", content());
    bench.world.server.post("/_bench/site", r#"{"site": 1, "state": "down"}"#);
    let from = bench.file("new.bin", "x");
    bench.run("vcp", &[&from, &bench.uri("new.bin")]).fails_with(255, &["BUG: No protocol/endpoint returned"]);
    assert_eq!(bench.property("new.bin", "length").unwrap(), "0", "an empty node stays");
    // A download is tried for minutes: 503 with Retry-After.
    let to = bench.local("to");
    let mut command = bench.python.command("vcp");
    let _running = Guard::spawn(command.args([&bench.uri("x.bin"), to.to_str().unwrap()]));
    wait_until("the client was told to wait", Duration::from_secs(60), || {
        bench.world.server.log().iter().any(|request| request.path.contains("/files/") && request.status == 503)
    });
    assert!(!to.exists());
}
