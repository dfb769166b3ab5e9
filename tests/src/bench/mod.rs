//! What Holdfast costs, beside what else people use. `cargo xtask bench backup` is in [`run_backup`].
//!
//! `cargo xtask bench upload`: our runner beside s5cmd, aws-cli and rclone, on one machine, in one
//! run, in alternating order; medians.
//!
//! Three settings: MinIO on the local disk (a whole system), the sink (the client alone), and the
//! sink behind one line of 100 Mbit/s and 50 ms (the network as it is elsewhere).

mod backup;
mod measure;
mod report;
mod rival;
mod rows;
mod site;
mod tool;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

pub use backup::{BackupFigures, BackupPlan, Run, backup_markdown, run_backup, run_dump};
pub use measure::{Cost, Invocation, Whole, measure_and_print, measure_whole_and_print};
pub use report::{markdown, write_into};
pub use rival::{Dumper, Rival};
pub use site::{Night, Site, SiteSize};
pub use tool::Tool;

use crate::pipe::Line;
use crate::{Minio, S3, SharedPipe, SinkServer, data};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Runs of each tool in each setting.
    pub rounds: usize,
    /// The file for MinIO and the sink.
    pub near_bytes: u64,
    /// The file for the far line.
    pub far_bytes: u64,
}

impl Plan {
    /// What docs/performance.md is made from.
    pub const FULL: Self = Self { rounds: 5, near_bytes: 1 << 30, far_bytes: 128 << 20 };
    /// A look in two minutes; not for publishing.
    pub const QUICK: Self = Self { rounds: 1, near_bytes: 256 << 20, far_bytes: 32 << 20 };
}

/// One setting's measurements.
#[derive(Debug)]
pub struct Setting {
    /// What it is called in the table.
    pub name: &'static str,
    /// The file's size.
    pub bytes: u64,
    /// The line, where there is one.
    pub line: Option<Line>,
    /// Each tool's costs, one a round.
    pub rows: Vec<(Tool, Vec<Cost>)>,
}

/// Measures everything; progress goes to `out`.
///
/// # Errors
/// When a tool fails, or what it says it uploaded is not there.
pub fn run(plan: Plan, tools: &[Tool], out: &mut dyn Write) -> Result<Vec<Setting>, String> {
    let dir = tempfile::Builder::new().prefix("holdfast-bench").tempdir().map_err(text)?;
    let (near, far) = (dir.path().join("near.bin"), dir.path().join("far.bin"));
    data::write_file(&near, 1, plan.near_bytes).map_err(text)?;
    data::write_file(&far, 2, plan.far_bytes).map_err(text)?;

    let mut settings = Vec::new();
    {
        let minio = Minio::start();
        let s3 = minio.s3();
        let stage = Stage { name: "MinIO on the local disk", file: &near, bytes: plan.near_bytes, line: None };
        settings.push(stage.run(plan, tools, minio.address(), &s3, out)?);
    }
    {
        let sink = SinkServer::start();
        let s3 = S3::new(sink.endpoint());
        let stage = Stage { name: "Sink (bodies are discarded)", file: &near, bytes: plan.near_bytes, line: None };
        settings.push(stage.run(plan, tools, sink.address(), &s3, out)?);
    }
    {
        let sink = SinkServer::start();
        let pipe = SharedPipe::start(sink.address(), Line::FAR);
        let s3 = S3::new(sink.endpoint());
        let stage =
            Stage { name: "Sink behind 100 Mbit/s, 50 ms", file: &far, bytes: plan.far_bytes, line: Some(Line::FAR) };
        settings.push(stage.run(plan, tools, pipe.address(), &s3, out)?);
    }
    Ok(settings)
}

struct Stage<'a> {
    name: &'static str,
    file: &'a Path,
    bytes: u64,
    line: Option<Line>,
}

impl Stage<'_> {
    fn run(
        self,
        plan: Plan,
        tools: &[Tool],
        address: SocketAddr,
        s3: &S3,
        out: &mut dyn Write,
    ) -> Result<Setting, String> {
        writeln!(out, "{}: {} MiB, {} rounds", self.name, self.bytes >> 20, plan.rounds).map_err(text)?;
        s3.create_bucket("bench");
        let mut rows: Vec<_> = tools.iter().map(|tool| (tool.clone(), Vec::new())).collect();
        for round in 0..plan.rounds {
            // Every other round backwards, so that nobody always runs after the same one.
            let mut order: Vec<usize> = (0..rows.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let (tool, costs) = &mut rows[index];
                let key = format!("{}-{round}", tool.name());
                let home = tempfile::tempdir().map_err(text)?;
                let command = tool.upload(self.file, &key, address, home.path());
                let cost = measure::measure(&command).map_err(|e| format!("{}: {e}", tool.name()))?;
                self.check(s3, &key).map_err(|e| format!("{}: {e}", tool.name()))?;
                s3.delete("bench", &key);
                // The next one must not wait for this one's pages.
                rustix::fs::sync();
                writeln!(out, "  {:9} {cost}", tool.name()).map_err(text)?;
                costs.push(cost);
            }
        }
        Ok(Setting { name: self.name, bytes: self.bytes, line: self.line, rows })
    }

    fn check(&self, s3: &S3, key: &str) -> Result<(), String> {
        let head = s3.head("bench", key);
        let stored = head.header("content-length").and_then(|n| n.parse::<u64>().ok());
        if head.status == 200 && stored == Some(self.bytes) {
            return Ok(());
        }
        Err(format!("the object has {stored:?} bytes (status {}), not {}", head.status, self.bytes))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The runner's own size on disk, for the report.
pub(crate) fn file_len(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}
