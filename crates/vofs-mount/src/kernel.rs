//! What is asked of the kernel when a mount begins.

use fuser::{InitFlags, KernelConfig};

/// Requests that the kernel keeps in flight: its default of 16 would be one reader's read-ahead.
const BACKGROUND: u16 = 64;

/// Largest write in one request: what the kernel allows without its page limit being raised.
const MAX_WRITE: u32 = 1024 * 1024;

/// How many file systems may be stacked below: the cache directory is on a plain one. With one more, the mount itself could not
/// be the lower layer of an overlay.
const STACKED: u32 = 1;

/// Asks the kernel for what makes the mount fast. What it does not know is done without, and said where it was asked for by
/// the user.
pub(crate) fn configure(config: &mut KernelConfig, passthrough: bool) -> Result<(), &'static str> {
    for capability in [
        InitFlags::FUSE_PARALLEL_DIROPS,
        InitFlags::FUSE_DO_READDIRPLUS,
        InitFlags::FUSE_READDIRPLUS_AUTO,
        InitFlags::FUSE_ATOMIC_O_TRUNC,
        InitFlags::FUSE_ASYNC_DIO,
        InitFlags::FUSE_CACHE_SYMLINKS,
        // No node has such bits, so there is nothing to be done for it; without, every write asks for an attribute first.
        InitFlags::FUSE_HANDLE_KILLPRIV_V2,
    ] {
        if config.add_capabilities(capability).is_err() {
            tracing::debug!(?capability, "not known to this kernel");
        }
    }
    let _ = config.set_max_background(BACKGROUND);
    let _ = config.set_max_write(MAX_WRITE);
    if passthrough {
        let known = config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok();
        known.then_some(()).ok_or("this kernel does not know it")?;
        let _ = config.set_max_stack_depth(STACKED);
    }
    Ok(())
}
