//! `vchmod`, `vlock` and the writing side of `vtag`.

use super::{same, twins};
use crate::bench::{Bench, judged};

judged! {
    all: vchmod_of_a_file, vchmod_of_a_container, vchmod_of_a_tree, vchmod_wrongly, vtag_sets_and_removes, vtag_of_a_tree;
    vault: vlock;
}

/// Makes a file and a small tree with one.
fn filled<'a>(bench: &'a Bench<'_>) -> impl Fn(&str) + 'a {
    |twin| {
        bench.containers(&[&format!("{twin}/d/deep")]);
        bench.put(&format!("{twin}/f.txt"), "f");
        bench.put(&format!("{twin}/d/deep/g.txt"), "g");
    }
}

/// Modes with the groups that they need, so that each undoes something of the one before.
const CHANGES: [&[&str]; 11] = [
    &["o+r", "@/f.txt"],
    &["o-r", "@/f.txt"],
    &["o=r", "@/f.txt"],
    &["g+r", "@/f.txt", "A"],
    &["g=w", "@/f.txt", "B C"],
    &["g+wr", "@/f.txt", "D", "E"],
    &["g-r", "@/f.txt"],
    &["og+r", "@/f.txt", "F"],
    &["go-rw", "@/f.txt"],
    &["og=r", "@/f.txt", "G"],
    &["o-rw", "@/f.txt"],
];

fn vchmod_of_a_file(bench: &Bench<'_>) {
    twins(bench, filled(bench), "vchmod", CHANGES[0]);
    for change in &CHANGES[1..] {
        twins(bench, |_| {}, "vchmod", change);
    }
}

fn vchmod_of_a_container(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vchmod", &["g+rw", "@/d", "A", "B"]);
    twins(bench, |_| {}, "vchmod", &["o+r", "@/d"]);
    twins(bench, |_| {}, "vchmod", &["og-rw", "@/d"]);
}

fn vchmod_of_a_tree(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vchmod", &["-R", "og+r", "@/d", "team"]);
    twins(bench, &filled, "vchmod", &["--recursive", "g-r", "@/d"]);
    twins(bench, &filled, "vchmod", &["-R", "o-r", "@/f.txt"]);
    twins(bench, &filled, "vchmod", &["-R", "o-r", "@/missing"]);
}

fn vchmod_wrongly(bench: &Bench<'_>) {
    bench.put("f.txt", "f");
    let uri = bench.uri("f.txt");
    for line in [&["u+r", uri.as_str()][..], &["o+x", &uri], &["r", &uri], &["", &uri], &["o+r"]] {
        let (theirs, ours) = (bench.run("vchmod", line), bench.ours("vchmod", line));
        assert_eq!((ours.status, theirs.status), (2, 2), "{line:?}");
    }
    for line in
        [&["g+r", uri.as_str()][..], &["g+rw", &uri, "ONE"], &["g-r", &uri, "ONE"], &["g+r", &uri, "ONE", "TWO"]]
    {
        let (theirs, ours) = (bench.run("vchmod", line), bench.ours("vchmod", line));
        assert!(theirs.status != 0 && ours.status != 0, "{line:?}");
    }
    same(bench, "vchmod", &["o+r", &bench.uri("missing")]);
    assert_eq!(bench.property("f.txt", "groupread"), None);
}

fn vlock(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vlock", &["--lock", "@/f.txt"]);
    twins(bench, &filled, "vlock", &["--unlock", "@/f.txt"]);
    twins(bench, &filled, "vlock", &["--lock", "@/d"]);
    twins(bench, |_| {}, "vrm", &["-R", "@/d"]);
    twins(bench, |_| {}, "vlock", &["--unlock", "@/d"]);
    twins(bench, &filled, "vlock", &["--lock", "@/missing"]);
}

/// The properties in question, as each shows them.
fn shown(bench: &Bench<'_>, path: &str) -> [String; 2] {
    super::TWINS.map(|twin| {
        let uri = bench.uri(&format!("{twin}/{path}"));
        bench
            .world
            .vospace(&["tag", &uri, "quality", "title", "ivo://example.org/x#seeing", "description"])
            .ok()
            .stdout()
    })
}

fn vtag_sets_and_removes(bench: &Bench<'_>) {
    let filled = filled(bench);
    for (options, wishes) in [
        (&[][..], &["quality=good"][..]),
        (&[], &["title=A title, with blanks", "ivo://example.org/x#seeing=0.7", "description=été & <b>"]),
        (&[], &["quality=bad", "title="]),
        (&["--remove"], &["quality"]),
        (&[], &["quality"]),
        (&["--remove"], &["ivo://example.org/x#seeing", "description"]),
    ] {
        let line: Vec<&str> = options.iter().copied().chain(["@/f.txt"]).chain(wishes.iter().copied()).collect();
        // What is there stays: a file that is put again would lose nothing, but the date would move.
        if bench.world.exists("twins/f.txt") {
            twins(bench, |_| {}, "vtag", &line);
        } else {
            twins(bench, &filled, "vtag", &line);
        }
        let [theirs, ours] = shown(bench, "f.txt");
        assert_eq!(ours, theirs, "{wishes:?}");
    }
    same(bench, "vtag", &[&bench.uri("missing"), "quality=good"]);
}

fn vtag_of_a_tree(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vtag", &["-R", "@/d", "quality=good", "title=T"]);
    let [theirs, ours] = shown(bench, "d/deep/g.txt");
    assert_eq!((ours.as_str(), theirs.as_str()), ("'good'\n'T'\nNone\nNone\n", "'good'\n'T'\nNone\nNone\n"));
    twins(bench, |_| {}, "vtag", &["--recursive", "@/d", "quality="]);
    let [theirs, ours] = shown(bench, "d/deep/g.txt");
    assert_eq!(ours, theirs);
}
