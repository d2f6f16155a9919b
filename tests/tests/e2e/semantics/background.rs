//! `--write-back background`: what is acknowledged before it is sent, how it leaves, and what never does.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, run};
use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    close_and_fsync_do_not_wait_for_the_service,
    an_editors_temporary_file_never_leaves,
    a_close_synchronises_the_disk_twice,
    every_way_out_sends_what_waits,
    every_way_out_tells_how_far_it_is,
    why_something_waits_is_told_by_the_status_and_by_one_fsync,
    syncfs_is_answered_by_the_kernel,
    what_waits_is_listed_saved_and_dropped_without_a_mount,
);

/// Longest wait for what the mount does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

fn mount(world: &World) -> Mount {
    world.mounting().options(&["--write-back", "background"]).start()
}

/// `mountvofs COMMAND` for the cache directory of this world; its standard output.
fn told(world: &World, arguments: &[&str]) -> String {
    run(world.command("mountvofs").args(arguments).arg("--cache_dir").arg(world.path("cache"))).ok().stdout()
}

fn close_and_fsync_do_not_wait_for_the_service(profile: Profile) {
    let world = World::new(profile);
    world.put("old", "old");
    let mount = mount(&world);
    let [mut old, mut new] = ["old", "new"].map(|name| File::create(mount.join(name)).unwrap());
    world.server.freeze();
    new.write_all(b"promised").unwrap();
    new.sync_all().unwrap();
    old.write_all(b"changed").unwrap();
    drop((old, new));
    assert_eq!(fs::read(mount.join("new")).unwrap(), b"promised");
    let waiting = told(&world, &["pending", "list"]);
    assert!(waiting.contains("new") && waiting.contains("old"), "{waiting}");
    world.server.thaw();
    let arrived =
        || world.bytes("new").as_deref() == Some(b"promised") && world.bytes("old").as_deref() == Some(b"changed");
    wait_until("both at the service, without anybody's doing", PATIENCE, arrived);
}

fn an_editors_temporary_file_never_leaves(profile: Profile) {
    let world = World::new(profile);
    world.put("document", "before");
    let mount = mount(&world);
    assert_eq!(fs::read(mount.join("document")).unwrap(), b"before");
    world.server.forget();
    for round in 0..3 {
        let mut temporary = File::create(mount.join("document.new")).unwrap();
        temporary.write_all(format!("after {round}").as_bytes()).unwrap();
        temporary.sync_all().unwrap();
        drop(temporary);
        fs::rename(mount.join("document.new"), mount.join("document")).unwrap();
        fs::write(mount.join("scratch"), b"removed soon").unwrap();
        fs::remove_file(mount.join("scratch")).unwrap();
    }
    wait_until("the last one", PATIENCE, || world.bytes("document").as_deref() == Some(b"after 2"));
    let sent = world.server.log();
    let changes = sent.iter().filter(|entry| entry.method != "GET" && entry.method != "HEAD");
    let strays: Vec<_> =
        changes.filter(|entry| entry.path.contains(".new") || entry.path.contains("scratch")).collect();
    assert!(strays.is_empty(), "{strays:?}");
    assert_eq!(
        sent.iter().filter(|entry| entry.is_byte_write()).count(),
        1,
        "one upload of what was saved three times"
    );
}

fn every_way_out_sends_what_waits(profile: Profile) {
    let world = World::new(profile);
    for way in ["unmount", "SIGTERM", "drain", "fsync of the mount point"] {
        let mount = mount(&world);
        for number in 0..5 {
            fs::write(mount.join(format!("f{number}")), format!("{way} {number}")).unwrap();
        }
        match way {
            "unmount" => mount.unmount(),
            "SIGTERM" => mount.end_by(Signal::SIGTERM),
            "drain" => drop(told(&world, &["drain"])),
            _ => File::open(mount.path()).unwrap().sync_all().unwrap(),
        }
        for number in 0..5 {
            assert_eq!(world.bytes(&format!("f{number}")).unwrap(), format!("{way} {number}").as_bytes(), "{way}");
        }
    }
}

fn every_way_out_tells_how_far_it_is(profile: Profile) {
    thread::scope(|scope| {
        for way in ["unmount", "SIGTERM", "drain", "fsync of the mount point"] {
            scope.spawn(move || tells_how_far_it_is(profile, way));
        }
    });
}

fn tells_how_far_it_is(profile: Profile, way: &str) {
    let world = World::new(profile);
    let mount = mount(&world);
    let path = world.server.byte_path();
    // Longer than the log is silent.
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "bytes_per_second": 400000}}"#));
    fs::write(mount.join("f"), vec![b'x'; 3_000_000]).unwrap();
    let log = || fs::read_to_string(world.path("mountvofs.log")).unwrap();
    let heard = match way {
        "unmount" => {
            mount.unmount();
            log()
        }
        "SIGTERM" => {
            mount.end_by(Signal::SIGTERM);
            log()
        }
        "drain" => run(world.command("mountvofs").arg("drain").arg("--cache_dir").arg(world.path("cache"))).ok().stderr,
        _ => {
            File::open(mount.path()).unwrap().sync_all().unwrap();
            log()
        }
    };
    let (left, sent) = match way {
        "drain" => ("1 file(s) of 2.9 MiB wait, ", " of these sent"),
        _ => ("still to be uploaded files=1 bytes=3000000", " sent="),
    };
    let told: Vec<_> = heard.lines().filter(|line| line.contains(left) && line.contains(sent)).collect();
    assert!(!told.is_empty(), "{way}: {heard}");
    let is_nothing = |line: &str| line.ends_with("sent=0") || line.contains("wait, 0 B");
    assert!(!told.iter().all(|line| is_nothing(line)), "{way}: {heard}");
    assert_eq!(world.bytes("f").unwrap().len(), 3_000_000, "{way}");
}

/// As the kernel is asked: once for the data file, once for the journal.
fn a_close_synchronises_the_disk_twice(profile: Profile) {
    const FILES: usize = 20;
    let world = World::new(profile);
    let mount = mount(&world);
    fs::create_dir(mount.join("d")).unwrap();
    // Nothing is sent meanwhile, which would be written down too: the question before the first byte is not answered.
    world.server.fault(r#"{"method": "GET", "path": "/nodes/demo/d/", "delay_ms": 600000}"#);
    // What begins the journal's log is no part of any other close.
    fs::write(mount.join("d/first"), b"first").unwrap();
    let trace = world.path("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-q", "-e", "trace=fsync,fdatasync,msync,sync_file_range,syncfs", "-o"]).arg(&trace);
    strace.arg("-p").arg(mount.pid().to_string()).stdin(Stdio::null());
    let mut tracer = Guard::spawn(&mut strace);
    let tasks = format!("/proc/{}/task", mount.pid());
    wait_until("all threads are traced", PATIENCE, || {
        fs::read_dir(&tasks).unwrap().flatten().all(|task| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        })
    });
    for number in 0..FILES {
        fs::write(mount.join(format!("d/f{number}")), vec![b'x'; 20_000]).unwrap();
    }
    tracer.signal(Signal::SIGINT);
    tracer.wait(PATIENCE).expect("strace lets go");
    let traced = fs::read_to_string(&trace).unwrap();
    let calls = traced.lines().filter(|line| line.contains("sync(") || line.contains("sync_file_range(")).count();
    assert!((FILES..=2 * FILES).contains(&calls), "{calls} for {FILES} files:\n{traced}");
    assert_eq!(told(&world, &["pending", "list"]).lines().count(), FILES + 1, "all of them wait");
    mount.kill();
}

fn why_something_waits_is_told_by_the_status_and_by_one_fsync(profile: Profile) {
    let world = World::new(profile);
    let mount = mount(&world);
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 413, "text": "limit: 1"}}"#));
    let mut file = File::create(mount.join("f")).unwrap();
    file.write_all(b"more than there is room for").unwrap();
    file.sync_all().unwrap();
    let mut status = String::new();
    wait_until("the status tells", PATIENCE, || {
        status = told(&world, &["status"]);
        status.contains("quota exceeded")
    });
    assert!(status.contains("1 file(s)") && status.contains("tries"), "{status}");
    // No other try ends meanwhile.
    world.server.freeze();
    assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(nix::libc::EDQUOT));
    file.sync_all().unwrap();
    world.server.thaw();
    world.server.heal();
    drop(file);
    wait_until("the upload", PATIENCE, || world.bytes("f").as_deref() == Some(b"more than there is room for"));
    mount.unmount();
}

/// Linux sends it to no FUSE daemon but virtiofs. If it comes to do so, this fails, and it can be honoured.
fn syncfs_is_answered_by_the_kernel(profile: Profile) {
    let world = World::new(profile);
    let mount = mount(&world);
    fs::write(mount.join("f"), b"waits").unwrap();
    world.server.freeze();
    run(Command::new("sync").arg("--file-system").arg(mount.path())).ok();
    assert!(told(&world, &["pending", "list"]).contains('f'), "still here");
    world.server.thaw();
    run(Command::new("sync").arg(mount.path())).ok();
    assert_eq!(world.bytes("f").unwrap(), b"waits");
}

fn what_waits_is_listed_saved_and_dropped_without_a_mount(profile: Profile) {
    let world = World::new(profile);
    let mount = mount(&world);
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 503}}"#));
    for name in ["kept", "dropped"] {
        fs::write(mount.join(name), name).unwrap();
    }
    mount.kill();
    let listed = told(&world, &["pending", "list"]);
    assert!(listed.contains("kept") && listed.contains("dropped"), "{listed}");
    let saved = world.local("saved");
    told(&world, &["pending", "export", "kept", saved.to_str().unwrap()]);
    assert_eq!(fs::read(&saved).unwrap(), b"kept");
    told(&world, &["pending", "discard", "dropped"]);
    world.server.heal();
    let mount = world.mount();
    wait_until("what was kept", PATIENCE, || world.bytes("kept").as_deref() == Some(b"kept"));
    mount.unmount();
    assert!(!world.exists("dropped"));
}
