//! Modes, owners, times, room, extended attributes, locks of the service.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use vofs_tests::{Profile, World, every_profile};

use super::errno;

every_profile!(
    chmod_is_public_and_groups_of_the_parent,
    chmod_of_a_new_file_comes_with_it,
    the_mode_at_creation_publishes_nothing,
    nobody_is_given_a_file,
    times_are_kept_with_the_bytes,
    times_go_to_the_service_on_request,
    room_comes_from_the_quota,
    properties_are_attributes,
    properties_that_are_set_at_once_are_all_kept,
    attributes_that_are_refused,
    attributes_are_bounded_where_they_cost_the_file,
    a_lock_of_the_service_is_eperm_and_names_vlock,
);

const OLD: Duration = Duration::from_millis(1_000_000_000_250);

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod_is_public_and_groups_of_the_parent(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", "f");
    let group = &format!("{}?team", profile.groups());
    let mount = world.mount();
    let path = mount.join("d/f");
    let set = |bits: u32| fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
    let row = || world.vospace(&["ls", "-l", &world.uri("d/f")]).ok().stdout();
    assert_eq!(mode(&path), 0o600);
    // Without groups above there are none to give.
    set(0o664);
    assert_eq!(mode(&path), 0o604);
    assert!(row().starts_with("-rw----r--"), "{}", row());
    set(0o600);
    world.vospace(&["chmod", "g+rw", &world.uri("d"), group, group]).ok();
    let mount2 = world.mounting().point(&world.path("mnt2")).cache(&world.path("cache2")).start();
    let path = mount2.join("d/f");
    let set = |bits: u32| fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
    set(0o660);
    assert_eq!(mode(&path), 0o660);
    // A Cavern keeps the right to write only, of which the right to read is part.
    assert!(row().starts_with("-rw-rw----") || row().starts_with("-rw--w----"), "{}", row());
    set(0o640);
    assert!(row().starts_with("-rw-r-----"), "{}", row());
    set(0o600);
    assert!(row().starts_with("-rw-------"), "{}", row());
    // The owner always may, and there are no further bits.
    set(0o000);
    assert_eq!(mode(&path), 0o600);
    set(0o7755);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o644);
    let before = fs::metadata(mount2.join("d")).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(mount2.join("d"), Permissions::from_mode(before | 0o004)).unwrap();
    assert_eq!(mode(&mount2.join("d")), before | 0o005, "who may list a directory may go into it");
}

fn chmod_of_a_new_file_comes_with_it(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let mut file = File::create(mount.join("f")).unwrap();
    file.write_all(b"public").unwrap();
    file.set_permissions(Permissions::from_mode(0o644)).unwrap();
    assert_eq!(mode(&mount.join("f")), 0o604);
    drop(file);
    assert_eq!(mode(&mount.join("f")), 0o604);
    assert!(world.vospace(&["ls", "-l", &world.uri("f")]).ok().stdout().starts_with("-rw----r--"));
    assert_eq!(world.bytes("f").unwrap(), b"public");
}

fn the_mode_at_creation_publishes_nothing(profile: Profile) {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let world = World::new(profile);
    let mount = world.mount();
    OpenOptions::new().write(true).create_new(true).mode(0o666).open(mount.join("f")).unwrap();
    fs::DirBuilder::new().mode(0o777).create(mount.join("d")).unwrap();
    assert_eq!((mode(&mount.join("f")), mode(&mount.join("d"))), (0o600, 0o700));
    assert!(world.vospace(&["ls", "-l", &world.uri("f")]).ok().stdout().starts_with("-rw-------"));
}

fn nobody_is_given_a_file(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    let mount = world.mount();
    let (uid, gid) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    let path = mount.join("f");
    let data = fs::metadata(&path).unwrap();
    assert_eq!((data.uid(), data.gid()), (uid, gid));
    chown(&path, Some(uid), Some(gid)).unwrap();
    chown(&path, None, None).unwrap();
    assert_eq!(errno(chown(&path, Some(uid + 1), None)), Errno::EPERM);
    assert_eq!(errno(chown(&path, None, Some(gid + 1))), Errno::EPERM);
}

fn times_are_kept_with_the_bytes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    let old = SystemTime::UNIX_EPOCH + OLD;
    let mount = world.mount();
    let modified = |mount: &vofs_tests::Mount, name: &str| fs::metadata(mount.join(name)).unwrap().modified().unwrap();
    File::open(mount.join("f")).unwrap().set_modified(old).unwrap();
    assert_eq!(modified(&mount, "f"), old);
    // Of a file that is being written, as `cp -p` does it.
    let mut new = File::create(mount.join("new")).unwrap();
    new.write_all(b"new").unwrap();
    new.set_modified(old).unwrap();
    drop(new);
    assert_eq!(modified(&mount, "new"), old);
    mount.unmount();
    let mount = world.mount();
    assert_eq!((modified(&mount, "f"), modified(&mount, "new")), (old, old), "after another mount");
    // Other bytes have another time, whoever wrote them.
    let mut again = OpenOptions::new().append(true).open(mount.join("new")).unwrap();
    again.write_all(b"er").unwrap();
    drop(again);
    assert!(modified(&mount, "new") > old);
    world.put("f", "other bytes");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"other bytes");
    assert!(modified(&mount, "f") > old);
    // Nothing of this is at the service.
    let shown = world.vospace(&["tag", &world.uri("new")]).ok().stdout();
    assert!(!shown.contains("2001-09-09"), "{shown}");
}

fn times_go_to_the_service_on_request(profile: Profile) {
    let world = World::new(profile);
    let old = SystemTime::UNIX_EPOCH + OLD;
    let mount = world.mounting().options(&["--remote-mtime"]).start();
    let mut file = File::create(mount.join("f")).unwrap();
    file.write_all(b"with a time").unwrap();
    file.set_modified(old).unwrap();
    drop(file);
    fs::write(mount.join("g"), b"g").unwrap();
    File::open(mount.join("g")).unwrap().set_modified(old).unwrap();
    let shown = world.vospace(&["tag", &world.uri("f"), "vofs:mtime"]).ok().stdout();
    assert!(shown.starts_with("'2001-09-09T01:46:40.250Z 11:"), "{shown}");
    // Another machine sees it, in a listing too.
    let there = world.mounting().point(&world.path("mnt2")).cache(&world.path("cache2")).start();
    let modified = |path: std::path::PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!((modified(there.join("f")), modified(there.join("g"))), (old, old));
    let listed =
        fs::read_dir(there.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap());
    assert!(listed.into_iter().all(|time| time == old));
    // The time of bytes that are gone is nobody's.
    world.put("f", "replaced by another program");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"replaced by another program");
    assert!(modified(mount.join("f")) > old);
}

fn room_comes_from_the_quota(profile: Profile) {
    const QUOTA: u64 = 1 << 40;
    let world = World::build(profile, false, &["--quota", &QUOTA.to_string()]);
    world.vospace(&["mkdir", "-p", &world.uri("below/it")]).ok();
    // Also in a mount that begins below the container which has it.
    for place in ["", "below/it"] {
        let mount = world.mounting().vospace(&world.uri(place)).start();
        let space = nix::sys::statvfs::statvfs(mount.path()).unwrap();
        assert_eq!(space.blocks() * space.fragment_size(), QUOTA, "{place}");
        assert!(space.blocks_available() > 0 && space.name_max() == 255);
        mount.unmount();
    }
}

fn properties_are_attributes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    let mount = world.mount();
    let path = mount.join("f");
    let get = |name: &str| xattr::get(&path, name).unwrap().map(|value| String::from_utf8(value).unwrap());
    let names = || xattr::list(&path).unwrap().map(|name| name.into_string().unwrap()).collect::<Vec<_>>();
    assert_eq!((get("user.vos.title"), get("user.vos.length").as_deref()), (None, Some("1")));
    xattr::set(&path, "user.vos.title", "Nébuleuse <du> Crabe".as_bytes()).unwrap();
    xattr::set(&path, "user.vos.ivo://example.org/vospace/my#quality", b"0.9\nline").unwrap();
    assert_eq!(get("user.vos.title").as_deref(), Some("Nébuleuse <du> Crabe"));
    assert_eq!(get("user.vos.ivo://example.org/vospace/my#quality").as_deref(), Some("0.9\nline"));
    let all = names();
    for name in
        ["user.vos.title", "user.vos.ivo://example.org/vospace/my#quality", "user.vos.length", "user.vos.creator"]
    {
        assert!(all.iter().any(|known| known == name), "{name} in {all:?}");
    }
    // The commands see the same, and the other way round.
    assert_eq!(world.vospace(&["tag", &world.uri("f"), "title"]).ok().stdout(), "'Nébuleuse <du> Crabe'\n");
    world.vospace(&["tag", &world.uri("f"), "description=made elsewhere"]).ok();
    vofs_tests::wait_until("the new property", Duration::from_secs(60), || {
        get("user.vos.description").as_deref() == Some("made elsewhere")
    });
    xattr::remove(&path, "user.vos.title").unwrap();
    assert_eq!(get("user.vos.title"), None);
    assert_eq!(world.vospace(&["tag", &world.uri("f"), "title"]).ok().stdout(), "None\n");
    // Of a directory too, and of a file that is still being written.
    fs::create_dir(mount.join("d")).unwrap();
    let refused = xattr::set(&path, "user.vos.title", b"a bell \x07").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(nix::libc::EINVAL));
    let log = mount.log();
    assert!(log.contains("user.vos.title: a property holds no control characters"), "{log}");
    xattr::set(mount.join("d"), "user.vos.title", b"a directory").unwrap();
    assert_eq!(xattr::get(mount.join("d"), "user.vos.title").unwrap().as_deref(), Some(&b"a directory"[..]));
    let mut new = File::create(mount.join("new")).unwrap();
    new.write_all(b"new").unwrap();
    xattr::set(mount.join("new"), "user.vos.title", b"new").unwrap();
    drop(new);
    assert_eq!(world.vospace(&["tag", &world.uri("new"), "title"]).ok().stdout(), "'new'\n");
    assert_eq!(fs::read(&path).unwrap(), b"f");
    assert_eq!(world.bytes("f").unwrap(), b"f");
    // Public is a property, and a mode.
    xattr::set(&path, "user.vos.ispublic", b"true").unwrap();
    assert_eq!(mode(&path) & 0o004, 0o004);
}

fn properties_that_are_set_at_once_are_all_kept(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    let mount = world.mount();
    let path = mount.join("f");
    // What others change between its look and its writing, a Vault loses (observed).
    world.server.fault(r#"{"method": "POST", "path": "/nodes/demo/f", "gap_ms": 200}"#);
    let name = |number: usize| format!("user.vos.ivo://example.org/vospace/my#p{number}");
    std::thread::scope(|scope| {
        for number in 0..4 {
            let path = &path;
            scope.spawn(move || xattr::set(path, name(number), number.to_string().as_bytes()).unwrap());
        }
        scope.spawn(|| fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap());
    });
    let shown = world.vospace(&["tag", &world.uri("f")]).ok().stdout();
    for number in 0..4 {
        assert!(shown.contains(&format!("my#p{number}': '{number}'")), "{number} of {shown}");
    }
    assert_eq!(mode(&path), 0o604);
    assert!(shown.contains("'ispublic': 'true'"), "{shown}");
}

fn attributes_that_are_refused(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    let mount = world.mount();
    let path = mount.join("f");
    for name in ["user.vos.length", "user.vos.MD5", "user.vos.date", "user.vos.creator"] {
        assert_eq!(errno(xattr::set(&path, name, b"1")), Errno::EPERM, "{name}");
        let there = xattr::get(&path, name).unwrap().is_some();
        let refused = if there { Errno::EPERM } else { Errno::ENODATA };
        assert_eq!(errno(xattr::remove(&path, name)), refused, "{name}");
    }
    for name in ["user.comment", "user.vos.", "trusted.x"] {
        assert_eq!(errno(xattr::set(&path, name, b"1")), Errno::EOPNOTSUPP, "{name}");
    }
    for value in [&b" blank"[..], b"blank ", b"\xff", b"bell\x07"] {
        assert_eq!(errno(xattr::set(&path, "user.vos.title", value)), Errno::EINVAL, "{value:?}");
    }
    assert_eq!(errno(xattr::remove(&path, "user.vos.title")), Errno::ENODATA);
    assert_eq!(xattr::get(&path, "user.comment").unwrap(), None);
    assert_eq!(world.vospace(&["tag", &world.uri("f"), "title"]).ok().stdout(), "None\n");
    assert_eq!(world.bytes("f").unwrap(), b"f");
}

fn attributes_are_bounded_where_they_cost_the_file(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "precious");
    let mount = world.mount();
    let path = mount.join("f");
    let large = vec![b'x'; 20_000];
    if profile.in_place() {
        // A Cavern removes the file when its properties do not fit.
        assert_eq!(errno(xattr::set(&path, "user.vos.title", &large)), Errno::E2BIG);
        let refused = (0..10).find_map(|n| xattr::set(&path, format!("user.vos.my:p{n}"), &[b'x'; 900]).err());
        assert_eq!(refused.and_then(|error| error.raw_os_error()), Some(nix::libc::E2BIG), "together");
        world.vospace(&["tag", &world.uri("f"), &format!("description={}", "x".repeat(1_500))]).fails_with(1, &["f"]);
    } else {
        xattr::set(&path, "user.vos.title", &large).unwrap();
        assert!(xattr::get(&path, "user.vos.title").unwrap().unwrap() == large);
    }
    assert_eq!(world.bytes("f").unwrap(), b"precious");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

fn a_lock_of_the_service_is_eperm_and_names_vlock(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "locked");
    let locked = world.vospace(&["lock", "--lock", &world.uri("f")]);
    if !profile.has_locks() {
        // It has no locks, and the command says so.
        locked.fails_with(1, &["no locks"]);
        return;
    }
    locked.ok();
    let mount = world.mount();
    assert_eq!(errno(fs::remove_file(mount.join("f"))), Errno::EPERM);
    let mut file = OpenOptions::new().append(true).open(mount.join("f")).unwrap();
    file.write_all(b"!").unwrap();
    assert_eq!(nix::unistd::close(std::os::fd::OwnedFd::from(file)), Err(Errno::EPERM));
    let log = mount.log();
    assert!(log.lines().any(|line| line.contains("/f") && line.contains("vlock")), "{log}");
    assert_eq!(world.bytes("f").unwrap(), b"locked");
    world.vospace(&["lock", "--unlock", &world.uri("f")]).ok();
    // What was written is not lost, and goes out when the lock is gone.
    vofs_tests::wait_until("the upload", Duration::from_secs(60), || world.bytes("f").unwrap() == b"locked!");
}
