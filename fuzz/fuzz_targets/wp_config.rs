//! Any bytes in place of wp-config.php: following them ends, and does not panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| holdfast::wordpress::follow(source));
