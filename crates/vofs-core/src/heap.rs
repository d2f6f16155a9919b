//! The heap of the process: what was freed goes back to the system.
//!
//! The allocator of glibc gives back what is free at the end of a heap only. After a walk over a million files the free pieces lie
//! between those that are still used, and the process would keep all of it for good.

/// Gives the pages that nothing lies on back to the system. Takes milliseconds, in which other threads may wait for memory:
/// for moments in which much was freed.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "no library has a safe function for it, and a million forgotten names would stay in memory"
)]
pub(crate) fn trim() {
    // SAFETY: it takes a number, touches free memory only, and may be called from any thread at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators do so by themselves.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn trim() {}
