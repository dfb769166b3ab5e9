//! Ends a call that takes too long.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A thread that sleeps while no call is under way, and about once per time limit while calls come
/// and go: a call sets a deadline and takes it back, and the thread finds out when it wakes.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

struct State {
    deadline: Option<Instant>,
    /// The thread waits without a limit, so that a new deadline has to wake it.
    idle: bool,
    closed: bool,
}

/// While it lives, the time runs.
pub(super) struct Guard {
    shared: Arc<Shared>,
}

impl Watchdog {
    /// Runs `expire` whenever a guard outlives its time.
    pub(super) fn new(expire: impl Fn() + Send + 'static) -> io::Result<Self> {
        let state = Mutex::new(State { deadline: None, idle: false, closed: false });
        let shared = Arc::new(Shared { state, woken: Condvar::new() });
        let watched = Arc::clone(&shared);
        // A default stack of 2 MiB counts under `ulimit -v`.
        let builder = thread::Builder::new().name("deadline".to_owned()).stack_size(64 << 10);
        let thread = builder.spawn(move || watched.watch(expire))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Starts the time of a call.
    pub(super) fn guard(&self, limit: Duration) -> Guard {
        let mut state = self.shared.lock();
        state.deadline = Some(Instant::now() + limit);
        if state.idle {
            self.shared.woken.notify_one();
        }
        drop(state);
        Guard { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.lock().deadline = None;
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.woken.notify_one();
        if let Some(thread) = self.thread.take() {
            // It runs nothing that panics, and if it did, nobody is left to be told.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, expire: impl Fn()) {
        let mut state = self.lock();
        while !state.closed {
            let left = state.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            state = match left {
                // Under the lock: a call that ends now has either ended in time or not.
                Some(Duration::ZERO) => {
                    expire();
                    state.deadline = None;
                    state
                }
                Some(left) => self.woken.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => {
                    state.idle = true;
                    let mut state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle = false;
                    state
                }
            };
        }
    }
}
