//! `holdfast policy lint`: what policies let happen that nobody meant.

use std::path::PathBuf;

use holdfast_core::{
    error::{Error, Kind},
    iam::{
        lint::{Options, Source, lint},
        parse::MAX_LEN,
    },
};

use super::file;
use crate::{
    cli::PolicyLint,
    command::{DONE, Exit, WARNINGS},
    ui::{Style, Ui},
};

pub(super) fn run(args: &PolicyLint) -> Result<Exit, Error> {
    let ui = Ui::new(if args.json { Style::Json } else { Style::People }, false);
    let options = Options {
        bucket: args.bucket.as_deref().map(super::bucket).transpose()?,
        prefix: args.prefix.as_deref().map(super::prefix).transpose()?,
    };
    let read = |path: &PathBuf| Ok((file::name(path), file::read(path, MAX_LEN)?));
    let texts = args.files.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
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
