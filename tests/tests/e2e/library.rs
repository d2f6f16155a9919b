//! The client library as others use it: the programs of its documentation, run against the service.

use std::fs;
use std::path::Path;

use vofs_tests::process::{run, run_with_input};
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    the_tool_of_the_document_tells_what_md5sum_checks,
    the_tour_of_the_library_goes_round,
    a_backup_sends_what_changed,
);

fn the_tool_of_the_document_tells_what_md5sum_checks(profile: Profile) {
    let world = World::new(profile);
    for (name, text) in [("a.fits", "one"), ("b.fits", "two"), ("sub/c.fits", "three")] {
        world.put_deep(&format!("d/{name}"), text);
        world.local_file(&format!("copy/{name}"), text);
    }
    let told = run(world.command("sums").arg(world.uri("d"))).ok();
    if profile.one_use() {
        // These makers' services compute no digest, and nobody is told a wrong one.
        assert_eq!(
            (told.stdout().as_str(), told.stderr.matches("tells no checksum").count()),
            ("", 2),
            "{}",
            told.stderr
        );
    } else {
        let mut check = std::process::Command::new("md5sum");
        let checked = run_with_input(check.arg("-c").current_dir(world.local("copy")), &told.stdout()).ok().stdout();
        assert_eq!(checked, "a.fits: OK\nb.fits: OK\n");
    }
    let refused = run(world.command("sums").arg(world.uri("none"))).fails_with(1, &["demo/none", "check the path"]);
    assert!(refused.stderr.starts_with("sums: "), "{}", refused.stderr);
}

fn the_tour_of_the_library_goes_round(profile: Profile) {
    let world = World::new(profile);
    let told = run(world.command("tour").arg(world.uri(""))).ok().stdout();
    for said in ["stored 15 bytes", "greeting.txt Some(15) Some(\"A greeting\")", "removed 2 nodes, 0 failures"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(told.contains(r#"got "VOSpace""#) == profile.has_sites(), "a part, where there are ranges: {told}");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "", "it leaves nothing");
}

fn a_backup_sends_what_changed(profile: Profile) {
    let world = World::new(profile);
    world.local_file("results/a.fits", "one");
    world.local_file("results/sub/b.fits", "two");
    let backup = || run(world.command("backup").args(["results", &world.uri("kept")])).ok().stdout();
    assert_eq!(backup(), "2 copied, 0 unchanged, 0 failed\n");
    assert_eq!(world.bytes("kept/sub/b.fits").unwrap(), b"two");
    world.local_file("results/a.fits", "three");
    // What tells no digest is sent again.
    let (sent, left) = if profile.tells_digests() { (1, 1) } else { (2, 0) };
    assert_eq!(backup(), format!("{sent} copied, {left} unchanged, 0 failed\n"));
    assert_eq!(world.bytes("kept/a.fits").unwrap(), b"three");
    world.server.fault(r#"{"method": "PUT", "status": 403, "text": "PermissionDenied"}"#);
    world.local_file("results/a.fits", "four");
    let refused = run(world.command("backup").args(["results", &world.uri("kept")]));
    assert!(refused.status == 1 && refused.stderr.starts_with("backup: "), "{}", refused.stderr);
}

#[test]
fn the_document_shows_the_program_that_was_run() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(project.join("docs/library.md")).unwrap();
    let shown = document.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let program = fs::read_to_string(project.join("crates/vospace-client/examples/sums.rs")).unwrap();
    assert_eq!(shown, program);
    assert!(program.lines().filter(|line| !line.trim().is_empty()).count() <= 30, "it is said to have 30 lines");
}
