//! What a person sees while a job runs, and what a program reads.
//!
//! stdout is data, stderr is for people. On a terminal there is a bar; elsewhere a line now and
//! then; with `--json` one JSON object a line on stdout.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use holdfast_core::{
    error::Error,
    event::Event,
    report::{Outcome, Report},
};
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

/// How often a line of progress is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);
/// How often a progress object is written.
const JSON_EVERY: Duration = Duration::from_millis(500);

/// How to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A bar on a terminal, lines elsewhere.
    People,
    /// Nothing but errors.
    Quiet,
    /// NDJSON on stdout.
    Json,
}

/// Shows what happens.
#[derive(Debug)]
pub struct Ui {
    style: Style,
    verbose: bool,
    bar: Option<ProgressBar>,
    total: u64,
    begun: Instant,
    shown: Instant,
}

impl Ui {
    /// Begins in silence.
    #[must_use]
    pub fn new(style: Style, verbose: bool) -> Self {
        Self { style, verbose, bar: None, total: 0, begun: Instant::now(), shown: Instant::now() }
    }

    /// Whether stdout is for programs.
    #[must_use]
    pub fn json(&self) -> bool {
        self.style == Style::Json
    }

    /// How many bytes there are to move in all: progress is shown as a part of them.
    pub fn total(&mut self, len: u64) {
        self.total = len;
        if self.style == Style::People && io::stderr().is_terminal() {
            self.bar = Some(bar(len));
        }
    }

    /// There is more to move than was known, or less.
    pub fn new_total(&mut self, len: u64) {
        self.total = len;
        if let Some(bar) = &self.bar {
            bar.set_length(len);
        }
    }

    /// An event of the job.
    pub fn event(&mut self, event: &Event) {
        if let Event::Planned { len, .. } = event {
            self.total(*len);
        }
        match self.style {
            Style::Json => self.object(&serde_json::to_value(event).unwrap_or_default()),
            Style::Quiet => {}
            Style::People => {
                if let Some(text) = words(event, self.verbose) {
                    self.line(&text);
                }
            }
        }
    }

    /// How many bytes have moved.
    pub fn progress(&mut self, bytes: u64) {
        let bytes = bytes.min(self.total);
        match (&self.bar, self.style) {
            (Some(bar), _) => bar.set_position(bytes),
            (None, Style::Json) if self.shown.elapsed() >= JSON_EVERY && self.total > 0 => {
                self.shown = Instant::now();
                self.object(&json!({
                    "event": "progress",
                    "bytes_done": bytes,
                    "bytes_total": self.total,
                    "bytes_per_s": self.rate(bytes),
                }));
            }
            (None, Style::People) if self.shown.elapsed() >= LINE_EVERY && self.total > 0 => {
                self.shown = Instant::now();
                let (done, total, rate) = (HumanBytes(bytes), HumanBytes(self.total), self.rate(bytes));
                let left = (self.total - bytes).checked_div(rate).map(Duration::from_secs);
                let left = left.map_or(String::new(), |left| format!(", {} left", HumanDuration(left)));
                self.line(&format!("{done} of {total}, {}/s{left}", HumanBytes(rate)));
            }
            _ => {}
        }
    }

    /// The end of the job, for programs; people are told by the command in its own words.
    pub fn end(&mut self, outcome: &Outcome, exit_code: u8) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.style != Style::Json {
            return;
        }
        match outcome {
            Outcome::Done(report) => {
                self.object(&json!({ "event": "done", "exit_code": exit_code, "report": report }));
            }
            Outcome::Failed(error) => {
                let code = error.kind.code();
                self.object(&json!({ "event": "failed", "exit_code": exit_code, "code": code, "error": error }));
            }
        }
    }

    /// The end of a job that has more to say than its outcome.
    pub fn end_with(&mut self, report: &serde_json::Value, exit_code: u8) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.style == Style::Json {
            self.object(&json!({ "event": "done", "exit_code": exit_code, "report": report }));
        }
    }

    /// A line on stderr, for people.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| write_line(text)),
            None if self.style == Style::People => write_line(text),
            None => {}
        }
    }

    /// A line of data on stdout.
    pub fn data(&self, text: &str) {
        // A reader that went away (`| head`) is no error of ours.
        let _ = writeln!(io::stdout().lock(), "{}", printable(text));
    }

    fn object(&self, value: &serde_json::Value) {
        self.data(&value.to_string());
    }

    fn rate(&self, bytes: u64) -> u64 {
        (bytes as f64 / self.begun.elapsed().as_secs_f64().max(0.001)) as u64
    }
}

fn write_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// Servers, policies and keys hold anything: what would move a terminal's cursor is shown, not
/// sent.
fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    let moves = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(moves) {
        return text.into();
    }
    text.chars().map(|c| if moves(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn bar(len: u64) -> ProgressBar {
    let template =
        "{wide_bar} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr_with_hz(5)).with_style(style)
}

/// An event in words; `None` for those that nobody wants to read.
fn words(event: &Event, verbose: bool) -> Option<String> {
    Some(match event {
        Event::Planned { parts: 0 | 1, len, .. } => format!("{} in one request", HumanBytes(*len)),
        Event::Planned { len, parts, part_len } => {
            format!("{} in {parts} parts of {}", HumanBytes(*len), HumanBytes(*part_len))
        }
        Event::Resumed { parts_kept, bytes_kept, parts_dropped } => {
            let again = match parts_dropped {
                0 => String::new(),
                1 => "; 1 part could not be trusted and travels again".to_owned(),
                n => format!("; {n} parts could not be trusted and travel again"),
            };
            let kept = HumanBytes(*bytes_kept);
            format!("continuing an earlier run: {parts_kept} parts ({kept}) are there already{again}")
        }
        Event::StartedAfresh { why } => format!("beginning again: {why}"),
        Event::Retry { operation, wait_ms, why, .. } => {
            let wait = *wait_ms as f64 / 1000.0;
            format!("{operation} failed and is tried again in {wait:.1} s: {why}")
        }
        Event::Pace { concurrency, why } => format!("slowing down to {concurrency} at a time: {why}"),
        Event::SteppedDown { from, to, why } => {
            let name = |rung| serde_json::to_value(rung).ok().and_then(|v| v.as_str().map(str::to_owned));
            let (from, to) = (name(from).unwrap_or_default(), name(to).unwrap_or_default());
            format!("the server refuses checksum {from}, trying {to}: {why}")
        }
        Event::Region { region } => format!("the bucket is in region {region}"),
        Event::ClockOffset { offset_ms } => {
            let seconds = offset_ms.unsigned_abs() / 1000;
            let relation = if *offset_ms > 0 { "behind" } else { "ahead of" };
            format!("this machine's clock is {seconds} s {relation} the server's; requests are dated by the server's")
        }
        Event::Warning(error) => warning(error),
        Event::PartDone { part, len } if verbose => format!("part {part} is there ({})", HumanBytes(*len)),
        Event::PartCopied { part, len } if verbose => format!("part {part} was copied ({})", HumanBytes(*len)),
        Event::Removed { key, .. } if verbose => format!("{key} is deleted"),
        Event::PartDone { .. }
        | Event::Removed { .. }
        | Event::PartCopied { .. }
        | Event::Entry(_)
        | Event::CommonPrefix { .. }
        | Event::ClientsFound { .. }
        | Event::Client(_)
        | Event::Sending { .. } => return None,
    })
}

/// An error as a warning.
fn warning(error: &Error) -> String {
    let mut text = format!("warning: {}", error.what);
    append_why(&mut text, error);
    text
}

/// An error, the way people read it: what, in whose words, what to change.
#[must_use]
pub fn error_text(error: &Error) -> String {
    let mut text = format!("error: {}", error.what);
    append_why(&mut text, error);
    text
}

fn append_why(text: &mut String, error: &Error) {
    if let Some(evidence) = &error.evidence {
        text.push_str(&format!("\n  caused by: {evidence}"));
    }
    if let Some(hint) = &error.hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
}

/// What an upload's report says, in a few lines.
#[must_use]
pub fn report_text(report: &Report, place: &str) -> String {
    match report {
        Report::Upload(upload) => {
            let mut text = format!("{place} is stored: {}", HumanBytes(upload.len));
            if upload.bytes_kept > 0 {
                let (sent, kept) = (HumanBytes(upload.bytes_sent), HumanBytes(upload.bytes_kept));
                text.push_str(&format!(", {sent} sent now, {kept} by an earlier run"));
            }
            let proof = match (upload.proof.whole, upload.proof.looked) {
                (true, true) => "the server compared its CRC-64 with ours, and the object's size was seen",
                (true, false) => "the server compared its CRC-64 with ours",
                (false, true) => "every part was checked, and the object's size was seen",
                (false, false) => "every part was checked",
            };
            text.push_str(&format!("\nproof: {proof}"));
            text
        }
        Report::List { objects: 1, bytes } => format!("1 object, {}", HumanBytes(*bytes)),
        Report::List { objects, bytes } => format!("{objects} objects, {}", HumanBytes(*bytes)),
        Report::Fetch(fetch) => {
            use holdfast_core::report::Compared;
            let with: Vec<_> = fetch
                .compared_with
                .iter()
                .map(|compared| match compared {
                    Compared::ServerChecksum => "the server's checksum",
                    Compared::Etag => "its ETag",
                    Compared::OurRecord => "what was written down when it was sent",
                    Compared::Members => "the SHA-256 of each of its members",
                })
                .collect();
            let len = HumanBytes(fetch.len);
            if with.is_empty() {
                format!("{place}: {len} read; there is nothing to compare them with")
            } else {
                format!("{place}: {len} read, and they agree with {}", with.join(" and "))
            }
        }
        Report::Fleet(fleet) => format!("{} of {} clients have a fresh backup", fleet.fresh, fleet.clients),
        Report::Check(check) => check.summary.sentence.clone(),
        Report::Explain(explanation) => format!("{} errors explained", explanation.findings.len()),
        Report::Backup(backup) => {
            let (len, copied) = (HumanBytes(backup.len), HumanBytes(backup.bytes_copied));
            let (sent, kept) = (HumanBytes(backup.bytes_sent), HumanBytes(backup.bytes_kept));
            format!(
                "{place} is stored: {len}; {sent} sent, {copied} copied by the server, {kept} kept of an earlier run"
            )
        }
        Report::Read(read) => format!("{place}: {} read", HumanBytes(read.len)),
        Report::Remove { removed, failed: 0 } => format!("{removed} objects deleted"),
        Report::Remove { removed, failed } => format!("{removed} objects deleted, {failed} not"),
        Report::Presign { url } => url.clone(),
        Report::Abort { aborted } => format!("{aborted} unfinished uploads aborted"),
    }
}
