//! Acts that change a tree.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::data::Noise;

/// Writes a new file from beginning to end, as long as there is time; the seconds until it is closed, and its bytes.
pub(super) fn write(path: &Path, size: u64, block: usize, seconds: u64, abandon: bool) -> Result<(Vec<f64>, u64)> {
    let named = || path.display().to_string();
    let bytes = noise(block, size);
    let start = Instant::now();
    let mut file = File::create_new(path).with_context(named)?;
    let mut written = 0;
    while written < size && start.elapsed().as_secs() < seconds {
        let part = usize::try_from(size - written).map_or(block, |rest| rest.min(block));
        file.write_all(&bytes[..part]).with_context(named)?;
        written += part as u64;
    }
    let before_close = start.elapsed().as_secs_f64();
    if abandon {
        // Where an open file cannot be removed, or not be closed after that, it is no matter of the figure.
        let _ = fs::remove_file(path);
        return Ok((vec![before_close], written));
    }
    // What std does when a file is dropped says nothing of the errors of close.
    nix::unistd::close(file).with_context(named)?;
    Ok((vec![before_close], written))
}

/// Saves a file as careful editors do: beside it, synchronised, renamed over it. The seconds of each time.
pub(super) fn save(path: &Path, count: u64, size: usize) -> Result<(Vec<f64>, u64)> {
    let temporary = path.with_extension("tmp");
    let mut each = Vec::new();
    for turn in 0..count {
        let bytes = noise(size, turn);
        let start = Instant::now();
        let mut file = File::create_new(&temporary).with_context(|| temporary.display().to_string())?;
        file.write_all(&bytes)?;
        file.sync_all().context("fsync")?;
        nix::unistd::close(file).context("close")?;
        fs::rename(&temporary, path).context("rename")?;
        each.push(start.elapsed().as_secs_f64());
    }
    Ok((each, count))
}

/// Changes some bytes of a file that is there.
pub(super) fn patch(path: &Path, at: u64, size: usize) -> Result<u64> {
    let named = || path.display().to_string();
    let file = OpenOptions::new().write(true).open(path).with_context(named)?;
    file.write_all_at(&noise(size, at), at).with_context(named)?;
    nix::unistd::close(file).with_context(named)?;
    Ok(size as u64)
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut noise = Noise::new(seed);
    (0..length.div_ceil(8)).flat_map(|_| noise.next().to_le_bytes()).take(length).collect()
}
