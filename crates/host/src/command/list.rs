//! `holdfast list`: objects, as they come.

use holdfast_core::{
    error::Error,
    event::{Entry, Event},
    job::{List, Work},
    report::{Outcome, Report},
};
use indicatif::HumanBytes;

use super::{DONE, Exit, config_error, end, setup};
use crate::{cli, driver::World, state::job::random_run, ui::report_text};

pub(super) fn run(args: &cli::List) -> Result<Exit, Error> {
    let location = setup::location(&args.prefix)?;
    let prefix = location
        .prefix()
        .map_err(|error| config_error(error.to_string(), "a prefix ends in a slash: s3://BUCKET/home/client1/"))?;
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &args.transfer, args.output)?;
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work: Work::List(List { prefix, shallow: !args.recursive }),
        world: World::default(),
        journal: None,
        on_event: Some(&mut |event, ui| {
            if ui.json() {
                return;
            }
            match event {
                Event::Entry(entry) => ui.data(&line(entry)),
                Event::CommonPrefix { prefix } => ui.data(&format!("{:>10}  {:<20}  {}", "", "", printable(prefix))),
                _ => {}
            }
        }),
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    let place = args.prefix.clone();
    Ok(end(&mut setup.ui, &outcome, DONE, |ui| {
        if let Outcome::Done(report @ Report::List { objects, .. }) = &outcome
            && *objects > 0
        {
            ui.line(&report_text(report, &place));
        }
    }))
}

fn line(entry: &Entry) -> String {
    let size = HumanBytes(entry.len).to_string();
    let date = entry.last_modified.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{size:>10}  {date:<20}  {}", printable(&entry.key))
}

/// A key is anything: what would move a terminal's cursor is shown, not sent.
pub(super) fn printable(key: &str) -> String {
    key.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
