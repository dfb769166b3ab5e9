//! Delete objects, one request each, and tell of each that is gone.
//!
//! No version is named: where the bucket keeps versions, a delete marker hides the object, and its
//! bytes stay until a lifecycle rule ends them. A key that may not be deleted is a warning and the
//! others go on; but the same denial again and again is the policy's, and asking for every key
//! would only fill the server's log.

use std::collections::BTreeMap;

use crate::{
    abi::{Frame, Input, Millis},
    error::{Error, Kind},
    event::Event,
    job::{Remove, Work},
    name::Key,
    report::{Outcome, Report},
    s3::{
        conversation::{Conversation, Out, Reply, Success},
        failure::Class,
        op::delete_object::{DeleteObject, What},
    },
    session::{Begin, Machine},
};

/// Requests in flight at the most: they are small, and nobody waits for them.
const IN_FLIGHT: u32 = 4;

/// Denials of the same words after which the rest is not tried.
const SAME_DENIALS: u32 = 3;

/// The job.
pub(crate) struct RemoveJob {
    conversation: Conversation<usize>,
    keys: Vec<Key>,
    next: usize,
    removed: u64,
    failed: u64,
    denials: BTreeMap<String, u32>,
}

impl RemoveJob {
    pub(crate) fn begin(begin: Begin) -> Self {
        let conversation = begin.conversation();
        let Work::Remove(Remove { keys }) = begin.job.work else { unreachable!("routed by its kind") };
        Self { conversation, keys, next: 0, removed: 0, failed: 0, denials: BTreeMap::new() }
    }

    fn is_hopeless(&self) -> bool {
        self.denials.values().any(|&count| count >= SAME_DENIALS)
    }

    fn send(&mut self, now: Millis, out: &mut Out) {
        while !self.is_hopeless()
            && self.conversation.busy() < IN_FLIGHT
            && self.conversation.slots() > 0
            && let Some(key) = self.keys.get(self.next)
        {
            let call = DeleteObject { key, what: What::Object }.call();
            self.conversation.send(now, self.next, call, out);
            self.next += 1;
        }
    }

    /// Takes an answer. An error ends the job: it is not about the one key.
    fn answered(&mut self, reply: &Reply<usize>, out: &mut Out) -> Result<(), Error> {
        let key = self.keys.get(reply.token).map_or("", Key::as_str);
        let failure = match &reply.result {
            Ok(_) => None,
            Err(trouble) => Some(trouble.failure()).filter(|failure| failure.class != Class::NoSuchKey),
        };
        let Some(failure) = failure else {
            self.removed += 1;
            let marked = |success: &Success| success.answer().header("x-amz-delete-marker") == Some("true");
            out.event(Event::Removed { key: key.to_owned(), versioned: reply.result.as_ref().is_ok_and(marked) });
            return Ok(());
        };
        let what = format!("cannot delete s3://{}/{key}", self.conversation.target().bucket);
        let error = self.conversation.explain(failure, &reply.call, what);
        match &error.kind {
            // Where an action is named it is the policy; a lock is the object's own.
            Kind::AccessDenied { action: Some(action), .. } => {
                let message = failure.evidence.message.as_deref().unwrap_or_default().replace(key, "");
                *self.denials.entry(format!("{action} {message}")).or_default() += 1;
            }
            Kind::AccessDenied { action: None, .. } | Kind::Config | Kind::Unsupported | Kind::Locked => {}
            _ => return Err(error),
        }
        self.failed += 1;
        out.event(Event::Warning(error));
        Ok(())
    }

    fn done(&mut self, out: &mut Out) -> Option<Outcome> {
        let untried = (self.keys.len() - self.next) as u64;
        if self.conversation.busy() > 0 || (untried > 0 && !self.is_hopeless()) {
            return None;
        }
        if untried > 0 {
            self.failed += untried;
            let noun = if untried == 1 { "1 more object was" } else { &format!("{untried} more objects were") };
            let what = format!("{noun} not tried, since these keys may not delete");
            out.event(Event::Warning(Error::new(Kind::AccessDenied { action: None, resource: None }, what)));
        }
        Some(Outcome::Done(Report::Remove { removed: self.removed, failed: self.failed }))
    }
}

impl Machine for RemoveJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        if let Input::Cancel { reason, .. } = &input.header {
            return Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone())));
        }
        if let Some(reply) = self.conversation.take(input, out)
            && let Err(error) = self.answered(&reply, out)
        {
            return Some(Outcome::Failed(error));
        }
        self.send(input.header.now(), out);
        self.conversation.wait(out);
        self.done(out)
    }
}
