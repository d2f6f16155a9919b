//! Redirects, places for bytes and links that lead to another host, to another scheme, or to the files of this machine.

use std::fs;

use serde_json::Value;
use vofs_tests::server::TOKEN;
use vofs_tests::{Profile, Stranger, World, every_profile};

use super::{PREFIXES, answers, authority, container, evil, goes_on, node_is};

every_profile!(redirects_of_reads, redirects_of_negotiations, places_for_bytes, links_out_of_the_space);

/// Something of every Unix system that is no business of a service.
const OF_THIS_MACHINE: &str = "/etc/passwd";

/// Reads `evil/f` by the mount and by `vcat`, each where this goes wrong; whatever else happens, neither gives other bytes than these.
#[track_caller]
fn gives_nothing_else(world: &World, wanted: &[u8], told: &str, harm: &Value) {
    let mount = world.mounting().options(&["--read-timeout", "5", "--metadata-timeout", "5"]).start();
    world.server.fault(&harm.to_string());
    if let Ok(read) = fs::read(mount.join("evil/f")) {
        assert_eq!(read, wanted, "{told}");
    }
    world.server.heal();
    goes_on(&mount);
    mount.unmount();
    world.server.fault(&harm.to_string());
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
        let harm = match profile {
            Profile::Vault => {
                let headers = serde_json::json!({"location": place});
                serde_json::json!({"method": "GET", "route": "files", "path": "/demo/evil/f", "headers": headers})
            }
            // They answer with the bytes, at their paths or at places that were negotiated.
            _ => {
                serde_json::json!({"method": "GET", "path": world.server.byte_path(), "status": 303, "location": place})
            }
        };
        world.server.forget();
        gives_nothing_else(&world, b"bytes", place, &harm);
        let met = world.server.log().into_iter().filter(|entry| entry.is_byte_read() && entry.status == 303).count();
        assert!(met > 1, "{place}: {:?}", world.server.log());
    }
    let heads = stranger.heads();
    // A place that is good once is the last one.
    assert_eq!(heads.is_empty(), profile.one_use(), "it was asked");
    assert!(!heads.iter().any(|head| head.contains(TOKEN)), "credentials went to a stranger");
}

/// Who asks for a place for bytes is led by a redirect to the document with it.
fn redirects_of_negotiations(profile: Profile) {
    let stranger = Stranger::listen();
    let elsewhere = format!("http://{}/transfers/J/results/transferDetails", stranger.address());
    for place in [elsewhere.as_str(), &format!("file://{OF_THIS_MACHINE}"), "ftp://127.0.0.1/f", "//", ""] {
        let world = evil(profile);
        world.put("evil/f", b"bytes");
        let path = world.server.negotiation_path();
        let harm = serde_json::json!({"method": "POST", "path": path, "status": 303, "location": place});
        world.server.forget();
        gives_nothing_else(&world, b"bytes", place, &harm);
        let local = world.local_file("other", b"other bytes");
        let sent = world.vospace(&["cp", "--timeout", "5", local.to_str().unwrap(), &world.uri("evil/f")]);
        let met = world.server.log().into_iter().any(|entry| entry.method == "POST" && entry.status == 303);
        // A Cavern takes bytes at their paths.
        assert_eq!((sent.status == 0, met), (profile.in_place(), !profile.in_place()), "{place}: {}", sent.stderr);
        world.server.heal();
        let now = if profile.in_place() { &b"other bytes"[..] } else { b"bytes" };
        assert_eq!(world.bytes("evil/f").unwrap(), now, "{place}");
    }
    let heads = stranger.heads();
    assert_eq!(heads.is_empty(), profile.in_place(), "it was asked");
    assert!(!heads.iter().any(|head| head.contains(TOKEN)), "credentials went to a stranger");
}

fn places_for_bytes(profile: Profile) {
    let stranger = Stranger::listen();
    let elsewhere = format!("http://{}/minoc", stranger.address());
    for place in [elsewhere.as_str(), &format!("file://{OF_THIS_MACHINE}"), "ftp://127.0.0.1/f", "nonsense"] {
        let world = evil(profile);
        world.put("evil/f", b"bytes");
        let harm = serde_json::json!({"first_endpoint": place, "path": "evil/f"});
        gives_nothing_else(&world, b"bytes", place, &harm);
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
