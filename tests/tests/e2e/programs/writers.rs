//! How editors save.

use std::fs;

use vofs_tests::{Profile, World, every_profile};

use super::shell;

every_profile!(sed_in_place, vim_saves, nano_saves);

fn sed_in_place(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "one two one\n");
    let mount = world.mounting().renaming().start();
    shell(mount.path(), "sed -i s/one/1/g f; sed -i.orig s/two/2/ f");
    assert_eq!(
        (world.bytes("f").unwrap(), world.bytes("f.orig").unwrap()),
        (b"1 2 1\n".to_vec(), b"1 two 1\n".to_vec())
    );
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 2);
}

fn vim_saves(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "one\n");
    let mount = world.mount();
    let vim = "vim -u NONE -i NONE -es -c 'set updatecount=200 backupskip='";
    // In place, by a backup that stays, and by a backup that is a renamed file.
    shell(mount.path(), &format!("{vim} -c '%s/one/two/' -c 'wq' f"));
    assert_eq!(world.bytes("f").unwrap(), b"two\n");
    shell(mount.path(), &format!("{vim} -c 'set backup backupcopy=yes' -c '%s/two/three/' -c 'wq' f"));
    assert_eq!(
        (world.bytes("f").unwrap(), fs::read(mount.join("f~")).unwrap()),
        (b"three\n".to_vec(), b"two\n".to_vec())
    );
    shell(mount.path(), &format!("{vim} -c 'set backup backupcopy=no' -c '%s/three/four/' -c 'wq' f"));
    assert_eq!(
        (world.bytes("f").unwrap(), fs::read(mount.join("f~")).unwrap()),
        (b"four\n".to_vec(), b"three\n".to_vec())
    );
    shell(mount.path(), &format!("{vim} -c 'normal inew' -c 'wq' fresh"));
    assert_eq!(world.bytes("fresh").unwrap(), b"new\n");
    mount.unmount();
    let mut names: Vec<_> = world.vospace(&["ls", &world.uri("")]).ok().stdout().lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["f", "fresh"], "neither swap file nor backup");
}

fn nano_saves(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "old\n");
    let mount = world.mount();
    // Types a word at the beginning, and leaves with saving.
    shell(mount.path(), "printf 'new \\030' | script -qec 'nano -I -t f' /dev/null");
    assert_eq!(world.bytes("f").unwrap(), b"new old\n");
    shell(mount.path(), "printf 'x\\030' | script -qec 'nano -I -t -B f' /dev/null");
    assert_eq!(
        (world.bytes("f").unwrap(), fs::read(mount.join("f~")).unwrap()),
        (b"xnew old\n".to_vec(), b"new old\n".to_vec())
    );
    assert!(!world.exists("f~"));
}
