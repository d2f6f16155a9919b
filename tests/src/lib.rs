//! The harness of the end-to-end tests: built programs, real mounts, an embedded service, Python.
//!
//! A test makes a [`World`] (a service with its data in a temporary directory) and mounts it; both end when they go out
//! of scope, also after a panic, and then by process id only. A missing program is a failure, never a skipped test.
//! Nothing here waits a fixed time: [`process::wait_until`] asks until the answer is there or the deadline has passed.

#![allow(clippy::unwrap_used, reason = "a harness fails by panicking")]

pub mod configured;
pub mod expected;
pub mod fsx;
pub mod http;
pub mod issuer;
pub mod matrix;
pub mod mount;
pub mod process;
pub mod profile;
pub mod python;
pub mod server;
pub mod stranger;
pub mod tools;
pub mod transfer;
pub mod vos;
pub mod wire;
pub mod world;

pub use mount::Mount;
pub use process::{Finished, wait_until};
pub use profile::Profile;
pub use python::Python;
pub use stranger::Stranger;
pub use vos::PythonClient;
pub use world::World;

/// Runs each named function, which takes a [`Profile`], as one test per profile that is named before: `profiles!(vault Vault,
/// srcnet Srcnet: one, other)`. What a profile cannot do of it is told in [`expected`].
#[macro_export]
macro_rules! profiles {
    ($($module:ident $profile:ident),+ : $($name:ident),+ $(,)?) => {
        $crate::profiles!(@each [$($module $profile),+] [$($name)+]);
    };
    (@each [$($module:ident $profile:ident),+] $names:tt) => {
        $($crate::profiles!(@one $module $profile $names);)+
    };
    (@one $module:ident $profile:ident [$($name:ident)+]) => {
        mod $module {
            $(#[test] fn $name() {
                $crate::expected::run(module_path!(), stringify!($name), $crate::Profile::$profile, super::$name);
            })+
        }
    };
}

/// The same with the services of every maker.
#[macro_export]
macro_rules! every_profile {
    ($($name:ident),+ $(,)?) => {
        $crate::profiles!(
            vault Vault, cavern Cavern, strict Strict, pyvospace Pyvospace, datalab Datalab, srcnet Srcnet: $($name),+
        );
    };
}

/// The same with the two of CADC.
#[macro_export]
macro_rules! both_profiles {
    ($($name:ident),+ $(,)?) => {
        $crate::profiles!(vault Vault, cavern Cavern: $($name),+);
    };
}
