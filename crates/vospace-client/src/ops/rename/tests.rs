use reqwest::Url;

use super::*;
use crate::node::Node;
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::xml::job::{self, ErrorSummary, Job};
use crate::xml::write;

fn node(path: &str) -> Reply {
    Reply::ok(write::node(&Node::data(uri(path)), [].into_iter()))
}

fn missing() -> Reply {
    Reply::fault(404, "NodeNotFound")
}

fn job(phase: Phase, text: &str) -> Reply {
    let mut job = Job::new("J", phase);
    job.error_summary =
        (!text.is_empty()).then(|| ErrorSummary { message: text.to_owned(), transient: false, detailed: false });
    Reply::ok(job::write(&job))
}

/// `/from` is there and `/to` is not, unless the move was `done`.
fn ends(seen: &Seen, done: bool) -> Option<Reply> {
    match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => Some(if done { missing() } else { node("/from") }),
        "GET /svc/nodes/d/to?limit=0" => Some(if done { node("/d/to") } else { missing() }),
        _ => None,
    }
}

async fn rename(stub: &Stub) -> Result<()> {
    stub.client().rename(&uri("/from"), &uri("/d/to")).await
}

#[tokio::test]
async fn a_synchronous_move_takes_two_requests() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" => Reply::ok("COMPLETED\n"),
        _ => ends(seen, false).unwrap(),
    })
    .await;
    rename(&stub).await.unwrap();
    let lines = stub.lines();
    assert!(lines[..2].contains(&"GET /nodes/d/to?limit=0".to_owned()), "{lines:?}");
    assert!(lines[..2].contains(&"GET /nodes/from?limit=0".to_owned()), "{lines:?}");
    assert_eq!(lines[2..], ["POST /sync", "GET /transfers/J/phase"]);
    let sent = transfer::read(&stub.requests()[2].body).unwrap();
    assert_eq!((sent.target(), sent.keep_bytes), ("vos://test~svc/from", Some(false)));
    assert_eq!(sent.direction, Direction::Node("vos://test~svc/d/to".to_owned()));
}

#[tokio::test]
async fn the_reason_of_a_failed_move_is_told_unless_it_was_done() {
    for done in [false, true] {
        let stub = Stub::service(move |seen, n| match seen.line().as_str() {
            "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
            "GET /svc/transfers/J/phase" => Reply::ok("ERROR"),
            "GET /svc/transfers/J/error" => {
                Reply::ok("InvalidArgument: Cannot move container node into its descendants")
            }
            _ => ends(seen, done && n > 1).unwrap(),
        })
        .await;
        let result = rename(&stub).await;
        if done {
            result.unwrap();
        } else {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::MovePrefix);
        }
    }
}

#[tokio::test]
async fn a_job_is_used_where_a_request_does_not_do_it_and_waited_for_to_its_end() {
    let stub = Stub::service(|seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::fault(400, "not here"),
        "POST /svc/transfers" => Reply::redirect("/svc/transfers/J"),
        "POST /svc/transfers/J/phase" => Reply::redirect("/svc/transfers/J"),
        "GET /svc/transfers/J?WAIT=30" if n < 6 => job(Phase::Queued, ""),
        "GET /svc/transfers/J?WAIT=30" => job(Phase::Completed, ""),
        _ => ends(seen, false).unwrap(),
    })
    .await;
    let client = stub.client();
    client.rename(&uri("/from"), &uri("/d/to")).await.unwrap();
    assert_eq!(stub.lines().iter().filter(|line| line.contains("WAIT")).count(), 2);
    assert_eq!(stub.requests()[4].body, b"PHASE=RUN");
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().sync_move, Learned::No);
}

#[tokio::test]
async fn a_lost_answer_is_resolved_by_looking_at_both_ends() {
    let stub = Stub::service(|seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::Raw(Vec::new()),
        _ => ends(seen, n > 1).unwrap(),
    })
    .await;
    rename(&stub).await.unwrap();
    assert_eq!(stub.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_moved() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "GET /svc/nodes/d/to?limit=0" => node("/d/to"),
        "GET /svc/nodes/from?limit=0" => node("/from"),
        other => panic!("{other}"),
    })
    .await;
    refused(
        rename(&stub).await,
        ErrorKind::AlreadyExists,
        "it exists, and a move does not replace; choose another name",
    );
    let client = stub.client();
    for (from, to, kind, text) in [
        (
            uri("/a"),
            uri("/a/b"),
            ErrorKind::MovePrefix,
            "it cannot move into itself (vos://test~svc/a/b); services refuse",
        ),
        (
            uri("/"),
            uri("/a"),
            ErrorKind::MoveIntoRoot,
            "the root container cannot be moved or replaced; services cannot",
        ),
        (
            uri("/a"),
            VosUri::new("other~svc", "/a"),
            ErrorKind::Unsupported,
            "it cannot move to another service (vos://oth",
        ),
    ] {
        refused(client.rename(&from, &to).await, kind, text);
    }
}

#[test]
fn the_job_of_a_synchronous_transfer() {
    let job =
        |text: &str| job_of(&Request::get(Url::parse(text).unwrap(), Grant::Caller)).map(|job| String::from(job.url));
    let expected = Some("https://h/v/transfers/J1".to_owned());
    assert_eq!(job("https://h/v/transfers/J1/results/transferDetails"), expected);
    assert_eq!(job("https://h/v/xfer/J1"), expected);
    assert_eq!(job("https://h/minoc/files/x"), None);
}

fn file_with_bytes() -> Reply {
    let mut node = Node::data(uri("/from"));
    node.properties.set(crate::node::property::LENGTH, "5");
    Reply::ok(write::node(&node, [].into_iter()))
}

/// pyvospace: the job of a file that holds bytes ends with the words `'space_name'`. Handled as the standard would have it,
/// every such move would be a failure of the service that is worth another try.
#[tokio::test]
async fn a_service_that_moves_no_files_with_bytes_is_known_after_it_failed_twice() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => file_with_bytes(),
        "GET /svc/nodes/d/to?limit=0" => missing(),
        "POST /svc/sync" => Reply::fault(403, "Permission Denied."),
        "POST /svc/transfers" | "POST /svc/transfers/J/phase" => Reply::redirect("transfers/J"),
        "GET /svc/transfers/J?WAIT=30" => job(Phase::Error, "'space_name'"),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    let error = client.rename(&uri("/from"), &uri("/d/to")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unsupported && error.to_string().contains("'space_name'"), "{error}");
    let jobs = |stub: &Stub| stub.lines().iter().filter(|line| *line == "POST /transfers").count();
    assert_eq!(jobs(&stub), 2);
    let again = client.rename(&uri("/from"), &uri("/d/to")).await;
    refused(again, ErrorKind::Unsupported, "copy it and remove the original, as --emulate-rename does");
    assert_eq!(jobs(&stub), 2);
}

#[tokio::test]
async fn a_service_that_stumbled_once_is_asked_again() {
    let failed = std::sync::atomic::AtomicBool::new(false);
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => file_with_bytes(),
        "GET /svc/nodes/d/to?limit=0" => missing(),
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" if failed.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Reply::ok("COMPLETED")
        }
        "GET /svc/transfers/J/phase" => Reply::ok("ERROR"),
        "GET /svc/transfers/J/error" => Reply::ok("the database is on holiday"),
        "POST /svc/transfers" | "POST /svc/transfers/J/phase" => Reply::redirect("/svc/transfers/J"),
        "GET /svc/transfers/J?WAIT=30" => job(Phase::Error, "the database is on holiday"),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    client.rename(&uri("/from"), &uri("/d/to")).await.unwrap();
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().moves_files, Learned::Yes);
}

/// Astro Data Lab: a link that is moved loses its target. It is made again, and from then on never moved.
#[tokio::test]
async fn a_link_that_lost_its_target_on_the_way_is_made_again() {
    let link = |target: &str, path: &str| {
        let kind = NodeKind::Link { target: target.to_owned() };
        Reply::ok(write::node(&Node { kind, ..Node::data(uri(path)) }, [].into_iter()))
    };
    let made = Arc::new(parking_lot::Mutex::new(None::<String>));
    let there = Arc::clone(&made);
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => link("vos://test~svc/x", "/from"),
        "GET /svc/nodes/d/to?limit=0" => match &*there.lock() {
            None => missing(),
            Some(target) => link(target, "/d/to"),
        },
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" => {
            *there.lock() = Some(String::new());
            Reply::ok("COMPLETED")
        }
        "DELETE /svc/nodes/d/to" => {
            *there.lock() = None;
            Reply::status(204)
        }
        "DELETE /svc/nodes/from" => Reply::status(204),
        "PUT /svc/nodes/d/to" => {
            let sent = crate::xml::read::read_node(&seen.body).unwrap();
            let NodeKind::Link { target } = &sent.kind else { panic!() };
            *there.lock() = Some(target.clone());
            Reply::Whole(201, vec![], seen.body.clone())
        }
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    client.rename(&uri("/from"), &uri("/d/to")).await.unwrap();
    assert_eq!(made.lock().as_deref(), Some("vos://test~svc/x"));
    *made.lock() = None;
    let before = stub.requests().len();
    client.rename(&uri("/from"), &uri("/d/to")).await.unwrap();
    assert_eq!(made.lock().as_deref(), Some("vos://test~svc/x"));
    let lines = &stub.lines()[before..];
    assert!(
        lines.contains(&"DELETE /nodes/from".to_owned()) && !lines.iter().any(|line| line.starts_with("POST")),
        "{lines:?}"
    );
}

/// A service with files and links, whose links are kept as ways from where they stand: moved to another container they lead
/// elsewhere (Cavern, observed).
#[derive(Clone, Default)]
struct Linked(Arc<parking_lot::Mutex<std::collections::BTreeMap<String, Node>>>);

impl Linked {
    fn put(&self, path: &str, target: &str) {
        let kind = NodeKind::Link { target: target.to_owned() };
        let mut node = Node { kind, ..Node::data(uri(path)) };
        node.properties.set(OWN, "precious");
        node.properties.set_read_only(crate::node::property::CREATOR, "me");
        self.0.lock().insert(path.to_owned(), node);
    }

    /// The target of a link, and the property that a user set of it.
    fn link(&self, path: &str) -> Option<(String, Option<String>)> {
        let nodes = self.0.lock();
        let node = nodes.get(path)?;
        let NodeKind::Link { target } = &node.kind else { panic!("{path} is no link") };
        Some((target.clone(), node.properties.get(OWN).map(str::to_owned)))
    }

    /// Whether links `follow` their container, and whether they are moved at all.
    async fn serve(&self, follow: bool, moves: bool) -> Stub {
        let nodes = Arc::clone(&self.0);
        Stub::service(move |seen, _| {
            let mut nodes = nodes.lock();
            let target = seen.target.split('?').next().unwrap();
            let Some(path) = target.strip_prefix("/svc/nodes") else {
                if !seen.method.starts_with("POST") {
                    return Reply::ok("COMPLETED");
                }
                if !moves {
                    return Reply::fault(400, "Link Found. vos://test~svc/a/l");
                }
                let sent = transfer::read(&seen.body).unwrap();
                let Direction::Node(to) = &sent.direction else { panic!("{:?}", sent.direction) };
                let (from, to) = (VosUri::from_wire(sent.target()).unwrap(), VosUri::from_wire(to).unwrap());
                let mut node = nodes.remove(from.path()).unwrap();
                if let NodeKind::Link { target } = &mut node.kind
                    && follow
                    && from.parent() != to.parent()
                {
                    *target = to.parent().unwrap().join("f").to_wire();
                }
                node.uri = to.clone();
                nodes.insert(to.path().to_owned(), node);
                return Reply::redirect("/svc/transfers/J/results/transferDetails");
            };
            match seen.method.as_str() {
                "GET" => {}
                "DELETE" => {
                    nodes.remove(path).unwrap();
                    return Reply::status(204);
                }
                _ => {
                    let sent = crate::xml::read::read_node(&seen.body).unwrap();
                    let made = Node { kind: sent.kind, ..Node::data(uri(path)) };
                    let made = nodes.entry(path.to_owned()).or_insert(made);
                    for (uri, property) in sent.properties.iter() {
                        made.properties.set(uri.to_owned(), property.value.clone().unwrap());
                    }
                    made.properties.set_read_only(crate::node::property::CREATOR, "me");
                }
            }
            nodes.get(path).map_or_else(missing, |node| Reply::ok(write::node(node, [].into_iter())))
        })
        .await
    }
}

const OWN: &str = "ivo://my.example/vospace#x";

fn led(target: &str) -> Option<(String, Option<String>)> {
    Some((target.to_owned(), Some("precious".to_owned())))
}

#[tokio::test]
async fn a_link_that_changes_its_container_is_looked_at_whatever_others_did_in_theirs() {
    let linked = Linked::default();
    let stub = linked.serve(true, true).await;
    let client = stub.client();
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.moves_files = Learned::Yes);
    let target = "vos://test~svc/a/f";
    linked.put("/a/l", target);
    client.rename(&uri("/a/l"), &uri("/a/m")).await.unwrap();
    assert_eq!(linked.link("/a/m"), led(target));
    client.rename(&uri("/a/m"), &uri("/b/m")).await.unwrap();
    assert_eq!(linked.link("/b/m"), led(target));
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().moves_links, Learned::No);
}

#[tokio::test]
async fn a_link_to_another_service_teaches_nothing_of_those_within() {
    let linked = Linked::default();
    let stub = linked.serve(false, true).await;
    let client = stub.client();
    for (target, learned) in [
        ("vos://other~svc/f", Learned::Unknown),
        ("https://x.org/f", Learned::Unknown),
        ("vos://test~svc/a/f", Learned::Yes),
    ] {
        linked.put("/a/l", target);
        client.rename(&uri("/a/l"), &uri("/b/l")).await.unwrap();
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().moves_links, learned, "{target}");
        client.delete(&uri("/b/l")).await.unwrap();
    }
}

#[tokio::test]
async fn a_link_that_is_made_anew_keeps_what_a_user_set() {
    let linked = Linked::default();
    let stub = linked.serve(false, false).await;
    let client = stub.client();
    linked.put("/a/l", "vos://test~svc/a/f");
    // The first is refused, the second not asked for.
    for (from, to) in [("/a/l", "/b/l"), ("/b/l", "/b/m")] {
        client.rename(&uri(from), &uri(to)).await.unwrap();
        assert_eq!((linked.link(from), linked.link(to)), (None, led("vos://test~svc/a/f")), "{to}");
    }
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().moves_links, Learned::No);
    client.rename_by_copy(&uri("/b/m"), &uri("/b/n")).await.unwrap();
    assert_eq!((linked.link("/b/m"), linked.link("/b/n")), (None, led("vos://test~svc/a/f")));
}

/// Astro Data Lab: a container that moves below itself is lost with all that is in it.
#[tokio::test]
async fn nothing_is_sent_for_a_move_below_itself() {
    let stub = Stub::service(|seen, _| panic!("{}", seen.line())).await;
    for to in ["/a/b", "/a/b/c/d"] {
        let error = stub.client().rename(&uri("/a"), &uri(to)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MovePrefix);
    }
}

/// What a service says of the first and of each further move of a file, and what it is known for before and after.
async fn refused_twice(first: &'static str, then: &'static str, known: Learned) -> (Error, Learned) {
    let failed = std::sync::atomic::AtomicBool::new(false);
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => file_with_bytes(),
        "GET /svc/nodes/d/to?limit=0" => missing(),
        "POST /svc/sync" => Reply::fault(403, "Permission Denied."),
        "POST /svc/transfers" | "POST /svc/transfers/J/phase" => Reply::redirect("/svc/transfers/J"),
        "GET /svc/transfers/J?WAIT=30" => {
            let again = failed.swap(true, std::sync::atomic::Ordering::SeqCst);
            job(Phase::Error, if again { then } else { first })
        }
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    service.learn(|dialect| dialect.moves_files = known);
    let error = client.rename(&uri("/from"), &uri("/d/to")).await.unwrap_err();
    (error, service.dialect().moves_files)
}

#[tokio::test]
async fn that_no_files_are_moved_is_learned_from_the_same_words_twice_and_never_against_what_was_seen() {
    let (error, learned) = refused_twice("'space_name'", "'space_name'", Learned::Unknown).await;
    assert_eq!((error.kind(), learned), (ErrorKind::Unsupported, Learned::No));
    let (error, learned) = refused_twice("the disk is asleep", "the database is on holiday", Learned::Unknown).await;
    assert_eq!((error.kind(), learned), (ErrorKind::Service, Learned::Unknown));
    assert!(error.to_string().contains("on holiday"), "{error}");
    let (error, learned) = refused_twice("oops", "oops", Learned::Yes).await;
    assert_eq!((error.kind(), learned), (ErrorKind::Service, Learned::Yes));
}

/// pyvospace moves files without bytes, and no others.
#[tokio::test]
async fn a_file_without_bytes_that_was_moved_teaches_nothing_of_others() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "GET /svc/nodes/from?limit=0" => {
            let mut node = Node::data(uri("/from"));
            node.properties.set(crate::node::property::LENGTH, "0");
            Reply::ok(write::node(&node, [].into_iter()))
        }
        "GET /svc/nodes/d/to?limit=0" => missing(),
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" => Reply::ok("COMPLETED"),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    for known in [Learned::Unknown, Learned::No] {
        service.learn(|dialect| dialect.moves_files = known);
        client.rename(&uri("/from"), &uri("/d/to")).await.unwrap();
        assert_eq!(service.dialect().moves_files, known);
    }
}
