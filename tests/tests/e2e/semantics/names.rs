//! Which names there can be.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;

use nix::errno::Errno;
use vofs_tests::{Profile, World, every_profile};

use super::errno;

every_profile!(
    what_the_service_cannot_hold_is_refused_before_anything_is_sent,
    what_it_can_hold_goes_there_and_back,
    both_normal_forms_are_one_name,
);

fn what_the_service_cannot_hold_is_refused_before_anything_is_sent(profile: Profile) {
    let world = World::new(profile);
    world.put("a", "precious");
    let mount = world.mount();
    fs::read_dir(mount.path()).unwrap().count();
    world.server.forget();
    for name in [
        "a#b", "a?b", "a b", "a%41", "a%", "a[1]", "a\"b", "a<b", "a\\b", "a^b", "a`b", "{a}", "a|b", "a\tb",
        "a\u{a0}b",
    ] {
        assert_eq!(errno(File::create(mount.join(name))), Errno::EINVAL, "{name}");
        assert_eq!(errno(fs::create_dir(mount.join(name))), Errno::EINVAL, "{name}");
        assert_eq!(errno(fs::rename(mount.join("a"), mount.join(name))), Errno::EINVAL, "{name}");
        assert_eq!(errno(std::os::unix::fs::symlink("a", mount.join(name))), Errno::EINVAL, "{name}");
    }
    let latin = std::ffi::OsStr::from_bytes(b"caf\xe9");
    assert_eq!(errno(File::create(mount.join(latin))), Errno::EILSEQ);
    assert_eq!(errno(File::create(mount.join("x".repeat(256)))), Errno::ENAMETOOLONG);
    let asked: Vec<_> = world.server.log().into_iter().filter(|entry| entry.method != "GET").collect();
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(world.bytes("a").unwrap(), b"precious");
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 1);
}

fn what_it_can_hold_goes_there_and_back(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().renaming().start();
    let mixed = ["a:b;c,d'e&f=g", "a:b,c,d'e&f=g"].into_iter().find(|name| profile.takes_name(name)).unwrap_or("a+b");
    let longest = "l".repeat(255);
    let names = ["plus+at@", mixed, "~tilde!$*()", "-dash", ".hidden", "日本", "é", "UPPER", "upper", "...", &longest];
    for name in names {
        fs::create_dir(mount.join(name)).unwrap();
        fs::write(mount.join(name).join(name), name).unwrap();
    }
    mount.unmount();
    let mount = world.mounting().renaming().cache(&world.path("cache2")).start();
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), names.len());
    for name in names {
        assert_eq!(fs::read_to_string(mount.join(name).join(name)).unwrap(), name);
        fs::rename(mount.join(name).join(name), mount.join(name).join("moved")).unwrap();
        fs::remove_file(mount.join(name).join("moved")).unwrap();
        fs::remove_dir(mount.join(name)).unwrap();
    }
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 0);
}

fn both_normal_forms_are_one_name(profile: Profile) {
    const COMPOSED: &str = "\u{e9}t\u{e9}";
    const DECOMPOSED: &str = "e\u{301}te\u{301}";
    let world = World::new(profile);
    let mount = world.mounting().renaming().start();
    fs::write(mount.join(DECOMPOSED), b"summer").unwrap();
    assert_eq!(fs::read(mount.join(COMPOSED)).unwrap(), b"summer");
    let listed: Vec<_> = fs::read_dir(mount.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(listed, [COMPOSED]);
    let url = "%C3%A9t%C3%A9";
    assert_eq!(world.bytes(url).unwrap(), b"summer", "the service has the composed form");
    fs::write(mount.join(COMPOSED), b"autumn").unwrap();
    assert_eq!(fs::read(mount.join(DECOMPOSED)).unwrap(), b"autumn");
    fs::rename(mount.join(DECOMPOSED), mount.join("plain")).unwrap();
    assert!(!mount.join(COMPOSED).exists());
    fs::rename(mount.join("plain"), mount.join(DECOMPOSED)).unwrap();
    mount.unmount();
    let mount = world.mounting().renaming().cache(&world.path("cache2")).start();
    assert_eq!(fs::read(mount.join(DECOMPOSED)).unwrap(), b"autumn");
    fs::remove_file(mount.join(COMPOSED)).unwrap();
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 0);
}
