//! Files are read, hashed and compressed by several threads, and come out in the order they were
//! ordered in.
//!
//! Each order has a channel of its own. A small file arrives whole; a large one in chunks, through
//! a channel that holds a few of them, so that its worker waits until it is its turn. Orders are
//! taken first come, first served: the one whose turn it is is always being worked on.
//!
//! A file that changes while it is read is read again. What was sent of a large one by then is
//! dead; what is still moving after that is stored as it was read, and said.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use flate2::{Compress, Compression, FlushCompress, Status};
use holdfast_core::zip::{Method, Stat, Time};
use sha2::{Digest, Sha256};

use super::{kind_of_name::is_compressed, walk::Opener};

/// Up to this length a file is held whole, in bytes.
pub const SMALL: u64 = 1 << 20;
/// How much of a large file is read at a time.
const CHUNK: usize = 256 << 10;
/// Chunks of a large file that wait for their turn.
const CHUNKS: usize = 3;
/// Times that a file is read before it is called moving: small ones cost nothing yet, of large
/// ones each time leaves dead bytes.
const TRIES_SMALL: u32 = 3;
const TRIES_LARGE: u32 = 2;
/// What changed this long before it was read may change again within the same tick of the file
/// system's clock, unseen.
const SETTLED_AFTER_MS: i128 = 2_000;
/// As much as this is saved, or the bytes are stored as they are.
const WORTH: f64 = 0.97;
/// The stack of a worker: what it holds lives on the heap.
const STACK: usize = 512 << 10;
/// Deflate's own level 6 is the zip tools' default.
const LEVEL: u32 = 6;

/// A file to read.
#[derive(Debug)]
pub struct Order {
    /// Opens it.
    pub opener: Opener,
    /// Its path: the name to open, and what it ends in says whether compressing is of use.
    pub name: Vec<u8>,
    /// Length and digest of what a backup holds under this name.
    pub previous: Option<(u64, [u8; 32])>,
}

/// What a file was when it was read.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Its facts.
    pub stat: Stat,
    /// Its length, in bytes.
    pub len: u64,
    /// Its facts will tell whether it changes later.
    pub settled: bool,
}

/// The digest of what was read.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// Bytes.
    pub len: u64,
    /// CRC-32.
    pub crc32: u32,
    /// SHA-256.
    pub sha256: [u8; 32],
    /// It changed while it was read, every time.
    pub moving: bool,
}

/// What comes through an order's channel.
#[derive(Debug)]
pub enum Piece {
    /// It is what the backup holds already. The last.
    Same(Seen),
    /// It is all here. The last.
    Whole(Seen, Method, Content, Vec<u8>),
    /// A large file begins.
    Begin(Seen, Method),
    /// A chunk of it, as it is to be stored, and how many bytes of the file that took.
    Data(Vec<u8>, u64),
    /// It has changed: what came of it is of no use, and it begins again.
    Torn,
    /// It ends. The last.
    End(Content),
    /// It cannot be read. The last.
    Failed(io::Error),
}

type Task = (Order, mpsc::SyncSender<Piece>);

#[derive(Debug, Default)]
struct Queue {
    tasks: Mutex<(std::collections::VecDeque<Task>, bool)>,
    filled: Condvar,
}

/// The workers.
#[derive(Debug)]
pub struct Compressor {
    queue: Arc<Queue>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Compressor {
    /// Starts workers: as many as there are processors, and two at the least, since one may wait
    /// for its turn with a large file.
    ///
    /// # Errors
    /// When not even one thread can be had.
    pub fn start() -> io::Result<Self> {
        let wanted = thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
        let mut compressor = Self { queue: Arc::default(), threads: Vec::new() };
        for n in 0..wanted {
            let queue = Arc::clone(&compressor.queue);
            let work = move || {
                let mut worker = Worker::new();
                while let Some((order, send)) = queue.pop() {
                    // The other side goes away when the backup ends.
                    let _ = worker.pack(&order, &send);
                }
            };
            match thread::Builder::new().name("pack".to_owned()).stack_size(STACK).spawn(work) {
                Ok(thread) => compressor.threads.push(thread),
                Err(_) if n > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(compressor)
    }

    /// Orders a file; its pieces come through the channel.
    #[must_use]
    pub fn order(&self, order: Order) -> mpsc::Receiver<Piece> {
        let (send, receive) = mpsc::sync_channel(CHUNKS);
        self.queue.tasks.lock().unwrap_or_else(PoisonError::into_inner).0.push_back((order, send));
        self.queue.filled.notify_one();
        receive
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        {
            let mut tasks = self.queue.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.0.clear();
            tasks.1 = true;
        }
        self.queue.filled.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Queue {
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

/// Nobody wants the pieces any more.
struct Gone;

impl<T> From<mpsc::SendError<T>> for Gone {
    fn from(_: mpsc::SendError<T>) -> Self {
        Self
    }
}

/// One thread's own: its compressor's tables are large and used again.
struct Worker {
    deflate: Compress,
    /// Bytes that went into `deflate` since something came out.
    taken: u64,
}

impl Worker {
    fn new() -> Self {
        Self { deflate: Compress::new(Compression::new(LEVEL), false), taken: 0 }
    }

    fn pack(&mut self, order: &Order, send: &mpsc::SyncSender<Piece>) -> Result<(), Gone> {
        let mut attempt = 1;
        loop {
            let opened = order.opener.open(file_name(&order.name)).and_then(|file| {
                let metadata = file.metadata()?;
                Ok((file, metadata))
            });
            let (mut file, before) = match opened {
                Ok(opened) => opened,
                Err(error) => return Ok(send.send(Piece::Failed(error))?),
            };
            if !before.is_file() {
                let error = io::Error::other("it is no longer a regular file");
                return Ok(send.send(Piece::Failed(error))?);
            }
            let done = if before.len() <= SMALL {
                self.small(order, &mut file, &before, attempt, send)
            } else {
                self.large(order, &mut file, &before, attempt, send)
            };
            match done {
                Ok(true) => return Ok(()),
                Ok(false) => attempt += 1,
                Err(Trouble::Io(error)) => return Ok(send.send(Piece::Failed(error))?),
                Err(Trouble::Gone) => return Err(Gone),
            }
        }
    }

    /// Whether it is done; `false` when it is to be read again.
    fn small(
        &mut self,
        order: &Order,
        file: &mut File,
        before: &Metadata,
        attempt: u32,
        send: &mpsc::SyncSender<Piece>,
    ) -> Result<bool, Trouble> {
        let seen = seen(before);
        let mut bytes = Vec::with_capacity(before.len() as usize + 1);
        file.take(SMALL + 1).read_to_end(&mut bytes)?;
        let moving = bytes.len() as u64 != before.len() || has_changed(before, &file.metadata()?);
        if moving && attempt < TRIES_SMALL {
            return Ok(false);
        }
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let len = bytes.len() as u64;
        if order.previous == Some((len, sha256)) {
            send.send(Piece::Same(Seen { settled: seen.settled && !moving, len, ..seen }))?;
            return Ok(true);
        }
        let content = Content { len, crc32: crc32fast::hash(&bytes), sha256, moving };
        let (method, data) = self.squeeze(&order.name, bytes);
        send.send(Piece::Whole(seen, method, content, data))?;
        Ok(true)
    }

    fn large(
        &mut self,
        order: &Order,
        file: &mut File,
        before: &Metadata,
        attempt: u32,
        send: &mpsc::SyncSender<Piece>,
    ) -> Result<bool, Trouble> {
        let seen = seen(before);
        let mut buffer = vec![0; CHUNK];
        if let Some((len, sha256)) = order.previous
            && len == before.len()
        {
            let mut sha = Sha256::new();
            each_chunk(file, len, &mut buffer, |chunk| {
                sha.update(chunk);
                Ok(())
            })?;
            if <[u8; 32]>::from(sha.finalize()) == sha256 && !has_changed(before, &file.metadata()?) {
                send.send(Piece::Same(seen))?;
                return Ok(true);
            }
            io::Seek::rewind(file)?;
        }
        let mut digests = (crc32fast::Hasher::new(), Sha256::new());
        let mut method = None;
        // As far as it went when it was opened: what is appended meanwhile is tomorrow's.
        let len = each_chunk(file, before.len(), &mut buffer, |chunk| {
            digests.0.update(chunk);
            digests.1.update(chunk);
            let method = match method {
                Some(method) => method,
                None => {
                    let chosen = self.choose(&order.name, chunk);
                    self.deflate.reset();
                    self.taken = 0;
                    send.send(Piece::Begin(seen, chosen))?;
                    *method.insert(chosen)
                }
            };
            match method {
                Method::Stored => Ok(send.send(Piece::Data(chunk.to_vec(), chunk.len() as u64))?),
                Method::Deflated => self.deflate_chunk(chunk, FlushCompress::None, send),
            }
        })?;
        let moving = len != before.len() || has_changed(before, &file.metadata()?);
        if moving && attempt < TRIES_LARGE {
            if method.is_some() {
                send.send(Piece::Torn)?;
            }
            return Ok(false);
        }
        match method {
            None => send.send(Piece::Begin(seen, Method::Stored))?,
            Some(Method::Deflated) => self.deflate_chunk(&[], FlushCompress::Finish, send)?,
            Some(Method::Stored) => {}
        }
        let (crc32, sha256) = (digests.0.finalize(), digests.1.finalize().into());
        send.send(Piece::End(Content { len, crc32, sha256, moving }))?;
        Ok(true)
    }

    fn deflate_chunk(
        &mut self,
        mut input: &[u8],
        flush: FlushCompress,
        send: &mpsc::SyncSender<Piece>,
    ) -> Result<(), Trouble> {
        loop {
            let mut out = Vec::with_capacity(CHUNK);
            let before = self.deflate.total_in();
            let status = self.deflate.compress_vec(input, &mut out, flush).map_err(io::Error::other)?;
            let taken = self.deflate.total_in() - before;
            self.taken += taken;
            input = &input[taken as usize..];
            let is_full = out.len() == out.capacity();
            if !out.is_empty() {
                send.send(Piece::Data(out, std::mem::take(&mut self.taken)))?;
            }
            let finished = flush == FlushCompress::Finish && status == Status::StreamEnd;
            let taken = flush == FlushCompress::None && input.is_empty() && !is_full;
            if finished || taken {
                return Ok(());
            }
        }
    }

    /// A small file as it is to be stored.
    fn squeeze(&mut self, name: &[u8], bytes: Vec<u8>) -> (Method, Vec<u8>) {
        if bytes.len() < 32 || is_compressed(name) {
            return (Method::Stored, bytes);
        }
        // What does not fit into this is not worth it.
        let worth = (bytes.len() as f64 * WORTH) as usize;
        let mut out = Vec::with_capacity(worth);
        match deflate_whole(&mut self.deflate, &bytes, &mut out) {
            true => {
                out.shrink_to_fit();
                (Method::Deflated, out)
            }
            false => (Method::Stored, bytes),
        }
    }

    /// How a large file is stored, by its name and its beginning.
    fn choose(&mut self, name: &[u8], beginning: &[u8]) -> Method {
        if is_compressed(name) {
            return Method::Stored;
        }
        let sample = &beginning[..beginning.len().min(64 << 10)];
        let mut out = Vec::with_capacity((sample.len() as f64 * WORTH) as usize);
        if deflate_whole(&mut self.deflate, sample, &mut out) { Method::Deflated } else { Method::Stored }
    }
}

/// Compresses into what room there is; whether it was enough.
pub(super) fn deflate_whole(deflate: &mut Compress, bytes: &[u8], out: &mut Vec<u8>) -> bool {
    deflate.reset();
    matches!(deflate.compress_vec(bytes, out, FlushCompress::Finish), Ok(Status::StreamEnd))
}

/// What follows the last slash.
fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}

enum Trouble {
    Io(io::Error),
    Gone,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<T> From<mpsc::SendError<T>> for Trouble {
    fn from(_: mpsc::SendError<T>) -> Self {
        Self::Gone
    }
}

/// Reads up to `limit` bytes; gives how many there were.
fn each_chunk(
    file: &mut File,
    limit: u64,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<u64, Trouble> {
    let mut len = 0;
    while len < limit {
        let want = buffer.len().min(usize::try_from(limit - len).unwrap_or(usize::MAX));
        match file.read(&mut buffer[..want]) {
            Ok(0) => break,
            Ok(n) => {
                len += n as u64;
                take(&buffer[..n])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(len)
}

fn has_changed(before: &Metadata, after: &Metadata) -> bool {
    let facts = |m: &Metadata| (m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    facts(before) != facts(after)
}

/// What an open file is. Only its ctime is the file system's own: nobody sets it back.
fn seen(metadata: &Metadata) -> Seen {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i128);
    let ctime_ms = i128::from(metadata.ctime()) * 1_000 + i128::from(metadata.ctime_nsec()) / 1_000_000;
    Seen { stat: stat_of(metadata), len: metadata.len(), settled: ctime_ms + SETTLED_AFTER_MS < now_ms }
}

fn stat_of(metadata: &Metadata) -> Stat {
    Stat {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mtime: Time { seconds: metadata.mtime(), nanos: metadata.mtime_nsec() as u32 },
        ctime: Time { seconds: metadata.ctime(), nanos: metadata.ctime_nsec() as u32 },
        inode: metadata.ino(),
    }
}
