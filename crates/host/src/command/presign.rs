//! `holdfast presign`: a URL by which anyone can get one object, for a while.

use holdfast_core::{
    error::{Error, Kind},
    job::{Job, Presign, Work},
    name::Key,
    provider::Provider,
    report::{Outcome, Report},
};

use super::{DONE, Exit, config_error, end, setup};
use crate::{cli, driver::World, fence, state::job::random_run};

pub(super) fn run(args: &cli::Presign) -> Result<Exit, Error> {
    let location = setup::location(&args.object)?;
    let key = Key::parse(location.path.as_str())
        .map_err(|error| config_error(error.to_string(), "name the object: s3://BUCKET/KEY"))?;
    // Nothing is sent, so there is nothing to try again and nothing to do at a time.
    let transfer = cli::Transfer {
        concurrency: 1,
        retry_for: std::time::Duration::ZERO,
        limit_rate: None,
        state: args.state.clone(),
    };
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &transfer, args.output)?;
    if setup.target.endpoint.provider == Provider::Aws && setup.region().is_none() {
        setup
            .ui
            .line("note: the bucket's region is not known, and the URL is signed for us-east-1: `--region` says it");
    }
    let work = Work::Presign(Presign { key, expires_s: args.expires.as_secs(), file_name: args.file_name.clone() });
    let job = Job { run: random_run()?, target: setup.target.clone(), work, patience_ms: 0, concurrency: 1 };
    let outcome = setup.converse(setup::Task {
        run: job.run.clone(),
        work: job.work.clone(),
        world: World::default(),
        journal: None,
        on_event: None,
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    if let Outcome::Done(Report::Presign { url }) = &outcome {
        fence::is_presigned(&job, url).map_err(|refusal| {
            Error::new(Kind::Bug, format!("the URL that was made is not the one that was asked for: {refusal}"))
        })?;
    }
    Ok(end(&mut setup.ui, &outcome, DONE, |ui| {
        if let (Outcome::Done(Report::Presign { url }), false) = (&outcome, args.output.json) {
            ui.data(url);
        }
    }))
}
