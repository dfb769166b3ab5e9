//! Which way a request goes: straight, through a tunnel, or addressed to a proxy.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Uri;
use percent_encoding::percent_decode_str;

use super::{
    config::{HttpError, Proxy},
    no_proxy::NoProxy,
};

/// Reads one environment variable.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A proxy that can be used.
#[derive(PartialEq, Eq)]
pub(crate) struct ProxyServer {
    pub(crate) is_tls: bool,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `proxy-authorization`.
    pub(crate) authorization: Option<String>,
}

impl fmt::Display for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{}", self.host, self.port)
    }
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a target is reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    /// `CONNECT`, then TLS with the target: for `https`.
    Tunnel(Arc<ProxyServer>),
    /// The proxy is asked for the whole URL: for `http`, as most proxies let `CONNECT` reach
    /// port 443 only.
    Forward(Arc<ProxyServer>),
}

/// The proxies for both schemes; an unusable one is found out only by a request that needs it.
#[derive(Debug)]
pub(crate) struct Routes {
    http: Choice,
    https: Choice,
    no_proxy: NoProxy,
}

/// A proxy, none, or why the one that is set cannot be used.
type Choice = Result<Option<Arc<ProxyServer>>, String>;

impl Routes {
    pub(crate) fn new(proxy: &Proxy, variable: Variable<'_>) -> Result<Self, HttpError> {
        match proxy {
            Proxy::None => Ok(Self { http: Ok(None), https: Ok(None), no_proxy: NoProxy::default() }),
            Proxy::Url(url) => {
                let server = Arc::new(parse(url).map_err(|why| HttpError::Proxy(why.into()))?);
                let both = Ok(Some(server));
                Ok(Self { http: both.clone(), https: both, no_proxy: NoProxy::default() })
            }
            Proxy::FromEnvironment => Ok(Self::from_environment(variable)),
        }
    }

    fn from_environment(variable: Variable<'_>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let first = |names: &[&str]| -> Choice {
            let Some((name, value)) = names.iter().find_map(|name| set(name).map(|value| (*name, value))) else {
                return Ok(None);
            };
            parse(value.trim()).map(|server| Some(Arc::new(server))).map_err(|why| format!("the proxy in {name} {why}"))
        };
        // Under CGI, HTTP_PROXY is whatever the visitor sent as a `Proxy:` header
        // (https://httpoxy.org).
        let http: &[&str] = if set("REQUEST_METHOD").is_some() {
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        let list = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
        Self {
            http: first(http),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            no_proxy: NoProxy::parse(&list),
        }
    }

    /// The way to a target, or why there is none.
    pub(crate) fn to(&self, target: &Uri) -> Result<Route, String> {
        let is_https = target.scheme_str() == Some("https");
        let port = target.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let choice = if is_https { &self.https } else { &self.http };
        if matches!(choice, Ok(None)) || self.no_proxy.covers(target.host().unwrap_or(""), port) {
            return Ok(Route::Direct);
        }
        match choice.clone()? {
            None => Ok(Route::Direct),
            Some(server) if is_https => Ok(Route::Tunnel(server)),
            Some(server) => Ok(Route::Forward(server)),
        }
    }
}

/// Reads a proxy's URL. The words for what is wrong never repeat it.
fn parse(url: &str) -> Result<ProxyServer, &'static str> {
    const NO_URL: &str = "is not a URL like http://HOST:PORT";
    let url: Cow<'_, str> = if url.contains("://") { url.into() } else { format!("http://{url}").into() };
    let uri: Uri = url.parse().map_err(|_| NO_URL)?;
    let is_tls = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        Some(scheme) if scheme.starts_with("socks") => {
            return Err("is a SOCKS proxy: only http:// and https:// proxies can be used");
        }
        _ => return Err(NO_URL),
    };
    let authority = uri.authority().ok_or(NO_URL)?;
    let host = authority.host().trim_matches(['[', ']']);
    if host.is_empty() || !matches!(uri.path(), "" | "/") {
        return Err(NO_URL);
    }
    let authorization = match authority.as_str().rsplit_once('@') {
        None => None,
        Some((user_info, _)) => {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            let mut plain: Vec<u8> = percent_decode_str(user).collect();
            plain.push(b':');
            plain.extend(percent_decode_str(password));
            Some(format!("Basic {}", BASE64_STANDARD.encode(plain)))
        }
    };
    let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    Ok(ProxyServer { is_tls, host: host.to_owned(), port, authorization })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(variables: &[(&str, &str)]) -> Routes {
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        Routes::new(&Proxy::FromEnvironment, &get).unwrap_or_else(|error| panic!("{error}"))
    }

    fn way(routes: &Routes, url: &str) -> String {
        match routes.to(&url.parse().expect("a URL")) {
            Ok(Route::Direct) => "direct".to_owned(),
            Ok(Route::Tunnel(server)) => format!("tunnel {}:{}", server.host, server.port),
            Ok(Route::Forward(server)) => format!("forward {}:{}", server.host, server.port),
            Err(why) => why,
        }
    }

    #[test]
    fn the_variable_of_the_scheme_wins_over_all_proxy() {
        let routes =
            routes(&[("HTTPS_PROXY", "http://secure:1"), ("HTTP_PROXY", "plain:2"), ("ALL_PROXY", "http://all:3")]);
        assert_eq!(way(&routes, "https://s3.test/"), "tunnel secure:1");
        assert_eq!(way(&routes, "http://s3.test/"), "forward plain:2");
    }

    #[test]
    fn lower_case_wins_and_empty_counts_as_unset() {
        let routes = routes(&[
            ("https_proxy", "http://lower:1"),
            ("HTTPS_PROXY", "http://upper:1"),
            ("http_proxy", ""),
            ("all_proxy", "https://all"),
        ]);
        assert_eq!(way(&routes, "https://s3.test/"), "tunnel lower:1");
        assert_eq!(way(&routes, "http://s3.test/"), "forward all:443");
    }

    #[test]
    fn no_proxy_is_heeded_with_ports() {
        let routes = routes(&[("ALL_PROXY", "http://all:3"), ("NO_PROXY", "localhost, .internal:9000,10.0.0.0/8")]);
        assert_eq!(way(&routes, "http://localhost:9000/"), "direct");
        assert_eq!(way(&routes, "https://minio.internal:9000/"), "direct");
        assert_eq!(way(&routes, "https://minio.internal/"), "tunnel all:3");
        assert_eq!(way(&routes, "https://10.1.2.3/"), "direct");
    }

    #[test]
    fn http_proxy_is_the_visitors_under_cgi() {
        let routes = routes(&[("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(way(&routes, "http://s3.test/"), "direct");
    }

    #[test]
    fn an_unusable_proxy_is_named_only_when_it_is_needed() {
        let routes = routes(&[("HTTPS_PROXY", "socks5://user:sentinel-password@tor:9050"), ("NO_PROXY", "near.test")]);
        assert_eq!(way(&routes, "http://s3.test/"), "direct");
        assert_eq!(way(&routes, "https://near.test/"), "direct");
        let why = way(&routes, "https://s3.test/");
        assert!(why.starts_with("the proxy in HTTPS_PROXY is a SOCKS proxy"), "{why}");
        assert!(!format!("{why} {routes:?}").contains("sentinel"));
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let server = parse("http://us%40er:p%3Aw%25@proxy.test:3128/").expect("a proxy");
        let expected = format!("Basic {}", BASE64_STANDARD.encode("us@er:p:w%"));
        assert_eq!(server.authorization.as_deref(), Some(expected.as_str()));
        assert_eq!(format!("{server:?}"), "the proxy proxy.test:3128");
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_it() {
        for url in ["", "http://", "ftp://x", "http://h/path", "http://a b", "://x", "http://:80"] {
            assert!(parse(url).is_err(), "{url:?}");
        }
        assert!(parse("[::1]:3128").is_ok_and(|server| server.host == "::1"));
    }
}
