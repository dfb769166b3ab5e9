//! `holdfast policy generate`: documents to stdout or into files, commands to stderr.

use std::{fs, io::Write, path::Path};

use holdfast_core::{
    error::{Error, Kind as ErrorKind},
    iam::generate::{
        ClientName, ClientPrefix, Dialect, FaultyName, Features, GenerateError, Generated, Kind, KmsKey, Options,
        Partition, generate,
    },
    name::Bucket,
};
use serde_json::json;

use crate::{
    cli::{PolicyDialect, PolicyFeature, PolicyGenerate, PolicyKind, PolicyPartition},
    command::{DONE, Exit, config_error},
    ui::{Style, Ui},
};

pub(super) fn run(args: &PolicyGenerate) -> Result<Exit, Error> {
    let ui = Ui::new(if args.json { Style::Json } else { Style::People }, false);
    let folder = args.out.as_deref().map_or(String::new(), with_slash);
    let made = generate(kind(args.kind), &options(args)?, &folder)
        .map_err(|error| config_error(error.to_string(), hint(&error)))?;
    if let Some(out) = &args.out {
        write_files(&made, out, args.overwrite)?;
    }
    if args.json {
        ui.data(&json!(made).to_string());
    } else {
        if args.out.is_none() {
            made.documents.iter().for_each(|document| ui.data(&document.json()));
        }
        ui.line(&told(&made, args.out.is_some()));
    }
    Ok(DONE)
}

fn options(args: &PolicyGenerate) -> Result<Options, Error> {
    let bucket = Bucket::parse(args.bucket.as_str())
        .map_err(|error| config_error(error.to_string(), "the bare name, without s3:// and without a prefix"))?;
    let without = |feature| args.without.contains(&feature);
    Ok(Options {
        bucket,
        prefix: ClientPrefix::parse(args.prefix.as_str()).map_err(faulty)?,
        client: args.client.as_deref().map(ClientName::parse).transpose().map_err(faulty)?,
        group: args.group.clone(),
        features: Features {
            restore: !without(PolicyFeature::Restore),
            retention: !without(PolicyFeature::Retention),
            incremental: !without(PolicyFeature::Incremental),
            settings: !args.minimal,
            tags: args.tags,
            backwpup: args.backwpup,
        },
        kms_key: args.kms_key.as_deref().map(KmsKey::parse).transpose().map_err(faulty)?,
        dialect: match args.dialect {
            PolicyDialect::Aws => Dialect::Aws,
            PolicyDialect::Minio => Dialect::Minio,
        },
        partition: match args.partition {
            PolicyPartition::Aws => Partition::Aws,
            PolicyPartition::AwsCn => Partition::AwsCn,
            PolicyPartition::AwsUsGov => Partition::AwsUsGov,
        },
    })
}

fn kind(kind: PolicyKind) -> Kind {
    match kind {
        PolicyKind::Set => Kind::Set,
        PolicyKind::OneClient => Kind::OneClient,
        PolicyKind::Group => Kind::Group,
        PolicyKind::WriteOnly => Kind::WriteOnly,
        PolicyKind::BucketPolicy => Kind::BucketPolicy,
        PolicyKind::Lifecycle => Kind::Lifecycle,
        PolicyKind::Fleet => Kind::Fleet,
    }
}

fn faulty(error: FaultyName) -> Error {
    let hint = match &error {
        FaultyName::Client { .. } => "each client is an IAM user; --client takes that user's name",
        FaultyName::KmsKey(..) => "`aws kms describe-key --key-id KEY` shows the key's ARN",
        _ => "as in --prefix 'home/${aws:username}/'",
    };
    config_error(error.to_string(), hint)
}

fn hint(error: &GenerateError) -> &'static str {
    match error {
        GenerateError::NoClient => "add --client NAME",
        GenerateError::OneAmongMany(_) => "leave --client out, or write `one-client`",
        GenerateError::Shared(_) => "as in --prefix 'home/${aws:username}/', or add --client NAME",
        GenerateError::WholeBucket => "give each client a prefix, as in --prefix 'home/${aws:username}/'",
        GenerateError::Idle { .. } => "leave it out",
        GenerateError::Minio(_) => "leave it out, or write for --dialect aws",
        GenerateError::KeyElsewhere { .. } => "choose --partition, or a key of the bucket's partition",
    }
}

fn write_files(made: &Generated, out: &Path, overwrite: bool) -> Result<(), Error> {
    let local = |what: String| Error::new(ErrorKind::Local, what);
    fs::create_dir_all(out).map_err(|error| local(format!("cannot make the folder {}: {error}", out.display())))?;
    for document in &made.documents {
        let path = out.join(&document.file);
        let mut how = fs::OpenOptions::new();
        how.write(true);
        if overwrite {
            how.create(true).truncate(true)
        } else {
            how.create_new(true)
        };
        let written = how.open(&path).and_then(|mut file| writeln!(file, "{}", document.json()));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::AlreadyExists, format!("{} is there already", path.display()))
                    .hint("--overwrite replaces it; what was changed in it by hand is lost then")
            }
            _ => local(format!("cannot write {}: {error}", path.display())),
        })?;
    }
    Ok(())
}

/// What to do with the documents, for people.
fn told(made: &Generated, in_files: bool) -> String {
    let mut text = String::new();
    for document in &made.documents {
        let verb = if in_files { "written: " } else { "save as " };
        text.push_str(&format!("{verb}{} ({})\n", document.file, document.title));
    }
    text.push_str("then:\n");
    for step in &made.steps {
        text.push_str(&format!("  # {}\n  {}\n", step.why, step.command));
    }
    for note in &made.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.trim_end().to_owned()
}

fn with_slash(out: &Path) -> String {
    let text = out.display().to_string();
    if text.ends_with('/') { text } else { format!("{text}/") }
}
