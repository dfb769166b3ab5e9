//! Keys from the services of an instance and of a container.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use holdfast_core::abi::Millis;
use tempfile::NamedTempFile;

use crate::{
    credentials_file::{environment, line, said},
    host::credentials::{Environment, Explicit, Place, Provider},
    server::{Server, header},
};

const KEYS: &str = r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIA1",
    "SecretAccessKey": "sentinel1", "Token": "sentinelT", "Expiration": "2026-11-23T08:00:00Z"}"#;
const ENDS: Millis = Millis(1_795_420_800_000);

/// An instance's metadata; `respond` gives status and body for a request line.
fn imds(respond: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Server, Environment) {
    let server = Server::plain(move |peer, _| {
        while let Some((head, _)) = peer.request() {
            let line = head.lines().next().unwrap();
            let is_put = line.starts_with("PUT /latest/api/token ");
            if is_put {
                assert_eq!(header(&head, "x-aws-ec2-metadata-token-ttl-seconds"), Some("21600"));
                assert_eq!(header(&head, "content-length"), Some("0"));
            } else {
                assert_eq!(header(&head, "x-aws-ec2-metadata-token"), Some("the-token"));
            }
            let (status, body) = respond(line);
            peer.answer(&format!("{status} X"), &body);
        }
    });
    let url = format!("{}/", server.url(""));
    let environment = [
        ("HOME", "/no/such/home"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
        // Metadata is never asked through a proxy.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ]
    .into_iter()
    .collect();
    (server, environment)
}

fn good(line: &str) -> (u16, String) {
    match line.split(' ').nth(1).unwrap() {
        "/latest/api/token" => (200, "the-token".to_owned()),
        "/latest/meta-data/iam/security-credentials/" => (200, "backup-role\n".to_owned()),
        "/latest/meta-data/iam/security-credentials/backup-role" => (200, KEYS.to_owned()),
        _ => (404, String::new()),
    }
}

fn load(environment: Environment) -> Result<String, String> {
    let provider = Provider::new(Explicit::No, environment);
    let loaded = provider.load(Millis(0));
    assert!(!format!("{provider:?}").contains("sentinel"));
    loaded.map(|keys| line(&keys)).map_err(|error| said(&error))
}

#[test]
fn an_instance_gives_its_roles_keys() {
    let (_server, environment) = imds(good);
    let provider = Provider::new(Explicit::No, environment);
    let keys = provider.load(Millis(0)).unwrap();
    assert_eq!(line(&keys), "ASIA1 sentinel1 sentinelT");
    assert_eq!((keys.expires_at, provider.place()), (Some(ENDS), Some(Place::Instance)));
}

#[test]
fn keys_are_kept_until_shortly_before_they_end() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (_server, environment) = imds({
        let asked = Arc::clone(&asked);
        move |line| {
            if line.starts_with("PUT") && asked.fetch_add(1, Ordering::SeqCst) >= 2 {
                return (500, String::new());
            }
            good(line)
        }
    });
    let provider = Provider::new(Explicit::No, environment);
    let before = |minutes: u64| Millis(ENDS.0 - minutes * 60_000);
    provider.load(before(60)).unwrap();
    provider.load(before(6)).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    provider.load(before(4)).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // From here on the service falters: the keys are used to their end, and not beyond.
    provider.load(before(3)).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    said(&provider.refresh().unwrap_err());
    said(&provider.load(ENDS).unwrap_err());
}

#[test]
fn an_instance_without_keys_says_so() {
    let role = "GET /latest/meta-data/iam/security-credentials/ ";
    let keys = "GET /latest/meta-data/iam/security-credentials/backup-role ";
    let cases: &[(&'static str, u16, &'static str, &str)] = &[
        ("PUT", 403, "", "it is switched off for this instance (status 403)"),
        ("PUT", 404, "", "it gave no token (status 404)"),
        ("PUT", 200, "a\nb", "it gave no token"),
        (role, 404, "", "the instance has no IAM role"),
        (role, 200, "\n", "the instance has no IAM role"),
        (role, 200, "../../x", "it names a role that can be none"),
        (role, 401, "", "it answered status 401"),
        (keys, 404, "", "it has no keys for the role `backup-role`"),
        (keys, 200, "sentinel", "is not a JSON document of keys"),
        (keys, 200, r#"{"AccessKeyId": ["sentinel"]}"#, "is not a JSON document of keys"),
        (
            keys,
            200,
            r#"{"Code": "AssumeRoleUnauthorizedAccess", "SecretAccessKey": "sentinel"}"#,
            "it answered `AssumeRoleUnauthorizedAccess` instead of keys",
        ),
        (keys, 200, r#"{"Code": "senti nel sentinel"}"#, "it answered `no success`"),
        (keys, 200, r#"{"Code": "Success", "AccessKeyId": "sentinel"}"#, "lacks"),
        (
            keys,
            200,
            r#"{"AccessKeyId": "A", "SecretAccessKey": "sentinel", "Expiration": "sentinel"}"#,
            "its `Expiration` is not a time",
        ),
        (keys, 200, r#"{"AccessKeyId": "A", "SecretAccessKey": "sentinel x"}"#, "holds a space"),
    ];
    for (at, status, body, words) in cases.iter().copied() {
        let (_server, environment) =
            imds(move |line| if line.starts_with(at) { (status, body.to_owned()) } else { good(line) });
        let text = load(environment).unwrap_err();
        let (_, about_instance) = text.split_once("the EC2 instance metadata: ").unwrap();
        assert!(about_instance.contains(words), "{text}");
    }
}

#[test]
fn a_service_that_falters_is_asked_again() {
    let failed = AtomicUsize::new(0);
    let (_server, environment) = imds(move |line| {
        if line.contains("backup-role") && failed.fetch_add(1, Ordering::SeqCst) < 2 {
            return (503, String::new());
        }
        good(line)
    });
    assert_eq!(load(environment).unwrap(), "ASIA1 sentinel1 sentinelT");
}

#[test]
fn a_machine_that_is_no_instance_is_found_out_soon() {
    let silent = Server::plain(|peer, _| peer.ignore());
    let absent = Server::plain(|_, _| {});
    let absent_url = absent.url("");
    drop(absent);
    for (url, words) in [(silent.url(""), "hop limit must be 2"), (absent_url, "not there: ")] {
        let started = Instant::now();
        let variables = [("HOME", "/no"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
        let text = load(variables.into_iter().collect()).unwrap_err();
        assert!(text.contains(words), "{text}");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

/// A container's service on loopback that keeps the heads it saw.
fn container(respond: impl Fn() -> (u16, &'static str) + Send + Sync + 'static) -> (Server, mpsc::Receiver<String>) {
    let (seen, heads) = mpsc::channel();
    let server = Server::plain(move |peer, _| {
        while let Some((head, _)) = peer.request() {
            seen.send(head).unwrap();
            let (status, body) = respond();
            peer.answer(&format!("{status} X"), body);
        }
    });
    (server, heads)
}

#[test]
fn a_container_gives_its_roles_keys() {
    let (server, heads) = container(|| (200, KEYS));
    let url = server.url("/v2/credentials/x?id=1");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer sentinel"),
    ];
    let provider = Provider::new(Explicit::No, environment(&variables));
    let keys = provider.load(Millis(0)).unwrap();
    assert_eq!((line(&keys), keys.expires_at), ("ASIA1 sentinel1 sentinelT".to_owned(), Some(ENDS)));
    assert_eq!(provider.place(), Some(Place::Container));
    let head = heads.recv().unwrap();
    assert!(head.starts_with("GET /v2/credentials/x?id=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "authorization"), Some("Bearer sentinel"));
    assert_eq!(header(&head, "accept"), Some("application/json"));
}

#[test]
fn the_token_file_wins_and_is_read_each_time() {
    let (server, heads) = container(|| (200, KEYS));
    let file = NamedTempFile::new().unwrap();
    let url = server.url("/");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "other"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.path().to_str().unwrap()),
    ];
    let provider = Provider::new(Explicit::No, environment(&variables));
    for token in ["sentinel-one", "sentinel-two"] {
        std::fs::write(file.path(), format!("{token}\n")).unwrap();
        provider.refresh().unwrap();
        assert_eq!(header(&heads.recv().unwrap(), "authorization"), Some(token));
    }
    std::fs::write(file.path(), "sentinel\r\nx: y").unwrap();
    let text = said(&provider.refresh().unwrap_err());
    assert!(text.ends_with("its authorization token holds a control character"), "{text}");
}

#[test]
fn a_container_that_refuses_ends_the_search() {
    for (status, body, words) in [
        (403, "sentinel", "it answered status 403"),
        (500, "sentinel", "it answered status 500"),
        (200, "<html>sentinel", "is not a JSON document of keys"),
    ] {
        let (server, _heads) = container(move || (status, body));
        let url = server.url("/");
        let text = load(environment(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)])).unwrap_err();
        assert!(text.starts_with("the container's credentials service: "), "{text}");
        assert!(text.ends_with(words), "{text}");
    }
}

#[test]
fn keys_are_taken_without_tls_from_this_machine_and_its_link_only() {
    for url in [
        "http://169.254.169.254/",
        "http://169.254.170.3/",
        "http://10.0.0.1/",
        "http://credentials.example.com/",
        "http://localhost.example.com/",
        "http://[fd00:ec2::24]/",
        "ftp://127.0.0.1/",
        "/relative",
        "nonsense nonsense",
    ] {
        let text = load(environment(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)])).unwrap_err();
        let text_start = "the container's credentials service: AWS_CONTAINER_CREDENTIALS_FULL_URI ";
        assert!(text.starts_with(text_start), "{url}: {text}");
    }
    let relative = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.test/")];
    assert!(load(environment(&relative)).unwrap_err().ends_with("RELATIVE_URI is not a path"));
}
