//! `vls` and the reading side of `vtag` and `vlock`.

use vofs_tests::Profile;

use super::same;
use crate::bench::{Bench, judged};

judged! {
    all: vls_every_option_that_the_service_takes, vls_of_links_and_targets, vls_wildcards, vls_sorts_what_was_named, vls_fails,
        vls_anonymous, vtag_prints, vlock_tells;
    vault: vls_sorts_by_date;
}

/// Every kind of node, with rights, groups, sizes and a tag.
fn tree(bench: &Bench<'_>) {
    bench.containers(&["d/sub", "e"]);
    for (path, size) in
        [("d/a.txt", 0), ("d/.hidden", 6), ("d/b.dat", 1536), ("d/sub/c.txt", 6_000_000), ("e/c.txt", 3)]
    {
        bench.put(path, vec![7; size]);
    }
    // Several, where they are separated by what both print.
    let readers = if bench.profile == Profile::Strict { "A" } else { "A B" };
    bench.run("vchmod", &["og+rw", &bench.uri("d/b.dat"), readers, "team"]).fails_with(0, &[]);
    bench
        .run("vtag", &[&bench.uri("d/b.dat"), "title=A title that is long enough to be broken, for it has many words"])
        .ok();
    bench.run("vln", &[bench.uri("d/b.dat"), bench.uri("d/to-file")]).ok();
    bench.run("vln", &[bench.uri("d/sub"), bench.uri("d/to-container")]).ok();
    if bench.profile == Profile::Vault {
        bench.run("vlock", &["--lock", &bench.uri("d/a.txt")]).ok();
    }
}

fn vls_every_option_that_the_service_takes(bench: &Bench<'_>) {
    tree(bench);
    for (options, path) in [
        (&[][..], "d"),
        (&["-l"], "d/"),
        (&["--long"], ""),
        (&["-g"], "d"),
        (&["--group"], "d/to-file"),
        (&["-l", "-g"], "d"),
        (&["-lh"], "d"),
        (&["-h"], "d/a.txt"),
        (&["--human", "-g"], "d/b.dat"),
        (&[], "d/to-file"),
        (&["-l"], "d/to-file"),
        (&[], "d/to-container"),
        (&["-l"], "d/to-container"),
        (&["-l"], "d/to-container/"),
        (&["-g"], "d/to-container"),
    ] {
        let uri = bench.uri(path);
        let arguments: Vec<&str> = options.iter().copied().chain([uri.as_str()]).collect();
        same(bench, "vls", &arguments);
    }
}

fn vls_of_links_and_targets(bench: &Bench<'_>) {
    tree(bench);
    // The forms in which a node can be written.
    let service = bench.profile.service();
    for uri in [
        format!("vos://cadc.nrc.ca~{service}/demo/d"),
        format!("vos://cadc.nrc.ca!{service}/demo/d"),
        format!("{}:/demo/d", bench.profile.prefix()),
        format!("{}:demo/./e/../d", bench.profile.prefix()),
        format!("{}:", bench.profile.prefix()),
        format!("{service}:demo/d"),
    ] {
        same(bench, "vls", &["-l", &uri]);
    }
}

fn vls_wildcards(bench: &Bench<'_>) {
    tree(bench);
    for pattern in ["d/*", "d/.h*", "d/[ab].*", "?", "?/*.txt", "d/sub/c.*"] {
        same(bench, "vls", &[bench.uri(pattern)]);
        // With a header and a sum for each container.
        same(bench, "vls", &["-l", &bench.uri(pattern)]);
    }
}

fn vls_sorts_what_was_named(bench: &Bench<'_>) {
    for (name, size) in [("a", 20), ("b", 30), ("c", 10)] {
        bench.put(name, vec![0; size]);
    }
    for options in [&["-S"][..], &["--Size", "--reverse"], &["-S", "-t"], &["-lS"]] {
        let uri = bench.uri("*");
        let arguments: Vec<&str> = options.iter().copied().chain([uri.as_str()]).collect();
        same(bench, "vls", &arguments);
    }
}

fn vls_sorts_by_date(bench: &Bench<'_>) {
    // Seconds apart: the package counts no less.
    for (name, later) in [("b", -20_000), ("a", -10_000), ("c", 0)] {
        bench.world.server.post("/_bench/clock", &format!(r#"{{"offset_ms": {later}}}"#));
        bench.put(name, "x");
        bench.world.vospace(&["ls", &bench.uri(name)]).ok();
    }
    for options in [&["-t"][..], &["--time", "-r"]] {
        let uri = bench.uri("*");
        let arguments: Vec<&str> = options.iter().copied().chain([uri.as_str()]).collect();
        same(bench, "vls", &arguments);
    }
}

fn vls_fails(bench: &Bench<'_>) {
    same(bench, "vls", &[bench.uri("missing")]);
    same(bench, "vls", &[bench.uri("missing/*")]);
    same(bench, "vls", &["--token", "wrong", &bench.uri("")]);
    same(bench, "vls", &["--certfile", "/none.pem", "nonesuch:x"]);
    let broken = bench.file("broken.pem", "no certificate\n");
    same(bench, "vls", &["--certfile", &broken, &bench.uri("")]);
}

fn vls_anonymous(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    same(bench, "vls", &["--certfile", "", &bench.uri("t.txt")]);
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    same(bench, "vls", &["--certfile", "", "-l", &bench.uri("")]);
    same(bench, "vls", &["--certfile=", &bench.uri("t.txt")]);
}

fn vtag_prints(bench: &Bench<'_>) {
    tree(bench);
    for path in ["d", "d/a.txt", "d/b.dat", "d/to-file"] {
        same(bench, "vtag", &[bench.uri(path)]);
    }
    for key in ["title", "length", "MD5", "ispublic", "nothing"] {
        same(bench, "vtag", &[&bench.uri("d/b.dat"), key]);
    }
    same(bench, "vtag", &[bench.uri("missing")]);
}

fn vlock_tells(bench: &Bench<'_>) {
    tree(bench);
    for path in ["d/a.txt", "d/b.dat", "d", "d/to-file"] {
        let uri = bench.uri(path);
        let (theirs, ours) = (bench.run("vlock", &[&uri]), bench.ours("vlock", &[&uri]));
        assert_eq!((ours.status, ours.stdout()), (theirs.status, theirs.stdout()), "{path}");
    }
}
