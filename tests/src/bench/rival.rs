//! How each way of backing up a site is called: ours by its command line, the others as people put
//! them together.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::Invocation;
use super::site::{Night, Site};
use crate::wordpress::{DB_NAME, DB_PASSWORD, DB_USER};
use crate::{ACCESS_KEY, REGION, SECRET, runner};

/// A way to back up a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    /// Our runner, with its defaults.
    Holdfast,
    /// Dump and tar, each through zstd, each streamed by aws-cli.
    Zstd,
    /// The same through pigz.
    Pigz,
    /// Dump and files into a zip on disk, sent by s5cmd.
    ZipS5cmd,
    /// restic: the dump from a pipe, then the files.
    Restic,
}

/// Where a run finds its site and its server.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) site: &'a Site,
    /// `http://127.0.0.1:PORT`.
    pub(super) endpoint: &'a str,
    /// The folder with s5cmd and aws.
    pub(super) tools: &'a Path,
    /// Where a run may keep what it wants: its home, its state, its temporary files.
    pub(super) scratch: &'a Path,
    /// What the run's keys begin with, the same for all nights of a round.
    pub(super) prefix: &'a str,
}

impl Rival {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Holdfast, Self::Zstd, Self::Pigz, Self::ZipS5cmd, Self::Restic];

    /// Its name in the table, and for `--only`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holdfast => "holdfast",
            Self::Zstd => "zstd",
            Self::Pigz => "pigz",
            Self::ZipS5cmd => "zip",
            Self::Restic => "restic",
        }
    }

    /// What it is, for the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Holdfast => "holdfast backup",
            Self::Zstd => "mariadb-dump, tar, zstd -3, aws s3 cp -",
            Self::Pigz => "mariadb-dump, tar, pigz, aws s3 cp -",
            Self::ZipS5cmd => "mariadb-dump, zip, s5cmd",
            Self::Restic => "mariadb-dump, restic",
        }
    }

    /// The nights that it is measured in. What sends everything each night is measured once a round.
    pub(super) fn nights(self) -> &'static [Night] {
        match self {
            Self::Holdfast | Self::Restic => &[Night::First, Night::Clustered, Night::Scattered],
            Self::Zstd | Self::Pigz | Self::ZipS5cmd => &[Night::First],
        }
    }

    /// Its version, as it says it.
    pub fn version(self) -> String {
        let (program, argument) = match self {
            Self::Holdfast => (runner::binary(), "--version"),
            Self::Zstd => (PathBuf::from("zstd"), "--version"),
            Self::Pigz => (PathBuf::from("pigz"), "--version"),
            Self::ZipS5cmd => (PathBuf::from("zip"), "-v"),
            Self::Restic => (PathBuf::from("restic"), "version"),
        };
        let output = Command::new(program).arg(argument).output();
        let text = output.map(|o| String::from_utf8_lossy(&[o.stdout, o.stderr].concat()).into_owned());
        let text = text.unwrap_or_default();
        let is_version = |word: &&str| {
            let word = word.trim_start_matches('v');
            word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')
        };
        let word = text.split_whitespace().find(is_version).unwrap_or("unknown");
        word.trim_start_matches('v').trim_end_matches(',').to_owned()
    }

    /// The command of one night.
    pub(super) fn command(self, stage: &Stage<'_>, night: Night) -> Invocation {
        let Stage { endpoint, prefix, .. } = stage;
        let root = stage.site.root().display();
        let socket = stage.site.database().socket().display();
        let dump = format!(
            "mariadb-dump --no-defaults --single-transaction --quick --socket={socket} --user={DB_USER} {DB_NAME}"
        );
        let aws = format!(
            "{}/aws --endpoint-url {endpoint} s3 cp --only-show-errors --expected-size 900000000 -",
            stage.tools.display()
        );
        let script = match self {
            Self::Holdfast => {
                let holdfast = runner::binary().display().to_string();
                format!(
                    "exec {holdfast} backup --wp-root {root} s3://bench/{prefix}/ --endpoint {endpoint} \
                     --region {REGION} --state-dir $SCRATCH/state --json > $REPORT"
                )
            }
            Self::Zstd => format!(
                "{dump} | zstd -q -3 | {aws} s3://bench/{prefix}/database.sql.zst\n\
                 tar -C {root} -cf - . | zstd -q -3 | {aws} s3://bench/{prefix}/files.tar.zst"
            ),
            Self::Pigz => format!(
                "{dump} | pigz | {aws} s3://bench/{prefix}/database.sql.gz\n\
                 tar -C {root} -cf - . | pigz | {aws} s3://bench/{prefix}/files.tar.gz"
            ),
            Self::ZipS5cmd => format!(
                "{dump} > $SCRATCH/database.sql\n\
                 zip -q -j $SCRATCH/site.zip $SCRATCH/database.sql\n\
                 cd {root} && zip -q -r -y $SCRATCH/site.zip .\n\
                 {}/s5cmd --endpoint-url {endpoint} --log error cp --concurrency 8 --part-size 16 $SCRATCH/site.zip \
                 s3://bench/{prefix}/site.zip\n\
                 rm $SCRATCH/site.zip $SCRATCH/database.sql",
                stage.tools.display()
            ),
            Self::Restic => {
                let restic = format!("restic -q -r s3:{endpoint}/bench/{prefix}");
                let init = if night == Night::First { format!("{restic} init\n") } else { String::new() };
                format!(
                    "{init}{dump} | {restic} backup --stdin --stdin-filename database.sql\n\
                     {restic} backup {root}"
                )
            }
        };
        Invocation { words: bash(&script), environment: environment(stage.scratch) }
    }
}

/// A way to dump the database alone to the local disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dumper {
    /// Ours: `backup --database --dry-run`, which dumps to its spool and sends nothing.
    Holdfast,
    /// `mariadb-dump > file`.
    File,
    /// `mariadb-dump | gzip -1 > file`, for about our spool's bytes.
    Gzip,
}

impl Dumper {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Holdfast, Self::File, Self::Gzip];

    /// Its name in the table, and for `--only`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holdfast => "holdfast",
            Self::File => "mariadb-dump",
            Self::Gzip => "mariadb-dump+gzip",
        }
    }

    pub(super) fn command(self, stage: &Stage<'_>) -> Invocation {
        let socket = stage.site.database().socket().display();
        let dump = format!(
            "mariadb-dump --no-defaults --single-transaction --quick --socket={socket} --user={DB_USER} {DB_NAME}"
        );
        let script = match self {
            Self::Holdfast => format!(
                "exec {} backup --database --db-host localhost:{socket} --db-name {DB_NAME} --db-user {DB_USER} \
                 s3://bench/{}/ --endpoint {} --region {REGION} --state-dir $SCRATCH/state --dry-run --json > $REPORT",
                runner::binary().display(),
                stage.prefix,
                stage.endpoint,
            ),
            Self::File => format!("{dump} > $SCRATCH/database.sql"),
            Self::Gzip => format!("{dump} | gzip -1 > $SCRATCH/database.sql.gz"),
        };
        Invocation { words: bash(&script), environment: environment(stage.scratch) }
    }
}

fn bash(script: &str) -> Vec<String> {
    let script = format!("set -euo pipefail\n{script}");
    ["bash", "-c", &script].map(str::to_owned).to_vec()
}

/// All the environment there is. Homes, caches, states and temporary files lie in the scratch folder.
fn environment(scratch: &Path) -> Vec<(String, String)> {
    let scratch = scratch.display().to_string();
    let config = format!("{scratch}/aws-config");
    // aws-cli's defaults are 8 MB parts and 10 at a time; the same as in `bench upload`.
    let text =
        "[default]\ns3 =\n  max_concurrent_requests = 10\n  multipart_chunksize = 16MB\n  addressing_style = path\n";
    std::fs::write(&config, text).expect("a new folder is writable");
    [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", &scratch),
        ("TMPDIR", &scratch),
        ("SCRATCH", &scratch),
        // Beside the folder, not in it: a report is no local disk of a backup.
        ("REPORT", &format!("{scratch}.json")),
        ("LANG", "C.UTF-8"),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", &config),
        ("MYSQL_PWD", DB_PASSWORD),
        ("HOLDFAST_DB_PASSWORD", DB_PASSWORD),
        ("RESTIC_PASSWORD", "not a secret"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
