//! A call, checked, as ureq wants it.
//!
//! The module that wrote the request is not trusted to know HTTP: nothing it names may change
//! where a request goes or where it ends.

use holdfast_core::abi::Method;
use http::{HeaderName, HeaderValue, Request, Uri, header};

use super::{call::Call, failure::Failure};

/// Headers that follow from the URL, the body and the connection, and from nothing else.
const OURS: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::CONNECTION,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

pub(crate) fn check(call: &Call<'_>) -> Result<Request<()>, Failure> {
    let mut request = Request::new(());
    *request.method_mut() = method(call.method);
    *request.uri_mut() = uri(call.url)?;
    let headers = request.headers_mut();
    for (name, value) in call.headers {
        let known = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Failure::refused(format!("`{}` is no header name", name.escape_debug())))?;
        if OURS.contains(&known) {
            return Err(Failure::refused(format!("the header `{known}` is not a request's to set")));
        }
        // The value is not repeated: it may be a secret.
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| Failure::refused(format!("the value of the header `{known}` holds a control character")))?;
        value.set_sensitive(true);
        headers.append(known, value);
    }
    let has_body = matches!(call.method, Method::Put | Method::Post) || !call.body.is_empty();
    if has_body {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(call.body.len()));
    }
    Ok(request)
}

/// The URL, if it is one that goes out unchanged.
fn uri(url: &str) -> Result<Uri, Failure> {
    let uri: Uri = url.parse().map_err(|_| Failure::refused("the request's URL is not valid"))?;
    let (Some(scheme), Some(authority), Some(path)) = (uri.scheme_str(), uri.authority(), uri.path_and_query()) else {
        return Err(Failure::refused("the request's URL is not absolute"));
    };
    if !matches!(scheme, "http" | "https") {
        return Err(Failure::refused("the request's URL is neither http:// nor https://"));
    }
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(Failure::refused("the request's URL names a user, or no host"));
    }
    // What a parser would drop or add (a fragment, the first slash) is not what was signed.
    let sent = [scheme, "://", authority.as_str(), path.as_str()].concat();
    if sent != url || !path.as_str().starts_with('/') {
        return Err(Failure::refused("the request's URL would not be sent as it is written"));
    }
    Ok(uri)
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Put => http::Method::PUT,
        Method::Post => http::Method::POST,
        Method::Delete => http::Method::DELETE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_goes_out_as_it_is_or_not_at_all() {
        let whole = [
            "https://s3.test/a//../b%20%2B~%C3%A9?x=%2F&y=",
            "http://127.0.0.1:9000/bucket/.",
            "https://[::1]:8443/a/./b;c=d,e'f(g)!$&*",
            "https://S3.Test/",
        ];
        for url in whole {
            assert!(uri(url).is_ok(), "{url}");
        }
        let refused = [
            "/relative",
            "s3.test",
            "https://s3.test",
            "https://s3.test?query",
            "https://s3.test/a#b",
            "https://user@s3.test/",
            "https://user:sentinel@s3.test/",
            "ftp://s3.test/",
            "https:///path",
            "https://:443/",
            "https://s3.test/a b",
            "https://s3.test/a\r\nx: y",
            "HTTPS://s3.test/",
        ];
        for url in refused {
            let failure = uri(url).expect_err(url);
            assert!(!failure.message.contains("sentinel"), "{failure}");
        }
    }
}
