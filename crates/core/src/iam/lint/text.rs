//! The report as people read it: statement by statement, what is wrong, then the statement that
//! is right.

use std::fmt::Write;

use super::{Finding, Fix, Report, Severity, finding::StatementName};

/// Narrow enough to read, and for most terminals.
const WIDTH: usize = 100;

pub(super) fn report(report: &Report) -> String {
    let mut text = String::new();
    for unreadable in &report.unreadable {
        for fault in &unreadable.faults {
            let _ = writeln!(text, "{}: {fault}", unreadable.file);
        }
    }
    let mut rest = report.findings.as_slice();
    while let Some(first) = rest.first() {
        let place = |finding: &Finding| (finding.file.clone(), finding.statement.as_ref().map(|name| name.number));
        let here = rest.iter().take_while(|finding| place(finding) == place(first)).count();
        // A document's own findings each have a fix of their own.
        let here = if first.statement.is_some() { here } else { 1 };
        group(&mut text, &rest[..here]);
        rest = &rest[here..];
    }
    text.push_str(&summary(report));
    text
}

fn group(text: &mut String, findings: &[Finding]) {
    let Some(first) = findings.first() else { return };
    let file = first.file.as_deref().unwrap_or("these documents");
    let _ = match &first.statement {
        Some(StatementName { number, sid: Some(sid), line }) => {
            writeln!(text, "{file}:{line}: statement {number}, {sid}")
        }
        Some(StatementName { number, sid: None, line }) => writeln!(text, "{file}:{line}: statement {number}"),
        None => writeln!(text, "{file}"),
    };
    for finding in findings {
        let line = finding.position.map_or(String::new(), |position| format!(", line {}", position.line));
        let _ = writeln!(text, "  {} [{}]{line}", finding.severity, finding.rule.id());
        text.push_str(&wrapped(&finding.what));
    }
    if let Some(fix) = findings.iter().find_map(|finding| finding.fix.as_ref()) {
        write_fix(text, fix);
    }
    text.push('\n');
}

fn write_fix(text: &mut String, fix: &Fix) {
    let _ = match fix {
        Fix::Replace { statements } => {
            let each: Vec<_> = statements.iter().filter_map(|it| serde_json::to_string_pretty(it).ok()).collect();
            writeln!(text, "  fix: put in its place\n{}", indented(&each.join(",\n")))
        }
        Fix::Remove { why } => writeln!(text, "  fix: delete the statement; {why}"),
        Fix::Add { json } => {
            let json = serde_json::to_string_pretty(json).unwrap_or_default();
            writeln!(text, "  fix: add\n{}", indented(&json))
        }
        Fix::Advice { text: advice } => writeln!(text, "  fix: {advice}"),
    };
}

/// A paragraph, four columns in.
fn wrapped(what: &str) -> String {
    let mut text = String::new();
    let mut column = WIDTH;
    for word in what.split(' ') {
        let len = word.chars().count();
        if column + 1 + len > WIDTH {
            text.push_str(if text.is_empty() { "    " } else { "\n    " });
            column = 4;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += len;
    }
    text.push('\n');
    text
}

fn indented(json: &str) -> String {
    json.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn summary(report: &Report) -> String {
    let count = |severity, one: &str| match report.count(severity) {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    };
    if report.findings.is_empty() && report.unreadable.is_empty() {
        return "nothing found".to_owned();
    }
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts: Vec<_> = counts.into_iter().map(|(severity, one)| count(severity, one)).collect();
    match report.unreadable.len() {
        0 => counts.join(", "),
        1 => format!("{}; 1 document could not be read", counts.join(", ")),
        n => format!("{}; {n} documents could not be read", counts.join(", ")),
    }
}
