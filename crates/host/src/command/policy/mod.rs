//! `holdfast policy`: IAM policies, offline.

mod generate;

use holdfast_core::error::Error;

use super::Exit;
use crate::cli;

pub(super) fn run(args: &cli::Policy) -> Result<Exit, Error> {
    match args {
        cli::Policy::Generate(args) => generate::run(args),
    }
}
