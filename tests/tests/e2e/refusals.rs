//! Bad input: what cannot be done is named in plain words and counted, the rest is done, nothing is lost and nothing
//! replaced by accident.

mod local;
mod names;
mod services;
