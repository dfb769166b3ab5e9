//! JSON in a text: events of
//! [CloudTrail](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html),
//! [access log records in CloudWatch](https://docs.aws.amazon.com/AmazonS3/latest/userguide/sal-cw-log-format.html),
//! and what our own `--json` prints.

use serde_json::Value;

use super::{Lines, found::Found, log, words};
use crate::explanation::Source;

/// Beginnings that are tried; a text of braces is no JSON.
const MAX_TRIES: usize = 200;
/// Bytes that failed tries may cost.
const MAX_WASTE: usize = 8 << 20;
/// Values in all that are looked at.
const MAX_VALUES: usize = 200_000;

/// The errors, in order. What they stand on is taken.
pub(super) fn find(text: &str, lines: &mut Lines<'_>) -> Vec<Found> {
    let mut all = Vec::new();
    let mut taken = Vec::new();
    let (mut tries, mut waste, mut values, mut read_to) = (0, 0, MAX_VALUES, 0);
    for (begin, line) in &lines.lines {
        let indent = line.len() - line.trim_start().len();
        let begin = begin + indent;
        if begin < read_to || !line.trim_start().starts_with(['{', '[']) || tries >= MAX_TRIES || waste >= MAX_WASTE {
            continue;
        }
        tries += 1;
        let rest = text.get(begin..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            // `[06/Feb/2019:…` and `[2026]` are no documents.
            Some(Ok(value))
                if value.is_object() || value.as_array().is_some_and(|all| all.iter().any(Value::is_object)) =>
            {
                read_to = begin + stream.byte_offset();
                let before = all.len();
                walk(&value, lines.number(begin), &mut values, &mut all);
                if all.len() > before {
                    taken.push((begin, read_to));
                }
            }
            Some(Err(error)) => waste += rest.len().min(error.line().saturating_mul(200).max(error.column())),
            _ => {}
        }
    }
    taken.into_iter().for_each(|(begin, end)| lines.take(begin, end));
    all
}

/// Looks at a value and all that is in it.
fn walk(value: &Value, line: u32, values: &mut usize, all: &mut Vec<Found>) {
    if *values == 0 {
        return;
    }
    *values -= 1;
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, line, values, all)),
        Value::Object(object) => {
            match cloud_trail(value, line).or_else(|| ours(value, line)).or_else(|| logged(value, line)) {
                Some(found) => all.push(found),
                None => object.values().for_each(|item| walk(item, line, values, all)),
            }
        }
        _ => {}
    }
}

fn cloud_trail(event: &Value, line: u32) -> Option<Found> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let name = text("/eventName")?;
    let code = text("/errorCode")?;
    // CloudTrail writes the exception's class for some services.
    let code = if code == "Client.AccessDenied" { "AccessDenied".to_owned() } else { code };
    let key = text("/requestParameters/key");
    Some(Found {
        operation: Some(name),
        code: Some(code),
        message: text("/errorMessage"),
        request_id: text("/requestID"),
        bucket: text("/requestParameters/bucketName"),
        key,
        prefix: text("/requestParameters/prefix"),
        versioned: event.pointer("/requestParameters/versionId").is_some(),
        who: text("/userIdentity/arn").or_else(|| text("/userIdentity/userName")),
        ..Found::new(Source::CloudTrail, line)
    })
}

/// `{"event":"failed","error":{"what":…,"evidence":{…}}}`, or what of it was copied.
fn ours(value: &Value, line: u32) -> Option<Found> {
    let evidence = value.get("evidence")?;
    let text = |name: &str| evidence.get(name).and_then(Value::as_str).map(str::to_owned);
    let operation = text("operation")?;
    let what = value.get("what").and_then(Value::as_str);
    let place = what.and_then(words::place);
    let (bucket, key) = place.unzip();
    Some(Found {
        operation: Some(operation),
        status: evidence.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok())?,
        code: text("code"),
        message: text("message"),
        request_id: text("request_id"),
        region: text("bucket_region"),
        bucket,
        key: key.filter(|key| !key.is_empty()),
        cannot: what.map(str::to_owned),
        hint: value.get("hint").and_then(Value::as_str).map(str::to_owned),
        ..Found::new(Source::Message, line)
    })
}

/// The fields of an access log, by name: put in a line and read as one.
fn logged(value: &Value, line: u32) -> Option<Found> {
    let field = |name: &str| match value.get(name) {
        Some(Value::String(text)) if !text.is_empty() => text.replace([' ', '"'], ""),
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    };
    let operation = value.get("operation").and_then(Value::as_str)?;
    let request = value.get("request_uri").and_then(Value::as_str).unwrap_or("-");
    let record = format!(
        "- {} [-] - {} {} {operation} {} \"{}\" {} {}",
        field("bucket_name"),
        field("requester"),
        field("request_id"),
        field("key"),
        request.replace('"', ""),
        field("http_status"),
        field("error_code"),
    );
    match log::read(&record, line) {
        log::Line::Refused(found) => Some(*found),
        log::Line::Passed | log::Line::Other => None,
    }
}
