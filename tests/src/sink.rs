//! [`SinkServer`]: answers an uploader as S3 does and keeps nothing but names and sizes.
//!
//! Bodies are thrown away in the kernel (`MSG_TRUNC`), so that a benchmark against it measures the
//! client. A part's ETag is its `Content-MD5` when one was sent (so rclone's own check of the
//! multipart ETag holds), else made up. Checksums are echoed, never verified; signatures are
//! ignored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rustix::net::{RecvFlags, recv};
use rustls::ServerConfig;

use crate::fault::{Operation, Seen};
use crate::http1::{Framing, Wire};
use crate::process::loopback;
use crate::stream::Stream;
use crate::tls::Identity;

/// Room for one receive; nothing is ever copied into it over plain TCP.
const PIECE: usize = 1 << 20;

/// A running sink.
#[derive(Debug)]
pub struct SinkServer {
    address: SocketAddr,
    tls: bool,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    swallowed: AtomicU64,
    requests: AtomicU64,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Object {
    size: u64,
    etag: String,
    /// `x-amz-meta-*` and `x-amz-checksum-*`, given back by HEAD.
    headers: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct Upload {
    parts: BTreeMap<u32, (u64, String)>,
    headers: Vec<(String, String)>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl SinkServer {
    /// Starts one on a free loopback port.
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// The same over TLS.
    pub fn start_tls(identity: &Identity) -> Self {
        Self::launch(Some(identity.server_config()))
    }

    fn launch(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(loopback(0)).expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let server = Self { address, tls: tls.is_some(), shared: Arc::clone(&shared) };
        spawn(move || {
            for tcp in listener.incoming() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(tcp) = tcp else { continue };
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                // A client that hangs up is no event here.
                spawn(move || drop(serve(&shared, tcp, tls.as_ref())));
            }
        });
        server
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes of bodies thrown away so far.
    pub fn swallowed(&self) -> u64 {
        self.shared.swallowed.load(Ordering::Relaxed)
    }

    /// Requests answered so far.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The size of an object that was completed, by `BUCKET/KEY`.
    pub fn size_of(&self, name: &str) -> Option<u64> {
        self.lock().objects.get(name).map(|object| object.size)
    }

    /// How many uploads were begun and neither completed nor aborted.
    pub fn unfinished(&self) -> usize {
        self.lock().uploads.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for SinkServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        TcpStream::connect(self.address).ok();
    }
}

fn serve(shared: &Shared, tcp: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<()> {
    let mut wire = Wire::new(Stream::accept(tcp, tls)?);
    let mut connection_buffer = vec![0; PIECE];
    while let Some(head) = wire.request_head()? {
        if head.expects_continue() {
            wire.stream().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let framing = head.framing()?;
        let seen = Seen::new(head, 0, 0, 0);
        let len = swallow(&mut wire, framing, &mut connection_buffer)?;
        shared.swallowed.fetch_add(len, Ordering::Relaxed);
        shared.requests.fetch_add(1, Ordering::Relaxed);
        // An aws-chunked body has frames and a trailer; this header has the length of the data.
        let len = seen.header("x-amz-decoded-content-length").and_then(|n| n.parse().ok()).unwrap_or(len);
        let answer = {
            let mut state = shared.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            state.answer(&seen, len)
        };
        let mut text = format!(
            "HTTP/1.1 {} {}\r\nServer: sink\r\nDate: {}\r\nx-amz-request-id: SINK{:012X}\r\n",
            answer.status,
            if answer.status < 300 { "OK" } else { "Error" },
            httpdate::fmt_http_date(SystemTime::now()),
            shared.requests.load(Ordering::Relaxed),
        );
        let has_length = answer.headers.iter().any(|(n, _)| n == "Content-Length");
        for (name, value) in &answer.headers {
            write!(text, "{name}: {value}\r\n").ok();
        }
        if !has_length {
            write!(text, "Content-Length: {}\r\n", answer.body.len()).ok();
        }
        text.push_str("\r\n");
        if seen.head.method != "HEAD" {
            text.push_str(&answer.body);
        }
        wire.stream().write_all(text.as_bytes())?;
        wire.stream().flush()?;
    }
    Ok(())
}

/// Reads a body to its end and returns its length.
fn swallow(wire: &mut Wire<Stream>, framing: Framing, buffer: &mut [u8]) -> io::Result<u64> {
    let (Framing::Length(len), Stream::Plain(_)) = (framing, wire.stream()) else {
        let mut body = wire.body(framing);
        let mut sum = 0;
        loop {
            match body.next(buffer)? {
                0 => return Ok(sum),
                n => sum += n as u64,
            }
        }
    };
    let mut left = len - wire.discard_early(len);
    while left > 0 {
        let room = left.min(buffer.len() as u64) as usize;
        let (_, n) = recv(wire.stream().tcp(), &mut buffer[..room], RecvFlags::TRUNC)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= n as u64;
    }
    Ok(len)
}

impl State {
    fn answer(&mut self, seen: &Seen, len: u64) -> Answer {
        let name = format!("{}/{}", seen.bucket, seen.key);
        match seen.operation {
            Operation::PutObject => {
                let etag = self.etag(seen);
                let object = Object { size: len, etag: etag.clone(), headers: kept_headers(seen) };
                self.objects.insert(name, object);
                Answer::ok("").etag(&etag).echo(seen)
            }
            Operation::CreateMultipartUpload => {
                self.next += 1;
                let id = format!("sink-{:08}", self.next);
                self.uploads.insert(id.clone(), Upload { headers: kept_headers(seen), ..Upload::default() });
                let body = format!(
                    "<InitiateMultipartUploadResult xmlns=\"{NAMESPACE}\"><Bucket>{}</Bucket><Key>{}</Key>\
                     <UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
                    seen.bucket,
                    escape(&seen.key),
                );
                let declared = ["x-amz-checksum-algorithm", "x-amz-checksum-type"];
                declared.iter().fold(Answer::ok(&body), |answer, name| match seen.header(name) {
                    Some(value) => answer.header(name, value),
                    None => answer,
                })
            }
            Operation::UploadPart(number) => {
                let etag = self.etag(seen);
                let Some(upload) = seen.param("uploadId").and_then(|id| self.uploads.get_mut(id)) else {
                    return Answer::error(404, "NoSuchUpload");
                };
                upload.parts.insert(number, (len, etag.clone()));
                Answer::ok("").etag(&etag).echo(seen)
            }
            Operation::ListParts => self.list_parts(seen),
            Operation::CompleteMultipartUpload => self.complete(seen, name),
            Operation::AbortMultipartUpload => {
                seen.param("uploadId").and_then(|id| self.uploads.remove(id));
                Answer { status: 204, ..Answer::ok("") }
            }
            Operation::HeadObject => match self.objects.get(&name) {
                Some(object) => {
                    let mut answer = Answer::ok("").etag(&object.etag);
                    answer.headers.extend(object.headers.iter().cloned());
                    answer
                        .header("Content-Length", &object.size.to_string())
                        .header("Last-Modified", &httpdate::fmt_http_date(SystemTime::now()))
                }
                None => Answer::error(404, "NotFound"),
            },
            Operation::GetObject => Answer::error(404, "NoSuchKey"),
            Operation::DeleteObject => {
                self.objects.remove(&name);
                Answer { status: 204, ..Answer::ok("") }
            }
            Operation::ListObjects => {
                let mut body = format!("<ListBucketResult xmlns=\"{NAMESPACE}\">");
                let prefix = format!("{}/{}", seen.bucket, seen.param("prefix").unwrap_or_default());
                for (name, object) in self.objects.iter().filter(|(name, _)| name.starts_with(&prefix)) {
                    let key = name.split_once('/').map_or("", |(_, key)| key);
                    write!(
                        body,
                        "<Contents><Key>{}</Key><Size>{}</Size><ETag>&quot;{}&quot;</ETag>\
                         <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>",
                        escape(key),
                        object.size,
                        object.etag,
                    )
                    .ok();
                }
                Answer::ok(&(body + "<IsTruncated>false</IsTruncated></ListBucketResult>"))
            }
            Operation::ListMultipartUploads => Answer::ok(&format!(
                "<ListMultipartUploadsResult xmlns=\"{NAMESPACE}\"><IsTruncated>false</IsTruncated>\
                 </ListMultipartUploadsResult>"
            )),
            Operation::HeadBucket | Operation::CreateBucket => {
                Answer::ok("").header("x-amz-bucket-region", crate::REGION)
            }
            Operation::ListBuckets => Answer::ok(&format!("<ListAllMyBucketsResult xmlns=\"{NAMESPACE}\"/>")),
            _ => Answer::ok(""),
        }
    }

    fn list_parts(&self, seen: &Seen) -> Answer {
        let Some(upload) = seen.param("uploadId").and_then(|id| self.uploads.get(id)) else {
            return Answer::error(404, "NoSuchUpload");
        };
        let mut body = format!("<ListPartsResult xmlns=\"{NAMESPACE}\"><IsTruncated>false</IsTruncated>");
        for (number, (size, etag)) in &upload.parts {
            write!(
                body,
                "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size></Part>"
            )
            .ok();
        }
        Answer::ok(&(body + "</ListPartsResult>"))
    }

    fn complete(&mut self, seen: &Seen, name: String) -> Answer {
        let Some(upload) = seen.param("uploadId").and_then(|id| self.uploads.remove(id)) else {
            return Answer::error(404, "NoSuchUpload");
        };
        let digests = upload.parts.values().flat_map(|(_, etag)| hex::decode(etag).unwrap_or_default());
        let etag = format!("{}-{}", hex::encode(Md5::digest(digests.collect::<Vec<_>>())), upload.parts.len());
        let size = upload.parts.values().map(|(size, _)| size).sum();
        let mut checksums = String::new();
        let mut headers = upload.headers;
        for (header, value) in kept_headers(seen) {
            if let Some(algorithm) = header.strip_prefix("x-amz-checksum-")
                && algorithm != "type"
            {
                let element = format!("Checksum{}", algorithm.to_ascii_uppercase());
                write!(checksums, "<{element}>{value}</{element}><ChecksumType>FULL_OBJECT</ChecksumType>").ok();
            }
            headers.push((header, value));
        }
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUploadResult xmlns=\"{NAMESPACE}\">\
             <Location>/{}</Location><Bucket>{}</Bucket><Key>{}</Key><ETag>&quot;{etag}&quot;</ETag>{checksums}\
             </CompleteMultipartUploadResult>",
            escape(&name),
            seen.bucket,
            escape(&seen.key),
        );
        self.objects.insert(name, Object { size, etag, headers });
        Answer::ok(&body)
    }

    fn etag(&mut self, seen: &Seen) -> String {
        let sent = seen.header("content-md5").and_then(|md5| STANDARD.decode(md5).ok());
        self.next += 1;
        hex::encode(sent.unwrap_or_else(|| Md5::digest(self.next.to_le_bytes()).to_vec()))
    }
}

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

impl Answer {
    fn ok(body: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/xml".to_owned())];
        Self { status: 200, headers, body: body.to_owned() }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        Self { status, ..Self::ok(&body) }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn etag(self, etag: &str) -> Self {
        self.header("ETag", &format!("\"{etag}\""))
    }

    /// Gives the request's checksums back, as S3 does once it has verified them.
    fn echo(mut self, seen: &Seen) -> Self {
        let checksums = kept_headers(seen).into_iter().filter(|(name, _)| name.starts_with("x-amz-checksum-"));
        self.headers.extend(checksums.filter(|(name, _)| name != "x-amz-checksum-algorithm"));
        self
    }
}

/// The request's metadata and checksums, names in lower case.
fn kept_headers(seen: &Seen) -> Vec<(String, String)> {
    let headers = seen.head.headers.0.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    headers
        .filter(|(name, _)| name.starts_with("x-amz-meta-") || name.starts_with("x-amz-checksum-"))
        .filter(|(name, _)| name != "x-amz-checksum-mode" && name != "x-amz-checksum-algorithm")
        .collect()
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name("sink".into()).spawn(work).expect("a thread can be started");
}
