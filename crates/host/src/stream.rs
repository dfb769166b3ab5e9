//! The hand-over between the thread that makes an archive and the workers that send it.
//!
//! ```text
//!  producer ─ write ─▶ part being filled ─▶ parts held ─▶ hash, send ─▶ arrived: buffer is free
//!                            ▲                                               │
//!                            └────────────── the next part wanted ◀──────────┘
//! ```
//!
//! The module says which part it wants next and how many at a time; the producer waits while none
//! is wanted. So memory is bounded: by the module's window, times the length of a part. A part is
//! held until it has arrived in the bucket, because nobody could make it again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use holdfast_core::{
    abi::AfterCancel,
    digest::DigestKind,
    error::{Error, Kind},
};

/// A stream between a producer and a driver. The producer calls [`Stream::begin`], then writes,
/// and must end with [`Stream::finish`] or [`Stream::fail`]: the job waits for it.
#[derive(Default)]
pub struct Stream {
    state: Mutex<State>,
    changed: Condvar,
}

/// The job is over: the producer stops. Why is the job's own report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job that sends the stream is over")]
pub struct Ended;

/// What the driver is told.
#[derive(Debug)]
pub(crate) enum Told {
    /// A part is there and can be hashed.
    Made(Part),
    /// The producer has failed.
    Failed(Error, AfterCancel),
}

/// A part that the module has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) part: u32,
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) digests: Vec<DigestKind>,
}

/// A part that is held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) offset: u64,
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) last: bool,
}

type Tell = Box<dyn Fn(Told) + Send>;

#[derive(Default)]
struct State {
    /// Where the stream begins in the object, once its first part is asked for.
    begins: Option<u64>,
    /// Bytes written.
    written: u64,
    /// Asked for and not begun, in order.
    wanted: VecDeque<Part>,
    /// Being filled. It stays here when it is full, until it is known whether it is the last.
    filling: Option<(Part, Vec<u8>)>,
    held: BTreeMap<u32, Held>,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    /// Bytes from the beginning that have arrived without a gap.
    arrived: u64,
    /// Parts that arrived behind a gap: where they begin, in the stream, and their lengths.
    ahead: BTreeMap<u64, u64>,
    finished: bool,
    over: bool,
    tell: Option<Tell>,
    /// What there was to tell before anyone listened.
    untold: Vec<Told>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        f.debug_struct("Stream").field("begins", &state.begins).field("written", &state.written).finish_non_exhaustive()
    }
}

/// The producer's side.
impl Stream {
    /// A stream of which nothing is wanted yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Waits until the module asks for the first part; gives the offset in the object where the
    /// stream begins: behind what is copied, and behind what an earlier run had sent.
    ///
    /// # Errors
    /// When the job is over, which may well be done: an earlier run had sent it all.
    pub fn begin(&self) -> Result<u64, Ended> {
        let state = self.wait_while(|state| state.begins.is_none())?;
        Ok(state.begins.unwrap_or_default())
    }

    /// Adds bytes; waits while no part is wanted.
    ///
    /// # Errors
    /// When the job is over.
    pub fn write(&self, mut bytes: &[u8]) -> Result<(), Ended> {
        while !bytes.is_empty() {
            // There is a next byte, so a full part is not the last; the next may only be wanted
            // when this one is known.
            self.lock().hand_over_if_full();
            let mut state = self.wait_while(|state| !state.has_room())?;
            if !state.open_part() {
                drop(state);
                self.fail(no_memory(), AfterCancel::Keep);
                return Err(Ended);
            }
            let Some((part, buffer)) = &mut state.filling else { continue };
            let room = usize::try_from(part.len).unwrap_or(usize::MAX).saturating_sub(buffer.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            buffer.extend_from_slice(now);
            bytes = later;
            state.written += now.len() as u64;
        }
        Ok(())
    }

    /// The offset in the object of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        let state = self.lock();
        state.begins.unwrap_or_default() + state.written
    }

    /// What was written so far is all.
    ///
    /// # Errors
    /// When the job is over.
    pub fn finish(&self) -> Result<(), Ended> {
        // Only a stream without a byte has no part yet, and then one is wanted.
        let mut state = self.wait_while(|state| state.filling.is_none() && state.wanted.is_empty())?;
        if state.filling.is_none() {
            state.filling = state.wanted.pop_front().map(|part| (part, Vec::new()));
        }
        state.hand_over(true);
        state.finished = true;
        state.wanted.clear();
        Ok(())
    }

    /// The stream cannot be made: the job ends with this error. `then` says what becomes of the
    /// parts in the bucket.
    pub fn fail(&self, error: Error, then: AfterCancel) {
        let mut state = self.lock();
        if !state.over && !state.finished {
            state.finished = true;
            state.tell(Told::Failed(error, then));
        }
    }

    /// The offset in the object up to which, without a gap, parts have arrived in the bucket; 0
    /// before the stream has begun.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        let state = self.lock();
        state.begins.map_or(0, |begins| begins + state.arrived)
    }

    /// Waits; the lock is held again when the job still goes on.
    fn wait_while(&self, wait: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>, Ended> {
        let waits = |state: &mut State| !state.over && !state.finished && wait(state);
        let state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.over || state.finished { Err(Ended) } else { Ok(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver's side.
impl Stream {
    /// Names whom to tell of parts that are there.
    pub(crate) fn attach(&self, tell: impl Fn(Told) + Send + 'static) {
        let mut state = self.lock();
        for told in std::mem::take(&mut state.untold) {
            tell(told);
        }
        state.tell = Some(Box::new(tell));
    }

    /// The module asks for a part: the next one, or one that is still held.
    pub(crate) fn want(&self, part: Part) {
        let mut state = self.lock();
        if state.held.contains_key(&part.part) {
            state.tell(Told::Made(part));
            return;
        }
        if state.finished {
            return;
        }
        state.begins.get_or_insert(part.offset);
        state.wanted.push_back(part);
        drop(state);
        self.changed.notify_all();
    }

    /// A part that is held.
    pub(crate) fn held(&self, part: u32) -> Option<Held> {
        self.lock().held.get(&part).cloned()
    }

    /// A part has arrived: its buffer is free.
    pub(crate) fn release(&self, part: u32) {
        let mut state = self.lock();
        let Some(Held { offset, bytes, .. }) = state.held.remove(&part) else { return };
        let at = offset - state.begins.unwrap_or_default().min(offset);
        state.ahead.insert(at, bytes.len() as u64);
        while let Some((at, len)) = state.ahead.first_key_value().map(|(at, len)| (*at, *len))
            && at <= state.arrived
        {
            state.ahead.remove(&at);
            state.arrived = state.arrived.max(at + len);
        }
        // An attempt that was given up may still read it.
        if let Ok(mut buffer) = Arc::try_unwrap(bytes) {
            buffer.clear();
            state.spare.push(buffer);
        }
    }

    /// The job is over: whoever waits is woken.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.over = true;
        state.tell = None;
        (state.wanted, state.filling, state.spare) = Default::default();
        state.held.clear();
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    /// Whether a byte can be taken; a part that is full was handed over before.
    fn has_room(&self) -> bool {
        self.filling.is_some() || !self.wanted.is_empty()
    }

    fn hand_over_if_full(&mut self) {
        if self.filling.as_ref().is_some_and(|(part, buffer)| buffer.len() as u64 >= part.len) {
            self.hand_over(false);
        }
    }

    /// Sees to it that there is a part to be filled; `false` when there is no memory for it.
    fn open_part(&mut self) -> bool {
        if self.filling.is_none()
            && let Some(part) = self.wanted.pop_front()
        {
            let mut buffer = self.spare.pop().unwrap_or_default();
            let len = usize::try_from(part.len).unwrap_or(usize::MAX);
            if buffer.try_reserve_exact(len).is_err() {
                return false;
            }
            self.filling = Some((part, buffer));
        }
        true
    }

    fn hand_over(&mut self, last: bool) {
        let Some((part, bytes)) = self.filling.take() else { return };
        let part = Part { len: bytes.len() as u64, ..part };
        let held = Held { offset: part.offset, bytes: Arc::new(bytes), last };
        self.held.insert(part.part, held);
        self.tell(Told::Made(part));
    }

    fn tell(&mut self, told: Told) {
        match &self.tell {
            Some(tell) => tell(told),
            None => self.untold.push(told),
        }
    }
}

fn no_memory() -> Error {
    Error::new(Kind::Local, "there is no memory for a part of the backup")
        .hint("raise the limit (`ulimit -v`), or send fewer parts at a time with `--concurrency`")
}

#[cfg(test)]
mod tests;
