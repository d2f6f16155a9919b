//! `quirks` of a section: each is written into a configuration file, read as programs read it, and seen in what is sent, to a
//! service that shows the contrary.

use std::fs;

use crate::client::Client;
use crate::config::ClientConfig;
use crate::dialect::Dialect;
use crate::services;
use crate::testing::{Seen, Stub, uri};

mod bytes;
mod changes;
mod nodes;

/// A user's configuration whose section of the stub's service says this besides its name.
fn section(stub: &Stub, lines: &str) -> ClientConfig {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, format!("[service.test]\nresource-id = \"ivo://test/svc\"\n{lines}\n")).unwrap();
    let services = services::load_from(&[file.path().to_owned()]).unwrap();
    ClientConfig { services, ..stub.config() }
}

/// A client that is told one quirk of the stub's service.
fn forcing(stub: &Stub, name: &str, value: &str) -> Client {
    Client::new(section(stub, &format!("quirks = {{ {name} = \"{value}\" }}"))).unwrap()
}

/// How many requests were like this.
fn count(stub: &Stub, is_like: impl Fn(&Seen) -> bool) -> usize {
    stub.requests().iter().filter(|seen| is_like(seen)).count()
}

/// How many requests had this method and path, with query.
fn lines(stub: &Stub, line: &str) -> usize {
    stub.lines().iter().filter(|seen| *seen == line).count()
}

#[test]
fn every_quirk_is_forced_by_a_test() {
    let tests = [include_str!("quirks/nodes.rs"), include_str!("quirks/bytes.rs"), include_str!("quirks/changes.rs")];
    for fact in Dialect::default().facts() {
        let written = format!("\"{}\", ", fact.name);
        assert!(tests.iter().any(|text| text.contains(&written)), "no test forces {}", fact.name);
    }
}

/// A line that is taken out of the file leaves nothing behind, and one that is there says so.
#[tokio::test]
async fn what_is_forced_is_told_from_what_is_learned() {
    let stub = Stub::service(|_, _| crate::testing::Reply::status(404)).await;
    let service = forcing(&stub, "paging", "no").service(&uri("/")).await.unwrap();
    assert!(service.forced().has("paging") && !service.forced().has("ranges"));
    assert!(!stub.client().service(&uri("/")).await.unwrap().forced().has("paging"));
}
