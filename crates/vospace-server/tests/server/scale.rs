//! Very many nodes.

use crate::support::Bench;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use vospace_client::node::Md5;
use vospace_server::populate::{populate, populate_computed};
use vospace_server::profile::Profile;
use vospace_server::serve::{ServeOptions, open_space};
use vospace_server::store::blob::fill;

#[tokio::test]
async fn a_container_that_was_populated_is_listed_and_its_files_can_be_written() {
    let mut bench = Bench::start().await;
    for profile in [Profile::vault(), Profile::cavern()] {
        let options = ServeOptions::new(bench.data());
        let space = open_space(profile, &options).unwrap();
        assert_eq!(populate(&space, "ada/many", "ada", 20, 0).unwrap(), 20);
        assert_eq!(populate(&space, "ada/many", "ada", 2500, 0).unwrap(), 2480, "only what is missing");
        assert!(populate(&space, "ada/many/node-0000001/x", "ada", 1, 0).is_err());
    }
    bench.restart().await;
    for service in ["vault", "arc"] {
        let text = bench.list(service, "/ada/many").await;
        assert_eq!(text.matches("<vos:node ").count(), 2501);
        bench.write(service, "/ada/many/node-0000007", b"abc").await;
        assert_eq!(bench.read(service, "/ada/many/node-0000007").await, b"abc");
    }
}

#[tokio::test]
async fn files_of_zeros_are_served_with_their_checksum_and_take_no_room() {
    const LENGTH: u64 = 3_000_000;
    const MD5: &str = "c9fc2d3dd83ab67a129ac10b09c9ebbb";
    let mut bench = Bench::start().await;
    for profile in [Profile::vault(), Profile::cavern()] {
        let space = open_space(profile, &ServeOptions::new(bench.data())).unwrap();
        assert_eq!(populate(&space, "ada/zeros", "ada", 3, LENGTH).unwrap(), 3);
    }
    bench.restart().await;
    for service in ["vault", "arc"] {
        let bytes = bench.read(service, "/ada/zeros/node-0000002").await;
        assert_eq!(bytes.len() as u64, LENGTH);
        assert!(bytes.iter().all(|byte| *byte == 0));
        let node = bench.get(&format!("/{service}/nodes/ada/zeros/node-0000002")).await.node();
        assert_eq!((node.properties.length(), node.properties.md5()), (Some(LENGTH), Md5::from_hex(MD5)));
    }
    let mut blocks = 0;
    let mut waiting = vec![bench.data().to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if metadata.len() == LENGTH {
            blocks += metadata.blocks();
        }
    }
    assert_eq!(blocks, 0, "blocks of 512 bytes");
}

#[tokio::test]
async fn files_whose_bytes_are_computed_read_like_others_and_can_be_overwritten() {
    const LENGTH: u64 = 300_001;
    let mut bench = Bench::start().await;
    for profile in [Profile::vault(), Profile::cavern()] {
        let space = open_space(profile, &ServeOptions::new(bench.data())).unwrap();
        assert_eq!(populate_computed(&space, "ada/computed", "ada", 3, LENGTH, 40).unwrap(), 3);
    }
    bench.restart().await;
    let mut bytes = vec![0; LENGTH as usize];
    fill(42, 0, &mut bytes);
    let md5 = vospace_server::uploads::finished(<md5::Md5 as md5::Digest>::new_with_prefix(&bytes));
    for service in ["vault", "arc"] {
        let listing = bench.list(service, "/ada/computed").await;
        assert_eq!(listing.matches(">300001<").count(), 3, "{service}: before any of them was asked for: {listing}");
        assert!(bench.read(service, "/ada/computed/node-0000002").await == bytes, "{service}");
        let node = bench.get(&format!("/{service}/nodes/ada/computed/node-0000002")).await.node();
        assert_eq!((node.properties.length(), node.properties.md5()), (Some(LENGTH), Some(md5)));
        bench.write(service, "/ada/computed/node-0000002", b"overwritten").await;
        assert_eq!(bench.read(service, "/ada/computed/node-0000002").await, b"overwritten");
    }
}

/// Through the program itself, so that its memory can be measured: a listing of 60 MB must not be held as text.
#[tokio::test]
async fn a_large_listing_takes_constant_memory() {
    const COUNT: usize = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_vospaced");
    let data = dir.path().to_str().unwrap();
    let mut populate = Command::new(program);
    populate.args(["populate", "--data", data, "demo/many", "--count", &COUNT.to_string()]);
    assert!(populate.status().await.unwrap().success());
    let mut service = Command::new(program)
        .args(["serve", "--data", data, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let base = line.trim().split('=').nth(1).unwrap().trim_end_matches("/reg/resource-caps").to_owned();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = reqwest::Client::new().get(format!("{base}/vault/nodes/demo/many")).bearer_auth("demo-token");
    let listing = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(listing.matches("<vos:node ").count(), COUNT + 1);
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id().unwrap())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let kilobytes: usize = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes * 1024 < listing.len(), "{peak}, for a listing of {} bytes", listing.len());
    service.kill().await.unwrap();
}
