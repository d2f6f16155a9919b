//! The directory to mount on: there, empty, not in use; a dead mount on it is cleared.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::failure::{Failure, Status};
use crate::system::{self, CLEAR, DEAD, UNMOUNT};

/// Makes sure that `path` can be mounted on. Returns it in its absolute form.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf> {
    let fail = |why: &str| Failure::new(Status::MountPoint, format!("mount point {}: {why}", path.display()));
    let path = std::path::absolute(path).map_err(|error| fail(&error.to_string()))?;
    if is_dead(&path) {
        // What a daemon that was killed leaves behind.
        system::detach(&path).map_err(|error| {
            let clear = format!("{CLEAR} {}", path.display());
            fail(&format!("a former mount died and cannot be cleared ({error}); run `{clear}`"))
        })?;
    }
    match fs::metadata(&path) {
        Ok(found) if !found.is_dir() => return Err(fail("is not a directory; give another one with --mountpoint")),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir(&path).map_err(|error| {
            fail(&format!(
                "does not exist and cannot be made ({error}); make it, or give another one with --mountpoint"
            ))
        })?,
        Err(error) => return Err(fail(&error.to_string())),
    }
    let real = fs::canonicalize(&path).map_err(|error| fail(&error.to_string()))?;
    if system::is_mounted(&real) {
        return Err(fail(&format!(
            "something is mounted there already; unmount it first (`{UNMOUNT} {}`)",
            path.display()
        )));
    }
    match fs::read_dir(&real).map_err(|error| fail(&error.to_string()))?.next() {
        None => Ok(real),
        Some(_) => Err(fail("is not empty; give an empty directory with --mountpoint")),
    }
}

/// True for a mount whose daemon is gone. The kernel may still have the attributes of its root, so a look at those would
/// not tell.
fn is_dead(path: &Path) -> bool {
    fs::read_dir(path).is_err_and(|error| error.raw_os_error() == Some(DEAD))
}
