#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::formats::own_csv_old(data));
