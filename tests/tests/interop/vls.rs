//! `vls`: rows as scripts take them apart, wildcards, and what it fails at.

use crate::bench::{Bench, judged};
use vofs_tests::Profile;

judged! {
    both: names, long_rows, rows_without_creator, human_sizes, groups, of_a_file, of_a_link, of_a_link_to_a_container,
        wildcards, wildcard_without_match, several_containers, sorted_files, sorting_of_a_container_is_refused, missing,
        bad_token, bad_certificate, unreadable_container, unreadable_file, anonymous, by_token, of_the_root;
    vault: locked;
}

fn names(bench: &Bench<'_>) {
    bench.containers(&["d/sub"]);
    bench.put("d/b.txt", "b");
    bench.put("d/.hidden", "h");
    let listed = bench.run("vls", &[bench.uri("d")]).ok();
    let mut names: Vec<String> = listed.stdout().lines().map(str::to_owned).collect();
    if bench.profile == Profile::Cavern {
        names.sort();
    }
    assert_eq!(names, [".hidden", "b.txt", "sub"]);
    assert_eq!(listed.stderr, "");
}

fn long_rows(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.put("d/big.bin", vec![0; 6_000_000]);
    bench.run("vln", &[bench.uri("d/big.bin"), bench.uri("d/lnk")]).ok();
    bench.run("vchmod", &["o+r", &bench.uri("d/big.bin")]).ok();
    let listed = bench.run("vls", &["-l", &bench.uri("d")]).ok();
    let mut rows: Vec<String> = listed.stdout().lines().map(str::to_owned).collect();
    rows.sort();
    let date = bench.date_column("d/big.bin");
    assert_eq!(
        rows[0],
        format!("-rw----r--  demo                 NONE            NONE                         6000000 {date} big.bin")
    );
    // A symbolic link of a file system has no rights of its own: everybody reads where it leads.
    let public = if bench.profile == Profile::Cavern { "r" } else { "-" };
    let date = bench.date_column("d/lnk");
    let separator = if bench.profile == Profile::Cavern { "~arc" } else { "!vault" };
    let target = format!("vos://cadc.nrc.ca{separator}/demo/d/big.bin");
    assert_eq!(
        rows[1],
        format!(
            "lrw----{public}--  demo                 NONE            NONE                               0 {date} lnk -> {target}"
        )
    );
    let above = bench.run("vls", &["-l", &bench.uri("")]).ok();
    let date = bench.date_column("d");
    assert_eq!(
        above.stdout(),
        format!("drw-------  demo                 NONE            NONE                               0 {date} d\n")
    );
}

fn rows_without_creator(bench: &Bench<'_>) {
    bench.put("a.txt", "");
    let date = bench.date_column("a.txt");
    let listed = bench.run("vls", &["-g", &bench.uri("")]).ok();
    assert_eq!(
        listed.stdout(),
        format!("-rw-------  NONE            NONE                               0 {date} a.txt\n")
    );
    let both = bench.run("vls", &["-l", "-g", &bench.uri("")]).ok();
    assert_eq!(both.stdout(), bench.run("vls", &["-l", &bench.uri("")]).ok().stdout());
}

fn human_sizes(bench: &Bench<'_>) {
    for (name, size) in [("a", 0), ("b", 6), ("c", 1536), ("d", 1_048_575), ("e", 6_000_000)] {
        bench.put(name, vec![0; size]);
    }
    let listed = bench.run("vls", &["-l", "-h", &bench.uri("")]).ok().stdout();
    let mut sizes: Vec<(&str, &str)> = listed
        .lines()
        .map(|row| {
            let columns: Vec<&str> = row.split_whitespace().collect();
            (columns[8], columns[4])
        })
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [("a", "0"), ("b", "6B"), ("c", "2K"), ("d", "1024K"), ("e", "6M")]);
}

fn groups(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vchmod", &["g+r", &bench.uri("t.txt"), "A B C"]).ok();
    bench.run("vchmod", &["g+w", &bench.uri("t.txt"), "team"]).ok();
    let date = bench.date_column("t.txt");
    let listed = bench.run("vls", &["-l", &bench.uri("t.txt")]).ok();
    assert_eq!(
        listed.stdout(),
        format!("-rw-rw----  demo                 A B C           team                               6 {date} t.txt\n")
    );
}

fn locked(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vchmod", &["og+r", &bench.uri("t.txt"), "A B C"]).ok();
    bench.run("vlock", &["--lock", &bench.uri("t.txt")]).ok();
    let date = bench.date_column("t.txt");
    let listed = bench.run("vls", &["-l", &bench.uri("t.txt")]).ok();
    assert_eq!(
        listed.stdout(),
        format!("-rw-r--r--  demo                 A B C           NONE            LOCKED             6 {date} t.txt\n")
    );
}

fn of_a_file(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    assert_eq!(bench.run("vls", &[bench.uri("t.txt")]).ok().stdout(), "t.txt\n");
}

fn of_a_link(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).ok();
    // Followed, but not for a long row.
    assert_eq!(bench.run("vls", &[bench.uri("lnk")]).ok().stdout(), "t.txt\n");
    let row = bench.run("vls", &["-l", &bench.uri("lnk")]).ok().stdout();
    assert!(row.starts_with("lrw") && row.contains(" lnk -> vos://cadc.nrc.ca"), "{row}");
}

fn of_a_link_to_a_container(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.put("d/t.txt", "hello\n");
    bench.run("vln", &[bench.uri("d"), bench.uri("lnk")]).ok();
    assert_eq!(bench.run("vls", &[bench.uri("lnk")]).ok().stdout(), "t.txt\n");
    let row = bench.run("vls", &["-l", &bench.uri("lnk/")]).ok().stdout();
    assert!(row.starts_with("-rw") && row.ends_with(" t.txt\n"), "{row}");
}

fn wildcards(bench: &Bench<'_>) {
    bench.containers(&["p1", "p2"]);
    for path in ["p1/a.txt", "p1/b.dat", "p2/c.txt", "p2/.d.txt"] {
        bench.put(path, "x");
    }
    assert_eq!(bench.run("vls", &[bench.uri("p?/*.txt")]).ok().stdout(), "a.txt\nc.txt\n");
    assert_eq!(bench.run("vls", &[bench.uri("p2/.*")]).ok().stdout(), ".d.txt\n");
    assert_eq!(bench.run("vls", &[bench.uri("p1/[ab].*")]).ok().stdout(), "a.txt\nb.dat\n");
    // A literal name after a wildcard has to be in every container that matches.
    bench.containers(&["p1/up"]);
    bench.put("p1/up/x.txt", "x");
    bench.run("vls", &[bench.uri("p*/up/*.txt")]).fails_with(13, &["[Errno 13] Permission denied"]);
}

fn wildcard_without_match(bench: &Bench<'_>) {
    let listed = bench.run("vls", &[bench.uri("nothing*")]).ok();
    assert_eq!((listed.stdout().as_str(), listed.stderr.as_str()), ("", ""));
}

fn several_containers(bench: &Bench<'_>) {
    bench.containers(&["p1", "p2"]);
    bench.put("p1/a.txt", "a");
    bench.put("p2/b.txt", "b");
    bench.put("plain", "x");
    assert_eq!(bench.run("vls", &[bench.uri("p*")]).ok().stdout(), "plain\n\np1:\na.txt\n\np2:\nb.txt\n");
    let long = bench.run("vls", &["-l", &bench.uri("p?")]).ok().stdout();
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!((lines[0], lines[1], lines[2], lines[4], lines[5]), ("", "p1:", "total: 0", "", "p2:"), "{long}");
    assert!(lines[3].ends_with(" a.txt") && lines[7].ends_with(" b.txt"), "{long}");
}

fn sorted_files(bench: &Bench<'_>) {
    for (name, size) in [("a", 10), ("b", 30), ("c", 20)] {
        bench.put(name, vec![0; size]);
    }
    assert_eq!(bench.run("vls", &["-S", &bench.uri("*")]).ok().stdout(), "b\nc\na\n");
    assert_eq!(bench.run("vls", &["-S", "-r", &bench.uri("*")]).ok().stdout(), "a\nc\nb\n");
}

fn sorting_of_a_container_is_refused(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.run("vls", &["-t", &bench.uri("d")]).fails_with(144, &["ERROR:: [Errno 400] ", "sort by ", "date"]);
    bench.run("vls", &["-r", &bench.uri("d")]).fails_with(144, &["ERROR:: [Errno 400] ", "sort order "]);
    // Before it asks, the client looks for a size that containers do not have.
    bench.run("vls", &["-l", "-S", &bench.uri("d")]).fails_with(255, &["ERROR:: 'length'"]);
}

fn missing(bench: &Bench<'_>) {
    let text = format!("ERROR:: NodeNotFound: {}", bench.full("missing"));
    bench.run("vls", &[bench.uri("missing")]).fails_with(2, &[&text]);
}

fn bad_token(bench: &Bench<'_>) {
    bench.run("vls", &["--token", "wrong", &bench.uri("")]).fails_with(13, &["ERROR:: [Errno 13] "]);
}

fn bad_certificate(bench: &Bench<'_>) {
    let file = bench.file("broken.pem", "no certificate\n");
    let text = format!("Could not load client certificate ({file})");
    bench.run("vls", &["--certfile", &file, &bench.uri("")]).fails_with(5, &[&text]);
}

fn unreadable_container(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.put("d/t.txt", "secret");
    let listed = bench.run_as_ada("vls", &[&bench.uri("")]).ok();
    assert_eq!((listed.stdout().as_str(), listed.stderr.as_str()), ("", ""));
}

fn unreadable_file(bench: &Bench<'_>) {
    bench.put("t.txt", "secret");
    bench.run_as_ada("vls", &[&bench.uri("t.txt")]).fails_with(147, &["ERROR:: [Errno 403] PermissionDenied"]);
}

fn anonymous(bench: &Bench<'_>) {
    bench.containers(&["open"]);
    bench.put("open/t.txt", "for all");
    bench
        .run("vls", &["--certfile", "", &bench.uri("open")])
        .fails_with(147, &["ERROR:: [Errno 403] PermissionDenied"]);
    for node in ["", "open"] {
        bench.run("vchmod", &["o+r", &bench.uri(node)]).ok();
    }
    assert_eq!(bench.run("vls", &["--certfile", "", &bench.uri("open")]).ok().stdout(), "t.txt\n");
}

fn by_token(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    std::fs::remove_file(bench.python.certificate()).unwrap();
    bench.run("vls", &[bench.uri("t.txt")]).fails_with(147, &["ERROR:: [Errno 403] PermissionDenied"]);
    assert_eq!(bench.run("vls", &["--token", "demo-token", &bench.uri("")]).ok().stdout(), "t.txt\n");
}

fn of_the_root(bench: &Bench<'_>) {
    let prefix = bench.uri("").replace("demo", "");
    let listed = bench.run("vls", &[prefix]).ok().stdout();
    let mut names: Vec<&str> = listed.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["ada", "demo", "home"]);
}
