//! `bench upload|backup|dump [--quick] [--rounds N] [--only NAME,…] --tools DIR [--write FILE]`;
//! `cargo xtask bench` fills in the rest.

use std::env;
use std::io::{Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use holdfast_testbed::bench::{self, BackupPlan, Dumper, Plan, Rival, Tool};

const USAGE: &str = "usage: bench upload|backup|dump [--quick] [--rounds N] [--only NAME,…] --tools DIR [--write FILE]";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((word, rest)) => match word.as_str() {
            "measure" => bench::measure_and_print(rest, &mut stdout()).map_err(|e| e.to_string()),
            "measure-whole" => bench::measure_whole_and_print(rest, &mut stdout()).map_err(|e| e.to_string()),
            "upload" => upload(&Options(rest)),
            "backup" => backup(&Options(rest)),
            "dump" => dump(&Options(rest)),
            _ => Err(USAGE.to_owned()),
        },
        None => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(stderr(), "bench: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

struct Options<'a>(&'a [String]);

impl Options<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|arg| arg == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn is_quick(&self) -> bool {
        self.0.iter().any(|arg| arg == "--quick")
    }

    fn rounds(&self, default: usize) -> Result<usize, String> {
        let rounds = |value: &str| value.parse().map_err(|_| format!("--rounds {value}: not a number"));
        self.value("--rounds").map_or(Ok(default), rounds)
    }

    fn tools(&self) -> Result<PathBuf, String> {
        self.value("--tools").map(PathBuf::from).ok_or_else(|| "--tools DIR is missing".to_owned())
    }

    fn wants(&self, name: &str) -> bool {
        self.value("--only").is_none_or(|only| only.split(',').any(|one| one == name))
    }

    fn publish(&self, name: &str, report: &str) -> Result<(), String> {
        writeln!(stdout(), "\n{report}").map_err(|e| e.to_string())?;
        match self.value("--write") {
            Some(path) => bench::write_into(Path::new(path), name, report).map_err(|e| format!("{path}: {e}")),
            None => Ok(()),
        }
    }
}

fn upload(options: &Options<'_>) -> Result<(), String> {
    let mut plan = if options.is_quick() { Plan::QUICK } else { Plan::FULL };
    plan.rounds = options.rounds(plan.rounds)?;
    let mut tools = Tool::all(&options.tools()?);
    tools.retain(|tool| options.wants(tool.name()));
    let settings = bench::run(plan, &tools, &mut stdout())?;
    options.publish("upload", &bench::markdown(plan, &settings))
}

fn backup(options: &Options<'_>) -> Result<(), String> {
    let mut plan = if options.is_quick() { BackupPlan::QUICK } else { BackupPlan::FULL };
    plan.rounds = options.rounds(plan.rounds)?;
    let mut rivals = Rival::ALL.to_vec();
    rivals.retain(|rival| options.wants(rival.name()));
    let figures = bench::run_backup(plan, &rivals, &options.tools()?, &mut stdout())?;
    options.publish("backup", &bench::backup_markdown(plan, &figures))
}

fn dump(options: &Options<'_>) -> Result<(), String> {
    let mut plan = if options.is_quick() { BackupPlan::QUICK } else { BackupPlan::FULL };
    plan.rounds = options.rounds(plan.rounds)?;
    let mut dumpers = Dumper::ALL.to_vec();
    dumpers.retain(|dumper| options.wants(dumper.name()));
    options.publish("dump", &bench::run_dump(plan, &dumpers, &mut stdout())?)
}
