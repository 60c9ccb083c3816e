#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mx_check::fuzzing::registration(data));
