//! The helper of mount(8): called as `mount.vofs SPEC DIR [-sfnv] [-o OPTIONS]`, as `mount -t vofs`, /etc/fstab, autofs and
//! systemd's mount units do it.
//!
//! It owns the translation of `-o` into our own options, which clap then judges: every long option of `mountvofs` is
//! one of `-o`, by the same name. What mount(8) and systemd keep for themselves is left out; what the kernel does for any file system is handed
//! to it; anything else is an error, unless mount(8) says that it is to be tolerated (`-s`). It never mounts by itself.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use fuser::MountOption;
use nix::unistd::{User, geteuid, getuid, initgroups, setgid, setuid};

use crate::Result;
use crate::args::{Args, definition};
use crate::config::{self, Refusal};
use crate::failure::{Failure, Status};

/// The name under which mount(8) looks for it.
const NAME: &str = "mount.vofs";

/// Exit status of mount(8) for wrong usage.
const USAGE: u8 = 1;

/// Exit status of mount(8) for a mount that failed.
const FAILED: u8 = 32;

/// Options that are for mount(8), systemd or the table itself, and those that a VOSpace has no use for: times of access
/// are not kept there, and devices and set-uid bits are never honoured.
const NOT_FOR_US: &[&str] = &[
    "defaults",
    "auto",
    "noauto",
    "user",
    "nouser",
    "users",
    "owner",
    "group",
    "nofail",
    "_netdev",
    "rw",
    "async",
    "exec",
    "dev",
    "nodev",
    "suid",
    "nosuid",
    "atime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "lazytime",
    "nolazytime",
    "iversion",
    "noiversion",
    "mand",
    "nomand",
    "silent",
    "loud",
    "fstype",
];

/// Options of `mountvofs` that make no sense in a table of mounts, or that SPEC and DIR stand for.
const NOT_IN_A_TABLE: &[&str] = &["vospace", "mountpoint", "foreground", "man", "help", "version"];

/// True when the program was called as the helper.
pub(crate) fn is_called(program: Option<&OsStr>) -> bool {
    program.is_some_and(|program| Path::new(program).file_name() == Some(OsStr::new(NAME)))
}

/// The exit status that mount(8) expects.
pub(crate) fn exit_status(status: Status) -> u8 {
    if status == Status::Usage { USAGE } else { FAILED }
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Call {
    /// Mount.
    Mount(Box<Args>),
    /// `-f`: all is in order, and nothing is to be done.
    Pretend,
}

/// What mount(8) gives.
#[derive(Debug, Parser)]
#[command(name = NAME, version, about = "Mount a VOSpace; called by mount(8)", disable_help_flag = true)]
struct HelperArgs {
    /// vos:USER, arc:home/USER, vos://AUTHORITY~SERVICE/PATH.
    spec: String,
    /// Where to mount it.
    dir: OsString,
    /// Tolerate unknown options.
    #[arg(short = 's')]
    sloppy: bool,
    /// Check only.
    #[arg(short = 'f')]
    fake: bool,
    /// Log what is done.
    #[arg(short = 'v')]
    verbose: bool,
    /// Nothing is written to a table of mounts anyway.
    #[arg(short = 'n')]
    _no_table: bool,
    /// The type, which says `vofs`.
    #[arg(short = 't')]
    _kind: Option<String>,
    /// Options, with commas between them.
    #[arg(short = 'o')]
    options: Vec<String>,
}

/// Reads the command line of the helper. With `setuid=USER` it becomes that user, unless it is, which means that the program
/// starts once more.
pub(crate) fn read(arguments: Vec<OsString>) -> Result<Call> {
    let usage = |error: clap::Error| match error.use_stderr() {
        true => Failure::new(Status::Usage, error.to_string().trim_end().to_owned()),
        false => error.exit(),
    };
    let given = HelperArgs::try_parse_from(arguments).map_err(usage)?;
    let Translated { mut arguments, kernel, user } = translate(&given)?;
    let mut words: Vec<OsString> = vec!["mountvofs".into(), format!("--vospace={}", given.spec).into()];
    let mut place = OsString::from("--mountpoint=");
    place.push(&given.dir);
    words.push(place);
    words.append(&mut arguments);
    if let Some(user) = user.filter(|user| !given.fake && !is_us(user)) {
        // What is configured for that user counts, not for who calls.
        definition().try_get_matches_from(&words).map_err(usage)?;
        return Err(restart_as(&user, &given));
    }
    let mut args = match config::resolve(&words) {
        Ok(resolved) => resolved.args,
        Err(Refusal::Typed(error)) => return Err(usage(*error)),
        Err(refusal) => return Err(refusal.into()),
    };
    args.kernel = kernel;
    if given.fake {
        return Ok(Call::Pretend);
    }
    Ok(Call::Mount(Box::new(args)))
}

/// What `-o` comes to.
#[derive(Debug, Default)]
struct Translated {
    /// Options of `mountvofs`.
    arguments: Vec<OsString>,
    /// Options of the kernel.
    kernel: Vec<MountOption>,
    /// Who is to mount.
    user: Option<String>,
}

fn translate(given: &HelperArgs) -> Result<Translated> {
    let command = definition();
    let mut all = Translated::default();
    if given.verbose {
        all.arguments.push("--verbose".into());
    }
    for option in given.options.iter().flat_map(|list| list.split(',')).filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let dashed = name.replace('_', "-");
        match name {
            _ if NOT_FOR_US.contains(&name) => {}
            _ if name.starts_with("x-") || name.starts_with("X-") || name == "comment" => {}
            "ro" => all.arguments.push("--readonly".into()),
            "noexec" => all.kernel.push(MountOption::NoExec),
            "sync" => all.kernel.push(MountOption::Sync),
            "dirsync" => all.kernel.push(MountOption::DirSync),
            "noatime" => all.kernel.push(MountOption::NoAtime),
            "setuid" => all.user = Some(value.unwrap_or_default().to_owned()),
            "remount" => {
                let message = format!(
                    "{}: a mounted space cannot be mounted anew with other options; unmount it first",
                    Path::new(&given.dir).display()
                );
                return Err(Failure::new(Status::Usage, message));
            }
            _ if command.get_arguments().any(|own| own.get_long() == Some(&*dashed))
                && !NOT_IN_A_TABLE.contains(&&*dashed) =>
            {
                all.arguments.push(match value {
                    Some(value) => format!("--{dashed}={value}").into(),
                    None => format!("--{dashed}").into(),
                });
            }
            _ if given.sloppy => {}
            _ => {
                let message = format!(
                    "option '{name}' is not known; those of `mountvofs --help` are, with the name behind the two hyphens"
                );
                return Err(Failure::new(Status::Usage, message));
            }
        }
    }
    Ok(all)
}

/// Whether we are `user` already: for a line with `user`, mount(8) gives up its rights before it calls us.
fn is_us(user: &str) -> bool {
    let account = User::from_name(user).ok().flatten();
    account.is_some_and(|account| account.uid == getuid() && account.uid == geteuid())
}

/// Becomes `user`, with that user's groups and home directory, and starts this program again without `setuid`. Returns
/// only the reason why not.
fn restart_as(user: &str, given: &HelperArgs) -> Failure {
    let fail = |why: String| Failure::new(Status::Other, format!("cannot mount as '{user}': {why}"));
    let account = match User::from_name(user) {
        Ok(Some(account)) => account,
        Ok(None) => return fail("there is no such user".to_owned()),
        Err(error) => return fail(error.to_string()),
    };
    let become_user = || {
        initgroups(&CString::new(user).map_err(|_| nix::Error::EINVAL)?, account.gid)?;
        setgid(account.gid)?;
        setuid(account.uid)
    };
    if let Err(error) = become_user() {
        return fail(format!("{error}; only root can"));
    }
    let options: Vec<&str> =
        given.options.iter().flat_map(|list| list.split(',')).filter(|option| !option.starts_with("setuid=")).collect();
    let mut again = Command::new("/proc/self/exe");
    again.arg0(NAME).arg(&given.spec).arg(&given.dir).arg("-o").arg(options.join(",")).env("HOME", &account.dir);
    for (flag, wanted) in [("-s", given.sloppy), ("-v", given.verbose)] {
        if wanted {
            again.arg(flag);
        }
    }
    fail(again.exec().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &str) -> Result<Call> {
        read(std::iter::once(NAME).chain(words.split(' ')).map(OsString::from).collect())
    }

    #[track_caller]
    fn mounted(words: &str) -> Args {
        match call(words) {
            Ok(Call::Mount(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_decides() {
        assert!(is_called(Some(OsStr::new("/sbin/mount.vofs"))));
        assert!(!is_called(Some(OsStr::new("/usr/bin/mountvofs"))));
        assert!(!is_called(None));
    }

    #[test]
    fn what_a_line_of_fstab_says() {
        let args = mounted(
            "vos:USER/data /mnt/data -n -v -o rw,noauto,_netdev,nofail,x-systemd.automount,x-systemd.idle-timeout=600,\
             cache_dir=/var/cache/x_y,cache-limit=2GiB,allow_other,noexec,ro",
        );
        assert_eq!((args.vospace.as_str(), args.mountpoint.to_str()), ("vos:USER/data", Some("/mnt/data")));
        assert_eq!(args.cache_dir.as_deref(), Some(Path::new("/var/cache/x_y")));
        assert_eq!((args.cache_limit, args.allow_other, args.readonly, args.verbose), (2 << 30, true, true, true));
        assert_eq!(args.kernel, [MountOption::NoExec]);
    }

    #[test]
    fn several_lists_of_options_and_options_first() {
        let args = mounted("-o readonly vos:USER /mnt -o certfile=/a=b.pem -t vofs");
        assert!(args.readonly);
        assert_eq!(args.certfile.as_deref(), Some(Path::new("/a=b.pem")));
    }

    #[test]
    fn what_is_not_known_is_refused_unless_tolerated() {
        for (words, said) in [
            ("vos:USER /mnt -o cache_dri=/x", "'cache_dri' is not known"),
            ("vos:USER /mnt -o mountpoint=/x", "'mountpoint' is not known"),
            ("vos:USER /mnt -o cache_limit=much", "much"),
            ("vos:USER /mnt -o remount,ro", "unmount it first"),
            ("vos:USER", "dir"),
        ] {
            let failure = call(words).expect_err(words);
            assert_eq!(exit_status(failure.status), USAGE, "{words}");
            assert!(failure.message.to_lowercase().contains(said), "{words}: {failure}");
        }
        mounted("vos:USER /mnt -s -o cache_dri=/x");
        assert!(matches!(call("vos:USER /mnt -f -o ro"), Ok(Call::Pretend)));
        let us = User::from_uid(getuid()).expect("accounts").expect("has a name").name;
        mounted(&format!("vos:USER /mnt -o setuid={us}"));
        let failure = call("vos:USER /mnt -o setuid=nobody-of-this-name").expect_err("no such user");
        assert_eq!(exit_status(failure.status), FAILED);
    }
}
