//! The binary: parse, run, say how it ended.

use std::process::ExitCode;

use clap::Parser;
use holdfast::{cli::Cli, command};

fn main() -> ExitCode {
    ExitCode::from(command::run(Cli::parse()))
}
