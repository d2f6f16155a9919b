//! The exchanges that every client of the two services goes through, request by request and byte by byte.
//!
//! Over plain HTTP and over TLS, with nothing between the test and the socket that could follow, repeat or repair.

use vofs_tests::wire::{Reply, Wire};
use vofs_tests::{Profile, World, http};

/// A test over both kinds of connection.
macro_rules! over_both {
    ($profile:ident: $($name:ident),+) => {
        mod plain {
            $(#[test] fn $name() { super::$name(&super::World::build(super::Profile::$profile, false, &[])) })+
        }
        mod tls {
            $(#[test] fn $name() { super::$name(&super::World::build(super::Profile::$profile, true, &[])) })+
        }
    };
}

mod vault {
    use super::*;

    over_both!(Vault: read_with_a_range, write_with_resume, move_then_recursive_delete);

    fn read_with_a_range(world: &World) {
        const SIZE: usize = 9_437_184;
        let content: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
        world.put("a.fits", &content);
        world.put("empty", b"");
        let digest = digest(&content);
        let wire = Wire::new(&world.server);
        let led = wire.get("/vault/files/demo/a.fits").is(303);
        let led = led.has("digest", Some(&digest)).has("accept-ranges", Some("bytes"));
        assert!(led.header("last-modified").is_some_and(|date| date.ends_with(" GMT")));
        assert_eq!(led.header("content-disposition"), Some("inline; filename=\"a.fits\""));
        let bytes = led.header("location").unwrap();
        assert!(bytes.contains("/minoc/files/") && bytes.contains("/cadc:vault/"), "{bytes}");
        assert!(bytes.ends_with(":fo/a.fits"), "{bytes}");

        let range = |range| wire.send("GET", bytes, &[("Range", range)], b"");
        let first = range("bytes=0-4194303").is(206).has("content-range", Some("bytes 0-4194303/9437184"));
        let first = first.has("digest", Some(&digest)).has("content-length", Some("4194304"));
        assert!(first.body == content[..4_194_304]);
        let id = first.header("x-artifact-id").unwrap();
        assert_eq!(id.len(), 36, "{id}");
        range("bytes=9437184-").is(416).has("content-range", Some("bytes */9437184"));
        let suffix = range("bytes=-10").is(206).has("content-range", Some("bytes 0-10/9437184"));
        assert_eq!(suffix.body, content[..11], "the defect");
        assert_eq!(suffix.header("x-artifact-id"), Some(id));
        assert_eq!(wire.get("/vault/files/demo/empty").is(204).body, b"");
    }

    fn write_with_resume(world: &World) {
        let content: Vec<u8> = (0..300_u32).map(|i| i as u8).collect();
        let wire = Wire::new(&world.server);
        let endpoint = negotiated(&wire, world, "demo/new.dat");
        let node = wire.get("/vault/nodes/demo/new.dat?limit=0").is(200).has("content-type", Some("text/xml"));
        assert_eq!(property(&node, "length").as_deref(), Some("0"), "the node is there already");

        let start = [("x-put-txn-op", "start"), ("x-total-length", "300")];
        let begun = wire.send("PUT", &endpoint, &start, b"").is(202).has("x-put-segment-minbytes", Some("1"));
        let id = begun.has("digest", None).header("x-put-txn-id").unwrap().to_owned();
        let segment = |part: &[u8]| wire.send("PUT", &endpoint, &[("x-put-txn-id", &id)], part).is(202);
        segment(&content[..100]).has("digest", Some(&digest(&content[..100])));
        wire.cut("PUT", &endpoint, &[("x-put-txn-id", &id)], 100, &content[100..137]);
        let state = wire.send("HEAD", &endpoint, &[("x-put-txn-id", &id)], b"").is(200);
        state.has("content-length", Some("100")).has("digest", Some(&digest(&content[..100])));
        segment(&content[100..200]);
        segment(&content[200..]).has("digest", Some(&digest(&content)));
        let commit = [("x-put-txn-id", id.as_str()), ("x-put-txn-op", "commit"), ("Content-Type", "image/x")];
        wire.send("PUT", &endpoint, &commit, b"").is(201).has("digest", Some(&digest(&content)));

        let node = wire.get("/vault/nodes/demo/new.dat?limit=0").is(200);
        assert_eq!(property(&node, "length").as_deref(), Some("300"));
        assert_eq!(property(&node, "type").as_deref(), Some("image/x"));
        assert_eq!(property(&node, "MD5"), Some(hex(&content)));
        assert!(property(&node, "content-date").is_some());
        let listing = wire.get("/vault/nodes/demo").is(200);
        assert_eq!(property(&listing, "MD5"), Some(hex(&content)));
        let led = wire.get("/vault/files/demo/new.dat").is(303);
        assert_eq!(wire.get(led.header("location").unwrap()).is(200).body, content);
    }

    /// Of a service whose worker does not come: what a listing shows before and after the node was fetched by itself.
    #[test]
    fn listing_lags_behind_an_upload() {
        let world = World::build(Profile::Vault, false, &["--refresh-interval", "3600"]);
        let wire = Wire::new(&world.server);
        let endpoint = negotiated(&wire, &world, "demo/new.dat");
        wire.send("PUT", &endpoint, &[], &[7; 300]).is(201).has("digest", Some(&digest(&[7; 300])));
        let shown = |target: &str| property(&wire.get(target).is(200), "length");
        assert_eq!(shown("/vault/nodes/demo").as_deref(), Some("0"));
        assert_eq!(shown("/vault/nodes/demo/new.dat?limit=0").as_deref(), Some("300"));
        assert_eq!(shown("/vault/nodes/demo").as_deref(), Some("300"));
    }

    fn move_then_recursive_delete(world: &World) {
        super::move_then_recursive_delete(world);
    }
}

mod cavern {
    use super::*;

    over_both!(Cavern: overwrite_that_fails, move_then_recursive_delete);

    fn overwrite_that_fails(world: &World) {
        let wire = Wire::new(&world.server);
        let (url, node) = ("/arc/files/demo/x", "/arc/nodes/demo/x?limit=0");
        let content = b"0123456789";
        let put = wire.send("PUT", url, &[("Digest", &digest(content))], content).is(201);
        put.has("digest", Some(&digest(content)));
        assert_eq!(property(&wire.get(node).is(200), "MD5"), Some(hex(content)));
        wire.cut("PUT", url, &[], 100, &[7; 20]);
        assert_eq!(wire.get(url).is(204).body, b"", "the old content is gone");
        wire.send("PUT", url, &[], content).is(201);
        assert_eq!(property(&wire.get(node).is(200), "MD5"), Some(format!("md5:{}", hex(content))));
        let whole = wire.send("GET", url, &[("Range", "bytes=2-3")], b"").is(200).has("content-length", Some("10"));
        assert_eq!(whole.has("content-range", None).has("accept-ranges", None).body, content);
    }

    fn move_then_recursive_delete(world: &World) {
        super::move_then_recursive_delete(world);
    }
}

/// The document form of a push: the node is made, and where its bytes go is two redirects away.
fn negotiated(wire: &Wire<'_>, world: &World, path: &str) -> String {
    let protocol = if world.server.base().starts_with("https") { "httpsput" } else { "httpput" };
    let document = format!(
        "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\">\
         <vos:target>vos://cadc.nrc.ca!vault/{path}</vos:target><vos:direction>pushToVoSpace</vos:direction>\
         <vos:protocol uri=\"ivo://ivoa.net/vospace/core#{protocol}\"/></vos:transfer>"
    );
    let first = wire.send("POST", "/vault/synctrans", &[("Content-Type", "text/xml")], document.as_bytes()).is(303);
    let details = first.header("location").unwrap();
    assert!(details.contains("/transfers/") && details.ends_with("/results/transferDetails"), "{details}");
    let second = wire.get(details).is(303);
    let place = second.header("location").unwrap();
    assert!(place.contains("/xfer/"), "{place}");
    let answer = wire.get(place).is(200).has("content-type", Some("text/xml"));
    let text = answer.text();
    let endpoint = text.split_once("<vos:endpoint>").unwrap().1.split_once("</vos:endpoint>").unwrap().0;
    endpoint.replace("&amp;", "&")
}

fn move_then_recursive_delete(world: &World) {
    let service = world.server.profile.service();
    let wire = Wire::new(&world.server);
    world.vospace(&["mkdir", "-p", &world.uri("dir/sub"), &world.uri("target")]).ok();
    for path in ["dir/a", "dir/b", "dir/c", "dir/sub/d", "dir/sub/e", "moved.txt"] {
        world.put(path, path);
    }
    let uri = |path: &str| format!("vos://cadc.nrc.ca~{service}/demo/{path}");
    let run = |resource: &str, kind: &str, body: &str| {
        let made = wire.send("POST", &format!("/{service}/{resource}"), &[("Content-Type", kind)], body.as_bytes());
        let job = made.is(303).header("location").unwrap().to_owned();
        assert!(job.contains(&format!("/{service}/{resource}/")), "{job}");
        assert!(wire.get(&job).is(200).text().contains(">PENDING<"));
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let begun = wire.send("POST", &format!("{job}/phase"), &form, b"PHASE=RUN").is(303);
        assert_eq!(begun.header("location"), Some(job.as_str()));
        // Waiting ends at any change of phase.
        for _ in 0..20 {
            let text = wire.get(&format!("{job}?WAIT=30")).is(200).text();
            if !["PENDING", "QUEUED", "EXECUTING"].iter().any(|phase| text.contains(&format!(">{phase}<"))) {
                return (job, text);
            }
        }
        panic!("{job} does not end");
    };
    let relocate = |from: &str, to: &str| {
        let document = format!(
            "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\">\
             <vos:target>{}</vos:target><vos:direction>{}</vos:direction><vos:keepBytes>false</vos:keepBytes>\
             </vos:transfer>",
            uri(from),
            uri(to)
        );
        run("transfers", "text/xml", &document)
    };
    let (_, text) = relocate("moved.txt", "target");
    assert!(text.contains(">COMPLETED<") && text.contains("id=\"destination\""), "{text}");
    assert!(text.contains(&uri("target/moved.txt")), "{text}");
    let (job, text) = relocate("dir/a", "dir/b");
    assert!(text.contains(">ERROR<"), "{text}");
    let why = wire.get(&format!("{job}/error")).is(200);
    assert_eq!(why.text().trim(), "DuplicateNode: destination is an existing DataNode: /demo/dir/b");
    assert_eq!(wire.get(&format!("{job}/phase")).is(200).text().trim(), "ERROR");

    let refused = wire.send("DELETE", &format!("/{service}/nodes/demo/dir"), &[], b"").is(400);
    assert_eq!(refused.text().trim(), "container node 'dir' is not empty");
    let target = format!("target={}", uri("dir").replace(':', "%3A").replace('/', "%2F"));
    let (_, text) = run("async-delete", "application/x-www-form-urlencoded", &target);
    assert!(text.contains(">COMPLETED<") && text.contains("id=\"successcount\" xlink:href=\"final:7\""), "{text}");
    assert!(!text.contains("errorcount"), "absent when it is zero: {text}");
    wire.get(&format!("/{service}/nodes/demo/dir")).is(404);
    // Nothing else went with it.
    let url = world.server.node_url("demo/target/moved.txt");
    assert_eq!(http::request("GET", &url, Some(vofs_tests::server::TOKEN)).status, 200);
}

/// The first property of this name in a document.
fn property(reply: &Reply, name: &str) -> Option<String> {
    let text = reply.text();
    let (_, rest) = text.split_once(&format!("core#{name}\""))?;
    Some(rest.split_once('>').unwrap().1.split('<').next().unwrap().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    md5(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(bytes: &[u8]) -> String {
    use base64::Engine as _;
    format!("md5={}", base64::engine::general_purpose::STANDARD.encode(md5(bytes)))
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(bytes).into()
}
