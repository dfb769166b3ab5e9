//! What the answers of a check come to, in sentences that a person can act on.
//!
//! Pure: findings in, a [`Summary`] out. Nothing is guessed: what no answer proved is
//! inconclusive, and says why.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Evidence, Kind},
    probe::{Hole, Probe},
};

/// The end of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckReport {
    /// What was checked: `s3://BUCKET/PREFIX/`.
    pub place: String,
    /// The server, and how far away its clock and its region are.
    pub server: Server,
    /// Whose keys these are, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The site that the marker in the prefix names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What keeps everything from working, before any permission comes into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Error>,
    /// What these keys may do below the prefix.
    pub findings: Vec<Finding>,
    /// What they may do outside it; empty when that was not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub isolation: Vec<HoleFinding>,
    /// Whether buckets keep versions and lock objects.
    pub bucket: BucketSettings,
    /// The policy that shuts every way out that is open: this client's, with what it needs and nothing
    /// else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_policy: Option<Value>,
    /// What could not be cleaned up after the check; empty if all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// What it all comes to.
    pub summary: Summary,
}

/// Who answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its address, as asked.
    pub address: String,
    /// The `server` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// Whether the way there is encrypted.
    pub tls: bool,
    /// The region that requests were signed for in the end.
    pub region: String,
    /// It was another one than was set.
    pub region_learned: bool,
    /// The server's clock minus ours, in milliseconds; it tells whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
}

/// Whose keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The account's number.
    pub account: String,
    /// The user's or the role's ARN.
    pub arn: String,
}

/// What an answer proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it
pub enum Verdict {
    Allowed,
    Denied,
    Inconclusive,
    NotSupported,
    NotNeeded,
}

/// One probe and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Which.
    pub probe: Probe,
    /// What it is for.
    pub purpose: String,
    /// The IAM action.
    pub action: String,
    /// The ARN it belongs on.
    pub resource: String,
    /// What the answer proved.
    pub verdict: Verdict,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The statement that allows it, when it is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Value>,
}

/// Whether a way out is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it
pub enum Isolation {
    Closed,
    Open,
    Inconclusive,
}

/// One way out of the prefix, and whether it is shut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoleFinding {
    /// Which.
    pub hole: Hole,
    /// What it lets this key do, if it is open.
    pub lets: String,
    /// The IAM action.
    pub action: String,
    /// Whether it is shut.
    pub state: Isolation,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is known of the bucket's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSettings {
    /// Whether older versions are kept; `None` when it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versioned: Option<bool>,
    /// Whether new objects are locked for a time; `None` when it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// That lock is in governance mode: who may, lifts it (`s3:BypassGovernanceRetention`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub governance: bool,
}

/// Whether backups work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it
pub enum Backups {
    Work,
    WorkWithLimits,
    WillNotWork,
    Unknown,
}

/// Whether a thief with the key can destroy backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it
pub enum StolenKey {
    CanDestroy,
    CannotDestroy,
    Inconclusive,
}

/// What it all comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Whether backups work.
    pub backups: Backups,
    /// The same as a sentence.
    pub sentence: String,
    /// What does not work, or works less well, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// Whether a thief with the key can destroy backups.
    pub stolen_key: StolenKey,
    /// The same as a sentence.
    pub stolen_key_sentence: String,
    /// The isolation as a whole; `None` when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The same as a sentence.
    pub isolation_sentence: String,
}

/// What the findings come to.
#[must_use]
pub fn summarize(
    findings: &[Finding],
    holes: &[HoleFinding],
    bucket: &BucketSettings,
    trouble: Option<&Error>,
) -> Summary {
    let (backups, sentence, limits) = match trouble {
        // That passes, and proves nothing.
        Some(Error { kind: Kind::Throttled | Kind::Unavailable, what, .. }) => {
            (Backups::Unknown, format!("Whether backups will work could not be found out: {what}."), Vec::new())
        }
        Some(error) => (Backups::WillNotWork, format!("Backups will not work: {}.", error.what), Vec::new()),
        None => backups(findings),
    };
    let (stolen_key, stolen_key_sentence) = match trouble {
        Some(_) => {
            let sentence =
                "If this key is stolen: whether backups can be destroyed is not known; nothing could be asked.";
            (StolenKey::Inconclusive, sentence.to_owned())
        }
        None => stolen(findings, bucket),
    };
    let (isolation, isolation_sentence) = isolation(holes);
    Summary { backups, sentence, limits, stolen_key, stolen_key_sentence, isolation, isolation_sentence }
}

fn verdict(findings: &[Finding], probe: Probe) -> Option<Verdict> {
    findings.iter().find(|finding| finding.probe == probe).map(|finding| finding.verdict)
}

fn backups(findings: &[Finding]) -> (Backups, String, Vec<String>) {
    use Verdict::{Allowed, Denied, Inconclusive, NotSupported};
    let of = |probe| verdict(findings, probe);
    let refused = |probe| matches!(of(probe), Some(Denied | NotSupported));
    for (probe, why) in [
        (Probe::Put, "this key may not store objects there"),
        (Probe::Tag, "this key may not tag objects, and tags are asked for"),
        (Probe::Encrypt, "this key may not use the KMS key"),
        (Probe::Decrypt, "this key may not decrypt with the KMS key, which storing in parts takes too"),
    ] {
        if !refused(probe) {
            continue;
        }
        let finding = findings.iter().find(|finding| finding.probe == probe);
        let action = finding.map(|finding| finding.action.as_str()).unwrap_or_default();
        let nothing = findings.iter().all(|finding| finding.verdict != Allowed);
        let sentence = match finding.and_then(|finding| finding.note.as_deref()) {
            Some(note) if of(probe) == Some(NotSupported) => format!("Backups will not work: {note}."),
            // No statement of one's own helps: the note says who can.
            Some(note) if finding.is_some_and(|finding| finding.statement.is_none()) => {
                format!("Backups will not work: `{action}` is denied; {note}.")
            }
            _ if nothing => {
                "Backups will not work: this key may do nothing at all there. The bucket may be somebody else's, its \
                 name or the prefix misspelt, or no policy is attached to the key's user."
                    .to_owned()
            }
            _ => format!("Backups will not work: {why} (`{action}` is missing)."),
        };
        return (Backups::WillNotWork, sentence, Vec::new());
    }
    let mut limits = Vec::new();
    if refused(Probe::Delete) {
        limits.push("Retention cannot delete old backups; a lifecycle rule of the bucket can.".to_owned());
    }
    if refused(Probe::Get) {
        limits.push("Backups cannot be read with this key: to restore takes another one.".to_owned());
    }
    if refused(Probe::List) {
        limits.push("Backups cannot be listed: restoring and retention cannot find them with this key.".to_owned());
    }
    if refused(Probe::Get) || refused(Probe::Copy) || refused(Probe::List) {
        limits.push("Every backup travels in full: what is in the bucket cannot be copied on the server.".to_owned());
    }
    if refused(Probe::ListParts) {
        limits.push(
            "After an interruption parts may have to be sent again: those that arrived cannot be listed.".to_owned(),
        );
    }
    if refused(Probe::Abort) {
        limits.push(
            "What an interrupted backup leaves behind cannot be removed; a lifecycle rule of the bucket can \
             (`AbortIncompleteMultipartUpload`)."
                .to_owned(),
        );
    }
    if of(Probe::Put) != Some(Allowed) {
        let sentence =
            "Whether backups will work could not be found out: no answer says that this key may store objects.";
        return (Backups::Unknown, sentence.to_owned(), limits);
    }
    if [Probe::Encrypt, Probe::Tag].into_iter().any(|probe| of(probe) == Some(Inconclusive)) {
        let sentence = "Whether backups will work with this encryption and these tags could not be found out.";
        return (Backups::Unknown, sentence.to_owned(), limits);
    }
    for (probe, what) in [
        (Probe::List, "Whether backups can be listed"),
        (Probe::Delete, "Whether retention can delete old backups"),
        (Probe::ListParts, "Whether parts that arrived can be listed after an interruption"),
        (Probe::Abort, "Whether what an interrupted backup leaves can be removed"),
    ] {
        if of(probe) == Some(Inconclusive) {
            limits.push(format!("{what} is not proved."));
        }
    }
    if of(Probe::Get) == Some(Inconclusive) {
        limits.push("Whether backups can be read back is not proved: nothing is there yet to read.".to_owned());
    }
    match limits.len() {
        0 => (Backups::Work, "Backups will work.".to_owned(), limits),
        _ => (Backups::WorkWithLimits, "Backups will work, with limits.".to_owned(), limits),
    }
}

fn stolen(findings: &[Finding], bucket: &BucketSettings) -> (StolenKey, String) {
    use Verdict::{Allowed, Denied};
    let of = |probe| verdict(findings, probe);
    let say = |state, why: &str| {
        let can = match state {
            StolenKey::CanDestroy => "can be destroyed",
            StolenKey::CannotDestroy => "cannot be destroyed",
            StolenKey::Inconclusive => {
                return (
                    state,
                    format!("If this key is stolen: whether backups can be destroyed is not known; {why}."),
                );
            }
        };
        (state, format!("If this key is stolen, backups {can}: {why}."))
    };
    match bucket.versioned {
        Some(true) => match of(Probe::DeleteVersion) {
            Some(Allowed) if bucket.locked == Some(true) && bucket.governance => say(
                StolenKey::Inconclusive,
                "it may delete versions, and Object Lock is in governance mode, which `s3:BypassGovernanceRetention` \
                 overrides: deny that action, or choose compliance mode",
            ),
            Some(Allowed) if bucket.locked == Some(true) => say(
                StolenKey::Inconclusive,
                "it may delete versions, and Object Lock keeps every version for its retention time and no longer: \
                 deny `s3:DeleteObjectVersion`",
            ),
            Some(Allowed) => say(StolenKey::CanDestroy, "it may delete versions for good (`s3:DeleteObjectVersion`)"),
            Some(Denied) => say(
                StolenKey::CannotDestroy,
                "the bucket keeps versions, and it may not delete them; how long they stay, the bucket's lifecycle says, \
                 which no client should be allowed to change (that is not asked)",
            ),
            _ => say(StolenKey::Inconclusive, "no answer tells whether it may delete versions"),
        },
        Some(false) => match (of(Probe::Delete), of(Probe::Overwrite)) {
            (Some(Allowed), _) => say(StolenKey::CanDestroy, "it may delete objects, and the bucket keeps no versions"),
            (_, Some(Allowed)) => {
                say(StolenKey::CanDestroy, "it may overwrite objects, and the bucket keeps no versions")
            }
            (Some(Denied), Some(Denied)) => {
                say(StolenKey::CannotDestroy, "it may neither delete nor overwrite what is there")
            }
            (Some(Denied), _) => say(
                StolenKey::Inconclusive,
                "the bucket keeps no versions, and though it may not delete, no answer tells whether it may overwrite",
            ),
            _ => say(
                StolenKey::Inconclusive,
                "the bucket keeps no versions, and no answer tells whether it may delete or overwrite",
            ),
        },
        None => match (of(Probe::Delete), of(Probe::Overwrite), of(Probe::DeleteVersion)) {
            (Some(Denied), Some(Denied), Some(Denied)) => {
                say(StolenKey::CannotDestroy, "it may neither delete nor overwrite what is there")
            }
            _ if of(Probe::Versioning) == Some(Denied) => say(
                StolenKey::Inconclusive,
                "the key needs `s3:GetBucketVersioning` to see whether the bucket keeps versions",
            ),
            _ => say(StolenKey::Inconclusive, "the server does not tell whether the bucket keeps versions"),
        },
    }
}

fn isolation(holes: &[HoleFinding]) -> (Option<Isolation>, String) {
    if holes.is_empty() {
        return (None, "Isolation was not checked.".to_owned());
    }
    let open: Vec<&str> =
        holes.iter().filter(|hole| hole.state == Isolation::Open).map(|hole| hole.lets.as_str()).collect();
    if !open.is_empty() {
        return (Some(Isolation::Open), format!("Isolation is OPEN. With this key anybody can: {}.", open.join("; ")));
    }
    // Reading is only ever proved with an object that is known to be there: without one it was not asked.
    let unasked = |hole: &HoleFinding| hole.hole == Hole::Read && hole.evidence.is_none();
    let unknown: Vec<&str> = holes
        .iter()
        .filter(|hole| hole.state == Isolation::Inconclusive && !unasked(hole))
        .map(|hole| hole.lets.as_str())
        .collect();
    if unknown.is_empty() {
        let sentence = if holes.iter().any(unasked) {
            "Isolation is closed: outside its prefix this key can neither list nor write, delete or abort anything. \
             Whether it can read what is there was not asked: name an object of another client's with `--canary`."
        } else if holes.iter().any(|hole| hole.hole == Hole::Read && hole.note.is_some()) {
            "Isolation is closed: this key reaches nothing outside its prefix, provided that the canary is there (one \
             that is not is refused in the same words)."
        } else {
            "Isolation is closed: this key reaches nothing outside its prefix."
        };
        return (Some(Isolation::Closed), sentence.to_owned());
    }
    (
        Some(Isolation::Inconclusive),
        format!("Isolation is not proved. Whether this key can do this is not known: {}.", unknown.join("; ")),
    )
}
