//! What a person at a terminal sees: bars, quoted names, completed words, manual pages.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use vofs_tests::process::{Finished, binary, built, run, run_with_input};
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    bars_are_drawn_on_a_terminal_and_nowhere_else,
    names_are_quoted_where_a_person_would_copy_them,
    what_would_be_removed_is_shown_and_asked_for,
    words_are_completed_by_the_service,
);

/// Runs a command line of a shell on a terminal of its own.
pub(crate) fn on_terminal(world: &World, line: &str) -> Finished {
    answered_on_terminal(world, line, "")
}

/// The same, with somebody who types `answer`.
fn answered_on_terminal(world: &World, line: &str, answer: &str) -> Finished {
    let mut command = Command::new("script");
    world.environment(&mut command);
    let path = format!("{}:{}", built().display(), std::env::var("PATH").unwrap());
    run_with_input(command.args(["-qec", line, "/dev/null"]).env("PATH", path).env("TERM", "xterm"), answer)
}

fn bars_are_drawn_on_a_terminal_and_nowhere_else(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/large", vec![7; 12_000_000]);
    world.local_file("tree/small", b"small");
    let shown = on_terminal(&world, &format!("vospace cp --bwlimit 20M tree {}", world.uri("tree"))).ok().stdout();
    assert!(shown.contains("2 files") && shown.contains("large") && shown.contains("MB/s"), "{shown:?}");
    let shown = on_terminal(&world, &format!("vospace sync -q tree {}", world.uri("quiet"))).ok().stdout();
    assert_eq!(shown, "", "--quiet");
    let finished = world.vospace(&["cp", "tree", &world.uri("piped")]).ok();
    assert_eq!((finished.stdout(), finished.stderr.as_str()), (String::new(), ""), "no terminal");
    // What is said meanwhile is not drawn over.
    world.local_file("tree/bad#name", b"x");
    let shown = on_terminal(&world, &format!("vospace cp tree {}", world.uri("again"))).stdout();
    assert!(shown.contains("ERROR:: ") && shown.contains("bad#name"), "{shown:?}");
}

/// No service holds such a name, but this machine may: it is one that stays here.
#[test]
fn a_terminal_obeys_no_name_of_a_file_that_waits() {
    let world = World::new(Profile::Vault);
    let mount = world.mount();
    let name = ".\u{1b}[31mred.swp";
    fs::write(mount.join(name), "x").unwrap();
    let cache = world.path("cache");
    for command in ["status", "pending list"] {
        let line = format!("mountvofs {command} --cache_dir={}", cache.display());
        let shown = on_terminal(&world, &line).ok().stdout();
        assert!(shown.contains(r"\u{1b}[31mred") && !shown.contains('\u{1b}'), "{command}: {shown:?}");
    }
    let read = world.ask_mount(&["pending", "list"]).ok().stdout();
    assert!(read.contains(name), "programs get the name: {read:?}");
}

fn names_are_quoted_where_a_person_would_copy_them(profile: Profile) {
    let world = World::new(profile);
    world.put("it's&odd", b"x");
    world.put("plain", b"x");
    let list = world.uri("");
    assert_eq!(world.vospace(&["ls", &list]).ok().stdout(), "it's&odd\nplain\n");
    assert_eq!(world.vospace(&["ls", "-Q", &list]).ok().stdout(), "'it'\\''s&odd'\nplain\n");
    let shown = on_terminal(&world, &format!("vospace ls {list}")).ok().stdout();
    assert_eq!(shown.replace('\r', ""), "'it'\\''s&odd'\nplain\n");
    let shown = on_terminal(&world, &format!("vospace ls -N {list}")).ok().stdout();
    assert_eq!(shown.replace('\r', ""), "it's&odd\nplain\n");
    // Fed back.
    let found = world.vospace(&["find", "-Q", "--name", "it*", &list]).ok().stdout();
    let line = format!("vospace cat {}", found.trim());
    assert_eq!(on_terminal(&world, &line).ok().stdout(), "x");
}

fn what_would_be_removed_is_shown_and_asked_for(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/a", "a");
    world.put_deep("backup/extra", "x");
    world.put_deep("backup/old/f", "x");
    let up = format!("vospace sync --delete tree/ {}", world.uri("backup"));
    for (answer, status) in [("n\n", 1), ("y\n", 0)] {
        let asked = answered_on_terminal(&world, &up, answer).fails_with(status, &[]).stdout();
        for text in ["demo/backup/extra", "demo/backup/old/ and all that it holds", "Remove these 2? (y/n): "] {
            assert!(asked.contains(text), "{asked:?}");
        }
        assert_eq!((world.exists("backup/extra"), world.exists("backup/old")), (status == 1, status == 1));
        let refused = asked.contains("nothing was done; leave out --delete to copy without removing");
        assert_eq!((refused, world.exists("backup/a")), (status == 1, status == 0), "{asked:?}");
    }
    world.local_file("tree/mine", "x");
    let down = format!("vospace sync --delete {} tree", world.uri("backup/"));
    answered_on_terminal(&world, &down, "n\n").fails_with(1, &[]);
    assert!(world.local("tree/mine").exists());
    answered_on_terminal(&world, &down, "y\n").ok();
    assert!(!world.local("tree/mine").exists() && world.local("tree/a").exists());
}

/// What bash would offer for `line`, with the cursor at its end, to somebody who has all the time that a busy machine takes.
#[track_caller]
fn offered(world: &World, line: &str) -> Vec<String> {
    offered_within(world, line, "60")
}

/// The same to somebody who waits for so many seconds.
#[track_caller]
fn offered_within(world: &World, line: &str, patience: &str) -> Vec<String> {
    let script = r#"
        eval "$(vospace completions bash)"
        COMP_LINE=$1
        COMP_POINT=${#COMP_LINE}
        COMP_WORDS=()
        # As readline cuts them: at blanks, and at the characters of COMP_WORDBREAKS, which become words.
        while read -r word; do COMP_WORDS+=("$word"); done < <(
            printf '%s\n' "$COMP_LINE" | sed -E 's/ +/\n/g; s/([:=]+)/\n\1\n/g' | sed -E '/^$/d')
        if [[ $COMP_LINE == *" " ]]; then COMP_WORDS+=(""); fi
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        # Behind a colon readline completes the empty word.
        current=${COMP_WORDS[COMP_CWORD]}
        if [[ $current == : ]]; then current=; fi
        compopt() { :; }
        _vospace_complete "${COMP_WORDS[0]}" "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let bin = world.path("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        for name in ["vospace", "vls", "vcp"] {
            std::os::unix::fs::symlink(binary("vospace"), bin.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(binary("mountvofs"), bin.join("mountvofs")).unwrap();
    }
    let mut command = Command::new("bash");
    world.environment(&mut command);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("VOSPACE_COMPLETE_TIMEOUT", patience);
    let finished = run(command.args(["--norc", "-c", script, "bash", line])).ok();
    assert_eq!(finished.stderr, "", "{line}");
    finished.stdout().lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

/// Makes it so many seconds since containers were listed for completion.
fn were_listed(world: &World, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    for entry in fs::read_dir(world.path("home/.cache/vospace/completion")).unwrap() {
        fs::File::options().write(true).open(entry.unwrap().path()).unwrap().set_modified(then).unwrap();
    }
}

fn words_are_completed_by_the_service(profile: Profile) {
    let world = World::new(profile);
    for name in ["images/one.fits", "images/two.fits", "images/it's", "index"] {
        world.local_file(&format!("tree/{name}"), name);
    }
    world.vospace(&["cp", "tree/", &world.uri("tree")]).ok();
    let tree = world.uri("tree");
    let prefix = profile.prefix();
    assert!(offered(&world, "vls --lo").contains(&"--long".to_owned()));
    if profile == Profile::Strict {
        // Nobody can know of a prefix that is neither CADC's nor in the configuration, though it is taken.
        assert_eq!(offered(&world, "vls st"), [""; 0]);
        let configuration = world.path("home/.config/vos/vos-config");
        fs::create_dir_all(configuration.parent().unwrap()).unwrap();
        fs::write(configuration, "[vos]\nresourceID = ivo://cadc.nrc.ca/strict strict\n").unwrap();
    }
    assert_eq!(offered(&world, &format!("vls {}", &prefix[..2])), [format!("{prefix}:")]);
    assert_eq!(offered(&world, &format!("vls {prefix}:de")), ["demo/"]);
    assert_eq!(offered(&world, &format!("vls -l {tree}/i")), ["demo/tree/images/", "demo/tree/index"]);
    assert_eq!(offered(&world, &format!("vospace ls {tree}/images/o")), ["demo/tree/images/one.fits"]);
    assert_eq!(offered(&world, &format!("vls {tree}/images/it")), ["demo/tree/images/it\\'s"]);
    // From a cache for the next keys, and anew after a while.
    for (age, asked) in [(0, false), (3600, true)] {
        were_listed(&world, age);
        world.server.forget();
        assert_eq!(offered(&world, &format!("vls {tree}/images/t")), ["demo/tree/images/two.fits"]);
        assert_eq!(!world.server.log().is_empty(), asked, "{:?}", world.server.log());
    }
    // Both sides of a copy; only containers where nothing else makes sense.
    let both = offered(&world, "vcp tr");
    assert_eq!(both, ["tree/"]);
    assert_eq!(offered(&world, &format!("vcp {tree}/ind")), ["demo/tree/index"]);
    assert_eq!(offered(&world, &format!("vospace mkdir {tree}/i")), ["demo/tree/images/"]);
    // A place that nobody knows is no reason to say anything.
    assert_eq!(offered(&world, "vls nowhere:a"), [""; 0]);
    assert_eq!(offered(&world, &format!("vls {}/", world.uri("none"))), [""; 0]);
    // Nor one that does not answer: the key is given back before the answer comes.
    world.put_deep("slow/f", "x");
    world.server.fault(r#"{"path": "/nodes/demo/slow", "delay_ms": 600000}"#);
    assert_eq!(offered_within(&world, &format!("vls {}/", world.uri("slow")), "0.5"), [""; 0]);
    world.server.heal();
    world.server.fault(r#"{"path": "/nodes/demo/slow", "delay_ms": 5000, "count": 1}"#);
    assert_eq!(offered(&world, &format!("vls {}/", world.uri("slow"))), ["demo/slow/f"]);
    assert!(offered(&world, "mountvofs --cache").contains(&"--cache-limit".to_owned()));
}

#[test]
fn scripts_are_valid_and_manual_pages_can_be_read() {
    let world = World::new(Profile::Vault);
    let script = world.vospace(&["completions", "bash"]).ok().stdout();
    fs::write(world.local("script"), &script).unwrap();
    run(Command::new("bash").arg("-n").arg(world.local("script"))).ok();
    for shell in ["zsh", "fish"] {
        let script = world.vospace(&["completions", shell]).ok().stdout();
        assert!(script.contains("vls") && script.contains("cadc-get-cert"), "{shell}: {script}");
    }
    world.vospace(&["completions", "tcsh"]).fails_with(2, &["bash"]);
    world.vospace(&["man", "pages"]).ok();
    run(world.command("mountvofs").arg("--man")).ok();
    let mut pages: Vec<_> = fs::read_dir(world.local("pages")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() >= 19, "{pages:?}");
    for page in pages {
        let name = page.file_stem().unwrap().to_str().unwrap().to_owned();
        let read = Command::new("man").arg("-l").arg("--warnings").arg(&page).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&read.stdout).into_owned();
        assert!(read.status.success() && read.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&read.stderr));
        assert!(text.contains(&name) && text.contains("EXIT STATUS") && text.contains("--certfile"), "{name}: {text}");
    }
}
