//! What is wrong with a policy, in the words that people read.

use proptest::prelude::*;

use super::*;
use crate::iam::document::{Effect, PrincipalSet};

const DATA: [(&str, &str); 10] = [
    ("aws-blog", include_str!("../../../tests/data/policies/aws-blog.json")),
    ("bucket-policy", include_str!("../../../tests/data/policies/bucket-policy.json")),
    ("group", include_str!("../../../tests/data/policies/group.json")),
    ("group-plus", include_str!("../../../tests/data/policies/group-plus-list-uploads.json")),
    ("mpu-prefix", include_str!("../../../tests/data/policies/mpu-prefix-condition.json")),
    ("mpu-ifexists", include_str!("../../../tests/data/policies/mpu-prefix-ifexists.json")),
    ("one-client", include_str!("../../../tests/data/policies/one-client.json")),
    ("origin-final", include_str!("../../../tests/data/policies/origin-final.json")),
    ("write-only", include_str!("../../../tests/data/policies/write-only.json")),
    ("write-only-minio", include_str!("../../../tests/data/policies/write-only-minio.json")),
];

fn wrong(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

/// A policy around a statement's elements.
fn around(elements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#)
}

#[test]
fn real_policies_are_read_and_written_back_the_same() {
    let normal = |mut value: serde_json::Value| {
        one_item_lists_unwrapped(&mut value);
        value
    };
    for (name, text) in DATA {
        let policy = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = serde_json::to_value(&policy).expect("JSON");
        let asked: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(normal(written), normal(asked), "{name}");
    }
}

fn one_item_lists_unwrapped(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(one_item_lists_unwrapped);
            if let [one] = &mut items[..] {
                *value = one.take();
            }
        }
        serde_json::Value::Object(members) => members.values_mut().for_each(one_item_lists_unwrapped),
        _ => {}
    }
}

#[test]
fn every_element_says_where_it_stands() {
    let policy = parse(DATA[0].1).expect("a policy");
    let at = |line, column| Position { line, column };
    let root = &policy.statements[1];
    assert_eq!(policy.version.map(|version| version.position), Some(at(2, 14)));
    assert_eq!(root.position, at(15, 5));
    assert_eq!(root.sid.as_ref().map(|sid| sid.position), Some(at(16, 14)));
    assert_eq!(root.effect, Placed::new(Effect::Allow, at(20, 17)));
    assert_eq!(root.actions.position, at(17, 7));
    assert_eq!(root.actions.patterns[0].position, at(18, 9));
    assert_eq!(root.conditions[1].operator.position, at(25, 9));
    assert_eq!(root.conditions[1].key.position, at(30, 11));
    assert_eq!(root.conditions[1].values[0].position, at(31, 13));
    let after_accents =
        parse("{\"Id\":\"é€\", \"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}");
    assert_eq!(after_accents.expect("a policy").statements[0].position, at(1, 25));
}

#[test]
fn one_value_or_a_list_bare_numbers_and_a_byte_order_mark_are_taken() {
    let text = "\u{feff}{\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\",\"NotAction\":\"s3:Get*\",\
                \"NotResource\":[\"a\",\"b\"],\"Condition\":{\"NumericLessThan\":{\"s3:TlsVersion\":1.2},\
                \"Bool\":{\"aws:SecureTransport\":[false]}}}}";
    let policy = parse(text).expect("a policy");
    let statement = &policy.statements[0];
    assert!(statement.actions.negated && statement.resources.as_ref().is_some_and(|resources| resources.negated));
    assert_eq!(statement.principal.as_ref().map(|principal| &principal.named), Some(&PrincipalSet::Everyone));
    let values: Vec<_> = statement.conditions.iter().map(|condition| condition.values[0].value.as_str()).collect();
    assert_eq!(values, ["1.2", "false"]);
    assert_eq!(statement.position.column, 14);
}

#[test]
fn what_is_not_json_is_said_with_its_place() {
    let texts = [
        "",
        "  \n ",
        "Hello",
        "{\"Version\": \"2012-10-17\",\n \"Statement\": [\n",
        "{\"Version\": \"2012-10-17\",\n // all of it\n \"Statement\": []}",
        "{\"Version\": \"2012-10-17\", /* x */ \"Statement\": []}",
        "{\"Statement\": [],}",
        "{'Statement': []}",
        "{Statement: []}",
        "{\"Statement\": []} {}",
        "{\"Id\": \"a\nb\", \"Statement\": []}",
        "{\"Id\": \"\\ud800\", \"Statement\": []}",
        "<html><body>403</body></html>",
    ];
    let said: Vec<_> = texts.iter().map(|text| format!("{text:?}\n  {}", wrong(text))).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_is_no_policy_is_said_with_its_place() {
    let texts = [
        "[]".to_owned(),
        "\"policy\"".into(),
        "{}".into(),
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#.into(),
        include_str!("../../../tests/data/policies/lifecycle.json").into(),
        r#"{"UserName":"client1","PolicyName":"x","PolicyDocument":{}}"#.into(),
        r#"{"Version":"2024-01-01","Statement":[]}"#.into(),
        r#"{"version":"2012-10-17","Statements":[], "Statement":"none", "Comment": ""}"#.into(),
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}],"Statement":[]}"#.into(),
        around(r#""Sid": 5"#),
        around(r#""Effect":"allow","Action":"s3:GetObject","Resource":"*""#),
        around(r#""Effect":"Allow","Action":["s3:*"],"NotAction":"s3:Get*","Resource":[]"#),
        around(r#""Effect":"Allow","Action":["s3:*", null],"Resource":{"a":"b"}"#),
        around(r#""Effect":"Allow","Actions":"s3:*","Resource":"*""#),
        around(r#""Effect":"Deny","Principal":"me","Action":"s3:*","Resource":"*""#),
        around(r#""Effect":"Deny","Principal":{"User":"me"},"Action":"s3:*","Resource":"*""#),
        around(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringMatches":{"s3:prefix":"a"}}"#),
        around(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":"true"}"#),
        around(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"a:b":null,"a:b":{}}}"#),
    ];
    let said: Vec<_> = texts
        .iter()
        .map(|text| format!("{}\n  {}", text.split_whitespace().collect::<String>(), wrong(text).replace('\n', "\n  ")))
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_bare_statement_is_refused_with_the_shape_that_works() {
    let error = parse(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#).expect_err("bare");
    assert_eq!(error.faults.len(), 1);
    assert!(error.faults[0].hint.as_ref().is_some_and(|hint| hint.contains(SHAPE)));
}

#[test]
fn size_depth_and_encoding_have_limits() {
    let long = format!("{{\"Id\":\"{}\"}}", "x".repeat(6 * 1024 * 1024));
    assert!(wrong(&long).contains("longer than 1048576 bytes"));
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(wrong(&deep).contains("nested too deeply"), "{}", wrong(&deep));
        let shallower = format!("{}1{}", open.repeat(300), close.repeat(300));
        assert!(parse(&shallower).is_err());
    }
    let utf16 = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let error = parse_bytes(&utf16).expect_err("UTF-16");
    assert!(error.to_string().contains("not UTF-8"));
    let latin = parse_bytes(b"{\n \"Id\": \"\xe9\"}").expect_err("Latin-1");
    assert_eq!(latin.faults[0].position, Position { line: 2, column: 9 });
}

#[test]
fn a_long_line_of_many_values_is_read_quickly() {
    let values = vec!["\"s3:GetObject\""; 60_000].join(",");
    let policy = parse(&around(&format!(r#""Effect":"Allow","Action":[{values}],"Resource":"*""#))).expect("a policy");
    assert_eq!(policy.statements[0].actions.patterns.len(), 60_000);
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_bytes(&bytes);
    }

    #[test]
    fn a_damaged_policy_does_not_either(file in 0..DATA.len(), at in any::<prop::sample::Index>(), with in ".{0,3}") {
        let text = DATA[file].1;
        let at = (0..=at.index(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let damaged = format!("{}{with}{}", &text[..at], &text[at..]);
        if let Err(error) = parse(&damaged) {
            prop_assert!(!error.faults.is_empty());
            prop_assert!(error.faults.iter().all(|fault| fault.position.line >= 1 && fault.position.column >= 1));
        }
    }
}
