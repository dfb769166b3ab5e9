//! List objects below a prefix, page by page, one event an object: memory stays flat.

use crate::{
    abi::{Frame, Input},
    error::{Error, Kind},
    event::Event,
    job::{List, Work},
    report::{Outcome, Report},
    s3::{
        conversation::{Conversation, Out},
        op::list_objects_v2::ListObjectsV2,
    },
    session::{Begin, Machine},
};

/// The job.
pub(crate) struct ListJob {
    conversation: Conversation<()>,
    work: List,
    objects: u64,
    bytes: u64,
    last_token: Option<String>,
}

impl ListJob {
    pub(crate) fn begin(begin: Begin, out: &mut Out) -> Self {
        let conversation = begin.conversation();
        let now = begin.now;
        let Work::List(work) = begin.job.work else { unreachable!("routed by its kind") };
        let mut job = Self { conversation, work, objects: 0, bytes: 0, last_token: None };
        job.ask(now, out);
        job
    }

    fn ask(&mut self, now: crate::abi::Millis, out: &mut Out) {
        let call = ListObjectsV2 {
            prefix: self.work.prefix.as_str(),
            delimiter: self.work.shallow.then_some("/"),
            continuation_token: self.last_token.as_deref(),
            max_keys: 1_000,
        }
        .call();
        self.conversation.send(now, (), call, out);
    }
}

impl Machine for ListJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        if let Input::Cancel { reason, .. } = &input.header {
            return Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone())));
        }
        let reply = self.conversation.take(input, out);
        self.conversation.wait(out);
        let reply = reply?;
        let place = format!("s3://{}/{}", self.conversation.target().bucket, self.work.prefix);
        let success = match reply.result {
            Ok(success) => success,
            Err(trouble) => {
                let what = format!("cannot list {place}");
                let error = self.conversation.explain(trouble.failure(), &reply.call, what);
                return Some(Outcome::Failed(error));
            }
        };
        let malformed = |why: &str| {
            let what = format!("the listing of {place} cannot be read: {why}");
            Some(Outcome::Failed(Error::new(Kind::Malformed, what)))
        };
        let page = match ListObjectsV2::parse(&success.answer()) {
            Ok(page) => page,
            Err(why) => {
                let what = format!("cannot list {place}");
                return Some(Outcome::Failed(self.conversation.unreadable(&success, &reply.call, &why, what)));
            }
        };
        for prefix in page.common_prefixes {
            out.event(Event::CommonPrefix { prefix });
        }
        for entry in page.entries {
            self.objects += 1;
            self.bytes += entry.len;
            out.event(Event::Entry(entry));
        }
        match page.next_token {
            None => Some(Outcome::Done(Report::List { objects: self.objects, bytes: self.bytes })),
            // A server that repeats itself would keep us here for ever.
            Some(token) if self.last_token.as_ref() == Some(&token) => {
                malformed("the server gives the same continuation token twice")
            }
            Some(token) => {
                self.last_token = Some(token);
                self.ask(input.header.now(), out);
                None
            }
        }
    }
}
