//! `cargo xtask bench backup`: a whole site, backed up by us and in four ways of others, on one
//! machine, in one run, in alternating order; medians.
//!
//! MinIO on the local disk counts the bytes that it received. Memory is that of all processes of a
//! pipeline together; local disk is the most that lay in the run's home, state and temporary folder.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::measure::{Whole, measure_whole};
use super::report::{machine_lines, median_of};
use super::rival::{Dumper, Rival, Stage};
use super::site::{self, Night, Site, SiteSize};
use super::text;
use crate::Minio;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct BackupPlan {
    /// Runs of each way.
    pub rounds: usize,
    /// The site.
    pub size: SiteSize,
}

impl BackupPlan {
    /// What docs/performance.md is made from.
    pub const FULL: Self = Self { rounds: 3, size: SiteSize::FULL };
    /// A look in two minutes; not for publishing.
    pub const QUICK: Self = Self { rounds: 1, size: SiteSize::QUICK };
}

/// What one night of one way cost.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Time, memory, local disk.
    pub whole: Whole,
    /// Bytes of request bodies that the server received.
    pub sent: u64,
}

/// All runs of one way: for each of its nights, one a round.
type Row = (Rival, Vec<(Night, Vec<Run>)>);

/// What was measured.
#[derive(Debug)]
pub struct BackupFigures {
    rows: Vec<Row>,
    file_bytes: u64,
}

/// Measures; progress goes to `out`.
///
/// # Errors
/// When a way fails.
pub fn run_backup(
    plan: BackupPlan,
    rivals: &[Rival],
    tools: &Path,
    out: &mut dyn Write,
) -> Result<BackupFigures, String> {
    writeln!(out, "the site: {} files, made once and kept in the cache", plan.size.files).map_err(text)?;
    let mut site = Site::start(plan.size).map_err(text)?;
    let mut rows: Vec<Row> = rivals
        .iter()
        .map(|rival| (*rival, rival.nights().iter().map(|night| (*night, Vec::new())).collect()))
        .collect();
    for round in 0..plan.rounds {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            // A server and a folder of its own for each: nobody finds what another left.
            let minio = Minio::start();
            minio.s3().create_bucket("bench");
            let dir = tempfile::Builder::new().prefix("holdfast-bench").tempdir().map_err(text)?;
            let scratch = dir.path().join("scratch");
            std::fs::create_dir(&scratch).map_err(text)?;
            let (rival, nights) = &mut rows[index];
            for (night, runs) in nights {
                site.pass(*night).map_err(text)?;
                let stage = Stage { site: &site, endpoint: minio.endpoint(), tools, scratch: &scratch, prefix: "site" };
                let command = rival.command(&stage, *night);
                rustix::fs::sync();
                let before = minio.bytes_received();
                let whole = measure_whole(&command, &scratch).map_err(|e| format!("{}: {e}", rival.name()))?;
                let run = Run { whole, sent: minio.bytes_received() - before };
                writeln!(
                    out,
                    "  {:9} {:10} {} {:8.1} MB on disk {:7.1} MB sent",
                    rival.name(),
                    night_name(*night),
                    whole.cost,
                    megabytes(whole.disk),
                    megabytes(run.sent)
                )
                .map_err(text)?;
                runs.push(run);
            }
        }
    }
    Ok(BackupFigures { rows, file_bytes: site::file_bytes(&site) })
}

/// The report as Markdown.
pub fn backup_markdown(plan: BackupPlan, figures: &BackupFigures) -> String {
    let mut text = format!(
        "{}\n\nSite: WordPress, {} files of {:.0} MB, {:.0} MB of them uploads; {:.0} MB of SQL. Each later night \
         changes 30 files (3.9 MB) and 70 rows: beside each other (clustered) or all over the site (scattered).\n\n",
        machine_lines("bench backup", plan.rounds),
        plan.size.files,
        megabytes(figures.file_bytes),
        megabytes(plan.size.upload_bytes),
        megabytes(plan.size.sql_bytes),
    );
    text += "| Way | Night | Wall s (range) | CPU s | Peak MB | Local disk MB | Sent MB |\n|---|---|---:|---:|---:|---:|---:|\n";
    for (rival, nights) in &figures.rows {
        for (night, runs) in nights {
            let median = |value: &dyn Fn(&Run) -> f64| median_of(runs.iter().map(value).collect());
            let wall = |run: &Run| run.whole.cost.wall.as_secs_f64();
            let walls = runs.iter().map(wall);
            writeln!(
                text,
                "| {} ({}) | {} | {:.2} ({:.2}-{:.2}) | {:.2} | {:.0} | {:.1} | {:.2} |",
                rival.title(),
                rival.version(),
                if rival.nights().len() == 1 { "every" } else { night_name(*night) },
                median(&wall),
                walls.clone().fold(f64::INFINITY, f64::min),
                walls.fold(0.0, f64::max),
                median(&|run| run.whole.cost.cpu.as_secs_f64()),
                median(&|run| megabytes(run.whole.cost.peak)),
                median(&|run| megabytes(run.whole.disk)),
                median(&|run| megabytes(run.sent)),
            )
            .ok();
        }
    }
    text += "\nPeak is that of all processes of a pipeline together, what they share counted once. The database server's \
             own work is in nobody's figures.\n";
    text
}

/// Measures dumps of the database alone; the report as Markdown comes back.
///
/// # Errors
/// When a dumper fails.
pub fn run_dump(plan: BackupPlan, dumpers: &[Dumper], out: &mut dyn Write) -> Result<String, String> {
    let site = Site::start(plan.size).map_err(text)?;
    // Only ours asks for it, and it sends nothing there.
    let minio = Minio::start();
    minio.s3().create_bucket("bench");
    let mut rows: Vec<(Dumper, Vec<Whole>)> = dumpers.iter().map(|dumper| (*dumper, Vec::new())).collect();
    for round in 0..plan.rounds {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let (dumper, runs) = &mut rows[index];
            let dir = tempfile::Builder::new().prefix("holdfast-bench").tempdir().map_err(text)?;
            let scratch = dir.path().join("scratch");
            std::fs::create_dir(&scratch).map_err(text)?;
            let stage = Stage {
                site: &site,
                endpoint: minio.endpoint(),
                tools: Path::new(""),
                scratch: &scratch,
                prefix: "site",
            };
            let whole =
                measure_whole(&dumper.command(&stage), &scratch).map_err(|e| format!("{}: {e}", dumper.name()))?;
            writeln!(out, "  {:18} {} {:8.1} MB on disk", dumper.name(), whole.cost, megabytes(whole.disk))
                .map_err(text)?;
            runs.push(whole);
        }
    }
    let mut report = format!("{}\n\n", machine_lines("bench dump", plan.rounds));
    report += "| Dump | Wall s | CPU s | Peak MB | Disk MB |\n|---|---:|---:|---:|---:|\n";
    for (dumper, runs) in &rows {
        let median = |value: &dyn Fn(&Whole) -> f64| median_of(runs.iter().map(value).collect());
        writeln!(
            report,
            "| {} | {:.2} | {:.2} | {:.0} | {:.1} |",
            dumper.name(),
            median(&|run| run.cost.wall.as_secs_f64()),
            median(&|run| run.cost.cpu.as_secs_f64()),
            median(&|run| megabytes(run.cost.peak)),
            median(&|run| megabytes(run.disk)),
        )
        .ok();
    }
    writeln!(report, "\n{}.", server_version()).ok();
    Ok(report)
}

fn server_version() -> String {
    let output = Command::new("mariadb-dump").arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn night_name(night: Night) -> &'static str {
    match night {
        Night::First => "first",
        Night::Clustered => "clustered",
        Night::Scattered => "scattered",
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
