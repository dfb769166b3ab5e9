//! Any text given to `holdfast explain`: it neither panics nor shows a control character.

#![no_main]

use holdfast_core::{job::Explain, s3::explain::explain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: String| {
    let Ok(explanation) = explain(&Explain { text, ..Explain::default() }) else { return };
    for finding in explanation.findings {
        let mut texts = vec![finding.what, finding.means, finding.cause, finding.fix, finding.evidence.to_string()];
        texts.extend(finding.notes);
        texts.extend(finding.needs.map(|need| format!("{} {}", need.action, need.resource)));
        texts.extend(finding.statement.map(|advice| format!("{:?}", advice.json)));
        for text in texts {
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
});
