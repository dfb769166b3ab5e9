//! What goes wrong, and when: [`Fault`]s chosen by [`Rule`]s, [`Quirk`]s or a closure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Operation, Quirk, Reply, Seen, reply};

/// A point of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When the head was read: nothing reaches the server.
    Head,
    /// After this many bytes of the body, which have been passed on.
    Body(u64),
    /// When the body was read to its end; nothing was passed on.
    BodyRead,
}

/// How much of the body is read before an answer of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBody {
    /// All of it; the connection stays usable.
    Whole,
    /// This many bytes, at least; the answer is early, and then the connection ends so.
    First(u64, Ending),
}

/// What follows an early answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The socket is closed at once; unread bytes make the kernel send a RST.
    Close,
    /// No more is written, the rest of the body is read and thrown away.
    HalfClose,
    /// Nothing more is read for so long, then the socket is closed.
    StopReading(Duration),
    /// The rest of the body is read and the connection stays usable.
    Drain,
}

/// Changes an answer of the server before the client gets it.
pub type Edit = Arc<dyn Fn(&mut Reply) + Send + Sync>;

/// What is done to one exchange.
#[derive(Clone)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// The connection is cut with a RST.
    Reset(When),
    /// Silence for so long, then the exchange goes on.
    Stall(When, Duration),
    /// The body is read at this pace (bytes a second) and passed on.
    SlowRead(u64),
    /// An answer of our own; the server is not asked.
    Answer(Reply, ReadBody),
    /// The server does it and answers; the client gets a RST instead.
    LoseAnswer,
    /// The server does it and answers; the client sees the connection closed in good order.
    LoseAnswerQuietly,
    /// The server does it; the client gets another answer.
    ReplaceAnswer(Reply),
    /// The server does it; its answer is changed. The answer is held whole in memory.
    EditAnswer(Edit),
    /// The answer ends after so many bytes of its body: then the connection is closed.
    TruncateAnswer(u64),
    /// The answer's body comes in pieces of so many bytes with a pause after each.
    DripAnswer(u64, Duration),
    /// The answer stops after so many bytes of its body for so long, then goes on.
    StallAnswer(u64, Duration),
    /// `200` in chunks: spaces, one after each pause, then the server's own body, or this one
    /// (for which the server is not asked).
    Whitespace(u32, Duration, Option<Reply>),
    /// One bit of the request's body is flipped at this offset.
    FlipRequestBit(u64),
    /// One bit of the answer's body is flipped at this offset.
    FlipAnswerBit(u64),
}

impl Fault {
    /// An answer of our own after the whole body was read.
    pub fn answer(reply: Reply) -> Self {
        Self::Answer(reply, ReadBody::Whole)
    }

    /// An answer of our own in mid-body.
    pub fn early(reply: Reply, after: u64, ending: Ending) -> Self {
        Self::Answer(reply, ReadBody::First(after, ending))
    }

    /// An answer whose `Date` is off by so many seconds.
    pub fn wrong_date(offset_seconds: i64) -> Self {
        Self::edit(move |reply| reply.headers.set("date", reply::date(offset_seconds)))
    }

    /// The server's answer, changed.
    pub fn edit(edit: impl Fn(&mut Reply) + Send + Sync + 'static) -> Self {
        Self::EditAnswer(Arc::new(edit))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => write!(f, "Pass"),
            Self::Reset(when) => write!(f, "Reset({when:?})"),
            Self::Stall(when, time) => write!(f, "Stall({when:?}, {time:?})"),
            Self::SlowRead(pace) => write!(f, "SlowRead({pace})"),
            Self::Answer(reply, read) => write!(f, "Answer({}, {read:?})", reply.status),
            Self::LoseAnswer => write!(f, "LoseAnswer"),
            Self::LoseAnswerQuietly => write!(f, "LoseAnswerQuietly"),
            Self::ReplaceAnswer(reply) => write!(f, "ReplaceAnswer({})", reply.status),
            Self::EditAnswer(_) => write!(f, "EditAnswer"),
            Self::TruncateAnswer(n) => write!(f, "TruncateAnswer({n})"),
            Self::DripAnswer(n, pause) => write!(f, "DripAnswer({n}, {pause:?})"),
            Self::StallAnswer(n, time) => write!(f, "StallAnswer({n}, {time:?})"),
            Self::Whitespace(n, pause, _) => write!(f, "Whitespace({n}, {pause:?})"),
            Self::FlipRequestBit(at) => write!(f, "FlipRequestBit({at})"),
            Self::FlipAnswerBit(at) => write!(f, "FlipAnswerBit({at})"),
        }
    }
}

type Condition = Box<dyn Fn(&Seen) -> bool + Send>;
type Chooser = Box<dyn FnMut(&Seen) -> Option<Fault> + Send>;

/// A fault for the requests that match: by default for the first of them only.
pub struct Rule {
    condition: Condition,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    /// Matches an operation, part number included.
    pub fn on(operation: Operation) -> Self {
        Self::when(move |seen| seen.operation == operation)
    }

    /// Matches an operation, whatever the part number.
    pub fn on_any(operation: Operation) -> Self {
        Self::when(move |seen| seen.operation.same_kind(operation))
    }

    /// Matches the n-th request of all, from 0.
    pub fn nth(index: usize) -> Self {
        Self::when(move |seen| seen.index == index)
    }

    /// Matches what this says yes to.
    pub fn when(condition: impl Fn(&Seen) -> bool + Send + 'static) -> Self {
        Self { condition: Box::new(condition), skip: 0, times: 1, fault: Fault::Pass }
    }

    /// Lets the first so many matches pass.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Hits so many matches.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = count;
        self
    }

    /// Hits every match.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// What happens.
    #[must_use]
    pub fn then(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    fn choose(&mut self, seen: &Seen) -> Option<Fault> {
        if self.times == 0 || !(self.condition)(seen) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        Some(self.fault.clone())
    }
}

/// What a [`super::FaultProxy`] does: the first of closure, rules and quirks that has a fault for
/// a request wins; without one, the request passes.
#[derive(Default)]
pub struct Script {
    chooser: Option<Chooser>,
    rules: Vec<Rule>,
    quirks: Vec<Quirk>,
    memory: super::quirk::Memory,
}

impl Script {
    /// Everything passes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks a closure first.
    pub fn choosing(chooser: impl FnMut(&Seen) -> Option<Fault> + Send + 'static) -> Self {
        Self { chooser: Some(Box::new(chooser)), ..Self::default() }
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds what a provider always does.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    pub(crate) fn choose(&mut self, seen: &Seen) -> Fault {
        let chosen = self.chooser.as_mut().and_then(|chooser| chooser(seen));
        let chosen = chosen.or_else(|| self.rules.iter_mut().find_map(|rule| rule.choose(seen)));
        let chosen = chosen.or_else(|| self.quirks.iter().find_map(|quirk| quirk.choose(seen, &self.memory)));
        if chosen.is_none() {
            self.memory.note(seen);
        }
        chosen.unwrap_or(Fault::Pass)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.rules.iter().map(|rule| &rule.fault).collect();
        f.debug_struct("Script").field("faults", &faults).field("quirks", &self.quirks).finish_non_exhaustive()
    }
}
