//! What a statement's actions come to on its resources, conditions left aside.

use super::{
    arn::{S3Arn, is_wild},
    subject::{is_allow, resources},
};
use crate::iam::{
    action::{self, Action, ResourceKind},
    document::{Placed, Statement},
    glob::Glob,
};

/// The listing of unfinished uploads.
pub(super) const LIST_UPLOADS: &str = "s3:ListBucketMultipartUploads";

/// What Holdfast needs on a bucket and on objects, to put in the place of a wildcard.
const NEEDED: [&str; 6] = [
    "s3:ListBucket",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:GetObject",
    "s3:DeleteObject",
];

/// The actions that a pattern takes in.
pub(super) fn matching(pattern: &str) -> impl Iterator<Item = &'static Action> + use<> {
    // Most patterns are names, and lint asks often.
    let glob = is_wild(pattern).then(|| Glob::new(&pattern.to_lowercase()));
    let plain = pattern.to_owned();
    action::all().filter(move |action| match &glob {
        Some(glob) => glob.matches(&action.name.to_lowercase()),
        None => action.name.eq_ignore_ascii_case(&plain),
    })
}

/// The actions that a pattern takes in and that can be done to the statement's resources.
pub(super) fn effective<'a>(
    statement: &'a Statement,
    pattern: &str,
) -> impl Iterator<Item = &'static Action> + use<'a> {
    matching(pattern).filter(|action| is_effective(statement, action))
}

/// Which of the statement's patterns grants the action.
pub(super) fn grants<'a>(statement: &'a Statement, name: &str) -> Option<&'a Placed<String>> {
    if !is_allow(statement) || statement.actions.negated {
        return None;
    }
    names(statement, name).filter(|_| action::find(name).is_some_and(|action| is_effective(statement, action)))
}

/// Whether the action is denied by it, wherever the other statement allows it, come what may.
pub(super) fn is_denied_by(denying: &Statement, name: &str, allowing: &Statement) -> bool {
    let plain = !is_allow(denying) && !denying.actions.negated && denying.conditions.is_empty();
    let globs: Vec<_> = resources(denying).map(Glob::new).collect();
    plain
        && names(denying, name).is_some()
        && resources(allowing).all(|resource| globs.iter().any(|glob| glob.matches(resource)))
}

/// What Holdfast needs of what a wildcard takes in.
pub(super) fn needed_of(statement: &Statement, pattern: &str) -> Vec<String> {
    let mut needed: Vec<_> = effective(statement, pattern).map(|action| action.name).collect();
    needed.retain(|name| NEEDED.contains(name));
    needed.sort_by_key(|name| NEEDED.iter().position(|known| known == name));
    needed.into_iter().map(str::to_owned).collect()
}

/// Whether the action can be done to one of the statement's resources.
pub(super) fn is_effective(statement: &Statement, action: &Action) -> bool {
    match &statement.resources {
        None => false,
        Some(resources) if resources.negated => true,
        Some(resources) => resources.patterns.iter().any(|resource| takes(&resource.value, action)),
    }
}

/// Whether the action can be done to the resource.
pub(super) fn takes(resource: &str, action: &Action) -> bool {
    let Some(arn) = S3Arn::parse(resource) else { return action.resource == ResourceKind::Other };
    match action.resource {
        ResourceKind::Bucket => arn.takes_buckets(),
        ResourceKind::Object => arn.takes_objects(),
        ResourceKind::Account => arn.bucket == "*" && arn.key.is_none(),
        ResourceKind::Other => resource == "*",
    }
}

fn names<'a>(statement: &'a Statement, name: &str) -> Option<&'a Placed<String>> {
    let name = name.to_lowercase();
    statement.actions.patterns.iter().find(|pattern| Glob::new(&pattern.value.to_lowercase()).matches(&name))
}
