//! The fuzzer on [`vofs_fuzz::documents::job`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vofs_fuzz::documents::job(bytes));
