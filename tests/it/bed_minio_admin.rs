//! Users, groups, policies and temporary credentials on MinIO.

use holdfast_testbed::Minio;
use serde_json::json;

#[test]
fn a_group_policy_with_the_user_name_in_it_isolates_clients() {
    let minio = Minio::start();
    let root = minio.s3();
    root.create_bucket("hoster");
    minio.add_user("client1", "client1-secret");
    minio.add_user("client2", "client2-secret");
    minio.add_to_group("clients", &["client1", "client2"]);
    minio.add_policy(
        "own-prefix",
        &json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"],
             "Resource": ["arn:aws:s3:::hoster/home/${aws:username}/*"]},
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::hoster"],
             "Condition": {"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}},
        ]}),
    );
    minio.set_group_policy("clients", "own-prefix");

    let client1 = minio.s3_as("client1", "client1-secret");
    client1.put("hoster", "home/client1/k", b"mine");
    assert_eq!(client1.list("hoster", "home/client1/").len(), 1);
    let refused = client1.send("PUT", "/hoster/home/client2/k", &[], &[], b"not mine");
    assert_eq!((refused.status, refused.code().as_deref()), (403, Some("AccessDenied")));
    let refused = client1.send("GET", "/hoster", &[("list-type", "2"), ("prefix", "home/client2/")], &[], b"");
    assert_eq!(refused.status, 403);
}

#[test]
fn temporary_credentials_need_their_token() {
    let minio = Minio::start();
    minio.s3().create_bucket("bed");
    minio.add_user("client1", "client1-secret");
    minio.set_user_policy("client1", "readwrite");
    let temporary = minio.assume_role("client1", "client1-secret", 900, None);
    let without = minio.s3_as(&temporary.access_key, &temporary.secret_key);
    assert_eq!(without.send("GET", "/bed", &[("list-type", "2")], &[], b"").status, 403);
    let with = without.with_token(&temporary.session_token);
    with.put("bed", "k", b"by token");
}

#[test]
fn minio_refuses_a_prefix_condition_on_listing_uploads() {
    let minio = Minio::start();
    let refused = minio.try_policy(
        "conditioned",
        &json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:ListBucketMultipartUploads"], "Resource": ["arn:aws:s3:::b"],
             "Condition": {"StringLike": {"s3:prefix": ["home/*"]}}},
        ]}),
    );
    assert!(refused.is_err());
}
