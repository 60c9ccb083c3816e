#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(probe_net::tls::Certificate::parse(data)));
