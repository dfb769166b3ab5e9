//! What of an error was found in a text, before anything is concluded from it.

use super::words::Context;
use crate::{
    error::Evidence,
    explanation::Source,
    job::Recorded,
    s3::failure::{self, MAX_CODE_LEN, MAX_MESSAGE_LEN, clean, expected_region},
};

/// A document this many lines behind a message may be the one that it quotes.
const QUOTE_LINES: u32 = 6;

/// The facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) source: Source,
    /// From 1; 0 without a text.
    pub(super) line: u32,
    /// As AWS names the call.
    pub(super) operation: Option<String>,
    /// As the access log names it.
    pub(super) logged: Option<String>,
    /// 0 when it is not told.
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    /// The prefix that a listing asked for; empty for all.
    pub(super) prefix: Option<String>,
    pub(super) versioned: bool,
    /// An ARN, a user's name.
    pub(super) who: Option<String>,
    /// What the ARNs begin with, where it is not `aws`.
    pub(super) partition: Option<&'static str>,
    /// What a job of ours could not do.
    pub(super) cannot: Option<String>,
    /// What is known of the program that said it so.
    pub(super) note: Option<&'static str>,
    /// What an error of ours said to change.
    pub(super) hint: Option<String>,
}

impl Found {
    pub(super) fn new(source: Source, line: u32) -> Self {
        Self {
            source,
            line,
            operation: None,
            logged: None,
            status: 0,
            code: None,
            message: None,
            request_id: None,
            region: None,
            bucket: None,
            key: None,
            prefix: None,
            versioned: false,
            who: None,
            partition: None,
            cannot: None,
            note: None,
            hint: None,
        }
    }

    /// Whether there is enough of it to say something.
    pub(super) fn is_error(&self) -> bool {
        self.code.is_some() || self.message.is_some() || self.status >= 300 || self.source == Source::Job
    }

    /// The evidence, cleaned.
    pub(super) fn evidence(&self) -> Evidence {
        let operation = self.operation.as_deref().and_then(|name| clean(name, MAX_CODE_LEN)).unwrap_or_default();
        let message = self.message.as_deref().and_then(|text| clean(text, MAX_MESSAGE_LEN));
        let region = self.region.clone().or_else(|| expected_region(message.as_deref()?).map(String::from));
        Evidence {
            operation,
            status: self.status,
            code: self.code.as_deref().and_then(|code| clean(code, MAX_CODE_LEN)),
            message,
            request_id: self.request_id.as_deref().and_then(|id| clean(id, MAX_CODE_LEN)),
            bucket_region: region.and_then(|region| clean(&region, MAX_CODE_LEN)),
        }
    }

    /// Whether `document` is what this message quotes. One that has quoted may do so again, as the
    /// PHP SDK does, first cut short and then whole: by the request id it is the same.
    pub(super) fn quotes(&self, document: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let again = match (&self.request_id, &document.request_id) {
            (Some(cut), Some(whole)) => self.operation.is_some() && whole.starts_with(cut.as_str()),
            _ => false,
        };
        (self.source == Source::Message || self.source == Source::Document && again)
            && document.line.saturating_sub(self.line) <= QUOTE_LINES
            && agree(&self.code, &document.code)
            && agree(&self.operation, &document.operation)
            && agree(&self.bucket, &document.bucket)
            && agree(&self.key, &document.key)
    }

    /// Whether it is the same error at another place.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let request_id = other.request_id.clone();
        *other == Self { line: other.line, request_id, ..self.clone() }
    }

    /// Adds what another account of the same error knows better.
    pub(super) fn take(&mut self, other: Self) {
        self.source = other.source;
        self.code = other.code.or(self.code.take());
        let longer = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        if longer(&other.message) >= longer(&self.message) {
            self.message = other.message;
        }
        if self.status == 0 {
            self.status = other.status;
        }
        let fill = |mine: &mut Option<String>, theirs: Option<String>| {
            if mine.is_none() {
                *mine = theirs;
            }
        };
        fill(&mut self.operation, other.operation);
        fill(&mut self.request_id, other.request_id);
        fill(&mut self.region, other.region);
        fill(&mut self.bucket, other.bucket);
        fill(&mut self.key, other.key);
        fill(&mut self.who, other.who);
    }

    /// With what earlier lines said of where the program was.
    pub(super) fn with_place(mut self, context: &Context) -> Self {
        if self.bucket.is_none() {
            self.bucket.clone_from(&context.bucket);
        }
        if self.operation.is_none() {
            self.operation = context.step.map(str::to_owned);
        }
        self
    }
}

/// What a job wrote down.
pub(super) fn of_job(recorded: &Recorded) -> Found {
    let error = recorded.error.clone();
    let evidence = error.evidence.map(|evidence| *evidence).unwrap_or_default();
    let Evidence { operation, status, code, message, request_id, bucket_region } = evidence;
    Found {
        operation: Some(operation),
        status,
        code,
        message,
        request_id,
        region: bucket_region,
        key: Some(recorded.key.to_string()),
        cannot: Some(error.what),
        hint: error.hint,
        ..Found::new(Source::Job, 0)
    }
}

/// A document's own names for things, as far as they are told.
pub(super) fn of_document(line: u32, operation: &str, text: &str) -> Option<Found> {
    let (failure, error) = failure::read_pasted(operation, 0, text)?;
    let told = |name: &str| error.text_of(name).map(str::to_owned);
    // `/bucket/key`, or `/key` where the bucket was in the host's name.
    let resource = told("Resource").filter(|_| error.child("BucketName").is_some() || error.child("Key").is_some());
    let key = told("Key").or_else(|| {
        let bucket = error.text_of("BucketName")?;
        let path = resource?;
        path.strip_prefix('/')?.strip_prefix(bucket)?.strip_prefix('/').map(str::to_owned)
    });
    let evidence = failure.evidence;
    Some(Found {
        operation: Some(evidence.operation).filter(|name| !name.is_empty()),
        code: evidence.code,
        message: evidence.message,
        request_id: evidence.request_id,
        region: evidence.bucket_region,
        bucket: told("BucketName"),
        key: key.filter(|key| !key.is_empty()),
        ..Found::new(Source::Document, line)
    })
}
