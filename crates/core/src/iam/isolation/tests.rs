//! Isolation of real policies, of hostile names, and against asking for every pair.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::iam::{parse::parse, request::Listing};

const BUCKET: &str = "rainworks-hosting-backups";

fn policy(text: &str) -> Policy {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn look(policies: &[Policy], template: &str, clients: &[String], dialect: Dialect) -> Isolation {
    let prefix = PrefixTemplate::parse(template).expect("a template");
    isolation(&Question { policies, bucket: BUCKET, prefix: &prefix, clients, dialect })
}

fn found(isolation: &Isolation) -> Vec<(Exposure, u64)> {
    isolation.findings.iter().map(|finding| (finding.exposure, finding.pairs)).collect()
}

macro_rules! data {
    ($file:literal) => {
        policy(include_str!(concat!("../../../tests/data/policies/", $file)))
    };
}

#[test]
fn the_policies_of_the_origin_story() {
    let clients = names(&["client1", "client10", "client2", "clien"]);
    let look = |policy: Policy, template: &str| look(&[policy], template, &clients, Dialect::Aws);
    let closed = |isolation: Isolation| assert_eq!((isolation.verdict, found(&isolation)), (Verdict::Closed, vec![]));
    closed(look(data!("group.json"), "home/${aws:username}/"));
    closed(look(data!("write-only.json"), "home/${aws:username}/"));
    closed(look(data!("mpu-prefix-condition.json"), "home/${aws:username}/"));
    let blog = look(data!("aws-blog.json"), "home/${aws:username}/");
    assert_eq!((blog.verdict, found(&blog)), (Verdict::Closed, vec![(Exposure::Names, 12)]));
    for (policy, template) in [
        (data!("group-plus-list-uploads.json"), "home/${aws:username}/"),
        (data!("mpu-prefix-ifexists.json"), "home/${aws:username}/"),
    ] {
        let uploads = look(policy, template);
        assert_eq!((uploads.verdict, found(&uploads)), (Verdict::Open, vec![(Exposure::ListUploads, 12)]));
    }
    for template in ["${aws:username}/", "home/${aws:username}/"] {
        let story = look(data!("origin-final.json"), template);
        assert_eq!(found(&story), [(Exposure::List, 12), (Exposure::ListUploads, 12)], "{template}");
        assert_eq!(story.findings[0].examples[0].by.sid.as_deref(), Some("AllowRootAndHomeListingOfCompanyBucket"));
    }
}

fn allow(elements: &str) -> Policy {
    policy(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{elements}}}}}"#))
}

fn objects(resource: &str) -> Policy {
    allow(&format!(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/{resource}""#))
}

/// Who reads whose objects.
fn readers(policies: &[Policy], clients: &[&str], dialect: Dialect) -> BTreeSet<(String, String)> {
    let prefix = PrefixTemplate::parse("home/${aws:username}/").expect("a template");
    let clients = names(clients);
    let question = Question { policies, bucket: BUCKET, prefix: &prefix, clients: &clients, dialect };
    pairs(&question).remove(&Exposure::Read).unwrap_or_default()
}

fn pairs(question: &Question<'_>) -> BTreeMap<Exposure, BTreeSet<(String, String)>> {
    let mut clients = question.clients.to_vec();
    clients.sort_unstable();
    let evaluator = Evaluator::new(question.policies).dialect(question.dialect);
    let prefixes = Prefixes::new(question.prefix, &clients);
    let mut search = Search::new(question, &clients, &evaluator, &prefixes);
    search.run();
    assert_eq!(search.unchecked_pairs, 0);
    let mut pairs: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for ((exposure, client), open) in &search.open {
        let others = open.iter().map(|at| (clients[*client].clone(), clients[prefixes.client(at)].clone()));
        pairs.entry(*exposure).or_default().extend(others);
    }
    pairs
}

fn set(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn the_lost_slash_lets_client1_into_client10() {
    let clients = ["client1", "client10", "client2"];
    let reads = readers(&[objects("home/${aws:username}*")], &clients, Dialect::Aws);
    assert_eq!(reads, set(&[("client1", "client10")]));
    assert_eq!(readers(&[objects("home/${aws:username}/*")], &clients, Dialect::Aws), set(&[]));
}

#[test]
fn a_name_that_holds_a_slash_lies_inside_another() {
    let clients = ["a", "a/b", "b"];
    assert_eq!(readers(&[objects("home/${aws:username}/*")], &clients, Dialect::Aws), set(&[("a", "a/b")]));
}

#[test]
fn a_name_of_wildcards_is_text_but_not_to_minio() {
    let clients = ["*", "a", "b", "c?"];
    let reads = |dialect| readers(&[objects("home/${aws:username}/*")], &clients, dialect);
    assert_eq!(reads(Dialect::Aws), set(&[]));
    assert_eq!(reads(Dialect::Minio), set(&[("*", "a"), ("*", "b"), ("*", "c?")]));
}

#[test]
fn one_clients_policy_given_to_all_opens_that_client() {
    let isolation = look(&[data!("one-client.json")], "home/${aws:username}/", &names(&["client1", "x"]), Dialect::Aws);
    let exposed = [Exposure::List, Exposure::Read, Exposure::Write, Exposure::Delete].map(|exposure| (exposure, 1));
    assert_eq!(found(&isolation), exposed);
    assert_eq!(isolation.findings[1].examples[0].other, "client1");
}

#[test]
fn a_part_of_a_prefix_is_enough() {
    let reads = readers(&[objects("home/a/site/*")], &["a", "b", "c"], Dialect::Aws);
    assert_eq!(reads, set(&[("b", "a"), ("c", "a")]));
}

#[test]
fn a_shared_folder_in_each_prefix_is_found() {
    let clients = ["a", "b", "c"];
    let reads = readers(&[objects("home/*/public/*")], &clients, Dialect::Aws);
    assert_eq!(reads.len(), 6);
    let guarded = policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"s3:*","Resource":"*"}},
            {{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::{BUCKET}/home/${{aws:username}}/*"}}]}}"#
    ));
    assert_eq!(readers(std::slice::from_ref(&guarded), &clients, Dialect::Aws), set(&[]));
    let closed = look(&[guarded], "home/${aws:username}/", &names(&clients), Dialect::Aws);
    assert_eq!(closed.verdict, Verdict::Closed);
}

#[test]
fn a_thief_chooses_where_to_stand_and_which_headers_to_send() {
    let conditional = allow(&format!(
        r#""Action":["s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::{BUCKET}","arn:aws:s3:::{BUCKET}/*"],
           "Condition":{{"IpAddress":{{"aws:SourceIp":"10.0.0.0/8"}},"NumericLessThan":{{"s3:max-keys":"10"}}}}"#
    ));
    let isolation = look(&[conditional], "home/${aws:username}/", &names(&["a", "b"]), Dialect::Aws);
    // PutObject has no s3:max-keys: the statement never allows it.
    assert_eq!(found(&isolation), [(Exposure::List, 2)]);
    assert_eq!(isolation.findings[0].examples[0].by.assumed, ["aws:sourceip", "s3:max-keys"]);
}

#[test]
fn a_prefix_cut_short_slips_past_a_deny() {
    let gaps = policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}},
            {{"Effect":"Deny","Action":"s3:ListBucket","Resource":"arn:aws:s3:::{BUCKET}",
              "Condition":{{"StringLikeIfExists":{{"s3:prefix":["","home/","home/?*/*"]}}}}}}]}}"#
    ));
    let isolation = look(&[gaps], "home/${aws:username}/", &names(&["a", "b"]), Dialect::Aws);
    assert_eq!(found(&isolation), [(Exposure::List, 2)]);
    assert_eq!(isolation.findings[0].examples[0].prefix.as_deref(), Some("home/b"));
}

#[test]
fn who_may_change_the_bucket_reaches_everyone() {
    let isolation = look(
        &[allow(&format!(r#""Action":"s3:Put*Policy","Resource":"arn:aws:s3:::{BUCKET}""#))],
        "home/${aws:username}/",
        &names(&["a", "b", "b"]),
        Dialect::Aws,
    );
    assert_eq!((isolation.clients, found(&isolation)), (2, vec![(Exposure::Bucket, 2)]));
}

#[test]
fn ten_thousand_clients_are_told_apart() {
    let clients: Vec<_> = (0..10_000).map(|number| format!("client{number}")).collect();
    let group = look(&[data!("group.json")], "home/${aws:username}/", &clients, Dialect::Aws);
    assert_eq!((group.verdict, group.unchecked_pairs), (Verdict::Closed, 0));
    let story = look(&[data!("origin-final.json")], "${aws:username}/", &clients, Dialect::Aws);
    let everyone = 10_000 * 9_999;
    assert_eq!(found(&story), [(Exposure::List, everyone), (Exposure::ListUploads, everyone)]);
    assert_eq!(story.findings[0].examples.len(), EXAMPLES);
    let lost_slash = look(&[objects("home/${aws:username}*")], "home/${aws:username}/", &clients, Dialect::Aws);
    // client1 reaches client10 to 19, 100 to 199, 1000 to 1999; and so on.
    assert_eq!(found(&lost_slash), [(Exposure::Read, 9 * 1110 + 90 * 110 + 900 * 10)]);
    let middle = look(&[objects("home/*/${aws:username}/*")], "home/${aws:username}/", &clients, Dialect::Aws);
    assert_eq!(middle.verdict, Verdict::Open);
    assert!(middle.unchecked_pairs > 0, "what was not looked at is said");
}

fn one_of(choices: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(choices)
}

fn on_objects() -> impl Strategy<Value = String> {
    let action = one_of(&["s3:*", "s3:GetObject", "s3:GetObject*", "s3:PutObject"]);
    let resource = one_of(&[
        "*",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/home/*",
        "arn:aws:s3:::b/home/${aws:username}/*",
        "arn:aws:s3:::b/home/${aws:username}*",
        "arn:aws:s3:::b/home/*/${aws:username}/*",
        "arn:aws:s3:::b/home/a/*",
        "arn:aws:s3:::*/home/?/*",
        "arn:aws:s3:::b/home/a/b/x",
        "arn:aws:s3:::b/home/a/c/*",
    ]);
    let condition = one_of(&["{}", "{}", "{}", r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#]);
    let effect = one_of(&["Allow", "Deny"]);
    let not = one_of(&["", "", "Not"]);
    (effect, action, not, resource, condition).prop_map(|(effect, action, not, resource, condition)| {
        format!(r#"{{"Effect":"{effect}","Action":"{action}","{not}Resource":"{resource}","Condition":{condition}}}"#)
    })
}

fn on_listings() -> impl Strategy<Value = String> {
    let action = one_of(&["s3:ListBucket", "s3:ListBucket*"]);
    let condition = one_of(&[
        "{}",
        r#"{"StringLike":{"s3:prefix":"home/${aws:username}/*"}}"#,
        r#"{"StringLike":{"s3:prefix":["home/${aws:username}*","home/a/?*"]}}"#,
        r#"{"StringEquals":{"s3:prefix":["","home/"],"s3:delimiter":"/"}}"#,
        r#"{"StringEquals":{"s3:prefix":["","home/","home/a/b/"]}}"#,
        r#"{"StringNotLike":{"s3:prefix":"home/${aws:username}/*"}}"#,
        r#"{"StringNotLike":{"s3:prefix":["","home/a*"]}}"#,
        r#"{"StringNotEquals":{"s3:prefix":"home/"}}"#,
        r#"{"StringLike":{"s3:prefix":"home/a/c/*"}}"#,
        r#"{"StringLikeIfExists":{"s3:prefix":"home/${aws:username}/*"}}"#,
        r#"{"Null":{"s3:prefix":"true"}}"#,
        r#"{"Null":{"s3:delimiter":"true"}}"#,
    ]);
    (one_of(&["Allow", "Deny"]), action, condition).prop_map(|(effect, action, condition)| {
        format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"arn:aws:s3:::b","Condition":{condition}}}"#)
    })
}

fn some_policy() -> impl Strategy<Value = Policy> {
    let statements = (prop::collection::vec(on_objects(), 1..4), prop::collection::vec(on_listings(), 1..4));
    statements.prop_map(|(objects, listings)| {
        policy(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, [objects, listings].concat().join(",")))
    })
}

/// By definition: ask for many keys and listings of every pair.
fn brute(question: &Question<'_>) -> BTreeMap<Exposure, BTreeSet<(String, String)>> {
    let evaluator = Evaluator::new(question.policies).dialect(question.dialect);
    let mut pairs: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for client in question.clients {
        for other in question.clients.iter().filter(|other| *other != client) {
            let (own, prefix) = (question.prefix.of(client), question.prefix.of(other));
            for (exposure, request) in every_request(&Principal::user(client), &prefix, &own) {
                if evaluator.decide(&request.doubting(Doubt::Choices)).is_allow() {
                    pairs.entry(exposure).or_default().insert((client.clone(), other.clone()));
                }
            }
        }
    }
    pairs
}

fn every_request(me: &Principal, prefix: &str, own: &str) -> Vec<(Exposure, Request)> {
    let mut requests = Vec::new();
    let nested = own.starts_with(prefix);
    let texts = ["", "x", "b/x", "a/x", "c1/x", "*/x", "b/", "c/a/x"].map(|rest| format!("{prefix}{rest}"));
    let texts: Vec<_> = texts.into_iter().filter(|text| !(nested && text.starts_with(own))).collect();
    for key in &texts {
        for (exposure, actions) in ON_OBJECTS {
            requests.extend(actions.iter().map(|action| (exposure, Request::on_object(me, action, "b", key))));
        }
    }
    let above = (0..prefix.len()).map(|at| Some(&prefix[..at])).chain([None]);
    let within = texts.iter().map(|text| Some(text.as_str()));
    for (exposure, action) in LISTINGS {
        let list = |listing: Listing<'_>| match action {
            "s3:ListBucket" => Request::list_objects(me, "b", listing),
            _ => Request::list_object_versions(me, "b", listing),
        };
        for asked in above.clone().chain(within.clone()) {
            let listing = list(Listing { prefix: asked, ..Listing::default() });
            let listing = if asked.is_none() { listing.without("s3:prefix") } else { listing };
            requests.push((exposure, listing.without("s3:delimiter")));
        }
        for asked in within.clone() {
            requests.push((exposure, list(Listing { prefix: asked, delimiter: Some("/"), max_keys: None })));
        }
    }
    requests
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_finds_what_asking_for_every_pair_finds(policy in some_policy(), minio in any::<bool>()) {
        let clients = names(&["a", "a/b", "ab", "*", "c1", "c10"]);
        let prefix = PrefixTemplate::parse("home/${aws:username}/").expect("a template");
        let dialect = if minio { Dialect::Minio } else { Dialect::Aws };
        let question = Question { policies: &[policy], bucket: "b", prefix: &prefix, clients: &clients, dialect };
        let found = pairs(&question);
        for (exposure, pairs) in brute(&question) {
            let missed: Vec<_> = pairs.difference(found.get(&exposure).unwrap_or(&BTreeSet::new())).cloned().collect();
            prop_assert!(missed.is_empty(), "{exposure:?} missed {missed:?}");
        }
    }

    #[test]
    fn whatever_it_finds_is_allowed(policy in some_policy()) {
        let clients = names(&["*", "a", "a/b", "ab", "c1", "c10"]);
        let prefix = PrefixTemplate::parse("home/${aws:username}/").expect("a template");
        let question = Question { policies: &[policy], bucket: "b", prefix: &prefix, clients: &clients, dialect: Dialect::Aws };
        let evaluator = Evaluator::new(question.policies);
        let prefixes = Prefixes::new(&prefix, &clients);
        let mut search = Search::new(&question, &clients, &evaluator, &prefixes);
        search.run();
        let reach = Reach::new(&evaluator, "b");
        for ((exposure, client), open) in search.open.clone() {
            let own = prefix.of(&clients[client]);
            let turn = search.turn(&own, client);
            let reach = reach.of(&turn.principal);
            for at in open.iter() {
                let objects = ON_OBJECTS.iter().filter(|(of, _)| *of == exposure).flat_map(|(_, actions)| *actions);
                let listings = LISTINGS.iter().filter(|(of, _)| *of == exposure);
                let requests = |prefix: &str| -> Vec<Request> {
                    let objects = objects.clone().flat_map(|action| witness::objects(&reach, action, prefix));
                    objects.chain(listings.clone().flat_map(|(_, action)| witness::listings(&reach, action, prefix))).collect()
                };
                let proved = search.ask(&turn, exposure, at, &requests);
                let bucket_wide = ON_THE_BUCKET.iter().any(|(of, _)| *of == exposure) || exposure == Exposure::Names;
                prop_assert!(proved || bucket_wide, "{exposure:?}: {} to {}", clients[client], prefixes.get(at));
            }
        }
    }
}
