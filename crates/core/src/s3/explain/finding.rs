//! From facts to what a person can do.

use std::collections::BTreeMap;

use super::found::Found;
use crate::{
    error::{Evidence, Kind},
    explanation::{Advice, Finding, HoldfastNeeds, Need, Source, Statement},
    job::Explain,
    s3::{
        call::{Permission, Resource},
        failure::{
            self, Asked, Verdict,
            catalogue::{self, Entry, Slots},
            clean,
            denial::{self, Denial},
            verdict,
        },
        permission::{self, Grant, Needs},
    },
};

/// The longest ARN that is shown, in characters: a key has 1,024 bytes.
const MAX_ARN_LEN: usize = 1_200;

/// Explains one error.
pub(super) fn finding(found: &Found, work: &Explain) -> Finding {
    let evidence = found.evidence();
    let denial = evidence.message.as_deref().and_then(denial::parse);
    let call = found.operation.as_deref().and_then(permission::of_call);
    // What the server names outweighs what the call is known to need.
    let acted = denial.as_ref().and_then(|denial| permission::of_action(&denial.action));
    let needs = call.filter(|call| denial.as_ref().is_none_or(|denial| is_of(call, &denial.action))).or(acted);
    let place = Place::of(found, work, denial.as_ref());
    let asked = Asked {
        permission: call.or(acted).map(|needs| needs.permission(found.versioned)),
        bucket: place.bucket.as_deref(),
        key: found.prefix.as_deref().unwrap_or(&place.key),
        prefix: place.prefix.as_deref(),
        partition: place.partition,
    };
    let failure = failure::judge(evidence);
    let Verdict { kind, entry, mut slots } = silence(found).unwrap_or_else(|| verdict(&failure, &asked));
    if let (Some(denial), Kind::AccessDenied { .. }) = (&denial, &kind) {
        slots.pattern = pattern_of(denial, &asked).or(slots.pattern);
    }
    slots.condition = slots.condition.and_then(|pattern| clean(&pattern, MAX_ARN_LEN));
    slots.pattern = slots.pattern.and_then(|pattern| clean(&pattern, MAX_ARN_LEN));
    let is_denied = matches!(kind, Kind::AccessDenied { .. }) && entry.id != catalogue::ACCOUNT.id;
    let action = slots.action.clone();
    let need = action.filter(|_| is_denied).map(|action| Need {
        call: call.map(|_| failure.evidence.operation.clone()),
        action,
        resource: slots.pattern.clone().unwrap_or_else(|| "*".to_owned()),
    });
    Finding {
        entry: entry.id.to_owned(),
        code: kind.code().to_owned(),
        source: found.source,
        line: found.line,
        times: 1,
        what: what(found, &failure.evidence, &place, denial.as_ref()),
        means: entry.means(&slots),
        cause: entry.cause(&slots),
        fix: entry.fix(&slots),
        notes: notes(found, entry, needs, denial.as_ref(), is_denied),
        statement: need.as_ref().and_then(|need| advice(need, entry, slots.condition.as_ref())),
        holdfast: need.as_ref().and(needs).map(|needs| holdfast(needs, found)),
        needs: need,
        error: kind,
        evidence: failure.evidence,
    }
}

/// Where no answer came there are no words but ours: our hint leads back to its entry.
fn silence(found: &Found) -> Option<Verdict> {
    let slots = Slots::default();
    let hint = found.hint.as_deref().filter(|_| found.status == 0 && found.code.is_none())?;
    let mut entries = catalogue::CATALOGUE.iter().flat_map(|chapter| chapter.entries).copied();
    let entry = entries.find(|entry| entry.hint(&slots) == hint).unwrap_or(&catalogue::NETWORK);
    Some(Verdict { kind: Kind::Unreachable, entry, slots })
}

/// Where it happened, as far as the text and the person say.
struct Place {
    bucket: Option<String>,
    key: String,
    prefix: Option<String>,
    partition: &'static str,
}

impl Place {
    fn of(found: &Found, work: &Explain, denial: Option<&Denial>) -> Self {
        let arn = denial.and_then(|denial| denial.resource.as_deref());
        let named = arn.and_then(|arn| arn.split(":s3:::").nth(1));
        let (bucket, key) = named.map_or((None, None), |path| match path.split_once('/') {
            Some((bucket, key)) => (Some(bucket), Some(key)),
            None => (Some(path), None),
        });
        let from_work = || work.bucket.as_ref().map(ToString::to_string);
        let arns = [arn, found.who.as_deref()];
        let of_arns = arns.into_iter().flatten().find_map(partition_of);
        let of_region = found.region.as_deref().map(permission::partition);
        Self {
            bucket: bucket
                .map(str::to_owned)
                .or_else(|| found.bucket.clone())
                .or_else(from_work)
                .and_then(|name| clean(&name, 255)),
            key: key.or(found.key.as_deref()).and_then(|key| clean(key, 1_024)).unwrap_or_default(),
            prefix: work.prefix.as_ref().map(ToString::to_string).filter(|prefix| !prefix.is_empty()),
            partition: found.partition.or(of_arns).or(of_region).unwrap_or("aws"),
        }
    }
}

fn partition_of(arn: &str) -> Option<&'static str> {
    ["aws-cn", "aws-us-gov", "aws"].into_iter().find(|partition| {
        arn.strip_prefix("arn:")
            .and_then(|rest| rest.strip_prefix(*partition))
            .is_some_and(|rest| rest.starts_with(':'))
    })
}

/// Whether a call needs this action.
fn is_of(call: &Needs, action: &str) -> bool {
    call.permission.action.eq_ignore_ascii_case(action)
        || call.of_version.is_some_and(|other| other.eq_ignore_ascii_case(action))
}

/// What to allow, where the server names an ARN: for an object, the client's prefix or the
/// object's folder.
fn pattern_of(denial: &Denial, asked: &Asked<'_>) -> Option<String> {
    let arn = denial.resource.as_deref()?;
    let (head, path) = arn.split_once(":s3:::")?;
    let (bucket, key) = path.split_once('/')?;
    let object = Permission { action: "", resource: Resource::Object };
    let pattern = Asked { permission: Some(object), bucket: Some(bucket), key, ..*asked }.pattern()?;
    Some(format!("{head}:s3:::{}", pattern.split_once(":s3:::")?.1))
}

fn what(found: &Found, evidence: &Evidence, place: &Place, denial: Option<&Denial>) -> String {
    let said = |text: &Option<String>| text.as_deref().and_then(|text| clean(text, 300));
    let asked = match (&found.logged, evidence.operation.is_empty()) {
        (Some(logged), true) => clean(logged, 60).unwrap_or_default(),
        (Some(logged), false) => format!("{} ({})", evidence.operation, clean(logged, 60).unwrap_or_default()),
        (None, false) => evidence.operation.clone(),
        (None, true) => match denial {
            Some(denial) => clean(&denial.action, 100).unwrap_or_default(),
            None => "a call that is not named".to_owned(),
        },
    };
    let on = match (place.bucket.as_deref(), place.key.as_str()) {
        (Some(bucket), "") => format!(" on s3://{bucket}"),
        (Some(bucket), key) => format!(" on s3://{bucket}/{key}"),
        (None, "") => String::new(),
        (None, key) => format!(" on the key {key}"),
    };
    let below = match found.prefix.as_deref().and_then(|prefix| clean(prefix, 300)) {
        Some(prefix) => format!(", below `{prefix}`"),
        None => String::new(),
    };
    let to = said(&found.who).map(|who| format!(" to {who}")).unwrap_or_default();
    let answer = match (evidence.status, &evidence.code) {
        (0, Some(code)) => format!("answered {code}"),
        (0, None) => "said no".to_owned(),
        (status, Some(code)) => format!("answered {status} {code}"),
        (status, None) => format!("answered {status}"),
    };
    let what = match evidence.status {
        0 if found.hint.is_some() => format!("{asked}{on}: no answer"),
        _ => format!("{asked}{on}{below}: S3 {answer}{to}"),
    };
    match said(&found.cannot) {
        Some(cannot) => format!("{cannot}: {what}"),
        None => what,
    }
}

fn notes(found: &Found, entry: &Entry, needs: Option<&Needs>, denial: Option<&Denial>, is_denied: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !is_denied {
        return notes;
    }
    let silent =
        [&catalogue::DENIED_PLAINLY, &catalogue::DENIED_READ, &catalogue::IDENTITY_SILENT, &catalogue::NOT_FOR_BACKUPS];
    if let Some(note) = found.note.filter(|_| entry.id == catalogue::DENIED_UNNAMED.id) {
        notes.push(note.to_owned());
    }
    let Some(needs) = needs else {
        return notes;
    };
    if silent.iter().any(|other| other.id == entry.id) {
        if !needs.note.is_empty() && entry.id != catalogue::DENIED_READ.id {
            notes.push(needs.note.to_owned());
        }
        let also: Vec<_> = needs.also.iter().map(|(action, when)| format!("`{action}` when {when}")).collect();
        if denial.is_none() && !also.is_empty() && entry.id != catalogue::NOT_FOR_BACKUPS.id {
            notes.push(format!("it may need more: {}", also.join("; ")));
        }
        if needs.grant == Grant::WithPrefix {
            match found.prefix.as_deref() {
                Some("") => notes.push(
                    "this call asked for the whole bucket: that stays denied; let the program list below its prefix"
                        .to_owned(),
                ),
                Some(prefix) if !prefix.ends_with('/') => notes.push(
                    "the prefix that was asked for does not end in `/`, so a condition for one client's folder denies it"
                        .to_owned(),
                ),
                _ => {}
            }
            if found.operation.is_none() && denial.is_some() {
                notes.push(
                    "if a single object was to be read (GetObject), nothing is there under that key: who may not list \
                     is told so in this way"
                        .to_owned(),
                );
            }
        }
    }
    if found.source == Source::AccessLog && found.status == 403 && found.code.is_none() {
        notes.push("the line shows no error code: 403 is taken for AccessDenied".to_owned());
    }
    notes
}

/// The statement to paste: only where nothing says Deny, and where it does not open more than it
/// is worth.
fn advice(need: &Need, entry: &Entry, condition: Option<&String>) -> Option<Advice> {
    let allows = [
        &catalogue::DENIED_PLAINLY,
        &catalogue::DENIED_READ,
        &catalogue::IDENTITY_SILENT,
        &catalogue::KMS_NOT_ALLOWED,
        &catalogue::LIST_UPLOADS,
    ];
    let grant = permission::grant_of(&need.action).unwrap_or(Grant::Plain);
    // The words may be a stranger's: nothing that they say makes a statement for everything.
    let is_wide = need.action.contains(['*', '?']) || need.resource == "*" || need.resource.ends_with(":::*");
    if is_wide || !allows.iter().any(|other| other.id == entry.id) {
        return None;
    }
    let name: String = need.action.chars().filter(char::is_ascii_alphanumeric).collect();
    let prefixes = |pattern: &String| BTreeMap::from([("s3:prefix".to_owned(), vec![pattern.clone()])]);
    let condition = condition.iter().map(|pattern| ("StringLike".to_owned(), prefixes(pattern))).collect();
    let json = Statement {
        sid: format!("Allow{}{}", name.get(..1)?.to_ascii_uppercase(), name.get(1..)?),
        effect: "Allow".to_owned(),
        action: need.action.clone(),
        resource: need.resource.clone(),
        condition,
    };
    Some(Advice { json, leaks: grant == Grant::Leaks })
}

fn holdfast(needs: &Needs, found: &Found) -> HoldfastNeeds {
    let deletes_version = found.versioned && needs.name() == "DeleteObject";
    let needed = needs.holdfast.is_needed() && !deletes_version;
    let words = match deletes_version {
        true => {
            "does not need it, and its keys should not have it: who may delete versions can destroy backups for good"
        }
        false => needs.holdfast.words(),
    };
    HoldfastNeeds { needed, words: words.to_owned() }
}
