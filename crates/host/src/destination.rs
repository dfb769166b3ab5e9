//! Where fetched bytes go: into a file, into memory, or to a consumer in their order.
//!
//! A request may fail when half of its answer has come, and is sent again from its beginning. A
//! file takes that twice at the same place; what cannot be taken back waits in memory until its
//! request has ended well.

mod file;
mod memory;
mod ordered;

use std::{io, io::Write, sync::Arc};

use holdfast_core::{
    digest::{DigestKind, Digests},
    error::Error,
};

pub use self::{file::File, memory::Memory, ordered::Ordered};
use crate::hash::Hasher;

/// Where fetched bytes go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Into a file, as they come.
    File(Arc<File>),
    /// Into memory: an object's end, an index.
    Memory(Arc<Memory>),
    /// To a consumer, strictly in order.
    Ordered(Arc<Ordered>),
}

impl Destination {
    /// Hashes what an earlier run wrote; only a file outlives its run.
    ///
    /// # Errors
    /// When reading fails.
    pub fn digests(&self, offset: u64, len: u64, kinds: &[DigestKind]) -> io::Result<(u64, Digests)> {
        match self {
            Self::File(file) => file.digests(offset, len, kinds),
            Self::Memory(_) | Self::Ordered(_) => Ok((0, Digests::default())),
        }
    }

    /// What was wrong on this side, if anything was: it says more than a request that failed.
    #[must_use]
    pub fn trouble(&self) -> Option<Error> {
        match self {
            Self::File(_) | Self::Memory(_) => None,
            Self::Ordered(ordered) => ordered.trouble(),
        }
    }

    /// How many requests there may be at a time.
    pub(crate) fn expect(&self, requests: u32) {
        if let Self::Ordered(ordered) = self {
            ordered.expect(requests);
        }
    }
}

/// Where in the destination an answer's bytes belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// From this place on, beside others.
    At(u64),
    /// They are all there is.
    Whole,
}

/// Takes the bytes of one answer as they arrive, and hashes them.
#[derive(Debug)]
pub struct Writer<'a> {
    destination: Option<&'a Destination>,
    landing: Landing,
    len: u64,
    held: Vec<u8>,
    hasher: Hasher,
}

impl<'a> Writer<'a> {
    /// To a destination, or to nowhere when only the digests are of interest.
    #[must_use]
    pub fn new(destination: Option<&'a Destination>, landing: Landing, kinds: &[DigestKind]) -> Self {
        Self { destination, landing, len: 0, held: Vec::new(), hasher: Hasher::new(kinds) }
    }

    /// The answer has ended well: its bytes are final. Gives their digests.
    ///
    /// # Errors
    /// When they cannot be kept, or their consumer wants no more.
    pub fn finish(self) -> io::Result<Digests> {
        match (self.destination, self.landing) {
            (Some(Destination::File(file)), Landing::Whole) => file.end_at(self.len)?,
            (Some(Destination::Memory(memory)), landing) => memory.keep(landing, self.held)?,
            (Some(Destination::Ordered(ordered)), landing) => ordered.take(landing.place(), self.held)?,
            (Some(Destination::File(_)) | None, _) => {}
        }
        Ok(self.hasher.finish())
    }
}

impl Landing {
    fn place(self) -> u64 {
        match self {
            Self::At(place) => place,
            Self::Whole => 0,
        }
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let place = self.landing.place().saturating_add(self.len);
        match self.destination {
            None => {}
            Some(Destination::File(file)) => file.write_at(bytes, place)?,
            Some(Destination::Memory(memory)) => {
                memory.has_room(place.saturating_add(bytes.len() as u64))?;
                self.held.extend_from_slice(bytes);
            }
            Some(Destination::Ordered(_)) => self.held.extend_from_slice(bytes),
        }
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
