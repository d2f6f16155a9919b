//! vospaced.
fn main() {}
