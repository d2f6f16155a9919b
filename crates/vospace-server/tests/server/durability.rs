//! What survives: an orderly restart, a killed process, an import beside a running service.

use crate::process::Process;
use crate::support::{ADA, Bench, hex};
use std::path::Path;
use std::process::Command;
use vospace_client::node::property;

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let mut bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.mkdir(service, "/ada/d").await;
        bench.write(service, "/ada/d/f", b"the bytes").await;
        bench.set(service, "/ada/d/f", "DataNode", "ivo://my.org/k", "v").await;
    }
    let before = bench.stat("vault", "/ada/d/f").await;
    let url = bench.get("/vault/files/ada/d/f").await.location().replace(&bench.base, "");
    bench.restart().await;
    assert_eq!(bench.stat("vault", "/ada/d/f").await, before);
    assert_eq!(bench.get(&url).await.text(), "the bytes", "a byte URL is good for ever");
    for service in ["vault", "arc"] {
        assert_eq!(bench.read(service, "/ada/d/f").await, b"the bytes");
        assert_eq!(bench.stat(service, "/ada/d/f").await.properties.get("ivo://my.org/k"), Some("v"));
    }
}

#[tokio::test]
async fn a_killed_service_loses_nothing_that_it_answered() {
    let bench = Bench::start().await;
    let data = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|index| index as u8).collect();
    let process = Process::start(data.path());
    let target = "TARGET=vos://cadc.nrc.ca~vault/ada/f&DIRECTION=pushToVoSpace";
    let url = format!("{}/vault/synctrans?{target}&PROTOCOL=ivo://ivoa.net/vospace/core%23httpsput", process.base);
    let endpoint = bench.send("GET", &url, ADA, &[], "").await.location().to_owned();
    assert_eq!(bench.send("PUT", &endpoint, None, &[], content.clone()).await.status, 201);
    drop(process);
    // What a removal that came no further would have left.
    let orphan = data.path().join("vault/bytes/00");
    std::fs::create_dir_all(&orphan).unwrap();
    std::fs::write(orphan.join("00-orphan"), "x").unwrap();
    let process = Process::start(data.path());
    assert!(!orphan.join("00-orphan").exists());
    let node = bench.send("GET", &format!("{}/vault/nodes/ada/f", process.base), ADA, &[], "").await.node();
    assert_eq!(node.properties.get(property::MD5), Some(hex(&content).as_str()));
    let location = bench.send("GET", &format!("{}/vault/files/ada/f", process.base), ADA, &[], "").await;
    assert!(bench.send("GET", location.location(), None, &[], "").await.body == content);
}

#[tokio::test]
async fn an_import_beside_a_running_service() {
    let bench = Bench::start().await;
    let data = tempfile::tempdir().unwrap();
    let tree = tempfile::tempdir().unwrap();
    std::fs::create_dir(tree.path().join("sub")).unwrap();
    std::fs::write(tree.path().join("a.fits"), "aaa").unwrap();
    std::fs::write(tree.path().join("sub/empty"), "").unwrap();
    std::fs::write(tree.path().join("not safe"), "x").unwrap();
    let process = Process::start(data.path());
    for _ in 0..2 {
        let output = Command::new(env!("CARGO_BIN_EXE_vospaced"))
            .args(["import", "--profile", "both", "--user", "ada:x", "--data"])
            .args([data.path(), tree.path()])
            .arg("ada/data")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("imported 2 files"));
    }
    for service in ["vault", "arc"] {
        let url = format!("{}/{service}/nodes/ada/data", process.base);
        let get = async |path: &str| bench.send("GET", &format!("{url}{path}"), ADA, &[], "").await;
        let node = get("/a.fits").await.node();
        assert_eq!((node.properties.length(), node.properties.content_type()), (Some(3), Some("application/fits")));
        assert_eq!(node.properties.creator(), Some("ada"));
        assert_eq!(get("/sub/empty").await.node().properties.length(), Some(0));
        assert!(!get("").await.text().contains("not"), "a name that no client can address");
    }
}

#[test]
fn a_directory_or_port_in_use_is_named_with_the_remedy() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let address = process.base.strip_prefix("http://").unwrap();
    let other = tempfile::tempdir().unwrap();
    let serve = |data: &Path, listen: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_vospaced"))
            .args(["serve", "--listen", listen, "--data"])
            .arg(data)
            .output()
            .unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
        String::from_utf8(output.stderr).unwrap()
    };
    let text = serve(data.path(), "127.0.0.1:0");
    assert!(text.contains("another vospaced serves") && text.contains("--data"), "{text}");
    let text = serve(other.path(), address);
    assert!(text.contains(address) && text.contains("--listen"), "{text}");
}
