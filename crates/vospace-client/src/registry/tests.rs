use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::client::Client;
use crate::testing::{Heard, OFFERED, Reply, Stub, capabilities as document, refused, uri};

#[test]
fn the_list_is_read_leniently() {
    let list = read_list(b"# c\n\nivo://A.b/c = https://h/c?x=y \nnonsense\nhttp://x = y\n");
    assert_eq!(list.len(), 1);
    assert_eq!(list["ivo://a.b/c"], "https://h/c?x=y");
}

#[test]
fn a_base_or_the_full_url_may_be_given() {
    let url = |text: &str| {
        let config = ClientConfig { registry: Some(text.to_owned()), cache_dir: None, ..ClientConfig::default() };
        Registry::new(&config).map(|registry| registry.url().to_string())
    };
    let expected = "https://h:444/reg/resource-caps";
    assert_eq!(url("https://h:444/reg").unwrap(), expected);
    assert_eq!(url("https://h:444/reg/").unwrap(), expected);
    assert_eq!(url(expected).unwrap(), expected);
    for text in ["h:444/reg", "ftp://h/reg", "nonsense", ""] {
        assert!(url(text).unwrap_err().to_string().contains("VOSPACE_REGISTRY_URL"), "{text}");
    }
    let other = "registry ftp://h/reg: it is not an http or https URL; give the full URL";
    refused(url("ftp://h/reg"), ErrorKind::Certificate, other);
}

/// A registry that can be switched off, or to answering a login page.
async fn switchable() -> (Stub, Arc<AtomicBool>, Arc<AtomicBool>) {
    let (down, hotel) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (is_down, is_hotel) = (Arc::clone(&down), Arc::clone(&hotel));
    let stub = Stub::start(move |seen, _| {
        let base = format!("http://{}", seen.header("host").unwrap());
        match seen.target.as_str() {
            _ if is_down.load(Ordering::SeqCst) => Reply::fault(500, "down"),
            _ if is_hotel.load(Ordering::SeqCst) => Reply::ok("<html>Welcome to the hotel</html>"),
            "/reg/resource-caps" => Reply::ok(format!("ivo://test/svc = {base}/svc/capabilities\n")),
            _ => Reply::ok(document(&base, OFFERED)),
        }
    })
    .await;
    (stub, down, hotel)
}

#[tokio::test]
async fn a_copy_serves_the_next_program_and_an_old_one_while_the_registry_is_down() {
    let (stub, down, hotel) = switchable().await;
    let directory = tempfile::tempdir().unwrap();
    let config = ClientConfig { cache_dir: Some(directory.path().to_owned()), ..stub.config() };
    let look = async || Client::new(config.clone()).unwrap().service(&uri("/")).await.map(drop);
    look().await.unwrap();
    look().await.unwrap();
    assert_eq!(stub.all().len(), 2, "the second program asks nothing");
    // Older than fresh.
    let age = || {
        let root = directory.path().join("services");
        let inner = std::fs::read_dir(root).unwrap().next().unwrap().unwrap().path();
        for entry in std::fs::read_dir(inner).unwrap() {
            let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
            file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
        }
    };
    age();
    down.store(true, Ordering::SeqCst);
    let heard = Heard::here();
    look().await.unwrap();
    heard.says("/reg/resource-caps cannot be read, a copy 3600 s old is used: ");
    down.store(false, Ordering::SeqCst);
    hotel.store(true, Ordering::SeqCst);
    age();
    look().await.unwrap();
    hotel.store(false, Ordering::SeqCst);
    let before = stub.all().len();
    look().await.unwrap();
    assert_eq!(stub.all().len(), before + 2, "what could not be refreshed is asked for again");
}

#[tokio::test]
async fn a_known_service_is_looked_up_again_without_anybody_waiting() {
    let (stub, down, _) = switchable().await;
    let client = stub.client();
    let service = client.service(&uri("/")).await.unwrap();
    let age = || {
        let mut services = client.inner.registry.services.lock();
        services.get_mut("ivo://test/svc").unwrap().0 = Instant::now().checked_sub(FRESH).unwrap();
    };
    age();
    assert!(Arc::ptr_eq(&client.service(&uri("/")).await.unwrap(), &service), "the old one, at once");
    let renewed = async {
        while Arc::ptr_eq(&client.service(&uri("/")).await.unwrap(), &service) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), renewed).await.unwrap();
    assert_eq!(stub.all().len(), 4, "once, not by every caller");
    down.store(true, Ordering::SeqCst);
    age();
    let heard = Heard::here();
    client.service(&uri("/")).await.unwrap();
    let asked = async {
        while !heard.has("ivo://test/svc cannot be looked up again, its known addresses stay in use: ") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap();
    client.service(&uri("/")).await.unwrap();
}

#[tokio::test]
async fn without_a_copy_the_failure_is_told() {
    let (stub, down, hotel) = switchable().await;
    hotel.store(true, Ordering::SeqCst);
    refused(stub.client().service(&uri("/")).await, ErrorKind::Protocol, "it is no list of services; this is not how");
    down.store(true, Ordering::SeqCst);
    assert_eq!(stub.client().service(&uri("/")).await.unwrap_err().kind(), ErrorKind::Service);
}

#[tokio::test]
async fn an_unknown_service_is_named_with_the_registry() {
    let (stub, _, _) = switchable().await;
    let error = stub.client().service(&crate::VosUri::new("test~other", "/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownService);
    let text = error.to_string();
    assert!(text.contains("ivo://test/other") && text.contains("/reg/resource-caps"), "{text}");
}

/// Cavern: the addresses are made of the request's host, without its port.
#[tokio::test]
async fn a_service_whose_capabilities_lost_the_port_is_found() {
    let stub = Stub::start(|seen, _| {
        let base = format!("http://{}", seen.header("host").unwrap());
        let without = base.rsplit_once(':').unwrap().0;
        let offered = [(capabilities::CAPABILITIES, "capabilities"), (capabilities::NODES, "nodes")];
        match seen.target.as_str() {
            "/reg/resource-caps" => Reply::ok(format!("ivo://test/svc = {base}/svc/capabilities\n")),
            "/svc/capabilities" => Reply::ok(document(without, &offered)),
            _ => Reply::ok(crate::xml::write::node(&crate::Node::container(uri("/")), [].into_iter())),
        }
    })
    .await;
    stub.client().stat(&uri("/")).await.unwrap();
}
