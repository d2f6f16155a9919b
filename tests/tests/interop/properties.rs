//! `vchmod`, `vlock` and `vtag`.

use crate::bench::{Bench, judged};

judged! {
    both: vchmod_others, vchmod_group, vchmod_two_groups, vchmod_clears_groups, vchmod_recursive, vchmod_publishes_for_writing,
        vchmod_without_a_group, vchmod_bad_mode, vchmod_without_right, vtag_set_and_read, vtag_all, vtag_remove, vtag_recursive,
        vtag_unchanged, vtag_bad_value, vtag_missing;
    vault: vlock, vlock_verbose;
    cavern: vlock_has_no_effect;
}

fn vchmod_others(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    let changed = bench.run("vchmod", &["o+r", &bench.uri("t.txt")]).ok();
    assert_eq!((changed.stdout().as_str(), changed.stderr.as_str()), ("", ""));
    assert_eq!(bench.property("t.txt", "ispublic").unwrap(), "true");
    bench.run("vchmod", &["o-r", &bench.uri("t.txt")]).ok();
    assert_ne!(bench.property("t.txt", "ispublic").as_deref(), Some("true"));
}

fn vchmod_group(bench: &Bench<'_>) {
    bench.run("vchmod", &["g+r", &bench.uri(""), "team"]).ok();
    bench.put("t.txt", "for the team");
    bench.run("vchmod", &["g+r", &bench.uri("t.txt"), "team"]).ok();
    assert_eq!(bench.property("t.txt", "groupread").unwrap(), "ivo://cadc.nrc.ca/gms?team");
    // And it counts.
    assert_eq!(bench.run_as_ada("vls", &[&bench.uri("")]).ok().stdout(), "t.txt\n");
}

fn vchmod_two_groups(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vchmod", &["g+rw", &bench.uri("t.txt"), "readers", "team"]).ok();
    assert_eq!(bench.property("t.txt", "groupread").unwrap(), "ivo://cadc.nrc.ca/gms?readers");
    assert_eq!(bench.property("t.txt", "groupwrite").unwrap(), "ivo://cadc.nrc.ca/gms?team");
    // Several in one argument; and the list is replaced, also by +.
    bench.run("vchmod", &["g+r", &bench.uri("t.txt"), "A B"]).ok();
    assert_eq!(bench.property("t.txt", "groupread").unwrap(), "ivo://cadc.nrc.ca/gms?A ivo://cadc.nrc.ca/gms?B");
}

fn vchmod_clears_groups(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vchmod", &["g+rw", &bench.uri("t.txt"), "readers", "team"]).ok();
    bench.run("vchmod", &["g-r", &bench.uri("t.txt")]).ok();
    assert_eq!(bench.property("t.txt", "groupread"), None);
    assert_eq!(bench.property("t.txt", "groupwrite").unwrap(), "ivo://cadc.nrc.ca/gms?team");
    bench.run("vchmod", &["g-r", &bench.uri("t.txt"), "team"]).fails_with(1, &[]);
}

fn vchmod_recursive(bench: &Bench<'_>) {
    bench.containers(&["d/sub"]);
    bench.put("d/a.txt", "x");
    bench.put("d/sub/b.txt", "x");
    let changed = bench.run("vchmod", &["-v", "-R", "og+r", &bench.uri("d"), "team"]).ok();
    assert!(changed.stderr.contains("updated count: 4"), "{}", changed.stderr);
    for path in ["d", "d/a.txt", "d/sub", "d/sub/b.txt"] {
        assert_eq!(bench.property(path, "ispublic").unwrap(), "true", "{path}");
        assert_eq!(bench.property(path, "groupread").unwrap(), "ivo://cadc.nrc.ca/gms?team", "{path}");
    }
}

fn vchmod_publishes_for_writing(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vchmod", &["o+w", &bench.uri("t.txt")]).ok();
    assert_eq!(bench.property("t.txt", "ispublic").unwrap(), "true", "whatever the letters");
}

fn vchmod_without_a_group(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vchmod", &["g+r", &bench.uri("t.txt")]).fails_with(1, &["ERROR vchmod 1 group name required for r"]);
}

fn vchmod_bad_mode(bench: &Bench<'_>) {
    bench.run("vchmod", &["u+r", &bench.uri("t.txt")]).fails_with(2, &["argument mode: Invalid mode: u+r"]);
}

fn vchmod_without_right(bench: &Bench<'_>) {
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    bench.put("t.txt", "x");
    bench.run("vchmod", &["o+r", &bench.uri("t.txt")]).ok();
    bench.run_as_ada("vchmod", &["o-r", &bench.uri("t.txt")]).fails_with(255, &["ERROR:: PermissionDenied: "]);
}

fn vlock(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    let asked = bench.run("vlock", &[bench.uri("t.txt")]).fails_with(255, &[]);
    assert_eq!((asked.stdout().as_str(), asked.stderr.as_str()), ("", ""));
    bench.run("vlock", &["--lock", &bench.uri("t.txt")]).ok();
    assert_eq!(bench.property("t.txt", "islocked").unwrap(), "true");
    let asked = bench.run("vlock", &[bench.uri("t.txt")]).ok();
    assert_eq!((asked.stdout().as_str(), asked.stderr.as_str()), ("", ""));
    bench.run("vlock", &["--unlock", &bench.uri("t.txt")]).ok();
    bench.run("vlock", &[bench.uri("t.txt")]).fails_with(255, &[]);
}

fn vlock_verbose(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vlock", &["-v", &bench.uri("t.txt")]).fails_with(255, &["INFO vlock False"]);
    bench.run("vlock", &["--lock", "--unlock", &bench.uri("t.txt")]).fails_with(2, &["not allowed with argument"]);
}

fn vlock_has_no_effect(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vlock", &["--lock", &bench.uri("t.txt")]).ok();
    bench.run("vlock", &[bench.uri("t.txt")]).fails_with(255, &[]);
    bench.run("vrm", &[bench.uri("t.txt")]).ok();
}

fn vtag_set_and_read(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    let set = bench.run("vtag", &[&bench.uri("t.txt"), "quality=good", "ivo://example.org/x#seeing=0.7"]).ok();
    assert_eq!((set.stdout().as_str(), set.stderr.as_str()), ("", ""));
    assert_eq!(bench.property("t.txt", "quality").unwrap(), "good");
    assert_eq!(bench.run("vtag", &[&bench.uri("t.txt"), "quality"]).ok().stdout(), "'good'\n");
    assert_eq!(bench.run("vtag", &[&bench.uri("t.txt"), "ivo://example.org/x#seeing"]).ok().stdout(), "'0.7'\n");
    assert_eq!(bench.run("vtag", &[&bench.uri("t.txt"), "nothing"]).ok().stdout(), "None\n");
    // A write also guesses the type of the name.
    assert_eq!(bench.property("t.txt", "type").unwrap(), "text/plain");
}

fn vtag_all(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vtag", &[&bench.uri("t.txt"), "title=A title"]).ok();
    let shown = bench.run("vtag", &[bench.uri("t.txt")]).ok().stdout();
    assert!(shown.starts_with("{'MD5': 'b1946ac92492d2347c6235b4d2611184',\n"), "{shown}");
    for line in [" 'creator': 'demo',", " 'length': '6',", " 'title': 'A title',", " 'type': 'text/plain'}"] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
}

fn vtag_remove(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vtag", &[&bench.uri("t.txt"), "a=1", "b=2", "c=3"]).ok();
    bench.run("vtag", &["--remove", &bench.uri("t.txt"), "a"]).ok();
    bench.run("vtag", &[&bench.uri("t.txt"), "b="]).ok();
    assert_eq!((bench.property("t.txt", "a"), bench.property("t.txt", "b")), (None, None));
    assert_eq!(bench.property("t.txt", "c").unwrap(), "3");
}

fn vtag_recursive(bench: &Bench<'_>) {
    bench.containers(&["d/sub"]);
    bench.put("d/sub/b.txt", "x");
    bench.run("vtag", &["-R", &bench.uri("d"), "quality=good"]).ok();
    for path in ["d", "d/sub", "d/sub/b.txt"] {
        assert_eq!(bench.property(path, "quality").unwrap(), "good", "{path}");
    }
    bench
        .run("vtag", &["-R", &bench.uri("d"), "quality"])
        .fails_with(255, &["ERROR:: not enough values to unpack (expected 2, got 1)"]);
}

fn vtag_unchanged(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vtag", &[&bench.uri("t.txt"), "quality=good"]).ok();
    bench.world.server.forget();
    bench.run("vtag", &[&bench.uri("t.txt"), "quality=good"]).ok();
    assert!(bench.world.server.log().iter().all(|request| request.method == "GET"));
}

fn vtag_bad_value(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    let text = "ERROR:: Illegal keyword of value character ('=') used: a=b=c";
    bench.run("vtag", &[&bench.uri("t.txt"), "a=b=c"]).fails_with(255, &[text]);
}

fn vtag_missing(bench: &Bench<'_>) {
    bench.run("vtag", &[bench.uri("missing")]).fails_with(2, &["ERROR:: NodeNotFound: "]);
}
