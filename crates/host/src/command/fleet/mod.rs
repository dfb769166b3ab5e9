//! `holdfast fleet`: how old is each client's newest backup?

mod table;

use std::collections::BTreeSet;

use holdfast_core::{
    error::Error,
    event::Event,
    fleet::Client,
    job::{Fleet, Work},
    report::{Outcome, Report},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{DONE, Exit, WARNINGS, config_error, policy, say, setup};
use crate::{cli, driver::World, state::job::random_run};

pub(super) fn run(args: &cli::Fleet) -> Result<Exit, Error> {
    let location = setup::location(&args.prefix)?;
    let prefix = location
        .prefix()
        .map_err(|error| config_error(error.to_string(), "a prefix ends in a slash: s3://BUCKET/home/"))?;
    let expected = args.clients.as_deref().map(policy::clients).transpose()?.unwrap_or_default();
    let work = Work::Fleet(Fleet {
        prefix,
        max_age_ms: u64::try_from(args.max_age.as_millis()).unwrap_or(u64::MAX),
        expected: names(expected)?,
    });
    // One document, and not one line for each event.
    let output = cli::Output { json: false, quiet: args.quiet || args.json, verbose: args.verbose };
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &args.transfer, output)?;
    let progress = if output.quiet { ProgressBar::hidden() } else { progress() };
    let mut clients = Vec::new();
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work,
        world: World::default(),
        journal: None,
        on_event: Some(&mut |event, _| match event {
            Event::ClientsFound { clients } => progress.set_length(*clients),
            Event::Client(client) => {
                progress.inc(1);
                clients.push(client.clone());
            }
            _ => {}
        }),
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    progress.finish_and_clear();
    // They come in the order in which their listings ended.
    clients.sort_by(|a: &Client, b: &Client| a.name.cmp(&b.name));
    let exit = match &outcome {
        Outcome::Done(Report::Fleet(report)) if report.is_well() => DONE,
        Outcome::Done(_) => WARNINGS,
        Outcome::Failed(error) => error.kind.exit_code(),
    };
    if args.json {
        setup.ui.data(&document(&outcome, &clients, exit).to_string());
    }
    match &outcome {
        Outcome::Done(Report::Fleet(report)) if !output.quiet => table::print(report, &clients, args.verbose),
        Outcome::Done(_) => {}
        Outcome::Failed(error) => say(error),
    }
    Ok(exit)
}

/// Clients as people list them: with or without the slash of their prefix.
fn names(lines: Vec<String>) -> Result<BTreeSet<String>, Error> {
    let name = |line: String| {
        let name = line.strip_suffix('/').unwrap_or(&line);
        if name.contains('/') || name.is_empty() {
            let what = format!("{line:?} is not a client's name");
            return Err(config_error(what, "a name is one level below the fleet's prefix: client1, not home/client1"));
        }
        Ok(name.to_owned())
    };
    lines.into_iter().map(name).collect()
}

/// The whole of it for programs.
fn document(outcome: &Outcome, clients: &[Client], exit: Exit) -> serde_json::Value {
    match outcome {
        Outcome::Done(report) => json!({ "exit_code": exit, "report": report, "clients": clients }),
        Outcome::Failed(error) => json!({ "exit_code": exit, "code": error.kind.code(), "error": error }),
    }
}

/// A counter on a terminal, and nothing elsewhere.
fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{human_pos} of {human_len} clients");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_levels() {
        let lines = ["client2", "client1/", "client2"].map(str::to_owned).to_vec();
        assert_eq!(names(lines).expect("names").into_iter().collect::<Vec<_>>(), ["client1", "client2"]);
        for line in ["home/client1", "home/client1/", "/"] {
            assert!(names(vec![line.to_owned()]).is_err(), "{line}");
        }
    }
}
