//! The official suite of Signature Version 4, which ships inside the package of `aws-sigv4`:
//! every case of it, through the same function that signs our requests, in headers and in the
//! query. `cargo metadata` says where the package lies, so nothing of it is copied here.
//!
//! Paths are encoded once, as for S3, except in the two cases that are about encoding them twice.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use aws_sigv4::http_request::SessionTokenMode;
use serde::Deserialize;

use super::*;
use crate::secret::Secret;

const AS_TYPED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ');

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// `context.json` of a case.
#[derive(Deserialize)]
struct Context {
    credentials: Keys,
    expiration_in_seconds: u64,
    normalize: bool,
    region: String,
    service: String,
    timestamp: String,
    #[serde(default)]
    omit_session_token: bool,
    #[serde(default = "yes")]
    sign_body: bool,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

fn yes() -> bool {
    true
}

#[test]
fn the_official_suite_passes() {
    let suite = suite_path();
    let mut cases: Vec<PathBuf> =
        suite.read_dir().expect("the suite is there").map(|entry| entry.expect("readable").path()).collect();
    cases.sort();
    assert_eq!(cases.len(), 40, "cases in {}", suite.display());
    for case in &cases {
        let Some(context) = try_text(case, "context.json") else {
            check_canonical_request(case);
            continue;
        };
        let context: Context = serde_json::from_str(&context).expect("a context");
        check(case, &context, SignatureLocation::Headers);
        check(case, &context, SignatureLocation::QueryParams);
    }
}

/// The signature of a case, in full.
fn check(case: &Path, context: &Context, location: SignatureLocation) {
    assert_eq!(context.timestamp, "2015-08-30T12:36:00Z", "{}", case.display());
    let now = Millis(1_440_938_160_000);
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.signature_location = location;
    settings.expires_in = Some(Duration::from_secs(context.expiration_in_seconds));
    settings.uri_path_normalization_mode = context.normalize.into();
    if context.omit_session_token {
        settings.session_token_mode = SessionTokenMode::Exclude;
    }
    if context.sign_body {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let credentials = credentials(&context.credentials);
    let region = Region::parse(context.region.as_str()).expect("a region");
    let signing = Signing { service: super::S3, credentials: &credentials, region: &region, now };
    let (headers, params) = sign_case(case, &signing, &context.service, settings);
    match location {
        SignatureLocation::Headers => {
            let expected = text(case, "header-signed-request.txt");
            let line = expected.lines().find_map(|line| line.strip_prefix("Authorization:"));
            assert_eq!(Some(value(&headers, "authorization")), line.map(str::trim), "{}", case.display());
            assert!(line.is_some_and(|line| line.ends_with(&text(case, "header-signature.txt"))));
        }
        _ => {
            let signature = text(case, "query-signature.txt");
            assert_eq!(value(&params, "X-Amz-Signature"), signature, "{}", case.display());
        }
    }
}

/// Two cases have neither keys nor time, only the canonical request that their own signs.
fn check_canonical_request(case: &Path) {
    let canonical = text(case, "header-canonical-request.txt");
    let now = Millis(1_620_747_645_000);
    assert!(canonical.contains("\nx-amz-date:20210511T154045Z\n"), "{}", case.display());
    let keys = Keys { access_key_id: "AKIDEXAMPLE".into(), secret_access_key: "any".into(), token: None };
    let credentials = credentials(&keys);
    let region = Region::parse("us-east-2").expect("a region");
    let signing = Signing { service: super::S3, credentials: &credentials, region: &region, now };
    let (headers, _) = sign_case(case, &signing, "lambda", SigningSettings::default());
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(now.0);
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n20210511T154045Z\n20210511/us-east-2/lambda/aws4_request\n{hash}");
    let key = v4::generate_signing_key(&keys.secret_access_key, time, region.as_str(), "lambda");
    let expected = v4::calculate_signature(key, to_sign.as_bytes());
    assert!(value(&headers, "authorization").ends_with(&expected), "{}", case.display());
}

fn sign_case(case: &Path, signing: &Signing<'_>, service: &str, settings: SigningSettings) -> (Headers, Headers) {
    let request = text(case, "request.txt");
    let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
    let mut lines = head.lines();
    let line = lines.next().expect("a request line");
    let (method, rest) = line.split_once(' ').expect("a method");
    let target = rest.strip_suffix(" HTTP/1.1").expect("a version");
    let mut headers = Headers::new();
    for line in lines {
        match (line.starts_with(' '), headers.last_mut()) {
            // A folded header, which no parser of today takes: RFC 7230 makes it one line.
            (true, Some((_, value))) => *value = format!("{value} {}", line.trim()),
            _ => {
                let (name, value) = line.split_once(':').expect("a header");
                headers.push((name.to_lowercase(), value.to_owned()));
            }
        }
    }
    let host = value(&headers, "host").to_owned();
    headers.retain(|(name, _)| name != "host");
    // Some targets are given as typed; a URL has neither spaces nor letters beyond ASCII.
    let target = percent_encoding::utf8_percent_encode(target, AS_TYPED);
    let url = format!("https://{host}{target}");
    let body = SignableBody::Bytes(body.as_bytes());
    let instructions = instructions(signing, service, settings, method, &url, &headers, body).expect("signs");
    let headers = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let params = instructions.params().iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    (headers, params)
}

fn credentials(keys: &Keys) -> Credentials {
    Credentials {
        access_key_id: keys.access_key_id.clone(),
        secret_access_key: Secret::new(keys.secret_access_key.clone()),
        session_token: keys.token.clone().map(Secret::new),
        expires_at: None,
    }
}

fn value<'a>(pairs: &'a Headers, name: &str) -> &'a str {
    pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

fn text(case: &Path, file: &str) -> String {
    try_text(case, file).unwrap_or_else(|| panic!("{}/{file}", case.display()))
}

fn try_text(case: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(case.join(file)).ok().map(|text| text.replace("\r\n", "\n").trim().to_owned())
}

/// Where cargo keeps the package that this very test was built with. The network is only asked
/// where something of another platform's has never been fetched.
fn suite_path() -> PathBuf {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = |more: &[&str]| {
        Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--features", "s3", "--locked", "--manifest-path", manifest])
            .args(more)
            .output()
            .expect("cargo runs")
    };
    let mut output = metadata(&["--offline"]);
    if !output.status.success() {
        output = metadata(&[]);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo metadata's JSON");
    let package = metadata.packages.into_iter().find(|package| package.name == "aws-sigv4");
    let manifest_path = package.expect("a dependency").manifest_path;
    manifest_path.with_file_name("aws-signing-test-suite").join("v4")
}
