//! Reads one statement.

use jsonc_parser::ast::{Object, ObjectProp, Value};

use super::json::{self, Elements, Faults, once_each};
use crate::iam::{
    document::{
        Condition, Effect, Patterns, Placed, PrincipalKind, PrincipalName, PrincipalSet, Principals, Statement,
    },
    operator::Operator,
};

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Reads a statement; `None` when what is wrong leaves no statement.
pub(super) fn read(object: &Object<'_>, faults: &mut Faults<'_>) -> Option<Statement> {
    let position = faults.position(object.range.start);
    let elements = Elements::new(object, &ELEMENTS, "a statement", faults);
    let missing = |faults: &mut Faults<'_>, name: &str, hint: &str| {
        faults.add(object.range.start, format!("this statement has no `{name}`"), hint);
    };
    let sid = elements.get("Sid").and_then(|property| faults.string(&property.value, "`Sid`"));
    let effect = match elements.get("Effect") {
        Some(property) => effect(&property.value, faults),
        None => {
            missing(faults, "Effect", "write \"Effect\": \"Allow\" or \"Effect\": \"Deny\"");
            None
        }
    };
    let principal = one_of(&elements, "Principal", "NotPrincipal", faults).and_then(|(property, negated)| {
        let named = principals(&property.value, faults)?;
        Some(Principals { negated, named, position: faults.position(property.range.start) })
    });
    let actions = match one_of(&elements, "Action", "NotAction", faults) {
        Some((property, negated)) => Some(patterns(property, negated, faults)),
        None => {
            missing(faults, "Action", "write \"Action\": \"s3:GetObject\", or a list of actions");
            None
        }
    };
    let resources = one_of(&elements, "Resource", "NotResource", faults)
        .map(|(property, negated)| patterns(property, negated, faults));
    // Trust policies belong to a role, and name no other resource.
    let is_trust = |actions: &Patterns| actions.patterns.iter().all(|action| action.value.starts_with("sts:"));
    if resources.is_none() && !(principal.is_some() && actions.as_ref().is_some_and(is_trust)) {
        missing(faults, "Resource", "write \"Resource\": \"arn:aws:s3:::BUCKET/PREFIX/*\", or a list of ARNs");
    }
    let conditions = elements.get("Condition").map(|property| conditions(&property.value, faults)).unwrap_or_default();
    Some(Statement { sid, effect: effect?, principal, actions: actions?, resources, conditions, position })
}

/// One of two elements that exclude each other; whether it was the negated one.
fn one_of<'v, 'a>(
    elements: &Elements<'v, 'a>,
    plain: &str,
    negated: &str,
    faults: &mut Faults<'_>,
) -> Option<(&'v ObjectProp<'a>, bool)> {
    match (elements.get(plain), elements.get(negated)) {
        (Some(_), Some(second)) => {
            let what = format!("`{plain}` and `{negated}` exclude each other");
            faults.add(second.range.start, what, "keep one of them; a second statement can hold the other");
            elements.get(plain).map(|property| (property, false))
        }
        (Some(property), None) => Some((property, false)),
        (None, Some(property)) => Some((property, true)),
        (None, None) => None,
    }
}

fn effect(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Placed<Effect>> {
    let text = faults.string(value, "`Effect`")?;
    let effect = match text.value.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => {
            let what = format!("`Effect` is `Allow` or `Deny`, not {other:?}");
            faults.add_at(text.position, what, "case matters");
            return None;
        }
    };
    Some(Placed::new(effect, text.position))
}

fn patterns(property: &ObjectProp<'_>, negated: bool, faults: &mut Faults<'_>) -> Patterns {
    let position = faults.position(property.range.start);
    let name = property.name.as_str();
    let what = format!("each `{name}`");
    if matches!(&property.value, Value::Array(array) if array.elements.is_empty()) {
        faults.add(
            json::start(&property.value),
            format!("`{name}` is empty"),
            "name at least one, or drop the statement",
        );
    }
    let patterns = faults.list(&property.value, |faults, value| faults.string(value, &what));
    Patterns { negated, patterns, position }
}

fn principals(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<PrincipalSet> {
    const HINT: &str = "write \"*\" or {\"AWS\": \"arn:aws:iam::ACCOUNT:user/NAME\"}";
    let object = match value {
        Value::StringLit(text) if text.value == "*" => return Some(PrincipalSet::Everyone),
        Value::Object(object) => object,
        other => {
            faults.add(json::start(other), "a principal is \"*\" or an object that says its kind", HINT);
            return None;
        }
    };
    let mut listed = Vec::new();
    for property in once_each(object, faults) {
        let written = property.name.as_str();
        let Some(kind) = PrincipalKind::ALL.into_iter().find(|kind| kind.as_str() == written) else {
            let what = format!("there is no kind of principal called {written:?}");
            faults.add(property.range.start, what, "AWS, Service, Federated or CanonicalUser");
            continue;
        };
        let names = faults.list(&property.value, |faults, value| faults.string(value, "a principal"));
        listed.extend(names.into_iter().map(|name| PrincipalName { kind, name }));
    }
    Some(PrincipalSet::Listed(listed))
}

fn conditions(value: &Value<'_>, faults: &mut Faults<'_>) -> Vec<Condition> {
    const HINT: &str = "write {\"StringLike\": {\"s3:prefix\": [\"home/client1/*\"]}}";
    let Value::Object(operators) = value else {
        faults.add(json::start(value), format!("`Condition` is an object, and this is {}", json::kind(value)), HINT);
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for property in once_each(operators, faults) {
        let position = faults.position(property.range.start);
        let operator = match property.name.as_str().parse::<Operator>() {
            Ok(operator) => Placed::new(operator, position),
            Err(error) => {
                faults.add_at(position, error.to_string(), "StringLike, StringEquals, Bool, IpAddress, Null, …");
                continue;
            }
        };
        let Value::Object(keys) = &property.value else {
            let what =
                format!("`{}` holds condition keys, and this is {}", operator.value, json::kind(&property.value));
            faults.add(json::start(&property.value), what, HINT);
            continue;
        };
        for property in once_each(keys, faults) {
            let position = faults.position(property.range.start);
            let key = Placed::new(property.name.as_str().to_owned(), position);
            let values = faults.list(&property.value, condition_value);
            conditions.push(Condition { operator, key, values });
        }
    }
    conditions
}

/// Text, or a number or truth value, which IAM takes as the text it is written as.
fn condition_value(faults: &mut Faults<'_>, value: &Value<'_>) -> Option<Placed<String>> {
    let (text, offset) = match value {
        Value::NumberLit(number) => (number.value.to_owned(), number.range.start),
        Value::BooleanLit(truth) => (truth.value.to_string(), truth.range.start),
        other => return faults.string(other, "a condition's value"),
    };
    Some(Placed::new(text, faults.position(offset)))
}
