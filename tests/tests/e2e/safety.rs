//! Twenty things that the Python commands do and that lose data, keep silent or lead astray: each has a test of its
//! number that shows what ours do instead, on both profiles.

mod copies;
mod nodes;
mod starts;
