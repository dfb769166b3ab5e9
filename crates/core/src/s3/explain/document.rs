//! S3's error documents, wherever they stand in a text: on a line of their own, over several, in
//! the middle of a sentence, or escaped for a web page.

use super::{
    Lines,
    found::{self, Found},
};

/// No more documents than that are read.
const MAX_DOCUMENTS: usize = 2_000;
/// Nor more of each, in bytes: what S3 says is short.
const MAX_LEN: usize = 64 << 10;

/// The documents, in order. What they stand on is taken.
pub(super) fn find(text: &str, lines: &mut Lines<'_>) -> Vec<Found> {
    let mut all = Vec::new();
    let mut taken = Vec::new();
    for (open, close, escaped) in [("<Error>", "</Error>", false), ("&lt;Error&gt;", "&lt;/Error&gt;", true)] {
        let mut at = 0;
        while let Some(begin) = text.get(at..).and_then(|rest| rest.find(open)).map(|offset| at + offset) {
            if all.len() >= MAX_DOCUMENTS {
                break;
            }
            let end = end(text, begin, open, close);
            at = end;
            if lines.is_taken(begin) {
                continue;
            }
            let document = text.get(begin..end).unwrap_or_default();
            let unescaped = if escaped { unescape(document) } else { document.replace("\\\"", "\"") };
            let found = found::of_document(lines.number(begin), operation(text, begin), &unescaped);
            if let Some(found) = found {
                all.push(found);
                taken.push((begin, end));
            }
        }
    }
    taken.into_iter().for_each(|(begin, end)| lines.take(begin, end));
    all.sort_by_key(|found| found.line);
    all
}

/// Where a document ends: behind its last tag; where the next begins, or the paragraph ends, when
/// it was cut short.
fn end(text: &str, begin: usize, open: &str, close: &str) -> usize {
    let inside = begin + open.len();
    let mut limit = (begin + MAX_LEN).min(text.len());
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    // Up to the next one and no further, so that no byte is looked at for two documents.
    let rest = text.get(inside..limit).unwrap_or_default();
    let rest = rest.find(open).and_then(|next| rest.get(..next)).unwrap_or(rest);
    let whole = rest.find(close).map(|at| at + close.len());
    inside
        + whole.unwrap_or_else(|| {
            let paragraph = ["\n\n", "\n\r\n", "(truncated"].iter().filter_map(|mark| rest.find(mark)).min();
            // What stands on a line behind half a document is not the document's.
            let lines = rest.find('\n').map_or(rest.len(), |at| indented(rest, at));
            paragraph.map_or(lines, |end| end.min(lines))
        })
}

/// Half a document goes on over lines that are indented or begin with a tag.
fn indented(rest: &str, mut at: usize) -> usize {
    while let Some(line) = rest.get(at + 1..).map(|rest| rest.split('\n').next().unwrap_or_default()) {
        if !line.trim_start().starts_with(['<', '&']) && !line.starts_with([' ', '\t']) || line.is_empty() {
            break;
        }
        at += 1 + line.len();
        if at >= rest.len() {
            break;
        }
    }
    at.min(rest.len())
}

/// The answer to DeleteObjects names what it is.
fn operation(text: &str, begin: usize) -> &'static str {
    let mut from = begin.saturating_sub(2_000);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = text.get(from..begin).unwrap_or_default();
    let opened = before.rfind("<DeleteResult").unwrap_or(0);
    if before.contains("<DeleteResult") && !before.get(opened..).unwrap_or_default().contains("</DeleteResult") {
        "DeleteObjects"
    } else {
        ""
    }
}

/// Web pages and their logs.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#039;", "'").replace("&amp;", "&")
}
