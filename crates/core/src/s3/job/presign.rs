//! Make a URL by which whoever holds it can get one object, for a while. Nothing is sent.

use crate::{
    abi::{Frame, Input},
    date,
    endpoint::encode_query,
    error::{Error, Kind},
    event::Event,
    job::{Presign, Work},
    report::{Outcome, Report},
    s3::{
        conversation::{Conversation, Out},
        op::get_object::plain_get,
        sign::MAX_LIFE_S,
    },
    session::{Begin, Machine},
};

/// The job.
pub(crate) struct PresignJob {
    conversation: Conversation<()>,
    work: Presign,
}

impl PresignJob {
    pub(crate) fn begin(begin: Begin) -> Self {
        let conversation = begin.conversation();
        let Work::Presign(work) = begin.job.work else { unreachable!("routed by its kind") };
        Self { conversation, work }
    }

    fn url(&self, input: &Input, out: &mut Out) -> Result<String, Error> {
        let Presign { key, expires_s, file_name } = &self.work;
        if !(1..=MAX_LIFE_S).contains(expires_s) {
            let what = format!("a URL cannot be good for {expires_s} s");
            return Err(Error::new(Kind::Config, what).hint("S3 takes 1 second to 7 days"));
        }
        let now = input.now();
        let mut call = plain_get(key);
        if let Some(name) = file_name {
            call = call.query("response-content-disposition", disposition(name)?);
        }
        let url = self.conversation.presign(now, &call, *expires_s)?;
        let end = now.plus(expires_s.saturating_mul(1_000));
        if let Some(keys_end) = self.conversation.keys_end().filter(|keys_end| keys_end.is_none_or(|at| at < end)) {
            let at = keys_end.map_or(String::new(), |at| format!(", at {}", date::format_ms(at.0 as i64)));
            let what = format!("these keys are temporary: the URL ends with them{at}");
            out.event(Event::Warning(Error::new(Kind::Config, what).hint("sign with keys that last")));
        }
        Ok(url)
    }
}

impl Machine for PresignJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        Some(match self.url(&input.header, out) {
            Ok(url) => Outcome::Done(Report::Presign { url }),
            Err(error) => Outcome::Failed(error),
        })
    }
}

/// The header that makes a browser save the object under a name.
/// <https://www.rfc-editor.org/rfc/rfc6266#section-5>
fn disposition(name: &str) -> Result<String, Error> {
    if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
        let what = format!("{name:?} is no name for a file");
        return Err(Error::new(Kind::Config, what).hint("give a name without slashes"));
    }
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let quoted = plain.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = format!("attachment; filename=\"{quoted}\"");
    if plain != name {
        text.push_str(&format!("; filename*=UTF-8''{}", encode_query(name)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_encoded() {
        for (name, header) in [
            ("site.zip", r#"attachment; filename="site.zip""#),
            ("a \"b\" \\c.zip", r#"attachment; filename="a \"b\" \\c.zip""#),
            ("Größe.zip", "attachment; filename=\"Gr__e.zip\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.zip"),
        ] {
            assert_eq!(disposition(name).as_deref(), Ok(header));
        }
        for name in ["", "a/b", "a\nb"] {
            assert!(disposition(name).is_err(), "{name:?}");
        }
    }
}
