//! From what is wrong with a statement to the statement that is right.

use super::{
    Fix,
    arn::{S3Arn, is_wild},
    grant::{LIST_UPLOADS, matching, needed_of},
    listing::{self, PREFIX},
    subject::{Subject, is_allow},
};
use crate::iam::{
    action::{self, ResourceKind},
    document::{Condition, Patterns, Placed, Statement},
    operator::{Operator, Test},
};

/// One change to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Without this pattern.
    DropAction(String),
    /// These in the place of this pattern.
    ReplaceAction(String, Vec<String>),
    /// This ARN in the place of that.
    ReplaceResource(String, String),
    /// Without this value of s3:prefix.
    DropPrefix(String),
    /// This value of s3:prefix in the place of that.
    ReplacePrefix(String, String),
    /// The listing only below one's own prefix.
    Confine,
    /// Each action on the ARNs, and under the conditions, that it can have.
    Split,
    /// There is no statement to show, only a piece of advice.
    Advice(&'static str),
}

impl Edit {
    /// Without one action of those that a pattern takes in.
    pub(super) fn without(name: &str, pattern: &str, statement: &Statement) -> Self {
        if is_wild(pattern) {
            let mut rest = needed_of(statement, pattern);
            rest.retain(|needed| needed != name);
            Self::ReplaceAction(pattern.to_owned(), rest)
        } else {
            Self::DropAction(pattern.to_owned())
        }
    }
}

/// The statement with all edits made.
pub(super) fn repaired(at: usize, edits: &[Edit], subject: &Subject<'_>) -> Option<Fix> {
    if edits.is_empty() {
        return None;
    }
    if let Some(Edit::Advice(text)) = edits.iter().find(|edit| matches!(edit, Edit::Advice(_))) {
        return Some(Fix::Advice { text: (*text).to_owned() });
    }
    let mut statement = subject.policy.statements[at].clone();
    edits.iter().for_each(|edit| apply(edit, &mut statement));
    dedup(&mut statement.actions.patterns);
    let confine = edits.contains(&Edit::Confine) || has_empty_prefix(&statement);
    let split = confine || edits.contains(&Edit::Split);
    let mut parts = if split { parts(&statement, subject, confine) } else { vec![statement] };
    parts.retain(|part| !part.actions.patterns.is_empty());
    if parts.is_empty() {
        return Some(Fix::Remove { why: "Holdfast needs nothing that it allows".to_owned() });
    }
    if let Some(other) = same_listing_elsewhere(at, &parts, subject) {
        return Some(Fix::Remove { why: format!("statement {} allows the listing of one's own prefix", other + 1) });
    }
    Some(Fix::Replace { statements: parts })
}

fn apply(edit: &Edit, statement: &mut Statement) {
    match edit {
        Edit::DropAction(gone) => statement.actions.patterns.retain(|pattern| pattern.value != *gone),
        Edit::ReplaceAction(gone, come) => {
            let patterns = &mut statement.actions.patterns;
            if let Some(at) = patterns.iter().position(|pattern| pattern.value == *gone) {
                patterns.splice(at..=at, come.iter().map(|name| Placed::from(name.as_str())));
            }
        }
        Edit::ReplaceResource(gone, come) => {
            if let Some(resources) = &mut statement.resources {
                replace(&mut resources.patterns, gone, come);
                dedup(&mut resources.patterns);
            }
        }
        Edit::DropPrefix(gone) => {
            prefixes(statement).for_each(|condition| condition.values.retain(|value| value.value != *gone));
        }
        Edit::ReplacePrefix(gone, come) => prefixes(statement).for_each(|condition| {
            replace(&mut condition.values, gone, come);
            dedup(&mut condition.values);
            // A pattern needs the operator that knows wildcards.
            condition.operator.value.test = Test::StringLike;
        }),
        Edit::Confine | Edit::Split | Edit::Advice(_) => {}
    }
}

fn prefixes(statement: &mut Statement) -> impl Iterator<Item = &mut Condition> {
    let on_prefix = |condition: &&mut Condition| {
        condition.key.value.eq_ignore_ascii_case(PREFIX) && condition.operator.value.test != Test::Null
    };
    statement.conditions.iter_mut().filter(on_prefix)
}

fn has_empty_prefix(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| condition.values.is_empty())
}

fn replace(values: &mut [Placed<String>], gone: &str, come: &str) {
    values.iter_mut().filter(|value| value.value == gone).for_each(|value| value.value = come.to_owned());
}

fn dedup(values: &mut Vec<Placed<String>>) {
    let mut seen = Vec::new();
    values.retain(|value| {
        let new = !seen.contains(&value.value);
        seen.push(value.value.clone());
        new
    });
}

/// One statement for each kind of resource and, among bucket actions, one for listings.
fn parts(statement: &Statement, subject: &Subject<'_>, confine: bool) -> Vec<Statement> {
    let mut groups: Vec<(Group, Vec<Placed<String>>)> = Vec::new();
    for pattern in &statement.actions.patterns {
        let group = group(&pattern.value);
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, patterns)) => patterns.push(pattern.clone()),
            None => groups.push((group, vec![pattern.clone()])),
        }
    }
    let mut parts: Vec<Statement> = Vec::new();
    for (group, patterns) in groups {
        let mut part = statement.clone();
        part.actions = Patterns { patterns, ..statement.actions.clone() };
        place(&mut part, group, subject);
        ask(&mut part, group, subject, confine);
        if let (Some(sid), false) = (&mut part.sid, parts.is_empty()) {
            sid.value.push_str(group.name());
        }
        parts.push(part);
    }
    parts
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Listing,
    Bucket,
    Objects,
    Other,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Self::Listing => "List",
            Self::Bucket => "Bucket",
            Self::Objects => "Objects",
            Self::Other => "Other",
        }
    }
}

fn group(pattern: &str) -> Group {
    if ["s3:ListBucket", "s3:ListBucketVersions"].iter().any(|name| pattern.eq_ignore_ascii_case(name)) {
        return Group::Listing;
    }
    let mut kinds = matching(pattern).map(|action| action.resource);
    match kinds.next() {
        Some(ResourceKind::Bucket) if kinds.all(|kind| kind == ResourceKind::Bucket) => Group::Bucket,
        Some(ResourceKind::Object) if kinds.all(|kind| kind == ResourceKind::Object) => Group::Objects,
        _ => Group::Other,
    }
}

/// The ARNs that the actions can have.
fn place(part: &mut Statement, group: Group, subject: &Subject<'_>) {
    let Some(resources) = &mut part.resources else { return };
    let arns = || resources.patterns.iter().filter_map(|pattern| S3Arn::parse(&pattern.value));
    let own = if subject.per_client { subject.own_pattern() } else { "*".to_owned() };
    let in_bucket = |arn: S3Arn<'_>| match (arn.bucket, subject.bucket) {
        ("*", Some(bucket)) => format!("{}{bucket}", arn.stem),
        _ => arn.of_bucket(),
    };
    let placed: Vec<String> = match group {
        Group::Other => return,
        Group::Listing | Group::Bucket => arns().map(in_bucket).collect(),
        Group::Objects => {
            let objects: Vec<_> = arns().filter(|arn| arn.key.is_some()).map(|arn| arn.text()).collect();
            match objects.is_empty() {
                true => arns().map(|arn| format!("{}/{own}", in_bucket(arn))).collect(),
                false => objects,
            }
        }
    };
    resources.patterns = placed.into_iter().map(Placed::from).collect();
    dedup(&mut resources.patterns);
}

/// The conditions that the actions can have; for a client's listing, that of its own prefix.
fn ask(part: &mut Statement, group: Group, subject: &Subject<'_>, confine: bool) {
    let actions: Vec<_> = part.actions.patterns.iter().filter_map(|pattern| action::find(&pattern.value)).collect();
    part.conditions.retain(|condition| actions.iter().all(|action| action.has_key(&condition.key.value)));
    let open = is_allow(part) && subject.per_client && !listing::is_confined(part);
    if group == Group::Listing && (confine || open) {
        part.conditions.retain(|condition| {
            !["s3:prefix", "s3:delimiter"].iter().any(|key| condition.key.value.eq_ignore_ascii_case(key))
        });
        part.conditions.push(Condition {
            operator: Operator::plain(Test::StringLike).into(),
            key: PREFIX.into(),
            values: vec![subject.own_pattern().into()],
        });
    }
}

/// Another statement that already says what is left of this one.
fn same_listing_elsewhere(at: usize, parts: &[Statement], subject: &Subject<'_>) -> Option<usize> {
    let [only] = parts else { return None };
    let lists_alone = |statement: &Statement| {
        let mut patterns = statement.actions.patterns.iter().filter(|pattern| pattern.value != LIST_UPLOADS);
        patterns.next().is_some_and(|pattern| pattern.value == "s3:ListBucket") && patterns.next().is_none()
    };
    let own = subject.own_pattern();
    let confined = |statement: &Statement| {
        let [condition] = &statement.conditions[..] else { return false };
        condition.key.value.eq_ignore_ascii_case(PREFIX)
            && condition.operator.value == Operator::plain(Test::StringLike)
            && matches!(&condition.values[..], [value] if value.value == own)
    };
    let same = |statement: &Statement| is_allow(statement) && lists_alone(statement) && confined(statement);
    if !same(only) {
        return None;
    }
    let names = |statement: &Statement| -> Vec<String> {
        statement.resources.iter().flat_map(|resources| &resources.patterns).map(|arn| arn.value.clone()).collect()
    };
    let others = subject.policy.statements.iter().enumerate();
    others
        .filter(|(other, statement)| *other != at && same(statement) && names(statement) == names(only))
        .map(|(other, _)| other)
        .next()
}
