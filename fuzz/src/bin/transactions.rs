//! The fuzzer on [`vofs_fuzz::headers::transactions`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vofs_fuzz::headers::transactions(bytes));
