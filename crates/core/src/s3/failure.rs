//! What a server's no means: which answers are failures, and what the conversation does about
//! each.
//!
//! The evidence is kept to the letter; the class is our reading of it. S3's code decides, and
//! only where there is none, or an unknown one, the HTTP status. Sources: S3's own list of codes,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, the retry lists of
//! botocore and aws-c-s3, and what the compatible providers were seen to say.
//!
//! A 200 may carry an `<Error>`, for every operation but GetObject. An answer to HEAD has no
//! body, so its evidence has no code, and nothing is guessed. A web page is evidence without a
//! code too, with an excerpt for a message: proxies and firewalls answer in pages.

pub mod catalogue;
pub(crate) mod denial;
mod explain;

pub use explain::explain;
pub(crate) use explain::{Asked, Verdict, verdict};

use super::{
    call::Answer,
    op::ParseError,
    xml::{self, Element},
};
use crate::{abi::TransportCause, endpoint::Endpoint, error::Evidence, name::Region};

/// An answer that is a no, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The server's words.
    pub evidence: Evidence,
    /// What to do about them.
    pub class: Class,
}

/// What the conversation does about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Passing trouble of the server or of the way there: try again.
    Retry,
    /// Too much at once: try again, and slow down.
    Throttle,
    /// The clocks differ: date by the server's and sign again.
    ClockSkew,
    /// Another region, or an unknown other one. It may be the one that was asked already.
    Region(Option<Region>),
    /// The keys have run out: get fresh ones.
    ExpiredCredentials,
    /// The multipart upload is gone, or was completed by a request whose answer was lost.
    NoSuchUpload,
    /// The object is not there.
    NoSuchKey,
    /// The bucket is not there.
    NoSuchBucket,
    /// The key is taken, and replacing it was not asked for.
    AlreadyExists,
    /// Someone else wrote the same key at the same moment: start anew.
    Conflict,
    /// A checksum, or an unnamed header that may be one, is not known here: step down the ladder.
    ChecksumRefused,
    /// An operation or a header is not known here. [`Failure::concerns`] tells which header.
    NotSupported,
    /// Not with these keys.
    Denied,
    /// Bytes did not arrive as they were sent: read and send them again, but not for ever, for it
    /// may be the source that changes.
    Integrity,
    /// A part is not there, or not with this ETag, when the object should be made of it.
    MissingPart,
    /// A success that cannot be read. What was asked may have been done.
    Malformed,
    /// There was no answer.
    Unreachable(TransportCause),
    /// Anything else; trying again is of no use.
    Fatal,
}

/// Only so much of an error document is read, in bytes.
const MAX_DOCUMENT_LEN: usize = 256 << 10;
pub(crate) const MAX_CODE_LEN: usize = 100;
pub(crate) const MAX_MESSAGE_LEN: usize = 2_000;
const MAX_EXCERPT_LEN: usize = 200;

/// What else an error document may hold that a person needs. Nothing more is taken over: the
/// others repeat signed headers, and with them the session token.
const DETAILS: [&str; 11] = [
    "Header",
    "ArgumentName",
    "Condition",
    "Method",
    "RequestTime",
    "ServerTime",
    "Endpoint",
    "ProposedSize",
    "MinSizeAllowed",
    "MaxSizeAllowed",
    "PartNumber",
];

impl Failure {
    /// Whether the server's words name this header (`if-none-match`, `x-amz-mp-object-size`).
    #[must_use]
    pub fn concerns(&self, header: &str) -> bool {
        words(&self.evidence).contains(&header.to_ascii_lowercase())
    }
}

/// Reads an answer; `None` when it is a success.
#[must_use]
pub fn read(operation: &'static str, answer: &Answer<'_>) -> Option<Failure> {
    let head = answer.body.get(..MAX_DOCUMENT_LEN).unwrap_or(answer.body);
    let text = String::from_utf8_lossy(head);
    let document = if answer.is_success() {
        if operation == "GetObject" || is_head(operation) {
            return None;
        }
        let root = xml::root_name(&text)?;
        if root != "Error" && root != "ErrorResponse" {
            return None;
        }
        xml::parse_what_there_is(&text)
    } else {
        xml::parse_what_there_is(&text).filter(|root| error_in(root).is_some())
    };
    let evidence = evidence(operation, answer, document.as_ref(), &text);
    Some(judge(evidence))
}

/// Judges what was taken down elsewhere.
#[must_use]
pub(crate) fn judge(evidence: Evidence) -> Failure {
    let class = class(&evidence);
    Failure { evidence, class }
}

/// The failure in an error document of which nothing else is left, and the document.
#[must_use]
pub(crate) fn read_pasted(operation: &str, status: u16, text: &str) -> Option<(Failure, Element)> {
    let text: String = text.chars().take(MAX_DOCUMENT_LEN).collect();
    let document = xml::parse_what_there_is(&text)?;
    error_in(&document)?.text_of("Code")?;
    let answer = Answer { status, headers: &Vec::new(), body: &[], received: None };
    let failure = judge(evidence(operation, &answer, Some(&document), &text));
    Some((failure, error_in(&document)?.clone()))
}

/// The evidence of a request that got no answer.
#[must_use]
pub fn transport(operation: &'static str, cause: TransportCause, message: &str) -> Evidence {
    let message = clean(message, MAX_MESSAGE_LEN).unwrap_or_else(|| {
        let cause = match cause {
            TransportCause::Dns => "the host name was not found",
            TransportCause::Connect => "no connection",
            TransportCause::Tls => "no TLS session",
            TransportCause::Proxy => "the proxy refused",
            TransportCause::Broken => "the connection broke",
            TransportCause::Stalled => "nothing moved for too long",
            TransportCause::Malformed => "the answer was not HTTP, or too large",
            TransportCause::Local => "the source could not be read, or the destination not be written",
            TransportCause::Refused => "the request is outside what the job allows",
        };
        cause.to_owned()
    });
    Evidence { operation: operation.to_owned(), message: Some(message), ..Evidence::default() }
}

/// The failure in a success that an operation cannot read.
#[must_use]
pub fn malformed(operation: &'static str, answer: &Answer<'_>, error: &ParseError) -> Failure {
    let text = String::from_utf8_lossy(answer.body.get(..MAX_DOCUMENT_LEN).unwrap_or(answer.body));
    let mut evidence = evidence(operation, answer, None, &text);
    evidence.message = Some(match evidence.message {
        Some(excerpt) => format!("{error}; it begins {excerpt:?}"),
        None => error.to_string(),
    });
    Failure { evidence, class: Class::Malformed }
}

/// The `<Error>` of a document: its root, or within another's.
fn error_in(root: &Element) -> Option<&Element> {
    if root.name == "Error" { Some(root) } else { root.child("Error") }
}

fn evidence(operation: &str, answer: &Answer<'_>, document: Option<&Element>, text: &str) -> Evidence {
    let error = document.and_then(error_in);
    let told = |name| error.and_then(|error| error.text_of(name));
    let mut evidence = Evidence {
        operation: operation.to_owned(),
        status: answer.status,
        code: told("Code").and_then(|code| clean(code, MAX_CODE_LEN)),
        message: None,
        request_id: answer
            .header("x-amz-request-id")
            .or_else(|| told("RequestId"))
            .or_else(|| document.and_then(|root| root.text_of("RequestId")))
            .or_else(|| answer.header("x-amzn-requestid"))
            .and_then(|id| clean(id, MAX_CODE_LEN)),
        bucket_region: None,
    };
    evidence.message = match error {
        Some(error) => message(error, answer),
        None => excerpt(text).or_else(|| {
            let location = answer.header("location").filter(|_| (300..400).contains(&answer.status));
            clean(&format!("Location: {}", location?), MAX_EXCERPT_LEN)
        }),
    };
    let region = answer
        .header("x-amz-bucket-region")
        .or_else(|| told("Region"))
        .and_then(|name| Region::parse(name.trim()).ok())
        .or_else(|| expected_region(evidence.message.as_deref()?))
        .or_else(|| told("Endpoint").and_then(region_of_host))
        .or_else(|| answer.header("location").and_then(region_of_host));
    evidence.bucket_region = region.map(|region| region.to_string());
    evidence
}

/// `<Message>` and the details.
fn message(error: &Element, answer: &Answer<'_>) -> Option<String> {
    let said = error.text_of("Message").and_then(|text| clean(text, MAX_MESSAGE_LEN));
    let mut details: Vec<String> = DETAILS
        .into_iter()
        .filter_map(|name| Some(format!("{name}: {}", clean(error.text_of(name)?, MAX_EXCERPT_LEN)?)))
        .collect();
    // Whose clock is wrong shows only beside the other one.
    if error.text_of("Code") == Some("RequestTimeTooSkewed")
        && error.text_of("ServerTime").is_none()
        && let Some(date) = answer.header("date").and_then(|date| clean(date, MAX_CODE_LEN))
    {
        details.push(format!("ServerTime: {date}"));
    }
    match (said, details.is_empty()) {
        (said, true) => said,
        (Some(said), false) => Some(format!("{said} ({})", details.join(", "))),
        (None, false) => Some(details.join(", ")),
    }
}

/// A header's value, fit to be shown.
#[must_use]
pub fn shown(text: &str) -> String {
    clean(text, MAX_CODE_LEN).unwrap_or_default()
}

/// Text without what moves a terminal's cursor or hides, its spaces in single file, and not too
/// long; `None` when nothing is left.
pub(crate) fn clean(text: &str, max_len: usize) -> Option<String> {
    let hides =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !hides(*c)).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.is_empty() {
        None
    } else if plain.chars().count() > max_len {
        Some(plain.chars().take(max_len).chain(['…']).collect())
    } else {
        Some(plain)
    }
}

/// The first words of what is not S3's: of a page, without its tags.
fn excerpt(text: &str) -> Option<String> {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    clean(&(words + rest), MAX_EXCERPT_LEN)
}

/// `… the region 'us-east-1' is wrong; expecting 'eu-west-1'`, in quotes of either kind.
pub(crate) fn expected_region(message: &str) -> Option<Region> {
    let (_, after) = message.split_once("expecting ")?;
    let quoted = after.strip_prefix(['\'', '"'])?;
    Region::parse(quoted.split(['\'', '"']).next()?).ok()
}

/// The region in one of Amazon's host names, with a bucket in front or not.
fn region_of_host(url: &str) -> Option<Region> {
    let host = url.trim().split("://").last()?.split(['/', ':']).next()?;
    // The bucket may hold dots and even `s3`, so each label is tried as the beginning.
    let beginnings = std::iter::once(0).chain(host.match_indices('.').map(|(dot, _)| dot + 1));
    beginnings
        .filter_map(|at| host.get(at..).filter(|rest| rest.starts_with("s3.") || rest.starts_with("s3-")))
        .find_map(|rest| Endpoint::parse(&format!("https://{rest}"), None).ok()?.1)
}

/// What a denial names, where it names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `kms:Decrypt`, though an object was asked for.
    pub action: String,
    /// The ARN that it was refused on.
    pub resource: Option<String>,
    /// One more statement in the user's own policy may be all that lacks. Otherwise somebody else
    /// denies it, or a statement that no other outweighs.
    pub a_statement_helps: bool,
}

/// Reads what a denial names.
#[must_use]
pub fn named(evidence: &Evidence) -> Option<Named> {
    let denial = denial::parse(evidence.message.as_deref()?)?;
    let a_statement_helps = denial.is_a_gap();
    Some(Named { action: denial.action, resource: denial.resource, a_statement_helps })
}

fn is_head(operation: &str) -> bool {
    operation.starts_with("Head")
}

/// Whether an operation stores something under a key.
fn is_write(operation: &str) -> bool {
    matches!(operation, "PutObject" | "CopyObject" | "CompleteMultipartUpload")
}

/// The server's words in lower case, to look for some in.
fn words(evidence: &Evidence) -> String {
    evidence.message.as_deref().unwrap_or_default().to_ascii_lowercase()
}

fn class(evidence: &Evidence) -> Class {
    let class = evidence.code.as_deref().and_then(|code| by_code(code, evidence));
    class.unwrap_or_else(|| by_status(evidence))
}

fn by_code(code: &str, evidence: &Evidence) -> Option<Class> {
    let operation = evidence.operation.as_str();
    let region = || evidence.bucket_region.clone().and_then(|name| Region::parse(name).ok());
    let class = match code {
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "ServiceUnavailable"
        | "ServerBusy"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RateLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete"
        | "KMS.ThrottlingException" => Class::Throttle,
        _ if is_quota(evidence) => Class::Fatal,
        "InternalError" | "InternalServerError" | "RequestTimeout" | "RequestTimeoutException" | "IncompleteBody" => {
            Class::Retry
        }
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => Class::ClockSkew,
        "AccessDenied" if words(evidence).contains("request has expired") => Class::ClockSkew,
        "SignatureDoesNotMatch" if words(evidence).contains("signature expired") => Class::ClockSkew,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "IncorrectEndpoint"
        | "IllegalLocationConstraintException" => Class::Region(region()),
        // The same code is given for keys that make no sense; then it names no region.
        "AuthorizationHeaderMalformed" => match region() {
            Some(region) => Class::Region(Some(region)),
            None => Class::Denied,
        },
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "InvalidToken" | "InvalidTokenId" => {
            Class::ExpiredCredentials
        }
        "NoSuchUpload" => Class::NoSuchUpload,
        "NoSuchKey" | "NoSuchVersion" => Class::NoSuchKey,
        "NoSuchBucket" => Class::NoSuchBucket,
        "PreconditionFailed" if is_write(operation) => Class::AlreadyExists,
        "ConditionalRequestConflict" | "OperationAborted" => Class::Conflict,
        "BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => Class::Integrity,
        "InvalidPart" => Class::MissingPart,
        "InvalidDigest" => Class::ChecksumRefused,
        "InvalidArgument" | "InvalidRequest" | "NotImplemented" | "BadRequest" => return refused(code, evidence),
        "MethodNotAllowed" | "UnsupportedOperation" => Class::NotSupported,
        "AccessDenied" if denial::is_missing_key(evidence) => Class::NoSuchKey,
        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "NotSignedUp"
        | "InvalidPayer"
        | "InvalidAccessKeyId"
        | "XAdminUserNotFound"
        | "SignatureDoesNotMatch"
        | "InvalidSecurity"
        | "Unauthorized"
        | "MissingSecurityHeader"
        | "MissingAuthenticationToken"
        | "CredentialsNotSupported" => Class::Denied,
        "InvalidObjectState" => Class::Fatal,
        _ => return None,
    };
    Some(class)
}

/// A header or an argument is not liked: which, decides.
fn refused(code: &str, evidence: &Evidence) -> Option<Class> {
    let words = words(evidence);
    let named = |names: &[&str]| names.iter().any(|name| words.contains(name));
    if wants_checksum(evidence) {
        Some(Class::Fatal)
    } else if words.contains("mp-object-size") && named(&["match", "computed"]) {
        // It was understood, and it was not so.
        Some(Class::Integrity)
    } else if named(&["checksum", "crc64", "crc32", "content-md5", "content-sha256", "trailer"]) {
        Some(Class::ChecksumRefused)
    } else if code == "NotImplemented" {
        let uploads = is_write(&evidence.operation) || evidence.operation.contains("Upload");
        let nameless = named(&["a header you provided"]) && !words.contains("(header: ");
        Some(if uploads && nameless { Class::ChecksumRefused } else { Class::NotSupported })
    } else if named(&["unsupported header", "not supported", "not implemented"]) {
        Some(Class::NotSupported)
    } else {
        None
    }
}

fn by_status(evidence: &Evidence) -> Class {
    let operation = evidence.operation.as_str();
    let region = evidence.bucket_region.clone().and_then(|name| Region::parse(name).ok());
    let said = evidence.code.is_some();
    match evidence.status {
        200..=299 => Class::Retry,
        301 | 307 | 308 if region.is_some() || is_head(operation) => Class::Region(region),
        // AWS answers so to a HEAD signed for the wrong region, and says no more than this.
        400 if is_head(operation) && region.is_some() => Class::Region(region),
        401 | 403 => Class::Denied,
        404 if !said && (is_head(operation) || operation == "GetObject") => Class::NoSuchKey,
        // Some servers send no body with it; a page is another matter, and nobody's 404 but its own.
        404 if !said && evidence.message.is_none() && is_about_upload(operation) => Class::NoSuchUpload,
        405 | 501 => Class::NotSupported,
        408 | 425 => Class::Retry,
        409 if !said => Class::Conflict,
        412 if is_write(operation) => Class::AlreadyExists,
        429 | 503 | 509 => Class::Throttle,
        505 | 507 => Class::Fatal,
        500..=599 => Class::Retry,
        _ => Class::Fatal,
    }
}

fn is_about_upload(operation: &str) -> bool {
    matches!(
        operation,
        "UploadPart" | "UploadPartCopy" | "ListParts" | "AbortMultipartUpload" | "CompleteMultipartUpload"
    )
}

/// Whether no room is left: AWS knows no such thing, every provider says it in its own way, and
/// some with a 5xx that would be tried for ever.
fn is_quota(evidence: &Evidence) -> bool {
    let code = evidence.code.as_deref().unwrap_or_default().to_ascii_lowercase();
    let codes = ["quota", "storagefull", "insufficientstorage", "exceededusagelimit"];
    let words = words(evidence);
    let sayings = ["cap exceeded", "quota exceeded", "exceeded quota", "storage limit"];
    match evidence.status {
        // A quota of requests in a minute is no such thing.
        429 => false,
        507 => true,
        _ => codes.iter().any(|part| code.contains(part)) || sayings.iter().any(|saying| words.contains(saying)),
    }
}

/// `Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object
/// Lock parameters`: the ladder has gone down too far.
fn wants_checksum(evidence: &Evidence) -> bool {
    let words = words(evidence);
    words.contains("object lock") && (words.contains("checksum") || words.contains("content-md5"))
}

#[cfg(test)]
mod tests;
