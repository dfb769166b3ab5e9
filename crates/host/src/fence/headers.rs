//! The headers of a request: a list of those allowed, and for those that change what is stored,
//! or who pays, or who reads it, the job's own values and no others.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_core::{
    abi::Request,
    job::{Encryption, Job, ObjectSettings, Read, Stretch, Work},
};

use super::{Operation, Refusal, address::decode, backup, check, pinned_etag, read};

/// All headers together, in bytes. S3 takes 8 KiB; a session token alone can be longer.
const MAX_LEN: usize = 32 << 10;

/// The value of a header of the request.
pub(super) fn value<'a>(request: &'a Request, name: &str) -> Option<&'a String> {
    request.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// Whether the request has a header.
pub(super) fn has(request: &Request, name: &str) -> bool {
    value(request, name).is_some()
}

/// Checks each header's name and value, and that those are there which the job insists on.
pub(super) fn all(job: &Job, operation: Operation, request: &Request) -> Result<(), Refusal> {
    let mut total = 0;
    for (at, (name, value)) in request.headers.iter().enumerate() {
        let refuse = |why| Err(Refusal::Header { name: shown(name), why });
        total += name.len() + value.len() + 4;
        if request.headers[..at].iter().any(|(other, _)| other == name) {
            return refuse("is there twice");
        }
        // A line break in a value would begin another header, or another request.
        if !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) || value.trim() != value {
            return refuse("holds what no header may hold");
        }
        match is_allowed(job, operation, name, value) {
            Some(true) => {}
            Some(false) => return refuse("has a value that the job does not allow"),
            None => return refuse("is not one that this operation needs"),
        }
    }
    // Without the condition, a server with versions leaves a mark for what was never there.
    let is_question = matches!(job.work, Work::Check(_)) && operation == Operation::DeleteObject;
    if is_question && !has(request, "if-match") && !request.url.contains("versionId=") {
        return Err(Refusal::Header { name: "if-match".to_owned(), why: "is missing" });
    }
    if total > MAX_LEN {
        return Err(Refusal::Header { name: "*".to_owned(), why: "are too long together" });
    }
    let of_bucket = !matches!(operation, Operation::ListBuckets | Operation::GetCallerIdentity);
    if of_bucket && job.target.expected_owner.is_some() && !has(request, "x-amz-expected-bucket-owner") {
        let name = "x-amz-expected-bucket-owner".to_owned();
        return Err(Refusal::Header { name, why: "is missing, and the job insists on the bucket's owner" });
    }
    Ok(())
}

/// A name that is safe to print.
fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Whether a header's value is allowed; `None` when the header itself is not.
fn is_allowed(job: &Job, operation: Operation, name: &str, value: &str) -> Option<bool> {
    use Operation as Op;
    let begins_object = matches!(operation, Op::PutObject | Op::CreateMultipartUpload);
    let sends_bytes = matches!(operation, Op::PutObject | Op::UploadPart | Op::CompleteMultipartUpload);
    let ends_object = matches!(operation, Op::PutObject | Op::CompleteMultipartUpload);
    let reads_object = matches!(operation, Op::HeadObject | Op::GetObject);
    let tls = job.target.endpoint.tls();
    let none = ObjectSettings::default();
    let (object, len) = match &job.work {
        Work::Upload(upload) => (&upload.object, Some(upload.len)),
        // Only its end tells how long a stream is.
        Work::Backup(backup) => (&backup.object, None),
        Work::Check(check) => (&check.object, Some(0)),
        _ => (&none, Some(0)),
    };
    let allowed = match name {
        "authorization" => value.starts_with("AWS4-HMAC-SHA256 Credential="),
        "x-amz-date" => is_date(value),
        "x-amz-security-token" => !value.is_empty(),
        // Without TLS the signature is all that protects the body.
        "x-amz-content-sha256" => is_hex(value, 64) || (tls && value == "UNSIGNED-PAYLOAD"),
        "x-amz-expected-bucket-owner" => job.target.expected_owner.as_deref() == Some(value),
        "user-agent" => true,

        "range" if operation == Op::GetObject => match &job.work {
            Work::Read(Read { what: Stretch::Tail { len }, .. }) => read::is_suffix(value, *len),
            _ => is_range(value),
        },
        "if-match" if operation == Op::DeleteObject && matches!(job.work, Work::Check(_)) => value == "*",
        "if-match" if reads_object => pinned_etag(job).is_none_or(|etag| value.trim_matches('"') == etag),
        "x-amz-checksum-mode" if reads_object => value == "ENABLED",

        "if-none-match" if ends_object => value == "*",
        "content-md5" if sends_bytes => is_base64(value, 24),
        "x-amz-checksum-crc32" if sends_bytes => is_base64(value, 8),
        "x-amz-checksum-crc64nvme" if sends_bytes => is_base64(value, 12),
        "x-amz-checksum-sha256" if sends_bytes => is_base64(value, 44),
        "x-amz-checksum-algorithm" if begins_object => is_word(value),
        "x-amz-sdk-checksum-algorithm" if sends_bytes || begins_object => is_word(value),
        "x-amz-checksum-type" if begins_object || ends_object => value == "FULL_OBJECT" || value == "COMPOSITE",
        "x-amz-mp-object-size" if operation == Op::CompleteMultipartUpload => {
            value.parse::<u64>().is_ok_and(|number| number.to_string() == value && len.is_none_or(|len| len == number))
        }

        "x-amz-copy-source" if operation == Op::UploadPartCopy => {
            let source = check::copy_source(job).or_else(|| backup::copy_source(job));
            source.as_deref() == Some(value)
        }
        "x-amz-copy-source-if-match" if operation == Op::UploadPartCopy => {
            backup::copy_etag(job).as_deref() == Some(value)
        }
        // Compared with the part's own bytes afterwards.
        "x-amz-copy-source-range" if operation == Op::UploadPartCopy => {
            matches!(job.work, Work::Backup(_)) && is_range(value)
        }

        "content-type" if operation == Op::GetCallerIdentity => value == "application/x-www-form-urlencoded",
        "content-type" if operation == Op::PutObject && matches!(job.work, Work::Check(_)) => {
            value == "application/json"
        }
        "content-type" if begins_object => object.content_type.as_deref() == Some(value),
        "content-type" if operation == Op::CompleteMultipartUpload => value == "application/xml",
        "x-amz-storage-class" if begins_object => object.storage_class.as_deref() == Some(value),
        // A key of somebody else's would lock the owner out of the backup.
        "x-amz-server-side-encryption" if begins_object => match &object.encryption {
            Encryption::BucketDefault => false,
            Encryption::Aes256 => value == "AES256",
            Encryption::Kms { .. } => value == "aws:kms",
        },
        "x-amz-server-side-encryption-aws-kms-key-id" if begins_object => {
            matches!(&object.encryption, Encryption::Kms { key_id: Some(wanted) } if value == wanted)
        }
        // Tags decide on lifecycle and access.
        "x-amz-tagging" if begins_object => is_tagging(object, value),
        _ => match name.strip_prefix("x-amz-meta-") {
            Some(name) if begins_object => is_metadata(job, object, name, value),
            _ => return None,
        },
    };
    Some(allowed)
}

/// The job's own metadata, and the two marks that the module adds.
fn is_metadata(job: &Job, object: &ObjectSettings, name: &str, value: &str) -> bool {
    match name {
        "holdfast-run" => says(value, &job.run),
        "holdfast-part-len" => value.parse::<u64>().is_ok(),
        _ => object.metadata.get(name).is_some_and(|wanted| says(value, wanted)),
    }
}

/// Whether a header's value says `wanted`, as it is or in the encoded words of RFC 2047.
fn says(value: &str, wanted: &str) -> bool {
    let decode = |word: &str| {
        let word = word.strip_prefix("=?UTF-8?B?")?.strip_suffix("?=")?;
        STANDARD.decode(word).ok()
    };
    let words: Option<Vec<_>> = value.split(' ').map(decode).collect();
    value == wanted || words.is_some_and(|words| words.concat() == wanted.as_bytes())
}

fn is_tagging(object: &ObjectSettings, value: &str) -> bool {
    let mut left = object.tags.clone();
    let known = value.split('&').all(|pair| {
        let Some((name, value)) = pair.split_once('=') else { return false };
        let (Some(name), Some(value)) = (decode(name, b""), decode(value, b"")) else { return false };
        left.remove(&name).is_some_and(|wanted| wanted == value)
    });
    known && left.is_empty()
}

fn is_date(value: &str) -> bool {
    value.len() == 16
        && value.bytes().enumerate().all(|(at, b)| match at {
            8 => b == b'T',
            15 => b == b'Z',
            _ => b.is_ascii_digit(),
        })
}

fn is_range(value: &str) -> bool {
    let bounds = value.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    bounds.is_some_and(|(first, last)| number(first).zip(number(last)).is_some_and(|(first, last)| first <= last))
}

fn is_hex(value: &str, len: usize) -> bool {
    value.len() == len && value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_base64(value: &str, len: usize) -> bool {
    value.len() == len && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

fn is_word(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric())
}
