//! vofs-mount.
fn main() {}
