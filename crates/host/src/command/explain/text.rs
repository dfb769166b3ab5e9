//! An explanation, set for people: a paragraph for each thing there is to say, and statements
//! that can be copied as they stand.

use holdfast_core::explanation::{Advice, Explanation, Finding};

/// Where lines are broken.
const WIDTH: usize = 100;
/// Where texts begin, behind their labels.
const INDENT: usize = 16;

/// All findings.
pub(super) fn of(explanation: &Explanation) -> String {
    let several = explanation.findings.len() > 1;
    let mut text = String::new();
    for (index, finding) in explanation.findings.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let number = if several { format!("{}. ", index + 1) } else { String::new() };
        text += &one(finding, &number);
    }
    if explanation.omitted > 0 {
        text += &format!("\n… and {} more\n", explanation.omitted);
    }
    if explanation.successes > 0 {
        text += &format!("\n{} other lines of the log record successes.\n", explanation.successes);
    }
    text
}

fn one(finding: &Finding, number: &str) -> String {
    let mut head = format!("{number}{}", finding.what);
    if finding.times > 1 {
        head += &format!(" ({} times, first in line {})", finding.times, finding.line);
    } else if !number.is_empty() && finding.line > 0 {
        head += &format!(" (line {})", finding.line);
    }
    let mut text = wrapped(&head, number.len(), number.len());
    text += &labelled("means", &finding.means);
    text += &labelled("likely cause", &finding.cause);
    text += &labelled("fix", &finding.fix);
    if let Some(need) = &finding.needs {
        text += &labelled("needs", &format!("{} on {}", need.action, need.resource));
    }
    for note in &finding.notes {
        text += &labelled("note", note);
    }
    if let Some(holdfast) = &finding.holdfast {
        text += &labelled("Holdfast", &holdfast.words);
    }
    if let Some(advice) = &finding.statement {
        text += &statement(advice);
    }
    text
}

fn statement(advice: &Advice) -> String {
    let when = if advice.leaks {
        "the statement, for those who accept the leak:"
    } else {
        "the statement to add to the policy's `Statement`:"
    };
    let json = serde_json::to_string_pretty(&advice.json).unwrap_or_default();
    let mut text = format!("  {when}\n");
    for line in json.lines() {
        text += &format!("    {line}\n");
    }
    text
}

fn labelled(label: &str, said: &str) -> String {
    wrapped(&format!("  {label:<width$}{said}", width = INDENT - 2), INDENT, INDENT)
}

/// Broken at spaces; a word longer than a line stays whole, so that it can be copied. The first
/// `keep` characters stand as they are.
fn wrapped(text: &str, keep: usize, indent: usize) -> String {
    let (head, rest) = text.split_at_checked(keep).unwrap_or(("", text));
    let mut lines = head.to_owned();
    let mut column = keep;
    for (index, word) in rest.split(' ').enumerate() {
        let len = word.chars().count();
        if index > 0 && column + 1 + len > WIDTH {
            lines += &format!("\n{:indent$}", "");
            column = indent;
        } else if index > 0 {
            lines.push(' ');
            column += 1;
        }
        lines += word;
        column += len;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_arns_stay_whole() {
        let arn = "a".repeat(120);
        let text = labelled("fix", &format!("{}{arn} end", "word ".repeat(20)));
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("  fix           word word"));
        assert!(lines[0].len() <= WIDTH);
        assert!(lines.iter().any(|line| line.trim() == arn || line.contains(&arn)));
        assert_eq!(lines[1].find(|c| c != ' '), Some(INDENT));
    }
}
