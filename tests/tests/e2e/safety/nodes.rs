//! Nodes: rights that nobody asked for, bytes as they are, lists that are whole, jobs that come to an end.

use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, code};
use vofs_tests::{Profile, World, every_profile, http, wait_until};

every_profile!(
    s05_write_for_others_publishes_nothing,
    s12_vcat_prints_the_bytes_that_were_asked_for,
    s15_an_interrupted_removal_is_called_off,
    s18_sorting_needs_no_service,
    s19_a_container_that_may_not_be_read_is_not_empty,
    s20_a_long_job_is_waited_for,
    s20_a_job_that_will_never_end_well_is_reported,
);

/// Two users; the second has a container of his own.
fn two_users(profile: Profile) -> World {
    World::build(profile, false, &["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token"])
}

fn s05_write_for_others_publishes_nothing(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"secret");
    for mode in ["o+w", "o=w", "o+rw", "og+w", "o+rxyz", "o+r,g+r"] {
        world.vospace(&["chmod", mode, &world.uri("f"), "A"]).fails_with(2, &[mode]);
    }
    let status = http::request("GET", &world.server.shown_url("demo/f"), None).status;
    assert!(matches!(status, 401 | 403), "{status}");
}

fn s12_vcat_prints_the_bytes_that_were_asked_for(profile: Profile) {
    let world = two_users(profile);
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    world.put("f", &bytes);
    let printed = world.vospace(&["cat", &world.uri("f"), &world.uri("f")]).ok();
    assert!(printed.bytes == [bytes.clone(), bytes].concat(), "nothing before, between and behind");
    // Its token is used, and not what else there is, but for a service with credentials of its own.
    let by_another = world.vospace(&["cat", "--token", "ada-token", &world.uri("f")]);
    if profile.has_own_credentials() {
        by_another.ok();
    } else {
        by_another.fails_with(1, &["demo/f", "403"]);
    }
    // What cannot be cut is not printed whole.
    let cut = world.vospace(&["cat", &format!("{}[1:2,1:2]", world.uri("f"))]).fails_with(1, &["demo/f"]);
    assert!(cut.bytes.is_empty());
    let head = world.vospace(&["cat", "--head", &world.uri("f")]).fails_with(1, &["demo/f"]);
    assert!(head.bytes.is_empty());
}

fn s15_an_interrupted_removal_is_called_off(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/f", b"precious");
    world.vospace(&["cp", "tree", &world.uri("tree")]).ok();
    if !profile.has_tree_jobs() {
        // It is removed node by node, from the leaves: what was not reached stays.
        return interrupted_between_nodes(&world);
    }
    world.server.fault(r#"{"method": "POST", "path": "/phase", "slow_job_ms": 4000}"#);
    world.server.forget();
    let mut command = world.command("vospace");
    let mut removal = Guard::spawn(command.args(["rm", "-R", &world.uri("tree")]));
    let phases = || world.server.log().iter().filter(|r| r.method == "POST" && r.path.ends_with("/phase")).count();
    wait_until("the job to be started", Duration::from_secs(30), || phases() == 1);
    removal.signal(Signal::SIGINT);
    assert_eq!(removal.wait(Duration::from_secs(10)).map(code), Some(130));
    assert_eq!(phases(), 2, "the job was told to stop");
    // Past the time at which it would have begun.
    wait_until("the job's end", Duration::from_secs(60), || {
        let jobs = world.server.log();
        let job = jobs.iter().find(|r| r.method == "POST" && r.path.ends_with("/phase")).unwrap();
        let phase = http::request("GET", &format!("{}{}", world.server.base(), job.path), Some("demo-token"));
        String::from_utf8(phase.body).unwrap().trim() == "ABORTED"
    });
    assert_eq!(world.bytes("tree/f").as_deref(), Some(&b"precious"[..]));
}

fn interrupted_between_nodes(world: &World) {
    world.server.fault(r#"{"method": "DELETE", "delay_ms": 4000, "count": 1}"#);
    let mut command = world.command("vospace");
    let mut removal = Guard::spawn(command.args(["rm", "-R", &world.uri("tree")]));
    let rules = || http::request("GET", &format!("{}/_bench/fault", world.server.base()), None).body;
    wait_until("the first removal", Duration::from_secs(30), || {
        String::from_utf8(rules()).unwrap().contains("\"count\":0")
    });
    removal.signal(Signal::SIGINT);
    assert_eq!(removal.wait(Duration::from_secs(10)).map(code), Some(130));
    assert!(world.exists("tree"));
}

fn s18_sorting_needs_no_service(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    for (name, length) in [("d/b", 2), ("d/a", 3), ("d/c", 1)] {
        world.put(name, vec![0; length]);
    }
    world.vospace(&["mkdir", &world.uri("d/container")]).ok();
    world.server.forget();
    let vls = |option: &str| world.vospace(&["ls", option, &world.uri("d")]).ok().stdout();
    assert_eq!(vls("-S"), "a\nb\nc\ncontainer\n");
    assert_eq!(vls("-r"), "container\nc\nb\na\n");
    assert_eq!(vls("-t").lines().count(), 4);
    assert!(
        world.server.log().iter().all(|request| !request.query.contains("sort") && !request.query.contains("order"))
    );
}

fn s19_a_container_that_may_not_be_read_is_not_empty(profile: Profile) {
    let world = two_users(profile);
    let ada = world.uri("").replace("demo", "ada");
    if !profile.hides_nodes() {
        return assert_eq!(world.vospace(&["ls", &ada]).ok().stdout(), "", "everybody may read it");
    }
    for line in [&["ls", &ada][..], &["ls", "-l", &ada], &["ls", "-R", &ada], &["ls", &format!("{ada}/*")]] {
        let listed = world.vospace(line).fails_with(1, &["ERROR:: ", &ada, "ask the owner"]);
        assert!(["", "ada:"].contains(&listed.stdout().trim()), "{}", listed.stdout());
    }
    for line in [&["find", &ada][..], &["du", &ada], &["cp", &ada, "copy"], &["sync", &format!("{ada}/"), "copy"]] {
        world.vospace(line).fails_with(1, &["ERROR:: ", "ask the owner"]);
    }
    // One that is empty is.
    world.vospace(&["mkdir", &world.uri("hollow")]).ok();
    assert_eq!(world.vospace(&["ls", &world.uri("hollow")]).ok().stdout(), "");
}

fn s20_a_long_job_is_waited_for(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("tree/deep")]).ok();
    world.server.fault(r#"{"method": "POST", "path": "/phase", "slow_job_ms": 2500}"#);
    world.vospace(&["tag", "-R", &world.uri("tree"), "title=t"]).ok();
    world.server.heal();
    assert_eq!(world.vospace(&["tag", &world.uri("tree/deep"), "title"]).ok().stdout(), "'t'\n");
}

fn s20_a_job_that_will_never_end_well_is_reported(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("tree")]).ok();
    if !profile.has_tree_jobs() {
        for status in [500, 502] {
            world.server.fault(&format!(r#"{{"method": "DELETE", "status": {status}, "body": "<html>no</html>"}}"#));
            world
                .vospace(&["rm", "-R", &world.uri("tree")])
                .fails_with(1, &["ERROR:: ", "demo/tree", "1 could not be"]);
            world.server.heal();
        }
        return assert!(world.exists("tree"));
    }
    for (rule, said) in [(r#""job_phase": "ABORTED""#, "ABORTED"), (r#""job_error": "InternalFault: oops""#, "oops")] {
        world.server.fault(&format!(r#"{{"method": "POST", "path": "/phase", {rule}}}"#));
        world.vospace(&["rm", "-R", &world.uri("tree")]).fails_with(1, &["demo/tree", said]);
        world.server.heal();
    }
    assert!(world.exists("tree"));
    for status in [500, 502] {
        world.server.fault(&format!(r#"{{"path": "/async-delete", "status": {status}, "body": "<html>no</html>"}}"#));
        world.vospace(&["rm", "-R", &world.uri("tree")]).fails_with(1, &["ERROR:: ", &status.to_string()]);
        world.server.heal();
    }
}
