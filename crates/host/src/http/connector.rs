//! Opens connections: route, dial, tunnel, TLS.

use std::{fmt, sync::Arc, time::Duration, time::Instant};

use holdfast_core::abi::TransportCause;
use http::Uri;
use rustls::pki_types::ServerName;
use ureq::unversioned::transport::{ConnectionDetails, Connector};

use super::{
    dial::{Undialled, dial},
    exchange::Exchange,
    failure::Stop,
    proxy::{Route, Routes},
    roots::Roots,
    tls::Tls,
    tls_words,
    transport::{Connection, Made},
    tunnel::{self, Forward},
    wait::{Tcp, Trouble, Wire},
};

/// What ureq asks for a connection when its pool has none.
pub(crate) struct Opener {
    pub(crate) routes: Arc<Routes>,
    pub(crate) roots: Roots,
    pub(crate) timeout: Duration,
    pub(crate) user_agent: String,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl Connector for Opener {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, ureq::Error> {
        let exchange = Exchange::current().ok_or(ureq::Error::ConnectionFailed)?;
        Ok(Some(Connection::new(self.open(details, &exchange)?)))
    }
}

impl Opener {
    fn open(&self, details: &ConnectionDetails<'_>, exchange: &Exchange) -> Result<Made, Stop> {
        let target = Target::of(details.uri);
        let until = Instant::now() + self.timeout;
        let route = self.routes.to(details.uri).map_err(|why| Stop::new(TransportCause::Proxy, why))?;
        let (via, cause) = match &route {
            Route::Direct => (target.host.to_owned(), TransportCause::Connect),
            Route::Tunnel(server) | Route::Forward(server) => (server.to_string(), TransportCause::Proxy),
        };
        let (stream, address) = dial(&details.addrs, until, exchange).map_err(|undialled| match undialled {
            Undialled::Cancelled => Stop::cancelled(),
            Undialled::Failed(failed) => Stop::new(cause, format!("cannot connect to {via}: {failed}")),
        })?;
        let mut wire: Box<dyn Wire> = Box::new(Tcp::new(stream));
        let mut forward = None;
        let peer = match &route {
            Route::Direct => format!("{} ({address})", target.host),
            Route::Tunnel(server) | Route::Forward(server) => {
                if server.is_tls {
                    let name = server.host.as_str();
                    wire = self.secure(wire, name, &server.to_string(), until, exchange, cause)?;
                }
                format!("{} (through {server})", target.host)
            }
        };
        match route {
            Route::Direct => {}
            Route::Tunnel(server) => {
                let target = target.host_and_port();
                tunnel::open(&mut wire, &server, &target, &self.user_agent, until, exchange)?;
            }
            Route::Forward(server) => {
                forward = Some(Forward { server, origin: format!("http://{}", target.authority) });
            }
        }
        if target.is_tls {
            let cause = TransportCause::Tls;
            wire = self.secure(wire, target.bare_host(), &peer, until, exchange, cause)?;
        }
        Ok(Made { wire, peer: peer.into(), is_tls: target.is_tls, forward })
    }

    fn secure(
        &self,
        wire: Box<dyn Wire>,
        name: &str,
        peer: &str,
        until: Instant,
        exchange: &Exchange,
        cause: TransportCause,
    ) -> Result<Box<dyn Wire>, Stop> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Stop::new(cause, format!("{peer}: this name cannot stand in a certificate")))?;
        let config = self.roots.config().map_err(|error| Stop::new(cause, format!("TLS cannot be set up: {error}")))?;
        match Tls::handshake(wire, config, name, until, exchange) {
            Ok(tls) => Ok(Box::new(tls)),
            Err(Trouble::Cancelled) => Err(Stop::cancelled()),
            Err(Trouble::TimedOut) => Err(Stop::new(
                cause,
                format!("{peer} did not finish the TLS handshake in {} s", self.timeout.as_secs()),
            )),
            Err(Trouble::Io(error)) => Err(Stop::new(cause, tls_words::describe(&error, peer))),
        }
    }
}

/// Where a URL leads.
struct Target<'a> {
    /// As in the URL: an IPv6 address in brackets.
    host: &'a str,
    port: u16,
    authority: &'a str,
    is_tls: bool,
}

impl<'a> Target<'a> {
    fn of(uri: &'a Uri) -> Self {
        let is_tls = uri.scheme_str() == Some("https");
        Self {
            host: uri.host().unwrap_or(""),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: uri.authority().map_or("", |authority| authority.as_str()),
            is_tls,
        }
    }

    fn bare_host(&self) -> &'a str {
        self.host.trim_matches(['[', ']'])
    }

    fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
