//! What is missing from a set of documents for one bucket.

use super::{Document, Finding, Fix, Missing, Rule, Severity};
use crate::iam::{
    document::{Effect, Policy, Statement},
    generate::{abort_rule, tls_only},
    operator::Test,
};

/// Rules that none of the documents has.
pub(super) fn missing(documents: &[Document<'_>], bucket_arn: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut bucket_policies = documents.iter().filter_map(|document| match document {
        Document::Policy(name, policy) if policy.is_resource_policy() => Some((*name, policy)),
        _ => None,
    });
    let mut lifecycles = documents.iter().filter_map(|document| match document {
        Document::Lifecycle(name, lifecycle) => Some((*name, lifecycle)),
        Document::Policy(..) => None,
    });
    if !bucket_policies.clone().any(|(_, policy)| demands_tls(policy)) {
        let what = "nothing here demands TLS: a backup may travel readable for everybody on the way";
        let fix = Missing::Statement(Box::new(tls_only(bucket_arn)));
        findings.push(note(Rule::NoTlsRule, bucket_policies.next().map(|(name, _)| name), what, fix));
    }
    if !lifecycles.clone().any(|(_, lifecycle)| lifecycle.aborts()) {
        let what = "nothing here ends abandoned uploads: their parts are paid for, and no listing shows them";
        let fix = Missing::Rule(abort_rule());
        findings.push(note(Rule::NoAbortRule, lifecycles.next().map(|(name, _)| name), what, fix));
    }
    findings
}

fn note(rule: Rule, file: Option<&str>, what: &str, json: Missing) -> Finding {
    Finding {
        rule,
        severity: Severity::Note,
        file: file.map(str::to_owned),
        position: None,
        statement: None,
        what: what.to_owned(),
        fix: Some(Fix::Add { json }),
    }
}

fn demands_tls(policy: &Policy) -> bool {
    let refuses_plain = |statement: &Statement| {
        statement.conditions.iter().any(|condition| {
            let key = condition.key.value.as_str();
            let test = condition.operator.value.test;
            let is_false = condition.values.iter().any(|value| value.value.eq_ignore_ascii_case("false"));
            (key.eq_ignore_ascii_case("aws:SecureTransport") && test == Test::Bool && is_false)
                || (key.eq_ignore_ascii_case("s3:TlsVersion") && test == Test::NumericLessThan)
        })
    };
    policy.statements.iter().any(|statement| statement.effect.value == Effect::Deny && refuses_plain(statement))
}
