//! What an answer says about a permission. Only a 403 with S3's words is a denial; everything
//! that S3 says after authorization is a permission; the rest is unclear.

use crate::{
    abi::Method,
    error::{Evidence, Kind},
    s3::{
        conversation::{Conversation, Reply, Success, Trouble},
        failure::{self, Class, Failure},
    },
};

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It did it.
    Yes(Evidence),
    /// It may, and the thing is not there, or is not as asked.
    Past(Evidence, Class),
    /// It may not.
    Denied(Evidence),
    /// The server does not know the operation.
    Unsupported(Evidence),
    /// None of these, and why.
    Unclear(Evidence, String),
}

impl Said {
    pub(super) fn evidence(self) -> Evidence {
        match self {
            Self::Yes(evidence)
            | Self::Past(evidence, _)
            | Self::Denied(evidence)
            | Self::Unsupported(evidence)
            | Self::Unclear(evidence, _) => evidence,
        }
    }
}

/// Reads an answer.
pub(super) fn read<T: Clone>(reply: &Reply<T>, conversation: &Conversation<T>) -> Said {
    let failure = match &reply.result {
        Ok(success) => return Said::Yes(evidence(reply.call.operation, success)),
        Err(Trouble::Failed(failure) | Trouble::Lost(failure)) => failure,
    };
    let Failure { evidence, class } = failure;
    let evidence = evidence.clone();
    match class {
        Class::Denied => {
            let error = conversation.explain(failure, &reply.call, "");
            let is_s3 = evidence.code.is_some() || evidence.message.is_none();
            match error.kind {
                // Without an action it is the account, or its bills.
                Kind::AccessDenied { action: Some(_), .. } if is_s3 => Said::Denied(evidence),
                // The one HEAD, of an object that somebody named: it has no words for anything.
                Kind::AccessDenied { .. } if is_s3 && reply.call.method == Method::Head => Said::Denied(evidence),
                _ => Said::Unclear(evidence, error.hint.unwrap_or_default()),
            }
        }
        Class::NotSupported => Said::Unsupported(evidence),
        Class::NoSuchUpload | Class::NoSuchKey | Class::Integrity | Class::AlreadyExists => {
            Said::Past(evidence, class.clone())
        }
        // A condition that does not hold, of a request that stores nothing.
        Class::Fatal if evidence.status == 412 => Said::Past(evidence, class.clone()),
        _ => {
            let error = conversation.explain(failure, &reply.call, "");
            Said::Unclear(evidence, error.hint.unwrap_or_default())
        }
    }
}

/// A success as evidence.
fn evidence(operation: &str, success: &Success) -> Evidence {
    let answer = success.answer();
    Evidence {
        operation: operation.to_owned(),
        status: answer.status,
        request_id: answer.header("x-amz-request-id").map(failure::shown),
        ..Evidence::default()
    }
}
