//! Several byte sites: separate storage, random order, harvest delay.

use crate::support::{ADA, Bench, negotiation};
use std::collections::HashSet;
use std::time::Duration;
use vospace_client::xml::transfer;

/// The endpoints of a negotiation, without host and grant.
async fn endpoints(bench: &Bench, path: &str, direction: &str) -> Vec<String> {
    let answer = bench.transfer("vault", "synctrans", &negotiation("vault", path, direction)).await;
    let answer = bench.get(bench.get(answer.location()).await.location()).await;
    let details = transfer::read(&answer.body).unwrap();
    details.protocols.into_iter().filter_map(|protocol| protocol.endpoint).collect()
}

fn site(url: &str) -> &str {
    url.split('/').nth(3).unwrap()
}

#[tokio::test]
async fn endpoints_come_in_random_order_and_bytes_reach_all_sites() {
    let bench = Bench::with(|options| options.sites = 3).await;
    let mut first = HashSet::new();
    while first.len() < 3 {
        let offered = endpoints(&bench, "/ada/f", "pushToVoSpace").await;
        let sites: HashSet<&str> = offered.iter().map(|url| site(url)).collect();
        assert_eq!(sites, HashSet::from(["minoc", "minoc2", "minoc3"]));
        first.insert(site(&offered[0]).to_owned());
    }
    bench.write("vault", "/ada/f", b"abc").await;
    let offered = endpoints(&bench, "/ada/f", "pullFromVoSpace").await;
    assert_eq!(offered.len(), 3);
    for url in &offered {
        assert_eq!(bench.send("GET", url, None, &[], "").await.text(), "abc");
    }
    let mut led = HashSet::new();
    while led.len() < 3 {
        led.insert(site(bench.get("/vault/files/ada/f").await.location()).to_owned());
    }
    assert_eq!(bench.get("/minoc4/files/x/y").await.status, 404);

    // One copy less: its site says 404 until it is noticed, the others have the bytes.
    let put = endpoints(&bench, "/ada/f", "pushToVoSpace").await;
    assert_eq!(bench.send("DELETE", &put[0], None, &[], "").await.status, 204);
    let gone = offered.iter().find(|url| site(url) == site(&put[0])).unwrap();
    assert_eq!(bench.send("GET", gone, None, &[], "").await.status, 404);
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc");
    assert_eq!(endpoints(&bench, "/ada/f", "pullFromVoSpace").await.len(), 2);
    let tree = bench.get("/_bench/tree?space=vault&path=/ada/f").await.text().to_owned();
    let tree: serde_json::Value = serde_json::from_str(&tree).unwrap();
    assert_eq!(tree[0]["sites"].as_array().unwrap().len(), 2, "{tree}");
}

#[tokio::test]
async fn until_the_harvest_the_old_values_are_shown() {
    // Longer than the test, until the clock is set.
    let bench = Bench::with(|options| {
        options.sites = 2;
        options.lags.harvest = Duration::from_secs(1);
    })
    .await;
    let put = endpoints(&bench, "/ada/f", "pushToVoSpace").await;
    // By this clock the delay does not end.
    let clock = async |offset: i64| {
        let body = format!("{{\"offset_ms\": {offset}}}");
        assert_eq!(bench.send("POST", "/_bench/clock", None, &[], body).await.status, 200);
    };
    clock(3_600_000).await;
    assert_eq!(bench.send("PUT", &put[0], None, &[], "first").await.status, 201);
    clock(0).await;
    assert_eq!(bench.stat("vault", "/ada/f").await.properties.length(), Some(0));
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 204, "not even a fetch of the node knows");
    clock(3_602_000).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while bench.stat("vault", "/ada/f").await.properties.length() != Some(5) {
        assert!(tokio::time::Instant::now() < deadline);
    }
    assert_eq!(bench.read("vault", "/ada/f").await, b"first");
    while endpoints(&bench, "/ada/f", "pullFromVoSpace").await.len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "copied to the other site");
    }

    // An overwrite at one site: the other has the old bytes and says so by the old identity.
    clock(7_200_000).await;
    assert_eq!(bench.send("PUT", &put[0], None, &[], "second").await.status, 201);
    clock(3_602_000).await;
    let pull = endpoints(&bench, "/ada/f", "pullFromVoSpace").await;
    let mut seen = HashSet::new();
    let mut ids = HashSet::new();
    for url in &pull {
        let answer = bench.send("GET", url, None, &[], "").await;
        seen.insert(answer.text().to_owned());
        ids.insert(answer.header("x-artifact-id").unwrap().to_owned());
    }
    assert_eq!(seen, HashSet::from(["first".to_owned(), "second".to_owned()]));
    assert_eq!(ids.len(), 2);
    assert_eq!(bench.stat("vault", "/ada/f").await.properties.length(), Some(5), "the node has the old length");
    clock(7_202_000).await;
    while bench.stat("vault", "/ada/f").await.properties.length() != Some(6) {
        assert!(tokio::time::Instant::now() < deadline);
    }
}

/// The sites as the control resource shows them: state and URL.
async fn shown(bench: &Bench) -> Vec<(String, String)> {
    let list: serde_json::Value = serde_json::from_str(bench.get("/_bench/site").await.text()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|site| (text(&site["state"]), text(&site["url"]))).collect()
}

fn host(url: &str) -> &str {
    url.split('/').nth(2).unwrap()
}

#[tokio::test]
async fn sites_with_ports_of_their_own_are_taken_down_and_up() {
    let mut bench = Bench::with(|options| {
        options.sites = 2;
        options.site_port = Some(0);
    })
    .await;
    let sites = shown(&bench).await;
    let main = bench.base.clone();
    assert!(sites.iter().all(|(state, url)| state == "up" && url.ends_with("/minoc") && host(url) != host(&main)));
    bench.write("vault", "/ada/f", b"abc").await;
    let offered = endpoints(&bench, "/ada/f", "pullFromVoSpace").await;
    assert_eq!(
        offered.iter().map(|url| host(url)).collect::<HashSet<_>>(),
        HashSet::from([host(&sites[0].1), host(&sites[1].1)])
    );
    let mut led = HashSet::new();
    while led.len() < 2 {
        led.insert(host(bench.get("/vault/files/ada/f").await.location()).to_owned());
    }
    // Nothing else is to be had at a site, and no bytes at the service.
    let root = sites[0].1.trim_end_matches("/minoc");
    assert_eq!(bench.send("GET", &format!("{root}/vault/nodes/ada"), ADA, &[], "").await.status, 404);
    assert_eq!(bench.send("GET", &format!("{root}/minoc2/files/x"), ADA, &[], "").await.status, 404);
    assert_eq!(bench.get(&offered[0].replace(host(&offered[0]), host(&main))).await.status, 404);

    let first = offered.iter().find(|url| host(url) == host(&sites[0].1)).unwrap().clone();
    let set = async |bench: &Bench, state: &str| {
        let body = format!("{{\"site\": 1, \"state\": \"{state}\"}}");
        assert_eq!(bench.send("POST", "/_bench/site", None, &[], body).await.status, 204);
    };
    // A connection that stands is cut, and new ones are refused.
    let content = vec![b'x'; 50_000_000];
    bench.write("vault", "/ada/large", &content).await;
    let large = endpoints(&bench, "/ada/large", "pullFromVoSpace").await;
    let large = large.iter().find(|url| host(url) == host(&first)).unwrap();
    let mut running = reqwest::get(large).await.unwrap();
    set(&bench, "dead").await;
    let mut received = 0;
    let cut = loop {
        match running.chunk().await {
            Ok(Some(chunk)) => received += chunk.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(cut && received < content.len(), "{received} bytes");
    let refused = tokio::net::TcpStream::connect(host(&first)).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(shown(&bench).await[0].0, "dead");
    assert_eq!(endpoints(&bench, "/ada/f", "pullFromVoSpace").await.len(), 2, "nobody has noticed");
    set(&bench, "down").await;
    assert_eq!(endpoints(&bench, "/ada/f", "pullFromVoSpace").await.len(), 1);
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc", "from the other");
    set(&bench, "up").await;
    set(&bench, "up").await;
    assert_eq!(bench.send("GET", &first, None, &[], "").await.text(), "abc");

    bench.restart().await;
    assert_eq!(shown(&bench).await, sites, "the same ports, so that URLs stay good");
    assert_eq!(bench.send("GET", &first, None, &[], "").await.text(), "abc");
}
