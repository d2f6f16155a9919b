//! What a service says is seen, and never obeyed: not by a terminal, and not by who reads a log.

use std::fs;

use vofs_tests::{Profile, every_profile};

use super::{answers, evil, goes_on, listing};
use crate::terminals::on_terminal;

every_profile!(texts_of_faults, names_that_a_terminal_would_obey);

/// Clears the screen, names the window, and begins a line that looks like one of ours.
const TEXT: &str = "\u{1b}[2J\u{1b}]0;renamed\u{7}\u{9b}31m no\nERROR made up";

#[track_caller]
fn is_plain(shown: &str) {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    assert!(!shown.contains(obeyed), "{shown:?}");
}

fn texts_of_faults(profile: Profile) {
    let world = evil(profile);
    let rule = serde_json::json!({"method": "GET", "path": "*/nodes/demo/evil", "status": 403, "text": TEXT});
    world.server.fault(&rule.to_string());
    let told = world.vospace(&["ls", &world.uri("evil")]).fails_with(1, &["ERROR:: ", r"\u{1b}[2J", "made up"]).stderr;
    is_plain(&told);
    assert_eq!(told.lines().count(), 1, "{told}");
    let mount = world.mount();
    let refused = fs::read_dir(mount.join("evil")).and_then(Iterator::collect::<Result<Vec<_>, _>>).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(nix::libc::EACCES), "{refused}");
    goes_on(&mount);
    let log = fs::read_to_string(world.path("mountvofs.log")).unwrap();
    is_plain(&log);
    assert!(log.contains("made up") && log.lines().all(|line| !line.starts_with("ERROR")), "{log}");
}

fn names_that_a_terminal_would_obey(profile: Profile) {
    let world = evil(profile);
    answers(&world, &listing(&world, &["a%1b%5b2Jb", "a%0aERROR%20made%20up", "gpj.%e2%80%aeexe", "%c2%9b31m"], ""));
    let list = world.uri("evil");
    for line in [format!("vospace ls {list}"), format!("vospace ls -l {list}"), format!("vospace find {list}")] {
        // The same page again and again is no whole listing; what came of it is shown.
        let shown = on_terminal(&world, &line).stdout();
        is_plain(&shown);
        assert!(shown.contains(r"\x1b[2J") && !shown.contains('\u{202e}'), "{line}: {shown:?}");
        assert!(shown.lines().all(|line| !line.starts_with("ERROR made")), "{line}: {shown:?}");
    }
    // In a pipe a name is what it is: the next program is to find it.
    assert!(world.vospace(&["ls", &list]).stdout().contains("a\u{1b}[2Jb\n"));
    let told = world.vospace(&["cp", &list, world.local("copy").to_str().unwrap()]);
    is_plain(&told.stderr);
    let mount = world.mount();
    let _ = fs::read_dir(mount.join("evil")).map(Iterator::count);
    let _ = fs::write(mount.join("evil/a\nERROR made up"), b"");
    goes_on(&mount);
    let log = fs::read_to_string(world.path("mountvofs.log")).unwrap();
    is_plain(&log);
    assert!(log.lines().all(|line| !line.starts_with("ERROR")), "{log}");
}
