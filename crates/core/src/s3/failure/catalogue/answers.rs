//! What is no S3 error at all: answers of others, and silence.

use super::{Chapter, Entry, Hint};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Answers of others, and no answer",
    entries: &[
        &NOT_S3,
        &WANTS_TLS,
        &SENT_ELSEWHERE,
        &PROXY_LOGIN,
        &HEAD_REFUSED,
        &HEAD_NOTHING,
        &DNS,
        &CONNECT,
        &TLS,
        &PROXY,
        &NETWORK,
        &DESTINATION,
        &SOURCE,
        &REFUSED_BY_US,
    ],
};

/// A page, or nothing readable.
pub const NOT_S3: Entry = Entry {
    id: "not-s3",
    says: &["<html>…", "a login page"],
    means: "something answered, and it does not speak S3",
    cause: "this is not how S3 answers",
    fix: "check the endpoint, and what stands in between (a proxy, a login page)",
    hint: Hint::CauseAndFix,
};

/// Plain HTTP to a port that speaks TLS, as Go's and nginx's servers put it.
pub const WANTS_TLS: Entry = Entry {
    id: "wants-tls",
    says: &["Client sent an HTTP request to an HTTPS server.", "The plain HTTP request was sent to HTTPS port"],
    means: "the endpoint was spoken to without TLS, and wants it",
    cause: "the endpoint speaks TLS on this port",
    fix: "write `https://` before its name",
    hint: Hint::CauseAndFix,
};

/// 3xx that is not S3's.
pub const SENT_ELSEWHERE: Entry = Entry {
    id: "sent-elsewhere",
    says: &["301 or 302 with a page or a Location"],
    means: "something answered with another address; signed requests are not sent after it",
    cause: "the endpoint sends us elsewhere",
    fix: "use the address that it names, if you trust it",
    hint: Hint::CauseAndFix,
};

/// 407.
pub const PROXY_LOGIN: Entry = Entry {
    id: "proxy-login",
    says: &["407 Proxy Authentication Required"],
    means: "the request did not get beyond the proxy",
    cause: "the proxy wants a login",
    fix: "put it into HTTPS_PROXY",
    hint: Hint::CauseAndFix,
};

/// 400 to HEAD.
pub const HEAD_REFUSED: Entry = Entry {
    id: "head-400",
    says: &["An error occurred (400) when calling the HeadObject operation: Bad Request"],
    means: "HEAD was refused, and an answer to HEAD has no words, so it proves nothing",
    cause: "an answer to HEAD has no words",
    fix: "ask the same with GET and read its words; mostly it is a wrong region, expired credentials or an unknown header",
    hint: Hint::CauseAndFix,
};

/// 404 to HEAD.
pub const HEAD_NOTHING: Entry = Entry {
    id: "head-404",
    says: &["An error occurred (404) when calling the HeadObject operation: Not Found"],
    means: "nothing is there; HEAD does not say whether it is the object or the bucket that is missing",
    cause: "nothing is there under this key, or there is no such bucket (an answer to HEAD has no words)",
    fix: "check both names",
    hint: Hint::CauseAndFix,
};

/// No such host.
pub const DNS: Entry = Entry {
    id: "dns",
    says: &["the host name was not found"],
    means: "the endpoint's name has no address here",
    cause: "the host name is mistyped, or this machine's DNS does not work",
    fix: "check the endpoint's host name, and this machine's DNS",
    hint: Hint::Fix,
};

/// No connection.
pub const CONNECT: Entry = Entry {
    id: "no-connection",
    says: &["connection refused"],
    means: "nobody takes the call at the endpoint's address",
    cause: "a wrong port, a server that is down, or a firewall",
    fix: "check the endpoint's address and port, and the firewall",
    hint: Hint::Fix,
};

/// No TLS.
pub const TLS: Entry = Entry {
    id: "tls",
    says: &["no TLS session"],
    means: "the server could not prove that it is the one that was meant",
    cause: "a certificate of another name, of a private authority, or out of date; or this machine's clock",
    fix: "check the endpoint's certificate and host name; a private authority's certificate goes into `--ca-file`",
    hint: Hint::Fix,
};

/// The proxy.
pub const PROXY: Entry = Entry {
    id: "proxy",
    says: &["the proxy refused"],
    means: "the request did not get beyond the proxy",
    cause: "the proxy does not know this machine, or does not let S3 through",
    fix: "check the proxy that HTTPS_PROXY names, and its login",
    hint: Hint::Fix,
};

/// The network.
pub const NETWORK: Entry = Entry {
    id: "network",
    says: &["the connection broke", "nothing moved for too long"],
    means: "the line was there, and failed on the way",
    cause: "the network failed for too long",
    fix: "run it again; an upload continues where it stopped",
    hint: Hint::CauseAndFix,
};

/// Our file to be.
pub const DESTINATION: Entry = Entry {
    id: "destination",
    says: &["the destination could not be written"],
    means: "this machine could not keep what arrived",
    cause: "a full disk, or a folder that may not be written to",
    fix: "check the destination: its disk, its permissions",
    hint: Hint::Fix,
};

/// Our file.
pub const SOURCE: Entry = Entry {
    id: "source",
    says: &["the source could not be read"],
    means: "this machine could not read what was to be sent",
    cause: "the archive is gone, may not be read, or is being written to",
    fix: "check the archive: whether it is there, readable, and left alone meanwhile",
    hint: Hint::Fix,
};

/// The fence.
pub const REFUSED_BY_US: Entry = Entry {
    id: "refused-by-holdfast",
    says: &["the request is outside what the job allows"],
    means: "a safety net of Holdfast held: the request was not sent",
    cause: "Holdfast refused its own request",
    fix: "please report this",
    hint: Hint::CauseAndFix,
};
