//! A service that is gone while a mount runs, and comes back.

use std::fs;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use vofs_tests::process::run;
use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    what_is_here_is_there_and_writes_wait,
    a_mount_begins_with_what_is_here,
    what_answers_in_place_of_the_service_is_not_believed,
);

const PATIENCE: Duration = Duration::from_secs(60);

fn errno<T>(outcome: std::io::Result<T>) -> Option<i32> {
    outcome.err().and_then(|error| error.raw_os_error())
}

fn list(mount: &Mount, place: &str) -> Vec<String> {
    let entries = fs::read_dir(mount.join(place)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn what_is_here_is_there_and_writes_wait(profile: Profile) {
    let mut world = World::new(profile);
    world.put_deep("d/read", vec![7; 300_000]);
    world.put("d/seen", b"never read");
    world.put("d/both", b"base");
    let options = ["--write-back", "background", "--read-timeout", "10", "--metadata-timeout", "20"];
    let mount = world.mounting().options(&options).start();
    assert_eq!(list(&mount, "d"), ["both", "read", "seen"]);
    assert_eq!(fs::read(mount.join("d/read")).unwrap(), vec![7; 300_000]);
    assert_eq!(fs::read(mount.join("d/both")).unwrap(), b"base");
    assert_eq!(world.status()["offline_since"], Value::Null);
    world.server.kill();
    // Nothing that is believed for a while: everything is asked for.
    run(Command::new("touch").arg(mount.join("d/new"))).ok();
    wait_until("the mount to notice", PATIENCE, || {
        let _ = fs::metadata(mount.join(format!("d/none{}", fastrand::u32(..))));
        let _ = fs::File::open(mount.join("d/seen"));
        world.status()["offline_since"].as_i64().is_some()
    });
    assert_eq!(world.status()["service"]["reachable"], Value::Bool(false));
    let shown = world.ask_mount(&["status"]).ok().stdout();
    assert!(shown.contains("OFFLINE"), "{shown}");
    assert_eq!(list(&mount, "d"), ["both", "new", "read", "seen"]);
    assert_eq!(fs::read(mount.join("d/read")).unwrap(), vec![7; 300_000]);
    assert_eq!(errno(fs::read(mount.join("d/seen"))), Some(nix::libc::EIO));
    assert_eq!(errno(fs::metadata(mount.join("d/none"))), Some(nix::libc::ENOENT));
    fs::write(mount.join("d/new"), b"made offline").unwrap();
    fs::write(mount.join("d/both"), b"ours").unwrap();
    assert_eq!(fs::read(mount.join("d/new")).unwrap(), b"made offline");
    // Somebody else is faster.
    let daemon = Pid::from_raw(mount.pid().cast_signed());
    kill(daemon, Signal::SIGSTOP).unwrap();
    world.server.resume();
    world.put("d/both", b"theirs");
    kill(daemon, Signal::SIGCONT).unwrap();
    wait_until("all sent", PATIENCE, || world.status()["pending"].as_array().unwrap().is_empty());
    wait_until("online", PATIENCE, || world.status()["offline_since"] == Value::Null);
    assert_eq!(world.bytes("d/new").unwrap(), b"made offline");
    let names = world.vospace(&["ls", &world.uri("d")]).ok().stdout();
    let ours = names.lines().find(|name| name.starts_with("both.conflict-"));
    assert_eq!(world.bytes("d/both").unwrap(), b"theirs");
    assert_eq!(world.bytes(&format!("d/{}", ours.unwrap())).unwrap(), b"ours");
    assert_eq!(fs::read(mount.join("d/seen")).unwrap(), b"never read");
}

/// A laptop that is started on a train.
fn a_mount_begins_with_what_is_here(profile: Profile) {
    let mut world = World::new(profile);
    world.put_deep("d/read", vec![7; 300_000]);
    let mount = world.mount();
    assert_eq!(list(&mount, "d"), ["read"]);
    assert_eq!(fs::read(mount.join("d/read")).unwrap(), vec![7; 300_000]);
    mount.unmount();
    world.server.kill();
    let nowhere = world.path("elsewhere");
    fs::create_dir(&nowhere).unwrap();
    let mut unknown = world.command("mountvofs");
    unknown.args(["--vospace", &world.uri(""), "--mountpoint"]).arg(&nowhere);
    run(unknown.arg("--cache_dir").arg(world.path("empty"))).fails_with(5, &["network"]);
    let mount = world.mount();
    let said = " cannot be reached: mounted with what is cached; the rest comes by itself when it answers";
    assert!(mount.log().contains(said), "{}", mount.log());
    assert!(world.status()["offline_since"].as_i64().is_some());
    assert_eq!(list(&mount, "d"), ["read"]);
    assert_eq!(fs::read(mount.join("d/read")).unwrap(), vec![7; 300_000]);
    world.server.resume();
    world.put("d/late", b"of somebody else");
    wait_until("online", PATIENCE, || world.status()["offline_since"] == Value::Null);
    wait_until("what came meanwhile", PATIENCE, || {
        fs::read(mount.join("d/late")).is_ok_and(|bytes| bytes == b"of somebody else")
    });
}

/// A gateway whose service is down, and the page of a hotel's network. One of them a profile: each time the retries of the
/// client end first.
fn what_answers_in_place_of_the_service_is_not_believed(profile: Profile) {
    let page = "<html><body>Welcome, please log in</body></html>";
    let answers = [(502, "Bad Gateway"), (503, "Service Unavailable"), (200, page)];
    let (status, text) = answers[profile as usize % answers.len()];
    let world = World::new(profile);
    world.put_deep("d/read", vec![7; 300_000]);
    let mount = world.mounting().options(&["--write-back", "background", "--metadata-timeout", "20"]).start();
    assert_eq!(list(&mount, "d"), ["read"]);
    assert_eq!(fs::read(mount.join("d/read")).unwrap(), vec![7; 300_000]);
    world.server.fault(&format!(r#"{{"path": "/", "status": {status}, "text": "{text}"}}"#));
    wait_until("the mount to notice", PATIENCE, || {
        let _ = fs::metadata(mount.join(format!("d/none{}", fastrand::u32(..))));
        world.status()["offline_since"].as_i64().is_some()
    });
    assert_eq!(list(&mount, "d"), ["read"], "{text}");
    assert_eq!(fs::read(mount.join("d/read")).unwrap(), vec![7; 300_000], "{text}");
    fs::write(mount.join("d/new"), b"made offline").unwrap();
    world.server.heal();
    wait_until("all sent", PATIENCE, || world.status()["pending"].as_array().unwrap().is_empty());
    wait_until("online", PATIENCE, || world.status()["offline_since"] == Value::Null);
    assert_eq!(world.bytes("d/new").unwrap(), b"made offline");
}
