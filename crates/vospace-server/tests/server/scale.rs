//! Very many nodes.

use crate::support::Bench;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Instant;
use vospace_server::populate::populate;
use vospace_server::profile::Profile;
use vospace_server::serve::{ServeOptions, open_space};

#[tokio::test]
async fn a_container_that_was_populated_is_listed_and_its_files_can_be_written() {
    let mut bench = Bench::start().await;
    for profile in [Profile::vault(), Profile::cavern()] {
        let options = ServeOptions::new(bench.data());
        let space = open_space(profile, &options).unwrap();
        assert_eq!(populate(&space, "ada/many", "ada", 20).unwrap(), 20);
        assert_eq!(populate(&space, "ada/many", "ada", 2500).unwrap(), 2480, "only what is missing");
        assert!(populate(&space, "ada/many/node-0000001/x", "ada", 1).is_err());
    }
    bench.restart().await;
    for service in ["vault", "arc"] {
        let text = bench.list(service, "/ada/many").await;
        assert_eq!(text.matches("<vos:node ").count(), 2501);
        bench.write(service, "/ada/many/node-0000007", b"abc").await;
        assert_eq!(bench.read(service, "/ada/many/node-0000007").await, b"abc");
    }
}

/// A million nodes through the program itself, to be run by hand in a release build: it prints what it measures, and
/// fails if memory grows with the listing.
#[test]
#[ignore = "takes a minute"]
fn a_million_nodes_in_constant_memory() {
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_vospaced");
    let data = dir.path().to_str().unwrap();
    let start = Instant::now();
    let made = Command::new(program).args(["populate", "--data", data, "demo/many", "--count", "1000000"]).status();
    assert!(made.unwrap().success());
    println!("populate: {:?}", start.elapsed());
    let mut service = Command::new(program)
        .args(["serve", "--data", data, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = Vec::new();
    let mut stdout = service.stdout.take().unwrap();
    let mut byte = [0];
    while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    let line = String::from_utf8(line).unwrap();
    let base = line.split('=').nth(1).unwrap().trim_end_matches("/reg/resource-caps");
    let start = Instant::now();
    let counted = Command::new("sh")
        .args([
            "-c",
            &format!(
                "curl -s -H 'Authorization: Bearer demo-token' {base}/vault/nodes/demo/many | grep -c '<vos:node '"
            ),
        ])
        .output()
        .unwrap();
    println!("listing: {:?}", start.elapsed());
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    service.kill().unwrap();
    service.wait().unwrap();
    assert_eq!(String::from_utf8(counted.stdout).unwrap().trim(), "1000001");
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
    println!("{peak}");
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 100_000, "{peak}");
}
