//! What programs expect of a file system, seen through the kernel and checked at the service.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};

use vofs_tests::{Profile, World, every_profile};

every_profile!(
    bytes_are_at_the_service_when_close_returns,
    writes_anywhere_in_a_file,
    truncation,
    rename_within_and_onto,
    directories,
    links,
    attributes,
    wrong_uses_get_their_errno,
    an_open_file_survives_its_unlink,
    a_file_renamed_while_open_arrives_under_its_new_name,
    refused_names,
    foreign_places_are_refused,
    what_may_not_be_written_is_refused_when_it_is_opened,
    random_operations_match_a_local_file,
);

fn bytes_are_at_the_service_when_close_returns(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let mut file = File::create(mount.join("a.txt")).unwrap();
    file.write_all(b"one").unwrap();
    file.sync_all().unwrap();
    assert_eq!(world.bytes("a.txt").as_deref(), Some(&b"one"[..]), "after fsync");
    file.write_all(b" two").unwrap();
    drop(file);
    assert_eq!(world.bytes("a.txt").as_deref(), Some(&b"one two"[..]), "after close");
    fs::write(mount.join("a.txt"), b"three").unwrap();
    assert_eq!(world.bytes("a.txt").as_deref(), Some(&b"three"[..]), "after replacing");
    File::create(mount.join("empty")).unwrap();
    assert_eq!(world.bytes("empty"), Some(Vec::new()));
}

fn writes_anywhere_in_a_file(profile: Profile) {
    let world = World::new(profile);
    let mut expected: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 253) as u8).collect();
    world.put("big", &expected);
    let mount = world.mount();
    let file = OpenOptions::new().read(true).write(true).open(mount.join("big")).unwrap();
    for (offset, text) in [(0_usize, "begin"), (2_500_001, "middle"), (5_000_000 - 3, "end and beyond")] {
        file.write_all_at(text.as_bytes(), offset as u64).unwrap();
        if expected.len() < offset + text.len() {
            expected.resize(offset + text.len(), 0);
        }
        expected[offset..offset + text.len()].copy_from_slice(text.as_bytes());
    }
    // A hole reads as zeros.
    file.write_all_at(b"far", 6_000_000).unwrap();
    expected.resize(6_000_000, 0);
    expected.extend_from_slice(b"far");
    let mut back = vec![0; 20];
    file.read_exact_at(&mut back, 4_999_990).unwrap();
    assert_eq!(back, expected[4_999_990..5_000_010], "before close");
    drop(file);
    assert!(world.bytes("big").unwrap() == expected);
    let mut appended = OpenOptions::new().append(true).open(mount.join("big")).unwrap();
    appended.write_all(b"tail").unwrap();
    drop(appended);
    expected.extend_from_slice(b"tail");
    assert!(world.bytes("big").unwrap() == expected);
    assert!(fs::read(mount.join("big")).unwrap() == expected);
}

fn truncation(profile: Profile) {
    let world = World::new(profile);
    world.put("t", b"0123456789");
    let mount = world.mount();
    let file = OpenOptions::new().write(true).open(mount.join("t")).unwrap();
    file.set_len(4).unwrap();
    drop(file);
    assert_eq!(world.bytes("t").as_deref(), Some(&b"0123"[..]));
    let mut file = OpenOptions::new().read(true).write(true).open(mount.join("t")).unwrap();
    file.set_len(6).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"0123\0\0");
    drop(file);
    assert_eq!(world.bytes("t").as_deref(), Some(&b"0123\0\0"[..]));
    nix::unistd::truncate(&mount.join("t"), 0).unwrap();
    assert_eq!(fs::metadata(mount.join("t")).unwrap().len(), 0);
    assert_eq!(fs::read(mount.join("t")).unwrap(), b"");
    assert_eq!(world.bytes("t"), Some(Vec::new()));
}

fn rename_within_and_onto(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().renaming().start();
    fs::create_dir(mount.join("d")).unwrap();
    fs::write(mount.join("a"), b"new").unwrap();
    fs::rename(mount.join("a"), mount.join("b")).unwrap();
    assert_eq!((world.exists("a"), world.bytes("b").as_deref()), (false, Some(&b"new"[..])));
    fs::write(mount.join("d/old"), b"old").unwrap();
    fs::rename(mount.join("b"), mount.join("d/old")).unwrap();
    assert_eq!((world.exists("b"), world.bytes("d/old").as_deref()), (false, Some(&b"new"[..])));
    assert_eq!(fs::read(mount.join("d/old")).unwrap(), b"new");
    fs::rename(mount.join("d"), mount.join("e")).unwrap();
    assert_eq!((world.exists("d"), world.bytes("e/old").as_deref()), (false, Some(&b"new"[..])));
    assert_eq!(fs::read(mount.join("e/old")).unwrap(), b"new");
    assert_eq!(fs::metadata(mount.join("d")).unwrap_err().kind(), ErrorKind::NotFound);
}

fn directories(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir_all(mount.join("x/y/z")).unwrap();
    for i in 0..300 {
        fs::write(mount.join(format!("x/f{i:03}")), b"").unwrap();
    }
    let mut names: Vec<String> =
        fs::read_dir(mount.join("x")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 301);
    assert_eq!((names[0].as_str(), names[299].as_str(), names[300].as_str()), ("f000", "f299", "y"));
    assert_eq!(fs::remove_dir(mount.join("x")).unwrap_err().raw_os_error(), Some(nix::libc::ENOTEMPTY));
    fs::remove_dir(mount.join("x/y/z")).unwrap();
    assert!(!world.exists("x/y/z"));
    fs::remove_dir_all(mount.join("x")).unwrap();
    assert!(!world.exists("x"));
}

fn links(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    fs::write(mount.join("d/file"), b"linked").unwrap();
    symlink("d/file", mount.join("l")).unwrap();
    assert_eq!(fs::read_link(mount.join("l")).unwrap(), std::path::Path::new("d/file"));
    assert_eq!(fs::read(mount.join("l")).unwrap(), b"linked");
    assert!(world.vospace(&["ls", "-l", &world.uri("")]).ok().stdout().contains("l -> vos://"));
    fs::remove_file(mount.join("l")).unwrap();
    assert_eq!(world.bytes("d/file").as_deref(), Some(&b"linked"[..]));
}

fn attributes(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let path = mount.join("f");
    fs::write(&path, b"12345").unwrap();
    let data = fs::metadata(&path).unwrap();
    assert_eq!((data.len(), data.is_file(), data.uid()), (5, true, nix::unistd::getuid().as_raw()));
    let now = std::time::SystemTime::now();
    let age = now.duration_since(data.modified().unwrap()).unwrap_or_default();
    assert!(age.as_secs() < 120, "modified {age:?} ago");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o004, 0o004);
    assert!(world.vospace(&["ls", "-l", &world.uri("f")]).ok().stdout().starts_with("-rw----r--"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o004, 0);
    assert!(world.vospace(&["ls", "-l", &world.uri("f")]).ok().stdout().starts_with("-rw-------"));
    // What cp -p and touch do must not fail.
    File::options().write(true).open(&path).unwrap().set_modified(now).unwrap();
    assert_eq!(world.bytes("f").as_deref(), Some(&b"12345"[..]));
    assert!(nix::sys::statvfs::statvfs(mount.path()).unwrap().blocks() > 0);
}

fn wrong_uses_get_their_errno(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    fs::write(mount.join("f"), b"x").unwrap();
    let errno = |result: std::io::Result<()>| result.unwrap_err().raw_os_error();
    assert_eq!(errno(fs::create_dir(mount.join("d"))), Some(nix::libc::EEXIST));
    assert_eq!(errno(fs::remove_file(mount.join("none"))), Some(nix::libc::ENOENT));
    assert_eq!(errno(fs::remove_file(mount.join("d"))), Some(nix::libc::EISDIR));
    assert_eq!(errno(fs::remove_dir(mount.join("f"))), Some(nix::libc::ENOTDIR));
    assert_eq!(errno(fs::write(mount.join("none/f"), b"")), Some(nix::libc::ENOENT));
    assert_eq!(errno(fs::rename(mount.join("none"), mount.join("x"))), Some(nix::libc::ENOENT));
    assert_eq!(errno(fs::rename(mount.join("d"), mount.join("d/below"))), Some(nix::libc::EINVAL));
    assert_eq!(errno(fs::create_dir(mount.join("f/x"))), Some(nix::libc::ENOTDIR));
    assert_eq!(
        errno(OpenOptions::new().write(true).create_new(true).open(mount.join("f")).map(drop)),
        Some(nix::libc::EEXIST)
    );
}

fn an_open_file_survives_its_unlink(profile: Profile) {
    let world = World::new(profile);
    world.put("doomed", b"still here");
    let mount = world.mount();
    let mut file = File::open(mount.join("doomed")).unwrap();
    let mut first = [0; 5];
    file.read_exact(&mut first).unwrap();
    fs::remove_file(mount.join("doomed")).unwrap();
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, " here");
    // A new file that is gone before it is closed never shows at the service.
    let mut file = File::create(mount.join("never")).unwrap();
    file.write_all(b"gone").unwrap();
    fs::remove_file(mount.join("never")).unwrap();
    drop(file);
    assert!(!world.exists("never") && !mount.join("never").exists());
}

fn a_file_renamed_while_open_arrives_under_its_new_name(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let mut file = File::create(mount.join("before")).unwrap();
    file.write_all(b"content").unwrap();
    fs::rename(mount.join("before"), mount.join("after")).unwrap();
    file.write_all(b" and more").unwrap();
    drop(file);
    assert_eq!(world.bytes("after").as_deref(), Some(&b"content and more"[..]));
    assert!(!world.exists("before"));
    let uploads: Vec<_> = world
        .server
        .log()
        .into_iter()
        .filter(|entry| entry.method == "PUT" && entry.path.ends_with("/before"))
        .collect();
    assert!(uploads.is_empty(), "the old name went over the network: {uploads:?}");
}

fn foreign_places_are_refused(profile: Profile) {
    let world = World::new(profile);
    let root = format!("{}:", profile.prefix());
    let mount = world.mounting().vospace(&root).start();
    assert!(mount.join("demo").is_dir());
    fs::write(mount.join("demo/f"), b"mine").unwrap();
    assert_eq!(world.bytes("f").as_deref(), Some(&b"mine"[..]));
    let refused = |error: Option<i32>| matches!(error, Some(nix::libc::EACCES | nix::libc::EPERM));
    assert!(refused(fs::create_dir(mount.join("d")).unwrap_err().raw_os_error()));
    if profile == Profile::Pyvospace {
        // It tells of no rights before the bytes come.
        let mut file = File::create(mount.join("home/f")).unwrap();
        file.write_all(b"x").unwrap();
        return assert!(refused(file.sync_all().unwrap_err().raw_os_error()));
    }
    assert!(refused(File::create(mount.join("home/f")).unwrap_err().raw_os_error()));
    assert!(!mount.join("home/f").exists(), "nothing was made");
    mount.unmount();
}

fn what_may_not_be_written_is_refused_when_it_is_opened(profile: Profile) {
    let users = ["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token:x", "--group", "team:demo,ada"];
    let world = World::build(profile, false, &users);
    let at = |path: &str| format!("{}:ada{path}", profile.prefix());
    let ada = |arguments: &[&str]| {
        vofs_tests::process::run(world.command("vospace").env("VOSPACE_TOKEN", "ada-token").args(arguments)).ok()
    };
    let bytes = world.local_file("bytes", b"ada's");
    for name in ["closed", "shared"] {
        ada(&["cp", bytes.to_str().unwrap(), &at(&format!("/{name}"))]);
        ada(&["chmod", "o+r", &at(&format!("/{name}"))]);
    }
    ada(&["chmod", "g+w", &at("/shared"), "team"]);
    ada(&["chmod", "o+r", &at("")]);
    let mount = world.mounting().vospace(&at("")).start();
    assert_eq!(fs::read(mount.join("closed")).unwrap(), b"ada's");
    world.server.forget();
    let refused = |outcome: std::io::Result<File>| {
        assert_eq!(outcome.unwrap_err().raw_os_error(), Some(nix::libc::EACCES));
    };
    refused(File::create(mount.join("new")));
    refused(File::create(mount.join("closed")));
    refused(OpenOptions::new().append(true).open(mount.join("closed")));
    let sent = world.server.log();
    assert!(sent.iter().all(|entry| entry.method == "GET" || entry.method == "HEAD"), "{sent:?}");
    assert_eq!(fs::read(mount.join("closed")).unwrap(), b"ada's");
    // A right to the file is enough.
    fs::write(mount.join("shared"), b"everybody's").unwrap();
    assert_eq!(ada(&["cat", &at("/shared")]).stdout(), "everybody's");
    mount.unmount();
}

/// Reads, writes, truncations, closes and reopenings at random, on a file in the mount and on one beside it.
fn random_operations_match_a_local_file(profile: Profile) {
    const LARGEST: u64 = 600_000;
    let world = World::new(profile);
    let mount = world.mount();
    let paths = [mount.join("f"), world.local("f")];
    let open = |path: &std::path::PathBuf| {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap()
    };
    let mut files = paths.each_ref().map(open);
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for step in 0..600 {
        let (offset, length) = (random(LARGEST), random(60_000) as usize);
        match random(12) {
            0..=4 => {
                let bytes: Vec<u8> = (0..length).map(|i| (i as u64 * 7 + step) as u8).collect();
                files.iter().for_each(|file| file.write_all_at(&bytes, offset).unwrap());
            }
            5..=8 => {
                let read = files.each_ref().map(|file| {
                    let mut bytes = vec![0; length];
                    let mut count = 0;
                    while count < length {
                        match file.read_at(&mut bytes[count..], offset + count as u64).unwrap() {
                            0 => break,
                            more => count += more,
                        }
                    }
                    bytes.truncate(count);
                    bytes
                });
                assert!(read[0] == read[1], "step {step}: {length} bytes at {offset} differ");
            }
            9 => files.iter().for_each(|file| file.set_len(offset).unwrap()),
            10 => files.iter().for_each(|file| file.sync_all().unwrap()),
            _ => {
                files = paths.each_ref().map(open);
                assert_eq!(files[0].metadata().unwrap().len(), files[1].metadata().unwrap().len(), "step {step}");
            }
        }
    }
    drop(files);
    let expected = fs::read(&paths[1]).unwrap();
    assert!(fs::read(&paths[0]).unwrap() == expected);
    assert!(world.bytes("f").unwrap() == expected);
}

fn refused_names(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::write(mount.join("a"), b"precious").unwrap();
    // The services would cut these at the character, and act on `a`.
    for name in ["a#b", "a?b", "a b", "a%41", "a[1]"] {
        let error = fs::write(mount.join(name), b"bad").unwrap_err();
        assert!(matches!(error.raw_os_error(), Some(nix::libc::EINVAL | nix::libc::EILSEQ)), "{name}: {error}");
    }
    assert_eq!(world.bytes("a").as_deref(), Some(&b"precious"[..]));
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 1);
}
