//! Every operator: what matches, what does not, what a missing key does.

use super::*;
use crate::iam::request::{Doubt, Principal};

const KEY: &str = "aws:TestKey";

fn check(operator: &str, values: &[&str]) -> Check {
    let condition = Condition {
        operator: operator.parse::<Operator>().expect("an operator").into(),
        key: KEY.into(),
        values: values.iter().map(|&value| value.into()).collect(),
    };
    Check::new(&condition, Version::V2012)
}

fn request(values: &[&str]) -> Request {
    let request = Request::head_bucket(&Principal::user("client1"), "b");
    request.with_values(KEY, values.iter().map(|&value| value.to_owned()).collect())
}

fn holds(operator: &str, policy: &[&str], values: &[&str]) -> bool {
    match check(operator, policy).test(&request(values), Dialect::Aws) {
        Outcome::Holds => true,
        Outcome::Fails => false,
        Outcome::Unknown => panic!("nothing is unknown here"),
    }
}

/// Operator, value of the policy, a value that matches, one that does not.
const POSITIVE: &[(&str, &str, &str, &str)] = &[
    ("StringEquals", "home/", "home/", "home"),
    ("StringEquals", "a*", "a*", "ab"),
    ("StringEquals", "${aws:username}${*}", "client1*", "client1x"),
    ("StringEqualsIgnoreCase", "AES256", "aes256", "aes25"),
    ("StringLike", "home/${aws:username}/*", "home/client1/", "home/client10/"),
    ("StringLike", "?x*", "éx", "x"),
    ("NumericEquals", "1.20", "1.2", "1.3"),
    ("NumericLessThan", "1.2", "1.1", "1.2"),
    ("NumericLessThanEquals", "10", "10", "11"),
    ("NumericGreaterThan", "9", "10", "9"),
    ("NumericGreaterThanEquals", "9", "9", "ten"),
    ("DateEquals", "2026-11-23T00:00:00Z", "1795392000", "2026-11-23T00:00:01Z"),
    ("DateLessThan", "2026-11-24", "2026-11-23T23:59:59Z", "2026-11-24"),
    ("DateLessThanEquals", "2026-11-24", "2026-11-24", "2026-11-25"),
    ("DateGreaterThan", "2026-11-24", "2026-11-24T00:00:01Z", "2026-11-24"),
    ("DateGreaterThanEquals", "2026-11-24", "2026-11-24", "yesterday"),
    ("Bool", "false", "False", "true"),
    ("BinaryEquals", "QQ==", "QQ==", "Qg=="),
    ("IpAddress", "203.0.113.0/24", "203.0.113.255", "203.0.114.0"),
    ("IpAddress", "203.0.113.7", "203.0.113.7", "203.0.113.8"),
    ("IpAddress", "0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
    ("IpAddress", "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
    ("IpAddress", "::/0", "2001:db8::1", "8.8.8.8"),
    ("IpAddress", "203.0.113.0/33", "", "203.0.113.0"),
    ("ArnEquals", "arn:aws:iam::*:user/*", "arn:aws:iam::1:user/a:b", "arn:aws:iam::1:role/a"),
    ("ArnLike", "arn:aws:x:*:1:y/*", "arn:aws:x:eu:1:y/z", "arn:aws:x:eu:2:z:1:y/z"),
];

#[test]
fn every_operator_tells_what_matches_from_what_does_not() {
    for &(operator, policy, good, bad) in POSITIVE {
        if !good.is_empty() {
            assert!(holds(operator, &[policy], &[good]), "{operator} {policy} {good}");
            assert!(holds(operator, &["no", policy], &[good]), "values are alternatives: {operator} {policy}");
            assert!(holds(&format!("{operator}IfExists"), &[policy], &[good]), "{operator} {policy} {good}");
        }
        assert!(!holds(operator, &[policy], &[bad]), "{operator} {policy} {bad}");
        assert!(!holds(&format!("{operator}IfExists"), &[policy], &[bad]), "{operator} {policy} {bad}");
    }
}

#[test]
fn a_negated_operator_holds_when_no_value_matches() {
    for (negated, positive) in [
        ("StringNotEquals", "StringEquals"),
        ("StringNotEqualsIgnoreCase", "StringEqualsIgnoreCase"),
        ("StringNotLike", "StringLike"),
        ("NumericNotEquals", "NumericEquals"),
        ("DateNotEquals", "DateEquals"),
        ("NotIpAddress", "IpAddress"),
        ("ArnNotEquals", "ArnEquals"),
        ("ArnNotLike", "ArnLike"),
    ] {
        for &(_, policy, good, bad) in POSITIVE.iter().filter(|(operator, ..)| *operator == positive) {
            assert!(good.is_empty() || !holds(negated, &["no", policy], &[good]), "{negated} {policy} {good}");
            assert!(holds(negated, &["no", policy], &[bad]), "{negated} {policy} {bad}");
        }
    }
}

#[test]
fn every_operator_is_tested_here() {
    for test in Test::ALL {
        let plain = test.as_str().replacen("Not", "", 1);
        let tested = POSITIVE.iter().any(|(operator, ..)| *operator == plain) || *test == Test::Null;
        assert!(tested, "{test:?}");
    }
}

#[test]
fn a_missing_key_fails_but_for_negations_if_exists_and_for_all_values() {
    for test in Test::ALL.iter().filter(|test| **test != Test::Null) {
        let name = test.as_str();
        assert_eq!(holds(name, &["x"], &[]), test.is_negated(), "{name}");
        for operator in
            [format!("{name}IfExists"), format!("ForAllValues:{name}"), format!("ForAnyValue:{name}IfExists")]
        {
            assert!(holds(&operator, &["x"], &[]), "{operator}");
        }
        assert!(!holds(&format!("ForAnyValue:{name}"), &["x"], &[]), "{name}");
    }
}

#[test]
fn null_asks_whether_the_key_is_there() {
    assert!(holds("Null", &["true"], &[]) && !holds("Null", &["true"], &["x"]));
    assert!(holds("Null", &["False"], &["x"]) && !holds("Null", &["false"], &[]));
    assert!(holds("Null", &["true", "false"], &[]) && holds("Null", &["true", "false"], &["x"]));
    assert!(holds("Null", &["false"], &[""]), "an empty value is a value");
}

#[test]
fn quantifiers_look_at_each_value_of_the_request() {
    let all = |values: &[&str]| holds("ForAllValues:StringLike", &["a*", "b"], values);
    assert!(all(&["ax", "b"]) && all(&["b"]) && all(&[""]) && !all(&["ax", "c"]));
    let any = |values: &[&str]| holds("ForAnyValue:StringEquals", &["a", "b"], values);
    assert!(any(&["x", "b"]) && !any(&["x", "y"]) && !any(&[""]));
    let none = |values: &[&str]| holds("ForAllValues:StringNotEquals", &["a", "b"], values);
    assert!(none(&["x", "y"]) && !none(&["x", "b"]));
    let other = |values: &[&str]| holds("ForAnyValue:StringNotEquals", &["a", "b"], values);
    assert!(other(&["x", "b"]) && !other(&["a", "b"]));
}

#[test]
fn a_variable_without_a_value_matches_nothing_not_even_negated() {
    for operator in ["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "ArnNotLike"] {
        assert!(!holds(operator, &["${aws:userid}"], &["x"]), "{operator}");
    }
    assert!(holds("StringEquals", &["${aws:userid}", "x"], &["x"]), "the other value still counts");
    assert!(holds("StringEquals", &["${aws:userid, 'x'}"], &["x"]));
    assert!(holds("StringNotEquals", &["${aws:userid, 'x'}"], &["y"]));
    assert!(!holds("StringLike", &["${aws:userid"], &["${aws:userid"]), "a malformed one matches nothing");
}

#[test]
fn variables_are_text_where_operators_take_none() {
    assert!(!holds("Bool", &["${aws:SecureTransport}"], &["true"]));
    assert!(!holds("NumericEquals", &["${aws:username}"], &["1"]));
}

#[test]
fn without_values_nothing_matches() {
    assert!(!holds("StringEquals", &[], &["x"]) && holds("StringNotEquals", &[], &["x"]));
    assert!(!holds("Null", &[], &[]));
}

#[test]
fn what_is_not_known_stays_unknown() {
    let doubtful = Request::head_bucket(&Principal::user("client1"), "b").doubting(Doubt::Surroundings);
    for operator in ["StringEquals", "StringNotEquals", "StringLikeIfExists", "Null", "ForAllValues:StringLike"] {
        assert_eq!(check(operator, &["x"]).test(&doubtful, Dialect::Aws), Outcome::Unknown, "{operator}");
    }
}
