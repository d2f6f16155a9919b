//! FUSE requests in, engine calls out, answers back: nothing else, and no state but of what the kernel believes (`absences`).
//!
//! What the engine can answer without waiting is answered on the thread that took the request. All else goes to the
//! runtime together with its reply, under a deadline: a program that waits in a FUSE call cannot be interrupted, so
//! no call may wait for ever. One that is killed while it waits for an answer gets it at once (`killed`).

pub(crate) mod absences;
mod convert;
mod killed;
mod opened;
mod outcome;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, KernelConfig,
    LockOwner, Notifier, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use vofs_core::{Engine, Fh, Ino, Lookup, SetAttr};

use crate::activity::Activity;
use crate::patience::Patience;
use crate::system::NO_REPLACE;
use absences::Absences;
use convert::{attributes, file_type, flags, is_file, name};
use outcome::{Waiting, Work};

const GENERATION: Generation = Generation(0);

thread_local! {
    /// Where a dispatcher thread puts the bytes that it answers: made once, because fresh memory for every read costs as
    /// much as copying them.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The way back to the kernel, once there is one: its session is made after the adapter.
pub(crate) type KernelLine = Arc<OnceLock<Notifier>>;

/// The file system that the kernel talks to.
#[derive(Debug)]
pub(crate) struct Adapter {
    engine: Arc<Engine>,
    kernel: KernelLine,
    absences: Arc<Absences>,
    patience: Arc<Patience>,
    activity: Arc<Activity>,
    passthrough: bool,
    runtime: tokio::runtime::Handle,
}

impl Adapter {
    pub(crate) fn new(
        engine: Arc<Engine>,
        kernel: KernelLine,
        absences: Arc<Absences>,
        activity: Arc<Activity>,
        patience: Arc<Patience>,
        passthrough: bool,
    ) -> Self {
        let runtime = tokio::runtime::Handle::current();
        Adapter { engine, kernel, absences, patience, activity, passthrough, runtime }
    }

    fn waiting(&self, operation: &'static str, request: &Request, ino: INodeNo, work: Work) -> Waiting {
        Waiting::new(&self.activity, operation, request, ino, work, self.patience.metadata())
    }

    /// Answers a read whose bytes are at hand; gives the reply back otherwise.
    fn answer_from_cache(
        &self,
        waiting: &Waiting,
        fh: FileHandle,
        offset: u64,
        size: usize,
        reply: ReplyData,
    ) -> Option<ReplyData> {
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.len() < size {
                buffer.resize(size, 0);
            }
            let Some(answer) = self.engine.read_now(Fh(fh.0), offset, &mut buffer[..size]) else { return Some(reply) };
            match waiting.now(answer) {
                Ok(length) => reply.data(&buffer[..length]),
                Err(errno) => reply.error(errno),
            }
            None
        })
    }

    /// Runs what may wait, and hands its outcome to `answer`.
    fn run<T: Send + 'static>(
        &self,
        waiting: Waiting,
        work: impl Future<Output = vofs_core::Result<T>> + Send + 'static,
        answer: impl FnOnce(Result<T, Errno>) + Send + 'static,
    ) {
        self.runtime.spawn(async move { answer(waiting.outcome(work).await) });
    }
}

/// Answers an error, or gives the value.
macro_rules! or_error {
    ($reply:ident, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(errno) => return $reply.error(errno),
        }
    };
}

fn answer_lookup(reply: ReplyEntry, absences: &Absences, parent: INodeNo, child: &str, outcome: Result<Lookup, Errno>) {
    match or_error!(reply, outcome) {
        Lookup::Found(entry) => reply.entry(&entry.ttl, &attributes(&entry.attr), GENERATION),
        Lookup::Absent(ttl) => {
            absences.note(Ino(parent.0), child, ttl);
            reply.entry(&ttl, &convert::absent(), GENERATION);
        }
    }
}

fn answer_entry(reply: ReplyEntry, outcome: Result<vofs_core::Entry, Errno>) {
    let entry = or_error!(reply, outcome);
    reply.entry(&entry.ttl, &attributes(&entry.attr), GENERATION);
}

fn answer_attr(reply: ReplyAttr, outcome: Result<(vofs_core::Attr, Duration), Errno>) {
    let (attr, ttl) = or_error!(reply, outcome);
    reply.attr(&ttl, &attributes(&attr));
}

fn answer_opendir(reply: ReplyOpen, outcome: Result<vofs_core::OpenedDir, Errno>) {
    let opened = or_error!(reply, outcome);
    let keep = if opened.keep_cache { FopenFlags::FOPEN_KEEP_CACHE } else { FopenFlags::empty() };
    reply.opened(FileHandle(opened.fh.0), FopenFlags::FOPEN_CACHE_DIR | keep);
}

fn answer_empty(reply: ReplyEmpty, outcome: Result<(), Errno>) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

fn answer_data(reply: ReplyData, outcome: Result<Vec<u8>, Errno>) {
    let bytes = or_error!(reply, outcome);
    reply.data(&bytes);
}

/// An attribute: how long it is where the program asks for that, else all of it.
fn answer_xattr(reply: ReplyXattr, size: u32, outcome: Result<Vec<u8>, Errno>) {
    let bytes = or_error!(reply, outcome);
    match size as usize {
        0 => reply.size(bytes.len() as u32),
        room if room < bytes.len() => reply.error(Errno::ERANGE),
        _ => reply.data(&bytes),
    }
}

fn answer_written(reply: ReplyWrite, outcome: Result<usize, Errno>) {
    let written = or_error!(reply, outcome);
    // A request is at most a few MiB, so its length fits.
    reply.written(written as u32);
}

impl Filesystem for Adapter {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        if let Err(missing) = crate::kernel::configure(config, self.passthrough) {
            self.engine.passthrough_refused(&missing);
        }
        Ok(())
    }

    fn lookup(&self, request: &Request, parent: INodeNo, child: &OsStr, reply: ReplyEntry) {
        let waiting = self.waiting("lookup", request, parent, Work::Question);
        let child = or_error!(reply, name(child));
        if let Some(answer) = self.engine.lookup_now(Ino(parent.0), child) {
            return answer_lookup(reply, &self.absences, parent, child, waiting.now(answer));
        }
        let (engine, absences) = (Arc::clone(&self.engine), Arc::clone(&self.absences));
        let (child, asked) = (child.to_owned(), child.to_owned());
        let work = async move { engine.lookup(Ino(parent.0), &asked).await };
        self.run(waiting, work, move |outcome| answer_lookup(reply, &absences, parent, &child, outcome));
    }

    fn forget(&self, _request: &Request, ino: INodeNo, count: u64) {
        self.engine.forget(Ino(ino.0), count);
    }

    fn getattr(&self, request: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        let waiting = self.waiting("getattr", request, ino, Work::Question);
        if let Some(answer) = self.engine.getattr_now(Ino(ino.0)) {
            return answer_attr(reply, waiting.now(answer));
        }
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.getattr(Ino(ino.0)).await };
        self.run(waiting, work, move |outcome| answer_attr(reply, outcome));
    }

    fn setattr(
        &self,
        request: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mtime = mtime.map(|time| match time {
            TimeOrNow::SpecificTime(time) => time,
            TimeOrNow::Now => SystemTime::now(),
        });
        let change = SetAttr { mode, uid, gid, size, mtime };
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.setattr(Ino(ino.0), fh.map(|fh| Fh(fh.0)), change).await };
        let waiting = self.waiting("setattr", request, ino, if size.is_some() { Work::Transfer } else { Work::Change });
        self.run(waiting, work, move |outcome| answer_attr(reply, outcome));
    }

    fn readlink(&self, request: &Request, ino: INodeNo, reply: ReplyData) {
        let engine = Arc::clone(&self.engine);
        let work = async move { Ok(engine.readlink(Ino(ino.0)).await?.into_bytes()) };
        self.run(self.waiting("readlink", request, ino, Work::Question), work, move |outcome| {
            answer_data(reply, outcome)
        });
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        child: &OsStr,
        mode: u32,
        _umask: u32,
        _rdev: u32,
        reply: ReplyEntry,
    ) {
        let child = or_error!(reply, name(child)).to_owned();
        if !is_file(mode) {
            // A VOSpace holds neither devices nor pipes nor sockets.
            return reply.error(Errno::EPERM);
        }
        let engine = Arc::clone(&self.engine);
        let work = async move {
            let how = vofs_core::OpenFlags { write: true, exclusive: true, ..Default::default() };
            let (entry, opened) = engine.create(Ino(parent.0), &child, how).await?;
            let sent = engine.flush(opened.fh).await;
            engine.release(opened.fh).await;
            sent.map(|()| entry)
        };
        self.run(self.waiting("mknod", request, parent, Work::Transfer), work, move |outcome| {
            answer_entry(reply, outcome)
        });
    }

    fn mkdir(&self, request: &Request, parent: INodeNo, child: &OsStr, _mode: u32, _umask: u32, reply: ReplyEntry) {
        let child = or_error!(reply, name(child)).to_owned();
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.mkdir(Ino(parent.0), &child).await };
        self.run(self.waiting("mkdir", request, parent, Work::Change), work, move |outcome| {
            answer_entry(reply, outcome)
        });
    }

    fn unlink(&self, request: &Request, parent: INodeNo, child: &OsStr, reply: ReplyEmpty) {
        let child = or_error!(reply, name(child)).to_owned();
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.unlink(Ino(parent.0), &child).await };
        self.run(self.waiting("unlink", request, parent, Work::Change), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn rmdir(&self, request: &Request, parent: INodeNo, child: &OsStr, reply: ReplyEmpty) {
        let child = or_error!(reply, name(child)).to_owned();
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.rmdir(Ino(parent.0), &child).await };
        self.run(self.waiting("rmdir", request, parent, Work::Change), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn symlink(&self, request: &Request, parent: INodeNo, link: &OsStr, target: &Path, reply: ReplyEntry) {
        let link = or_error!(reply, name(link)).to_owned();
        let target = or_error!(reply, name(target.as_os_str())).to_owned();
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.symlink(Ino(parent.0), &link, &target).await };
        self.run(self.waiting("symlink", request, parent, Work::Change), work, move |outcome| {
            answer_entry(reply, outcome)
        });
    }

    fn link(&self, _request: &Request, _ino: INodeNo, _parent: INodeNo, _name: &OsStr, reply: ReplyEntry) {
        // A node has one name.
        reply.error(Errno::EPERM);
    }

    fn rename(
        &self,
        request: &Request,
        parent: INodeNo,
        child: &OsStr,
        new_parent: INodeNo,
        new_child: &OsStr,
        how: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (child, new_child) =
            (or_error!(reply, name(child)).to_owned(), or_error!(reply, name(new_child)).to_owned());
        if !NO_REPLACE.contains(how) {
            return reply.error(Errno::EINVAL);
        }
        let engine = Arc::clone(&self.engine);
        let work = async move {
            let no_replace = how.contains(NO_REPLACE);
            engine.rename(Ino(parent.0), &child, Ino(new_parent.0), &new_child, no_replace).await
        };
        self.run(self.waiting("rename", request, parent, Work::Transfer), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn open(&self, request: &Request, ino: INodeNo, how: OpenFlags, reply: ReplyOpen) {
        let (kernel, how, lender) = (Arc::clone(&self.kernel), flags(how.0), Arc::clone(&self.engine));
        let answer = move |reply: ReplyOpen, outcome| {
            let opened: vofs_core::Opened = or_error!(reply, outcome);
            if !opened.keep_cache
                && let Some(kernel) = kernel.get()
            {
                // The size that the kernel believes may be that of another version; a program that maps the file or
                // asks for its size right after the open must not get it. Offset -1: attributes only, the pages go
                // with the answer.
                let _ = kernel.inval_inode(ino, -1, 0);
            }
            opened::open(&lender, reply, &opened, how);
        };
        if let Some(opened) = self.engine.open_now(Ino(ino.0), how) {
            return answer(reply, Ok(opened));
        }
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.open(Ino(ino.0), how).await };
        self.run(self.waiting("open", request, ino, Work::Question), work, move |outcome| answer(reply, outcome));
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        child: &OsStr,
        _mode: u32,
        _umask: u32,
        how: i32,
        reply: ReplyCreate,
    ) {
        let child = or_error!(reply, name(child)).to_owned();
        let (engine, lender, how) = (Arc::clone(&self.engine), Arc::clone(&self.engine), flags(how));
        let work = async move { engine.create(Ino(parent.0), &child, how).await };
        self.run(self.waiting("create", request, parent, Work::Change), work, move |outcome| {
            let (entry, opened) = or_error!(reply, outcome);
            opened::create(&lender, reply, &entry, &opened);
        });
    }

    fn read(
        &self,
        request: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let waiting = self.waiting("read", request, ino, Work::Read);
        let Some(reply) = self.answer_from_cache(&waiting, fh, offset, size as usize, reply) else { return };
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.read(Fh(fh.0), offset, size as usize).await };
        self.run(waiting, work, move |outcome| answer_data(reply, outcome));
    }

    fn write(
        &self,
        request: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let waiting = self.waiting("write", request, ino, Work::Transfer);
        if let Some(answer) = self.engine.write_now(Fh(fh.0), offset, data) {
            return answer_written(reply, waiting.now(answer));
        }
        let (engine, data) = (Arc::clone(&self.engine), data.to_vec());
        let work = async move { engine.write(Fh(fh.0), offset, &data).await };
        self.run(waiting, work, move |outcome| answer_written(reply, outcome));
    }

    fn flush(&self, request: &Request, ino: INodeNo, fh: FileHandle, _owner: LockOwner, reply: ReplyEmpty) {
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.flush(Fh(fh.0)).await };
        self.run(self.waiting("close", request, ino, Work::Transfer), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn fsync(&self, request: &Request, ino: INodeNo, fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.fsync(Fh(fh.0)).await };
        self.run(self.waiting("fsync", request, ino, Work::Transfer), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn release(
        &self,
        _request: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.engine.release_now(Fh(fh.0));
        reply.ok();
    }

    fn opendir(&self, request: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let waiting = self.waiting("opendir", request, ino, Work::Question);
        if let Some(answer) = self.engine.opendir_now(Ino(ino.0)) {
            return answer_opendir(reply, waiting.now(answer));
        }
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.opendir(Ino(ino.0)).await };
        self.run(waiting, work, move |outcome| answer_opendir(reply, outcome));
    }

    fn readdir(&self, request: &Request, ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let (engine, waiting) = (Arc::clone(&self.engine), self.waiting("readdir", request, ino, Work::Read));
        self.runtime.spawn(async move {
            let listed = engine.readdir(Fh(fh.0), offset, false, |child| {
                !reply.add(INodeNo(child.ino.0), child.next, file_type(&child.kind), &child.name)
            });
            match waiting.outcome(listed).await {
                Ok(()) => reply.ok(),
                Err(errno) => reply.error(errno),
            }
        });
    }

    fn readdirplus(&self, request: &Request, ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectoryPlus) {
        let (engine, waiting) = (Arc::clone(&self.engine), self.waiting("readdirplus", request, ino, Work::Read));
        self.runtime.spawn(async move {
            let listed = engine.readdir(Fh(fh.0), offset, true, |child| {
                let (attr, ttl) = convert::listed(child);
                !reply.add(INodeNo(child.ino.0), child.next, &child.name, &ttl, &attr, GENERATION)
            });
            match waiting.outcome(listed).await {
                Ok(()) => reply.ok(),
                Err(errno) => reply.error(errno),
            }
        });
    }

    fn releasedir(&self, _request: &Request, _ino: INodeNo, fh: FileHandle, _flags: OpenFlags, reply: ReplyEmpty) {
        self.engine.releasedir(Fh(fh.0));
        reply.ok();
    }

    /// `fsync` of the root sends everything, which is what `sync MOUNTPOINT` asks for (the kernel passes no `syncfs` on).
    /// Of any other directory nothing is left to be done: names are changed on the service, or in the journal, at once.
    fn fsyncdir(&self, request: &Request, ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        if ino.0 != Ino::ROOT.0 {
            return reply.ok();
        }
        let engine = Arc::clone(&self.engine);
        let work = async move { crate::drain::told(&engine, engine.sync_all()).await };
        self.run(self.waiting("sync", request, ino, Work::Transfer), work, move |outcome| answer_empty(reply, outcome));
    }

    fn fallocate(
        &self,
        request: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let Some(how) = convert::allocate(mode) else { return reply.error(Errno::EOPNOTSUPP) };
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.allocate(Fh(fh.0), offset, length, how).await };
        self.run(self.waiting("fallocate", request, ino, Work::Transfer), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn lseek(&self, request: &Request, ino: INodeNo, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        let waiting = self.waiting("lseek", request, ino, Work::Question);
        let (Some(what), Ok(offset)) = (convert::seek(whence), u64::try_from(offset)) else {
            return reply.error(Errno::EINVAL);
        };
        match waiting.now(self.engine.seek(Fh(fh.0), offset, what)) {
            // No file is longer than what the kernel counts.
            Ok(Some(found)) => reply.offset(found as i64),
            Ok(None) => reply.error(Errno::ENXIO),
            Err(errno) => reply.error(errno),
        }
    }

    fn copy_file_range(
        &self,
        request: &Request,
        _ino_in: INodeNo,
        fh_in: FileHandle,
        offset_in: u64,
        ino_out: INodeNo,
        fh_out: FileHandle,
        offset_out: u64,
        length: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let engine = Arc::clone(&self.engine);
        let (from, to) = ((Fh(fh_in.0), offset_in), (Fh(fh_out.0), offset_out));
        let work = async move { engine.copy_range(from, to, length.min(convert::MOST_COPIED)).await };
        self.run(self.waiting("copy_file_range", request, ino_out, Work::Transfer), work, move |outcome| {
            answer_written(reply, outcome.map(|copied| copied as usize));
        });
    }

    fn getxattr(&self, request: &Request, ino: INodeNo, key: &OsStr, size: u32, reply: ReplyXattr) {
        let waiting = self.waiting("getxattr", request, ino, Work::Question);
        let Some(key) = key.to_str() else { return reply.error(Errno::ENODATA) };
        if let Some(answer) = self.engine.getxattr_now(key) {
            return answer_xattr(reply, size, waiting.now(answer));
        }
        let (engine, key) = (Arc::clone(&self.engine), key.to_owned());
        let work = async move { engine.getxattr(Ino(ino.0), &key).await };
        self.run(waiting, work, move |outcome| answer_xattr(reply, size, outcome));
    }

    fn listxattr(&self, request: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.listxattr(Ino(ino.0)).await };
        self.run(self.waiting("listxattr", request, ino, Work::Question), work, move |outcome| {
            answer_xattr(reply, size, outcome)
        });
    }

    fn setxattr(
        &self,
        request: &Request,
        ino: INodeNo,
        key: &OsStr,
        value: &[u8],
        how: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let key = or_error!(reply, name(key)).to_owned();
        let (engine, value, how) = (Arc::clone(&self.engine), value.to_vec(), convert::set_xattr(how));
        let work = async move { engine.setxattr(Ino(ino.0), &key, &value, how).await };
        self.run(self.waiting("setxattr", request, ino, Work::Change), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn removexattr(&self, request: &Request, ino: INodeNo, key: &OsStr, reply: ReplyEmpty) {
        let key = or_error!(reply, name(key)).to_owned();
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.removexattr(Ino(ino.0), &key).await };
        self.run(self.waiting("removexattr", request, ino, Work::Change), work, move |outcome| {
            answer_empty(reply, outcome)
        });
    }

    fn statfs(&self, request: &Request, ino: INodeNo, reply: ReplyStatfs) {
        let engine = Arc::clone(&self.engine);
        let work = async move { engine.statfs().await };
        self.run(self.waiting("statfs", request, ino, Work::Question), work, move |outcome| {
            const BLOCK: u64 = 4096;
            let space = or_error!(reply, outcome);
            let (total, free) = (space.total / BLOCK, space.free / BLOCK);
            reply.statfs(total, free, free, 0, 0, BLOCK as u32, 255, BLOCK as u32);
        });
    }
}
