#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| web_probe::fuzzing::page(data));
