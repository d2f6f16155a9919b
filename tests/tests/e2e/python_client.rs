//! The Python `vos` client and our programs on the same service, over TLS: each reads what the other wrote. What the
//! Python client makes of the service alone is in the interoperability tests.

use std::fs;
use std::path::{Path, PathBuf};

use vofs_tests::{Profile, PythonClient, World, every_profile};

every_profile!(python_reads_what_the_mount_wrote, the_mount_reads_what_python_wrote);

/// Names and sizes for both directions; the last is above the size at which the Python client starts a transaction.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("text.txt", b"plain text\n".to_vec()),
        ("image.fits", (0..2_880 * 100_u32).map(|i| (i % 251) as u8).collect()),
        ("plus+at@.dat", vec![7; 4097]),
        ("large.bin", (0..6_000_000_u32).map(|i| (i % 241) as u8).collect()),
    ]
}

fn python_reads_what_the_mount_wrote(profile: Profile) {
    let world = World::tls(profile);
    let python = PythonClient::new(&world);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    for (name, bytes) in files() {
        fs::write(mount.join("d").join(name), bytes).unwrap();
    }
    let listed = python.run("vls", &[&world.uri("d")]).ok().stdout();
    let mut names: Vec<&str> = listed.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["image.fits", "large.bin", "plus+at@.dat", "text.txt"]);
    for (name, bytes) in files() {
        let to = world.local(&format!("from-python-{name}"));
        python.run("vcp", &[&world.uri(&format!("d/{name}")), to.to_str().unwrap()]).ok();
        assert!(fs::read(&to).unwrap() == bytes, "{name}");
    }
    same_rows(&world, &python);
}

/// `vls -l` of both clients, where they are meant to agree: all but the target of links.
fn same_rows(world: &World, python: &PythonClient<'_>) {
    let rows = |text: String| {
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    for node in ["d", "d/image.fits"] {
        let theirs = rows(python.run("vls", &["-l", &world.uri(node)]).ok().stdout());
        let ours = rows(world.vospace(&["ls", "-l", &world.uri(node)]).ok().stdout());
        assert_eq!(ours, theirs);
    }
}

fn the_mount_reads_what_python_wrote(profile: Profile) {
    let world = World::tls(profile);
    let python = PythonClient::new(&world);
    let mount = world.mount();
    python.run("vmkdir", &[&world.uri("d")]).ok();
    for (name, bytes) in files() {
        let from: PathBuf = world.local_file(name, &bytes);
        python.run("vcp", &[from.to_str().unwrap(), &world.uri(&format!("d/{name}"))]).ok();
        assert!(fs::read(mount.join("d").join(name)).unwrap() == bytes, "{name}");
        assert!(world.vospace(&["cat", &world.uri(&format!("d/{name}"))]).ok().bytes == bytes, "{name}");
    }
    // Replaced by one, read by the other, and the other way round.
    let image = mount.join("d/image.fits");
    fs::write(&image, b"the mount was here").unwrap();
    let back: &Path = &world.local("back");
    python.run("vcp", &[&world.uri("d/image.fits"), back.to_str().unwrap()]).ok();
    assert_eq!(fs::read(back).unwrap(), b"the mount was here");
    fs::write(back, b"and now Python was").unwrap();
    python.run("vcp", &[back.to_str().unwrap(), &world.uri("d/image.fits")]).ok();
    assert_eq!(fs::read(&image).unwrap(), b"and now Python was");
    python.run("vrm", &[&world.uri("d/text.txt")]).ok();
    assert_eq!(fs::read(mount.join("d/text.txt")).unwrap_err().kind(), std::io::ErrorKind::NotFound);
}
