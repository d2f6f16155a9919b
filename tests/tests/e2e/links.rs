//! Paths that lead through a link: some services follow it, the standard refuses them, one finds nothing there.

use std::fs;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(commands_find_what_is_behind_a_link, programs_go_through_links, a_mount_of_what_is_behind_a_link);

/// What is said where something is to be made behind a link that the service does not follow.
const ON_THE_WAY: &str = "a link stands on the way: name what it leads to";

/// `demo/real/sub/f`, and a link `demo/link` to `demo/real`.
fn with_link(profile: Profile) -> World {
    let world = World::new(profile);
    world.put_deep("real/sub/f", "bytes");
    world.put("real/top", "top");
    world.vospace(&["ln", &world.uri("real"), &world.uri("link")]).ok();
    world
}

fn commands_find_what_is_behind_a_link(profile: Profile) {
    let world = with_link(profile);
    let f = world.uri("link/sub/f");
    let shown = |line: &[&str]| world.vospace(line).ok().stdout();
    assert_eq!(shown(&["cat", &f]), "bytes");
    for (path, listed) in [("link/sub/f", "f\n"), ("link/sub", "f\n"), ("link/sub/*", "f\n"), ("link/t*", "top\n")] {
        assert_eq!(shown(&["ls", &world.uri(path)]), listed, "{path}");
    }
    shown(&["cp", &f, "f"]);
    assert_eq!(fs::read_to_string(world.local("f")).unwrap(), "bytes");
    shown(&["tag", &f, "title=behind a link"]);
    assert_eq!(shown(&["tag", &world.uri("real/sub/f"), "title"]), "'behind a link'\n");
    world.vospace(&["ls", &world.uri("link/sub/none")]).fails_with(1, &["demo/link/sub/none"]);
    world.vospace(&["ls", &world.uri("link/none/f")]).fails_with(1, &["demo/link/none/f"]);
    // Where something is to be made, links are followed by the service or not at all.
    for line in [["mkdir", "", &world.uri("link/sub/d")], ["cp", "f", &world.uri("link/sub/g")]] {
        let line: Vec<&str> = line.into_iter().filter(|word| !word.is_empty()).collect();
        let made = world.vospace(&line);
        if profile.follows_links() {
            made.ok();
        } else {
            made.fails_with(1, &["demo/link/sub", ON_THE_WAY]);
        }
    }
    for path in ["real/sub/d", "real/sub/g"] {
        assert_eq!(world.exists(path), profile.follows_links(), "{path}");
    }
    shown(&["rm", &f]);
    assert!(!world.exists("real/sub/f") && world.exists("real/sub") && world.exists("link"));
}

/// The kernel follows links itself, where they lead to what is mounted.
fn programs_go_through_links(profile: Profile) {
    let world = with_link(profile);
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("link/sub/f")).unwrap(), b"bytes");
    fs::write(mount.join("link/sub/g"), b"written through a link").unwrap();
    assert_eq!(world.bytes("real/sub/g").unwrap(), b"written through a link");
    fs::remove_file(mount.join("link/sub/f")).unwrap();
    assert!(!world.exists("real/sub/f"));
}

fn a_mount_of_what_is_behind_a_link(profile: Profile) {
    let world = with_link(profile);
    let uri = world.uri("link/sub");
    if profile.follows_links() {
        let mount = world.mounting().vospace(&uri).start();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"bytes");
        return;
    }
    let mut command = world.command("mountvofs");
    command.args(["--foreground", "--vospace", &uri, "--mountpoint"]).arg(world.path("mnt"));
    command.arg("--cache_dir").arg(world.path("cache"));
    let instead = format!("{uri} leads through a link; mount vos://{}/demo/real/sub instead", profile.authority());
    run(&mut command).fails_with(7, &[&instead]);
}
