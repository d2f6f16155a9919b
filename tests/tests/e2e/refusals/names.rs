//! Names and URIs that no service can be asked for, and those that are wrong.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use vofs_tests::process::run;
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    unsafe_names_are_named_and_sent_by_no_command,
    unsafe_local_names_are_left_out_one_by_one,
    wrong_uris_say_how_to_write_them
);

/// Names that services cut, decode twice or fail on, with what is said of each.
const UNSAFE: [(&str, &str); 16] = [
    ("a b", "a space"),
    ("a#b", "the character #"),
    ("a%b", "the character %"),
    ("a%41b", "the character %"),
    ("a\"b", "the character \""),
    ("a<b", "the character <"),
    ("a>b", "the character >"),
    ("a^b", "the character ^"),
    ("a`b", "the character `"),
    ("a{b", "the character {"),
    ("a|b", "the character |"),
    ("a}b", "the character }"),
    ("a\\b", "the character \\"),
    ("a\tb", "U+0009"),
    ("a\u{a0}b", "U+00A0"),
    ("a\u{2003}b", "U+2003"),
];

fn unsafe_names_are_named_and_sent_by_no_command(profile: Profile) {
    let world = World::new(profile);
    world.put("a", b"precious");
    let local = world.local_file("f", b"f");
    let local = local.to_str().unwrap();
    for (at, (name, said)) in UNSAFE.iter().enumerate() {
        let uri = world.uri(name);
        let safe = world.uri("a");
        let lines: [&[&str]; 12] = [
            &["ls", &uri],
            &["cat", &uri],
            &["rm", &uri],
            &["rm", "-R", &uri],
            &["rmdir", &uri],
            &["mkdir", &uri],
            &["mkdir", "-p", &uri],
            &["mv", &safe, &uri],
            &["ln", &safe, &uri],
            &["chmod", "o+r", &uri],
            &["tag", &uri, "title=x"],
            &["cp", local, &uri],
        ];
        // All of them once, and each name by two.
        world.server.forget();
        for line in lines.iter().enumerate().filter(|(number, _)| at == 0 || number % 6 == at % 6).map(|(_, line)| line)
        {
            let refused = world.vospace(line).fails_with(1, &["ERROR:: ", said, "rename it"]);
            assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        }
        let changed: Vec<Logged> = world.server.log().into_iter().filter(|request| request.method != "GET").collect();
        assert!(changed.is_empty(), "{name:?}: {changed:?}");
    }
    let long = "x".repeat(256);
    world.vospace(&["mkdir", &world.uri(&long)]).fails_with(1, &["256 bytes long", "at most 255"]);
    assert_eq!(world.bytes("a").unwrap(), b"precious");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "a\n");
}

fn unsafe_local_names_are_left_out_one_by_one(profile: Profile) {
    let world = World::new(profile);
    for (name, _) in UNSAFE {
        world.local_file(&format!("tree/{name}"), b"x");
    }
    world.local_file("tree/good", b"good");
    let odd = world.local("tree").join(OsStr::from_bytes(b"latin-\xe9"));
    fs::write(odd, b"x").unwrap();
    for verb in ["cp", "sync"] {
        let target = world.uri(verb);
        let copied = world
            .vospace(&[verb, "tree/", &target])
            .fails_with(1, &["the name is not valid UTF-8 and cannot be a node's name; rename it"]);
        for (name, said) in UNSAFE {
            assert!(copied.stderr.contains(said), "{name:?}: {}", copied.stderr);
        }
        assert_eq!(copied.stderr.lines().filter(|line| line.starts_with("ERROR:: ")).count(), UNSAFE.len() + 1);
        assert_eq!(world.vospace(&["find", "--type", "f", &target]).ok().stdout().lines().count(), 1);
    }
}

fn wrong_uris_say_how_to_write_them(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    for (uri, said) in [
        ("plain", "vos:plain"),
        ("/absolute/path", "has no prefix"),
        ("./f:x", "has no prefix"),
        ("", "has no prefix"),
        ("ivo://cadc.nrc.ca/vault", "not a VOSpace URI"),
        ("https://example.org/x", "not a VOSpace URI"),
        ("file:///etc/passwd", "not a VOSpace URI"),
        ("vos://justhost/a", "names no service"),
        ("vos:///a", "names no service"),
        ("vos://cadc.nrc.ca~vault/a%zz", "the character %"),
        ("vos://cadc.nrc.ca~vault/a/../b", "'..'"),
        ("vos://cadc.nrc.ca~vault/x%2Fy", "cannot be the name of a node"),
        ("vos://cadc.nrc.ca~nonesuch/x", "does not know it"),
        ("nonesuch:x", "does not know it"),
        (":x", "has no prefix"),
    ] {
        for verb in ["ls", "rm", "mkdir"] {
            let refused = world.vospace(&[verb, uri]).fails_with(1, &["ERROR:: ", said]);
            assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        }
    }
    // A local file with a colon is one with a path before it.
    world.local_file("odd:name", b"local");
    world.vospace(&["cp", "odd:name", &world.uri("x")]).fails_with(1, &["cadc.nrc.ca/odd"]);
    let copied = run(world.called("vcp").args(["./odd:name", &world.uri("")]));
    if profile.takes_name("odd:name") {
        copied.ok();
        assert_eq!(world.bytes("odd:name").unwrap(), b"local");
    } else {
        copied.fails_with(1, &["odd:name", "rename it"]);
    }
}
