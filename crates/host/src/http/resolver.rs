//! Names to addresses, asked anew for each connection and handed out in turn.
//!
//! S3 answers with several addresses. Connections that are opened together should not all land on
//! the first one, and a request that is sent again should meet another server.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use holdfast_core::abi::TransportCause;
use http::Uri;
use ureq::{
    config::Config,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use super::{
    exchange::Exchange,
    failure::Stop,
    proxy::{Route, Routes},
    wait::SLICE,
};

/// What glibc's resolver and its modules need, and no more: address space may be scarce.
const STACK_LEN: usize = 512 << 10;

/// Most addresses that ureq carries.
const MAX_ADDRESSES: usize = 16;

/// Resolves the host that is dialled: the target's, or its proxy's.
#[derive(Debug)]
pub(crate) struct Rotating {
    routes: Arc<Routes>,
    timeout: Duration,
    turn: AtomicUsize,
}

impl Rotating {
    pub(crate) fn new(routes: Arc<Routes>, timeout: Duration) -> Self {
        // Many runners start at the same minute: each begins at another address.
        let turn = AtomicUsize::new(RandomState::new().hash_one(std::process::id()) as usize);
        Self { routes, timeout, turn }
    }
}

impl Resolver for Rotating {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let route = self.routes.to(uri).map_err(|why| Stop::new(TransportCause::Proxy, why))?;
        let (host, port, cause) = match &route {
            Route::Direct => {
                let host = uri.host().unwrap_or("").trim_matches(['[', ']']);
                let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
                (host, uri.port_u16().unwrap_or(default), TransportCause::Dns)
            }
            Route::Tunnel(server) | Route::Forward(server) => {
                (server.host.as_str(), server.port, TransportCause::Proxy)
            }
        };
        let found = look_up(host, port, self.timeout).map_err(|trouble| match trouble {
            LookUp::Cancelled => Stop::cancelled(),
            LookUp::TimedOut => {
                Stop::new(cause, format!("the name `{host}` was not resolved in {} s", self.timeout.as_secs()))
            }
            LookUp::Failed(why) => Stop::new(cause, format!("the name `{host}` does not resolve: {why}")),
        })?;
        if found.is_empty() {
            return Err(Stop::new(cause, format!("the name `{host}` has no address")).into());
        }
        let mut addresses = self.empty();
        for address in in_turn(&found, self.turn.fetch_add(1, Ordering::Relaxed)) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// The families take turns, in the order of the system's preference; within a family each call
/// begins one further.
fn in_turn(found: &[SocketAddr], turn: usize) -> Vec<SocketAddr> {
    let Some(first) = found.first() else { return Vec::new() };
    let (mut preferred, mut other): (Vec<_>, Vec<_>) =
        found.iter().copied().partition(|address| address.is_ipv4() == first.is_ipv4());
    for family in [&mut preferred, &mut other] {
        if !family.is_empty() {
            let by = turn % family.len();
            family.rotate_left(by);
        }
    }
    let longest = preferred.len().max(other.len());
    (0..longest)
        .flat_map(|at| [preferred.get(at).copied(), other.get(at).copied()])
        .flatten()
        .take(MAX_ADDRESSES)
        .collect()
}

enum LookUp {
    Cancelled,
    TimedOut,
    Failed(io::Error),
}

/// Asks the system, in a thread of its own: it blocks for as long as it likes.
fn look_up(host: &str, port: u16, timeout: Duration) -> Result<Vec<SocketAddr>, LookUp> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (answer, answered) = mpsc::sync_channel(1);
    let name = host.to_owned();
    let ask = move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
    let asking = thread::Builder::new().stack_size(STACK_LEN).name("dns".to_owned());
    let spawned = asking.spawn({
        let ask = ask.clone();
        move || answer.send(ask()).ok()
    });
    if spawned.is_err() {
        // No thread to be had (RLIMIT_NPROC): better to block than to fail.
        return ask().map_err(LookUp::Failed);
    }
    let until = Instant::now() + timeout;
    loop {
        match answered.recv_timeout(SLICE.min(until.saturating_duration_since(Instant::now()))) {
            Ok(outcome) => return outcome.map_err(LookUp::Failed),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(LookUp::Failed(io::Error::other("the resolver ended without answer")));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Exchange::current().is_some_and(|exchange| exchange.is_cancelled()) {
            return Err(LookUp::Cancelled);
        }
        if Instant::now() >= until {
            return Err(LookUp::TimedOut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn each_call_begins_at_another_address() {
        let found = addresses(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"]);
        let firsts: Vec<_> = (0..4).map(|turn| in_turn(&found, turn)[0]).collect();
        assert_eq!(firsts, addresses(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "1.1.1.1:1"]));
    }

    #[test]
    fn the_families_take_turns_and_the_preferred_one_begins() {
        let found = addresses(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let expected = addresses(&["[::2]:1", "2.2.2.2:1", "[::1]:1", "1.1.1.1:1"]);
        assert_eq!(in_turn(&found, 1), expected);
    }

    #[test]
    fn no_more_addresses_than_ureq_carries() {
        let found: Vec<_> = (0..40).map(|n| SocketAddr::new(IpAddr::from([10, 0, 0, n]), 1)).collect();
        assert_eq!(in_turn(&found, 7).len(), MAX_ADDRESSES);
        assert!(in_turn(&[], 7).is_empty());
    }
}
