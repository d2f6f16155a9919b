//! `vls`, `vmkdir`, `vrm`, `vmv`, `vcat`: what they print, what they refuse, how they exit.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use vofs_tests::process::{Guard, code, run};
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    vls_sees_what_the_mount_wrote,
    vls_sorts_and_matches,
    vls_of_several_nodes,
    vmkdir_makes_parents,
    vrm_refuses_containers_and_spares_targets,
    vmv_moves_and_refuses,
    wildcards_in_every_command,
    vln_makes_several_links,
    vrm_removes_what_was_named_first,
    vrmdir_spares_what_is_not_empty,
    vcat_prints_exact_bytes,
    called_by_the_names_of_the_commands,
    a_closed_pipe_is_quiet,
    errors_name_the_node,
);

fn vls_sees_what_the_mount_wrote(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("dir")).unwrap();
    fs::write(mount.join("image.fits"), vec![0; 28_800]).unwrap();
    let rows = world.vospace(&["ls", "-l", &world.uri("")]).ok().stdout();
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split_whitespace().collect()).collect();
    let file = rows.iter().find(|row| row.last() == Some(&"image.fits")).unwrap();
    assert_eq!((file[0], file[4]), ("-rw-------", "28800"), "{file:?}");
    let directory = rows.iter().find(|row| row.last() == Some(&"dir")).unwrap();
    assert_eq!(directory[0], "drw-------");
    let human = world.vospace(&["ls", "-lh", &world.uri("image.fits")]).ok().stdout();
    assert!(human.contains(" 28K "), "{human}");
}

fn vls_sorts_and_matches(profile: Profile) {
    let world = World::new(profile);
    for (name, length) in [("b.fits", 10), ("a.fits", 30), ("c.txt", 20), (".hidden.fits", 5)] {
        world.put(name, vec![0; length]);
    }
    let vls = |options: &[&str], node: &str| {
        let mut arguments = vec!["ls"];
        arguments.extend(options);
        let uri = world.uri(node);
        arguments.push(&uri);
        world.vospace(&arguments).ok().stdout()
    };
    assert_eq!(vls(&["-S"], ""), "a.fits\nc.txt\nb.fits\n.hidden.fits\n");
    assert_eq!(vls(&["-r", "-S"], ""), ".hidden.fits\nb.fits\nc.txt\na.fits\n");
    assert_eq!(vls(&["-r"], ""), "c.txt\nb.fits\na.fits\n.hidden.fits\n");
    assert_eq!(vls(&[], "*.fits"), "a.fits\nb.fits\n");
    assert_eq!(vls(&[], "[ab].f?ts"), "a.fits\nb.fits\n");
    assert_eq!(vls(&[], "c.txt"), "c.txt\n");
    world.vospace(&["ls", &world.uri("*.none")]).fails_with(1, &["ERROR:: ", "*.none"]);
}

fn vls_of_several_nodes(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("one"), &world.uri("two")]).ok();
    world.put("one/x", b"x");
    world.put("f", b"f");
    let listed = world.vospace(&["ls", &world.uri("two"), &world.uri("f"), &world.uri("one")]).ok().stdout();
    assert_eq!(listed, "f\n\none:\nx\n\ntwo:\n");
    // One that is missing does not hide the others.
    let partly =
        world.vospace(&["ls", &world.uri("none"), &world.uri("one")]).fails_with(1, &["ERROR:: ", "demo/none"]);
    assert_eq!(partly.stdout(), "x\n");
}

fn vmkdir_makes_parents(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("a/b/c")]).fails_with(1, &["ERROR:: ", "demo/a/b/c"]);
    world.vospace(&["mkdir", "-p", &world.uri("a/b/c")]).ok();
    world.vospace(&["mkdir", "-p", &world.uri("a/b/c/")]).ok();
    assert!(world.exists("a/b/c"));
    world.vospace(&["mkdir", &world.uri("a")]).fails_with(1, &["ERROR:: ", "demo/a"]);
    world.put("f", b"x");
    world.vospace(&["mkdir", "-p", &world.uri("f/d")]).fails_with(1, &["is a file"]);
}

fn vrm_refuses_containers_and_spares_targets(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("tree/deep")]).ok();
    world.put("tree/deep/f", b"precious");
    world.put("one.tmp", b"");
    world.put("two.tmp", b"");
    let mount = world.mount();
    std::os::unix::fs::symlink("tree", mount.join("link")).unwrap();
    mount.unmount();

    world.vospace(&["rm", &world.uri("tree")]).fails_with(1, &["demo/tree is a container", "-R"]);
    world.vospace(&["rm", "-R", &format!("{}/", world.uri("link"))]).fails_with(1, &["is a link"]);
    world.vospace(&["rm", "-R", &world.uri("link")]).ok();
    assert!(!world.exists("link"));
    assert_eq!(world.bytes("tree/deep/f").as_deref(), Some(&b"precious"[..]), "the target of the link");
    world.vospace(&["rm", &world.uri("*.tmp")]).ok();
    assert!(!world.exists("one.tmp") && !world.exists("two.tmp"));
    world.vospace(&["rm", "-R", &world.uri("tree")]).ok();
    assert!(!world.exists("tree"));
    world.vospace(&["rm", &world.uri("none")]).fails_with(1, &["ERROR:: ", "demo/none"]);
}

#[test]
fn vmv_copies_what_the_service_cannot_move_if_it_is_told_to() {
    let world = World::new(Profile::Pyvospace);
    world.put("f", "content");
    let (from, to) = (world.uri("f"), world.uri("g"));
    world.vospace(&["mv", &from, &to]).fails_with(1, &["; --emulate-rename copies and deletes it"]);
    assert!(world.exists("f") && !world.exists("g"));
    let moved = world.vospace(&["-w", "mv", "--emulate-rename", &from, &to]).ok();
    assert!(moved.stderr.contains(" is copied to pyvo:demo/g and deleted then: "), "{}", moved.stderr);
    assert_eq!(world.bytes("g").unwrap(), b"content");
    assert!(!world.exists("f"));
}

fn vmv_moves_and_refuses(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    for name in ["a", "b", "c"] {
        world.put(name, name);
    }
    world.mv(&[&world.uri("a"), &world.uri("renamed")]).ok();
    assert_eq!(world.bytes("renamed").as_deref(), Some(&b"a"[..]));
    world.mv(&[&world.uri("renamed"), &world.uri("b"), &world.uri("d/")]).ok();
    assert_eq!(world.bytes("d/b").as_deref(), Some(&b"b"[..]));
    assert!(!world.exists("b"));
    world.mv(&[&world.uri("c"), &world.uri("d/b")]).fails_with(1, &["demo/d/b exists already"]);
    assert_eq!(world.bytes("d/b").as_deref(), Some(&b"b"[..]));
    world.mv(&[&world.uri("none"), &world.uri("x")]).fails_with(1, &["demo/none"]);
    world.mv(&[&world.uri("c"), "swe:c"]).fails_with(1, &["swe"]);
}

fn wildcards_in_every_command(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("d/sub1"), &world.uri("d/sub2"), &world.uri("to")]).ok();
    for name in ["a1", "a2", "b"] {
        world.put(&format!("d/{name}"), name);
    }
    let (some, to) = (world.uri("d/a*"), world.uri("to"));
    let shown = |line: &[&str]| world.vospace(line).ok().stdout();
    assert_eq!(shown(&["ls", &some]), "a1\na2\n");
    assert_eq!(shown(&["cat", &some]), "a1a2");
    assert_eq!(shown(&["du", &some]).lines().count(), 2);
    assert_eq!(shown(&["df", &some]).lines().count(), 3);
    assert_eq!(shown(&["find", &world.uri("d/sub*")]), "");
    shown(&["tag", &some, "title=t"]);
    assert_eq!(shown(&["tag", &world.uri("d/?*"), "title"]).matches("'t'").count(), 2);
    shown(&["chmod", "o+r", &some]);
    assert_eq!(shown(&["tag", &some, "ispublic"]), "'true'\n'true'\n");
    world.vospace(&["lock", &some]).fails_with(255, &[]);
    fs::create_dir(world.local("here")).unwrap();
    shown(&["cp", &some, "here"]);
    shown(&["sync", &world.uri("d/[b]"), "here"]);
    assert_eq!(fs::read_dir(world.local("here")).unwrap().count(), 3);
    shown(&["ln", &some, &to]);
    assert_eq!(shown(&["cat", &world.uri("to/a?")]), "a1a2");
    shown(&["rm", &world.uri("to/*")]);
    world.mv(&[&some, &to]).ok();
    assert_eq!(shown(&["ls", &to]), "a1\na2\n");
    assert_eq!(world.bytes("to/a2").as_deref(), Some(&b"a2"[..]));
    shown(&["rmdir", &world.uri("d/sub*")]);
    shown(&["rm", "--nstreams", "2", &world.uri("to/*"), &world.uri("d/?")]);
    assert_eq!(shown(&["ls", &world.uri("*")]).trim(), "d:\n\nto:");
    // What matches nothing is an error in each of them.
    for line in [&["ls"][..], &["cat"], &["du"], &["df"], &["find"], &["tag"], &["chmod", "o+r"], &["lock"], &["rm"]] {
        let none = world.uri("none*");
        world.vospace(&[line, &[none.as_str()]].concat()).fails_with(1, &["nothing matches", "none*"]);
    }
    for verb in ["cp", "sync", "ln", "mv"] {
        world.vospace(&[verb, &world.uri("none*"), &to]).fails_with(1, &["nothing matches", "none*"]);
    }
}

fn vln_makes_several_links(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", &world.uri("links")]).ok();
    for name in ["a", "b"] {
        world.put(name, name);
    }
    let (a, b, links) = (world.uri("a"), world.uri("b"), world.uri("links"));
    world.vospace(&["ln", &a, &b, &links]).ok();
    assert_eq!(world.vospace(&["cat", &world.uri("links/b")]).ok().stdout(), "b");
    // One that is there stays, and the others are made.
    world.vospace(&["rm", &world.uri("links/b")]).ok();
    world.vospace(&["ln", &a, &b, &format!("{links}/")]).fails_with(1, &["links/a exists already"]);
    assert!(world.exists("links/b"));
    world.vospace(&["ln", &a, &world.uri("one")]).ok();
    world.vospace(&["ln", &a, &b, &world.uri("b")]).fails_with(1, &["demo/b is not a container"]);
    world.vospace(&["ln", &a, &b, &world.uri("none")]).fails_with(1, &["demo/none"]);
    world.vospace(&["ln", &a]).fails_with(2, &["destination is missing"]);
    // A question mark of a URL is no wildcard.
    let outside = world.vospace(&["ln", "https://example.org/get?a=1", &world.uri("outside")]);
    if profile.in_place() {
        outside.fails_with(1, &["demo/outside"]);
    } else {
        outside.ok();
        let shown = world.vospace(&["ls", "-l", &world.uri("outside")]).ok().stdout();
        assert!(shown.contains("outside -> https://example.org/get?a=1"), "{shown}");
    }
}

fn vrm_removes_what_was_named_first(profile: Profile) {
    let world = World::new(profile);
    for i in 0..20 {
        world.local_file(&format!("tree/sub/f{i:02}"), "x");
    }
    world.vospace(&["cp", "tree", &world.uri("tree")]).ok();
    let files: Vec<String> = (0..20).map(|i| world.uri(&format!("tree/sub/f{i:02}"))).collect();
    let mut line: Vec<&str> = vec!["rm"];
    line.extend(files.iter().map(String::as_str));
    let none = world.uri("tree/none");
    line.push(&none);
    // One that is missing does not keep the others.
    let told = world.vospace(&line).fails_with(1, &["demo/tree/none"]);
    assert_eq!(told.stderr.matches("ERROR:: ").count(), 1, "{}", told.stderr);
    assert_eq!(world.vospace(&["ls", &world.uri("tree/sub")]).ok().stdout(), "");
    // What is below another goes before it, when it is named before it.
    world.vospace(&["rm", "-R", &world.uri("tree/sub"), &world.uri("tree")]).ok();
    assert!(!world.exists("tree"));
}

fn vrmdir_spares_what_is_not_empty(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("d/sub")]).ok();
    world.put("d/sub/f", "precious");
    for place in ["d", "d/sub"] {
        world.vospace(&["rmdir", &world.uri(place)]).fails_with(1, &["is not empty", "vrm -R"]);
    }
    world.vospace(&["rmdir", &world.uri("d/sub/f")]).fails_with(1, &["is a file"]);
    assert_eq!(world.bytes("d/sub/f").as_deref(), Some(&b"precious"[..]));
}

fn vcat_prints_exact_bytes(profile: Profile) {
    let world = World::new(profile);
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    world.put("binary", &bytes);
    world.put("empty", b"");
    world.put("text", b"no newline at the end");
    assert!(world.vospace(&["cat", &world.uri("binary")]).ok().bytes == bytes);
    assert!(world.vospace(&["cat", &world.uri("empty")]).ok().bytes.is_empty());
    let both = world.vospace(&["cat", &world.uri("text"), &world.uri("none"), &world.uri("text")]);
    assert_eq!(both.fails_with(1, &["demo/none"]).stdout(), "no newline at the endno newline at the end");
    assert_eq!(world.vospace(&["cat", "-q", &world.uri("none")]).fails_with(1, &[]).stderr, "");
    world.vospace(&["cat", &world.uri("")]).fails_with(1, &["is a container"]);
}

fn called_by_the_names_of_the_commands(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let program = world.command("vospace").get_program().to_owned();
    for name in ["vls", "vcp", "vmkdir", "vrm", "vmv", "vcat"] {
        let link = world.path(name);
        std::os::unix::fs::symlink(&program, &link).unwrap();
        let mut command = std::process::Command::new(&link);
        world.environment(&mut command);
        let help = run(command.arg("--help")).ok();
        assert!(help.stdout().contains(&format!("Usage: {name}")), "{}", help.stdout());
    }
    let mut vls = std::process::Command::new(world.path("vls"));
    world.environment(&mut vls);
    assert_eq!(run(vls.arg(world.uri(""))).ok().stdout(), "f\n");
    let mut vcp = std::process::Command::new(world.path("vcp"));
    world.environment(&mut vcp);
    run(vcp.arg(world.uri("f"))).fails_with(2, &["Usage: vcp"]);
}

fn a_closed_pipe_is_quiet(profile: Profile) {
    let world = World::new(profile);
    world.put("big", vec![b'x'; 20_000_000]);
    world.server.populate(&["demo/many".into(), "--count".into(), "4000".into()]);
    let errors = world.path("closed.err");
    // More than a pipe holds, in bytes and in rows.
    for line in [&["cat", &world.uri("big")][..], &["ls", "-l", &world.uri("many")]] {
        let mut command = world.command("vospace");
        command.args(line).stdout(Stdio::piped()).stderr(fs::File::create(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let mut start = BufReader::with_capacity(10, child.stdout.take().unwrap());
        start.fill_buf().unwrap();
        drop(start);
        assert_eq!(code(child.wait().unwrap()), 0, "{line:?}");
        assert_eq!(fs::read_to_string(&errors).unwrap(), "", "{line:?}");
    }
}

fn errors_name_the_node(profile: Profile) {
    let mut world = World::new(profile).with_general_credentials();
    world.vospace(&["ls", &world.uri("none")]).fails_with(1, &["ERROR:: ", "demo/none"]);
    world.vospace(&["ls", &world.uri("a#b")]).fails_with(1, &["ERROR:: ", "#"]);
    world.vospace(&["ls", "nothing:x"]).fails_with(1, &["ERROR:: ", "nothing"]);
    world.vospace(&["ls", "local/file"]).fails_with(1, &["ERROR:: ", "vos:local/file"]);
    world.vospace(&["ls", "--token", "wrong", &world.uri("")]).fails_with(1, &["ERROR:: "]);
    world.vospace(&["ls", "--certfile", "/nowhere/c.pem", &world.uri("")]).fails_with(1, &["/nowhere/c.pem"]);
    world.vospace(&["frobnicate"]).fails_with(2, &["frobnicate"]);
    world.server.kill();
    let mut command = world.command("vospace");
    command.args(["ls", &world.uri("")]).stdout(Stdio::null());
    run(&mut command).fails_with(1, &["ERROR:: ", &world.server.address()]);
    // Ctrl-C ends it at once, with the status of a shell.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/reg/resource-caps", held.local_addr().unwrap());
    let mut command = world.command("vospace");
    command.args(["ls", "--registry", &url, &world.uri("")]).env("HOME", world.path("elsewhere")).stderr(Stdio::null());
    let mut guard = Guard::spawn(&mut command);
    let (_connection, _) = held.accept().unwrap();
    guard.signal(nix::sys::signal::Signal::SIGINT);
    assert_eq!(guard.wait(Duration::from_secs(10)).map(code), Some(130));
}
