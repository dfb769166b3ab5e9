//! `cargo xtask test`: everything that CI runs, step by step, until one fails.
//!
//! The last line is `N passed, N failed`, summed over all test programs; a step that fails without
//! being a test program counts as one failure.

use std::process::ExitCode;
use std::time::Instant;

use crate::{dependencies, install, place, run};

/// What the test programs said about themselves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
}

struct Options {
    jobs: usize,
    only: Option<Vec<String>>,
}

type Step = (&'static str, fn(&Options, &mut Tally) -> Result<(), String>);

const STEPS: [Step; 8] = [
    ("install", |options, _| install::for_tests(options.jobs)),
    ("fmt", |_, _| run::run(run::cargo().args(["fmt", "--all", "--check"]))),
    ("clippy", |options, _| {
        let args = ["clippy", "--workspace", "--all-targets", "--jobs", &options.jobs(), "--", "-D", "warnings"];
        run::run(run::cargo().args(args))
    }),
    ("deny", |options, _| {
        let deny = install::cargo_deny::install(options.jobs)?;
        run::run(run::command(deny).args(["check", "licenses", "bans", "sources"]))
    }),
    ("tree", |_, _| dependencies::check()),
    ("unit", |options, tally| {
        let args =
            ["test", "--workspace", "--exclude", "holdfast-testbed", "--no-fail-fast", "--jobs", &options.jobs()];
        count(run::cargo().args(args), tally)
    }),
    ("release", |options, _| {
        let args = ["build", "--release", "--package", "holdfast", "--jobs", &options.jobs()];
        run::run(run::cargo().args(args))
    }),
    ("e2e", |options, tally| {
        let tree = install::wordpress::install()?;
        count(
            run::cargo()
                .args(["test", "--package", "holdfast-testbed", "--no-fail-fast", "--jobs", &options.jobs()])
                .env("HOLDFAST_BIN", place::runner())
                .env("HOLDFAST_XTASK_CACHE", place::cache())
                .env("HOLDFAST_WORDPRESS", tree),
            tally,
        )
    }),
];

/// Runs the steps and prints the summary.
pub(crate) fn test(words: &[&str]) -> ExitCode {
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut tally = Tally::default();
    let mut summary = Vec::new();
    let mut failure = None;
    for (name, step) in STEPS {
        if !options.wants(name) {
            continue;
        }
        println!("\n== {name}");
        let began = Instant::now();
        let failed_before = tally.failed;
        let outcome = step(&options, &mut tally);
        let seconds = began.elapsed().as_secs_f64();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("== {name}: {word}, {seconds:.1} s");
        summary.push(format!("{name:8} {seconds:7.1} s  {word}"));
        if let Err(error) = outcome {
            if tally.failed == failed_before {
                tally.failed += 1;
            }
            failure = Some((name, error));
            break;
        }
    }
    println!("\n{}", summary.join("\n"));
    if let Some((name, error)) = &failure {
        println!("\nstep `{name}` failed: {error}");
    }
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    if failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self { jobs: run::default_jobs(), only: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match *word {
                "--jobs" => options.jobs = value.parse().map_err(|_| format!("--jobs {value}: not a number"))?,
                "--only" => {
                    let names: Vec<String> = value.split(',').map(str::to_owned).collect();
                    if let Some(name) = names.iter().find(|name| !STEPS.iter().any(|(step, _)| step == name)) {
                        return Err(format!("`{name}` is no step"));
                    }
                    options.only = Some(names);
                }
                _ => return Err(format!("`cargo xtask test` knows no {word}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, step: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == step))
    }

    fn jobs(&self) -> String {
        self.jobs.to_string()
    }
}

/// Runs test programs and adds their results up.
fn count(command: &mut std::process::Command, tally: &mut Tally) -> Result<(), String> {
    run::watch(command, |line| {
        if let Some(result) = result_of(line) {
            tally.passed += result.passed;
            tally.failed += result.failed;
        }
    })
}

/// Reads `test result: ok. 13 passed; 0 failed; 1 ignored; …`.
fn result_of(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number = |word: &str| {
        let count = counts.split(';').map(str::trim).find_map(|part| part.strip_suffix(word))?;
        count.trim().parse().ok()
    };
    Some(Tally { passed: number("passed")?, failed: number("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read() {
        let line = "test result: FAILED. 31 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s";
        assert_eq!(result_of(line), Some(Tally { passed: 31, failed: 1 }));
        assert_eq!(result_of("test result_of ... ok"), None);
    }

    #[test]
    fn options_are_parsed() {
        let options = Options::parse(&["--jobs", "1", "--only", "fmt,tree"]).expect("sound");
        assert_eq!(options.jobs, 1);
        assert!(options.wants("tree") && !options.wants("e2e"));
        assert!(Options::parse(&["--only", "nonsense"]).is_err());
        assert!(Options::parse(&["--jobs"]).is_err());
    }
}
