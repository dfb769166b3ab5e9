//! Names that a policy shows without anybody having asked for it.

use super::{
    Draft, Rule, Severity,
    arn::is_wild,
    condition::{Gate, gate},
    grant::{LIST_UPLOADS, grants},
    repair::Edit,
    subject::{Subject, arns, is_allow},
};
use crate::iam::{action::find, document::Statement};

/// `ListBucketMultipartUploads` knows no prefix: whoever has it sees the keys of all.
pub(super) fn uploads(statement: &Statement, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    let Some(pattern) = grants(statement, LIST_UPLOADS) else { return };
    if matches!(find(LIST_UPLOADS).map(|action| gate(statement, action)), Some(Gate::Shut(_))) {
        return;
    }
    let everywhere = arns(statement).find(|arn| arn.takes_buckets() && is_wild(arn.bucket));
    let who = subject.who();
    let (severity, what) = match everywhere {
        Some(arn) if arn.bucket == "*" => (
            Severity::Error,
            format!(
                "s3:ListBucketMultipartUploads on every bucket of the account: {who} sees the key names (user \
                     names, domains, dates) of whatever is being stored, anywhere in it"
            ),
        ),
        _ => (
            Severity::Warning,
            format!(
                "s3:ListBucketMultipartUploads cannot be confined to a prefix: {who} sees the key names (user \
                     names, domains, dates) of all unfinished uploads in the bucket. Holdfast never needs it; some \
                     other plugins insist on it"
            ),
        ),
    };
    let edits = vec![Edit::without(LIST_UPLOADS, &pattern.value, statement)];
    found.push(Draft { rule: Rule::UploadsLeak, severity, position: pattern.position, what, edits });
}

/// `ListAllMyBuckets`, and `GetBucketLocation` on every bucket.
pub(super) fn bucket_names(statement: &Statement, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    let everywhere = arns(statement).any(|arn| arn.bucket == "*" && arn.takes_buckets());
    if !is_allow(statement) || statement.actions.negated || !everywhere {
        return;
    }
    let granted: Vec<_> = ["s3:ListAllMyBuckets", "s3:GetBucketLocation"]
        .into_iter()
        .filter_map(|name| Some((name, grants(statement, name)?)))
        .collect();
    let Some((_, pattern)) = granted.first() else { return };
    let who = subject.who();
    let what = match granted[..] {
        [("s3:ListAllMyBuckets", _), _] => format!("{who} sees the names and regions of all buckets of the account"),
        [("s3:ListAllMyBuckets", _)] => format!("{who} sees the names of all buckets of the account"),
        _ => format!("{who} can ask for any bucket's region, and so try names"),
    };
    let what = format!("{what}. Holdfast is told its bucket, and finds the region by itself");
    let edits = granted.iter().map(|(name, pattern)| Edit::without(name, &pattern.value, statement)).collect();
    let (rule, position) = (Rule::BucketNames, pattern.position);
    found.push(Draft { rule, severity: Severity::Warning, position, what, edits });
}
