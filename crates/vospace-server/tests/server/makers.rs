//! Services of other makers, a test for each deviation that was seen. Documents are written by hand from what was seen and
//! not by this project's client, which is to be judged by them.

#[path = "makers/datalab_jobs.rs"]
mod datalab_jobs;
#[path = "makers/datalab_moves.rs"]
mod datalab_moves;
#[path = "makers/datalab_nodes.rs"]
mod datalab_nodes;
#[path = "makers/datalab_transfers.rs"]
mod datalab_transfers;
#[path = "makers/pyvospace_jobs.rs"]
mod pyvospace_jobs;
#[path = "makers/pyvospace_moves.rs"]
mod pyvospace_moves;
#[path = "makers/pyvospace_nodes.rs"]
mod pyvospace_nodes;
#[path = "makers/pyvospace_transfers.rs"]
mod pyvospace_transfers;
#[path = "makers/srcnet.rs"]
mod srcnet;

use crate::support::{Answer, Bench};
use vospace_server::profile::Profile;

pub(crate) const V20: &str = "http://www.ivoa.net/xml/VOSpace/v2.0";
pub(crate) const V21: &str = "http://www.ivoa.net/xml/VOSpace/v2.1";
pub(crate) const CORE: &str = "ivo://ivoa.net/vospace/core#";
pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A service of one maker, and the way in which the user `ada` is known there.
pub(crate) struct Maker {
    pub(crate) bench: Bench,
    service: &'static str,
    authority: &'static str,
    namespace: &'static str,
    ada: (&'static str, &'static str),
    eve: (&'static str, &'static str),
}

impl Maker {
    pub(crate) async fn pyvospace() -> Maker {
        Maker {
            bench: Bench::with(|options| options.profiles = vec![Profile::pyvospace()]).await,
            service: "vospace",
            authority: "icrar.org!vospace",
            namespace: V21,
            ada: ("cookie", "PYVOSPACE_COOKIE=ada-token"),
            eve: ("cookie", "PYVOSPACE_COOKIE=eve-token"),
        }
    }

    /// Without the second that each synchronous transfer takes.
    pub(crate) async fn datalab() -> Maker {
        let bench = Bench::with(|options| options.profiles = vec![Profile::datalab()]).await;
        bench.control("profile", r#"{"habits": {"transfers": {"pause_ms": 0}}}"#).await;
        Maker {
            bench,
            service: "datalab",
            authority: "datalab.noao!vospace",
            namespace: V20,
            ada: ("x-dl-authtoken", "ada-token"),
            eve: ("x-dl-authtoken", "eve-token"),
        }
    }

    /// A request of ada's below the path of the service, or to a whole URL.
    pub(crate) async fn send(&self, method: &str, place: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![self.ada];
        all.extend(headers);
        self.send_as(&all, method, place, body).await
    }

    pub(crate) async fn send_as(&self, who: &[(&str, &str)], method: &str, place: &str, body: &str) -> Answer {
        let place = if place.starts_with("http") || place.starts_with(&format!("/{}/", self.service)) {
            place.to_owned()
        } else {
            format!("/{}{place}", self.service)
        };
        self.bench.send(method, &place, None, who, body.to_owned()).await
    }

    pub(crate) async fn as_eve(&self, method: &str, place: &str, body: &str) -> Answer {
        self.send_as(&[self.eve], method, place, body).await
    }

    pub(crate) async fn anonymously(&self, method: &str, place: &str, body: &str) -> Answer {
        self.send_as(&[], method, place, body).await
    }

    pub(crate) async fn get(&self, place: &str) -> Answer {
        self.send("GET", place, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", &format!("/nodes{path}"), &[], "").await
    }

    /// The text of a node or a listing.
    pub(crate) async fn node(&self, path: &str) -> String {
        let answer = self.get(&format!("/nodes{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text().to_owned()
    }

    pub(crate) async fn exists(&self, path: &str) -> bool {
        self.get(&format!("/nodes{path}")).await.status == 200
    }

    /// A node document as the service wants it.
    pub(crate) fn document(&self, kind: &str, path: &str, inner: &str) -> String {
        let (namespace, authority) = (self.namespace, self.authority);
        format!(
            "<vos:node xmlns:vos=\"{namespace}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"vos:{kind}\" uri=\"vos://{authority}{path}\">{inner}</vos:node>"
        )
    }

    /// PUT or POST of a node document.
    pub(crate) async fn write(&self, method: &str, kind: &str, path: &str, inner: &str) -> Answer {
        let document = self.document(kind, path, inner);
        self.send(method, &format!("/nodes{path}"), &[("content-type", "text/xml")], &document).await
    }

    pub(crate) async fn make(&self, kind: &str, path: &str) {
        let answer = self.write("PUT", kind, path, "").await;
        assert_eq!(answer.status, 201, "{path}: {}", String::from_utf8_lossy(&answer.body));
    }

    pub(crate) async fn link(&self, path: &str, target: &str) -> Answer {
        self.write("PUT", "LinkNode", path, &format!("<vos:target>{target}</vos:target>")).await
    }

    /// POST of one property.
    pub(crate) async fn set(&self, kind: &str, path: &str, uri: &str, value: &str) -> Answer {
        let property = format!("<vos:property uri=\"{uri}\">{value}</vos:property>");
        self.write("POST", kind, path, &format!("<vos:properties>{property}</vos:properties>")).await
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("vos://{}{path}", self.authority)
    }

    /// A transfer document as the service wants it; `inner` follows the direction.
    pub(crate) fn transfer(&self, path: &str, direction: &str, inner: &str) -> String {
        let (namespace, target) = (self.namespace, self.uri(path));
        format!(
            "<vos:transfer xmlns:vos=\"{namespace}\"><vos:target>{target}</vos:target>\
             <vos:direction>{direction}</vos:direction>\
             <vos:view uri=\"ivo://ivoa.net/vospace/core#defaultview\"/>{inner}</vos:transfer>"
        )
    }

    /// A negotiation over plain http.
    pub(crate) fn negotiation(&self, path: &str, direction: &str) -> String {
        let protocol = if direction.starts_with("push") { "httpput" } else { "httpget" };
        self.transfer(path, direction, &format!("<vos:protocol uri=\"{CORE}{protocol}\"/>"))
    }

    /// The answer to a synchronous transfer document.
    pub(crate) async fn synchronous(&self, document: &str) -> Answer {
        let resource = if self.namespace == V21 { "/synctrans" } else { "/sync" };
        self.send("POST", resource, &[FORM], document).await
    }

    /// The endpoint of a negotiation.
    pub(crate) async fn endpoint(&self, path: &str, direction: &str) -> String {
        let answer = self.synchronous(&self.negotiation(path, direction)).await;
        assert!(matches!(answer.status, 302 | 303), "{}: {}", answer.status, answer.text());
        let details = self.get(answer.location()).await;
        assert_eq!(details.status, 200, "{}", details.text());
        between(details.text(), "<vos:endpoint>", "</vos:endpoint>").to_owned()
    }

    /// Writes a file in the way of the service.
    pub(crate) async fn put(&self, path: &str, bytes: &str) {
        let endpoint = self.endpoint(path, "pushToVoSpace").await;
        let answer = self.send("PUT", &endpoint, &[], bytes).await;
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, answer.text());
    }

    /// Reads a file.
    pub(crate) async fn read(&self, path: &str) -> Vec<u8> {
        let endpoint = self.endpoint(path, "pullFromVoSpace").await;
        let answer = self.get(&endpoint).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    }

    /// Makes an asynchronous job, and answers its place.
    pub(crate) async fn job(&self, document: &str) -> String {
        let created = self.send("POST", "/transfers", &[FORM], document).await;
        assert_eq!(created.status, 303, "{}", created.text());
        created.location().to_owned()
    }

    pub(crate) async fn phase(&self, job: &str) -> String {
        self.get(&format!("{job}/phase")).await.text().to_owned()
    }

    /// Runs a job until it does nothing more; says the phase that it is in, and its error.
    pub(crate) async fn run(&self, job: &str) -> (String, String) {
        assert_eq!(self.send("POST", &format!("{job}/phase"), &[FORM], "PHASE=RUN").await.status, 303);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        let phase = loop {
            let phase = self.phase(job).await;
            if matches!(phase.as_str(), "COMPLETED" | "ERROR" | "ABORTED") {
                break phase;
            }
            assert!(tokio::time::Instant::now() < deadline, "still {phase}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let mut error = self.get(&format!("{job}/error")).await;
        if error.status == 303 {
            error = self.get(error.location()).await;
        }
        (phase, if error.status == 200 { error.text().to_owned() } else { String::new() })
    }

    /// A move (or with `keep` a copy) by job.
    pub(crate) async fn relocate(&self, from: &str, to: &str, keep: bool) -> (String, String) {
        let keep = format!("<vos:keepBytes>{keep}</vos:keepBytes>");
        let job = self.job(&self.transfer(from, &self.uri(to), &keep)).await;
        self.run(&job).await
    }

    pub(crate) async fn rename(&self, from: &str, to: &str) -> (String, String) {
        self.relocate(from, to, false).await
    }
}

/// `vospaced` on the data of a running service.
fn loaded(maker: &Maker, profile: &str, arguments: &[&str]) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_vospaced"))
        .args(arguments)
        .args(["--profile", profile, "--user", "ada:x", "--data"])
        .arg(maker.bench.data())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn what_is_imported_and_populated_can_be_fetched() {
    let tree = tempfile::tempdir().unwrap();
    for (name, text) in [("a.txt", "aaa"), ("empty", ""), ("cut;here", "x")] {
        std::fs::write(tree.path().join(name), text).unwrap();
    }
    for (maker, profile) in [(Maker::pyvospace().await, "pyvospace"), (Maker::datalab().await, "datalab")] {
        loaded(&maker, profile, &["import", tree.path().to_str().unwrap(), "ada/in"]);
        loaded(&maker, profile, &["populate", "ada/many", "--count", "2", "--length", "5"]);
        assert_eq!(children(&maker.node("/ada/in").await).len(), 2, "a name that leads elsewhere is left out");
        assert_eq!(maker.read("/ada/in/a.txt").await, b"aaa");
        assert_eq!(maker.read("/ada/in/empty").await, b"");
        assert_eq!(maker.read("/ada/many/node-0000001").await, [0; 5]);
    }
}

/// The first text between two others.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap()
}

/// The value of a property in a document.
pub(crate) fn property<'a>(text: &'a str, uri: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("uri=\"{uri}\""))?;
    Some(between(rest, ">", "<"))
}

/// The URIs of the children in a listing.
pub(crate) fn children(text: &str) -> Vec<&str> {
    let (_, list) = text.split_once("<vos:nodes>").unwrap_or(("", ""));
    list.split("<vos:node ").skip(1).map(|child| between(child, "uri=\"", "\"")).collect()
}

fn completed() -> (String, String) {
    ("COMPLETED".to_owned(), String::new())
}
