#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mailhost_probe::fuzzing::agent(data));
