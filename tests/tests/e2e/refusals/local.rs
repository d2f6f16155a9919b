//! This machine's side: files that cannot be read, disks that are full, what vanishes or stands in the way.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::Duration;

use vofs_tests::process::{Guard, code, run};
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    what_cannot_be_read_is_named,
    a_full_disk_keeps_the_old_file,
    a_source_that_vanishes_is_named,
    a_source_that_grows_or_shrinks_is_never_half,
    what_stands_in_the_way_stays,
    loops_of_links_end,
    devices_are_no_files,
    a_directory_that_cannot_be_written_to,
);

fn what_cannot_be_read_is_named(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/a", b"a");
    world.local_file("tree/closed/b", b"b");
    world.local_file("tree/secret", b"c");
    // Whoever runs the tests may be allowed everything: a dangling link, followed, can be read by nobody.
    symlink("nowhere", world.local("tree/dangling")).unwrap();
    let copied = world.vospace(&["cp", "-L", "tree", &world.uri("up")]).fails_with(1, &["tree/dangling"]);
    assert_eq!(copied.stderr.matches("ERROR:: ").count(), 1, "{}", copied.stderr);
    assert_eq!(world.bytes("up/secret").unwrap(), b"c");
    // As somebody who may not.
    for (name, mode) in [("tree/secret", 0), ("tree/closed", 0)] {
        fs::set_permissions(world.local(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let nobody = as_nobody(&world, &["cp", "tree", &world.uri("nobody")]);
    let copied = run(&mut { nobody });
    for name in ["tree/secret", "tree/closed"] {
        fs::set_permissions(world.local(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let copied = copied.fails_with(1, &["tree/secret: ", "tree/closed: ", "ermission denied"]);
    assert_eq!(copied.stderr.matches("ERROR:: ").count(), 2, "{}", copied.stderr);
    assert_eq!(world.bytes("nobody/a").unwrap(), b"a");
    assert!(!world.exists("nobody/secret"));
}

/// Our command without the rights of root.
fn as_nobody(world: &World, arguments: &[&str]) -> Command {
    let ours = world.command("vospace");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--"]).arg(ours.get_program()).args(arguments);
    command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(world.path("local"));
    command
}

fn a_full_disk_keeps_the_old_file(profile: Profile) {
    let world = World::new(profile);
    world.put("small", b"small");
    let big = fs::File::create(world.local("big")).unwrap();
    big.set_len(3_000_000).unwrap();
    world.vospace(&["cp", "big", &world.uri("big")]).ok();
    let disk = world.path("disk");
    fs::create_dir(&disk).unwrap();
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&disk)).ok();
    fs::write(disk.join("big"), b"old").unwrap();
    let to = disk.to_str().unwrap();
    let copied = world.vospace(&["cp", &world.uri("big"), &world.uri("small"), to]);
    let left: Vec<_> = fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let old = fs::read(disk.join("big")).unwrap();
    let small = fs::read(disk.join("small")).unwrap();
    run(Command::new("umount").arg(&disk)).ok();
    let copied = copied.fails_with(1, &["ERROR:: ", "disk/big", "No space left"]);
    assert_eq!(copied.stderr.matches("ERROR:: ").count(), 1, "{}", copied.stderr);
    assert_eq!((old.as_slice(), small.as_slice()), (&b"old"[..], &b"small"[..]));
    assert_eq!(left.len(), 2, "what did not fit is gone: {left:?}");
}

fn a_source_that_vanishes_is_named(profile: Profile) {
    let world = World::new(profile);
    for name in ["a", "b", "c"] {
        world.put(name, name);
    }
    // Between the plan and the copy.
    let rule = match profile {
        // A listing has names alone, and all nodes are asked for before: the third negotiation is of some file.
        Profile::Pyvospace => r#""path": "/synctrans", "skip": 2, "count": 1"#,
        Profile::Datalab => r#""method": "GET", "path": "/nodes/demo/b""#,
        _ => r#""method": "GET", "path": "/files/demo/b""#,
    };
    world.server.fault(&format!(r#"{{{rule}, "status": 404, "text": "NodeNotFound: b"}}"#));
    fs::create_dir(world.local("to")).unwrap();
    let copied = world.vospace(&["cp", &world.uri("*"), "to"]).fails_with(1, &["ERROR:: ", "demo/", "check the path"]);
    assert!(profile == Profile::Pyvospace || copied.stderr.contains("demo/b"), "{}", copied.stderr);
    assert_eq!(copied.stderr.matches("ERROR:: ").count(), 1, "{}", copied.stderr);
    assert_eq!(fs::read_dir(world.local("to")).unwrap().count(), 2);
    world.vospace(&["cp", "gone", &world.uri("")]).fails_with(1, &["gone: ", "No such file"]);
    world.vospace(&["sync", "gone", &world.uri("")]).fails_with(1, &["gone: ", "No such file"]);
}

fn a_source_that_grows_or_shrinks_is_never_half(profile: Profile) {
    let world = World::new(profile);
    let path = world.server.byte_path();
    for (name, end) in [("grows", 8_000_000_u64), ("shrinks", 10)] {
        let file = fs::File::create(world.local(name)).unwrap();
        file.set_len(6_000_000).unwrap();
        world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "bytes_per_second": 3000000}}"#));
        world.server.forget();
        let mut command = world.command("vospace");
        let uri = world.uri(name);
        let mut copy = Guard::spawn(command.args(["cp", name, &uri]));
        wait_until("the upload", Duration::from_secs(30), || {
            world.server.log().iter().any(|r| r.method == "PUT" && r.path.contains(path))
        });
        file.set_len(end).unwrap();
        let status = copy.wait(Duration::from_secs(60)).map(code).unwrap();
        world.server.heal();
        // Either what it was at one moment, whole, or nothing and an error.
        let there = world.exists(name).then(|| world.bytes(name).unwrap().len() as u64);
        match status {
            0 => assert!(there == Some(6_000_000) || there == Some(end), "{name}: {there:?}"),
            _ => assert!(status == 1 && there.is_none(), "{name}: {status} {there:?}"),
        }
    }
}

fn what_stands_in_the_way_stays(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/sub/f", b"f");
    world.put("file", b"file");
    // A directory onto a file, below one, and a file onto a directory; in both directions.
    world.vospace(&["cp", "tree", &world.uri("file")]).fails_with(1, &["onto the file"]);
    world.vospace(&["sync", "tree/", &world.uri("file")]).fails_with(1, &["file"]);
    world.vospace(&["cp", "tree/sub/f", &world.uri("file/f")]).fails_with(1, &["demo/file"]);
    assert_eq!(world.bytes("file").unwrap(), b"file");
    world.vospace(&["cp", "tree", &world.uri("tree")]).ok();
    world.local_file("sub", b"a file");
    world.vospace(&["cp", "sub", &world.uri("tree")]).fails_with(1, &["demo/tree/sub is a directory"]);
    let file = world.local_file("plain", b"plain");
    world.vospace(&["cp", &world.uri("tree"), "plain"]).fails_with(1, &["plain"]);
    world.vospace(&["sync", &world.uri("tree/"), "plain"]).fails_with(1, &["plain"]);
    world.vospace(&["cp", &world.uri("file"), "plain/x"]).fails_with(1, &["plain"]);
    assert_eq!(fs::read(file).unwrap(), b"plain");
    world.vospace(&["mkdir", &world.uri("file")]).fails_with(1, &["demo/file"]);
    world.vospace(&["ln", &world.uri("tree"), &world.uri("file")]).fails_with(1, &["exists already"]);
    world.vospace(&["mv", &world.uri("tree"), &world.uri("file")]).fails_with(1, &["exists already"]);
    assert_eq!(world.bytes("file").unwrap(), b"file");
}

fn loops_of_links_end(profile: Profile) {
    let world = World::new(profile);
    world.local_file("d/f", b"f");
    symlink(".", world.local("d/self")).unwrap();
    symlink("b", world.local("d/a")).unwrap();
    symlink("a", world.local("d/b")).unwrap();
    let up = world.vospace(&["cp", "-L", "d", &world.uri("d")]).fails_with(1, &["d/self", "circle"]);
    assert!(up.stderr.contains("d/a") && up.stderr.contains("d/b"), "{}", up.stderr);
    assert_eq!(world.bytes("d/f").unwrap(), b"f");
    for (target, link) in [("d", "d/up"), ("d/two", "d/one"), ("d/one", "d/two")] {
        world.vospace(&["ln", &world.uri(target), &world.uri(link)]).ok();
    }
    let down = world.vospace(&["cp", "-L", &world.uri("d"), "back"]).fails_with(1, &["circle", "d/one", "d/two"]);
    assert!(down.stderr.matches("ERROR:: ").count() == 3, "{}", down.stderr);
    assert_eq!(fs::read(world.local("back/f")).unwrap(), b"f");
    for verb in ["ls", "cat"] {
        world.vospace(&[verb, &world.uri("d/one")]).fails_with(1, &["d/one", "circle"]);
    }
    // Not followed, they are things like others.
    assert_eq!(world.vospace(&["ls", "-R", &world.uri("d")]).ok().stdout().lines().count(), 6);
    world.vospace(&["rm", "-R", &world.uri("d")]).ok();
}

fn devices_are_no_files(profile: Profile) {
    let world = World::new(profile);
    fs::create_dir(world.local("d")).unwrap();
    run(Command::new("mkfifo").arg(world.local("d/pipe"))).ok();
    let _socket = std::os::unix::net::UnixListener::bind(world.local("d/socket")).unwrap();
    world.local_file("d/f", b"f");
    let copied = world
        .vospace(&["cp", "d", &world.uri("d")])
        .fails_with(1, &["d/pipe: ", "d/socket: neither a file nor a directory; only these can"]);
    assert_eq!(copied.stderr.matches("ERROR:: ").count(), 2, "{}", copied.stderr);
    assert_eq!(world.bytes("d/f").unwrap(), b"f");
}

fn a_directory_that_cannot_be_written_to(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    world.vospace(&["cp", &world.uri("f"), "/proc/none"]).fails_with(1, &["/proc/none"]);
    world.vospace(&["sync", &world.uri(""), "/proc/none/deep"]).fails_with(1, &["/proc/none/deep"]);
    world.vospace(&["cp", &world.uri("f"), "no/such/place"]).fails_with(1, &["no/such", "No such file"]);
}
