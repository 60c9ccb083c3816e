#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| eas_probe::fuzzing::discovery(data));
