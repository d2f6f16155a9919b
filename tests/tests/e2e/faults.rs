//! Everything that can be wrong before a mount stands: each has its message, its remedy and its exit status, and leaves
//! nothing mounted and nothing changed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vofs_tests::mount::is_mounted;
use vofs_tests::process::{Finished, run};
use vofs_tests::{Profile, Python, World, every_profile};

every_profile!(
    wrong_usage,
    bad_mount_points,
    fuse_is_not_there,
    service_cannot_be_found,
    bad_credentials,
    remote_path_is_wrong,
    bad_cache_directories,
);

/// The exit statuses of `mountvofs`, one for each thing that the user has to look at.
pub(crate) mod status {
    pub(crate) const USAGE: i32 = 2;
    pub(crate) const MOUNT_POINT: i32 = 3;
    pub(crate) const FUSE: i32 = 4;
    pub(crate) const SERVICE: i32 = 5;
    pub(crate) const CREDENTIALS: i32 = 6;
    pub(crate) const REMOTE_PATH: i32 = 7;
    pub(crate) const CACHE: i32 = 8;
}

/// One attempt to mount.
pub(crate) struct Attempt<'a> {
    world: &'a World,
    vospace: String,
    point: PathBuf,
    cache: PathBuf,
    command: Command,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let point = world.path("point");
        if !point.exists() {
            fs::create_dir(&point).unwrap();
        }
        Self { world, vospace: world.uri(""), point, cache: world.path("cache"), command: world.command("mountvofs") }
    }

    pub(crate) fn vospace(mut self, uri: &str) -> Self {
        self.vospace = uri.to_owned();
        self
    }

    pub(crate) fn point(mut self, path: impl AsRef<Path>) -> Self {
        self.point = path.as_ref().to_owned();
        self
    }

    pub(crate) fn cache(mut self, path: impl AsRef<Path>) -> Self {
        self.cache = path.as_ref().to_owned();
        self
    }

    pub(crate) fn option(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn command(mut self) -> Command {
        self.command.args(["--vospace", &self.vospace, "--mountpoint"]).arg(&self.point).arg("--cache_dir");
        self.command.arg(&self.cache).arg("--log").arg(self.world.path("attempt.log"));
        self.command
    }

    #[track_caller]
    pub(crate) fn fails(self, status: i32, texts: &[&str]) {
        let point = self.point.clone();
        let before = is_mounted(&point);
        check(run(&mut self.command()), status, texts);
        assert_eq!(is_mounted(&point), before, "something was mounted");
    }
}

/// The status, the texts, and a message that is one: short, and not a debug dump.
#[track_caller]
fn check(finished: Finished, status: i32, texts: &[&str]) {
    let finished = finished.fails_with(status, texts);
    assert!(!finished.stderr.contains("panicked") && finished.stderr.len() < 2000, "{}", finished.stderr);
}

fn wrong_usage(profile: Profile) {
    let world = World::new(profile);
    Attempt::new(&world).option(&["--nonsense"]).fails(status::USAGE, &["--nonsense"]);
    Attempt::new(&world).option(&["--cache_limit", "lots"]).fails(status::USAGE, &["lots"]);
}

fn bad_mount_points(profile: Profile) {
    let world = World::new(profile);
    let missing = world.path("none/below");
    Attempt::new(&world).point(&missing).fails(status::MOUNT_POINT, &["none/below", "make it"]);
    let file = world.local_file("file", b"x");
    Attempt::new(&world).point(&file).fails(status::MOUNT_POINT, &["local/file", "director"]);
    world.local_file("full/something", b"x");
    Attempt::new(&world).point(world.local("full")).fails(status::MOUNT_POINT, &["local/full", "empty"]);
    let mount = world.mount();
    let busy = Attempt::new(&world).point(mount.path()).cache(world.path("cache2"));
    busy.fails(status::MOUNT_POINT, &["mnt", "mounted there already", "fusermount3 -u"]);
    assert!(fs::read_dir(mount.path()).is_ok(), "the first mount goes on");
}

fn fuse_is_not_there(profile: Profile) {
    let world = World::new(profile);
    let inside = |unshare: &[&str], script: &str| {
        let attempt = Attempt::new(&world).command();
        let mut command = Command::new("unshare");
        world.environment(&mut command);
        command.args(unshare).args(["sh", "-c", script, "sh"]).arg(attempt.get_program()).args(attempt.get_args());
        run(&mut command)
    };
    // Root mounts without the helper; in a user namespace of its own, root is somebody else.
    let finished = inside(&["--user"], "PATH=/nowhere; exec \"$@\"");
    check(finished, status::FUSE, &["fusermount3 is not installed", "fuse3"]);

    // A private /dev without the device; needs no more rights than a mount does.
    let unshare: &[&str] = if nix::unistd::getuid().is_root() { &[] } else { &["--map-root-user"] };
    let unshare = [unshare, &["--mount", "--propagation", "private"]].concat();
    let finished = inside(&unshare, "mount -t tmpfs none /dev && exec \"$@\"");
    check(finished, status::FUSE, &["/dev/fuse", "modprobe fuse"]);
}

fn service_cannot_be_found(profile: Profile) {
    let mut world = World::new(profile);
    Attempt::new(&world).vospace("nothing:x").fails(status::SERVICE, &["nothing"]);
    Attempt::new(&world).vospace("no/prefix").fails(status::SERVICE, &["no/prefix", "vos:no/prefix"]);
    // A port that nobody listens on: ours, after the service is gone.
    let registry = world.server.registry().to_owned();
    world.server.kill();
    Attempt::new(&world).variable("HOME", world.path("fresh")).fails(status::SERVICE, &[&world.server.address()]);
    let other = Attempt::new(&world).variable("VOSPACE_REGISTRY_URL", "http://no-such-host.invalid/reg/resource-caps");
    other.variable("HOME", world.path("fresh2")).fails(status::SERVICE, &["no-such-host.invalid"]);
    assert_eq!(world.server.registry(), registry);
}

/// Writes a certificate with its key that was valid between two days, counted from today.
const CERTIFICATE: &str = r#"
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
path, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
now = datetime.datetime.now(datetime.timezone.utc)
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "demo")])
certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(1).not_valid_before(now + datetime.timedelta(days=first))
    .not_valid_after(now + datetime.timedelta(days=last)).sign(key, hashes.SHA256()))
with open(path, "wb") as f:
    f.write(certificate.public_bytes(serialization.Encoding.PEM))
    f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption()))
"#;

fn bad_credentials(profile: Profile) {
    let world = World::new(profile).with_general_credentials();
    let with =
        |path: &Path| Attempt::new(&world).without("VOSPACE_TOKEN").option(&["--certfile", path.to_str().unwrap()]);
    with(&world.local("none.pem")).fails(status::CREDENTIALS, &["none.pem", "cadc-get-cert"]);
    let nonsense = world.local_file("nonsense.pem", b"this is no certificate");
    with(&nonsense).fails(status::CREDENTIALS, &["nonsense.pem", "cadc-get-cert"]);
    with(&world.path("local")).fails(status::CREDENTIALS, &["local", "cadc-get-cert"]);

    let expired = world.local("expired.pem");
    Python::find().script(CERTIFICATE, &[&expired, Path::new("-12"), Path::new("-2")]);
    with(&expired).fails(status::CREDENTIALS, &["expired.pem", "expired", "cadc-get-cert"]);
    // The default certificate too: going on anonymously would only fail later, and say less.
    fs::create_dir_all(world.path("home/.ssl")).unwrap();
    fs::copy(&expired, world.path("home/.ssl/cadcproxy.pem")).unwrap();
    let default = Attempt::new(&world).without("VOSPACE_TOKEN");
    default.fails(status::CREDENTIALS, &["cadcproxy.pem", "expired", "cadc-get-cert"]);
    fs::remove_file(world.path("home/.ssl/cadcproxy.pem")).unwrap();

    Attempt::new(&world).variable("VOSPACE_TOKEN", "wrong").fails(status::CREDENTIALS, &["token"]);
}

fn remote_path_is_wrong(profile: Profile) {
    let world = World::new(profile);
    world.put("file", b"x");
    Attempt::new(&world).vospace(&world.uri("none")).fails(status::REMOTE_PATH, &["demo/none"]);
    Attempt::new(&world).vospace(&world.uri("file")).fails(status::REMOTE_PATH, &["demo/file"]);
}

fn bad_cache_directories(profile: Profile) {
    let world = World::new(profile);
    let file = world.local_file("file", b"x");
    Attempt::new(&world).cache(file.join("cache")).fails(status::CACHE, &["local/file", "--cache"]);
    // Where nobody may write, not even root.
    Attempt::new(&world).cache("/proc/vofs-cache").fails(status::CACHE, &["/proc/vofs-cache", "--cache"]);
    Attempt::new(&world).option(&["--cache_limit", "1KiB"]).fails(status::CACHE, &["1", "--cache"]);
    let mount = world.mount();
    let second = Attempt::new(&world);
    second.fails(status::CACHE, &["cache", "another"]);
    assert!(fs::read_dir(mount.path()).is_ok(), "the first mount goes on");
}
