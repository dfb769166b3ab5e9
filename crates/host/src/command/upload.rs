//! `holdfast upload`: an archive that exists becomes an object.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use holdfast_core::{
    error::Error,
    event::Event,
    job::{Encryption, ObjectSettings, Orphan, Upload, Work},
    journal::Record,
    name::Key,
    report::Outcome,
    secret::Credentials,
};

use super::{DONE, Exit, config_error, end, point_to_explain, setup};
use crate::{
    cli,
    driver::{Feed, World},
    job_file::{self, JobCredentials},
    source::Source,
    state::job::{Direction, JobFile, JobFolder, forget_old, now_s, random_run},
    ui::report_text,
};

/// A journal of several runs may grow to this length, in bytes.
const OLD_JOURNAL: u64 = 8 << 20;

/// What to send, however it was said.
struct Wish {
    archive: PathBuf,
    to: String,
    overwrite: bool,
    part_size: Option<u64>,
    object: ObjectSettings,
    storage: cli::Storage,
    credentials: Option<Credentials>,
}

pub(super) fn run(args: cli::Upload) -> Result<Exit, Error> {
    let (transfer, output) = (&args.transfer, args.output);
    let wish = match args.job {
        Some(_) => wish_from_job(job_file::read(&mut std::io::stdin().lock())?)?,
        None => Wish {
            archive: args.archive.unwrap_or_default(),
            to: args.to.unwrap_or_default(),
            overwrite: args.overwrite,
            part_size: args.part_size,
            object: ObjectSettings {
                storage_class: args.storage_class,
                encryption: encryption(args.encrypt.as_deref())?,
                tags: pairs("tag", &args.tags)?,
                metadata: pairs("metadata", &args.metadata)?,
                content_type: None,
            },
            storage: args.storage,
            credentials: None,
        },
    };
    let source = Arc::new(Source::open(&wish.archive)?);
    let location = setup::location(&wish.to)?;
    let key = key_for(&location.path, &source)?;
    let mut setup = setup::Setup::new(&wish.storage, wish.credentials, &location.bucket, transfer, output)?;
    let folder = JobFolder::lock(&setup.state, Direction::Upload, &setup.target, &key)?;
    let earlier = folder.read();
    let ended = folder.report().is_some_and(|outcome| matches!(outcome, Outcome::Done(_)));
    let (mut journal, read) = folder.journal()?;
    if read.torn_lines > 0 {
        setup.ui.line("the end of the journal was torn; what it said is sent again");
    }
    let mut records = read.records;
    let same = earlier
        .as_ref()
        .is_some_and(|earlier| earlier.fingerprint.is_some_and(|before| source.fingerprint().continues(&before)));
    let mut orphans = Vec::new();
    let (run, begun_at) = match earlier {
        Some(earlier) if same && !ended => (earlier.run, earlier.begun_at),
        earlier => {
            if earlier.is_some() && !ended && !records.is_empty() {
                let why = "the archive is not the one that the earlier run began to send".to_owned();
                setup.ui.event(&Event::StartedAfresh { why });
            }
            orphans = orphans_of(&key, &records);
            (random_run()?, now_s())
        }
    };
    if !same || ended {
        // The file keeps them: aborts are still to be written down, and what the last upload's
        // checksum was is of use to `verify`. The next run's first record makes them history.
        records.clear();
        if orphans.is_empty() && journal.bytes()? > OLD_JOURNAL {
            journal.clear()?;
        }
    }
    folder.write(&JobFile {
        version: 1,
        run: run.clone(),
        direction: Direction::Upload,
        path: source.path().to_owned(),
        fingerprint: Some(source.fingerprint()),
        target: setup.target.clone(),
        key: key.clone(),
        begun_at,
        base: None,
    })?;
    let place = format!("s3://{}/{key}", setup.target.bucket);
    setup.ui.line(&format!("sending {} to {place}", source.path().display()));
    let mut object = wish.object;
    let name = source.path().file_name().map(|name| name.to_string_lossy().into_owned());
    object.metadata.entry("holdfast-source".to_owned()).or_insert(name.unwrap_or_default());
    let work = Work::Upload(Box::new(Upload {
        key,
        len: source.bytes(),
        part_len: wish.part_size,
        overwrite: wish.overwrite,
        object,
        orphans,
    }));
    let result = setup.converse(setup::Task {
        run,
        work,
        world: World { source: Some(Feed::Archive(Arc::clone(&source))), destination: None },
        journal: Some((journal, records)),
        on_event: None,
        on_planned: None,
        progress: None,
        quiet: false,
    });
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(error),
    };
    // What can go on later has not ended.
    let over = match &outcome {
        Outcome::Done(_) => true,
        Outcome::Failed(_) => orphans_of_folder(&folder).is_empty(),
    };
    if over {
        folder.end(&outcome)?;
        forget_old(&setup.state)?;
    } else {
        let id = &folder.id;
        if let Outcome::Failed(error) = &outcome {
            folder.failed(error)?;
        }
        setup.ui.line(&format!(
            "the parts that arrived are kept: run the same command again to continue, or give up with `holdfast job cancel {id}`"
        ));
    }
    let exit = end(&mut setup.ui, &outcome, DONE, |ui| {
        if let Outcome::Done(report) = &outcome {
            ui.line(&report_text(report, &place));
        }
    });
    point_to_explain(&setup.ui, &outcome, &folder.id);
    Ok(exit)
}

fn wish_from_job(job: job_file::JobFile) -> Result<Wish, Error> {
    let (credentials, credentials_file) = match job.credentials {
        None => (None, None),
        Some(JobCredentials::Keys(keys)) => (Some(keys), None),
        Some(JobCredentials::File { file }) => (None, Some(file)),
    };
    let upload = job.upload;
    let storage = job.storage;
    if !upload.archive.is_absolute() {
        return Err(config_error(
            "the job's `upload.archive` is not an absolute path",
            "docs/job.md describes the job",
        ));
    }
    Ok(Wish {
        archive: upload.archive,
        to: upload.to,
        overwrite: upload.overwrite,
        part_size: upload.part_size,
        object: ObjectSettings {
            storage_class: upload.storage_class,
            encryption: encryption(upload.encrypt.as_deref())?,
            tags: upload.tags,
            metadata: upload.metadata,
            content_type: None,
        },
        storage: cli::Storage {
            endpoint: storage.endpoint,
            region: storage.region,
            provider: storage.provider,
            expected_bucket_owner: storage.expected_bucket_owner,
            ca_file: storage.ca_file,
            allow_http: storage.allow_http,
            credentials_file,
            ..cli::Storage::default()
        },
        credentials,
    })
}

/// The key that was given, or the archive's own name behind a prefix.
fn key_for(path: &str, source: &Source) -> Result<Key, Error> {
    let key = if path.is_empty() || path.ends_with('/') {
        let Some(name) = source.path().file_name().and_then(|name| name.to_str()) else {
            let what = "the archive's name is not UTF-8 and cannot become a key";
            return Err(config_error(what, "give the whole key: s3://BUCKET/KEY"));
        };
        format!("{path}{name}")
    } else {
        path.to_owned()
    };
    Key::parse(key).map_err(|error| config_error(error.to_string(), "a key is 1 to 1,024 bytes of text"))
}

pub(super) fn encryption(how: Option<&str>) -> Result<Encryption, Error> {
    match how {
        None => Ok(Encryption::BucketDefault),
        Some("aes256") => Ok(Encryption::Aes256),
        Some("kms") => Ok(Encryption::Kms { key_id: None }),
        Some(other) => match other.strip_prefix("kms:") {
            Some(key_id) if !key_id.is_empty() => Ok(Encryption::Kms { key_id: Some(key_id.to_owned()) }),
            _ => {
                Err(config_error(format!("there is no encryption {other:?}"), "it is `aes256`, `kms`, or `kms:KEY-ID`"))
            }
        },
    }
}

pub(super) fn pairs(what: &str, texts: &[String]) -> Result<BTreeMap<String, String>, Error> {
    texts
        .iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(config_error(format!("{text:?} is not a {what}"), "write NAME=VALUE")),
        })
        .collect()
}

/// The multipart uploads that a journal has seen begin and not end.
pub(super) fn orphans_of(key: &Key, records: &[Record]) -> Vec<Orphan> {
    let mut open = Vec::new();
    for record in records {
        match record {
            Record::Created { upload_id, .. } => open.push(upload_id.clone()),
            Record::Aborted { upload_id } => open.retain(|id| id != upload_id),
            // Complete ends the newest; older ones were given up and may still be there.
            Record::Completed { .. } => {
                open.pop();
            }
            _ => {}
        }
    }
    open.into_iter().map(|upload_id| Orphan { key: key.clone(), upload_id }).collect()
}

fn orphans_of_folder(folder: &JobFolder) -> Vec<Orphan> {
    let Some(file) = folder.read() else { return Vec::new() };
    orphans_of(&file.key, &folder.records())
}
