//! Conditions: what [operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)
//! say of a key's values.
//!
//! | the key is… | plain | negated | `…IfExists` | `ForAllValues:` | `ForAnyValue:` |
//! | --- | --- | --- | --- | --- | --- |
//! | missing | fails | holds | holds | holds | fails |
//! | there | one value of the policy matches | none matches | as without | each of the request's | one of the request's |

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    document::{Condition, Version},
    glob::Glob,
    operator::{Operator, Quantifier, Test},
    pattern::{Dialect, Pattern, Wildcards},
    request::{Lookup, Request},
};
use crate::date;

/// What a condition says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It depends on what is not known of the request.
    Unknown,
}

/// A condition, ready to be tested again and again.
#[derive(Debug, Clone)]
pub struct Check {
    operator: Operator,
    key: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Pattern(Pattern),
    /// Malformed: IAM would have refused it, and it matches nothing.
    Never,
}

/// What a plain test of strings asks for.
pub(super) enum Texts {
    AnyOf(Vec<Glob>),
    NoneOf(Vec<Glob>),
}

/// A value of the policy for one request.
enum Wanted<'a> {
    Text(&'a str),
    Glob(Glob),
}

impl Check {
    /// Prepares a condition.
    #[must_use]
    pub fn new(condition: &Condition, version: Version) -> Self {
        let operator = condition.operator.value;
        let value = |text: &str| match wildcards(operator.test) {
            None => Value::Text(text.to_owned()),
            Some(wildcards) => Pattern::parse(text, wildcards, version).map_or(Value::Never, Value::Pattern),
        };
        Self {
            operator,
            key: condition.key.value.to_lowercase(),
            values: condition.values.iter().map(|text| value(&text.value)).collect(),
        }
    }

    /// The key that it looks at, in lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Which texts its key has to match, or not to match, where that is all it asks: a plain test
    /// of strings that minds case.
    pub(super) fn texts(&self, request: &Request, dialect: Dialect) -> Option<Texts> {
        let plain = self.operator.quantifier.is_none() && !self.operator.if_exists;
        let resolved = self.values.iter().map(|value| match wanted(value, request, dialect) {
            Some(Wanted::Glob(glob)) => Some(glob),
            _ => None,
        });
        match self.operator.test {
            Test::StringEquals | Test::StringLike if plain => Some(Texts::AnyOf(resolved.flatten().collect())),
            Test::StringNotEquals | Test::StringNotLike if plain => {
                Some(Texts::NoneOf(resolved.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    /// What texts its values match: from them requests can be made up.
    pub(super) fn globs(&self, request: &Request, dialect: Dialect) -> Vec<Glob> {
        let wanted = self.values.iter().filter_map(|value| wanted(value, request, dialect));
        let globs = wanted.filter_map(|wanted| match wanted {
            Wanted::Glob(glob) => Some(glob),
            Wanted::Text(_) => None,
        });
        globs.collect()
    }

    /// Tests it.
    #[must_use]
    pub fn test(&self, request: &Request, dialect: Dialect) -> Outcome {
        let lookup = request.lookup(&self.key);
        if lookup == Lookup::Unknown {
            return Outcome::Unknown;
        }
        if self.operator.test == Test::Null {
            return self.test_null(lookup);
        }
        let negated = self.operator.test.is_negated();
        let resolved: Vec<_> = self.values.iter().map(|value| wanted(value, request, dialect)).collect();
        // "If AWS cannot resolve a variable, this might cause the entire statement to be invalid":
        // without this a negated test would hold because of it.
        if negated && resolved.iter().any(Option::is_none) {
            return Outcome::Fails;
        }
        let matches = |value: &str| resolved.iter().flatten().any(|wanted| self.matches(wanted, value));
        let holds = match (lookup, self.operator.quantifier) {
            (Lookup::Present(values), None) => values.iter().any(|value| matches(value)) != negated,
            // An empty value is no value to these two.
            (Lookup::Present(values), Some(Quantifier::ForAllValues)) => {
                values.iter().filter(|value| !value.is_empty()).all(|value| matches(value) != negated)
            }
            (Lookup::Present(values), Some(Quantifier::ForAnyValue)) => {
                values.iter().filter(|value| !value.is_empty()).any(|value| matches(value) != negated)
            }
            (_, _) if self.operator.if_exists => true,
            (_, None) => negated,
            (_, Some(quantifier)) => quantifier == Quantifier::ForAllValues,
        };
        if holds { Outcome::Holds } else { Outcome::Fails }
    }

    fn test_null(&self, lookup: Lookup<'_>) -> Outcome {
        let is_null = if lookup == Lookup::Absent { "true" } else { "false" };
        let wanted =
            self.values.iter().any(|value| matches!(value, Value::Text(text) if text.eq_ignore_ascii_case(is_null)));
        if wanted { Outcome::Holds } else { Outcome::Fails }
    }

    fn matches(&self, wanted: &Wanted<'_>, value: &str) -> bool {
        match wanted {
            Wanted::Glob(glob) => match self.operator.test {
                Test::StringEqualsIgnoreCase | Test::StringNotEqualsIgnoreCase => {
                    glob.to_lowercase().matches(&value.to_lowercase())
                }
                Test::ArnEquals | Test::ArnLike | Test::ArnNotEquals | Test::ArnNotLike => arn_matches(glob, value),
                _ => glob.matches(value),
            },
            Wanted::Text(text) => text_matches(self.operator.test, text, value),
        }
    }
}

/// How patterns are read, for the operators that take variables.
fn wildcards(test: Test) -> Option<Wildcards> {
    match test {
        Test::StringLike
        | Test::StringNotLike
        | Test::ArnEquals
        | Test::ArnNotEquals
        | Test::ArnLike
        | Test::ArnNotLike => Some(Wildcards::Work),
        Test::StringEquals | Test::StringNotEquals | Test::StringEqualsIgnoreCase | Test::StringNotEqualsIgnoreCase => {
            Some(Wildcards::Literal)
        }
        _ => None,
    }
}

fn wanted<'a>(value: &'a Value, request: &Request, dialect: Dialect) -> Option<Wanted<'a>> {
    match value {
        Value::Text(text) => Some(Wanted::Text(text)),
        Value::Pattern(pattern) => pattern.resolve(|key| request.value(key), dialect).map(Wanted::Glob),
        Value::Never => None,
    }
}

/// Each of the six parts is compared for itself: a `*` does not reach over a colon.
fn arn_matches(glob: &Glob, value: &str) -> bool {
    let (wanted, parts) = (glob.split_colons(6), value.splitn(6, ':').collect::<Vec<_>>());
    wanted.len() == parts.len() && wanted.iter().zip(parts).all(|(glob, part)| glob.matches(part))
}

fn text_matches(test: Test, wanted: &str, value: &str) -> bool {
    let numbers = || Some((value.parse::<f64>().ok()?, wanted.parse::<f64>().ok()?));
    let dates = || Some((date::parse_ms(value)?, date::parse_ms(wanted)?));
    match test {
        Test::NumericEquals | Test::NumericNotEquals => numbers().is_some_and(|(a, b)| a == b),
        Test::NumericLessThan => numbers().is_some_and(|(a, b)| a < b),
        Test::NumericLessThanEquals => numbers().is_some_and(|(a, b)| a <= b),
        Test::NumericGreaterThan => numbers().is_some_and(|(a, b)| a > b),
        Test::NumericGreaterThanEquals => numbers().is_some_and(|(a, b)| a >= b),
        Test::DateEquals | Test::DateNotEquals => dates().is_some_and(|(a, b)| a == b),
        Test::DateLessThan => dates().is_some_and(|(a, b)| a < b),
        Test::DateLessThanEquals => dates().is_some_and(|(a, b)| a <= b),
        Test::DateGreaterThan => dates().is_some_and(|(a, b)| a > b),
        Test::DateGreaterThanEquals => dates().is_some_and(|(a, b)| a >= b),
        Test::Bool => value.eq_ignore_ascii_case(wanted),
        Test::BinaryEquals => match (STANDARD.decode(value), STANDARD.decode(wanted)) {
            (Ok(value), Ok(wanted)) => value == wanted,
            _ => false,
        },
        Test::IpAddress | Test::NotIpAddress => in_network(wanted, value).unwrap_or(false),
        _ => false,
    }
}

/// Whether an address lies in a network in CIDR notation; one without a length is one address.
fn in_network(network: &str, address: &str) -> Option<bool> {
    let (base, len) = match network.split_once('/') {
        Some((base, len)) => (base, Some(len.parse::<u32>().ok()?)),
        None => (network, None),
    };
    let (base, address, bits) = match (base.parse().ok()?, address.parse().ok()?) {
        (IpAddr::V4(base), IpAddr::V4(address)) => (base.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(base), IpAddr::V6(address)) => (base.to_bits(), address.to_bits(), 128),
        _ => return Some(false),
    };
    let host_bits = u32::checked_sub(bits, len.unwrap_or(bits))?;
    let network_of = |address: u128| address.checked_shr(host_bits).unwrap_or(0);
    Some(network_of(base) == network_of(address))
}

#[cfg(test)]
mod tests;
