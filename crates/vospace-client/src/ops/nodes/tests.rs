use super::*;
use crate::testing::{Heard, Reply, Seen, Stub, refused, uri};
use crate::xml::VOSPACE_21;

#[test]
fn computed_properties_are_never_sent_and_flags_never_deleted() {
    let mut changes = Properties::new();
    changes.set(property::MD5, "x");
    changes.set(property::READABLE, "true");
    changes.set(property::TITLE, "t");
    changes.set_nil(property::IS_PUBLIC);
    changes.set_nil(property::GROUP_READ);
    let sent = harmless(&changes);
    assert_eq!(sent.len(), 3);
    assert_eq!((sent.get(property::TITLE), sent.get(property::IS_PUBLIC)), (Some("t"), Some("false")));
    assert_eq!(sent.property(property::GROUP_READ).unwrap().value, None);
}

#[test]
fn what_could_cost_the_file_is_refused() {
    let uri = VosUri::new("a~b", "/f");
    let mut changes = Properties::new();
    changes.set("custom:a", "x".repeat(2000));
    assert!(check_size(&uri, &changes).is_ok());
    changes.set("custom:b", "x".repeat(1300));
    let text = "bytes of properties; a service that keeps them in its file system may lose the file; split it";
    refused(check_size(&uri, &changes), ErrorKind::TooLarge, text);
    let mut changes = Properties::new();
    changes.set("k".repeat(300), "x");
    refused(check_size(&uri, &changes), ErrorKind::TooLarge, "the name of a property is longer than 250 bytes");
}

#[test]
fn what_a_node_has_counts_with_what_it_gets() {
    let mut there = Properties::new();
    there.set("custom:a", "x".repeat(3000));
    there.set(property::GROUP_READ, "g".repeat(3000));
    let mut changes = Properties::new();
    changes.set("custom:b", "x".repeat(400));
    assert!(check_size(&VosUri::new("a~b", "/f"), &merged(there.clone(), &changes)).is_err());
    changes.set_nil("custom:a");
    assert!(check_size(&VosUri::new("a~b", "/f"), &merged(there, &changes)).is_ok());
}

const OWN: &str = "ivo://my.example/vospace#x";

/// A service that reads documents in its own namespace, and drops the properties of all others.
fn reads_only(
    namespace: &'static str,
    kept: &Arc<parking_lot::Mutex<Properties>>,
) -> impl Fn(&Seen, usize) -> Reply + use<> {
    let kept = Arc::clone(kept);
    move |seen, _| {
        let mut kept = kept.lock();
        kept.set_read_only(property::CREATOR, "me");
        if seen.method != "GET" {
            let (sent, manner) = read::read_node_and_manner(&seen.body).unwrap();
            if manner.namespace == namespace {
                for (uri, property) in sent.properties.iter() {
                    kept.set(uri.to_owned(), property.value.clone().unwrap());
                }
            }
        }
        let node = Node { properties: kept.clone(), ..Node::data(uri("/f")) };
        Reply::ok(write::node(&node, [].into_iter()))
    }
}

fn own(value: &str) -> Properties {
    let mut changes = Properties::new();
    changes.set(OWN, value);
    changes
}

/// pyvospace: properties of a document in another namespace are dropped without a word.
#[tokio::test]
async fn a_change_that_was_dropped_in_silence_is_noticed_and_sent_in_the_other_namespace() {
    for created in [false, true] {
        let kept = Arc::default();
        // Its answers do not tell: they are in the namespace of the standard.
        let stub = Stub::service(reads_only(VOSPACE_21, &kept)).await;
        let client = stub.client();
        let heard = Heard::here();
        let node = if created {
            client.create(&uri("/f"), &own("1")).await.unwrap()
        } else {
            client.set_properties(&uri("/f"), &NodeKind::Data { busy: false }, &own("1")).await.unwrap()
        };
        assert_eq!(node.properties.get(OWN), Some("1"));
        heard.says("ivo://test/svc dropped properties of a document in the namespace");
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().namespace, Namespace::V21);
        let before = stub.requests().len();
        client.set_properties(&uri("/f"), &NodeKind::Data { busy: false }, &own("2")).await.unwrap();
        assert_eq!((stub.requests().len() - before, kept.lock().get(OWN)), (1, Some("2")));
    }
}

#[tokio::test]
async fn a_change_that_no_namespace_brings_is_an_error_that_names_it() {
    let kept = Arc::default();
    let stub = Stub::service(reads_only("none", &kept)).await;
    let client = stub.client();
    let error = client.set_properties(&uri("/f"), &NodeKind::Data { busy: false }, &own("1")).await.unwrap_err();
    assert!(error.to_string().contains(OWN) && error.kind() == ErrorKind::Protocol, "{error}");
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().namespace, Namespace::V20);
}

/// pyvospace and Astro Data Lab: the answer to a change has nothing but the change.
#[tokio::test]
async fn an_answer_that_shows_the_change_only_is_not_taken_for_the_node() {
    let stub = Stub::service(|seen, _| {
        let mut node = Node { properties: own("1"), ..Node::data(uri("/f")) };
        if seen.method == "GET" {
            node.properties.set(property::LENGTH, "5");
        }
        Reply::ok(write::node(&node, [].into_iter()))
    })
    .await;
    let client = stub.client();
    let node = client.set_properties(&uri("/f"), &NodeKind::Data { busy: false }, &own("1")).await.unwrap();
    assert_eq!((node.properties.get(OWN), node.properties.length()), (Some("1"), Some(5)));
}

/// pyvospace: `a#b` at first makes `a`.
#[tokio::test]
async fn a_node_of_another_name_is_not_the_one_that_was_made() {
    let made = write::node(&Node::data(uri("/a")), [].into_iter());
    let stub = Stub::service(move |seen, _| match seen.method.as_str() {
        "PUT" => Reply::Whole(201, vec![], made.clone().into_bytes()),
        other => panic!("{other}"),
    })
    .await;
    let error = stub.client().create(&uri("/a;b"), &Properties::new()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidName && error.to_string().contains("made 'a' of it"), "{error}");
}

/// Astro Data Lab: the answer is cut short by as many bytes as it has beyond ASCII.
#[tokio::test]
async fn an_answer_that_is_cut_short_is_no_failure() {
    let whole = write::node(&Node::container(uri("/d")), [].into_iter());
    let stub = Stub::service(move |seen, _| match seen.method.as_str() {
        "PUT" => Reply::Whole(201, vec![], whole.as_bytes()[..whole.len() - 9].to_vec()),
        _ => Reply::ok(whole.clone()),
    })
    .await;
    assert!(stub.client().mkdir(&uri("/d"), &Properties::new()).await.unwrap().is_container());
}

#[tokio::test]
async fn a_name_that_this_service_does_not_take_is_refused_before_anything_is_sent() {
    let stub = Stub::service(|seen, _| panic!("{}", seen.line())).await;
    let client = stub.client();
    client.service(&uri("/")).await.unwrap().learn(|dialect| {
        dialect.refused_characters = crate::dialect::Characters::new(";").unwrap();
    });
    let error = client.mkdir(&uri("/a;b"), &Properties::new()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidName && error.to_string().contains("'a;b'"), "{error}");
}

/// A page for logging in is no success.
#[tokio::test]
async fn a_redirect_is_no_success_of_a_change() {
    let stub = Stub::service(|_, _| Reply::status(302).header("Location", "/login")).await;
    let client = stub.client();
    assert_eq!(client.mkdir(&uri("/d"), &Properties::new()).await.unwrap_err().kind(), ErrorKind::Protocol);
}

#[test]
fn groups_are_sent_as_the_service_separates_them() {
    let mut dialect = Dialect::default();
    let mut sent = Properties::new();
    sent.set(property::GROUP_READ, "ivo://x/g?a ivo://x/g?b");
    dialect.note_groups("ivo://x/g?a,ivo://x/g?b");
    assert_eq!(written(&dialect, &sent).get(property::GROUP_READ), Some("ivo://x/g?a,ivo://x/g?b"));
}
