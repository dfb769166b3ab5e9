//! What a check may ask: its listed probes, and nothing else.

use holdfast_core::{
    abi::{BodySource, Request},
    endpoint::encode_path,
    job::{Check, Job, Work},
    name::{Key, Prefix},
    probe::{NO_UPLOAD, Places, WHO_AM_I, WRONG_MD5, marker_text, site_of},
};

use super::{
    Body, Operation, Refusal,
    address::Place,
    headers::{has, value},
    query::Query,
};

/// Whether a check has any use for the operation, and whether it is about one of its places.
pub(super) fn useful_and_right(
    job: &Job,
    places: Option<&Places>,
    operation: Operation,
    place: &Place,
    query: &Query,
) -> (bool, bool) {
    use Operation as Op;
    let (Work::Check(check), Some(places)) = (&job.work, places) else { return (false, false) };
    let Check { isolation, .. } = *check;
    let key = match place {
        Place::Object(key) => key.as_str(),
        Place::Bucket | Place::Account | Place::Sts => "",
    };
    let is = |other: &Key| other.as_str() == key;
    let own = is(&places.own_key);
    let outside = isolation && places.other_key.as_ref().is_some_and(is);
    let no_upload = query.get("uploadId") == Some(NO_UPLOAD);
    let prefix = query.get("prefix").unwrap_or("");
    let is_outside = |other: &Option<Prefix>| other.as_ref().is_some_and(|other| other.as_str() == prefix);
    match operation {
        Op::GetCallerIdentity | Op::GetBucketVersioning | Op::GetObjectLockConfiguration => (true, true),
        Op::ListBuckets | Op::ListObjectVersions => (isolation, true),
        Op::ListMultipartUploads => (isolation, prefix.is_empty()),
        Op::ListObjectsV2 => {
            let listed_outside = prefix.is_empty() || is_outside(&places.other) || is_outside(&places.lookalike);
            (true, prefix == places.own.as_str() || (isolation && listed_outside))
        }
        Op::UploadPart | Op::ListParts => (true, no_upload && (own || outside)),
        Op::UploadPartCopy => (true, no_upload && own),
        // It ends the upload that it began, whatever its id is.
        Op::AbortMultipartUpload => (true, own || (no_upload && outside)),
        Op::CreateMultipartUpload => (true, own),
        Op::DeleteObject => (true, own || outside),
        Op::PutObject | Op::GetObject => (true, is(&places.marker)),
        Op::HeadObject => (isolation, places.canary.as_ref().is_some_and(is)),
        Op::CompleteMultipartUpload => (false, false),
    }
}

/// Whether the marker may be written: where one is wanted, and only if none is there; or with a
/// digest that makes a question of it.
pub(super) fn may_write(check: &Check, absent: bool, request: &Request) -> bool {
    let is_question = value(request, "content-md5").is_some_and(|md5| md5 == WRONG_MD5);
    is_question || (check.marker.is_some() && (absent || has(request, "if-none-match")))
}

/// The marker's text, the question to the Security Token Service, and otherwise nothing.
pub(super) fn body(operation: Operation, body: BodySource, frame_body: &[u8]) -> Result<Body<'_>, Refusal> {
    let bytes = match body {
        BodySource::Empty if operation != Operation::PutObject => return Ok(Body::Empty),
        BodySource::Inline { start, len } => start.checked_add(len).and_then(|end| frame_body.get(start..end)),
        BodySource::Empty | BodySource::Part { .. } => None,
    };
    let bytes = bytes.ok_or(Refusal::Body("is not of the kind that belongs there"))?;
    let right = match operation {
        Operation::PutObject => site_of(bytes).is_some_and(|site| marker_text(&site).as_bytes() == bytes),
        Operation::GetCallerIdentity => bytes == WHO_AM_I.as_bytes(),
        _ => false,
    };
    if right { Ok(Body::Inline(bytes)) } else { Err(Refusal::Body("is none that a check sends")) }
}

/// The source of the one copy that a check asks about.
pub(super) fn copy_source(job: &Job) -> Option<String> {
    let Work::Check(check) = &job.work else { return None };
    let marker = Places::of(check, &job.run).ok()?.marker;
    Some(format!("{}/{}", job.target.bucket, encode_path(marker.as_str())))
}
