//! `vchmod`, `vlock`, `vtag`, `vln`, `vrmdir`: what they change at the service, and what they refuse to.

use std::fs;

use vofs_tests::{Profile, World, every_profile};

every_profile!(
    vchmod_sets_rights,
    vchmod_of_a_tree,
    vchmod_never_publishes_by_mistake,
    vtag_shows_sets_and_removes,
    vtag_of_a_tree,
    vlock_tells_and_holds,
    vln_makes_links,
    vrmdir_takes_only_empty_containers,
);

/// The first and the group columns of `vls -l`.
fn rights(world: &World, path: &str) -> String {
    let row = world.vospace(&["ls", "-l", &world.uri(path)]).ok().stdout();
    let columns: Vec<&str> = row.split_whitespace().collect();
    format!("{} {} {}", columns[0], columns[2], columns[3])
}

fn vchmod_sets_rights(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let file = world.uri("f");
    let chmod = |arguments: &[&str]| {
        let mut all = vec!["chmod"];
        all.extend(arguments);
        world.vospace(&all)
    };
    assert_eq!(rights(&world, "f"), "-rw------- NONE NONE");
    chmod(&["o+r", &file]).ok();
    assert_eq!(rights(&world, "f"), "-rw----r-- NONE NONE");
    chmod(&["g+r", &file, "A"]).ok();
    chmod(&["g+w", &file, "B"]).ok();
    assert_eq!(rights(&world, "f"), "-rw-rw-r-- A B");
    chmod(&["g=r:C", &file]).ok();
    chmod(&["og-r", &file]).ok();
    assert_eq!(rights(&world, "f"), "-rw--w---- NONE B");
    chmod(&["g+rw", &file, "R1, R2", "W"]).ok();
    let row = world.vospace(&["ls", "-l", &file]).ok().stdout();
    assert!(row.contains(" R1 R2 ") && row.contains(" W "), "{row}");
    chmod(&["o+r", &world.uri("none")]).fails_with(1, &["ERROR:: ", "demo/none"]);
}

fn vchmod_of_a_tree(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("d/e")]).ok();
    world.put("d/e/f", b"x");
    let told = world.vospace(&["-v", "chmod", "-R", "o+r", &world.uri("d")]).ok();
    assert!(told.stderr.contains("updated count: 3"), "{}", told.stderr);
    for path in ["d/", "d/e/f"] {
        let shown = world.vospace(&["tag", &world.uri(path), "ispublic"]).ok().stdout();
        assert_eq!(shown, "'true'\n", "{path}");
    }
}

fn vchmod_never_publishes_by_mistake(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let file = world.uri("f");
    for mode in ["o+w", "o=rw", "u+r", "o+rxyz"] {
        world.vospace(&["chmod", mode, &file]).fails_with(2, &[mode]);
    }
    world.vospace(&["chmod", "g+rw", &file, "ONE"]).fails_with(2, &["2 group name required"]);
    assert_eq!(rights(&world, "f"), "-rw------- NONE NONE");
}

fn vtag_shows_sets_and_removes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let file = world.uri("f");
    let tag = |arguments: &[&str]| {
        let mut all = vec!["tag", file.as_str()];
        all.extend(arguments);
        world.vospace(&all).ok().stdout()
    };
    assert_eq!(tag(&["title=a = b", "ivo://example/vospace/x#quality=good"]), "");
    assert_eq!(tag(&["title", "ivo://example/vospace/x#quality", "subject"]), "'a = b'\n'good'\nNone\n");
    let all = tag(&[]);
    assert!(all.starts_with("{'") && all.contains("'title': 'a = b'") && all.contains("'length': '1'"), "{all}");
    // What is so already costs no request that changes anything.
    world.server.forget();
    tag(&["title=a = b", "subject="]);
    assert!(world.server.log().iter().all(|request| request.method == "GET" || request.is_log_in()));
    tag(&["title="]);
    tag(&["--remove", "ivo://example/vospace/x#quality"]);
    assert_eq!(tag(&["title", "ivo://example/vospace/x#quality"]), "None\nNone\n");
    world.vospace(&["tag", "--remove", &file]).fails_with(2, &["name the properties"]);
    assert_eq!(world.bytes("f").unwrap(), b"x");
}

fn vtag_of_a_tree(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("d/e")]).ok();
    world.put("d/e/f", b"x");
    world.vospace(&["tag", "-R", &world.uri("d")]).fails_with(2, &["-R changes"]);
    world.vospace(&["tag", "-R", &world.uri("d"), "title=t"]).ok();
    assert_eq!(world.vospace(&["tag", &world.uri("d/e/f"), "title"]).ok().stdout(), "'t'\n");
    world.vospace(&["tag", "-R", &world.uri("d"), "title="]).ok();
    assert_eq!(world.vospace(&["tag", &world.uri("d/e/f"), "title"]).ok().stdout(), "None\n");
}

fn vlock_tells_and_holds(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let file = world.uri("f");
    assert_eq!(world.vospace(&["lock", &file]).fails_with(255, &[]).stdout(), "");
    if !profile.has_locks() {
        world.vospace(&["lock", "--lock", &file]).fails_with(1, &["demo/f", "no locks"]);
        return;
    }
    world.vospace(&["lock", "--lock", &file]).ok();
    world.vospace(&["lock", &file]).ok();
    world.vospace(&["rm", &file]).fails_with(1, &["demo/f"]);
    assert_eq!(world.bytes("f").unwrap(), b"x");
    world.vospace(&["lock", "--unlock", &file]).ok();
    world.vospace(&["lock", &file]).fails_with(255, &[]);
    world.vospace(&["lock", "--lock", "--unlock", &file]).fails_with(2, &["--unlock"]);
}

fn vln_makes_links(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"linked");
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    world.vospace(&["ln", &world.uri("f"), &world.uri("l")]).ok();
    assert_eq!(world.vospace(&["cat", &world.uri("l")]).ok().stdout(), "linked");
    world.vospace(&["ln", &world.uri("f"), &world.uri("d/")]).ok();
    assert_eq!(world.vospace(&["ls", &world.uri("d")]).ok().stdout(), "f\n");
    world.vospace(&["ln", &world.uri("f"), &world.uri("l")]).fails_with(1, &["demo/l", "exists already"]);
    world.vospace(&["ln", &world.uri("f"), "plain"]).fails_with(1, &["plain is no node"]);
    let outside = world.vospace(&["ln", "https://example.org/x", &world.uri("web")]);
    if !profile.in_place() {
        outside.ok();
        let row = world.vospace(&["ls", "-l", &world.uri("web")]).ok().stdout();
        assert!(row.ends_with("web -> https://example.org/x\n"), "{row}");
    } else {
        // Links are symbolic links there.
        outside.fails_with(1, &["demo/web"]);
    }
}

fn vrmdir_takes_only_empty_containers(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("a1"), &world.uri("a2"), &world.uri("full/x")]).ok();
    world.put("f", b"x");
    world.vospace(&["ln", &world.uri("a1"), &world.uri("link")]).ok();
    world.vospace(&["rmdir", &world.uri("full")]).fails_with(1, &["demo/full", "not empty"]);
    world.vospace(&["rmdir", &world.uri("f")]).fails_with(1, &["demo/f", "is a file"]);
    world.vospace(&["rmdir", &world.uri("link")]).fails_with(1, &["demo/link", "is a link"]);
    world.vospace(&["rmdir", &world.uri("a*"), &world.uri("full/x")]).ok();
    assert!(!world.exists("a1") && !world.exists("a2") && !world.exists("full/x") && world.exists("full"));
    assert!(world.exists("f"));
}

#[test]
fn a_group_of_nobody_knows_whom_gets_no_right() {
    let world = World::new(Profile::Srcnet);
    world.put("f", b"x");
    let place = world.path("home/.config/vofs/config.toml");
    let with = fs::read_to_string(&place).unwrap();
    let without: Vec<&str> = with.lines().filter(|line| !line.starts_with("groups")).collect();
    fs::write(&place, without.join("\n")).unwrap();
    let file = world.uri("f");
    world.server.forget();
    world.vospace(&["chmod", "g+r", &file, "A"]).fails_with(
        1,
        &["A is the name of a group alone, and nothing says whose groups ivo://srcnet.example/cavern", "groups = "],
    );
    assert!(world.server.log().iter().all(|request| request.method == "GET"));
    world.vospace(&["chmod", "g+r", &file, "ivo://skao.int/gms?A"]).ok();
    assert_eq!(rights(&world, "f"), "-rw-r----- ivo://skao.int/gms?A NONE");
    fs::write(&place, with).unwrap();
    assert_eq!(rights(&world, "f"), "-rw-r----- A NONE");
}
