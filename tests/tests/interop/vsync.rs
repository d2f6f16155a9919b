//! `vsync`.

use std::fs;

use crate::bench::{Bench, judged};

judged! {
    both: twice, changed_file, without_recursion, contents_only, exclude_and_include, by_size_and_time,
        links_and_odd_names_are_skipped, failure_is_status_0, missing_destination, destination_is_a_file,
        to_a_local_directory, too_many_streams;
}

fn tree(bench: &Bench<'_>) -> String {
    bench.file("tree/a.txt", "a");
    bench.file("tree/.hidden", "h");
    bench.file("tree/sub/b.dat", vec![7; 3000]);
    bench.containers(&["d"]);
    bench.world.server.forget();
    bench.local("tree").to_str().unwrap().to_owned()
}

fn twice(bench: &Bench<'_>) {
    let tree = tree(bench);
    let sent = bench.run("vsync", &["-v", "-r", &tree, &bench.uri("d")]).ok();
    assert!(sent.stderr.contains("==== TRANSFER REPORT ===="), "{}", sent.stderr);
    assert!(sent.stderr.contains("Sent 3 files"), "{}", sent.stderr);
    for (path, bytes) in [("a.txt", &b"a"[..]), (".hidden", b"h"), ("sub/b.dat", &[7; 3000])] {
        assert_eq!(bench.world.bytes(&format!("d/tree/{path}")).unwrap(), bytes, "{path}");
    }
    assert_eq!(bench.byte_writes().len(), 3);
    bench.world.server.forget();
    let again = bench.run("vsync", &["-v", "-r", &tree, &bench.uri("d")]).ok();
    assert!(again.stderr.contains("No files needed sending"), "{}", again.stderr);
    assert!(bench.byte_writes().is_empty());
}

fn changed_file(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &["-r", &tree, &bench.uri("d")]).ok();
    bench.file("tree/a.txt", "b");
    bench.world.server.forget();
    let sent = bench.run("vsync", &["-r", &tree, &bench.uri("d")]).ok();
    assert_eq!((sent.stdout().as_str(), sent.stderr.as_str()), ("", ""));
    assert_eq!(bench.byte_writes().len(), 1);
    assert_eq!(bench.world.bytes("d/tree/a.txt").unwrap(), b"b");
}

fn without_recursion(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &[&tree, &bench.uri("d")]).ok();
    assert!(bench.world.exists("d/tree/a.txt") && !bench.world.exists("d/tree/sub/b.dat"));
}

fn contents_only(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &["-r", &format!("{tree}/"), &bench.uri("d")]).ok();
    assert!(bench.world.exists("d/a.txt") && bench.world.exists("d/sub/b.dat"));
}

fn exclude_and_include(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &["-r", "--exclude", ".txt", &format!("{tree}/"), &bench.uri("d")]).ok();
    assert!(bench.world.exists("d/sub/b.dat") && !bench.world.exists("d/a.txt"));
    bench.run("vsync", &["--include", "^a.*t$", &format!("{tree}/"), &bench.uri("d")]).ok();
    assert!(bench.world.exists("d/a.txt") && !bench.world.exists("d/.hidden2"));
}

fn by_size_and_time(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &["-r", &tree, &bench.uri("d")]).ok();
    bench.world.server.forget();
    bench.run("vsync", &["-r", "--ignore-checksum", &tree, &bench.uri("d")]).ok();
    assert!(bench.byte_writes().is_empty());
}

fn links_and_odd_names_are_skipped(bench: &Bench<'_>) {
    let tree = tree(bench);
    std::os::unix::fs::symlink("a.txt", bench.local("tree/lnk")).unwrap();
    bench.file("tree/a b", "x");
    let sent = bench.run("vsync", &["-r", &tree, &bench.uri("d")]).ok();
    assert!(sent.stderr.contains("ERROR vsync ") && sent.stderr.contains("is a link, skipping"), "{}", sent.stderr);
    assert!(sent.stderr.contains("contains illegal characters, skipping"), "{}", sent.stderr);
    assert!(bench.world.exists("d/tree/a.txt") && !bench.world.exists("d/tree/lnk"));
}

fn failure_is_status_0(bench: &Bench<'_>) {
    let tree = tree(bench);
    let path = bench.world.server.byte_path();
    bench.world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 500}}"#));
    let sent = bench.run("vsync", &["-r", &tree, &bench.uri("d")]).ok();
    assert!(sent.stderr.contains("to server, skipping"), "{}", sent.stderr);
}

fn missing_destination(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &["-r", &tree, &bench.uri("missing")]).fails_with(2, &["NodeNotFound"]);
}

fn destination_is_a_file(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.put("t.txt", "x");
    let text = "stat: path should be string, bytes, os.PathLike or integer, not list";
    bench.run("vsync", &["-r", &tree, &bench.uri("t.txt")]).fails_with(255, &[text]);
}

fn to_a_local_directory(bench: &Bench<'_>) {
    let tree = tree(bench);
    let to = bench.local("to");
    fs::create_dir(&to).unwrap();
    bench.run("vsync", &[&tree, to.to_str().unwrap()]).fails_with(2, &["Only allows sync FROM local copy TO VOSpace"]);
}

fn too_many_streams(bench: &Bench<'_>) {
    let tree = tree(bench);
    bench.run("vsync", &["-n", "31", &tree, &bench.uri("d")]).fails_with(2, &["Maximum of 30 streams exceeded"]);
}
