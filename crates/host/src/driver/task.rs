//! What workers do: send a request, hash a part.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use holdfast_core::{
    abi::{AfterCancel, BodySource, Request, RequestId, Sent, Sink, TransportCause},
    digest::{DigestKind, Digests},
    error::{Error, Kind},
};

use crate::{
    destination::{Destination, Landing, Writer},
    hash::{self, CHUNK},
    http::{self, Answer, Body, Call, Client, Failure, Progress, Wanted},
    stream::{self, Held},
};

use super::Feed;

/// Threads that hash. More would only compete with those that send.
const HASHERS: usize = 2;
/// However long the module would wait for an answer: putting ten thousand parts together takes
/// minutes, and a thread must come back.
const MIN_ANSWER: Duration = Duration::from_secs(1);
const MAX_ANSWER: Duration = Duration::from_secs(3_600);
/// What a worker's stack may take: hosts limit address space, and the default is 2 MiB.
const STACK: usize = 512 << 10;

/// Something to do.
#[derive(Debug)]
pub(super) enum Task {
    Http(Box<Http>),
    Hash { part: u32, offset: u64, len: u64, digests: Vec<DigestKind> },
}

/// A request to send.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) request: Request,
    pub(super) inline: Vec<u8>,
    pub(super) progress: Arc<Progress>,
}

/// Something done.
pub(super) enum Finished {
    Answered {
        id: RequestId,
        answer: Answer,
        digests: Option<Digests>,
    },
    Failed {
        id: RequestId,
        failure: Failure,
    },
    Hashed {
        part: u32,
        len: u64,
        digests: Digests,
        last: bool,
    },
    /// A part of a stream is there, to be hashed.
    Made(stream::Part),
    StreamFailed(Error, AfterCancel),
    Unreadable {
        part: u32,
        why: String,
    },
}

/// A queue that threads wait at.
#[derive(Debug, Default)]
struct Queue {
    tasks: Mutex<(VecDeque<Task>, bool)>,
    filled: Condvar,
}

impl Queue {
    fn push(&self, task: Task) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).0.push_back(task);
        self.filled.notify_one();
    }

    fn close(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.0.clear();
        tasks.1 = true;
        self.filled.notify_all();
    }

    fn pop(&self) -> Option<Task> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if tasks.1 {
                return None;
            }
            if let Some(task) = tasks.0.pop_front() {
                return Some(task);
            }
            tasks = self.filled.wait(tasks).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The workers.
pub(super) struct Pool {
    http: Arc<Queue>,
    hash: Arc<Queue>,
    cancel: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// What every worker works with.
#[derive(Clone)]
struct Tools {
    client: Arc<Client>,
    source: Option<Feed>,
    destination: Option<Destination>,
    cancel: Arc<AtomicBool>,
    finished: mpsc::Sender<Finished>,
}

impl Pool {
    /// Starts the workers. Where the host allows few threads, fewer will do.
    ///
    /// # Errors
    /// When not even one of each kind can be had.
    pub(super) fn start(
        http_threads: usize,
        client: Arc<Client>,
        source: Option<Feed>,
        destination: Option<Destination>,
        cancel: Arc<AtomicBool>,
        finished: mpsc::Sender<Finished>,
    ) -> Result<Self, Error> {
        let tools = Tools { client, source, destination, cancel: Arc::clone(&cancel), finished };
        let mut pool = Self { http: Arc::default(), hash: Arc::default(), cancel, threads: Vec::new() };
        let spawn = |queue: &Arc<Queue>, name: &str| {
            let (queue, tools) = (Arc::clone(queue), tools.clone());
            thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(move || {
                let mut buffer = Vec::new();
                while let Some(task) = queue.pop() {
                    if tools.finished.send(tools.work(task, &mut buffer)).is_err() {
                        return;
                    }
                }
            })
        };
        for (queue, name, wanted) in [(&pool.hash, "hash", HASHERS), (&pool.http, "http", http_threads)] {
            for n in 0..wanted {
                match spawn(queue, name) {
                    Ok(thread) => pool.threads.push(thread),
                    Err(_) if n > 0 => break,
                    Err(error) => {
                        return Err(Error::new(Kind::Local, format!("cannot start a thread: {error}"))
                            .hint("the host limits processes (`ulimit -u`) or memory (`ulimit -v`): raise the limit"));
                    }
                }
            }
        }
        Ok(pool)
    }

    pub(super) fn http(&self, task: Task) {
        self.http.push(task);
    }

    pub(super) fn hash(&self, task: Task) {
        self.hash.push(task);
    }

    /// Ends what is under way, and waits for it, a moment long: a thread that is stuck in a
    /// system call ends with the process.
    pub(super) fn stop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
        self.http.close();
        self.hash.close();
        let patience = std::time::Instant::now() + Duration::from_secs(2);
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && std::time::Instant::now() < patience {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

impl Tools {
    fn work(&self, task: Task, buffer: &mut Vec<u8>) -> Finished {
        match task {
            Task::Http(http) => self.http(*http),
            Task::Hash { part, offset, len, digests } => match &self.source {
                Some(Feed::Stream(stream)) => match stream.held(part) {
                    Some(Held { bytes, last, .. }) => {
                        let mut hasher = hash::Hasher::new(&digests);
                        bytes.chunks(CHUNK).for_each(|chunk| hasher.update(chunk));
                        Finished::Hashed { part, len: bytes.len() as u64, digests: hasher.finish(), last }
                    }
                    None => Finished::Unreadable { part, why: "it is gone".to_owned() },
                },
                _ => self.hash_file(part, offset, len, &digests, buffer),
            },
        }
    }

    fn hash_file(&self, part: u32, offset: u64, len: u64, digests: &[DigestKind], buffer: &mut Vec<u8>) -> Finished {
        buffer.resize(CHUNK, 0);
        let read = match (&self.source, &self.destination) {
            (Some(Feed::Archive(source)), _) => hash::digests(&mut source.part(offset, len), digests, buffer),
            (_, Some(destination)) => destination.digests(offset, len, digests),
            _ => Ok((0, Digests::default())),
        };
        match read {
            Ok((read_len, _)) if self.source.is_some() && read_len != len => {
                Finished::Unreadable { part, why: "it has become shorter".to_owned() }
            }
            Ok((len, digests)) => Finished::Hashed { part, len, digests, last: false },
            Err(error) => Finished::Unreadable { part, why: error.to_string() },
        }
    }

    fn http(&self, http: Http) -> Finished {
        let Http { request, inline, progress } = http;
        let id = request.id;
        let mut reader;
        let held;
        let body = match request.body {
            BodySource::Empty => Body::Empty,
            BodySource::Inline { .. } => Body::Bytes(&inline),
            BodySource::Part { part, offset, len } => match &self.source {
                Some(Feed::Archive(source)) => {
                    reader = source.part(offset, len);
                    Body::Reader { reader: &mut reader, len }
                }
                Some(Feed::Stream(stream)) => {
                    held = stream.held(part).filter(|held| (held.offset, held.bytes.len() as u64) == (offset, len));
                    match &held {
                        Some(held) => Body::Bytes(&held.bytes),
                        None => {
                            let message = format!("part {part} is not there, or not as the request says");
                            let failure = Failure { sent: Sent::No, cause: TransportCause::Refused, message };
                            return Finished::Failed { id, failure };
                        }
                    }
                }
                None => Body::Empty,
            },
        };
        let destination = self.destination.as_ref();
        let mut writer = match &request.sink {
            Sink::Inline => None,
            Sink::Tail { len } => Some((Writer::new(destination, Landing::Whole, &[]), Wanted::Last { len: *len })),
            Sink::Range { offset, len, digests } => {
                let first = first_byte(&request).unwrap_or(*offset);
                let wanted = Wanted::Range { offset: first, len: *len };
                Some((Writer::new(destination, Landing::At(*offset), digests), wanted))
            }
        };
        let sink = writer.as_mut().map(|(writer, wanted)| http::Sink { writer, wanted: *wanted });
        let result = self.client.send(Call {
            method: request.method,
            url: &request.url,
            headers: &request.headers,
            body,
            sink,
            answer_within: Duration::from_millis(request.answer_within_ms).clamp(MIN_ANSWER, MAX_ANSWER),
            cancelled: &self.cancel,
            progress: &progress,
        });
        match result {
            Ok(answer) => match answer.sunk.and(writer).map(|(writer, _)| writer.finish()).transpose() {
                Ok(digests) => Finished::Answered { id, answer, digests },
                Err(error) => {
                    let message = format!("what was received cannot be used: {error}");
                    let failure = Failure { sent: Sent::Maybe, cause: TransportCause::Local, message };
                    Finished::Failed { id, failure }
                }
            },
            Err(failure) => Finished::Failed { id, failure },
        }
    }
}

/// The first byte that a request asks for; where it goes may be another place.
fn first_byte(request: &Request) -> Option<u64> {
    let (_, range) = request.headers.iter().find(|(name, _)| name == "range")?;
    range.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok()
}
