//! What a test of this package stands on: a service with two users and a group, and the Python client in the home of one.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use vofs_tests::process::{Finished, run};
use vofs_tests::server::Logged;
use vofs_tests::{Profile, PythonClient, World, http};

/// The users, and a group with both.
pub(crate) const OPTIONS: [&str; 6] =
    ["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token:ada-password", "--group", "team:demo,ada"];

/// Runs a test with a bench of its own.
pub(crate) fn with(profile: Profile, test: fn(&Bench<'_>)) {
    let world = World::build(profile, true, &OPTIONS);
    test(&Bench { world: &world, python: PythonClient::new(&world), profile });
}

/// Makes a test for each profile of the named functions, which take a [`Bench`].
macro_rules! judged {
    (@profile $name:ident $profile:ident) => {};
    (@profile $name:ident $profile:ident $($test:ident)+) => {
        mod $name {
            $(#[test] fn $test() { crate::bench::with(vofs_tests::Profile::$profile, super::$test) })+
        }
    };
    (
        $(all: $($all:ident),+;)? $(both: $($both:ident),+;)? $(vault: $($vault:ident),+;)? $(cavern: $($cavern:ident),+;)?
        $(strict: $($strict:ident),+;)?
    ) => {
        judged!(@profile vault Vault $($($all)+)? $($($both)+)? $($($vault)+)?);
        judged!(@profile cavern Cavern $($($all)+)? $($($both)+)? $($($cavern)+)?);
        judged!(@profile strict Strict $($($all)+)? $($($strict)+)?);
    };
}
pub(crate) use judged;

/// One test's service and programs.
pub(crate) struct Bench<'a> {
    pub(crate) world: &'a World,
    pub(crate) python: PythonClient<'a>,
    pub(crate) profile: Profile,
}

impl Bench<'_> {
    /// Runs a program of the package as the user `demo`, with his certificate.
    #[track_caller]
    pub(crate) fn run(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> Finished {
        self.python.run(name, arguments)
    }

    /// The same as the user `ada`.
    #[track_caller]
    pub(crate) fn run_as_ada(&self, name: &str, arguments: &[&str]) -> Finished {
        let certificate = self.world.server.user_certificate("ada");
        let mut all = vec!["--certfile", certificate.to_str().unwrap()];
        all.extend(arguments);
        self.python.run(name, &all)
    }

    /// Runs our command of that name as the same user, in the same surroundings.
    #[track_caller]
    pub(crate) fn ours(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> Finished {
        run(self.our_command(name).args(arguments))
    }

    /// Our command of that name: with the certificate in the user's home, and the variable that names the service's host.
    pub(crate) fn our_command(&self, name: &str) -> Command {
        let mut command = self.world.called(name);
        command
            .env_remove("VOSPACE_TOKEN")
            .env_remove("VOSPACE_REGISTRY_URL")
            .env("VOSPACE_WEBSERVICE", self.world.server.address());
        command
    }

    /// A node below the user's container, as users write it.
    pub(crate) fn uri(&self, path: &str) -> String {
        self.world.uri(path)
    }

    /// The same in full, as services write it.
    pub(crate) fn full(&self, path: &str) -> String {
        format!("vos://cadc.nrc.ca~{}/demo/{path}", self.profile.service())
    }

    /// Containers, made past the client under test.
    pub(crate) fn containers(&self, paths: &[&str]) {
        let mut arguments = vec!["mkdir".to_owned(), "-p".to_owned()];
        arguments.extend(paths.iter().map(|path| self.uri(path)));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.world.vospace(&arguments).ok();
    }

    /// A file in the service, made past the client under test; then its request log is emptied.
    pub(crate) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.world.put(path, bytes);
        self.world.server.forget();
    }

    /// A local file, by the text of its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        self.world.local_file(name, bytes).to_str().unwrap().to_owned()
    }

    /// Where a local file is or will be.
    pub(crate) fn local(&self, name: &str) -> PathBuf {
        self.world.local(name)
    }

    /// The document of a node.
    pub(crate) fn document(&self, path: &str) -> String {
        let url = format!("{}?limit=0", self.world.server.node_url(&format!("demo/{path}")));
        let answer = http::request("GET", &url, Some("demo-token"));
        assert_eq!(answer.status, 200, "{url}");
        String::from_utf8(answer.body).unwrap()
    }

    /// The value of a property, by its URI or, for those of the standard, the fragment.
    pub(crate) fn property(&self, path: &str, key: &str) -> Option<String> {
        let document = self.document(path);
        let found = document.split("<vos:property uri=\"").skip(1).find(|text| {
            let uri = text.split('"').next().unwrap();
            uri == key || uri.rsplit_once('#').is_some_and(|(_, name)| name == key)
        })?;
        Some(found.split_once('>').unwrap().1.split('<').next().unwrap().to_owned())
    }

    /// The uploads of bytes since the log was emptied.
    pub(crate) fn byte_writes(&self) -> Vec<Logged> {
        self.world.server.log().into_iter().filter(Logged::is_byte_write).collect()
    }

    /// `Nov 21 06:17` for a node's date, as `ls` shows the dates of this year.
    pub(crate) fn date_column(&self, path: &str) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let date = self.property(path, "date").unwrap();
        let month: usize = date[5..7].parse().unwrap();
        format!("{} {} {}", MONTHS[month - 1], &date[8..10], &date[11..16])
    }
}
