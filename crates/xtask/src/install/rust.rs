//! The Rust targets and components of rust-toolchain.toml: rustup installs none by itself when its
//! auto-install is off.

use std::fs;

use super::say;
use crate::{place, run};

/// Adds what is missing to the toolchain that this workspace names.
pub(crate) fn install() -> Result<(), String> {
    let path = place::workspace().join("rust-toolchain.toml");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let channel = list(&text, "channel").into_iter().next().ok_or("rust-toolchain.toml names no channel")?;
    for (key, what) in [("targets", "target"), ("components", "component")] {
        let listed = run::output(run::command("rustup").args([what, "list", "--installed", "--toolchain", &channel]))?;
        let installed: Vec<&str> = listed.lines().collect();
        // A component is listed with its platform: `clippy-x86_64-unknown-linux-gnu`.
        let is_missing = |name: &String| {
            !installed.iter().any(|i| i == name || i.strip_prefix(name.as_str()).is_some_and(|r| r.starts_with('-')))
        };
        let missing: Vec<String> = list(&text, key).into_iter().filter(is_missing).collect();
        if !missing.is_empty() {
            say(format!("Rust {what} {}", missing.join(", ")));
            run::run(run::command("rustup").args([what, "add", "--toolchain", &channel]).args(&missing))?;
        }
    }
    Ok(())
}

/// The strings of `key = "a"` or `key = ["a", "b"]` on one line.
fn list(text: &str, key: &str) -> Vec<String> {
    let values = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then_some(value)
    });
    values.map(|value| value.split('"').skip(1).step_by(2).map(str::to_owned).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_line() {
        let text = "[toolchain]\nchannel = \"1.2.3\"\ntargets = [\"a-b\", \"c\"]\n";
        assert_eq!(list(text, "channel"), ["1.2.3"]);
        assert_eq!(list(text, "targets"), ["a-b", "c"]);
        assert!(list(text, "components").is_empty());
    }
}
