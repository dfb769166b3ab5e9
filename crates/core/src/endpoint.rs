//! Where requests go: the endpoint, and the URL of an object on it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{
    name::{Bucket, Region},
    provider::{Addressing, Provider},
};

/// The unreserved characters of RFC 3986, which SigV4 leaves as they are; everything else is
/// `%XX`, the space too (`%20`, never `+`).
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, with the slash left alone: S3 encodes a key once and normalises nothing.
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// A key as it stands in a URL's path.
#[must_use]
pub fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A name or value as it stands in a URL's query.
#[must_use]
pub fn encode_query(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// The inverse of [`encode_path`]; `None` when the result is not UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A server that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Whose it is.
    pub provider: Provider,
    /// Its address.
    pub address: Address,
    /// Overrides where the bucket goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing: Option<Addressing>,
}

/// An endpoint's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Address {
    /// Amazon's, which follows from the region.
    Aws {
        /// IPv6 and IPv4 (`s3.dualstack.REGION…`).
        dualstack: bool,
    },
    /// One that was given.
    Fixed {
        /// `https`, or `http` where that was allowed.
        tls: bool,
        /// Host name or IP address, lower case; IPv6 in brackets.
        host: String,
        /// Port, when it is not the scheme's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// A path in front of every request's, without its last slash; mostly empty.
        #[serde(default)]
        base: String,
    },
}

/// Why a text is not an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages say it
pub enum EndpointError {
    #[error("the endpoint does not begin with `https://` or `http://`")]
    Scheme,
    #[error("the endpoint has a user name or a password in it; keys never go into a URL")]
    Userinfo,
    #[error("the endpoint has no host name")]
    NoHost,
    #[error("the endpoint's host name {0:?} is not one")]
    Host(String),
    #[error("the endpoint's port {0:?} is not a number from 1 to 65535")]
    Port(String),
    #[error("the endpoint has a query or a fragment in it")]
    Query,
}

impl Endpoint {
    /// Amazon's own.
    #[must_use]
    pub fn aws() -> Self {
        Self { provider: Provider::Aws, address: Address::Aws { dualstack: false }, addressing: None }
    }

    /// Parses `https://host[:port][/base]`. Amazon's regional hosts become [`Address::Aws`] when
    /// they are spelled the standard way, so that a redirect to another region can be followed.
    ///
    /// # Errors
    /// When it is not such a URL.
    pub fn parse(url: &str, provider: Option<Provider>) -> Result<(Self, Option<Region>), EndpointError> {
        let url = url.trim();
        let lower = url.to_ascii_lowercase();
        let (tls, rest) = if lower.starts_with("https://") {
            (true, &url[8..])
        } else if lower.starts_with("http://") {
            (false, &url[7..])
        } else {
            return Err(EndpointError::Scheme);
        };
        if rest.contains(['?', '#']) {
            return Err(EndpointError::Query);
        }
        let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(EndpointError::Userinfo);
        }
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if host.is_empty() {
            return Err(EndpointError::NoHost);
        }
        if !is_host(&host) {
            return Err(EndpointError::Host(host));
        }
        let provider = provider.unwrap_or_else(|| Provider::from_host(&host));
        let base = base.trim_end_matches('/').to_owned();
        if tls
            && port.is_none()
            && base.is_empty()
            && let Some((region, dualstack)) = aws_region(&host)
        {
            let address = Address::Aws { dualstack };
            return Ok((Self { provider: Provider::Aws, address, addressing: None }, region));
        }
        let port = port.filter(|&port| port != if tls { 443 } else { 80 });
        Ok((Self { provider, address: Address::Fixed { tls, host, port, base }, addressing: None }, None))
    }

    /// Whether requests are encrypted on their way.
    #[must_use]
    pub fn tls(&self) -> bool {
        match &self.address {
            Address::Aws { .. } => true,
            Address::Fixed { tls, .. } => *tls,
        }
    }

    /// Where this bucket's name goes: as set, or as the provider prefers, but always into the
    /// path where a host name cannot carry it (dots break TLS wildcards; an IP address has no
    /// subdomains).
    #[must_use]
    pub fn addressing_for(&self, bucket: &Bucket) -> Addressing {
        let host_is_ip = match &self.address {
            Address::Aws { .. } => false,
            Address::Fixed { host, .. } => {
                host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() || !host.contains('.')
            }
        };
        let preferred = self.addressing.unwrap_or_else(|| self.provider.quirks().addressing);
        let dotted = self.tls() && bucket.as_str().contains('.');
        if host_is_ip || dotted { Addressing::Path } else { preferred }
    }

    /// `host[:port]` for this bucket, as the `Host` header has it.
    #[must_use]
    pub fn authority(&self, bucket: &Bucket, region: &Region) -> String {
        let host = self.account_authority(region);
        match self.addressing_for(bucket) {
            Addressing::VirtualHost => format!("{bucket}.{host}"),
            Addressing::Path => host,
        }
    }

    /// The encoded path of a key, or of the bucket itself with an empty one.
    #[must_use]
    pub fn path(&self, bucket: &Bucket, key: &str) -> String {
        let base = match &self.address {
            Address::Aws { .. } => "",
            Address::Fixed { base, .. } => base,
        };
        match self.addressing_for(bucket) {
            Addressing::VirtualHost => format!("{base}/{}", encode_path(key)),
            Addressing::Path => format!("{base}/{bucket}/{}", encode_path(key)),
        }
    }

    /// Host and port of requests that are about no bucket.
    #[must_use]
    pub fn account_authority(&self, region: &Region) -> String {
        match &self.address {
            Address::Aws { dualstack } => aws_host("s3", *dualstack, region),
            Address::Fixed { host, port: Some(port), .. } => format!("{host}:{port}"),
            Address::Fixed { host, port: None, .. } => host.clone(),
        }
    }

    /// The host of Amazon's Security Token Service, which only Amazon's own endpoints have.
    /// <https://docs.aws.amazon.com/general/latest/gr/sts.html>
    #[must_use]
    pub fn sts_authority(&self, region: &Region) -> Option<String> {
        matches!(self.address, Address::Aws { .. }).then(|| aws_host("sts", false, region))
    }

    /// The path of requests that are about no bucket.
    #[must_use]
    pub fn account_path(&self) -> String {
        match &self.address {
            Address::Aws { .. } => "/".to_owned(),
            Address::Fixed { base, .. } => format!("{base}/"),
        }
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls() { "https" } else { "http" }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.address {
            Address::Aws { .. } => f.write_str("Amazon S3"),
            Address::Fixed { host, port: Some(port), base, .. } => {
                write!(f, "{}://{host}:{port}{base}", self.scheme())
            }
            Address::Fixed { host, port: None, base, .. } => write!(f, "{}://{host}{base}", self.scheme()),
        }
    }
}

/// `s3.eu-west-1.amazonaws.com`, and its like.
fn aws_host(service: &str, dualstack: bool, region: &Region) -> String {
    let dualstack = if dualstack { "dualstack." } else { "" };
    let suffix = if region.as_str().starts_with("cn-") { ".cn" } else { "" };
    format!("{service}.{dualstack}{region}.amazonaws.com{suffix}")
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), EndpointError> {
    let colon = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|at| bracket + at),
        None => authority.find(':'),
    };
    let Some(colon) = colon else { return Ok((authority, None)) };
    let port = &authority[colon + 1..];
    match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok((&authority[..colon], Some(number))),
        _ => Err(EndpointError::Port(port.to_owned())),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(ip) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return ip.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Region and dualstack of one of Amazon's standard endpoint hosts. The region is `None` for the
/// global host `s3.amazonaws.com`; FIPS, access point and accelerate hosts are left as given.
fn aws_region(host: &str) -> Option<(Option<Region>, bool)> {
    let stem = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
    if stem == "s3" {
        return Some((None, false));
    }
    let (dualstack, region) = match stem.strip_prefix("s3.dualstack.") {
        Some(region) => (true, region),
        None => (false, stem.strip_prefix("s3.").or_else(|| stem.strip_prefix("s3-"))?),
    };
    // Two hyphens at least (`eu-west-1`), and no label more: `s3-fips.us-east-1`, `s3-accelerate`.
    let standard = !region.contains('.') && region.matches('-').count() >= 2 && !region.starts_with("fips");
    standard.then(|| Region::parse(region).ok().map(|region| (Some(region), dualstack))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Endpoint {
        Endpoint::parse(url, None).expect(url).0
    }

    fn bucket(name: &str) -> Bucket {
        Bucket::parse(name).expect(name)
    }

    fn region(name: &str) -> Region {
        Region::parse(name).expect(name)
    }

    #[test]
    fn amazon_hosts_follow_the_region() {
        let aws = Endpoint::aws();
        assert_eq!(aws.authority(&bucket("b-1"), &region("eu-west-1")), "b-1.s3.eu-west-1.amazonaws.com");
        assert_eq!(aws.authority(&bucket("b.1"), &region("eu-west-1")), "s3.eu-west-1.amazonaws.com");
        assert_eq!(aws.authority(&bucket("b-1"), &region("cn-north-1")), "b-1.s3.cn-north-1.amazonaws.com.cn");
        let (dual, found) = Endpoint::parse("https://s3.dualstack.us-west-2.amazonaws.com", None).expect("valid");
        assert_eq!(found, Some(region("us-west-2")));
        assert_eq!(dual.authority(&bucket("b-1"), &region("us-west-2")), "b-1.s3.dualstack.us-west-2.amazonaws.com");
    }

    #[test]
    fn hosts_of_amazon_that_are_not_standard_stay_as_given() {
        for host in ["s3-accelerate.amazonaws.com", "s3-fips.us-east-1.amazonaws.com"] {
            let endpoint = parse(&format!("https://{host}"));
            assert!(matches!(endpoint.address, Address::Fixed { .. }), "{host}");
            assert_eq!(endpoint.provider, Provider::Aws);
        }
    }

    #[test]
    fn an_address_without_subdomains_takes_the_bucket_in_its_path() {
        for url in ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000"] {
            let mut endpoint = parse(url);
            endpoint.addressing = Some(Addressing::VirtualHost);
            assert_eq!(endpoint.addressing_for(&bucket("abc")), Addressing::Path, "{url}");
        }
    }

    #[test]
    fn keys_are_encoded_once_and_never_normalised() {
        let endpoint = parse("https://minio.example.com");
        assert_eq!(endpoint.path(&bucket("abc"), "a//../b +~é%20"), "/abc/a//../b%20%2B~%C3%A9%2520");
        assert_eq!(endpoint.path(&bucket("abc"), ""), "/abc/");
    }

    #[test]
    fn a_base_path_comes_first() {
        let endpoint = parse("https://gateway.example.com/storage/v1/s3/");
        assert_eq!(endpoint.path(&bucket("abc"), "k"), "/storage/v1/s3/abc/k");
    }

    #[test]
    fn bad_endpoints_say_what_is_wrong() {
        for (url, error) in [
            ("s3.example.com", EndpointError::Scheme),
            ("ftp://s3.example.com", EndpointError::Scheme),
            ("https://AKIA:secret@s3.example.com", EndpointError::Userinfo),
            ("https://", EndpointError::NoHost),
            ("https://exa mple.com", EndpointError::Host("exa mple.com".into())),
            ("https://s3.example.com:99999", EndpointError::Port("99999".into())),
            ("https://s3.example.com/?x", EndpointError::Query),
        ] {
            assert_eq!(Endpoint::parse(url, None), Err(error), "{url}");
        }
    }
}
