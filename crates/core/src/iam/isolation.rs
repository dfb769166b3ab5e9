//! Whether one client can reach into another's prefix, for every pair of them.
//!
//! Not by asking for each pair: the prefixes are sorted, and each statement that speaks to a client
//! names a range of them. What it covers whole is certain without looking at any (`reach`); for
//! what is left a request is made up that would succeed if any does (`witness`), and the
//! [`Evaluator`] is asked. So every example here is a request that the policies allow.
//!
//! The policies are taken to be attached to every client. What is not known of a request is taken
//! in its favour: a thief chooses headers, and where to stand.

mod prefixes;
mod ranges;
mod reach;
mod witness;

pub use prefixes::{PrefixTemplate, TemplateError};

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    document::Policy,
    evaluate::{By, Evaluator},
    pattern::Dialect,
    request::{Doubt, Principal, Request},
};
use prefixes::Prefixes;
use ranges::Ranges;
use reach::Reach;

/// What a client can do to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// See the keys of its objects.
    List,
    /// See the keys of its old versions too.
    ListVersions,
    /// See the keys of what it is uploading.
    ListUploads,
    /// Read its objects.
    Read,
    /// Write into its prefix.
    Write,
    /// Delete its objects, or abort its uploads.
    Delete,
    /// Change who may read its objects.
    Share,
    /// Change what holds for the whole bucket.
    Bucket,
    /// See that it exists. No breach: its objects stay hidden.
    Names,
}

/// What is asked about, and the actions that do it.
const ON_OBJECTS: [(Exposure, &[&str]); 4] = [
    (Exposure::Read, &["s3:GetObject", "s3:GetObjectVersion"]),
    (Exposure::Write, &["s3:PutObject"]),
    (Exposure::Delete, &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"]),
    (Exposure::Share, &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"]),
];
const LISTINGS: [(Exposure, &str); 2] =
    [(Exposure::List, "s3:ListBucket"), (Exposure::ListVersions, "s3:ListBucketVersions")];
/// Who may do one of these to the bucket can do anything to all in it.
const ON_THE_BUCKET: [(Exposure, &[&str]); 2] = [
    (Exposure::ListUploads, &["s3:ListBucketMultipartUploads"]),
    (
        Exposure::Bucket,
        &[
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            "s3:PutBucketAcl",
            "s3:PutLifecycleConfiguration",
            "s3:PutReplicationConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutBucketObjectLockConfiguration",
        ],
    ),
];

/// How many examples a finding has.
const EXAMPLES: usize = 3;
/// How many pairs are looked at one by one, in all.
const LOOKS: usize = 100_000;

/// What is to be proved.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Attached to each client, or to the bucket.
    pub policies: &'a [Policy],
    /// The bucket.
    pub bucket: &'a str,
    /// Where each client's objects are.
    pub prefix: &'a PrefixTemplate,
    /// The clients: names of IAM users.
    pub clients: &'a [String],
    /// Whose rules hold.
    pub dialect: Dialect,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Isolation {
    /// Whether it holds.
    pub verdict: Verdict,
    /// How many clients there are; a name that was given twice is one.
    pub clients: usize,
    /// Who can do what to whom, worst last.
    pub findings: Vec<Finding>,
    /// Pairs of which it is not known for some exposure: too many to look at each.
    pub unchecked_pairs: u64,
}

/// Whether isolation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No client can reach another.
    Closed,
    /// Some can.
    Open,
    /// None was found that can, and not all pairs could be looked at.
    Inconclusive,
}

/// One thing that clients can do to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub exposure: Exposure,
    /// How many pairs of a client and another; at least, when `unchecked_pairs` is not 0.
    pub pairs: u64,
    /// How many clients can do it.
    pub clients: u64,
    /// Some of the pairs.
    pub examples: Vec<Example>,
}

/// A request that succeeds and should not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Who asks.
    pub client: String,
    /// Whose it is.
    pub other: String,
    /// The action.
    pub action: String,
    /// On what.
    pub resource: String,
    /// `s3:prefix` of a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The statement that allows it.
    pub by: By,
}

/// Looks at every pair of clients.
#[must_use]
pub fn isolation(question: &Question<'_>) -> Isolation {
    let mut clients = question.clients.to_vec();
    clients.sort_unstable();
    clients.dedup();
    let evaluator = Evaluator::new(question.policies).dialect(question.dialect);
    let prefixes = Prefixes::new(question.prefix, &clients);
    let mut search = Search::new(question, &clients, &evaluator, &prefixes);
    search.run();
    search.report()
}

struct Search<'a> {
    question: &'a Question<'a>,
    clients: &'a [String],
    evaluator: &'a Evaluator,
    prefixes: &'a Prefixes,
    looks_each: usize,
    looks_left: usize,
    /// Whom each client reaches.
    open: BTreeMap<(Exposure, usize), Ranges>,
    examples: BTreeMap<Exposure, Vec<Example>>,
    unchecked_pairs: u64,
}

/// Whose turn it is.
struct Turn<'a> {
    number: usize,
    client: &'a str,
    own: &'a str,
    principal: Principal,
    itself: Ranges,
}

impl<'a> Search<'a> {
    fn new(
        question: &'a Question<'a>,
        clients: &'a [String],
        evaluator: &'a Evaluator,
        prefixes: &'a Prefixes,
    ) -> Self {
        Self {
            question,
            clients,
            evaluator,
            prefixes,
            looks_each: (LOOKS / clients.len().max(1)).max(4 * EXAMPLES),
            looks_left: 0,
            open: BTreeMap::new(),
            examples: BTreeMap::new(),
            unchecked_pairs: 0,
        }
    }

    fn run(&mut self) {
        let reach = Reach::new(self.evaluator, self.question.bucket);
        for (own, number) in self.prefixes.iter() {
            self.client(&reach, &self.turn(own, number));
        }
    }

    fn turn(&self, own: &'a str, number: usize) -> Turn<'a> {
        let client = &self.clients[number];
        Turn { number, client, own, principal: Principal::user(client), itself: self.prefixes.itself(own) }
    }

    fn client(&mut self, reach: &Reach<'_>, turn: &Turn<'_>) {
        self.looks_left = self.looks_each;
        let reach = reach.of(&turn.principal);
        for (exposure, actions) in ON_OBJECTS {
            let mut open = Ranges::default();
            for action in actions {
                let span = reach.objects(action, self.prefixes);
                let made_up = |prefix: &str| witness::objects(&reach, action, prefix);
                self.look(turn, exposure, &mut open, &span, &made_up);
            }
            self.count(turn, exposure, open);
        }
        for (exposure, action) in LISTINGS {
            let mut open = Ranges::default();
            let span = reach.listing(action, self.prefixes);
            let made_up = |prefix: &str| witness::listings(&reach, action, prefix);
            self.look(turn, exposure, &mut open, &span, &made_up);
            self.count(turn, exposure, open);
        }
        for (exposure, actions) in ON_THE_BUCKET {
            let requests =
                actions.iter().map(|action| Request::on_bucket(&turn.principal, action, self.question.bucket));
            self.bucket_wide(turn, exposure, requests.map(|request| request.doubting(Doubt::Choices)).collect());
        }
        self.bucket_wide(turn, Exposure::Names, witness::names(&turn.principal, self.question, turn.own));
    }

    /// Adds what is open to `open`: what is sure, and what a made-up request proves.
    fn look(
        &mut self,
        turn: &Turn<'_>,
        exposure: Exposure,
        open: &mut Ranges,
        span: &reach::Span,
        made_up: &dyn Fn(&str) -> Vec<Request>,
    ) {
        let sure = span.sure.minus(&turn.itself);
        for at in sure.iter().take(EXAMPLES) {
            if !self.wants_example(exposure) {
                break;
            }
            self.ask(turn, exposure, at, made_up);
        }
        *open = open.union(&sure);
        let doubtful = span.possible.minus(&turn.itself).minus(open);
        for (looked, at) in doubtful.iter().enumerate() {
            if self.looks_left == 0 {
                self.unchecked_pairs += (doubtful.len() - looked) as u64;
                return;
            }
            self.looks_left -= 1;
            if self.ask(turn, exposure, at, made_up) {
                *open = open.union(&Ranges::one(at..at + 1));
            }
        }
    }

    /// Whether one of the made-up requests reaches into the prefix at `at`, and not just into what
    /// is the client's own there.
    fn ask(&mut self, turn: &Turn<'_>, exposure: Exposure, at: usize, made_up: &dyn Fn(&str) -> Vec<Request>) -> bool {
        let prefix = self.prefixes.get(at);
        for request in made_up(prefix) {
            let reached = request.value("s3:prefix").or_else(|| reach::key_of(&request.resource, self.question.bucket));
            if turn.own.starts_with(prefix) && reached.is_some_and(|reached| reached.starts_with(turn.own)) {
                continue;
            }
            let decision = self.evaluator.decide(&request);
            if let Some(by) = decision.by().filter(|_| decision.is_allow()) {
                let other = &self.clients[self.prefixes.client(at)];
                self.example(turn, exposure, other, &request, by);
                return true;
            }
        }
        false
    }

    fn bucket_wide(&mut self, turn: &Turn<'_>, exposure: Exposure, requests: Vec<Request>) {
        let others = self.prefixes.all().minus(&turn.itself);
        let Some(first) = others.iter().next() else { return };
        for request in requests {
            let decision = self.evaluator.decide(&request);
            if let Some(by) = decision.by().filter(|_| decision.is_allow()) {
                let other = &self.clients[self.prefixes.client(first)];
                self.example(turn, exposure, other, &request, by);
                self.count(turn, exposure, others);
                return;
            }
        }
    }

    fn wants_example(&self, exposure: Exposure) -> bool {
        self.examples.get(&exposure).is_none_or(|examples| examples.len() < EXAMPLES)
    }

    fn example(&mut self, turn: &Turn<'_>, exposure: Exposure, other: &str, request: &Request, by: &By) {
        if !self.wants_example(exposure) {
            return;
        }
        let example = Example {
            client: turn.client.to_owned(),
            other: other.to_owned(),
            action: request.action.clone(),
            resource: request.resource.clone(),
            prefix: request.value("s3:prefix").map(str::to_owned),
            by: by.clone(),
        };
        self.examples.entry(exposure).or_default().push(example);
    }

    fn count(&mut self, turn: &Turn<'_>, exposure: Exposure, open: Ranges) {
        if !open.is_empty() {
            self.open.insert((exposure, turn.number), open);
        }
    }

    fn report(mut self) -> Isolation {
        let mut findings: BTreeMap<Exposure, Finding> = BTreeMap::new();
        for ((exposure, _), open) in &self.open {
            let none = || Finding { exposure: *exposure, pairs: 0, clients: 0, examples: Vec::new() };
            let finding = findings.entry(*exposure).or_insert_with(none);
            finding.pairs += open.len() as u64;
            finding.clients += 1;
        }
        for (exposure, finding) in &mut findings {
            finding.examples = self.examples.remove(exposure).unwrap_or_default();
        }
        // Who sees another's keys sees its name: that is said once.
        let listed = findings.get(&Exposure::List).map_or(0, |finding| finding.pairs);
        findings.retain(|exposure, finding| *exposure != Exposure::Names || finding.pairs > listed);
        let verdict = match (findings.keys().any(|exposure| *exposure != Exposure::Names), self.unchecked_pairs) {
            (true, _) => Verdict::Open,
            (false, 0) => Verdict::Closed,
            (false, _) => Verdict::Inconclusive,
        };
        Isolation {
            verdict,
            clients: self.clients.len(),
            findings: findings.into_values().collect(),
            unchecked_pairs: self.unchecked_pairs,
        }
    }
}

#[cfg(test)]
mod tests;
