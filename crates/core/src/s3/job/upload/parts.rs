//! Where each part stands on its way from the source into the bucket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::past::Sent;
use crate::{
    digest::Digests,
    plan::{Geometry, Part},
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
/// ```
#[derive(Debug)]
pub(super) struct Parts {
    geometry: Geometry,
    todo: BTreeSet<u32>,
    hashing: BTreeSet<u32>,
    ready: VecDeque<(u32, Digests)>,
    sending: BTreeMap<u32, Digests>,
    done: BTreeMap<u32, Done>,
    /// What an earlier run sent, and the server confirms: trusted once a fresh checksum agrees.
    claims: BTreeMap<u32, Sent>,
    doubts: BTreeMap<u32, u32>,
    pub(super) kept: u32,
    pub(super) dropped: u32,
    pub(super) bytes_kept: u64,
    pub(super) bytes_sent: u64,
}

impl Parts {
    pub(super) fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            todo: (1..=geometry.parts()).collect(),
            hashing: BTreeSet::new(),
            ready: VecDeque::new(),
            sending: BTreeMap::new(),
            done: BTreeMap::new(),
            claims: BTreeMap::new(),
            doubts: BTreeMap::new(),
            kept: 0,
            dropped: 0,
            bytes_kept: 0,
            bytes_sent: 0,
        }
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Believes, until a checksum says otherwise, that these parts are in the bucket.
    pub(super) fn claim(&mut self, claims: BTreeMap<u32, Sent>) {
        self.claims = claims;
    }

    /// Whether claims are still to be checked.
    pub(super) fn checking(&self) -> bool {
        !self.claims.is_empty()
    }

    /// The next part to hash, if not too many are hashed ahead of the sending. `true` when its
    /// checksum decides about a claim.
    pub(super) fn next_to_hash(&mut self, ahead: usize) -> Option<(Part, bool)> {
        if self.hashing.len() + self.ready.len() >= ahead {
            return None;
        }
        // Claims first: what they spare shows early, and what they cost is queued in order.
        let number = self.claims.keys().find(|number| self.todo.contains(number)).copied();
        let number = number.or_else(|| self.todo.first().copied())?;
        self.todo.remove(&number);
        self.hashing.insert(number);
        Some((self.geometry.part(number)?, self.claims.contains_key(&number)))
    }

    /// A part has been hashed: it is to be sent, or a claim is decided.
    pub(super) fn hashed(&mut self, number: u32, digests: Digests) {
        if !self.hashing.remove(&number) {
            return;
        }
        let Some(claim) = self.claims.remove(&number) else {
            self.ready.push_back((number, digests));
            return;
        };
        let len = self.geometry.part(number).map_or(0, |part| part.len);
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
    }

    /// The next part that can be sent.
    pub(super) fn next_to_send(&mut self) -> Option<(Part, Digests)> {
        let (number, digests) = self.ready.pop_front()?;
        self.sending.insert(number, digests.clone());
        Some((self.geometry.part(number)?, digests))
    }

    /// What was sent as this part.
    pub(super) fn sent(&self, number: u32) -> Option<&Digests> {
        self.sending.get(&number)
    }

    /// A part has arrived whole.
    pub(super) fn arrived(&mut self, number: u32, etag: String) -> Option<&Done> {
        let digests = self.sending.remove(&number)?;
        self.bytes_sent += self.geometry.part(number).map_or(0, |part| part.len);
        self.done.insert(number, Done { digests, etag });
        self.done.get(&number)
    }

    /// A part did not arrive as it was sent: read it, hash it and send it again. `false` when that
    /// has happened too often.
    pub(super) fn damaged(&mut self, number: u32) -> bool {
        self.sending.remove(&number);
        self.done.remove(&number);
        self.todo.insert(number);
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
                let len = self.geometry.part(number).map_or(0, |part| part.len);
                (number, Sent { len, digests, etag })
            })
            .collect()
    }

    /// All parts in order, once they have all arrived.
    pub(super) fn complete(&self) -> Option<&BTreeMap<u32, Done>> {
        (self.done.len() == self.geometry.parts() as usize).then_some(&self.done)
    }
}
