//! Cavern: nodes, links, moves and jobs.

use super::{parameters, remove_tree};
use crate::support::{ADA, Bench, EVE, properties, relocation};
use std::process::Command;
use vospace_client::node::property;

const TEAM: &str = "ivo://cadc.nrc.ca/gms?team";

async fn link(bench: &Bench, path: &str, target: &str) -> u16 {
    let inner = format!("<vos:target>vos://cadc.nrc.ca~arc{target}</vos:target>");
    bench.node("PUT", "arc", path, "LinkNode", &inner).await.status
}

async fn target(bench: &Bench, path: &str) -> String {
    let text = bench.get(&format!("/arc/nodes{path}")).await.text().to_owned();
    text.split("<vos:target>").nth(1).unwrap().split("</vos:target>").next().unwrap().to_owned()
}

#[tokio::test]
async fn n01_n02_a_link_to_a_name_with_a_blank_ends_every_listing_of_its_container() {
    let bench = Bench::start().await;
    bench.mkdir("arc", "/ada/a").await;
    assert_eq!(link(&bench, "/ada/l", "/ada/x%20y").await, 201);
    bench.mkdir("arc", "/ada/z").await;
    for query in ["", "?detail=min", "?detail=max"] {
        let text = bench.list("arc", &format!("/ada{query}")).await;
        assert!(text.contains("/ada/a\"") && !text.contains("/ada/l\"") && !text.contains("/ada/z\""), "{text}");
        vospace_client::xml::read::read_node(text.as_bytes()).unwrap();
    }
    assert_eq!(bench.get("/arc/nodes/ada/l").await.status, 400);
    assert_eq!(bench.delete("/arc/nodes/ada/l").await.status, 200);
    assert!(bench.list("arc", "/ada").await.contains("/ada/z\""));
}

#[tokio::test]
async fn n03_a_property_that_is_too_large_deletes_the_node() {
    let bench = Bench::start().await;
    let (large, key) = ("x".repeat(4100), format!("ivo://my.org/{}", "k".repeat(255)));
    for (uri, value) in [("ivo://my.org/k", large.as_str()), (key.as_str(), "v")] {
        bench.write("arc", "/ada/f", b"precious").await;
        let answer = bench.set("arc", "/ada/f", "DataNode", uri, value).await;
        assert_eq!((answer.status, answer.text()), (400, "failed to put DataNode f"));
        assert_eq!(bench.get("/arc/nodes/ada/f").await.status, 404, "the file has gone with its bytes");
        assert_eq!(bench.get("/arc/files/ada/f").await.status, 404);
    }
    // All of a node count together.
    bench.write("arc", "/ada/f", b"precious").await;
    let half = "x".repeat(2000);
    assert_eq!(bench.set("arc", "/ada/f", "DataNode", "ivo://my.org/a", &half).await.status, 200);
    assert_eq!(bench.set("arc", "/ada/f", "DataNode", "ivo://my.org/b", &half).await.status, 400);
    assert_eq!(bench.get("/arc/nodes/ada/f").await.status, 404);

    bench.mkdir("arc", "/ada/d").await;
    bench.write("arc", "/ada/d/f", b"x").await;
    assert_eq!(bench.set("arc", "/ada/d", "ContainerNode", "ivo://my.org/k", &large).await.status, 500);
    assert_eq!(bench.read("arc", "/ada/d/f").await, b"x", "what is not empty stays");
    bench.delete("/arc/nodes/ada/d/f").await;
    assert_eq!(bench.set("arc", "/ada/d", "ContainerNode", "ivo://my.org/k", &large).await.status, 400);
    assert_eq!(bench.get("/arc/nodes/ada/d").await.status, 404, "what is empty goes");
    // Vault keeps it.
    bench.write("vault", "/ada/f", b"precious").await;
    assert_eq!(bench.set("vault", "/ada/f", "DataNode", "ivo://my.org/k", &"x".repeat(30_000)).await.status, 200);
}

#[tokio::test]
async fn n05_readable_and_writable_sent_back_are_stored_and_shown_to_everyone() {
    let bench = Bench::start().await;
    bench.node("POST", "arc", "/ada", "ContainerNode", &properties(&[(property::IS_PUBLIC, Some("true"))])).await;
    bench.mkdir("arc", "/ada/d").await;
    let shown = async |token| {
        let node = bench.send("GET", "/arc/nodes/ada/d?detail=max&limit=0", token, &[], "").await.node();
        node.properties.get(property::WRITABLE).map(str::to_owned)
    };
    assert_eq!((shown(ADA).await.as_deref(), shown(EVE).await), (Some("true"), None));
    assert_eq!(bench.set("arc", "/ada/d", "ContainerNode", property::WRITABLE, "false").await.status, 200);
    assert_eq!((shown(ADA).await.as_deref(), shown(EVE).await.as_deref()), (Some("false"), Some("false")));
}

#[tokio::test]
async fn n08_a_move_to_a_name_with_a_fragment_replaces_the_file_of_the_cut_name() {
    let bench = Bench::start().await;
    for sign in ["%23", "%3F"] {
        bench.write("arc", "/ada/a", b"precious").await;
        bench.write("arc", "/ada/s", b"other").await;
        assert_eq!(bench.rename("arc", "/ada/s", "/ada/a").await.0, "ERROR", "by its own name it is not replaced");
        assert_eq!(bench.rename("arc", "/ada/s", &format!("/ada/a{sign}b")).await.0, "COMPLETED");
        assert_eq!(bench.read("arc", "/ada/a").await, b"other");
    }
}

#[tokio::test]
async fn n08_delete_and_put_act_on_the_cut_name() {
    let bench = Bench::start().await;
    bench.mkdir("arc", "/ada/d").await;
    assert_eq!(bench.delete("/arc/nodes/ada/d/%23x").await.status, 200);
    assert_eq!(bench.get("/arc/nodes/ada/d").await.status, 404, "the empty parent has gone");
    bench.write("arc", "/ada/a", b"precious").await;
    assert_eq!(bench.send("PUT", "/arc/files/ada/a%23b", ADA, &[], "other").await.status, 201);
    assert_eq!(bench.read("arc", "/ada/a").await, b"other");
    assert_eq!(bench.delete("/arc/nodes/ada/a%23b").await.status, 200);
    assert_eq!(bench.get("/arc/nodes/ada/a").await.status, 404);
}

#[tokio::test]
async fn n09_a_moved_link_leads_elsewhere_and_links_in_packages_are_wrong_by_one_level() {
    let bench = Bench::start().await;
    for path in ["/ada/d", "/ada/e", "/ada/t"] {
        bench.mkdir("arc", path).await;
    }
    bench.write("arc", "/ada/d/h", b"here").await;
    assert_eq!(link(&bench, "/ada/d/l", "/ada/d/h").await, 201);
    assert_eq!(link(&bench, "/ada/d/out", "/ada/e").await, 201);
    assert_eq!(target(&bench, "/ada/d/l").await, "vos://cadc.nrc.ca~arc/ada/d/h");

    let view = "</vos:direction><vos:view uri=\"vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0\"/>";
    let document = crate::support::negotiation("arc", "/ada/d", "pullFromVoSpace").replace("</vos:direction>", view);
    let run = bench.transfer("arc", "synctrans", &document).await.location().to_owned();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("p.tar"), bench.get(&run).await.body).unwrap();
    let unpacked = Command::new("tar").args(["-xf", "p.tar"]).current_dir(dir.path()).status().unwrap();
    assert!(unpacked.success());
    assert_eq!(std::fs::read(dir.path().join("d/h")).unwrap(), b"here");
    assert_eq!(std::fs::read_link(dir.path().join("d/l")).unwrap().to_str(), Some("../h"));
    assert!(std::fs::symlink_metadata(dir.path().join("d/out")).is_err(), "a link out of the package is left out");

    assert_eq!(bench.rename("arc", "/ada/d/l", "/ada/e/l").await.0, "COMPLETED");
    assert_eq!(target(&bench, "/ada/e/l").await, "vos://cadc.nrc.ca~arc/ada/e/h");
    assert_eq!(bench.get("/arc/files/ada/e/l").await.status, 404);
    // What moves together stays together.
    assert_eq!(link(&bench, "/ada/d/k", "/ada/d/h").await, 201);
    assert_eq!(bench.rename("arc", "/ada/d", "/ada/t").await.0, "COMPLETED");
    assert_eq!(bench.read("arc", "/ada/t/d/k").await, b"here");
    assert_eq!(target(&bench, "/ada/t/d/k").await, "vos://cadc.nrc.ca~arc/ada/t/d/h");
}

#[tokio::test]
async fn n11_neither_a_put_nor_a_move_inherits_permissions_but_creation_and_negotiation_do() {
    let bench = Bench::start().await;
    let rights = properties(&[(property::INHERIT_PERMISSIONS, Some("true")), (property::GROUP_READ, Some(TEAM))]);
    assert_eq!(bench.node("PUT", "arc", "/ada/d", "ContainerNode", &rights).await.status, 201);
    bench.write("arc", "/ada/d/put", b"x").await;
    bench.write("arc", "/ada/moved", b"x").await;
    assert_eq!(bench.rename("arc", "/ada/moved", "/ada/d").await.0, "COMPLETED");
    assert_eq!(bench.get(&parameters("arc", "/ada/d/pushed", "pushToVoSpace")).await.status, 303);
    assert_eq!(bench.node("PUT", "arc", "/ada/d/made", "DataNode", "").await.status, 201);
    for (name, inherits) in [("put", false), ("moved", false), ("pushed", true), ("made", true)] {
        let node = bench.stat("arc", &format!("/ada/d/{name}")).await;
        assert_eq!(!node.properties.group_read().is_empty(), inherits, "{name}");
    }
}

#[tokio::test]
async fn n13_who_moves_a_file_owns_it_and_thereby_reads_it() {
    let bench = Bench::start().await;
    let rights = properties(&[(property::GROUP_WRITE, Some(TEAM))]);
    // At the top, where ada owns no allocation that would keep her rights: eve's own container.
    assert_eq!(bench.node("POST", "arc", "/ada", "ContainerNode", &rights).await.status, 200);
    bench.write("arc", "/ada/secret", b"abc").await;
    assert_eq!(bench.send("GET", "/arc/files/ada/secret", EVE, &[], "").await.status, 403);
    let form = [("content-type", "text/xml")];
    let document = relocation("arc", "/ada/secret", "/eve/mine");
    assert_eq!(bench.send("POST", "/arc/synctrans", EVE, &form, document).await.status, 303);
    assert_eq!(bench.send("GET", "/arc/files/eve/mine", EVE, &[], "").await.text(), "abc");
    let node = bench.send("GET", "/arc/nodes/eve/mine", EVE, &[], "").await.node();
    assert_eq!(node.properties.creator(), Some("eve"));
    assert_eq!(bench.get("/arc/files/eve/mine").await.status, 403, "its former owner");
}

#[tokio::test]
async fn n15_recursive_removal_of_the_root_is_accepted_and_takes_what_the_caller_may() {
    let bench = Bench::start().await;
    bench.mkdir("arc", "/ada/d").await;
    bench.write("arc", "/ada/d/f", b"x").await;
    let eve = bench.send("PUT", "/arc/files/eve/f", EVE, &[], "x").await;
    assert_eq!(eve.status, 201);
    assert_eq!(remove_tree(&bench, "arc", "/").await.0, "ABORTED");
    assert_eq!(bench.get("/arc/nodes/ada/d").await.status, 404, "everything that is the caller's");
    assert_eq!(bench.get("/arc/nodes/ada").await.status, 200, "but the root is not");
    assert_eq!(bench.send("GET", "/arc/files/eve/f", EVE, &[], "").await.text(), "x");
}

#[tokio::test]
async fn n16_a_move_to_another_service_renames_within_this_one() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/f", b"abc").await;
    let document = relocation("arc", "/ada/f", "/ada/h");
    let document = document.replace("<vos:direction>vos://cadc.nrc.ca~arc", "<vos:direction>vos://example.org~foo");
    let created = bench.transfer("arc", "transfers", &document).await;
    assert_eq!(bench.run(&created).await.0, "COMPLETED");
    assert_eq!(bench.read("arc", "/ada/h").await, b"abc");
}

#[tokio::test]
async fn n17_without_the_registry_a_negotiation_is_200_with_nothing_and_the_node_is_made() {
    let bench = Bench::start().await;
    bench.control("registry", r#"{"down": true}"#).await;
    let document = crate::support::negotiation("arc", "/ada/f", "pushToVoSpace");
    let answer = bench.transfer("arc", "synctrans", &document).await;
    assert_eq!((answer.status, answer.header("location"), answer.body.len()), (200, None, 0));
    assert_eq!(bench.get("/arc/nodes/ada/f").await.status, 200);
    bench.control("registry", r#"{"down": false}"#).await;
    assert_eq!(bench.transfer("arc", "synctrans", &document).await.status, 303);
}

#[tokio::test]
async fn n17_without_the_database_of_jobs_new_ones_are_503_and_old_ones_500() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/f", b"abc").await;
    let old = bench.transfer("arc", "transfers", &relocation("arc", "/ada/f", "/ada/g")).await.location().to_owned();
    bench.control("jobs", r#"{"down": true}"#).await;
    for resource in ["transfers", "synctrans"] {
        let answer = bench.transfer("arc", resource, &relocation("arc", "/ada/f", "/ada/g")).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")), "{resource}");
        assert_eq!(answer.text(), "temporarily unavailable: null");
    }
    assert_eq!(bench.get(&old).await.status, 500);
    assert_eq!(bench.read("arc", "/ada/f").await, b"abc");
    assert_eq!(bench.get("/arc/nodes/ada").await.status, 200);
    assert!(bench.get("/arc/availability").await.text().contains(">true<"));
    bench.control("jobs", r#"{"down": false}"#).await;
    assert_eq!(bench.get(&format!("{old}/phase")).await.text(), "PENDING");
}

#[tokio::test]
async fn n18_two_forms_of_one_name_can_exist_and_are_listed_under_the_same_uri() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        // The letter as one character, and as a letter with an accent behind it.
        for name in ["%C3%A9", "e%CC%81"] {
            assert_eq!(bench.node("PUT", service, &format!("/ada/{name}"), "DataNode", "").await.status, 201, "{name}");
        }
        let text = bench.list(service, "/ada").await;
        assert_eq!(text.matches("/ada/%C3%A9\"").count(), 2, "{text}");
        assert_eq!(bench.delete(&format!("/{service}/nodes/ada/%C3%A9")).await.status, 200);
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/%C3%A9")).await.status, 404, "listed and not found");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/e%CC%81")).await.status, 200);
    }
}

#[tokio::test]
async fn n19_a_job_that_was_at_work_when_the_service_went_down_says_executing_for_ever() {
    let mut bench = Bench::start().await;
    let mut urls = Vec::new();
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", b"abc").await;
        bench.fault(r#"{"path": "/phase", "method": "POST", "count": 1, "job_phase": "EXECUTING"}"#).await;
        let created = bench.transfer(service, "transfers", &relocation(service, "/ada/f", "/ada/g")).await;
        let job = created.location().strip_prefix(&bench.base).unwrap().to_owned();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await.status, 303);
        while bench.get(&format!("{job}/phase")).await.text() != "EXECUTING" {
            bench.get(&format!("{job}?WAIT=5")).await;
        }
        let push = bench.endpoint(service, "/ada/new", "pushToVoSpace").await;
        assert!(!push.is_empty());
        let pull = crate::support::negotiation(service, "/ada/f", "pullFromVoSpace");
        let pull =
            bench.transfer(service, "synctrans", &pull).await.location().strip_prefix(&bench.base).unwrap().to_owned();
        urls.push((job, pull));
    }
    bench.restart().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (job, pull) in urls {
        assert_eq!(bench.get(&format!("{job}/phase")).await.text(), "EXECUTING");
        assert_eq!(bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await.status, 500);
        let end = bench.get(&pull).await;
        let end = bench.get(end.location()).await;
        assert!(end.text().contains("<vos:endpoint>"), "a negotiation is as good as before: {}", end.text());
    }
}

/// Documents are validated by the schema: a container has a list of children, if an empty one.
#[tokio::test]
async fn a_container_without_its_list_of_children_is_refused() {
    let bench = Bench::start().await;
    let document = |list: &str| {
        format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"vos://cadc.nrc.ca~arc/ada/d\" \
             xsi:type=\"vos:ContainerNode\"><vos:properties/>{list}</vos:node>"
        )
    };
    let put = async |list: &str| {
        let headers = [("content-type", "text/xml")];
        bench.send("PUT", "/arc/nodes/ada/d", ADA, &headers, document(list)).await
    };
    let refused = put("").await;
    assert!(refused.status == 400 && refused.text().contains("schema validation"), "{}", refused.text());
    assert_eq!(bench.get("/arc/nodes/ada/d").await.status, 404, "nothing was made");
    assert_eq!(put("<vos:nodes/>").await.status, 201);
}
