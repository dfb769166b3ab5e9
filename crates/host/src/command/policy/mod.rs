//! `holdfast policy`: IAM policies, offline.

mod file;
mod generate;
mod lint;
mod simulate;

pub(super) use file::clients;
use holdfast_core::{
    error::Error,
    iam::generate::{ClientPrefix, FaultyName},
    name::Bucket,
};

use super::{Exit, config_error};
use crate::cli;

pub(super) fn run(args: &cli::Policy) -> Result<Exit, Error> {
    match args {
        cli::Policy::Generate(args) => generate::run(args),
        cli::Policy::Lint(args) => lint::run(args),
        cli::Policy::Simulate(args) => simulate::run(args),
    }
}

fn bucket(name: &str) -> Result<Bucket, Error> {
    Bucket::parse(name)
        .map_err(|error| config_error(error.to_string(), "the bare name, without s3:// and without a prefix"))
}

fn prefix(text: &str) -> Result<ClientPrefix, Error> {
    ClientPrefix::parse(text).map_err(faulty)
}

fn faulty(error: FaultyName) -> Error {
    let hint = match &error {
        FaultyName::Client { .. } => "each client is an IAM user; --client takes that user's name",
        FaultyName::KmsKey(..) => "`aws kms describe-key --key-id KEY` shows the key's ARN",
        _ => "as in --prefix 'home/${aws:username}/'",
    };
    config_error(error.to_string(), hint)
}
