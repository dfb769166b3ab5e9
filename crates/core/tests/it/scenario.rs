//! A job, a server, a clock that only we move, and the power switch.

use std::collections::{BTreeMap, VecDeque};

use holdfast_core::{
    abi::{BodySource, Frame, Input, Millis, Output, Session},
    endpoint::Endpoint,
    event::Event,
    job::{Backup, Base, Fetch, Job, ObjectSettings, Remembered, Target, Upload, Work},
    journal::Record,
    name::{Bucket, Key},
    plan::{Extent, Geometry, Schedule},
    report::Outcome,
    secret::{Credentials, Secret},
    session::S3Session,
};

use crate::sim_s3::{Object, Server, only};

/// Noon, so that no date rolls over by accident.
pub(crate) const NOON: Millis = Millis(1_795_435_200_000);
pub(crate) const KEY: &str = "home/client1/site.zip";
/// What a backup copies from.
pub(crate) const OLD_KEY: &str = "home/client1/old site.zip";
/// The unit of the uploads here: parts of five units, so that every fault at every call is cheap.
pub(crate) const UNIT: usize = 1 << 10;

/// What is left when the power fails: the disk and the bucket.
#[derive(Clone)]
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
    pub(crate) seed: u64,
    /// What makes the stream of a backup.
    pub(crate) producer: Producer,
    /// Plan with parts of five units, which no provider would take.
    pub(crate) small_parts: bool,
}

/// Makes a stream of bytes, once: what was released of it is gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Producer {
    /// How many bytes a run's stream has.
    pub(crate) len: usize,
    /// Runs so far: each makes bytes of its own.
    pub(crate) runs: u8,
    /// Where this run's stream begins in the object, once the first part was asked for.
    pub(crate) begins: Option<u64>,
    /// Offset in the stream of the next part to make.
    made: usize,
    /// The parts that are held, with whether each is the last.
    held: BTreeMap<u32, (u64, u64, bool)>,
    /// The most parts that were held at one time.
    pub(crate) most_held: usize,
    /// The object that this run should make, as far as it is known.
    pub(crate) object: Vec<u8>,
    ended: bool,
    /// The module has been told that.
    told: bool,
    /// How long each part takes to be made.
    pub(crate) slow_ms: u64,
}

impl Producer {
    /// Begins a run: an earlier run's bytes stay where they were in `object`.
    fn begin(&mut self) {
        self.runs += 1;
        (self.begins, self.made, self.ended, self.told) = (None, 0, false, false);
        self.held.clear();
    }

    /// Makes or finds a part; gives its length and whether it is the last. `None` if it was asked
    /// for when the last was made already.
    fn part(&mut self, number: u32, offset: u64, len: u64) -> Option<(u64, bool)> {
        if let Some((at, held, last)) = self.held.get(&number) {
            assert_eq!((*at, *held), (offset, len), "part {number} is asked for again, and otherwise");
            return Some((*held, *last));
        }
        assert!(!self.told, "part {number} is asked for after the last");
        if self.ended {
            return None;
        }
        let begins = *self.begins.get_or_insert(offset);
        assert_eq!(begins + self.made as u64, offset, "part {number} is not the next, or is gone");
        let part_len = (self.len - self.made).min(len as usize);
        let run = self.runs;
        self.object.truncate(offset as usize);
        assert_eq!(self.object.len() as u64, offset);
        self.object
            .extend((self.made..self.made + part_len).map(|i| (i as u8).wrapping_mul(31) ^ (i >> 8) as u8 ^ run));
        self.made += part_len;
        self.ended = self.made == self.len;
        self.held.insert(number, (offset, part_len as u64, self.ended));
        self.most_held = self.most_held.max(self.held.len());
        Some((part_len as u64, self.ended))
    }
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
            producer: Producer::default(),
            small_parts: true,
        }
    }

    /// A backup whose stream has `len` bytes, in parts of five units, behind these many units that
    /// are copied from an earlier object, a part each.
    pub(crate) fn backup(len: usize, copied: &[usize]) -> Self {
        let old = bytes(3 * UNIT + 2 * copied.iter().sum::<usize>() * UNIT);
        let etag = "0123456789abcdef-7".to_owned();
        let mut parts = Vec::new();
        let mut offset = UNIT;
        for units in copied {
            parts.push(Extent { offset: offset as u64, len: (units * UNIT) as u64 });
            offset += (units + 1) * UNIT;
        }
        let kept: Vec<u8> =
            parts.iter().flat_map(|part| old[part.offset as usize..part.end() as usize].to_vec()).collect();
        let base = (!parts.is_empty()).then(|| Base { key: Key::parse(OLD_KEY).unwrap(), etag: etag.clone(), parts });
        let mut scenario = Self::of(
            Work::Backup(Box::new(Backup {
                key: Key::parse(KEY).unwrap(),
                base,
                estimate: len as u64,
                window: 3,
                object: ObjectSettings::default(),
                orphans: Vec::new(),
            })),
            Vec::new(),
        );
        let object = Object { bytes: old, etag, headers: Vec::new(), crc64: None };
        scenario.server.objects.insert(OLD_KEY.into(), object);
        scenario.producer = Producer { len, object: kept, ..Producer::default() };
        scenario
    }

    pub(crate) fn backup_job(&mut self) -> &mut Backup {
        match &mut self.job.work {
            Work::Backup(backup) => backup,
            other => panic!("{other:?}"),
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
        if !self.small_parts {
            return;
        }
        let rung = self.remembered.rung.unwrap_or(self.job.target.endpoint.provider.quirks().first_rung);
        if let (Work::Backup(backup), false) = (&self.job.work, has_plan(&self.journal)) {
            let (key, base) = (backup.key.clone(), backup.base.clone());
            let schedule = Schedule { part_len: 5 * UNIT as u64, steady: 90, step: 1, parts: 100 };
            self.journal.push(Record::PlannedBackup { key, base, schedule, rung, at: self.now });
        }
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
        let is_backup = matches!(self.job.work, Work::Backup(_));
        self.producer.begin();
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
            self.producer.told |= matches!(input.header, Input::PartReady { last: true, .. });
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
                            BodySource::Inline { start, len } => &frame.body[start..start + len],
                            _ => &[],
                        };
                        if let (true, BodySource::Part { part, .. }) = (is_backup, request.body) {
                            assert!(self.producer.held.contains_key(&part), "part {part} is sent, and not there");
                        }
                        let source = if is_backup { &self.producer.object } else { &self.source };
                        let reply = self.server.answer(&request, inline, source, self.now);
                        if let Some((offset, bytes)) = reply.sunk {
                            let end = offset as usize + bytes.len();
                            if self.sink.len() < end {
                                self.sink.resize(end, 0);
                            }
                            self.sink[offset as usize..end].copy_from_slice(&bytes);
                        }
                        inbox.push_back(Frame { header: reply.input, body: reply.body });
                    }
                    Output::NeedPart { part, offset, len, digests: wanted } if is_backup => {
                        let Some((len, last)) = self.producer.part(part, offset, len) else { continue };
                        self.now = self.now.plus(self.producer.slow_ms);
                        let window = self.backup_job().window as usize;
                        assert!(self.producer.held.len() <= window, "the window is exceeded: {:?}", self.producer.held);
                        let digests = only(&self.producer.object[offset as usize..(offset + len) as usize], &wanted);
                        let header = Input::PartReady { now: self.now, part, len, digests, last };
                        inbox.push_back(Frame { header, body: Vec::new() });
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
                    Output::Event(event) => {
                        if let (true, Event::PartDone { part, len }) = (is_backup, &event) {
                            let (_, held, _) = self.producer.held.remove(part).expect("it was held");
                            assert_eq!(held, *len);
                        }
                        self.events.push(event);
                    }
                    Output::Done(outcome) => return Some(*outcome),
                }
            }
        }
    }

    /// Whether the bucket holds exactly the archive, under its key.
    pub(crate) fn stored(&self) -> bool {
        self.server.objects.get(KEY).is_some_and(|object| object.bytes == self.source)
    }

    /// Whether the bucket holds exactly what was copied and streamed, under its key.
    pub(crate) fn backed_up(&self) -> bool {
        self.server.objects.get(KEY).is_some_and(|object| object.bytes == self.producer.object)
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

/// Whether the journal's last plan of a backup still counts.
fn has_plan(journal: &[Record]) -> bool {
    let mut plan = None;
    if journal.iter().any(|record| matches!(record, Record::Completed { etag, .. } if !etag.is_empty())) {
        return true;
    }
    for record in journal {
        match record {
            Record::PlannedBackup { .. } => plan = Some(None),
            Record::Created { upload_id, .. } => plan = Some(Some(upload_id.clone())),
            Record::Aborted { upload_id } if plan == Some(Some(upload_id.clone())) => plan = None,
            _ => {}
        }
    }
    plan.is_some()
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
