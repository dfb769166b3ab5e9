//! `bench upload [--quick] [--rounds N] [--only NAME,…] --tools DIR [--write FILE]`; `cargo xtask bench upload` fills in the rest.

use std::env;
use std::io::{Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use holdfast_testbed::bench::{self, Plan, Tool};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((word, rest)) if word == "measure" => {
            bench::measure_and_print(rest, &mut stdout()).map_err(|e| e.to_string())
        }
        Some((word, rest)) if word == "upload" => upload(rest),
        _ => Err("usage: bench upload [--quick] [--rounds N] [--only NAME,…] --tools DIR [--write FILE]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(stderr(), "bench: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn upload(args: &[String]) -> Result<(), String> {
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    let mut plan = if args.iter().any(|arg| arg == "--quick") { Plan::QUICK } else { Plan::FULL };
    if let Some(rounds) = value("--rounds") {
        plan.rounds = rounds.parse().map_err(|_| format!("--rounds {rounds}: not a number"))?;
    }
    let tools = PathBuf::from(value("--tools").ok_or("--tools DIR is missing")?);
    let mut tools = Tool::all(&tools);
    if let Some(only) = value("--only") {
        tools.retain(|tool| only.split(',').any(|name| name == tool.name()));
    }
    let settings = bench::run(plan, &tools, &mut stdout())?;
    writeln!(stdout(), "\n{}", bench::markdown(plan, &settings)).map_err(|e| e.to_string())?;
    match value("--write") {
        Some(path) => bench::write_into(Path::new(&path), plan, &settings).map_err(|e| format!("{path}: {e}")),
        None => Ok(()),
    }
}
