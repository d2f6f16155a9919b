//! The harness of the end-to-end tests: built programs, real mounts, an embedded service, Python.
//!
//! A test makes a [`World`] (a service with its data in a temporary directory) and mounts it; both end when they go out
//! of scope, also after a panic, and then by process id only. A missing program is a failure, never a skipped test.
//! Nothing here waits a fixed time: [`process::wait_until`] asks until the answer is there or the deadline has passed.

#![allow(clippy::unwrap_used, reason = "a harness fails by panicking")]

pub mod http;
pub mod mount;
pub mod process;
pub mod python;
pub mod server;
pub mod stranger;
pub mod tools;
pub mod vos;
pub mod wire;
pub mod world;

pub use mount::Mount;
pub use process::{Finished, wait_until};
pub use python::Python;
pub use server::Profile;
pub use stranger::Stranger;
pub use vos::PythonClient;
pub use world::World;

/// Runs each named function, which takes a [`Profile`], as one test per profile.
#[macro_export]
macro_rules! both_profiles {
    ($($name:ident),+ $(,)?) => {
        mod vault {
            $(#[test] fn $name() { super::$name($crate::Profile::Vault) })+
        }
        mod cavern {
            $(#[test] fn $name() { super::$name($crate::Profile::Cavern) })+
        }
    };
}

/// The same, and against the standard by the letter as well.
#[macro_export]
macro_rules! all_profiles {
    ($($name:ident),+ $(,)?) => {
        $crate::both_profiles!($($name),+);
        mod strict {
            $(#[test] fn $name() { super::$name($crate::Profile::Strict) })+
        }
    };
}
