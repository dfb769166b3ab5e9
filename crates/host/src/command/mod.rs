//! The verbs: one file each.

mod backup;
mod check;
mod completions;
mod explain;
mod fleet;
mod get;
mod job;
mod list;
mod member;
mod opened;
mod policy;
mod presign;
mod prune;
mod self_test;
mod setup;
mod show;
mod upload;
mod verify;

use std::io::Write;

use holdfast_core::{
    error::{Error, Kind},
    report::Outcome,
};

use crate::{
    cli::{Cli, Command},
    ui::{Ui, error_text},
};

/// How a command ended, as an exit code.
pub type Exit = u8;

/// Everything went as asked.
const DONE: Exit = 0;
/// It did, and there is something to look at.
const WARNINGS: Exit = 3;

/// Runs a command; gives the exit code.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let result = match cli.command {
        Command::Check(args) => check::run(args),
        Command::Upload(args) => upload::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Show(args) => show::show(&args),
        Command::Diff(args) => show::diff(&args),
        Command::Get(args) => get::get(&args),
        Command::Verify(args) => get::verify(&args),
        Command::List(args) => list::run(&args),
        Command::Fleet(args) => fleet::run(&args),
        Command::Prune(args) => prune::run(&args),
        Command::Presign(args) => presign::run(&args),
        Command::Job(args) => job::run(args),
        Command::Policy(args) => policy::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::SelfTest(args) => self_test::run(&args),
        Command::Completions { shell } => completions::run(shell),
    };
    result.unwrap_or_else(|error| {
        say(&error);
        error.kind.exit_code()
    })
}

/// Tells a person what is wrong.
fn say(error: &Error) {
    let _ = writeln!(std::io::stderr().lock(), "{}", error_text(error));
}

/// The end of a job: what programs read, what people read, and the exit code.
fn end(ui: &mut Ui, outcome: &Outcome, exit_when_done: Exit, tell: impl FnOnce(&Ui)) -> Exit {
    match outcome {
        Outcome::Done(_) => {
            ui.end(outcome, exit_when_done);
            tell(ui);
            exit_when_done
        }
        Outcome::Failed(error) => {
            let exit = error.kind.exit_code();
            ui.end(outcome, exit);
            say(error);
            exit
        }
    }
}

/// Where a denial is told at length.
fn point_to_explain(ui: &Ui, outcome: &Outcome, id: &str) {
    if let Outcome::Failed(error) = outcome
        && error.evidence.is_some()
        && error.kind.exit_code() == 12
    {
        ui.line(&format!("`holdfast explain --job {id}` says more"));
    }
}

fn config_error(what: impl Into<String>, hint: &str) -> Error {
    Error::new(Kind::Config, what).hint(hint)
}
