//! `holdfast policy`: policies, offline.

mod file;
mod simulate;

use holdfast_core::error::Error;

use super::Exit;
use crate::cli;

pub(super) fn run(args: cli::Policy) -> Result<Exit, Error> {
    match args {
        cli::Policy::Simulate(args) => simulate::run(&args),
    }
}
