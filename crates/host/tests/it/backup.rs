//! A stream through the driver, the embedded module and the fence into a server: the first night,
//! the second, and one whose producer fails.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
};

use holdfast::{
    driver::{Driver, Feed, Watcher, World},
    http::Client,
    sandbox::WasmSession,
    signal::Stop,
    state::journal::Journal,
    stream::{Ended, Stream},
};
use holdfast_core::{
    abi::AfterCancel,
    endpoint::{Endpoint, decode},
    error::{Error, Kind},
    event::Event,
    job::{Backup, Base, Job, ObjectSettings, Remembered, Target, Work},
    name::{Bucket, Key, Region},
    plan::Extent,
    report::{BackupReport, Outcome, Report},
    secret::{Credentials, Secret},
};
use md5::{Digest, Md5};

use crate::{
    calls,
    server::{Peer, Server, header},
};

const MIB: usize = 1 << 20;

/// As much of S3 as a backup needs.
#[derive(Default)]
struct Bin {
    objects: BTreeMap<String, (Vec<u8>, String, String)>,
    uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    sent: usize,
}

fn etag(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

impl Bin {
    /// The answer to a request, whole.
    fn answer(&mut self, head: &str, body: Vec<u8>) -> String {
        let mut words = head.split(' ');
        let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = decode(path.strip_prefix("/backups/").expect("the bucket")).expect("encoded");
        let query: BTreeMap<_, _> = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        let ok =
            |more: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{more}content-length: {}\r\n\r\n{body}", body.len());
        let run = header(head, "x-amz-meta-holdfast-run").unwrap_or_default().to_owned();
        let id = query.get("uploadId").map(|id| (*id).to_owned()).unwrap_or_default();
        let number = query.get("partNumber").and_then(|number| number.parse::<u32>().ok());
        match (method, number) {
            ("HEAD", _) => match self.objects.get(&key) {
                None => "HTTP/1.1 404 Not Found\r\n\r\n".to_owned(),
                Some((bytes, etag, run)) => format!(
                    "HTTP/1.1 200 OK\r\netag: \"{etag}\"\r\nx-amz-meta-holdfast-run: {run}\r\ncontent-length: {}\r\n\r\n",
                    bytes.len()
                ),
            },
            ("POST", _) if query.contains_key("uploads") => {
                let id = format!("id{}", self.uploads.len());
                self.uploads.insert(id.clone(), (run, BTreeMap::new()));
                ok(
                    "",
                    &format!(
                        "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                    ),
                )
            }
            ("PUT", Some(number)) if header(head, "x-amz-copy-source").is_some() => {
                let source = decode(header(head, "x-amz-copy-source").expect("a source")).expect("encoded");
                let (bytes, tag, _) = &self.objects[source.strip_prefix("backups/").expect("the bucket")];
                assert_eq!(header(head, "x-amz-copy-source-if-match"), Some(format!("\"{tag}\"").as_str()));
                let range = header(head, "x-amz-copy-source-range").expect("a range");
                let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).expect("one");
                let range = first.parse::<usize>().expect("a number")..=last.parse().expect("a number");
                let bytes = bytes[range].to_vec();
                let tag = etag(&bytes);
                self.uploads.get_mut(&id).expect("it was created").1.insert(number, bytes);
                ok("", &format!("  \n<CopyPartResult><ETag>\"{tag}\"</ETag></CopyPartResult>"))
            }
            ("PUT", Some(number)) => {
                let tag = etag(&body);
                self.sent += body.len();
                self.uploads.get_mut(&id).expect("it was created").1.insert(number, body);
                ok(&format!("etag: \"{tag}\"\r\n"), "")
            }
            ("PUT", None) => {
                let tag = etag(&body);
                self.sent += body.len();
                self.objects.insert(key, (body, tag.clone(), run));
                ok(&format!("etag: \"{tag}\"\r\n"), "")
            }
            ("GET", _) if query.contains_key("uploadId") => {
                let part = |(number, bytes): (&u32, &Vec<u8>)| {
                    let tag = etag(bytes);
                    format!(
                        "<Part><PartNumber>{number}</PartNumber><Size>{}</Size><ETag>{tag}</ETag></Part>",
                        bytes.len()
                    )
                };
                let parts: String = self.uploads[&id].1.iter().map(part).collect();
                ok("", &format!("<ListPartsResult>{parts}</ListPartsResult>"))
            }
            ("POST", _) => {
                let (run, parts) = self.uploads.remove(&id).expect("it was created");
                let whole: Vec<u8> = parts.into_values().flatten().collect();
                let tag = format!("{}-n", etag(&whole));
                self.objects.insert(key, (whole, tag.clone(), run));
                ok("", &format!("<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"))
            }
            other => panic!("none of these jobs asks for {other:?}"),
        }
    }
}

struct Silent;

impl Watcher for Silent {
    fn event(&mut self, _event: &Event) {}
    fn progress(&mut self, _bytes: u64) {}
    fn remember(&mut self, _remembered: Remembered) {}
}

/// A server, and the journal of the night.
struct Night {
    bin: Arc<Mutex<Bin>>,
    endpoint: String,
    folder: tempfile::TempDir,
    _server: Server,
}

impl Night {
    fn new() -> Self {
        let bin: Arc<Mutex<Bin>> = Arc::default();
        let serving = Arc::clone(&bin);
        let server = Server::plain(move |peer: &mut dyn Peer, _| {
            while let Some((head, body)) = peer.request() {
                let answer = serving.lock().expect("well").answer(&head, body);
                peer.say(&answer);
            }
        });
        let endpoint = server.url("");
        Self { bin, endpoint, folder: tempfile::tempdir().expect("a folder"), _server: server }
    }

    fn object(&self, key: &str) -> (Vec<u8>, String) {
        let bin = self.bin.lock().expect("well");
        let (bytes, etag, _) = &bin.objects[key];
        (bytes.clone(), etag.clone())
    }

    /// Runs a backup whose stream a producer makes.
    fn run(
        &self,
        key: &str,
        base: Option<Base>,
        produce: impl FnOnce(&Stream) -> Result<(), Ended> + Send + 'static,
    ) -> (Outcome, Result<(), Ended>) {
        let stream = Stream::new();
        let producer = thread::spawn({
            let stream = Arc::clone(&stream);
            move || produce(&stream)
        });
        let (journal, read) = Journal::open(&self.folder.path().join(key.replace('/', "-"))).expect("a journal");
        let job = Job {
            run: "run-1".to_owned(),
            target: Target {
                endpoint: Endpoint::parse(&self.endpoint, None).expect("an endpoint").0,
                region: Some(Region::parse("us-east-1").expect("a region")),
                bucket: Bucket::parse("backups").expect("a bucket"),
                expected_owner: None,
            },
            work: Work::Backup(Box::new(Backup {
                key: Key::parse(key).expect("a key"),
                base,
                estimate: 10 << 20,
                window: 2,
                object: ObjectSettings::default(),
                orphans: Vec::new(),
            })),
            patience_ms: 5_000,
            concurrency: 3,
        };
        let keys = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("secret".to_owned()),
            session_token: None,
            expires_at: None,
        };
        let mut session = WasmSession::new(1).expect("the module");
        let mut refresh = || Ok(None);
        let driver = Driver {
            session: &mut session,
            client: Arc::new(Client::new(&calls::config()).expect("a client")),
            world: World { source: Some(Feed::Stream(stream)), destination: None },
            journal: Some(journal),
            watcher: &mut Silent,
            refresh: &mut refresh,
            stop: &Stop::default(),
        };
        let outcome = driver.run(job, Some(keys), read.records, Remembered::default(), 7).expect("it runs");
        (outcome, producer.join().expect("the producer"))
    }

    fn done(
        &self,
        key: &str,
        base: Option<Base>,
        produce: impl FnOnce(&Stream) -> Result<(), Ended> + Send + 'static,
    ) -> BackupReport {
        match self.run(key, base, produce) {
            (Outcome::Done(Report::Backup(report)), Ok(())) => report,
            other => panic!("{other:?}"),
        }
    }
}

/// Bytes that differ from place to place, and from seed to seed.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| ((i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn write_all(stream: &Stream, bytes: &[u8]) -> Result<(), Ended> {
    bytes.chunks(77_777).try_for_each(|chunk| stream.write(chunk))
}

#[test]
fn a_small_site_goes_in_one_request_and_a_larger_one_in_parts() {
    for len in [0, 1, 5 * MIB, 5 * MIB + 1, 13 * MIB] {
        let night = Night::new();
        let whole = bytes(1, len);
        let sent = whole.clone();
        let report = night.done("site/1.zip", None, move |stream| {
            assert_eq!(stream.begin()?, 0);
            write_all(stream, &sent)?;
            assert_eq!(stream.position(), sent.len() as u64);
            stream.finish()
        });
        assert_eq!((report.len, report.parts), (len as u64, len.div_ceil(5 * MIB).max(1) as u32));
        assert!(night.object("site/1.zip").0 == whole, "{len} bytes did not arrive as they were");
    }
}

#[test]
fn the_second_night_sends_what_is_new() {
    let night = Night::new();
    let old = bytes(1, 13 * MIB);
    let sent = old.clone();
    night.done("site/1.zip", None, move |stream| write_all(stream, &sent).and_then(|()| stream.finish()));
    let parts = vec![Extent { offset: 0, len: 6 << 20 }, Extent { offset: 7 << 20, len: 5 << 20 }];
    let base = Base { key: Key::parse("site/1.zip").expect("a key"), etag: night.object("site/1.zip").1, parts };
    let before = night.bin.lock().expect("well").sent;
    let new = bytes(2, 6 * MIB);
    let sent = new.clone();
    let report = night.done("site/2.zip", Some(base), move |stream| {
        assert_eq!(stream.begin()?, 11 << 20);
        write_all(stream, &sent)?;
        stream.finish()
    });
    assert_eq!((report.bytes_copied, report.bytes_sent), (11 << 20, 6 << 20));
    assert_eq!(night.bin.lock().expect("well").sent - before, 6 * MIB);
    assert!(night.object("site/2.zip").0 == [&old[..6 * MIB], &old[7 * MIB..12 * MIB], &new].concat());
}

#[test]
fn what_arrived_before_a_failure_is_kept_for_the_next_run() {
    let night = Night::new();
    let whole = bytes(1, 23 * MIB);
    let sent = whole.clone();
    let (outcome, produced) = night.run("site/1.zip", None, move |stream| {
        write_all(stream, &sent[..18 * MIB])?;
        // Three parts are full; the window lets the third be filled only when the first is there.
        while stream.arrived() < (15 << 20) {
            thread::sleep(std::time::Duration::from_millis(5));
        }
        stream.fail(Error::new(Kind::Source, "the database went away"), AfterCancel::Keep);
        stream.write(b"more")
    });
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.kind, error.what.as_str()), (Kind::Source, "the database went away"));
    assert_eq!(produced, Err(Ended));
    let sent = whole.clone();
    let report = night.done("site/1.zip", None, move |stream| {
        let begins = stream.begin()?;
        assert_eq!((begins, stream.arrived()), (15 << 20, 15 << 20));
        write_all(stream, &sent[begins as usize..])?;
        stream.finish()
    });
    assert_eq!((report.bytes_kept, report.bytes_sent), (15 << 20, 8 << 20));
    assert!(night.object("site/1.zip").0 == whole);
}
