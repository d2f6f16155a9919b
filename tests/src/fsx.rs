//! fsx, the file system exerciser: random operations on one file, every byte of which is compared with what it should be.

use std::path::Path;
use std::time::Duration;

use crate::process::{Finished, run_within};
use crate::tools::tool;
use crate::world::World;

/// Longest that one run may take.
const LIMIT: Duration = Duration::from_secs(600);

/// All operations that this system has, maps foremost, with syncs, which upload, and reopenings.
const EVERYTHING: &str = "
flen = 1048576
[weights]
close_open = 0.2
read = 10
write = 10
mapread = 10
mapwrite = 10
invalidate = 1
truncate = 5
fsync = 0.2
fdatasync = 0.2
posix_fallocate = 5
punch_hole = 5
sendfile = 5
posix_fadvise = 2
copy_file_range = 5
";

/// Which operations are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settings {
    /// Those of the exerciser itself.
    Default,
    /// All that there are, on maps and holes too.
    Everything,
}

impl Settings {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Settings::Default => "default",
            Settings::Everything => "mmap",
        }
    }
}

/// Runs so many operations on a file. It ends with status 0 when every byte was right.
pub fn exercise(world: &World, file: &Path, settings: Settings, seed: u64, operations: u64) -> Finished {
    let mut command = tool("fsx");
    command.args(["-q", "-N", &operations.to_string(), "-S", &seed.to_string(), "-P"]).arg(world.local(""));
    if settings == Settings::Everything {
        command.arg("-f").arg(world.local_file("fsx.toml", EVERYTHING));
    }
    run_within(command.arg(file), LIMIT)
}
