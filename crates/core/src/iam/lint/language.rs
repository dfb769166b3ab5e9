//! What the policy language itself makes of a document.

use super::{Draft, Finding, Fix, Rule, Severity, arn::has_variable, repair::Edit, subject};
use crate::iam::document::{Policy, PrincipalSet, Statement, Version};

const SAY_WHAT: &str = "say in `Action` and `Resource` what is allowed; `holdfast policy generate` writes it";

/// Variables in a version that takes them for text.
pub(super) fn version(file: &str, policy: &Policy) -> Option<Finding> {
    let variable = policy.statements.iter().flat_map(subject::texts).find(|text| has_variable(text))?;
    if policy.effective_version() == Version::V2012 {
        return None;
    }
    let stated = match policy.version {
        Some(_) => "Version 2008-10-17 knows no variables",
        None => "`Version` is missing, which means 2008-10-17, and that knows no variables",
    };
    Some(Finding {
        rule: Rule::Version,
        severity: Severity::Error,
        file: Some(file.to_owned()),
        position: policy.version.as_ref().map(|version| version.position),
        statement: None,
        what: format!("{stated}: `{variable}` is plain text, and matches nobody's name"),
        fix: Some(Fix::Advice { text: "write \"Version\": \"2012-10-17\"".to_owned() }),
    })
}

/// Everything but something.
pub(super) fn negated(statement: &Statement, found: &mut Vec<Draft>) {
    if !subject::is_allow(statement) {
        return;
    }
    let resources = statement.resources.as_ref().filter(|resources| resources.negated);
    let elements = [
        statement.actions.negated.then_some((
            &statement.actions,
            "`NotAction` with Allow allows every action but these, those of other services too, and every one to come",
        )),
        resources.map(|resources| {
            (resources, "`NotResource` with Allow allows it on everything but this: on all other buckets and clients")
        }),
    ];
    for (element, what) in elements.into_iter().flatten() {
        found.push(Draft {
            rule: Rule::NegatedAllow,
            severity: Severity::Error,
            position: element.position,
            what: what.to_owned(),
            edits: vec![Edit::Advice(SAY_WHAT)],
        });
    }
}

/// Anybody at all.
pub(super) fn public(statement: &Statement, found: &mut Vec<Draft>) {
    let Some(principal) = statement.principal.as_ref().filter(|_| subject::is_allow(statement)) else { return };
    let everyone = match &principal.named {
        PrincipalSet::Everyone => true,
        PrincipalSet::Listed(names) => names.iter().any(|named| named.name.value == "*"),
    };
    let (severity, what) = match (principal.negated, everyone, statement.conditions.is_empty()) {
        (true, ..) => (Severity::Error, "`NotPrincipal` with Allow: anybody but these is allowed, without any key"),
        (false, true, true) => (Severity::Error, "anybody on the internet is allowed, without any key"),
        (false, true, false) => {
            (Severity::Warning, "anybody is allowed, without any key, for whom the condition holds")
        }
        (false, false, _) => return,
    };
    let advice = "name who is meant: \"Principal\": {\"AWS\": \"arn:aws:iam::ACCOUNT-ID:user/NAME\"}";
    found.push(Draft {
        rule: Rule::Public,
        severity,
        position: principal.position,
        what: what.to_owned(),
        edits: vec![Edit::Advice(advice)],
    });
}

/// A role's session has no user name.
pub(super) fn role(statement: &Statement, found: &mut Vec<Draft>) {
    let Some(principal) = &statement.principal else { return };
    let PrincipalSet::Listed(names) = &principal.named else { return };
    let role =
        names.iter().find(|named| named.name.value.contains(":role/") || named.name.value.contains(":assumed-role/"));
    let variable = subject::texts(statement).into_iter().any(|text| text.to_lowercase().contains("${aws:username"));
    if let (Some(role), true) = (role, variable) {
        found.push(Draft {
            rule: Rule::RoleWithoutUsername,
            severity: Severity::Warning,
            position: role.name.position,
            what: "`${aws:username}` exists for IAM users alone: for this role the statement matches nothing"
                .to_owned(),
            edits: vec![Edit::Advice("give each client an IAM user, or write the prefix out")],
        });
    }
}
