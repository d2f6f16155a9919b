use std::time::Duration;

use futures_util::TryStreamExt as _;

use super::*;
use crate::client::Client;
use crate::node::property;
use crate::testing::{Gate, Reply, Seen, Stub, refused, uri};
use crate::xml::write;

/// A client that waits as long as it takes to write thousands of children on a machine that has other work.
fn patient(stub: &Stub) -> Client {
    let mut config = stub.config();
    (config.deadlines.headers, config.deadlines.idle) = (Duration::from_secs(30), Duration::from_secs(30));
    Client::new(config).unwrap()
}

/// A page of children `from..to` named `n00001`….
fn page(from: usize, to: usize) -> Reply {
    let children: Vec<Node> = (from..to).map(child).collect();
    Reply::ok(write::node(&Node::container(uri("/c")), children.iter()))
}

fn child(n: usize) -> Node {
    let mut node = Node::data(uri(&format!("/c/n{n:05}")));
    node.properties.set(property::LENGTH, n.to_string());
    node
}

/// What `limit` and `uri` of a request ask for; `uri` as the number of the child.
fn asked(seen: &Seen) -> (Option<usize>, Option<usize>) {
    let url = Url::parse(&format!("http://h{}", seen.target)).unwrap();
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    (value("limit").map(|limit| limit.parse().unwrap()), value("uri").map(|uri| uri[uri.len() - 5..].parse().unwrap()))
}

/// A service that pages over `total` children; every `broken`th page is cut to half, as if complete.
async fn paging(total: usize, broken: usize) -> Stub {
    Stub::service(move |seen, n| {
        let (limit, from) = asked(seen);
        let from = from.unwrap_or(0);
        let mut to = (from + limit.unwrap()).min(total);
        if broken > 0 && n % broken == 0 {
            to = from + (to - from).div_ceil(2);
        }
        page(from, to)
    })
    .await
}

async fn names(stub: &Stub) -> Result<Vec<String>> {
    patient(stub).list(&uri("/c")).map_ok(|node| node.uri.name().to_owned()).try_collect().await
}

fn expected(total: usize) -> Vec<String> {
    (0..total).map(|n| format!("n{n:05}")).collect()
}

#[tokio::test]
async fn pages_are_followed_to_a_proved_end() {
    for total in [0, 1, 3, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 7] {
        let stub = paging(total, 0).await;
        assert_eq!(names(&stub).await.unwrap(), expected(total), "{total}");
    }
    let stub = paging(3, 0).await;
    names(&stub).await.unwrap();
    let last = asked(stub.requests().last().unwrap());
    assert_eq!(last, (Some(PROOF), Some(2)));
}

#[tokio::test]
async fn a_page_that_breaks_off_looking_complete_is_noticed() {
    let stub = paging(100, 2).await;
    assert_eq!(names(&stub).await.unwrap(), expected(100));
}

#[tokio::test]
async fn a_service_that_ignores_the_limit_is_listed_whole_and_remembered() {
    let stub = Stub::service(|_, _| page(0, PAGE + 10)).await;
    let client = patient(&stub);
    for _ in 0..2 {
        let count = client.list(&uri("/c")).try_fold(0, |n, _| async move { Ok(n + 1) }).await.unwrap();
        assert_eq!(count, PAGE + 10);
    }
    assert_eq!(stub.lines(), [format!("GET /nodes/c?limit={PAGE}"), "GET /nodes/c".to_owned()]);
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().paging, Learned::No);
}

#[tokio::test]
async fn a_service_that_refuses_a_start_is_listed_whole() {
    for total in [5, PAGE] {
        let stub = Stub::service(move |seen, _| match asked(seen) {
            (_, Some(_)) => Reply::fault(400, "OptionNotSupported: batch container node listing"),
            _ => page(0, total),
        })
        .await;
        assert_eq!(names(&stub).await.unwrap(), expected(total));
    }
    // Exactly a page, and more behind it that cannot be had page by page.
    let stub = Stub::service(|seen, _| match asked(seen) {
        (_, Some(_)) => Reply::fault(400, "OptionNotSupported"),
        (Some(limit), _) => page(0, limit),
        (None, _) => page(0, PAGE + 5),
    })
    .await;
    assert_eq!(names(&stub).await.unwrap(), expected(PAGE + 5));
}

#[tokio::test]
async fn a_lost_connection_is_an_error_or_resumed_but_never_a_short_listing() {
    let cut = |from: usize, to: usize| {
        let Reply::Whole(_, _, body) = page(from, to) else { unreachable!() };
        let mut raw = format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        raw.extend_from_slice(&body[..body.len() - 60]);
        Reply::Raw(raw)
    };
    // Nothing is known of the service yet: an error.
    let stub = Stub::service(move |_, _| cut(0, 5)).await;
    let items: Vec<_> = patient(&stub).list(&uri("/c")).collect().await;
    let last = items.last().unwrap().as_ref().map(drop).map_err(Clone::clone);
    refused(last, ErrorKind::Unreachable, "its listing is broken: the document could not be read to its end");
    assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
    // It is known to page: taken up again.
    let stub = Stub::service(move |seen, n| {
        let (limit, from) = asked(seen);
        let (from, to) = (from.unwrap_or(0), (from.unwrap_or(0) + limit.unwrap()).min(2 * PAGE));
        if n == 1 { cut(from, to) } else { page(from, to) }
    })
    .await;
    let client = patient(&stub);
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.paging = Learned::Yes);
    let names: Vec<String> =
        client.list(&uri("/c")).map_ok(|node| node.uri.name().to_owned()).try_collect().await.unwrap();
    assert_eq!(names, expected(2 * PAGE));
}

/// In one document, or page by page: what goes on is given up, whatever its names are.
#[tokio::test]
async fn a_listing_that_goes_on_and_on_is_given_up() {
    for pages in [false, true] {
        let whole = page(0, MOST_CHILDREN + 10);
        let stub = Stub::service(move |seen, _| match asked(seen) {
            (limit, from) if pages => page(from.unwrap_or(0), from.unwrap_or(0) + limit.unwrap()),
            _ => whole.clone(),
        })
        .await;
        let client = patient(&stub);
        let mut given = 0;
        let mut children = client.list(&uri("/c"));
        let error = loop {
            match children.next().await.unwrap() {
                Ok(_) => given += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((given, error.kind()), (MOST_CHILDREN, ErrorKind::Protocol), "{error}");
        assert!(error.to_string().contains("its listing has more than"), "{error}");
        assert!(children.next().await.is_none(), "nothing comes after the error");
    }
}

#[tokio::test]
async fn what_is_no_container_cannot_be_listed() {
    let stub = Stub::service(|_, _| Reply::ok(write::node(&Node::data(uri("/c")), [].into_iter()))).await;
    refused(names(&stub).await, ErrorKind::NotAContainer, "it has no children to list; name a container");
    let stub = Stub::service(|_, _| Reply::ok("<html>login</html>")).await;
    refused(names(&stub).await, ErrorKind::Protocol, "expected a VOSpace node document and found <html>");
}

#[tokio::test]
async fn what_one_listing_learns_does_not_fail_another_that_is_underway() {
    for total in [5, PAGE] {
        let stub = Stub::service(move |seen, _| match asked(seen) {
            (_, Some(_)) => Reply::fault(400, "OptionNotSupported: batch container node listing"),
            _ => page(0, total),
        })
        .await;
        let client = patient(&stub);
        let mut first = client.list(&uri("/c"));
        let begun = first.next().await.unwrap().unwrap();
        let second: Vec<Node> = client.list(&uri("/c")).try_collect().await.unwrap();
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().paging, Learned::No);
        let rest: Vec<Node> = first.try_collect().await.unwrap();
        assert_eq!((second.len(), rest.len() + 1, begun.uri.name()), (total, total, "n00000"));
    }
}

#[tokio::test]
async fn a_listing_that_goes_round_in_circles_is_an_error() {
    let stub = Stub::service(|_, _| page(0, 50)).await;
    let client = patient(&stub);
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.paging = Learned::Yes);
    let error = client.list(&uri("/c")).try_collect::<Vec<_>>().await.unwrap_err();
    refused(Err::<(), _>(error), ErrorKind::Protocol, "its listing came to 'n00049' twice, and would have no end");
    assert!(stub.requests().len() < 5, "{:?}", stub.lines());
}

/// pyvospace keeps `limit` and ignores `uri`, Astro Data Lab ignores both. Handled as the standard would have it, the first
/// page would come again and again.
#[tokio::test]
async fn a_service_that_ignores_where_a_page_begins_is_listed_whole() {
    for keeps_limit in [true, false] {
        for total in [0, 1, 2, 5, PAGE, PAGE + 1, 2 * PAGE] {
            let stub = Stub::service(move |seen, _| {
                let (limit, _) = asked(seen);
                page(0, limit.filter(|_| keeps_limit).unwrap_or(total).min(total))
            })
            .await;
            let client = patient(&stub);
            let names: Vec<String> =
                client.list(&uri("/c")).map_ok(|node| node.uri.name().to_owned()).try_collect().await.unwrap();
            assert_eq!(names, expected(total), "{keeps_limit} {total}");
            // Of one name or none nothing can be learned.
            let learned = if total > 1 { Learned::No } else { Learned::Unknown };
            assert_eq!(client.service(&uri("/")).await.unwrap().dialect().paging, learned, "{keeps_limit} {total}");
        }
    }
}

/// pyvospace: children have no properties, and links no targets.
#[tokio::test]
async fn children_without_properties_are_asked_for_singly_some_at_a_time_and_in_order() {
    const TOTAL: usize = 30;
    let link = |n: usize| Node { kind: NodeKind::Link { target: "vos://test~svc/x".to_owned() }, ..child(n) };
    let stub = Stub::service(move |seen, _| {
        let name = seen.target.split(['/', '?']).nth(4).unwrap_or_default();
        match name.strip_prefix('n').and_then(|n| n.parse::<usize>().ok()) {
            // One is gone, and one is not for everybody.
            Some(7) => Reply::fault(404, "NodeNotFound"),
            Some(8) => Reply::fault(403, "PermissionDenied"),
            Some(9) => Reply::ok(write::node(&link(9), [].into_iter())),
            Some(n) => Reply::ok(write::node(&child(n), [].into_iter())),
            None => {
                let bare = |n: usize| {
                    if n == 9 {
                        Node { kind: NodeKind::Link { target: String::new() }, ..Node::data(uri("/c/n00009")) }
                    } else {
                        Node::data(child(n).uri)
                    }
                };
                let children: Vec<Node> = (0..TOTAL).map(bare).collect();
                Reply::ok(write::node(&Node::container(uri("/c")), children.iter()))
            }
        }
    })
    .await;
    let client = patient(&stub);
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.paging = Learned::No);
    let nodes: Vec<Node> = client.list(&uri("/c")).try_collect().await.unwrap();
    let wanted: Vec<String> = expected(TOTAL).into_iter().filter(|name| name != "n00007").collect();
    assert_eq!(nodes.iter().map(|node| node.uri.name()).collect::<Vec<_>>(), wanted);
    assert_eq!(nodes[6].properties.length(), Some(6));
    assert!(nodes[7].properties.is_empty(), "its name is known all the same");
    assert_eq!(nodes[8].kind, NodeKind::Link { target: "vos://test~svc/x".to_owned() });
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().child_properties, Learned::No);
    assert_eq!(stub.requests().len(), 1 + TOTAL);
}

/// pyvospace: as many questions are under way as hide a round trip, and no more than a small service bears. That the first child
/// tells about the others is known from the second listing on.
#[tokio::test]
async fn single_questions_are_side_by_side_within_a_bound_and_at_once_when_it_is_known_that_they_pay() {
    const TOTAL: usize = 30;
    let gate = Gate::shut();
    let holding = gate.clone();
    let stub = Stub::service(move |seen, _| {
        let name = seen.target.split(['/', '?']).nth(4).unwrap_or_default();
        match name.strip_prefix('n').and_then(|n| n.parse::<usize>().ok()) {
            Some(n) => holding.holds(Reply::ok(write::node(&child(n), [].into_iter()))),
            None if name == "c" && seen.target.contains("limit=0") => {
                Reply::ok(write::node(&Node::container(uri("/c")), [].into_iter()))
            }
            None => {
                let children: Vec<Node> = (0..TOTAL).map(|n| Node::data(child(n).uri)).collect();
                Reply::ok(write::node(&Node::container(uri("/c")), children.iter()))
            }
        }
    })
    .await;
    let client = patient(&stub);
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.paging = Learned::No);
    for alone in [1, 0] {
        let listing = tokio::spawn(client.list(&uri("/c")).try_collect::<Vec<Node>>());
        for _ in 0..alone {
            gate.filled(1).await;
            gate.let_go(1);
        }
        gate.filled(8).await;
        // Whatever else was sent by then arrives before these are answered.
        for _ in 0..10 {
            client.stat(&uri("/c")).await.unwrap();
        }
        for _ in alone..TOTAL {
            gate.let_go(1);
            client.stat(&uri("/c")).await.unwrap();
        }
        assert_eq!((listing.await.unwrap().unwrap().len(), gate.most()), (TOTAL, 8), "{alone} alone");
    }
}

#[tokio::test]
async fn children_that_have_no_properties_at_all_are_asked_for_once() {
    let stub = Stub::service(|seen, _| {
        let children: Vec<Node> = (0..20).map(|n| Node::data(child(n).uri)).collect();
        match seen.target.split(['/', '?']).nth(4) {
            Some(name) if name.starts_with('n') => Reply::ok(write::node(&children[0], [].into_iter())),
            _ => Reply::ok(write::node(&Node::container(uri("/c")), children.iter())),
        }
    })
    .await;
    let client = patient(&stub);
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.paging = Learned::No);
    assert_eq!(client.list(&uri("/c")).try_collect::<Vec<_>>().await.unwrap().len(), 20);
    assert_eq!(stub.requests().len(), 2);
}

/// pyvospace has names as they are: `%2F` and `%FF` are some that anybody can make where anybody may. Handled as the standard
/// would have it, they make the container unreadable; taken for the child that tells about all, they hide lengths.
#[tokio::test]
async fn a_name_that_is_no_encoding_hides_neither_the_others_nor_their_properties() {
    for names in [NamesInDocuments::Unknown, NamesInDocuments::Raw] {
        let stub = Stub::service(move |seen, _| {
            let name = seen.target.split(['/', '?']).nth(4).unwrap_or_default();
            match name.strip_prefix('n').and_then(|n| n.parse::<usize>().ok()) {
                Some(n) => Reply::ok(write::node(&child(n), [].into_iter())),
                None => {
                    let children: Vec<Node> = (0..4).map(|n| Node::data(child(n).uri)).collect();
                    let text = write::node(&Node::container(uri("/c")), children.iter());
                    Reply::ok(text.replace("n00000", "%2F").replace("n00002", "%FF"))
                }
            }
        })
        .await;
        let client = stub.client();
        client.service(&uri("/")).await.unwrap().learn(|dialect| {
            dialect.paging = Learned::No;
            dialect.names_in_documents = names;
        });
        let nodes: Vec<Node> = client.list(&uri("/c")).try_collect().await.unwrap();
        let shown: Vec<_> = nodes.iter().map(|node| (node.uri.name(), node.properties.length())).collect();
        assert_eq!(shown, [("%2F", None), ("n00001", Some(1)), ("%FF", None), ("n00003", Some(3))], "{names:?}");
        assert_eq!(stub.requests().len(), 3, "nothing is sent for what no request can name: {:?}", stub.lines());
        assert_eq!(client.delete(&nodes[0].uri).await.unwrap_err().kind(), ErrorKind::InvalidName);
    }
}
