//! `cargo xtask`: the developer commands of this workspace.
//!
//! The standard library only, so that the first `cargo xtask` on a fresh machine starts within
//! seconds. What needs crates (servers, proxies, measuring) lives in the test bed, which these
//! commands build and call.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its user")]

mod bench;
mod demo;
mod dependencies;
mod install;
mod place;
mod run;
mod test;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  demo                       the main job on real input: a WordPress with its database goes to an
                             S3 server on this machine, a day passes, and only what changed goes
                             after it; each night opens with any unzip
  test [--jobs N] [--only STEP,…]
                             installs what the tests need and runs all of them; steps:
                             install fmt clippy deny tree unit release e2e
  bench upload [--quick] [--rounds N] [--only TOOL,…]
                             ours beside s5cmd, aws-cli and rclone; the table goes to
                             docs/performance.md (not with --quick or --only)
  bench backup [--quick] [--rounds N] [--only NAME,…]
                             a site of 700 MB (kept in the cache), first night and later ones: ours
                             beside zstd, pigz, zip and restic; --quick takes a tenth of it
  bench dump [--quick] [--rounds N] [--only NAME,…]
                             the database alone: ours beside mariadb-dump
  install                    only installs what the tests need
  advisories                 cargo deny check advisories (needs its database, so not in `test`)

What is installed goes to ${XDG_CACHE_HOME:-~/.cache}/holdfast-xtask. Debian packages are
installed with apt-get when they are missing and this is root.
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["demo"] => demo::demo(),
        ["test", options @ ..] => return test::test(options),
        ["bench", subject, options @ ..] if bench::SUBJECTS.contains(subject) => bench::bench(subject, options),
        ["install"] => install::for_tests(run::default_jobs()),
        ["advisories"] => install::cargo_deny::install(run::default_jobs())
            .and_then(|deny| run::run(run::command(&deny).args(["check", "advisories"]))),
        _ => Err(format!("`cargo xtask {}` is no command\n\n{HELP}", words.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
