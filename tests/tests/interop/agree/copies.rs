//! `vcp`, `vcat` and `vsync`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use vofs_tests::process::{run, run_with_input};

use super::{same, twins};
use crate::bench::{Bench, judged};

judged! {
    all: vcp_up, vcp_up_of_trees, vcp_down, vcp_down_of_trees, vcp_with_filters, vcp_asks, vcp_fails, vsync_up, vsync_again,
        vsync_with_filters, vsync_fails, vcat_fails;
    vault: cut_outs;
    cavern: cut_outs_are_refused;
}

fn files(bench: &Bench<'_>) {
    bench.file("a.txt", "first");
    bench.file("empty", "");
    bench.file("large", vec![5; 6_000_000]);
    bench.file("tree/b.txt", "second");
    bench.file("tree/.hidden", "third");
    bench.file("tree/sub/c.dat", vec![7; 3000]);
    fs::create_dir_all(bench.local("tree/hollow")).unwrap();
}

fn nothing(_: &str) {}

fn vcp_up(bench: &Bench<'_>) {
    files(bench);
    let local = |name: &str| bench.local(name).to_str().unwrap().to_owned();
    twins(bench, nothing, "vcp", &[&local("a.txt"), "@/a.txt"]);
    twins(bench, nothing, "vcp", &[&local("tree/b.txt"), "@"]);
    twins(bench, nothing, "vcp", &[&local("tree/.hidden"), "@/"]);
    twins(bench, nothing, "vcp", &[&local("empty"), &local("large"), "@"]);
    // Replaced by other bytes, by none, and back.
    bench.file("a.txt", "other");
    twins(bench, nothing, "vcp", &["--quick", "--overwrite", &local("a.txt"), "@/large"]);
    twins(bench, nothing, "vcp", &[&local("empty"), "@/a.txt"]);
    twins(bench, nothing, "vcp", &[&local("a.txt"), "@/empty"]);
}

fn vcp_up_of_trees(bench: &Bench<'_>) {
    files(bench);
    let tree = bench.local("tree").to_str().unwrap().to_owned();
    std::os::unix::fs::symlink("b.txt", bench.local("tree/link")).unwrap();
    twins(bench, nothing, "vcp", &[&tree, "@"]);
    twins(bench, nothing, "vcp", &[&tree, "@/new"]);
    twins(bench, nothing, "vcp", &["--follow-links", &tree, "@/followed"]);
    twins(bench, nothing, "vcp", &["-L", &format!("{tree}/link"), "@/followed/again"]);
}

/// Runs both into directories of their own and compares these. `HERE` stands for the directory.
#[track_caller]
fn down(bench: &Bench<'_>, arguments: &[&str]) {
    let directories = ["down-theirs", "down-twins"].map(|name| bench.local(name));
    for (at, directory) in directories.iter().enumerate() {
        fs::create_dir_all(directory).unwrap();
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.replace("HERE", directory.to_str().unwrap())).collect();
        let ended = if at == 0 { bench.run("vcp", &arguments) } else { bench.ours("vcp", &arguments) };
        assert_eq!(ended.ok().stdout(), "");
    }
    let [theirs, ours] = &directories;
    same_files(theirs, ours);
    fs::remove_dir_all(theirs).unwrap();
    fs::remove_dir_all(ours).unwrap();
}

#[track_caller]
fn same_files(a: &Path, b: &Path) {
    run(Command::new("diff").arg("-r").arg(a).arg(b)).ok();
}

fn remote_tree(bench: &Bench<'_>) {
    bench.containers(&["d/sub/hollow"]);
    for (path, size) in [("d/a.txt", 5), ("d/empty", 0), ("d/.hidden", 6), ("d/sub/b.dat", 70_000)] {
        bench.put(path, vec![3; size]);
    }
    bench.run("vln", &[bench.uri("d/a.txt"), bench.uri("d/link")]).ok();
}

fn vcp_down(bench: &Bench<'_>) {
    remote_tree(bench);
    let uri = |path: &str| bench.uri(path);
    down(bench, &[&uri("d/a.txt"), "HERE/name"]);
    down(bench, &[&uri("d/a.txt"), "HERE"]);
    down(bench, &[&uri("d/empty"), &uri("d/sub/b.dat"), "HERE/"]);
    down(bench, &["-L", &uri("d/link"), "HERE/followed"]);
    down(bench, &[&uri("d/*a*"), "HERE"]);
    down(bench, &[&uri("d/[ae]*"), &uri("d/.h*"), "HERE"]);
    down(bench, &[&format!("vos://cadc.nrc.ca~{}/demo/d/a.txt", bench.profile.service()), "HERE"]);
}

fn vcp_down_of_trees(bench: &Bench<'_>) {
    remote_tree(bench);
    let uri = |path: &str| bench.uri(path);
    down(bench, &[&uri("d"), "HERE"]);
    down(bench, &[&uri("d"), "HERE/new"]);
    down(bench, &[&uri("d/"), "HERE"]);
    down(bench, &["--follow-links", &uri("d"), "HERE"]);
}

fn vcp_with_filters(bench: &Bench<'_>) {
    files(bench);
    remote_tree(bench);
    let tree = bench.local("tree").to_str().unwrap().to_owned();
    twins(bench, nothing, "vcp", &["--exclude", ".dat,.hidden", &tree, "@/one"]);
    twins(bench, nothing, "vcp", &["--include", ".dat", &tree, "@/two"]);
    twins(bench, nothing, "vcp", &["--exclude", ".txt", "--include", "b.txt", &tree, "@/three"]);
    down(bench, &["--exclude=.txt", &bench.uri("d"), "HERE/x"]);
}

fn vcp_asks(bench: &Bench<'_>) {
    bench.put("theirs", "old");
    bench.put("twins", "old");
    let from = bench.file("f", "new");
    let asked = |name: &str, mut command: Command| {
        let ended = run_with_input(command.args(["-i", &from, &bench.uri(name)]), "y\n").ok();
        (ended.stdout(), ended.stderr.contains("exists.  Overwrite? (y/n): "), bench.world.bytes(name))
    };
    let theirs = asked("theirs", bench.python.command("vcp"));
    assert_eq!(theirs, (String::new(), true, Some(b"new".to_vec())));
    assert_eq!(asked("twins", bench.our_command("vcp")), theirs);
}

fn vcp_fails(bench: &Bench<'_>) {
    files(bench);
    remote_tree(bench);
    let local = |name: &str| bench.local(name).to_str().unwrap().to_owned();
    for line in [
        vec![bench.uri("missing"), local("x")],
        vec![bench.uri("missing/deep"), local("x")],
        vec![local("missing"), bench.uri("x")],
        vec![local("a.txt"), bench.uri("no/such/place")],
        vec![local("tree"), bench.uri("d/a.txt")],
        vec![bench.uri("d"), local("a.txt")],
        vec![local("a.txt"), local("copy")],
        vec![bench.uri("d/a.txt"), "/no/such/directory/x".to_owned()],
        vec![local("tree"), local("a.txt"), bench.uri("none")],
    ] {
        same(bench, "vcp", &line);
    }
    assert!(!bench.world.exists("x") && !bench.local("x").exists());
}

fn vsync_up(bench: &Bench<'_>) {
    files(bench);
    let tree = bench.local("tree").to_str().unwrap().to_owned();
    twins(bench, nothing, "vsync", &["-r", &tree, "@"]);
    twins(bench, nothing, "vsync", &["--recursive", &format!("{tree}/"), "@"]);
    let file = bench.local("a.txt").to_str().unwrap().to_owned();
    twins(bench, nothing, "vsync", &["-n", "2", &file, "@"]);
    // Other bytes: of the same, on Cavern, the package loses the checksum.
    for name in ["a.txt", "tree/b.txt", "tree/.hidden", "tree/sub/c.dat"] {
        bench.file(name, format!("{name}, changed"));
    }
    twins(bench, nothing, "vsync", &["--nstreams=3", "-r", "--overwrite", &tree, &file, "@"]);
}

/// As written a while ago. The package takes dates for whole seconds: what was uploaded within the second in which it was
/// written looks older than its source, and is sent anew, with an MD5 that not every service lets it set.
fn age(bench: &Bench<'_>, names: &[&str]) {
    for name in names {
        let file = fs::File::options().write(true).open(bench.local(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
}

fn vsync_again(bench: &Bench<'_>) {
    files(bench);
    age(bench, &["tree/b.txt", "tree/.hidden", "tree/sub/c.dat"]);
    let tree = format!("{}/", bench.local("tree").display());
    // The package fails with a cache in a directory that does not exist.
    let cache = bench.local("cache.db").to_str().unwrap().to_owned();
    let cached = ["-r", "--cache_nodes", "--cache_filename", &cache];
    for options in [&["-r"][..], &["-r", "--ignore-checksum"], &cached] {
        let arguments: Vec<&str> = options.iter().copied().chain([tree.as_str(), "@"]).collect();
        twins(bench, nothing, "vsync", &arguments);
        bench.file("tree/b.txt", options.join(" "));
        age(bench, &["tree/b.txt"]);
        twins(bench, nothing, "vsync", &arguments);
    }
}

fn vsync_with_filters(bench: &Bench<'_>) {
    files(bench);
    let tree = format!("{}/", bench.local("tree").display());
    twins(bench, nothing, "vsync", &["-r", "--exclude", ".hidden,.dat", &tree, "@"]);
    twins(bench, nothing, "vsync", &["-r", "--include", "^sub", &tree, "@"]);
}

fn vsync_fails(bench: &Bench<'_>) {
    files(bench);
    bench.put("t.txt", "x");
    let tree = bench.local("tree").to_str().unwrap().to_owned();
    same(bench, "vsync", &["-r", &tree, &bench.uri("t.txt")]);
    for line in [["-n", "31", &tree, &bench.uri("")], ["-r", "-n", &tree, &bench.uri("")]] {
        let (theirs, ours) = (bench.run("vsync", &line), bench.ours("vsync", &line));
        assert_eq!((ours.status, theirs.status), (2, 2), "{line:?}");
    }
    let here = bench.local("").to_str().unwrap().to_owned();
    let (theirs, ours) = (bench.run("vsync", &[&tree, &here]), bench.ours("vsync", &[&tree, &here]));
    assert_eq!((ours.status, theirs.status), (2, 2));
}

fn vcat_fails(bench: &Bench<'_>) {
    same(bench, "vcat", &[bench.uri("missing")]);
    let quiet = same(bench, "vcat", &["-q".to_owned(), bench.uri("missing")]);
    assert_eq!(quiet.stderr, "");
}

/// A small image at the service.
fn image(bench: &Bench<'_>) {
    let samples = bench.local("samples");
    run(bench.world.command("vospaced").arg("sample").arg(&samples)).ok();
    bench.put("x.fits", fs::read(samples.join("starfield.fits")).unwrap());
}

fn cut_outs(bench: &Bench<'_>) {
    image(bench);
    let uri = |cut: &str| bench.uri(&format!("x.fits{cut}"));
    down(bench, &[&uri("[0][1:50,1:100]"), "HERE/part"]);
    down(bench, &[&uri("[1:50,1:100]"), "HERE"]);
    down(bench, &[&uri("[0]"), "HERE"]);
    down(bench, &["--head", &uri(""), "HERE/head"]);
    let header = bench.world.vospace(&["cat", "--head", &uri("")]).ok().stdout();
    let value = |key: &str| -> f64 {
        header
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .split(['=', '/'])
            .nth(1)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    };
    down(bench, &[&uri(&format!("({},{},0.01)", value("CRVAL1"), value("CRVAL2"))), "HERE/circle"]);
    same(bench, "vcp", &[&uri("[9000:9001,1:2]"), bench.local("none").to_str().unwrap()]);
}

fn cut_outs_are_refused(bench: &Bench<'_>) {
    image(bench);
    let to = bench.local("none").to_str().unwrap().to_owned();
    for source in ["x.fits[1:50,1:100]", "x.fits[0]", "x.fits(10,10,0.1)"] {
        same(bench, "vcp", &[&bench.uri(source), &to]);
    }
    same(bench, "vcp", &["--head", &bench.uri("x.fits"), &to]);
}
