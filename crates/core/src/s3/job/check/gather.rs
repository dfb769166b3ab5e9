//! From answers to findings: what each proves, and what only two together prove.

use super::{Ask, CheckJob, FIRST, HOLES, Learned, Said};
use crate::{
    error::Evidence,
    iam::generate::{ClientName, ClientPrefix, Dialect, Features, Kind, KmsKey, Options, Partition, generate},
    probe::{self, Hole, On, Probe},
    provider::Provider,
    s3::{
        call::{Permission, Resource},
        failure::{self, Failure},
        permission,
    },
    verdict::{CheckReport, Finding, HoleFinding, Isolation, Server, Verdict, summarize},
};

/// The order in which findings are told.
const TOLD: [Probe; 14] = [
    Probe::List,
    Probe::Put,
    Probe::Tag,
    Probe::Encrypt,
    Probe::ListParts,
    Probe::Abort,
    Probe::Get,
    Probe::Decrypt,
    Probe::Copy,
    Probe::Delete,
    Probe::Versioning,
    Probe::ObjectLock,
    Probe::DeleteVersion,
    Probe::Overwrite,
];

impl CheckJob {
    /// What the answers prove. Asked again when one more has come.
    pub(super) fn judge(&mut self) {
        for probe in FIRST.into_iter().chain([Probe::Overwrite]) {
            if probe != Probe::Get
                && let Some(said) = self.answers.get(&Ask::Probe(probe))
            {
                let learned = plainly(said.clone());
                self.learned.insert(probe, learned);
            }
        }
        if self.is(Probe::Delete, Verdict::NotSupported) {
            let evidence = self.learned.get(&Probe::Delete).and_then(|learned| learned.evidence.clone());
            let note = "the server does not take a conditional delete, and another kind is not tried".to_owned();
            self.learn(Probe::Delete, Verdict::Inconclusive, evidence, Some(note));
        }
        if self.bucket.locked.is_some() {
            self.learned.entry(Probe::ObjectLock).and_modify(|learned| learned.verdict = Verdict::Allowed);
        }
        self.judge_storing();
        self.judge_reading();
        self.judge_copying();
    }

    /// The real thing outweighs the question about it.
    fn judge_storing(&mut self) {
        let base = self.answers.get(&Ask::Create { tagged: false }).cloned();
        let tagged = self.answers.get(&Ask::Create { tagged: true }).cloned();
        let wrote = self.answers.get(&Ask::WriteMarker { conditional: true }).cloned();
        let kms = self.asker.kms_key().is_some();
        let may_put = self.is(Probe::Put, Verdict::Allowed);
        match &base {
            Some(Said::Yes(evidence)) => {
                self.learn(Probe::Put, Verdict::Allowed, Some(evidence.clone()), None);
                if kms {
                    self.learn(Probe::Encrypt, Verdict::Allowed, Some(evidence.clone()), None);
                }
            }
            Some(Said::Denied(evidence)) => {
                // A bucket may encrypt by itself, with a key that nobody named here.
                let of_kms = names(evidence, "kms:").unwrap_or(kms && may_put);
                let probe = if of_kms { Probe::Encrypt } else { Probe::Put };
                self.learn(probe, Verdict::Denied, Some(evidence.clone()), None);
            }
            // A setting that the server does not take, and not a permission.
            Some(Said::Unsupported(evidence) | Said::Unclear(evidence, _)) if (400..500).contains(&evidence.status) => {
                let code = evidence.code.clone().unwrap_or_else(|| evidence.status.to_string());
                let note = format!("the server does not store objects with these settings ({code})");
                self.learn(Probe::Put, Verdict::NotSupported, Some(evidence.clone()), Some(note));
            }
            _ => {}
        }
        // A bucket may encrypt by itself; where no upload was tried, the marker shows it.
        if let (None, Some(Said::Denied(evidence))) = (&base, &wrote)
            && names(evidence, "kms:") == Some(true)
        {
            self.learn(Probe::Encrypt, Verdict::Denied, Some(evidence.clone()), None);
        }
        if kms && !self.learned.contains_key(&Probe::Encrypt) {
            self.learn(Probe::Encrypt, Verdict::Inconclusive, None, Some("it could not be tried".to_owned()));
        }
        if let (Some(Said::Yes(evidence)), false) = (&wrote, self.is(Probe::Put, Verdict::Allowed)) {
            self.learn(Probe::Put, Verdict::Allowed, Some(evidence.clone()), None);
        }
        if !self.asker.check.object.tags.is_empty() {
            let untagged = matches!(base, Some(Said::Yes(_)));
            let learned = match tagged {
                Some(Said::Denied(evidence)) if names(&evidence, "PutObjectTagging").unwrap_or(untagged) => {
                    Learned { verdict: Verdict::Denied, evidence: Some(evidence), note: None }
                }
                Some(said @ (Said::Yes(_) | Said::Unsupported(_))) => plainly(said),
                other => Learned {
                    verdict: Verdict::Inconclusive,
                    evidence: other.map(Said::evidence),
                    note: Some("it could not be told apart from storing".to_owned()),
                },
            };
            self.learned.insert(Probe::Tag, learned);
        }
    }

    fn judge_reading(&mut self) {
        let first = self.answers.get(&Ask::Probe(Probe::Get)).cloned();
        let again = self.answers.get(&Ask::MarkerAgain).cloned();
        let kms = self.asker.kms_key().is_some();
        if self.is(Probe::Get, Verdict::Allowed) {
            if kms && let Some(evidence) = self.learned.get(&Probe::Get).and_then(|learned| learned.evidence.clone()) {
                self.learn(Probe::Decrypt, Verdict::Allowed, Some(evidence), None);
            }
            return;
        }
        let listable = self.is(Probe::List, Verdict::Allowed);
        match (again, first) {
            // It is there, for it was just written; so it is not to be read.
            (Some(Said::Denied(evidence)), _) => self.unreadable(evidence, kms),
            // To keys that may list, S3 says of what is not there that it is not there.
            (None, Some(Said::Denied(evidence))) if listable => self.unreadable(evidence, kms),
            (Some(said), _) => {
                let learned = plainly(said);
                let note = Some("the marker that was written could not be read back".to_owned());
                self.learned.insert(Probe::Get, Learned { verdict: Verdict::Inconclusive, note, ..learned });
            }
            (None, first) => {
                let note = if self.asker.check.marker.is_some() {
                    "nothing is there yet to read, and the marker could not be written"
                } else {
                    "nothing is there yet to read: without a marker this is known after the first backup"
                };
                self.learn(Probe::Get, Verdict::Inconclusive, first.map(Said::evidence), Some(note.to_owned()));
            }
        }
    }

    fn unreadable(&mut self, evidence: Evidence, kms: bool) {
        if names(&evidence, "kms:") == Some(true) {
            let note = "S3 allows it, the KMS key does not".to_owned();
            self.learn(Probe::Get, Verdict::Allowed, Some(evidence.clone()), Some(note));
            self.learn(Probe::Decrypt, Verdict::Denied, Some(evidence), None);
            return;
        }
        if kms {
            let note = "reading is denied before the KMS key comes into it".to_owned();
            self.learn(Probe::Decrypt, Verdict::Inconclusive, None, Some(note));
        }
        self.learn(Probe::Get, Verdict::Denied, Some(evidence), None);
    }

    /// Copying takes no permission of its own: storing and reading are what it needs.
    fn judge_copying(&mut self) {
        let follows = |verdict, note: &str| Learned { verdict, evidence: None, note: Some(note.to_owned()) };
        let readable = self.is(Probe::Get, Verdict::Allowed) && !self.is(Probe::Decrypt, Verdict::Denied);
        let learned = match self.answers.get(&Ask::Probe(Probe::Copy)) {
            _ if self.is(Probe::Get, Verdict::Denied)
                || self.is(Probe::Decrypt, Verdict::Denied)
                || self.is(Probe::Put, Verdict::Denied) =>
            {
                follows(Verdict::NotNeeded, "it needs storing and reading")
            }
            Some(said) if !readable => Learned {
                verdict: Verdict::Inconclusive,
                evidence: Some(said.clone().evidence()),
                note: Some("whether it may read is not known".to_owned()),
            },
            Some(Said::Past(evidence, failure::Class::NoSuchUpload)) => {
                Learned { verdict: Verdict::Allowed, evidence: Some(evidence.clone()), note: None }
            }
            Some(Said::Denied(evidence)) => Learned {
                verdict: Verdict::Denied,
                evidence: Some(evidence.clone()),
                note: Some("though storing and reading are allowed: a rule about copying denies it".to_owned()),
            },
            Some(said @ Said::Unsupported(_)) => plainly(said.clone()),
            Some(said) => Learned {
                verdict: Verdict::Inconclusive,
                evidence: Some(said.clone().evidence()),
                note: Some("the answer does not tell".to_owned()),
            },
            None => follows(Verdict::Inconclusive, "there is nothing yet to copy from"),
        };
        self.learned.insert(Probe::Copy, learned);
    }

    /// The end.
    pub(super) fn report(&mut self) -> CheckReport {
        if self.trouble.is_none() {
            self.judge();
        }
        let findings: Vec<Finding> = if self.trouble.is_some() {
            Vec::new()
        } else {
            TOLD.into_iter().filter_map(|probe| self.finding(probe)).collect()
        };
        let asked = self.asker.check.isolation && self.asker.places.other.is_some();
        let isolation: Vec<HoleFinding> = if self.trouble.is_none() && asked {
            HOLES.into_iter().filter_map(|hole| self.hole(hole)).collect()
        } else {
            Vec::new()
        };
        let region = self.conversation.region().to_string();
        let summary = summarize(&findings, &isolation, &self.bucket, self.trouble.as_ref());
        CheckReport {
            place: format!("s3://{}/{}", self.conversation.target().bucket, self.asker.places.own),
            server: Server { region_learned: region != self.first_region, region, ..self.server.clone() },
            identity: self.identity.clone(),
            site: self.site.clone(),
            trouble: self.trouble.clone(),
            findings,
            isolation,
            closing_policy: (summary.isolation == Some(Isolation::Open)).then(|| self.closing_policy()).flatten(),
            bucket: self.bucket.clone(),
            left_behind: std::mem::take(&mut self.left_behind),
            summary,
        }
    }

    /// `None` where the prefix's last part can be no user's name.
    fn closing_policy(&self) -> Option<serde_json::Value> {
        // Where there are no policies of users, or none that binds this one.
        let provider = self.conversation.target().endpoint.provider;
        let is_root = self.identity.as_ref().is_some_and(|identity| identity.arn.ends_with(":root"));
        if is_root || matches!(provider, Provider::CloudflareR2 | Provider::BackblazeB2) {
            return None;
        }
        let own = self.asker.places.own.as_str().strip_suffix('/')?;
        let (parent, name) = own.rfind('/').map_or(("", own), |slash| own.split_at(slash + 1));
        let kms_key = self.asker.kms_key().flatten();
        let is_minio = self.server.software.as_deref().is_some_and(|software| software.contains("MinIO"));
        let options = Options {
            bucket: self.conversation.target().bucket.clone(),
            prefix: ClientPrefix::parse(format!("{parent}${{aws:username}}/")).ok()?,
            client: Some(ClientName::parse(name).ok()?),
            group: String::new(),
            features: Features { tags: !self.asker.check.object.tags.is_empty(), ..Features::default() },
            kms_key: kms_key.filter(|_| !is_minio).map(KmsKey::parse).transpose().ok()?,
            dialect: if is_minio { Dialect::Minio } else { Dialect::Aws },
            partition: match permission::partition(self.conversation.region().as_str()) {
                "aws-cn" => Partition::AwsCn,
                "aws-us-gov" => Partition::AwsUsGov,
                _ => Partition::Aws,
            },
        };
        let made = generate(Kind::OneClient, &options, "").ok()?;
        serde_json::to_value(&made.documents.first()?.body).ok()
    }

    fn finding(&self, probe: Probe) -> Option<Finding> {
        let Learned { verdict, evidence, note } = self.learned.get(&probe)?.clone();
        let target = self.conversation.target();
        let partition = permission::partition(self.conversation.region().as_str());
        let (bucket, own) = (&target.bucket, &self.asker.places.own);
        let mut action = probe.action().to_owned();
        let mut resource = probe::arn(probe.on(), partition, bucket, own, self.asker.kms_key().flatten());
        let denial = evidence.as_ref().filter(|_| verdict == Verdict::Denied);
        let named = denial.and_then(failure::named);
        if let Some(named) = &named {
            let of_kms = named.action.starts_with("kms:");
            // Of one name in the folder the whole of it is meant.
            let is_in_it = |arn: &&String| arn.starts_with(resource.trim_end_matches('*'));
            let elsewhere = named.resource.as_ref().filter(|arn| of_kms || !is_in_it(arn));
            if of_kms || !named.action.eq_ignore_ascii_case(&action) {
                resource = match elsewhere {
                    Some(arn) => arn.clone(),
                    None if of_kms => probe::arn(On::KmsKey, partition, bucket, own, self.asker.kms_key().flatten()),
                    None => resource,
                };
                action.clone_from(&named.action);
            }
        }
        // That versions cannot be destroyed and nothing be overwritten is as it should be.
        let wanted = !matches!(probe, Probe::DeleteVersion | Probe::Overwrite | Probe::Copy);
        let statement_helps = named.as_ref().is_none_or(|named| named.a_statement_helps);
        let statement = (verdict == Verdict::Denied && wanted && statement_helps)
            .then(|| probe::statement(probe, &action, &resource, own));
        let who = denial.filter(|_| !statement_helps).map(|evidence| self.who_denies(probe, evidence));
        let note = note.or(who);
        Some(Finding {
            probe,
            purpose: probe.purpose().to_owned(),
            action,
            resource,
            verdict,
            evidence,
            note,
            statement,
        })
    }

    /// Where no statement of one's own helps: whom to turn to.
    fn who_denies(&self, probe: Probe, evidence: &Evidence) -> String {
        let resource = if matches!(probe.on(), On::Prefix | On::Bucket) { Resource::Bucket } else { Resource::Object };
        let permission = Permission { action: probe.action(), resource };
        let failure = Failure { evidence: evidence.clone(), class: failure::Class::Denied };
        let bucket = &self.conversation.target().bucket;
        let error = failure::explain(&failure, String::new(), permission, bucket, self.asker.places.own_key.as_str());
        error.hint.unwrap_or_default()
    }

    /// The answer about a way out; of two, the one that shows it the more open.
    fn said_of(&self, hole: Hole) -> Option<&Said> {
        let first = self.answers.get(&Ask::Hole(hole));
        match (first, self.answers.get(&Ask::ListEmptyPrefix)) {
            (Some(first), Some(second)) if hole == Hole::ListAll && openness(second) > openness(first) => Some(second),
            _ => first,
        }
    }

    fn hole(&self, hole: Hole) -> Option<HoleFinding> {
        let (state, evidence, note) = match self.said_of(hole).cloned() {
            None if hole == Hole::Read => {
                let note = "only an object that is known to be there would show it: name one of another client's with \
                            `--canary`";
                (Isolation::Inconclusive, None, Some(note.to_owned()))
            }
            None => return None,
            Some(Said::Yes(evidence)) if hole == Hole::ListBuckets && self.other_buckets != Some(true) => {
                match self.other_buckets {
                    Some(_) => {
                        (Isolation::Closed, Some(evidence), Some("the server shows this bucket alone".to_owned()))
                    }
                    None => (Isolation::Inconclusive, Some(evidence), Some("that is no list of buckets".to_owned())),
                }
            }
            Some(Said::Yes(evidence)) => (Isolation::Open, Some(evidence), None),
            Some(Said::Past(evidence, _)) if hole.on() == On::Objects && hole != Hole::Read => {
                (Isolation::Open, Some(evidence), None)
            }
            Some(Said::Past(evidence, _)) => {
                (Isolation::Inconclusive, Some(evidence), Some("there is no such thing".to_owned()))
            }
            Some(Said::Denied(evidence)) => {
                let note = "if it is there: what is not is denied in the same words".to_owned();
                (Isolation::Closed, Some(evidence), Some(note).filter(|_| hole == Hole::Read))
            }
            // The question has a condition or a shape that the act itself need not have.
            Some(Said::Unsupported(evidence)) if hole.on() == On::Objects => {
                let note = "the server does not take the question; it may do the thing all the same".to_owned();
                (Isolation::Inconclusive, Some(evidence), Some(note))
            }
            Some(Said::Unsupported(evidence)) => {
                (Isolation::Closed, Some(evidence), Some("the server has no such operation".to_owned()))
            }
            Some(Said::Unclear(evidence, why)) => (Isolation::Inconclusive, Some(evidence), Some(why)),
        };
        let (lets, action) = (hole.lets().to_owned(), hole.action().to_owned());
        Some(HoleFinding { hole, lets, action, state, evidence, note })
    }
}

/// How far an answer is from telling that a way out is shut.
fn openness(said: &Said) -> u8 {
    match said {
        Said::Yes(_) => 2,
        Said::Past(..) | Said::Unclear(..) => 1,
        Said::Denied(_) | Said::Unsupported(_) => 0,
    }
}

/// What an answer proves by itself.
fn plainly(said: Said) -> Learned {
    let (verdict, note) = match &said {
        Said::Yes(_) | Said::Past(..) => (Verdict::Allowed, None),
        Said::Denied(_) => (Verdict::Denied, None),
        Said::Unsupported(_) => (Verdict::NotSupported, None),
        Said::Unclear(_, why) => (Verdict::Inconclusive, Some(why.clone()).filter(|why| !why.is_empty())),
    };
    Learned { verdict, evidence: Some(said.evidence()), note }
}

/// Whether a denial names an action with this in it; `None` when it names none.
fn names(evidence: &Evidence, part: &str) -> Option<bool> {
    let action = failure::named(evidence)?.action;
    Some(action.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
}
