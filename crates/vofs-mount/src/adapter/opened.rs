//! What the kernel is told of a file that was opened, and whether it reads it by itself.

use std::fs::File;
use std::io;

use fuser::{BackingId, FileHandle, FopenFlags, ReplyCreate, ReplyOpen};
use vofs_core::{Engine, Entry, OpenFlags, Opened};

use super::GENERATION;
use super::convert::attributes;

/// Answers an `open`.
pub(super) fn open(engine: &Engine, reply: ReplyOpen, opened: &Opened, how: OpenFlags) {
    let fh = FileHandle(opened.fh.0);
    match lent(engine, opened, |disk| reply.open_backing(disk)) {
        Some(backing) => reply.opened_passthrough(fh, quiet(how), backing),
        None => reply.opened(fh, quiet(how) | keep(opened)),
    }
}

/// Answers a `create`.
pub(super) fn create(engine: &Engine, reply: ReplyCreate, entry: &Entry, opened: &Opened) {
    // Made here, it is closed with an upload however it was opened.
    let (fh, attributes) = (FileHandle(opened.fh.0), attributes(&entry.attr));
    match lent(engine, opened, |disk| reply.open_backing(disk)) {
        Some(backing) => {
            reply.created_passthrough(&entry.ttl, &attributes, GENERATION, fh, FopenFlags::empty(), backing);
        }
        None => reply.created(&entry.ttl, &attributes, GENERATION, fh, keep(opened)),
    }
}

/// Under which number the kernel has the file that it may read by itself.
fn lent<'a>(
    engine: &Engine,
    opened: &'a Opened,
    register: impl FnOnce(&File) -> io::Result<BackingId>,
) -> Option<&'a BackingId> {
    let register = |disk: &File| register(disk).inspect_err(|error| engine.passthrough_refused(error)).ok();
    opened.backing.as_ref()?.registered(register)
}

fn keep(opened: &Opened) -> FopenFlags {
    if opened.keep_cache { FopenFlags::FOPEN_KEEP_CACHE } else { FopenFlags::empty() }
}

/// Closing what was only read has nothing to report.
fn quiet(how: OpenFlags) -> FopenFlags {
    if how.write || how.truncate { FopenFlags::empty() } else { FopenFlags::FOPEN_NOFLUSH }
}
