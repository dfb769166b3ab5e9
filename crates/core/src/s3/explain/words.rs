//! What SDKs, tools and plugins make of an error, line by line.
//!
//! Each has a form of its own, and all of them keep some of the same few facts: the call, the
//! status, the code, the message, the request id, an address. So facts are looked for, not forms;
//! the samples in the tests are what the forms look like.

use super::{found::Found, request::Address};
use crate::{
    explanation::Source,
    s3::{failure::denial, permission},
};

mod tables;

use tables::{CALLS_OF_S3_PHP, CODES, PHRASES, PROGRAMS, REASONS, STEPS};

/// What is read of one line, in bytes; a longer one is data.
const MAX_LINE_LEN: usize = 16 << 10;
/// `SlowDown`; a shorter line says nothing.
const MIN_LINE_LEN: usize = 8;

/// Where a program said that it was.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) bucket: Option<String>,
    /// The call that its last announced step makes.
    pub(super) step: Option<&'static str>,
    /// What an error of ours is about; the server's words follow it.
    ours: Option<(String, String)>,
}

/// Reads a line; what it finds goes behind what was found before, or into it.
pub(super) fn read(line: &str, number: u32, context: &mut Context, all: &mut Vec<Found>) {
    if line.len() < MIN_LINE_LEN {
        return;
    }
    let mut end = MAX_LINE_LEN.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let line = line.get(..end).unwrap_or_default();
    // Quotes arrive escaped once, for JSON or for the web.
    let line = super::document::unescape(&line.replace("\\\"", "\""));
    context.note(&Text::new(&line));
    for piece in sentences(&line) {
        read_piece(&Text::new(piece), number, context, all);
    }
}

/// A text, and itself in lower case: ASCII only, so that places in one are places in the other.
struct Text<'a> {
    text: &'a str,
    lower: String,
}

impl<'a> Text<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, lower: text.to_ascii_lowercase() }
    }

    /// Whether these words are in it; in lower case.
    fn has(&self, words: &str) -> bool {
        self.lower.contains(words)
    }

    /// What stands behind these words.
    fn behind(&self, words: &str) -> Option<&'a str> {
        self.text.get(self.lower.find(words)? + words.len()..)
    }

    fn phrase(&self) -> Option<(&'static str, &'static str)> {
        let known = PHRASES.iter().find(|(words, _)| self.has(words)).copied();
        // Databases and web servers deny access too, and go on to say to whom.
        known.or_else(|| {
            let ends =
                self.behind("access denied")?.trim_start().chars().next().is_none_or(|c| c.is_ascii_punctuation());
            ends.then_some(("access denied", "AccessDenied"))
        })
    }
}

/// The bucket and key of `s3://BUCKET/KEY` in a text.
pub(super) fn place(text: &str) -> Option<(String, String)> {
    let (_, rest) = text.split_once("s3://")?;
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';')).unwrap_or(rest.len());
    let (bucket, key) = rest.get(..end)?.split_once('/').unwrap_or((rest.get(..end)?, ""));
    (!bucket.is_empty()).then(|| (bucket.to_owned(), key.trim_end_matches(':').to_owned()))
}

impl Context {
    /// Plugins log what they are about to do, and then an error without it.
    fn note(&mut self, line: &Text<'_>) {
        if let Some((_, call)) = STEPS.iter().find(|(words, _)| line.has(words)) {
            self.step = *call;
        }
        if let Some(name) = line.behind("s3 bucket \"").and_then(|rest| rest.split('"').next()) {
            self.bucket = Some(name.to_owned());
        }
        if line.has("error: cannot ") || line.has("warning: cannot ") {
            self.ours = place(line.text);
        }
    }
}

/// A line may hold several sentences of AWS's: cut before the subject of each but the first.
fn sentences(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut last) = (0, None);
    for (at, _) in line.match_indices("not authorized to perform") {
        let between = last.and_then(|last: usize| Some(last + line.get(last..at)?.rfind("User: ")?));
        if let Some(cut) = between {
            pieces.push(line.get(from..cut).unwrap_or_default());
            from = cut;
        }
        last = Some(at);
    }
    pieces.push(line.get(from..).unwrap_or_default());
    pieces
}

fn read_piece(line: &Text<'_>, number: u32, context: &Context, all: &mut Vec<Found>) {
    let mut found = Found::new(Source::Message, number);
    found.operation = operation(line);
    found.status = status(line).unwrap_or(0);
    found.request_id = request_id(line);
    found.note = PROGRAMS.iter().find(|(words, _)| line.has(words)).map(|(_, note)| *note);
    found.code = code(line);
    if denial::parse(line.text).is_some() {
        found.message = Some(sentence(line.text));
        found.who = who(line);
        found.code = found.code.or(Some("AccessDenied".to_owned()));
    } else {
        found.code = found.code.or_else(|| line.phrase().map(|(_, code)| code.to_owned()));
        found.message = found.code.as_deref().and_then(|code| message(line, code));
    }
    let address = address(line);
    if let Some(address) = address {
        let method = method(line.text);
        if found.operation.is_none() {
            found.operation = method.and_then(|method| address.call(method)).map(str::to_owned);
        }
        found.versioned = address.has("versionId");
        if found.operation.as_deref().is_some_and(|name| name.starts_with("List")) {
            found.prefix = Some(address.get("prefix").unwrap_or_default().to_owned());
        }
        found.bucket = address.bucket;
        found.key = Some(address.key).filter(|key| !key.is_empty());
    }
    let ours = || context.ours.clone().filter(|_| line.has("s3 answered "));
    if found.bucket.is_none()
        && let Some((bucket, key)) = s3_place(line.text, found.operation.as_deref()).or_else(ours)
    {
        found.bucket = Some(bucket);
        found.key = Some(key).filter(|key| !key.is_empty());
    }
    without_words_of_head(&mut found);
    let continues = line.lower.trim_start().starts_with("status code:") || line.has("(client): ");
    if let Some(previous) = all.last_mut().filter(|previous| {
        continues && previous.source != Source::AccessLog && previous.line + 3 >= number && previous.is_error()
    }) {
        let source = previous.source;
        previous.take(found);
        previous.source = source;
        return;
    }
    // A call or a status alone is talk; both together are an error.
    let is_refusal = found.status >= 300 && (found.operation.is_some() || found.bucket.is_some());
    if found.code.is_some() || found.message.is_some() || is_refusal {
        all.push(found.with_place(context));
    }
}

/// SDKs make a code of the status when an answer had no words.
fn without_words_of_head(found: &mut Found) {
    let is_head = found.operation.as_deref().is_some_and(|name| name.starts_with("Head"));
    if let Some(status) = found.code.as_deref().and_then(|code| code.parse::<u16>().ok()) {
        found.status = status;
        found.code = None;
        found.message = None;
    }
    let made_up = found.code.as_deref().is_some_and(|code| REASONS.iter().any(|(name, _)| *name == code));
    if made_up && (is_head || found.status >= 300) {
        found.code = None;
        found.message = None;
    }
}

fn operation(line: &Text<'_>) -> Option<String> {
    let word_behind = |before: &str| {
        let rest = line.behind(before)?.trim_start_matches(['"', '\'', '`', ' ']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.get(..end).filter(|name| name.len() > 2 && name.len() < 60).map(str::to_owned)
    };
    let said = ["when calling the ", "error executing \"", "operation error s3: ", "s3 answered "];
    let of_class = || {
        let method = word_behind("s3::")?;
        let call = CALLS_OF_S3_PHP.iter().find(|(name, _)| name.eq_ignore_ascii_case(&method));
        call.map(|(_, call)| (*call).to_owned())
    };
    let named = || {
        // Not within `s3:PutObject`, which is an action.
        let mut words = line.text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':');
        let is_call = |word: &&str| {
            let word = word.trim_end_matches(':');
            let looks = word.len() > 6 && word.starts_with(|c: char| c.is_ascii_uppercase());
            looks && permission::CALLS.iter().any(|needs| needs.names.contains(&word))
        };
        words.find(is_call).map(|word| word.trim_end_matches(':').to_owned())
    };
    said.into_iter().find_map(word_behind).or_else(of_class).or_else(named)
}

fn code(line: &Text<'_>) -> Option<String> {
    let given = |before: &str, ends: &[char]| {
        let rest = line.behind(before)?;
        let end = rest.find(ends).unwrap_or(rest.len());
        let code = rest.get(..end)?.trim_matches([' ', '\'', '"']);
        let fits = (3..80).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        fits.then(|| code.to_owned())
    };
    let known = || {
        let words = line.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        words.map(|word| word.trim_matches('.')).find(|word| is_code(word)).map(str::to_owned)
    };
    given("an error occurred (", &[')'])
        .or_else(|| given("a client error (", &[')']))
        .or_else(|| given("api error ", &[':', ',']))
        .or_else(|| given("error code: ", &[';', ',', ')', ' ']))
        .or_else(known)
}

fn is_code(word: &str) -> bool {
    CODES.binary_search(&word).is_ok()
}

/// A number that is a status: the words around it say so.
fn status(line: &Text<'_>) -> Option<u16> {
    const AROUND: [char; 12] = ['(', ')', '[', ']', '{', '}', ',', ';', '"', '\'', '`', '.'];
    const BEFORE: [&str; 12] = [
        "code:",
        "code",
        "statuscode:",
        "status",
        "status:",
        "http",
        "http/1.1",
        "http/2",
        "error:",
        "response",
        "returned",
        "with",
    ];
    let words: Vec<&str> = line.text.split_whitespace().take(2_000).map(|word| word.trim_matches(AROUND)).collect();
    let word_at = |at: Option<usize>| at.and_then(|at| words.get(at)).copied().unwrap_or_default();
    let is_before = |word: &str| BEFORE.iter().any(|other| word.eq_ignore_ascii_case(other));
    let is_after = |word: &str| is_code(word) || REASONS.iter().any(|(name, _)| *name == word);
    words.iter().enumerate().find_map(|(at, word)| {
        let number = word.rsplit([':', '=', '(']).next().unwrap_or_default();
        let status: u16 = number.parse().ok().filter(|status| number.len() == 3 && (300..600).contains(status))?;
        let glued = number.len() < word.len() && word.to_ascii_lowercase().contains("code");
        let said = glued || is_before(word_at(at.checked_sub(1))) || is_after(word_at(Some(at + 1)));
        said.then_some(status)
    })
}

fn request_id(line: &Text<'_>) -> Option<String> {
    let id = ["request id: ", "requestid: ", "request id "].into_iter().find_map(|before| line.behind(before))?;
    let end = id.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(id.len());
    id.get(..end).filter(|id| id.len() > 5).map(str::to_owned)
}

/// What the server said, without what the program said around it.
fn message(line: &Text<'_>, code: &str) -> Option<String> {
    let up_to = |text: &str| {
        let ends = [" (Service: ", " (request id", ", User-Agent", " status code: ", " - <?xml", " <?xml", " - <Error"];
        let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
        let text = text.get(..end).unwrap_or_default().trim().trim_end_matches([',', ';']);
        (!text.is_empty()).then(|| text.to_owned())
    };
    let behind = |before: &str| line.behind(&before.to_ascii_lowercase()).and_then(up_to);
    let of_java = || up_to(line.text.split_once(" (Service: ")?.0.rsplit(": ").next()?);
    let of_phrase = || {
        let (words, _) = line.phrase()?;
        let at = line.lower.find(words)?;
        up_to(line.text.get(at..at + words.len())?)
    };
    behind(" operation: ")
        .or_else(|| behind("): ").filter(|_| line.has("when calling")))
        .or_else(|| behind("aws error message: "))
        .or_else(|| behind("(client): "))
        .or_else(|| behind(&format!("{code}): ")))
        .or_else(|| behind(&format!("{code}: ")))
        .or_else(|| behind(&format!("[{code}] ")))
        .or_else(of_java)
        .or_else(of_phrase)
}

/// AWS's sentence, from its subject.
fn sentence(line: &str) -> String {
    let at = line.find("User: ").or_else(|| line.find("user: ")).unwrap_or(0);
    let text = line.get(at..).unwrap_or(line);
    let ends = [" (Service: ", " (request id", " status code: ", "</Message>", " - <?xml"];
    let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
    text.get(..end).unwrap_or(text).trim().to_owned()
}

fn who(line: &Text<'_>) -> Option<String> {
    let rest = line.behind("user: ")?;
    let end = rest.find(" is not authorized").unwrap_or(0);
    rest.get(..end).filter(|who| !who.is_empty() && !who.contains(' ')).map(str::to_owned)
}

fn method(line: &str) -> Option<&'static str> {
    ["HEAD", "GET", "PUT", "POST", "DELETE"].into_iter().find(|method| {
        line.match_indices(method).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            let behind = line.get(at + method.len()..).unwrap_or_default();
            let address = behind.trim_start_matches([' ', '"', '\'']);
            !before.is_some_and(char::is_alphanumeric) && address.starts_with("http")
        })
    })
}

fn address(line: &Text<'_>) -> Option<Address> {
    let at = line.text.find("https://").or_else(|| line.text.find("http://"))?;
    let rest = line.text.get(at..)?;
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '\'' | ';' | '<' | '>' | ')' | ']'));
    let url = rest.get(..end.unwrap_or(rest.len()))?;
    let is_s3 = url.contains("amazonaws.com") || line.has("error executing") || url.contains("s3");
    // Pages about errors are linked everywhere.
    let is_page = url.contains("docs.aws") || url.contains("//aws.amazon.com");
    (is_s3 && !is_page).then(|| Address::of_url(url)).flatten()
}

/// Copies name two places: what is read stands first, what is written last.
fn s3_place(line: &str, operation: Option<&str>) -> Option<(String, String)> {
    let first = line.find("s3://")?;
    let reads = operation.is_some_and(|name| matches!(name, "GetObject" | "HeadObject"));
    let at = if reads { first } else { line.rfind("s3://")? };
    place(line.get(at..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_to_be_found() {
        assert!(CODES.is_sorted());
    }

    #[test]
    fn a_database_that_denies_access_is_no_s3() {
        for line in [
            "PHP Warning: mysqli_connect(): (HY000/1045): Access denied for user 'wp'@'localhost' (using password: YES)",
            "GET /wp-login.php 403",
            "see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html",
            "we sent 403 parts to s3://backups/a",
        ] {
            let mut all = Vec::new();
            read(line, 1, &mut Context::default(), &mut all);
            assert_eq!(all, [], "{line}");
        }
    }
}
