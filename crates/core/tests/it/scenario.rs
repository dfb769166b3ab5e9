//! A job, a server, a clock that only we move, and the power switch.

use std::collections::VecDeque;

use holdfast_core::{
    abi::{Frame, Input, Millis, Output, Session},
    endpoint::Endpoint,
    event::Event,
    job::{Fetch, Job, ObjectSettings, Remembered, Target, Upload, Work},
    journal::Record,
    name::{Bucket, Key},
    plan::Geometry,
    report::Outcome,
    secret::{Credentials, Secret},
    session::S3Session,
};

use crate::sim_s3::{Server, only};

/// Noon, so that no date rolls over by accident.
pub(crate) const NOON: Millis = Millis(1_795_435_200_000);
pub(crate) const KEY: &str = "home/client1/site.zip";
/// The unit of the uploads here: parts of five units, so that every fault at every call is cheap.
pub(crate) const UNIT: usize = 1 << 10;

/// What is left when the power fails: the disk and the bucket.
pub(crate) struct Scenario {
    pub(crate) server: Server,
    pub(crate) job: Job,
    pub(crate) source: Vec<u8>,
    pub(crate) sink: Vec<u8>,
    pub(crate) journal: Vec<Record>,
    pub(crate) remembered: Remembered,
    pub(crate) now: Millis,
    pub(crate) events: Vec<Event>,
    /// Inputs that were on their way at one time.
    pub(crate) most_in_flight: usize,
    /// Times fresh keys were asked for.
    pub(crate) renewals: u32,
    /// A crash loses records that were not durable.
    pub(crate) lossy: bool,
    /// Parts whose bytes change after they were hashed.
    pub(crate) seed: u64,
}

impl Scenario {
    /// An upload of `len` bytes to an endpoint without TLS quirks.
    pub(crate) fn upload(len: usize) -> Self {
        Self::of(
            Work::Upload(Box::new(Upload {
                key: Key::parse(KEY).unwrap(),
                len: len as u64,
                part_len: Some(5 * UNIT as u64),
                overwrite: false,
                object: ObjectSettings::default(),
                orphans: Vec::new(),
            })),
            bytes(len),
        )
    }

    pub(crate) fn fetch(keep: bool) -> Self {
        let key = Key::parse(KEY).unwrap();
        Self::of(Work::Fetch(Fetch { key, etag: None, keep, known: None }), Vec::new())
    }

    pub(crate) fn of(work: Work, source: Vec<u8>) -> Self {
        let endpoint = Endpoint::parse("https://s3.example.com", None).unwrap().0;
        Self {
            server: Server::default(),
            job: Job {
                run: "run-1".into(),
                target: Target {
                    endpoint,
                    region: None,
                    bucket: Bucket::parse("backups").unwrap(),
                    expected_owner: None,
                },
                work,
                patience_ms: 900_000,
                concurrency: 4,
            },
            source,
            sink: Vec::new(),
            journal: Vec::new(),
            remembered: Remembered::default(),
            now: NOON,
            events: Vec::new(),
            most_in_flight: 0,
            renewals: 0,
            lossy: false,
            seed: 7,
        }
    }

    pub(crate) fn upload_job(&mut self) -> &mut Upload {
        match &mut self.job.work {
            Work::Upload(upload) => upload,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn with_fault(mut self, call: usize, fault: crate::sim_s3::Fault) -> Self {
        self.server.faults.insert(call, fault);
        self
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) -> Outcome {
        self.run_until(usize::MAX).expect("the job ends")
    }

    /// The part length that a provider would refuse, as if an earlier run had planned with it.
    fn plan_small_parts(&mut self) {
        let Work::Upload(upload) = &self.job.work else { return };
        if matches!(self.journal.last(), None | Some(Record::Completed { .. })) {
            let geometry = Geometry { len: upload.len, part_len: 5 * UNIT as u64 };
            let first = self.job.target.endpoint.provider.quirks().first_rung;
            let rung = self.remembered.rung.unwrap_or(first);
            self.journal.push(Record::Planned { geometry, rung, at: self.now });
        }
    }

    /// Runs until the power fails after `outputs` outputs; `None` when it did.
    pub(crate) fn run_until(&mut self, outputs: usize) -> Option<Outcome> {
        self.plan_small_parts();
        let mut session = S3Session::new();
        let mut left = outputs;
        let mut inbox = VecDeque::from([Frame {
            header: Input::Start {
                now: self.now,
                seed: self.seed,
                job: Box::new(self.job.clone()),
                credentials: Some(credentials("AKIDEXAMPLE")),
                journal: self.journal.clone(),
                remembered: self.remembered.clone(),
            },
            body: Vec::new(),
        }]);
        let mut wake = None;
        let mut durable = self.journal.len();
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(turns < 100_000, "the job goes on for ever; calls: {:?}", self.server.calls.len());
            self.most_in_flight = self.most_in_flight.max(inbox.len());
            let Some(input) = inbox.pop_front() else {
                let Some(at) = wake.take() else { panic!("the job waits for nothing; calls: {:?}", self.server.calls) };
                self.now = self.now.max(at);
                inbox.push_back(Frame { header: Input::Tick { now: self.now }, body: Vec::new() });
                continue;
            };
            // Each answer takes a moment.
            self.now = self.now.plus(1);
            let frame = session.handle(&stamp(input, self.now)).expect("in process");
            for output in frame.header {
                if left == 0 {
                    if self.lossy {
                        self.journal.truncate(durable);
                    }
                    return None;
                }
                left -= 1;
                match output {
                    Output::Request(request) => {
                        let inline = match request.body {
                            holdfast_core::abi::BodySource::Inline { start, len } => &frame.body[start..start + len],
                            _ => &[],
                        };
                        let reply = self.server.answer(&request, inline, &self.source, self.now);
                        if let Some((offset, bytes)) = reply.sunk {
                            let end = offset as usize + bytes.len();
                            if self.sink.len() < end {
                                self.sink.resize(end, 0);
                            }
                            self.sink[offset as usize..end].copy_from_slice(&bytes);
                        }
                        inbox.push_back(Frame { header: reply.input, body: reply.body });
                    }
                    Output::NeedPart { part, offset, len, digests: wanted } => {
                        let from = if self.source.is_empty() { &self.sink } else { &self.source };
                        let bytes = from.get(offset as usize..(offset + len) as usize).unwrap_or(&[]);
                        let digests = only(bytes, &wanted);
                        let len = bytes.len() as u64;
                        let header = Input::PartReady { now: self.now, part, len, digests, last: false };
                        inbox.push_back(Frame { header, body: Vec::new() });
                    }
                    Output::Journal { record, durable: now_durable } => {
                        self.journal.push(record);
                        if now_durable {
                            durable = self.journal.len();
                        }
                    }
                    Output::Remember(remembered) => self.remembered = remembered,
                    Output::WaitUntil { at } => wake = Some(at),
                    Output::NeedCredentials => {
                        self.renewals += 1;
                        let credentials = Some(credentials("AKIDFRESH"));
                        inbox.push_back(Frame {
                            header: Input::Credentials { now: self.now, credentials },
                            body: Vec::new(),
                        });
                    }
                    Output::Event(event) => self.events.push(event),
                    Output::Done(outcome) => return Some(*outcome),
                }
            }
        }
    }

    /// Whether the bucket holds exactly the archive, under its key.
    pub(crate) fn stored(&self) -> bool {
        self.server.objects.get(KEY).is_some_and(|object| object.bytes == self.source)
    }

    /// Unfinished uploads that hold parts.
    pub(crate) fn orphans(&self) -> usize {
        self.server.uploads.values().filter(|upload| !upload.parts.is_empty()).count()
    }

    /// How often an operation was called.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.server.calls.iter().filter(|call| *call == operation).count()
    }
}

/// Bytes that differ from place to place.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn credentials(access_key_id: &str) -> Credentials {
    Credentials {
        access_key_id: access_key_id.into(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
        session_token: None,
        expires_at: None,
    }
}

fn stamp(mut frame: Frame<Input>, at: Millis) -> Frame<Input> {
    match &mut frame.header {
        Input::Start { now, .. }
        | Input::Credentials { now, .. }
        | Input::Response { now, .. }
        | Input::Failed { now, .. }
        | Input::PartReady { now, .. }
        | Input::Tick { now }
        | Input::Cancel { now, .. } => *now = at,
    }
    frame
}

/// The parts that an event of a resumed run says were kept.
pub(crate) fn kept(events: &[Event]) -> Option<u32> {
    events.iter().find_map(|event| match event {
        Event::Resumed { parts_kept, .. } => Some(*parts_kept),
        _ => None,
    })
}
