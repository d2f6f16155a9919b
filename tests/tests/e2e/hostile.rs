//! A service that means harm, or has been taken over by somebody who does: what it answers reaches neither other files of this
//! machine nor the rest of the program. docs/security.md has the table.

mod astray;
mod lengths;
mod shown;

use std::fs;
use std::time::Duration;

use vofs_tests::process::{run, run_within};
use vofs_tests::{Mount, Profile, World, every_profile};

every_profile!(names_that_lead_elsewhere, entities_that_grow, a_listing_without_end);

/// Beside the harmful things lies one that has to go on being read.
const BESIDE: &[u8] = b"not asked for";

/// What declares the prefixes of a document.
const PREFIXES: &str =
    r#"xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

fn authority(world: &World) -> &'static str {
    match world.server.profile {
        Profile::Vault => "cadc.nrc.ca~vault",
        _ => "cadc.nrc.ca~arc",
    }
}

/// A file below `demo/evil`, as the service would write it, with the prefixes declared where it stands alone.
fn file(world: &World, name: &str, length: &str, prefixes: &str) -> String {
    format!(
        r#"<vos:node {prefixes} uri="vos://{}/demo/evil/{name}" xsi:type="vos:DataNode" busy="false"><vos:properties>
        <vos:property uri="ivo://ivoa.net/vospace/core#length" readOnly="true">{length}</vos:property></vos:properties></vos:node>"#,
        authority(world)
    )
}

/// The listing of `demo/evil` with these children.
fn container(world: &World, children: &str, head: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>{head}<vos:node {PREFIXES} uri="vos://{}/demo/evil" version="2.1"
        xsi:type="vos:ContainerNode"><vos:properties/><vos:nodes>{children}</vos:nodes></vos:node>"#,
        authority(world)
    )
}

/// The same with files of these names.
fn listing(world: &World, names: &[&str], head: &str) -> String {
    container(world, &names.iter().map(|name| file(world, name, "4", "")).collect::<String>(), head)
}

/// Has the service answer with `body` for a node.
fn node_is(world: &World, path: &str, body: &str) {
    let rule = serde_json::json!({"method": "GET", "path": format!("*/nodes/{path}"), "status": 200, "body": body});
    world.server.fault(&rule.to_string());
}

fn answers(world: &World, body: &str) {
    node_is(world, "demo/evil", body);
}

/// The mount still answers, and with the right bytes.
#[track_caller]
fn goes_on(mount: &Mount) {
    assert_eq!(fs::read(mount.join("beside.txt")).unwrap(), BESIDE, "the mount goes on");
}

fn evil(profile: Profile) -> World {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("evil")]).ok();
    world.put("evil/fine.txt", b"fine");
    world.put("beside.txt", BESIDE);
    world
}

fn names_that_lead_elsewhere(profile: Profile) {
    // Each alone: the first one that is met may end the listing.
    for name in ["..", ".", "../../../escape"] {
        leads_nowhere(&evil(profile), name);
    }
    // Of these it may be that the service has names as they are: the others are there, and nothing is asked for by these.
    for name in ["%2e%2e", "..%2f..%2fescape", "a%00b", "%c0%af", "%c0%ae%c0%ae"] {
        let world = evil(profile);
        let mount = leads_nowhere(&world, name);
        assert_eq!(fs::read(world.local("a/b/evil/fine.txt")).unwrap(), b"fine", "{name}");
        let mut names: Vec<_> = fs::read_dir(mount.join("evil")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [name, "fine.txt"]);
        assert!(fs::read(mount.join("evil").join(name)).is_err());
    }
}

/// The container with a child of this name and another one, copied and mounted.
fn leads_nowhere(world: &World, name: &str) -> Mount {
    answers(world, &listing(world, &[name, "fine.txt"], ""));
    // Into a directory two levels down, so that there is somewhere to escape to.
    let target = world.local("a/b");
    fs::create_dir_all(&target).unwrap();
    let copied = run_within(
        world.command("vospace").args(["cp", "--timeout", "5", &world.uri("evil"), target.to_str().unwrap()]),
        Duration::from_secs(100),
    );
    assert_ne!(copied.status, 0, "{name}: what cannot be copied is named");
    let found = run(std::process::Command::new("find").arg(world.local("")).args(["-type", "f"])).ok().stdout();
    let found: Vec<&str> = found.lines().filter(|path| !path.ends_with("a/b/evil/fine.txt")).collect();
    assert!(found.is_empty(), "{name}: {found:?}\n{}", copied.stderr);

    let mount = world.mounting().options(&["--metadata-timeout", "5"]).start();
    let entries = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let names: Vec<_> = entries.iter().flatten().map(|entry| entry.file_name()).collect();
    assert!(
        names.iter().all(|name| name != ".." && name != "." && !name.as_encoded_bytes().contains(&b'/')),
        "{name}: {names:?}"
    );
    goes_on(&mount);
    mount
}

fn entities_that_grow(profile: Profile) {
    let world = evil(profile);
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    answers(&world, &listing(&world, &["&b;"], bomb));
    world.vospace(&["ls", &world.uri("evil")]).fails_with(1, &["ERROR:: "]);
    let mount = world.mount();
    let error = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::libc::EIO), "{error}");
    goes_on(&mount);
}

/// Every page begins with the name that was asked for and goes on with the same ones again.
fn a_listing_without_end(profile: Profile) {
    let world = evil(profile);
    // That the service has pages is learned here, or that it has none.
    world.vospace(&["ls", &world.uri("")]).ok();
    let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
    answers(&world, &listing(&world, &names.iter().map(String::as_str).collect::<Vec<_>>(), ""));
    let listed = run_within(world.command("vospace").args(["ls", &world.uri("evil")]), Duration::from_secs(100));
    if profile.has_sites() {
        listed.fails_with(1, &["would have no end"]);
    } else {
        // Where nobody pages, the same names again are the whole listing.
        assert_eq!(listed.ok().stdout().lines().count(), 50);
    }
    let mount = world.mounting().options(&["--metadata-timeout", "5"]).start();
    let entries = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    assert!(entries.iter().flatten().count() <= 200);
    goes_on(&mount);
}
