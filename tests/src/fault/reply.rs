//! Answers of our own making, worded as AWS words them.
//!
//! Codes and statuses: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use std::time::{Duration, SystemTime};

use crate::http1::{AnswerHead, Headers};

/// The request id of every answer made here, to be looked for in messages.
pub const REQUEST_ID: &str = "FAULTPROXY0000ID";

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides `Content-Length` and `Date`.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with this body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let mut headers = Headers::default();
        headers.set("x-amz-request-id", REQUEST_ID);
        headers.set("content-type", "application/xml");
        Self { status, headers, body: body.into() }
    }

    /// An S3 error.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::error_with(status, code, message, "")
    }

    /// An S3 error with further elements.
    pub fn error_with(status: u16, code: &str, message: &str, elements: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>{message}</Message>{elements}<RequestId>{REQUEST_ID}</RequestId>\
             <HostId>host</HostId></Error>"
        );
        Self::new(status, body)
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// 503 SlowDown.
    pub fn slow_down() -> Self {
        Self::error(503, "SlowDown", "Please reduce your request rate.")
    }

    /// 503 SlowDown with `Retry-After` in seconds.
    pub fn slow_down_for(seconds: u32) -> Self {
        Self::slow_down().header("retry-after", seconds.to_string())
    }

    /// 500 InternalError.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalError", "We encountered an internal error. Please try again.")
    }

    /// A proxy's 502 with HTML in it.
    pub fn bad_gateway_html() -> Self {
        Self::new(502, "<html><body><h1>502 Bad Gateway</h1></body></html>").header("content-type", "text/html")
    }

    /// 400 RequestTimeout: the server got tired of waiting for the body.
    pub fn request_timeout() -> Self {
        let message = "Your socket connection to the server was not read from or written to within the timeout period.";
        Self::error(400, "RequestTimeout", message)
    }

    /// 200 with an error inside, as CompleteMultipartUpload and the copies may answer.
    pub fn ok_with_error(code: &str) -> Self {
        let mut reply = Self::error(200, code, "An error after the 200 had been sent.");
        reply.headers.set("content-type", "application/xml");
        reply
    }

    /// 403 AccessDenied.
    pub fn access_denied() -> Self {
        Self::error(403, "AccessDenied", "Access Denied")
    }

    /// 301 PermanentRedirect with the region in a header and no Location.
    pub fn permanent_redirect(region: &str, endpoint: &str) -> Self {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
                       Please send all future requests to this endpoint.";
        let elements = format!("<Endpoint>{endpoint}</Endpoint><Bucket>b</Bucket>");
        Self::error_with(301, "PermanentRedirect", message, &elements).header("x-amz-bucket-region", region)
    }

    /// 307 TemporaryRedirect with a Location.
    pub fn temporary_redirect(location: &str) -> Self {
        let message = "Please re-send this request to the specified temporary endpoint. \
                       Continue to use the original request endpoint for future requests.";
        let elements = format!("<Endpoint>{location}</Endpoint>");
        Self::error_with(307, "TemporaryRedirect", message, &elements).header("location", location)
    }

    /// 400 AuthorizationHeaderMalformed with the region that was expected.
    pub fn authorization_header_malformed(signed: &str, region: &str) -> Self {
        let message =
            format!("The authorization header is malformed; the region '{signed}' is wrong; expecting '{region}'");
        let elements = format!("<Region>{region}</Region>");
        Self::error_with(400, "AuthorizationHeaderMalformed", &message, &elements).header("x-amz-bucket-region", region)
    }

    /// 403 RequestTimeTooSkewed; the `Date` header of the answer is the server's own clock.
    pub fn time_too_skewed() -> Self {
        let message = "The difference between the request time and the current time is too large.";
        let elements = "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>";
        Self::error_with(403, "RequestTimeTooSkewed", message, elements)
    }

    /// 400 ExpiredToken.
    pub fn expired_token() -> Self {
        Self::error(400, "ExpiredToken", "The provided token has expired.")
    }

    /// 404 NoSuchUpload.
    pub fn no_such_upload() -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, \
                       or the upload may have been aborted or completed.";
        Self::error(404, "NoSuchUpload", message)
    }

    /// 409 ConditionalRequestConflict.
    pub fn conditional_conflict() -> Self {
        let message = "The conditional request cannot succeed due to a conflicting operation against this resource.";
        Self::error(409, "ConditionalRequestConflict", message)
    }

    /// 412 PreconditionFailed.
    pub fn precondition_failed() -> Self {
        let message = "At least one of the pre-conditions you specified did not hold";
        Self::error_with(412, "PreconditionFailed", message, "<Condition>If-None-Match</Condition>")
    }

    /// 400 EntityTooSmall.
    pub fn entity_too_small() -> Self {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        Self::error(400, "EntityTooSmall", message)
    }

    /// 400 InvalidArgument about a header.
    pub fn invalid_argument(message: &str) -> Self {
        Self::error(400, "InvalidArgument", message)
    }

    /// 400 BadDigest.
    pub fn bad_digest() -> Self {
        Self::error(
            400,
            "BadDigest",
            "The Content-MD5 or checksum value that you specified did not match what the server received.",
        )
    }

    /// 501 NotImplemented.
    pub fn not_implemented() -> Self {
        Self::error(501, "NotImplemented", "A header you provided implies functionality that is not implemented.")
    }

    pub(crate) fn head(&self, closes: bool) -> AnswerHead {
        let mut headers = self.headers.clone();
        if headers.get("date").is_none() {
            headers.set("date", httpdate::fmt_http_date(SystemTime::now()));
        }
        headers.set("content-length", self.body.len().to_string());
        if closes {
            headers.set("connection", "close");
        }
        AnswerHead { status: self.status, reason: reason(self.status).to_owned(), headers }
    }
}

/// A `Date` header's value so far from now; negative is the past.
pub(crate) fn date(offset_seconds: i64) -> String {
    let offset = Duration::from_secs(offset_seconds.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if offset_seconds < 0 { now - offset } else { now + offset })
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        412 => "Precondition Failed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
