//! What a pasted error means: `holdfast explain` without the terminal.
//!
//! ```text
//!  text ─▶ json      CloudTrail, logs as JSON, errors of our own     ┐
//!       ─▶ document  S3's XML, wherever it stands                    │
//!       ─▶ log       lines of a server access log                    ├─▶ Found ─▶ finding ─▶ Finding
//!       ─▶ words     what SDKs, tools and plugins make of an error   ┘
//! ```
//!
//! Whatever stands around it is noise and passed over. Nothing is asked of anyone. The text is a
//! stranger's: reading it takes time in proportion to its length, and what is shown of it is
//! cleaned of what moves a terminal's cursor.

mod document;
mod finding;
mod found;
mod json;
mod log;
mod request;
mod words;

#[cfg(test)]
mod tests;

use self::found::Found;
use crate::{
    error::{Error, Kind},
    explanation::{Explanation, Finding, Source},
    job::{Explain, MAX_EXPLAIN_LEN},
};

/// More findings than that are not shown: they are of one cause, or the text is a whole log.
const MAX_FINDINGS: usize = 40;
/// More errors than that are not even compared.
const MAX_RUNS: usize = 5_000;

/// Explains every error in a text, or one that a job wrote down.
///
/// # Errors
/// When the text is too long.
pub fn explain(work: &Explain) -> Result<Explanation, Error> {
    if work.text.len() > MAX_EXPLAIN_LEN {
        let what = format!("the text is longer than {} MiB", MAX_EXPLAIN_LEN >> 20);
        return Err(Error::new(Kind::Config, what).hint("give only the lines around the error"));
    }
    let mut explanation = Explanation::default();
    if let Some(recorded) = &work.recorded {
        let found = found::of_job(recorded);
        explanation.findings.push(finding::finding(&found, work));
    }
    let (found, successes) = find(&work.text);
    explanation.successes = successes;
    // A program that tries again says the same again.
    let runs = found.chunk_by(|a, b| a.says_the_same(b));
    for run in runs.take(MAX_RUNS) {
        if let Some(found) = run.first() {
            add(&mut explanation, finding::finding(found, work), u32::try_from(run.len()).unwrap_or(u32::MAX));
        }
    }
    Ok(explanation)
}

/// Everything in the text, in its order.
fn find(text: &str) -> (Vec<Found>, u32) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines::of(text);
    let mut all = json::find(text, &mut lines);
    let documents = document::find(text, &mut lines);
    let mut successes = 0;
    let mut context = words::Context::default();
    let mut messages: Vec<Found> = Vec::new();
    let mut documents = documents.into_iter().peekable();
    for (index, line) in lines.left() {
        while let Some(document) = documents.next_if(|document| document.line < index + 1) {
            add_document(&mut messages, document, &context);
        }
        match log::read(line, index + 1) {
            log::Line::Refused(found) => messages.push(*found),
            log::Line::Passed => successes += 1,
            log::Line::Other => words::read(line, index + 1, &mut context, &mut messages),
        }
        while let Some(document) = documents.next_if(|document| document.line == index + 1) {
            add_document(&mut messages, document, &context);
        }
    }
    documents.for_each(|document| add_document(&mut messages, document, &context));
    all.append(&mut messages);
    all.retain(Found::is_error);
    all.sort_by_key(|found| found.line);
    (all, successes)
}

/// A document belongs to the message that quotes it, if there is one just before.
fn add_document(messages: &mut Vec<Found>, document: Found, context: &words::Context) {
    match messages.last_mut() {
        Some(message) if message.quotes(&document) => message.take(document),
        _ => messages.push(document.with_place(context)),
    }
}

/// The same error a second time is counted.
fn add(explanation: &mut Explanation, mut finding: Finding, times: u32) {
    finding.times = times;
    let same = |other: &&mut Finding| {
        other.source != Source::Job
            && other.entry == finding.entry
            && other.what == finding.what
            && other.fix == finding.fix
            && other.evidence.message == finding.evidence.message
    };
    if let Some(other) = explanation.findings.iter_mut().find(same) {
        other.times = other.times.saturating_add(times);
    } else if explanation.findings.len() < MAX_FINDINGS {
        explanation.findings.push(finding);
    } else {
        explanation.omitted = explanation.omitted.saturating_add(times);
    }
}

/// The text's lines; what has been read of them is taken out.
struct Lines<'a> {
    text: &'a str,
    /// Where each line begins, and its text without the line's end.
    lines: Vec<(usize, &'a str)>,
    /// Bytes that have been read, as beginnings and ends, in order.
    taken: Vec<(usize, usize)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut at = 0;
        let lines = text
            .split('\n')
            .map(|line| {
                let begin = at;
                at += line.len() + 1;
                (begin, line.trim_end_matches('\r'))
            })
            .collect();
        Self { text, lines, taken: Vec::new() }
    }

    /// The number of the line with this byte, from 1.
    fn number(&self, at: usize) -> u32 {
        let after = self.lines.partition_point(|(begin, _)| *begin <= at);
        u32::try_from(after).unwrap_or(u32::MAX)
    }

    /// These bytes have been read.
    fn take(&mut self, begin: usize, end: usize) {
        self.taken.push((begin, end.min(self.text.len())));
        self.taken.sort_unstable();
    }

    fn is_taken(&self, at: usize) -> bool {
        let after = self.taken.partition_point(|(begin, _)| *begin <= at);
        after > 0 && self.taken.get(after - 1).is_some_and(|(_, end)| at < *end)
    }

    /// What is left of each line that is not empty, with its index.
    fn left(&self) -> Vec<(u32, &'a str)> {
        let mut left = Vec::new();
        let mut next = 0;
        for (index, (begin, line)) in self.lines.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let (mut at, end) = (*begin, begin + line.len());
            while next < self.taken.len() && self.taken[next].1 <= at {
                next += 1;
            }
            let mut cut = next;
            while let Some(&(from, to)) = self.taken.get(cut).filter(|(from, _)| *from < end) {
                if from > at {
                    left.push((index, &self.text[at..from]));
                }
                at = at.max(to);
                cut += 1;
            }
            if at < end {
                left.push((index, &self.text[at..end]));
            }
        }
        left.retain(|(_, piece)| !piece.trim().is_empty());
        left
    }
}
