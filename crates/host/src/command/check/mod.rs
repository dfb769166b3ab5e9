//! `holdfast check`: Test connection.

mod table;

use holdfast_core::{
    error::Error,
    job::{Check, ObjectSettings, Work},
    name::Key,
    report::{Outcome, Report},
    verdict::{Backups, CheckReport, Isolation},
};

use super::{DONE, Exit, WARNINGS, config_error, end, setup, upload};
use crate::{cli, driver::World, state::job::random_run};

/// All questions travel at once, each on a connection of its own.
const CONCURRENCY: u32 = 28;

/// The exit code of a permission that is missing.
const DENIED: Exit = 12;

pub(super) fn run(args: cli::Check) -> Result<Exit, Error> {
    let location = setup::location(&args.prefix)?;
    let prefix = location
        .prefix()
        .map_err(|error| config_error(error.to_string(), "a prefix ends in a slash: s3://BUCKET/home/client1/"))?;
    let canary = args
        .canary
        .map(|key| Key::parse(key).map_err(|error| config_error(error.to_string(), "a canary is an object's key")))
        .transpose()?;
    if let Some(key) = canary.as_ref().filter(|key| key.as_str().starts_with(prefix.as_str())) {
        let what = format!("`{key}` lies in {} and would prove nothing", args.prefix);
        return Err(config_error(what, "a canary is an object of another client's, outside this prefix"));
    }
    let check = Check {
        prefix,
        object: ObjectSettings {
            storage_class: args.storage_class,
            encryption: upload::encryption(args.encrypt.as_deref())?,
            tags: upload::pairs("tag", &args.tags)?,
            ..ObjectSettings::default()
        },
        marker: if args.no_marker { None } else { Some(random_run()?) },
        isolation: !args.no_isolation,
        canary,
    };
    let transfer =
        cli::Transfer { concurrency: CONCURRENCY, retry_for: args.retry_for, limit_rate: None, state: args.state };
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &transfer, args.output)?;
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work: Work::Check(check),
        world: World::default(),
        journal: None,
        on_event: None,
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    let exit = match &outcome {
        Outcome::Done(Report::Check(report)) => exit(report),
        _ => DONE,
    };
    let keys = setup.signed_with();
    Ok(end(&mut setup.ui, &outcome, exit, |ui| {
        if let Outcome::Done(Report::Check(report)) = &outcome
            && !ui.json()
            && !args.output.quiet
        {
            table::print(report, keys.as_deref(), args.output.verbose);
        }
    }))
}

/// Whether backups work decides; then whether there is anything to look at.
fn exit(report: &CheckReport) -> Exit {
    let summary = &report.summary;
    match (&report.trouble, summary.backups) {
        (Some(error), _) => error.kind.exit_code(),
        (None, Backups::WillNotWork) => DENIED,
        (None, Backups::WorkWithLimits | Backups::Unknown) => WARNINGS,
        (None, Backups::Work) => match summary.isolation {
            None | Some(Isolation::Closed) => DONE,
            Some(Isolation::Open | Isolation::Inconclusive) => WARNINGS,
        },
    }
}
