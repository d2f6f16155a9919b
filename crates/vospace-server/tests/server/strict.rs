//! The standard by the letter.

use crate::support::{ADA, Bench, EVE, properties, relocation};
use vospace_client::node::property;
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
