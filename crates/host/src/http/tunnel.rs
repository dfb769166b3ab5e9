//! Talking to a proxy: `CONNECT` for a tunnel, the whole URL in the request line without one.

use std::{fmt, fmt::Write as _, io, sync::Arc, time::Instant};

use holdfast_core::abi::TransportCause;

use super::{
    early,
    exchange::Exchange,
    failure::Stop,
    proxy::ProxyServer,
    wait::{Interest, Trouble, Wire, persist},
};

/// A proxy's answer to `CONNECT` that is longer than this has no end.
const MAX_REPLY_LEN: usize = 16 << 10;

/// Asks the proxy for a tunnel to `target`, which is `HOST:PORT`.
pub(crate) fn open(
    wire: &mut Box<dyn Wire>,
    server: &ProxyServer,
    target: &str,
    user_agent: &str,
    until: Instant,
    exchange: &Exchange,
) -> Result<(), Stop> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n");
    if !user_agent.is_empty() {
        let _ = write!(request, "user-agent: {user_agent}\r\n");
    }
    if let Some(authorization) = &server.authorization {
        let _ = write!(request, "proxy-authorization: {authorization}\r\n");
    }
    request.push_str("\r\n");

    let mut left = request.as_bytes();
    persist(wire, Interest::Write, until, exchange, |wire| {
        while !left.is_empty() {
            let taken = wire.write(left)?;
            left = &left[taken..];
        }
        wire.flush()
    })
    .map_err(|trouble| failed(server, target, trouble))?;

    let mut reply = Vec::new();
    let len = persist(wire, Interest::Read, until, exchange, |wire| read_head(wire, &mut reply))
        .map_err(|trouble| failed(server, target, trouble))?;
    let head = String::from_utf8_lossy(&reply[..len]);
    let status_line = head.lines().next().unwrap_or("");
    let said = status_line.split_once(' ').map_or(status_line, |(_, said)| said);
    match said.get(..3).and_then(|status| status.parse::<u16>().ok()) {
        // The target speaks only when spoken to: what follows an acceptance is not its doing.
        Some(200..=299) if reply.len() == len => Ok(()),
        Some(407) => Err(wants_password(server)),
        Some(300..) if said.len() < 200 => Err(refused(format!("{server} refused to connect to {target}: {said}"))),
        _ => Err(refused(format!("{server} does not answer like an HTTP proxy"))),
    }
}

/// Reads until the empty line, and tells the head's length.
fn read_head(wire: &mut dyn Wire, reply: &mut Vec<u8>) -> io::Result<usize> {
    let mut piece = [0; 1024];
    loop {
        if let Some(len) = early::head_len(reply) {
            return Ok(len);
        }
        if reply.len() > MAX_REPLY_LEN {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match wire.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => reply.extend_from_slice(&piece[..bytes]),
        }
    }
}

pub(crate) fn wants_password(server: &ProxyServer) -> Stop {
    refused(if server.authorization.is_some() {
        format!("{server} does not accept the user name and password given")
    } else {
        format!("{server} asks for a user name and a password")
    })
}

fn refused(message: String) -> Stop {
    Stop::new(TransportCause::Proxy, message)
}

fn failed(server: &ProxyServer, target: &str, trouble: Trouble) -> Stop {
    match trouble {
        Trouble::Cancelled => Stop::cancelled(),
        Trouble::TimedOut => refused(format!("{server} gave no answer when asked to connect to {target}")),
        Trouble::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            refused(format!("{server} hung up when asked to connect to {target}"))
        }
        Trouble::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            refused(format!("{server} does not answer like an HTTP proxy"))
        }
        Trouble::Io(error) => refused(format!("the connection to {server} broke: {error}")),
    }
}

/// Addresses requests to a proxy. ureq writes `PUT /path HTTP/1.1`; a proxy wants
/// `PUT http://host/path HTTP/1.1`.
pub(crate) struct Forward {
    pub(crate) server: Arc<ProxyServer>,
    /// `http://HOST[:PORT]`.
    pub(crate) origin: String,
}

impl Forward {
    /// The head that is sent instead of this one.
    pub(crate) fn readdress(&self, head: &[u8]) -> Result<Vec<u8>, Stop> {
        let unfit = || Stop::new(TransportCause::Local, "a request head is not as expected");
        let method_len = head.iter().position(|byte| *byte == b' ').ok_or_else(unfit)? + 1;
        let line_len = head.windows(2).position(|two| two == b"\r\n").ok_or_else(unfit)? + 2;
        let mut readdressed = Vec::with_capacity(head.len() + 256);
        readdressed.extend_from_slice(&head[..method_len]);
        readdressed.extend_from_slice(self.origin.as_bytes());
        readdressed.extend_from_slice(&head[method_len..line_len]);
        if let Some(authorization) = &self.server.authorization {
            readdressed.extend_from_slice(b"proxy-authorization: ");
            readdressed.extend_from_slice(authorization.as_bytes());
            readdressed.extend_from_slice(b"\r\n");
        }
        readdressed.extend_from_slice(&head[line_len..]);
        Ok(readdressed)
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "through {}", self.server)
    }
}
