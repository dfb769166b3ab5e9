//! The call that a thread is in: what the layers under ureq must know of it, and what they find.
//!
//! ureq runs a call from start to end on the thread that makes it, and has no way to tell a
//! transport which call it serves: a pooled one serves many. So the call stands in a thread-local
//! for as long as it lasts.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use holdfast_core::abi::Sent;

use super::{
    call::{Call, Progress},
    config::MinimumRate,
    pace::Pace,
};

thread_local! {
    static CURRENT: RefCell<Option<Rc<Exchange>>> = const { RefCell::new(None) };
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No connection yet, or none of the request on it.
    Connecting,
    /// The request line and headers are on their way.
    SendingHead,
    /// The request's body is on its way.
    SendingBody,
    /// All is sent; no complete answer head yet.
    Awaiting,
    /// The answer's body comes inline.
    Receiving,
    /// The answer's body goes to a sink.
    Sinking,
}

/// What an early answer means for the body that is still on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Early {
    /// None has come.
    No,
    /// A success before the body is there: the rest is sent all the same, as nothing that was
    /// sent in half may count as done.
    SendOn,
    /// Anything else: what is left of the body is of no use, and so is the connection after it.
    GiveUp,
}

/// The state of a call.
#[derive(Debug)]
pub(crate) struct Exchange {
    cancelled: Arc<AtomicBool>,
    progress: Arc<Progress>,
    phase: Cell<Phase>,
    sent: Cell<Sent>,
    early: Cell<Early>,
    peer: RefCell<Option<Arc<str>>>,
    local: RefCell<Option<String>>,
    /// How well the body moves that is moving now.
    pub(crate) pace: RefCell<Pace>,
}

impl Exchange {
    pub(crate) fn new(call: &Call<'_>, minimum_rate: MinimumRate) -> Rc<Self> {
        Rc::new(Self {
            cancelled: Arc::clone(call.cancelled),
            progress: Arc::clone(call.progress),
            phase: Cell::new(Phase::Connecting),
            sent: Cell::new(Sent::No),
            early: Cell::new(Early::No),
            peer: RefCell::new(None),
            local: RefCell::new(None),
            pace: RefCell::new(Pace::new(minimum_rate)),
        })
    }

    /// Makes this the call that the thread is in, until the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Entered {
        Entered(CURRENT.replace(Some(Rc::clone(self))))
    }

    /// The call that this thread is in. `None` where ureq touches a connection outside of one.
    pub(crate) fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        if self.phase.replace(phase) != phase {
            self.pace.borrow_mut().restart();
        }
    }

    pub(crate) fn sent(&self) -> Sent {
        self.sent.get()
    }

    /// The first byte of the request is about to be handed to the system.
    pub(crate) fn set_sent(&self) {
        self.sent.set(Sent::Maybe);
    }

    pub(crate) fn early(&self) -> Early {
        self.early.get()
    }

    pub(crate) fn set_early(&self, early: Early) {
        self.early.set(early);
    }

    /// Bytes of the request were taken by the system.
    pub(crate) fn moved_out(&self, bytes: usize) {
        if self.phase.get() == Phase::SendingBody {
            self.progress.add_sent(bytes);
        }
        self.pace.borrow_mut().moved(bytes);
    }

    /// Bytes of the answer's body were understood.
    pub(crate) fn moved_in(&self, bytes: usize) {
        self.progress.add_received(bytes);
    }

    /// Who is at the other end of the connection that serves this call.
    pub(crate) fn peer(&self) -> Option<Arc<str>> {
        self.peer.borrow().clone()
    }

    pub(crate) fn set_peer(&self, peer: &Arc<str>) {
        self.peer.replace(Some(Arc::clone(peer)));
    }

    /// What went wrong with the source, if anything did.
    pub(crate) fn local_problem(&self) -> Option<String> {
        self.local.borrow().clone()
    }

    pub(crate) fn set_local_problem(&self, problem: String) {
        self.local.replace(Some(problem));
    }
}

/// Keeps a call current; the one before it comes back when this is dropped.
pub(crate) struct Entered(Option<Rc<Exchange>>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
