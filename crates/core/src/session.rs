//! Routes inputs to the one job that a session runs.

use crate::{
    abi::{Frame, Input, Output, Session, SessionError},
    error::{Error, Kind},
    job::{Job, Remembered, Work},
    journal::Record,
    report::Outcome,
    s3::{
        conversation::{Conversation, Out},
        job::{
            abort::AbortJob, check::CheckJob, explain::ExplainJob, fetch::FetchJob, fleet::FleetJob, list::ListJob,
            presign::PresignJob, read::ReadJob, remove::RemoveJob, upload::UploadJob,
        },
    },
    secret::Credentials,
};

/// A job's state machine: takes inputs, gives outputs, and once its outcome.
pub(crate) trait Machine {
    /// Acts on an input. `Some` ends the job.
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome>;
}

/// What a job begins with.
pub(crate) struct Begin {
    pub(crate) job: Job,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) journal: Vec<Record>,
    pub(crate) remembered: Remembered,
    pub(crate) seed: u64,
    pub(crate) now: crate::abi::Millis,
}

impl Begin {
    pub(crate) fn conversation<T: Clone>(&self) -> Conversation<T> {
        let credentials = self.credentials.clone();
        Conversation::new(&self.job, credentials, self.remembered.clone(), self.seed, self.now)
    }
}

/// The S3 conversation as a [`Session`]: what the module runs, and what tests run in process.
#[derive(Default)]
pub struct S3Session {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    New,
    Running(Box<dyn Machine>),
    Over,
}

impl S3Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Session for S3Session {
    fn handle(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SessionError> {
        let mut out = Out::default();
        let outcome = match (&mut self.state, &input.header) {
            (State::New, Input::Start { now, seed, job, credentials, journal, remembered }) => {
                let begin = Begin {
                    job: (**job).clone(),
                    credentials: credentials.clone(),
                    journal: journal.clone(),
                    remembered: remembered.clone(),
                    seed: *seed,
                    now: *now,
                };
                match begin_job(begin, &mut out) {
                    Ok(mut machine) => {
                        // Some jobs have nothing to do.
                        let outcome = machine.handle(input, &mut out);
                        self.state = State::Running(machine);
                        outcome
                    }
                    Err(error) => Some(Outcome::Failed(error)),
                }
            }
            (State::Running(machine), input_header) if !matches!(input_header, Input::Start { .. }) => {
                machine.handle(input, &mut out)
            }
            // Answers to requests that were under way when the job ended.
            (State::Over, _) => None,
            (State::New | State::Running(_), _) => {
                let what = "a session takes Start once, and first";
                Some(Outcome::Failed(Error::new(Kind::Bug, what)))
            }
        };
        if let Some(outcome) = outcome {
            self.state = State::Over;
            out.push(Output::Done(Box::new(outcome)));
        }
        Ok(out.into_frame())
    }
}

fn begin_job(begin: Begin, out: &mut Out) -> Result<Box<dyn Machine>, Error> {
    Ok(match &begin.job.work {
        Work::Upload(_) => Box::new(UploadJob::begin(begin, out)?),
        Work::Backup(_) => Box::new(UploadJob::begin_backup(begin, out)?),
        Work::List(_) => Box::new(ListJob::begin(begin, out)),
        Work::Fleet(_) => Box::new(FleetJob::begin(begin)),
        Work::Fetch(_) => Box::new(FetchJob::begin(begin, out)),
        Work::Abort(_) => Box::new(AbortJob::begin(begin, out)),
        Work::Check(_) => Box::new(CheckJob::begin(begin, out)?),
        Work::Explain(_) => Box::new(ExplainJob::begin(begin)),
        Work::Read(_) => Box::new(ReadJob::begin(begin, out)?),
        Work::Remove(_) => Box::new(RemoveJob::begin(begin)),
        Work::Presign(_) => Box::new(PresignJob::begin(begin)),
    })
}
