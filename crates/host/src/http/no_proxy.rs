//! `NO_PROXY`: which hosts are reached without a proxy.
//!
//! There is no standard; this is what curl and Go agree on: `*`, a domain (with or without a
//! leading dot) for itself and its subdomains, an address, a network in CIDR form, each with an
//! optional `:port`.

use std::net::IpAddr;

/// The list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy(Vec<(Hosts, Option<u16>)>);

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Lower case, without a leading dot.
    Domain(String),
    Network {
        address: u128,
        prefix_len: u32,
    },
}

impl NoProxy {
    pub(crate) fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(entry).collect())
    }

    /// `host` as in a URL: an IPv6 address may be in brackets.
    pub(crate) fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(bits);
        self.0.iter().any(|(hosts, only_port)| {
            only_port.is_none_or(|only| only == port)
                && match hosts {
                    Hosts::All => true,
                    Hosts::Domain(domain) => {
                        host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                            && address.is_none()
                    }
                    Hosts::Network { address: network, prefix_len } => {
                        address.is_some_and(|bits| leading(bits, *prefix_len) == leading(*network, *prefix_len))
                    }
                }
        })
    }
}

fn entry(text: &str) -> Option<(Hosts, Option<u16>)> {
    if text == "*" {
        return Some((Hosts::All, None));
    }
    if let Some((address, len)) = text.split_once('/') {
        let address = address.parse::<IpAddr>().ok()?;
        let (len, max) = (len.parse::<u32>().ok()?, if address.is_ipv4() { 32 } else { 128 });
        let prefix_len = (len <= max).then_some(len + 128 - max)?;
        return Some((Hosts::Network { address: bits(address), prefix_len }, None));
    }
    let (host, port) = match text.rsplit_once(':') {
        // More than one colon without brackets is an IPv6 address without a port.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    let host = host.trim_matches(['[', ']']);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some((Hosts::Network { address: bits(address), prefix_len: 128 }, port));
    }
    let domain = host.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
    (!domain.is_empty()).then_some((Hosts::Domain(domain), port))
}

/// An address as a number; IPv4 in its mapped form, so that one comparison serves both.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn leading(bits: u128, len: u32) -> u128 {
    bits.checked_shr(128 - len).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_what_curl_and_go_would() {
        let cases: &[(&str, &str, u16, bool)] = &[
            ("", "s3.example.com", 443, false),
            ("*", "s3.example.com", 443, true),
            ("example.com", "example.com", 443, true),
            ("example.com", "s3.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            (".example.com", "s3.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "s3.example.com", 443, true),
            ("EXAMPLE.com", "S3.Example.Com.", 443, true),
            ("a.test, b.test", "b.test", 80, true),
            ("a.test b.test", "b.test", 80, true),
            ("a.test:8080", "a.test", 8080, true),
            ("a.test:8080", "a.test", 80, false),
            ("127.0.0.1", "127.0.0.1", 9000, true),
            ("127.0.0.1", "127.0.0.10", 9000, false),
            ("10.0.0.0/8", "10.200.3.4", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.0.0.0/8", "10.example.com", 443, false),
            ("0.0.0.0/0", "1.2.3.4", 443, true),
            ("0.0.0.0/0", "[::1]", 443, false),
            ("::1", "[::1]", 443, true),
            ("[::1]:443", "[::1]", 443, true),
            ("fd00::/8", "[fd12::1]", 443, true),
            ("10.0.0.0/33", "10.0.0.1", 443, false),
            (",,:,.", "x.test", 443, false),
        ];
        for (list, host, port, expected) in cases {
            assert_eq!(NoProxy::parse(list).covers(host, *port), *expected, "{list:?} {host}:{port}");
        }
    }
}
