//! Trees in and out with the tools that people use.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(cp_in_and_out, tar_into_the_mount);

/// Several levels, empty files and directories, odd but legal names, sizes around the page and block borders.
fn make_tree(root: &Path, profile: Profile) {
    let pattern = |length: usize| (0..length).map(|i| (i * 31 % 251) as u8).collect::<Vec<u8>>();
    for directory in ["", "a", "a/b", "a/b/c", "empty", "names"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for length in [0, 1, 4095, 4096, 4097, 131_072, 1_048_575, 1_048_577, 3_000_000] {
        fs::write(root.join(format!("a/size{length}")), pattern(length)).unwrap();
    }
    for name in
        [".hidden", "-dash", "plus+at@", "paren(1)", "quote's", "semi;colon", "été.fits", "a&b=c", "~tilde", "日本"]
            .into_iter()
            .filter(|name| profile.takes_name(name))
    {
        fs::write(root.join("names").join(name), name).unwrap();
    }
    for i in 0..40 {
        fs::write(root.join(format!("a/b/c/file{i:02}")), format!("file {i}\n")).unwrap();
    }
}

#[track_caller]
fn same(a: &Path, b: &Path) {
    run(Command::new("diff").arg("-r").arg(a).arg(b)).ok();
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-r").arg(from).arg(to)).ok();
}

fn cp_in_and_out(profile: Profile) {
    let world = World::new(profile);
    let tree = world.local("tree");
    make_tree(&tree, profile);
    let mount = world.mount();
    copy(&tree, &mount.join("tree"));
    same(&tree, &mount.join("tree"));
    let out: PathBuf = world.local("out");
    copy(&mount.join("tree"), &out);
    same(&tree, &out);
    mount.unmount();

    // Once more from the service alone.
    let mount = world.mounting().cache(&world.path("cold")).start();
    same(&tree, &mount.join("tree"));
    assert_eq!(world.bytes("tree/a/size0"), Some(Vec::new()));
    run(Command::new("rm").arg("-r").arg(mount.join("tree"))).ok();
    assert!(!world.exists("tree"));
}

fn tar_into_the_mount(profile: Profile) {
    let world = World::new(profile);
    let tree = world.local("tree");
    make_tree(&tree, profile);
    // Behind its target in the archive.
    symlink("a/size4096", tree.join("z-link")).unwrap();
    let archive = world.local("tree.tar");
    run(Command::new("tar").arg("-C").arg(world.path("local")).args(["--sort=name", "-cf"]).arg(&archive).arg("tree"))
        .ok();
    let mount = world.mount();
    let mut unpack = Command::new("tar");
    // Owner and times are the service's; the bytes, names and links are what is asked for.
    unpack.args(["--no-same-owner", "--no-same-permissions", "-m", "-C"]).arg(mount.path()).arg("-xf").arg(&archive);
    run(&mut unpack).ok();
    same(&tree, &mount.join("tree"));
    assert!(fs::symlink_metadata(mount.join("tree/z-link")).unwrap().file_type().is_symlink());
}
