//! Get some bytes of an object: its end, which holds the index of a backup, or the extents that
//! the index names.
//!
//! Whoever takes the bytes takes them in order, and holds what comes too early: so the job never
//! asks for more ranges behind the first that is missing than it may have in flight.

use std::collections::VecDeque;

use crate::{
    abi::{Frame, Input, Millis, Sink},
    error::{Error, Kind},
    event::Event,
    job::{Read, Stretch, Work},
    ranges::{Piece, Ranges},
    report::{Outcome, ReadReport, Report},
    s3::{
        conversation::{Conversation, Out, Reply},
        op::get_object::{Bytes, GetObject, Got},
    },
    session::{Begin, Machine},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Tail,
    Range(Piece),
}

/// Whether a range that was asked for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Arrived,
}

/// The job.
pub(crate) struct ReadJob {
    conversation: Conversation<Token>,
    work: Read,
    ranges: Ranges,
    /// The object that is read, once it is known.
    etag: Option<String>,
    object_len: u64,
    /// Ranges asked for, from the first that is missing on.
    asked: VecDeque<(Piece, State)>,
    next: u64,
    /// Ranges that have arrived, for the events.
    arrived: u32,
    window: usize,
}

impl ReadJob {
    /// # Errors
    /// When the extents are no places in any object, or the tail has no length.
    pub(crate) fn begin(begin: Begin, out: &mut Out) -> Result<Self, Error> {
        let conversation = begin.conversation();
        let Begin { now, job, .. } = begin;
        let Work::Read(work) = job.work else { unreachable!("routed by its kind") };
        let extents = match &work.what {
            Stretch::Tail { len: 0 } => return Err(Error::new(Kind::Config, "the end to be read has no length")),
            Stretch::Tail { .. } => &[][..],
            Stretch::Extents(extents) => extents,
        };
        let ranges = Ranges::new(extents)
            .ok_or_else(|| Error::new(Kind::Config, "the bytes to be read are more than any object has"))?;
        let mut job = Self {
            conversation,
            etag: work.etag.clone(),
            work,
            ranges,
            object_len: 0,
            asked: VecDeque::new(),
            next: 0,
            arrived: 0,
            window: job.concurrency.max(1) as usize,
        };
        if let Stretch::Tail { len } = job.work.what {
            job.get(now, Token::Tail, Bytes::Last(len), Sink::Tail { len }, out);
        }
        Ok(job)
    }

    fn get(&mut self, now: Millis, token: Token, bytes: Bytes, sink: Sink, out: &mut Out) {
        let if_match = self.etag.as_deref();
        let call = GetObject { key: &self.work.key, bytes, if_match, checksum_mode: false, sink }.call();
        self.conversation.send(now, token, call, out);
    }

    fn send_ranges(&mut self, now: Millis, out: &mut Out) {
        // Until the first answer nobody knows which object the others have to be of.
        while (self.etag.is_some() || self.asked.is_empty())
            && self.asked.len() < self.window
            && self.conversation.slots() > 0
            && let Some(piece) = self.ranges.at(self.next)
        {
            self.next = piece.place_end();
            self.asked.push_back((piece, State::Open));
            let bytes = Bytes::Range(piece.offset..piece.offset + piece.len);
            let sink = Sink::Range { offset: piece.place, len: piece.len, digests: Vec::new() };
            self.get(now, Token::Range(piece), bytes, sink, out);
        }
    }

    fn place(&self) -> String {
        format!("s3://{}/{}", self.conversation.target().bucket, self.work.key)
    }

    /// What came, if it is of the object that is read.
    fn got(&mut self, reply: &Reply<Token>) -> Result<Got, Error> {
        let place = self.place();
        let success = match &reply.result {
            Ok(success) => success,
            Err(trouble) => {
                let failure = trouble.failure();
                let mut error = self.conversation.explain(failure, &reply.call, format!("cannot read {place}"));
                if failure.evidence.status == 416 || failure.evidence.code.as_deref() == Some("InvalidRange") {
                    error = match reply.token {
                        Token::Tail => empty(&place),
                        Token::Range(piece) => {
                            let end = piece.offset + piece.len;
                            let what = format!("{place} ends before its byte {end}, which was to be read");
                            Error::new(Kind::Malformed, what)
                        }
                    }
                    .evidence(failure.evidence.clone());
                }
                return Err(error);
            }
        };
        let answer = success.answer();
        let got = GetObject::parse(&answer).map_err(|why| {
            let what = format!("cannot read {place}");
            self.conversation.unreadable(success, &reply.call, &why, what)
        })?;
        if let Some(etag) = self.etag.as_ref().filter(|etag| **etag != got.etag) {
            let what = format!("{place} is not the object that was meant: its ETag is {} instead of {etag}", got.etag);
            return Err(Error::new(Kind::Changed, what).hint("it was replaced: run the command again"));
        }
        let Some(total) = got.total.filter(|_| answer.received.map_or(0, |received| received.len) == got.len) else {
            return Err(another_length(&place));
        };
        self.etag = Some(got.etag.clone());
        self.object_len = total;
        Ok(got)
    }

    fn tail(&mut self, reply: &Reply<Token>) -> Result<Report, Error> {
        let Stretch::Tail { len } = self.work.what else { return Err(another_length(&self.place())) };
        let got = self.got(reply)?;
        if self.object_len == 0 {
            return Err(empty(&self.place()));
        }
        // A server that does not know suffix ranges sends all; of a small object that is the same.
        if got.len != len.min(self.object_len) || got.offset + got.len != self.object_len {
            return Err(another_length(&self.place()));
        }
        Ok(self.report(got.len))
    }

    fn range(&mut self, piece: Piece, reply: &Reply<Token>, out: &mut Out) -> Result<(), Error> {
        let got = self.got(reply)?;
        if (got.offset, got.len) != (piece.offset, piece.len) {
            return Err(another_length(&self.place()));
        }
        if let Some((_, state)) = self.asked.iter_mut().find(|(asked, _)| *asked == piece) {
            *state = State::Arrived;
        }
        while self.asked.pop_front_if(|(_, state)| *state == State::Arrived).is_some() {}
        self.arrived += 1;
        out.event(Event::PartDone { part: self.arrived, len: piece.len });
        Ok(())
    }

    fn report(&self, len: u64) -> Report {
        Report::Read(ReadReport { etag: self.etag.clone().unwrap_or_default(), object_len: self.object_len, len })
    }
}

impl Machine for ReadJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        if let Input::Cancel { reason, .. } = &input.header {
            return Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone())));
        }
        let now = input.header.now();
        let reply = self.conversation.take(input, out);
        let failed = match reply.as_ref().map(|reply| (reply, reply.token)) {
            None => None,
            Some((reply, Token::Tail)) => {
                return Some(self.tail(reply).map_or_else(Outcome::Failed, Outcome::Done));
            }
            Some((reply, Token::Range(piece))) => self.range(piece, reply, out).err(),
        };
        if let Some(error) = failed {
            return Some(Outcome::Failed(error));
        }
        self.send_ranges(now, out);
        self.conversation.wait(out);
        let is_tail = matches!(self.work.what, Stretch::Tail { .. });
        let all = self.asked.is_empty() && self.next == self.ranges.len();
        (all && !is_tail).then(|| Outcome::Done(self.report(self.ranges.len())))
    }
}

fn empty(place: &str) -> Error {
    Error::new(Kind::Integrity, format!("{place} is empty")).hint("no backup is: use another one")
}

fn another_length(place: &str) -> Error {
    let what = format!("a range of {place} is not the one that was asked for");
    Error::new(Kind::Malformed, what).hint("a proxy on the way, or the server, does not know ranges: ask its operator")
}
