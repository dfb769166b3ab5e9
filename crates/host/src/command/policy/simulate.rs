//! `holdfast policy simulate`: the table of calls for one client, and isolation for all.

use std::path::Path;

use holdfast_core::{
    error::Error,
    iam::{
        evaluate::{By, Decision},
        isolation::{Exposure, Finding, Isolation, PrefixTemplate, Question, Verdict, isolation},
        pattern::Dialect,
        simulate::{Area, Meaning, Row, Scene, bucket_named, simulate},
    },
};
use serde_json::json;

use super::file::{self, PolicyFile};
use crate::{
    cli,
    command::{DONE, Exit, WARNINGS, config_error},
    ui::{Style, Ui},
};

pub(super) fn run(args: &cli::PolicySimulate) -> Result<Exit, Error> {
    let from_stdin = args.files.iter().chain(&args.clients).filter(|path| *path == Path::new("-")).count();
    if from_stdin > 1 {
        return Err(config_error("stdin can be read only once", "give - for one file"));
    }
    let files = args.files.iter().map(|path| file::policy(path)).collect::<Result<Vec<_>, _>>()?;
    let listed = args.clients.as_deref().map(file::clients).transpose()?;
    let ui = Ui::new(if args.json { Style::Json } else { Style::People }, false);
    let simulation = Simulation::new(args, files, listed.as_deref())?;
    ui.data(&if args.json { simulation.as_json() } else { simulation.text() });
    Ok(if simulation.is_closed() { DONE } else { WARNINGS })
}

/// What was found out.
struct Simulation {
    names: Vec<String>,
    client: String,
    other: String,
    bucket: String,
    prefix: PrefixTemplate,
    are_all_listed: bool,
    rows: Vec<Row>,
    isolation: Isolation,
}

impl Simulation {
    fn new(args: &cli::PolicySimulate, files: Vec<PolicyFile>, listed: Option<&[String]>) -> Result<Self, Error> {
        let client = args.client.clone();
        if client.is_empty() || client.chars().any(char::is_control) {
            return Err(config_error(format!("{client:?} is not a client's name"), "--as client1"));
        }
        let prefix = PrefixTemplate::from_example(&args.prefix, &client).map_err(|error| {
            config_error(error.to_string(), "--prefix home/client1/, or --prefix 'home/${aws:username}/'")
        })?;
        let (names, policies): (Vec<_>, Vec<_>) = files.into_iter().map(|file| (file.name, file.policy)).unzip();
        let bucket = args.bucket.clone().or_else(|| bucket_named(&policies)).ok_or_else(|| {
            config_error("the policies do not say which bucket it is about", "name it: --bucket BUCKET")
        })?;
        let dialect = match args.dialect {
            cli::PolicyDialect::Aws => Dialect::Aws,
            cli::PolicyDialect::Minio => Dialect::Minio,
        };
        let other = if client == "client2" { "client1" } else { "client2" }.to_owned();
        let scene =
            Scene { policies: &policies, bucket: &bucket, prefix: &prefix, client: &client, other: &other, dialect };
        let mut clients = vec![client.clone(), other.clone(), format!("{client}0")];
        clients.extend(listed.unwrap_or_default().iter().cloned());
        if let Some(listed) = listed {
            clients = listed.to_vec();
            clients.push(client.clone());
        }
        let question = Question { policies: &policies, bucket: &bucket, prefix: &prefix, clients: &clients, dialect };
        let (rows, isolation) = (simulate(&scene), isolation(&question));
        Ok(Self { names, client, other, bucket, prefix, are_all_listed: listed.is_some(), rows, isolation })
    }

    fn is_closed(&self) -> bool {
        self.isolation.verdict == Verdict::Closed && !self.rows.iter().any(Row::is_breach)
    }

    fn as_json(&self) -> String {
        json!({
            "policies": self.names,
            "client": self.client,
            "other": self.other,
            "bucket": self.bucket,
            "prefix": self.prefix.as_str(),
            "calls": self.rows,
            "isolation": self.isolation,
        })
        .to_string()
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for area in [Area::Own, Area::Other, Area::Bucket, Area::Settings] {
            lines.push(self.title(area));
            let rows = self.rows.iter().filter(|row| row.area == area);
            lines.extend(rows.map(|row| self.line(row)));
            lines.push(String::new());
        }
        self.add_isolation(&mut lines);
        lines.join("\n")
    }

    fn title(&self, area: Area) -> String {
        match area {
            Area::Own => format!("{} in its own prefix, {}", self.client, self.prefix.of(&self.client)),
            Area::Other => format!("{} in {}'s prefix, {}", self.client, self.other, self.prefix.of(&self.other)),
            Area::Bucket => format!("{} in the bucket {} and beside it", self.client, self.bucket),
            Area::Settings => format!("{} changing what holds for the whole bucket", self.client),
        }
    }

    fn line(&self, row: &Row) -> String {
        let verdict = match row.decision {
            Decision::Allow(_) => "allow",
            Decision::ImplicitDeny => "implicit deny",
            Decision::ExplicitDeny(_) => "explicit deny",
        };
        let by = row.decision.by().map(|by| self.by(by)).unwrap_or_default();
        let note = match (&row.decision, row.meaning) {
            (Decision::Allow(_), Meaning::Breach) => "  <- opens other clients' data",
            (Decision::Allow(_), Meaning::Danger) => "  <- a stolen key can use it",
            (Decision::Allow(_), Meaning::Leak) => "  <- shows names",
            (Decision::Allow(_), _) | (_, Meaning::Breach | Meaning::Danger | Meaning::Leak | Meaning::Harmless) => "",
            (_, Meaning::Wanted) => "  <- some job needs it",
        };
        let line = format!("  {verdict:<13}  {:<34}  {:<36}  {by}", row.call, row.action);
        format!("{}{note}", line.trim_end())
    }

    /// `group.json:12 ListOwnFolder`
    fn by(&self, by: &By) -> String {
        let file = self.names.get(by.policy).map_or("", String::as_str);
        let sid = by.sid.as_ref().map_or_else(|| format!("statement {}", by.statement), |sid| printable(sid));
        let assumed =
            if by.assumed.is_empty() { String::new() } else { format!(" (depends on {})", by.assumed.join(", ")) };
        format!("{file}:{} {sid}{assumed}", by.position.line)
    }

    fn add_isolation(&self, lines: &mut Vec<String>) {
        let isolation = &self.isolation;
        let among = match (self.are_all_listed, isolation.clients) {
            (true, count) => format!("the {} of the list", counted(count as u64, "client")),
            (false, _) => format!("{}, {} and {}0 (--clients takes a list)", self.client, self.other, self.client),
        };
        let verdict = match isolation.verdict {
            Verdict::Closed => "closed: none reaches another's prefix",
            Verdict::Open => "OPEN",
            Verdict::Inconclusive => "inconclusive: no pair was found, and not all could be looked at",
        };
        lines.push(format!("Isolation of {among}: {verdict}"));
        for finding in &isolation.findings {
            let (clients, pairs) = (counted(finding.clients, "client"), counted(finding.pairs, "pair"));
            let least = if isolation.unchecked_pairs > 0 { "at least " } else { "" };
            lines.push(format!("  {}: {least}{clients}, {pairs}", words(finding.exposure)));
            lines.extend(self.examples(finding));
        }
        if isolation.unchecked_pairs > 0 {
            lines.push(format!("  {} could not be looked at: too many", counted(isolation.unchecked_pairs, "pair")));
        }
    }

    fn examples<'a>(&'a self, finding: &'a Finding) -> impl Iterator<Item = String> + 'a {
        finding.examples.iter().map(|example| {
            let prefix = example.prefix.as_ref().map(|prefix| format!(" with prefix {:?}", printable(prefix)));
            format!(
                "    {} to {}: {} on {}{}, by {}",
                printable(&example.client),
                printable(&example.other),
                example.action,
                printable(&example.resource),
                prefix.unwrap_or_default(),
                self.by(&example.by),
            )
        })
    }
}

fn words(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::List => "can see the keys of others' objects",
        Exposure::ListVersions => "can see the keys of others' old versions",
        Exposure::ListUploads => "can see the keys of what others upload",
        Exposure::Read => "can read others' objects",
        Exposure::Write => "can write into others' prefixes",
        Exposure::Delete => "can delete others' objects or abort their uploads",
        Exposure::Share => "can change who may read others' objects",
        Exposure::Bucket => "can change what holds for the whole bucket",
        Exposure::Names => "can see which other clients there are (no breach)",
    }
}

/// `1 client`, `12,000 clients`
fn counted(count: u64, noun: &str) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes().chunks(3);
    let text = if first == 0 {
        groups.map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
    } else {
        let (head, tail) = digits.split_at(first);
        let tail = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
        std::iter::once(head.into()).chain(tail).collect::<Vec<_>>().join(",")
    };
    format!("{text} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What would move a terminal's cursor is shown, not sent.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use holdfast_core::iam::parse::parse;

    use super::*;

    fn simulated(policy: &str, arguments: &[&str], listed: Option<&[String]>) -> Simulation {
        let line = ["holdfast", "policy", "simulate", "policy.json"].iter().chain(arguments);
        let cli = cli::Cli::try_parse_from(line).expect("a command line");
        let cli::Command::Policy(cli::Policy::Simulate(args)) = cli.command else { panic!("another command") };
        let file = PolicyFile { name: "policy.json".into(), policy: parse(policy).expect("a policy") };
        Simulation::new(&args, vec![file], listed).unwrap_or_else(|error| panic!("{error}"))
    }

    const GROUP: &str = include_str!("../../../../core/tests/data/policies/group.json");
    const STORY: &str = include_str!("../../../../core/tests/data/policies/origin-final.json");

    #[test]
    fn the_groups_policy_as_people_read_it() {
        let simulation = simulated(GROUP, &["--as", "client1", "--prefix", "home/client1/"], None);
        assert!(simulation.is_closed());
        insta::assert_snapshot!(simulation.text());
    }

    #[test]
    fn the_storys_final_policy_as_people_read_it() {
        let clients: Vec<_> = (1..=4000).map(|number| format!("client{number}")).collect();
        let simulation = simulated(STORY, &["--as", "client1", "--prefix", "client1/"], Some(&clients));
        assert!(!simulation.is_closed());
        insta::assert_snapshot!(simulation.text());
    }

    #[test]
    fn the_storys_final_policy_as_programs_read_it() {
        let simulation = simulated(STORY, &["--as", "client1", "--prefix", "client1/", "--json"], None);
        let value: serde_json::Value = serde_json::from_str(&simulation.as_json()).expect("JSON");
        assert_eq!(value["isolation"]["verdict"], "open");
        assert_eq!(value["isolation"]["findings"][0]["exposure"], "list");
        assert_eq!(value["bucket"], "rainworks-hosting-backups");
        let head = value["calls"].as_array().expect("calls").iter().find(|call| call["call"] == "HEAD of the bucket");
        insta::assert_snapshot!(serde_json::to_string_pretty(&head).expect("JSON"));
    }

    #[test]
    fn numbers_are_grouped() {
        for (count, text) in [
            (0, "0 pairs"),
            (1, "1 pair"),
            (999, "999 pairs"),
            (99_990_000, "99,990,000 pairs"),
            (100_000, "100,000 pairs"),
        ] {
            assert_eq!(counted(count, "pair"), text);
        }
    }
}
