//! Lines of an [S3 server access
//! log](https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html).
//!
//! ```text
//! OWNER BUCKET [TIME] IP REQUESTER REQUEST-ID OPERATION KEY "METHOD TARGET HTTP/1.1" STATUS CODE
//! BYTES SIZE TIME TURNAROUND "REFERER" "AGENT" VERSION HOST-ID SIGNATURE CIPHER AUTH HOST TLS …
//! ```
//!
//! What is not known is `-`; AWS adds fields at the end. People paste lines without their
//! beginning, or only the operation and the status: those are read as well.

use super::{
    found::Found,
    request::{Address, decode},
};
use crate::{
    explanation::Source,
    s3::permission::{self, Needs},
};

/// Longer lines are of something else: AWS limits a record's fields to some KiB.
const MAX_LINE_LEN: usize = 32 << 10;

/// What a line is.
pub(super) enum Line {
    /// A record of a request that was refused or failed.
    Refused(Box<Found>),
    /// A record of one that succeeded.
    Passed,
    /// None of a log.
    Other,
}

/// Reads a line.
pub(super) fn read(line: &str, number: u32) -> Line {
    if line.len() > MAX_LINE_LEN || !line.contains('.') {
        return Line::Other;
    }
    let fields = fields(line);
    let Some(at) = fields.iter().position(|field| is_operation(field.text)) else { return Line::Other };
    let record = whole(&fields, at).unwrap_or_else(|| partial(&fields, at));
    record.read(number)
}

/// A record's fields, as they stand.
#[derive(Default)]
struct Record<'a> {
    operation: &'a str,
    bucket: Option<&'a str>,
    requester: Option<&'a str>,
    request_id: Option<&'a str>,
    key: Option<&'a str>,
    request: Option<&'a str>,
    status: Option<u16>,
    code: Option<&'a str>,
    version_id: Option<&'a str>,
    host: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
struct Field<'a> {
    text: &'a str,
    quoted: bool,
}

impl Record<'_> {
    fn read(self, number: u32) -> Line {
        match self.status {
            Some(status) if status < 400 && self.code.is_none() => return Line::Passed,
            _ => {}
        }
        let mut request = self.request.unwrap_or_default().split(' ');
        let method = request.next().unwrap_or_default();
        let target = request.next().filter(|target| target.starts_with('/'));
        let address = target.map(|target| Address::of_target(target, self.bucket)).unwrap_or_default();
        let key = self.key.map(decode).or_else(|| Some(address.key.clone()).filter(|key| !key.is_empty()));
        let known = permission::of_logged(self.operation, key.is_some());
        let operation = known.map(Needs::name).or_else(|| address.call(method));
        let is_bucket_level = operation
            .and_then(permission::of_call)
            .is_some_and(|needs| needs.permission.resource == crate::s3::call::Resource::Bucket);
        // `GET /backups?uploads` of a log without its bucket.
        let in_path = || address.key.split('/').next().filter(|name| is_bucket_level && !name.is_empty());
        let bucket = self.bucket.or_else(in_path).map(str::to_owned);
        let listing = operation.is_some_and(|name| name.starts_with("List")) && target.is_some();
        Line::Refused(Box::new(Found {
            operation: operation.map(str::to_owned),
            logged: Some(self.operation.to_owned()),
            status: self.status.unwrap_or(403),
            code: self.code.map(str::to_owned),
            request_id: self.request_id.map(str::to_owned),
            bucket,
            key: key.filter(|_| !is_bucket_level),
            prefix: listing.then(|| address.get("prefix").unwrap_or_default().to_owned()),
            versioned: address.has("versionId") || target.is_none() && self.version_id.is_some(),
            who: self.requester.map(str::to_owned),
            partition: self.host.filter(|host| host.ends_with(".amazonaws.com.cn")).map(|_| "aws-cn"),
            ..Found::new(Source::AccessLog, number)
        }))
    }
}

/// A record from its beginning: the bucket stands before the time.
fn whole<'a>(fields: &[Field<'a>], operation_at: usize) -> Option<Record<'a>> {
    let time_at = operation_at.checked_sub(4)?;
    let get = |at: usize| fields.get(at).map(|field| field.text);
    if !get(time_at)?.starts_with('[') {
        return None;
    }
    let told = |at: usize| get(at).filter(|text| *text != "-" && !text.is_empty());
    // Behind the user agent the fields are where they should be only if it holds no quotes.
    let host_id = get(operation_at + 12).filter(|id| id.len() > 20 && !id.contains(' '));
    let behind = |at: usize| host_id.and_then(|_| told(at));
    Some(Record {
        operation: get(operation_at)?,
        bucket: time_at.checked_sub(1).and_then(told),
        requester: told(time_at + 2),
        request_id: told(time_at + 3),
        key: told(operation_at + 1),
        request: told(operation_at + 2),
        status: told(operation_at + 3).and_then(status),
        code: told(operation_at + 4).filter(|text| is_code(text)),
        version_id: behind(operation_at + 11),
        host: behind(operation_at + 16),
    })
}

/// What is left of one.
fn partial<'a>(fields: &[Field<'a>], operation_at: usize) -> Record<'a> {
    let plain = |field: &Field<'a>| field.text.trim_matches(['`', ',', ';', '(', ')', '|', '…']);
    let after = fields.get(operation_at + 1..).unwrap_or_default();
    let status_at = after.iter().position(|field| !field.quoted && status(plain(field)).is_some());
    let before_status = after.get(..status_at.unwrap_or(after.len())).unwrap_or_default();
    let request = before_status.iter().find(|field| field.quoted && field.text.contains(" /")).map(|field| field.text);
    let key = before_status
        .iter()
        .take_while(|field| !field.quoted)
        .map(plain)
        .find(|text| !text.is_empty() && *text != "-" && *text != "...");
    let code = status_at.and_then(|at| after.get(at + 1)).map(plain).filter(|text| is_code(text));
    let operation = fields.get(operation_at).map(|field| operation_in(field.text)).unwrap_or_default();
    let status = status_at.and_then(|at| after.get(at)).and_then(|field| status(plain(field)));
    let key = key.filter(|_| request.is_some());
    Record { operation, key, request, status, code, ..Record::default() }
}

/// Cut at spaces; what is in quotes or brackets stays together.
fn fields(line: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && fields.len() < 200 {
        let quoted = rest.starts_with('"');
        let end = if quoted {
            // A quote within the quotes, as user agents have them, is followed by no space.
            let inside = rest.get(1..).unwrap_or_default();
            inside.find("\" ").or_else(|| inside.rfind('"')).map(|at| at + 2)
        } else if rest.starts_with('[') {
            rest.find(']').map(|at| at + 1)
        } else {
            None
        };
        let end = end.or_else(|| rest.find(' ')).unwrap_or(rest.len()).max(1).min(rest.len());
        let (field, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        fields.push(Field { text: if quoted { field.trim_matches('"') } else { field }, quoted });
        rest = after.trim_start();
    }
    fields
}

/// `REST.GET.UPLOADS`, `BATCH.DELETE.OBJECT`, `WEBSITE.GET.OBJECT`, `S3.EXPIRE.OBJECT`.
fn is_operation(field: &str) -> bool {
    let name = operation_in(field);
    let known = ["REST.", "BATCH.", "WEBSITE.", "S3.", "SOAP."].iter().any(|head| name.starts_with(head));
    let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'.' || b == b'_';
    known && name.matches('.').count() >= 2 && name.len() < 60 && name.bytes().all(upper)
}

/// Without what people put around it.
fn operation_in(field: &str) -> &str {
    field.trim_matches(['`', '"', '\'', ',', ';', ':', '(', ')', '*', '|', '.'])
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| text.len() == 3 && (100..600).contains(status))
}

/// `AccessDenied`, `KMS.DisabledException`.
fn is_code(text: &str) -> bool {
    text.len() > 3
        && text.len() < 80
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
}
