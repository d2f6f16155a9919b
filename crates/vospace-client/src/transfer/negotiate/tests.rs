use super::*;
use crate::node::{Node, NodeKind, property};
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::xml::capabilities::{NODES, SYNC};
use crate::xml::{VOSPACE_21, write};

/// What a service without `/files` offers.
const OFFERED: &[(&str, &str)] = &[(NODES, "nodes"), (SYNC, "sync")];
const DETAILS: &str = "/svc/transfers/J/results/transferDetails";

fn file(length: u64) -> Reply {
    let mut node = Node::data(uri("/a"));
    node.properties.set(property::LENGTH, length.to_string());
    Reply::ok(write::node(&node, [].into_iter()))
}

/// The document with one place for the bytes.
fn offer(seen: &Seen, protocol: &str) -> Reply {
    let mut offered = Transfer::new("vos://test~svc/a", Direction::PullFromVoSpace);
    let endpoint = Some(format!("http://{}/svc/byte", seen.header("host").unwrap()));
    offered.protocols.push(Protocol { uri: protocol.to_owned(), endpoint, security_methods: vec![] });
    Reply::ok(transfer::write(&offered))
}

async fn endpoints(stub: &Stub) -> Result<usize> {
    let client = stub.client();
    let service = client.service(&uri("/")).await?;
    Ok(pull(&client.inner, &service, &uri("/a")).await?.len())
}

/// pyvospace: a protocol that it does not know makes it refuse the whole, and Location is relative.
#[tokio::test]
async fn a_service_that_refuses_https_is_asked_for_http_alone() {
    let stub = Stub::service_of(OFFERED, |seen, _| match seen.line().as_str() {
        "POST /svc/sync" if String::from_utf8_lossy(&seen.body).contains("#https") => {
            Reply::fault(400, "Protocol Not Supported. httpsget")
        }
        "POST /svc/sync" => Reply::redirect("transfers/J/results/transferDetails"),
        line if line == format!("GET {DETAILS}") => offer(seen, HTTP_GET),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    for posts in [2, 3] {
        assert_eq!(pull(&client.inner, &service, &uri("/a")).await.unwrap().len(), 1);
        assert_eq!(stub.lines().iter().filter(|line| line.starts_with("POST")).count(), posts);
    }
    let dialect = service.dialect();
    assert_eq!((dialect.protocols, dialect.transfer_type), (OfferedProtocols::Http, TransferType::Xml));
    assert_eq!(dialect.transfer_view, Learned::No);
}

/// Astro Data Lab knows http only, and is https where a proxy makes it so.
#[test]
fn where_bytes_must_be_encrypted_http_is_asked_for_last_and_by_its_name_alone() {
    let asked = |dialect: Dialect, plain, has_files| -> Vec<(bool, bool)> {
        let forms = Form::of(&dialect, plain, has_files).into_iter();
        forms.map(|form| (form.https, form.http)).collect()
    };
    let unknown = Dialect::default();
    assert_eq!(asked(unknown, false, true), [(true, false); 3]);
    assert_eq!(asked(unknown, false, false), [[(true, false); 3], [(false, true); 3]].concat());
    assert_eq!(asked(unknown, true, false).iter().filter(|(https, http)| *https && *http).count(), 3);
    let known = Dialect {
        protocols: OfferedProtocols::Http,
        transfer_type: TransferType::Form,
        transfer_view: Learned::Yes,
        ..unknown
    };
    for plain in [false, true] {
        assert_eq!(asked(known, plain, false), [(false, true)]);
    }
}

/// Astro Data Lab: announced as a form, with a view and without XML declaration, answered by 302.
#[tokio::test]
async fn a_service_that_takes_documents_as_forms_gets_them_so() {
    let stub = Stub::service_of(OFFERED, |seen, _| match seen.line().as_str() {
        "POST /svc/sync" => {
            let text = String::from_utf8_lossy(&seen.body).into_owned();
            let right = seen.header("content-type") == Some("application/x-www-form-urlencoded")
                && text.contains("<vos:view ")
                && text.starts_with("<vos:transfer xmlns:vos=");
            if right {
                Reply::status(302).header("Location", DETAILS)
            } else {
                Reply::fault(500, "<html>Tomcat</html>")
            }
        }
        line if line == format!("GET {DETAILS}") => offer(seen, HTTP_GET),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    pull(&client.inner, &service, &uri("/a")).await.unwrap();
    let tried = stub.requests().len();
    pull(&client.inner, &service, &uri("/a")).await.unwrap();
    assert_eq!(stub.requests().len() - tried, 2, "{:?}", stub.lines());
    assert_eq!((service.dialect().transfer_type, service.dialect().transfer_view), (TransferType::Form, Learned::Yes));
}

/// Astro Data Lab: a failure is an empty document with a status of success; the job or a header says why.
#[tokio::test]
async fn an_empty_document_is_a_failure_with_the_reason_of_its_job() {
    for by_header in [false, true] {
        let stub = Stub::service_of(OFFERED, move |seen, _| match seen.line().as_str() {
            "POST /svc/sync" => Reply::redirect(DETAILS),
            line if line == format!("GET {DETAILS}") => {
                let empty = Reply::ok(format!("<vos:transfer xmlns:vos=\"{VOSPACE_21}\"></vos:transfer>"));
                if by_header { empty.header("X-VO-Fault", "NodeNotFound") } else { empty }
            }
            "GET /svc/transfers/J/phase" => Reply::ok("ERROR"),
            "GET /svc/transfers/J/error" => Reply::redirect("/svc/transfers/J/results/error"),
            "GET /svc/transfers/J/results/error" => Reply::ok("A Node does not exist: NodeNotFound"),
            other => panic!("{other}"),
        })
        .await;
        let error = endpoints(&stub).await.unwrap_err();
        assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("NodeNotFound"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_document_that_nobody_explains_is_never_taken_for_success() {
    let stub = Stub::service_of(OFFERED, |seen, _| match seen.method.as_str() {
        "POST" => Reply::ok(format!("<vos:transfer xmlns:vos=\"{VOSPACE_21}\"/>")),
        _ => panic!("{}", seen.line()),
    })
    .await;
    let text = "the negotiation was answered with no usable document: the document has no";
    refused(endpoints(&stub).await, ErrorKind::Service, text);
}

/// Astro Data Lab: 500 to a transfer of a name that it does not take, and 400 to the question for the node.
#[tokio::test]
async fn a_name_at_which_the_negotiation_fails_is_told_as_the_reason() {
    let stub = Stub::service_of(OFFERED, |seen, _| match seen.method.as_str() {
        "POST" => Reply::fault(500, "<html>Tomcat</html>"),
        _ => Reply::fault(400, "The requested URI is invalid.").header("X-VO-Fault", "InvalidURI"),
    })
    .await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    for (path, kind) in [("/a;b", ErrorKind::InvalidName), ("/été", ErrorKind::InvalidName), ("/a", ErrorKind::Service)]
    {
        let error = push(&client.inner, &service, &uri(path)).await.err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn a_refusal_that_is_not_for_the_form_is_told_at_once() {
    let stub = Stub::service_of(OFFERED, |_, _| Reply::fault(404, "Node Not Found. x")).await;
    assert_eq!(endpoints(&stub).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(stub.requests().len(), 1);
}

/// The form by parameters: 500 at pyvospace. It is not asked for again once the other way worked.
#[tokio::test]
async fn a_short_form_that_is_refused_is_not_repeated() {
    let stub = Stub::service_of(OFFERED, |_, _| Reply::fault(500, "no")).await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    assert!(matches!(push_shortly(&client.inner, &service, &uri("/a")).await.unwrap(), Short::Refused));
    assert_eq!(stub.requests().len(), 1);
    service.learn(|dialect| dialect.short_negotiation = Learned::No);
    assert!(matches!(push_shortly(&client.inner, &service, &uri("/a")).await.unwrap(), Short::NotTried));
}

/// pyvospace: of a file that was never written no bytes can be had, and it says so with a 400.
#[tokio::test]
async fn nothing_is_negotiated_for_a_file_without_bytes() {
    for length in [Some(0), None] {
        let stub = Stub::service_of(OFFERED, move |seen, _| match (seen.method.as_str(), length) {
            ("GET", Some(length)) => file(length),
            ("GET", None) => Reply::ok(write::node(&Node::data(uri("/a")), [].into_iter())),
            ("POST", None) => Reply::fault(400, "Invalid: not on any storage device"),
            _ => panic!("{}", seen.line()),
        })
        .await;
        let download = stub.client().open(&uri("/a"), None).await.unwrap();
        assert_eq!(download.total, Some(0));
    }
}

/// What is no file, and what fails for another reason, is not an empty file.
#[tokio::test]
async fn only_a_file_that_was_never_written_has_no_bytes() {
    let link = NodeKind::Link { target: "vos://test~svc/b".to_owned() };
    let never_written = "Invalid: not on any storage device";
    for (kind, status, text) in
        [(link, 400, never_written), (NodeKind::Data { busy: false }, 500, "the database is on holiday")]
    {
        let node = Node { kind, ..Node::data(uri("/a")) };
        let stub = Stub::service_of(OFFERED, move |seen, _| match seen.method.as_str() {
            "GET" => Reply::ok(write::node(&node, [].into_iter())),
            _ => Reply::fault(status, text),
        })
        .await;
        let error = stub.client().open(&uri("/a"), None).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

/// An address is good once: it is neither looked at beforehand nor asked twice.
#[tokio::test]
async fn an_address_of_bytes_is_asked_once_and_another_try_begins_anew() {
    let stub = Stub::service_of(OFFERED, |seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect(DETAILS),
        line if line == format!("GET {DETAILS}") => offer(seen, HTTP_GET),
        "GET /svc/byte" if n < 6 => Reply::fault(503, "busy"),
        "GET /svc/byte" => Reply::ok("0123456789"),
        "GET /svc/nodes/a?limit=0" => file(10),
        other => panic!("{other}"),
    })
    .await;
    let download = stub.client().open(&uri("/a"), None).await.unwrap();
    assert_eq!(download.total, Some(10));
    let lines = stub.lines();
    let asked = lines.iter().filter(|line| *line == "GET /byte").count();
    assert_eq!((asked, lines.iter().filter(|line| *line == "POST /sync").count()), (2, 2), "{lines:?}");
}

/// pyvospace: the cookie is wanted at the places for bytes, which name no security method.
#[tokio::test]
async fn a_place_that_wants_credentials_without_saying_so_gets_them_the_next_time() {
    let stub = Stub::service_of(OFFERED, |seen, _| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect(DETAILS),
        line if line == format!("GET {DETAILS}") => offer(seen, HTTP_GET),
        "GET /svc/byte" if seen.header("authorization").is_none() => Reply::fault(403, "Permission Denied."),
        "GET /svc/byte" => Reply::ok("0123456789"),
        "GET /svc/nodes/a?limit=0" => file(10),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    for tries in [2, 3] {
        assert_eq!(client.open(&uri("/a"), None).await.unwrap().total, Some(10));
        assert_eq!(stub.lines().iter().filter(|line| *line == "GET /byte").count(), tries);
    }
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().endpoint_credentials, Learned::Yes);
}

/// A place that serves without them never gets any, whatever it says later.
#[tokio::test]
async fn a_place_that_serves_without_credentials_gets_none() {
    let stub = Stub::service_of(OFFERED, |seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect(DETAILS),
        line if line == format!("GET {DETAILS}") => offer(seen, HTTP_GET),
        "GET /svc/byte" if n < 5 => Reply::ok("0123456789"),
        "GET /svc/byte" => Reply::fault(403, "not for you"),
        "GET /svc/nodes/a?limit=0" => file(10),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    client.open(&uri("/a"), None).await.unwrap();
    assert_eq!(client.open(&uri("/a"), None).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let bytes = stub.requests().into_iter().filter(|seen| seen.target == "/svc/byte");
    assert!(bytes.inspect(|seen| assert!(seen.header("authorization").is_none())).count() == 2);
}
