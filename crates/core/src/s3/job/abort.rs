//! Abort multipart uploads of our own, until nothing of them is left.
//!
//! AWS: parts that were still arriving may survive an abort, so it is repeated until ListParts
//! finds none. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>

use crate::{
    abi::{Frame, Input, Millis, Output},
    error::{Error, Kind},
    job::{Orphan, Work},
    journal::Record,
    report::{Outcome, Report},
    s3::{
        conversation::{Conversation, Out, Reply},
        failure::Class,
        op::{abort_multipart_upload::AbortMultipartUpload, list_parts::ListParts},
    },
    session::{Begin, Machine},
};

/// Aborts of one upload that found parts again.
const MAX_ROUNDS: u32 = 5;

/// Names a call of [`Aborting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AbortToken {
    index: usize,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Abort,
    List,
}

#[derive(Debug)]
struct Entry {
    orphan: Orphan,
    rounds: u32,
    end: Option<Result<(), Error>>,
}

/// Aborts under way, as a part of any job.
#[derive(Debug, Default)]
pub(crate) struct Aborting {
    entries: Vec<Entry>,
}

impl Aborting {
    /// Begins one more.
    pub(crate) fn add<T: Clone>(
        &mut self,
        now: Millis,
        orphan: Orphan,
        wrap: impl Fn(AbortToken) -> T,
        conversation: &mut Conversation<T>,
        out: &mut Out,
    ) {
        let token = AbortToken { index: self.entries.len(), step: Step::Abort };
        let call = AbortMultipartUpload { key: &orphan.key, upload_id: &orphan.upload_id }.call();
        conversation.send(now, wrap(token), call, out);
        self.entries.push(Entry { orphan, rounds: 1, end: None });
    }

    /// Takes the answer to one of its calls.
    pub(crate) fn reply<T: Clone>(
        &mut self,
        now: Millis,
        token: AbortToken,
        reply: &Reply<T>,
        wrap: impl Fn(AbortToken) -> T,
        conversation: &mut Conversation<T>,
        out: &mut Out,
    ) {
        let AbortToken { index, step } = token;
        let Some(entry) = self.entries.get_mut(index) else { return };
        let key = &entry.orphan.key;
        let upload_id = &entry.orphan.upload_id;
        let list = ListParts { key, upload_id, after: 0 };
        let end = match (&reply.result, step) {
            (Ok(_), Step::Abort) => {
                conversation.send(now, wrap(AbortToken { index, step: Step::List }), list.call(), out);
                return;
            }
            (Ok(success), Step::List) => {
                let empty = ListParts::parse(&success.answer()).is_ok_and(|page| page.parts.is_empty());
                if !empty && entry.rounds < MAX_ROUNDS {
                    entry.rounds += 1;
                    let call = AbortMultipartUpload { key, upload_id }.call();
                    conversation.send(now, wrap(AbortToken { index, step: Step::Abort }), call, out);
                    return;
                }
                if empty {
                    Ok(())
                } else {
                    let what = format!("parts of an aborted upload of {key} keep coming back");
                    Err(Error::new(Kind::Unconfirmed, what).hint("the next run tries again"))
                }
            }
            (Err(trouble), step) => match (&trouble.failure().class, step) {
                (Class::NoSuchUpload, _) => Ok(()),
                // The abort itself was accepted; that nobody may look is no failure.
                (_, Step::List) => Ok(()),
                (_, Step::Abort) => {
                    let what = format!("cannot abort an unfinished upload of {key}");
                    Err(conversation.explain(trouble.failure(), &reply.call, what))
                }
            },
        };
        if end.is_ok() {
            let record = Record::Aborted { upload_id: upload_id.clone() };
            out.push(Output::Journal { record, durable: false });
        }
        entry.end = Some(end);
    }

    /// Whether each has ended, well or not.
    pub(crate) fn settled(&self) -> bool {
        self.entries.iter().all(|entry| entry.end.is_some())
    }

    /// Uploads that are gone.
    pub(crate) fn gone(&self) -> u32 {
        self.entries.iter().filter(|entry| matches!(entry.end, Some(Ok(())))).count() as u32
    }

    /// Why the others are not.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Error> {
        self.entries.iter().filter_map(|entry| entry.end.as_ref()?.as_ref().err())
    }
}

/// The job that does nothing else.
pub(crate) struct AbortJob {
    conversation: Conversation<AbortToken>,
    aborting: Aborting,
}

impl AbortJob {
    pub(crate) fn begin(begin: Begin, out: &mut Out) -> Self {
        let mut conversation = begin.conversation();
        let mut aborting = Aborting::default();
        if let Work::Abort(work) = begin.job.work {
            for orphan in work.orphans {
                aborting.add(begin.now, orphan, |token| token, &mut conversation, out);
            }
        }
        Self { conversation, aborting }
    }
}

impl Machine for AbortJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        if let Input::Cancel { reason, .. } = &input.header {
            return Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone())));
        }
        if let Some(reply) = self.conversation.take(input, out) {
            let now = input.header.now();
            self.aborting.reply(now, reply.token, &reply, |token| token, &mut self.conversation, out);
        }
        self.conversation.wait(out);
        if !self.aborting.settled() {
            return None;
        }
        let failed = self.aborting.failures().next().cloned();
        Some(failed.map_or(Outcome::Done(Report::Abort { aborted: self.aborting.gone() }), Outcome::Failed))
    }
}
