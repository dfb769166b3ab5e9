//! From what was said on the command line to a target, keys, a client and a session.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use holdfast_core::{
    abi::Session,
    endpoint::{Address, Endpoint},
    error::{Error, Kind},
    event::Event,
    job::{Job, Remembered, Target, Work},
    journal::Record,
    name::{Bucket, Location, Region},
    provider::{Addressing, Provider},
    report::Outcome,
    secret::Credentials,
};

use super::config_error;
use crate::{
    cli,
    credentials::{self, Environment, Explicit, Provider as Keys},
    driver::{Driver, Watcher, World, now},
    http::{Client, ClientConfig},
    sandbox::WasmSession,
    signal::Stop,
    state::{Endpoints, StateDir, job::random_run, journal::Journal},
    ui::{Style, Ui},
};

/// Everything that a conversation needs.
pub(super) struct Setup {
    pub(super) target: Target,
    pub(super) state: StateDir,
    pub(super) ui: Ui,
    /// `None` sends unsigned requests.
    keys: Option<Keys>,
    client: Arc<Client>,
    endpoints: Endpoints,
    concurrency: u32,
    patience_ms: u64,
    stop: Stop,
}

/// Hears what happens.
pub(super) type OnEvent<'a> = dyn FnMut(&Event, &Ui) + 'a;
/// Hears how long it will be.
pub(super) type OnPlanned<'a> = dyn FnMut(u64) -> Result<(), Error> + 'a;

/// What a run works on, and whom it tells.
pub(super) struct Task<'a> {
    pub(super) run: String,
    pub(super) work: Work,
    pub(super) world: World,
    pub(super) journal: Option<(Journal, Vec<Record>)>,
    pub(super) on_event: Option<&'a mut OnEvent<'a>>,
    pub(super) on_planned: Option<&'a mut OnPlanned<'a>>,
    /// What progress is shown of, where it is not of the bytes that travel.
    pub(super) progress: Option<Share<'a>>,
    /// Nobody is told of it: it is a step of something larger.
    pub(super) quiet: bool,
}

impl Task<'_> {
    /// A step of something larger, of which nobody is told.
    pub(super) fn quiet(run: String, work: Work) -> Self {
        let world = World::default();
        Self { run, work, world, journal: None, on_event: None, on_planned: None, progress: None, quiet: true }
    }
}

/// A part of a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share<'a> {
    /// The whole, in bytes; it may grow.
    pub(super) total: &'a AtomicU64,
    /// What of it is done with.
    pub(super) done: &'a AtomicU64,
}

impl Setup {
    /// Reads the environment and the files that the flags name. Nothing is sent yet.
    pub(super) fn new(
        storage: &cli::Storage,
        given_keys: Option<Credentials>,
        bucket: &Bucket,
        transfer: &cli::Transfer,
        output: cli::Output,
    ) -> Result<Self, Error> {
        let ui = Ui::new(style(output), output.verbose);
        let variable = |name: &str| std::env::var(name).ok();
        let state = StateDir::open(transfer.state.state_dir.as_deref(), &variable)?;
        let target = target(storage, bucket, &variable)?;
        let client = Client::new(&ClientConfig {
            ca_file: storage.ca_file.clone(),
            connections: transfer.concurrency as usize,
            limit_rate: transfer.limit_rate,
            ..ClientConfig::default()
        })
        .map_err(|error| config_error(error.to_string(), "check the CA file and the proxy's settings"))?;
        let keys = keys(storage, given_keys);
        let endpoints = Endpoints::open(&state);
        let stop =
            Stop::listen().map_err(|error| Error::new(Kind::Local, format!("cannot listen for signals: {error}")))?;
        Ok(Self {
            target,
            state,
            ui,
            keys,
            client: Arc::new(client),
            endpoints,
            concurrency: transfer.concurrency,
            patience_ms: u64::try_from(transfer.retry_for.as_millis()).unwrap_or(u64::MAX),
            stop,
        })
    }

    /// The bucket's region, as far as it was said or learned.
    pub(super) fn region(&self) -> Option<Region> {
        self.target.region.clone().or_else(|| self.endpoints.get(&self.target).region)
    }

    /// Which keys signed, and where they came from: `AKIA… from the environment`.
    pub(super) fn signed_with(&self) -> Option<String> {
        let keys = self.keys.as_ref()?;
        Some(format!("{} from {}", keys.access_key_id()?, keys.place()?))
    }

    /// Runs a conversation to its end.
    pub(super) fn converse(&mut self, task: Task<'_>) -> Result<Outcome, Error> {
        let Self { target, ui, keys, client, endpoints, stop, .. } = self;
        let credentials = load(keys.as_ref())?;
        for warning in keys.iter().flat_map(Keys::warnings) {
            ui.line(&format!("warning: {warning}"));
        }
        let seed = seed()?;
        let mut session = WasmSession::new(seed).map_err(|error| {
            Error::new(Kind::Bug, error.to_string())
                .hint("`holdfast self-test` shows more; the host may limit memory (`ulimit -v`)")
        })?;
        let job = Job {
            run: task.run,
            target: target.clone(),
            work: task.work,
            patience_ms: self.patience_ms,
            concurrency: self.concurrency,
        };
        let remembered = endpoints.get(target);
        let (journal, records) = task.journal.map_or((None, Vec::new()), |(journal, records)| (Some(journal), records));
        let Task { on_event, on_planned, progress, quiet, .. } = task;
        if let Some(share) = progress {
            ui.total(share.total.load(Ordering::Relaxed));
        }
        let mut watcher = Told { ui, endpoints, target, on_event, on_planned, progress, quiet };
        let mut refresh = || match keys.as_ref() {
            Some(keys) => keys.refresh().map(Some).map_err(no_keys),
            None => Ok(None),
        };
        let driver = Driver {
            session: &mut session as &mut dyn Session,
            client: Arc::clone(client),
            world: task.world,
            journal,
            watcher: &mut watcher,
            refresh: &mut refresh,
            stop,
        };
        driver.run(job, credentials, records, remembered, seed)
    }
}

struct Told<'s, 't> {
    ui: &'s mut Ui,
    endpoints: &'s mut Endpoints,
    target: &'s Target,
    on_event: Option<&'t mut OnEvent<'t>>,
    on_planned: Option<&'t mut OnPlanned<'t>>,
    progress: Option<Share<'t>>,
    quiet: bool,
}

impl Watcher for Told<'_, '_> {
    fn event(&mut self, event: &Event) {
        let of_another_whole = self.progress.is_some() && matches!(event, Event::Planned { .. });
        if !self.quiet && !of_another_whole {
            self.ui.event(event);
        }
        if let Some(on_event) = &mut self.on_event {
            on_event(event, self.ui);
        }
    }

    fn progress(&mut self, bytes: u64) {
        match self.progress {
            Some(share) => {
                self.ui.new_total(share.total.load(Ordering::Relaxed));
                self.ui.progress(share.done.load(Ordering::Relaxed));
            }
            None if self.quiet => {}
            None => self.ui.progress(bytes),
        }
    }

    fn planned(&mut self, len: u64) -> Result<(), Error> {
        self.on_planned.as_mut().map_or(Ok(()), |on_planned| on_planned(len))
    }

    fn remember(&mut self, remembered: Remembered) {
        // A cache: a run does not fail because it could not be kept.
        let _ = self.endpoints.set(self.target, remembered);
    }
}

/// Reads `s3://…`.
pub(super) fn location(text: &str) -> Result<Location, Error> {
    Location::parse(text)
        .map_err(|error| config_error(error.to_string(), "storage is named s3://BUCKET/KEY, or s3://BUCKET/PREFIX/"))
}

fn style(output: cli::Output) -> Style {
    if output.json {
        Style::Json
    } else if output.quiet {
        Style::Quiet
    } else {
        Style::People
    }
}

fn target(storage: &cli::Storage, bucket: &Bucket, variable: &dyn Fn(&str) -> Option<String>) -> Result<Target, Error> {
    let provider = storage
        .provider
        .as_deref()
        .map(|name| {
            Provider::from_name(name).ok_or_else(|| {
                config_error(format!("there is no provider {name:?}"), "`holdfast upload --help` lists them")
            })
        })
        .transpose()?;
    let url = storage.endpoint.clone().or_else(|| variable("AWS_ENDPOINT_URL")).filter(|url| !url.is_empty());
    let (mut endpoint, from_host) = match url {
        Some(url) => Endpoint::parse(&url, provider).map_err(|error| {
            // The URL is not repeated: it may hold a password.
            config_error(error.to_string(), "an endpoint looks like https://s3.example.com")
        })?,
        None => match provider {
            None | Some(Provider::Aws) => (Endpoint::aws(), None),
            Some(other) => {
                let what = format!("{} needs an endpoint", other.quirks().title);
                return Err(config_error(what, "add `--endpoint https://…`, as the provider's console shows it"));
            }
        },
    };
    if storage.dualstack
        && let Address::Aws { dualstack } = &mut endpoint.address
    {
        *dualstack = true;
    }
    endpoint.addressing = storage.addressing.map(|addressing| match addressing {
        cli::Addressing::VirtualHost => Addressing::VirtualHost,
        cli::Addressing::Path => Addressing::Path,
    });
    refuse_open_http(&endpoint, storage.allow_http)?;
    let named = storage.region.clone().or_else(|| variable("AWS_DEFAULT_REGION")).filter(|name| !name.is_empty());
    let region = match named {
        Some(name) => Some(
            Region::parse(name.trim())
                .map_err(|error| config_error(error.to_string(), "a region looks like eu-west-1"))?,
        ),
        None => from_host,
    };
    Ok(Target { endpoint, region, bucket: bucket.clone(), expected_owner: storage.expected_bucket_owner.clone() })
}

/// Unencrypted HTTP is for this machine and for private networks.
fn refuse_open_http(endpoint: &Endpoint, allowed: bool) -> Result<(), Error> {
    let Address::Fixed { tls: false, host, .. } = &endpoint.address else { return Ok(()) };
    if allowed || is_private(host) {
        return Ok(());
    }
    Err(config_error(
        format!("{endpoint} is not encrypted: everybody on the way could read the archive"),
        "use https://, or say `--allow-http` if you mean it",
    ))
}

fn is_private(host: &str) -> bool {
    use std::net::IpAddr;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        // Names without a dot, and those that RFC 6761, 6762 and 9476 keep off the public DNS.
        Err(_) => {
            !host.contains('.')
                || [".localhost", ".local", ".internal", ".test"].iter().any(|suffix| host.ends_with(suffix))
        }
    }
}

fn keys(storage: &cli::Storage, given: Option<Credentials>) -> Option<Keys> {
    if storage.anonymous {
        return None;
    }
    let explicit = match (given, &storage.credentials_file, &storage.profile) {
        (Some(credentials), _, _) => Explicit::Keys(credentials),
        (None, Some(file), _) => Explicit::File(file.clone()),
        (None, None, Some(profile)) => Explicit::Profile(profile.clone()),
        (None, None, None) => Explicit::No,
    };
    Some(Keys::new(explicit, Environment::of_process()))
}

fn load(keys: Option<&Keys>) -> Result<Option<Credentials>, Error> {
    keys.map(|keys| keys.load(now())).transpose().map_err(no_keys)
}

fn no_keys(error: credentials::CredentialsError) -> Error {
    config_error(
        error.to_string(),
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a `--profile` or a `--credentials-file`",
    )
}

/// A seed for jitter, from the system's entropy.
fn seed() -> Result<u64, Error> {
    let run = random_run()?;
    Ok(u64::from_str_radix(&run[..16], 16).unwrap_or_default())
}

/// The path of a file, absolute, whether or not it is there.
pub(super) fn absolute(path: &std::path::Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(storage: &cli::Storage) -> Result<Target, Error> {
        target(storage, &Bucket::parse("backups").expect("valid"), &|_| None)
    }

    fn with_endpoint(url: &str) -> cli::Storage {
        cli::Storage { endpoint: Some(url.to_owned()), ..cli::Storage::default() }
    }

    #[test]
    fn open_http_is_for_private_networks() {
        for url in ["http://127.0.0.1:9000", "http://[::1]", "http://10.1.2.3", "http://minio:9000", "http://nas.local"]
        {
            assert!(target_of(&with_endpoint(url)).is_ok(), "{url}");
        }
        for url in ["http://s3.example.com", "http://8.8.8.8", "http://[2001:db8::1]"] {
            assert!(target_of(&with_endpoint(url)).is_err(), "{url}");
            let mut storage = with_endpoint(url);
            storage.allow_http = true;
            assert!(target_of(&storage).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_password_in_an_endpoint_is_not_repeated() {
        let error = target_of(&with_endpoint("https://key:SENTINEL@s3.example.com")).expect_err("refused");
        assert!(!format!("{error:?}").contains("SENTINEL"));
    }

    #[test]
    fn the_region_comes_from_the_flag_before_the_host() {
        let mut storage = with_endpoint("https://s3.eu-west-1.amazonaws.com");
        let region = |storage: &cli::Storage| target_of(storage).expect("valid").region.map(String::from);
        assert_eq!(region(&storage).as_deref(), Some("eu-west-1"));
        storage.region = Some("us-west-2".to_owned());
        assert_eq!(region(&storage).as_deref(), Some("us-west-2"));
    }
}
