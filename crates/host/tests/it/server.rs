//! A server that does what a test tells it to: one closure for each connection, no HTTP of its
//! own, so that it can break every rule.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// No script waits longer for its client.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's end of a connection.
pub(crate) trait Peer: Read + Write {
    fn tcp(&self) -> &TcpStream;

    /// Reads a request's head, up to and including the empty line; `None` at the client's end.
    fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        Some(String::from_utf8(head).expect("a head in ASCII"))
    }

    /// Reads so many bytes of a body.
    fn body(&mut self, len: usize) -> Vec<u8> {
        let mut body = vec![0; len];
        self.read_exact(&mut body).expect("the body");
        body
    }

    /// Reads a whole request with `content-length`.
    fn request(&mut self) -> Option<(String, Vec<u8>)> {
        let head = self.head()?;
        let len = header(&head, "content-length").map_or(0, |len| len.parse().expect("a number"));
        let body = self.body(len);
        Some((head, body))
    }

    fn say(&mut self, text: &str) {
        // The client may have gone already: that is for the client to report.
        let _ = self.write_all(text.as_bytes()).and_then(|()| self.flush());
    }

    /// Answers with a status and a body.
    fn answer(&mut self, status: &str, body: &str) {
        self.say(&format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    }

    /// Says that nothing more will be said.
    fn half_close(&self) {
        let _ = self.tcp().shutdown(Shutdown::Write);
    }

    /// Closes with a reset instead of an end.
    fn reset(&self) {
        let socket = socket2::SockRef::from(self.tcp());
        socket.set_linger(Some(Duration::ZERO)).expect("linger");
    }

    /// Waits for the client to go away, reading nothing.
    fn ignore(&self) {
        let mut byte = [0];
        for _ in 0..PATIENCE.as_millis() / 20 {
            self.tcp().set_nonblocking(true).expect("non-blocking");
            // `peek` sees the end only behind everything unread; an error means it was reset.
            match self.tcp().peek(&mut byte) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Peer for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Peer for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

/// The value of a header in a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A listening server; it stops listening when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    name: String,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Over TCP. The script is called with each connection and its number, from 0.
    pub(crate) fn plain(script: impl Fn(&mut dyn Peer, usize) + Send + Sync + 'static) -> Self {
        Self::start(None, script)
    }

    /// Over TLS.
    pub(crate) fn tls(
        config: Arc<ServerConfig>,
        script: impl Fn(&mut dyn Peer, usize) + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(config), script)
    }

    /// Reads whole requests, one after the other, and answers each with what `respond` makes of
    /// its head.
    pub(crate) fn responding(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::plain(move |peer, _| {
            while let Some((head, _)) = peer.request() {
                let response = respond(&head);
                peer.say(&response);
            }
        })
    }

    fn start(tls: Option<Arc<ServerConfig>>, script: impl Fn(&mut dyn Peer, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let connections = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let script = Arc::new(script);
        let accepting = thread::spawn({
            let (connections, stop) = (Arc::clone(&connections), Arc::clone(&stop));
            move || {
                while let Ok((stream, _)) = listener.accept() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    stream.set_nodelay(true).expect("nodelay");
                    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
                    let number = connections.fetch_add(1, Ordering::SeqCst);
                    let (script, tls) = (Arc::clone(&script), tls.clone());
                    thread::spawn(move || match tls {
                        None => {
                            let mut stream = stream;
                            script(&mut stream, number);
                        }
                        Some(config) => {
                            let session = ServerConnection::new(config).expect("a session");
                            script(&mut StreamOwned::new(session, stream), number);
                        }
                    });
                }
            }
        });
        let name = "127.0.0.1".to_owned();
        Self { address, scheme, name, connections, stop, accepting: Some(accepting) }
    }

    /// The same server under another host name in its URLs.
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The URL of a path, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}:{}{path}", self.scheme, self.name, self.address.port())
    }

    /// Waits until so many connections were accepted.
    pub(crate) fn accepts(&self, connections: usize) -> bool {
        let accepted = || self.connections() >= connections;
        (0..200).any(|_| {
            accepted() || {
                thread::sleep(Duration::from_millis(10));
                false
            }
        })
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
