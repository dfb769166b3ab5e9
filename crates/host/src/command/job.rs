//! `holdfast job`: what this machine has sent, is sending, or has begun to send.

use holdfast_core::{
    error::{Error, Kind},
    job::{Abort, Work},
    journal::Record,
    report::Outcome,
};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::{DONE, Exit, end, setup, upload::orphans_of};
use crate::{
    cli,
    driver::World,
    state::{
        StateDir,
        job::{self, Direction, JobFolder, Listed, Standing, random_run},
    },
    ui::{Style, Ui, error_text, report_text},
};

pub(super) fn run(args: cli::Job) -> Result<Exit, Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let ui = Ui::new(Style::People, false);
    match args {
        cli::Job::List { state, json } => {
            let jobs = job::list(&StateDir::open(state.state_dir.as_deref(), &variable)?)?;
            if json {
                ui.data(&Value::Array(jobs.iter().map(as_json).collect()).to_string());
            } else if jobs.is_empty() {
                ui.line("no jobs");
            } else {
                jobs.iter().for_each(|job| ui.data(&line(job)));
            }
        }
        cli::Job::Show { id, state, json } => {
            let job = job::show(&StateDir::open(state.state_dir.as_deref(), &variable)?, &id)?;
            ui.data(&if json { as_json(&job).to_string() } else { details(&job) });
        }
        cli::Job::Cancel { id, mut storage, transfer, output } => {
            return cancel(&id, &mut storage, &transfer, output);
        }
    }
    Ok(DONE)
}

fn cancel(id: &str, storage: &mut cli::Storage, transfer: &cli::Transfer, output: cli::Output) -> Result<Exit, Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let state = StateDir::open(transfer.state.state_dir.as_deref(), &variable)?;
    let folder = JobFolder::lock_existing(&state, id)?;
    let Some(file) = folder.read() else {
        folder.remove()?;
        return Ok(DONE);
    };
    let orphans = match file.direction {
        Direction::Upload | Direction::Backup => orphans_of(&file.key, &folder.records()),
        Direction::Download => Vec::new(),
    };
    let mut setup = setup::Setup::new(storage, None, &file.target.bucket, transfer, output)?;
    // The job knows where it went; flags are only needed for the keys.
    setup.target = file.target;
    let (journal, _) = folder.journal()?;
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work: Work::Abort(Abort { orphans }),
        world: World::default(),
        journal: Some((journal, Vec::new())),
        on_event: None,
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    if matches!(outcome, Outcome::Done(_)) {
        folder.remove()?;
    }
    Ok(end(&mut setup.ui, &outcome, DONE, |ui| {
        if let Outcome::Done(report) = &outcome {
            ui.line(&format!("job {id} is forgotten; {}", report_text(report, "")));
        }
    }))
}

/// Parts and bytes that the journal says have moved.
fn moved(job: &Listed) -> (usize, u64) {
    let mut parts = 0;
    let mut bytes = 0;
    for record in &job.records {
        match record {
            Record::Planned { .. } | Record::PlannedBackup { .. } | Record::Fetching { .. } => (parts, bytes) = (0, 0),
            Record::Part { len, .. } => (parts, bytes) = (parts + 1, bytes + len),
            Record::Range { .. } => parts += 1,
            _ => {}
        }
    }
    (parts, bytes)
}

fn standing(job: &Listed) -> &'static str {
    match &job.standing {
        Standing::Running => "running",
        Standing::Ended(Outcome::Done(_)) => "done",
        Standing::Ended(Outcome::Failed(error)) if error.kind == Kind::Cancelled => "cancelled",
        Standing::Ended(Outcome::Failed(_)) => "failed",
        Standing::Interrupted => "interrupted",
    }
}

fn place(job: &Listed) -> String {
    format!("s3://{}/{}", job.file.target.bucket, job.file.key)
}

fn line(job: &Listed) -> String {
    let arrow = match job.file.direction {
        Direction::Upload | Direction::Backup => "->",
        Direction::Download => "<-",
    };
    format!("{}  {:<11}  {} {arrow} {}", job.id, standing(job), job.file.path.display(), place(job))
}

fn details(job: &Listed) -> String {
    let (parts, bytes) = moved(job);
    let mut text = format!("{}\nparts: {parts} ({}) have moved", line(job), HumanBytes(bytes));
    match &job.standing {
        Standing::Ended(Outcome::Done(report)) => {
            text.push('\n');
            text.push_str(&report_text(report, &place(job)));
        }
        Standing::Ended(Outcome::Failed(error)) => {
            text.push('\n');
            text.push_str(&error_text(error));
        }
        Standing::Interrupted => {
            if let Some(error) = &job.error {
                text.push('\n');
                text.push_str(&error_text(error));
            }
            text.push_str("\nthe command that began it continues it; `holdfast job cancel ");
            text.push_str(&job.id);
            text.push_str("` gives it up");
        }
        Standing::Running => {}
    }
    text
}

fn as_json(job: &Listed) -> Value {
    let (parts, bytes) = moved(job);
    let outcome = match &job.standing {
        Standing::Ended(outcome) => serde_json::to_value(outcome).unwrap_or_default(),
        _ => Value::Null,
    };
    json!({
        "id": job.id,
        "standing": standing(job),
        "direction": job.file.direction,
        "path": job.file.path,
        "object": place(job),
        "endpoint": job.file.target.endpoint.to_string(),
        "begun_at": job.file.begun_at,
        "parts_moved": parts,
        "bytes_moved": bytes,
        "outcome": outcome,
        "error": job.error,
    })
}
