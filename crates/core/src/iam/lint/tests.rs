use super::*;

mod generated;
mod known;
mod rules;

/// `statement rule`, with 0 for what belongs to no statement; notes left out.
fn found(report: &Report) -> Vec<String> {
    assert_eq!(report.unreadable, []);
    let number = |finding: &Finding| finding.statement.as_ref().map_or(0, |name| name.number);
    let findings = report.findings.iter().filter(|finding| finding.severity > Severity::Note);
    findings.map(|finding| format!("{} {}", number(finding), finding.rule.id())).collect()
}

/// The document with every fix made that is a statement.
fn repaired(text: &str, report: &Report) -> String {
    let policy = crate::iam::parse::parse(text).expect("a policy");
    let mut statements = Vec::new();
    for (at, statement) in policy.statements.iter().enumerate() {
        let of_it = |finding: &&Finding| finding.statement.as_ref().is_some_and(|name| name.number == at + 1);
        match report.findings.iter().filter(of_it).find_map(|finding| finding.fix.as_ref()) {
            Some(Fix::Replace { statements: better }) => statements.extend(better.iter().cloned()),
            Some(Fix::Remove { .. }) => {}
            _ => statements.push(statement.clone()),
        }
    }
    serde_json::to_string(&Policy { statements, ..policy }).expect("JSON")
}
