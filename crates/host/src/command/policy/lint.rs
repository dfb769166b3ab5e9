//! `holdfast policy lint`: what policies let happen that nobody meant.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use holdfast_core::{
    error::{Error, Kind},
    iam::{
        lint::{Options, Source, lint},
        parse::MAX_LEN,
    },
};

use crate::{
    cli::PolicyLint,
    command::{DONE, Exit, WARNINGS, config_error},
    ui::{Style, Ui},
};

pub(super) fn run(args: &PolicyLint) -> Result<Exit, Error> {
    let ui = Ui::new(if args.json { Style::Json } else { Style::People }, false);
    let options = Options {
        bucket: args.bucket.as_deref().map(super::bucket).transpose()?,
        prefix: args.prefix.as_deref().map(super::prefix).transpose()?,
    };
    let texts = args.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<_> = texts.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    let report = lint(&sources, &options);
    ui.data(&if args.json {
        serde_json::to_string(&report).map_err(|error| Error::new(Kind::Bug, error.to_string()))?
    } else {
        report.text()
    });
    Ok(if !report.unreadable.is_empty() {
        Kind::Config.exit_code()
    } else if report.is_clean() {
        DONE
    } else {
        WARNINGS
    })
}

/// A document and what people call it. One byte more than is taken is enough to be refused.
fn read(path: &Path) -> Result<(String, Vec<u8>), Error> {
    let (name, source): (_, io::Result<Box<dyn Read>>) = match path.to_str() {
        Some("-") => ("stdin".to_owned(), Ok(Box::new(io::stdin()))),
        _ => (path.display().to_string(), File::open(path).map(|file| Box::new(file) as _)),
    };
    let mut bytes = Vec::new();
    source.and_then(|source| source.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes)).map_err(|error| {
        config_error(format!("cannot read {name}: {error}"), "name the files that hold the policies")
    })?;
    Ok((name, bytes))
}
