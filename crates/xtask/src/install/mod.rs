//! Installs what a command needs and what is not there yet. Each says what it does before it does.

pub(crate) mod cargo_deny;
pub(crate) mod debian;
pub(crate) mod go;
pub(crate) mod python;
pub(crate) mod rust;
pub(crate) mod servers;
pub(crate) mod wordpress;

/// Everything that `cargo xtask test` needs.
pub(crate) fn for_tests(jobs: usize) -> Result<(), String> {
    rust::install()?;
    debian::install(debian::FOR_TESTS)?;
    debian::install(debian::FOR_SITES)?;
    servers::install(jobs)?;
    wordpress::install()?;
    cargo_deny::install(jobs)?;
    Ok(())
}

/// Says what is about to happen, as it may take minutes.
pub(crate) fn say(what: impl std::fmt::Display) {
    println!("install: {what}");
}
