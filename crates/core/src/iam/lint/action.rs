//! Actions: those that do not exist, and those that a backup key should not have.

use super::{
    Draft, Rule, Severity,
    arn::{distance, is_wild},
    grant::{LIST_UPLOADS, effective, is_denied_by, matching, needed_of},
    repair::Edit,
    subject::{Subject, is_allow},
};
use crate::iam::{
    action::{self, ResourceKind, misnomer},
    document::{Placed, Statement},
};

/// What whoever steals the key would do with it.
const DANGEROUS: [(&str, &str); 22] = [
    ("s3:DeleteObjectVersion", "destroys backups for good, versioning or not"),
    ("s3:BypassGovernanceRetention", "even those that Object Lock protects"),
    ("s3:PutObjectRetention", "locks and unlocks them"),
    ("s3:PutObjectLegalHold", "locks and unlocks them"),
    ("s3:PutObjectAcl", "makes them public"),
    ("s3:PutObjectVersionAcl", "makes old versions public"),
    ("s3:ReplicateDelete", "deletes in the name of replication"),
    ("s3:UpdateObjectEncryption", "changes the key that they are encrypted with"),
    ("s3:PutBucketPolicy", "gives the bucket away"),
    ("s3:DeleteBucketPolicy", "takes the bucket's rules away"),
    ("s3:PutBucketAcl", "makes the bucket public"),
    ("s3:PutBucketPublicAccessBlock", "lifts the block on public access"),
    ("s3:PutBucketOwnershipControls", "turns ACLs on"),
    ("s3:PutBucketVersioning", "stops keeping what is deleted"),
    ("s3:PutBucketObjectLockConfiguration", "weakens Object Lock"),
    ("s3:PutLifecycleConfiguration", "lets everything expire tomorrow"),
    ("s3:PutEncryptionConfiguration", "changes the key of what comes"),
    ("s3:PutReplicationConfiguration", "copies everything elsewhere"),
    ("s3:DeleteBucket", "deletes the bucket"),
    ("s3:PutInventoryConfiguration", "has all names written elsewhere"),
    ("s3:PutBucketNotification", "reports every backup elsewhere"),
    ("s3:PutBucketLogging", "turns the access log off"),
];

/// Actions that do not exist.
pub(super) fn unknown(statement: &Statement, found: &mut Vec<Draft>) {
    for pattern in &statement.actions.patterns {
        let text = pattern.value.as_str();
        if !text.to_ascii_lowercase().starts_with("s3:") || matching(text).next().is_some() {
            continue;
        }
        let nothing = if is_allow(statement) { "this allows nothing" } else { "this denies nothing" };
        let mut what = format!("there is no action `{text}`: {nothing}");
        let known = misnomer(text);
        let near = nearest(text);
        if let Some(known) = known {
            what.push_str(&format!("; {} is meant: {}", known.meant.join(" and "), known.note));
        } else if let Some(near) = near {
            what.push_str(&format!("; {near} is the nearest that there is"));
        }
        let meant: Vec<_> = known.map_or(near.into_iter().collect(), |known| known.meant.to_vec());
        // What HEAD on a bucket means cannot be confined, and nothing needs it; nor those listings.
        let unwanted = text.eq_ignore_ascii_case("s3:HeadBucket")
            || meant.iter().any(|name| [LIST_UPLOADS, "s3:ListAllMyBuckets"].contains(name));
        let edits = match statement.actions.negated {
            true => Vec::new(),
            false if meant.is_empty() || (is_allow(statement) && unwanted) => vec![Edit::DropAction(text.to_owned())],
            // The right action may need another ARN, or a condition, than the wrong one stood on.
            false => {
                let meant = meant.into_iter().map(str::to_owned).collect();
                vec![Edit::ReplaceAction(text.to_owned(), meant), Edit::Split]
            }
        };
        found.push(Draft {
            rule: Rule::UnknownAction,
            severity: Severity::Error,
            position: pattern.position,
            what,
            edits,
        });
    }
}

fn nearest(text: &str) -> Option<&'static str> {
    if is_wild(text) {
        return None;
    }
    let lower = text.to_lowercase();
    let near = action::all().map(|action| (distance(&lower, &action.name.to_lowercase()), action.name));
    near.min().filter(|(distance, _)| *distance <= 3).map(|(_, name)| name)
}

/// Actions that destroy, unlock or publish.
pub(super) fn dangerous(statement: &Statement, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    if !is_allow(statement) || statement.actions.negated {
        return;
    }
    for pattern in &statement.actions.patterns {
        let wild = is_wild(&pattern.value);
        if !wild && !subject.per_client {
            continue;
        }
        let effective: Vec<_> = effective(statement, &pattern.value).map(|action| action.name).collect();
        let dangers: Vec<_> = DANGEROUS
            .iter()
            .filter(|(name, _)| effective.iter().any(|effective| effective == name))
            .filter(|(name, _)| !subject.policy.statements.iter().any(|other| is_denied_by(other, name, statement)))
            .collect();
        if !dangers.is_empty() {
            found.push(danger(pattern, effective.len(), &dangers, statement, subject));
        }
    }
}

fn danger(
    pattern: &Placed<String>,
    count: usize,
    dangers: &[&(&str, &str)],
    statement: &Statement,
    subject: &Subject<'_>,
) -> Draft {
    let text = &pattern.value;
    let list: Vec<_> = dangers.iter().map(|(name, what)| format!("{name} ({what})")).collect();
    let what = if is_wild(text) {
        format!("`{text}` is {count} actions here; whoever steals the key has among them {}", list.join(", "))
    } else {
        format!("whoever steals the key has {}", list.join(", "))
    };
    let whole_bucket = dangers
        .iter()
        .any(|(name, _)| action::find(name).is_some_and(|action| action.resource == ResourceKind::Bucket));
    let severity = if whole_bucket && subject.per_client { Severity::Error } else { Severity::Warning };
    let edit = match is_wild(text) {
        true => Edit::ReplaceAction(text.clone(), needed_of(statement, text)),
        false => Edit::DropAction(text.clone()),
    };
    Draft { rule: Rule::DangerousAction, severity, position: pattern.position, what, edits: vec![edit] }
}
