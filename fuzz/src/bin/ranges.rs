//! The fuzzer on [`vofs_fuzz::headers::ranges`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vofs_fuzz::headers::ranges(bytes));
