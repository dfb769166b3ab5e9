//! Judges policies as they are written: what they let happen that nobody meant.
//!
//! Unlike the simulator, which answers for one request, lint knows what people get wrong. Each
//! rule sees one statement and the [subject](subject::Subject), that is, whose policy it is and
//! which bucket and prefix are meant. What it finds carries edits, and all edits of a statement
//! together make the statement that is shown as the fix.

mod action;
mod arn;
mod condition;
mod finding;
mod grant;
mod language;
mod leak;
mod lifecycle;
mod listing;
mod repair;
mod resource;
mod subject;
#[cfg(test)]
mod tests;
mod text;
mod whole;

pub use finding::{Finding, Fix, Missing, Rule, Severity, StatementName};

use serde::Serialize;

use super::{
    document::{Policy, Position, Statement},
    generate::ClientPrefix,
    parse::{Malformed, parse_bytes},
};
use crate::name::Bucket;
use subject::Subject;

/// A document to look at.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What people call it: a file's name.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// What is known besides the documents.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The bucket that is meant.
    pub bucket: Option<Bucket>,
    /// Where clients are in it.
    pub prefix: Option<ClientPrefix>,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// In the order of the documents and of their lines.
    pub findings: Vec<Finding>,
    /// Documents that are none.
    pub unreadable: Vec<Unreadable>,
}

/// A document that is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub faults: Vec<super::parse::Fault>,
}

impl Report {
    /// How many findings are that bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether there is nothing but notes.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Note)
    }

    /// The report as people read it.
    #[must_use]
    pub fn text(&self) -> String {
        // A policy's own words are in it, and may hold what moves a terminal's cursor.
        let shown = |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
        text::report(self).chars().map(shown).collect()
    }
}

/// A finding before it has a name and a fix.
#[derive(Debug)]
struct Draft {
    rule: Rule,
    severity: Severity,
    position: Position,
    what: String,
    edits: Vec<repair::Edit>,
}

/// A document that could be read.
enum Document<'a> {
    Policy(&'a str, Policy),
    Lifecycle(&'a str, lifecycle::Lifecycle),
}

/// Looks at documents that belong together.
#[must_use]
pub fn lint(sources: &[Source<'_>], options: &Options) -> Report {
    let mut report = Report::default();
    let mut documents = Vec::new();
    for source in sources {
        match read(source) {
            Ok(document) => documents.push(document),
            Err(error) => {
                report.unreadable.push(Unreadable { file: source.name.to_owned(), faults: error.faults });
            }
        }
    }
    let bucket = subject::bucket_meant(policies(&documents), options);
    for document in &documents {
        if let Document::Policy(name, policy) = document {
            let subject = Subject::of(policy, bucket.as_deref(), options);
            report.findings.extend(language::version(name, policy));
            for at in 0..policy.statements.len() {
                report.findings.extend(statement(name, at, &subject));
            }
        }
    }
    // What is missing can be said only of a set that is whole.
    if let Some(bucket) = options.bucket.as_ref().filter(|_| report.unreadable.is_empty()) {
        report.findings.extend(whole::missing(&documents, &subject::bucket_arn(policies(&documents), bucket)));
    }
    report
}

fn read<'a>(source: &Source<'a>) -> Result<Document<'a>, Malformed> {
    match lifecycle::Lifecycle::recognise(source.bytes) {
        Some(Ok(lifecycle)) => return Ok(Document::Lifecycle(source.name, lifecycle)),
        Some(Err(fault)) => return Err(Malformed { faults: vec![fault] }),
        None => {}
    }
    Ok(Document::Policy(source.name, parse_bytes(source.bytes)?))
}

fn policies<'a>(documents: &'a [Document<'_>]) -> impl Iterator<Item = &'a Policy> {
    documents.iter().filter_map(|document| match document {
        Document::Policy(_, policy) => Some(policy),
        Document::Lifecycle(..) => None,
    })
}

fn statement(file: &str, at: usize, subject: &Subject<'_>) -> Vec<Finding> {
    let this = &subject.policy.statements[at];
    let mut drafts = Vec::new();
    action::unknown(this, &mut drafts);
    resource::kinds(this, subject, &mut drafts);
    resource::buckets(this, subject, &mut drafts);
    resource::prefixes(this, subject, &mut drafts);
    listing::listings(at, subject, &mut drafts);
    condition::keys(this, &mut drafts);
    leak::uploads(this, subject, &mut drafts);
    leak::bucket_names(this, subject, &mut drafts);
    action::dangerous(this, subject, &mut drafts);
    language::negated(this, &mut drafts);
    language::public(this, &mut drafts);
    language::role(this, &mut drafts);
    drafts.sort_by_key(|draft| (draft.position, draft.rule));
    let edits: Vec<_> = drafts.iter().flat_map(|draft| draft.edits.iter().cloned()).collect();
    let fix = repair::repaired(at, &edits, subject);
    let name = name_of(at, this);
    drafts
        .into_iter()
        .map(|draft| Finding {
            rule: draft.rule,
            severity: draft.severity,
            file: Some(file.to_owned()),
            position: Some(draft.position),
            statement: Some(name.clone()),
            what: draft.what,
            fix: if draft.edits.is_empty() { None } else { fix.clone() },
        })
        .collect()
}

fn name_of(at: usize, statement: &Statement) -> StatementName {
    StatementName {
        number: at + 1,
        sid: statement.sid.as_ref().map(|sid| sid.value.clone()),
        line: statement.position.line,
    }
}
