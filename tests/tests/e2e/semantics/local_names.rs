//! Names that stay on this machine.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use vofs_tests::{Profile, World, every_profile};

use super::errno;

every_profile!(
    swap_files_and_backups_stay_here_and_survive_a_remount,
    directories_of_such_names_stay_here_with_all_that_is_in_them,
    an_ordinary_name_sends_the_file,
    a_local_name_takes_the_file_from_the_service,
    what_the_service_has_is_ordinary,
    the_patterns_are_an_option,
);

fn swap_files_and_backups_stay_here_and_survive_a_remount(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    let mount = world.mount();
    let names = [".f.txt.swp", "f.txt~", ".DS_Store", "._f", ".nfs0000123", "d/.bashrc~", "d/a name~"];
    for name in names {
        let mut file = File::create(mount.join(name)).unwrap();
        file.write_all(name.as_bytes()).unwrap();
        file.sync_all().unwrap();
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::open(mount.join("f.txt~")).unwrap().set_modified(time).unwrap();
    fs::remove_file(mount.join("._f")).unwrap();
    mount.unmount();
    let sent: Vec<_> =
        world.server.log().into_iter().filter(|entry| entry.method == "PUT").map(|entry| entry.path).collect();
    assert!(sent.iter().all(|path| !path.contains('~') && !path.contains("/.")), "{sent:?}");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "d\n");
    let mount = world.mount();
    for name in names.iter().filter(|name| **name != "._f") {
        assert_eq!(&fs::read_to_string(mount.join(name)).unwrap(), name);
    }
    assert_eq!(fs::metadata(mount.join("f.txt~")).unwrap().modified().unwrap(), time);
    assert!(!mount.join("._f").exists());
    let mut listed: Vec<_> = fs::read_dir(mount.join("d")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    listed.sort();
    assert_eq!(listed, [".bashrc~", "a name~"]);
    // They are files like others: changed, shortened, in the way of a removal.
    let file = fs::OpenOptions::new().write(true).open(mount.join("d/a name~")).unwrap();
    file.write_all_at(b"A", 0).unwrap();
    file.set_len(6).unwrap();
    drop(file);
    assert_eq!(fs::read(mount.join("d/a name~")).unwrap(), b"A/a na");
    assert_eq!(errno(fs::remove_dir(mount.join("d"))), Errno::ENOTEMPTY);
    fs::rename(mount.join("d"), mount.join("e")).unwrap();
    mount.kill();
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("e/a name~")).unwrap(), b"A/a na");
    fs::remove_dir_all(mount.join("e")).unwrap();
    assert!(!world.exists("e"));
}

fn directories_of_such_names_stay_here_with_all_that_is_in_them(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "thrown away");
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    let mount = world.mount();
    fs::create_dir_all(mount.join(".Trash-0/files/deep")).unwrap();
    fs::create_dir(mount.join(".Trash-0/info")).unwrap();
    assert_eq!(errno(fs::create_dir(mount.join(".Trash-0"))), Errno::EEXIST);
    fs::write(mount.join(".Trash-0/info/f.trashinfo"), b"info").unwrap();
    fs::rename(mount.join("f"), mount.join(".Trash-0/files/f")).unwrap();
    assert!(!world.exists("f"));
    assert_eq!(errno(fs::metadata(mount.join(".Trash-0/none"))), Errno::ENOENT);
    // A directory of the service is copied, as between two file systems.
    assert_eq!(errno(fs::rename(mount.join("d"), mount.join(".Trash-0/files/d"))), Errno::EXDEV);
    assert_eq!(errno(fs::rename(mount.join(".Trash-0"), mount.join("trash"))), Errno::EXDEV);
    mount.unmount();
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "d\n");
    let mount = world.mount();
    assert_eq!(fs::read(mount.join(".Trash-0/files/f")).unwrap(), b"thrown away");
    let names = |path: &str| {
        let mut names: Vec<_> = fs::read_dir(mount.join(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(""), [".Trash-0", "d"]);
    assert_eq!(names(".Trash-0"), ["files", "info"]);
    assert_eq!(names(".Trash-0/files"), ["deep", "f"]);
    fs::rename(mount.join(".Trash-0/files"), mount.join(".Trash-0/moved")).unwrap();
    assert_eq!(errno(fs::remove_dir(mount.join(".Trash-0"))), Errno::ENOTEMPTY);
    // And back again.
    fs::rename(mount.join(".Trash-0/moved/f"), mount.join("d/f")).unwrap();
    assert_eq!(world.bytes("d/f").unwrap(), b"thrown away");
    fs::remove_dir_all(mount.join(".Trash-0")).unwrap();
    assert_eq!(names(""), ["d"]);
}

fn an_ordinary_name_sends_the_file(profile: Profile) {
    let world = World::new(profile);
    world.put("kept", "old");
    let mount = world.mount();
    for (from, to) in [("new~", "new"), ("kept~", "kept")] {
        fs::write(mount.join(from), b"edited").unwrap();
        assert!(!world.exists(from));
        fs::rename(mount.join(from), mount.join(to)).unwrap();
        assert_eq!((world.bytes(to).unwrap(), mount.join(from).exists()), (b"edited".to_vec(), false));
        assert_eq!(fs::read(mount.join(to)).unwrap(), b"edited");
    }
    // While it is open.
    let mut file = File::create(mount.join(".x.swp")).unwrap();
    file.write_all(b"begun").unwrap();
    fs::rename(mount.join(".x.swp"), mount.join("x")).unwrap();
    file.write_all(b", ended").unwrap();
    drop(file);
    assert_eq!(world.bytes("x").unwrap(), b"begun, ended");
}

fn a_local_name_takes_the_file_from_the_service(profile: Profile) {
    let world = World::new(profile);
    let bytes: Vec<u8> = (0..3_000_000).map(|at| (at % 249) as u8).collect();
    world.put("f", &bytes);
    let mount = world.mount();
    fs::write(mount.join("f~"), b"the backup before").unwrap();
    // What vim does: the old file becomes the backup, and a new one is written.
    fs::rename(mount.join("f"), mount.join("f~")).unwrap();
    assert!(!world.exists("f") && !mount.join("f").exists());
    fs::write(mount.join("f"), b"new").unwrap();
    mount.kill();
    let mount = world.mount();
    assert!(fs::read(mount.join("f~")).unwrap() == bytes);
    assert_eq!(world.bytes("f").unwrap(), b"new");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "f\n");
    fs::rename(mount.join("f~"), mount.join("f")).unwrap();
    assert!(world.bytes("f").unwrap() == bytes);
    // One that could not be fetched stays where it was.
    world.put("g", &bytes);
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{}", "status": 403}}"#, world.server.byte_path()));
    assert!(fs::rename(mount.join("g"), mount.join("g~")).is_err());
    world.server.heal();
    assert!(world.bytes("g").unwrap() == bytes && !mount.join("g~").exists());
    assert!(fs::read(mount.join("g")).unwrap() == bytes);
}

fn what_the_service_has_is_ordinary(profile: Profile) {
    let world = World::new(profile);
    world.put("theirs~", "put there by another program");
    let mount = world.mounting().renaming().start();
    assert_eq!(fs::read(mount.join("theirs~")).unwrap(), b"put there by another program");
    fs::write(mount.join("theirs~"), b"changed").unwrap();
    assert_eq!(world.bytes("theirs~").unwrap(), b"changed");
    fs::write(mount.join("new"), b"new").unwrap();
    fs::rename(mount.join("new"), mount.join("theirs~")).unwrap();
    assert_eq!(world.bytes("theirs~").unwrap(), b"new");
    fs::remove_file(mount.join("theirs~")).unwrap();
    assert!(!world.exists("theirs~"));
}

fn the_patterns_are_an_option(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--local-only", "*.tmp, scratch"]).start();
    for name in ["a.tmp", "scratch", "f~"] {
        fs::write(mount.join(name), name).unwrap();
    }
    assert!(!world.exists("a.tmp") && !world.exists("scratch") && world.exists("f~"));
    mount.unmount();
    // Without patterns, what was kept back is sent: it is an ordinary file now.
    let mount = world.mounting().options(&["--local-only="]).start();
    assert_eq!(fs::read(mount.join("a.tmp")).unwrap(), b"a.tmp");
    mount.unmount();
    assert_eq!(world.bytes("a.tmp").unwrap(), b"a.tmp");
    assert_eq!(world.bytes("scratch").unwrap(), b"scratch");
}
