//! `vcp`: files and trees in both directions, what it skips, and what it fails at.

use std::fs;

use crate::bench::{Bench, judged};

judged! {
    both: small_file, into_a_container, empty_file, large_file, overwrite, to_empty_and_back, unchanged_is_not_sent,
        trees, into_a_named_container, contents_of_a_container, wildcards, several_onto_one_name, link_without_l,
        link_with_l, exclude_and_include, prompt, within_the_space, local_to_local, refused_names,
        refused_name_in_a_tree, missing, no_right_to_write, no_right_to_read, token, verbose;
    vault: names_that_are_cut, name_outside_ascii, locked, transaction_of_a_large_file;
    cavern: names_that_are_cut_in_place, name_outside_ascii_is_refused, checksum_is_lost_by_the_second_copy;
}

/// More than the client sends in one request.
fn large() -> Vec<u8> {
    (0..6_000_000_u32).map(|i| (i % 241) as u8).collect()
}

fn down(bench: &Bench<'_>, path: &str) -> Vec<u8> {
    let to = bench.local("down");
    bench.run("vcp", &[&bench.uri(path), to.to_str().unwrap()]).ok();
    fs::read(to).unwrap()
}

fn small_file(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "hello\n");
    let sent = bench.run("vcp", &[&from, &bench.uri("t.txt")]).ok();
    assert_eq!((sent.stdout().as_str(), sent.stderr.as_str()), ("", ""));
    assert_eq!(bench.world.bytes("t.txt").unwrap(), b"hello\n");
    assert_eq!(bench.property("t.txt", "MD5").unwrap(), "b1946ac92492d2347c6235b4d2611184");
    assert_eq!(down(bench, "t.txt"), b"hello\n");
}

fn into_a_container(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    let from = bench.file("t.txt", "hello\n");
    bench.run("vcp", &[&from, &bench.uri("d/")]).ok();
    bench.run("vcp", &[&bench.uri("d/t.txt"), bench.local("").to_str().unwrap()]).ok();
    let other = bench.file("other.txt", "hallo\n");
    bench.run("vcp", &[&other, &bench.uri("d")]).ok();
    assert_eq!(bench.world.bytes("d/t.txt").unwrap(), b"hello\n");
    assert_eq!(bench.world.bytes("d/other.txt").unwrap(), b"hallo\n");
}

fn empty_file(bench: &Bench<'_>) {
    let from = bench.file("empty", "");
    bench.run("vcp", &[&from, &bench.uri("empty")]).ok();
    assert_eq!(bench.property("empty", "length").unwrap(), "0");
    assert_eq!(down(bench, "empty"), b"");
    assert!(bench.byte_writes().is_empty());
}

fn large_file(bench: &Bench<'_>) {
    let from = bench.file("large.bin", large());
    bench.run("vcp", &[&from, &bench.uri("large.bin")]).ok();
    assert!(bench.world.bytes("large.bin").unwrap() == large());
    assert!(down(bench, "large.bin") == large());
}

fn transaction_of_a_large_file(bench: &Bench<'_>) {
    let from = bench.file("large.bin", large());
    bench.run("vcp", &[&from, &bench.uri("large.bin")]).ok();
    let statuses: Vec<u64> = bench.byte_writes().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [202, 201], "start with the bytes, commit");
}

fn overwrite(bench: &Bench<'_>) {
    bench.put("t.txt", "old content, and longer");
    let from = bench.file("t.txt", "new");
    bench.run("vcp", &[&from, &bench.uri("t.txt")]).ok();
    assert_eq!(bench.world.bytes("t.txt").unwrap(), b"new");
    assert_eq!(down(bench, "t.txt"), b"new");
    let from = bench.file("t.txt", large());
    bench.run("vcp", &[&from, &bench.uri("t.txt")]).ok();
    assert!(down(bench, "t.txt") == large());
}

fn to_empty_and_back(bench: &Bench<'_>) {
    bench.put("t.txt", "something");
    bench.run("vtag", &[&bench.uri("t.txt"), "quality=good"]).ok();
    let empty = bench.file("empty", "");
    bench.run("vcp", &[&empty, &bench.uri("t.txt")]).ok();
    assert_eq!(bench.world.bytes("t.txt").unwrap(), b"");
    assert_eq!(bench.property("t.txt", "quality"), None, "deleted and made anew");
    let from = bench.file("t.txt", "again");
    bench.run("vcp", &[&from, &bench.uri("t.txt")]).ok();
    assert_eq!(down(bench, "t.txt"), b"again");
}

fn unchanged_is_not_sent(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "hello\n");
    bench.run("vcp", &[&from, &bench.uri("t.txt")]).ok();
    bench.world.server.forget();
    let again = bench.run("vcp", &["-v", &from, &bench.uri("t.txt")]).ok();
    assert!(again.stderr.contains("Source and destination identical for"), "{}", again.stderr);
    assert!(again.stderr.contains("Skip transfer!"), "{}", again.stderr);
    assert!(bench.byte_writes().is_empty());
}

fn checksum_is_lost_by_the_second_copy(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "hello\n");
    let sent = |copies: usize| {
        bench.world.server.forget();
        bench.run("vcp", &[&from, &bench.uri("t.txt")]).ok();
        assert_eq!(bench.byte_writes().len(), copies);
    };
    sent(1);
    assert!(bench.property("t.txt", "MD5").is_some());
    sent(0);
    assert_eq!(bench.property("t.txt", "MD5"), None, "erased by the document that was sent back");
    sent(1);
}

fn tree(bench: &Bench<'_>) -> String {
    bench.file("tree/a.txt", "a");
    bench.file("tree/.hidden", "h");
    bench.file("tree/empty", "");
    bench.file("tree/sub/b.fits", vec![7; 2880]);
    fs::create_dir(bench.local("tree/hollow")).unwrap();
    std::os::unix::fs::symlink("a.txt", bench.local("tree/symlink")).unwrap();
    bench.local("tree").to_str().unwrap().to_owned()
}

fn trees(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.containers(&["d"]);
    bench.run("vcp", &[&tree, &bench.uri("d")]).ok();
    for (path, bytes) in [("a.txt", &b"a"[..]), (".hidden", b"h"), ("empty", b""), ("sub/b.fits", &[7; 2880])] {
        assert_eq!(bench.world.bytes(&format!("d/tree/{path}")).unwrap(), bytes, "{path}");
    }
    assert!(bench.world.exists("d/tree/hollow"));
    assert!(!bench.world.exists("d/tree/symlink"), "skipped, without a word");
    let back = bench.local("back");
    fs::create_dir(&back).unwrap();
    bench.run("vcp", &[&bench.uri("d/tree"), back.to_str().unwrap()]).ok();
    for (path, bytes) in [("a.txt", &b"a"[..]), (".hidden", b"h"), ("empty", b""), ("sub/b.fits", &[7; 2880])] {
        assert_eq!(fs::read(back.join("tree").join(path)).unwrap(), bytes, "{path}");
    }
    assert!(back.join("tree/hollow").is_dir());
}

fn into_a_named_container(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vcp", &[&tree, &bench.uri("new")]).ok();
    assert_eq!(bench.world.bytes("new/sub/b.fits").unwrap(), [7; 2880]);
    assert!(!bench.world.exists("new/tree"));
}

fn contents_of_a_container(bench: &Bench<'_>) {
    bench.containers(&["d/sub"]);
    bench.put("d/sub/t.txt", "t");
    let to = bench.local("to");
    fs::create_dir(&to).unwrap();
    bench.run("vcp", &[&bench.uri("d/"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::read(to.join("sub/t.txt")).unwrap(), b"t");
}

fn wildcards(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    for path in ["d/a.txt", "d/b.txt", "d/.c.txt", "d/d.dat"] {
        bench.put(path, path);
    }
    let to = bench.local("to");
    fs::create_dir(&to).unwrap();
    bench.run("vcp", &[&bench.uri("d/*.txt"), to.to_str().unwrap()]).ok();
    let mut names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.txt", "b.txt"]);
    assert_eq!(fs::read(to.join("b.txt")).unwrap(), b"d/b.txt");
    let nothing = bench.run("vcp", &[&bench.uri("d/*.none"), to.to_str().unwrap()]).ok();
    assert_eq!((nothing.stdout().as_str(), nothing.stderr.as_str()), ("", ""));
}

fn several_onto_one_name(bench: &Bench<'_>) {
    let (a, b) = (bench.file("a", "first"), bench.file("b", "second"));
    bench.run("vcp", &[&a, &b, &bench.uri("one")]).ok();
    assert_eq!(bench.world.bytes("one").unwrap(), b"second", "the last one wins, and the status is 0");
}

fn link_without_l(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).ok();
    let to = bench.local("to");
    bench.run("vcp", &[&bench.uri("lnk"), to.to_str().unwrap()]).ok();
    assert!(!to.exists(), "nothing, and the status is 0");
}

fn link_with_l(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).ok();
    let to = bench.local("to");
    bench.run("vcp", &["-L", &bench.uri("lnk"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::read(to).unwrap(), b"hello\n");
}

fn exclude_and_include(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vcp", &["--exclude", ".txt,.hidden", &tree, &bench.uri("one")]).ok();
    assert!(bench.world.exists("one/sub/b.fits") && !bench.world.exists("one/a.txt"));
    // What is included is copied although it is excluded as well.
    bench.run("vcp", &["--exclude", ".txt", "--include", "a.txt", &tree, &bench.uri("two")]).ok();
    assert!(bench.world.exists("two/a.txt") && !bench.world.exists("two/.hidden"));
}

fn prompt(bench: &Bench<'_>) {
    bench.put("t.txt", "old");
    let from = bench.file("t.txt", "new");
    let asked = |answer: &str| {
        let mut command = bench.python.command("vcp");
        vofs_tests::process::run_with_input(command.args(["-i", &from, &bench.uri("t.txt")]), answer)
    };
    let refused = asked("n\n").fails_with(255, &["exists.  Overwrite? (y/n): ", "ERROR:: File exists"]);
    assert_eq!(refused.stdout(), "");
    assert_eq!(bench.world.bytes("t.txt").unwrap(), b"old");
    asked("y\n").ok();
    assert_eq!(bench.world.bytes("t.txt").unwrap(), b"new");
}

fn within_the_space(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench
        .run("vcp", &[bench.uri("t.txt"), bench.uri("copy")])
        .fails_with(255, &["ERROR:: Can not (yet) copy from VOSpace to VOSpace."]);
}

fn local_to_local(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "x");
    let to = bench.local("copy");
    bench.run("vcp", &[&from, to.to_str().unwrap()]).fails_with(255, &["ERROR:: Invalid URI to the remote resource: "]);
}

fn refused_names(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "x");
    for name in ["a b", "a%20b", "a'b", "a(b"] {
        bench
            .run("vcp", &[&from, &bench.uri(name)])
            .fails_with(22, &["ERROR:: [Errno 22] Illegal vospace container name: "]);
    }
    assert_eq!(bench.run("vls", &[bench.uri("")]).ok().stdout(), "");
}

fn refused_name_in_a_tree(bench: &Bench<'_>) {
    bench.file("tree/a b.txt", "x");
    bench.file("tree/c.txt", "c");
    let tree = bench.local("tree");
    let sent = bench.run("vcp", &[tree.to_str().unwrap(), &bench.uri("d")]).fails_with(22, &[]);
    assert_eq!(sent.stderr, "", "skipped, without a word");
    assert_eq!(bench.run("vls", &[bench.uri("d")]).ok().stdout(), "c.txt\n");
}

fn names_that_are_cut(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "x");
    for (name, cut) in [("hash#", "hash"), ("query?", "query"), ("bracket[1]", "bracket")] {
        bench.run("vcp", &[&from, &bench.uri(name)]).ok();
        assert_eq!(bench.world.bytes(cut).unwrap(), b"x", "{name}");
    }
    // Written under its own name, and out of the client's reach from then on.
    bench.run("vcp", &[&from, &bench.uri("semi;")]).ok();
    let listed = bench.run("vls", &[bench.uri("")]).ok().stdout();
    assert!(listed.lines().any(|name| name == "semi;"), "{listed}");
    bench.run("vls", &[bench.uri("semi;")]).fails_with(2, &["ERROR:: NodeNotFound: "]);
}

fn names_that_are_cut_in_place(bench: &Bench<'_>) {
    bench.put("a", "precious");
    let from = bench.file("t.txt", "x");
    for name in ["a;b", "a#b", "a?b", "a[1]"] {
        fs::write(&from, name).unwrap();
        bench.run("vcp", &[&from, &bench.uri(name)]).ok();
        assert_eq!(bench.world.bytes("a").unwrap(), name.as_bytes(), "{name}");
    }
}

fn name_outside_ascii(bench: &Bench<'_>) {
    let from = bench.file("é.txt", "x");
    bench.run("vcp", &[&from, &bench.uri("")]).ok();
    assert_eq!(bench.run("vls", &[bench.uri("")]).ok().stdout(), "%C3%A9.txt\n");
}

fn name_outside_ascii_is_refused(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "x");
    let sent = bench.run("vcp", &[&from, &bench.uri("ü.txt")]);
    assert_ne!(sent.status, 0);
    let listed = bench.run("vls", &["-l", &bench.uri("")]).ok().stdout();
    let row: Vec<&str> = listed.split_whitespace().collect();
    assert_eq!(row[4], "0", "an empty file stays: {listed}");
}

fn missing(bench: &Bench<'_>) {
    let to = bench.local("to");
    bench.run("vcp", &[&bench.uri("missing"), to.to_str().unwrap()]).fails_with(2, &["ERROR:: NodeNotFound: "]);
    assert!(!to.exists());
    let from = bench.file("t.txt", "x");
    let sent = bench.run("vcp", &[&from, &bench.uri("no/such/t.txt")]);
    assert_ne!(sent.status, 0);
}

fn no_right_to_write(bench: &Bench<'_>) {
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    let from = bench.file("t.txt", "x");
    // The document form says 401 where the right is missing, to known users as well.
    let text = format!("ERROR:: Unauthorized: PermissionDenied: {}", bench.full("t.txt"));
    bench.run_as_ada("vcp", &[&from, &bench.uri("t.txt")]).fails_with(13, &[&text]);
    assert!(!bench.world.exists("t.txt"));
}

fn no_right_to_read(bench: &Bench<'_>) {
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    bench.put("t.txt", "secret");
    let to = bench.local("to");
    let text = format!("ERROR:: Unauthorized: PermissionDenied: {}", bench.full("t.txt"));
    bench.run_as_ada("vcp", &[&bench.uri("t.txt"), to.to_str().unwrap()]).fails_with(13, &[&text]);
    assert!(!to.exists());
}

fn locked(bench: &Bench<'_>) {
    bench.put("t.txt", "old");
    bench.run("vlock", &["--lock", &bench.uri("t.txt")]).ok();
    let from = bench.file("t.txt", "new");
    bench.run("vcp", &[&from, &bench.uri("t.txt")]).fails_with(13, &["PermissionDenied"]);
    assert_eq!(bench.world.bytes("t.txt").unwrap(), b"old");
}

fn token(bench: &Bench<'_>) {
    fs::remove_file(bench.python.certificate()).unwrap();
    let from = bench.file("t.txt", "hello\n");
    bench.run("vcp", &["--token", "demo-token", &from, &bench.uri("t.txt")]).ok();
    let to = bench.local("to");
    bench.run("vcp", &["--token", "demo-token", &bench.uri("t.txt"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::read(to).unwrap(), b"hello\n");
    bench.run("vcp", &["--token", "wrong", &from, &bench.uri("t.txt")]).fails_with(13, &[]);
}

fn verbose(bench: &Bench<'_>) {
    let from = bench.file("t.txt", "hello\n");
    let sent = bench.run("vcp", &["-v", &from, &bench.uri("t.txt")]).ok();
    assert!(sent.stderr.contains(&format!("INFO vcp {from} -> {}", bench.uri("t.txt"))), "{}", sent.stderr);
    assert!(sent.stderr.contains("Successfully uploaded file"), "{}", sent.stderr);
    assert_eq!(sent.stdout(), "");
}
