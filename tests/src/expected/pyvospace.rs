//! ICRAR's pyvospace: files with bytes cannot be moved, listings have no properties, places for bytes are good once.

use super::{CHANGED_TREES, CREDENTIALS, CUT_OUTS, Cannot, LENT_FILES, NAMED_CREDENTIALS, PYTHON};

pub(super) const CANNOT: &[Cannot] = &[
    CUT_OUTS,
    NAMED_CREDENTIALS,
    Cannot {
        tests: &["library::the_tour_of_the_library_goes_round"],
        at: &[],
        says: "the service moves no files that hold bytes",
        because: "a move of a file that holds bytes fails there",
    },
    Cannot {
        tests: &[
            "durability::killed_at_each_step_of_a_replacing_rename",
            "durability::what_an_interrupted_rename_left_tells_what_it_is",
        ],
        at: &["fs::rename(mount.join(\"new\"), mount.join(\"old\"))"],
        says: "Operation not supported",
        because: "a move of a file that holds bytes fails there, and so has no steps between which it could be interrupted",
    },
    Cannot {
        tests: CHANGED_TREES,
        at: &[],
        says: "the service cannot change the properties of a tree",
        because: "it has no jobs that change a tree",
    },
    Cannot {
        tests: &["write_faults::f03_single_node_stale_too"],
        at: &["fs::rename(mount.join(\"before\"), mount.join(\"moved\"))"],
        says: "Input/output error",
        because: "a move of a file that holds bytes fails there without a reason, which nothing but the node tells",
    },
    Cannot {
        tests: &[
            "posix::what_may_not_be_written_is_refused_when_it_is_opened",
            "write_faults::rights::f26_a_directory_that_may_not_be_read_looks_empty",
            "write_faults::rights::f33_a_group_service_that_fails_takes_nothing_away",
        ],
        at: &["\"ada-token\").args(arguments)"],
        says: "ask the owner",
        because: "nobody but the owner may write there, whatever rights a node has",
    },
    Cannot {
        tests: LENT_FILES,
        at: &[],
        says: "no digest says that the file is whole",
        because: "its files tell no digest",
    },
    Cannot {
        tests: &["semantics::attributes::times_go_to_the_service_on_request"],
        at: &["File::open(mount.join(\"g\")).unwrap().set_modified(old)"],
        says: "Invalid argument",
        because: "it takes no property with a name like vofs:mtime, and no time for its own",
    },
    Cannot {
        tests: CREDENTIALS,
        at: &[],
        says: "Credentials not found",
        because: "it takes the cookie of its form, and neither bearer tokens nor certificates",
    },
    Cannot {
        tests: PYTHON,
        at: &[],
        says: "Resource ID ivo://cadc.nrc.ca/pyvo not found",
        because: "it has no capabilities, without which the Python client finds no service",
    },
];
