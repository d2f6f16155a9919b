//! What services cannot do of the end-to-end tests.
//!
//! Every test runs on every profile. Where a service cannot do what a test is about, the test fails there, with an errno or a
//! message that is expected: an entry in the file of the profile names the tests, at which step they fail, what their failure says,
//! and why. A test that passes in spite of its entry, fails elsewhere or with other words, is red: what comes before is shown.

mod cavern;
mod datalab;
mod pyvospace;
mod srcnet;
mod strict;

use std::any::Any;
use std::cell::RefCell;
use std::fs;
use std::panic::{self, Location};
use std::path::Path;
use std::sync::Once;

use crate::profile::Profile;

/// Tests that cannot be passed on a profile.
#[derive(Debug)]
struct Cannot {
    /// Paths of the tests, without the profile: `semantics::renames::name`.
    tests: &'static [&'static str],
    /// Part of the line of the test that fails, one of these; none for words that only one step can say.
    at: &'static [&'static str],
    /// Part of what the failure says: an errno, or words of a message.
    says: &'static str,
    /// What the service lacks.
    because: &'static str,
}

/// Files that the kernel reads by itself.
const LENT_FILES: &[&str] = &[
    "passthrough::a_file_that_was_opened_before_it_was_whole_is_read_as_before",
    "passthrough::a_new_version_is_another_file_to_who_reads_the_old_one",
    "passthrough::a_whole_file_is_read_by_the_kernel_itself",
    "passthrough::readers_and_writers_of_one_file_at_the_same_time",
    "passthrough::what_the_kernel_reads_is_not_evicted",
    "passthrough::who_writes_has_a_file_of_its_own_and_readers_keep_theirs",
];

/// Properties and rights of a container and of all below it.
const CHANGED_TREES: &[&str] =
    &["rights::vchmod_of_a_tree", "rights::vtag_of_a_tree", "safety::nodes::s20_a_long_job_is_waited_for"];

/// Bearer tokens and certificates.
const CREDENTIALS: &[&str] = &[
    "certificates::a_password_becomes_a_certificate",
    "certificates::the_doctor_says_what_is_in_use_and_what_is_wrong",
    "doctor::a_token_that_is_refused",
    "expiring::a_certificate_that_ends_is_announced_and_a_new_one_is_taken_up",
    "expiring::a_certificate_that_has_expired_before_leaves_what_is_public",
    "expiring::a_renewed_token_is_taken_up",
    "life::anonymous_is_read_only",
    "limits::a_token_from_a_file",
];

/// Certificates that are named on the command line.
const NAMED_CREDENTIALS: Cannot = Cannot {
    tests: &[
        "certificates::the_former_name_takes_the_password_from_netrc",
        "doctor::a_certificate_that_has_expired_or_is_none",
        "faults::bad_credentials",
        "life::a_certificate_opens_the_space",
    ],
    at: &[],
    says: "--certfile: it is not sent to the base-url of",
    because: "it stands in no registry, and its section without credentials does not say that these are for it",
};

/// Parts and headers that the service cuts out of FITS files.
const CUT_OUTS: Cannot = Cannot {
    tests: &[
        "cutouts::a_circle_is_cut_by_the_coordinates_of_the_image",
        "cutouts::headers_come_as_text_and_replace_no_image",
        "cutouts::pixels_are_those_of_the_whole_file",
    ],
    at: &[],
    says: "the service cuts nothing out of files; copy the whole file",
    because: "it has no service beside it that cuts",
};

/// The client in Python as the judge.
const PYTHON: &[&str] =
    &["python_client::python_reads_what_the_mount_wrote", "python_client::the_mount_reads_what_python_wrote"];

fn of(profile: Profile) -> &'static [Cannot] {
    match profile {
        Profile::Vault | Profile::Both => &[],
        Profile::Cavern => cavern::CANNOT,
        Profile::Strict => strict::CANNOT,
        Profile::Pyvospace => pyvospace::CANNOT,
        Profile::Datalab => datalab::CANNOT,
        Profile::Srcnet => srcnet::CANNOT,
    }
}

/// Runs one test of a module that is named after the profile.
///
/// # Panics
/// As the test does, unless that is expected; if it does not although it is expected.
pub fn run(module: &str, name: &str, profile: Profile, test: fn(Profile)) {
    let group = module.rsplit_once("::").map_or(module, |(group, _)| group);
    let path = format!("{}::{name}", group.split_once("::").map_or(group, |(_, group)| group));
    let Some(Cannot { at, says, because, .. }) =
        of(profile).iter().find(|cannot| cannot.tests.contains(&path.as_str()))
    else {
        return test(profile);
    };
    note_places();
    match panic::catch_unwind(|| test(profile)) {
        Ok(()) => panic!("{path} passes on {}: it is no longer so that {because}", profile.name()),
        Err(cause) => {
            let line = PLACE.with_borrow(Clone::clone);
            if message(&*cause).contains(says) && (at.is_empty() || at.iter().any(|at| line.contains(at))) {
                return;
            }
            eprintln!("expected was: {says} at {at:?}, because {because}\nit failed at: {line}");
            panic::resume_unwind(cause)
        }
    }
}

thread_local! {
    /// The line of the source at which this thread panicked last.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has each panic leave its line, and be told as before.
fn note_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PLACE.set(panic.location().map(source).unwrap_or_default());
            tell(panic);
        }));
    });
}

/// A line of our own sources, whose paths are those of the project or of this package.
fn source(place: &Location<'_>) -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let texts = [package.join(place.file()), package.join("..").join(place.file())].map(fs::read_to_string);
    let text = texts.into_iter().find_map(Result::ok).unwrap_or_default();
    text.lines().nth(place.line() as usize - 1).unwrap_or_default().trim().to_owned()
}

fn message(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or_default()
}
