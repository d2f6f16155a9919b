//! Trees of files by the tools that make, copy and keep them.

use std::fs;
use std::path::Path;

use vofs_tests::{Profile, World, every_profile};

use super::shell;

every_profile!(git_clone_commit_and_gc, rsync_copies_once, tar_in_and_out);

/// Sources of this project: real text, several directories.
fn sources() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates/vofs-core")
}

fn git_clone_commit_and_gc(profile: Profile) {
    let world = World::new(profile);
    let origin = world.local("origin");
    fs::create_dir(&origin).unwrap();
    let sources = sources();
    shell(
        &origin,
        &format!(
            "git init -q -b main .; cp -r {}/src {}/Cargo.toml .; git add .; git commit -qm first
             for number in 1 2 3; do echo \"// $number\" >> src/lib.rs; git commit -qam $number; done
             git switch -qc other HEAD~2; echo '# other' >> Cargo.toml; git commit -qam other; git switch -q main",
            sources.display(),
            sources.display(),
        ),
    );
    let mount = world.mounting().renaming().start();
    shell(mount.path(), &format!("git clone -q file://{} repository", origin.display()));
    let repository = mount.join("repository");
    let git = |line: &str| shell(&repository, line).stdout();
    assert_eq!(git("git status --porcelain"), "");
    git("git switch -q other; git switch -q main; git merge -q -m merged other; echo new > new.rs; git add new.rs");
    git("git mv src/lib.rs src/renamed.rs; git rm -q Cargo.toml; git commit -qm changed");
    git("git stash -q || true; git gc -q --prune=now; git fsck --full --strict");
    assert_eq!(git("git status --porcelain"), "");
    assert_eq!(git("git log --oneline | wc -l").trim(), "7");
    // Another clone, from the mount, is the same as what was made there.
    shell(
        &world.local(""),
        &format!("git clone -q {} back; diff -r -x .git back {}", repository.display(), repository.display()),
    );
    mount.unmount();
    let mount = world.mounting().renaming().start();
    shell(&mount.join("repository"), "git fsck --full --strict; git status --porcelain | wc -l | grep -qx 0");
}

fn rsync_copies_once(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().renaming().start();
    let from = sources().join("src");
    let rsync = |more: &str| shell(mount.path(), &format!("rsync -a {more} {}/ copy/", from.display())).stdout();
    rsync("");
    shell(mount.path(), &format!("diff -r {} copy", from.display()));
    let again = rsync("--itemize-changes");
    let copied: Vec<_> = again.lines().filter(|line| line.starts_with(['<', '>'])).collect();
    assert!(copied.is_empty(), "{copied:?}");
    mount.unmount();
    // The times are those of the originals also in another mount, so there is still nothing to do.
    let mount = world.mounting().renaming().start();
    let rsync = |more: &str| shell(mount.path(), &format!("rsync -a {more} {}/ copy/", from.display())).stdout();
    let again = rsync("--itemize-changes");
    assert!(!again.lines().any(|line| line.starts_with(['<', '>'])), "{again}");
    assert!(rsync("--checksum --dry-run --itemize-changes").lines().all(|line| !line.starts_with(['<', '>'])));
}

fn tar_in_and_out(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let from = sources();
    shell(mount.path(), &format!("tar -C {} -cf - src | tar -xf -; tar -czf src.tar.gz src", from.display()));
    shell(
        &world.local(""),
        &format!("tar -xzf {}; diff -r src {}/src", mount.join("src.tar.gz").display(), from.display()),
    );
    // Extracted again over what is there, and compared by tar itself.
    shell(mount.path(), "tar -xzf src.tar.gz; tar -dzf src.tar.gz");
    assert_eq!(world.bytes("src.tar.gz").unwrap(), fs::read(mount.join("src.tar.gz")).unwrap());
}
