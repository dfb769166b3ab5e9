//! HTTP/1.1 on a byte stream, for the proxies and servers of this test bed: heads, bodies with a
//! length or in chunks, nothing lenient. TLS or plain makes no difference here: see [`crate::stream`].

use std::io::{self, Read, Write};

/// A head longer than this is refused.
const MAX_HEAD: usize = 64 << 10;

/// Names and values in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Puts this value in place of all others of the name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Takes the name away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.get(name).is_some_and(|v| v.split(',').any(|t| t.trim().eq_ignore_ascii_case(token)))
    }

    /// Whether the sender closes the connection after this message.
    pub fn closes(&self) -> bool {
        self.has_token("connection", "close")
    }

    fn length(&self) -> io::Result<Option<u64>> {
        self.get("content-length")
            .map(|n| n.trim().parse().map_err(|_| malformed(format!("content-length {n:?}"))))
            .transpose()
    }

    fn write_to(&self, head: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
    }
}

/// A request's first lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Such as `PUT`.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Its headers.
    pub headers: Headers,
}

impl RequestHead {
    /// How its body ends.
    pub fn framing(&self) -> io::Result<Framing> {
        if self.headers.has_token("transfer-encoding", "chunked") {
            return Ok(Framing::Chunked);
        }
        Ok(Framing::Length(self.headers.length()?.unwrap_or(0)))
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.headers.has_token("expect", "100-continue")
    }

    /// The bytes of this head.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        self.headers.write_to(&mut head);
        head
    }
}

/// An answer's first lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerHead {
    /// Such as 200.
    pub status: u16,
    /// Such as `OK`.
    pub reason: String,
    /// Its headers.
    pub headers: Headers,
}

impl AnswerHead {
    /// How the body ends of this answer to that method.
    pub fn framing(&self, method: &str) -> io::Result<Framing> {
        if method == "HEAD" || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Framing::Length(0));
        }
        if self.headers.has_token("transfer-encoding", "chunked") {
            return Ok(Framing::Chunked);
        }
        Ok(self.headers.length()?.map_or(Framing::UntilClose, Framing::Length))
    }

    /// The bytes of this head.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason).into_bytes();
        self.headers.write_to(&mut head);
        head
    }
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes.
    Length(u64),
    /// With a chunk of length zero.
    Chunked,
    /// When the connection does.
    UntilClose,
}

/// A stream with what was read from it too early.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    early: Vec<u8>,
}

impl<S: Read + Write> Wire<S> {
    /// Starts reading messages from `stream`.
    pub fn new(stream: S) -> Self {
        Self { stream, early: Vec::new() }
    }

    /// The stream, to write to.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Gives the stream back.
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// The next request; `None` when the peer closed the connection between two.
    pub fn request_head(&mut self) -> io::Result<Option<RequestHead>> {
        self.head(|bytes| {
            let mut slots = [httparse::EMPTY_HEADER; 96];
            let mut request = httparse::Request::new(&mut slots);
            Ok(match request.parse(bytes).map_err(malformed)? {
                httparse::Status::Partial => None,
                httparse::Status::Complete(len) => Some((
                    len,
                    RequestHead {
                        method: request.method.unwrap_or_default().to_owned(),
                        target: request.path.unwrap_or_default().to_owned(),
                        headers: headers(request.headers),
                    },
                )),
            })
        })
    }

    /// The next answer, interim ones (1xx) left out.
    pub fn answer_head(&mut self) -> io::Result<AnswerHead> {
        loop {
            let head = self.head(|bytes| {
                let mut slots = [httparse::EMPTY_HEADER; 96];
                let mut answer = httparse::Response::new(&mut slots);
                Ok(match answer.parse(bytes).map_err(malformed)? {
                    httparse::Status::Partial => None,
                    httparse::Status::Complete(len) => Some((
                        len,
                        AnswerHead {
                            status: answer.code.unwrap_or_default(),
                            reason: answer.reason.unwrap_or_default().to_owned(),
                            headers: headers(answer.headers),
                        },
                    )),
                })
            })?;
            match head {
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(head) if head.status < 200 => {}
                Some(head) => return Ok(head),
            }
        }
    }

    fn head<T>(&mut self, parse: impl Fn(&[u8]) -> io::Result<Option<(usize, T)>>) -> io::Result<Option<T>> {
        loop {
            if !self.early.is_empty()
                && let Some((len, head)) = parse(&self.early)?
            {
                self.early.drain(..len);
                return Ok(Some(head));
            }
            if self.early.len() > MAX_HEAD {
                return Err(malformed("head too long"));
            }
            let mut buffer = [0; 8 << 10];
            match self.stream.read(&mut buffer)? {
                0 if self.early.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => self.early.extend_from_slice(&buffer[..n]),
            }
        }
    }

    /// Reads a body piece by piece.
    pub fn body(&mut self, framing: Framing) -> Body<'_, S> {
        let left = if let Framing::Length(n) = framing { n } else { 0 };
        Body { wire: self, framing, left, done: framing == Framing::Length(0) }
    }

    /// Throws away what was read too early, at most `limit` bytes; the rest is still on the stream.
    pub fn discard_early(&mut self, limit: u64) -> u64 {
        let n = limit.min(self.early.len() as u64);
        self.early.drain(..n as usize);
        n
    }

    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.early.is_empty() {
            return self.stream.read(buffer);
        }
        let n = self.early.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.early[..n]);
        self.early.drain(..n);
        Ok(n)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            if self.take(&mut byte)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match byte[0] {
                b'\n' => return String::from_utf8(line).map_err(malformed),
                b'\r' => {}
                other if line.len() < 1024 => line.push(other),
                _ => return Err(malformed("line too long")),
            }
        }
    }
}

/// A body being read; chunk headers are taken off.
#[derive(Debug)]
pub struct Body<'a, S> {
    wire: &'a mut Wire<S>,
    framing: Framing,
    /// Of the body, or of the chunk at hand.
    left: u64,
    done: bool,
}

impl<S: Read + Write> Body<'_, S> {
    /// The next bytes of the body: 0 when it is over. A connection that ends before the body does
    /// is an error.
    pub fn next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done {
            return Ok(0);
        }
        if self.framing == Framing::Chunked && self.left == 0 {
            self.left = self.chunk_length()?;
            if self.left == 0 {
                while !self.wire.line()?.is_empty() {}
                self.done = true;
                return Ok(0);
            }
        }
        let wanted = match self.framing {
            Framing::UntilClose => buffer.len(),
            _ => self.left.min(buffer.len() as u64) as usize,
        };
        let n = self.wire.take(&mut buffer[..wanted])?;
        match self.framing {
            Framing::UntilClose => self.done = n == 0,
            _ if n == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Framing::Length(_) => {
                self.left -= n as u64;
                self.done = self.left == 0;
            }
            Framing::Chunked => {
                self.left -= n as u64;
                if self.left == 0 {
                    self.wire.line()?;
                }
            }
        }
        Ok(n)
    }

    /// The stream below, to answer on before the body is over.
    pub fn stream(&mut self) -> &mut S {
        &mut self.wire.stream
    }

    fn chunk_length(&mut self) -> io::Result<u64> {
        let line = self.wire.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16).map_err(|_| malformed(format!("chunk length {line:?}")))
    }
}

fn headers(parsed: &[httparse::Header<'_>]) -> Headers {
    let pairs = parsed.iter().map(|h| {
        // Bytes above 127 as Latin-1, so that none is lost.
        (h.name.to_owned(), h.value.iter().map(|b| char::from(*b)).collect::<String>())
    });
    Headers(pairs.collect())
}

fn malformed(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wire(bytes: &str) -> Wire<Cursor<Vec<u8>>> {
        Wire::new(Cursor::new(bytes.as_bytes().to_vec()))
    }

    fn whole<S: Read + Write>(mut body: Body<'_, S>) -> Vec<u8> {
        let (mut all, mut buffer) = (Vec::new(), [0; 3]);
        loop {
            match body.next(&mut buffer).expect("a sound body") {
                0 => return all,
                n => all.extend_from_slice(&buffer[..n]),
            }
        }
    }

    #[test]
    fn two_requests_on_one_connection() {
        let mut wire = wire(
            "PUT /b/k?partNumber=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
             GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        );
        let head = wire.request_head().expect("sound").expect("a request");
        assert_eq!((head.method.as_str(), head.target.as_str()), ("PUT", "/b/k?partNumber=1"));
        assert_eq!(whole(wire.body(head.framing().expect("sound"))), b"hello");
        let head = wire.request_head().expect("sound").expect("a request");
        assert_eq!(head.framing().expect("sound"), Framing::Length(0));
        assert!(wire.request_head().expect("sound").is_none());
    }

    #[test]
    fn chunks_are_joined_and_trailers_skipped() {
        let mut wire = wire(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             4\r\nabcd\r\n2;x=y\r\nef\r\n0\r\nx-trailer: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        );
        let head = wire.answer_head().expect("sound");
        assert_eq!(whole(wire.body(head.framing("GET").expect("sound"))), b"abcdef");
        assert_eq!(wire.answer_head().expect("sound").status, 204);
    }

    #[test]
    fn a_body_cut_short_is_an_error() {
        let mut wire = wire("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        let head = wire.answer_head().expect("sound");
        let mut body = wire.body(head.framing("GET").expect("sound"));
        let mut buffer = [0; 16];
        assert_eq!(body.next(&mut buffer).expect("three bytes"), 3);
        let cut = body.next(&mut buffer).expect_err("the rest is missing");
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let mut wire = wire("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
        let head = wire.answer_head().expect("sound");
        assert_eq!(head.framing("HEAD").expect("sound"), Framing::Length(0));
    }
}
