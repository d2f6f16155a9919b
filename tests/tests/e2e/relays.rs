//! Copies from one place in VOSpace to another, and from and to standard streams.

use std::fs;
use std::process::Stdio;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    files_within_a_space,
    trees_within_a_space,
    a_synchronised_copy,
    nothing_is_copied_onto_or_into_itself,
    standard_input,
    standard_output,
);

fn content(length: u32) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (i >> 13) as u8).collect()
}

fn files_within_a_space(profile: Profile) {
    let world = World::new(profile);
    let bytes = content(9_000_000);
    world.put("big", &bytes);
    world.put("small", b"small");
    world.local_file("none", b"");
    world.vospace(&["cp", "none", &world.uri("empty")]).ok();
    world.vospace(&["mkdir", &world.uri("to")]).ok();
    let (big, small, empty) = (world.uri("big"), world.uri("small"), world.uri("empty"));
    world.vospace(&["cp", &big, &small, &empty, &world.uri("to")]).ok();
    assert!(world.bytes("to/big").unwrap() == bytes);
    assert_eq!(world.bytes("to/small").as_deref(), Some(&b"small"[..]));
    assert_eq!(world.bytes("to/empty").as_deref(), Some(&b""[..]));
    world.vospace(&["cp", &small, &world.uri("other.name")]).ok();
    assert_eq!(world.bytes("other.name").as_deref(), Some(&b"small"[..]));
    // What is there already is not sent again; what differs is replaced.
    world.put("small", b"SMALL");
    world.server.forget();
    let arguments = ["cp", "--exclude", "other", &world.uri("*"), &world.uri("to/")];
    world.vospace(&arguments).fails_with(1, &["demo/to", "below it"]);
    assert_eq!(world.bytes("to/small").as_deref(), Some(&b"SMALL"[..]));
    world.vospace(&["cp", &big, &small, &world.uri("to/")]).ok();
    let written = world.server.log().into_iter().filter(|entry| entry.is_byte_write()).count();
    // Without a digest nothing is known to be the same.
    assert_eq!(written, if profile.tells_digests() { 1 } else { 4 }, "{:?}", world.server.log());
    assert!(fs::read_dir(world.path("local")).unwrap().count() == 1, "something was copied to this machine");
}

fn tree(world: &World) {
    for i in 0..20 {
        world.local_file(&format!("tree/a/f{i:02}"), format!("content of {i}"));
    }
    world.local_file("tree/a/b/deep", content(300_000));
    fs::create_dir(world.local("tree/nothing")).unwrap();
    world.vospace(&["cp", "tree", &world.uri("tree")]).ok();
}

#[track_caller]
fn holds_the_tree(world: &World, node: &str) {
    world.vospace(&["cp", &world.uri(node), "back"]).ok();
    run(std::process::Command::new("diff").arg("-r").arg(world.local("tree")).arg(world.local("back"))).ok();
    fs::remove_dir_all(world.local("back")).unwrap();
}

fn trees_within_a_space(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    world.vospace(&["cp", &world.uri("tree"), &world.uri("copy")]).ok();
    holds_the_tree(&world, "copy");
    world.vospace(&["mkdir", &world.uri("there")]).ok();
    world.vospace(&["cp", &world.uri("tree"), &world.uri("there")]).ok();
    holds_the_tree(&world, "there/tree");
    world.vospace(&["cp", &world.uri("tree/a/f0*"), &world.uri("there")]).ok();
    assert_eq!(world.bytes("there/f07").as_deref(), Some(&b"content of 7"[..]));
}

fn a_synchronised_copy(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let (from, to) = (format!("{}/", world.uri("tree")), world.uri("copy"));
    world.vospace(&["sync", &from, &to]).ok();
    holds_the_tree(&world, "copy");
    world.put("copy/extra", b"x");
    world.put("tree/a/f03", b"changed");
    world.server.forget();
    world.vospace(&["sync", "--delete", "--yes", &from, &to]).ok();
    assert!(!world.exists("copy/extra"));
    assert_eq!(world.bytes("copy/a/f03").as_deref(), Some(&b"changed"[..]));
    let written = world.server.log().into_iter().filter(|entry| entry.is_byte_write()).count();
    assert_eq!(written, if profile.tells_digests() { 1 } else { 21 });
}

fn nothing_is_copied_onto_or_into_itself(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let (root, below) = (world.uri("tree"), world.uri("tree/a"));
    world.vospace(&["cp", &root, &below]).fails_with(1, &["demo/tree", "below it"]);
    let file = world.uri("tree/a/f00");
    world.vospace(&["cp", &file, &file]).fails_with(1, &["itself"]);
    world.vospace(&["cp", &file, &below]).fails_with(1, &["itself"]);
    assert_eq!(world.bytes("tree/a/f00").as_deref(), Some(&b"content of 0"[..]));
    holds_the_tree(&world, "tree");
}

#[test]
fn between_two_services() {
    let world = World::new(Profile::Both);
    let vault = |path: &str| format!("vos:demo/{path}");
    let arc = |path: &str| format!("arc:demo/{path}");
    tree(&world);
    world.vospace(&["cp", &vault("tree"), &arc("tree")]).ok();
    world.vospace(&["cp", &arc("tree"), "back"]).ok();
    run(std::process::Command::new("diff").arg("-r").arg(world.local("tree")).arg(world.local("back"))).ok();
    // Large enough for segments on one side and ranges on none.
    let bytes = content(80_000_000);
    world.local_file("large", &bytes);
    world.vospace(&["cp", "large", &arc("large")]).ok();
    world.vospace(&["cp", &arc("large"), &vault("large")]).ok();
    assert!(world.bytes("large").unwrap() == bytes);
    world.vospace(&["cp", &vault("large"), &arc("large2")]).ok();
    world.vospace(&["cp", &arc("large2"), "large2"]).ok();
    assert!(fs::read(world.local("large2")).unwrap() == bytes);
}

fn standard_input(profile: Profile) {
    let world = World::new(profile);
    let bytes = content(6_000_000);
    let file = world.local_file("input", &bytes);
    let copy = |node: &str, input: Stdio| {
        let output = world.command("vospace").args(["cp", "-", &world.uri(node)]).stdin(input).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(copy("piped", fs::File::open(&file).unwrap().into()), (0, String::new()));
    assert!(world.bytes("piped").unwrap() == bytes);
    assert_eq!(copy("nothing", Stdio::null()), (0, String::new()));
    assert_eq!(world.bytes("nothing").as_deref(), Some(&b""[..]));
    let (status, errors) = copy("", Stdio::null());
    assert!(status == 1 && errors.contains("standard input has no name"), "{status} {errors}");
    world.vospace(&["cp", "-", "input", &world.uri("")]).fails_with(2, &["the one source"]);
    world.vospace(&["cp", "-", "file"]).fails_with(2, &["only be copied to a node"]);
}

fn standard_output(profile: Profile) {
    let world = World::new(profile);
    let bytes = content(6_000_000);
    world.put("a", &bytes);
    world.put("b", b"end");
    let printed = world.vospace(&["cp", &world.uri("a"), &world.uri("b"), "-"]).ok();
    assert!(printed.bytes == [&bytes[..], b"end"].concat());
    world.vospace(&["cp", &world.uri("none"), "-"]).fails_with(1, &["demo/none"]);
    world.local_file("c", b"c");
    world.vospace(&["cp", "c", "-"]).fails_with(2, &["both are local"]);
    // Bytes that are not what the service announced are told, though they cannot be taken back.
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{}", "digest": "wrong"}}"#, world.server.byte_path()));
    let copied = world.vospace(&["cp", &world.uri("b"), "-"]);
    if profile.tells_digests() {
        copied.fails_with(1, &["MD5"]);
    } else {
        assert_eq!(copied.ok().bytes, b"end", "what such a service says of a digest is not asked");
    }
}
