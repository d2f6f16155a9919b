//! `vls -R`, `vospace find`, `du` and `df`: whole trees, seen once.

use vofs_tests::{Profile, World, every_profile};

every_profile!(
    vls_lists_trees_and_json,
    several_listings_at_a_time_are_shown_in_order,
    find_prints_what_fits,
    du_sums_up,
    df_shows_the_quota,
    df_shows_how_much_of_it_is_used,
    a_length_that_is_not_told_is_not_zero,
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

fn several_listings_at_a_time_are_shown_in_order(profile: Profile) {
    let world = World::new(profile);
    for i in 0..12 {
        world.local_file(&format!("t/d{i:02}/sub{i}/f"), "x");
    }
    world.vospace(&["cp", "t", &world.uri("t")]).ok();
    // More than is kept before its turn.
    world.server.populate(&["demo/t/d05/many".into(), "--count".into(), "4200".into()]);
    let t = world.uri("t");
    let shown = |line: &[&str]| world.vospace(line).ok().stdout();
    let listed = shown(&["ls", "-R", "-r", &t]);
    assert_eq!(listed, shown(&["ls", "-R", "-r", "--nstreams=1", &t]));
    assert_eq!(listed.lines().filter(|line| line.ends_with(':')).count(), 1 + 12 + 12 + 1);
    assert_eq!(listed.lines().filter(|line| line.starts_with("node-")).count(), 4200);
    let places: Vec<String> = (0..12).map(|i| world.uri(&format!("t/d{i:02}/sub{i}"))).collect();
    let mut line = vec!["ls", "-n", "3"];
    line.extend(places.iter().map(String::as_str));
    let headers: Vec<String> = shown(&line).lines().filter(|l| l.ends_with(':')).map(str::to_owned).collect();
    assert_eq!(headers.len(), 12);
    // What cannot be read is named, whenever its turn is.
    world.server.fault(r#"{"path": "/nodes/demo/t/d07/sub7", "status": 403}"#);
    let told = world.vospace(&["ls", "-R", &t]).fails_with(1, &["demo/t/d07/sub7"]);
    assert_eq!(told.stdout().lines().filter(|line| *line == "f").count(), 11);
    world.vospace(&["ls", "-R", "--nstreams=31", &t]).fails_with(2, &["31"]);
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
    let rows = world.vospace(&["find", "--json", "-N", "--type=l", &world.uri("t")]).ok().stdout();
    assert!(
        rows.lines().count() == 1 && rows.contains(r#""type":"link""#) && rows.contains(r#""name":"up""#),
        "{rows}"
    );
    // One listing a container, whatever the number of files.
    world.server.forget();
    find(&[]);
    let listings = world.server.log().iter().filter(|request| request.path.contains("/nodes/demo/t")).count();
    // Where listings have names alone, each of the six is asked for.
    assert!(listings <= if profile.lists_properties() { 8 } else { 8 + 6 }, "{:?}", world.server.log());
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

fn df_shows_how_much_of_it_is_used(profile: Profile) {
    let world = World::build(profile, false, &["--quota", "4194304"]);
    world.put_deep("d/f", vec![0; 1 << 20]);
    let (node, home) = (world.uri("d"), world.uri(""));
    let shown = |options: &[&str]| {
        let line: Vec<&str> = ["df"].into_iter().chain(options.iter().copied()).chain([node.as_str()]).collect();
        world.vospace(&line).ok().stdout()
    };
    // The quota stands at the container above.
    let told: serde_json::Value = serde_json::from_str(&shown(&["--json"])).unwrap();
    assert_eq!((told["quota"].as_u64(), told["container"].as_str()), (Some(4_194_304), Some(home.as_str())));
    let used = told["used"].as_u64();
    assert_eq!(told["available"].as_u64(), used.map(|used| 4_194_304 - used));
    for (option, quota) in [("-b", "4194304"), ("--bytes", "4194304"), ("-w", "4M")] {
        let row = shown(&[option]);
        let columns: Vec<&str> = row.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!((columns[0], columns[4]), (quota, home.as_str()), "{row}");
        let percent = used.map_or("-".to_owned(), |used| format!("{:.0}%", used as f64 * 100.0 / 4_194_304.0));
        assert_eq!(columns[3], percent, "{row}");
    }
}

fn a_length_that_is_not_told_is_not_zero(profile: Profile) {
    let world = with_tree(profile);
    let (space, quiet) = (profile.service(), r#"{"documents": {"lengths": false}}"#);
    world.server.post("/_bench/profile", &format!(r#"{{"space": "{space}", "habits": {quiet}}}"#));
    let shown = |line: &[&str]| world.vospace(&[line, &[&world.uri("t")]].concat()).ok().stdout();
    let rows = shown(&["ls", "-l"]);
    let row = rows.lines().find(|row| row.ends_with(" a.fits")).unwrap();
    assert_eq!(row.split_whitespace().nth(4), Some("-"), "{rows}");
    let json = shown(&["ls", "--json"]);
    assert!(
        json.lines().any(|line| line.contains(r#""name":"a.fits""#) && line.contains(r#""length":null"#)),
        "{json}"
    );
    // It fits no bound, and is missing in the sum.
    assert_eq!(shown(&["find", "--larger", "0"]) + &shown(&["find", "--smaller", "1GB"]), "");
    let t = world.uri("t");
    let sum =
        world.vospace(&["du", "-s", &t]).fails_with(1, &[&format!("{t}: the service tells no length of 3 files")]);
    assert_eq!(sum.stdout(), format!("0\t{t}\n"));
}

fn a_part_that_cannot_be_read(profile: Profile) {
    let world = with_tree(profile);
    world.server.fault(r#"{"path": "/nodes/demo/t/sub/deep", "status": 403}"#);
    let found = world.vospace(&["find", &world.uri("t")]).fails_with(1, &["demo/t/sub/deep"]);
    assert!(found.stdout().contains("t/sub/b.fits"), "{}", found.stdout());
    world.vospace(&["du", "-s", &world.uri("t")]).fails_with(1, &["demo/t/sub/deep"]);
    world.vospace(&["ls", "-R", &world.uri("t")]).fails_with(1, &["demo/t/sub/deep"]);
}
