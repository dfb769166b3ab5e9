//! Where each part stands on its way from the source into the bucket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    layout::{Flow, Layout},
    past::Sent,
};
use crate::{
    digest::Digests,
    plan::{Extent, Geometry, Part},
};

/// Times that one part may fail its checksum before the upload is called damaged.
const MAX_DOUBTS: u32 = 3;

/// A part that is in the bucket, proved whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) digests: Digests,
    pub(super) etag: String,
}

/// The parts of one upload. A part is in one place at a time:
///
/// ```text
/// todo ──▶ hashing ──▶ ready ──▶ sending ──▶ done
///   ▲         └──(claim agrees)────────────▶ done
///   └────────────(damaged on the way)──┘
///
/// to copy ──▶ copying ──▶ done
/// ```
///
/// Of a stream, `todo` are only parts that the host still holds: it has them hashed again.
#[derive(Debug)]
pub(super) struct Parts {
    layout: Layout,
    todo: BTreeSet<u32>,
    hashing: BTreeSet<u32>,
    /// Of those, parts that must be hashed once more when they are there: another digest is wanted
    /// since they were asked for.
    stale: BTreeSet<u32>,
    ready: VecDeque<(u32, Digests)>,
    sending: BTreeMap<u32, Digests>,
    to_copy: BTreeSet<u32>,
    copying: BTreeSet<u32>,
    done: BTreeMap<u32, Done>,
    /// What an earlier run sent, and the server confirms: trusted once a fresh checksum agrees.
    claims: BTreeMap<u32, Sent>,
    doubts: BTreeMap<u32, u32>,
    /// Parts of the stream that arrived in this run: nobody has them any more.
    released: u32,
    pub(super) kept: u32,
    pub(super) dropped: u32,
    pub(super) bytes_kept: u64,
    pub(super) bytes_sent: u64,
}

/// How a part that the host hashed differs from what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// Another length.
    Len,
    /// Nobody asked.
    Unasked,
}

impl Parts {
    /// The parts of an archive.
    pub(super) fn new(geometry: Geometry) -> Self {
        Self { todo: (1..=geometry.parts()).collect(), ..Self::none(Layout::Archive(geometry)) }
    }

    /// The parts of a stream.
    pub(super) fn stream(flow: Flow) -> Self {
        Self { to_copy: (1..=flow.copied()).collect(), ..Self::none(Layout::Stream(flow)) }
    }

    fn none(layout: Layout) -> Self {
        Self {
            layout,
            todo: BTreeSet::new(),
            hashing: BTreeSet::new(),
            stale: BTreeSet::new(),
            ready: VecDeque::new(),
            sending: BTreeMap::new(),
            to_copy: BTreeSet::new(),
            copying: BTreeSet::new(),
            done: BTreeMap::new(),
            claims: BTreeMap::new(),
            doubts: BTreeMap::new(),
            released: 0,
            kept: 0,
            dropped: 0,
            bytes_kept: 0,
            bytes_sent: 0,
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether the upload can begin again from nothing: of a stream, if the host still has all that
    /// it was asked for in this run, and that begins where a fresh upload's would.
    pub(super) fn can_restart(&self) -> bool {
        match &self.layout {
            Layout::Archive(_) => true,
            Layout::Stream(flow) => {
                self.released == 0 && flow.first_asked.is_none_or(|first| first == flow.copied() + 1)
            }
        }
    }

    /// Begins again from nothing.
    pub(super) fn restart(&mut self) {
        let bytes_sent = self.bytes_sent;
        let mut fresh = match &self.layout {
            Layout::Archive(geometry) => Self::new(*geometry),
            Layout::Stream(flow) => {
                let mut flow = flow.clone();
                if flow.first_asked.is_none() {
                    flow.next = flow.copied() + 1;
                    flow.last = None;
                }
                let held = self.ready.iter().map(|(number, _)| *number).chain(self.sending.keys().copied());
                let todo = held.chain(self.todo.iter().copied()).collect();
                let stale = self.hashing.clone();
                Self { todo, hashing: stale.clone(), stale, ..Self::stream(flow) }
            }
        };
        fresh.bytes_sent = bytes_sent;
        *self = fresh;
    }

    /// Believes, until a checksum says otherwise, that these parts are in the bucket.
    pub(super) fn claim(&mut self, claims: BTreeMap<u32, Sent>) {
        self.claims = claims;
    }

    /// Whether claims are still to be checked.
    pub(super) fn checking(&self) -> bool {
        !self.claims.is_empty()
    }

    /// Of a stream: takes over what an earlier run got into the bucket, of copied parts any, of the
    /// stream's the longest run of whole ones. Gives the last part that counts from now on.
    pub(super) fn keep(&mut self, claims: BTreeMap<u32, Sent>) -> u32 {
        let Layout::Stream(flow) = &mut self.layout else { return 0 };
        let copied = flow.copied();
        let mut last = copied;
        for (number, Sent { len, digests, etag }) in claims {
            let whole = self.layout.len_of(number) == len;
            if !whole || (number > copied && number != last + 1) {
                self.dropped += 1;
                continue;
            }
            if number > copied {
                last = number;
                self.kept += 1;
                self.bytes_kept += len;
            }
            self.to_copy.remove(&number);
            self.done.insert(number, Done { digests, etag });
        }
        if let Layout::Stream(flow) = &mut self.layout {
            flow.next = last + 1;
        }
        last
    }

    /// Of a stream: takes over all parts of an upload that an earlier run was about to complete.
    pub(super) fn keep_all(&mut self, claims: BTreeMap<u32, Sent>) {
        let Layout::Stream(flow) = &mut self.layout else { return };
        let copied = flow.copied();
        if let Some((number, sent)) = claims.last_key_value() {
            flow.end(*number, sent.len);
        }
        self.to_copy.clear();
        for (number, Sent { len, digests, etag }) in claims {
            if number > copied {
                self.kept += 1;
                self.bytes_kept += len;
            }
            self.done.insert(number, Done { digests, etag });
        }
    }

    /// Whether the first part of a stream with nothing in front of it is still to come: it decides
    /// whether one request is enough.
    pub(super) fn awaits_first(&self) -> bool {
        match &self.layout {
            Layout::Archive(_) => false,
            Layout::Stream(flow) => {
                let nothing = self.todo.is_empty() && self.ready.is_empty() && self.sending.is_empty();
                flow.copied() == 0 && flow.last.is_none() && nothing && self.done.is_empty() && flow.next <= 2
            }
        }
    }

    /// Whether the stream is longer than its parts can be.
    pub(super) fn overflows(&self) -> bool {
        match &self.layout {
            Layout::Archive(_) => false,
            Layout::Stream(flow) => flow.last.is_none() && self.layout.part(flow.next).is_none(),
        }
    }

    /// Whether any part is under way, on this machine or to the bucket.
    pub(super) fn busy(&self) -> bool {
        let hashed = !self.hashing.is_empty() || !self.ready.is_empty() || !self.todo.is_empty();
        hashed || !self.sending.is_empty() || !self.copying.is_empty() || !self.to_copy.is_empty()
    }

    /// The next part to hash, if not too many are hashed ahead of the sending. `true` when its
    /// checksum decides about a claim.
    pub(super) fn next_to_hash(&mut self, ahead: usize) -> Option<(Part, bool)> {
        if self.layout.is_stream() {
            return Some((self.next_of_stream()?, false));
        }
        if self.hashing.len() + self.ready.len() >= ahead {
            return None;
        }
        // Claims first: what they spare shows early, and what they cost is queued in order.
        let number = self.claims.keys().find(|number| self.todo.contains(number)).copied();
        let number = number.or_else(|| self.todo.first().copied())?;
        self.todo.remove(&number);
        self.hashing.insert(number);
        Some((self.layout.part(number)?, self.claims.contains_key(&number)))
    }

    /// A part that the host holds, or the next that it may make.
    fn next_of_stream(&mut self) -> Option<Part> {
        if let Some(number) = self.todo.pop_first() {
            self.hashing.insert(number);
            return self.layout.part(number);
        }
        let held = self.hashing.len() + self.ready.len() + self.sending.len();
        let awaits_first = self.awaits_first();
        let Layout::Stream(flow) = &mut self.layout else { return None };
        // One is enough to decide how it goes on.
        let window = if awaits_first { 1 } else { flow.window as usize };
        if flow.last.is_some() || held >= window {
            return None;
        }
        let number = flow.next;
        let part = self.layout.part(number)?;
        if let Layout::Stream(flow) = &mut self.layout {
            flow.next += 1;
            flow.first_asked.get_or_insert(number);
        }
        self.hashing.insert(number);
        Some(part)
    }

    /// A part has been hashed: it is to be sent, or a claim is decided.
    pub(super) fn hashed(&mut self, number: u32, len: u64, last: bool, digests: Digests) -> Result<(), Misfit> {
        if !self.hashing.contains(&number) {
            return Err(Misfit::Unasked);
        }
        let asked = self.layout.len_of(number);
        match &mut self.layout {
            Layout::Stream(flow) if last && len <= asked => flow.end(number, len),
            _ if len == asked => {}
            _ => return Err(Misfit::Len),
        }
        self.hashing.remove(&number);
        if let (Layout::Stream(_), Some(end)) = (&self.layout, self.layout.parts()) {
            // They were asked for before anyone knew where the stream would end.
            self.hashing.retain(|number| *number <= end);
            self.stale.retain(|number| *number <= end);
            if number > end {
                return Ok(());
            }
        }
        if self.stale.remove(&number) {
            self.todo.insert(number);
            return Ok(());
        }
        let Some(claim) = self.claims.remove(&number) else {
            self.ready.push_back((number, digests));
            return Ok(());
        };
        if claim.len == len && claim.digests.agrees_with(&digests) {
            self.kept += 1;
            self.bytes_kept += len;
            // The journal's digests hold all that Complete needs.
            self.done.insert(number, Done { digests: claim.digests, etag: claim.etag });
        } else {
            self.dropped += 1;
            // Hashed for a comparison, without what a request needs: hash it again.
            self.todo.insert(number);
        }
        Ok(())
    }

    /// The next part that can be sent. Of a stream none, before one was copied: whether the server
    /// copies at all, and with this checksum, is known before anything is lost.
    pub(super) fn next_to_send(&mut self) -> Option<(Part, Digests)> {
        let copied = self.layout.copied();
        if copied > 0 && self.done.range(..=copied).next().is_none() {
            return None;
        }
        let (number, digests) = self.ready.pop_front()?;
        self.sending.insert(number, digests.clone());
        Some((self.layout.part(number)?, digests))
    }

    /// The next part to copy, and from where.
    pub(super) fn next_to_copy(&mut self) -> Option<(u32, Extent)> {
        let Layout::Stream(flow) = &self.layout else { return None };
        let number = self.to_copy.pop_first()?;
        self.copying.insert(number);
        Some((number, flow.extent(number)?))
    }

    /// A part was copied.
    pub(super) fn copied(&mut self, number: u32, digests: Digests, etag: String) {
        if self.copying.remove(&number) {
            self.done.insert(number, Done { digests, etag });
        }
    }

    /// What was sent as this part.
    pub(super) fn sent(&self, number: u32) -> Option<&Digests> {
        self.sending.get(&number)
    }

    /// A part has arrived whole.
    pub(super) fn arrived(&mut self, number: u32, etag: String) -> Option<&Done> {
        let digests = self.sending.remove(&number)?;
        self.bytes_sent += self.layout.len_of(number);
        self.released += 1;
        self.done.insert(number, Done { digests, etag });
        self.done.get(&number)
    }

    /// A part did not arrive as it was sent: read it, hash it and send it again. `false` when that
    /// has happened too often.
    pub(super) fn damaged(&mut self, number: u32) -> bool {
        self.done.remove(&number);
        if number <= self.layout.copied() {
            self.copying.remove(&number);
            self.to_copy.insert(number);
        } else {
            self.sending.remove(&number);
            self.todo.insert(number);
        }
        let doubts = self.doubts.entry(number).or_default();
        *doubts += 1;
        *doubts <= MAX_DOUBTS
    }

    /// Doubts every part that has arrived: what was known of them, as claims to be checked.
    pub(super) fn forget_done(&mut self) -> BTreeMap<u32, Sent> {
        let done = std::mem::take(&mut self.done);
        self.todo.extend(done.keys());
        done.into_iter()
            .map(|(number, Done { digests, etag })| {
                let len = self.layout.len_of(number);
                (number, Sent { len, digests, etag })
            })
            .collect()
    }

    /// All parts in order, once they have all arrived.
    pub(super) fn complete(&self) -> Option<&BTreeMap<u32, Done>> {
        let parts = self.layout.parts()?;
        (self.done.len() == parts as usize).then_some(&self.done)
    }
}
