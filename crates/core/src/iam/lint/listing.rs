//! Listings that are not confined to a client's own prefix.
//!
//! HEAD on a bucket is `s3:ListBucket` without a prefix, so to permit it is to permit the listing
//! of everything.

use super::{
    Draft, Rule, Severity,
    arn::{head, is_wild},
    condition::holds_without_key,
    grant::grants,
    repair::Edit,
    subject::{Subject, arns, is_allow},
};
use crate::iam::{
    document::{Condition, Placed, Statement},
    operator::{Quantifier, Test},
};

pub(super) const PREFIX: &str = "s3:prefix";
const DELIMITER: &str = "s3:delimiter";

/// What a statement lets one list.
enum Reach<'a> {
    /// Everything.
    All,
    /// The names at one level of the bucket.
    Level,
    /// What begins with one of these.
    Prefixes(Vec<&'a Placed<String>>),
}

pub(super) fn listings(at: usize, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    let statement = &subject.policy.statements[at];
    if !subject.per_client || !is_allow(statement) {
        return;
    }
    for name in ["s3:ListBucket", "s3:ListBucketVersions"] {
        let Some(pattern) = grants(statement, name) else { continue };
        match reach(statement) {
            Reach::All => found.push(open(at, name, pattern, subject)),
            Reach::Level => found.push(names(pattern, "", Edit::Confine)),
            Reach::Prefixes(prefixes) => {
                for prefix in prefixes {
                    found.extend(judged(prefix, statement, subject));
                }
                // The prefixes are the same for both actions.
                return;
            }
        }
    }
}

fn reach(statement: &Statement) -> Reach<'_> {
    let on = |key: &'static str| {
        statement.conditions.iter().filter(move |condition| condition.key.value.eq_ignore_ascii_case(key))
    };
    let confining: Vec<_> = on(PREFIX).filter(|condition| confines(condition)).collect();
    if let Some(condition) = confining.first() {
        return Reach::Prefixes(condition.values.iter().collect());
    }
    let no_prefix =
        on(PREFIX).any(|condition| condition.operator.value.test == Test::Null && holds_without_key(condition));
    if no_prefix && by_level(statement) { Reach::Level } else { Reach::All }
}

/// Whether its listings are confined to prefixes, whichever.
pub(super) fn is_confined(statement: &Statement) -> bool {
    matches!(reach(statement), Reach::Prefixes(_))
}

/// Whether it makes sure that what is asked begins with one of its values.
fn confines(condition: &Condition) -> bool {
    let operator = condition.operator.value;
    let positive = [Test::StringLike, Test::StringEquals, Test::StringEqualsIgnoreCase].contains(&operator.test);
    positive && !operator.if_exists && operator.quantifier != Some(Quantifier::ForAllValues)
}

/// Whether every listing must stop at a slash.
fn by_level(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| {
        condition.key.value.eq_ignore_ascii_case(DELIMITER)
            && confines(condition)
            && condition.values.iter().all(|value| value.value == "/")
    })
}

fn open(at: usize, name: &str, pattern: &Placed<String>, subject: &Subject<'_>) -> Draft {
    let statement = &subject.policy.statements[at];
    let everywhere = arns(statement).any(|arn| arn.takes_buckets() && arn.bucket == "*");
    let place = if everywhere { "every bucket of the account" } else { "the whole bucket" };
    let things = if name == "s3:ListBucket" { "" } else { ", old and deleted versions too" };
    let ignored = statement.conditions.iter().find(|condition| condition.key.value.eq_ignore_ascii_case(PREFIX));
    let why = match ignored {
        Some(condition) => format!("`{}` does not confine {name} to a prefix", condition.operator.value),
        None => format!("{name} has no condition on s3:prefix"),
    };
    let mut what = format!("{why}: every client lists {place}{things}, and so sees all clients' names and backups");
    let others = confined_elsewhere(at, name, subject);
    if !others.is_empty() {
        what.push_str(&format!("; the conditions of {} protect nothing any more", others.join(" and ")));
    }
    let edit = if name == "s3:ListBucket" { Edit::Confine } else { Edit::without(name, &pattern.value, statement) };
    Draft { rule: Rule::OpenListing, severity: Severity::Error, position: pattern.position, what, edits: vec![edit] }
}

/// Other statements that grant the same with a condition, which is now in vain.
fn confined_elsewhere(at: usize, name: &str, subject: &Subject<'_>) -> Vec<String> {
    let others = subject.policy.statements.iter().enumerate();
    others
        .filter(|(other, statement)| *other != at && is_allow(statement) && grants(statement, name).is_some())
        .filter(|(_, statement)| !matches!(reach(statement), Reach::All))
        .map(|(other, _)| format!("statement {}", other + 1))
        .collect()
}

fn names(place: &Placed<String>, level: &str, edit: Edit) -> Draft {
    let named = if level.is_empty() { "the root of the bucket".to_owned() } else { format!("`{level}`") };
    let what = format!("every client lists {named}, and so sees the names of all clients, or what else is there");
    Draft { rule: Rule::ClientNames, severity: Severity::Warning, position: place.position, what, edits: vec![edit] }
}

/// What is wrong with one value of the condition on s3:prefix.
fn judged(prefix: &Placed<String>, statement: &Statement, subject: &Subject<'_>) -> Option<Draft> {
    let value = prefix.value.as_str();
    let head = head(value);
    if subject.is_inside(value) {
        return None;
    }
    let edits = vec![Edit::ReplacePrefix(value.to_owned(), subject.own_pattern())];
    let (rule, what) = if !head.is_empty() && !head.ends_with('/') && subject.is_inside(&format!("{head}/")) {
        let example = head.replace("${aws:username}", "client1");
        let what = format!("`{value}` lacks the slash: to list `{example}` is to list `{example}0` too");
        (Rule::NoSlash, what)
    } else if !is_wild(value) && by_level(statement) {
        return Some(names(prefix, value, Edit::DropPrefix(value.to_owned())));
    } else if let Some(given) =
        subject.prefix_given().filter(|given| given.root() != head && !given.root().starts_with(head))
    {
        (Rule::OtherPrefix, format!("`{value}` is not below `{given}`, where the backups are to be"))
    } else {
        let what = format!("`{value}` takes in the prefixes of all clients: each of them lists all others");
        (Rule::OpenListing, what)
    };
    Some(Draft { rule, severity: Severity::Error, position: prefix.position, what, edits })
}
