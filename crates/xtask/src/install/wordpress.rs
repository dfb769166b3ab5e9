//! A real WordPress core, from Debian's newest reachable `wordpress` package.
//!
//! apt gets a private state (sources, lists, status), so nothing of the system changes and no root
//! is needed. Debian splits libraries off into packages of their own and links to them: they are
//! fetched too, and the links followed, until a plain tree of files is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::say;
use crate::{place, run};

/// Newest first. Each moves on: no version is pinned.
const SUITES: [&str; 3] = ["sid", "forky", "trixie"];

const CORE: &str = "wordpress";

/// What the core links to, and one theme.
const LINKED: [&str; 7] = [
    "wordpress-theme-twentytwentyfive",
    "libjs-cropper",
    "libjs-jquery-ui",
    "libjs-lodash",
    "libjs-underscore",
    "libphp-phpmailer",
    "php-getid3",
];

/// The tree, fetched unless `$HOLDFAST_WORDPRESS` names one or the cache has it.
pub(crate) fn install() -> Result<PathBuf, String> {
    if let Some(tree) = std::env::var_os("HOLDFAST_WORDPRESS") {
        return Ok(tree.into());
    }
    let dir = place::cache().join("wordpress");
    let tree = dir.join("tree");
    if tree.join("wp-includes/version.php").is_file() {
        return Ok(tree);
    }
    if !run::succeeds(run::command("apt-get").arg("--version")) {
        return Err("a WordPress core comes from Debian's packages, and here is no apt-get: set \
                    HOLDFAST_WORDPRESS to the folder of any WordPress core"
            .into());
    }
    say("WordPress core from Debian's newest `wordpress` package");
    let mut failures = String::new();
    for suite in SUITES {
        match fetch(&dir, suite, &tree) {
            Ok(()) => return Ok(tree),
            Err(error) => failures += &format!("\n{suite}: {error}"),
        }
    }
    Err(format!("no `wordpress` package could be had:{failures}"))
}

fn fetch(dir: &Path, suite: &str, tree: &Path) -> Result<(), String> {
    let apt = Apt::new(&dir.join("apt"), suite)?;
    apt.run(&["-q", "-q", "update"])?;
    let debs = dir.join("debs");
    clear(&debs)?;
    apt.download(CORE, &debs)?;
    for package in LINKED {
        // Another release may name it otherwise: then the links to it are dropped.
        if let Err(error) = apt.download(package, &debs) {
            say(format!("without {package}: {}", error.lines().last().unwrap_or_default()));
        }
    }
    let (unpacked, plain) = (dir.join("unpacked"), dir.join("plain"));
    clear(&unpacked)?;
    clear(&plain)?;
    for deb in fs::read_dir(&debs).map_err(text)?.flatten() {
        run::run(run::command("dpkg-deb").arg("-x").arg(deb.path()).arg(&unpacked))?;
    }
    let core = unpacked.join("usr/share/wordpress");
    for debian_only in ["wp-config.php", ".htaccess"] {
        fs::remove_file(core.join(debian_only)).ok();
    }
    run::run(run::command("find").arg(&core).args(["-xtype", "l", "-delete"]))?;
    run::run(run::command("cp").arg("-aL").arg(core.join(".")).arg(&plain))?;
    if !plain.join("wp-includes/version.php").is_file() {
        return Err("the package holds no WordPress core".into());
    }
    if tree.exists() {
        fs::remove_dir_all(tree).map_err(text)?;
    }
    fs::rename(&plain, tree).map_err(text)?;
    for scratch in [&debs, &unpacked, &dir.join("apt")] {
        fs::remove_dir_all(scratch).map_err(text)?;
    }
    Ok(())
}

/// apt-get with a state of its own.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn new(dir: &Path, suite: &str) -> Result<Self, String> {
        clear(dir)?;
        for sub in ["lists/partial", "cache/archives/partial", "parts"] {
            fs::create_dir_all(dir.join(sub)).map_err(text)?;
        }
        fs::write(dir.join("status"), "").map_err(text)?;
        let (uri, signed_by) = archive()?;
        let options = signed_by.map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
        fs::write(dir.join("sources.list"), format!("deb {options}{uri} {suite} main\n")).map_err(text)?;
        let dir = dir.display();
        let mut options: Vec<String> = [
            format!("Dir::Etc::sourcelist={dir}/sources.list"),
            format!("Dir::Etc::sourceparts={dir}/parts"),
            format!("Dir::State={dir}"),
            format!("Dir::State::lists={dir}/lists"),
            format!("Dir::State::status={dir}/status"),
            format!("Dir::Cache={dir}/cache"),
            "Acquire::Languages=none".into(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".into(),
            // A mirror's Release may be past its date; its signature still counts.
            "Acquire::Check-Valid-Until=false".into(),
        ]
        .into();
        if run::is_root() {
            // The cache may lie where apt's own user cannot write.
            options.push("APT::Sandbox::User=root".into());
        }
        Ok(Self { options })
    }

    fn command(&self) -> Command {
        let mut command = run::command("apt-get");
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Result<(), String> {
        run::output(self.command().args(args)).map(drop)
    }

    fn download(&self, package: &str, into: &Path) -> Result<(), String> {
        run::output(self.command().args(["-q", "-q", "download", package]).current_dir(into)).map(drop)
    }
}

/// Where this system gets Debian from, and the key that it trusts for it.
fn archive() -> Result<(String, Option<String>), String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten() {
        texts.push(fs::read_to_string(entry.path()).unwrap_or_default());
    }
    texts.push(fs::read_to_string("/etc/apt/sources.list").unwrap_or_default());
    texts
        .iter()
        .find_map(|text| archive_of(text))
        .ok_or_else(|| "this system's apt sources name no Debian archive".into())
}

/// The first `…/debian` of a sources file, in either of its formats.
fn archive_of(text: &str) -> Option<(String, Option<String>)> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let uri = lines()
        .filter(|line| line.starts_with("URIs:") || line.starts_with("deb "))
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))?;
    let key = lines().find_map(|line| line.strip_prefix("Signed-By:")).map(str::trim);
    // A key may also stand there in full, on lines of its own.
    let key = key.filter(|key| key.starts_with('/')).map(str::to_owned);
    Some((uri.to_owned(), key))
}

fn clear(dir: &Path) -> Result<(), String> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(text)?;
    }
    fs::create_dir_all(dir).map_err(text)
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_of_both_formats() {
        let deb822 = "Types: deb\n# http://old.example/debian\nURIs: http://mirror.example/debian\n\
                      Suites: bookworm\nSigned-By: /usr/share/keyrings/debian.gpg\n\n\
                      Types: deb\nURIs: http://mirror.example/debian-security\n";
        let expected = ("http://mirror.example/debian".to_owned(), Some("/usr/share/keyrings/debian.gpg".to_owned()));
        assert_eq!(archive_of(deb822), Some(expected));
        let one_line = "deb http://mirror.example/debian/ bookworm main\n";
        assert_eq!(archive_of(one_line), Some(("http://mirror.example/debian/".to_owned(), None)));
        assert_eq!(archive_of("deb http://other.example/node node main\n"), None);
    }
}
