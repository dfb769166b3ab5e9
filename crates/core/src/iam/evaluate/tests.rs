//! The verdicts of real policies, principals, and the laws that hold of all policies.

use proptest::prelude::*;

use super::*;
use crate::iam::{
    document::Placed,
    parse::parse,
    request::{Doubt, Listing},
};

const BUCKET: &str = "rainworks-hosting-backups";

macro_rules! policies {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(fn $name() -> Policy {
            parse(include_str!(concat!("../../../tests/data/policies/", $file))).expect($file)
        })*
    };
}

policies! {
    aws_blog = "aws-blog.json",
    origin_final = "origin-final.json",
    group = "group.json",
    one_client = "one-client.json",
    group_plus = "group-plus-list-uploads.json",
    write_only = "write-only.json",
    write_only_minio = "write-only-minio.json",
    bucket_policy = "bucket-policy.json",
    mpu_prefix = "mpu-prefix-condition.json",
    mpu_ifexists = "mpu-prefix-ifexists.json",
}

fn client() -> Principal {
    Principal::user("client1")
}

fn letter(decision: &Decision) -> char {
    match decision {
        Decision::Allow(_) => 'Y',
        Decision::ImplicitDeny => '-',
        Decision::ExplicitDeny(_) => 'X',
    }
}

fn ask(policies: &[Policy], request: &Request) -> char {
    letter(&evaluate(policies, request))
}

/// The rows of the table, for keys below `root`, as A, B, C… ask them.
fn requests(root: &str) -> Vec<(&'static str, Vec<Request>)> {
    let me = client();
    let list = |prefix: Option<&str>, delimiter| {
        vec![Request::list_objects(&me, BUCKET, Listing { prefix, delimiter, max_keys: None })]
    };
    let own = format!("{root}client1/");
    let other = format!("{root}client2/");
    let (own_key, other_key) = (format!("{own}x"), format!("{other}x"));
    vec![
        ("HeadBucket / list, no prefix", vec![Request::head_bucket(&me, BUCKET), list(None, None).remove(0)]),
        ("list prefix '' delimiter '/'", list(Some(""), Some("/"))),
        ("list own prefix/", list(Some(&own), None)),
        ("list client2 prefix/", list(Some(&other), None)),
        ("list own prefix, no slash", list(Some(own.trim_end_matches('/')), None)),
        ("ListBucketMultipartUploads", vec![Request::list_multipart_uploads(&me, BUCKET)]),
        ("… another bucket", vec![Request::list_multipart_uploads(&me, "another-bucket")]),
        ("Put own x", vec![Request::put_object(&me, BUCKET, &own_key), Request::upload_part(&me, BUCKET, &own_key)]),
        ("Get own x", vec![Request::get_object(&me, BUCKET, &own_key)]),
        ("Delete own x", vec![Request::delete_object(&me, BUCKET, &own_key)]),
        ("Abort own x", vec![Request::abort_multipart_upload(&me, BUCKET, &own_key)]),
        ("DeleteObjectVersion own x", vec![Request::delete_object_version(&me, BUCKET, &own_key, "v1")]),
        (
            "Put/Get/Abort client2 x",
            vec![
                Request::put_object(&me, BUCKET, &other_key),
                Request::get_object(&me, BUCKET, &other_key),
                Request::abort_multipart_upload(&me, BUCKET, &other_key),
            ],
        ),
        ("Delete client2 x", vec![Request::delete_object(&me, BUCKET, &other_key)]),
        ("ListAllMyBuckets", vec![Request::list_buckets(&me)]),
        ("PutBucketPolicy", vec![Request::on_bucket(&me, "s3:PutBucketPolicy", BUCKET)]),
        ("PutObjectAcl own x", vec![Request::on_object(&me, "s3:PutObjectAcl", BUCKET, &own_key)]),
    ]
}

#[test]
fn the_verdicts_of_the_origin_story() {
    //                                  A    B  B-root C   C+   R
    let table: [(&str, [char; 6]); 17] = [
        ("HeadBucket / list, no prefix", ['-', 'Y', 'Y', '-', '-', '-']),
        ("list prefix '' delimiter '/'", ['Y', 'Y', 'Y', '-', '-', '-']),
        ("list own prefix/", ['Y', 'Y', 'Y', 'Y', 'Y', 'Y']),
        ("list client2 prefix/", ['-', 'Y', 'Y', '-', '-', '-']),
        ("list own prefix, no slash", ['-', 'Y', 'Y', '-', '-', '-']),
        // For one's own prefix, another's and none it is the same request: IAM is not told.
        ("ListBucketMultipartUploads", ['-', 'Y', 'Y', '-', 'Y', '-']),
        ("… another bucket", ['-', 'Y', 'Y', '-', '-', '-']),
        ("Put own x", ['Y', '-', 'Y', 'Y', 'Y', 'Y']),
        ("Get own x", ['Y', '-', 'Y', 'Y', 'Y', '-']),
        ("Delete own x", ['Y', '-', 'Y', 'Y', 'Y', 'X']),
        ("Abort own x", ['Y', '-', 'Y', 'Y', 'Y', 'Y']),
        ("DeleteObjectVersion own x", ['Y', '-', 'Y', '-', '-', 'X']),
        ("Put/Get/Abort client2 x", ['-', '-', '-', '-', '-', '-']),
        ("Delete client2 x", ['-', '-', '-', '-', '-', 'X']),
        ("ListAllMyBuckets", ['Y', 'Y', 'Y', '-', '-', '-']),
        ("PutBucketPolicy", ['-', '-', '-', '-', '-', 'X']),
        ("PutObjectAcl own x", ['Y', '-', 'Y', '-', '-', 'X']),
    ];
    let columns = [
        ("A", aws_blog(), "home/"),
        ("B", origin_final(), "home/"),
        ("B-root", origin_final(), ""),
        ("C", group(), "home/"),
        ("C+", group_plus(), "home/"),
        ("R", write_only(), "home/"),
    ];
    for (column, (name, policy, root)) in columns.iter().enumerate() {
        for ((row, verdicts), (asked, requests)) in table.iter().zip(requests(root)) {
            assert_eq!(*row, asked);
            for request in requests {
                let said = ask(std::slice::from_ref(policy), &request);
                assert_eq!(said, verdicts[column], "{name}: {row}: {} on {}", request.action, request.resource);
            }
        }
    }
}

#[test]
fn one_clients_policy_says_to_it_what_the_groups_says() {
    for (row, requests) in requests("home/") {
        for request in requests {
            assert_eq!(ask(&[one_client()], &request), ask(&[group()], &request), "{row}");
        }
    }
    let neighbour = Request::get_object(&client(), BUCKET, "home/client10/x");
    assert_eq!(ask(&[one_client(), group()], &neighbour), '-');
}

#[test]
fn minios_write_only_policy_differs_in_acls_alone() {
    for (row, requests) in requests("home/") {
        let expected = |said| if row == "PutObjectAcl own x" { '-' } else { said };
        for request in requests {
            assert_eq!(ask(&[write_only_minio()], &request), expected(ask(&[write_only()], &request)), "{row}");
        }
    }
    let foreign_key = Request::put_object(&client(), BUCKET, "home/client1/x")
        .with("s3:x-amz-server-side-encryption-customer-algorithm", "AES256");
    assert_eq!(ask(&[write_only()], &foreign_key), 'X');
}

#[test]
fn a_prefix_condition_on_listing_uploads_is_never_met_and_if_exists_always() {
    let uploads = Request::list_multipart_uploads(&client(), BUCKET);
    assert_eq!(ask(&[mpu_prefix()], &uploads), '-');
    assert_eq!(ask(&[mpu_ifexists()], &uploads), 'Y');
    let hopeful = uploads.doubting(Doubt::Choices);
    assert_eq!(ask(&[mpu_prefix()], &hopeful), '-', "no choice of the sender puts the key in");
}

#[test]
fn the_bucket_policy_demands_tls_and_forbids_overwriting() {
    let policies = [group(), bucket_policy()];
    let put = Request::put_object(&client(), BUCKET, "home/client1/x");
    assert_eq!(ask(&policies, &put), 'X', "an unconditional write may overwrite");
    assert_eq!(ask(&policies, &put.clone().with("s3:if-none-match", "*")), 'Y');
    assert_eq!(ask(&policies, &Request::upload_part(&client(), BUCKET, "home/client1/x")), 'Y');
    let get = Request::get_object(&client(), BUCKET, "home/client1/x");
    assert_eq!(ask(&policies, &get), 'Y');
    assert_eq!(ask(&policies, &get.clone().with("aws:SecureTransport", "false")), 'X');
    assert_eq!(ask(&policies, &get.with("s3:TlsVersion", "1.1")), 'X');
}

#[test]
fn the_deciding_statement_is_named() {
    let decision = evaluate(&[group(), write_only()], &Request::delete_object(&client(), BUCKET, "home/client1/x"));
    let Decision::ExplicitDeny(by) = decision else { panic!("{decision:?}") };
    assert_eq!((by.policy, by.statement, by.sid.as_deref()), (1, 4, Some("NeverDestroyOrUnlock")));
    assert_eq!(by.position, Position { line: 37, column: 5 });
}

#[test]
fn without_a_version_variables_are_plain_text() {
    let mut policy = group();
    policy.version = None;
    assert_eq!(ask(&[policy], &Request::get_object(&client(), BUCKET, "home/client1/x")), '-');
}

#[test]
fn a_role_has_no_user_name_so_the_groups_policy_gives_it_nothing() {
    let role = Principal::Role { account: None, name: "client1".into(), session: "client1".into() };
    assert_eq!(ask(&[group()], &Request::get_object(&role, BUCKET, "home/client1/x")), '-');
    assert_eq!(ask(&[group()], &Request::on_bucket(&role, "s3:GetBucketLocation", BUCKET)), 'Y');
}

fn resource_policy(principal: &str, effect: &str) -> Policy {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}",{principal},"Action":"s3:GetObject",
           "Resource":"arn:aws:s3:::{BUCKET}/*"}}}}"#
    );
    parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn principals_are_named_by_arn_account_or_star() {
    let account = || Some("123456789012".to_owned());
    let user = |name: &str| Principal::User { account: account(), name: name.into() };
    let role = Principal::Role { account: account(), name: "backup".into(), session: "night".into() };
    let service = Principal::Service("logging.s3.amazonaws.com".into());
    let root = Principal::Root { account: account() };
    // Principal, then: client1, client2, a role, the account, a service, nobody.
    let table = [
        (r#""Principal":"*""#, "YYYYYY", "XXXXXX"),
        (r#""Principal":{"AWS":"*"}"#, "YYYYYY", "XXXXXX"),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/client1"}"#, "Y-----", "X-----"),
        (r#""Principal":{"AWS":["x","arn:aws:iam::123456789012:user/hosting/client1"]}"#, "Y-----", "X-----"),
        (r#""Principal":{"AWS":"arn:aws:iam::999999999999:user/client1"}"#, "------", "------"),
        (r#""Principal":{"AWS":"123456789012"}"#, "---Y--", "XXXX--"),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:root"}"#, "---Y--", "XXXX--"),
        (r#""Principal":{"AWS":"arn:aws:iam::123456789012:role/backup"}"#, "--Y---", "--X---"),
        (r#""Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/backup/night"}"#, "--Y---", "--X---"),
        (r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#, "----Y-", "----X-"),
        (r#""Principal":{"CanonicalUser":"123456789012"}"#, "------", "------"),
        (r#""NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/client1"}"#, "-YYYYY", "-XXXXX"),
        (r#""NotPrincipal":"*""#, "------", "------"),
    ];
    let askers = [user("client1"), user("client2"), role, root, service, Principal::Anonymous];
    for (principal, allowed, denied) in table {
        for (effect, expected) in [("Allow", allowed), ("Deny", denied)] {
            let policy = [resource_policy(principal, effect)];
            let said = askers.iter().map(|asker| ask(&policy, &Request::get_object(asker, BUCKET, "x")));
            assert_eq!(said.collect::<String>(), expected, "{effect} {principal}");
        }
    }
}

#[test]
fn either_kind_of_policy_allows_and_either_denies() {
    let key = "home/client1/x";
    let request = Request::get_object(&client(), BUCKET, key);
    let bucket = resource_policy(r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/client1"}"#, "Allow");
    assert_eq!(ask(std::slice::from_ref(&bucket), &request), 'Y');
    assert_eq!(ask(&[bucket, write_only()], &Request::delete_object(&client(), BUCKET, key)), 'X');
    assert_eq!(ask(&[group(), resource_policy(r#""Principal":"*""#, "Deny")], &request), 'X');
}

#[test]
fn negated_actions_and_resources_take_all_the_rest() {
    let policy = |elements: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{elements}}}}}"#);
        [parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))]
    };
    let not_actions = policy(r#""NotAction":["s3:Delete*","iam:*"],"Resource":"*""#);
    assert_eq!(ask(&not_actions, &Request::get_object(&client(), "b", "k")), 'Y');
    assert_eq!(ask(&not_actions, &Request::delete_object_version(&client(), "b", "k", "v")), '-');
    let not_resources = policy(r#""Action":"S3:getobject","NotResource":"arn:aws:s3:::b/home/${aws:username}/*""#);
    assert_eq!(ask(&not_resources, &Request::get_object(&client(), "b", "home/client1/x")), '-');
    assert_eq!(ask(&not_resources, &Request::get_object(&client(), "b", "home/client2/x")), 'Y');
    let unresolved = policy(r#""Action":"s3:*","NotResource":"arn:aws:s3:::b/${aws:userid}/*""#);
    assert_eq!(ask(&unresolved, &Request::get_object(&client(), "b", "home/client2/x")), '-');
}

#[test]
fn what_is_not_known_is_assumed_in_favour_and_said() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
        {"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}]}"#;
    let policies = [parse(text).expect("a policy")];
    let request = Request::get_object(&client(), BUCKET, "x");
    assert_eq!(ask(&policies, &request), 'X', "a missing key meets a negated condition");
    let decision = evaluate(&policies, &request.doubting(Doubt::Surroundings));
    assert_eq!(decision.by().map(|by| by.assumed.clone()), Some(vec!["aws:sourceip".into(), "aws:sourcevpce".into()]));
    assert!(decision.is_allow());
}

/// Policies of few words, so that they meet the requests.
fn statement() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec!["s3:*", "s3:GetObject", "s3:Get*", "s3:PutObject", "s3:ListBucket", "*"]);
    let resource = prop::sample::select(vec![
        "*",
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/home/${aws:username}/*",
        "arn:aws:s3:::b/home/${aws:userid, 'nobody'}/?",
        "arn:aws:s3:::b/home/client?/*",
    ]);
    let condition = prop::sample::select(vec![
        "{}",
        r#"{"StringLike":{"s3:prefix":["home/${aws:username}/*",""]}}"#,
        r#"{"StringNotLike":{"s3:prefix":"home/*"}}"#,
        r#"{"Null":{"s3:prefix":"true"}}"#,
        r#"{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"s3:delimiter":"/"}}"#,
    ]);
    let effect = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    (effect, any::<bool>(), action, any::<bool>(), resource, condition).prop_map(
        |(effect, not_action, action, not_resource, resource, condition)| {
            let not = |negated| if negated { "Not" } else { "" };
            format!(
                r#"{{"Effect":"{effect}","{}Action":"{action}","{}Resource":"{resource}","Condition":{condition}}}"#,
                not(not_action && effect == "Allow"),
                not(not_resource)
            )
        },
    )
}

fn policy_of(statements: &[String]) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn some_request() -> impl Strategy<Value = Request> {
    let name = prop::sample::select(vec!["client1", "client10", "*", "${aws:username}"]);
    let key = prop::sample::select(vec!["x", "home/client1/x", "home/client10/x", "home/*/x", "home/nobody/x"]);
    let prefix = prop::sample::select(vec![None, Some(""), Some("home/client1/"), Some("home/client10/")]);
    (name, key, prefix, 0..4, any::<bool>()).prop_map(|(name, key, prefix, which, doubtful)| {
        let me = Principal::user(name);
        let request = match which {
            0 => Request::get_object(&me, "b", key),
            1 => Request::put_object(&me, "b", key),
            2 => Request::delete_object(&me, "b", key),
            _ => Request::list_objects(&me, "b", Listing { prefix, ..Listing::default() }),
        };
        request.doubting(if doubtful { Doubt::Choices } else { Doubt::Nothing })
    })
}

proptest! {
    #[test]
    fn a_deny_wins_over_whatever_allows(statements in prop::collection::vec(statement(), 1..6), request in some_request()) {
        let policy = policy_of(&statements);
        let denies = Policy {
            statements: policy.statements.iter().filter(|it| it.effect.value == Effect::Deny).cloned().collect(),
            ..policy.clone()
        };
        let denied = matches!(evaluate(&[denies], &request), Decision::ExplicitDeny(_));
        prop_assert_eq!(denied, matches!(evaluate(&[policy], &request), Decision::ExplicitDeny(_)));
    }

    #[test]
    fn another_allow_never_takes_away(
        statements in prop::collection::vec(statement(), 1..5),
        another in statement(),
        at in any::<prop::sample::Index>(),
        request in some_request(),
    ) {
        let before = policy_of(&statements);
        let mut after = before.clone();
        let mut added = policy_of(&[another]).statements.remove(0);
        added.effect = Placed::from(Effect::Allow);
        after.statements.insert(at.index(before.statements.len() + 1), added);
        let (before, after) = (evaluate(&[before], &request), evaluate(&[after], &request));
        prop_assert!(!before.is_allow() || after.is_allow());
    }

    #[test]
    fn expanding_a_variable_never_widens(name in "[a*?$/{}1]{1,5}", rest in "[a*?/1]{0,5}") {
        let of = |resource: &str| {
            let text = serde_json::json!({"Version": "2012-10-17", "Statement":
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}});
            [parse(&text.to_string()).expect("a policy")]
        };
        let request = Request::get_object(&Principal::user(name.as_str()), "b", &format!("home/{rest}/x"));
        let variable = ask(&of("arn:aws:s3:::b/home/${aws:username}/x"), &request);
        prop_assert_eq!(variable == 'Y', name == rest);
        prop_assert!(variable == '-' || ask(&of("arn:aws:s3:::b/home/*/x"), &request) == 'Y');
    }

    #[test]
    fn doubt_never_takes_away(statements in prop::collection::vec(statement(), 1..5), request in some_request()) {
        let policy = [policy_of(&statements)];
        let (sure, hopeful) = (request.clone().doubting(Doubt::Nothing), request.doubting(Doubt::Choices));
        prop_assert!(!evaluate(&policy, &sure).is_allow() || evaluate(&policy, &hopeful).is_allow());
    }

    #[test]
    fn no_json_makes_it_panic(value in json(), request in some_request()) {
        let text = serde_json::json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
            "Resource": value.get("a").unwrap_or(&serde_json::Value::Null), "Condition": {"StringLike": value}}});
        for text in [text.to_string(), value.to_string()] {
            if let Ok(policy) = parse(&text) {
                let _ = evaluate(&[policy], &request);
            }
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        "[a*?${}',:]{0,8}".prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop::sample::select(vec!["a", "s3:prefix", "Statement", "Effect", "Action", "Resource", "Version"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(name, inner, 0..5).prop_map(|map| {
                map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
            }),
        ]
    })
}
