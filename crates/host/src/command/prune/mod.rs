//! `holdfast prune`: deletes the backups of one site that its policy has no use for any more.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::{
    error::{Error, Kind},
    event::{Entry, Event},
    iam::generate::Lifecycle,
    job::{List, Remove, Work},
    name::{Key, Prefix},
    report::{Outcome, Report},
    retention::{self, Backup, Decision, Policy},
    site::{self, SiteId, SiteName},
};
use serde_json::json;

use super::{DONE, Exit, WARNINGS, config_error, say, setup};
use crate::{
    cli,
    driver::{World, now},
    state::{self, job::random_run},
};

/// The shortest zip there is, in bytes: what is shorter is no backup, whatever its name.
const SHORTEST_ZIP: u64 = 22;

/// What is pruned, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Pruned {
    /// `s3://BUCKET/PREFIX/SITE/`.
    place: String,
    /// Below it, in any order.
    backups: BTreeMap<String, Backup>,
    /// The newest first.
    decisions: Vec<Decision>,
    removed: BTreeSet<String>,
    failed: u64,
    /// Deleted backups live on as noncurrent versions.
    versioned: bool,
    warnings: Vec<Error>,
}

/// The one site that is backed up to this prefix from here.
fn own(setup: &setup::Setup, prefix: &Prefix) -> Option<SiteId> {
    let sites = state::site::list(&setup.state);
    let mut ids = sites
        .iter()
        .filter(|site| site.target.bucket == setup.target.bucket && site.target.endpoint == setup.target.endpoint)
        .filter(|site| site.prefix == *prefix)
        .filter_map(|site| SiteId::parse(&site.id));
    let id = ids.next()?;
    ids.all(|other| other == id).then_some(id)
}

pub(super) fn run(args: &cli::Prune) -> Result<Exit, Error> {
    let policy = policy(args)?;
    let location = setup::location(&args.prefix)?;
    let prefix = location
        .prefix()
        .map_err(|error| config_error(error.to_string(), "a prefix ends in a slash: s3://BUCKET/home/client1/"))?;
    // One document, and not one line for each event.
    let output = cli::Output { json: false, quiet: args.quiet || args.json, verbose: args.verbose };
    let mut setup = setup::Setup::new(&args.storage, None, &location.bucket, &args.transfer, output)?;
    let own = own(&setup, &prefix);
    let mut pruned = match plan(&mut setup, &prefix, args.site.as_deref(), own.as_ref(), &policy)? {
        Ok(pruned) => pruned,
        Err(error) => return Ok(failed(&setup, args, &error)),
    };
    if !output.quiet {
        table::calendar(&pruned, &policy, args.dry_run);
    }
    if !args.dry_run
        && let Err(error) = remove(&mut setup, &mut pruned)?
    {
        return Ok(failed(&setup, args, &error));
    }
    let exit = if pruned.failed > 0 { WARNINGS } else { DONE };
    let lifecycle = pruned.nothing_may_go().then(|| pruned.lifecycle(&policy));
    if args.json {
        setup.ui.data(&document(&pruned, args.dry_run, exit, lifecycle.as_ref()).to_string());
    } else if !output.quiet && !args.dry_run {
        table::end(&pruned);
    }
    if let (Some(lifecycle), false) = (&lifecycle, args.json || args.quiet) {
        setup.ui.line(&to_paste(lifecycle, setup.target.bucket.as_str(), policy.reach_days()));
    }
    Ok(exit)
}

/// Lists the backups of one site below a prefix, and decides about each. The site is the one that
/// `wanted` names; else `own`; else the only one there. The inner error is the server's doing.
pub(super) fn plan(
    setup: &mut setup::Setup,
    prefix: &Prefix,
    wanted: Option<&str>,
    own: Option<&SiteId>,
    policy: &Policy,
) -> Result<Result<Pruned, Error>, Error> {
    let mut sites: BTreeMap<SiteName, BTreeMap<String, Backup>> = BTreeMap::new();
    let mut add = |entry: &Entry| {
        if let Some((site, name)) = site::parse_key(prefix.as_str(), &entry.key) {
            let good = entry.len >= SHORTEST_ZIP;
            let backup = Backup { key: entry.key.clone(), at_ms: name.at_ms(), len: entry.len, good };
            sites.entry(site).or_default().insert(entry.key.clone(), backup);
        }
    };
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work: Work::List(List { prefix: prefix.clone(), shallow: false }),
        world: World::default(),
        journal: None,
        on_event: Some(&mut |event, _| {
            if let Event::Entry(entry) = event {
                add(entry);
            }
        }),
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    if let Outcome::Failed(error) = outcome {
        return Ok(Err(error));
    }
    let site = choose(sites.keys(), wanted, own)?;
    let backups = sites.remove(&site).unwrap_or_default();
    let all: Vec<Backup> = backups.values().cloned().collect();
    let place = format!("{prefix}{site}/");
    let policy = &Policy { pinned: pinned(&policy.pinned, &place, &backups)?, ..policy.clone() };
    let now_ms = i64::try_from(now().0).unwrap_or(i64::MAX);
    Ok(Ok(Pruned {
        place: format!("s3://{}/{place}", setup.target.bucket),
        decisions: retention::plan(&all, policy, now_ms),
        backups,
        ..Pruned::default()
    }))
}

/// Deletes what the plan has no use for; the oldest first, so that what is left after an
/// interruption is what a shorter history would be.
pub(super) fn remove(setup: &mut setup::Setup, pruned: &mut Pruned) -> Result<Result<(), Error>, Error> {
    let due = pruned.decisions.iter().rev().filter(|decision| decision.keep.is_none());
    let keys: Vec<Key> = due.filter_map(|decision| Key::parse(decision.key.as_str()).ok()).collect();
    if keys.is_empty() {
        return Ok(Ok(()));
    }
    let outcome = setup.converse(setup::Task {
        run: random_run()?,
        work: Work::Remove(Remove { keys }),
        world: World::default(),
        journal: None,
        on_event: Some(&mut |event, _| match event {
            Event::Removed { key, versioned } => {
                pruned.removed.insert(key.clone());
                pruned.versioned |= versioned;
            }
            Event::Warning(error) => pruned.warnings.push(error.clone()),
            _ => {}
        }),
        on_planned: None,
        progress: None,
        quiet: false,
    })?;
    Ok(match outcome {
        Outcome::Done(Report::Remove { failed, .. }) => {
            pruned.failed = failed;
            Ok(())
        }
        Outcome::Done(_) => Err(Error::new(Kind::Bug, "deleting ended with another job's report")),
        Outcome::Failed(error) => Err(error),
    })
}

impl Pruned {
    /// The policy denies deleting, as it does where keys may only write.
    fn nothing_may_go(&self) -> bool {
        let by_policy = |error: &Error| matches!(error.kind, Kind::AccessDenied { action: Some(_), .. });
        self.failed > 0 && self.removed.is_empty() && self.warnings.iter().any(by_policy)
    }

    /// The rules by which the bucket does it itself.
    fn lifecycle(&self, policy: &Policy) -> Lifecycle {
        let prefix = self.place.splitn(4, '/').nth(3).unwrap_or_default();
        Lifecycle::expiring(prefix, policy.reach_days())
    }
}

/// One site of those that have a folder.
fn choose<'a>(
    sites: impl Iterator<Item = &'a SiteName>,
    wanted: Option<&str>,
    own: Option<&SiteId>,
) -> Result<SiteName, Error> {
    let all: Vec<&SiteName> = sites.collect();
    let fits = |site: &SiteName| match (wanted, own) {
        (Some(wanted), _) => {
            let by_id = SiteId::parse(wanted).is_some_and(|id| site.is_of(&id));
            by_id || [site.as_str(), site.label(), site.short_id()].contains(&wanted)
        }
        (None, Some(own)) => site.is_of(own),
        (None, None) => true,
    };
    let fitting: Vec<&SiteName> = all.iter().copied().filter(|site| fits(site)).collect();
    let names = |sites: &[&SiteName]| sites.iter().map(|site| site.as_str()).collect::<Vec<_>>().join(", ");
    match (fitting.as_slice(), all.as_slice()) {
        ([one], _) => Ok((*one).clone()),
        ([], []) => Err(Error::new(Kind::NoSuchKey, "there is no backup of any site below this prefix")
            .hint("a backup's key looks like PREFIX/SITE-0a1b2c3d/2026-11-23T020000Z.zip; name the prefix above SITE")),
        ([], all) => {
            let what = format!("no site below this prefix is the one that is meant; there are {}", names(all));
            Err(Error::new(Kind::NoSuchKey, what).hint("name one with `--site`"))
        }
        (several, _) => Err(config_error(
            format!("there are backups of several sites: {}", names(several)),
            "name the one whose backups are to be pruned with `--site`",
        )),
    }
}

/// The keys of what is pinned by key or by name. One that nothing has may be a slip of the pen, and
/// the backup that was meant would go.
fn pinned(pins: &BTreeSet<String>, place: &str, backups: &BTreeMap<String, Backup>) -> Result<BTreeSet<String>, Error> {
    let key = |pin: &String| {
        let keys = [pin.clone(), format!("{place}{pin}")];
        keys.into_iter().find(|key| backups.contains_key(key)).ok_or_else(|| {
            config_error(format!("no backup of this site has the key {pin:?}"), "`holdfast list -R` shows their keys")
        })
    };
    pins.iter().map(key).collect()
}

fn policy(args: &cli::Prune) -> Result<Policy, Error> {
    let policy = Policy {
        keep_last: args.keep_last,
        hourly: args.keep_hourly,
        daily: args.keep_daily,
        weekly: args.keep_weekly,
        monthly: args.keep_monthly,
        yearly: args.keep_yearly,
        keep_within_ms: args.keep_within.map(|within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX)),
        pinned: args.pin.iter().cloned().collect(),
    };
    if !policy.has_rules() {
        let hint = "say what to keep, such as `--keep-daily 7 --keep-weekly 4 --keep-monthly 6`";
        return Err(config_error("there is no rule by which anything could be deleted", hint));
    }
    Ok(policy)
}

fn failed(setup: &setup::Setup, args: &cli::Prune, error: &Error) -> Exit {
    let exit = error.kind.exit_code();
    if args.json {
        setup.ui.data(&json!({ "exit_code": exit, "code": error.kind.code(), "error": error }).to_string());
    }
    say(error);
    exit
}

/// The whole of it for programs.
fn document(pruned: &Pruned, dry_run: bool, exit: Exit, lifecycle: Option<&Lifecycle>) -> serde_json::Value {
    let backup = |decision: &Decision| {
        json!({
            "key": decision.key,
            "len": pruned.backups.get(&decision.key).map_or(0, |backup| backup.len),
            "keep": decision.keep,
            "removed": pruned.removed.contains(&decision.key),
        })
    };
    json!({
        "exit_code": exit,
        "place": pruned.place,
        "dry_run": dry_run,
        "backups": pruned.decisions.iter().map(backup).collect::<Vec<_>>(),
        "removed": pruned.removed.len(),
        "failed": pruned.failed,
        "versioned": pruned.versioned,
        "warnings": pruned.warnings,
        "lifecycle": lifecycle,
    })
}

fn to_paste(lifecycle: &Lifecycle, bucket: &str, days: u32) -> String {
    let json = serde_json::to_string_pretty(lifecycle).unwrap_or_default();
    let noun = if days == 1 { "day" } else { "days" };
    format!(
        "These keys may not delete. If that is meant (a thief of such a key destroys nothing), let the bucket end\n\
         backups by itself when they are {days} {noun} old. Save this as lifecycle.json:\n{json}\nand, with a key that \
         may change the bucket's settings (it replaces the rules that the bucket has):\n  aws s3api \
         put-bucket-lifecycle-configuration --bucket {bucket} --lifecycle-configuration file://lifecycle.json"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_found_by_what_people_call_it() {
        let name = |text: &str| SiteName::parse(text).expect("a site");
        let id = SiteId::parse("0a1b2c3d4e5f60718293a4b5c6d7e8f9").expect("an id");
        let sites = [name("shop-0a1b2c3d"), name("blog-11111111"), name("blog-22222222")];
        let choose = |wanted: Option<&str>, own: Option<&SiteId>| choose(sites.iter(), wanted, own);
        for wanted in ["shop-0a1b2c3d", "shop", "0a1b2c3d", id.as_str()] {
            assert_eq!(choose(Some(wanted), None).as_ref(), Ok(&sites[0]), "{wanted}");
        }
        assert_eq!(choose(None, Some(&id)).as_ref(), Ok(&sites[0]));
        let kind = |wanted: Option<&str>| choose(wanted, None).map_err(|error| error.kind);
        assert_eq!(kind(Some("blog")), Err(Kind::Config));
        assert_eq!(kind(None), Err(Kind::Config));
        assert_eq!(kind(Some("other")), Err(Kind::NoSuchKey));
        assert_eq!(super::choose(sites[..1].iter(), None, None).as_ref(), Ok(&sites[0]));
        assert_eq!(super::choose([].iter(), None, None).map_err(|error| error.kind), Err(Kind::NoSuchKey));
    }
}
