//! Parts that the server copies from an earlier object.

use super::{Token, UploadJob};
use crate::{
    abi::{Millis, Output},
    error::{Error, Kind},
    event::Event,
    journal::Record,
    provider::Rung,
    s3::{
        call::Call,
        conversation::{Out, Reply},
        failure::{Class, Failure},
        op::{GET_OBJECT, upload_part_copy::UploadPartCopy},
    },
};

impl UploadJob {
    /// Asks for copies, as far as the pace allows.
    pub(super) fn pump_copies(&mut self, now: Millis, out: &mut Out) {
        let (Some(base), Some(upload_id)) = (self.parts.layout().base().cloned(), &self.upload_id) else { return };
        while self.conversation.slots() > 0
            && let Some((part, extent)) = self.parts.next_to_copy()
        {
            let call = UploadPartCopy {
                key: &self.key,
                upload_id,
                part,
                bucket: &self.conversation.target().bucket,
                source: &base.key,
                etag: Some(&base.etag),
                range: Some(extent),
            }
            .call();
            self.conversation.send(now, Token::Copy(part), call, out);
        }
    }

    pub(super) fn copy_replied(&mut self, now: Millis, number: u32, reply: &Reply<Token>, out: &mut Out) {
        match &reply.result {
            Ok(success) => match UploadPartCopy::parse(&success.answer()) {
                Ok(copied) => {
                    self.remember_rung(out);
                    let len = self.parts_len(number);
                    let (digests, etag) = (copied.digests, copied.etag);
                    self.parts.copied(number, digests.clone(), etag.clone());
                    let record = Record::Part { part: number, len, digests, etag };
                    out.push(Output::Journal { record, durable: false });
                    out.event(Event::PartCopied { part: number, len });
                }
                // It broke off, or it was no copy: a server that knows none takes it for a part
                // without a body.
                Err(_) if self.parts.damaged(number) => {}
                Err(why) => {
                    let what = self.cannot_copy();
                    let error = self.conversation.unreadable(success, &reply.call, &why, what);
                    self.abort_and_fail(now, Error { kind: Kind::Unsupported, ..error }, out);
                }
            },
            Err(trouble) => self.copy_refused(now, number, trouble.failure(), reply, out),
        }
    }

    fn copy_refused(&mut self, now: Millis, number: u32, failure: &Failure, reply: &Reply<Token>, out: &mut Out) {
        let gone = failure.class == Class::NoSuchKey || failure.evidence.status == 412;
        match failure.class {
            _ if gone => {
                let base = self.parts.layout().base().map_or_else(String::new, |base| base.key.to_string());
                let error = Error::new(Kind::Changed, self.cannot_copy())
                    .evidence(failure.evidence.clone())
                    .hint(format!("{base} is gone or is another object now; make a full backup"));
                self.abort_and_fail(now, error, out);
            }
            // The upload could be begun, so it is reading that is denied.
            Class::Denied => {
                let source = self.parts.layout().base().map_or_else(String::new, |base| base.key.to_string());
                let call = Call { key: source, permission: GET_OBJECT, ..reply.call.clone() };
                let error = self.conversation.explain(failure, &call, self.cannot_copy());
                self.abort_and_fail(now, error, out);
            }
            Class::NoSuchUpload => self.restart(now, "the server no longer knows the upload".into(), out),
            Class::ChecksumRefused if self.rung < Rung::ContentMd5 && self.parts.can_restart() => {
                let error = self.conversation.explain(failure, &reply.call, self.cannot_copy());
                self.lowered_for_copies = true;
                self.conversation.remember(|remembered| remembered.no_copy_checksums = true, out);
                self.step_down(now, Rung::ContentMd5, failure, error, out);
            }
            Class::NotSupported | Class::ChecksumRefused => {
                let error = self.conversation.explain(failure, &reply.call, self.cannot_copy());
                self.abort_and_fail(now, Error { kind: Kind::Unsupported, ..error }, out);
            }
            _ => self.refused(now, reply, &format!("copy part {number} of"), out),
        }
    }

    fn cannot_copy(&self) -> String {
        let base = self.parts.layout().base().map_or_else(String::new, |base| base.key.to_string());
        format!("cannot begin {} with a copy of {base}", self.place())
    }
}
