//! TLS over a wire, without blocking, so that what has come can be told from what is an answer.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Instant,
};

use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};

use super::{
    exchange::Exchange,
    wait::{Interest, Trouble, Wire, persist},
};

/// Ciphertext read at once. rustls by itself reads 4 KiB a system call.
const INBOX_LEN: usize = 64 << 10;

/// Plaintext that is encrypted ahead of the socket.
const OUTBOX_LEN: usize = 128 << 10;

/// A TLS session over another wire.
#[derive(Debug)]
pub(crate) struct Tls {
    session: ClientConnection,
    below: Box<dyn Wire>,
    inbox: Inbox,
}

impl Tls {
    /// Shakes hands as a client of `name`.
    pub(crate) fn handshake(
        below: Box<dyn Wire>,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        until: Instant,
        exchange: &Exchange,
    ) -> Result<Self, Trouble> {
        let mut session = ClientConnection::new(config, name).map_err(|error| Trouble::Io(wrapped(error)))?;
        session.set_buffer_limit(Some(OUTBOX_LEN));
        let mut tls = Self { session, below, inbox: Inbox::default() };
        loop {
            persist(&mut tls, Interest::Write, until, exchange, Self::push)?;
            if !tls.session.is_handshaking() {
                return Ok(tls);
            }
            persist(&mut tls, Interest::Read, until, exchange, Self::pull)?;
        }
    }

    /// Hands all ciphertext to the wire below.
    fn push(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.below)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.below.flush()
    }

    /// Takes some ciphertext from the wire below. At its end the session learns of it.
    fn pull(&mut self) -> io::Result<()> {
        if self.inbox.is_empty() && self.inbox.fill(&mut self.below)? == 0 {
            self.session.read_tls(&mut io::empty())?;
            return if self.session.is_handshaking() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) };
        }
        self.session.read_tls(&mut self.inbox)?;
        if let Err(error) = self.session.process_new_packets() {
            // The alert that tells the peer why: lost if it cannot leave now.
            let _ = self.push();
            return Err(wrapped(error));
        }
        Ok(())
    }
}

impl Read for Tls {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.pull()?,
                outcome => return outcome,
            }
        }
    }
}

impl Write for Tls {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        // What was encrypted before must leave first, else the outbox has no bounds.
        self.push()?;
        let taken = self.session.writer().write(from)?;
        match self.push() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.push()
    }
}

impl Wire for Tls {
    fn socket(&self) -> &TcpStream {
        self.below.socket()
    }

    fn moved(&self) -> u64 {
        self.below.moved()
    }
}

fn wrapped(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Ciphertext that has arrived and was not looked at yet.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Reads once from the wire; only when empty.
    fn fill(&mut self, wire: &mut dyn Wire) -> io::Result<usize> {
        self.bytes.resize(INBOX_LEN, 0);
        (self.start, self.end) = (0, 0);
        self.end = wire.read(&mut self.bytes)?;
        Ok(self.end)
    }
}

impl Read for Inbox {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = (&self.bytes[self.start..self.end]).read(into)?;
        self.start += bytes;
        Ok(bytes)
    }
}
