//! The URL of a request, read without mercy: whose server, which bucket, which key.

use holdfast_core::{
    endpoint::{Address, Endpoint},
    name::{Bucket, partition},
    provider::Addressing,
};

use super::Refusal;

/// Longer than any honest one: a key of 1,024 bytes and an upload id of 2,048, all escaped.
const MAX_LEN: usize = 12 << 10;

/// A URL's pieces, as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) tls: bool,
    pub(super) authority: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// Two parsers that disagree are an attack; so this one takes only what no two can read
    /// differently: visible ASCII, a scheme in lower case, no user, no fragment, no backslash.
    pub(super) fn parse(url: &'a str) -> Result<Self, Refusal> {
        if url.len() > MAX_LEN {
            return Err(Refusal::Url("is too long"));
        }
        if !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Refusal::Url("holds spaces, controls or bytes beyond ASCII"));
        }
        if url.contains(['\\', '#', '@', '"', '<', '>', '^', '`', '{', '|', '}']) {
            return Err(Refusal::Url("holds a character that does not belong in one"));
        }
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(Refusal::Url("has another scheme")),
        };
        let Some(slash) = rest.find(['/', '?']).filter(|&at| rest.as_bytes()[at] == b'/') else {
            return Err(Refusal::Url("has no path"));
        };
        let (authority, target) = rest.split_at(slash);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Ok(Self { tls, authority, target, path, query })
    }
}

/// Whether `authority` is the endpoint's for this bucket. Amazon's follows from the region, which
/// a redirect may change to any other.
pub(super) fn is_of(endpoint: &Endpoint, bucket: &Bucket, partition: &str, authority: &str) -> bool {
    let host = match endpoint.addressing_for(bucket) {
        Addressing::Path => Some(authority),
        Addressing::VirtualHost => authority.strip_prefix(bucket.as_str()).and_then(|rest| rest.strip_prefix('.')),
    };
    host.is_some_and(|host| is_of_host(&endpoint.address, partition, host))
}

fn is_of_host(address: &Address, region_partition: &str, host: &str) -> bool {
    match address {
        Address::Fixed { host: fixed, port: None, .. } => host == fixed,
        Address::Fixed { host: fixed, port: Some(port), .. } => {
            host.strip_prefix(fixed.as_str()).and_then(|rest| rest.strip_prefix(':')) == Some(&port.to_string())
        }
        Address::Aws { dualstack } => host
            .strip_prefix(if *dualstack { "s3.dualstack." } else { "s3." })
            .is_some_and(|host| is_regional(region_partition, host)),
    }
}

/// `eu-west-1.amazonaws.com`, in the right partition: a bucket's name is somebody else's in another.
fn is_regional(region_partition: &str, host: &str) -> bool {
    let Some((region, domain)) = host.split_once('.') else { return false };
    let expected = if region_partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    is_region(region) && partition(region) == region_partition && domain == expected
}

/// `eu-west-1`, `us-gov-east-1`: words and a number, so that no other host of Amazon's fits.
fn is_region(label: &str) -> bool {
    let mut words = label.split('-');
    let number = words.next_back().unwrap_or("");
    let words: Vec<_> = words.collect();
    words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a URL is the endpoint's own, of no bucket; only a check asks it anything.
pub(super) fn is_account(endpoint: &Endpoint, partition: &str, url: &Url<'_>) -> bool {
    match &endpoint.address {
        Address::Fixed { base, .. } => {
            is_of_host(&endpoint.address, partition, url.authority) && url.path.strip_prefix(base.as_str()) == Some("/")
        }
        Address::Aws { .. } => is_of_host(&endpoint.address, partition, url.authority) && url.path == "/",
    }
}

/// Whether a URL is Amazon's Security Token Service, which goes with Amazon's own endpoints only.
pub(super) fn is_sts(endpoint: &Endpoint, partition: &str, url: &Url<'_>) -> bool {
    matches!(endpoint.address, Address::Aws { .. })
        && url.path == "/"
        && url.authority.strip_prefix("sts.").is_some_and(|host| is_regional(partition, host))
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The endpoint itself.
    Account,
    /// Amazon's Security Token Service.
    Sts,
    /// The bucket itself.
    Bucket,
    /// The object of this key.
    Object(String),
}

/// The place of a path; `None` outside the bucket or when the key has another spelling than the
/// right one.
pub(super) fn place(endpoint: &Endpoint, bucket: &Bucket, path: &str) -> Option<Place> {
    let path = match &endpoint.address {
        Address::Aws { .. } => path,
        Address::Fixed { base, .. } => path.strip_prefix(base.as_str())?,
    };
    let path = path.strip_prefix('/')?;
    let key = match endpoint.addressing_for(bucket) {
        Addressing::VirtualHost => path,
        Addressing::Path => path.strip_prefix(bucket.as_str())?.strip_prefix('/')?,
    };
    match decode(key, b"/")?.as_str() {
        "" => Some(Place::Bucket),
        key => Some(Place::Object(key.to_owned())),
    }
}

/// Percent-decodes once, and only the one spelling that S3 signs: letters, digits, `-._~` and
/// `plain` as they are, every other byte as `%XX` in upper case. A slash as `%2F`, an `e` as
/// `%65`, a `+` for a space or an overlong UTF-8 form are no spelling of anything.
pub(super) fn decode(text: &str, plain: &[u8]) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b) || plain.contains(&b);
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(Some(byte).filter(|&b| is_plain(b))?);
            continue;
        }
        let mut digit = || match bytes.next()? {
            b @ b'0'..=b'9' => Some(b - b'0'),
            b @ b'A'..=b'F' => Some(b - b'A' + 10),
            _ => None,
        };
        let escaped = digit()? << 4 | digit()?;
        decoded.push(Some(escaped).filter(|&b| !is_plain(b))?);
    }
    String::from_utf8(decoded).ok()
}
