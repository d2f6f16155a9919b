//! Packages, as other programs unpack them.

use crate::support::{ADA, Answer, Bench, EVE, negotiation};
use std::process::Command;

async fn package(bench: &Bench, service: &str, path: &str, format: Option<&str>) -> (String, Answer) {
    let format = format.map_or(String::new(), |format| {
        format!("<vos:param uri=\"ivo://ivoa.net/vospace/core#format\">{format}</vos:param>")
    });
    let view = "</vos:direction><vos:view uri=\"vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0\"/>";
    let document = negotiation(service, path, "pullFromVoSpace").replace("</vos:direction>", view);
    let document = document.replace("</vos:transfer>", &format!("{format}</vos:transfer>"));
    let answer = bench.transfer(service, "synctrans", &document).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = answer.location().to_owned();
    assert!(location.ends_with("/run"), "{location}");
    let packed = bench.get(&location).await;
    (location, packed)
}

#[tokio::test]
async fn a_tree_comes_as_tar_and_as_zip_once() {
    let bench = Bench::start().await;
    let long = "n".repeat(120);
    let large = vec![b'x'; 100_001];
    for service in ["vault", "arc"] {
        bench.mkdir(service, "/ada/d").await;
        bench.mkdir(service, "/ada/d/sub").await;
        bench.write(service, "/ada/d/sub/large", &large).await;
        bench.write(service, &format!("/ada/d/{long}"), b"long").await;
        bench.node("PUT", service, "/ada/d/empty", "DataNode", "").await;

        let (location, tar) = package(&bench, service, "/ada/d", None).await;
        assert_eq!((tar.status, tar.header("content-length")), (200, None));
        assert_eq!(tar.header("content-type"), Some("application/x-tar"));
        assert!(tar.header("content-disposition").unwrap().contains("-download-d.tar"));
        let phase = location.replace("/pkg/", "/transfers/").replace("/run", "/phase");
        assert_eq!(bench.get(&phase).await.text(), "COMPLETED");
        assert_eq!(bench.get(&location).await.status, 400, "once");
        assert_eq!(bench.send("GET", &location, EVE, &[], "").await.status, 403);

        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("p.tar"), &tar.body).unwrap();
        let unpacked = Command::new("tar").args(["-xf", "p.tar"]).current_dir(dir.path()).status().unwrap();
        assert!(unpacked.success());
        let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
        assert!(read("d/sub/large") == large);
        assert_eq!((read(&format!("d/{long}")), read("d/empty")), (b"long".to_vec(), Vec::new()));

        let (_, zip) = package(&bench, service, "/ada/d", Some("application/zip")).await;
        std::fs::write(dir.path().join("p.zip"), &zip.body).unwrap();
        let script = "import zipfile; z = zipfile.ZipFile('p.zip'); assert z.testzip() is None; \
                      assert len(z.read('d/sub/large')) == 100001; assert z.read('d/empty') == b''";
        let tested = Command::new("python3").args(["-c", script]).current_dir(dir.path()).status().unwrap();
        assert!(tested.success());

        let (_, nothing) = package(&bench, service, "/ada/d", Some("application/x-unknown")).await;
        assert_eq!((nothing.status, nothing.body.len()), (200, 0));
        let missing = package(&bench, service, "/ada/none", None).await.1;
        assert_eq!((missing.status, missing.body.len()), (200, 1024), "an empty tar");
    }
    assert!(bench.send("GET", "/vault/pkg/none/run", ADA, &[], "").await.status == 404);
}
