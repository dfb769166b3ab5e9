//! What is generated is clean, enough, and no more than that, whatever is asked for.

use super::*;
use crate::iam::{
    document::Effect,
    evaluate::Evaluator,
    generate::{Body, ClientName, Dialect, Features, Generated, Kind, KmsKey, Options as Wanted, Partition, generate},
    request::{Listing, Principal, Request},
};

const BUCKET: &str = "rainworks-hosting-backups";
const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const KINDS: [Kind; 7] =
    [Kind::Set, Kind::OneClient, Kind::Group, Kind::WriteOnly, Kind::BucketPolicy, Kind::Lifecycle, Kind::Fleet];

/// Everything that can be generated, with what it was generated from.
fn all() -> Vec<(Kind, Wanted, Generated)> {
    let mut all = Vec::new();
    for bits in 0u32..1 << 9 {
        let bit = |at: u32| bits & 1 << at != 0;
        // Where clients are meets each option somewhere, not each combination of them.
        let prefix = ["home/${aws:username}/", "${aws:username}/", "a/${aws:username}/wp/"][bits as usize % 3];
        for kind in KINDS {
            let wanted = Wanted {
                bucket: Bucket::parse(BUCKET).expect("valid"),
                prefix: ClientPrefix::parse(prefix).expect("valid"),
                client: bit(0).then(|| ClientName::parse("client1").expect("valid")),
                group: "clients".to_owned(),
                features: Features {
                    restore: bit(1),
                    retention: bit(2),
                    incremental: bit(3),
                    settings: bit(4),
                    tags: bit(5),
                    backwpup: bit(6),
                },
                kms_key: bit(7).then(|| KmsKey::parse(KEY).expect("valid")),
                dialect: if bit(8) { Dialect::Minio } else { Dialect::Aws },
                partition: Partition::Aws,
            };
            if let Ok(made) = generate(kind, &wanted, "") {
                all.push((kind, wanted, made));
            }
        }
    }
    all
}

fn policies(made: &Generated) -> Vec<Policy> {
    let policy = |body: &Body| match body {
        Body::Policy(policy) => Some(policy.clone()),
        Body::Lifecycle(_) => None,
    };
    made.documents.iter().filter_map(|document| policy(&document.body)).collect()
}

#[test]
fn every_generated_document_is_clean() {
    let all = all();
    assert!(all.len() > 500, "{}", all.len());
    for (kind, wanted, made) in all {
        let texts: Vec<_> = made.documents.iter().map(|document| (document.file.as_str(), document.json())).collect();
        let sources: Vec<_> = texts.iter().map(|(name, text)| Source { name, bytes: text.as_bytes() }).collect();
        let said = Options { bucket: Some(wanted.bucket.clone()), prefix: Some(wanted.prefix.clone()) };
        for options in [Options::default(), said] {
            let report = lint(&sources, &options);
            // The one thing that somebody asked for with open eyes.
            let leaks = wanted.features.backwpup && kind != Kind::BucketPolicy;
            let expected: &[Rule] = if leaks { &[Rule::UploadsLeak] } else { &[] };
            let serious = report.findings.iter().filter(|finding| finding.severity > Severity::Note);
            let rules: Vec<_> = serious.map(|finding| finding.rule).collect();
            assert_eq!(rules, expected, "{kind:?} {wanted:?}\n{}", report.text());
        }
    }
}

/// What a client's key is asked to do, and whether it may.
fn requests(wanted: &Wanted, kind: Kind) -> Vec<(Request, bool)> {
    let me = Principal::user("client1");
    let prefix = |name: &str| wanted.prefix.of(&ClientName::parse(name).expect("valid")).to_string();
    let (own, theirs) = (prefix("client1"), prefix("client10"));
    let key = format!("{own}x.zip");
    let read_write = kind != Kind::WriteOnly;
    let features = &wanted.features;
    let sure = |request: Request| request.with("s3:if-none-match", "*");
    let on_own = |action: &str| Request::on_object(&me, action, BUCKET, &key);
    let list =
        |prefix: &str| Request::list_objects(&me, BUCKET, Listing { prefix: Some(prefix), ..Listing::default() });
    let mut requests = vec![
        (list(&own), true),
        (list(&theirs), false),
        (list(""), false),
        (list(own.trim_end_matches('/')), false),
        (Request::head_bucket(&me, BUCKET), false),
        (Request::list_buckets(&me), false),
        (Request::list_multipart_uploads(&me, BUCKET), features.backwpup),
        (sure(Request::put_object(&me, BUCKET, &key)), true),
        (Request::upload_part(&me, BUCKET, &key), true),
        (on_own("s3:AbortMultipartUpload"), true),
        (on_own("s3:ListMultipartUploadParts"), true),
        (Request::get_object(&me, BUCKET, &key), read_write && (features.restore || features.incremental)),
        (Request::delete_object(&me, BUCKET, &key), read_write && features.retention),
        (Request::delete_object_version(&me, BUCKET, &key, "1"), false),
        (on_own("s3:PutObjectTagging"), features.tags),
        (on_own("s3:PutObjectAcl"), false),
        (on_own("s3:BypassGovernanceRetention"), false),
        (Request::on_bucket(&me, "s3:GetBucketLocation", BUCKET), false),
        (Request::on_bucket(&me, "s3:GetBucketVersioning", BUCKET), features.settings),
        (Request::on_bucket(&me, "s3:GetBucketObjectLockConfiguration", BUCKET), features.settings),
        (Request::on_bucket(&me, "s3:PutBucketPolicy", BUCKET), false),
        (Request::on_bucket(&me, "s3:PutLifecycleConfiguration", BUCKET), false),
        (Request::new(&me, "kms:GenerateDataKey", KEY), wanted.kms_key.is_some()),
        (Request::new(&me, "kms:Decrypt", KEY), wanted.kms_key.is_some()),
    ];
    let their_key = format!("{theirs}x.zip");
    for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"] {
        requests.push((sure(Request::on_object(&me, action, BUCKET, &their_key)), false));
    }
    requests
}

#[test]
fn every_generated_key_may_do_what_is_needed_and_nothing_else() {
    for (kind, wanted, made) in all() {
        if !matches!(kind, Kind::Set | Kind::OneClient | Kind::Group | Kind::WriteOnly) {
            continue;
        }
        let evaluator = Evaluator::new(&policies(&made));
        for (request, may) in requests(&wanted, kind) {
            assert_eq!(evaluator.decide(&request).is_allow(), may, "{kind:?} {wanted:?}\n{request:?}");
        }
    }
}

#[test]
fn without_any_one_of_its_actions_a_generated_key_may_no_longer_do_something() {
    for (kind, wanted, made) in all() {
        if !matches!(kind, Kind::OneClient | Kind::Group | Kind::WriteOnly) {
            continue;
        }
        let whole = policies(&made);
        for (statement, action) in allowed_actions(&whole[0]) {
            let mut less = whole.clone();
            less[0].statements[statement].actions.patterns.remove(action);
            let evaluator = Evaluator::new(&less);
            let missed = requests(&wanted, kind)
                .into_iter()
                .filter(|(request, may)| *may && !evaluator.decide(request).is_allow())
                .count();
            assert!(missed > 0, "{kind:?} does not need {:?}", whole[0].statements[statement].actions.patterns[action]);
        }
    }
}

fn allowed_actions(policy: &Policy) -> Vec<(usize, usize)> {
    let allows = |(_, statement): &(usize, &Statement)| statement.effect.value == Effect::Allow;
    let statements = policy.statements.iter().enumerate().filter(allows);
    statements
        .flat_map(|(at, statement)| (0..statement.actions.patterns.len()).map(move |action| (at, action)))
        .collect()
}

#[test]
fn the_sets_bucket_policy_refuses_overwriting_and_what_comes_without_tls() {
    let wanted = all().into_iter().find(|(kind, wanted, _)| *kind == Kind::Set && !wanted.features.backwpup);
    let (_, wanted, made) = wanted.expect("there is one");
    let evaluator = Evaluator::new(&policies(&made));
    let me = Principal::user("client1");
    let key = format!("{}x.zip", wanted.prefix.of(&ClientName::parse("client1").expect("valid")));
    let put = Request::put_object(&me, BUCKET, &key);
    assert!(!evaluator.decide(&put).is_allow(), "it might overwrite");
    let sure = put.with("s3:if-none-match", "*");
    assert!(evaluator.decide(&sure).is_allow());
    for (name, value) in [("aws:SecureTransport", "false"), ("s3:TlsVersion", "1.1")] {
        let plain = sure.clone().with(name, value);
        assert!(!evaluator.decide(&plain).is_allow(), "{name}");
    }
}

#[test]
fn the_fleet_key_lists_all_clients_and_does_nothing_else() {
    let hoster = Principal::user("holdfast-fleet");
    for (kind, wanted, made) in all() {
        if kind != Kind::Fleet {
            continue;
        }
        let evaluator = Evaluator::new(&policies(&made));
        let own = wanted.prefix.of(&ClientName::parse("client1").expect("valid"));
        for prefix in [own.as_str(), wanted.prefix.root()] {
            let listing = Listing { prefix: Some(prefix), delimiter: Some("/"), ..Listing::default() };
            assert!(evaluator.decide(&Request::list_objects(&hoster, BUCKET, listing)).is_allow());
        }
        let key = format!("{own}x.zip");
        for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
            assert!(!evaluator.decide(&Request::on_object(&hoster, action, BUCKET, &key)).is_allow());
        }
        let outside = Listing { prefix: Some("logs/"), ..Listing::default() };
        let confined = !wanted.prefix.root().is_empty();
        assert_eq!(!evaluator.decide(&Request::list_objects(&hoster, BUCKET, outside)).is_allow(), confined);
    }
}
