//! `cargo xtask demo`: what a fresh machine lacks, two builds, then the test bed tells the story.

use std::time::Instant;

use crate::{install, place, run};

/// Runs it.
pub(crate) fn demo() -> Result<(), String> {
    let began = Instant::now();
    install::rust::install()?;
    install::debian::install(install::debian::FOR_SITES)?;
    install::debian::install(&[(&["unzip", "-v"], "unzip")])?;
    let tree = install::wordpress::install()?;
    println!("build: the runner, with its module compiled ahead of time inside (minutes, the first time)");
    run::run(run::cargo().args(["build", "--release", "--package", "holdfast"]))?;
    println!("build: the demo");
    run::run(run::cargo().args(["build", "--package", "holdfast-testbed", "--bin", "demo"]))?;
    println!("ready after {} s", began.elapsed().as_secs());
    run::run(
        run::command(place::target().join("debug/demo"))
            .env("HOLDFAST_BIN", place::runner())
            .env("HOLDFAST_XTASK_CACHE", place::cache())
            .env("HOLDFAST_WORDPRESS", tree),
    )
}
