//! Reads a policy: everything that is wrong with it, each with where.
//!
//! As strict as IAM, which refuses comments, unknown elements and duplicate names. What IAM takes
//! though it cannot work (an action that does not exist, a bucket's name for an ARN) is taken here
//! too: it is `lint`'s to say.

mod json;
mod statement;

use std::fmt;

use jsonc_parser::ast::{ObjectProp, Value};
use serde::Serialize;

use super::document::{Placed, Policy, Position, Statement, Version};
use json::{Elements, Faults};

/// The longest text that is read. IAM's own limits are between 2,048 and 20,480 characters.
pub const MAX_LEN: usize = 1024 * 1024;

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Malformed {
    /// Everything that was found, in the order of the text. Never empty.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where.
    pub position: Position,
    /// What.
    pub what: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let separator = if at > 0 { "\n" } else { "" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.what)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// Reads a policy from bytes. A byte order mark is passed over.
///
/// # Errors
/// When it is not a policy; the error says everything that is wrong, and where.
pub fn parse_bytes(bytes: &[u8]) -> Result<Policy, Malformed> {
    let text = json::text(bytes)?;
    let root = json::parse(text)?;
    let mut faults = Faults::new(text);
    let policy = policy(&root, &mut faults);
    faults.none_or(policy)
}

/// Reads a policy.
///
/// # Errors
/// When it is not a policy; the error says everything that is wrong, and where.
pub fn parse(text: &str) -> Result<Policy, Malformed> {
    parse_bytes(text.as_bytes())
}

const SHAPE: &str = r#"{"Version": "2012-10-17", "Statement": [ … ]}"#;

fn policy(root: &Value<'_>, faults: &mut Faults<'_>) -> Policy {
    let mut policy = Policy::default();
    let object = match root {
        Value::Object(object) => object,
        Value::Array(array) => {
            faults.add(array.range.start, "this is a list, not a policy", format!("a policy is an object: {SHAPE}"));
            return policy;
        }
        other => {
            let what = format!("this is {}, not a policy", json::kind(other));
            faults.add(json::start(other), what, format!("a policy is an object: {SHAPE}"));
            return policy;
        }
    };
    let elements = Elements::new(object, &["Version", "Id", "Statement"], "a policy", faults);
    if elements.get("Statement").is_none() {
        let has = |name| object.properties.iter().any(|property| property.name.as_str() == name);
        // What else it may be decides what is worth saying: its own elements would each be "unknown".
        let start = object.range.start;
        if has("Effect") || has("Action") || has("NotAction") {
            faults.instead(start, "this is a bare statement, not a policy", format!("wrap it: {SHAPE}"));
        } else if has("Rules") {
            faults.instead(
                start,
                "this is a lifecycle configuration, not a policy",
                "it says nothing about who may do what: leave it out here",
            );
        } else if has("PolicyDocument") || has("PolicyVersion") || has("Policy") {
            faults.instead(
                start,
                "this is an answer of the AWS command line that holds a policy",
                "give the policy in it alone",
            );
        } else {
            faults.add(start, "`Statement` is missing", format!("a policy is {SHAPE}"));
        }
        return policy;
    }
    for property in elements.in_order() {
        let value = &property.value;
        match property.name.as_str() {
            "Version" => policy.version = version(value, faults),
            "Id" => policy.id = faults.string(value, "`Id`"),
            _ => policy.statements = statements(property, faults),
        }
    }
    policy
}

fn version(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Placed<Version>> {
    let text = faults.string(value, "`Version`")?;
    let version = match text.value.as_str() {
        "2012-10-17" => Version::V2012,
        "2008-10-17" => Version::V2008,
        other => {
            let what = format!("there is no version {other:?} of the policy language");
            faults.add_at(text.position, what, "write \"2012-10-17\"; a date of your own is not a version");
            return None;
        }
    };
    Some(Placed::new(version, text.position))
}

fn statements(property: &ObjectProp<'_>, faults: &mut Faults<'_>) -> Vec<Statement> {
    let list = match &property.value {
        Value::Array(array) => &array.elements[..],
        one => std::slice::from_ref(one),
    };
    if list.is_empty() {
        faults.add(property.range.start, "`Statement` is empty", "a policy without a statement is refused by IAM");
    }
    let read = list.iter().filter_map(|value| match value {
        Value::Object(object) => statement::read(object, faults),
        other => {
            let what = format!("a statement is an object, and this is {}", json::kind(other));
            faults.add(json::start(other), what, "write {\"Effect\": …, \"Action\": …, \"Resource\": …}");
            None
        }
    });
    read.collect()
}

#[cfg(test)]
mod tests;
