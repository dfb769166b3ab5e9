//! What a backup may do: copy from its base what the job says, and send what its stream made.

use holdfast_core::{
    abi::{BodySource, Request},
    endpoint::encode_path,
    job::{Backup, Job, Orphan, Work},
    journal::Record,
    plan::{Extent, MAX_PART_LEN},
};

use super::{Body, Operation, Refusal, headers, query::Query};

/// Whether a backup has any use for the operation on its own key.
pub(super) fn is_useful(backup: &Backup, operation: Operation) -> bool {
    match operation {
        Operation::HeadObject
        | Operation::CreateMultipartUpload
        | Operation::UploadPart
        | Operation::CompleteMultipartUpload => true,
        // What begins with a copy is not made in one request.
        Operation::PutObject => backup.base.is_none(),
        Operation::UploadPartCopy => backup.base.is_some(),
        _ => false,
    }
}

/// The uploads that a journal has seen begin: of which key, and which one.
pub(super) fn begun(journal: &[Record]) -> Vec<Orphan> {
    let mut planned = None;
    let mut begun = Vec::new();
    for record in journal {
        match record {
            Record::PlannedBackup { key, .. } => planned = Some(key),
            Record::Planned { .. } => planned = None,
            Record::Created { upload_id, .. } => {
                begun.extend(planned.map(|key| Orphan { key: key.clone(), upload_id: upload_id.clone() }));
            }
            _ => {}
        }
    }
    begun
}

/// The one source that a backup copies from.
pub(super) fn copy_source(job: &Job) -> Option<String> {
    let Work::Backup(backup) = &job.work else { return None };
    let base = backup.base.as_ref()?;
    Some(format!("{}/{}", job.target.bucket, encode_path(base.key.as_str())))
}

/// The one version of it.
pub(super) fn copy_etag(job: &Job) -> Option<String> {
    let Work::Backup(backup) = &job.work else { return None };
    Some(format!("\"{}\"", backup.base.as_ref()?.etag))
}

/// Whether a copy says which version, and takes the bytes that belong to its part.
pub(super) fn check_copy(
    backup: &Backup,
    operation: Operation,
    query: &Query,
    request: &Request,
) -> Result<(), Refusal> {
    if operation != Operation::UploadPartCopy {
        return Ok(());
    }
    let refuse = |name: &str, why| Err(Refusal::Header { name: name.to_owned(), why });
    if !headers::has(request, "x-amz-copy-source-if-match") {
        return refuse("x-amz-copy-source-if-match", "is missing");
    }
    let range = extent(backup, query).map(|Extent { offset, len }| {
        let last = offset.saturating_add(len).saturating_sub(1);
        format!("bytes={offset}-{last}")
    });
    match (headers::value(request, "x-amz-copy-source-range"), range) {
        (Some(value), Some(range)) if *value == range => Ok(()),
        _ => refuse("x-amz-copy-source-range", "names other bytes than the part is made of"),
    }
}

/// The body of a part, or of all there is.
pub(super) fn body<'a>(
    backup: &Backup,
    operation: Operation,
    query: &Query,
    body: BodySource,
) -> Result<Body<'a>, Refusal> {
    match (operation, body) {
        (Operation::PutObject | Operation::UploadPartCopy, BodySource::Empty) => Ok(Body::Empty),
        (Operation::PutObject, BodySource::Part { part: 1, offset: 0, len }) if len <= MAX_PART_LEN => {
            Ok(Body::Source { offset: 0, len })
        }
        (Operation::PutObject, _) => Err(Refusal::Body("is not the whole stream")),
        (Operation::UploadPart, BodySource::Part { part, offset, len }) => {
            if query.get("partNumber") != Some(part.to_string().as_str()) {
                return Err(Refusal::Body("is another part than its URL says"));
            }
            let (copied, copied_len) = copied(backup);
            if part <= copied || offset < copied_len || len > MAX_PART_LEN {
                return Err(Refusal::Body("is not within the stream, or too long for a part"));
            }
            Ok(Body::Source { offset, len })
        }
        (_, _) => Err(Refusal::Body("is not of the kind that belongs there")),
    }
}

/// The bytes that the part of a copy is made of.
fn extent(backup: &Backup, query: &Query) -> Option<Extent> {
    let part: usize = query.get("partNumber")?.parse().ok()?;
    backup.base.as_ref()?.parts.get(part.checked_sub(1)?).copied()
}

/// How many parts are copied, and how long they are together.
fn copied(backup: &Backup) -> (u32, u64) {
    let parts = backup.base.as_ref().map_or(&[][..], |base| &base.parts);
    (parts.len() as u32, parts.iter().map(|extent| extent.len).sum())
}
