//! How large the works are: as the targets say, smaller for a look in between, and tiny to see that everything runs.

use serde::{Deserialize, Serialize};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Which sizes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// As the targets are set.
    Full,
    /// For a look in minutes; says something about speed.
    Quick,
    /// For seconds and debug builds; says nothing about speed.
    Tiny,
}

impl Scale {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scale::Full => "full",
            Scale::Quick => "quick",
            Scale::Tiny => "tiny",
        }
    }

    /// The sizes themselves.
    pub(crate) fn sizes(self) -> Sizes {
        match self {
            Scale::Full => Sizes {
                sequential: GIB,
                huge: 4 * GIB,
                random_reads: 200,
                reader: 128 * MIB,
                headers: 1000,
                header_file: 100_000_000,
                long_listing: 10_000,
                wide: 100_000,
                directories: 1000,
                files_each: 1000,
                sources: 1000,
                idle_seconds: 30,
                rest_seconds: 40,
                starts: 20,
                small_files: 200,
                unchanged: 10_000,
                written: GIB,
                small_writes: 256 * MIB,
                copied: 1000,
                saves: 20,
                moved: 10_000,
            },
            Scale::Quick => Sizes {
                sequential: 256 * MIB,
                huge: 4 * GIB,
                random_reads: 100,
                reader: 64 * MIB,
                headers: 200,
                header_file: 100_000_000,
                long_listing: 10_000,
                wide: 50_000,
                directories: 100,
                files_each: 1000,
                sources: 500,
                idle_seconds: 10,
                rest_seconds: 40,
                starts: 10,
                small_files: 200,
                unchanged: 2_000,
                written: 256 * MIB,
                small_writes: 64 * MIB,
                copied: 200,
                saves: 10,
                moved: 2_000,
            },
            Scale::Tiny => Sizes {
                sequential: 8 * MIB,
                huge: 64 * MIB,
                random_reads: 5,
                reader: 512 * KIB,
                headers: 8,
                header_file: 1_000_000,
                long_listing: 50,
                wide: 200,
                directories: 3,
                files_each: 20,
                sources: 10,
                idle_seconds: 1,
                rest_seconds: 0,
                starts: 2,
                small_files: 8,
                unchanged: 30,
                written: 8 * MIB,
                small_writes: MIB,
                copied: 5,
                saves: 2,
                moved: 20,
            },
        }
    }
}

/// The sizes of all works. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes {
    /// The file that is read from beginning to end.
    pub(crate) sequential: u64,
    /// The file of which little is read.
    pub(crate) huge: u64,
    /// Reads at random places of it.
    pub(crate) random_reads: u64,
    /// Each of the files of the readers side by side.
    pub(crate) reader: u64,
    /// Files whose headers are read.
    pub(crate) headers: u64,
    /// Each of them.
    pub(crate) header_file: u64,
    /// Files in the directory that `ls -l` lists.
    pub(crate) long_listing: u64,
    /// Files in the directory that `ls` lists.
    pub(crate) wide: u64,
    /// Directories that `find` walks.
    pub(crate) directories: u64,
    /// Files in each of them.
    pub(crate) files_each: u64,
    /// Files under version control.
    pub(crate) sources: u64,
    /// How long a daemon is watched that has nothing to do.
    pub(crate) idle_seconds: u64,
    /// And how long nobody uses it before: the mount keeps connections for 30 s.
    pub(crate) rest_seconds: u64,
    /// Starts of a command.
    pub(crate) starts: u64,
    /// Files that are copied up and down.
    pub(crate) small_files: u64,
    /// Files that are the same on both sides.
    pub(crate) unchanged: u64,
    // From here on nothing is kept for the next time, so it does not describe the data.
    /// The file that is written, or changed in its middle.
    #[serde(skip)]
    pub(crate) written: u64,
    /// Bytes that are written in small pieces.
    #[serde(skip)]
    pub(crate) small_writes: u64,
    /// Files of a tree that is copied.
    #[serde(skip)]
    pub(crate) copied: u64,
    /// Times that an editor saves.
    #[serde(skip)]
    pub(crate) saves: u64,
    /// Files in a directory that is renamed.
    #[serde(skip)]
    pub(crate) moved: u64,
}
