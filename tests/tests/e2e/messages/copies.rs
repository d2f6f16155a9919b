//! `vcp` and `vsync`.

use std::fs;
use std::os::unix::fs::symlink;

use vofs_tests::{Profile, World};

use super::{done, each};

#[test]
fn what_is_not_copied_is_said_with_the_way_to_it() {
    let world = World::new(Profile::Vault);
    for name in ["a", "b", "tree/f", "tree/sub/g"] {
        world.local_file(name, name);
    }
    symlink("f", world.local("tree/l")).unwrap();
    let mut header = b"SIMPLE  =                    T".to_vec();
    header.resize(2880, b' ');
    world.local_file("pic.fits", &header);
    let lines = [
        "mkdir vos:demo/d vos:demo/d/a",
        "cp a vos:demo/f",
        "cp pic.fits vos:demo/pic.fits",
        "ln vos:demo/f vos:demo/l",
        "ln https://example.org/x vos:demo/out",
        "ln vos:demo/two vos:demo/one",
        "ln vos:demo/one vos:demo/two",
    ];
    done(&world, &lines);
    each(
        |words| world.vospace(words),
        &[
            ("cp tree/l vos:demo/x", 1, "tree/l is a link; add -L to copy what it points to"),
            ("cp vos:demo/l x", 1, "/demo/l is a link; add -L to copy what it points to"),
            ("cp tree vos:demo/tree", 0, "1 link was left out; add -L to copy what they point to"),
            (
                "cp -L vos:demo/out x",
                1,
                "/demo/out points outside VOSpace, to https://example.org/x; copy that directly",
            ),
            ("cp -L vos:demo/one x", 1, ": links lead round in a circle; remove one of them, or copy without -L"),
            ("cp a vos:demo/d", 1, "/demo/d/a is a directory; a file cannot replace it"),
            (
                "cp tree vos:demo/f",
                1,
                "cannot copy a directory onto the file vos://cadc.nrc.ca~vault/demo/f; remove it first",
            ),
            (
                "cp a b vos:demo/no",
                1,
                "/demo/no is not a directory that exists; several sources need one (create it first)",
            ),
            ("cp a vos:demo/no/", 1, "/demo/no/ does not exist; create it first, or leave off the trailing slash"),
            (
                "cp --head vos:demo/pic.fits pic.fits",
                1,
                "pic.fits is a FITS file of its own; give the header another name",
            ),
            ("cp vos:demo/d[1][1:2,1:2] x", 1, "/demo/d is a container; a part can only be cut out of a file"),
            ("cp vos:demo/f vos:demo/f", 1, "/demo/f cannot be copied onto itself"),
            ("cp vos:demo/d vos:demo/d/a/", 1, "/demo/d/a/d, which is below it"),
            (
                "cp - vos:demo/d",
                1,
                "vos:demo/d is a container; standard input has no name, so say which file it is to become",
            ),
            ("cp -i - vos:demo/new", 1, "-i cannot ask while standard input is what is copied"),
        ],
    );
    assert!(!world.local("x").exists() && !world.exists("x") && !world.exists("new"));
    assert_eq!(world.bytes("f").unwrap(), b"a");
}

#[test]
fn what_came_otherwise_than_it_was_announced_is_tried_again_and_not_kept() {
    let world = World::new(Profile::Vault);
    world.put("f", vec![7; 5000]);
    let answer = |rule: &str| {
        world.server.heal();
        world.server.fault(&format!(r#"{{"method": "GET", "path": "/minoc/", {rule}}}"#));
    };
    let twice = "; trying again";
    answer(r#""digest": "wrong""#);
    let said = ": the bytes received have MD5 ";
    let remedy = "; copy it again later. If that does not help, its last upload failed";
    world.vospace(&["-w", "cp", "vos:demo/f", "x"]).fails_with(1, &[said, remedy, twice]);
    answer(r#""end_after": 3000"#);
    world.vospace(&["cp", "vos:demo/f", "x"]).fails_with(1, &[": the body ended 2000 bytes too early; "]);
    assert!(fs::read_dir(world.path("local")).unwrap().next().is_none(), "nothing of it is kept");
}

#[test]
fn what_stands_below_what_could_not_be_made_is_named() {
    let world = World::new(Profile::Vault);
    world.local_file("tree/sub/f", "f");
    world
        .server
        .fault(r#"{"method": "PUT", "path": "/nodes/demo/tree/sub", "status": 403, "text": "PermissionDenied"}"#);
    let said = "tree/sub/f: not copied, its directory could not be created";
    world.vospace(&["cp", "tree", "vos:demo/tree"]).fails_with(1, &[said, "ask the owner for access"]);
}
