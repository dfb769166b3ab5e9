//! Whose policy it is: which bucket is meant, which prefix, and whether it is for clients.

use std::collections::BTreeMap;

use super::{
    Options,
    arn::{S3Arn, has_variable, head, is_wild},
};
use crate::{
    iam::{
        document::{Effect, Policy, Statement},
        generate::ClientPrefix,
    },
    name::Bucket,
};

/// What the rules know beside the statement.
pub(super) struct Subject<'a> {
    pub policy: &'a Policy,
    /// The bucket that is meant, as far as that can be known.
    pub bucket: Option<&'a str>,
    /// Whether that was said, not guessed.
    pub bucket_given: bool,
    /// Whether it belongs to clients, who are to be kept apart.
    pub per_client: bool,
    given: Option<&'a ClientPrefix>,
    /// The prefixes below which the document grants objects, each ending in `/`.
    granted: Vec<&'a str>,
    /// Those of them below which it grants everything.
    whole: Vec<&'a str>,
}

impl<'a> Subject<'a> {
    pub(super) fn of(policy: &'a Policy, bucket: Option<&'a str>, options: &'a Options) -> Self {
        let keys: Vec<_> = allows(policy).flat_map(arns).filter_map(|arn| arn.key).map(head).collect();
        let granted: Vec<_> = keys.iter().filter_map(|head| Some(&head[..=head.rfind('/')?])).collect();
        let whole = keys.iter().copied().filter(|head| head.ends_with('/')).collect();
        let texts = policy.statements.iter().flat_map(texts);
        let given = options.prefix.as_ref();
        let for_clients = !granted.is_empty() || (given.is_some() && !keys.is_empty());
        let per_client = !policy.is_resource_policy() && (for_clients || texts.into_iter().any(has_variable));
        Self { policy, bucket, bucket_given: options.bucket.is_some(), per_client, given, granted, whole }
    }

    /// The prefix of a client, to write into a fix: ends in `/`.
    pub(super) fn own(&self) -> Option<&str> {
        if let Some(given) = self.given
            && (self.granted.is_empty() || given.is_template())
        {
            // A client's own policy has its name where the template has the variable.
            let instance = self.granted.iter().find(|granted| is_instance(given, granted));
            return Some(instance.copied().unwrap_or(given.as_str()));
        }
        let with_variable = self.granted.iter().find(|prefix| has_variable(prefix));
        with_variable.or(self.granted.first()).copied()
    }

    /// Whether everything that the pattern matches is below a client's own prefix.
    pub(super) fn is_inside(&self, pattern: &str) -> bool {
        let head = head(pattern);
        match self.given {
            Some(given) => is_instance(given, head),
            None if self.granted.is_empty() => below_variable(head),
            None => below_variable(head) || self.granted.iter().any(|prefix| head.starts_with(prefix)),
        }
    }

    /// Whether the prefix was said, not guessed.
    pub(super) fn prefix_given(&self) -> Option<&ClientPrefix> {
        self.given
    }

    /// Whether a pattern stops short of the slash that ends a client's name.
    pub(super) fn lacks_slash(&self, pattern: &str) -> bool {
        let head = head(pattern);
        if head.is_empty() || head.ends_with('/') || !is_wild(pattern) {
            return false;
        }
        let ended = format!("{head}/");
        match self.given {
            Some(given) => !is_instance(given, head) && is_instance(given, &ended),
            None => {
                let name = (below_variable(&ended) && !below_variable(head)) || self.granted.contains(&ended.as_str());
                // With nothing to compare with, a level that ends in `*` is taken for a name.
                let alone = !self.whole.iter().any(|prefix| head.starts_with(prefix));
                name || (alone && !below_variable(head) && pattern.len() == head.len() + 1)
            }
        }
    }

    /// Whether a pattern takes in more than one client's prefix.
    pub(super) fn takes_in_others(&self, pattern: &str) -> bool {
        let head = head(pattern);
        let wider = |prefix: &str| prefix.len() > head.len() && prefix.starts_with(head);
        match self.given {
            _ if !is_wild(pattern) => false,
            Some(given) => wider(given.as_str()),
            // Without a variable, a longer prefix may be a part of one's own, unless it is everything.
            None if head.is_empty() => true,
            None => !has_variable(head) && self.granted.iter().any(|prefix| has_variable(prefix) && wider(prefix)),
        }
    }

    /// Whether any statement allows something with the objects below one's own prefix.
    pub(super) fn grants_own(&self) -> bool {
        self.granted.iter().any(|prefix| self.is_inside(prefix))
    }

    /// Whom it is given to, at the beginning of a sentence or after one.
    pub(super) fn who(&self) -> &'static str {
        if self.per_client { "every client" } else { "whoever has this policy" }
    }

    /// The pattern of a client's own objects.
    pub(super) fn own_pattern(&self) -> String {
        format!("{}*", self.own().unwrap_or("home/${aws:username}/"))
    }
}

/// Whether the text is below the prefix, or below it with a client's name for the variable.
fn is_instance(prefix: &ClientPrefix, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix.root()) else { return false };
    if !prefix.is_template() {
        return true;
    }
    let tail = prefix.as_str()[prefix.root().len()..].split_once('/').map_or("", |(_, tail)| tail);
    match rest.split_once('/') {
        Some((name, below)) => !name.is_empty() && below.starts_with(tail),
        None => false,
    }
}

/// Whether a level of it is a variable, alone, with its slash.
fn below_variable(head: &str) -> bool {
    let Some((levels, _)) = head.rsplit_once('/') else { return false };
    levels.split('/').any(|level| level.starts_with("${") && level.ends_with('}') && has_variable(level))
}

/// The bucket that was said, or that most ARNs name.
pub(super) fn bucket_meant<'a>(policies: impl Iterator<Item = &'a Policy>, options: &Options) -> Option<String> {
    if let Some(bucket) = &options.bucket {
        return Some(bucket.to_string());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for arn in policies.flat_map(|policy| policy.statements.iter()).flat_map(arns) {
        if head(arn.bucket) == arn.bucket {
            *counts.entry(arn.bucket).or_default() += 1;
        }
    }
    let most = counts.values().copied().max()?;
    let mut winners = counts.iter().filter(|(_, count)| **count == most);
    match (winners.next(), winners.next()) {
        (Some((name, _)), None) => Some((*name).to_owned()),
        _ => None,
    }
}

/// The ARN of the bucket, in the partition of the documents.
pub(super) fn bucket_arn<'a>(mut policies: impl Iterator<Item = &'a Policy>, bucket: &Bucket) -> String {
    let stem = policies.find_map(|policy| policy.statements.iter().flat_map(arns).map(|arn| arn.stem).next());
    format!("{}{bucket}", stem.unwrap_or("arn:aws:s3:::"))
}

/// The ARNs of a statement that are S3's.
pub(super) fn arns(statement: &Statement) -> impl Iterator<Item = S3Arn<'_>> {
    resources(statement).filter_map(S3Arn::parse)
}

/// The resources of a statement, unless it says which are not meant.
pub(super) fn resources(statement: &Statement) -> impl Iterator<Item = &str> {
    let named = statement.resources.iter().filter(|resources| !resources.negated);
    named.flat_map(|resources| resources.patterns.iter().map(|pattern| pattern.value.as_str()))
}

pub(super) fn is_allow(statement: &Statement) -> bool {
    statement.effect.value == Effect::Allow
}

fn allows(policy: &Policy) -> impl Iterator<Item = &Statement> {
    policy.statements.iter().filter(|statement| is_allow(statement))
}

/// Everything in which a variable can stand.
pub(super) fn texts(statement: &Statement) -> Vec<&str> {
    let resources = statement.resources.iter().flat_map(|resources| &resources.patterns);
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    resources.chain(values).map(|placed| placed.value.as_str()).collect()
}
