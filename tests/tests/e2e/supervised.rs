//! Under a service manager, and in a batch job: what starts the daemon, watches it and ends it when nobody looks on.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::mount::is_mounted;
use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    tells_the_service_manager,
    the_end_waits_for_uploads_only_so_long,
    the_end_tries_again,
    whoever_does_not_want_to_wait_interrupts_the_end,
    works_in_a_batch_job,
    several_at_once_live_and_die_apart,
    names_what_to_do_without_a_place_to_write,
);

const PATIENCE: Duration = Duration::from_secs(60);

/// The service manager's end of the line.
struct Manager {
    socket: UnixDatagram,
    heard: VecDeque<String>,
}

impl Manager {
    fn new(world: &World) -> Self {
        let socket = UnixDatagram::bind(world.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, heard: VecDeque::new() }
    }

    /// Waits until it is told `wanted`.
    fn waits_for(&mut self, wanted: &str) {
        loop {
            while let Some(line) = self.heard.pop_front() {
                if line == wanted {
                    return;
                }
            }
            let mut message = [0; 4096];
            let length = self.socket.recv(&mut message).unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            self.heard.extend(String::from_utf8_lossy(&message[..length]).lines().map(str::to_owned));
        }
    }
}

fn tells_the_service_manager(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"here");
    let mut manager = Manager::new(&world);
    let socket = world.path("notify");
    let mount =
        world.mounting().variable("NOTIFY_SOCKET", socket.to_str()).variable("WATCHDOG_USEC", Some("400000")).start();
    manager.waits_for("READY=1");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"here");
    manager.waits_for("WATCHDOG=1");
    // A service that does not answer is no reason to restart the daemon.
    world.server.freeze();
    for _ in 0..5 {
        manager.waits_for("WATCHDOG=1");
    }
    world.server.thaw();
    let daemon = mount.pid();
    mount.end_by(Signal::SIGTERM);
    manager.waits_for("STOPPING=1");
    manager.waits_for("EXTEND_TIMEOUT_USEC=600000000");
    assert!(!fs::exists(format!("/proc/{daemon}")).unwrap());
}

fn the_end_waits_for_uploads_only_so_long(profile: Profile) {
    let mut world = World::new(profile);
    let mount = world.mounting().options(&["--drain-timeout", "1"]).start();
    let mut file = fs::File::create(mount.join("kept")).unwrap();
    world.server.kill();
    file.write_all(b"not lost").unwrap();
    assert!(file.sync_all().is_err(), "fsync tells that the upload failed");
    drop(file);
    assert_eq!(mount.end_with_status(Signal::SIGTERM), 1);
    let log = fs::read_to_string(world.path("mountvofs.log")).unwrap();
    assert!(
        log.contains(
            "not uploaded; it is in the journal and goes out at the next mount with this cache directory path=/kept"
        ),
        "{log}"
    );
    assert!(!is_mounted(&world.path("mnt")));
    world.server.resume();
    world.mount().unmount();
    assert_eq!(world.bytes("kept").as_deref(), Some(&b"not lost"[..]));
}

/// A service that is busy for a moment at the end of a job does not cost its results.
fn the_end_tries_again(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    refuse_bytes(&world);
    fs::write(mount.join("result"), b"of a long job").unwrap();
    mount.signal(Signal::SIGTERM);
    wait_until("the first try of the end", PATIENCE, || {
        mount
            .log()
            .split("asked to end")
            .nth(1)
            .is_some_and(|end| end.contains("not uploaded; the bytes are kept in the journal"))
    });
    world.server.heal();
    // Batch systems terminate a process, and then its group.
    mount.end_by(Signal::SIGTERM);
    assert_eq!(world.bytes("result").as_deref(), Some(&b"of a long job"[..]));
}

fn whoever_does_not_want_to_wait_interrupts_the_end(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    refuse_bytes(&world);
    fs::write(mount.join("result"), b"of a long job").unwrap();
    mount.signal(Signal::SIGINT);
    wait_until("the end", PATIENCE, || mount.log().contains("not uploaded yet: that is done first"));
    // As a shell does that ends.
    mount.signal(Signal::SIGHUP);
    assert_eq!(mount.end_with_status(Signal::SIGINT), 1);
    let log = fs::read_to_string(world.path("mountvofs.log")).unwrap();
    assert!(
        log.contains("interrupted: what is not uploaded yet stays in the journal")
            && log.contains("it is in the journal"),
        "{log}"
    );
    world.server.heal();
    world.mount().unmount();
    assert_eq!(world.bytes("result").as_deref(), Some(&b"of a long job"[..]));
}

/// The service takes no bytes for now.
fn refuse_bytes(world: &World) {
    let rule = format!(r#"{{"method": "PUT", "path": "{}", "status": 500}}"#, world.server.byte_path());
    world.server.fault(&rule);
}

/// No terminal, no HOME, nothing but a scratch directory and a file with a token.
fn works_in_a_batch_job(profile: Profile) {
    let world = World::new(profile);
    world.put("input", b"in");
    let scratch = world.path("scratch");
    fs::create_dir(&scratch).unwrap();
    let token = scratch.join("token");
    fs::write(&token, "demo-token\n").unwrap();
    let script = r#"
        set -eu
        mkdir "$TMPDIR/space"
        mountvofs --vospace "$SPACE" --mountpoint "$TMPDIR/space" --cache_dir "$TMPDIR/cache"
        cp "$TMPDIR/space/input" "$TMPDIR/space/output"
        fusermount3 -u "$TMPDIR/space"
        vls "$SPACE"
    "#;
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(vofs_tests::process::binary("vospace"), bin.join("vls")).unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", bin.display(), vofs_tests::process::built().display());
    let mut job = Command::new("setsid");
    job.args(["--wait", "sh", "-c", script]).env_clear().current_dir("/");
    job.env("PATH", path).env("TMPDIR", &scratch).env("SPACE", world.uri(""));
    job.env("VOSPACE_REGISTRY_URL", world.server.registry()).env("VOSPACE_TOKEN_FILE", &token);
    job.env("XDG_CONFIG_HOME", world.path("home/.config"));
    let listed = run(&mut job).ok().stdout();
    assert_eq!(listed, "input\noutput\n");
    assert_eq!(world.bytes("output").as_deref(), Some(&b"in"[..]));
    wait_until("the end of the daemon", Duration::from_secs(30), || !is_mounted(&scratch.join("space")));
}

/// Each mount is a process with a cache of its own: the end of one, in whatever way, is nothing to the others.
fn several_at_once_live_and_die_apart(profile: Profile) {
    let world = World::new(profile);
    let spaces = ["one", "two", "three"];
    let mounting = |name: &str| {
        let (point, cache) = (world.path(&format!("mnt-{name}")), world.path(&format!("cache-{name}")));
        world.mounting().vospace(&world.uri(name)).point(&point).cache(&cache)
    };
    let mut mounts: Vec<_> = spaces
        .iter()
        .map(|name| {
            world.vospace(&["mkdir", &world.uri(name)]).ok();
            mounting(name).start()
        })
        .collect();
    for (mount, name) in mounts.iter().zip(spaces) {
        fs::write(mount.join("f"), name).unwrap();
    }
    // A cache directory serves one mount.
    let mut second = world.command("mountvofs");
    second.args(["--vospace", &world.uri("one"), "--mountpoint"]).arg(world.path("again"));
    run(second.arg("--cache_dir").arg(world.path("cache-one"))).fails_with(8, &["locked by another mountvofs"]);
    mounts.remove(1).kill();
    for (mount, name) in mounts.iter().zip(["one", "three"]) {
        assert_eq!(fs::read(mount.join("f")).unwrap(), name.as_bytes());
        fs::write(mount.join("g"), "after").unwrap();
    }
    let again = mounting("two").start();
    assert_eq!(fs::read(again.join("f")).unwrap(), b"two");
    again.unmount();
    mounts.remove(1).end_by(Signal::SIGTERM);
    mounts.remove(0).unmount();
    for name in ["one", "three"] {
        assert_eq!(world.bytes(&format!("{name}/g")).as_deref(), Some(&b"after"[..]));
    }
}

fn names_what_to_do_without_a_place_to_write(profile: Profile) {
    let world = World::new(profile);
    let point = world.path("mnt");
    fs::create_dir(&point).unwrap();
    let mut command = world.command("mountvofs");
    // Not even root can make a directory there.
    command
        .env("XDG_CONFIG_HOME", world.path("home/.config"))
        .env("HOME", "/proc")
        .args(["--vospace", &world.uri(""), "--mountpoint"])
        .arg(&point);
    run(&mut command).fails_with(8, &["cache directory /proc/", "choose another one with --cache_dir"]);
    command.arg("--cache_dir").arg(world.path("cache"));
    run(&mut command).ok();
    run(Command::new("fusermount3").arg("-u").arg(&point)).ok();
}
