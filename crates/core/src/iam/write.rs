//! Documents as JSON, in the order in which people write them: one value bare, several in a list.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use super::document::{Condition, Patterns, Placed, Policy, PrincipalKind, PrincipalName, PrincipalSet, Statement};

impl<T: Serialize> Serialize for Placed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(version) = &self.version {
            map.serialize_entry("Version", version)?;
        }
        if let Some(id) = &self.id {
            map.serialize_entry("Id", id)?;
        }
        map.serialize_entry("Statement", &self.statements)?;
        map.end()
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(sid) = &self.sid {
            map.serialize_entry("Sid", sid)?;
        }
        map.serialize_entry("Effect", &self.effect)?;
        if let Some(principals) = &self.principal {
            let name = if principals.negated { "NotPrincipal" } else { "Principal" };
            map.serialize_entry(name, &principals.named)?;
        }
        let name = if self.actions.negated { "NotAction" } else { "Action" };
        map.serialize_entry(name, &self.actions)?;
        if let Some(resources) = &self.resources {
            let name = if resources.negated { "NotResource" } else { "Resource" };
            map.serialize_entry(name, resources)?;
        }
        if !self.conditions.is_empty() {
            map.serialize_entry("Condition", &Conditions(&self.conditions))?;
        }
        map.end()
    }
}

impl Serialize for Patterns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        one_or_many(&self.patterns, serializer)
    }
}

impl Serialize for PrincipalSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let listed = match self {
            Self::Everyone => return serializer.serialize_str("*"),
            Self::Listed(listed) => listed,
        };
        let mut map = serializer.serialize_map(None)?;
        for kind in PrincipalKind::ALL {
            let names: Vec<_> = listed.iter().filter(|named| named.kind == kind).collect();
            if !names.is_empty() {
                map.serialize_entry(kind.as_str(), &OneOrMany(&names))?;
            }
        }
        map.end()
    }
}

impl Serialize for PrincipalName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

struct Conditions<'a>(&'a [Condition]);

impl Serialize for Conditions<'_> {
    /// Operators in the order of their first key: JSON has each name once.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, condition) in self.0.iter().enumerate() {
            let operator = condition.operator.value;
            if self.0[..at].iter().all(|earlier| earlier.operator.value != operator) {
                map.serialize_entry(&operator.to_string(), &KeysOf(self.0, &condition.operator.value))?;
            }
        }
        map.end()
    }
}

struct KeysOf<'a>(&'a [Condition], &'a super::operator::Operator);

impl Serialize for KeysOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for condition in self.0.iter().filter(|condition| condition.operator.value == *self.1) {
            map.serialize_entry(&condition.key, &OneOrMany(&condition.values))?;
        }
        map.end()
    }
}

struct OneOrMany<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for OneOrMany<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        one_or_many(self.0, serializer)
    }
}

fn one_or_many<T: Serialize, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    if let [one] = values {
        return one.serialize(serializer);
    }
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        list.serialize_element(value)?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        document::{Effect, Position, Principals, Version},
        operator::{Operator, Test},
    };

    #[test]
    fn a_made_policy_is_written_in_the_usual_order() {
        let condition = |test, key: &str, value: &str| Condition {
            operator: Operator::plain(test).into(),
            key: key.into(),
            values: vec![value.into()],
        };
        let aws = |name: &str| PrincipalName { kind: PrincipalKind::Aws, name: name.into() };
        let policy = Policy {
            version: Some(Version::V2012.into()),
            id: None,
            statements: vec![Statement {
                sid: Some("TlsOnly".into()),
                effect: Effect::Deny.into(),
                principal: Some(Principals {
                    negated: true,
                    named: PrincipalSet::Listed(vec![aws("123456789012"), aws("*")]),
                    position: Position::default(),
                }),
                actions: Patterns { negated: false, patterns: vec!["s3:*".into()], ..Patterns::default() },
                resources: Some(Patterns {
                    negated: true,
                    patterns: vec!["arn:aws:s3:::b".into(), "arn:aws:s3:::b/*".into()],
                    ..Patterns::default()
                }),
                conditions: vec![
                    condition(Test::StringLike, "s3:prefix", "a/*"),
                    condition(Test::Null, "s3:if-none-match", "true"),
                    condition(Test::StringLike, "s3:delimiter", "/"),
                ],
                position: Position::default(),
            }],
        };
        insta::assert_snapshot!(serde_json::to_string(&policy).expect("JSON"), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"TlsOnly","Effect":"Deny","NotPrincipal":{"AWS":["123456789012","*"]},"Action":"s3:*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"StringLike":{"s3:prefix":"a/*","s3:delimiter":"/"},"Null":{"s3:if-none-match":"true"}}}]}"#);
    }
}
