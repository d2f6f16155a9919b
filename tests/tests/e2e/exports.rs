//! `mountvofs pending` over the control socket: what waits is saved and dropped while the mount runs, and wherever it is saved, the
//! daemon waits for nobody.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use vofs_tests::mount::Mount;
use vofs_tests::process::run;
use vofs_tests::{Profile, World, both_profiles, wait_until};

both_profiles!(
    saved_by_who_asks,
    saved_into_the_mount_itself,
    who_takes_no_bytes_holds_up_nobody,
    dropped_while_the_mount_runs,
);

/// What failed is tried again with growing pauses.
const PATIENCE: Duration = Duration::from_secs(100);

/// A mount with a file that cannot be sent for now.
fn with_what_waits(world: &World, bytes: &[u8]) -> Mount {
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 503}}"#));
    fs::write(mount.join("waits"), bytes).unwrap();
    mount
}

fn bytes() -> Vec<u8> {
    (0..5_000_000_u32).map(|at| (at / 7) as u8).collect()
}

/// The path is that of who asks: the daemon would find another directory there.
fn saved_by_who_asks(profile: Profile) {
    let world = World::new(profile);
    let mount = with_what_waits(&world, &bytes());
    let here = world.path("here");
    fs::create_dir(&here).unwrap();
    let export = |to: &str| {
        let mut command = world.command("mountvofs");
        command.args(["pending", "export", "waits", to, "--cache_dir"]).arg(world.path("cache"));
        run(command.current_dir(&here))
    };
    let told = export("/proc/self/cwd/saved").ok().stdout();
    assert!(told.contains("waits") && told.contains("it still waits for its upload"), "{told}");
    assert!(fs::read(here.join("saved")).unwrap() == bytes());
    // Never over another file.
    export("saved").fails_with(1, &["saved: File exists"]);
    assert!(fs::read(here.join("saved")).unwrap() == bytes());
    let mut unknown = world.command("mountvofs");
    unknown.args(["pending", "export", "nothing", "new", "--cache_dir"]).arg(world.path("cache"));
    run(unknown.current_dir(&here)).fails_with(1, &["no file of this path or number waits"]);
    assert_eq!(fs::read_dir(&here).unwrap().count(), 1);
    world.server.heal();
    world.ask_mount(&["drain"]).ok();
    assert!(world.bytes("waits").unwrap() == bytes());
    mount.unmount();
}

fn saved_into_the_mount_itself(profile: Profile) {
    let world = World::new(profile);
    let mount = with_what_waits(&world, &bytes());
    let copy = mount.join("copy");
    world.ask_mount(&["pending", "export", "waits", copy.to_str().unwrap()]).ok();
    assert!(fs::read(&copy).unwrap() == bytes());
    // Over itself it is not written either.
    let itself = mount.join("waits");
    world.ask_mount(&["pending", "export", "waits", itself.to_str().unwrap()]).fails_with(1, &["waits: File exists"]);
    assert_eq!(world.status()["pending"].as_array().unwrap().len(), 2);
    world.server.heal();
    world.ask_mount(&["drain"]).ok();
    assert!(world.bytes("copy").unwrap() == bytes() && world.bytes("waits").unwrap() == bytes());
    mount.unmount();
}

fn who_takes_no_bytes_holds_up_nobody(profile: Profile) {
    let world = World::new(profile);
    let mount = with_what_waits(&world, &bytes());
    // As somebody whose disk hangs: the first line is read, and no more.
    let mut asking = UnixStream::connect(world.path("cache/control")).unwrap();
    asking.write_all(b"{\"command\": \"export\", \"which\": \"waits\"}\n").unwrap();
    let mut replies = BufReader::with_capacity(1000, asking);
    let mut line = String::new();
    replies.read_line(&mut line).unwrap();
    assert!(line.contains(r#""reply":"exported""#) && line.contains(r#""bytes":5000000"#), "{line}");
    assert_eq!(world.status()["pending"].as_array().unwrap().len(), 1);
    world.server.heal();
    fs::write(mount.join("another"), b"goes out").unwrap();
    wait_until("another file", PATIENCE, || world.bytes("another").as_deref() == Some(b"goes out"));
    // What is being taken is not sent, so that nobody changes it under his hands.
    assert!(!world.exists("waits") || world.bytes("waits").unwrap().is_empty());
    let mut taken = Vec::new();
    replies.read_to_end(&mut taken).unwrap();
    assert!(taken == bytes());
    world.ask_mount(&["drain"]).ok();
    assert!(world.bytes("waits").unwrap() == bytes());
    mount.unmount();
}

fn dropped_while_the_mount_runs(profile: Profile) {
    let world = World::new(profile);
    let mount = with_what_waits(&world, b"ours");
    world.ask_mount(&["pending", "discard", "nothing"]).fails_with(1, &["no file of this path or number waits"]);
    let told = world.ask_mount(&["pending", "discard", "waits"]).ok().stdout();
    assert_eq!(told, "waits: 4 B discarded\n");
    assert_eq!(world.ask_mount(&["pending", "list"]).ok().stdout(), "");
    assert!(!mount.join("waits").exists());
    world.server.heal();
    mount.unmount();
    assert!(!world.exists("waits") || world.bytes("waits").unwrap().is_empty());
}
