//! Bytes that are used as they come, in their order: a member is unpacked while the next ones
//! travel.
//!
//! Ranges arrive in any order. One that is early waits; the next one is handed over, and those
//! that waited for it, by the thread that received it. So a slow consumer holds up the requests
//! behind it, and what waits is bounded by the requests that there may be at a time, whatever the
//! module asks for.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use holdfast_core::{
    error::{Error, Kind},
    ranges::MAX_RANGE_LEN,
};

/// Takes the next bytes. An [`Error`] inside its [`io::Error`] becomes the job's.
pub(super) type Consumer = dyn FnMut(&[u8]) -> io::Result<()> + Send;

/// A consumer, and what waits for it.
pub struct Ordered(Mutex<State>);

struct State {
    consumer: Box<Consumer>,
    next: u64,
    early: BTreeMap<u64, Vec<u8>>,
    /// How far behind `next` a range may end.
    window: u64,
    trouble: Option<Error>,
}

impl Ordered {
    /// For this consumer. It is called from the threads that receive, by one at a time.
    #[must_use]
    pub fn new(consumer: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static) -> Self {
        Self(Mutex::new(State {
            consumer: Box::new(consumer),
            next: 0,
            early: BTreeMap::new(),
            window: MAX_RANGE_LEN,
            trouble: None,
        }))
    }

    /// Bytes that the consumer has taken.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.lock().next
    }

    pub(super) fn trouble(&self) -> Option<Error> {
        self.lock().trouble.clone()
    }

    pub(super) fn expect(&self, requests: u32) {
        self.lock().window = u64::from(requests.max(1)).saturating_mul(MAX_RANGE_LEN);
    }

    pub(super) fn take(&self, place: u64, bytes: Vec<u8>) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(error) = &state.trouble {
            return Err(io::Error::other(error.to_string()));
        }
        let end = place.saturating_add(bytes.len() as u64);
        if place < state.next || end > state.next.saturating_add(state.window) {
            return Err(io::Error::other("bytes came out of all order"));
        }
        state.early.insert(place, bytes);
        let result = state.hand_over();
        if let Err(error) = &result {
            state.trouble = Some(error.clone());
            state.early.clear();
        }
        result.map_err(|error| io::Error::other(error.to_string()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hand_over(&mut self) -> Result<(), Error> {
        while let Some(bytes) = self.early.remove(&self.next) {
            (self.consumer)(&bytes).map_err(told)?;
            self.next += bytes.len() as u64;
            if bytes.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// The consumer's own error, or its words.
fn told(error: io::Error) -> Error {
    error
        .downcast::<Error>()
        .unwrap_or_else(|error| Error::new(Kind::Local, format!("what was read cannot be used: {error}")))
}

impl fmt::Debug for Ordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").finish_non_exhaustive()
    }
}
