//! A connection under ureq that listens while it sends.
//!
//! ureq sends a whole body before it looks for an answer. A server that answers in mid-body and
//! closes, half-closes, resets or stops reading is thereby lost: the call ends in `EPIPE`, in
//! `ECONNRESET` or in a timeout. So before each piece, whenever a piece does not fit, and when
//! sending fails, this connection reads what has come:
//!
//! ```text
//! nothing, or 1xx, or a TLS ticket ──▶ go on
//! 2xx                              ──▶ go on: nothing sent in half may count as done
//! any other answer, or no HTTP     ──▶ swallow the rest of the body, unread and unsent;
//!                                      ureq finds the answer; the connection is not used again
//! the peer's end                   ──▶ fail now: no answer can come any more
//! ```

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_core::abi::{Sent, TransportCause};
use ureq::{
    Timeout,
    unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport},
};

use super::{
    early::{self, Verdict},
    exchange::{Early, Exchange, Phase},
    failure::Stop,
    tunnel::Forward,
    wait::{self, Interest, Ready, Wire},
};

/// Bytes read at once. An answer's head must fit, see
/// [`MAX_HEAD_LEN`](super::client::MAX_HEAD_LEN).
pub(crate) const INPUT_LEN: usize = 64 << 10;

/// Bytes sent at once: one read of the source and about one write each. Measured over loopback,
/// 64, 128 and 256 KiB cost the same processor time within 10 %.
pub(crate) const OUTPUT_LEN: usize = 128 << 10;

/// An open connection, its buffers, and how it is to be used.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Box<dyn Wire>,
    buffers: LazyBuffers,
    /// Host and address, for messages.
    peer: Arc<str>,
    is_tls: bool,
    /// Requests are addressed to a proxy.
    forward: Option<Forward>,
    /// Holds input that ureq has not been told of.
    unread: bool,
    /// Has served a call.
    used: bool,
    /// Not to be used for another call.
    spent: bool,
}

/// How a connection was made.
pub(crate) struct Made {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) peer: Arc<str>,
    pub(crate) is_tls: bool,
    pub(crate) forward: Option<Forward>,
}

impl Connection {
    pub(crate) fn new(made: Made) -> Self {
        let Made { wire, peer, is_tls, forward } = made;
        let buffers = LazyBuffers::new(INPUT_LEN, OUTPUT_LEN);
        Self { wire, buffers, peer, is_tls, forward, unread: false, used: false, spent: false }
    }

    fn send(&mut self, amount: usize, stall: Duration, exchange: &Exchange) -> Result<(), Stop> {
        if self.listen(exchange)? == Early::GiveUp {
            return Ok(());
        }
        let head = match (&self.forward, exchange.phase()) {
            (Some(forward), Phase::SendingHead) => Some(forward.readdress(&self.buffers.output()[..amount])?),
            _ => None,
        };
        let amount = head.as_ref().map_or(amount, Vec::len);
        exchange.set_sent();
        let mut taken = 0;
        let mut quiet = Quiet::since_now(&*self.wire);
        loop {
            let step = if taken < amount {
                let bytes = head.as_deref().unwrap_or(self.buffers.output());
                self.wire.write(&bytes[taken..amount])
            } else {
                self.wire.flush().map(|()| 0)
            };
            match step {
                Ok(_) if taken == amount => return Ok(()),
                Ok(bytes) => {
                    taken += bytes;
                    exchange.moved_out(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let until = quiet.until(&*self.wire, stall);
                    if Instant::now() >= until {
                        return Err(self.stalled(stall, exchange));
                    }
                    // After an early success its bytes stay where they are, always readable.
                    let interest = match exchange.early() {
                        Early::No => Interest::Both,
                        Early::SendOn | Early::GiveUp => Interest::Write,
                    };
                    let ready = self.wait(interest, until, exchange)?;
                    if ready.readable && self.listen(exchange)? == Early::GiveUp {
                        return Ok(());
                    }
                }
                Err(error) => return self.last_words(&error, exchange),
            }
        }
    }

    /// Reads what has come while there is something to send, and judges it.
    fn listen(&mut self, exchange: &Exchange) -> Result<Early, Stop> {
        if exchange.early() != Early::No {
            return Ok(exchange.early());
        }
        loop {
            let room = self.buffers.input_append_buf();
            match self.wire.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Early::No),
                Err(error) => return Err(self.broken(&error)),
                // What comes before a second request is about the first, a 408 mostly.
                Ok(bytes) if exchange.sent() == Sent::No && (bytes == 0 || self.used) => {
                    return Err(self.stale());
                }
                Ok(0) => return Err(self.closed_while_sending()),
                Ok(bytes) => {
                    self.buffers.input_appended(bytes);
                    let early = self.judge();
                    if early != Early::No {
                        exchange.set_early(early);
                        return Ok(early);
                    }
                }
            }
        }
    }

    /// What the input says about the body that is still on its way. Interim answers are dropped.
    fn judge(&mut self) -> Early {
        loop {
            match early::verdict(self.buffers.input()) {
                Verdict::More => return Early::No,
                Verdict::Interim(len) => self.buffers.input_consume(len),
                Verdict::Final(status) => {
                    self.unread = true;
                    self.spent = true;
                    let success = status.is_some_and(|status| (200..300).contains(&status));
                    return if success { Early::SendOn } else { Early::GiveUp };
                }
            }
        }
    }

    /// Sending failed: the answer that explains it may have come before the end.
    fn last_words(&mut self, error: &io::Error, exchange: &Exchange) -> Result<(), Stop> {
        match self.listen(exchange) {
            Ok(Early::GiveUp) => Ok(()),
            _ => Err(self.broken(error)),
        }
    }

    fn receive(&mut self, timeout: NextTimeout, exchange: &Exchange) -> Result<bool, ureq::Error> {
        if std::mem::take(&mut self.unread) {
            return Ok(true);
        }
        let started = Instant::now();
        let mut quiet = Quiet::since_now(&*self.wire);
        loop {
            let room = self.buffers.input_append_buf();
            if room.is_empty() {
                return Err(self.endless_head().into());
            }
            match self.wire.read(room) {
                Ok(bytes) => {
                    self.buffers.input_appended(bytes);
                    exchange.pace.borrow_mut().moved(bytes);
                    return Ok(bytes > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Err(self.broken(&error).into());
                }
                Err(_) => {}
            }
            // A server may think for longer than a body may pause: only once its answer has
            // begun does the time for each read count.
            let (until, limit) = match timeout.reason {
                Timeout::RecvResponse | Timeout::Await100 => {
                    let limit = exact(timeout.after);
                    (started + limit, limit)
                }
                _ => {
                    let limit = exact(timeout.for_read().after);
                    (quiet.until(&*self.wire, limit), limit)
                }
            };
            if Instant::now() >= until {
                return Err(match timeout.reason {
                    // Not a failure: ureq goes on and sends the body.
                    Timeout::Await100 => ureq::Error::Timeout(timeout.reason),
                    _ => self.stalled(limit, exchange).into(),
                });
            }
            self.wait(Interest::Read, until, exchange)?;
        }
    }

    /// Waits a moment, unless the call was cancelled or its body moves too slowly.
    fn wait(&self, interest: Interest, until: Instant, exchange: &Exchange) -> Result<Ready, Stop> {
        if exchange.is_cancelled() {
            return Err(Stop::cancelled());
        }
        let began = Instant::now();
        let ready = wait::once(self.wire.socket(), interest, until).map_err(|error| self.broken(&error))?;
        if matches!(exchange.phase(), Phase::SendingBody | Phase::Sinking) {
            exchange.pace.borrow_mut().waited(began.elapsed()).map_err(|slow| {
                Stop::new(
                    TransportCause::Stalled,
                    format!(
                        "only {} bytes in {:.0} s moved {} {}",
                        slow.moved,
                        slow.waited.as_secs_f64(),
                        if exchange.phase() == Phase::Sinking { "from" } else { "to" },
                        self.peer
                    ),
                )
            })?;
        }
        Ok(ready)
    }

    fn stalled(&self, limit: Duration, exchange: &Exchange) -> Stop {
        let (peer, limit) = (&self.peer, limit.as_secs_f64());
        let message = match exchange.phase() {
            Phase::Awaiting => {
                format!("{peer} took the request and gave no answer within {limit:.0} s")
            }
            Phase::Receiving | Phase::Sinking => {
                format!("{peer} fell silent for {limit:.0} s in the middle of its answer")
            }
            _ => format!("{peer} took nothing of the request for {limit:.0} s"),
        };
        Stop::new(TransportCause::Stalled, message)
    }

    fn broken(&self, error: &io::Error) -> Stop {
        let message = if error.kind() == io::ErrorKind::UnexpectedEof {
            format!("the connection to {} was cut", self.peer)
        } else {
            format!("the connection to {} broke: {error}", self.peer)
        };
        Stop::new(TransportCause::Broken, message)
    }

    fn stale(&self) -> Stop {
        let message = format!("{} had closed the connection before the request", self.peer);
        Stop::new(TransportCause::Broken, message)
    }

    fn closed_while_sending(&self) -> Stop {
        let message = format!("{} closed the connection while the request was sent", self.peer);
        Stop::new(TransportCause::Broken, message)
    }

    fn endless_head(&self) -> Stop {
        let message = format!("the headers of the answer of {} have no end", self.peer);
        Stop::new(TransportCause::Malformed, message)
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let exchange = current()?;
        if exchange.phase() == Phase::Connecting {
            exchange.set_phase(Phase::SendingHead);
            exchange.set_peer(&self.peer);
        }
        if exchange.early() == Early::GiveUp {
            return Ok(());
        }
        Ok(self.send(amount, exact(timeout.for_write().after), &exchange)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let exchange = current()?;
        if timeout.reason == Timeout::RecvResponse {
            exchange.set_phase(Phase::Awaiting);
        }
        self.receive(timeout, &exchange)
    }

    fn is_open(&mut self) -> bool {
        self.used = true;
        // TLS tickets are taken in here; anything else that comes unasked ends the connection.
        !self.spent
            && matches!(self.wire.read(&mut [0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

fn current() -> Result<std::rc::Rc<Exchange>, Stop> {
    Exchange::current().ok_or_else(|| Stop::new(TransportCause::Local, "a connection is used outside of a call"))
}

/// Since when no byte has moved.
struct Quiet {
    moved: u64,
    since: Instant,
}

impl Quiet {
    fn since_now(wire: &dyn Wire) -> Self {
        Self { moved: wire.moved(), since: Instant::now() }
    }

    fn until(&mut self, wire: &dyn Wire, limit: Duration) -> Instant {
        if wire.moved() != self.moved {
            *self = Self::since_now(wire);
        }
        self.since + limit
    }
}

/// ureq's "never" is too far away to be added to a moment.
fn exact(limit: ureq::unversioned::transport::time::Duration) -> Duration {
    const LONG: Duration = Duration::from_secs(365 * 24 * 3600);
    (*limit).min(LONG)
}
