//! `holdfast get` and `holdfast verify`: the same conversation; the one keeps what it reads.

use std::sync::Arc;

use holdfast_core::{
    error::{Error, Kind},
    job::{Fetch, Known, Work},
    journal::Record,
    name::Key,
    report::{Compared, Outcome, Report},
};

use super::{DONE, Exit, WARNINGS, config_error, end, member, opened::Opened, setup, verify};
use crate::{
    cli,
    destination::{Destination, File},
    driver::World,
    state::job::{Direction, JobFile, JobFolder, now_s, random_run},
    ui::report_text,
};

pub(super) fn get(args: &cli::Get) -> Result<Exit, Error> {
    if let Some(member) = &args.member {
        return member::get(args, member);
    }
    let location = setup::location(&args.from)?;
    let key = key(&location.path)?;
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &args.transfer, args.output)?;
    let destination = Arc::new(File::open(&args.to, args.overwrite)?);
    let folder = JobFolder::lock(&setup.state, Direction::Download, &setup.target, &key)?;
    let path = setup::absolute(&args.to);
    let earlier = folder.read().filter(|earlier| earlier.path == path);
    let (mut journal, read) = folder.journal()?;
    let mut records = read.records;
    if earlier.is_none() {
        journal.clear()?;
        records.clear();
    }
    let run = random_run()?;
    folder.write(&JobFile {
        version: 1,
        run: run.clone(),
        direction: Direction::Download,
        path,
        fingerprint: None,
        target: setup.target.clone(),
        key: key.clone(),
        begun_at: now_s(),
        base: None,
    })?;
    let known = known(&setup, &key);
    let work = Work::Fetch(Fetch { key: key.clone(), etag: None, keep: true, known });
    let place = format!("s3://{}/{key}", setup.target.bucket);
    let reserved = Arc::clone(&destination);
    let outcome = setup.converse(setup::Task {
        run,
        work,
        world: World { source: None, destination: Some(Destination::File(Arc::clone(&destination))) },
        journal: Some((journal, records)),
        on_event: None,
        on_planned: Some(&mut |len| reserved.reserve(len)),
        progress: None,
        quiet: false,
    })?;
    drop(reserved);
    // The workers are gone; only a stuck one could still hold it, and then nothing is renamed.
    let Some(destination) = Arc::into_inner(destination) else {
        return Err(Error::new(Kind::Bug, "the download's file is still in use").hint("run it again"));
    };
    let mut outcome = outcome;
    if let Outcome::Done(Report::Fetch(fetch)) = &mut outcome
        && fetch.compared_with.is_empty()
    {
        // Nothing vouches for it from outside; a backup vouches for itself.
        match verify::fetched(&destination, fetch.len) {
            Ok(true) => fetch.compared_with.push(Compared::Members),
            Ok(false) => {}
            Err(error) => outcome = Outcome::Failed(error),
        }
    }
    match &outcome {
        Outcome::Done(_) => {
            destination.finish()?;
            folder.remove()?;
        }
        Outcome::Failed(error) if matches!(error.kind, Kind::Integrity | Kind::NoSuchKey | Kind::Changed) => {
            destination.discard();
            folder.remove()?;
        }
        Outcome::Failed(error) => {
            folder.failed(error)?;
            setup.ui.line("what arrived is kept: run the same command again to continue");
        }
    }
    Ok(end(&mut setup.ui, &outcome, exit(&outcome), |ui| tell(ui, &outcome, &place)))
}

pub(super) fn verify(args: &cli::Verify) -> Result<Exit, Error> {
    let location = setup::location(&args.object)?;
    let key = key(&location.path)?;
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &args.transfer, args.output)?;
    match Opened::open(&mut setup, &key) {
        Ok(backup) if backup.is_ours()? => return verify::members(&mut setup, &backup, args.sample),
        // Any other object; and a key that may not read is told so below.
        Ok(_) => {}
        Err(error) if args.sample.is_some() || error.kind == Kind::Cancelled => return Err(error),
        Err(_) => {}
    }
    let known = known(&setup, &key);
    let place = format!("s3://{}/{key}", setup.target.bucket);
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work: Work::Fetch(Fetch { key, etag: None, keep: false, known }),
        world: World::default(),
        journal: None,
        on_event: None,
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    Ok(end(&mut setup.ui, &outcome, exit(&outcome), |ui| tell(ui, &outcome, &place)))
}

fn tell(ui: &crate::ui::Ui, outcome: &Outcome, place: &str) {
    if let Outcome::Done(report) = outcome {
        ui.line(&report_text(report, place));
    }
}

/// Bytes that nothing vouches for are not called verified.
fn exit(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Done(Report::Fetch(fetch)) if fetch.compared_with.is_empty() => WARNINGS,
        _ => DONE,
    }
}

fn key(path: &str) -> Result<Key, Error> {
    Key::parse(path).map_err(|error| config_error(error.to_string(), "name the object: s3://BUCKET/KEY"))
}

/// What the upload from this machine wrote down about the object.
fn known(setup: &setup::Setup, key: &Key) -> Option<Known> {
    let folder = JobFolder::lock(&setup.state, Direction::Upload, &setup.target, key).ok()?;
    if folder.read().is_none() {
        // Locking made the folder; there was no such upload.
        let _ = folder.remove();
        return None;
    }
    folder.records().into_iter().rev().find_map(|record| match record {
        Record::Completed { etag, len, crc64nvme, part_len } => Some(Known { etag, len, part_len, crc64nvme }),
        _ => None,
    })
}
