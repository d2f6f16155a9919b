//! System calls on the mount.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use vofs_tests::World;
use vofs_tests::matrix::{Area, Found, errno};

use super::done;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 5 % 241) as u8).collect()
}

fn names(place: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(place)?.map(|entry| Ok(entry?.file_name().into_string().unwrap()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

pub(super) fn reading(world: &World, area: &mut Area<'_>) {
    let content = bytes(3_000_000);
    world.put_deep("read/sub/f", b"f");
    world.put("read/big", &content);
    world.put("read/empty", b"");
    let mount = world.mount();
    let at = |path: &str| mount.join(path);
    area.verb("readdir", || {
        let found = errno(names(&at("read")))?;
        done(found == ["big", "empty", "sub"], &found.join(" "))
    });
    area.verb("stat", || {
        let (file, directory) = (errno(fs::metadata(at("read/big")))?, errno(fs::metadata(at("read/sub")))?);
        done(file.len() == 3_000_000 && file.is_file() && directory.is_dir(), "stat")
    });
    area.verb("stat of what is not there", || {
        errno(fs::metadata(at("read/none")))?;
        done(false, "there is no such file")
    });
    area.verb("read of a part in the middle", || {
        let mut part = [0; 5_000];
        errno(File::open(at("read/big")).and_then(|file| file.read_exact_at(&mut part, 2_000_000)))?;
        done(part[..] == content[2_000_000..2_005_000], "read")
    });
    area.verb("read of the whole", || done(errno(fs::read(at("read/big")))? == content, "read"));
    area.verb("read again asks for no bytes", || {
        world.server.forget();
        assert!(errno(fs::read(at("read/big")))? == content);
        let asked = world.server.log().iter().filter(|entry| entry.is_byte_read()).count();
        Ok(if asked == 0 {
            String::new()
        } else {
            "read anew: the service does not tell whether it changed".to_owned()
        })
    });
    area.verb("read of an empty file", || done(errno(fs::read(at("read/empty")))?.is_empty(), "read"));
    area.verb("a change by another client is seen at the next open", || {
        world.put("read/big", b"other");
        done(errno(fs::read(at("read/big")))? == b"other", "the first open after the change shows what was before")
    });
    mount.unmount();
}

pub(super) fn writing(world: &World, area: &mut Area<'_>) {
    let content = bytes(2_000_000);
    world.put_deep("write/big", &content);
    let mount = world.mount();
    let at = |path: &str| mount.join("write").join(path);
    let there = |path: &str| world.bytes(&format!("write/{path}"));
    area.verb("write of a new file", || {
        errno(fs::write(at("new"), b"new"))?;
        done(there("new").as_deref() == Some(b"new"), "write")
    });
    area.verb("write of an empty file", || {
        errno(File::create(at("empty")).map(drop))?;
        done(there("empty").as_deref() == Some(b""), "create")
    });
    area.verb("overwriting", || {
        errno(fs::write(at("new"), b"newer"))?;
        done(there("new").as_deref() == Some(b"newer"), "write")
    });
    area.verb("append", || {
        let file = OpenOptions::new().append(true).open(at("new"));
        errno(file.and_then(|mut file| file.write_all(b" and more")))?;
        done(there("new").as_deref() == Some(b"newer and more"), "append")
    });
    area.verb("write in the middle", || {
        let mut expected = content.clone();
        expected[1_000_000..1_000_006].copy_from_slice(b"middle");
        let file = OpenOptions::new().write(true).open(at("big"));
        errno(file.and_then(|file| file.write_all_at(b"middle", 1_000_000)))?;
        done(there("big").as_ref() == Some(&expected), "write")
    });
    area.verb("truncate", || {
        errno(OpenOptions::new().write(true).open(at("big")).and_then(|file| file.set_len(100)))?;
        done(there("big").map(|bytes| bytes.len()) == Some(100), "truncate")
    });
    area.verb("fsync", || {
        let mut file = errno(File::create(at("synced")))?;
        errno(file.write_all(b"safe").and_then(|()| file.sync_all()))?;
        done(there("synced").as_deref() == Some(b"safe"), "fsync")
    });
    area.verb("unlink", || {
        errno(fs::remove_file(at("synced")))?;
        done(!world.exists("write/synced"), "unlink")
    });
    area.verb("unlink of an open file", || {
        fs::write(at("open"), b"still here").unwrap();
        let mut file = errno(File::open(at("open")))?;
        errno(fs::remove_file(at("open")))?;
        let mut text = String::new();
        errno(file.read_to_string(&mut text))?;
        done(text == "still here" && !world.exists("write/open"), &text)
    });
    area.verb("a name with #", || {
        errno(fs::write(at("new#1"), b"x"))?;
        done(there("new").as_deref() == Some(b"newer and more"), "another file was written to")
    });
    mount.unmount();
}

pub(super) fn renaming(world: &World, area: &mut Area<'_>) {
    for name in ["f", "g", "h", "d/deep/f"] {
        world.put_deep(&format!("rename/{name}"), name);
    }
    let mount = world.mount();
    let at = |path: &str| mount.join("rename").join(path);
    let there = |path: &str| world.bytes(&format!("rename/{path}"));
    area.verb("rename of a file", || {
        errno(fs::rename(at("f"), at("f2")))?;
        done(there("f2").as_deref() == Some(b"f") && there("f").is_none(), "rename")
    });
    area.verb("rename of a file onto a file", || {
        errno(fs::rename(at("g"), at("h")))?;
        done(there("h").as_deref() == Some(b"g") && there("g").is_none(), "rename")
    });
    area.verb("rename of a directory", || {
        errno(fs::rename(at("d"), at("d2")))?;
        done(there("d2/deep/f").as_deref() == Some(b"d/deep/f") && there("d/deep/f").is_none(), "rename")
    });
    area.verb("rename of a directory below itself", || {
        errno(fs::create_dir(at("self")))?;
        errno(fs::rename(at("self"), at("self/below")))?;
        done(false, "it cannot be")
    });
    area.verb("rename of a file before it is closed", || {
        let mut file = errno(File::create(at("new.tmp")))?;
        errno(file.write_all(b"new"))?;
        errno(fs::rename(at("new.tmp"), at("new")))?;
        drop(file);
        done(there("new").as_deref() == Some(b"new") && there("new.tmp").is_none(), "rename")
    });
    area.verb("write to a temporary name, then rename onto the file (editors)", || {
        errno(fs::write(at("new~"), b"newer"))?;
        errno(fs::rename(at("new~"), at("new")))?;
        done(there("new").as_deref() == Some(b"newer"), "rename")
    });
    mount.unmount();
}

pub(super) fn directories(world: &World, area: &mut Area<'_>) {
    let mount = world.mount();
    let at = |path: &str| mount.join(path);
    area.verb("mkdir", || {
        errno(fs::create_dir(at("dir")))?;
        done(world.exists("dir"), "mkdir")
    });
    area.verb("rmdir of what is not empty", || {
        fs::write(at("dir/f"), b"precious").unwrap();
        let told = errno(fs::remove_dir(at("dir")));
        assert_eq!(world.bytes("dir/f").as_deref(), Some(&b"precious"[..]));
        told?;
        done(false, "it is not empty")
    });
    area.verb("rmdir", || {
        errno(fs::remove_file(at("dir/f")).and_then(|()| fs::remove_dir(at("dir"))))?;
        done(!world.exists("dir"), "rmdir")
    });
    area.verb("rm -r", || {
        errno(fs::create_dir_all(at("tree/deep/er")))?;
        fs::write(at("tree/deep/f"), b"f").unwrap();
        errno(fs::remove_dir_all(at("tree")))?;
        done(!world.exists("tree"), "rm -r")
    });
    world.put_deep("links/f", b"linked");
    area.verb("symlink", || {
        errno(symlink("f", at("links/l")))?;
        let target = errno(fs::read_link(at("links/l")))?;
        done(target == Path::new("f") && world.exists("links/l"), &target.display().to_string())
    });
    area.verb("read through a symlink", || done(errno(fs::read(at("links/l")))? == b"linked", "read"));
    mount.unmount();
}

pub(super) fn attributes(world: &World, area: &mut Area<'_>) {
    world.put_deep("attributes/f", b"f");
    let mount = world.mount();
    let path = mount.join("attributes/f");
    area.verb("setxattr and getxattr", || {
        errno(xattr::set(&path, "user.vos.title", b"M31"))?;
        done(errno(xattr::get(&path, "user.vos.title"))?.as_deref() == Some(b"M31"), "xattr")
    });
    area.verb("listxattr and removexattr", || {
        let listed = errno(xattr::list(&path))?.any(|name| name == "user.vos.title");
        errno(xattr::remove(&path, "user.vos.title"))?;
        done(listed && xattr::get(&path, "user.vos.title").unwrap().is_none(), "xattr")
    });
    area.verb("chmod", || {
        errno(fs::set_permissions(&path, fs::Permissions::from_mode(0o644)))?;
        let told = world.vospace(&["ls", "-l", &world.uri("attributes/f")]).ok().stdout();
        done(told.starts_with("-rw----r--"), &told)
    });
    area.verb("statfs", || {
        let found = nix::sys::statvfs::statvfs(mount.path()).map_err(|errno| format!("{errno:?}"))?;
        done(found.blocks() * found.fragment_size() == super::QUOTA, "it is not the quota of the service")
    });
    mount.unmount();
    area.verb("utimes, seen by the next mount here", || timed(world, &[], "cache"));
    area.verb("utimes with --remote-mtime, seen by other machines", || {
        timed(world, &["--remote-mtime"], "cache-elsewhere")
    });
}

/// Sets a time, and looks at it through another mount, with this cache directory.
fn timed(world: &World, options: &[&str], cache: &str) -> Found {
    let when = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let mount = world.mounting().options(options).start();
    let set = File::options().write(true).open(mount.join("attributes/f")).and_then(|file| file.set_modified(when));
    mount.unmount();
    errno(set)?;
    let mount = world.mounting().options(options).cache(&world.path(cache)).start();
    let found = errno(fs::metadata(mount.join("attributes/f")))?.modified().unwrap();
    mount.unmount();
    done(found == when, "the other mount shows another time")
}
