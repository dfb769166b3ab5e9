//! Signature Version 4, by `aws-sigv4`: the only file that names it.
//!
//! S3 differs from every other service: a path is encoded once and nothing in it is normalised,
//! so `a//../b` is a key like any other; and the payload's hash, or `UNSIGNED-PAYLOAD`, is a
//! header of its own.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
//!
//! The query that is sent is the canonical query, byte for byte: sorted after encoding, a space
//! as `%20`, and an equals sign even where there is no value (`?uploads=`).

use std::time::{Duration, SystemTime};

use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningInstructions, SigningSettings, UriPathNormalizationMode,
    },
    sign::v4,
};

use super::call::Call;
use crate::{
    abi::{Headers, Method, Millis},
    endpoint::{Endpoint, encode_query},
    name::{Bucket, Region},
    secret::Credentials,
};

/// The name of S3 in a credential scope; the compatible providers use it too.
pub const S3: &str = "s3";

/// The name of the Security Token Service.
pub const STS: &str = "sts";

/// The last second of the year 9999, in milliseconds: the end of the dates that can be written
/// into a signature. No clock says so, but a broken one may.
const LAST_DATE_MS: u64 = 253_402_300_799_000;

/// The longest life of a signed URL, in seconds.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html>
pub const MAX_LIFE_S: u64 = 7 * 24 * 60 * 60;

/// With what, for where and when.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// The service: [`S3`], or [`STS`].
    pub service: &'static str,
    /// The keys.
    pub credentials: &'a Credentials,
    /// The bucket's region.
    pub region: &'a Region,
    /// The time, by the server's clock.
    pub now: Millis,
}

/// What is signed of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadHash {
    /// The hash of no bytes.
    Empty,
    /// Nothing: TLS and a signed checksum header protect it.
    Unsigned,
    /// Its SHA-256.
    Sha256([u8; 32]),
}

/// Why a request cannot be signed. No error holds a value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Empty, or with characters that would tear the header.
    #[error("the access key id is empty or holds a character that no key id has")]
    AccessKeyId,
    /// With characters that no header takes; mostly a line break from copying.
    #[error("the session token holds a character that no token has")]
    SessionToken,
    /// With characters that no header takes.
    #[error("the header `{0}` holds a character that headers cannot carry")]
    Header(String),
    /// Not a URL.
    #[error("the request's URL is not one")]
    Url,
    /// Outside what S3 allows.
    #[error("a signed URL lives between 1 second and {MAX_LIFE_S} seconds (7 days)")]
    Life,
    /// What the library says, for all else.
    #[error("the request cannot be signed: {0}")]
    Other(String),
}

/// Signs a request. Gives the headers to send in addition to `headers`: `authorization`,
/// `x-amz-date`, `x-amz-content-sha256` and, with temporary keys, `x-amz-security-token`.
///
/// # Errors
/// When the keys or a header hold characters that no header takes.
pub fn sign(
    signing: &Signing<'_>,
    method: Method,
    scheme: &str,
    authority: &str,
    path_and_query: &str,
    headers: &Headers,
    payload: PayloadHash,
) -> Result<Headers, SignError> {
    let url = format!("{scheme}://{authority}{path_and_query}");
    let body = match payload {
        PayloadHash::Empty => SignableBody::Bytes(&[]),
        PayloadHash::Unsigned => SignableBody::UnsignedPayload,
        PayloadHash::Sha256(hash) => SignableBody::Precomputed(hex::encode(hash)),
    };
    let instructions = instructions(signing, signing.service, s3_settings(), method.as_str(), &url, headers, body)?;
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// A URL that carries its signature in its query, for whoever holds it, until it expires. Its
/// body is not signed, and no header but `host` is.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
///
/// # Errors
/// When `expires_in_s` is not 1 second to 7 days, or the keys hold characters that no key has.
pub fn presign(
    signing: &Signing<'_>,
    method: Method,
    scheme: &str,
    authority: &str,
    path_and_query: &str,
    expires_in_s: u64,
) -> Result<String, SignError> {
    if !(1..=MAX_LIFE_S).contains(&expires_in_s) {
        return Err(SignError::Life);
    }
    let mut url = format!("{scheme}://{authority}{path_and_query}");
    let mut settings = s3_settings();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(expires_in_s));
    let body = SignableBody::UnsignedPayload;
    let instructions = instructions(signing, signing.service, settings, method.as_str(), &url, &Vec::new(), body)?;
    let mut separator = if path_and_query.contains('?') { '&' } else { '?' };
    for (name, value) in instructions.params() {
        url.push(separator);
        url.push_str(&encode_query(name));
        url.push('=');
        url.push_str(&encode_query(value));
        separator = '&';
    }
    Ok(url)
}

/// The encoded path and the canonical query of a call, as sent and as signed.
#[must_use]
pub fn path_and_query(endpoint: &Endpoint, bucket: &Bucket, call: &Call) -> String {
    let mut pairs: Vec<(String, String)> =
        call.query.iter().map(|(name, value)| (encode_query(name), encode_query(value))).collect();
    pairs.sort();
    let mut text = endpoint.path(bucket, &call.key);
    let mut separator = '?';
    for (name, value) in pairs {
        text.push(separator);
        text.push_str(&name);
        text.push('=');
        text.push_str(&value);
        separator = '&';
    }
    text
}

fn s3_settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

/// Signs for any service, by any of the rules that services differ in: the official suite needs
/// them all.
fn instructions(
    signing: &Signing<'_>,
    service: &str,
    settings: SigningSettings,
    method: &str,
    url: &str,
    headers: &Headers,
    body: SignableBody<'_>,
) -> Result<SigningInstructions, SignError> {
    let Credentials { access_key_id, secret_access_key, session_token, .. } = signing.credentials;
    let session_token = session_token.as_ref().map(|token| token.expose().as_str());
    // The library writes the id into a header unchecked, and would fail on the token and on
    // headers without saying which it was.
    if access_key_id.is_empty() || !access_key_id.bytes().all(|b| b.is_ascii_graphic() && b != b',' && b != b'/') {
        return Err(SignError::AccessKeyId);
    }
    if session_token.is_some_and(|token| !is_header_value(token)) {
        return Err(SignError::SessionToken);
    }
    if let Some((name, _)) = headers.iter().find(|(_, value)| !is_header_value(value)) {
        return Err(SignError::Header(name.clone()));
    }
    let identity = aws_credential_types::Credentials::from_keys(
        access_key_id.as_str(),
        secret_access_key.expose().as_str(),
        session_token.map(str::to_owned),
    )
    .into();
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(signing.now.0.min(LAST_DATE_MS));
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(signing.region.as_str())
        .name(service)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| SignError::Other(error.to_string()))?
        .into();
    // `http` takes a URL without a host, and the library then panics.
    if url.split_once("://").is_none_or(|(_, rest)| rest.is_empty() || rest.starts_with(['/', '?'])) {
        return Err(SignError::Url);
    }
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(method, url, headers, body).map_err(|_| SignError::Url)?;
    let output =
        aws_sigv4::http_request::sign(request, &params).map_err(|error| SignError::Other(error.to_string()))?;
    Ok(output.into_parts().0)
}

/// What the `http` crate takes as a header's value.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|b| (b' '..0x7f).contains(&b) || b == b'\t')
}

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        endpoint::decode,
        s3::call::{Permission, Resource},
        secret::Secret,
    };

    /// The hash of `Welcome to Amazon S3.`
    const WELCOME: &str = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

    fn example_keys(session_token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: session_token.map(|token| Secret::new(token.to_owned())),
            expires_at: None,
        }
    }

    fn region() -> Region {
        Region::parse("us-east-1").expect("a region")
    }

    fn signing<'a>(credentials: &'a Credentials, region: &'a Region) -> Signing<'a> {
        // 2013-05-24T00:00:00Z, the day of every example of AWS.
        Signing { service: S3, credentials, region, now: Millis(1_369_353_600_000) }
    }

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn header<'a>(headers: &'a Headers, name: &str) -> &'a str {
        headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    fn signature(headers: &Headers) -> &str {
        header(headers, "authorization").rsplit_once("Signature=").map_or("", |(_, signature)| signature)
    }

    fn sha256(text: &str) -> PayloadHash {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).expect("64 digits");
        PayloadHash::Sha256(hash)
    }

    fn sign_example(method: Method, path_and_query: &str, more: &[(&str, &str)], payload: PayloadHash) -> Headers {
        let (keys, region) = (example_keys(None), region());
        let host = "examplebucket.s3.amazonaws.com";
        sign(&signing(&keys, &region), method, "https", host, path_and_query, &headers(more), payload).expect("signs")
    }

    /// The four examples of
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    #[test]
    fn the_examples_of_aws_have_the_signatures_of_aws() {
        let put = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        let range = [("range", "bytes=0-9")];
        for (method, path, more, payload, expected) in [
            (
                Method::Get,
                "/test.txt",
                &range[..],
                PayloadHash::Empty,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                Method::Put,
                "/test%24file.text",
                &put[..],
                sha256(WELCOME),
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                Method::Get,
                "/?lifecycle=",
                &[],
                PayloadHash::Empty,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                Method::Get,
                "/?max-keys=2&prefix=J",
                &[],
                PayloadHash::Empty,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            assert_eq!(signature(&sign_example(method, path, more, payload)), expected, "{path}");
        }
    }

    #[test]
    fn the_headers_to_add_are_these() {
        let signed = sign_example(Method::Get, "/test.txt", &[("range", "bytes=0-9")], PayloadHash::Empty);
        let mut names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "x-amz-content-sha256", "x-amz-date"]);
        assert_eq!(
            header(&signed, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(header(&signed, "x-amz-date"), "20130524T000000Z");
        assert_eq!(
            header(&signed, "x-amz-content-sha256"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    /// The example of <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
    #[test]
    fn the_signed_url_of_aws_is_ours() {
        let (keys, region) = (example_keys(None), region());
        let signing = signing(&keys, &region);
        let url = |life| presign(&signing, Method::Get, "https", "examplebucket.s3.amazonaws.com", "/test.txt", life);
        let signed = url(86_400).expect("signs");
        let (path, query) = signed.split_once('?').expect("a query");
        assert_eq!(path, "https://examplebucket.s3.amazonaws.com/test.txt");
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        assert_eq!(
            pairs,
            [
                "X-Amz-Algorithm=AWS4-HMAC-SHA256",
                "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request",
                "X-Amz-Date=20130524T000000Z",
                "X-Amz-Expires=86400",
                "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
                "X-Amz-SignedHeaders=host",
            ]
        );
        assert_eq!(url(0), Err(SignError::Life));
        assert_eq!(url(MAX_LIFE_S + 1), Err(SignError::Life));
        assert!(url(MAX_LIFE_S).is_ok());
    }

    #[test]
    fn a_signed_url_carries_the_session_token_encoded() {
        let (keys, region) = (example_keys(Some("a+b/c=")), region());
        let url = presign(&signing(&keys, &region), Method::Get, "https", "h.example", "/k?versionId=v", 60);
        let url = url.expect("signs");
        assert!(url.contains("&X-Amz-Security-Token=a%2Bb%2Fc%3D"), "{url}");
        assert_eq!(url.matches('?').count(), 1, "{url}");
    }

    /// Computed by botocore 1.44.5 (`S3SigV4Auth`): an odd key, a session token with an unsigned
    /// payload, an encoded query on another port.
    #[test]
    fn botocore_signs_the_same() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let amazon = "https://s3.us-east-1.amazonaws.com";
        let key = "a//../b +~é%20";
        let part = [("partNumber", "1"), ("uploadId", "a+b/=")];
        let list = [("list-type", "2"), ("prefix", "a b+/é"), ("delimiter", "/")];
        let crc = [("x-amz-checksum-crc64nvme", "rosUhgp5iIg=")];
        for (endpoint, method, key, query, more, token, payload, expected) in [
            (
                amazon,
                Method::Get,
                key,
                &[][..],
                &[][..],
                None,
                PayloadHash::Empty,
                "c4eb2c67a2ba2f8750eaef83653d8fdc251d71a02848bdc911a2cd3937d556d1",
            ),
            (
                amazon,
                Method::Put,
                key,
                &part[..],
                &crc[..],
                Some(token),
                PayloadHash::Unsigned,
                "667660d311e9797a57980a3e55d1875133341257f5c5b3d2e2ff11865f119b10",
            ),
            (
                "http://127.0.0.1:9000",
                Method::Get,
                "",
                &list[..],
                &[],
                None,
                PayloadHash::Empty,
                "c584bc62a19b7036233936e2f49cec8f89900d564f6da7b076daa865156a0065",
            ),
        ] {
            let endpoint = Endpoint::parse(endpoint, None).expect("valid").0;
            let bucket = Bucket::parse("examplebucket").expect("a bucket");
            let permission = Permission { action: "s3:PutObject", resource: Resource::Object };
            let call = query
                .iter()
                .fold(Call::new("Any", method, key, permission), |call, (name, value)| call.query(name, *value));
            let path_and_query = path_and_query(&endpoint, &bucket, &call);
            let (keys, region) = (example_keys(token), region());
            let authority = endpoint.authority(&bucket, &region).replace("s3.us-east-1.", "s3.");
            let (signing, more) = (signing(&keys, &region), headers(more));
            let signed = sign(&signing, method, endpoint.scheme(), &authority, &path_and_query, &more, payload);
            assert_eq!(signature(&signed.expect("signs")), expected, "{path_and_query}");
        }
    }

    #[test]
    fn the_payload_is_what_was_said_of_it() {
        let unsigned = sign_example(Method::Put, "/k", &[], PayloadHash::Unsigned);
        assert_eq!(header(&unsigned, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
        let signed = sign_example(Method::Put, "/k", &[], sha256(WELCOME));
        assert_eq!(header(&signed, "x-amz-content-sha256"), WELCOME);
    }

    #[test]
    fn what_would_tear_a_header_is_refused_and_not_repeated() {
        let region = region();
        let with = |keys: &Credentials, more: &[(&str, &str)]| {
            sign(&signing(keys, &region), Method::Get, "https", "h.example", "/", &headers(more), PayloadHash::Empty)
        };
        let mut keys = example_keys(None);
        assert_eq!(
            with(&keys, &[("x-amz-meta-a", "b\r\nx-amz-acl: public-read")]),
            Err(SignError::Header("x-amz-meta-a".to_owned()))
        );
        for id in ["", "AKIA\nX", "AKIA X", "AKIA/x"] {
            keys.access_key_id = id.to_owned();
            assert_eq!(with(&keys, &[]), Err(SignError::AccessKeyId), "{id:?}");
        }
        assert_eq!(with(&example_keys(Some("line\nbreak")), &[]), Err(SignError::SessionToken));
    }

    #[test]
    fn a_broken_clock_or_url_is_no_panic() {
        let (keys, region) = (example_keys(None), region());
        for now in [0, LAST_DATE_MS, u64::MAX] {
            let signing = Signing { service: S3, credentials: &keys, region: &region, now: Millis(now) };
            assert!(sign(&signing, Method::Get, "http", "h", "/", &Vec::new(), PayloadHash::Empty).is_ok());
        }
        let signing = signing(&keys, &region);
        for (scheme, authority, path) in
            [("https", "", "/"), ("", "", ""), ("https", "a b", "/"), ("https", "h", "/ x")]
        {
            let signed = sign(&signing, Method::Get, scheme, authority, path, &Vec::new(), PayloadHash::Empty);
            assert_eq!(signed, Err(SignError::Url), "{scheme}://{authority}{path}");
        }
    }

    #[test]
    fn the_query_is_sorted_after_encoding() {
        let permission = Permission { action: "s3:ListBucket", resource: Resource::Bucket };
        let call = Call::new("ListObjectsV2", Method::Get, "", permission)
            .query("prefix", "a b+/é")
            .query("list-type", "2")
            .query("delimiter", "/")
            .query("uploads", "");
        let endpoint = Endpoint::aws();
        let bucket = Bucket::parse("examplebucket").expect("a bucket");
        assert_eq!(
            path_and_query(&endpoint, &bucket, &call),
            "/?delimiter=%2F&list-type=2&prefix=a%20b%2B%2F%C3%A9&uploads="
        );
    }

    proptest! {
        /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
        #[test]
        fn a_key_and_a_value_survive_their_encoding(key in "\\PC{1,60}", value in "\\PC{0,60}") {
            let permission = Permission { action: "s3:GetObject", resource: Resource::Object };
            let call = Call::new("GetObject", Method::Get, key.clone(), permission).query("prefix", value.clone());
            let endpoint = Endpoint::parse("https://s3.example.com", None).expect("valid").0;
            let bucket = Bucket::parse("examplebucket").expect("a bucket");
            let text = path_and_query(&endpoint, &bucket, &call);
            let (path, query) = text.split_once('?').expect("a query");
            prop_assert_eq!(decode(path), Some(format!("/examplebucket/{key}")));
            let encoded = query.strip_prefix("prefix=").expect("its name");
            prop_assert_eq!(decode(encoded), Some(value));
            let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
            prop_assert!(path.bytes().all(|b| unreserved(b) || b == b'/'), "{}", path);
            prop_assert!(encoded.bytes().all(unreserved), "{}", encoded);
            let escapes = path.split('%').skip(1).chain(encoded.split('%').skip(1));
            for escape in escapes {
                let digits = escape.get(..2).unwrap_or("");
                prop_assert!(digits.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)), "%{}", escape);
            }
        }

        /// What is signed is what is sent: the library's own encoding of the query agrees.
        #[test]
        fn any_call_can_be_signed(key in "\\PC{1,60}", value in "\\PC{0,60}") {
            let permission = Permission { action: "s3:GetObject", resource: Resource::Object };
            let call = Call::new("GetObject", Method::Get, key, permission).query("marker", value);
            let bucket = Bucket::parse("examplebucket").expect("a bucket");
            let text = path_and_query(&Endpoint::aws(), &bucket, &call);
            let (keys, region) = (example_keys(None), region());
            let signed =
                sign(&signing(&keys, &region), Method::Get, "https", "h.example", &text, &Vec::new(), PayloadHash::Empty);
            prop_assert_eq!(signature(&signed.expect("signs")).len(), 64);
        }
    }
}
