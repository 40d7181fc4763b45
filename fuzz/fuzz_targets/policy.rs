//! Runs `people_fuzz::policy` with the inputs of the engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| people_fuzz::policy(input));
