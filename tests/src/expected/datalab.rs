//! The VOSpace of the Astro Data Lab: no digests, dates to the second, names of few characters, a root that is not shown, no
//! links to nothing, one user in the section of the service.

use super::{CHANGED_TREES, CREDENTIALS, CUT_OUTS, Cannot, LENT_FILES, NAMED_CREDENTIALS, PYTHON};

pub(super) const CANNOT: &[Cannot] = &[
    CUT_OUTS,
    NAMED_CREDENTIALS,
    Cannot {
        tests: &[
            "observed::a_name_that_would_be_cut_becomes_no_other",
            "observed::names_beyond_ascii_arrive_as_they_are",
            "terminals::names_are_quoted_where_a_person_would_copy_them",
        ],
        at: &["&world.uri(\"a;b\")", "&world.uri(\"t\")", "world.put(\"it's&odd\""],
        says: "rename it",
        because: "names have letters and digits of ASCII and few marks",
    },
    Cannot {
        tests: &[
            "semantics::names::both_normal_forms_are_one_name",
            "semantics::names::what_it_can_hold_goes_there_and_back",
            "semantics::user_actions::names_with_brackets_are_no_cutouts",
        ],
        at: &[
            "fs::write(mount.join(DECOMPOSED), b\"summer\")",
            "fs::create_dir(mount.join(name)).unwrap()",
            "fs::write(mount.join(\"f(1,2,3)\"), b\"a name\")",
        ],
        says: "Invalid argument",
        because: "names have letters and digits of ASCII and few marks",
    },
    Cannot {
        tests: &[
            "shells::fish_offers_what_fits",
            "shells::zsh_completes_what_is_typed",
            "terminals::words_are_completed_by_the_service",
        ],
        at: &["&[\"cp\", \"tree/\", "],
        says: "Internal Server Error",
        because: "it fails at names with an apostrophe",
    },
    Cannot {
        tests: LENT_FILES,
        at: &[],
        says: "no digest says that the file is whole",
        because: "it computes no digests",
    },
    Cannot {
        tests: CHANGED_TREES,
        at: &[],
        says: "cannot change the properties of a tree",
        because: "it has no job that changes a tree",
    },
    Cannot {
        tests: &["refusals::local::loops_of_links_end"],
        at: &["&[\"ln\", &world.uri(target)"],
        says: "NodeNotFound",
        because: "a link cannot lead to where nothing is",
    },
    Cannot {
        tests: &["refusals::services::a_service_in_read_only_mode", "refusals::services::a_service_that_is_offline"],
        at: &[],
        says: "503: Service Unavailable; try again later",
        because: "it does not say why it fails",
    },
    Cannot {
        tests: &["write_faults::f03_single_node_stale_too"],
        at: &["close(file).unwrap()"],
        says: "Input/output error",
        because: "it answers an upload with nothing of what it stored: its node alone tells that",
    },
    Cannot {
        tests: &["listings::what_may_not_be_read_is_refused_and_not_empty"],
        at: &[],
        says: "the service does not show its root",
        because: "its root cannot be read",
    },
    Cannot {
        tests: &["posix::foreign_places_are_refused"],
        at: &[],
        says: "nodes/?limit=… answered 500",
        because: "its root cannot be read",
    },
    Cannot {
        tests: CREDENTIALS,
        at: &[],
        says: "User does not have permissions to perform the operation",
        because: "it takes the tokens of its own header, and neither bearer tokens nor certificates",
    },
    Cannot {
        tests: PYTHON,
        at: &[],
        says: "not found. Available resource IDs",
        because: "the Python client takes services of CADC's registry only",
    },
    Cannot {
        tests: &[
            "posix::what_may_not_be_written_is_refused_when_it_is_opened",
            "refusals::services::a_locked_or_foreign_place",
            "write_faults::rights::f26_a_directory_that_may_not_be_read_looks_empty",
            "write_faults::rights::f33_a_group_service_that_fails_takes_nothing_away",
        ],
        at: &["\"ada-token\").args(arguments)", "theirs.arg(&foreign).env(\"VOSPACE_TOKEN\", \"ada-token\")"],
        says: "PermissionDenied",
        because: "its token stands in its section, before that of the environment, and there is no second user",
    },
];
