//! Plays one fault on one exchange: between the client's request and the server's answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::Reply;
use super::script::{Ending, Fault, ReadBody, When};
use crate::http1::{AnswerHead, Framing, RequestHead, Wire};
use crate::stream::Stream;

/// Bodies up to this length are kept for the test to look at.
const KEPT_BODY: u64 = 256 << 10;

const PIECE: usize = 64 << 10;

/// What happens to the client's connection afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It waits for another request.
    Another,
    /// It is closed in good order.
    Close,
    /// It is cut with a RST.
    Reset,
}

/// One exchange being played.
pub(super) struct Play<'a> {
    upstream: SocketAddr,
    client: &'a mut Wire<Stream>,
    head: RequestHead,
    kept: Option<Vec<u8>>,
    pub(super) body_read: u64,
    pub(super) status: Option<u16>,
    pub(super) server_status: Option<u16>,
}

/// What the way to the server does to the bytes.
#[derive(Default)]
struct Way {
    stop_after: Option<u64>,
    stall: Option<(u64, Duration)>,
    bytes_per_second: Option<u64>,
    flip_bit_at: Option<u64>,
}

impl<'a> Play<'a> {
    pub(super) fn new(upstream: SocketAddr, client: &'a mut Wire<Stream>, head: RequestHead) -> Self {
        Self { upstream, client, head, kept: None, body_read: 0, status: None, server_status: None }
    }

    /// The request's body, when it was short and read whole.
    pub(super) fn take_body(&mut self) -> Option<Vec<u8>> {
        self.kept.take()
    }

    pub(super) fn run(&mut self, fault: &Fault) -> io::Result<Next> {
        match fault {
            Fault::Pass => self.pass(Way::default()),
            Fault::Reset(When::Head) => Ok(Next::Reset),
            Fault::Reset(When::Body(after)) => {
                self.forward(&Way { stop_after: Some(*after), ..Way::default() })?;
                Ok(Next::Reset)
            }
            Fault::Reset(When::BodyRead) => {
                self.swallow()?;
                Ok(Next::Reset)
            }
            Fault::Stall(When::Head, time) => {
                thread::sleep(*time);
                self.pass(Way::default())
            }
            Fault::Stall(When::Body(after), time) => self.pass(Way { stall: Some((*after, *time)), ..Way::default() }),
            Fault::Stall(When::BodyRead, time) => {
                let mut server = self.forward(&Way::default())?;
                let answer = self.answer_of(&mut server)?;
                thread::sleep(*time);
                self.relay(&mut server, answer)
            }
            Fault::SlowRead(pace) => self.pass(Way { bytes_per_second: Some(*pace), ..Way::default() }),
            Fault::FlipRequestBit(at) => self.pass(Way { flip_bit_at: Some(*at), ..Way::default() }),
            Fault::Answer(reply, ReadBody::Whole) => {
                self.swallow()?;
                self.send(reply, false)
            }
            Fault::Answer(reply, ReadBody::First(bytes, ending)) => self.answer_early(reply, *bytes, *ending),
            Fault::LoseAnswer | Fault::LoseAnswerQuietly => {
                let mut server = self.forward(&Way::default())?;
                let answer = self.answer_of(&mut server)?;
                self.whole(&mut server, &answer)?;
                Ok(if matches!(fault, Fault::LoseAnswer) { Next::Reset } else { Next::Close })
            }
            Fault::ReplaceAnswer(reply) => {
                let mut server = self.forward(&Way::default())?;
                let answer = self.answer_of(&mut server)?;
                self.whole(&mut server, &answer)?;
                self.send(reply, false)
            }
            Fault::EditAnswer(edit) => {
                let mut server = self.forward(&Way::default())?;
                let answer = self.answer_of(&mut server)?;
                let mut reply = self.whole(&mut server, &answer)?;
                edit(&mut reply);
                self.send(&reply, answer.headers.closes())
            }
            Fault::FlipAnswerBit(at) => {
                let mut server = self.forward(&Way::default())?;
                let answer = self.answer_of(&mut server)?;
                let mut reply = self.whole(&mut server, &answer)?;
                if let Some(byte) = reply.body.get_mut(*at as usize) {
                    *byte ^= 1;
                }
                self.send(&reply, answer.headers.closes())
            }
            Fault::TruncateAnswer(after) => {
                let (head, body) = self.raw_answer()?;
                let cut = body.len().min(*after as usize);
                self.write(&[head.to_bytes().as_slice(), &body[..cut]].concat())?;
                Ok(Next::Close)
            }
            Fault::DripAnswer(piece, pause) => {
                let (head, body) = self.raw_answer()?;
                self.write(&head.to_bytes())?;
                for piece in body.chunks((*piece).max(1) as usize) {
                    self.write(piece)?;
                    thread::sleep(*pause);
                }
                Ok(after(&head))
            }
            Fault::StallAnswer(bytes, time) => {
                let (head, body) = self.raw_answer()?;
                let (first, rest) = body.split_at(body.len().min(*bytes as usize));
                self.write(&[head.to_bytes().as_slice(), first].concat())?;
                thread::sleep(*time);
                self.write(rest)?;
                Ok(after(&head))
            }
            Fault::Whitespace(count, pause, instead) => self.drip_whitespace(*count, *pause, instead.as_ref()),
        }
    }

    /// The whole exchange, with the body's way to the server as given.
    fn pass(&mut self, way: Way) -> io::Result<Next> {
        let mut server = self.forward(&way)?;
        let answer = self.answer_of(&mut server)?;
        self.relay(&mut server, answer)
    }

    /// Sends head and body on. The server may answer before the end: then the rest stays unread.
    fn forward(&mut self, way: &Way) -> io::Result<Wire<TcpStream>> {
        let mut server = TcpStream::connect(self.upstream)?;
        server.set_nodelay(true)?;
        // A server that stops reading must not hold this thread for good.
        server.set_write_timeout(Some(Duration::from_secs(60)))?;
        server.write_all(&self.head.to_bytes())?;
        let framing = self.head.framing()?;
        self.say_continue()?;
        let keeps = matches!(framing, Framing::Length(n) if n <= KEPT_BODY);
        let began = Instant::now();
        let mut buffer = vec![0; PIECE];
        let (mut kept, mut stall) = (Vec::new(), way.stall);
        let mut body = self.client.body(framing);
        let (mut offset, mut listens) = (0u64, true);
        loop {
            let mut room = buffer.len();
            if let Some(stop) = way.stop_after {
                if offset >= stop {
                    break;
                }
                room = room.min((stop - offset) as usize);
            }
            if let Some((at, time)) = stall {
                if offset >= at {
                    thread::sleep(time);
                    stall = None;
                } else {
                    room = room.min((at - offset) as usize);
                }
            }
            if let Some(pace) = way.bytes_per_second {
                room = room.min((pace / 20).max(1) as usize);
                let due = Duration::from_secs_f64(offset as f64 / pace as f64);
                thread::sleep(due.saturating_sub(began.elapsed()));
            }
            let n = body.next(&mut buffer[..room])?;
            if n == 0 {
                break;
            }
            if let Some(at) = way.flip_bit_at
                && (offset..offset + n as u64).contains(&at)
            {
                buffer[(at - offset) as usize] ^= 1;
            }
            offset += n as u64;
            self.body_read = offset;
            if keeps {
                kept.extend_from_slice(&buffer[..n]);
            }
            if listens {
                listens = if framing == Framing::Chunked {
                    write_chunk(&mut server, &buffer[..n]).is_ok()
                } else {
                    server.write_all(&buffer[..n]).is_ok()
                };
            }
            if !listens && way.stop_after.is_none() {
                // It answered and hung up: that answer is worth more than our error.
                return Ok(Wire::new(server));
            }
        }
        if framing == Framing::Chunked && way.stop_after.is_none() {
            server.write_all(b"0\r\n\r\n")?;
        }
        self.kept = keeps.then_some(kept);
        Ok(Wire::new(server))
    }

    /// Reads the whole body and passes nothing on.
    fn swallow(&mut self) -> io::Result<()> {
        self.say_continue()?;
        let framing = self.head.framing()?;
        let keeps = matches!(framing, Framing::Length(n) if n <= KEPT_BODY);
        let (mut buffer, mut kept) = (vec![0; PIECE], Vec::new());
        let mut body = self.client.body(framing);
        loop {
            let n = body.next(&mut buffer)?;
            if n == 0 {
                self.kept = keeps.then_some(kept);
                return Ok(());
            }
            self.body_read += n as u64;
            if keeps {
                kept.extend_from_slice(&buffer[..n]);
            }
        }
    }

    fn answer_early(&mut self, reply: &Reply, bytes: u64, ending: Ending) -> io::Result<Next> {
        let closes = ending != Ending::Drain;
        let head = reply.head(closes).to_bytes();
        if bytes > 0 {
            self.say_continue()?;
        }
        let method_is_head = self.head.method == "HEAD";
        let mut buffer = vec![0; PIECE];
        let mut body = self.client.body(self.head.framing()?);
        let mut read = 0;
        while read < bytes {
            let room = buffer.len().min((bytes - read) as usize);
            match body.next(&mut buffer[..room])? {
                0 => break,
                n => read += n as u64,
            }
        }
        self.status = Some(reply.status);
        self.body_read = read;
        let stream = body.stream();
        stream.write_all(&head)?;
        if !method_is_head {
            stream.write_all(&reply.body)?;
        }
        stream.flush()?;
        match ending {
            Ending::Close => Ok(Next::Close),
            Ending::StopReading(time) => {
                thread::sleep(time);
                Ok(Next::Close)
            }
            Ending::Drain => {
                while body.next(&mut buffer)? > 0 {}
                Ok(Next::Another)
            }
            Ending::HalfClose => {
                stream.finish_writing();
                let tcp = stream.tcp();
                tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
                while (&mut &*tcp).read(&mut buffer)? > 0 {}
                Ok(Next::Close)
            }
        }
    }

    /// The server's answer, up to its body.
    fn answer_of(&mut self, server: &mut Wire<TcpStream>) -> io::Result<AnswerHead> {
        let head = server.answer_head()?;
        self.server_status = Some(head.status);
        Ok(head)
    }

    /// The rest of the server's answer, unchanged, to the client.
    fn relay(&mut self, server: &mut Wire<TcpStream>, answer: AnswerHead) -> io::Result<Next> {
        self.status = Some(answer.status);
        let framing = answer.framing(&self.head.method)?;
        let client = self.client.stream();
        client.write_all(&answer.to_bytes())?;
        let mut buffer = vec![0; PIECE];
        let mut body = server.body(framing);
        loop {
            let n = body.next(&mut buffer)?;
            if n == 0 {
                break;
            }
            if framing == Framing::Chunked {
                write_chunk(client, &buffer[..n])?;
            } else {
                client.write_all(&buffer[..n])?;
            }
        }
        if framing == Framing::Chunked {
            client.write_all(b"0\r\n\r\n")?;
        }
        client.flush()?;
        let unread =
            self.head.framing()? != Framing::Length(self.body_read) && self.head.framing()? != Framing::Chunked;
        Ok(if unread || framing == Framing::UntilClose { Next::Close } else { after(&answer) })
    }

    /// The server's whole answer, as a reply that can be changed.
    fn whole(&mut self, server: &mut Wire<TcpStream>, answer: &AnswerHead) -> io::Result<Reply> {
        let framing = answer.framing(&self.head.method)?;
        let (mut all, mut buffer) = (Vec::new(), vec![0; PIECE]);
        let mut body = server.body(framing);
        loop {
            match body.next(&mut buffer)? {
                0 => break,
                n => all.extend_from_slice(&buffer[..n]),
            }
        }
        let mut headers = answer.headers.clone();
        headers.remove("transfer-encoding");
        Ok(Reply { status: answer.status, headers, body: all })
    }

    /// The same as head and body, its length stated.
    fn raw_answer(&mut self) -> io::Result<(AnswerHead, Vec<u8>)> {
        let mut server = self.forward(&Way::default())?;
        let answer = self.answer_of(&mut server)?;
        let reply = self.whole(&mut server, &answer)?;
        self.status = Some(reply.status);
        let mut head = answer;
        head.headers = reply.headers;
        head.headers.set("content-length", reply.body.len().to_string());
        Ok((head, reply.body))
    }

    fn send(&mut self, reply: &Reply, closes: bool) -> io::Result<Next> {
        self.status = Some(reply.status);
        let mut head = reply.head(closes);
        let is_head = self.head.method == "HEAD";
        if let (true, Some(length)) = (is_head, reply.headers.get("content-length")) {
            head.headers.set("content-length", length);
        }
        self.write(&head.to_bytes())?;
        if !is_head {
            self.write(&reply.body)?;
        }
        Ok(if closes { Next::Close } else { Next::Another })
    }

    fn drip_whitespace(&mut self, count: u32, pause: Duration, instead: Option<&Reply>) -> io::Result<Next> {
        let reply = match instead {
            Some(reply) => {
                self.swallow()?;
                reply.clone()
            }
            None => {
                let mut server = self.forward(&Way::default())?;
                let answer = self.answer_of(&mut server)?;
                self.whole(&mut server, &answer)?
            }
        };
        self.status = Some(200);
        let mut head = Reply::new(200, "").head(false);
        head.headers.remove("content-length");
        head.headers.set("transfer-encoding", "chunked");
        self.write(&head.to_bytes())?;
        // AWS sends the XML declaration first, then the spaces.
        let declaration = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        write_chunk(self.client.stream(), declaration)?;
        for _ in 0..count {
            thread::sleep(pause);
            write_chunk(self.client.stream(), b" ")?;
            self.client.stream().flush()?;
        }
        let body = match reply.body.windows(2).position(|pair| pair == b"?>") {
            Some(end) if reply.body.starts_with(b"<?xml") => &reply.body[end + 2..],
            _ => &reply.body[..],
        };
        if !body.is_empty() {
            write_chunk(self.client.stream(), body)?;
        }
        self.write(b"0\r\n\r\n")?;
        Ok(Next::Another)
    }

    fn say_continue(&mut self) -> io::Result<()> {
        if self.head.expects_continue() {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.client.stream().write_all(bytes)?;
        self.client.stream().flush()
    }
}

/// Whether the connection outlives an answer with this head.
fn after(answer: &AnswerHead) -> Next {
    if answer.headers.closes() { Next::Close } else { Next::Another }
}

fn write_chunk(stream: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    stream.write_all(&chunk)
}
