//! The table of docs/performance.md: medians, with the machine and the versions named.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use super::{Cost, Plan, Setting, Tool, file_len};
use crate::{binaries, runner};

/// Puts a report between its markers, `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, in this Markdown
/// file. Where there are none yet, they come at the end; where there is no file, it is made.
pub fn write_into(path: &Path, name: &str, report: &str) -> io::Result<()> {
    let old = match fs::read_to_string(path) {
        Ok(old) => old,
        Err(e) if e.kind() == io::ErrorKind::NotFound => "# Performance\n".to_owned(),
        Err(e) => return Err(e),
    };
    fs::write(path, replace(&old, name, report))
}

fn replace(old: &str, name: &str, report: &str) -> String {
    let (begin, end) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let between = old.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match between {
        Some((before, after)) => format!("{before}{begin}\n{report}{end}{after}"),
        None => format!("{}\n\n{begin}\n{report}{end}\n", old.trim_end()),
    }
}

/// The report as Markdown.
pub fn markdown(plan: Plan, settings: &[Setting]) -> String {
    let mut text = format!("{}\n\n", machine_lines("bench upload", plan.rounds));
    text += "| Tool | Version | Tuning |\n|---|---|---|\n";
    for tool in tools(settings) {
        writeln!(text, "| {} | {} | {} |", tool.name(), tool.version(), tool.tuning()).ok();
    }
    writeln!(
        text,
        "\nServer: MinIO {}. The runner's binary: {:.1} MB.",
        minio_version(),
        file_len(&runner::binary()) as f64 / 1e6
    )
    .ok();
    for setting in settings {
        write_setting(&mut text, setting);
    }
    text
}

/// When, how and where it was measured.
pub(super) fn machine_lines(command: &str, rounds: usize) -> String {
    format!(
        "Measured {} by `cargo xtask {command}`: medians of {rounds} runs in alternating order, plain HTTP on \
         loopback.\n\nMachine: {}.",
        date(),
        machine()
    )
}

fn write_setting(text: &mut String, setting: &Setting) {
    let far = setting.line.is_some();
    writeln!(text, "\n**{}**, {} MiB\n", setting.name, setting.bytes >> 20).ok();
    let line_heads = if far { (" Of the line |", "---:|") } else { ("", "") };
    writeln!(text, "| Tool | Wall s (range) | CPU s | Peak MB |{}", line_heads.0).ok();
    writeln!(text, "|---|---:|---:|---:|{}", line_heads.1).ok();
    for (tool, costs) in &setting.rows {
        let wall = median(costs, |cost| cost.wall.as_secs_f64());
        let walls = costs.iter().map(|cost| cost.wall);
        let (least, most) = (walls.clone().min().unwrap_or_default(), walls.max().unwrap_or_default());
        write!(
            text,
            "| {} | {wall:.2} ({:.2}-{:.2}) | {:.2} | {:.1} |",
            tool.name(),
            least.as_secs_f64(),
            most.as_secs_f64(),
            median(costs, |cost| cost.cpu.as_secs_f64()),
            median(costs, |cost| cost.peak as f64 / 1e6),
        )
        .ok();
        if let Some(line) = setting.line {
            let share = line.least_time(setting.bytes).as_secs_f64() / wall * 100.0;
            write!(text, " {share:.1} % |").ok();
        }
        text.push('\n');
    }
}

fn tools(settings: &[Setting]) -> Vec<&Tool> {
    settings.first().map(|setting| setting.rows.iter().map(|(tool, _)| tool).collect()).unwrap_or_default()
}

fn median(costs: &[Cost], value: impl Fn(&Cost) -> f64) -> f64 {
    median_of(costs.iter().map(value).collect())
}

pub(super) fn median_of(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let lines = info.lines().filter(move |line| line.starts_with(name));
        lines.filter_map(|line| line.split_once(": ")).map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    let model = field("model name").into_iter().next().unwrap_or_else(|| "unknown CPU".into());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What follows the numbers names the machine's provider, not the kernel.
    let kernel: String = release.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    format!("{} cores of {model}, {} GiB, Linux {kernel}", field("processor").len(), kib >> 20)
}

fn minio_version() -> String {
    let output = Command::new(binaries::find("minio")).arg("--version").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    // Built by `go install`, it names its build, not its release.
    let word = text.split_whitespace().find(|word| word.starts_with("RELEASE") || word.starts_with("DEVELOPMENT"));
    match word {
        Some(word) if word.starts_with("RELEASE") => word.to_owned(),
        _ => "built from its Go module, the last one (February 2026)".to_owned(),
    }
}

/// `2026-11-23`, from the HTTP date `Mon, 23 Nov 2026 17:42:00 GMT`.
fn date() -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = httpdate::fmt_http_date(SystemTime::now());
    let words: Vec<_> = text.split_whitespace().collect();
    let month = MONTHS.iter().position(|month| *month == words[2]).unwrap_or(0) + 1;
    format!("{}-{month:02}-{}", words[3], words[1])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_report_goes_between_its_markers() {
        let old = "# Performance\nours\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nrest\n";
        let new = replace(old, "a", "new\n");
        assert_eq!(new, "# Performance\nours\n<!-- bench:a -->\nnew\n<!-- /bench:a -->\nrest\n");
        assert_eq!(replace("no markers\n", "b", "new\n"), "no markers\n\n<!-- bench:b -->\nnew\n<!-- /bench:b -->\n");
    }

    #[test]
    fn the_median_is_the_middle() {
        let cost = |s| Cost { wall: Duration::from_secs(s), cpu: Duration::ZERO, peak: 0 };
        let wall = |cost: &Cost| cost.wall.as_secs_f64();
        assert_eq!(median(&[cost(9), cost(1), cost(5)], wall).to_bits(), 5f64.to_bits());
        assert_eq!(median(&[cost(1), cost(2)], wall).to_bits(), 1.5f64.to_bits());
    }

    #[test]
    fn a_far_setting_shows_its_share_of_the_line() {
        let cost = Cost { wall: Duration::from_secs(2), cpu: Duration::from_secs(1), peak: 20_000_000 };
        let setting = Setting {
            name: "Far",
            bytes: 12_500_000,
            line: Some(crate::pipe::Line::FAR),
            rows: vec![(Tool::Rclone("/nowhere".into()), vec![cost])],
        };
        let mut text = String::new();
        write_setting(&mut text, &setting);
        assert!(text.contains("| rclone | 2.00 (2.00-2.00) | 1.00 | 20.0 | 50.0 % |"), "{text}");
    }
}
