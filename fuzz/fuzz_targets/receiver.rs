#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::on_device::receiver::receiver(data));
