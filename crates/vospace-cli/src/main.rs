//! vospace-cli.
fn main() {}
