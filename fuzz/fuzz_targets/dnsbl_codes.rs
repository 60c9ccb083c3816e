#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dnsbl_probe::fuzzing::codes(data));
