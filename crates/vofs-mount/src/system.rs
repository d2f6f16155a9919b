//! What differs from one operating system to the next in mounting: a file each, with the same functions.

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::{
    CLEAR, DEAD, NO_REPLACE, UNMOUNT, check_fuse, detach, is_mounted, machine, mount_options, mount_table, own_mounts,
    raise_read_ahead, short,
};

#[cfg(not(target_os = "macos"))]
mod linux;
#[cfg(not(target_os = "macos"))]
pub(crate) use linux::{
    CLEAR, DEAD, NO_REPLACE, UNMOUNT, check_fuse, detach, is_mounted, machine, mount_options, mount_table, own_mounts,
    raise_read_ahead, short,
};
