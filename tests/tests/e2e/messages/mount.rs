//! `mountvofs` that ends and mounts nothing. What can be wrong with each thing, and that nothing is mounted then, is in `faults`; here are
//! the words.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use vofs_tests::mount::is_mounted;
use vofs_tests::process::{Guard, binary, code, run};
use vofs_tests::{Profile, World, wait_until};

use crate::faults::{Attempt, status};

#[test]
fn each_thing_that_is_wrong_is_named_with_what_to_give_instead() {
    let world = World::new(Profile::Vault);
    world.put("f", "x");
    world.local_file("full/f", "x");
    let attempt = || Attempt::new(&world);
    attempt()
        .point(world.path("no/d"))
        .fails(status::MOUNT_POINT, &["/no/d: does not exist and cannot be made (No such"]);
    attempt()
        .point(world.local("full/f"))
        .fails(status::MOUNT_POINT, &["/f: is not a directory; give another one with"]);
    attempt()
        .point(world.local("full"))
        .fails(status::MOUNT_POINT, &["/full: is not empty; give an empty directory with"]);
    attempt().vospace("no:x").fails(status::SERVICE, &["; check the prefix or authority, and the registry"]);
    attempt()
        .vospace("vos:demo/no")
        .fails(status::REMOTE_PATH, &["vos:demo/no does not exist; `vls vos:demo` shows what does"]);
    attempt()
        .vospace("vos:demo/f")
        .fails(status::REMOTE_PATH, &["vos:demo/f is not a container; mount the container that"]);
    let limit = "is too small to work with; give --cache_limit at least ";
    attempt().option(&["--cache_limit", "1KiB"]).fails(status::CACHE, &[limit]);
    attempt().cache("/proc/none").fails(status::CACHE, &["cache directory /proc/none: cannot be made: "]);
    // Where nobody may change a mode, not even root.
    let private = "cannot be made private: Operation not permitted (os error 1); choose another one with --cache_dir, or mend its permissions";
    attempt().cache("/proc/self/task").fails(status::CACHE, &[private]);
    let mut unlogged = world.command("mountvofs");
    unlogged.args(["--vospace", "vos:demo", "--log", "/proc/none/log", "--mountpoint"]).arg(world.path("point"));
    run(&mut unlogged).fails_with(1, &["log file /proc/none/log: ", "; give another one with --log"]);
    attempt()
        .option(&["--metrics", "192.0.2.1:1"])
        .fails(status::USAGE, &["only a loopback address is taken, such as 127.0"]);
    attempt().option(&["--local-only", "a/b"]).fails(status::USAGE, &["--local-only: \"a/b\" is no pattern of a name"]);
    attempt().option(&["--bwlimit-up", "0"]).fails(status::USAGE, &["at least 1 byte a second is needed"]);
    attempt().option(&["--read-timeout", "0"]).fails(status::USAGE, &["at least 1 second is needed"]);
    attempt().option(&["--open-check", "never"]).fails(status::USAGE, &["always, sweep or ttl is needed"]);
    let mount = world.mount();
    attempt().fails(
        status::CACHE,
        &[" is locked by another mountvofs; unmount that one first, or choose another directory"],
    );
    let mounted = "something is mounted there already; unmount it first (`fusermount3 -u ";
    attempt().point(mount.path()).cache(world.path("other")).fails(status::MOUNT_POINT, &[mounted]);
}

#[test]
fn a_journal_that_cannot_be_used_is_named_and_left_alone() {
    let world = World::new(Profile::Vault);
    let attempt = |cache: &str| Attempt::new(&world).cache(world.path(cache));
    fs::create_dir_all(world.path("odd/journal.db")).unwrap();
    let said = "cannot be read: unable to open database file";
    attempt("odd").fails(status::CACHE, &["/odd/journal.db ", said, "move the cache directory aside"]);
    // Something waits there for another space.
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    fs::write(mount.join("waits"), "x").unwrap();
    mount.kill();
    world.vospace(&["mkdir", "vos:demo/d"]).ok();
    let said = "file(s) of vos://cadc.nrc.ca~vault/demo";
    attempt("cache")
        .vospace("vos:demo/d")
        .fails(status::CACHE, &[said, " that were not uploaded yet; mount vos://cadc"]);
}

#[test]
fn a_full_disk_of_the_cache_is_named() {
    let world = World::new(Profile::Vault);
    let disk = world.path("disk");
    fs::create_dir(&disk).unwrap();
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&disk)).ok();
    fs::create_dir(disk.join("cache")).unwrap();
    let filled = fs::write(disk.join("rest"), vec![0; 2 << 20]);
    let command = Attempt::new(&world).cache(disk.join("cache")).command();
    let ended = run(&mut { command });
    run(Command::new("umount").arg(&disk)).ok();
    assert!(filled.is_err());
    ended.fails_with(
        status::CACHE,
        &["the disk of the cache directory ", " is full; free at least 4 MiB on it, or choose"],
    );
    let log = fs::read_to_string(world.path("attempt.log")).unwrap();
    assert!(
        log.contains("the disk of the cache directory is full: the block cache is given up for the journal"),
        "{log}"
    );
}

#[test]
fn a_daemon_that_is_killed_before_the_mount_answers_is_missed() {
    let world = World::new(Profile::Vault);
    world.server.freeze();
    let errors = world.path("errors");
    let mut command = Attempt::new(&world).command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&errors).unwrap());
    let mut waiting = Guard::spawn(&mut command);
    let children = format!("/proc/{0}/task/{0}/children", waiting.id());
    let mut daemon = None;
    wait_until("the daemon", Duration::from_secs(30), || {
        daemon = fs::read_to_string(&children).unwrap_or_default().trim().parse().ok();
        daemon.is_some()
    });
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon.unwrap()), nix::sys::signal::Signal::SIGKILL).unwrap();
    let status = waiting.wait(Duration::from_secs(30)).map(code);
    world.server.thaw();
    let said = fs::read_to_string(errors).unwrap();
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("the daemon ended before the mount answered; its log may say why (try -f)"), "{said}");
}

#[test]
fn a_dead_mount_that_this_user_cannot_clear_is_said() {
    let world = World::new(Profile::Vault);
    let mut mount = world.mount();
    mount.crash();
    let attempt = Attempt::new(&world).point(mount.path()).command();
    let mut command = Command::new("unshare");
    world.environment(&mut command);
    command.args(["--user", "sh", "-c", "PATH=/nowhere; exec \"$@\"", "sh"]).arg(attempt.get_program());
    let said = "a former mount died and cannot be cleared (";
    run(command.args(attempt.get_args())).fails_with(status::MOUNT_POINT, &[said, "run `fusermount3 -uz "]);
    assert!(is_mounted(mount.path()));
}

#[test]
fn without_descriptors_nothing_is_begun() {
    let world = World::new(Profile::Vault);
    let limited = |limit: &str, options: &[&str]| {
        let attempt = Attempt::new(&world).option(options).command();
        let mut command = Command::new("sh");
        world.environment(&mut command);
        command.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(attempt.get_program());
        run(command.args(attempt.get_args()))
    };
    limited("4", &[]).fails_with(1, &["cannot go into the background: EMFILE: Too many open files; try -f"]);
}

/// `mount.vofs`, as mount(8) calls it, for another user.
#[test]
fn a_user_who_is_not_there_or_not_to_be_had_is_named() {
    let world = World::new(Profile::Vault);
    let helper: PathBuf = world.path("mount.vofs");
    symlink(binary("mountvofs"), &helper).unwrap();
    let words =
        |user: &str| [helper.to_str().unwrap(), "vos:demo", "/mnt", "-o", &format!("setuid={user}")].map(str::to_owned);
    let call = |before: &[&str], user: &str| {
        let mut command = Command::new("env");
        world.environment(&mut command);
        run(command.args(before).args(words(user)))
    };
    call(&[], "nobody-of-this-name").fails_with(32, &["cannot mount as 'nobody-of-this-name': there is no such user"]);
    // In a user namespace of its own, root is somebody else.
    let refused = call(&["unshare", "--user"], "root");
    refused.fails_with(32, &["cannot mount as 'root': EPERM: Operation not permitted; only root can"]);
}
