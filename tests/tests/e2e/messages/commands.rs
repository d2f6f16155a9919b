//! The commands for nodes: `vls`, `vrm`, `vmv` and so on.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use vofs_tests::process::{binary, run};
use vofs_tests::{Profile, World};

use super::{done, each};

/// Two services side by side, with a file and a container of each, and links to both of the first.
fn world() -> World {
    let world = World::new(Profile::Both);
    world.local_file("f", "f");
    let lines = [
        "mkdir vos:demo/d vos:demo/d/sub arc:demo/d",
        "cp f vos:demo/f",
        "cp f vos:demo/d/g",
        "cp f arc:demo/d/f",
        "ln vos:demo/d vos:demo/ld",
        "ln arc:demo/d/f arc:demo/d/l",
    ];
    done(&world, &lines);
    world
}

#[test]
fn what_a_command_does_not_do_it_says_with_the_way_to_it() {
    let world = world();
    each(
        |words| world.vospace(words),
        &[
            ("ls vos:demo/no*", 1, "nothing matches"),
            ("cp vos:demo/f", 2, "the destination is missing: where is vos:demo/f to go?"),
            ("cp --bwlimit 0 f vos:demo/x", 2, "at least 1 byte per second is needed"),
            ("chmod o+r vos:demo/f g", 2, "no group belongs to o+r: it takes the right away from all"),
            ("chmod g+r vos:demo/f", 2, "group name required for r, "),
            ("chmod g+r:g vos:demo/f g", 2, "the group stands in the mode already; name it once"),
            ("chmod o+w vos:demo/f", 2, "o+w: others cannot be given write; o+r lets them read"),
            ("chmod o-w vos:demo/f", 2, "o-w: others never have write, so there is nothing to take away"),
            ("tag vos:demo/f =v", 2, "is no property; write KEY, KEY=VALUE or KEY="),
            ("tag --remove vos:demo/f k=v", 2, "--remove takes keys without values"),
            ("rm vos:demo/d", 1, "demo/d is a container; add -R to remove it and all that it holds"),
            (
                "rm vos:demo/ld/",
                1,
                "demo/ld is a link to vos://cadc.nrc.ca~vault/demo/d; write it without the slash to remove",
            ),
            ("rm vos:demo/f/", 1, "demo/f is not a container; write it without the slash to remove it"),
            (
                "rmdir vos:demo/ld",
                1,
                "is a link to vos://cadc.nrc.ca~vault/demo/d, not a container; remove the link with vrm",
            ),
            ("rmdir vos:demo/f", 1, "demo/f is a file, not a container; remove it with vrm"),
            ("rmdir vos:demo/d", 1, "demo/d is not empty; remove it with all that it holds by vrm -R"),
            ("lock --lock arc:demo/d", 1, "demo/d could not be locked: this service has no locks"),
            ("ln vos:demo/f here", 1, "here is no node; the link to make is written vos:path"),
            ("ln vos:demo/f vos:demo/d vos:demo/f", 1, "demo/f is not a container; several links need one"),
            (
                "ln vos:demo/d vos:demo/f",
                1,
                "demo/f exists already; remove it first (vrm), a link never replaces anything",
            ),
            (
                "mv vos:demo/f vos:demo/no/",
                1,
                "vos:demo/no/ is not a container that exists; create it with vmkdir first",
            ),
            (
                "mv vos:demo/f vos:demo/d vos:demo/no",
                1,
                "vos:demo/no is not a container that exists; several sources need",
            ),
            ("mv vos:demo/d/g vos:demo/f", 1, "demo/f exists already; remove it first, a move never replaces a file"),
            ("mv vos:demo/f arc:demo/f", 1, "they are in different services; copy with vcp, then remove with vrm"),
            ("mkdir -p vos:demo/f/x", 1, "demo/f is a file; a container cannot be made there or below it"),
            ("cat vos:demo/d", 1, "demo/d is a container; list it with vls, or name a file in it"),
            ("cat --head vos:demo/f[1][1:2,1:2]", 1, "vos:demo/f: --head is of whole files; leave out the cut-out"),
            ("tag --remove vos:demo/f", 2, "--remove: name the properties to remove"),
            ("tag -R vos:demo/d", 2, "-R changes the properties of a tree: give KEY=VALUE or --remove KEY"),
            // Cavern changes no links (docs/server.md).
            ("chmod -R o+r arc:demo/d", 1, "nodes updated, 1 could not be"),
        ],
    );
    assert_eq!(world.vospace(&["cat", "vos:demo/f", "vos:demo/ld/g"]).ok().stdout(), "ff");
}

#[test]
fn what_is_left_of_a_tree_is_counted() {
    let world = world();
    world.vospace(&["lock", "--lock", "vos:demo/d/g"]).ok();
    fs::create_dir(world.local("empty")).unwrap();
    each(
        |words| world.vospace(words),
        &[
            (
                "sync --delete empty/ vos:demo",
                1,
                "--delete would remove 3 files or directories; without a terminal it needs --yes too",
            ),
            ("sync --delete --yes empty/ vos:demo", 1, "nodes in it could not be removed; list what is left with vls"),
        ],
    );
    world.vospace(&["mkdir", "-p", "vos:demo/d/more"]).ok();
    each(|words| world.vospace(words), &[("rm -R vos:demo/d", 1, "could not be; list what is left with vls")]);
    assert!(world.exists("d/g"));
}

#[test]
fn where_nothing_can_be_written_or_begun_the_system_says_why() {
    let world = world();
    let shell = |script: &str, words: &[&str]| {
        let mut command = Command::new("sh");
        world.environment(&mut command);
        run(command.args(["-c", script]).arg(binary("vospace")).args(words))
    };
    let full = shell("exec \"$0\" \"$@\" > /dev/full", &["cat", "vos:demo/f"]);
    full.fails_with(1, &["ERROR:: cannot write: No space left on device"]);
    // Descriptors for a file at a time, and none for a runtime.
    shell("ulimit -n 4; exec \"$0\" \"$@\"", &["ls", "vos:demo"]).fails_with(1, &["ERROR:: cannot start: "]);
    let config = |value: &std::path::Path| {
        run(world.command("vospace").args(["config", "-g"]).env("VOSPACE_CONFIG_FILE", value))
    };
    config(&world.local("f")).fails_with(1, &["local/f exists already; edit it, or remove it first"]);
    config(&world.local("f").join("c")).fails_with(1, &["the directory of ", "local/f/c cannot be made: "]);
    config(std::path::Path::new("/dev/full")).fails_with(1, &["/dev/full exists already; edit it"]);
}

/// A place for bytes that gives others than were stored.
#[test]
fn bytes_that_come_back_as_others_are_said() {
    let world = World::new(Profile::Vault);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(&vec![0; 1 << 20]);
        }
    });
    world
        .server
        .fault(&format!(r#"{{"method": "GET", "path": "/vault/files/", "first_endpoint": "http://{place}/minoc"}}"#));
    let told = world.vospace(&["doctor", "vos:demo"]).fails_with(1, &[]).stdout();
    assert!(told.contains("what came back is not what was stored; report it to the operators"), "{told}");
}
