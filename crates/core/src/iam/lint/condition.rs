//! Conditions on keys that the action does not have.
//!
//! A key that is not in the request fails a plain test and passes `…IfExists`, a negated test,
//! `ForAllValues:` and `Null: true`
//! ([evaluation of missing keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)).
//! IAM saves such a statement without a word.

use super::{Draft, Rule, Severity, grant::LIST_UPLOADS, repair::Edit, subject::is_allow};
use crate::iam::{
    action::{self, Action},
    document::{Condition, Statement},
    operator::{Quantifier, Test},
};

/// What conditions make of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate<'a> {
    /// One of them can never hold.
    Shut(&'a Condition),
    /// All of them always hold, or there is none.
    Open,
    /// They ask something.
    Asks,
}

/// What the statement's conditions make of an action.
pub(super) fn gate<'a>(statement: &'a Statement, action: &Action) -> Gate<'a> {
    let mut gate = Gate::Open;
    for condition in &statement.conditions {
        match (action.has_key(&condition.key.value), holds_without_key(condition)) {
            (false, false) => return Gate::Shut(condition),
            (false, true) => {}
            (true, _) => gate = Gate::Asks,
        }
    }
    gate
}

/// Whether a condition holds when the request lacks its key.
pub(super) fn holds_without_key(condition: &Condition) -> bool {
    let operator = condition.operator.value;
    if operator.test == Test::Null {
        return condition.values.iter().any(|value| value.value.eq_ignore_ascii_case("true"));
    }
    operator.if_exists
        || match operator.quantifier {
            Some(Quantifier::ForAllValues) => true,
            Some(Quantifier::ForAnyValue) => false,
            None => operator.test.is_negated(),
        }
}

/// One finding for each action and key that do not go together.
pub(super) fn keys(statement: &Statement, found: &mut Vec<Draft>) {
    if statement.actions.negated {
        return;
    }
    for pattern in &statement.actions.patterns {
        // A wildcard takes in actions that have the key and others that have not: that is its nature.
        let Some(action) = action::find(&pattern.value) else { continue };
        let lacking: Vec<_> =
            statement.conditions.iter().filter(|condition| !action.has_key(&condition.key.value)).collect();
        let shut = lacking.iter().find(|condition| !holds_without_key(condition));
        let Some(condition) = shut.or(lacking.first()) else { continue };
        let mut keys: Vec<_> = lacking.iter().map(|condition| format!("`{}`", condition.key.value)).collect();
        keys.dedup();
        let (name, keys) = (action.name, keys.join(" or "));
        let lacks = format!("a request for {name} never carries {keys}");
        let (rule, what) = match (shut.is_some(), is_allow(statement)) {
            (true, true) => (Rule::DeadCondition, format!("{lacks}, so this never allows it")),
            (true, false) => (Rule::DeadCondition, format!("{lacks}, so this never denies it")),
            (false, true) => (
                Rule::VoidCondition,
                format!("{lacks}, and `{}` passes without it: this allows it always", condition.operator.value),
            ),
            (false, false) => (
                Rule::VoidCondition,
                format!("{lacks}, and `{}` passes without it: this denies it always", condition.operator.value),
            ),
        };
        let edits = match (is_allow(statement), name) {
            // Without the condition it would show everybody's uploads, and nothing needs it.
            (true, LIST_UPLOADS) => vec![Edit::DropAction(pattern.value.clone())],
            _ => vec![Edit::Split],
        };
        let severity =
            if is_allow(statement) || rule == Rule::DeadCondition { Severity::Error } else { Severity::Warning };
        found.push(Draft { rule, severity, position: pattern.position, what, edits });
    }
}
