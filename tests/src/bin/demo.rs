//! Tells the demo's story on stdout; `cargo xtask demo` builds and fetches what it needs first.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use holdfast_testbed::{archive, demo};

fn main() -> ExitCode {
    let mut out = stdout().lock();
    match demo::tell(&archive::wordpress_tree(), &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(unexpected) => {
            writeln!(out, "\nThe demo failed: {unexpected}").ok();
            ExitCode::FAILURE
        }
    }
}
