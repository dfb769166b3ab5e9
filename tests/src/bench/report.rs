//! The table of docs/performance.md: medians, with the machine and the versions named.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use super::{Cost, Plan, Setting, Tool, file_len};
use crate::{binaries, runner};

const BEGIN: &str = "<!-- bench:upload -->";
const END: &str = "<!-- /bench:upload -->";

/// Puts the report between its markers in this Markdown file, which is made when there is none.
pub fn write_into(path: &Path, plan: Plan, settings: &[Setting]) -> io::Result<()> {
    let old = match fs::read_to_string(path) {
        Ok(old) => old,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            format!("# Performance\n\n{BEGIN}\n{END}\n")
        }
        Err(e) => return Err(e),
    };
    fs::write(path, replace(&old, &markdown(plan, settings))?)
}

fn replace(old: &str, report: &str) -> io::Result<String> {
    let missing = || io::Error::other(format!("the file has no `{BEGIN}` and `{END}` to write between"));
    let (before, rest) = old.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n{report}{END}{after}"))
}

/// The report as Markdown.
pub fn markdown(plan: Plan, settings: &[Setting]) -> String {
    let mut text = format!(
        "Measured {} by `cargo xtask bench upload`: medians of {} runs in alternating order, plain HTTP on \
         loopback.\n\nMachine: {}.\n\n",
        date(),
        plan.rounds,
        machine()
    );
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
    let mut values: Vec<_> = costs.iter().map(value).collect();
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
        let old = format!("# Performance\nours\n{BEGIN}\nold\n{END}\nrest\n");
        let new = replace(&old, "new\n").expect("both markers are there");
        assert_eq!(new, format!("# Performance\nours\n{BEGIN}\nnew\n{END}\nrest\n"));
        assert!(replace("no markers", "new").is_err());
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
