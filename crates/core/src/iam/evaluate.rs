//! What policies [say to a request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html):
//! a deny wins, then an allow of either kind of policy, else it is denied.
//!
//! All policies and the bucket are of one account. A policy whose statements name no principal is
//! taken to be attached to whoever asks.

use serde::Serialize;

use super::{
    condition::{Check, Outcome},
    document::{Effect, Patterns, Policy, Position, PrincipalKind, PrincipalSet, Principals, Statement, Version},
    glob::Glob,
    pattern::{Dialect, Pattern, Wildcards},
    request::{Principal, Request},
};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allow(By),
    /// No statement allows it.
    ImplicitDeny,
    /// A statement denies it.
    ExplicitDeny(By),
}

impl Decision {
    /// Whether it is allowed.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// The statement that decided.
    #[must_use]
    pub fn by(&self) -> Option<&By> {
        match self {
            Self::Allow(by) | Self::ExplicitDeny(by) => Some(by),
            Self::ImplicitDeny => None,
        }
    }
}

/// The statement that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct By {
    /// Which of the policies, from 0.
    pub policy: usize,
    /// Which of its statements, from 1 as people count.
    pub statement: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// Context keys whose values were taken to be what allows it: nobody knows them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
}

/// Policies, ready to be asked again and again.
#[derive(Debug, Clone)]
pub struct Evaluator {
    rules: Vec<Rule>,
    dialect: Dialect,
}

/// A statement, compiled.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) effect: Effect,
    principals: Option<Principals>,
    not_actions: bool,
    actions: Vec<Glob>,
    pub(super) not_resources: bool,
    /// Malformed ones are `None`, and match nothing.
    resources: Vec<Option<Pattern>>,
    pub(super) conditions: Vec<Check>,
    by: By,
}

/// Asks once.
#[must_use]
pub fn evaluate(policies: &[Policy], request: &Request) -> Decision {
    Evaluator::new(policies).decide(request)
}

impl Evaluator {
    /// Prepares policies, of identities and of the bucket alike.
    #[must_use]
    pub fn new(policies: &[Policy]) -> Self {
        let rules = policies.iter().enumerate().flat_map(|(at, policy)| {
            let version = policy.effective_version();
            let statements = policy.statements.iter().enumerate();
            statements.map(move |(number, statement)| Rule::new(statement, version, at, number + 1))
        });
        Self { rules: rules.collect(), dialect: Dialect::Aws }
    }

    /// Follows another's rules.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Decides. What is not known of the request is taken in its favour.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        let mut doubtful = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.effect == Effect::Deny) {
            match rule.applies(request, self.dialect) {
                Some(assumed) if assumed.is_empty() => return Decision::ExplicitDeny(rule.by.clone()),
                Some(assumed) => doubtful.extend(assumed),
                None => {}
            }
        }
        let allows = self.rules.iter().filter(|rule| rule.effect == Effect::Allow);
        let applying = allows.filter_map(|rule| rule.applies(request, self.dialect).map(|assumed| (rule, assumed)));
        // One that needs no assumption is the better answer.
        let Some((rule, assumed)) = applying.min_by_key(|(_, assumed)| assumed.len()) else {
            return Decision::ImplicitDeny;
        };
        let mut by = rule.by.clone();
        by.assumed = assumed.into_iter().chain(doubtful).collect();
        by.assumed.sort();
        by.assumed.dedup();
        Decision::Allow(by)
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(super) fn dialect_in_force(&self) -> Dialect {
        self.dialect
    }
}

impl Rule {
    fn new(statement: &Statement, version: Version, policy: usize, number: usize) -> Self {
        let resources = statement.resources.as_ref();
        let patterns = |patterns: &Patterns| {
            let parse = |text: &str| Pattern::parse(text, Wildcards::Work, version).ok();
            patterns.patterns.iter().map(|pattern| parse(&pattern.value)).collect()
        };
        Self {
            effect: statement.effect.value,
            principals: statement.principal.clone(),
            not_actions: statement.actions.negated,
            actions: statement.actions.patterns.iter().map(|action| Glob::new(&action.value.to_lowercase())).collect(),
            not_resources: resources.is_some_and(|resources| resources.negated),
            resources: resources.map(patterns).unwrap_or_default(),
            conditions: statement.conditions.iter().map(|condition| Check::new(condition, version)).collect(),
            by: By {
                policy,
                statement: number,
                sid: statement.sid.as_ref().map(|sid| sid.value.clone()),
                position: statement.position,
                assumed: Vec::new(),
            },
        }
    }

    /// Whether it applies to a request, and which keys that depends on.
    fn applies(&self, request: &Request, dialect: Dialect) -> Option<Vec<String>> {
        let applies = self.is_for(&request.principal)
            && self.covers_action(&request.action)
            && self.covers_resource(request, dialect);
        if !applies {
            return None;
        }
        let mut assumed = Vec::new();
        for condition in &self.conditions {
            match condition.test(request, dialect) {
                Outcome::Holds => {}
                Outcome::Fails => return None,
                Outcome::Unknown => assumed.push(condition.key().to_owned()),
            }
        }
        Some(assumed)
    }

    pub(super) fn covers_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.actions.iter().any(|glob| glob.matches(&action)) != self.not_actions
    }

    /// The resources that it names, for a request's principal; `None` where a variable has no value.
    pub(super) fn resources<'a>(
        &'a self,
        request: &'a Request,
        dialect: Dialect,
    ) -> impl Iterator<Item = Option<Glob>> + 'a {
        self.resources.iter().map(move |pattern| pattern.as_ref()?.resolve(|key| request.value(key), dialect))
    }

    pub(super) fn covers_resource(&self, request: &Request, dialect: Dialect) -> bool {
        let mut resolved = self.resources(request, dialect);
        if self.not_resources {
            // One that cannot be told makes the statement invalid, instead of wide open.
            return resolved.all(|glob| glob.is_some_and(|glob| !glob.matches(&request.resource)));
        }
        resolved.flatten().any(|glob| glob.matches(&request.resource))
    }

    /// Whether it speaks to a principal.
    pub(super) fn is_for(&self, principal: &Principal) -> bool {
        let Some(principals) = &self.principals else {
            return !matches!(principal, Principal::Anonymous | Principal::Service(_));
        };
        let named = match &principals.named {
            PrincipalSet::Everyone => Named::Itself,
            PrincipalSet::Listed(listed) => {
                let named = listed.iter().map(|name| named(name.kind, &name.name.value, principal));
                named.max().unwrap_or(Named::Not)
            }
        };
        match (principals.negated, named) {
            (true, named) => named == Named::Not,
            (false, Named::Itself) => true,
            // To allow an account is to let its administrators allow: it takes a policy of theirs.
            (false, Named::ByAccount) => self.effect == Effect::Deny || matches!(principal, Principal::Root { .. }),
            (false, Named::Not) => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Not,
    ByAccount,
    Itself,
}

fn named(kind: PrincipalKind, name: &str, principal: &Principal) -> Named {
    let itself = |is: bool| if is { Named::Itself } else { Named::Not };
    match (kind, principal) {
        (PrincipalKind::Aws, _) if name == "*" => Named::Itself,
        (PrincipalKind::Service, Principal::Service(service)) => itself(service == name),
        (PrincipalKind::Aws, Principal::User { account, name: user }) => {
            named_in_account(name, account.as_deref(), |rest| {
                rest.strip_prefix("user/").and_then(|path| path.rsplit('/').next()) == Some(user)
            })
        }
        (PrincipalKind::Aws, Principal::Role { account, name: role, session }) => {
            named_in_account(name, account.as_deref(), |rest| {
                rest.strip_prefix("role/").and_then(|path| path.rsplit('/').next()) == Some(role)
                    || rest.strip_prefix("assumed-role/") == Some(&format!("{role}/{session}"))
            })
        }
        (PrincipalKind::Aws, Principal::Root { account }) => named_in_account(name, account.as_deref(), |_| false),
        _ => Named::Not,
    }
}

/// An account's id or ARN names all of it; any other ARN is asked about itself.
fn named_in_account(name: &str, account: Option<&str>, is_itself: impl Fn(&str) -> bool) -> Named {
    let ours = |id: &str| account.is_none_or(|account| account == id);
    if name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit()) {
        return if ours(name) { Named::ByAccount } else { Named::Not };
    }
    let parts: Vec<_> = name.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam" | "sts", _, id, "root"] if ours(id) => Named::ByAccount,
        ["arn", _, "iam" | "sts", _, id, rest] if ours(id) && is_itself(rest) => Named::Itself,
        _ => Named::Not,
    }
}

#[cfg(test)]
mod tests;
