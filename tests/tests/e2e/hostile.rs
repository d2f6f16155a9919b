//! A service that means harm, or has been taken over by somebody who does: what it answers reaches neither other files of this
//! machine nor the rest of the program. docs/security.md has the table.

use std::fs;
use std::time::Duration;

use vofs_tests::process::{run, run_within};
use vofs_tests::{Profile, World, both_profiles};

both_profiles!(names_that_lead_elsewhere, entities_that_grow, a_listing_without_end);

/// The listing of `demo/evil` with children of these names, as the service would write it.
fn listing(world: &World, names: &[&str], head: &str) -> String {
    let authority = match world.server.profile {
        Profile::Vault => "cadc.nrc.ca~vault",
        _ => "cadc.nrc.ca~arc",
    };
    let node = |name: &str| {
        format!(
            r#"<vos:node uri="vos://{authority}/demo/evil/{name}" xsi:type="vos:DataNode" busy="false"><vos:properties>
            <vos:property uri="ivo://ivoa.net/vospace/core#length" readOnly="true">4</vos:property></vos:properties></vos:node>"#
        )
    };
    let children: String = names.iter().map(|name| node(name)).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>{head}<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uri="vos://{authority}/demo/evil" version="2.1"
        xsi:type="vos:ContainerNode"><vos:properties/><vos:nodes>{children}</vos:nodes></vos:node>"#
    )
}

fn answers(world: &World, body: &str) {
    let rule = serde_json::json!({"method": "GET", "path": "*/nodes/demo/evil", "status": 200, "body": body});
    world.server.fault(&rule.to_string());
}

fn evil(profile: Profile) -> World {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("evil")]).ok();
    world.put("evil/fine.txt", b"fine");
    world.put("beside.txt", b"not asked for");
    world
}

fn names_that_lead_elsewhere(profile: Profile) {
    let world = evil(profile);
    answers(&world, &listing(&world, &["..", ".", "../../../escape", "..%2f..%2fescape", "fine.txt"], ""));
    // Into a directory two levels down, so that there is somewhere to escape to.
    let target = world.local("a/b");
    fs::create_dir_all(&target).unwrap();
    let copied = run_within(
        world.command("vospace").args(["cp", "--timeout", "5", &world.uri("evil"), target.to_str().unwrap()]),
        Duration::from_secs(100),
    );
    assert_ne!(copied.status, 0, "what cannot be copied is named");
    let found = run(std::process::Command::new("find").arg(world.local("")).args(["-type", "f"])).ok().stdout();
    let found: Vec<&str> = found.lines().filter(|path| !path.ends_with("a/b/evil/fine.txt")).collect();
    assert!(found.is_empty(), "{found:?}\n{}", copied.stderr);

    let mount = world.mounting().options(&["--metadata-timeout", "5"]).start();
    let entries = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let names: Vec<_> = entries.iter().flatten().map(|entry| entry.file_name()).collect();
    assert!(
        names.iter().all(|name| name != ".." && name != "." && !name.as_encoded_bytes().contains(&b'/')),
        "{names:?}"
    );
    assert_eq!(fs::read(mount.join("beside.txt")).unwrap(), b"not asked for", "the mount goes on");
}

fn entities_that_grow(profile: Profile) {
    let world = evil(profile);
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    answers(&world, &listing(&world, &["&b;"], bomb));
    world.vospace(&["ls", &world.uri("evil")]).fails_with(1, &["ERROR:: "]);
    let mount = world.mount();
    let error = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::libc::EIO), "{error}");
    assert_eq!(fs::read(mount.join("beside.txt")).unwrap(), b"not asked for", "the mount goes on");
}

/// Every page begins with the name that was asked for and goes on with the same ones again.
fn a_listing_without_end(profile: Profile) {
    let world = evil(profile);
    let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
    answers(&world, &listing(&world, &names.iter().map(String::as_str).collect::<Vec<_>>(), ""));
    let listed = run_within(world.command("vospace").args(["ls", &world.uri("evil")]), Duration::from_secs(100));
    listed.fails_with(1, &["would have no end"]);
    let mount = world.mounting().options(&["--metadata-timeout", "5"]).start();
    let entries = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    assert!(entries.iter().flatten().count() <= 200);
    assert_eq!(fs::read(mount.join("beside.txt")).unwrap(), b"not asked for", "the mount goes on");
}
