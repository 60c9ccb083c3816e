#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| delivery_probe::fuzzing::ledger(data));
