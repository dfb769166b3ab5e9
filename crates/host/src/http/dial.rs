//! Connecting to the first of several addresses that answers.
//!
//! The next address is tried when the last one failed, or has not answered for a moment
//! ([RFC 8305](https://www.rfc-editor.org/rfc/rfc8305.html)): on many web hosts IPv6 resolves and
//! leads nowhere.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use socket2::{Domain, Socket, Type};

use super::{exchange::Exchange, wait::slice_until};

/// How long an address may be silent before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// What the system may hold unsent. Small, so that an early answer saves what has not left,
/// progress is real, and a server's time to answer does not begin while megabytes still wait
/// here. It does not bound what is in flight.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_LEN: u32 = 256 << 10;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Undialled {
    Cancelled,
    /// None answered, or none in time.
    Failed(Failed),
}

/// Addresses that could not be reached, and why.
#[derive(Debug, Default)]
pub(crate) struct Failed(Vec<(SocketAddr, io::Error)>);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 3;
        for (at, (address, error)) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{address}: {error}", if at > 0 { "; " } else { "" })?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// A connection in non-blocking mode, and whom it is with.
pub(crate) fn dial(
    addresses: &[SocketAddr],
    until: Instant,
    exchange: &Exchange,
) -> Result<(TcpStream, SocketAddr), Undialled> {
    let mut race = Race::default();
    let mut next = addresses.iter().copied().peekable();
    let mut next_at = Instant::now();
    loop {
        let now = Instant::now();
        if let Some(address) = next.next_if(|_| race.pending.is_empty() || now >= next_at) {
            race.begin(address);
            next_at = now + HEAD_START;
            continue;
        }
        if race.pending.is_empty() {
            return Err(Undialled::Failed(race.failed));
        }
        if exchange.is_cancelled() {
            return Err(Undialled::Cancelled);
        }
        if now >= until {
            return Err(Undialled::Failed(race.give_up(|| io::Error::other("no answer in time"))));
        }
        let wait_until = if next.peek().is_some() { next_at.min(until) } else { until };
        if let Some(connected) = race.wait(wait_until) {
            return Ok(connected);
        }
    }
}

/// Connections being made beside each other.
#[derive(Default)]
struct Race {
    pending: Vec<(Socket, SocketAddr)>,
    failed: Failed,
}

impl Race {
    fn begin(&mut self, address: SocketAddr) {
        match begin(address) {
            Ok(socket) => self.pending.push((socket, address)),
            Err(error) => self.failed.0.push((address, error)),
        }
    }

    /// Waits a moment for one of them.
    fn wait(&mut self, until: Instant) -> Option<(TcpStream, SocketAddr)> {
        let mut polled: Vec<_> = self.pending.iter().map(|(socket, _)| PollFd::new(socket, PollFlags::OUT)).collect();
        let outcome = poll(&mut polled, Some(&slice_until(until)));
        let settled: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        match outcome {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => {
                self.failed = self.give_up(|| errno.into());
                return None;
            }
        }
        for at in (0..settled.len()).rev().filter(|at| settled[*at]) {
            let (socket, address) = self.pending.remove(at);
            match finish(socket) {
                Ok(stream) => return Some((stream, address)),
                Err(error) => self.failed.0.push((address, error)),
            }
        }
        None
    }

    fn give_up(&mut self, why: impl Fn() -> io::Error) -> Failed {
        let mut failed = std::mem::take(&mut self.failed);
        failed.0.extend(self.pending.drain(..).map(|(_, address)| (address, why())));
        failed
    }
}

fn begin(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}

fn finish(socket: Socket) -> io::Result<TcpStream> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    socket.set_tcp_nodelay(true)?;
    // An old kernel may not know it; it is a matter of manners.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_notsent_lowat(UNSENT_LEN);
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, rc::Rc, sync::Arc};

    use holdfast_core::abi::Method;

    use super::*;
    use crate::http::{Body, Call, MinimumRate};

    fn exchange() -> Rc<Exchange> {
        let call = Call {
            method: Method::Get,
            url: "",
            headers: &[],
            body: Body::Empty,
            sink: None,
            answer_within: Duration::ZERO,
            cancelled: &Arc::default(),
            progress: &Arc::default(),
        };
        Exchange::new(&call, MinimumRate { bytes: 0, window: Duration::ZERO })
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    /// An address at which nothing listens.
    fn deaf() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
    }

    /// A listener that takes no more connections, and those that it holds.
    fn silent() -> (Socket, SocketAddr, Vec<io::Result<TcpStream>>) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into()).and_then(|()| socket.listen(0)).expect("a listener");
        let address = socket.local_addr().ok().and_then(|a| a.as_socket()).expect("an address");
        let wait = Duration::from_millis(100);
        let held = (0..3).map(|_| TcpStream::connect_timeout(&address, wait)).collect();
        (socket, address, held)
    }

    #[test]
    fn the_next_address_is_tried_when_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let good = listener.local_addr().expect("an address");
        let (_, address) = dial(&[deaf(), good], soon(), &exchange()).expect("a connection");
        assert_eq!(address, good);
    }

    #[test]
    fn the_next_address_is_tried_beside_a_silent_one() {
        let (_silent, address, _held) = silent();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let good = listener.local_addr().expect("an address");
        let started = Instant::now();
        let (_, address) = dial(&[address, good], soon(), &exchange()).expect("a connection");
        assert_eq!(address, good);
        assert!((HEAD_START..4 * HEAD_START).contains(&started.elapsed()));
    }

    #[test]
    fn every_address_that_failed_is_named() {
        let addresses = [deaf(), deaf(), deaf(), deaf()];
        let Err(Undialled::Failed(failed)) = dial(&addresses, soon(), &exchange()) else {
            panic!("connected to nobody");
        };
        let text = failed.to_string();
        assert!(text.starts_with(&format!("{}: Connection refused", addresses[0])), "{text}");
        assert!(text.ends_with("; and 1 more"), "{text}");
    }
}
