//! Waiting for a socket, in slices short enough to notice a cancellation.

use std::{
    fmt,
    io::{self, Read, Write},
    net::TcpStream,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::exchange::Exchange;

/// How long a cancellation may go unnoticed.
pub(crate) const SLICE: Duration = Duration::from_millis(100);

/// A stream of bytes that never blocks: a TCP connection, or TLS over another wire.
///
/// `read` and `write` answer [`io::ErrorKind::WouldBlock`] only when the socket below has just
/// said so, so that waiting for the socket is always the right thing to do next.
pub(crate) trait Wire: Read + Write + fmt::Debug + Send + Sync + 'static {
    /// What to wait for.
    fn socket(&self) -> &TcpStream;

    /// Bytes that went through the socket, both ways: any change of it is life.
    fn moved(&self) -> u64;
}

impl Wire for Box<dyn Wire> {
    fn socket(&self) -> &TcpStream {
        (**self).socket()
    }

    fn moved(&self) -> u64 {
        (**self).moved()
    }
}

/// A connected socket in non-blocking mode.
#[derive(Debug)]
pub(crate) struct Tcp {
    stream: TcpStream,
    moved: u64,
}

impl Tcp {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, moved: 0 }
    }

    fn count(&mut self, outcome: io::Result<usize>) -> io::Result<usize> {
        if let Ok(bytes) = outcome {
            self.moved += bytes as u64;
        }
        outcome
    }
}

impl Read for Tcp {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let outcome = self.stream.read(into);
        self.count(outcome)
    }
}

impl Write for Tcp {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let outcome = self.stream.write(from);
        self.count(outcome)
    }

    fn write_vectored(&mut self, from: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let outcome = self.stream.write_vectored(from);
        self.count(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Tcp {
    fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn moved(&self) -> u64 {
        self.moved
    }
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    Write,
    Both,
}

/// What a wait found. An error or an end counts as both: the next read or write tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// Waits until the socket is ready, but never longer than [`SLICE`] or beyond `until`.
pub(crate) fn once(socket: impl AsFd, interest: Interest, until: Instant) -> io::Result<Ready> {
    let flags = match interest {
        Interest::Read => PollFlags::IN,
        Interest::Write => PollFlags::OUT,
        Interest::Both => PollFlags::IN | PollFlags::OUT,
    };
    let mut polled = [PollFd::new(&socket, flags)];
    match poll(&mut polled, Some(&slice_until(until))) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let found = polled[0].revents();
    let ended = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    Ok(Ready { readable: found.intersects(PollFlags::IN | ended), writable: found.intersects(PollFlags::OUT | ended) })
}

/// The time that one wait may take.
pub(crate) fn slice_until(until: Instant) -> Timespec {
    let left = until.saturating_duration_since(Instant::now()).min(SLICE);
    Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) }
}

/// Why something that was tried again and again did not succeed.
#[derive(Debug)]
pub(crate) enum Trouble {
    Cancelled,
    TimedOut,
    Io(io::Error),
}

/// Repeats a step on a wire until it does not block any more.
pub(crate) fn persist<W: Wire + ?Sized, T>(
    wire: &mut W,
    interest: Interest,
    until: Instant,
    exchange: &Exchange,
    mut step: impl FnMut(&mut W) -> io::Result<T>,
) -> Result<T, Trouble> {
    loop {
        match step(wire) {
            Ok(value) => return Ok(value),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                return Err(Trouble::Io(error));
            }
            Err(_) => {}
        }
        if exchange.is_cancelled() {
            return Err(Trouble::Cancelled);
        }
        if Instant::now() >= until {
            return Err(Trouble::TimedOut);
        }
        once(wire.socket(), interest, until).map_err(Trouble::Io)?;
    }
}
