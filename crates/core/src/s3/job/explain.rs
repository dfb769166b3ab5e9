//! Explain an error: reads, thinks, and asks nobody.

use crate::{
    abi::{Frame, Input},
    job::Work,
    report::{Outcome, Report},
    s3::{conversation::Out, explain},
    session::{Begin, Machine},
};

/// The job.
pub(crate) struct ExplainJob {
    work: crate::job::Explain,
}

impl ExplainJob {
    pub(crate) fn begin(begin: Begin) -> Self {
        let Work::Explain(work) = begin.job.work else { unreachable!("routed by its kind") };
        Self { work: *work }
    }
}

impl Machine for ExplainJob {
    fn handle(&mut self, _input: &Frame<Input>, _out: &mut Out) -> Option<Outcome> {
        Some(match explain::explain(&self.work) {
            Ok(explanation) => Outcome::Done(Report::Explain(explanation)),
            Err(error) => Outcome::Failed(error),
        })
    }
}
