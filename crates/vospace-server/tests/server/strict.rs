//! The standard by the letter.

use crate::support::{ADA, Bench, EVE, negotiation, properties, relocation};
use vospace_client::node::property;
use vospace_client::xml::{job, transfer};
use vospace_server::profile::Profile;

const MTIME: &str = "ivo://ivoa.net/vospace/core#mtime";

async fn strict() -> Bench {
    Bench::with(|options| options.profiles = vec![Profile::strict()]).await
}

async fn put(bench: &Bench, path: &str, bytes: &'static str) {
    let endpoint = bench.endpoint("strict", path, "pushToVoSpace").await;
    assert_eq!(bench.send("PUT", &endpoint, None, &[], bytes).await.status, 201);
}

#[tokio::test]
async fn delete_is_recursive_and_says_204() {
    let bench = strict().await;
    bench.mkdir("strict", "/ada/d").await;
    bench.mkdir("strict", "/ada/d/e").await;
    put(&bench, "/ada/d/e/f", "abc").await;
    let link = "<vos:target>vos://cadc.nrc.ca~strict/ada/d</vos:target>";
    assert_eq!(bench.node("PUT", "strict", "/ada/l", "LinkNode", link).await.status, 201);
    let answer = bench.get("/strict/nodes/ada/l/e").await;
    assert_eq!((answer.status, answer.text()), (400, "LinkFound: vos://cadc.nrc.ca~strict/ada/l"));
    assert_eq!(bench.delete("/strict/nodes/ada/l").await.status, 204);
    assert_eq!(bench.get("/strict/nodes/ada/d/e/f").await.status, 200, "a link goes by itself");
    assert_eq!(bench.delete("/strict/nodes/ada/d").await.status, 204);
    assert_eq!(bench.get("/strict/nodes/ada/d").await.status, 404);
}

#[tokio::test]
async fn properties_by_the_letter() {
    let bench = strict().await;
    put(&bench, "/ada/f", "abc").await;
    for uri in [property::LENGTH, property::MD5, property::CREATOR, property::DATE] {
        let answer = bench.set("strict", "/ada/f", "DataNode", uri, "1").await;
        assert_eq!(answer.status, 403, "{uri}");
    }
    let answer = bench.set("strict", "/ada/f", "DataNode", MTIME, "2020-01-01T00:00:00.000").await;
    assert_eq!(answer.node().properties.get(MTIME), Some("2020-01-01T00:00:00.000"));
    let groups = "ivo://cadc.nrc.ca/gms?b,ivo://cadc.nrc.ca/gms?team";
    let set = properties(&[(property::GROUP_READ, Some(groups))]);
    let node = bench.node("POST", "strict", "/ada/f", "DataNode", &set).await.node();
    assert_eq!(node.properties.get(property::GROUP_READ), Some(groups));
    assert_eq!(bench.stat("strict", "/ada/f").await.properties.get(property::READABLE), Some("true"), "in full");
    let refused = bench.send("GET", "/strict/nodes/eve", ADA, &[], "").await;
    assert_eq!(refused.status, 403, "not shown as empty");
    assert_eq!(bench.send("GET", "/strict/nodes/eve", EVE, &[], "").await.status, 200);
}

#[tokio::test]
async fn pages_are_capped_and_names_mean_what_they_say() {
    let bench = strict().await;
    for index in 0..130 {
        bench.mkdir("strict", &format!("/ada/c{index:03}")).await;
    }
    let first = bench.list("strict", "/ada").await;
    assert_eq!(first.matches("<vos:node ").count(), 101);
    let next = bench.get("/strict/nodes/ada?limit=500&uri=vos://cadc.nrc.ca~strict/ada/c099").await;
    assert_eq!(next.text().matches("<vos:node ").count(), 32, "from the last one on");
    let odd = bench.node("PUT", "strict", "/ada/a%23b", "ContainerNode", "").await;
    assert_eq!(odd.status, 201, "{}", odd.text());
    assert_eq!(bench.get("/strict/nodes/ada/a").await.status, 404);
    assert_eq!(bench.delete("/strict/nodes/ada/a%23b").await.status, 204);
}

#[tokio::test]
async fn nodes_are_copied() {
    let bench = strict().await;
    bench.mkdir("strict", "/ada/d").await;
    put(&bench, "/ada/d/f", "abc").await;
    bench.set("strict", "/ada/d/f", "DataNode", "ivo://my.org/k", "v").await;
    let copy = |to: &str| relocation("strict", "/ada/d", to).replace(">false<", ">true<");
    let created = bench.transfer("strict", "transfers", &copy("/ada/d2")).await;
    assert_eq!(bench.run(&created).await, ("COMPLETED".to_owned(), String::new()));
    put(&bench, "/ada/d/f", "changed").await;
    assert_eq!(bench.read("strict", "/ada/d2/f").await, b"abc");
    assert_eq!(bench.stat("strict", "/ada/d2/f").await.properties.get("ivo://my.org/k"), Some("v"));
    assert_eq!(bench.delete("/strict/nodes/ada/d").await.status, 204);
    assert_eq!(bench.read("strict", "/ada/d2/f").await, b"abc", "the bytes are its own");
    let created = bench.transfer("strict", "transfers", &copy("/ada/d2").replace("/ada/d<", "/ada/d2<")).await;
    assert_eq!(bench.run(&created).await.0, "ERROR", "into itself");
    // What contains the text of a name is no descendant.
    bench.mkdir("strict", "/ada/d2x").await;
    assert_eq!(bench.rename("strict", "/ada/d2", "/ada/d2x/y").await.0, "COMPLETED");
}

#[tokio::test]
async fn byte_urls_are_good_once_and_their_job_ends_with_them() {
    let bench = strict().await;
    let created = bench.transfer("strict", "transfers", &negotiation("strict", "/ada/f", "pushToVoSpace")).await;
    let job = created.location().to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await.status, 303);
    let document = loop {
        let document = job::read(&bench.get(&format!("{job}?WAIT=10")).await.body).unwrap();
        if document.phase == job::Phase::Executing && document.result("transferDetails").is_some() {
            break document;
        }
    };
    let details = bench.get(document.result("transferDetails").unwrap()).await;
    let endpoint = transfer::read(&details.body).unwrap().protocols[0].endpoint.clone().unwrap();
    let phase = async || bench.get(&format!("{job}/phase")).await.text().to_owned();
    assert_eq!(bench.send("PUT", &endpoint, None, &[("digest", "md5=AAAA")], "abc").await.status, 400);
    assert_eq!(phase().await, "EXECUTING", "nothing has passed");
    assert_eq!(bench.send("PUT", &endpoint, None, &[], "abc").await.status, 201);
    assert_eq!(phase().await, "COMPLETED");
    assert_eq!(bench.send("PUT", &endpoint, None, &[], "xyz").await.status, 403);
    let pull = bench.endpoint("strict", "/ada/f", "pullFromVoSpace").await;
    assert_eq!(bench.send("GET", &pull, None, &[], "").await.text(), "abc");
    assert_eq!(bench.send("GET", &pull, None, &[], "").await.status, 403);
    assert_eq!(bench.read("strict", "/ada/f").await, b"abc");
    assert_eq!(bench.read("strict", "/ada/f").await, b"abc", "a new URL each time");
}

#[tokio::test]
async fn a_negotiation_by_parameters_gives_details_unless_a_redirect_is_asked_for() {
    let bench = strict().await;
    put(&bench, "/ada/f", "abc").await;
    let url = "/strict/synctrans?TARGET=vos://cadc.nrc.ca~strict/ada/f&DIRECTION=pullFromVoSpace\
               &PROTOCOL=ivo://ivoa.net/vospace/core%23httpsget";
    let answer = bench.get(url).await;
    assert!(answer.location().ends_with("/results/transferDetails"), "{}", answer.location());
    let details = bench.get(bench.get(answer.location()).await.location()).await;
    assert!(details.text().contains("<vos:endpoint>"), "{}", details.text());
    let answer = bench.get(&format!("{url}&REQUEST=redirect")).await;
    assert_eq!(bench.send("GET", answer.location(), None, &[], "").await.text(), "abc");
}

#[tokio::test]
async fn reserved_names_and_what_an_upload_takes_away() {
    let bench = strict().await;
    let made = bench.node("PUT", "strict", "/ada/.auto", "ContainerNode", "").await.node();
    assert_eq!(made.uri.name().len(), 32, "{}", made.uri);
    let answer = bench.transfer("strict", "synctrans", &negotiation("strict", "/ada/.auto", "pushToVoSpace")).await;
    let details = bench.get(bench.get(answer.location()).await.location()).await;
    let details = transfer::read(&details.body).unwrap();
    assert!(!details.target().ends_with(".auto"), "{}", details.target());
    let endpoint = details.protocols[0].endpoint.clone().unwrap();
    assert_eq!(bench.send("PUT", &endpoint, None, &[], "abc").await.status, 201);
    let path = details.target().strip_prefix("vos://cadc.nrc.ca~strict").unwrap().to_owned();
    assert_eq!(bench.read("strict", &path).await, b"abc");

    bench.set("strict", &path, "DataNode", "ivo://my.org/k", "v").await;
    put(&bench, &path, "new").await;
    assert_eq!(bench.stat("strict", &path).await.properties.get("ivo://my.org/k"), None);
    bench.mkdir("strict", "/ada/d").await;
    put(&bench, "/ada/d/f", "abc").await;
    assert_eq!(bench.rename("strict", "/ada/d", "/ada/.null").await.0, "COMPLETED");
    assert_eq!(bench.get("/strict/nodes/ada/d").await.status, 404);
}

#[tokio::test]
async fn lists_and_words() {
    let bench = strict().await;
    put(&bench, "/ada/f", "abc").await;
    bench.set("strict", "/ada/f", "DataNode", "ivo://my.org/k", "v").await;
    for (list, parts) in [
        ("views", ["<vos:views ", "core#defaultview"]),
        ("protocols", ["<vos:accepts><vos:protocol ", "core#httpsput"]),
        ("properties", ["<vos:contains>", "ivo://my.org/k"]),
    ] {
        let answer = bench.get(&format!("/strict/{list}")).await;
        assert!(answer.status == 200 && parts.iter().all(|part| answer.text().contains(part)), "{}", answer.text());
        let capabilities = bench.get("/strict/capabilities").await;
        assert!(capabilities.text().contains(&format!("v2.0#{list}")));
    }
    let created = bench.transfer("strict", "transfers", &relocation("strict", "/ada/none", "/ada/x")).await;
    assert_eq!(bench.run(&created).await.1, "NodeNotFound: /ada/none");
    let document = job::read(&bench.get(created.location()).await.body).unwrap();
    assert_eq!(document.error_summary.unwrap().message, "Node Not Found");
}
