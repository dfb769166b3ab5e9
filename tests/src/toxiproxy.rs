//! [toxiproxy](https://github.com/Shopify/toxiproxy) in front of a server: faults below HTTP.
//!
//! Its `bandwidth` is per connection; for one line shared by all, use [`crate::SharedPipe`].

use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binaries;
use crate::process::{Server, accepts, free_port, loopback};

/// Which way a toxic works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

/// A running toxiproxy with one proxy in it.
#[derive(Debug)]
pub struct Toxiproxy {
    _server: Server,
    admin: String,
    address: SocketAddr,
    agent: ureq::Agent,
    _dir: TempDir,
}

impl Toxiproxy {
    /// Starts one in front of `upstream`, harmless so far.
    pub fn start(upstream: SocketAddr) -> Self {
        let program = binaries::find("toxiproxy-server");
        let dir = tempfile::Builder::new().prefix("toxiproxy").tempdir().expect("a temporary folder");
        let (admin, address) = (loopback(free_port()), loopback(free_port()));
        let mut server = Server::spawn("toxiproxy", &program, dir.path().join("log"), |command| {
            command.args(["-host", "127.0.0.1", "-port", &admin.port().to_string()]);
        });
        server.wait_until(|| accepts(admin));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let toxiproxy = Self { _server: server, admin: format!("http://{admin}"), address, agent, _dir: dir };
        toxiproxy.post(
            "/proxies",
            &json!({"name": "s3", "listen": address.to_string(), "upstream": upstream.to_string(), "enabled": true}),
        );
        toxiproxy
    }

    /// `http://127.0.0.1:PORT` of the proxied server.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the proxied server is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a toxic: `latency {latency, jitter}` in ms, `bandwidth {rate}` in KB/s,
    /// `limit_data {bytes}`, `reset_peer {timeout}`, `timeout {timeout}`, `slow_close {delay}`,
    /// `slicer {average_size, size_variation, delay}`. It hits this share (0 to 1) of connections.
    pub fn add(&self, kind: &str, direction: Direction, share: f64, attributes: Value) {
        let stream = match direction {
            Direction::Upstream => "upstream",
            Direction::Downstream => "downstream",
        };
        self.post(
            "/proxies/s3/toxics",
            &json!({"name": format!("{kind}-{stream}"), "type": kind, "stream": stream,
                    "toxicity": share, "attributes": attributes}),
        );
    }

    /// Takes a toxic away again.
    pub fn remove(&self, kind: &str, direction: Direction) {
        let stream = if direction == Direction::Upstream { "upstream" } else { "downstream" };
        let url = format!("{}/proxies/s3/toxics/{kind}-{stream}", self.admin);
        let answer = self.agent.delete(&url).call().expect("toxiproxy answers");
        assert!(answer.status().is_success(), "toxiproxy: {}", answer.status());
    }

    /// Takes all toxics away.
    pub fn reset(&self) {
        self.post("/reset", &json!({}));
    }

    /// Cuts every connection and refuses new ones, or lets them through again.
    pub fn set_enabled(&self, enabled: bool) {
        self.post("/proxies/s3", &json!({"enabled": enabled}));
    }

    fn post(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.admin))
            .header("content-type", "application/json")
            .send(&body)
            .expect("toxiproxy answers");
        let status = answer.status();
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        assert!(status.is_success(), "toxiproxy: {status} {text} to {path} {body}");
    }
}
