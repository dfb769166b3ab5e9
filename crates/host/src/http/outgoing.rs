//! The request's body on its way out.

use std::{
    io::{self, Read},
    rc::Rc,
    sync::Arc,
    thread,
    time::Instant,
};

use super::{
    call::Body,
    exchange::{Early, Exchange, Phase},
    limit::Limit,
    wait::SLICE,
};

/// Gives ureq exactly as many bytes as were announced, or an error.
pub(crate) struct Outgoing<'a> {
    source: Body<'a>,
    len: u64,
    left: u64,
    exchange: Rc<Exchange>,
    limit: Option<Arc<Limit>>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(source: Body<'a>, exchange: &Rc<Exchange>, limit: Option<Arc<Limit>>) -> Self {
        let len = source.len();
        Self { source, len, left: len, exchange: Rc::clone(exchange), limit }
    }

    /// Waits for the turn of the next piece.
    fn take_turn(&self, bytes: usize) {
        let Some(limit) = self.limit.as_ref().filter(|_| bytes > 0) else { return };
        let turn = limit.book(bytes, Instant::now());
        while !self.exchange.is_cancelled() {
            let left = turn.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(SLICE));
        }
    }

    fn fail(&self, problem: String) -> io::Error {
        self.exchange.set_local_problem(problem);
        io::Error::other("the source failed")
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.exchange.set_phase(Phase::SendingBody);
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if self.exchange.early() == Early::GiveUp {
            // The connection swallows it: whatever is in the buffer will do.
            self.left -= most as u64;
            return Ok(most);
        }
        let most = self.limit.as_ref().map_or(most, |limit| most.min(limit.piece()));
        self.take_turn(most);
        // Filled to the brim, so that a reader of small pieces makes no small writes.
        let mut filled = 0;
        while filled < most {
            if self.exchange.is_cancelled() {
                return Err(self.fail("cancelled".to_owned()));
            }
            let room = &mut into[filled..most];
            let outcome = match &mut self.source {
                Body::Empty => Ok(0),
                Body::Bytes(bytes) => bytes.read(room),
                Body::Reader { reader, .. } => reader.read(room),
            };
            match outcome {
                // ureq would ask again for ever.
                Ok(0) => {
                    let read = self.len - self.left + filled as u64;
                    return Err(self.fail(format!("the source ended after {read} of {} bytes", self.len)));
                }
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fail(format!("the source cannot be read: {error}"))),
            }
        }
        self.left -= filled as u64;
        Ok(filled)
    }
}
