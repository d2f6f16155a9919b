//! `vmkdir`, `vrm`, `vrmdir`, `vmv` and `vln`.

use vofs_tests::Profile;

use crate::bench::{Bench, judged};

judged! {
    both: vmkdir, vmkdir_existing, vmkdir_without_parent, vmkdir_p, vmkdir_p_without_a_top, vmkdir_without_right, vrm_file,
        vrm_link, vrm_container_does_nothing, vrm_with_a_slash, vrm_missing, vrm_without_right, vrm_wildcard_is_a_name,
        vrm_recursive, vrm_recursive_of_a_link, vrmdir, vrmdir_with_content, vrmdir_of_a_file, vmv_file,
        vmv_into_a_container, vmv_container, vmv_onto_a_file, vmv_below_itself, vmv_missing, vmv_into_the_root,
        vmv_of_somebody_else, vmv_between_schemes, vln, vln_dangling, vln_to_a_local_name;
    vault: vln_to_the_web, vrm_locked;
    cavern: vln_to_the_web_is_refused;
}

fn vmkdir(bench: &Bench<'_>) {
    let made = bench.run("vmkdir", &[bench.uri("d")]).ok();
    assert_eq!((made.stdout().as_str(), made.stderr.as_str()), ("", ""));
    bench.run("vmkdir", &[bench.uri("d/e/")]).ok();
    assert!(bench.document("d/e").contains("vos:ContainerNode"));
}

fn vmkdir_existing(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    let text = format!("ERROR:: DuplicateNode: {}", bench.full("d"));
    bench.run("vmkdir", &[bench.uri("d")]).fails_with(17, &[&text]);
    bench.run("vmkdir", &["-p", &bench.uri("d")]).ok();
}

fn vmkdir_without_parent(bench: &Bench<'_>) {
    bench.run("vmkdir", &[bench.uri("no/d")]).fails_with(2, &["ERROR:: ContainerNotFound: "]);
}

fn vmkdir_p(bench: &Bench<'_>) {
    bench.run("vmkdir", &["-p", &bench.uri("a/b/c")]).ok();
    assert!(bench.document("a/b/c").contains("vos:ContainerNode"));
}

fn vmkdir_p_without_a_top(bench: &Bench<'_>) {
    let uri = bench.uri("").replace("demo", "nobody/d");
    bench.run("vmkdir", &["-p", &uri]).fails_with(255, &["ERROR:: Invalid URI to the remote resource: "]);
}

fn vmkdir_without_right(bench: &Bench<'_>) {
    bench.run_as_ada("vmkdir", &[&bench.uri("d")]).fails_with(255, &["ERROR:: PermissionDenied: "]);
}

fn vrm_file(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    let removed = bench.run("vrm", &[bench.uri("t.txt")]).ok();
    assert_eq!((removed.stdout().as_str(), removed.stderr.as_str()), ("", ""));
    assert!(!bench.world.exists("t.txt"));
}

fn vrm_link(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).ok();
    bench.run("vrm", &[bench.uri("lnk")]).ok();
    assert!(bench.world.exists("t.txt") && !bench.world.exists("lnk"));
}

fn vrm_container_does_nothing(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    let removed = bench.run("vrm", &[bench.uri("d")]).ok();
    assert_eq!((removed.stdout().as_str(), removed.stderr.as_str()), ("", ""));
    assert!(bench.world.exists("d"));
}

fn vrm_with_a_slash(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.put("t.txt", "x");
    bench.run("vrm", &[bench.uri("d/")]).fails_with(255, &["d/ is a directory"]);
    bench.run("vrm", &[bench.uri("t.txt/")]).fails_with(255, &["t.txt/ is not a directory"]);
}

fn vrm_missing(bench: &Bench<'_>) {
    bench.run("vrm", &[bench.uri("missing")]).fails_with(2, &["ERROR:: NodeNotFound: "]);
    bench.run("vrm", &["/local/name"]).fails_with(255, &["ERROR:: /local/name is not a valid VOSpace handle"]);
}

fn vrm_without_right(bench: &Bench<'_>) {
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    bench.put("t.txt", "x");
    bench.run_as_ada("vrm", &[&bench.uri("t.txt")]).fails_with(255, &["ERROR:: PermissionDenied: "]);
    assert!(bench.world.exists("t.txt"));
}

fn vrm_locked(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vlock", &["--lock", &bench.uri("t.txt")]).ok();
    bench.run("vrm", &[bench.uri("t.txt")]).fails_with(255, &["ERROR:: PermissionDenied: "]);
    bench.run("vlock", &["--unlock", &bench.uri("t.txt")]).ok();
    bench.run("vrm", &[bench.uri("t.txt")]).ok();
}

fn vrm_wildcard_is_a_name(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    bench.run("vrm", &[bench.uri("t.*")]).fails_with(2, &["ERROR:: NodeNotFound: "]);
}

fn tree(bench: &Bench<'_>) {
    bench.containers(&["d/sub/hollow"]);
    for path in ["d/a.txt", "d/sub/b.txt", "d/sub/c.txt"] {
        bench.put(path, "x");
    }
}

fn vrm_recursive(bench: &Bench<'_>) {
    tree(bench);
    let removed = bench.run("vrm", &["-v", "-R", &bench.uri("d")]).ok();
    assert!(removed.stderr.contains("INFO vrm DONE. deleted count: 6"), "{}", removed.stderr);
    assert!(!bench.world.exists("d"));
    tree(bench);
    let removed = bench.run("vrm", &["-R", &bench.uri("d")]).ok();
    assert_eq!((removed.stdout().as_str(), removed.stderr.trim()), ("", ""));
    assert!(!bench.world.exists("d"));
}

fn vrm_recursive_of_a_link(bench: &Bench<'_>) {
    tree(bench);
    bench.run("vln", &[bench.uri("d"), bench.uri("lnk")]).ok();
    bench.run("vrm", &["-R", &bench.uri("lnk")]).ok();
    assert!(!bench.world.exists("d") && bench.world.exists("lnk"), "the target is removed and the link stays");
}

fn vrmdir(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.run("vrmdir", &[bench.uri("d")]).ok();
    assert!(!bench.world.exists("d"));
}

fn vrmdir_with_content(bench: &Bench<'_>) {
    tree(bench);
    bench.run("vrmdir", &[bench.uri("d")]).fails_with(255, &["ERROR:: container node 'd' is not empty"]);
    assert!(bench.world.exists("d/a.txt"));
}

fn vrmdir_of_a_file(bench: &Bench<'_>) {
    bench.put("t.txt", "x");
    for name in ["t.txt", "missing"] {
        let text = format!("ERROR:: {} is a not a container node", bench.uri(name));
        bench.run("vrmdir", &[bench.uri(name)]).fails_with(255, &[&text]);
    }
}

fn vmv_file(bench: &Bench<'_>) {
    bench.put("a.txt", "x");
    let moved = bench.run("vmv", &[bench.uri("a.txt"), bench.uri("b.txt")]).ok();
    assert_eq!((moved.stdout().as_str(), moved.stderr.as_str()), ("", ""));
    assert!(!bench.world.exists("a.txt"));
    assert_eq!(bench.world.bytes("b.txt").unwrap(), b"x");
}

fn vmv_into_a_container(bench: &Bench<'_>) {
    bench.containers(&["d"]);
    bench.put("a.txt", "x");
    bench.run("vmv", &[bench.uri("a.txt"), bench.uri("d")]).ok();
    assert_eq!(bench.world.bytes("d/a.txt").unwrap(), b"x");
}

fn vmv_container(bench: &Bench<'_>) {
    tree(bench);
    bench.run("vmv", &[bench.uri("d"), bench.uri("e")]).ok();
    assert!(!bench.world.exists("d"));
    assert_eq!(bench.world.bytes("e/sub/b.txt").unwrap(), b"x");
}

fn vmv_onto_a_file(bench: &Bench<'_>) {
    bench.put("a.txt", "a");
    bench.put("b.txt", "b");
    let text = "DuplicateNode: destination is an existing DataNode: /demo/b.txt";
    bench.run("vmv", &[bench.uri("a.txt"), bench.uri("b.txt")]).fails_with(14, &["ERROR:: [Errno 14] ", text]);
    assert_eq!(bench.world.bytes("b.txt").unwrap(), b"b");
}

fn vmv_below_itself(bench: &Bench<'_>) {
    tree(bench);
    let text = "InvalidArgument: Cannot move container node into its descendants";
    bench.run("vmv", &[bench.uri("d"), bench.uri("d/sub")]).fails_with(14, &["ERROR:: [Errno 14] ", text]);
}

fn vmv_missing(bench: &Bench<'_>) {
    let text = "NodeNotFound: /demo/missing";
    bench.run("vmv", &[bench.uri("missing"), bench.uri("b.txt")]).fails_with(14, &["ERROR:: [Errno 14] ", text]);
}

fn vmv_into_the_root(bench: &Bench<'_>) {
    bench.put("a.txt", "a");
    let root = bench.uri("").replace("demo", "top.txt");
    let failed = bench.run("vmv", &[bench.uri("a.txt"), root]);
    assert!([13, 14].contains(&failed.status), "{} {}", failed.status, failed.stderr);
    assert!(bench.world.exists("a.txt"));
}

fn vmv_of_somebody_else(bench: &Bench<'_>) {
    bench.run("vchmod", &["o+r", &bench.uri("")]).ok();
    bench.put("a.txt", "a");
    let to = bench.uri("").replace("demo", "ada/a.txt");
    bench.run_as_ada("vmv", &[&bench.uri("a.txt"), &to]).fails_with(13, &["PermissionDenied"]);
}

fn vmv_between_schemes(bench: &Bench<'_>) {
    bench.put("a.txt", "a");
    let to = bench.local("a.txt");
    let text = format!("ERROR:: Destination {} is not a remote node", to.display());
    bench.run("vmv", &[&bench.uri("a.txt"), to.to_str().unwrap()]).fails_with(255, &[&text]);
    // The same service under another name of its own.
    if bench.profile == Profile::Vault {
        bench
            .run("vmv", &[bench.uri("a.txt"), "vault:demo/b.txt".to_owned()])
            .fails_with(255, &["Move between services not supported"]);
    }
}

fn vln(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    let linked = bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).ok();
    assert_eq!((linked.stdout().as_str(), linked.stderr.as_str()), ("", ""));
    assert!(bench.document("lnk").contains("vos:LinkNode"));
    let text = format!("ERROR:: DuplicateNode: {}", bench.full("lnk"));
    bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).fails_with(17, &[&text]);
}

fn vln_dangling(bench: &Bench<'_>) {
    bench.run("vln", &[bench.uri("missing"), bench.uri("lnk")]).ok();
    assert!(bench.document("lnk").contains("/demo/missing</vos:target>"));
}

fn vln_to_a_local_name(bench: &Bench<'_>) {
    bench
        .run("vln", &[bench.uri("t.txt"), "/local/name".to_owned()])
        .fails_with(255, &["ERROR:: target must be vos node"]);
}

fn vln_to_the_web(bench: &Bench<'_>) {
    bench.run("vln", &["https://example.org/x".to_owned(), bench.uri("lnk")]).ok();
    assert!(bench.document("lnk").contains("<vos:target>https://example.org/x</vos:target>"));
}

fn vln_to_the_web_is_refused(bench: &Bench<'_>) {
    bench
        .run("vln", &["https://example.org/x".to_owned(), bench.uri("lnk")])
        .fails_with(255, &["link to external resource"]);
    assert!(!bench.world.exists("lnk"));
}
