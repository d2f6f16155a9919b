//! The commands against the services of other makers: what is done differently there must not show.
//!
//! Each test fails if the quirk in its comment is handled as the standard, or as CADC, would have it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use vofs_tests::process::Finished;
use vofs_tests::server::TOKEN;
use vofs_tests::wire::Wire;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    bytes_go_up_and_come_back,
    listings_show_what_is_there,
    trees_are_made_and_removed,
    a_full_container_is_not_removed_as_an_empty_one,
    nodes_are_moved_or_it_is_said_why_not,
    nothing_moves_below_itself,
    properties_are_set_shown_and_removed,
    an_upload_keeps_what_the_user_set,
    names_that_would_be_cut_are_refused,
    what_was_learned_is_shown_and_kept,
);

/// A property that every one of them takes: pyvospace wants such a path, and a fragment.
const OWN: &str = "ivo://my.example/vospace/core#band";

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7 % 251) as u8).collect()
}

fn ok(world: &World, line: &[&str]) -> String {
    world.vospace(line).ok().stdout()
}

/// Both: a place is good for one request, so it is neither looked at nor asked twice. pyvospace: http alone, another
/// namespace, no bytes of a file that was never written. Data Lab: documents announced as forms.
fn bytes_go_up_and_come_back(profile: Profile) {
    let world = World::new(profile);
    for (name, content) in [("small", bytes(5)), ("large", bytes(3 << 20)), ("empty", Vec::new())] {
        let local = world.local_file(name, &content);
        let (local, uri) = (local.to_str().unwrap(), world.uri(name));
        ok(&world, &["cp", local, &uri]);
        assert!(world.bytes(name).unwrap() == content, "{name}");
        let back = world.local("back");
        ok(&world, &["cp", &uri, back.to_str().unwrap()]);
        assert!(fs::read(&back).unwrap() == content, "{name}");
        fs::remove_file(back).unwrap();
    }
    assert_eq!(ok(&world, &["cat", &world.uri("small")]).as_bytes(), bytes(5));
    // Overwritten, by a shorter file too.
    for content in [bytes(2 << 20), bytes(100)] {
        let local = world.local_file("again", &content);
        ok(&world, &["cp", local.to_str().unwrap(), &world.uri("large")]);
        assert!(world.bytes("large").unwrap() == content);
    }
}

/// pyvospace: children without properties, `limit=0` refused, dates as seconds. Data Lab: `limit` and `uri` ignored.
fn listings_show_what_is_there(profile: Profile) {
    let world = World::new(profile);
    for number in 0..12 {
        world.put(&format!("f{number:02}"), bytes(number + 1));
    }
    ok(&world, &["mkdir", &world.uri("dir")]);
    ok(&world, &["mkdir", &world.uri("none")]);
    assert_eq!(ok(&world, &["ls", &world.uri("none")]), "");
    ok(&world, &["rmdir", &world.uri("none")]);
    let names = ok(&world, &["ls", &world.uri("")]);
    assert_eq!(names.lines().count(), 13, "{names}");
    let rows = ok(&world, &["ls", "-l", &world.uri("")]);
    for number in 0..12 {
        let name = format!("f{number:02}");
        let row = rows.lines().find(|row| row.ends_with(&name)).unwrap();
        assert!(row.split_whitespace().any(|word| word == (number + 1).to_string()), "{row}");
    }
    assert!(rows.lines().any(|row| row.starts_with('d') && row.ends_with("dir")), "{rows}");
}

fn trees_are_made_and_removed(profile: Profile) {
    let world = World::new(profile);
    ok(&world, &["mkdir", "-p", &world.uri("a/b/c")]);
    ok(&world, &["mkdir", "-p", &world.uri("a/b/c")]);
    world.put("a/b/c/f", b"f");
    world.put("a/g", b"g");
    let local = world.local("tree");
    ok(&world, &["cp", &world.uri("a"), local.to_str().unwrap()]);
    assert_eq!(fs::read(local.join("b/c/f")).unwrap(), b"f");
    world.vospace(&["rm", &world.uri("a")]).fails_with(1, &["is a container"]);
    ok(&world, &["rm", &world.uri("a/g")]);
    assert!(!world.exists("a/g") && world.exists("a/b/c/f"));
    ok(&world, &["rm", "-R", &world.uri("a")]);
    assert!(!world.exists("a"));
}

/// Both: DELETE takes a container with all that is in it.
fn a_full_container_is_not_removed_as_an_empty_one(profile: Profile) {
    let world = World::new(profile);
    ok(&world, &["mkdir", &world.uri("d")]);
    world.put("d/precious", b"x");
    world.vospace(&["rmdir", &world.uri("d")]).fails_with(1, &["not empty"]);
    assert!(world.exists("d/precious"));
    ok(&world, &["rm", &world.uri("d/precious")]);
    ok(&world, &["rmdir", &world.uri("d")]);
    assert!(!world.exists("d"));
}

/// pyvospace: a file that holds bytes cannot be moved, and nothing of it is lost by the try. Data Lab: a link loses its
/// target on the way.
fn nodes_are_moved_or_it_is_said_why_not(profile: Profile) {
    let world = World::new(profile);
    ok(&world, &["mkdir", "-p", &world.uri("d/e")]);
    ok(&world, &["mv", &world.uri("d/e"), &world.uri("d/f")]);
    assert!(world.exists("d/f") && !world.exists("d/e"));
    world.put("file", b"bytes");
    let moved: Finished = world.vospace(&["mv", &world.uri("file"), &world.uri("d/file")]);
    let at = if profile == Profile::Pyvospace {
        moved.fails_with(1, &["moves no files", "--emulate-rename"]);
        "file"
    } else {
        moved.ok();
        "d/file"
    };
    assert_eq!(world.bytes(at).unwrap(), b"bytes");
    let target = world.uri(at);
    ok(&world, &["ln", &target, &world.uri("link")]);
    let kept = |name: &str| ok(&world, &["ls", "-l", &world.uri(name)]);
    let before = kept("link");
    ok(&world, &["mv", &world.uri("link"), &world.uri("d/link")]);
    let arrow = |row: &str| row.split("->").nth(1).map(|target| target.trim().to_owned());
    assert!(arrow(&before).is_some() && arrow(&before) == arrow(&kept("d/link")), "{before}");
    assert!(!world.exists("link"));
}

/// Data Lab: a container that moves below itself is lost with all in it, and the job says that it was done.
fn nothing_moves_below_itself(profile: Profile) {
    let world = World::new(profile);
    ok(&world, &["mkdir", &world.uri("d")]);
    world.put("d/precious", b"x");
    for to in ["d/e", "d/precious/e"] {
        world.vospace(&["mv", &world.uri("d"), &world.uri(to)]).fails_with(1, &["into itself"]);
    }
    assert_eq!(world.bytes("d/precious").unwrap(), b"x");
}

/// pyvospace: properties of a document in another namespace are dropped in silence. Data Lab: own properties come back
/// prefixed. Both: the answer to a change shows the change alone.
fn properties_are_set_shown_and_removed(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let uri = world.uri("f");
    ok(&world, &["tag", &uri, &format!("{OWN}=K")]);
    let shown = ok(&world, &["tag", &uri]);
    assert!(shown.lines().any(|line| line.contains(OWN) && line.contains('K')), "{shown}");
    assert!(!shown.contains("core#ivo:"), "{shown}");
    ok(&world, &["tag", "--remove", &uri, OWN]);
    assert!(!ok(&world, &["tag", &uri]).contains(OWN));
}

/// pyvospace: an upload takes all properties away, as the standard says.
fn an_upload_keeps_what_the_user_set(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"one");
    ok(&world, &["tag", &world.uri("f"), &format!("{OWN}=K")]);
    world.put("f", b"three");
    assert_eq!(world.bytes("f").unwrap(), b"three");
    let shown = ok(&world, &["tag", &world.uri("f")]);
    assert!(shown.lines().any(|line| line.contains(OWN) && line.contains('K')), "{shown}");
}

/// pyvospace: `a#b` makes `a`, and a look at `a#b` then finds it.
fn names_that_would_be_cut_are_refused(profile: Profile) {
    let world = World::new(profile);
    let local = world.local_file("x", b"x");
    let put = world.vospace(&["cp", local.to_str().unwrap(), &world.uri("a#b")]);
    put.fails_with(1, &["which VOSpace services cannot address"]);
    assert!(!world.exists("a"));
}

fn what_was_learned_is_shown_and_kept(profile: Profile) {
    let world = World::new(profile);
    // Data Lab: its root is not shown, and an empty container below it is one all the same.
    assert_eq!(ok(&world, &["ls", &world.uri("")]), "");
    world.put("f", b"x");
    world.put("g", b"xy");
    ok(&world, &["ls", "-l", &world.uri("")]);
    ok(&world, &["cat", &world.uri("f")]);
    let told = ok(&world, &["doctor", &world.uri("")]);
    let known: &[&str] = match profile {
        Profile::Pyvospace => &[
            "http://www.ivoa.net/xml/VOSpace/v2.1 (namespace)",
            "no (limit-zero)",
            "no (paging)",
            "no (child-properties)",
            "http (protocols)",
            "text/xml (transfer-type)",
            "yes (root)",
            "no (short-negotiation)",
            "! (authority-separator)",
        ],
        Profile::Datalab => {
            &["application/x-www-form-urlencoded (transfer-type)", "yes (transfer-view)", "no (paging)", "no (root)"]
        }
        Profile::Cavern | Profile::Srcnet => &["yes (direct-put)", "yes (child-properties)", "no (paging)"],
        _ => &["no (direct-put)", "yes (child-properties)", "yes (paging)"],
    };
    for fact in known {
        assert!(told.contains(fact), "{fact} in\n{told}");
    }
}

/// pyvospace: a name stands in a document as it is, so that `a%41` is not `aA`, which is there too, nor `b%41` a `bA` that is
/// gone; and `%2F` and `%FF`, which are the encoding of no name, do not make their container unreadable.
#[test]
fn names_with_percent_signs_are_shown_as_they_are() {
    let world = World::new(Profile::Pyvospace);
    let wire = Wire::new(&world.server);
    let names = ["%2F", "%FF", "a%20b", "a%41", "aA", "b%41"];
    for name in names {
        let node = format!(
            r#"<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uri="vos://icrar.org!vospace/demo/{name}" xsi:type="vos:DataNode"><vos:properties/></vos:node>"#
        );
        let path = format!("/vospace/nodes/demo/{}", name.replace('%', "%25"));
        let made = wire.send("PUT", &path, &[("Content-Type", "text/xml")], node.as_bytes());
        assert_eq!(made.status, 201, "{}", made.text());
    }
    for line in [&["ls"][..], &["ls", "-l"]] {
        let shown = ok(&world, &[line, &[&world.uri("")]].concat());
        let shown: Vec<&str> = shown.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
        assert_eq!(shown, names, "{line:?}");
    }
    // What such a name would be taken for is not touched in its stead.
    world.vospace(&["rm", &world.uri("b%41")]).fails_with(1, &["the character %"]);
    let mount = world.mount();
    let mut there: Vec<_> = fs::read_dir(mount.join("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, names);
    assert!(fs::read(mount.join("a%41")).is_err() && fs::read(mount.join("aA")).unwrap().is_empty());
    // What cannot be copied is named, and the rest is; what cannot be asked for is not taken for gone.
    for line in
        [&["cp", &world.uri(""), "back"][..], &["sync", "--delete", "--yes", &format!("{}/", world.uri("")), "back"]]
    {
        world.vospace(line).fails_with(1, &["'%2F' contains the character %", "'%FF' contains the character %"]);
    }
    assert!(fs::read(world.local("back/aA")).is_ok_and(|bytes| bytes.is_empty()));
}

/// A Cavern as it was found (0.10.2): nodes and files, and neither transfers nor jobs. Handled as the standard would have it, nothing
/// could be stored there, read or removed.
#[test]
fn a_cavern_of_nodes_and_files_alone_is_used_as_it_is() {
    let world = World::new(Profile::Cavern);
    let secret = world.local_file("token", TOKEN);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let directory = world.path("home/.config/vofs");
    fs::create_dir_all(&directory).unwrap();
    let section = format!(
        "[service.arc]\nresource-id = \"ivo://cadc.nrc.ca/arc\"\nbase-url = \"{}/arc\"\n\
         endpoints = {{ nodes = \"nodes\", files = \"files\" }}\nauth = {{ scheme = \"token\", token-file = \"{}\" }}\n",
        world.server.base(),
        secret.display()
    );
    fs::write(directory.join("config.toml"), section).unwrap();
    for content in [bytes(300_000), bytes(7), Vec::new()] {
        world.put("f", &content);
        assert!(world.bytes("f").unwrap() == content);
        assert!(world.vospace(&["cat", &world.uri("f")]).ok().bytes == content);
    }
    world.put("f", b"bytes");
    world.local_file("tree/a/b", b"b");
    ok(&world, &["cp", "tree", &world.uri("tree")]);
    assert_eq!(ok(&world, &["find", &world.uri("tree"), "--name", "b"]).lines().count(), 1);
    let moved = world.vospace(&["mv", &world.uri("f"), &world.uri("g")]);
    moved.fails_with(1, &["the service has no moves", "--emulate-rename"]);
    assert_eq!((world.bytes("f").unwrap(), world.exists("g")), (b"bytes".to_vec(), false));
    ok(&world, &["mv", "--emulate-rename", &world.uri("f"), &world.uri("g")]);
    assert_eq!((world.bytes("g").unwrap(), world.exists("f")), (b"bytes".to_vec(), false));
    let mount = world.mount();
    fs::write(mount.join("h"), "by the mount").unwrap();
    assert_eq!(world.bytes("h").unwrap(), b"by the mount");
    assert_eq!(fs::rename(mount.join("h"), mount.join("i")).unwrap_err().raw_os_error(), Some(nix::libc::EOPNOTSUPP));
    mount.unmount();
    ok(&world, &["rm", "-R", &world.uri("tree")]);
    assert!(!world.exists("tree"));
    let elsewhere = |path: &str| !["/nodes", "/files"].iter().any(|known| path.starts_with(&format!("/arc{known}")));
    let log = world.server.log();
    // Nor is the root asked whether it takes bytes: of an address that the user wrote nobody knows what that would do.
    let other: Vec<_> = log.iter().filter(|entry| elsewhere(&entry.path) || entry.path == "/arc/files/").collect();
    assert!(other.is_empty(), "{other:?}");
}
