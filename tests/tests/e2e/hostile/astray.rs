//! Redirects, places for bytes and links that lead to another host, to another scheme, or to the files of this machine.

use std::fs;

use vofs_tests::server::TOKEN;
use vofs_tests::{Profile, Stranger, World, every_profile};

use super::{PREFIXES, answers, authority, container, evil, goes_on, node_is};

every_profile!(redirects_of_reads, places_for_bytes, links_out_of_the_space);

/// Something of every Unix system that is no business of a service.
const OF_THIS_MACHINE: &str = "/etc/passwd";

/// Reads `evil/f` by the mount and by `vcat`; whatever else happens, neither gives other bytes than these.
#[track_caller]
fn gives_nothing_else(world: &World, wanted: &[u8], told: &str) {
    let mount = world.mounting().options(&["--read-timeout", "5", "--metadata-timeout", "5"]).start();
    if let Ok(read) = fs::read(mount.join("evil/f")) {
        assert_eq!(read, wanted, "{told}");
    }
    goes_on(&mount);
    mount.unmount();
    let shown = world.vospace(&["cat", "--timeout", "5", &world.uri("evil/f")]);
    assert!(wanted.starts_with(&shown.bytes), "{told}: {}", shown.stdout());
    assert!(shown.status != 0 || shown.bytes == wanted, "{told}");
}

fn redirects_of_reads(profile: Profile) {
    let stranger = Stranger::listen();
    let elsewhere = format!("http://{}/somewhere/else", stranger.address());
    for place in [elsewhere.as_str(), &format!("file://{OF_THIS_MACHINE}"), "ftp://127.0.0.1/f", "gopher://x", "//", ""]
    {
        let world = evil(profile);
        world.put("evil/f", b"bytes");
        let rule = match profile {
            Profile::Vault => serde_json::json!({"headers": {"location": place}}),
            _ if profile.in_place() => serde_json::json!({"status": 303, "location": place}),
            // It answers with the bytes; here with a redirect to nowhere.
            _ => serde_json::json!({"status": 303}),
        };
        let about = serde_json::json!({"method": "GET", "route": "files", "path": "/demo/evil/f"});
        let mut rule = rule.as_object().unwrap().clone();
        rule.extend(about.as_object().unwrap().clone());
        world.server.fault(&serde_json::Value::Object(rule).to_string());
        gives_nothing_else(&world, b"bytes", place);
    }
    let heads = stranger.heads();
    assert_eq!(heads.is_empty(), !profile.in_place() && profile != Profile::Vault, "it was asked");
    assert!(!heads.iter().any(|head| head.contains(TOKEN)), "credentials went to a stranger");
}

fn places_for_bytes(profile: Profile) {
    let stranger = Stranger::listen();
    let elsewhere = format!("http://{}/minoc", stranger.address());
    for place in [elsewhere.as_str(), &format!("file://{OF_THIS_MACHINE}"), "ftp://127.0.0.1/f", "nonsense"] {
        let world = evil(profile);
        world.put("evil/f", b"bytes");
        world.server.fault(&serde_json::json!({"first_endpoint": place, "path": "evil/f"}).to_string());
        gives_nothing_else(&world, b"bytes", place);
    }
    assert!(!stranger.heads().iter().any(|head| head.contains(TOKEN)), "credentials went to a stranger");
}

fn links_out_of_the_space(profile: Profile) {
    let stranger = Stranger::listen();
    for target in [
        format!("file://{OF_THIS_MACHINE}"),
        format!("http://{}/f", stranger.address()),
        format!("vos://{}~vault/demo/f", stranger.address()),
        format!("vos://{}/demo/../../../etc/passwd", "cadc.nrc.ca~vault"),
        "../../../../../../etc/passwd".to_owned(),
    ] {
        let world = evil(profile);
        let link = |prefixes: &str| {
            format!(
                r#"<vos:node {prefixes} uri="vos://{}/demo/evil/link" xsi:type="vos:LinkNode"><vos:properties/>
                <vos:target>{target}</vos:target></vos:node>"#,
                authority(&world)
            )
        };
        answers(&world, &container(&world, &link(""), ""));
        node_is(&world, "demo/evil/link", &link(PREFIXES));
        let copy = world.local("copy");
        let copied = world.vospace(&["cp", "-L", "--timeout", "5", &world.uri("evil/link"), copy.to_str().unwrap()]);
        assert_ne!(copied.status, 0, "{target}");
        assert!(!copy.exists(), "{target}: {}", fs::read_to_string(&copy).unwrap());
        // The mount shows where it leads and goes nowhere by itself.
        let mount = world.mounting().options(&["--metadata-timeout", "5"]).start();
        let shown = fs::read_link(mount.join("evil/link"));
        let absolute = shown.as_ref().is_ok_and(|to| to.is_absolute());
        assert!(!absolute || target.starts_with("file://"), "{target}: {shown:?}");
        goes_on(&mount);
    }
    assert_eq!(stranger.heads(), Vec::<String>::new(), "nobody was asked");
}
