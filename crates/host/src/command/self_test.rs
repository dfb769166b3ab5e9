//! `holdfast self-test`: does the module run here, and how?

use holdfast_core::error::{Error, Kind};
use serde_json::json;

use super::{DONE, Exit};
use crate::{
    cli,
    sandbox::Backend,
    session::self_test,
    ui::{Style, Ui},
};

pub(super) fn run(args: &cli::SelfTest) -> Result<Exit, Error> {
    let found = self_test(args.pulley.then_some(Backend::Pulley)).map_err(|error| {
        Error::new(Kind::Bug, error.to_string())
            .hint("a limit on memory (`ulimit -v`) below 100 MB can be why; else please report it")
    })?;
    let ui = Ui::new(Style::People, false);
    let (loading_us, signing_us) = (found.loading.as_micros() as u64, found.signing.as_micros() as u64);
    if args.json {
        ui.data(
            &json!({
                "version": env!("CARGO_PKG_VERSION"),
                "backend": found.backend.to_string(),
                "native_refused": found.native_refused,
                "loading_us": loading_us,
                "signing_us": signing_us,
            })
            .to_string(),
        );
        return Ok(DONE);
    }
    ui.data(&format!("backend: {}", found.backend));
    if let Some(why) = &found.native_refused {
        ui.data(&format!("machine code is refused here, so the module is interpreted: {why}"));
    }
    ui.data(&format!("loaded in {loading_us} us, first request signed in {signing_us} us"));
    Ok(DONE)
}
