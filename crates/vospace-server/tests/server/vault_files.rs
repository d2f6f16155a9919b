//! Files of the vault profile: redirects, ranges, simple PUT.

use crate::support::{ADA, Bench, EVE, digest, hex, negotiation};
use vospace_client::node::property;
use vospace_client::xml::transfer;

fn bytes() -> Vec<u8> {
    (0..9_437_184_u32).map(|index| (index % 251) as u8).collect()
}

#[tokio::test]
async fn a_read_with_ranges() {
    let bench = Bench::start().await;
    let content = bytes();
    let endpoint = bench.endpoint("vault", "/ada/a.fits", "pushToVoSpace").await;
    let headers = [("content-type", "application/fits"), ("digest", &digest(&content))];
    assert_eq!(bench.send("PUT", &endpoint, None, &headers, content.clone()).await.status, 201);

    let redirect = bench.get("/vault/files/ada/a.fits?RUNID=x").await;
    assert_eq!(redirect.status, 303);
    assert_eq!(redirect.header("digest"), Some(digest(&content).as_str()));
    assert_eq!(redirect.header("accept-ranges"), Some("bytes"));
    assert!(redirect.header("last-modified").unwrap().ends_with("GMT"));
    assert!(redirect.location().ends_with(":fo/a.fits?RUNID=x"), "{}", redirect.location());
    let location = redirect.location().to_owned();

    let whole = bench.send("GET", &location, None, &[], "").await;
    assert_eq!((whole.status, whole.body == content), (200, true));
    assert_eq!(whole.header("content-type"), Some("application/fits"));
    let id = whole.header("x-artifact-id").unwrap().to_owned();

    let part = bench.get_range(&location, "bytes=0-4194303").await;
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 0-4194303/9437184")));
    assert_eq!(part.body, content[..4_194_304]);
    assert_eq!(part.header("x-artifact-id"), Some(id.as_str()));
    assert_eq!(part.header("digest"), Some(digest(&content).as_str()), "of the whole");

    let beyond = bench.get_range(&location, "bytes=9437184-").await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */9437184")));
    let suffix = bench.get_range(&location, "bytes=-10").await;
    assert_eq!((suffix.status, suffix.header("content-range")), (206, Some("bytes 0-10/9437184")));
    let several = bench.get_range(&location, "bytes=0-1,4-5").await;
    assert_eq!((several.status, several.body.len()), (200, content.len()));
    let end = bench.get_range(&location, "bytes=9437180-99999999").await;
    assert_eq!((end.status, end.body.as_slice()), (206, &content[9_437_180..]));

    let since = [("if-modified-since", whole.header("last-modified").unwrap())];
    assert_eq!(bench.send("GET", &location, None, &since, "").await.status, 304);
    let with_range = [since[0], ("range", "bytes=0-0")];
    assert_eq!(bench.send("GET", &location, None, &with_range, "").await.status, 206);

    let head = bench.head("/vault/files/ada/a.fits").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("9437184")));
    let head = bench.send("HEAD", &location, None, &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("9437184")));
}

#[tokio::test]
async fn an_empty_file_has_no_bytes_to_redirect_to() {
    let bench = Bench::start().await;
    assert_eq!(bench.node("PUT", "vault", "/ada/empty", "DataNode", "").await.status, 201);
    assert_eq!(bench.get("/vault/files/ada/empty").await.status, 204);
    assert_eq!(bench.stat("vault", "/ada/empty").await.properties.length(), Some(0));
    assert_eq!(bench.head("/vault/files/ada/empty").await.header("content-length"), Some("0"));
    let endpoint = bench.endpoint("vault", "/ada/empty", "pushToVoSpace").await;
    let refused = bench.send("PUT", &endpoint, None, &[("content-length", "0")], "").await;
    assert_eq!((refused.status, refused.text()), (400, "InvalidArgument: invalid StorageMetadata.contentLength: 0"));
    // A download cannot be negotiated: no endpoint by document, a refusal by parameters.
    let answer = bench.transfer("vault", "synctrans", &negotiation("vault", "/ada/empty", "pullFromVoSpace")).await;
    let details = bench.get(answer.location()).await;
    let details = bench.get(details.location()).await;
    assert_eq!((details.status, transfer::read(&details.body).unwrap().protocols.len()), (200, 0));
    let target = "TARGET=vos://cadc.nrc.ca~vault/ada/empty&DIRECTION=pullFromVoSpace";
    let url = format!("/vault/synctrans?{target}&PROTOCOL=ivo://ivoa.net/vospace/core%23httpsget");
    let answer = bench.get(&url).await;
    assert_eq!((answer.status, answer.text()), (400, "requested transfer specs not supported"));
    assert_eq!(bench.get("/vault/files/ada").await.text(), "InvalidArgument: Resolved target is not a data node");
}

#[tokio::test]
async fn a_failed_overwrite_leaves_the_old_bytes() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"the old bytes").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let put = async |headers: &[(&str, &str)], body: &'static str| {
        let answer = bench.send("PUT", &endpoint, None, headers, body).await;
        (answer.status, answer.text().to_owned())
    };
    assert_eq!(put(&[("digest", &digest(b"other"))], "new").await.0, 412);
    assert_eq!(put(&[("digest", "sha-256=abcd")], "new").await.0, 500);
    assert_eq!(put(&[("digest", "md5=900150983cd24fb0d6963f7d28e17f72")], "new").await.0, 400);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(put(&form, "new").await, (400, "InvalidArgument: invalid input: no content".to_owned()));
    bench.cut_put(&endpoint, 1000, 400, &[]).await;
    assert_eq!(bench.read("vault", "/ada/f").await, b"the old bytes");
    // Conditions and ranges of a PUT are not looked at: it replaces the whole file.
    let ignored = [("if-none-match", "*"), ("content-range", "bytes 0-2/3")];
    assert_eq!(put(&ignored, "new").await.0, 201);
    assert_eq!(bench.read("vault", "/ada/f").await, b"new");
}

#[tokio::test]
async fn every_put_is_a_new_artifact_and_readers_of_the_old_keep_it() {
    let bench = Bench::start().await;
    let content = bytes();
    bench.write("vault", "/ada/f", &content).await;
    let location = bench.get("/vault/files/ada/f").await.location().to_owned();
    let mut reader = reqwest::get(&location).await.unwrap();
    let mut old = reader.chunk().await.unwrap().unwrap().to_vec();
    let id = reader.headers()["x-artifact-id"].clone();
    bench.write("vault", "/ada/f", &content).await;
    while let Some(chunk) = reader.chunk().await.unwrap() {
        old.extend_from_slice(&chunk);
    }
    assert!(old == content);
    let again = bench.send("HEAD", &location, None, &[], "").await;
    assert_ne!(again.headers["x-artifact-id"], id, "the same bytes, a new identity");
}

#[tokio::test]
async fn a_url_is_good_for_one_thing_and_needs_no_credential() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let write = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let read = bench.endpoint("vault", "/ada/f", "pullFromVoSpace").await;
    assert_eq!(bench.send("GET", &read, None, &[], "").await.text(), "abc");
    assert_eq!(bench.send("GET", &write, None, &[], "").await.status, 403);
    assert_eq!(bench.send("HEAD", &write, None, &[], "").await.status, 200);
    assert_eq!(bench.send("PUT", &read, None, &[], "x").await.status, 403);
    assert_eq!(bench.send("GET", &read, Some("bad"), &[], "").await.status, 401, "a bad credential beside it");
    assert_eq!(bench.send("GET", &read, EVE, &[], "").await.status, 200, "another user's is not looked at");
    assert_eq!(
        bench.send("GET", "/minoc/files/garbage/cadc:vault/x", ADA, &[], "").await.text().trim(),
        "PermissionDenied: invalid auth token"
    );
    // It outlives the node and may even remove the bytes.
    assert_eq!(bench.send("DELETE", &write, None, &[], "").await.status, 204);
    let gone = bench.get("/vault/files/ada/f").await;
    assert_eq!((gone.status, gone.header("retry-after")), (503, Some("30")));
    assert_eq!(bench.head("/vault/files/ada/f").await.status, 200);
    assert_eq!(bench.delete("/vault/nodes/ada/f").await.status, 200);
    assert_eq!(bench.send("PUT", &write, None, &[], "orphan").await.status, 201);
}

#[tokio::test]
async fn type_and_encoding_belong_to_the_put() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let answer = bench.set("vault", "/ada/f", "DataNode", property::TYPE, "image/x").await;
    assert_eq!(answer.node().properties.content_type(), Some("image/x"));
    let location = bench.get("/vault/files/ada/f").await.location().to_owned();
    assert_eq!(bench.head(&location).await.header("content-type"), Some("image/x"));
    bench.write("vault", "/ada/f", b"abcd").await;
    let node = bench.stat("vault", "/ada/f").await;
    assert_eq!((node.properties.content_type(), node.properties.length()), (None, Some(4)));
    assert_eq!(node.properties.get(property::MD5), Some(hex(b"abcd").as_str()));
    assert!(node.properties.content_date().is_some() && node.properties.date().is_some());
}

#[tokio::test]
async fn reads_during_overwrites_are_of_one_version() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", &[b'0'; 1000]).await;
    let write = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let read = bench.endpoint("vault", "/ada/f", "pullFromVoSpace").await;
    let writing = async {
        for round in 1..40_u8 {
            let bytes = vec![b'0' + round; 1000 + usize::from(round)];
            assert_eq!(bench.send("PUT", &write, None, &[], bytes).await.status, 201);
        }
    };
    let reading = async {
        for _ in 0..80 {
            let answer = bench.send("GET", &read, None, &[], "").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("digest"), Some(digest(&answer.body).as_str()));
            assert_eq!(answer.body.len(), 1000 + usize::from(answer.body[0] - b'0'));
        }
    };
    tokio::join!(writing, reading);
}

#[tokio::test]
async fn parts_of_a_fits_file() {
    let bench = Bench::start().await;
    let dir = tempfile::tempdir().unwrap();
    vospace_server::sample::write(dir.path()).unwrap();
    let bytes = std::fs::read(dir.path().join("starfield.fits")).unwrap();
    bench.write("vault", "/ada/s.fits", &bytes).await;
    let get = async |query: &str| {
        let redirect = bench.get(&format!("/vault/files/ada/s.fits?{query}")).await;
        bench.send("GET", redirect.location(), None, &[], "").await
    };
    let answer = get("META=true").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain")));
    assert!(answer.text().contains("CRVAL1"));
    let answer = get("SUB=[1:10,1:10]").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, None));
    assert!(answer.body.starts_with(b"SIMPLE") && answer.body.len() % 2880 == 0);
    bench.write("vault", "/ada/t", b"no FITS file").await;
    let redirect = bench.get("/vault/files/ada/t?SUB=[1:2,1:2]").await;
    assert_eq!(bench.send("GET", redirect.location(), None, &[], "").await.status, 400);
}
