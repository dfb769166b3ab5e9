//! The answer's body on its way in: inline up to a limit, or into a sink as it arrives.

use std::io::{self, Read};

use holdfast_core::abi::{MAX_INLINE_LEN, Method, TransportCause};
use http::{HeaderMap, StatusCode, header};

use super::{
    call::{Answer, Sink, Wanted},
    exchange::{Exchange, Phase},
    failure::{self, Failure},
    transport::INPUT_LEN,
};

/// Reads all of the answer, so that its connection can serve another call.
pub(crate) fn receive(
    response: http::Response<ureq::Body>,
    method: Method,
    sink: Option<Sink<'_>>,
    exchange: &Exchange,
    host: &str,
) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    let mut incoming = Incoming { body: body.into_reader(), exchange, host };
    // An answer to HEAD announces what a GET would bring.
    let announced = content_length(&head.headers).filter(|_| method != Method::Head);
    let headers = listed(&head.headers);
    match sink.filter(|_| head.status.is_success()) {
        Some(sink) => {
            exchange.set_phase(Phase::Sinking);
            // A server without ranges answers 200 with the whole; its bytes are those of a range
            // from 0 on, and of no other, or the last of an object that has no more.
            let whole_will_do = matches!(sink.wanted, Wanted::Range { offset: 0, .. } | Wanted::Last { .. });
            if head.status != StatusCode::PARTIAL_CONTENT && (head.status != StatusCode::OK || !whole_will_do) {
                return Err(incoming.no_range(head.status));
            }
            if let (Some(first), Wanted::Range { offset, .. }) = (first_byte(&head.headers), sink.wanted)
                && first != offset
            {
                return Err(incoming.another_range(first, offset));
            }
            let len = incoming.fill(sink, announced)?;
            Ok(Answer { status, headers, body: Vec::new(), sunk: Some(len) })
        }
        None => {
            exchange.set_phase(Phase::Receiving);
            let body = incoming.inline(announced)?;
            Ok(Answer { status, headers, body, sunk: None })
        }
    }
}

struct Incoming<'a> {
    body: ureq::BodyReader<'static>,
    exchange: &'a Exchange,
    host: &'a str,
}

impl Incoming<'_> {
    fn inline(&mut self, announced: Option<u64>) -> Result<Vec<u8>, Failure> {
        if announced.is_some_and(|len| len > MAX_INLINE_LEN) {
            return Err(self.too_long());
        }
        let mut body = Vec::new();
        let mut piece = vec![0; 16 << 10];
        loop {
            match self.read(&mut piece)? {
                0 => return Ok(body),
                bytes if (body.len() + bytes) as u64 > MAX_INLINE_LEN => {
                    return Err(self.too_long());
                }
                bytes => body.extend_from_slice(&piece[..bytes]),
            }
        }
    }

    fn fill(&mut self, sink: Sink<'_>, announced: Option<u64>) -> Result<u64, Failure> {
        let (least, most) = match sink.wanted {
            Wanted::Range { len, .. } => (len, len),
            Wanted::Last { len } => (announced.unwrap_or(0), len),
        };
        if let Some(len) = announced.filter(|len| *len > most || *len < least) {
            return Err(self.wrong_len(len, most));
        }
        let mut piece = vec![0; INPUT_LEN];
        let mut arrived = 0;
        loop {
            let bytes = self.read(&mut piece)?;
            arrived += bytes as u64;
            if arrived > most || (bytes == 0 && arrived < least) {
                return Err(self.wrong_len(arrived, most));
            }
            if bytes == 0 {
                return Ok(arrived);
            }
            sink.writer.write_all(&piece[..bytes]).map_err(|error| {
                self.failure(TransportCause::Local, format!("what was received cannot be written: {error}"))
            })?;
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        if self.exchange.is_cancelled() {
            return Err(self.failure(TransportCause::Local, "cancelled".to_owned()));
        }
        loop {
            match self.body.read(into) {
                Ok(bytes) => {
                    self.exchange.moved_in(bytes);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(failure::from_ureq(error.into(), self.exchange, self.host));
                }
            }
        }
    }

    fn too_long(&self) -> Failure {
        let peer = failure::peer(self.exchange, self.host);
        let message = format!("the answer of {peer} is longer than {MAX_INLINE_LEN} bytes");
        self.failure(TransportCause::Malformed, message)
    }

    fn wrong_len(&self, len: u64, expected: u64) -> Failure {
        let peer = failure::peer(self.exchange, self.host);
        let more = if len > expected { " or more" } else { "" };
        let message = format!("{peer} answered with {len} bytes{more} where {expected} were asked for");
        self.failure(TransportCause::Malformed, message)
    }

    fn no_range(&self, status: StatusCode) -> Failure {
        let peer = failure::peer(self.exchange, self.host);
        self.failure(TransportCause::Malformed, format!("{peer} answered {status} to a request for a range"))
    }

    fn another_range(&self, first: u64, expected: u64) -> Failure {
        let peer = failure::peer(self.exchange, self.host);
        let message = format!("{peer} answered with a range from byte {first} on where {expected} was asked for");
        self.failure(TransportCause::Malformed, message)
    }

    fn failure(&self, cause: TransportCause, message: String) -> Failure {
        Failure { sent: self.exchange.sent(), cause, message }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Of `Content-Range: bytes FIRST-LAST/TOTAL`.
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.trim().strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}

fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
