//! cargo-deny, built once from crates.io. Its own optimisation is not worth the wait: a debug build
//! takes a minute and a half and checks this workspace in a second.

use std::path::PathBuf;

use super::say;
use crate::{place, run};

const VERSION: &str = "0.20.2";

/// The path of the program.
pub(crate) fn install(jobs: usize) -> Result<PathBuf, String> {
    let root = place::cache().join(format!("cargo-deny-{VERSION}"));
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        say(format!("cargo-deny {VERSION} with cargo install"));
        run::run(
            run::cargo()
                .args(["install", "cargo-deny", "--locked", "--debug", "--version", VERSION])
                .args(["--jobs", &jobs.to_string(), "--root"])
                .arg(&root)
                .arg("--target-dir")
                .arg(root.join("target"))
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
        )?;
        // 600 MB that nobody needs again.
        std::fs::remove_dir_all(root.join("target")).ok();
    }
    Ok(program)
}
