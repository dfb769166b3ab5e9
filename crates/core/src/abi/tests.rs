use super::*;
use crate::{
    error::{Error, Evidence, Kind},
    name::UploadId,
    plan::Geometry,
    provider::Rung,
    report::{Compared, FetchReport, Proof, Report, UploadReport},
};

fn error() -> Error {
    let kind = Kind::AccessDenied { action: Some("s3:PutObject".into()), resource: None };
    let evidence = Evidence { operation: "PutObject".into(), status: 403, ..Evidence::default() };
    Error::new(kind, "cannot").hint("allow it").evidence(evidence)
}

/// One of each shape that crosses the seam: in process nothing is serialised, so only this and
/// the replay of traces would notice one that cannot be read back.
fn outputs() -> Vec<Output> {
    let upload_id = UploadId::parse("id").expect("valid");
    let report = UploadReport {
        etag: "e".into(),
        version_id: None,
        len: 7,
        parts: 1,
        bytes_sent: 7,
        bytes_kept: 0,
        crc64nvme: Some("x".into()),
        proof: Proof { parts: Rung::Crc64nvme, whole: true, looked: false },
        retries: 1,
    };
    let fetch = FetchReport {
        etag: "e".into(),
        len: 7,
        bytes_received: 7,
        crc64nvme: None,
        compared_with: vec![Compared::Etag],
    };
    let geometry = Geometry { len: 7, part_len: 5 };
    vec![
        Output::Request(Request {
            id: RequestId(1),
            method: Method::Put,
            url: "https://h/b/k".into(),
            headers: vec![("a".into(), "b".into())],
            body: BodySource::Part { part: 1, offset: 0, len: 7 },
            sink: Sink::Range { offset: 0, len: 7, digests: vec![DigestKind::Md5] },
            answer_within_ms: 1,
        }),
        Output::NeedPart { part: 1, offset: 0, len: 7, digests: vec![DigestKind::Sha256] },
        Output::Journal { record: Record::Planned { geometry, rung: Rung::Etag, at: Millis(1) }, durable: true },
        Output::Journal { record: Record::Created { upload_id, abort_at: Some(Millis(2)) }, durable: true },
        Output::Remember(Remembered::default()),
        Output::WaitUntil { at: Millis(3) },
        Output::NeedCredentials,
        Output::Event(Event::Warning(error())),
        Output::Event(Event::PartDone { part: 1, len: 7 }),
        Output::Done(Box::new(Outcome::Failed(error()))),
        Output::Done(Box::new(Outcome::Failed(Error::new(Kind::Cancelled, "stopped")))),
        Output::Done(Box::new(Outcome::Done(Report::Upload(report)))),
        Output::Done(Box::new(Outcome::Done(Report::Fetch(fetch)))),
        Output::Done(Box::new(Outcome::Done(Report::List { objects: 1, bytes: 2 }))),
        Output::Done(Box::new(Outcome::Done(Report::Abort { aborted: 1 }))),
    ]
}

#[test]
fn what_crosses_the_seam_arrives_as_it_was() {
    for output in outputs() {
        let frame = Frame { header: vec![output], body: vec![1, 2, 3] };
        let bytes = frame.encode().expect("encodes");
        assert_eq!(Frame::<Vec<Output>>::decode(&bytes).expect("decodes"), frame);
    }
}

#[test]
fn torn_and_oversized_frames_are_errors() {
    let whole = Frame { header: vec![Output::NeedCredentials], body: vec![7; 9] }.encode().expect("encodes");
    let header_len = whole.len() - 9;
    for len in 0..header_len {
        assert!(Frame::<Vec<Output>>::decode(&whole[..len]).is_err(), "cut at {len}");
    }
    assert!(Frame { header: (), body: vec![0; MAX_FRAME_LEN] }.encode().is_err());
    assert!(matches!(
        Frame::<()>::decode(&[255, 255, 255, 255, 0]),
        Err(FrameError::Truncated { header_len: 0xffff_ffff, .. })
    ));
}
