//! `holdfast get --member`: one file of a backup, without fetching the rest.

use std::sync::Arc;

use holdfast_core::{
    error::{Error, Kind},
    zip::{Kind as MemberKind, MemberName},
};
use indicatif::HumanBytes;
use serde_json::json;

use super::{
    DONE, Exit, config_error,
    opened::{Opened, Shared},
    setup::Setup,
    show,
};
use crate::{archive::member::MemberReader, cli, destination::File};

pub(super) fn get(args: &cli::Get, wanted: &std::ffi::OsStr) -> Result<Exit, Error> {
    use std::os::unix::ffi::OsStrExt;
    let name = MemberName::parse(wanted.as_bytes()).map_err(|error| {
        config_error(format!("no member has that name: {error}"), "`holdfast show --members` lists them")
    })?;
    let (mut setup, key) = show::begin(&args.from, &args.storage, &args.transfer, args.output)?;
    let backup = Opened::open(&mut setup, &key)?;
    let mut found = None;
    for entry in backup.entries()? {
        let entry = entry?;
        if entry.name == name {
            found = Some(entry);
            break;
        }
    }
    let Some(entry) = found else {
        let what = format!("{key} has no member `{}`", wanted.display());
        return Err(
            Error::new(Kind::NoSuchKey, what).hint("`holdfast show --members` lists them: `files/wp-config.php`")
        );
    };
    if entry.kind != MemberKind::File {
        let what = format!("`{}` is a directory or a symbolic link", wanted.display());
        return Err(config_error(what, "name a file"));
    }
    let file = Arc::new(File::open(&args.to, args.overwrite)?);
    file.reserve(entry.len)?;
    let done = write(&mut setup, &backup, &entry, &file);
    let Some(file) = Arc::into_inner(file) else {
        return Err(Error::new(Kind::Bug, "the file is still in use").hint("run it again"));
    };
    if let Err(error) = done {
        file.discard();
        return Err(error);
    }
    file.finish()?;
    let ui = &setup.ui;
    if ui.json() {
        let value = json!({ "event": "done", "exit_code": 0, "len": entry.len, "sha256": hex::encode(entry.sha256) });
        ui.data(&value.to_string());
    } else {
        ui.line(&format!("{}: {}, and its SHA-256 agrees", args.to.display(), HumanBytes(entry.len)));
    }
    Ok(DONE)
}

fn write(setup: &mut Setup, backup: &Opened, entry: &holdfast_core::zip::Entry, file: &Arc<File>) -> Result<(), Error> {
    let damaged = |why: String| {
        let what = format!("`{}` in {} is damaged: {why}", entry.name.to_string_lossy(), backup.key);
        Error::new(Kind::Integrity, what).hint("get it from another night's backup")
    };
    let (out, mut place) = (Arc::clone(file), 0);
    let reader = Shared::new(Some(MemberReader::new(entry.clone())));
    let damage = Shared::new(None);
    let (theirs, told) = (reader.clone(), damage.clone());
    let consumer = move |bytes: &[u8]| {
        theirs.with(|reader| match reader {
            Some(reader) => reader
                .push(bytes, &mut |bytes| {
                    let at = place;
                    place += bytes.len() as u64;
                    out.write_at(bytes, at)
                })
                .map_err(|error| {
                    let text = error.to_string();
                    told.with(|told| *told = Some(text.clone()));
                    std::io::Error::other(text)
                }),
            None => Ok(()),
        })
    };
    let result = backup.read(setup, vec![entry.extent()], consumer);
    if let Some(why) = damage.with(Option::take) {
        return Err(damaged(why));
    }
    result?;
    let reader = reader.with(Option::take);
    reader.map_or(Ok(()), |reader| reader.finish().map_err(|error| damaged(error.to_string())))
}
