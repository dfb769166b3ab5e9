//! A policy as it was written: its elements, in its order, each with where it stands.
//!
//! Patterns and values are kept to the letter, because what is said about them quotes them.
//! `parse` makes a document from text; `Serialize` writes one as AWS reads it.

use std::fmt;

use serde::Serialize;

use super::operator::Operator;

/// A place in a policy's text. Both are 0 in a document that was made, not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Something that was read, and where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placed<T> {
    /// What was read.
    pub value: T,
    /// Where it begins.
    pub position: Position,
}

impl<T> Placed<T> {
    /// Something that was read there.
    #[must_use]
    pub fn new(value: T, position: Position) -> Self {
        Self { value, position }
    }
}

impl<T> From<T> for Placed<T> {
    /// Something that was made, not read.
    fn from(value: T) -> Self {
        Self { value, position: Position::default() }
    }
}

impl From<&str> for Placed<String> {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

/// Which version of the policy language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Version {
    /// Also what a missing version means: policy variables are plain text.
    #[default]
    #[serde(rename = "2008-10-17")]
    V2008,
    /// Policy variables are expanded.
    #[serde(rename = "2012-10-17")]
    V2012,
}

/// A whole policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// `Version`, when it was given.
    pub version: Option<Placed<Version>>,
    /// `Id`.
    pub id: Option<Placed<String>>,
    /// `Statement`, in order.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// The version in force: a missing one means the old.
    #[must_use]
    pub fn effective_version(&self) -> Version {
        self.version.map_or_else(Version::default, |version| version.value)
    }

    /// Whether it belongs to a resource: one of its statements names principals.
    #[must_use]
    pub fn is_resource_policy(&self) -> bool {
        self.statements.iter().any(|statement| statement.principal.is_some())
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`.
    pub sid: Option<Placed<String>>,
    /// `Effect`.
    pub effect: Placed<Effect>,
    /// `Principal` or `NotPrincipal`: only in policies of resources.
    pub principal: Option<Principals>,
    /// `Action` or `NotAction`.
    pub actions: Patterns,
    /// `Resource` or `NotResource`; trust policies have none.
    pub resources: Option<Patterns>,
    /// `Condition`: one for each operator and key, in order.
    pub conditions: Vec<Condition>,
    /// Where its brace stands.
    pub position: Position,
}

/// What a statement does when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // as AWS calls them
pub enum Effect {
    Allow,
    Deny,
}

/// `Action`, `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Whether it was `NotAction` or `NotResource`.
    pub negated: bool,
    /// The patterns, in order.
    pub patterns: Vec<Placed<String>>,
    /// Where the element's name stands.
    pub position: Position,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principals {
    /// Whether it was `NotPrincipal`.
    pub negated: bool,
    /// Who is named.
    pub named: PrincipalSet,
    /// Where the element's name stands.
    pub position: Position,
}

/// Who a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalSet {
    /// `"*"`.
    Everyone,
    /// `{"AWS": …}` and its like, in order.
    Listed(Vec<PrincipalName>),
}

/// One principal that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalName {
    /// What kind of name it is.
    pub kind: PrincipalKind,
    /// An ARN, an account's id, `*`, a service's name…
    pub name: Placed<String>,
}

/// The kinds of principals' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)] // as AWS calls them
pub enum PrincipalKind {
    #[serde(rename = "AWS")]
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

impl PrincipalKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Service, Self::Federated, Self::CanonicalUser];

    /// As a policy spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

/// One key under one operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The operator.
    pub operator: Placed<Operator>,
    /// The key, as it was spelt; keys know no case.
    pub key: Placed<String>,
    /// The values; `true` and `5` stand here as text.
    pub values: Vec<Placed<String>>,
}
