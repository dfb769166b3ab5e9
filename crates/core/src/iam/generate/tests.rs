use serde_json::Value;

use super::*;
use crate::iam::document::{Effect, Statement};

fn options() -> Options {
    Options {
        bucket: Bucket::parse("rainworks-hosting-backups").expect("valid"),
        prefix: ClientPrefix::parse("home/${aws:username}/").expect("valid"),
        client: None,
        group: "holdfast-clients".to_owned(),
        features: Features::default(),
        kms_key: None,
        dialect: Dialect::Aws,
        partition: Partition::Aws,
    }
}

fn client1() -> Options {
    Options { client: Some(ClientName::parse("client1").expect("valid")), ..options() }
}

fn minimal() -> Features {
    Features { settings: false, ..Features::default() }
}

fn only(kind: Kind, options: &Options) -> Document {
    let made = generate(kind, options, "").expect("fits");
    assert_eq!(made.documents.len(), 1);
    made.documents[0].clone()
}

fn policy_of(document: &Document) -> &Policy {
    match &document.body {
        Body::Policy(policy) => policy,
        Body::Lifecycle(_) => panic!("a lifecycle"),
    }
}

/// Everything that is allowed, as `action on resource`, sorted.
fn allowed(kind: Kind, options: &Options) -> Vec<String> {
    let document = only(kind, options);
    let allows = |statement: &&Statement| statement.effect.value == Effect::Allow;
    let mut all: Vec<_> = policy_of(&document)
        .statements
        .iter()
        .filter(allows)
        .flat_map(|statement| {
            let resources = &statement.resources.as_ref().expect("has resources").patterns;
            statement.actions.patterns.iter().flat_map(move |action| {
                resources.iter().map(move |resource| format!("{} on {}", action.value, resource.value))
            })
        })
        .collect();
    all.sort();
    all
}

fn known(name: &str) -> Value {
    let path = match name {
        "group" => include_str!("../../../tests/data/policies/group.json"),
        "one-client" => include_str!("../../../tests/data/policies/one-client.json"),
        "write-only" => include_str!("../../../tests/data/policies/write-only.json"),
        "write-only-minio" => include_str!("../../../tests/data/policies/write-only-minio.json"),
        "bucket-policy" => include_str!("../../../tests/data/policies/bucket-policy.json"),
        _ => include_str!("../../../tests/data/policies/lifecycle.json"),
    };
    serde_json::from_str(path).expect("JSON")
}

/// A policy without what makes no difference: Sids, the order of actions, lists of one; and
/// without `GetBucketLocation`, which nothing needs.
fn meaning(policy: &Value) -> Vec<String> {
    let mut statements: Vec<String> =
        policy["Statement"].as_array().expect("a list").iter().filter_map(normal).collect();
    statements.sort();
    statements
}

fn normal(statement: &Value) -> Option<String> {
    let mut statement = statement.clone();
    let fields = statement.as_object_mut().expect("an object");
    fields.remove("Sid");
    flatten(&mut statement);
    let actions = statement["Action"].as_array_mut().expect("a list");
    actions.retain(|action| action != "s3:GetBucketLocation");
    actions.sort_by_key(Value::to_string);
    (!actions.is_empty()).then(|| statement.to_string())
}

fn flatten(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(flatten),
        Value::String(text) => *value = Value::from(vec![text.clone()]),
        _ => {}
    }
}

fn written(kind: Kind, options: &Options) -> Value {
    serde_json::from_str(&only(kind, options).json()).expect("JSON")
}

#[test]
fn the_group_policy_holds_what_is_needed_and_nothing_else() {
    insta::assert_snapshot!(only(Kind::Group, &options()).json());
}

#[test]
fn minimal_policies_are_the_known_ones_without_the_region() {
    let mut group = options();
    group.features = minimal();
    assert_eq!(meaning(&written(Kind::Group, &group)), meaning(&known("group")));
    let mut one = client1();
    one.features = minimal();
    assert_eq!(meaning(&written(Kind::OneClient, &one)), meaning(&known("one-client")));
}

#[test]
fn write_only_is_the_known_one_in_both_dialects() {
    assert_eq!(meaning(&written(Kind::WriteOnly, &options())), meaning(&known("write-only")));
    let minio = Options { dialect: Dialect::Minio, ..options() };
    assert_eq!(meaning(&written(Kind::WriteOnly, &minio)), meaning(&known("write-only-minio")));
}

#[test]
fn the_bucket_policy_is_the_known_one_to_the_letter() {
    assert_eq!(written(Kind::BucketPolicy, &options()), known("bucket-policy"));
}

#[test]
fn the_lifecycle_is_the_known_one_to_the_letter() {
    assert_eq!(written(Kind::Lifecycle, &options()), known("lifecycle"));
}

#[test]
fn each_feature_is_one_permission() {
    let with = |change: fn(&mut Features)| {
        let mut options = options();
        change(&mut options.features);
        allowed(Kind::Group, &options)
    };
    let all = with(|_| {});
    let missing = |change| {
        let some = with(change);
        all.iter().filter(|entry| !some.contains(entry)).cloned().collect::<Vec<_>>()
    };
    let own = |action: &str| format!("s3:{action} on arn:aws:s3:::rainworks-hosting-backups/home/${{aws:username}}/*");
    let bucket = |action: &str| format!("s3:{action} on arn:aws:s3:::rainworks-hosting-backups");
    assert_eq!(missing(|wanted| wanted.retention = false), [own("DeleteObject")]);
    // Copying needs to read what it copies.
    assert_eq!(missing(|wanted| wanted.restore = false), [""; 0]);
    assert_eq!(missing(|wanted| (wanted.restore, wanted.incremental) = (false, false)), [own("GetObject")]);
    assert_eq!(
        missing(|wanted| wanted.settings = false),
        [bucket("GetBucketObjectLockConfiguration"), bucket("GetBucketVersioning")]
    );
    let added =
        |change: fn(&mut Features)| with(change).into_iter().filter(|entry| !all.contains(entry)).collect::<Vec<_>>();
    assert_eq!(added(|wanted| wanted.tags = true), [own("PutObjectTagging")]);
    assert_eq!(added(|wanted| wanted.backwpup = true), [bucket("ListBucketMultipartUploads")]);
}

#[test]
fn a_kms_key_is_used_and_no_other() {
    let arn = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let options = Options { kms_key: Some(KmsKey::parse(arn).expect("valid")), ..options() };
    let kms: Vec<_> = allowed(Kind::Group, &options).into_iter().filter(|entry| entry.starts_with("kms:")).collect();
    assert_eq!(kms, [format!("kms:Decrypt on {arn}"), format!("kms:GenerateDataKey on {arn}")]);
    let china = Options { partition: Partition::AwsCn, ..options };
    let error = generate(Kind::Group, &china, "").expect_err("another partition");
    assert_eq!(error.to_string(), "the KMS key is in the partition `aws`, the bucket in `aws-cn`");
}

#[test]
fn every_arn_is_in_the_partition() {
    for kind in [Kind::Set, Kind::WriteOnly, Kind::Fleet] {
        let made = generate(kind, &Options { partition: Partition::AwsUsGov, ..options() }, "").expect("fits");
        for document in made.documents {
            assert!(!document.json().contains("arn:aws:"), "{}", document.json());
        }
    }
}

#[test]
fn the_fleet_key_lists_below_the_root_of_clients_and_reads_nothing() {
    insta::assert_snapshot!(only(Kind::Fleet, &options()).json());
    assert_eq!(allowed(Kind::Fleet, &options()), ["s3:ListBucket on arn:aws:s3:::rainworks-hosting-backups"]);
    let root = Options { prefix: ClientPrefix::parse("${aws:username}/").expect("valid"), ..options() };
    assert!(policy_of(&only(Kind::Fleet, &root)).statements[0].conditions.is_empty());
}

#[test]
fn the_set_comes_with_its_commands() {
    insta::assert_snapshot!(commands(&generate(Kind::Set, &options(), "policies/").expect("fits")));
}

#[test]
fn other_kinds_come_with_theirs() {
    let told = [(Kind::OneClient, client1()), (Kind::WriteOnly, options()), (Kind::Fleet, options())]
        .map(|(kind, options)| commands(&generate(kind, &options, "").expect("fits")));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn minio_is_spoken_to_in_its_own_commands() {
    let minio = Options { dialect: Dialect::Minio, ..options() };
    let made = generate(Kind::Set, &minio, "my policies/").expect("fits");
    let documents = made.documents.iter().map(Document::json).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(format!("{documents}\n{}", commands(&made)));
    for (kind, change) in
        [(Kind::BucketPolicy, None), (Kind::Set, Some("arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab"))]
    {
        let options = Options { kms_key: change.map(|arn| KmsKey::parse(arn).expect("valid")), ..minio.clone() };
        assert!(matches!(generate(kind, &options, ""), Err(GenerateError::Minio(_))));
    }
}

#[test]
fn on_minio_versions_are_kept_by_a_denial() {
    let denied = |kind, options: &Options| -> Vec<String> {
        let made = generate(kind, options, "").expect("fits");
        let denies = |statement: &&Statement| statement.effect.value == Effect::Deny;
        policy_of(&made.documents[0])
            .statements
            .iter()
            .filter(denies)
            .map(|statement| {
                let resource = &statement.resources.as_ref().expect("has one").patterns[0].value;
                format!("{} on {resource}", statement.actions.patterns[0].value)
            })
            .collect()
    };
    let objects = "s3:DeleteObjectVersion on arn:aws:s3:::rainworks-hosting-backups/home";
    for (kind, options, client) in [
        (Kind::Set, options(), "${aws:username}"),
        (Kind::Group, options(), "${aws:username}"),
        (Kind::OneClient, client1(), "client1"),
    ] {
        assert_eq!(denied(kind, &options), [""; 0]);
        let minio = Options { dialect: Dialect::Minio, ..options };
        assert_eq!(denied(kind, &minio), [format!("{objects}/{client}/*")]);
    }
}

fn commands(made: &Generated) -> String {
    let mut text: String =
        made.documents.iter().map(|document| format!("{}: {}\n", document.file, document.title)).collect();
    made.steps.iter().for_each(|step| text.push_str(&format!("# {}\n{}\n", step.why, step.command)));
    made.notes.iter().for_each(|note| text.push_str(&format!("note: {note}\n")));
    text
}

#[test]
fn a_policy_too_long_for_a_user_becomes_one_of_its_own() {
    let long = format!("{}/", "x".repeat(900));
    let options = Options { prefix: ClientPrefix::parse(long).expect("valid"), ..client1() };
    let told = commands(&generate(Kind::WriteOnly, &options, "").expect("fits"));
    assert!(told.contains("aws iam create-policy --policy-name holdfast-backup-client1"), "{told}");
}

#[test]
fn backwpup_gets_its_leak_said_and_no_rule_that_refuses_it() {
    let mut options = options();
    options.features.backwpup = true;
    let told = commands(&generate(Kind::Set, &options, "").expect("fits"));
    assert!(told.contains("every client can see the names of all clients' unfinished backups"), "{told}");
    assert!(!only(Kind::BucketPolicy, &options).json().contains("NoOverwrite"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let shared = Options { prefix: ClientPrefix::parse("home/").expect("valid"), ..options() };
    let whole = Options { prefix: ClientPrefix::parse("").expect("valid"), ..client1() };
    let tagged = Options { features: Features { tags: true, ..Features::default() }, ..options() };
    let without = Options { features: Features { retention: false, ..Features::default() }, ..options() };
    for (kind, options, words) in [
        (Kind::OneClient, options(), "`one-client` needs the client's name"),
        (Kind::Group, client1(), "`group` is for all clients, not for one"),
        (Kind::Group, shared.clone(), "the prefix \"home/\" is the same for every client: it lacks `${aws:username}`"),
        (Kind::WriteOnly, shared, "the prefix \"home/\" is the same for every client: it lacks `${aws:username}`"),
        (Kind::OneClient, whole, "an empty prefix is the whole bucket, with everybody in it"),
        (Kind::Lifecycle, tagged, "`--tags` means nothing for `lifecycle`"),
        (Kind::WriteOnly, without, "`--without` means nothing for `write-only`"),
    ] {
        assert_eq!(generate(kind, &options, "").expect_err(words).to_string(), words);
    }
}

#[test]
fn the_policy_in_the_documentation_is_the_generated_one() {
    let page = include_str!("../../../../../docs/permissions.md");
    let json = only(Kind::Group, &options()).json().replace("rainworks-hosting-backups", "BUCKET");
    assert!(page.contains(&json));
    for rule in crate::iam::lint::Rule::ALL {
        assert!(page.contains(&format!("`{}`", rule.id())), "{}", rule.id());
    }
}
