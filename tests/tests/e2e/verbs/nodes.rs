//! What commands do with nodes that is not about bytes.

use vofs_tests::World;
use vofs_tests::matrix::Area;

use super::{done, told};

/// Lines of what a command prints, without those that are empty.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    // Services list in orders of their own.
    lines.sort_unstable();
    lines
}

pub(super) fn listing(world: &World, area: &mut Area<'_>) {
    world.put_deep("list/sub/c.txt", b"three");
    world.put("list/a.txt", b"one");
    world.put("list/b.dat", b"second");
    let uri = |path: &str| world.uri(path);
    area.verb("ls", || {
        let told = told(world, &["ls", &uri("list")])?;
        done(lines(&told) == ["a.txt", "b.dat", "sub"], &told)
    });
    area.verb("ls of the root", || {
        let told = told(world, &["ls", &format!("{}:", world.server.profile.prefix())])?;
        done(lines(&told).contains(&"demo"), &told)
    });
    area.verb("ls -l", || {
        let told = told(world, &["ls", "-l", &uri("list")])?;
        let row = lines(&told).into_iter().find(|row| row.ends_with("b.dat")).unwrap().to_owned();
        let columns: Vec<&str> = row.split_whitespace().collect();
        assert_eq!((&columns[0][..1], columns[4]), ("-", "6"), "{row}");
        // What the service does not tell is shown as such.
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        Ok(if month.contains(&columns[5]) { String::new() } else { format!("for a date stands {}", columns[5]) })
    });
    area.verb("ls -R", || {
        let told = told(world, &["ls", "-R", &uri("list")])?;
        done(["a.txt", "b.dat", "c.txt"].iter().all(|name| told.contains(name)), &told)
    });
    area.verb("ls --json of one file", || {
        let told = told(world, &["ls", "--json", &uri("list/a.txt")])?;
        let node: serde_json::Value = serde_json::from_str(told.trim()).unwrap();
        assert_eq!(node["length"], 3, "{told}");
        Ok(if node["md5"].is_string() { String::new() } else { "no checksum".to_owned() })
    });
    area.verb("ls of a wildcard", || {
        let told = told(world, &["ls", &uri("list/[ab].*")])?;
        done(lines(&told) == ["a.txt", "b.dat"], &told)
    });
    area.verb("ls of 2,500 files", || {
        world.server.populate(&["demo/many".into(), "--count".into(), "2500".into()]);
        let told = told(world, &["ls", &uri("many")])?;
        done(lines(&told).len() == 2500, &lines(&told).len().to_string())
    });
    area.verb("find by name", || {
        let told = told(world, &["find", &uri("list"), "--name", "*.txt"])?;
        done(lines(&told).len() == 2, &told)
    });
    area.verb("du", || {
        let told = told(world, &["du", &uri("list")])?;
        done(told.split_whitespace().any(|word| word == "14"), &told)
    });
    area.verb("df", || {
        let told = told(world, &["df", &uri("")])?;
        done(lines(&told).len() == 2, &told)
    });
    area.verb("doctor", || {
        let told = told(world, &["doctor", &uri("")])?;
        assert!(told.contains("1 MiB stored in"), "{told}");
        Ok(String::new())
    });
    area.verb("ls of what is not there", || {
        told(world, &["ls", &uri("none")])?;
        done(false, "there is no such node")
    });
}

pub(super) fn making(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    area.verb("mkdir", || {
        told(world, &["mkdir", &uri("made")])?;
        done(world.exists("made"), "mkdir")
    });
    area.verb("mkdir of what is there", || {
        told(world, &["mkdir", &uri("made")])?;
        done(false, "it was there")
    });
    area.verb("mkdir without a parent", || {
        told(world, &["mkdir", &uri("no/parent")])?;
        done(world.exists("no/parent"), "mkdir")
    });
    area.verb("mkdir -p", || {
        told(world, &["mkdir", "-p", &uri("made/by/one")])?;
        done(world.exists("made/by/one"), "mkdir -p")
    });
    world.put("made/f", b"linked");
    area.verb("ln to a file", || {
        told(world, &["ln", &uri("made/f"), &uri("made/l")])?;
        let told = told(world, &["ls", "-l", &uri("made/l")])?;
        done(told.contains("l -> ") && told.contains("made/f"), &told)
    });
    area.verb("cat through a link", || {
        let told = told(world, &["cat", &uri("made/l")])?;
        done(told == "linked", &told)
    });
    area.verb("ls through a link to a container", || {
        told(world, &["ln", &uri("made/by"), &uri("made/d")])?;
        let told = told(world, &["ls", &format!("{}/", uri("made/d"))])?;
        done(lines(&told) == ["one"], &told)
    });
    area.verb("ln to what is not there", || {
        told(world, &["ln", &uri("nothing"), &uri("made/dangling")])?;
        done(world.exists("made/dangling"), "ln")
    });
    area.verb("ln to the web", || {
        told(world, &["ln", "https://example.org/x", &uri("made/web")])?;
        let told = told(world, &["ls", "-l", &uri("made/web")])?;
        done(told.contains("web -> https://example.org/x"), &told)
    });
}

pub(super) fn moving(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    for name in ["f", "g", "h", "d/deep/f", "into/x", "links/f"] {
        world.put_deep(&format!("mv/{name}"), name);
    }
    area.verb("mv of a file", || {
        told(world, &["mv", &uri("mv/f"), &uri("mv/moved")])?;
        done(world.bytes("mv/moved").as_deref() == Some(b"f") && !world.exists("mv/f"), "mv")
    });
    area.verb("mv of a file onto a file", || {
        let before = world.bytes("mv/h");
        let told = told(world, &["mv", &uri("mv/g"), &uri("mv/h")]);
        assert_eq!(world.bytes("mv/h"), before, "what was there was replaced");
        told?;
        done(false, "nothing may be replaced")
    });
    area.verb("mv of a file into a container", || {
        told(world, &["mv", &uri("mv/g"), &format!("{}/", uri("mv/into"))])?;
        done(world.bytes("mv/into/g").as_deref() == Some(b"g") && !world.exists("mv/g"), "mv")
    });
    area.verb("mv of a container", || {
        told(world, &["mv", &uri("mv/d"), &uri("mv/d2")])?;
        done(world.bytes("mv/d2/deep/f").as_deref() == Some(b"d/deep/f") && !world.exists("mv/d"), "mv")
    });
    area.verb("mv of a container below itself", || {
        world.put_deep("mv/self/f", b"kept");
        let told = told(world, &["mv", &uri("mv/self"), &uri("mv/self/below")]);
        assert_eq!(world.bytes("mv/self/f").as_deref(), Some(&b"kept"[..]), "the tree is lost");
        told?;
        done(false, "it cannot be")
    });
    area.verb("mv of a link", || {
        told(world, &["ln", &uri("mv/h"), &uri("mv/links/l")])?;
        told(world, &["mv", &uri("mv/links/l"), &uri("mv/links/m")])?;
        let told = told(world, &["ls", "-l", &uri("mv/links/m")])?;
        done(told.contains("mv/h"), &told)
    });
}

pub(super) fn properties(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    world.put("tagged", b"tagged");
    let shown = |key: &str| told(world, &["tag", &uri("tagged"), key]).map(|text| text.trim().to_owned());
    area.verb("tag sets a property of the standard", || {
        told(world, &["tag", &uri("tagged"), "title=M31, r band"])?;
        let told = shown("title")?;
        done(told == "'M31, r band'", &told)
    });
    area.verb("tag sets a property of one's own", || {
        told(world, &["tag", &uri("tagged"), "ivo://example.org/survey#seeing=0.7"])?;
        let told = shown("ivo://example.org/survey#seeing")?;
        done(told == "'0.7'", &told)
    });
    area.verb("tag removes", || {
        told(world, &["tag", "--remove", &uri("tagged"), "title"])?;
        let told = shown("title")?;
        done(told == "None", &told)
    });
    area.verb("a new upload keeps the properties", || {
        told(world, &["tag", &uri("tagged"), "description=kept"])?;
        world.put("tagged", b"other bytes");
        let told = shown("description")?;
        done(told == "'kept'", &told)
    });
    area.verb("chmod o+r", || {
        told(world, &["chmod", "o+r", &uri("tagged")])?;
        let told = told(world, &["ls", "-l", &uri("tagged")])?;
        done(told.starts_with("-rw----r--"), &told)
    });
    area.verb("chmod g+r", || {
        told(world, &["chmod", "g+r", &uri("tagged"), "team"])?;
        let told = shown("groupread")?;
        done(told.contains("team"), &told)
    });
    area.verb("chmod -R", || {
        world.put_deep("rights/d/f", b"f");
        told(world, &["chmod", "-R", "o+r", &uri("rights")])?;
        let told = told(world, &["ls", "-l", &uri("rights/d/f")])?;
        done(told.starts_with("-rw----r--"), &told)
    });
    area.verb("lock", || {
        told(world, &["lock", "--lock", &uri("tagged")])?;
        told(world, &["lock", "--unlock", &uri("tagged")])?;
        Ok(String::new())
    });
}

pub(super) fn removing(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    for name in ["f", "d/f", "tree/deep/f", "target/f"] {
        world.put_deep(&format!("rm/{name}"), name);
    }
    world.vospace(&["mkdir", &uri("rm/empty")]).ok();
    area.verb("rm", || {
        told(world, &["rm", &uri("rm/f")])?;
        done(!world.exists("rm/f"), "rm")
    });
    area.verb("rm of a container", || {
        let told = told(world, &["rm", &uri("rm/d")]);
        assert!(world.exists("rm/d/f"), "the tree is lost");
        told?;
        done(false, "it is a container")
    });
    area.verb("rmdir", || {
        told(world, &["rmdir", &uri("rm/empty")])?;
        done(!world.exists("rm/empty"), "rmdir")
    });
    area.verb("rmdir of what is not empty", || {
        let told = told(world, &["rmdir", &uri("rm/d")]);
        assert!(world.exists("rm/d/f"), "the tree is lost");
        told?;
        done(false, "it is not empty")
    });
    area.verb("rm -R", || {
        told(world, &["rm", "-R", &uri("rm/tree")])?;
        done(!world.exists("rm/tree"), "rm -R")
    });
    area.verb("rm -R of a link spares its target", || {
        told(world, &["ln", &uri("rm/target"), &uri("rm/link")])?;
        told(world, &["rm", "-R", &uri("rm/link")])?;
        done(!world.exists("rm/link") && world.exists("rm/target/f"), "rm -R")
    });
}
