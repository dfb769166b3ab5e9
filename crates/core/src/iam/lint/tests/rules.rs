//! For each rule the smallest document that shows it, and the nearest that does not.

use super::*;

/// A policy of these statements; `@` is the bucket's ARN, `~` the user's name.
fn policy(statements: &str) -> String {
    let statements = statements.replace('~', "${aws:username}").replace('@', "arn:aws:s3:::backups");
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.replace('\'', "\""))
}

fn allow(actions: &str, resources: &str) -> String {
    format!("{{'Effect':'Allow','Action':[{actions}],'Resource':[{resources}]}}")
}

fn when(statement: &str, conditions: &str) -> String {
    format!("{},'Condition':{{{conditions}}}}}", statement.strip_suffix('}').expect("an object"))
}

fn lint_text(text: &str, options: &Options) -> Report {
    lint(&[Source { name: "policy.json", bytes: text.as_bytes() }], options)
}

/// What is found, and that the fix leaves nothing of it.
fn rules(statements: &str) -> Vec<String> {
    rules_with(statements, &Options::default())
}

fn rules_with(statements: &str, options: &Options) -> Vec<String> {
    let text = policy(statements);
    let report = lint_text(&text, options);
    let told = |report: &Report| {
        let advised = |finding: &&Finding| matches!(finding.fix, Some(Fix::Replace { .. } | Fix::Remove { .. }));
        report.findings.iter().filter(advised).map(|finding| finding.rule).collect::<Vec<_>>()
    };
    let again = lint_text(&repaired(&text, &report), options);
    assert_eq!(told(&again), [], "{}\n{}", repaired(&text, &report), again.text());
    found(&report)
}

const NONE: [&str; 0] = [];
const OWN_LISTING: &str = "'StringLike':{'s3:prefix':'home/~/*'}";

fn list() -> String {
    allow("'s3:ListBucket'", "'@'")
}

fn put() -> String {
    allow("'s3:PutObject'", "'@/home/~/*'")
}

#[test]
fn arn_kind() {
    assert_eq!(rules(&allow("'s3:PutObject'", "'@'")), ["1 arn-kind"]);
    assert_eq!(rules(&allow("'s3:PutObject'", "'@','@/home/x/*'")), NONE);
    assert_eq!(rules(&allow("'s3:ListBucket'", "'@/*'")), ["1 arn-kind"]);
    assert_eq!(rules(&allow("'s3:ListBucket','s3:GetObject'", "'@','@/*'")), NONE);
    assert_eq!(rules(&allow("'s3:GetBucket*'", "'@/*'")), ["1 arn-kind"]);
    assert_eq!(rules(&allow("'s3:GetObject*'", "'@/home/x/*'")), NONE);
    // A protection that protects nothing is as wrong.
    assert_eq!(rules("{'Effect':'Deny','Action':'s3:DeleteObject','Resource':'@'}"), ["1 arn-kind"]);
    assert_eq!(rules(&allow("'kms:Decrypt'", "'arn:aws:kms:us-west-2:111122223333:key/x'")), NONE);
}

#[test]
fn a_buckets_bare_name_is_no_arn() {
    assert_eq!(rules(&allow("'s3:GetObject'", "'backups/home/x/*'")), ["1 arn-kind"]);
    assert_eq!(rules(&allow("'s3:GetObject'", "'arn:aws-cn:s3:::backups/home/x/*'")), NONE);
}

#[test]
fn what_stood_on_the_wrong_arn_is_confined_when_it_moves() {
    let mixed = format!("{},{}", allow("'s3:ListBucket','s3:PutObject'", "'@/home/~/*'"), put());
    assert_eq!(rules(&mixed), ["1 arn-kind"]);
    let text = policy(&mixed);
    insta::assert_snapshot!(lint_text(&text, &Options::default()).text());
}

#[test]
fn unknown_action() {
    assert_eq!(rules(&allow("'s3:HeadBucket'", "'@'")), ["1 unknown-action"]);
    assert_eq!(rules(&allow("'s3:ListObjectsV2'", "'@'")), ["1 unknown-action"]);
    assert_eq!(rules(&allow("'s3:GetObjects'", "'@/home/x/*'")), ["1 unknown-action"]);
    assert_eq!(rules(&allow("'s3:Upload*'", "'@/home/x/*'")), ["1 unknown-action"]);
    assert_eq!(rules(&allow("'S3:getobject'", "'@/home/x/*'")), NONE);
    assert_eq!(rules(&allow("'dynamodb:NoSuchThing'", "'*'")), NONE);
}

#[test]
fn what_a_misnomer_means_comes_with_the_arn_and_the_condition_that_it_needs() {
    let text = policy(&format!("{},{}", allow("'s3:ListObjectsV2','s3:UploadPart'", "'@/home/~/*'"), put()));
    insta::assert_snapshot!(lint_text(&text, &Options::default()).text());
}

#[test]
fn near_bucket() {
    let other =
        |name: &str| format!("{},{}", put(), allow("'s3:GetObject'", &format!("'arn:aws:s3:::{name}/home/~/*'")));
    let twice = |name: &str| format!("{},{}", put(), other(name));
    assert_eq!(rules(&twice("backup")), ["3 near-bucket"]);
    assert_eq!(rules(&twice("logs")), NONE);
    // One against one: nobody can say which is meant, unless it was said.
    assert_eq!(rules(&other("backup")), NONE);
    let said = Options { bucket: Some(Bucket::parse("backups").expect("valid")), prefix: None };
    assert_eq!(rules_with(&other("backup"), &said), ["2 near-bucket"]);
    // Numbers are told apart on purpose.
    assert_eq!(rules(&twice("backups2")), NONE);
}

#[test]
fn open_listing() {
    let with = |condition: &str| format!("{},{}", when(&list(), condition), put());
    assert_eq!(rules(&format!("{},{}", list(), put())), ["1 open-listing"]);
    assert_eq!(rules(&with(OWN_LISTING)), NONE);
    assert_eq!(rules(&with("'StringLike':{'s3:prefix':'home/*'}")), ["1 open-listing"]);
    assert_eq!(rules(&with("'StringLike':{'s3:prefix':'*'}")), ["1 open-listing"]);
    assert_eq!(rules(&with("'StringEquals':{'s3:prefix':['home/','home/~/']}")), ["1 open-listing"]);
    assert_eq!(rules(&with("'StringEquals':{'s3:prefix':'home/~/'}")), NONE);
    assert_eq!(rules(&with("'StringLikeIfExists':{'s3:prefix':'home/~/*'}")), ["1 open-listing"]);
    assert_eq!(rules(&with("'StringNotLike':{'s3:prefix':'admin/*'}")), ["1 open-listing"]);
    assert_eq!(rules(&with("'ForAllValues:StringLike':{'s3:prefix':'home/~/*'}")), ["1 open-listing"]);
    assert_eq!(rules(&with("'StringEquals':{'s3:delimiter':'/'}")), ["1 open-listing"]);
    let versions = format!("{},{}", allow("'s3:ListBucketVersions'", "'@'"), put());
    assert_eq!(rules(&versions), ["1 open-listing"]);
}

#[test]
fn a_policy_that_confines_nobody_may_list_everything() {
    assert_eq!(rules(&list()), NONE);
    assert_eq!(rules(&allow("'s3:ListBucket','s3:GetObject'", "'@','@/*'")), NONE);
    assert_eq!(rules(&when(&list(), "'StringLike':{'s3:prefix':'home/*'}")), NONE);
}

#[test]
fn client_names() {
    let with = |condition: &str| format!("{},{}", when(&list(), condition), put());
    let level = "'StringEquals':{'s3:prefix':['home/'],'s3:delimiter':'/'}";
    assert_eq!(rules(&with(level)), ["1 client-names"]);
    assert_eq!(rules(&with("'Null':{'s3:prefix':'true'},'StringEquals':{'s3:delimiter':'/'}")), ["1 client-names"]);
    assert_eq!(rules(&with("'StringEquals':{'s3:prefix':['home/~/'],'s3:delimiter':'/'}")), NONE);
}

#[test]
fn dead_condition() {
    let uploads = allow("'s3:ListBucketMultipartUploads'", "'@'");
    assert_eq!(rules(&when(&uploads, OWN_LISTING)), ["1 dead-condition"]);
    assert_eq!(rules(&when(&list(), OWN_LISTING)), NONE);
    assert_eq!(rules(&when(&put(), "'StringLike':{'s3:prefix':'home/~/*'}")), ["1 dead-condition"]);
    assert_eq!(rules(&when(&put(), "'Bool':{'aws:SecureTransport':'true'}")), NONE);
    let both = allow("'s3:ListBucket','s3:PutObject'", "'@','@/home/~/*'");
    assert_eq!(rules(&when(&both, OWN_LISTING)), ["1 dead-condition"]);
    let deny = "{'Effect':'Deny','Action':'s3:DeleteObject','Resource':'@/*'}";
    assert_eq!(rules(&when(deny, "'StringLike':{'s3:prefix':'x/*'}")), ["1 dead-condition"]);
    assert_eq!(rules(&when(deny, "'StringLike':{'aws:username':'x*'}")), NONE);
}

#[test]
fn void_condition() {
    let never = "'StringNotLike':{'s3:prefix':'admin/*'}";
    assert_eq!(rules(&when(&put(), never)), ["1 void-condition"]);
    assert_eq!(rules(&when(&put(), "'StringEqualsIfExists':{'s3:x-amz-acl':'private'}")), NONE);
    assert_eq!(rules(&when(&put(), "'Null':{'s3:prefix':'true'}")), ["1 void-condition"]);
    assert_eq!(rules(&when(&put(), "'Null':{'s3:prefix':'false'}")), ["1 dead-condition"]);
}

#[test]
fn dangerous_action() {
    assert_eq!(rules(&allow("'s3:*'", "'@/home/~/*'")), ["1 dangerous-action"]);
    assert_eq!(rules(&allow("'s3:Get*'", "'@/home/~/*'")), NONE);
    assert_eq!(rules(&allow("'s3:Delete*'", "'@/home/~/*'")), ["1 dangerous-action"]);
    assert_eq!(rules(&allow("'s3:DeleteObjectVersion'", "'@/home/~/*'")), ["1 dangerous-action"]);
    assert_eq!(rules(&allow("'s3:DeleteObject'", "'@/home/~/*'")), NONE);
    assert_eq!(rules(&allow("'*'", "'*'")), ["1 dangerous-action", "1 uploads-leak", "1 bucket-names"]);
    // The hoster's own key may be named such a right, but not by a wildcard.
    assert_eq!(rules(&allow("'s3:PutLifecycleConfiguration'", "'@'")), NONE);
    assert_eq!(rules(&allow("'s3:Put*'", "'@'")), ["1 dangerous-action"]);
}

#[test]
fn what_is_denied_is_no_danger() {
    let all = allow("'s3:Delete*'", "'@/home/~/*'");
    let deny = "{'Effect':'Deny','Action':['s3:DeleteObjectVersion'],'Resource':'@/*'}";
    assert_eq!(rules(&format!("{all},{deny}")), NONE);
    assert_eq!(rules(&format!("{all},{}", deny.replace("@/*", "@/home/x/*"))), ["1 dangerous-action"]);
    let sometimes = when(deny, "'Bool':{'aws:MultiFactorAuthPresent':'false'}");
    assert_eq!(rules(&format!("{all},{sometimes}")), ["1 dangerous-action"]);
}

#[test]
fn uploads_leak() {
    assert_eq!(rules(&format!("{},{}", allow("'s3:ListBucketMultipartUploads'", "'@'"), put())), ["1 uploads-leak"]);
    assert_eq!(rules(&format!("{},{}", allow("'s3:ListMultipartUploadParts'", "'@/home/~/*'"), put())), NONE);
    let all = format!("{},{}", when(&allow("'s3:List*'", "'@'"), OWN_LISTING), put());
    assert_eq!(rules(&all), NONE, "the condition shuts it out");
    assert!(rules(&format!("{},{}", allow("'s3:List*'", "'@'"), put())).contains(&"1 uploads-leak".to_owned()));
}

#[test]
fn bucket_names() {
    for actions in ["'s3:ListAllMyBuckets'", "'s3:GetBucketLocation'", "'s3:ListAllMyBuckets','s3:GetBucketLocation'"] {
        assert_eq!(rules(&allow(actions, "'*'")), ["1 bucket-names"]);
        assert_eq!(rules(&allow(actions, "'arn:aws:s3:::*'")), ["1 bucket-names"]);
    }
    assert_eq!(rules(&allow("'s3:GetBucketLocation'", "'@'")), NONE);
}

#[test]
fn version() {
    let text = policy(&put());
    for (old, sure) in [("\"Version\":\"2012-10-17\",", ""), ("2012-10-17", "2008-10-17")] {
        let variables = text.replace(old, sure);
        assert_eq!(found(&lint_text(&variables, &Options::default())), ["0 version"]);
        let plain = variables.replace("${aws:username}", "client1");
        assert_eq!(found(&lint_text(&plain, &Options::default())), NONE);
    }
    let missing = text.replace("\"Version\":\"2012-10-17\",", "");
    insta::assert_snapshot!(lint_text(&missing, &Options::default()).text());
}

#[test]
fn no_slash() {
    assert_eq!(rules(&allow("'s3:PutObject'", "'@/home/~*'")), ["1 no-slash"]);
    assert_eq!(rules(&allow("'s3:PutObject'", "'@/home/client1*'")), ["1 no-slash"]);
    assert_eq!(rules(&allow("'s3:PutObject'", "'@/home/client1/*'")), NONE);
    assert_eq!(rules(&allow("'s3:PutObject','s3:GetObject'", "'@/home/client1/*','@/home/client1/site-*'")), NONE);
    let with = |prefix: &str| {
        let one = allow("'s3:PutObject'", "'@/home/client1/*'");
        format!("{},{one}", when(&list(), &format!("'StringLike':{{'s3:prefix':'{prefix}'}}")))
    };
    assert_eq!(rules(&with("home/client1*")), ["1 no-slash"]);
    assert_eq!(rules(&with("home/client1")), ["1 no-slash"]);
    assert_eq!(rules(&with("home/client1/*")), NONE);
    let variable = format!("{},{}", when(&list(), "'StringLike':{'s3:prefix':'home/~*'}"), put());
    assert_eq!(rules(&variable), ["1 no-slash"]);
}

#[test]
fn negated_allow() {
    assert_eq!(rules("{'Effect':'Allow','NotAction':'s3:DeleteObject','Resource':'@/home/~/*'}"), ["1 negated-allow"]);
    assert_eq!(rules("{'Effect':'Allow','Action':'s3:GetObject','NotResource':'@/home/x/*'}"), ["1 negated-allow"]);
    let deny = "{'Effect':'Deny','NotAction':'s3:PutObject','NotResource':'@/home/~/*'}";
    assert_eq!(rules(deny), NONE);
}

#[test]
fn public() {
    let to = |principal: &str| {
        format!("{{'Effect':'Allow','Principal':{principal},'Action':'s3:GetObject','Resource':'@/*'}}")
    };
    assert_eq!(rules(&to("'*'")), ["1 public"]);
    assert_eq!(rules(&to("{'AWS':'*'}")), ["1 public"]);
    assert_eq!(rules(&to("{'AWS':'arn:aws:iam::111122223333:user/client1'}")), NONE);
    assert_eq!(rules("{'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'@/*'}"), NONE);
}

#[test]
fn wide_resource() {
    assert_eq!(rules(&format!("{},{}", put(), allow("'s3:GetObject'", "'@/*'"))), ["2 wide-resource"]);
    assert_eq!(rules(&format!("{},{}", put(), allow("'s3:GetObject'", "'@/home/*'"))), ["2 wide-resource"]);
    assert_eq!(rules(&format!("{},{}", put(), allow("'s3:GetObject'", "'@/templates/*'"))), NONE);
    let said = Options { bucket: None, prefix: Some(ClientPrefix::parse("home/${aws:username}/").expect("valid")) };
    assert_eq!(rules_with(&allow("'s3:GetObject'", "'@/*'"), &said), ["1 wide-resource"]);
    assert_eq!(rules_with(&allow("'s3:GetObject'", "'@/home/client1/*'"), &said), NONE);
}

#[test]
fn other_prefix() {
    let said = Options { bucket: None, prefix: Some(ClientPrefix::parse("home/${aws:username}/").expect("valid")) };
    assert_eq!(rules_with(&allow("'s3:PutObject'", "'@/~/*'"), &said), ["1 other-prefix"]);
    assert_eq!(rules_with(&put(), &said), NONE);
    // Beside one's own it may be meant.
    let both = format!("{},{}", put(), allow("'s3:GetObject'", "'@/templates/*'"));
    assert_eq!(lint_text(&policy(&both), &said).findings[0].severity, Severity::Warning);
}

#[test]
fn role_without_username() {
    let to = |principal: &str| {
        format!(
            "{{'Effect':'Allow','Principal':{{'AWS':'{principal}'}},'Action':'s3:GetObject','Resource':'@/home/~/*'}}"
        )
    };
    assert_eq!(rules(&to("arn:aws:iam::111122223333:role/web")), ["1 role-without-username"]);
    assert_eq!(rules(&to("arn:aws:iam::111122223333:user/web")), NONE);
}

#[test]
fn every_rule_has_a_test() {
    let text = concat!(include_str!("rules.rs"), include_str!("known.rs"));
    for rule in Rule::ALL {
        let noted = text.contains(&format!("Rule::{rule:?}"));
        assert!(noted || text.contains(&format!(" {}\"", rule.id())), "{}", rule.id());
    }
}

/// Found by the fuzz target: an action's name is a stranger's word.
#[test]
fn a_policy_cannot_move_the_cursor() {
    let escape = "s3:Put\\u001b[2J\\rObject";
    let report = lint_text(&policy(&allow(&format!("'{escape}'"), "'@/home/~/*'")), &Options::default());
    let text = report.text();
    assert!(text.contains("s3:Put\\u{1b}[2J\\rObject"), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}
