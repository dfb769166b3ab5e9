//! What is wrong before any permission comes into it: each its own verdict and hint, none of them
//! a denied permission, and none takes long.

use std::{io::Write as _, net::TcpListener, thread, time::Duration};

use holdfast_testbed::{
    ACCESS_KEY, Authority, Fault, FaultProxy, Finished, Holdfast, Minio, Rule, SECRET, Script, Versitygw,
    fault::{Operation, Quirk, Reply},
    process::free_port,
    versitygw::Options,
};

use super::{BUCKET, OWN, Report, run};

/// What a verdict has to be.
struct Expected {
    code: i32,
    kind: &'static str,
    /// In what a person reads.
    words: &'static str,
}

fn expect(code: i32, kind: &'static str, words: &'static str) -> Expected {
    Expected { code, kind, words }
}

/// Asks once as a person and once as a program.
#[track_caller]
fn assert_trouble(name: &str, machine: &Holdfast, endpoint: &str, more: &[&str], expected: &Expected) {
    let Expected { code, kind, words } = expected;
    let told = run(machine, endpoint, "check", OWN, more);
    assert_eq!(told.code(), *code, "{name}: {told}");
    assert_about_no_permission(name, &told);
    assert!(told.stdout.contains(words), "{name}: {told}");
    assert!(told.stdout.contains("hint: "), "{name}: {told}");
    let passes = matches!(*kind, "throttled" | "unavailable");
    let sentence =
        if passes { "Whether backups will work could not be found out: " } else { "Backups will not work: " };
    assert!(told.stdout.contains(sentence), "{name}: {told}");
    let with_json: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
    let read = run(machine, endpoint, "check", OWN, &with_json);
    assert!(read.time < Duration::from_secs(15), "{name}: {read}");
    let report = Report::of(&read);
    assert_eq!((report.code, report.document["trouble"]["kind"].as_str()), (*code, Some(*kind)), "{name}: {report:?}");
    assert_eq!(report.document["findings"], serde_json::json!([]), "{name}: nothing is proved");
    assert!(report.document["isolation"].is_null(), "{name}: nothing is proved");
    assert_eq!(report.summary("stolen_key"), "inconclusive", "{name}: nothing is proved");
    assert!(report.says("stolen_key_sentence").ends_with("nothing could be asked."), "{name}: {report:?}");
}

#[track_caller]
fn assert_about_no_permission(name: &str, told: &Finished) {
    assert!(told.time < Duration::from_secs(15), "{name}: {told}");
    for words in ["DENIED", "may not", "s3:ListBucket`", "with this statement", "allow `"] {
        assert!(!told.stdout.contains(words) && !told.stderr.contains(words), "{name}: {words:?} in {told}");
    }
}

const REJECTED: &str = "signature_rejected";

#[test]
fn wrong_keys_are_told_from_missing_permissions() {
    let minio = Minio::start();
    minio.s3().create_bucket(BUCKET);
    let versity = Versitygw::start();
    versity.s3().create_bucket(BUCKET);
    for endpoint in [minio.endpoint(), versity.endpoint()] {
        let unknown = Holdfast::new().with_key("AKIANOBODYKNOWSTHIS1", SECRET);
        assert_trouble("unknown", &unknown, endpoint, &[], &expect(12, REJECTED, "does not know the access key id"));
        let swapped = Holdfast::new().with_key("client1-secret", "client1");
        assert_trouble("swapped", &swapped, endpoint, &[], &expect(12, REJECTED, "swapped with the secret"));
        let wrong = Holdfast::new().with_key(ACCESS_KEY, "another-secret");
        assert_trouble("wrong", &wrong, endpoint, &[], &expect(12, REJECTED, "check the secret access key"));
        // White space around a key was pasted along and is none of it.
        let pasted = Holdfast::new().with_key(&format!(" {ACCESS_KEY}"), &format!("{SECRET}\n"));
        assert_eq!(
            Report::of(&run(&pasted, endpoint, "check", OWN, &["--json", "--no-isolation"])).summary("backups"),
            "work"
        );
    }
}

/// These are seen before anything is sent: a secret in the key id's place would travel in the open.
#[test]
fn keys_that_cannot_be_keys_are_not_sent() {
    let proxy = FaultProxy::start(([127, 0, 0, 1], free_port()).into(), Script::new());
    for (name, id, secret, words) in [
        ("swapped", SECRET, ACCESS_KEY, "swapped"),
        ("swapped, as AWS makes them", "wJalrXUtnFEMIwK7MDENGwbPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE", "swapped"),
        ("a space within", ACCESS_KEY, "half and-half", "secret access key holds a space"),
        ("a line within", ACCESS_KEY, "half\nand-half", "secret access key holds a space"),
        ("a space in the id", "AKIA 1", "secret", "access key id holds a space"),
    ] {
        let machine = Holdfast::new().with_key(id, secret);
        let told = run(&machine, &proxy.endpoint(), "check", OWN, &[]).expect_code(2);
        assert_about_no_permission(name, &told);
        assert!(told.stderr.contains(words), "{name}: {told}");
        assert!(!told.stderr.contains("wJalrXUtnFEMI"), "{name}: {told}");
        assert!(proxy.exchanges().is_empty(), "{name}: something was sent");
    }
}

#[test]
fn what_is_no_s3_is_told_as_such() {
    let machine = Holdfast::new();
    let page = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>";
    let html = |reply: Reply| reply.header("content-type", "text/html");
    let malformed = |words| expect(1, "malformed", words);
    let cases = [
        ("a page", html(Reply::new(200, page)), malformed("It works!")),
        (
            "a page that is not there",
            html(Reply::new(404, "<html><body>Not Found</body></html>")),
            malformed("Not Found"),
        ),
        (
            "a firewall's page",
            html(Reply::new(403, "<html><body>Blocked by policy</body></html>")),
            malformed("Blocked by policy"),
        ),
        (
            "a captive portal",
            html(Reply::new(302, "")).header("location", "http://portal.example/login"),
            malformed("portal.example/login"),
        ),
        (
            "another service",
            Reply::new(200, "{\"ok\": true}").header("content-type", "application/json"),
            malformed("ok"),
        ),
        ("an empty success", Reply::new(200, ""), malformed("this is not how S3 answers")),
    ];
    for (name, reply, expected) in cases {
        let always = Rule::when(|_| true).always().then(Fault::answer(reply));
        let proxy = FaultProxy::start(([127, 0, 0, 1], 9).into(), Script::new().rule(always));
        assert_trouble(name, &machine, &proxy.endpoint(), &[], &expected);
    }
}

#[test]
fn tls_spoken_to_in_plain_and_the_reverse_are_told_as_such() {
    let machine = Holdfast::new();
    let authority = Authority::new();
    let tls = Minio::start_tls(&authority);
    let in_plain = tls.endpoint().replace("https://", "http://");
    assert_trouble("TLS in plain", &machine, &in_plain, &[], &expect(1, "malformed", "write `https://`"));
    // Its authority is nobody's.
    assert_trouble("a private authority", &machine, tls.endpoint(), &[], &expect(14, "unreachable", "--ca-file"));
    let plain = Minio::start();
    let as_tls = plain.endpoint().replace("http://", "https://");
    assert_trouble("plain as TLS", &machine, &as_tls, &[], &expect(14, "unreachable", "does not speak TLS"));
}

#[test]
fn no_network_is_told_as_such() {
    let machine = Holdfast::new();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    assert_trouble("refused", &machine, &nobody, &[], &expect(14, "unreachable", "address and port"));
    let nowhere = "https://no-such-host.invalid";
    assert_trouble("no such name", &machine, nowhere, &[], &expect(14, "unreachable", "host name"));
}

#[test]
fn a_server_that_is_silent_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    // It takes connections and says nothing.
    let held = thread::spawn(move || listener.incoming().take(64).collect::<Vec<_>>());
    let machine = Holdfast::new().within(Duration::from_secs(60));
    let told = run(&machine, &endpoint, "check", OWN, &[]).expect_code(14);
    assert_about_no_permission("silence", &told);
    drop(held);
}

#[test]
fn a_server_that_breaks_off_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").ok();
        }
    });
    let machine = Holdfast::new();
    let told = run(&machine, &endpoint, "check", OWN, &[]);
    assert!(matches!(told.code(), 1 | 14), "{told}");
    assert_about_no_permission("another protocol", &told);
    assert!(told.stdout.contains("hint: "), "{told}");
}

#[test]
fn a_bucket_that_is_not_there_is_told_as_such() {
    let machine = Holdfast::new();
    let expected = expect(12, "no_such_bucket", "check the bucket's name");
    let (minio, versity) = (Minio::start(), Versitygw::start());
    for endpoint in [minio.endpoint(), versity.endpoint()] {
        assert_trouble("no bucket", &machine, endpoint, &[], &expected);
    }
}

#[test]
fn another_region_is_found_out_and_said() {
    let machine = Holdfast::new();
    let versity = Versitygw::launch(Options { region: Some("eu-central-1"), ..Options::default() });
    versity.s3().create_bucket(BUCKET);
    let told = run(&machine, versity.endpoint(), "check", OWN, &["--no-isolation"]).expect_ok();
    assert!(told.stdout.contains("region eu-central-1 (found out; "), "{told}");

    let minio = Minio::start();
    minio.s3().create_bucket(BUCKET);
    for (name, answer) in [
        ("301", Reply::permanent_redirect("us-east-1", "s3.us-east-1.amazonaws.com")),
        ("400", Reply::authorization_header_malformed("eu-west-3", "us-east-1")),
    ] {
        let elsewhere = Script::choosing(move |seen| {
            (seen.signed_region() != Some("us-east-1")).then(|| Fault::answer(answer.clone()))
        });
        let proxy = FaultProxy::start(minio.address(), elsewhere);
        let machine = Holdfast::new().env("AWS_REGION", "eu-west-3");
        let report = Report::of(&run(&machine, &proxy.endpoint(), "check", OWN, &["--no-isolation", "--json"]));
        assert_eq!((report.code, report.summary("backups")), (0, "work"), "{name}: {report:?}");
        let server = &report.document["server"];
        assert_eq!((server["region"].as_str(), &server["region_learned"]), (Some("us-east-1"), &true.into()), "{name}");
    }
}

#[test]
fn a_region_that_nobody_tells_is_asked_for() {
    let machine = Holdfast::new();
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint.";
    let redirect = Rule::when(|_| true).always().then(Fault::answer(Reply::error(301, "PermanentRedirect", message)));
    let proxy = FaultProxy::start(([127, 0, 0, 1], 9).into(), Script::new().rule(redirect));
    assert_trouble("no region told", &machine, &proxy.endpoint(), &[], &expect(2, "wrong_region", "set its region"));
}

#[test]
fn a_clock_that_is_wrong_is_told_and_made_up_for() {
    let machine = Holdfast::new();
    let minio = Minio::start();
    minio.s3().create_bucket(BUCKET);
    // The server's clock is 20 minutes ahead: it refuses what is dated by ours.
    let ahead = 20 * 60;
    let skewed = Script::choosing(move |seen| {
        let dated = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", seen.header("x-amz-date")?).ok()?.to_datetime().ok()?;
        let dated = dated.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let theirs = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
        let date = httpdate::fmt_http_date(theirs.into());
        if theirs.duration_since(dated).abs() > jiff::SignedDuration::from_mins(15) {
            return Some(Fault::answer(Reply::time_too_skewed().header("date", date)));
        }
        // Dated as it wants: what its backup store would say to a listing.
        let empty = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        let reply = match seen.operation {
            Operation::ListObjects => Reply::new(200, empty),
            _ => Reply::access_denied(),
        };
        Some(Fault::answer(reply.header("date", date)))
    });
    let proxy = FaultProxy::start(minio.address(), skewed);
    let told = run(&machine, &proxy.endpoint(), "check", OWN, &["--no-isolation"]);
    // The header tells whole seconds.
    let differs = |seconds: u32| told.stdout.contains(&format!("clocks  differ: the server's is {seconds} s ahead"));
    assert!(differs(1199) || differs(1200), "{told}");
    assert!(told.stdout.contains("find the backups"), "it went on by the server's clock: {told}");
}

#[test]
fn clocks_that_stay_apart_are_trouble() {
    let machine = Holdfast::new();
    let skewed = Rule::when(|_| true).always().then(Fault::answer(Reply::time_too_skewed()));
    let proxy = FaultProxy::start(([127, 0, 0, 1], 9).into(), Script::new().rule(skewed));
    assert_trouble("skewed", &machine, &proxy.endpoint(), &[], &expect(12, "clock_skew", "NTP"));
}

#[test]
fn keys_that_have_run_out_and_accounts_that_are_shut_are_told_as_such() {
    let machine = Holdfast::new();
    let cases = [
        (Reply::expired_token(), expect(12, "credentials_expired", "temporary credentials")),
        (
            Reply::error(400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
            expect(12, "credentials_expired", "temporary credentials"),
        ),
        (
            Reply::error(403, "AllAccessDisabled", "All access to this object has been disabled"),
            expect(12, "access_denied", "suspended"),
        ),
        (
            Reply::error(403, "NotSignedUp", "Your account is not signed up for the Amazon S3 service."),
            expect(12, "access_denied", "not activated"),
        ),
        (Reply::internal_error(), expect(14, "unavailable", "the server has trouble of its own")),
        (Reply::slow_down(), expect(14, "throttled", "busy")),
    ];
    for (reply, expected) in cases {
        let name = String::from_utf8_lossy(&reply.body).into_owned();
        let always = Rule::when(|_| true).always().then(Fault::answer(reply));
        let proxy = FaultProxy::start(([127, 0, 0, 1], 9).into(), Script::new().rule(always));
        assert_trouble(&name, &machine, &proxy.endpoint(), &["--retry-for", "2s"], &expected);
    }
}

/// A server that knows only its own region, and a name in another one for a bucket of somebody's.
#[test]
fn a_region_learned_once_is_remembered() {
    let machine = Holdfast::new();
    let minio = Minio::start();
    minio.s3().create_bucket(BUCKET);
    let quirk = Script::new().quirk(Quirk::Region("us-east-1".to_owned()));
    let proxy = FaultProxy::start(minio.address(), quirk);
    let machine = machine.env("AWS_REGION", "");
    run(&machine, &proxy.endpoint(), "check", OWN, &["--no-isolation"]).expect_ok();
    proxy.forget();
    run(&machine, &proxy.endpoint(), "check", OWN, &["--no-isolation"]).expect_ok();
    assert!(proxy.exchanges().iter().all(|exchange| exchange.status != Some(400)), "it was asked for again");
}
