//! `holdfast backup`: a whole site becomes one object, and only what changed travels.
//!
//! ```text
//!  scope ─▶ site, lock ─▶ base ─▶ survey ─▶ driver ◀── parts ── producer (dump, walk, pack)
//! ```

pub(in crate::command) mod base;
mod produce;
mod report;
mod runs;
mod scope;
mod site;
mod survey;

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use holdfast_core::{
    error::{Error, Kind},
    event::Event,
    job::{Backup, ObjectSettings, Work},
    name::Key,
    report::{BackupReport, Outcome, Report},
};

use self::{
    base::Base,
    produce::{Made, Producer},
    runs::Runs,
    scope::What,
    site::Site,
    survey::Survey,
};
use super::{DONE, Exit, WARNINGS, config_error, end, point_to_explain, setup, upload};
use crate::{
    archive::pack::Progress,
    cli,
    driver::{Feed, World},
    mysql::SiteLock,
    priority,
    signal::Stop,
    state::{
        job::{Direction, JobFile, JobFolder, forget_old, now_s, random_run},
        local,
        site::Last,
    },
    stream::Stream,
    ui::{Style, Ui},
};

/// Parts that are held in memory at the same time, at the most.
const WINDOW: u32 = 4;

/// An earlier run that began longer ago is not continued: what it copied and sent is too old.
const TOO_OLD_S: u64 = 3 * 86_400;

pub(super) fn run(args: cli::Backup) -> Result<Exit, Error> {
    let output = args.output;
    back_up(args).or_else(|error| {
        if !output.json {
            return Err(error);
        }
        // Programs hear of what goes wrong before a job begins, too.
        let mut ui = Ui::new(Style::Json, false);
        Ok(end(&mut ui, &Outcome::Failed(error), DONE, |_| {}))
    })
}

fn back_up(args: cli::Backup) -> Result<Exit, Error> {
    let location = setup::location(&args.to)?;
    let prefix = location
        .prefix()
        .map_err(|error| config_error(error.to_string(), "a prefix ends in a slash: s3://BUCKET/home/client1/"))?;
    if !args.what.no_nice {
        priority::lower();
    }
    let object = ObjectSettings {
        storage_class: args.storage_class.clone(),
        encryption: upload::encryption(args.encrypt.as_deref())?,
        tags: upload::pairs("tag", &args.tags)?,
        ..ObjectSettings::default()
    };
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &args.transfer, args.output)?;
    let what = scope::find(&args.what, &setup.state)?;
    let site = Site::find(&mut setup, &prefix, &what, args.what.site_name.as_deref())?;
    let folder = JobFolder::lock(&setup.state, Direction::Backup, &setup.target, &site.lock_key()?)?;
    let mut night = Night { args: &args, setup, what, site, folder, object, warnings: Vec::new() };
    night.warnings.append(&mut night.what.warnings.clone());
    night.run()
}

/// One run.
struct Night<'a> {
    args: &'a cli::Backup,
    setup: setup::Setup,
    what: What,
    site: Site,
    folder: JobFolder,
    object: ObjectSettings,
    warnings: Vec<Error>,
}

/// What this run makes, and of what.
struct Plan {
    run: String,
    key: Key,
    begun_at: u64,
    base: Option<Base>,
    /// Why there is no base, if a person would expect one.
    why_full: Option<String>,
}

impl Night<'_> {
    fn run(&mut self) -> Result<Exit, Error> {
        // Several web heads share no disk, but they share the database.
        let _lock = match &self.what.database {
            Some((database, _)) if !self.args.dry_run => Some(SiteLock::take(database, &self.site.file.id)?),
            _ => None,
        };
        let listing = base::list(&mut self.setup, &self.site.prefix)?;
        let plan = match self.resumable()? {
            Some(plan) if !self.args.dry_run => plan,
            _ => self.fresh(&listing, None)?,
        };
        let survey = Survey::take(&self.what, plan.base.as_ref(), self.args.paranoid)?;
        if self.args.dry_run {
            report::dry_run(&self.setup.ui, &self.what, &plan_words(&plan), &survey, &self.site);
            return Ok(DONE);
        }
        let plan = match self.attempt(plan, &survey)? {
            Ok(exit) => return Ok(exit),
            // The copy was refused: without it, everything is sent.
            Err(why) => {
                self.setup.ui.line(&format!("the last backup cannot be copied from ({why}): everything is sent"));
                self.fresh(&listing, Some(why))?
            }
        };
        let survey = Survey::take(&self.what, None, self.args.paranoid)?;
        match self.attempt(plan, &survey)? {
            Ok(exit) => Ok(exit),
            Err(why) => Err(Error::new(Kind::Bug, why)),
        }
    }

    /// The backup that an earlier run began and did not finish.
    fn resumable(&mut self) -> Result<Option<Plan>, Error> {
        if self.folder.report().is_some() || self.args.full || self.args.compact {
            return Ok(None);
        }
        let Some(earlier) = self.folder.read() else { return Ok(None) };
        let is_open = !upload::orphans_of(&earlier.key, &self.folder.records()).is_empty();
        if !is_open || now_s().saturating_sub(earlier.begun_at) > TOO_OLD_S {
            return Ok(None);
        }
        let base = match &earlier.base {
            None => None,
            Some(begun_with) => {
                let last = self.site.file.last.clone();
                match Base::resumed(&mut self.setup, &self.site.folder, last, begun_with)? {
                    Some(base) => Some(base),
                    None => return Ok(None),
                }
            }
        };
        let JobFile { run, key, begun_at, .. } = earlier;
        Ok(Some(Plan { run, key, begun_at, base, why_full: None }))
    }

    /// A backup of now.
    fn fresh(&mut self, listing: &base::Listing, full: Option<String>) -> Result<Plan, Error> {
        let last = self.site.file.last.clone();
        let (base, why_full) = if full.is_some() {
            (None, full)
        } else if self.args.full {
            (None, Some("it was asked for".to_owned()))
        } else {
            match base::choose(&mut self.setup, &self.site.folder, last, listing, self.args.compact)? {
                Ok(base) => (Some(base), None),
                Err(why) => (None, why),
            }
        };
        let begun_at = now_s();
        let key = self.site.key_at(begun_at, listing)?;
        if let Some(newest) = listing.newest()
            && base::moment(&newest.key) > base::moment(key.as_str())
        {
            let what = format!("the clock of this machine stands before the newest backup, {}", newest.key);
            let hint = "set the clock; until then this backup does not count as the newest";
            self.warn(Error::new(Kind::ClockSkew, what).hint(hint));
        }
        Ok(Plan { run: random_run()?, key, begun_at, base, why_full })
    }

    fn warn(&mut self, error: Error) {
        self.setup.ui.event(&Event::Warning(error.clone()));
        self.warnings.push(error);
    }

    /// Makes the backup; `Err` when the server would not copy from the base.
    fn attempt(&mut self, plan: Plan, survey: &Survey) -> Result<Result<Exit, String>, Error> {
        let (mut journal, read) = self.folder.journal()?;
        let mut runs = Runs::open(&self.folder);
        let mut records = read.records;
        let continues = self.folder.read().is_some_and(|earlier| earlier.run == plan.run);
        let mut orphans = Vec::new();
        if !continues {
            if let Some(earlier) = self.folder.read() {
                orphans = upload::orphans_of(&earlier.key, &records);
            }
            records.clear();
            if orphans.is_empty() {
                journal.clear()?;
            }
            runs.clear()?;
        }
        self.folder.write(&JobFile {
            version: 1,
            run: plan.run.clone(),
            direction: Direction::Backup,
            path: self.what.trees.first().map(|tree| tree.options.root.clone()).unwrap_or_default(),
            fingerprint: None,
            target: self.setup.target.clone(),
            key: plan.key.clone(),
            begun_at: plan.begun_at,
            base: plan.base.as_ref().map(Base::work),
        })?;
        let place = format!("s3://{}/{}", self.setup.target.bucket, plan.key);
        self.setup.ui.line(&format!("backing up {} to {place}", self.what.words));
        self.setup.ui.line(&plan_words(&plan));
        self.setup.ui.line(&survey.words());
        let stream = Stream::new();
        let progress = Progress::default();
        progress.total.store(survey.bytes, Ordering::Relaxed);
        // Its own: the job may end without anybody having asked for it.
        let stop = Stop::default();
        let producer = Producer {
            what: &self.what,
            base: plan.base.as_ref(),
            stream: &stream,
            runs: &mut runs,
            site_id: &self.site.file.id,
            key: plan.key.as_str(),
            begun_at: plan.begun_at,
            spool_folder: self.setup.state.path().to_owned(),
            paranoid: self.args.paranoid,
            progress: &progress,
            stop: &stop,
        };
        let task = setup::Task {
            run: plan.run.clone(),
            work: Work::Backup(Box::new(Backup {
                key: plan.key.clone(),
                base: plan.base.as_ref().map(Base::work),
                estimate: survey.to_send,
                window: WINDOW,
                object: self.object_settings(),
                orphans,
            })),
            world: World { source: Some(Feed::Stream(Arc::clone(&stream))), ..World::default() },
            journal: Some((journal, records)),
            progress: Some(setup::Share { total: &progress.total, done: &progress.bytes }),
            quiet: false,
            on_event: None,
            on_planned: None,
        };
        let setup = &mut self.setup;
        let (result, made) = thread::scope(|scope| {
            let spawned = thread::Builder::new().name("archive".to_owned()).spawn_scoped(scope, || producer.run());
            let thread = match spawned {
                Ok(thread) => thread,
                Err(error) => {
                    let what = format!("cannot start a thread: {error}");
                    return (Err(Error::new(Kind::Local, what)), None);
                }
            };
            let result = setup.converse(task);
            // Whatever the end, nobody takes parts any more.
            stream.end();
            if !matches!(result, Ok(Outcome::Done(_))) {
                stop.request();
            }
            (result, thread.join().ok().flatten())
        });
        let outcome = result.unwrap_or_else(Outcome::Failed);
        match (outcome, made) {
            (Outcome::Done(Report::Backup(report)), Some(made)) => {
                self.done(&plan, &report, made, &mut runs, &place).map(Ok)
            }
            // An earlier run had sent it all, and only the end was missing.
            (Outcome::Done(Report::Backup(report)), None) => self.found_done(&plan, &report, &mut runs, &place).map(Ok),
            (Outcome::Done(_), _) => Err(Error::new(Kind::Bug, "a backup has ended as something else")),
            (Outcome::Failed(error), _) if plan.base.is_some() && error.is_of_copy() => {
                self.folder.failed(&error)?;
                Ok(Err(error.to_string()))
            }
            (Outcome::Failed(error), _) => self.failed(error).map(Ok),
        }
    }

    fn object_settings(&self) -> ObjectSettings {
        let mut object = self.object.clone();
        object.content_type = Some("application/zip".to_owned());
        object.metadata.insert("holdfast-site".to_owned(), self.site.file.id.clone());
        object
    }

    fn done(
        &mut self,
        plan: &Plan,
        report: &BackupReport,
        made: Made,
        runs: &mut Runs,
        place: &str,
    ) -> Result<Exit, Error> {
        for warning in &made.warnings {
            self.warn(warning.clone());
        }
        self.remember(plan, report, &made, runs)?;
        runs.clear()?;
        let outcome = Outcome::Done(Report::Backup(report.clone()));
        self.folder.end(&outcome)?;
        forget_old(&self.setup.state)?;
        let summary = report::Summary {
            key: plan.key.as_str(),
            site: &self.site.file.id,
            base: plan.base.as_ref().map(|base| base.last.key.as_str()),
            why_full: plan.why_full.as_deref(),
            compacted: plan.base.as_ref().is_some_and(|base| base.compacted),
            tally: &made.tally,
            database: made.database.as_ref(),
            warnings: &self.warnings,
        };
        let exit = if summary.is_clean() { DONE } else { WARNINGS };
        let ui = &mut self.setup.ui;
        ui.end_with(&summary.with(report), exit);
        report::tell(ui, report, &summary, place);
        Ok(exit)
    }

    /// A backup that was all there: what the next night builds on is read from it.
    fn found_done(&mut self, plan: &Plan, report: &BackupReport, runs: &mut Runs, place: &str) -> Result<Exit, Error> {
        let outcome = Outcome::Done(Report::Backup(report.clone()));
        match base::adopt(&mut self.setup, &self.site.folder, &plan.key, plan.begun_at) {
            Ok(last) => {
                self.site.file.last = Some(last);
                self.site.folder.write(&self.site.file)?;
            }
            // The backup is whole; the next one sends everything.
            Err(error) => self.warn(error),
        }
        self.folder.end(&outcome)?;
        runs.clear()?;
        let exit = if self.warnings.is_empty() { DONE } else { WARNINGS };
        Ok(end(&mut self.setup.ui, &outcome, exit, |ui| {
            ui.line(&format!("{place} is stored: an earlier run had sent all of it, and only the end was missing"));
        }))
    }

    /// Keeps what the next night builds on.
    fn remember(&mut self, plan: &Plan, report: &BackupReport, made: &Made, runs: &Runs) -> Result<(), Error> {
        let (from, to) = (runs.newest(), self.site.folder.directory());
        // The members' list ends where the central directory does; its end records are not kept.
        std::fs::rename(&from, &to).map_err(|error| local("keep", &to, &error))?;
        let sum = crate::state::site::sha256_of(&to).map_err(|error| local("read", &to, &error))?;
        let afresh = plan.base.as_ref().is_none_or(|base| base.compacted);
        let nights = plan.base.as_ref().filter(|_| !afresh).map_or(0, |base| base.last.nights + 1);
        self.site.file.last = Some(Last {
            key: plan.key.as_str().to_owned(),
            etag: report.etag.clone(),
            len: report.len,
            directory_offset: made.directory_offset,
            directory_len: made.directory_len,
            entries: made.entries,
            directory_sha256: sum,
            dead: made.tally.dead_bytes,
            nights,
            made_at: plan.begun_at,
        });
        self.site.folder.write(&self.site.file)
    }

    fn failed(&mut self, error: Error) -> Result<Exit, Error> {
        let open =
            self.folder.read().is_some_and(|file| !upload::orphans_of(&file.key, &self.folder.records()).is_empty());
        let outcome = Outcome::Failed(error.clone());
        if open {
            self.folder.failed(&error)?;
            let id = &self.folder.id;
            self.setup.ui.line(&format!(
                "what has arrived is kept: run the same command again to continue, or give up with \
                 `holdfast job cancel {id}`"
            ));
        } else {
            self.folder.end(&outcome)?;
        }
        let exit = end(&mut self.setup.ui, &outcome, DONE, |_| {});
        point_to_explain(&self.setup.ui, &outcome, &self.folder.id);
        Ok(exit)
    }
}

fn plan_words(plan: &Plan) -> String {
    match (&plan.base, &plan.why_full) {
        (Some(base), _) if base.compacted => {
            format!("what has not changed is copied from {}, without its dead bytes", base.last.key)
        }
        (Some(base), _) => format!("what has not changed is copied from {}", base.last.key),
        (None, Some(why)) => format!("everything is sent: {why}"),
        (None, None) => "everything is sent: it is the first backup, or a small one".to_owned(),
    }
}
