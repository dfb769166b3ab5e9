//! The binary: parse, run, say how it ended.

use std::process::ExitCode;

use clap::Parser;
use holdfast::{address_space, cli::Cli, command};

fn main() -> ExitCode {
    address_space::spare();
    ExitCode::from(command::run(Cli::parse()))
}
