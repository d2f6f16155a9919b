//! `vls -R`, `vospace find`, `du` and `df`: whole trees, seen once.

use vofs_tests::{Profile, World, both_profiles};

both_profiles!(
    vls_lists_trees_and_json,
    find_prints_what_fits,
    du_sums_up,
    df_shows_the_quota,
    a_part_that_cannot_be_read
);

fn with_tree(profile: Profile) -> World {
    let world = World::new(profile);
    world.local_file("t/a.fits", vec![0; 1000]);
    world.local_file("t/sub/b.fits", vec![0; 20_000]);
    world.local_file("t/sub/deep/c.txt", vec![0; 30]);
    world.vospace(&["cp", "t", &world.uri("t")]).ok();
    world.vospace(&["ln", &world.uri("t"), &world.uri("t/sub/up")]).ok();
    world
}

/// Lines in no certain order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn vls_lists_trees_and_json(profile: Profile) {
    let world = with_tree(profile);
    let listed = world.vospace(&["ls", "-R", "-S", &world.uri("t")]).ok().stdout();
    let parts: Vec<&str> = listed.trim().split("\n\n").collect();
    assert_eq!(parts.len(), 3, "{listed}");
    assert!(parts[0].starts_with("t:\n") && parts[1].starts_with("t/sub:\n") && parts[2] == "t/sub/deep:\nc.txt");
    let lines = world.vospace(&["ls", "--json", &world.uri("t/sub")]).ok().stdout();
    let file = lines.lines().find(|line| line.contains(r#""name":"b.fits""#)).unwrap();
    assert!(file.contains(r#""type":"data""#) && file.contains(r#""length":20000"#), "{file}");
    assert!(lines.lines().any(|line| line.contains(r#""type":"link""#)), "{lines}");
    let all = world.vospace(&["tag", "--json", &world.uri("t/a.fits")]).ok().stdout();
    assert!(all.lines().count() == 1 && all.contains(r#""ivo://ivoa.net/vospace/core#length":"1000""#), "{all}");
}

fn find_prints_what_fits(profile: Profile) {
    let world = with_tree(profile);
    let find = |options: &[&str]| {
        let uri = world.uri("t");
        let mut arguments = vec!["find", &uri];
        arguments.extend(options);
        let found = world.vospace(&arguments).ok().stdout();
        let prefix = format!("{}/", world.uri("t"));
        sorted(&found.replace(&prefix, "")).join(" ")
    };
    assert_eq!(find(&[]), "a.fits sub sub/b.fits sub/deep sub/deep/c.txt sub/up");
    assert_eq!(find(&["--name", "*.fits"]), "a.fits sub/b.fits");
    assert_eq!(find(&["--type", "d"]), "sub sub/deep");
    assert_eq!(find(&["--larger", "1kB"]), "a.fits sub/b.fits");
    assert_eq!(find(&["--type", "f", "--smaller", "1000"]), "a.fits sub/deep/c.txt");
    world
        .vospace(&["find", &world.uri("t/a.fits"), &world.uri("none")])
        .fails_with(1, &["is not a container", "demo/none"]);
    // One listing a container, whatever the number of files.
    world.server.forget();
    find(&[]);
    let listings = world.server.log().iter().filter(|request| request.path.contains("/nodes/demo/t")).count();
    assert!(listings <= 8, "{:?}", world.server.log());
}

fn du_sums_up(profile: Profile) {
    let world = with_tree(profile);
    let (top, sub, file) = (world.uri("t"), world.uri("t/sub"), world.uri("t/a.fits"));
    let du = world.vospace(&["du", &top, &file]).ok().stdout();
    assert_eq!(du, format!("20030\t{sub}\n21030\t{top}\n1000\t{file}\n"));
    assert_eq!(world.vospace(&["du", "-sH", &top]).ok().stdout(), format!("21K\t{top}\n"));
    let json = world.vospace(&["du", "-s", "--json", &top]).ok().stdout();
    assert!(json.contains(r#""bytes":21030"#) && json.contains(r#""files":3"#), "{json}");
}

fn df_shows_the_quota(profile: Profile) {
    let world = with_tree(profile);
    let rows = world.vospace(&["df", &world.uri("t/sub")]).ok().stdout();
    assert!(rows.starts_with("       Quota         Used    Available  Use% Container\n"), "{rows}");
    assert_eq!(rows.lines().count(), 2);
    let json = world.vospace(&["df", "--json", &world.uri("t/sub")]).ok().stdout();
    assert!(json.contains(r#""quota":null"#), "{json}");
}

fn a_part_that_cannot_be_read(profile: Profile) {
    let world = with_tree(profile);
    world.server.fault(r#"{"path": "/nodes/demo/t/sub/deep", "status": 403}"#);
    let found = world.vospace(&["find", &world.uri("t")]).fails_with(1, &["demo/t/sub/deep"]);
    assert!(found.stdout().contains("t/sub/b.fits"), "{}", found.stdout());
    world.vospace(&["du", "-s", &world.uri("t")]).fails_with(1, &["demo/t/sub/deep"]);
    world.vospace(&["ls", "-R", &world.uri("t")]).fails_with(1, &["demo/t/sub/deep"]);
}
