//! What was acknowledged outlives full disks and kills in the middle of what takes several steps, and only what has to
//! travel does; and nobody else gets at it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::libc;
use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile, wait_until};

use crate::block_cache::SmallDisk;

every_profile!(
    a_full_disk_is_told_at_write_and_loses_nothing,
    killed_at_each_step_of_a_replacing_rename,
    killed_between_the_deletion_and_the_return_of_an_emptied_file,
    a_patch_fetches_only_what_is_needed,
    strangers_are_refused_at_the_control_socket,
    what_waits_is_not_dropped_for_room,
    what_an_interrupted_rename_left_tells_what_it_is,
);

/// Longest wait for what the mount does by itself: it tries again with growing pauses.
const PATIENCE: Duration = Duration::from_secs(100);

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| ((i + seed) % 241) as u8).collect()
}

/// Writes a file, and says what its close gave.
fn write(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    nix::unistd::close(OwnedFd::from(file)).map_err(io::Error::from)
}

/// Adds a rule, with the path of the byte service in place of `BYTES`.
fn fault(world: &World, rule: &str) {
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
}

/// Returns when the rule in force has fallen on all the requests on which it falls.
fn until_met(world: &World) {
    wait_until("the request", PATIENCE, || world.server.has_met_all());
}

/// Renames `new` onto `old` in a mount that is killed when the request is on its way that `skip` others of its method came before.
fn killed_while_renaming(world: &World, method: &str, skip: u32) {
    world.put("new", b"the new content");
    world.put("old", b"the old content");
    let mount = world.mount();
    if !world.server.profile.moves_files() {
        return fs::rename(mount.join("new"), mount.join("old")).unwrap();
    }
    world.server.fault(&format!(r#"{{"method": "{method}", "skip": {skip}, "count": 1, "delay_ms": 600000}}"#));
    thread::scope(|scope| {
        let renaming = scope.spawn(|| fs::rename(world.path("mnt/new"), world.path("mnt/old")));
        until_met(world);
        mount.kill();
        renaming.join().unwrap().expect_err("the mount was killed");
    });
    world.server.heal();
}

fn names(world: &World) -> Vec<String> {
    let listed = world.vospace(&["ls", &world.uri("")]).ok().stdout();
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn a_full_disk_is_told_at_write_and_loses_nothing(profile: Profile) {
    const LENGTH: usize = 1 << 20;
    let world = World::new(profile);
    let disk = SmallDisk::new(&world.path("disk"), 16);
    let mounting = || world.mounting().cache(&disk.cache()).options(&["--write-back", "background"]);
    let mount = mounting().start();
    // Nothing can leave: all of it has to stay here.
    fault(&world, r#"{"method": "PUT", "path": "BYTES", "status": 503}"#);
    let mut kept = 0;
    let refused = loop {
        assert!(kept < 32, "more than fits");
        match write(&mount.join(format!("f{kept}")), &pattern(LENGTH, kept)) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.raw_os_error(), Some(libc::ENOSPC), "{refused}");
    assert!(kept >= 8, "{kept} MiB of 16");
    let check = |place: &dyn Fn(usize) -> Option<Vec<u8>>| {
        (0..kept).all(|number| place(number).is_some_and(|bytes| bytes == pattern(LENGTH, number)))
    };
    let in_mount = |number: usize| fs::read(world.path("mnt").join(format!("f{number}"))).ok();
    assert!(check(&in_mount), "what was acknowledged is here: {}", mount.log());
    let log = mount.log();
    assert!(log.contains("the database of the cache directory takes no records; free space on its disk"), "{log}");
    fs::remove_file(mount.join(format!("f{kept}"))).unwrap();
    mount.kill();
    let mount = mounting().start();
    assert!(check(&in_mount), "also after a kill: {}", mount.log());
    world.server.heal();
    wait_until("all of it at the service", PATIENCE, || check(&|number| world.bytes(&format!("f{number}"))));
    // There is room again: what was refused can be written.
    for number in kept..kept + 4 {
        write(&mount.join(format!("f{number}")), &pattern(LENGTH, number)).unwrap();
    }
    mount.unmount();
    assert_eq!(names(&world).len(), kept + 4);
    assert!(check(&|number| world.bytes(&format!("f{number}"))));
}

/// Each request of the rename that changes something is held back, and the mount killed meanwhile.
fn killed_at_each_step_of_a_replacing_rename(profile: Profile) {
    let steps =
        [("POST", 0, "the old one set aside"), ("POST", 1, "the new one moved"), ("DELETE", 0, "the old one deleted")];
    for (method, skip, step) in steps {
        let world = World::new(profile);
        killed_while_renaming(&world, method, skip);
        let there: Vec<_> = names(&world).iter().filter_map(|name| world.bytes(name)).collect();
        assert!(there.contains(&b"the new content".to_vec()), "before {step}: {:?}", names(&world));
        assert!(there.contains(&b"the old content".to_vec()), "before {step}: {:?}", names(&world));
        // The next mount finishes it, or takes it back.
        let mount = world.mount();
        let status =
            || run(world.command("mountvofs").args(["status", "--json", "--cache_dir"]).arg(world.path("cache")));
        wait_until("settled", PATIENCE, || status().ok().stdout().contains(r#""unfinished_moves": 0"#));
        match names(&world).as_slice() {
            [old] => {
                assert_eq!((old.as_str(), world.bytes("old").unwrap()), ("old", b"the new content".to_vec()), "{step}")
            }
            two => {
                assert_eq!(two, ["new", "old"], "{step}");
                assert_eq!(world.bytes("old").unwrap(), b"the old content", "{step}");
                assert_eq!(world.bytes("new").unwrap(), b"the new content", "{step}");
            }
        }
        mount.unmount();
    }
}

/// A Vault keeps no empty bytes: a file is emptied by deleting its node and making it anew, with all that belonged to it.
fn killed_between_the_deletion_and_the_return_of_an_emptied_file(profile: Profile) {
    for refilled in [false, true] {
        let world = World::new(profile);
        world.put("f", b"content");
        world.vospace(&["chmod", "o+r", &world.uri("f")]).ok();
        world.vospace(&["tag", &world.uri("f"), "title=kept", "ivo://example.org/vospace/my#colour=red"]).ok();
        let mount = world.mount();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"content");
        if profile == Profile::Vault {
            // The first one finds the node there.
            let rule = r#"{"method": "PUT", "path": "/nodes/demo/f", "skip": 1, "count": 1, "delay_ms": 600000}"#;
            world.server.fault(rule);
            thread::scope(|scope| {
                let emptying = scope.spawn(|| run(Command::new("truncate").args(["-s", "0"]).arg(world.path("mnt/f"))));
                until_met(&world);
                assert!(!world.exists("f"), "deleted, and not made yet");
                mount.kill();
                emptying.join().unwrap();
            });
            world.server.heal();
        } else {
            run(Command::new("truncate").args(["-s", "0"]).arg(mount.join("f"))).ok();
            mount.kill();
        }
        let hold = r#"{"method": "PUT", "path": "/nodes/demo/f", "status": 503}"#;
        if refilled && profile == Profile::Vault {
            world.server.fault(hold);
        }
        let mount = world.mount();
        if refilled {
            let mut file = File::options().append(true).open(mount.join("f")).unwrap();
            file.write_all(b"again").unwrap();
            drop(file);
        }
        world.server.heal();
        // Its end sends what waits.
        mount.unmount();
        assert_eq!(world.bytes("f").unwrap(), if refilled { &b"again"[..] } else { b"" });
        let tags = world.vospace(&["tag", &world.uri("f")]).ok().stdout();
        for tag in ["'title': 'kept'", "'ivo://example.org/vospace/my#colour': 'red'", "'ispublic': 'true'"] {
            assert!(tags.contains(tag), "{refilled}: {tag} in {tags}");
        }
    }
}

fn a_patch_fetches_only_what_is_needed(profile: Profile) {
    const LENGTH: usize = 24 << 20;
    const PATCH: usize = 1 << 20;
    let world = World::new(profile);
    let mut bytes = pattern(LENGTH, 1);
    world.put("f", &bytes);
    let mount = world.mount();
    let fetched = || -> u64 {
        let log = world.server.log();
        log.iter().filter(|entry| entry.is_byte_read()).map(|entry| entry.bytes_out).sum()
    };
    let mut patch = |seed: usize| {
        let file = File::options().write(true).open(mount.join("f")).unwrap();
        file.write_all_at(&pattern(PATCH, seed), LENGTH as u64 / 2).unwrap();
        bytes[LENGTH / 2..LENGTH / 2 + PATCH].copy_from_slice(&pattern(PATCH, seed));
        let before_close = fetched();
        drop(file);
        assert!(world.bytes("f").unwrap() == bytes);
        before_close
    };
    world.server.forget();
    assert_eq!(patch(100), 0, "nothing is fetched to be written over");
    let by_check = LENGTH as u64;
    let most = if profile.has_sites() {
        // Blocks at the ends of the patch are fetched whole.
        LENGTH - PATCH + (128 << 10)
    } else {
        // It sends whole files only.
        LENGTH
    };
    assert!(fetched() - by_check <= most as u64, "{} of {most}", fetched() - by_check);
    world.server.forget();
    assert_eq!(patch(200), 0);
    assert_eq!(fetched() - by_check, 0, "all of the rest was here");
    mount.unmount();
}

/// More waits than the cache may hold, and much more is read meanwhile.
fn what_waits_is_not_dropped_for_room(profile: Profile) {
    const LENGTH: usize = 10 << 20;
    let world = World::new(profile);
    for number in 0..5 {
        world.put(&format!("read{number}"), pattern(LENGTH, 100 + number));
    }
    let mounting = || world.mounting().options(&["--write-back", "background", "--cache_limit", "20"]);
    let mount = mounting().start();
    fault(&world, r#"{"method": "PUT", "path": "BYTES", "status": 500}"#);
    for number in 0..3 {
        write(&mount.join(format!("waits{number}")), &pattern(LENGTH, number)).unwrap();
    }
    for number in 0..5 {
        assert!(fs::read(mount.join(format!("read{number}"))).unwrap() == pattern(LENGTH, 100 + number), "{number}");
    }
    let are_here =
        || (0..3).all(|n| fs::read(world.path("mnt").join(format!("waits{n}"))).unwrap() == pattern(LENGTH, n));
    assert!(are_here(), "{}", mount.log());
    mount.kill();
    let mount = mounting().start();
    assert!(are_here(), "also after a kill: {}", mount.log());
    world.server.heal();
    mount.unmount();
    for number in 0..3 {
        assert!(world.bytes(&format!("waits{number}")).unwrap() == pattern(LENGTH, number), "{number}");
    }
}

fn strangers_are_refused_at_the_control_socket(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let ask = || {
        let ours = world.command("mountvofs");
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(ours.get_program());
        // The home of this user is nobody else's business.
        command.args(["status", "--cache_dir"]).arg(world.path("cache")).current_dir("/").env("HOME", "/nonexistent");
        run(&mut command)
    };
    // The directory is closed to others.
    ask().fails_with(1, &["the control socket in ", " cannot be used: Permission denied"]);
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("cache"), mode("cache/control")), (0o700, 0o600), "as they were made");
    // Even where the way to it has been opened, which nobody should.
    for (name, mode) in [("", 0o755), ("cache", 0o755), ("cache/control", 0o666)] {
        fs::set_permissions(world.path(name), Permissions::from_mode(mode)).unwrap();
    }
    for _ in 0..20 {
        ask().fails_with(1, &["this mount belongs to another user"]);
    }
    assert!(mount.log().contains("control: a stranger was refused uid=65534"), "{}", mount.log());
    mount.unmount();
}

/// The cache directory, and with it the journal, is gone: what stands under another name says what it is, and the log what to do.
fn what_an_interrupted_rename_left_tells_what_it_is(profile: Profile) {
    let world = World::new(profile);
    // A move is one request, or a job that is made and started after such a request was refused.
    killed_while_renaming(&world, "POST", if profile.one_use() { 3 } else { 1 });
    fs::remove_dir_all(world.path("cache")).unwrap();
    let mount = world.mount();
    let shown = || fs::read_dir(mount.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left = shown().find(|name| name.starts_with(".vofs-replaced-")).expect("it is shown");
    assert!(left.ends_with("-old"), "{left}");
    wait_until("the log says so", PATIENCE, || mount.log().contains(&left));
    let log = mount.log();
    let told = log.lines().find(|line| line.contains(&left)).unwrap();
    assert!(told.contains("mv "), "{told}");
    assert_eq!(world.status()["leftovers"][0].as_str(), Some(left.as_str()));
    // As the log says.
    fs::rename(mount.join(&left), mount.join("old")).unwrap();
    assert_eq!(world.bytes("old").unwrap(), b"the old content");
    assert_eq!(names(&world), ["new", "old"]);
    assert_eq!(world.status()["leftovers"].as_array().map(Vec::len), Some(0));
    mount.unmount();
}
