//! The data that the works read: in the data directory of the service, and as a plain tree that the native file system,
//! and the export for other programs, show under the same names.
//!
//! Each set is made once for each scale, when a work first needs it, and kept. Files of which only a part is read, and
//! those whose bytes do not matter, are sparse on both sides. The works read only; a program that writes (git keeps an
//! index) writes what every run would write again. Works that write do it in `scratch`, which is prepared for each run.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use vospace_server::fault::Fault;
use vospace_server::identity::Caller;
use vospace_server::import;
use vospace_server::populate::populate;
use vospace_server::profile::Profile;
use vospace_server::serve::{ServeOptions, open_space};
use vospace_server::space::Space;

use crate::process;
use crate::sizes::{Scale, Sizes};

/// The user of all services; his container is what is mounted.
pub(crate) const USER: &str = "demo";

/// Bytes of a small file.
pub(crate) const SMALL: u64 = 4000;

/// Readers side by side.
pub(crate) const READERS: u64 = 8;

/// Longest that git may take for the whole of its tree.
const GIT_LIMIT: Duration = Duration::from_secs(120);

/// The directory of works that write.
pub(crate) const SCRATCH: &str = "scratch";

/// What is in it beforehand, if there is something: `scratch/given/node-…`.
pub(crate) const GIVEN: &str = "scratch/given";

/// Files that a work finds in [`SCRATCH`]: zeros, in [`GIVEN`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scratch {
    /// How many.
    pub(crate) files: u64,
    /// Bytes of each.
    pub(crate) length: u64,
}

/// One directory of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// `sequential/big.bin`: one file of random bytes, in both profiles.
    Sequential,
    /// `huge/node-0000000`: one sparse file.
    Huge,
    /// `readers/node-…`: a file for each reader.
    Readers,
    /// `headers/node-…`: many large files.
    Headers,
    /// `long/node-…`: many empty files.
    Long,
    /// `wide/node-…`: very many empty files.
    Wide,
    /// `deep/d0000/node-…`: very many in many directories; not in the native tree.
    Deep,
    /// `code/…`: a work tree under git.
    Code,
    /// `same/node-…`: small files.
    Same,
    /// [`SCRATCH`].
    Scratch,
}

impl Set {
    /// The directory.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Set::Sequential => "sequential",
            Set::Huge => "huge",
            Set::Readers => "readers",
            Set::Headers => "headers",
            Set::Long => "long",
            Set::Wide => "wide",
            Set::Deep => "deep",
            Set::Code => "code",
            Set::Same => "same",
            Set::Scratch => SCRATCH,
        }
    }

    /// Files and their length, where all of them are zeros.
    fn zeros(self, sizes: &Sizes) -> Option<(u64, u64)> {
        match self {
            Set::Huge => Some((1, sizes.huge)),
            Set::Readers => Some((READERS, sizes.reader)),
            Set::Headers => Some((sizes.headers, sizes.header_file)),
            Set::Long => Some((sizes.long_listing, 0)),
            Set::Wide => Some((sizes.wide, 0)),
            Set::Same => Some((sizes.unchanged, SMALL)),
            Set::Sequential | Set::Deep | Set::Code | Set::Scratch => None,
        }
    }
}

/// The name of a file of zeros.
pub(crate) fn node_name(index: u64) -> String {
    format!("node-{index:07}")
}

/// The name of one of the directories of [`Set::Deep`].
fn directory_name(index: u64) -> String {
    format!("d{index:04}")
}

/// All data of one scale.
#[derive(Debug)]
pub(crate) struct Data {
    root: PathBuf,
    sizes: Sizes,
}

impl Data {
    /// Below this directory; what was made there for other sizes is removed.
    pub(crate) fn open(root: &Path, scale: Scale) -> Result<Self> {
        let data = Self { root: root.join(scale.name()), sizes: scale.sizes() };
        let wanted = serde_json::to_string_pretty(&data.sizes)?;
        let manifest = data.root.join("sizes.json");
        if fs::read_to_string(&manifest).ok().as_ref() != Some(&wanted) {
            if data.root.exists() {
                fs::remove_dir_all(&data.root)?;
            }
            for directory in ["made", "tree"] {
                fs::create_dir_all(data.root.join(directory))?;
            }
            fs::write(manifest, wanted)?;
        }
        Ok(data)
    }

    /// The data directory of the service.
    pub(crate) fn service(&self) -> PathBuf {
        self.root.join("service")
    }

    /// The authority of the service, once it was started with TLS.
    pub(crate) fn authority(&self) -> PathBuf {
        self.service().join("tls/ca.pem")
    }

    /// The plain tree.
    pub(crate) fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    /// Makes a set unless it is there.
    pub(crate) fn ensure(&self, set: Set) -> Result<()> {
        let made = self.root.join("made").join(set.name());
        if made.exists() {
            return Ok(());
        }
        if set != Set::Scratch {
            eprintln!("bench: making the data of {}", set.name());
        }
        self.make(set).with_context(|| format!("cannot make the data of {}", set.name()))?;
        File::create(made)?;
        Ok(())
    }

    fn make(&self, set: Set) -> Result<()> {
        let native = self.tree().join(set.name());
        if native.exists() {
            fs::remove_dir_all(&native)?;
        }
        fs::create_dir_all(&native)?;
        let container = format!("{USER}/{}", set.name());
        let vault = self.space(Profile::vault())?;
        if let Some((count, length)) = set.zeros(&self.sizes) {
            return zeros(&vault, &native, &container, count, length);
        }
        match set {
            Set::Deep => {
                for index in 0..self.sizes.directories {
                    let container = format!("{container}/{}", directory_name(index));
                    populate(&vault, &container, USER, self.sizes.files_each, 0).map_err(failed)?;
                }
            }
            Set::Code => {
                sources(&native, self.sizes.sources)?;
                import::tree(&vault, &native, &container, USER).map_err(failed)?;
            }
            Set::Scratch => {
                import::tree(&vault, &native, &container, USER).map_err(failed)?;
            }
            _ => {
                random_file(&native.join("big.bin"), self.sizes.sequential)?;
                for space in [vault, self.space(Profile::cavern())?] {
                    import::tree(&space, &native, &container, USER).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Empties [`SCRATCH`] on both sides and puts into it what a work is to find there.
    pub(crate) fn prepare_scratch(&self, given: Scratch) -> Result<()> {
        let vault = self.space(Profile::vault())?;
        let (native, container) = (self.tree().join(SCRATCH), format!("{USER}/{SCRATCH}"));
        if native.exists() {
            fs::remove_dir_all(&native)?;
        }
        fs::create_dir(&native)?;
        let make = || import::tree(&vault, &native, &container, USER).map_err(failed);
        // So that there is something to be removed.
        make()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let removal = vault.remove_tree(Caller::User(USER.into()), format!("/{container}"), Arc::default());
        let removed = runtime.block_on(removal).map_err(failed)?;
        ensure!(removed.failed == 0, "{SCRATCH} cannot be emptied");
        make()?;
        if given.files > 0 {
            let native = self.tree().join(GIVEN);
            fs::create_dir(&native)?;
            zeros(&vault, &native, &format!("{USER}/{GIVEN}"), given.files, given.length)?;
        }
        Ok(())
    }

    fn space(&self, profile: Profile) -> Result<Arc<Space>> {
        let space = open_space(profile, &ServeOptions::new(self.service()))?;
        space.make_home(USER, None).map_err(failed)?;
        Ok(space)
    }

    /// Brings the random bytes of a set into the page cache: what is measured is the way from the service, not the
    /// service's disk.
    pub(crate) fn warm(&self) -> Result<()> {
        let mut waiting = vec![self.service(), self.tree().join(Set::Sequential.name())];
        let mut buffer = vec![0; 1 << 20];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(&directory)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    waiting.push(entry.path());
                } else if metadata.len() == self.sizes.sequential {
                    let mut file = File::open(entry.path())?;
                    while file.read(&mut buffer)? > 0 {}
                }
            }
        }
        Ok(())
    }
}

/// Files of zeros on both sides.
fn zeros(space: &Space, native: &Path, container: &str, count: u64, length: u64) -> Result<()> {
    for index in 0..count {
        File::create(native.join(node_name(index)))?.set_len(length)?;
    }
    populate(space, container, USER, count, length).map_err(failed)?;
    Ok(())
}

fn failed(fault: Fault) -> anyhow::Error {
    anyhow::anyhow!("{}", fault.detail())
}

/// Bytes that look random and are the same in every run (xorshift64*, Vigna 2016).
#[derive(Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    /// A sequence of its own for each seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

fn random_file(path: &Path, length: u64) -> Result<()> {
    let mut noise = Noise::new(length);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for _ in 0..length / 8 {
        file.write_all(&noise.next().to_le_bytes())?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

/// A directory of files of as many random bytes each.
pub(crate) fn small_files(directory: &Path, count: u64, length: u64) -> Result<()> {
    fs::create_dir(directory)?;
    let mut noise = Noise::new(count);
    for index in 0..count {
        let bytes: Vec<u8> = (0..length / 8).flat_map(|_| noise.next().to_le_bytes()).collect();
        fs::write(directory.join(format!("f{index:04}")), bytes)?;
    }
    Ok(())
}

/// A work tree of text files of 1 to 12 KB, forty a directory, with one commit.
fn sources(root: &Path, count: u64) -> Result<()> {
    let mut noise = Noise::new(count);
    for index in 0..count {
        let directory = root.join(format!("module{:03}", index / 40));
        fs::create_dir_all(&directory)?;
        let mut text = String::new();
        for line in 0..20 + noise.next() % 200 {
            text.push_str(&format!("let value_{line} = {:#018x} + {:#018x};\n", noise.next(), noise.next()));
        }
        fs::write(directory.join(format!("source{index:05}.rs")), text)?;
    }
    let steps: [&[&str]; 3] = [
        &["init", "--quiet", "--initial-branch=main"],
        &["add", "--all"],
        &["-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message=all"],
    ];
    for step in steps {
        process::run(git(root).args(step), GIT_LIMIT)?;
    }
    process::run(git(root).args(["gc", "--quiet"]), GIT_LIMIT)?;
    Ok(())
}

/// `git` in this work tree, without the settings of the user.
pub(crate) fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    command.args(["-c", "safe.directory=*", "-C"]).arg(root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_is_emptied_and_filled() {
        let place = tempfile::tempdir().unwrap();
        let data = Data::open(place.path(), Scale::Tiny).unwrap();
        data.prepare_scratch(Scratch { files: 3, length: 10 }).unwrap();
        let given = data.tree().join(GIVEN);
        assert_eq!(fs::read_dir(&given).unwrap().count(), 3);
        fs::write(data.tree().join("scratch/left"), "behind").unwrap();
        data.prepare_scratch(Scratch { files: 1, length: 0 }).unwrap();
        assert_eq!(fs::read_dir(&given).unwrap().count(), 1);
        data.prepare_scratch(Scratch::default()).unwrap();
        assert_eq!(fs::read_dir(data.tree().join(SCRATCH)).unwrap().count(), 0);
    }

    #[test]
    fn data_are_made_once_and_again_for_other_sizes() {
        let place = tempfile::tempdir().unwrap();
        let data = Data::open(place.path(), Scale::Tiny).unwrap();
        data.ensure(Set::Huge).unwrap();
        data.ensure(Set::Sequential).unwrap();
        let file = data.tree().join("huge/node-0000000");
        assert_eq!(fs::metadata(&file).unwrap().len(), Scale::Tiny.sizes().huge);
        fs::remove_file(&file).unwrap();
        Data::open(place.path(), Scale::Tiny).unwrap().ensure(Set::Huge).unwrap();
        assert!(!file.exists(), "made a second time");
        fs::write(place.path().join("tiny/sizes.json"), "others").unwrap();
        Data::open(place.path(), Scale::Tiny).unwrap().ensure(Set::Huge).unwrap();
        assert!(file.exists());
    }
}
