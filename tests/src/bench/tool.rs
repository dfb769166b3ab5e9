//! How each tool is called, and with what tuning.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::Invocation;
use crate::{ACCESS_KEY, REGION, SECRET, runner};

/// An uploader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// Our runner, as it is.
    Holdfast,
    /// s5cmd, in this folder of programs.
    S5cmd(PathBuf),
    /// aws-cli, in this folder of programs.
    AwsCli(PathBuf),
    /// rclone, in this folder of programs.
    Rclone(PathBuf),
}

impl Tool {
    /// All four; `tools` is the folder with the programs of the other three.
    pub fn all(tools: &Path) -> Vec<Self> {
        let tools = || tools.to_owned();
        vec![Self::Holdfast, Self::S5cmd(tools()), Self::AwsCli(tools()), Self::Rclone(tools())]
    }

    /// Its name in the table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Holdfast => "holdfast",
            Self::S5cmd(_) => "s5cmd",
            Self::AwsCli(_) => "aws s3 cp",
            Self::Rclone(_) => "rclone",
        }
    }

    /// Its tuning, for the report.
    pub fn tuning(&self) -> &'static str {
        match self {
            Self::Holdfast => "defaults",
            Self::S5cmd(_) => "`--concurrency 8 --part-size 16`",
            Self::AwsCli(_) => "`max_concurrent_requests = 10`, `multipart_chunksize = 16MB`",
            Self::Rclone(_) => {
                "`--s3-upload-concurrency 8 --s3-chunk-size 16M --s3-disable-checksum --s3-no-check-bucket`"
            }
        }
    }

    /// Its version, as it says it.
    pub fn version(&self) -> String {
        let argument = if matches!(self, Self::S5cmd(_) | Self::Rclone(_)) { "version" } else { "--version" };
        let output = Command::new(self.program()).arg(argument).output();
        let text = output.map(|o| String::from_utf8_lossy(&[o.stdout, o.stderr].concat()).into_owned());
        let text = text.unwrap_or_default();
        // aws-cli says its platform too, s5cmd its commit, rclone goes on for lines.
        let line = text.lines().next().unwrap_or("unknown");
        let word =
            line.split_whitespace().find(|word| word.contains(|c: char| c.is_ascii_digit()) && word.contains('.'));
        let word = word.unwrap_or("unknown").trim_start_matches("aws-cli/");
        word.split('-').next().unwrap_or(word).trim_start_matches('v').to_owned()
    }

    fn program(&self) -> PathBuf {
        match self {
            Self::Holdfast => runner::binary(),
            Self::S5cmd(tools) => tools.join("s5cmd"),
            Self::AwsCli(tools) => tools.join("aws"),
            Self::Rclone(tools) => tools.join("rclone"),
        }
    }

    /// The command that uploads `file` to `s3://bench/KEY`, with an empty home of its own.
    pub(super) fn upload(&self, file: &Path, key: &str, address: SocketAddr, home: &Path) -> Invocation {
        let file = file.display().to_string();
        let endpoint = format!("http://{address}");
        let url = format!("s3://bench/{key}");
        let mut environment = vec![
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME".to_owned(), home.display().to_string()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("AWS_ACCESS_KEY_ID".to_owned(), ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET.to_owned()),
            ("AWS_REGION".to_owned(), REGION.to_owned()),
            ("AWS_DEFAULT_REGION".to_owned(), REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ];
        let args: Vec<String> = match self {
            Self::Holdfast => {
                words(&["upload", &file, &url, "--endpoint", &endpoint, "--region", REGION, "--overwrite"])
            }
            Self::S5cmd(_) => words(&[
                "--endpoint-url",
                &endpoint,
                "--log",
                "error",
                "cp",
                "--concurrency",
                "8",
                "--part-size",
                "16",
                &file,
                &url,
            ]),
            Self::AwsCli(_) => {
                let config = home.join("aws-config");
                let text = "[default]\ns3 =\n  max_concurrent_requests = 10\n  multipart_chunksize = 16MB\n  \
                            addressing_style = path\n";
                std::fs::write(&config, text).expect("a new home is writable");
                environment.push(("AWS_CONFIG_FILE".to_owned(), config.display().to_string()));
                words(&["--endpoint-url", &endpoint, "s3", "cp", "--only-show-errors", &file, &url])
            }
            Self::Rclone(_) => words(&[
                "copyto",
                "--s3-provider",
                "Other",
                "--s3-env-auth",
                "--s3-region",
                REGION,
                "--s3-endpoint",
                &endpoint,
                "--s3-upload-concurrency",
                "8",
                "--s3-chunk-size",
                "16M",
                "--s3-disable-checksum",
                "--s3-no-check-bucket",
                "--ignore-checksum",
                &file,
                &format!(":s3:bench/{key}"),
            ]),
        };
        let mut all = vec![self.program().display().to_string()];
        all.extend(args);
        Invocation { words: all, environment }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
