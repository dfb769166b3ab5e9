//! Find each client's newest backup: list the prefixes directly below the fleet's, and then the
//! objects of each, as many clients at a time as the conversation has slots.
//!
//! Listings wait in one queue; a listing that has more pages goes back to its front. Of a client
//! only its tally is kept, so memory grows with the number of clients and not of objects. Every
//! client ends as one event.
//!
//! What is wrong with one client (a denial, a listing that cannot be read) is told of that client,
//! and the others go on. What would be wrong with each of them (keys, network, region) ends the
//! job, and so does a trouble with the first listing.

use std::collections::{BTreeSet, VecDeque};

use crate::{
    abi::{Frame, Input, Millis},
    error::{Error, Kind},
    event::Event,
    fleet::{Client, FleetReport, Tally},
    job::{Fleet, Work},
    probe::is_backup,
    report::{Outcome, Report},
    s3::{
        conversation::{Conversation, Out, Reply, Success, clock_offset_ms},
        op::list_objects_v2::{ListObjectsV2, Page},
    },
    session::{Begin, Machine},
};

/// A `Date` header has whole seconds, and the answer took its time: what differs less agrees.
const CLOCKS_AGREE_MS: u64 = 2_000;

/// A listing on its way. It is the token of its own requests.
#[derive(Debug, Clone)]
struct Listing {
    of: Of,
    next: Option<String>,
    tally: Tally,
}

#[derive(Debug, Clone)]
enum Of {
    /// The clients.
    Clients,
    /// The objects of this one.
    Client(String),
}

impl Listing {
    fn new(of: Of) -> Self {
        Self { of, next: None, tally: Tally::default() }
    }
}

/// The job.
pub(crate) struct FleetJob {
    conversation: Conversation<Listing>,
    work: Fleet,
    begun: Millis,
    queue: VecDeque<Listing>,
    found: BTreeSet<String>,
    report: FleetReport,
    heard_clock: bool,
}

impl FleetJob {
    pub(crate) fn begin(begin: Begin) -> Self {
        let conversation = begin.conversation();
        let Work::Fleet(work) = begin.job.work else { unreachable!("routed by its kind") };
        let place = format!("s3://{}/{}", conversation.target().bucket, work.prefix);
        Self {
            conversation,
            begun: begin.now,
            queue: VecDeque::from([Listing::new(Of::Clients)]),
            found: BTreeSet::new(),
            report: FleetReport { place, max_age_ms: work.max_age_ms, ..FleetReport::default() },
            heard_clock: false,
            work,
        }
    }

    fn fill(&mut self, now: Millis, out: &mut Out) {
        while self.conversation.slots() > 0
            && let Some(listing) = self.queue.pop_front()
        {
            let call = ListObjectsV2 {
                prefix: &self.prefix(&listing.of),
                delimiter: matches!(listing.of, Of::Clients).then_some("/"),
                continuation_token: listing.next.as_deref(),
                max_keys: 1_000,
            }
            .call();
            self.conversation.send(now, listing, call, out);
        }
    }

    fn prefix(&self, of: &Of) -> String {
        match of {
            Of::Clients => self.work.prefix.to_string(),
            Of::Client(name) => format!("{}{name}/", self.work.prefix),
        }
    }

    /// Takes an answer. An error ends the job.
    fn reply(&mut self, now: Millis, mut reply: Reply<Listing>, out: &mut Out) -> Result<(), Error> {
        if let (false, Ok(success)) = (self.heard_clock, &reply.result) {
            self.hear_clock(success, now);
        }
        let page = match self.page(&reply) {
            Ok(page) => page,
            Err(error) => return self.trouble(reply.token.of, error, out),
        };
        let next = page.next_token.clone();
        let added = match &reply.token.of {
            Of::Clients => self.add_clients(page, out),
            Of::Client(_) => page.entries.into_iter().try_for_each(|entry| reply.token.tally.add(entry)),
        };
        let Listing { of, tally, .. } = reply.token;
        if let Err(why) = added {
            let error = self.malformed(&of, &why);
            return self.trouble(of, error, out);
        }
        match (next, of) {
            (next @ Some(_), of) => self.queue.push_front(Listing { of, next, tally }),
            (None, Of::Clients) => {}
            (None, Of::Client(name)) => {
                let now_ms = i64::try_from(self.begun.0).unwrap_or(i64::MAX);
                let now_ms = now_ms.saturating_add(self.report.clock_offset_ms.unwrap_or(0));
                self.tell(tally.judge(name, now_ms, self.work.max_age_ms), out);
            }
        }
        Ok(())
    }

    /// The page of a listing that was asked for, and of no other.
    fn page(&self, reply: &Reply<Listing>) -> Result<Page, Error> {
        let Listing { of, next, .. } = &reply.token;
        let prefix = self.prefix(of);
        let what = || format!("cannot list s3://{}/{prefix}", self.conversation.target().bucket);
        let success = match &reply.result {
            Ok(success) => success,
            Err(trouble) => return Err(self.conversation.explain(trouble.failure(), &reply.call, what())),
        };
        let page = ListObjectsV2::parse(&success.answer())
            .map_err(|why| self.conversation.unreadable(success, &reply.call, &why, what()))?;
        // A server that repeats itself would keep us here for ever.
        if page.next_token.is_some() && page.next_token == *next {
            return Err(self.malformed(of, "the server gives the same continuation token twice"));
        }
        if !page.entries.iter().all(|entry| entry.key.starts_with(&prefix)) {
            return Err(self.malformed(of, "the server lists what is not below it"));
        }
        Ok(page)
    }

    fn add_clients(&mut self, page: Page, out: &mut Out) -> Result<(), String> {
        self.report.strays += page.entries.iter().filter(|entry| is_backup(&entry.key)).count() as u64;
        for common in page.common_prefixes {
            let name = common.strip_prefix(self.work.prefix.as_str()).and_then(|rest| rest.strip_suffix('/'));
            let Some(name) = name.filter(|name| !name.contains('/')) else {
                return Err(format!("the server gives {common:?} as a prefix directly below it"));
            };
            if self.found.insert(name.to_owned()) {
                self.queue.push_back(Listing::new(Of::Client(name.to_owned())));
            }
        }
        out.event(Event::ClientsFound { clients: self.found.len() as u64 });
        Ok(())
    }

    fn trouble(&mut self, of: Of, error: Error, out: &mut Out) -> Result<(), Error> {
        match of {
            Of::Client(name) if !is_everyones(&error.kind) => {
                self.tell(Client::unreadable(name, error), out);
                Ok(())
            }
            Of::Clients if matches!(error.kind, Kind::AccessDenied { .. }) => Err(self.with_policy(error)),
            _ => Err(error),
        }
    }

    /// A denial of the first listing: the whole policy is wanted, and not one statement.
    fn with_policy(&self, error: Error) -> Error {
        let Fleet { prefix, .. } = &self.work;
        let bucket = &self.conversation.target().bucket;
        error.hint(format!(
            "this takes a key of the hoster's own, which may list all clients: `holdfast policy generate fleet --bucket \
             {bucket} --prefix '{prefix}${{aws:username}}/'` writes its policy"
        ))
    }

    fn malformed(&self, of: &Of, why: &str) -> Error {
        let bucket = &self.conversation.target().bucket;
        let what = format!("the listing of s3://{bucket}/{} cannot be read: {why}", self.prefix(of));
        Error::new(Kind::Malformed, what)
    }

    fn hear_clock(&mut self, success: &Success, now: Millis) {
        self.heard_clock = true;
        self.report.clock_offset_ms =
            clock_offset_ms(&success.answer(), now).filter(|offset_ms| offset_ms.unsigned_abs() > CLOCKS_AGREE_MS);
    }

    fn tell(&mut self, client: Client, out: &mut Out) {
        self.report.add(&client);
        out.event(Event::Client(client));
    }

    fn end(&mut self, out: &mut Out) -> Outcome {
        let missing: Vec<String> = self.work.expected.difference(&self.found).cloned().collect();
        for name in missing {
            self.tell(Client::missing(name), out);
        }
        Outcome::Done(Report::Fleet(self.report.clone()))
    }
}

/// Whether a trouble with one client would be one with each.
fn is_everyones(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::SignatureRejected
            | Kind::CredentialsExpired
            | Kind::ClockSkew
            | Kind::WrongRegion { .. }
            | Kind::NoSuchBucket
            | Kind::Throttled
            | Kind::Unavailable
            | Kind::Unreachable
            | Kind::Bug
    )
}

impl Machine for FleetJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        if let Input::Cancel { reason, .. } = &input.header {
            return Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone())));
        }
        let now = input.header.now();
        if let Some(reply) = self.conversation.take(input, out)
            && let Err(error) = self.reply(now, reply, out)
        {
            return Some(Outcome::Failed(error));
        }
        self.fill(now, out);
        self.conversation.wait(out);
        let is_over = self.queue.is_empty() && self.conversation.busy() == 0;
        is_over.then(|| self.end(out))
    }
}
