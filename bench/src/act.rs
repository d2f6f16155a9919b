//! What is done to a tree, in a process of its own (`vofs-bench act …`): one that hangs can be ended, and its times are
//! taken inside of it, without its start. Each act prints one line of JSON.

mod writing;

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::data::Noise;
use crate::process;

/// Bytes of one `read` of a sequential reader.
const BUFFER: usize = 1 << 20;

/// One thing to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Act {
    /// Reads files from beginning to end, all at the same time.
    Read {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Reads at random places of a file.
    Random {
        /// The file.
        file: PathBuf,
        /// How often.
        #[arg(long)]
        count: u64,
        /// Bytes each time.
        #[arg(long)]
        size: usize,
    },
    /// Reads the beginning of files, one after the other.
    Heads {
        /// The files, or directories: then all files in them by name.
        paths: Vec<PathBuf>,
        /// Bytes of each.
        #[arg(long)]
        size: usize,
    },
    /// Lists the names in a directory.
    List {
        /// The directory.
        directory: PathBuf,
    },
    /// Writes a new file.
    Write {
        /// The file.
        file: PathBuf,
        /// Bytes in all.
        #[arg(long)]
        size: u64,
        /// Bytes each time.
        #[arg(long)]
        block: usize,
        /// Seconds after which it is long enough.
        #[arg(long)]
        seconds: u64,
        /// Remove it before it is closed.
        #[arg(long)]
        abandon: bool,
    },
    /// Saves a file that is there, as editors do.
    Save {
        /// The file.
        file: PathBuf,
        /// How often.
        #[arg(long)]
        count: u64,
        /// Bytes each time.
        #[arg(long)]
        size: usize,
    },
    /// Changes a part of a file that is there.
    Patch {
        /// The file.
        file: PathBuf,
        /// Where.
        #[arg(long)]
        at: u64,
        /// Bytes.
        #[arg(long)]
        size: usize,
    },
    /// Renames a file or a directory.
    Rename {
        /// Its name.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
    },
}

/// What an act says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// From the first to the last.
    pub(crate) seconds: f64,
    /// Seconds of each file of [`Act::Read`] and each time of [`Act::Save`]; of [`Act::List`] those to the first name, of
    /// [`Act::Write`] those until it closes the file.
    pub(crate) each: Vec<f64>,
    /// Bytes, or names, or times.
    pub(crate) count: u64,
}

impl Act {
    /// Does it in a process of its own.
    pub(crate) fn run(&self, limit: Duration) -> Result<Done> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("act").args(self.arguments());
        let finished = process::run(&mut command, limit)?;
        serde_json::from_str(&finished.stdout).context("an act that said nothing of itself")
    }

    fn arguments(&self) -> Vec<std::ffi::OsString> {
        let number = |name: &str, value: u64| format!("--{name}={value}").into();
        match self {
            Act::Read { files } => std::iter::once("read".into()).chain(files.iter().map(Into::into)).collect(),
            Act::Random { file, count, size } => {
                vec!["random".into(), file.into(), number("count", *count), number("size", *size as u64)]
            }
            Act::Heads { paths, size } => {
                let verb = ["heads".into(), number("size", *size as u64)];
                verb.into_iter().chain(paths.iter().map(Into::into)).collect()
            }
            Act::List { directory } => vec!["list".into(), directory.into()],
            Act::Write { file, size, block, seconds, abandon } => {
                let numbers = [number("size", *size), number("block", *block as u64), number("seconds", *seconds)];
                let abandon = abandon.then(|| "--abandon".into());
                ["write".into(), file.into()].into_iter().chain(numbers).chain(abandon).collect()
            }
            Act::Save { file, count, size } => {
                vec!["save".into(), file.into(), number("count", *count), number("size", *size as u64)]
            }
            Act::Patch { file, at, size } => {
                vec!["patch".into(), file.into(), number("at", *at), number("size", *size as u64)]
            }
            Act::Rename { from, to } => vec!["rename".into(), from.into(), to.into()],
        }
    }

    /// Does it here.
    pub(crate) fn perform(&self) -> Result<Done> {
        let start = Instant::now();
        let (each, count) = match self {
            Act::Read { files } => read(files, start)?,
            Act::Random { file, count, size } => (Vec::new(), random(file, *count, *size)?),
            Act::Heads { paths, size } => (Vec::new(), heads(paths, *size)?),
            Act::List { directory } => list(directory, start)?,
            Act::Write { file, size, block, seconds, abandon } => {
                writing::write(file, *size, *block, *seconds, *abandon)?
            }
            Act::Save { file, count, size } => writing::save(file, *count, *size)?,
            Act::Patch { file, at, size } => (Vec::new(), writing::patch(file, *at, *size)?),
            Act::Rename { from, to } => {
                fs::rename(from, to).context("rename")?;
                (Vec::new(), 1)
            }
        };
        Ok(Done { seconds: start.elapsed().as_secs_f64(), each, count })
    }
}

fn read(files: &[PathBuf], start: Instant) -> Result<(Vec<f64>, u64)> {
    let one = |path: &Path| -> Result<(f64, u64)> {
        let mut file = File::open(path).with_context(|| path.display().to_string())?;
        let mut buffer = vec![0; BUFFER];
        let mut bytes = 0;
        loop {
            let count = file.read(&mut buffer).with_context(|| path.display().to_string())?;
            if count == 0 {
                break;
            }
            bytes += count as u64;
        }
        // Closed within the time: a program that fails at the end has failed.
        drop(file);
        Ok((start.elapsed().as_secs_f64(), bytes))
    };
    let results: Vec<Result<(f64, u64)>> = thread::scope(|scope| {
        let readers: Vec<_> = files.iter().map(|path| scope.spawn(move || one(path))).collect();
        readers.into_iter().map(|reader| reader.join().unwrap_or_else(|_| anyhow::bail!("a reader failed"))).collect()
    });
    let mut each = Vec::new();
    let mut bytes = 0;
    for result in results {
        let (seconds, count) = result?;
        each.push(seconds);
        bytes += count;
    }
    Ok((each, bytes))
}

fn random(path: &Path, count: u64, size: usize) -> Result<u64> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let places = file.metadata()?.len() / size as u64;
    ensure!(places > 0, "{}: too short", path.display());
    let mut noise = Noise::new(count);
    let mut buffer = vec![0; size];
    for _ in 0..count {
        file.read_exact_at(&mut buffer, noise.next() % places * size as u64)?;
    }
    Ok(count * size as u64)
}

fn heads(paths: &[PathBuf], size: usize) -> Result<u64> {
    let mut bytes = 0;
    let mut buffer = vec![0; size];
    for path in paths {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            files = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
            files.sort();
        }
        for file in files {
            let mut file = File::open(&file).with_context(|| file.display().to_string())?;
            file.read_exact(&mut buffer).with_context(|| path.display().to_string())?;
            bytes += size as u64;
        }
    }
    Ok(bytes)
}

fn list(directory: &Path, start: Instant) -> Result<(Vec<f64>, u64)> {
    let mut first = None;
    let mut count = 0;
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        entry.with_context(|| directory.display().to_string())?;
        count += 1;
        first.get_or_insert_with(|| start.elapsed().as_secs_f64());
    }
    Ok((first.into_iter().collect(), count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        act: Act,
    }

    #[test]
    fn acts_do_what_they_say() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::write(path("a"), vec![1; 10_000]).unwrap();
        fs::write(path("b"), vec![1; 5_000]).unwrap();
        let acts = [
            (Act::Read { files: vec![path("a"), path("b")] }, 15_000, 2),
            (Act::Random { file: path("a"), count: 7, size: 4096 }, 7 * 4096, 0),
            (Act::Heads { paths: vec![place.path().to_owned()], size: 2880 }, 2 * 2880, 0),
            (Act::List { directory: place.path().to_owned() }, 2, 1),
            (Act::Write { file: path("c"), size: 10_000, block: 4096, seconds: 60, abandon: false }, 10_000, 1),
            (Act::Write { file: path("d"), size: 10_000, block: 4096, seconds: 60, abandon: true }, 10_000, 1),
            (Act::Save { file: path("b"), count: 3, size: 100 }, 3, 3),
            (Act::Patch { file: path("c"), at: 5000, size: 100 }, 100, 0),
            (Act::Rename { from: path("c"), to: path("e") }, 1, 0),
        ];
        for (act, count, each) in acts {
            // By way of the command line, as it is done in a process of its own.
            let line = std::iter::once("bench".into()).chain(act.arguments());
            let done = Line::parse_from(line).act.perform().unwrap();
            assert_eq!((done.count, done.each.len()), (count, each), "{act:?}");
        }
        let length = |name: &str| fs::metadata(path(name)).map(|metadata| metadata.len()).ok();
        assert_eq!(["b", "c", "d", "e"].map(length), [Some(100), None, None, Some(10_000)]);
        let missing = Act::Read { files: vec![path("none")] };
        assert!(missing.perform().unwrap_err().to_string().contains("none"));
    }
}
