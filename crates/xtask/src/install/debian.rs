//! Debian packages, where the program that they bring is missing.

use super::say;
use crate::run;

/// A program that must run, and the package that brings it.
pub(crate) type Need = (&'static [&'static str], &'static str);

/// What the tests need beside a C compiler: the servers are started through `setpriv`, some runs
/// of the runner through `prlimit`.
pub(crate) const FOR_TESTS: &[Need] = &[
    (&["cc", "--version"], "gcc"),
    (&["setpriv", "--version"], "util-linux"),
    (&["prlimit", "--version"], "util-linux"),
    (&["unzip", "-v"], "unzip"),
    // The other readers of a backup, and what makes zips to try them on.
    (&["zip", "-v"], "zip"),
    (&["7z", "i"], "p7zip-full"),
    (&["bsdtar", "--version"], "libarchive-tools"),
    (&["python3", "--version"], "python3"),
    (&["php", "--version"], "php-cli"),
    (&["php", "-r", "new ZipArchive;"], "php-zip"),
    (&["javac", "-version"], "default-jdk-headless"),
];

/// What a WordPress site needs: PHP with its extensions, and a database. Nothing is served.
pub(crate) const FOR_SITES: &[Need] = &[
    (&["php", "--version"], "php-cli"),
    (&["php", "-r", "mysqli_init();"], "php-mysql"),
    (&["php", "-r", "mb_strlen('');"], "php-mbstring"),
    (&["php", "-r", "new DOMDocument;"], "php-xml"),
    (&["which", "mariadb-install-db"], "mariadb-server"),
    (&["mariadb-dump", "--version"], "mariadb-client"),
];

/// What else a site is backed up with.
pub(crate) const FOR_BENCH: &[Need] = &[
    (&["restic", "version"], "restic"),
    (&["zstd", "--version"], "zstd"),
    (&["pigz", "--version"], "pigz"),
    (&["zip", "-v"], "zip"),
];

/// What a Python environment needs.
pub(crate) const FOR_PYTHON: &[Need] =
    &[(&["python3", "--version"], "python3"), (&["python3", "-c", "import ensurepip, venv"], "python3-venv")];

/// Installs the packages whose programs do not run.
pub(crate) fn install(needs: &[Need]) -> Result<(), String> {
    let is_missing = |need: &&Need| !run::succeeds(run::command(need.0[0]).args(&need.0[1..]));
    let mut packages: Vec<&str> = needs.iter().filter(is_missing).map(|need| need.1).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if !run::is_root() || !run::succeeds(run::command("apt-get").arg("--version")) {
        return Err(format!(
            "missing Debian packages: {0}. This needs root and apt-get: run `apt-get install {0}`, or install \
             the same programs in your system's way",
            packages.join(" ")
        ));
    }
    say(format!("Debian packages {}", packages.join(", ")));
    let apt = || {
        let mut apt = run::command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y"]);
        apt
    };
    run::run(apt().arg("update"))?;
    run::run(apt().args(["install", "--no-install-recommends"]).args(&packages))?;
    match needs.iter().find(is_missing) {
        None => Ok(()),
        Some(need) => Err(format!("`{}` still does not run after `{}` was installed", need.0.join(" "), need.1)),
    }
}
