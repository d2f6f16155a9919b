//! What commands do with bytes, in both directions.

use std::fs;
use std::process::Command;

use vofs_tests::World;
use vofs_tests::matrix::Area;
use vofs_tests::process::run;
use vofs_tests::server::Logged;

use super::{done, told};

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7 % 251) as u8).collect()
}

pub(super) fn files(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    let content = bytes(5_000);
    world.local_file("f", &content);
    world.local_file("empty", b"");
    world.local_file("large", bytes(7_000_000));
    area.verb("cp up", || {
        told(world, &["cp", "f", &uri("f")])?;
        done(world.bytes("f").as_ref() == Some(&content), "cp up")
    });
    area.verb("cp down", || {
        told(world, &["cp", &uri("f"), "back"])?;
        done(fs::read(world.local("back")).unwrap() == content, "cp down")
    });
    area.verb("cp up of what is there sends nothing", || {
        world.server.forget();
        told(world, &["cp", "f", &uri("f")])?;
        let sent = world.server.log().iter().filter(|entry| Logged::is_byte_write(entry)).count();
        Ok(if sent == 0 { String::new() } else { "sent again: the service tells no checksum".to_owned() })
    });
    area.verb("cp up onto another version", || {
        world.local_file("f2", b"another");
        told(world, &["cp", "f2", &uri("f")])?;
        done(world.bytes("f").as_deref() == Some(b"another"), "cp up")
    });
    area.verb("cp of an empty file, up and down", || {
        told(world, &["cp", "empty", &uri("empty")])?;
        told(world, &["cp", &uri("empty"), "empty-back"])?;
        done(fs::read(world.local("empty-back")).unwrap().is_empty(), "cp")
    });
    area.verb("cp of 7 MB, up and down", || {
        told(world, &["cp", "large", &uri("large")])?;
        told(world, &["cp", &uri("large"), "large-back"])?;
        done(fs::read(world.local("large-back")).unwrap() == bytes(7_000_000), "cp")
    });
    area.verb("cp from the service to itself", || {
        told(world, &["cp", &uri("large"), &uri("twin")])?;
        done(world.bytes("twin").unwrap() == bytes(7_000_000), "cp")
    });
    area.verb("cat", || {
        let told = told(world, &["cat", &uri("f")])?;
        done(told == "another", &told)
    });
    area.verb("cp to standard output", || {
        let told = told(world, &["cp", &uri("f"), "-"])?;
        done(told == "another", &told)
    });
    area.verb("cp up without a parent", || {
        told(world, &["cp", "f", &uri("no/parent/f")])?;
        done(false, "there is no parent")
    });
    area.verb("cp down of what is not there", || {
        told(world, &["cp", &uri("none"), "none"])?;
        done(false, "there is no such node")
    });
}

fn same(world: &World, a: &str, b: &str) -> bool {
    run(Command::new("diff").arg("-r").arg(world.local(a)).arg(world.local(b))).status == 0
}

pub(super) fn trees(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    for (name, text) in [("tree/a.txt", "one"), ("tree/sub/b.txt", "two"), ("tree/sub/empty", "")] {
        world.local_file(name, text);
    }
    area.verb("cp of a tree, up and down", || {
        told(world, &["cp", "tree", &uri("copied")])?;
        told(world, &["cp", &uri("copied"), "copied"])?;
        done(same(world, "tree", "copied"), "cp of a tree")
    });
    area.verb("sync up", || {
        told(world, &["sync", "tree/", &uri("synced")])?;
        done(world.bytes("synced/sub/b.txt").as_deref() == Some(b"two"), "sync up")
    });
    area.verb("sync up again sends nothing", || {
        world.server.forget();
        told(world, &["sync", "tree/", &uri("synced")])?;
        let sent = world.server.log().iter().filter(|entry| Logged::is_byte_write(entry)).count();
        Ok(if sent == 0 { String::new() } else { format!("{sent} of 3 sent again: the service tells no checksum") })
    });
    area.verb("sync up of a change", || {
        world.local_file("tree/a.txt", "changed");
        told(world, &["sync", "tree/", &uri("synced")])?;
        done(world.bytes("synced/a.txt").as_deref() == Some(b"changed"), "sync up")
    });
    area.verb("sync down", || {
        told(world, &["sync", &uri("synced/"), "down"])?;
        done(same(world, "tree", "down"), "sync down")
    });
    area.verb("sync down again fetches nothing", || {
        world.server.forget();
        told(world, &["sync", &uri("synced/"), "down"])?;
        let fetched = world.server.log().iter().filter(|entry| Logged::is_byte_read(entry)).count();
        Ok(if fetched == 0 { String::new() } else { format!("{fetched} fetched again: the service tells no checksum") })
    });
    area.verb("sync up --delete", || {
        world.put("synced/extra", b"x");
        told(world, &["sync", "--delete", "--yes", "tree/", &uri("synced")])?;
        done(!world.exists("synced/extra") && world.exists("synced/sub/b.txt"), "sync --delete")
    });
}

pub(super) fn parts(world: &World, area: &mut Area<'_>) {
    let uri = |path: &str| world.uri(path);
    run(world.command("vospaced").arg("sample").arg(world.local("samples"))).ok();
    world.put("x.fits", fs::read(world.local("samples/starfield.fits")).unwrap());
    area.verb("cp of a cut-out", || {
        told(world, &["cp", &uri("x.fits[1:50,1:100]"), "cut.fits"])?;
        done(fs::metadata(world.local("cut.fits")).unwrap().len() > 2_880, "cut-out")
    });
    area.verb("cat --head", || {
        let told = told(world, &["cat", "--head", &uri("x.fits")])?;
        done(told.contains("NAXIS1"), &told)
    });
}
