//! `holdfast completions`.

use clap::CommandFactory;
use holdfast_core::error::Error;

use super::{DONE, Exit};
use crate::cli::Cli;

#[allow(clippy::unnecessary_wraps)] // as the other commands
pub(super) fn run(shell: clap_complete::Shell) -> Result<Exit, Error> {
    clap_complete::generate(shell, &mut Cli::command(), "holdfast", &mut std::io::stdout());
    Ok(DONE)
}
