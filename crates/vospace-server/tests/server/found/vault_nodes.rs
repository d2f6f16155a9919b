//! Vault: nodes and listings.

use super::{details, parameters, remove_tree};
use crate::support::{Bench, EVE, negotiation, properties, relocation};
use std::time::Duration;
use vospace_client::node::property;

#[tokio::test]
async fn b01_a_listing_that_breaks_off_is_well_formed_and_200() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        for name in ["a", "b", "c"] {
            bench.mkdir(service, &format!("/ada/{name}")).await;
        }
    }
    bench.fault(r#"{"method": "GET", "path": "/nodes/ada", "truncate_listing": 2}"#).await;
    for service in ["vault", "arc"] {
        let text = bench.list(service, "/ada").await;
        assert!(text.contains("/ada/b\"") && !text.contains("/ada/c\""));
        assert!(text.ends_with("</vos:node>"), "well-formed: {text}");
        vospace_client::xml::read::read_node(text.as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn b01_a_group_service_that_fails_is_no_denial_and_ends_full_listings() {
    let bench = Bench::start().await;
    let group = |key| properties(&[(key, Some("ivo://cadc.nrc.ca/gms?team"))]);
    for service in ["vault", "arc"] {
        bench.node("POST", service, "/ada", "ContainerNode", &properties(&[(property::IS_PUBLIC, Some("true"))])).await;
        for name in ["a", "b", "c"] {
            bench.mkdir(service, &format!("/ada/{name}")).await;
        }
        bench.node("POST", service, "/ada/b", "ContainerNode", &group(property::GROUP_READ)).await;
        let eve = async |path: &str| bench.send("GET", &format!("/{service}/nodes{path}"), EVE, &[], "").await;
        assert!(eve("/ada?detail=max").await.text().contains("/ada/c\""));
        bench.control("groups", r#"{"down": true}"#).await;
        let answer = eve("/ada?detail=max").await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("/ada/a\"") && !answer.text().contains("/ada/b\""), "{}", answer.text());
        assert!(answer.text().ends_with("</vos:node>"));
        assert!(eve("/ada").await.text().contains("/ada/c\""), "nobody has to be asked");
        assert_eq!(eve("/ada/b").await.status, 500);
        assert_eq!(eve("/ada/c").await.status, 200, "shown as empty");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/b")).await.status, 200, "the owner");
        bench.control("groups", r#"{"down": false}"#).await;
        assert_eq!(eve("/ada/b").await.status, 200);
    }
}

#[tokio::test]
async fn b02_recursive_removal_follows_a_link_at_its_root_only() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        for path in ["/ada/keep", "/ada/dir"] {
            bench.mkdir(service, path).await;
        }
        bench.write(service, "/ada/keep/f", b"x").await;
        let target = format!("<vos:target>vos://cadc.nrc.ca~{service}/ada/keep</vos:target>");
        for path in ["/ada/dir/inside", "/ada/link"] {
            assert_eq!(bench.node("PUT", service, path, "LinkNode", &target).await.status, 201);
        }
        assert_eq!(remove_tree(&bench, service, "/ada/dir").await.0, "COMPLETED");
        assert_eq!(bench.read(service, "/ada/keep/f").await, b"x", "the link inside was removed, not followed");
        assert_eq!(remove_tree(&bench, service, "/ada/link").await.0, "COMPLETED");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/keep")).await.status, 404, "the target has gone");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/link")).await.status, 200, "the link is there");
    }
}

#[tokio::test]
async fn b08_a_refused_negotiation_by_document_ends_in_401_and_by_parameters_in_403() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let form = [("content-type", "text/xml")];
    let document = negotiation("vault", "/ada/f", "pullFromVoSpace");
    let answer = bench.send("POST", "/vault/synctrans", EVE, &form, document).await;
    let step = bench.send("GET", answer.location(), EVE, &[], "").await;
    let end = bench.send("GET", step.location(), EVE, &[], "").await;
    assert_eq!((answer.status, step.status, end.status), (303, 303, 401), "also of a known caller");
    assert!(end.text().starts_with("Unauthorized: PermissionDenied: "), "{}", end.text());
    let job = answer.location().replace("/results/transferDetails", "");
    let text = async |what: &str| bench.send("GET", &format!("{job}/{what}"), EVE, &[], "").await.text().to_owned();
    assert_eq!(text("phase").await, "ERROR");
    assert!(text("error").await.starts_with("PermissionDenied"));
    let url = parameters("vault", "/ada/f", "pullFromVoSpace");
    assert_eq!(bench.send("GET", &url, EVE, &[], "").await.status, 403);
    assert_eq!(bench.get(step.location()).await.status, 401, "somebody else's details");
    assert_eq!(bench.get(&job).await.status, 403, "somebody else's job");
}

#[tokio::test]
async fn b12_one_of_two_property_updates_at_the_same_time_is_lost_and_both_say_200() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.fault(r#"{"method": "POST", "path": "/nodes/ada/d", "count": 1, "gap_ms": 500}"#).await;
    let slow = bench.set("vault", "/ada/d", "ContainerNode", "ivo://my.org/slow", "1");
    let quick = async {
        // The slow one has begun when the rule is used up.
        while !bench.get("/_bench/fault").await.text().contains("\"count\":0") {}
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.set("vault", "/ada/d", "ContainerNode", "ivo://my.org/quick", "1").await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!((slow.status, quick.status), (200, 200));
    let node = bench.stat("vault", "/ada/d").await;
    let kept = (node.properties.get("ivo://my.org/slow"), node.properties.get("ivo://my.org/quick"));
    assert_eq!(kept, (Some("1"), None));
}

#[tokio::test]
async fn b13_of_creations_at_the_same_time_one_is_201_and_the_others_409() {
    let bench = Bench::start().await;
    let make = || bench.node("PUT", "vault", "/ada/d", "ContainerNode", "");
    let (a, b, c) = tokio::join!(make(), make(), make());
    let mut all = [a.status, b.status, c.status];
    all.sort_unstable();
    assert_eq!(all, [201, 409, 409]);
}

#[tokio::test]
async fn b13_of_negotiations_of_one_new_file_at_the_same_time_all_but_one_fail_with_500() {
    let bench = Bench::start().await;
    bench.fault(r#"{"path": "/synctrans", "count": 2, "gap_ms": 500}"#).await;
    let url = parameters("vault", "/ada/f", "pushToVoSpace");
    let (one, two) = tokio::join!(bench.get(&url), bench.get(&url));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [303, 500]);
    let failed = if one.status == 500 { one } else { two };
    assert!(failed.text().starts_with("DuplicateKeyException: "), "{}", failed.text());
    assert_eq!(bench.get(&url).await.status, 303, "the node is there: asking again helps");

    bench.fault(r#"{"path": "/synctrans", "count": 2, "gap_ms": 500}"#).await;
    let document = negotiation("vault", "/ada/g", "pushToVoSpace");
    let (one, two) = tokio::join!(details(&bench, "vault", &document), details(&bench, "vault", &document));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [200, 500]);
}

#[tokio::test]
async fn b13_of_moves_to_one_name_at_the_same_time_one_wins_and_nothing_is_replaced() {
    let bench = Bench::start().await;
    for name in ["a", "b", "c"] {
        bench.write("vault", &format!("/ada/{name}"), name.as_bytes()).await;
    }
    let (a, b, c) = tokio::join!(
        bench.rename("vault", "/ada/a", "/ada/z"),
        bench.rename("vault", "/ada/b", "/ada/z"),
        bench.rename("vault", "/ada/c", "/ada/z")
    );
    let all = [a, b, c];
    assert_eq!(all.iter().filter(|(phase, _)| phase == "COMPLETED").count(), 1, "{all:?}");
    assert!(all.iter().filter(|(phase, _)| phase == "ERROR").all(|(_, text)| text.starts_with("DuplicateNode")));
    assert_eq!(bench.list("vault", "/ada").await.matches("<vos:node uri=\"vos://cadc.nrc.ca~vault/ada/").count(), 3);
}

#[tokio::test]
async fn b14_after_a_property_change_or_a_move_a_listing_lacks_the_checksum_for_good() {
    let bench = Bench::with(|options| options.lags.refresh = Duration::from_millis(50)).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    // How often the listing has a checksum, once the worker has been round and seen the file of this name.
    let listed = async |sentinel: &str| {
        bench.write("vault", &format!("/ada/{sentinel}"), b"seen").await;
        let seen = format!("/ada/{sentinel}\"");
        loop {
            let text = bench.list("vault", "/ada").await;
            let own = text.split("<vos:node ").find(|node| node.contains(&seen)).unwrap_or_default().to_owned();
            if own.contains("core#MD5") {
                return text.split("<vos:node ").filter(|node| node.contains("/ada/old")).map(str::to_owned).collect();
            }
            assert!(tokio::time::Instant::now() < deadline, "the worker");
        }
    };
    for name in ["old1", "old2"] {
        bench.write("vault", &format!("/ada/{name}"), b"bytes").await;
    }
    let before: Vec<String> = listed("first").await;
    assert!(before.iter().all(|node| node.contains("core#MD5")), "{before:?}");
    bench.control("clock", r#"{"offset_ms": 120000}"#).await;
    let answer = bench.set("vault", "/ada/old1", "DataNode", "ivo://my.org/k", "v").await;
    assert!(!answer.text().contains("core#MD5"), "not even in the answer: {}", answer.text());
    bench.transfer("vault", "synctrans", &relocation("vault", "/ada/old2", "/ada/old3")).await;
    let after: Vec<String> = listed("second").await;
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|node| !node.contains("core#MD5") && !node.contains("content-date")), "{after:?}");
    assert!(
        after.iter().all(|node| node.contains("core#length\" readOnly=\"true\">5<")),
        "the length stays: {after:?}"
    );
    assert!(bench.stat("vault", "/ada/old1").await.properties.md5().is_some(), "a fetch of the node mends it");
    assert_eq!(bench.head("/vault/files/ada/old3").await.status, 200, "and so does this");
    let mended: Vec<String> = listed("third").await;
    assert!(mended.iter().all(|node| node.contains("core#MD5")), "{mended:?}");
}

#[tokio::test]
async fn b15_a_node_that_no_request_reaches_goes_with_the_tree_around_it() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    let answer = details(&bench, "vault", &negotiation("vault", "/ada/d/a%20b", "pushToVoSpace")).await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(bench.list("vault", "/ada/d").await.contains("/ada/d/a%20b\""), "the empty file is there");
    assert_eq!(bench.get("/vault/nodes/ada/d/a%20b").await.status, 500);
    assert_eq!(bench.delete("/vault/nodes/ada/d/a%20b").await.status, 500);
    assert_eq!(bench.head("/vault/files/ada/d/a%20b").await.status, 200);
    assert_eq!(bench.get("/vault/files/ada/d/a%20b").await.status, 500);
    assert_eq!(remove_tree(&bench, "vault", "/ada/d").await.0, "COMPLETED");
    assert!(!bench.list("vault", "/ada").await.contains("/ada/d"));
}

#[tokio::test]
async fn b18_the_authority_of_a_target_is_not_checked() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let foreign = |text: String| text.replace("cadc.nrc.ca~vault", "example.org~foo");
    let url = foreign(parameters("vault", "/ada/f", "pullFromVoSpace"));
    let answer = bench.get(&url).await;
    assert_eq!(answer.status, 303);
    assert_eq!(bench.send("GET", answer.location(), None, &[], "").await.text(), "abc", "it was taken for one's own");
    let answer = bench.transfer("vault", "synctrans", &foreign(relocation("vault", "/ada/f", "/ada/g"))).await;
    assert_eq!(answer.status, 303);
    assert_eq!(bench.read("vault", "/ada/g").await, b"abc");
}

#[tokio::test]
async fn b19_twenty_one_links_are_followed_and_a_link_passed_twice_is_a_cycle() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.mkdir(service, "/ada/dir").await;
        bench.write(service, "/ada/l0", b"abc").await;
        let link = async |path: &str, target: &str| {
            let inner = format!("<vos:target>vos://cadc.nrc.ca~{service}{target}</vos:target>");
            assert_eq!(bench.node("PUT", service, path, "LinkNode", &inner).await.status, 201);
        };
        for index in 1..=22 {
            link(&format!("/ada/l{index}"), &format!("/ada/l{}", index - 1)).await;
        }
        assert_eq!(bench.read(service, "/ada/l21").await, b"abc");
        let answer = bench.get(&format!("/{service}/files/ada/l22")).await;
        assert_eq!((answer.status, answer.text()), (404, "UnreadableLinkTarget: Exceeded link limit."));
        link("/ada/dir/up", "/ada/dir").await;
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/dir/up/up?limit=0")).await.status, 200, "the leaf stays");
        let answer = bench.get(&format!("/{service}/nodes/ada/dir/up/up/x")).await;
        assert_eq!(answer.status, 404);
        assert!(answer.text().starts_with("UnreadableLinkTarget: detected link node cycle"), "{}", answer.text());
    }
}

#[tokio::test]
async fn b20_structured_types_cannot_be_made_and_names_have_512_characters_at_most() {
    let bench = Bench::start().await;
    for kind in ["StructuredDataNode", "UnstructuredDataNode"] {
        let answer = bench.node("PUT", "vault", "/ada/x", kind, "").await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().starts_with("BUG: no table/columns for class"), "{}", answer.text());
        let answer = bench.node("PUT", "arc", "/ada/x", kind, "").await;
        assert_eq!(answer.status, 201);
        assert!(answer.text().contains(&format!("vos:{kind}")), "echoed: {}", answer.text());
        assert!(bench.get("/arc/nodes/ada/x").await.text().contains("vos:DataNode"), "and then no more");
        assert_eq!(bench.delete("/arc/nodes/ada/x").await.status, 200);
    }
    let make = async |service: &str, name: String| {
        bench.node("PUT", service, &format!("/ada/{name}"), "DataNode", "").await.status
    };
    assert_eq!(make("vault", "n".repeat(512)).await, 201);
    assert_eq!(make("vault", "é".repeat(512)).await, 201, "characters, not bytes");
    assert_eq!(make("vault", "n".repeat(513)).await, 500);
    assert_eq!(make("vault", "N".repeat(512)).await, 201, "case counts");
    assert_eq!(make("arc", "n".repeat(255)).await, 201);
    assert_eq!(make("arc", "n".repeat(256)).await, 500, "bytes of a file name");
    assert_eq!(make("arc", "é".repeat(128)).await, 500);
}
