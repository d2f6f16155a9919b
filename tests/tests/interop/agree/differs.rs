//! Where ours differ on purpose: each a row of `docs/cli-compatibility.md`, with what the package does beside it.

use std::fs;

use vofs_tests::Profile;

use crate::bench::{Bench, judged};

judged! {
    all: exit_statuses, version_and_configuration, vcat_adds_nothing, vls_sorts_containers, wildcards_without_a_match,
        several_onto_one_name, links_are_mentioned, a_container_without_r, a_mode_that_is_none, groups_in_full, values_with_equals, keys_in_full,
        vsync_descends, vsync_makes_its_destination, names_in_parentheses, unreadable_containers, vrm_r_of_a_link;
    strict: several_groups, vrmdir_of_what_is_not_empty;
}

fn exit_statuses(bench: &Bench<'_>) {
    bench.put("f", "f");
    bench.containers(&["d"]);
    for (name, line, theirs) in [
        ("vls", vec![bench.uri("missing")], 2),
        ("vmkdir", vec![bench.uri("d")], 17),
        ("vmv", vec![bench.uri("f"), bench.uri("f")], 14),
        ("vrmdir", vec![bench.uri("f")], 255),
    ] {
        bench.run(name, &line).fails_with(theirs, &[]);
        bench.ours(name, &line).fails_with(1, &[]);
    }
}

fn version_and_configuration(bench: &Bench<'_>) {
    assert!(bench.run("vls", &["--version"]).ok().stdout().starts_with("vos "));
    assert!(bench.ours("vls", &["--version"]).ok().stdout().starts_with("vls "));
    let none: [&str; 0] = [];
    let shown = bench.ours("vos-config", &none).ok().stdout();
    assert!(shown.contains("resourceID") && shown.contains("ivo://cadc.nrc.ca/vault vos"), "{shown}");
}

fn vcat_adds_nothing(bench: &Bench<'_>) {
    bench.put("a", "a");
    bench.put("b", "b");
    let line = [bench.uri("a"), bench.uri("b")];
    assert_eq!(bench.run("vcat", &line).ok().stdout(), "a\n\nb\n\n");
    assert_eq!(bench.ours("vcat", &line).ok().stdout(), "ab");
}

fn vls_sorts_containers(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.put("d/a", "a");
    bench.put("d/b", "bb");
    for (option, listed) in [("-S", "b\na\n"), ("-t", "b\na\n"), ("-r", "b\na\n")] {
        assert_ne!(bench.run("vls", &[option, &bench.uri("d")]).status, 0);
        assert_eq!(bench.ours("vls", &[option, &bench.uri("d")]).ok().stdout(), listed);
    }
}

fn wildcards_without_a_match(bench: &Bench<'_>) {
    bench.run("vls", &[bench.uri("none*")]).ok();
    bench.ours("vls", &[bench.uri("none*")]).fails_with(1, &["nothing matches"]);
    // A name behind a wildcard need not be in every container that matches.
    bench.containers(&["p1", "p2"]);
    bench.put("p1/c.txt", "x");
    bench.run("vls", &[bench.uri("p*/c.txt")]).fails_with(13, &[]);
    assert_eq!(bench.ours("vls", &[bench.uri("p*/c.txt")]).ok().stdout(), "c.txt\n");
    // And in the commands in which the package knows none.
    bench.put("t1", "x");
    bench.put("t2", "x");
    bench.run("vrm", &[bench.uri("t*")]).fails_with(2, &[]);
    bench.ours("vrm", &[bench.uri("t*")]).ok();
    assert!(!bench.world.exists("t1") && !bench.world.exists("t2"));
}

fn several_onto_one_name(bench: &Bench<'_>) {
    let (a, b) = (bench.file("a", "a"), bench.file("b", "b"));
    bench.run("vcp", &[&a, &b, &bench.uri("theirs")]).ok();
    bench.ours("vcp", &[&a, &b, &bench.uri("ours")]).fails_with(1, &["several sources"]);
    assert!(bench.world.exists("theirs") && !bench.world.exists("ours"));
}

fn links_are_mentioned(bench: &Bench<'_>) {
    bench.put("f", "f");
    bench.run("vln", &[bench.uri("f"), bench.uri("lnk")]).ok();
    let to = bench.local("to").to_str().unwrap().to_owned();
    bench.run("vcp", &[&bench.uri("lnk"), &to]).ok();
    bench.ours("vcp", &[&bench.uri("lnk"), &to]).fails_with(1, &["is a link", "add -L"]);
    assert!(!fs::exists(to).unwrap());
}

fn a_container_without_r(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.run("vrm", &[bench.uri("d")]).ok();
    bench.ours("vrm", &[bench.uri("d")]).fails_with(1, &["add -R"]);
    assert!(bench.world.exists("d"));
}

fn a_mode_that_is_none(bench: &Bench<'_>) {
    for (name, mode) in [("one", "o+w"), ("two", "o+rxyz")] {
        bench.put(name, "x");
        bench.ours("vchmod", &[mode, &bench.uri(name)]).fails_with(2, &[]);
        assert_ne!(bench.property(name, "ispublic").as_deref(), Some("true"));
        bench.run("vchmod", &[mode, &bench.uri(name)]).ok();
        assert_eq!(bench.property(name, "ispublic").as_deref(), Some("true"));
    }
}

fn groups_in_full(bench: &Bench<'_>) {
    bench.put("f", "f");
    let group = "ivo://cadc.nrc.ca/gms?A";
    // The service refuses what the package makes of it.
    bench.run("vchmod", &["g+r", &bench.uri("f"), group]).fails_with(255, &[]);
    bench.ours("vchmod", &["g+r", &bench.uri("f"), group]).ok();
    assert_eq!(bench.property("f", "groupread").as_deref(), Some(group));
    bench.ours("vchmod", &["g+w:B", &bench.uri("f")]).ok();
    assert_eq!(bench.property("f", "groupwrite").as_deref(), Some("ivo://cadc.nrc.ca/gms?B"));
}

fn values_with_equals(bench: &Bench<'_>) {
    bench.put("f", "f");
    bench.run("vtag", &[&bench.uri("f"), "a=b=c"]).fails_with(255, &[]);
    bench.ours("vtag", &[&bench.uri("f"), "a=b=c"]).ok();
    assert_eq!(bench.property("f", "a").as_deref(), Some("b=c"));
}

fn keys_in_full(bench: &Bench<'_>) {
    bench.put("f", "f");
    let line = [&bench.uri("f"), "ivo://ivoa.net/vospace/core#length"];
    assert_eq!(bench.run("vtag", &line).ok().stdout(), "None\n");
    assert_eq!(bench.ours("vtag", &line).ok().stdout(), "'1'\n");
}

fn vsync_descends(bench: &Bench<'_>) {
    bench.file("tree/sub/f", "f");
    bench.containers(&["theirs", "ours"]);
    let tree = bench.local("tree").to_str().unwrap().to_owned();
    bench.run("vsync", &[&tree, &bench.uri("theirs")]).ok();
    bench.ours("vsync", &[&tree, &bench.uri("ours")]).ok();
    assert!(!bench.world.exists("theirs/tree/sub/f") && bench.world.exists("ours/tree/sub/f"));
}

fn vsync_makes_its_destination(bench: &Bench<'_>) {
    bench.file("tree/f", "f");
    let tree = bench.local("tree").to_str().unwrap().to_owned();
    bench.run("vsync", &[&tree, &bench.uri("new")]).fails_with(2, &[]);
    bench.ours("vsync", &[&tree, &bench.uri("new")]).ok();
    assert!(bench.world.exists("new/tree/f"));
    // The other direction.
    bench.ours("vsync", &[&bench.uri("new/"), bench.local("back").to_str().unwrap()]).ok();
    assert_eq!(fs::read(bench.local("back/tree/f")).unwrap(), b"f");
}

fn names_in_parentheses(bench: &Bench<'_>) {
    let f = bench.file("a(1)'s", "f");
    bench.run("vcp", &[&f, &bench.uri("")]).fails_with(22, &[]);
    bench.ours("vcp", &[&f, &bench.uri("")]).ok();
    assert!(bench.world.exists("a(1)'s"));
    for cut in ["hash#", "query?"] {
        bench.ours("vcp", &[&f, &bench.uri(cut)]).fails_with(1, &[]);
    }
    assert!(!bench.world.exists("hash") && !bench.world.exists("query"));
}

fn unreadable_containers(bench: &Bench<'_>) {
    bench.put("secret", "x");
    let ada = bench.world.server.user_certificate("ada");
    let theirs = bench.run_as_ada("vls", &[&bench.uri("")]);
    if bench.profile == Profile::Strict {
        // The standard refuses, and the package says so.
        theirs.fails_with(147, &["PermissionDenied"]);
    } else {
        assert_eq!(theirs.ok().stdout(), "");
    }
    bench.ours("vls", &["--certfile", ada.to_str().unwrap(), &bench.uri("")]).fails_with(1, &["ask the owner"]);
}

/// The standard separates groups by commas, CADC by blanks; a script should not have to know.
fn several_groups(bench: &Bench<'_>) {
    bench.put("f", "f");
    bench.run("vchmod", &["g+r", &bench.uri("f"), "A B"]).ok();
    assert!(bench.run("vls", &["-l", &bench.uri("f")]).ok().stdout().contains(" A,B "));
    assert!(bench.ours("vls", &["-l", &bench.uri("f")]).ok().stdout().contains(" A B "));
}

/// By the standard a container is deleted with all that it holds (VOSpace 2.1 §6.2.4); a command for empty ones must not.
fn vrmdir_of_what_is_not_empty(bench: &Bench<'_>) {
    for tree in ["theirs", "ours"] {
        bench.containers(&[tree]);
        bench.put(&format!("{tree}/f"), "precious");
    }
    bench.run("vrmdir", &[bench.uri("theirs")]).ok();
    assert!(!bench.world.exists("theirs"));
    bench.ours("vrmdir", &[bench.uri("ours")]).fails_with(1, &["is not empty"]);
    assert_eq!(bench.world.bytes("ours/f").as_deref(), Some(&b"precious"[..]));
}

fn vrm_r_of_a_link(bench: &Bench<'_>) {
    for (target, link) in [("one", "to-one"), ("two", "to-two")] {
        bench.containers(&[target]);
        bench.run("vln", &[bench.uri(target), bench.uri(link)]).ok();
    }
    bench.run("vrm", &["-R", &bench.uri("to-one")]).ok();
    assert!(!bench.world.exists("one") && bench.world.exists("to-one"));
    bench.ours("vrm", &["-R", &bench.uri("to-two")]).ok();
    assert!(bench.world.exists("two") && !bench.world.exists("to-two"));
}
