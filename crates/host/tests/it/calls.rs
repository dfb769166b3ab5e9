//! Calls with the least said, and clients that lose patience soon.

use std::{
    io::Read,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use holdfast_core::abi::Method;

use crate::host::http::{
    Answer, Body, Call, Client, ClientConfig, Failure, MinimumRate, Progress, Proxy, Sink, Wanted,
};

/// Settings with which every test ends soon.
pub(crate) fn config() -> ClientConfig {
    ClientConfig {
        ca_file: None,
        connections: 4,
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(5),
        minimum_rate: MinimumRate { bytes: 0, window: Duration::from_secs(60) },
        limit_rate: None,
        user_agent: "holdfast-test".to_owned(),
        proxy: Proxy::None,
    }
}

pub(crate) fn client() -> Client {
    Client::new(&config()).unwrap()
}

/// A call to be.
pub(crate) struct Ask<'a> {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Body<'a>,
    sink: Option<Sink<'a>>,
    answer_within: Duration,
    pub(crate) cancelled: Arc<AtomicBool>,
    pub(crate) progress: Arc<Progress>,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Body::Empty,
            sink: None,
            answer_within: Duration::from_secs(5),
            cancelled: Arc::default(),
            progress: Arc::default(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bytes(mut self, bytes: &'a [u8]) -> Self {
        self.body = Body::Bytes(bytes);
        self
    }

    pub(crate) fn reader(mut self, reader: &'a mut dyn Read, len: u64) -> Self {
        self.body = Body::Reader { reader, len };
        self
    }

    pub(crate) fn sink(mut self, writer: &'a mut Vec<u8>, len: u64) -> Self {
        self.sink = Some(Sink { writer, wanted: Wanted::Range { offset: 0, len } });
        self
    }

    pub(crate) fn sink_from(mut self, writer: &'a mut Vec<u8>, offset: u64, len: u64) -> Self {
        self.sink = Some(Sink { writer, wanted: Wanted::Range { offset, len } });
        self
    }

    pub(crate) fn sink_last(mut self, writer: &'a mut Vec<u8>, len: u64) -> Self {
        self.sink = Some(Sink { writer, wanted: Wanted::Last { len } });
        self
    }

    pub(crate) fn into(mut self, writer: &'a mut dyn std::io::Write, len: u64) -> Self {
        self.sink = Some(Sink { writer, wanted: Wanted::Range { offset: 0, len } });
        self
    }

    pub(crate) fn answer_within(mut self, limit: Duration) -> Self {
        self.answer_within = limit;
        self
    }

    pub(crate) fn send(mut self, client: &Client) -> Result<Answer, Failure> {
        client.send(Call {
            method: self.method,
            url: &self.url,
            headers: &self.headers,
            body: self.body.reborrow(),
            sink: self.sink.as_mut().map(Sink::reborrow),
            answer_within: self.answer_within,
            cancelled: &self.cancelled,
            progress: &self.progress,
        })
    }
}

pub(crate) fn get(client: &Client, url: impl Into<String>) -> Result<Answer, Failure> {
    Ask::new(Method::Get, url).send(client)
}

/// A source of so many bytes that counts what is taken from it.
pub(crate) struct Source {
    pub(crate) left: u64,
    pub(crate) taken: u64,
}

impl Source {
    pub(crate) fn new(len: u64) -> Self {
        Self { left: len, taken: 0 }
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let bytes = into.len().min(usize::try_from(self.left).unwrap());
        into[..bytes].fill(b'x');
        self.left -= bytes as u64;
        self.taken += bytes as u64;
        Ok(bytes)
    }
}
