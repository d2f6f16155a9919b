//! Renaming, removing, links: what happens to names.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use vofs_tests::{Mount, Profile, World, every_profile};

use super::errno;

every_profile!(
    a_file_takes_the_place_of_another,
    directories_move_with_what_is_in_them,
    into_a_name_that_begins_alike,
    open_and_dirty_files_follow_their_names,
    not_onto_what_exists,
    directories_are_removed_when_empty,
    a_removed_directory_that_is_open,
    one_name_a_file,
    links_within_and_links_without,
    a_directory_dates_its_changes,
    the_time_that_a_directory_was_given_stays,
);

#[track_caller]
fn rename_with(mount: &Mount, from: &str, to: &str, flags: RenameFlags) -> nix::Result<()> {
    renameat2(AT_FDCWD, &mount.join(from), AT_FDCWD, &mount.join(to), flags)
}

fn a_file_takes_the_place_of_another(profile: Profile) {
    let world = World::new(profile);
    world.put("old", "old");
    world.put_deep("d/old", "old too");
    world.put("new", "new");
    let mount = world.mounting().renaming().start();
    let reader = File::open(mount.join("old")).unwrap();
    fs::rename(mount.join("new"), mount.join("old")).unwrap();
    assert_eq!((world.exists("new"), world.bytes("old").unwrap()), (false, b"new".to_vec()));
    let mut before = [0; 3];
    reader.read_exact_at(&mut before, 0).unwrap();
    assert_eq!(&before, b"old", "who had the replaced one open keeps it");
    fs::rename(mount.join("old"), mount.join("d/old")).unwrap();
    assert_eq!((world.exists("old"), world.bytes("d/old").unwrap()), (false, b"new".to_vec()));
    fs::rename(mount.join("d/old"), mount.join("d/old")).unwrap();
    assert_eq!(fs::read(mount.join("d/old")).unwrap(), b"new");
    // Nothing of what was set aside meanwhile is left.
    assert_eq!(world.vospace(&["ls", &world.uri("d")]).ok().stdout(), "old\n");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "d\n");
}

fn directories_move_with_what_is_in_them(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("a/b/deep", "deep");
    world.put_deep("a/top", "top");
    for number in 0..30 {
        world.put(&format!("a/b/{number}"), b"one of many");
    }
    let mount = world.mount();
    fs::create_dir_all(mount.join("elsewhere/empty")).unwrap();
    let ino = fs::metadata(mount.join("a/b/deep")).unwrap().ino();
    world.server.forget();
    fs::rename(mount.join("a"), mount.join("elsewhere/moved")).unwrap();
    let asked = world.server.log();
    assert!(asked.len() < 20, "{} requests for one move: {asked:?}", asked.len());
    assert_eq!(fs::read(mount.join("elsewhere/moved/b/deep")).unwrap(), b"deep");
    assert_eq!(fs::metadata(mount.join("elsewhere/moved/b/deep")).unwrap().ino(), ino);
    assert_eq!(world.bytes("elsewhere/moved/top").unwrap(), b"top");
    assert!(!world.exists("a") && !mount.join("a").exists());
    // Onto an empty directory, not onto one with something in it, nor onto a file.
    fs::rename(mount.join("elsewhere/moved"), mount.join("elsewhere/empty")).unwrap();
    assert_eq!(world.bytes("elsewhere/empty/top").unwrap(), b"top");
    fs::create_dir(mount.join("other")).unwrap();
    fs::write(mount.join("file"), b"").unwrap();
    assert_eq!(errno(fs::rename(mount.join("other"), mount.join("elsewhere/empty"))), Errno::ENOTEMPTY);
    assert_eq!(errno(fs::rename(mount.join("other"), mount.join("file"))), Errno::ENOTDIR);
    assert_eq!(errno(fs::rename(mount.join("file"), mount.join("other"))), Errno::EISDIR);
    assert_eq!(errno(fs::rename(mount.join("elsewhere"), mount.join("elsewhere/empty/x"))), Errno::EINVAL);
}

/// The services take `proj` for an ancestor of `proj2/x`, because its path begins that of the other.
fn into_a_name_that_begins_alike(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("proj/f", "f");
    world.put("data", "file");
    let mount = world.mounting().renaming().start();
    for directory in ["proj2", "data.d"] {
        fs::create_dir(mount.join(directory)).unwrap();
    }
    fs::rename(mount.join("proj"), mount.join("proj2/x")).unwrap();
    assert_eq!((world.exists("proj"), world.bytes("proj2/x/f").unwrap()), (false, b"f".to_vec()));
    fs::rename(mount.join("data"), mount.join("data.d/file")).unwrap();
    assert_eq!((world.exists("data"), world.bytes("data.d/file").unwrap()), (false, b"file".to_vec()));
    fs::write(mount.join("data"), "new").unwrap();
    fs::rename(mount.join("data"), mount.join("data.d/file")).unwrap();
    assert_eq!((world.exists("data"), world.bytes("data.d/file").unwrap()), (false, b"new".to_vec()));
    let names = world.vospace(&["ls", &world.uri("")]).ok().stdout();
    assert_eq!(
        names.lines().collect::<std::collections::BTreeSet<_>>().len(),
        2,
        "nothing is left on the way: {names}"
    );
    assert_eq!(world.vospace(&["ls", &world.uri("data.d")]).ok().stdout(), "file\n");
}

fn open_and_dirty_files_follow_their_names(profile: Profile) {
    let world = World::new(profile);
    world.put("target", "was here");
    let mount = world.mounting().renaming().start();
    fs::create_dir(mount.join("d")).unwrap();
    let mut new = File::create(mount.join("d/new")).unwrap();
    new.write_all(b"begun as new").unwrap();
    fs::rename(mount.join("d"), mount.join("e")).unwrap();
    assert_eq!(fs::read(mount.join("e/new")).unwrap(), b"begun as new");
    fs::rename(mount.join("e/new"), mount.join("target")).unwrap();
    assert_eq!(fs::read(mount.join("target")).unwrap(), b"begun as new");
    new.write_all(b", and went on").unwrap();
    drop(new);
    assert_eq!(world.bytes("target").unwrap(), b"begun as new, and went on");
    // One that the service has, with changes that it does not have.
    let changed = OpenOptions::new().write(true).open(mount.join("target")).unwrap();
    changed.write_all_at(b"BEGUN", 0).unwrap();
    fs::rename(mount.join("target"), mount.join("e/last")).unwrap();
    drop(changed);
    assert_eq!(
        (world.exists("target"), world.bytes("e/last").unwrap()),
        (false, b"BEGUN as new, and went on".to_vec())
    );
}

fn not_onto_what_exists(profile: Profile) {
    let world = World::new(profile);
    world.put("a", "a");
    world.put("b", "b");
    let mount = world.mounting().renaming().start();
    assert_eq!(rename_with(&mount, "a", "b", RenameFlags::RENAME_NOREPLACE), Err(Errno::EEXIST));
    assert_eq!(rename_with(&mount, "a", "b", RenameFlags::RENAME_EXCHANGE), Err(Errno::EINVAL));
    rename_with(&mount, "a", "c", RenameFlags::RENAME_NOREPLACE).unwrap();
    assert_eq!((world.bytes("b").unwrap(), world.bytes("c").unwrap()), (b"b".to_vec(), b"a".to_vec()));
}

fn directories_are_removed_when_empty(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("full/f", "f");
    let mount = world.mount();
    assert_eq!(errno(fs::remove_dir(mount.join("full"))), Errno::ENOTEMPTY);
    assert_eq!(errno(fs::remove_dir(mount.join("full/f"))), Errno::ENOTDIR);
    assert_eq!(errno(fs::remove_file(mount.join("full"))), Errno::EISDIR);
    fs::create_dir(mount.join("new")).unwrap();
    // A file that the service does not have yet is something, too.
    let file = File::create(mount.join("new/f")).unwrap();
    assert_eq!(errno(fs::remove_dir(mount.join("new"))), Errno::ENOTEMPTY);
    fs::remove_file(mount.join("new/f")).unwrap();
    drop(file);
    fs::remove_dir(mount.join("new")).unwrap();
    assert!(!world.exists("new"));
}

fn a_removed_directory_that_is_open(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    let open = File::open(mount.join("d")).unwrap();
    fs::remove_dir(mount.join("d")).unwrap();
    assert_eq!(errno(fs::metadata(mount.join("d"))), Errno::ENOENT);
    let inside = nix::fcntl::openat(
        &open,
        "f",
        nix::fcntl::OFlag::O_CREAT | nix::fcntl::OFlag::O_WRONLY,
        nix::sys::stat::Mode::empty(),
    );
    assert!(inside.is_err(), "a file in a directory that is gone");
    drop(open);
    fs::create_dir(mount.join("d")).unwrap();
    fs::write(mount.join("d/f"), b"f").unwrap();
    assert_eq!(world.bytes("d/f").unwrap(), b"f");
}

fn one_name_a_file(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    let mount = world.mount();
    assert_eq!(errno(fs::hard_link(mount.join("f"), mount.join("g"))), Errno::EPERM);
    assert_eq!(errno(std::os::unix::net::UnixListener::bind(mount.join("socket"))), Errno::EPERM);
    assert_eq!(nix::unistd::mkfifo(&mount.join("pipe"), nix::sys::stat::Mode::S_IRUSR), Err(Errno::EPERM));
    assert_eq!(fs::metadata(mount.join("f")).unwrap().nlink(), 1);
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 1);
}

fn links_within_and_links_without(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", "linked");
    world.vospace(&["mkdir", &world.uri("d/e")]).ok();
    let mount = world.mount();
    for (text, link) in [("d/f", "l"), ("../f", "d/e/up"), ("d/e", "dir")] {
        symlink(text, mount.join(link)).unwrap();
        assert_eq!(fs::read_link(mount.join(link)).unwrap(), Path::new(text), "{link}");
    }
    assert_eq!(fs::read(mount.join("l")).unwrap(), b"linked");
    assert_eq!(fs::read(mount.join("dir/up")).unwrap(), b"linked");
    // Others see a link to a node, and ours leads where theirs does.
    assert!(world.vospace(&["ls", "-l", &world.uri("l")]).ok().stdout().contains("-> vos://"));
    world.vospace(&["ln", &world.uri("d/f"), &world.uri("d/e/theirs")]).ok();
    assert_eq!(fs::read_link(mount.join("d/e/theirs")).unwrap(), Path::new("../f"));
    assert_eq!(fs::read(mount.join("d/e/theirs")).unwrap(), b"linked");
    // A place on this machine stays as it was written; one that depends on where the mount is is refused.
    let absolute = symlink("/etc/hostname", mount.join("etc"));
    if profile.in_place() {
        // A Cavern has links to nodes only.
        assert_eq!(errno(absolute), Errno::EINVAL);
    } else {
        absolute.unwrap();
        assert_eq!(fs::read_link(mount.join("etc")).unwrap(), Path::new("/etc/hostname"));
    }
    assert_eq!(errno(symlink("../outside", mount.join("out"))), Errno::EINVAL);
    // A link is removed by itself, and dangles when its target goes.
    fs::remove_file(mount.join("dir")).unwrap();
    assert!(world.exists("d/e"));
    fs::remove_file(mount.join("d/f")).unwrap();
    assert_eq!(fs::read(mount.join("l")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(fs::read_link(mount.join("l")).unwrap(), Path::new("d/f"));
}

/// What `make` and the untracked cache of `git` look at.
fn a_directory_dates_its_changes(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", "f");
    let mount = world.mount();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let modified = || fs::metadata(mount.join("d")).unwrap().modified().unwrap();
    let set_back = || {
        File::open(mount.join("d")).unwrap().set_modified(old).unwrap();
        assert_eq!(modified(), old);
    };
    set_back();
    let file = File::create(mount.join("d/new")).unwrap();
    assert!(modified() > old, "after a file was made");
    drop(file);
    set_back();
    fs::rename(mount.join("d/new"), mount.join("d/newer")).unwrap();
    assert!(modified() > old, "after a rename");
    set_back();
    fs::remove_file(mount.join("d/newer")).unwrap();
    assert!(modified() > old, "after a removal");
    set_back();
    fs::create_dir(mount.join("d/sub")).unwrap();
    assert!(modified() > old, "after a directory was made");
}

/// `tar`, `rsync -a` and `cp -a` set it after they have filled the directory; a service may date that anew.
fn the_time_that_a_directory_was_given_stays(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", "f");
    let mount = world.mount();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    assert!(fs::metadata(mount.join("d")).unwrap().is_dir(), "known with the date of the service");
    fs::create_dir(mount.join("d/sub")).unwrap();
    fs::write(mount.join("d/g"), "g").unwrap();
    for directory in ["d/sub", "d"] {
        File::open(mount.join(directory)).unwrap().set_modified(old).unwrap();
        world.ask_mount(&["refresh", directory]).ok();
        assert_eq!(fs::read_dir(mount.join("d")).unwrap().count(), 3);
        assert_eq!(fs::metadata(mount.join(directory)).unwrap().modified().unwrap(), old, "{directory}");
    }
}
