//! Statements, made in the order in which they are spoken: allow this on that, when so.

use crate::iam::{
    document::{Condition, Effect, Patterns, Placed, Policy, Position, PrincipalSet, Principals, Statement, Version},
    operator::{Operator, Test},
};

/// A policy of these statements, in the version that knows policy variables.
pub(super) fn policy(statements: Vec<Statement>) -> Policy {
    Policy { version: Some(Version::V2012.into()), id: None, statements }
}

/// Allows these actions on this resource.
pub(super) fn allow(sid: &str, actions: &[&str], resource: String) -> Statement {
    statement(Effect::Allow, sid, actions, vec![resource])
}

/// Denies them.
pub(super) fn deny(sid: &str, actions: &[&str], resources: Vec<String>) -> Statement {
    statement(Effect::Deny, sid, actions, resources)
}

/// Only when the test finds the value under the key.
pub(super) fn when(mut statement: Statement, test: Test, key: &str, value: &str) -> Statement {
    let operator = Operator::plain(test).into();
    statement.conditions.push(Condition { operator, key: key.into(), values: vec![value.into()] });
    statement
}

/// For everybody: what a bucket policy's statement must name.
pub(super) fn for_everybody(mut statement: Statement) -> Statement {
    let (named, position) = (PrincipalSet::Everyone, Position::default());
    statement.principal = Some(Principals { negated: false, named, position });
    statement
}

fn statement(effect: Effect, sid: &str, actions: &[&str], resources: Vec<String>) -> Statement {
    let patterns = |patterns: Vec<Placed<String>>| Patterns { patterns, ..Patterns::default() };
    Statement {
        sid: Some(sid.into()),
        effect: effect.into(),
        principal: None,
        actions: patterns(actions.iter().map(|action| (*action).into()).collect()),
        resources: Some(patterns(resources.into_iter().map(Placed::from).collect())),
        conditions: Vec::new(),
        position: Position::default(),
    }
}
