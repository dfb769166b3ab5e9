//! URLs for whoever holds them, got with plain HTTP.

use std::{
    thread,
    time::{Duration, Instant},
};

use holdfast_testbed::{Holdfast, Minio, S3, Versitygw};

const BUCKET: &str = "backups";
const KEY: &str = "home/client1/a b+ü.zip";

/// Status, the header that names the file, and the body.
fn plain_get(url: &str) -> (u16, Option<String>, Vec<u8>) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let mut answer = ureq::Agent::new_with_config(config).get(url).call().expect("an answer");
    let name = answer.headers().get("content-disposition").map(|name| name.to_str().expect("ASCII").to_owned());
    let body = answer.body_mut().read_to_vec().expect("a body");
    (answer.status().as_u16(), name, body)
}

fn promises(endpoint: &str, s3: &S3) {
    s3.create_bucket(BUCKET);
    let bytes = b"a backup".repeat(1_000);
    s3.put(BUCKET, KEY, &bytes);
    let machine = Holdfast::new();
    let place = format!("s3://{BUCKET}/{KEY}");
    let presign = |more: &[&str]| {
        let args = ["presign", place.as_str(), "--endpoint", endpoint];
        let signed = machine.run(args.iter().chain(more)).expect_ok();
        let url = signed.stdout.strip_suffix('\n').expect("a line").to_owned();
        assert!(!url.contains('\n') && url.starts_with(endpoint), "{signed}");
        assert!(signed.stderr.is_empty(), "{signed}");
        url
    };
    let (status, name, body) = plain_get(&presign(&["--file-name", "my \"site\".zip"]));
    assert_eq!((status, name.as_deref()), (200, Some(r#"attachment; filename="my \"site\".zip""#)));
    assert!(body == bytes);

    let short = presign(&["--expires", "2s"]);
    let signed_at = Instant::now();
    assert_eq!(plain_get(&short).0, 200);
    thread::sleep(Duration::from_millis(3_500).saturating_sub(signed_at.elapsed()));
    assert_eq!(plain_get(&short).0, 403, "its time has passed");

    let other = presign(&[]).replace("client1", "client2");
    assert_eq!(plain_get(&other).0, 403, "it is good for one object");
    for refused in ["0s", "8d"] {
        machine.run(["presign", &place, "--endpoint", endpoint, "--expires", refused]).expect_code(2);
    }
    machine.run(["presign", &place, "--endpoint", endpoint, "--anonymous"]).expect_code(2);
}

#[test]
fn a_url_gets_the_object_until_its_time_has_passed_on_minio() {
    let server = Minio::start();
    promises(server.endpoint(), &server.s3());
}

#[test]
fn a_url_gets_the_object_until_its_time_has_passed_on_versitygw() {
    let server = Versitygw::start();
    promises(server.endpoint(), &server.s3());
}

#[test]
fn temporary_keys_say_that_their_url_ends_with_them() {
    let server = Minio::start();
    server.s3().create_bucket(BUCKET);
    server.add_user("client1", "client1-secret");
    server.set_user_policy("client1", "readwrite");
    let keys = server.assume_role("client1", "client1-secret", 900, None);
    let machine =
        Holdfast::new().with_key(&keys.access_key, &keys.secret_key).env("AWS_SESSION_TOKEN", &keys.session_token);
    let place = format!("s3://{BUCKET}/{KEY}");
    let signed = machine.run(["presign", &place, "--endpoint", server.endpoint(), "--expires", "1h"]).expect_ok();
    assert!(signed.stderr.contains("these keys are temporary: the URL ends with them"), "{signed}");
    assert_eq!(signed.stdout.lines().count(), 1, "{signed}");
}
