//! A bare pass-through: a FUSE file system in which every request is one system call on a directory of this machine,
//! with the library, the threads and the kernel settings of this project's mount. What it reaches is what FUSE leaves of
//! the disk, and so the measure of what the mount adds to it.
//!
//! It does what the works need and no more: directories, files, links, reading and writing. Inodes are numbered as they
//! are seen and never forgotten, because it lives for one run; a directory is read whole when it is opened.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use fuser::{
    BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, Session, TimeOrNow,
    WriteFlags,
};

/// Threads that take requests, as many as the mount has.
const THREADS: usize = 2;

/// Largest write in one request, as in the mount.
const MAX_WRITE: u32 = 1 << 20;

/// Requests in flight, as in the mount.
const BACKGROUND: u16 = 64;

/// Attributes and names are believed for so long; nobody else changes the directory.
const TTL: Duration = Duration::from_secs(15);

/// Mounts the directory and answers until it is unmounted.
pub(crate) fn serve(directory: &Path, point: &Path) -> Result<()> {
    let root = directory.canonicalize().with_context(|| directory.display().to_string())?;
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName("vofs-bench".to_owned()),
        MountOption::DefaultPermissions,
        MountOption::NoDev,
        MountOption::NoSuid,
        MountOption::RW,
    ];
    config.n_threads = Some(THREADS);
    Session::new(PassThrough::new(root), point, &config)?.run()?;
    Ok(())
}

/// What numbers stand for.
#[derive(Debug, Default)]
struct Known {
    paths: Vec<PathBuf>,
    numbers: HashMap<PathBuf, u64>,
    files: HashMap<u64, Arc<File>>,
    directories: HashMap<u64, Arc<Vec<OsString>>>,
    opened: u64,
}

impl Known {
    fn number(&mut self, path: PathBuf) -> INodeNo {
        let Known { paths, numbers, .. } = self;
        INodeNo(*numbers.entry(path).or_insert_with_key(|path| {
            paths.push(path.clone());
            paths.len() as u64
        }))
    }

    /// A file has another name now.
    fn moved(&mut self, from: &Path, to: PathBuf) {
        let Some(number) = self.numbers.remove(from) else { return };
        if let Some(path) = usize::try_from(number).ok().and_then(|number| self.paths.get_mut(number - 1)) {
            path.clone_from(&to);
        }
        self.numbers.insert(to, number);
    }
}

#[derive(Debug)]
struct PassThrough {
    known: Mutex<Known>,
}

impl PassThrough {
    fn new(root: PathBuf) -> Self {
        let mut known = Known::default();
        // The first number is the root's.
        known.number(root);
        Self { known: Mutex::new(known) }
    }

    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn path(&self, ino: INodeNo) -> io::Result<PathBuf> {
        let at = usize::try_from(ino.0).unwrap_or(0).wrapping_sub(1);
        self.known(|known| known.paths.get(at).cloned()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.path(parent)?.join(name))
    }

    fn described(&self, path: PathBuf) -> io::Result<FileAttr> {
        let metadata = fs::symlink_metadata(&path)?;
        Ok(attributes(self.known(|known| known.number(path)), &metadata))
    }

    fn opened(&self, file: File) -> FileHandle {
        self.known(|known| {
            known.opened += 1;
            known.files.insert(known.opened, Arc::new(file));
            FileHandle(known.opened)
        })
    }

    fn opened_directory(&self, path: &Path) -> io::Result<FileHandle> {
        let mut names = vec![OsString::from("."), OsString::from("..")];
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name());
        }
        Ok(self.known(|known| {
            known.opened += 1;
            known.directories.insert(known.opened, Arc::new(names));
            FileHandle(known.opened)
        }))
    }

    /// Hands the entries from `offset` on to `add`, which says when it has enough.
    fn listed(
        &self,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut add: impl FnMut(&OsStr, u64, &FileAttr) -> bool,
    ) -> io::Result<()> {
        let names = self.known(|known| known.directories.get(&fh.0).cloned()).ok_or(io::ErrorKind::NotFound)?;
        let directory = self.path(ino)?;
        for (name, next) in names.iter().zip(1..).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            // The kernel asks nothing about these two but their kind.
            let path = if next <= 2 { directory.clone() } else { directory.join(name) };
            if add(name, next, &self.described(path)?) {
                break;
            }
        }
        Ok(())
    }

    fn file(&self, fh: FileHandle) -> io::Result<Arc<File>> {
        self.known(|known| known.files.get(&fh.0).cloned()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn attributes(ino: INodeNo, metadata: &Metadata) -> FileAttr {
    let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(seconds.cast_unsigned());
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    FileAttr {
        ino,
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: modified,
        mtime: modified,
        ctime: time(metadata.ctime()),
        crtime: modified,
        kind: FileType::from_std(metadata.file_type()).unwrap_or(FileType::RegularFile),
        perm: (metadata.permissions().mode() & 0o7777) as u16,
        nlink: 1,
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn answer(reply: ReplyEmpty, outcome: io::Result<()>) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(Errno::from(error)),
    }
}

fn answer_opened(reply: ReplyOpen, outcome: io::Result<FileHandle>) {
    match outcome {
        Ok(handle) => reply.opened(handle, FopenFlags::empty()),
        Err(error) => reply.error(Errno::from(error)),
    }
}

fn answer_entry(reply: ReplyEntry, outcome: io::Result<FileAttr>) {
    match outcome {
        Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
        Err(error) => reply.error(Errno::from(error)),
    }
}

fn answer_attributes(reply: ReplyAttr, outcome: io::Result<FileAttr>) {
    match outcome {
        Ok(attributes) => reply.attr(&TTL, &attributes),
        Err(error) => reply.error(Errno::from(error)),
    }
}

impl Filesystem for PassThrough {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let capabilities = [
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_HANDLE_KILLPRIV_V2,
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_CACHE_SYMLINKS,
        ];
        for capability in capabilities {
            // What the kernel does not know is done without.
            let _ = config.add_capabilities(capability);
        }
        let _ = config.set_max_background(BACKGROUND);
        let _ = config.set_max_write(MAX_WRITE);
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer_entry(reply, self.child(parent, name).and_then(|path| self.described(path)));
    }

    fn getattr(&self, _request: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        answer_attributes(reply, self.path(ino).and_then(|path| self.described(path)));
    }

    fn setattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changed = self.path(ino).and_then(|path| {
            if let Some(size) = size {
                OpenOptions::new().write(true).open(&path)?.set_len(size)?;
            }
            self.described(path)
        });
        answer_attributes(reply, changed);
    }

    fn mkdir(&self, _request: &Request, parent: INodeNo, name: &OsStr, _mode: u32, _umask: u32, reply: ReplyEntry) {
        let made = self.child(parent, name).and_then(|path| {
            fs::create_dir(&path)?;
            self.described(path)
        });
        answer_entry(reply, made);
    }

    fn unlink(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.child(parent, name).and_then(fs::remove_file));
    }

    fn rename(
        &self,
        _request: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.child(parent, name).and_then(|from| {
            let to = self.child(newparent, newname)?;
            fs::rename(&from, &to)?;
            self.known(|known| known.moved(&from, to));
            Ok(())
        });
        answer(reply, renamed);
    }

    fn readlink(&self, _request: &Request, ino: INodeNo, reply: ReplyData) {
        match self.path(ino).and_then(fs::read_link) {
            Ok(target) => reply.data(target.as_os_str().as_bytes()),
            Err(error) => reply.error(Errno::from(error)),
        }
    }

    fn opendir(&self, _request: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        answer_opened(reply, self.path(ino).and_then(|path| self.opened_directory(&path)));
    }

    fn readdir(&self, _request: &Request, ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = self
            .listed(ino, fh, offset, |name, next, attributes| reply.add(attributes.ino, next, attributes.kind, name));
        match listed {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(Errno::from(error)),
        }
    }

    fn readdirplus(
        &self,
        _request: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self.listed(ino, fh, offset, |name, next, attributes| {
            reply.add(attributes.ino, next, name, &TTL, attributes, Generation(0))
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(Errno::from(error)),
        }
    }

    fn releasedir(&self, _request: &Request, _ino: INodeNo, fh: FileHandle, _flags: OpenFlags, reply: ReplyEmpty) {
        self.known(|known| known.directories.remove(&fh.0));
        reply.ok();
    }

    fn open(&self, _request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let writing = flags.acc_mode() != fuser::OpenAccMode::O_RDONLY;
        let file = self.path(ino).and_then(|path| OpenOptions::new().read(true).write(writing).open(path));
        answer_opened(reply, file.map(|file| self.opened(file)));
    }

    fn create(
        &self,
        _request: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let created = self.child(parent, name).and_then(|path| {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
            Ok((self.described(path)?, file))
        });
        match created {
            Ok((attributes, file)) => {
                reply.created(&TTL, &attributes, Generation(0), self.opened(file), FopenFlags::empty());
            }
            Err(error) => reply.error(Errno::from(error)),
        }
    }

    fn read(
        &self,
        _request: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut buffer = vec![0; size as usize];
        match self.file(fh).and_then(|file| file.read_at(&mut buffer, offset)) {
            Ok(count) => reply.data(&buffer[..count]),
            Err(error) => reply.error(Errno::from(error)),
        }
    }

    fn write(
        &self,
        _request: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.file(fh).and_then(|file| file.write_at(data, offset)) {
            Ok(count) => reply.written(count as u32),
            Err(error) => reply.error(Errno::from(error)),
        }
    }

    fn flush(&self, _request: &Request, _ino: INodeNo, _fh: FileHandle, _owner: LockOwner, reply: ReplyEmpty) {
        reply.ok();
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
        self.known(|known| known.files.remove(&fh.0));
        reply.ok();
    }
}
