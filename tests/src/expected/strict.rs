//! The standard by the letter.

use super::Cannot;

pub(super) const CANNOT: &[Cannot] = &[Cannot {
    tests: &["write_faults::rights::f26_a_directory_that_may_not_be_read_looks_empty"],
    at: &["fs::read(directory.join(\"mine\")).unwrap(), b\"waits\""],
    says: "Permission denied",
    because: "a container that may not be read is refused, and not shown as empty",
}];
