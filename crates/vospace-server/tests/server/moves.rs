//! Moves, recursive removal and recursive properties: jobs from both ends.

use crate::support::{ADA, Bench, EVE, properties, relocation};
use vospace_client::node::property;
use vospace_client::xml::job;

fn done() -> (String, String) {
    ("COMPLETED".to_owned(), String::new())
}

fn error(text: &str) -> (String, String) {
    ("ERROR".to_owned(), text.to_owned())
}

#[tokio::test]
async fn the_rules_of_a_move() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        for path in ["/ada/proj", "/ada/proj2", "/ada/dir"] {
            bench.mkdir(service, path).await;
        }
        bench.write(service, "/ada/a", b"aaa").await;
        bench.write(service, "/ada/b", b"bbb").await;
        let rename = async |from: &str, to: &str| bench.rename(service, from, to).await;

        assert_eq!(rename("/ada/a", "/ada/c").await, done());
        assert_eq!(bench.read(service, "/ada/c").await, b"aaa");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/a")).await.status, 404);
        assert_eq!(rename("/ada/c", "/ada/dir").await, done(), "into a container");
        assert_eq!(bench.read(service, "/ada/dir/c").await, b"aaa");

        let text = "DuplicateNode: destination is an existing DataNode: /ada/b";
        assert_eq!(rename("/ada/dir/c", "/ada/b").await, error(text));
        assert_eq!(rename("/ada/nothing", "/ada/x").await, error("NodeNotFound: /ada/nothing"));
        let (phase, text) = rename("/ada/b", "/ada/nodir/x").await;
        assert_eq!(phase, "ERROR");
        assert!(text.starts_with("NodeNotFound: Parent directory for destination"), "{text}");
        bench.write(service, "/ada/c", b"ccc").await;
        let (phase, text) = rename("/ada/c", "/ada/dir").await;
        assert!(phase == "ERROR" && text.starts_with("DuplicateNode: "), "{text}");

        // The substring refusal: below itself, and below a sibling whose name only begins alike.
        for to in ["/ada/proj/x", "/ada/proj2/x"] {
            let (phase, text) = rename("/ada/proj", to).await;
            assert!(phase == "ERROR" && text.starts_with("InvalidArgument: Cannot move container"), "{text}");
        }
        assert_eq!(rename("/ada/proj", "/ada/proj3").await, done());
        let (phase, text) = rename("/ada/b", "/b").await;
        assert_eq!((phase.as_str(), text.as_str()), ("ERROR", "PermissionDenied"), "not into a foreign container");
    }
}

#[tokio::test]
async fn nothing_moves_into_the_root() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    let admin = Some("admin-token");
    let form = [("content-type", "text/xml")];
    let answer = bench.send("POST", "/vault/synctrans", admin, &form, relocation("vault", "/home", "/other")).await;
    let job = answer.location().replace("/results/transferDetails", "");
    let error = bench.send("GET", &format!("{job}/error"), admin, &[], "").await;
    assert_eq!(error.text(), "InvalidArgument: args must both be peristent nodes before move");
}

#[tokio::test]
async fn nothing_is_copied() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/b", b"aaa").await;
    let copy = relocation("vault", "/ada/b", "/ada/c").replace("<vos:keepBytes>false</vos:keepBytes>", "");
    let answer = bench.transfer("vault", "synctrans", &copy).await;
    let job = answer.location().replace("/results/transferDetails", "");
    assert_eq!(bench.get(&format!("{job}/error")).await.text(), "copyNode is not implemented");
}

#[tokio::test]
async fn the_mover_becomes_the_owner_and_properties_stay() {
    let bench = Bench::start().await;
    let team =
        properties(&[(property::GROUP_WRITE, Some("ivo://cadc.nrc.ca/gms?team")), (property::IS_PUBLIC, Some("true"))]);
    assert_eq!(bench.node("POST", "vault", "/ada", "ContainerNode", &team).await.status, 200);
    bench.write("vault", "/ada/a", b"aaa").await;
    bench.set("vault", "/ada/a", "DataNode", "ivo://my.org/k", "v").await;
    let form = [("content-type", "text/xml")];
    bench.send("POST", "/vault/synctrans", EVE, &form, relocation("vault", "/ada/a", "/ada/b")).await;
    let node = bench.stat("vault", "/ada/b").await;
    assert_eq!((node.properties.creator(), node.properties.get("ivo://my.org/k")), (Some("eve"), Some("v")));
    assert!(node.properties.md5().is_some());
}

#[tokio::test]
async fn jobs_belong_to_their_maker() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/a", b"aaa").await;
    let created = bench.transfer("vault", "transfers", &relocation("vault", "/ada/a", "/ada/b")).await;
    let url = created.location();
    assert_eq!(bench.get(&format!("{url}/phase")).await.text(), "PENDING");
    assert_eq!(bench.get(&format!("{url}/error")).await.status, 404);
    assert_eq!(bench.send("GET", url, EVE, &[], "").await.status, 403);
    assert_eq!(bench.send("GET", "/vault/transfers", None, &[], "").await.status, 403);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let phase = async |text: &'static str| bench.send("POST", &format!("{url}/phase"), ADA, &form, text).await.status;
    assert_eq!(phase("PHASE=DANCE").await, 400);
    assert_eq!(phase("PHASE=ABORT").await, 303);
    assert_eq!(bench.get(&format!("{url}/phase")).await.text(), "ABORTED");
    assert_eq!(phase("PHASE=RUN").await, 500);
    assert_eq!(bench.delete(url).await.status, 303);
    assert_eq!(bench.get(url).await.status, 404);
    assert_eq!(bench.read("vault", "/ada/a").await, b"aaa");
}

#[tokio::test]
async fn a_tree_is_removed_by_a_job_only() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        for path in ["/ada/dir", "/ada/dir/sub", "/ada/keep"] {
            bench.mkdir(service, path).await;
        }
        for path in ["/ada/dir/a", "/ada/dir/b", "/ada/dir/sub/c", "/ada/keep/d"] {
            bench.write(service, path, b"x").await;
        }
        let inner = format!("<vos:target>vos://cadc.nrc.ca~{service}/ada/keep</vos:target>");
        bench.node("PUT", service, "/ada/dir/inside", "LinkNode", &inner).await;

        let refused = bench.delete(&format!("/{service}/nodes/ada/dir")).await;
        assert_eq!((refused.status, refused.text()), (400, "container node 'dir' is not empty"));
        let remove = async |path: &str| {
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let body = format!("target=vos://cadc.nrc.ca~{service}{path}");
            let created = bench.send("POST", &format!("/{service}/async-delete"), ADA, &form, body).await;
            let outcome = bench.run(&created).await;
            let document = job::read(&bench.get(created.location()).await.body).unwrap();
            (
                outcome,
                document.result("successcount").map(str::to_owned),
                document.result("errorcount").map(str::to_owned),
            )
        };
        assert_eq!(remove("/ada/dir").await, (done(), Some("final:6".to_owned()), None));
        assert_eq!(remove("/eve").await.0.0, "ERROR");
    }
}

#[tokio::test]
async fn locked_nodes_are_left_and_counted() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/dir").await;
    for path in ["/ada/dir/a", "/ada/dir/b"] {
        bench.write("vault", path, b"x").await;
    }
    bench.set("vault", "/ada/dir/a", "DataNode", property::IS_LOCKED, "true").await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = "target=vos://cadc.nrc.ca~vault/ada/dir";
    let created = bench.send("POST", "/vault/async-delete", ADA, &form, body).await;
    assert_eq!(bench.run(&created).await.0, "ABORTED");
    let document = job::read(&bench.get(created.location()).await.body).unwrap();
    assert_eq!((document.result("successcount"), document.result("errorcount")), (Some("final:1"), Some("final:1")));
    assert_eq!(bench.read("vault", "/ada/dir/a").await, b"x");
    assert_eq!(bench.delete("/vault/nodes/ada/dir/a").await.status, 403);
}

#[tokio::test]
async fn properties_of_a_tree() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/dir").await;
    bench.write("vault", "/ada/dir/a", b"x").await;
    let document = format!(
        "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"vos://cadc.nrc.ca~vault/ada/dir\" \
         xsi:type=\"vos:ContainerNode\">{}<vos:nodes/></vos:node>",
        properties(&[(property::IS_PUBLIC, Some("true"))])
    );
    let created = bench.transfer("vault", "async-setprops", &document).await;
    assert_eq!(bench.run(&created).await, done());
    let document = job::read(&bench.get(created.location()).await.body).unwrap();
    assert_eq!(document.result("successcount"), Some("final:2"));
    assert!(bench.stat("vault", "/ada/dir/a").await.properties.is_public());
}
