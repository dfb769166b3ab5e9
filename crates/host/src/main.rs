//! `holdfast`: its command line comes later.

use std::{io::Write as _, process::ExitCode};

use holdfast::{sandbox::Backend, session::self_test};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let tested = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["self-test"] => self_test(None),
        ["self-test", "native"] => self_test(Some(Backend::Native)),
        ["self-test", "pulley"] => self_test(Some(Backend::Pulley)),
        _ => {
            let _ = writeln!(std::io::stdout(), "holdfast {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
    };
    let (text, code) = match tested {
        Ok(found) => (found.to_string(), ExitCode::SUCCESS),
        Err(error) => (format!("error: {error}"), ExitCode::FAILURE),
    };
    let _ = writeln!(std::io::stdout(), "{text}");
    code
}
