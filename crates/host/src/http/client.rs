//! The client: ureq, set up to add nothing, follow nothing and lose nothing.

use std::{sync::Arc, time::Duration};

use holdfast_core::abi::TransportCause;
use http::{Request, Uri};
use ureq::{Agent, SendBody};

use super::{
    answer,
    call::{Answer, Call},
    config::{ClientConfig, HttpError, MinimumRate},
    connector::Opener,
    exchange::Exchange,
    failure::{self, Failure},
    limit::Limit,
    outgoing::Outgoing,
    proxy::{Route, Routes, Variable},
    request,
    resolver::Rotating,
    roots::Roots,
    transport, tunnel,
};

/// S3 closes a connection that was idle for about 5 s; one that is used just then loses its
/// request.
const MAX_IDLE_AGE: Duration = Duration::from_secs(4);

/// An answer's head that is longer has no end. It must fit into the connection's input.
pub(crate) const MAX_HEAD_LEN: usize = transport::INPUT_LEN / 2;

/// Sends calls, from any number of threads.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    routes: Arc<Routes>,
    minimum_rate: MinimumRate,
    limit: Option<Arc<Limit>>,
}

impl Client {
    /// A client; proxies are taken from the process's environment where `config` says so.
    ///
    /// # Errors
    /// When the CA file or the proxy's URL is of no use.
    pub fn new(config: &ClientConfig) -> Result<Self, HttpError> {
        Self::with_environment(config, &|name| std::env::var(name).ok())
    }

    /// A client that sees this environment.
    ///
    /// # Errors
    /// When the CA file or the proxy's URL is of no use.
    pub fn with_environment(config: &ClientConfig, variable: Variable<'_>) -> Result<Self, HttpError> {
        let routes = Arc::new(Routes::new(&config.proxy, variable)?);
        let opener = Opener {
            routes: Arc::clone(&routes),
            roots: Roots::new(config.ca_file.as_deref())?,
            timeout: config.connect_timeout,
            user_agent: config.user_agent.clone(),
        };
        let resolver = Rotating::new(Arc::clone(&routes), config.connect_timeout);
        let ureq_config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(config.user_agent.as_str())
            .accept("")
            .accept_encoding("")
            .proxy(None) // routes are ours
            .max_response_header_size(MAX_HEAD_LEN)
            .input_buffer_size(transport::INPUT_LEN)
            .output_buffer_size(transport::OUTPUT_LEN)
            .max_idle_connections(config.connections.saturating_mul(2))
            .max_idle_connections_per_host(config.connections)
            .max_idle_age(MAX_IDLE_AGE)
            .timeout_per_read(Some(config.stall_timeout))
            .timeout_per_write(Some(config.stall_timeout))
            .build();
        let agent = Agent::with_parts(ureq_config, opener, resolver);
        Ok(Self {
            agent,
            routes,
            minimum_rate: config.minimum_rate,
            limit: config.limit_rate.map(|rate| Arc::new(Limit::new(rate))),
        })
    }

    /// Sends one request and receives all of its answer.
    ///
    /// # Errors
    /// When there is no answer, not all of it, or one that is not allowed.
    pub fn send(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let request = request::check(&call)?;
        let uri = request.uri().clone();
        let host = uri.host().unwrap_or("");
        let exchange = Exchange::new(&call, self.minimum_rate);
        let _entered = exchange.enter();
        if exchange.is_cancelled() {
            return Err(failure::from_ureq(failure::Stop::cancelled().into(), &exchange, host));
        }
        let Call { method, body, sink, answer_within, .. } = call;
        let response = if body.is_empty() {
            self.run(request, SendBody::none(), answer_within)
        } else {
            let mut outgoing = Outgoing::new(body, &exchange, self.limit.clone());
            self.run(request, SendBody::from_reader(&mut outgoing), answer_within)
        }
        .map_err(|error| failure::from_ureq(error, &exchange, host))?;
        if response.status() == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            self.blame_proxy(&uri, &exchange, host)?;
        }
        answer::receive(response, method, sink, &exchange, host)
    }

    fn run(
        &self,
        request: Request<()>,
        body: SendBody<'_>,
        answer_within: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let request = request.map(|()| body);
        let request = self.agent.configure_request(request).timeout_recv_response(Some(answer_within)).build();
        self.agent.run(request)
    }

    /// A 407 is the proxy's own, where the proxy answers in the server's place.
    fn blame_proxy(&self, uri: &Uri, exchange: &Exchange, host: &str) -> Result<(), Failure> {
        match self.routes.to(uri) {
            Ok(Route::Forward(server)) => {
                let mut failure = failure::from_ureq(tunnel::wants_password(&server).into(), exchange, host);
                failure.cause = TransportCause::Proxy;
                Err(failure)
            }
            _ => Ok(()),
        }
    }
}
