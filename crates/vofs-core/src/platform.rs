//! What differs from one operating system to the next: a file each, with the same functions.

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::{NO_ATTRIBUTE, memory, punch_hole, room, will_need};

#[cfg(not(target_os = "macos"))]
mod linux;
#[cfg(not(target_os = "macos"))]
pub(crate) use linux::{NO_ATTRIBUTE, memory, punch_hole, room, will_need};

/// How much room a disk has, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) size: u64,
    /// For whoever is not root.
    pub(crate) free: u64,
}
