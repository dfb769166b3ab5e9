//! `holdfast explain`: what an error means and what to change.
//!
//! The module reads; this fetches the text and sets the answer in type. There is no client here,
//! so nothing can be sent: whatever the module asks for is refused.

mod text;

use std::io::{IsTerminal, Read};

use holdfast_core::{
    abi::{Frame, Input, Output, Session},
    endpoint::Endpoint,
    error::{Error, Kind},
    explanation::Explanation,
    job::{Explain, Job, MAX_EXPLAIN_LEN, Recorded, Remembered, Target, Work},
    name::{Bucket, Prefix},
    report::{Outcome, Report},
};

use super::{DONE, Exit, config_error};
use crate::{
    cli,
    driver::now,
    sandbox::WasmSession,
    state::{
        StateDir,
        job::{self, Listed, Standing, is_id, is_run},
    },
    ui::{Style, Ui, error_text},
};

pub(super) fn run(args: &cli::Explain) -> Result<Exit, Error> {
    let ui = Ui::new(Style::People, false);
    let mut work = Explain { bucket: bucket(args)?, prefix: prefix(args)?, ..Explain::default() };
    let only_word = args.text.first().filter(|_| args.text.len() == 1).map(|word| word.trim());
    let id = args.job.as_deref().or(only_word.filter(|word| is_id(word) || is_run(word)));
    match id {
        Some(id) => {
            let job = find_job(args, id)?;
            let error = error_of(&job)?;
            if error.evidence.is_none() {
                // Not of S3: it says itself what to change.
                ui.data(&error_text(&error));
                return Ok(DONE);
            }
            work.bucket = Some(job.file.target.bucket);
            work.recorded = Some(Recorded { error, key: job.file.key });
        }
        None => work.text = text_of(args, &ui)?,
    }
    let explanation = ask(work)?;
    if args.json {
        ui.data(&serde_json::to_string_pretty(&explanation).unwrap_or_default());
    }
    if explanation.findings.is_empty() {
        return Err(nothing(&explanation));
    }
    if !args.json {
        ui.data(text::of(&explanation).trim_end());
    }
    Ok(DONE)
}

fn nothing(explanation: &Explanation) -> Error {
    let what = match explanation.successes {
        0 => "nothing in this text is an S3 error that Holdfast knows".to_owned(),
        1 => "the log line records a success".to_owned(),
        n => format!("all {n} log lines record successes"),
    };
    config_error(
        what,
        "paste the program's whole error with the lines around it, S3's XML, a line of the bucket's access log \
         (REST.… 403), a CloudTrail event, or the id of a failed job (`holdfast job list`)",
    )
}

fn bucket(args: &cli::Explain) -> Result<Option<Bucket>, Error> {
    let name = args.bucket.as_deref().map(|name| name.strip_prefix("s3://").unwrap_or(name).trim_end_matches('/'));
    name.map(Bucket::parse).transpose().map_err(|error| config_error(error.to_string(), "name the bucket alone"))
}

fn prefix(args: &cli::Explain) -> Result<Option<Prefix>, Error> {
    let prefix = args.prefix.as_deref().map(Prefix::parse).transpose();
    prefix.map_err(|error| config_error(error.to_string(), "a prefix ends in a slash: home/client1/"))
}

/// What was pasted, as text: what is not UTF-8 is not S3's.
fn text_of(args: &cli::Explain, ui: &Ui) -> Result<String, Error> {
    let from_args = !args.text.is_empty() && args.text != ["-"];
    let bytes = if from_args {
        args.text.join(" ").into_bytes()
    } else {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            ui.line("paste the error, then press Ctrl-D");
        }
        let mut bytes = Vec::new();
        let read = stdin.lock().take(MAX_EXPLAIN_LEN as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::new(Kind::Local, format!("cannot read stdin: {error}")))?;
        bytes
    };
    if bytes.len() > MAX_EXPLAIN_LEN {
        let what = format!("the text is longer than {} MiB", MAX_EXPLAIN_LEN >> 20);
        return Err(config_error(
            what,
            "give only the lines around the error: `grep -C 5 AccessDenied LOG | holdfast explain`",
        ));
    }
    Ok(decoded(&bytes))
}

/// Windows' shells write UTF-16.
fn decoded(bytes: &[u8]) -> String {
    let pairs = |rest: &[u8], word: fn([u8; 2]) -> u16| {
        let words: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| word(*pair)).collect();
        String::from_utf16_lossy(&words)
    };
    let mut text = match bytes {
        [0xff, 0xfe, rest @ ..] => pairs(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => pairs(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    // A byte that is no text becomes three that say so.
    if text.len() > MAX_EXPLAIN_LEN {
        let mut end = MAX_EXPLAIN_LEN;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

fn find_job(args: &cli::Explain, id: &str) -> Result<Listed, Error> {
    let state = StateDir::open(args.state.state_dir.as_deref(), &|name| std::env::var(name).ok())?;
    if !is_run(id) {
        return job::show(&state, id);
    }
    let found = job::list(&state)?.into_iter().find(|job| job.file.run == id);
    found.ok_or_else(|| {
        Error::new(Kind::NoSuchKey, format!("there is no job of the run {id}"))
            .hint("`holdfast job list` shows those there are")
    })
}

fn error_of(job: &Listed) -> Result<Error, Error> {
    if let Some(error) = &job.error {
        return Ok(error.clone());
    }
    let (what, hint) = match job.standing {
        Standing::Running => ("is still running", "wait for it; `holdfast job show` shows where it stands"),
        Standing::Ended(_) => ("is done: there is nothing to explain", "`holdfast job list` shows the others"),
        Standing::Interrupted => {
            ("was cut off before it could say why", "the command that began it continues it; look at the system's log")
        }
    };
    Err(config_error(format!("job {} {what}", job.id), hint))
}

/// Asks the module, which answers at once.
fn ask(work: Explain) -> Result<Explanation, Error> {
    let mut session = WasmSession::new(0).map_err(|error| {
        Error::new(Kind::Bug, error.to_string())
            .hint("`holdfast self-test` shows more; the host may limit memory (`ulimit -v`)")
    })?;
    let broken =
        |why: &str| Error::new(Kind::Bug, format!("the module did not explain: {why}")).hint("please report this");
    // Every job has a target; this one has no use for it.
    let bucket = work.bucket.clone().or_else(|| Bucket::parse("nowhere").ok()).ok_or_else(|| broken("no bucket"))?;
    let target = Target { endpoint: Endpoint::aws(), region: None, bucket, expected_owner: None };
    let work = Work::Explain(Box::new(work));
    let job = Job { run: "explain".to_owned(), target, work, patience_ms: 0, concurrency: 1 };
    let header = Input::Start {
        now: now(),
        seed: 0,
        job: Box::new(job),
        credentials: None,
        journal: Vec::new(),
        remembered: Remembered::default(),
    };
    let answer = session.handle(&Frame { header, body: Vec::new() }).map_err(|error| broken(&error.to_string()))?;
    for output in answer.header {
        match output {
            Output::Done(outcome) => {
                return match *outcome {
                    Outcome::Done(Report::Explain(explanation)) => Ok(explanation),
                    Outcome::Done(_) => Err(broken("it did something else")),
                    Outcome::Failed(error) => Err(error),
                };
            }
            Output::Event(_) => {}
            _ => return Err(broken("it asked for something")),
        }
    }
    Err(broken("it said nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_windows_are_read() {
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("403 é".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decoded(&utf16), "403 é");
        assert_eq!(decoded(b"a\xffb"), "a\u{fffd}b");
        assert!(decoded(&[0xff; MAX_EXPLAIN_LEN]).len() <= MAX_EXPLAIN_LEN);
    }

    /// Through the sandbox, as a person gets it.
    #[test]
    fn the_module_explains() {
        let text = "REST.GET.UPLOADS \"GET /?uploads&prefix=a%2F\" 403 AccessDenied".to_owned();
        let explanation = ask(Explain { text, ..Explain::default() }).expect("it explains");
        assert_eq!(explanation.findings.len(), 1);
        assert_eq!(explanation.findings[0].entry, "denied-listing-of-uploads");
    }

    /// The module has a memory of 64 MiB and ten seconds; a whole mebibyte of anything fits.
    #[test]
    fn the_largest_text_fits_the_sandbox() {
        for piece in
            ["\u{1}", "<Error><Code>AccessDenied</Code>\n", "{\"a\":\n", "REST.PUT.OBJECT a 403 AccessDenied\n", "é"]
        {
            let text = piece.repeat(MAX_EXPLAIN_LEN / piece.len());
            ask(Explain { text, ..Explain::default() }).unwrap_or_else(|error| panic!("{piece:?}: {error}"));
        }
    }
}
