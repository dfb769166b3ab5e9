//! `holdfast policy generate`: documents to stdout or into files, commands to stderr.

use std::{fs, path::Path};

use crate::{
    cli::{PolicyDialect, PolicyFeature, PolicyGenerate, PolicyKind, PolicyPartition},
    command::{DONE, Exit, config_error},
    ui::{Style, Ui},
};
use holdfast_core::{
    error::{Error, Kind as ErrorKind},
    iam::generate::{
        ClientName, Dialect, Features, GenerateError, Generated, Kind, KmsKey, Options, Partition, generate,
    },
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
        ui.data(&serde_json::to_string(&made).map_err(|error| Error::new(ErrorKind::Bug, error.to_string()))?);
    } else {
        if args.out.is_none() {
            made.documents.iter().for_each(|document| ui.data(&document.json()));
        }
        ui.line(&told(&made, args.out.is_some()));
    }
    Ok(DONE)
}

fn options(args: &PolicyGenerate) -> Result<Options, Error> {
    let without = |feature| args.without.contains(&feature);
    Ok(Options {
        bucket: super::bucket(&args.bucket)?,
        prefix: super::prefix(&args.prefix)?,
        client: args.client.as_deref().map(ClientName::parse).transpose().map_err(super::faulty)?,
        group: args.group.clone(),
        features: Features {
            restore: !without(PolicyFeature::Restore),
            retention: !without(PolicyFeature::Retention),
            incremental: !without(PolicyFeature::Incremental),
            settings: !args.minimal,
            tags: args.tags,
            backwpup: args.backwpup,
        },
        kms_key: args.kms_key.as_deref().map(KmsKey::parse).transpose().map_err(super::faulty)?,
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
    let there = made.documents.iter().map(|document| out.join(&document.file)).find(|path| path.exists());
    if let Some(path) = there.filter(|_| !overwrite) {
        return Err(Error::new(ErrorKind::AlreadyExists, format!("{} is there already", path.display()))
            .hint("--overwrite replaces it; what was changed in it by hand is lost then"));
    }
    for document in &made.documents {
        let path = out.join(&document.file);
        fs::write(&path, format!("{}\n", document.json()))
            .map_err(|error| local(format!("cannot write {}: {error}", path.display())))?;
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
