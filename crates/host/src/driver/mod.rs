//! The loop between the session, which decides, and the world, which it cannot reach.
//!
//! ```text
//!          ┌────────── inputs ──────────┐
//!  session ┤                            ├ workers: HTTP, hashing
//!          └─ outputs ─▶ fence ─▶ tasks ┘
//!                    └─▶ journal, events
//! ```
//!
//! One thread runs the session and everything that must happen in order; the others carry out
//! tasks and hold no state.

mod task;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::AtomicBool, mpsc},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use holdfast_core::{
    abi::{AfterCancel, Frame, Input, Millis, Output, Received, Request, RequestId, Sent, Session, TransportCause},
    error::{Error, Kind},
    event::Event,
    job::{Job, Remembered},
    journal::Record,
    report::Outcome,
    secret::Credentials,
};

use self::task::{Finished, Http, Pool, Task};
use crate::{
    credentials::RENEWAL_MARGIN_MS,
    destination::Destination,
    fence::{self, Fence, Operation, Permit},
    http::{Client, Progress},
    signal::Stop,
    source::Source,
    state::journal::Journal,
    stream::{self, Stream, Told},
};

/// How often progress is shown, and a stop noticed.
const BEAT: Duration = Duration::from_millis(200);

/// After a failed attempt to renew keys before they end, how long until the next.
const RENEW_AGAIN_MS: u64 = 60_000;

/// Where the bytes come from that are sent.
#[derive(Debug, Clone)]
pub enum Feed {
    /// A file, which can be read again.
    Archive(Arc<Source>),
    /// What a producer makes while it is sent.
    Stream(Arc<Stream>),
}

/// What a job works on.
#[derive(Default)]
pub struct World {
    /// What is sent.
    pub source: Option<Feed>,
    /// Where what is fetched goes; without one, it is hashed and forgotten.
    pub destination: Option<Destination>,
}

/// What the driver tells on the way.
pub trait Watcher {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// How many bytes have moved so far: those of finished parts, and of those under way.
    fn progress(&mut self, bytes: u64);

    /// The length of the object is known: make room for it.
    ///
    /// # Errors
    /// When there is none; the job ends.
    fn planned(&mut self, _len: u64) -> Result<(), Error> {
        Ok(())
    }

    /// Keep this for later sessions.
    fn remember(&mut self, remembered: Remembered);
}

/// Gives fresh keys, or says why there are none.
pub type Refresh<'a> = dyn FnMut() -> Result<Option<Credentials>, Error> + 'a;

/// Runs one job.
pub struct Driver<'a> {
    /// Decides.
    pub session: &'a mut dyn Session,
    /// Sends.
    pub client: Arc<Client>,
    /// What is sent or made.
    pub world: World,
    /// Where the job writes down what it does; some jobs have nothing to write down.
    pub journal: Option<Journal>,
    /// Who is told.
    pub watcher: &'a mut dyn Watcher,
    /// Where fresh keys come from.
    pub refresh: &'a mut Refresh<'a>,
    /// Whether to stop.
    pub stop: &'a Stop,
}

/// A request that a worker is sending.
struct UnderWay {
    request: Request,
    operation: Operation,
    progress: Arc<Progress>,
}

/// The state of a run.
struct Run<'a, 'd> {
    driver: &'d mut Driver<'a>,
    fence: Fence,
    pool: Pool,
    in_flight: BTreeMap<RequestId, UnderWay>,
    bytes_done: u64,
    wake_at: Option<Millis>,
    /// When to ask for fresh keys, so that no request meets the end of the old ones.
    renew_at: Option<Millis>,
    inbox: VecDeque<Frame<Input>>,
    cancelled: bool,
    /// What is really wrong, when the session was only told to stop.
    cause: Option<Error>,
    outcome: Option<Outcome>,
    finished: mpsc::Receiver<Finished>,
}

impl<'a> Driver<'a> {
    /// Runs the job to its end.
    ///
    /// # Errors
    /// When the session breaks or this machine fails (a full disk, a job the fence does not
    /// know): what the S3 server does is in the outcome.
    pub fn run(
        mut self,
        job: Job,
        credentials: Option<Credentials>,
        journal: Vec<Record>,
        remembered: Remembered,
        seed: u64,
    ) -> Result<Outcome, Error> {
        let fence = Fence::new(&job, &remembered).with_journal(&journal);
        if let Some(destination) = &self.world.destination {
            destination.expect(job.concurrency);
        }
        // Two more than there may be requests of data: control requests do not wait behind them.
        let threads = job.concurrency as usize + 2;
        let (send, finished) = mpsc::channel();
        let cancel = Arc::new(AtomicBool::new(false));
        let _over = self.attach(&send);
        let pool = Pool::start(
            threads,
            Arc::clone(&self.client),
            self.world.source.clone(),
            self.world.destination.clone(),
            cancel,
            send,
        )?;
        let renew_at = renew_at(credentials.as_ref());
        let start = Input::Start { now: now(), seed, job: Box::new(job), credentials, journal, remembered };
        let mut run = Run {
            driver: &mut self,
            fence,
            pool,
            in_flight: BTreeMap::new(),
            bytes_done: 0,
            wake_at: None,
            renew_at,
            inbox: VecDeque::from([Frame { header: start, body: Vec::new() }]),
            cancelled: false,
            cause: None,
            outcome: None,
            finished,
        };
        let result = run.turn();
        run.pool.stop();
        result
    }
}

/// Wakes the producer of a stream when the job is over, however it ends.
struct Over(Option<Arc<Stream>>);

impl Drop for Over {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            stream.end();
        }
    }
}

impl Driver<'_> {
    /// Has a stream tell the loop what becomes of it.
    fn attach(&self, finished: &mpsc::Sender<Finished>) -> Over {
        let Some(Feed::Stream(stream)) = &self.world.source else { return Over(None) };
        let finished = finished.clone();
        stream.attach(move |told| {
            let what = match told {
                Told::Made(part) => Finished::Made(part),
                Told::Failed(error, then) => Finished::StreamFailed(error, then),
            };
            // Nobody hears it when the job is over.
            let _ = finished.send(what);
        });
        Over(Some(Arc::clone(stream)))
    }
}

impl Run<'_, '_> {
    fn turn(&mut self) -> Result<Outcome, Error> {
        let mut shown = Instant::now();
        loop {
            while let Some(input) = self.inbox.pop_front() {
                let outputs = self.driver.session.handle(&input).map_err(|error| {
                    Error::new(Kind::Bug, error.to_string())
                        .hint("please report it; the job can be run again and goes on from where it stands")
                })?;
                self.act(outputs)?;
                if let Some(outcome) = self.outcome.take() {
                    return Ok(outcome);
                }
            }
            if shown.elapsed() >= BEAT {
                shown = Instant::now();
                self.show_progress();
            }
            self.receive();
        }
    }

    /// Waits for the next thing to happen, and puts it into the inbox.
    fn receive(&mut self) {
        let until_wake = self.wake_at.map_or(BEAT, |at| Duration::from_millis(at.since(now())).min(BEAT));
        match self.finished.recv_timeout(until_wake) {
            Ok(finished) => self.finished(finished),
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => {}
        }
        if self.wake_at.is_some_and(|at| at <= now()) {
            self.wake_at = None;
            self.say(Input::Tick { now: now() });
        }
        if self.renew_at.is_some_and(|at| at <= now()) {
            self.renew();
        }
        if !self.cancelled && self.driver.stop.requested() {
            self.cancelled = true;
            let reason = "stopped on request".to_owned();
            self.say(Input::Cancel { now: now(), then: AfterCancel::Keep, reason });
        }
    }

    /// Takes over fresh keys. Where there are none yet, the old ones still do; when they have
    /// ended, the session asks.
    fn renew(&mut self) {
        let later = now().plus(RENEW_AGAIN_MS);
        self.renew_at = Some(later);
        if let Ok(Some(credentials)) = (self.driver.refresh)() {
            self.renew_at = renew_at(Some(&credentials)).map(|at| at.max(later));
            self.say(Input::Credentials { now: now(), credentials: Some(credentials) });
        }
    }

    fn say(&mut self, input: Input) {
        self.inbox.push_back(Frame { header: input, body: Vec::new() });
    }

    /// Ends the job because of the archive itself; what was sent of it is of no use.
    fn give_up(&mut self, what: String) {
        let hint = "send it when nothing writes to it any more";
        self.give_up_because(Error::new(Kind::Source, what).hint(hint), AfterCancel::Abort);
    }

    fn give_up_because(&mut self, error: Error, then: AfterCancel) {
        if self.cancelled {
            return;
        }
        self.cancelled = true;
        self.say(Input::Cancel { now: now(), then, reason: error.what.clone() });
        self.cause = Some(error);
    }

    fn show_progress(&mut self) {
        let moved = |under_way: &UnderWay| under_way.progress.sent() + under_way.progress.received();
        let under_way: u64 = self.in_flight.values().map(moved).sum();
        self.driver.watcher.progress(self.bytes_done + under_way);
    }

    fn act(&mut self, outputs: Frame<Vec<Output>>) -> Result<(), Error> {
        let Frame { header, body } = outputs;
        for output in header {
            match output {
                Output::Request(request) => self.send(request, &body),
                Output::NeedPart { part, offset, len, digests } => match &self.driver.world.source {
                    Some(Feed::Stream(stream)) => stream.want(stream::Part { part, offset, len, digests }),
                    _ => self.pool.hash(Task::Hash { part, offset, len, digests }),
                },
                Output::Journal { record, durable } => {
                    if matches!(record, Record::Completing { .. })
                        && let Some(Feed::Archive(source)) = &self.driver.world.source
                        && let Some(why) = source.changed()
                    {
                        // Nothing may make an object of what is no longer one archive.
                        self.give_up(format!("the archive has changed: {why}"));
                        return Ok(());
                    }
                    if let Some(journal) = &mut self.driver.journal {
                        journal.append(&record, durable)?;
                    }
                }
                Output::Remember(remembered) => {
                    let remembered = self.fence.vouch(remembered);
                    self.driver.watcher.remember(remembered);
                }
                Output::WaitUntil { at } => self.wake_at = Some(at),
                Output::NeedCredentials => {
                    let credentials = (self.driver.refresh)()?;
                    self.renew_at = renew_at(credentials.as_ref());
                    self.say(Input::Credentials { now: now(), credentials });
                }
                Output::Event(event) => {
                    match &event {
                        Event::Planned { len, .. } => self.driver.watcher.planned(*len)?,
                        Event::Resumed { bytes_kept, .. } => self.bytes_done += bytes_kept,
                        Event::PartDone { part, len } => {
                            self.bytes_done += len;
                            if let Some(Feed::Stream(stream)) = &self.driver.world.source {
                                stream.release(*part);
                            }
                        }
                        Event::PartCopied { len, .. } => self.bytes_done += len,
                        _ => {}
                    }
                    self.driver.watcher.event(&event);
                }
                Output::Done(outcome) => {
                    let trouble = self.driver.world.destination.as_ref().and_then(Destination::trouble);
                    self.cause = self.cause.take().or(trouble);
                    self.outcome = Some(match (*outcome, self.cause.take()) {
                        (Outcome::Failed(_), Some(cause)) => Outcome::Failed(cause),
                        (outcome, _) => outcome,
                    });
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, request: Request, frame_body: &[u8]) {
        let (operation, inline) = match self.fence.check(&request, frame_body) {
            Ok(Permit { operation, body: fence::Body::Inline(bytes), .. }) => (operation, bytes.to_vec()),
            Ok(Permit { operation, .. }) => (operation, Vec::new()),
            Err(refusal) => {
                let (id, cause) = (request.id, TransportCause::Refused);
                let message = format!("the runner does not send what its job does not call for: {refusal}");
                self.say(Input::Failed { now: now(), id, sent: Sent::No, cause, message });
                return;
            }
        };
        let progress = Arc::new(Progress::default());
        let under_way = UnderWay { request: request.clone(), operation, progress: Arc::clone(&progress) };
        self.in_flight.insert(request.id, under_way);
        self.pool.http(Task::Http(Box::new(Http { request, inline, progress })));
    }

    fn finished(&mut self, finished: Finished) {
        match finished {
            Finished::Answered { id, answer, digests } => {
                if let Some(UnderWay { request, operation, .. }) = self.in_flight.remove(&id) {
                    self.fence.answered(&request, operation, answer.status, &answer.headers);
                }
                let received = answer.sunk.map(|len| Received { len, digests: digests.unwrap_or_default() });
                self.inbox.push_back(Frame {
                    header: Input::Response {
                        now: now(),
                        id,
                        status: answer.status,
                        headers: answer.headers,
                        received,
                    },
                    body: answer.body,
                });
            }
            Finished::Failed { id, failure } => {
                self.in_flight.remove(&id);
                self.say(Input::Failed {
                    now: now(),
                    id,
                    sent: failure.sent,
                    cause: failure.cause,
                    message: failure.message,
                });
            }
            Finished::Hashed { part, len, digests, last } => {
                self.say(Input::PartReady { now: now(), part, len, digests, last });
            }
            Finished::Made(stream::Part { part, offset, len, digests }) => {
                self.pool.hash(Task::Hash { part, offset, len, digests });
            }
            Finished::StreamFailed(error, then) => self.give_up_because(error, then),
            Finished::Unreadable { part, why } => {
                self.give_up(format!("part {part} of the archive cannot be read: {why}"));
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

/// When keys are to be replaced: some minutes before they end.
fn renew_at(credentials: Option<&Credentials>) -> Option<Millis> {
    let ends = credentials?.expires_at?;
    Some(Millis(ends.0.saturating_sub(RENEWAL_MARGIN_MS)))
}

/// The clock, as the session is told it.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
