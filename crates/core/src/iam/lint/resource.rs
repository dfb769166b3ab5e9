//! ARNs: of the wrong kind, of the wrong bucket, of more than one's own prefix.

use super::{
    Draft, Rule, Severity,
    arn::{S3Arn, distance, has_variable, head, is_wild},
    grant::{effective, is_effective, matching, takes},
    repair::Edit,
    subject::{Subject, is_allow, resources},
};
use crate::iam::{
    action::{Action, ResourceKind},
    document::{Placed, Statement},
};

/// Actions that can be done to none of the statement's resources.
pub(super) fn kinds(statement: &Statement, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    let Some(named) = statement.resources.as_ref().filter(|resources| !resources.negated) else { return };
    for resource in named.patterns.iter().filter(|resource| is_bare_name(&resource.value)) {
        let arn = format!("arn:aws:s3:::{}", resource.value);
        let what = format!("`{}` is no ARN, so this matches nothing; it is written `{arn}`", resource.value);
        let edits = vec![Edit::ReplaceResource(resource.value.clone(), arn)];
        found.push(Draft { rule: Rule::ArnKind, severity: Severity::Error, position: resource.position, what, edits });
    }
    if statement.actions.negated || resources(statement).any(|resource| S3Arn::parse(resource).is_none()) {
        return;
    }
    for pattern in &statement.actions.patterns {
        let mut actions = matching(&pattern.value).filter(|action| action.name.starts_with("s3:")).peekable();
        let Some(first) = actions.peek().copied() else { continue };
        if actions.any(|action| is_effective(statement, action)) {
            continue;
        }
        let (what, edit) = misplaced(&pattern.value, first, statement, subject);
        let edits = vec![edit];
        found.push(Draft { rule: Rule::ArnKind, severity: Severity::Error, position: pattern.position, what, edits });
    }
}

fn is_bare_name(resource: &str) -> bool {
    resource != "*" && !resource.starts_with("arn:") && !resource.starts_with("${")
}

fn misplaced(pattern: &str, action: &Action, statement: &Statement, subject: &Subject<'_>) -> (String, Edit) {
    let named = resources(statement).next().unwrap_or_default();
    let arn = S3Arn::parse(named).map_or(String::new(), S3Arn::of_bucket);
    let nothing = if is_allow(statement) { "this allows nothing" } else { "this denies nothing" };
    match action.resource {
        ResourceKind::Bucket => (
            format!("{pattern} is done to a bucket, and `{named}` is objects: {nothing}; it belongs on `{arn}`"),
            Edit::Split,
        ),
        ResourceKind::Object => {
            let own = if subject.per_client { subject.own_pattern() } else { "*".to_owned() };
            let what = format!(
                "{pattern} is done to objects, and `{named}` is the bucket: {nothing}; it belongs on `{arn}/{own}`"
            );
            (what, Edit::Split)
        }
        ResourceKind::Account | ResourceKind::Other => (
            format!("{pattern} takes no bucket: {nothing}, and Holdfast does not need it"),
            Edit::DropAction(pattern.to_owned()),
        ),
    }
}

/// Buckets whose names are almost that of the one that is meant.
pub(super) fn buckets(statement: &Statement, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    let Some(meant) = subject.bucket else { return };
    let named = statement.resources.iter().flat_map(|resources| &resources.patterns);
    for resource in named {
        let Some(arn) = S3Arn::parse(&resource.value) else { continue };
        if arn.bucket == meant || is_wild(arn.bucket) || has_variable(arn.bucket) {
            continue;
        }
        let does = if is_allow(statement) { "allows" } else { "denies" };
        let position = resource.position;
        if is_near(arn.bucket, meant) {
            let what = format!(
                "`{}` is almost `{meant}`: this {does} nothing there, but on a bucket of a name that anyone may own",
                arn.bucket
            );
            let right = resource.value.replacen(arn.bucket, meant, 1);
            let edits = vec![Edit::ReplaceResource(resource.value.clone(), right)];
            found.push(Draft { rule: Rule::NearBucket, severity: Severity::Error, position, what, edits });
        } else if subject.bucket_given {
            let what = format!("this is about the bucket `{}`, not `{meant}`", arn.bucket);
            found.push(Draft { rule: Rule::NearBucket, severity: Severity::Note, position, what, edits: Vec::new() });
        }
    }
}

/// Near enough for a slip, unless only numbers differ: those are told apart on purpose.
fn is_near(name: &str, meant: &str) -> bool {
    let letters = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    letters(name) != letters(meant) && distance(name, meant) <= (meant.chars().count() / 6).clamp(1, 3)
}

/// Objects outside of one's own prefix.
pub(super) fn prefixes(statement: &Statement, subject: &Subject<'_>, found: &mut Vec<Draft>) {
    if !subject.per_client || !is_allow(statement) || statement.actions.negated {
        return;
    }
    let Some(named) = statement.resources.as_ref().filter(|resources| !resources.negated) else { return };
    for resource in &named.patterns {
        let Some(arn) = S3Arn::parse(&resource.value) else { continue };
        let on_objects = |pattern: &Placed<String>| {
            effective(statement, &pattern.value)
                .any(|action| action.resource == ResourceKind::Object && takes(&resource.value, action))
        };
        let Some(key) = arn.key.or(is_wild(arn.bucket).then_some("*")) else { continue };
        if statement.actions.patterns.iter().any(on_objects) {
            found.extend(judged(resource, key, arn, subject));
        }
    }
}

fn judged(resource: &Placed<String>, key: &str, arn: S3Arn<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let head = head(key);
    let bucket = match (is_wild(arn.bucket), subject.bucket) {
        (true, Some(bucket)) => format!("{}{bucket}", arn.stem),
        _ => arn.of_bucket(),
    };
    let right = format!("{bucket}/{}", subject.own_pattern());
    let mut edits = vec![Edit::ReplaceResource(resource.value.clone(), right)];
    let mut severity = Severity::Error;
    let (rule, what) = if subject.lacks_slash(key) {
        let example = head.replace("${aws:username}", "client1");
        edits =
            vec![Edit::ReplaceResource(resource.value.clone(), resource.value.replacen(key, &format!("{head}/*"), 1))];
        (Rule::NoSlash, format!("`{key}` lacks the slash: what begins with `{example}` are `{example}0`'s objects too"))
    } else if subject.takes_in_others(key) {
        (Rule::WideResource, format!("`{key}` takes in the objects of all clients"))
    } else if subject.is_inside(key) {
        return None;
    } else {
        let given = subject.prefix_given()?;
        // Beside one's own prefix, another may be meant; without it, no backup is possible.
        if subject.grants_own() {
            severity = Severity::Warning;
            edits = Vec::new();
        }
        (Rule::OtherPrefix, format!("`{key}` is not below `{given}`, where the backups are to be"))
    };
    Some(Draft { rule, severity, position: resource.position, what, edits })
}
