//! `vmkdir`, `vrm`, `vrmdir`, `vmv` and `vln`.

use vofs_tests::Profile;

use super::{same, twins};
use crate::bench::{Bench, judged};

judged! {
    all: vmkdir, vrm, vrm_fails, vrmdir, vmv, vmv_fails, vln, somebody_else;
    vault: vln_to_the_web;
    cavern: vln_to_the_web_is_refused;
}

fn nothing(_: &str) {}

/// Makes a file, a container with one, and links to both.
fn filled<'a>(bench: &'a Bench<'_>) -> impl Fn(&str) + 'a {
    |twin| {
        let at = |path: &str| format!("{twin}/{path}");
        bench.containers(&[&at("d/deep"), &at("hollow")]);
        bench.put(&at("f"), "f");
        bench.put(&at("d/deep/g"), "g");
        for (target, link) in [("f", "to-f"), ("d", "to-d")] {
            bench.world.vospace(&["rm", &bench.uri(&at(link))]);
            bench.world.vospace(&["ln", &bench.uri(&at(target)), &bench.uri(&at(link))]).ok();
        }
    }
}

fn vmkdir(bench: &Bench<'_>) {
    twins(bench, nothing, "vmkdir", &["@/a"]);
    twins(bench, nothing, "vmkdir", &["@/a/b/"]);
    twins(bench, nothing, "vmkdir", &["@/a"]);
    twins(bench, nothing, "vmkdir", &["@/no/parent"]);
    twins(bench, nothing, "vmkdir", &["-p", "@/p/q/r"]);
    twins(bench, nothing, "vmkdir", &["-p", "@/p/q"]);
    twins(bench, |twin| bench.put(&format!("{twin}/f"), "f"), "vmkdir", &["-p", "@/f/below"]);
    same(bench, "vmkdir", &["-p".to_owned(), bench.uri("").replace("demo", "nobody/d")]);
}

fn vrm(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vrm", &["@/f"]);
    twins(bench, &filled, "vrm", &["@/f", "@/to-f", "@/to-d"]);
    twins(bench, &filled, "vrm", &["-R", "@/d"]);
    twins(bench, &filled, "vrm", &["--recursive", "@/d/", "@/hollow"]);
    twins(bench, &filled, "vrm", &["-R", "@/f"]);
}

fn vrm_fails(bench: &Bench<'_>) {
    let filled = filled(bench);
    for line in [&["@/missing"][..], &["@/d/"], &["@/f/"], &["/local/name"], &["-R", "@/missing"]] {
        twins(bench, &filled, "vrm", line);
    }
}

fn vrmdir(bench: &Bench<'_>) {
    let filled = filled(bench);
    for line in [&["@/hollow"][..], &["@/hollow/"], &["@/f"], &["@/missing"]] {
        twins(bench, &filled, "vrmdir", line);
    }
    // By the standard, the service removes what is asked of it with all that it holds: see `differs`.
    if bench.profile != Profile::Strict {
        twins(bench, &filled, "vrmdir", &["@/d"]);
        twins(bench, &filled, "vrmdir", &["@/hollow", "@/d/deep"]);
    }
}

fn vmv(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vmv", &["@/f", "@/renamed"]);
    twins(bench, &filled, "vmv", &["@/f", "@/d"]);
    twins(bench, &filled, "vmv", &["@/d", "@/hollow"]);
    twins(bench, &filled, "vmv", &["@/hollow", "@/other-hollow"]);
    twins(bench, &filled, "vmv", &["@/to-f", "@/link-moved"]);
}

fn vmv_fails(bench: &Bench<'_>) {
    let filled = filled(bench);
    for line in [
        ["@/missing", "@/x"],
        ["@/f", "@/d/deep/g"],
        ["@/d", "@/d/deep"],
        ["@/f", "@/no/such/place"],
        ["@/f", "local"],
        ["local", "@/f"],
        ["@/f", "@/f"],
    ] {
        twins(bench, &filled, "vmv", &line);
    }
}

fn vln(bench: &Bench<'_>) {
    let filled = filled(bench);
    twins(bench, &filled, "vln", &["@/f", "@/new-link"]);
    twins(bench, &filled, "vln", &["@/d", "@/new-link-to-d"]);
    twins(bench, &filled, "vln", &["@/missing", "@/dangling"]);
    twins(bench, &filled, "vln", &["@/f", "@/to-f"]);
    twins(bench, &filled, "vln", &["@/f", "@/no/such/place"]);
    // The package also prints its usage.
    let (theirs, ours) = (bench.run("vln", &["vos:x", "local"]), bench.ours("vln", &["vos:x", "local"]));
    assert!(theirs.status != 0 && ours.status != 0 && ours.stdout().is_empty());
}

fn vln_to_the_web(bench: &Bench<'_>) {
    twins(bench, nothing, "vln", &["https://example.org/x?y=z#f", "@/web"]);
    twins(bench, nothing, "vln", &["vos://elsewhere.example~space/x", "@/far"]);
}

fn vln_to_the_web_is_refused(bench: &Bench<'_>) {
    twins(bench, nothing, "vln", &["https://example.org/x", "@/web"]);
}

fn somebody_else(bench: &Bench<'_>) {
    bench.put("f", "f");
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    let ada = bench.world.server.user_certificate("ada");
    let ada = ada.to_str().unwrap();
    let (f, new) = (bench.uri("f"), bench.uri("new"));
    for line in [
        &["vmkdir", "--certfile", ada, &new][..],
        &["vrm", "--certfile", ada, &f],
        &["vmv", "--certfile", ada, &f, &new],
        &["vln", "--certfile", ada, &f, &new],
        &["vchmod", "--certfile", ada, "o+r", &f],
        &["vtag", "--certfile", ada, &f, "title=mine"],
    ] {
        same(bench, line[0], &line[1..]);
    }
    assert!(bench.world.exists("f") && !bench.world.exists("new"));
}
