//! Three round trips at the most, and a first request at once.

use std::time::{Duration, Instant};

use holdfast_testbed::{FaultProxy, Holdfast, Minio, Script, SharedPipe, fault::Exchange, pipe::Line};

use super::{BUCKET, OWN, run};

/// So long that neither the server's work nor a busy machine's is mistaken for one.
const ROUND_TRIP: Duration = Duration::from_millis(300);

/// A line on which nothing but the distance counts.
const FAR: Line = Line { bits_per_second: 1_000_000_000, round_trip: ROUND_TRIP };

/// Round trips behind connection set-up: what waits for an answer comes in a round trip later than
/// what it waits for.
fn rounds(exchanges: &[Exchange]) -> u128 {
    let times: Vec<Duration> = exchanges.iter().map(|exchange| exchange.at).collect();
    let (first, last) = (times.iter().min().expect("requests"), times.iter().max().expect("requests"));
    1 + (*last - *first).as_millis() / ROUND_TRIP.as_millis()
}

#[test]
fn the_whole_check_takes_three_round_trips() {
    let minio = Minio::start();
    minio.s3().create_bucket(BUCKET);
    let proxy = FaultProxy::start(minio.address(), Script::new());
    let pipe = SharedPipe::start(proxy.address(), FAR);
    let machine = Holdfast::new();
    for time in ["first", "second"] {
        proxy.forget();
        // With every way out asked about, all at once: this key reaches everything.
        run(&machine, &pipe.endpoint(), "check", OWN, &[]).expect_code(3);
        let exchanges = proxy.exchanges();
        assert_eq!(rounds(&exchanges), 3, "the {time} time: {exchanges:#?}");
        let at_once = exchanges.iter().filter(|exchange| exchange.at < exchanges[0].at + ROUND_TRIP).count();
        assert!(at_once >= 20, "only {at_once} of {} asked at once", exchanges.len());
    }
}

/// The module's start is in it: 20 ms are the aim on a quiet machine, for a release build.
#[test]
#[expect(clippy::print_stderr, reason = "the figure is what one runs this for: `--nocapture`")]
fn the_first_request_leaves_at_once() {
    let minio = Minio::start();
    minio.s3().create_bucket(BUCKET);
    let proxy = FaultProxy::start(minio.address(), Script::new());
    let machine = Holdfast::new();
    let began = Instant::now();
    let proxy_began = began - proxy.age();
    let mut times: Vec<Duration> = (0..10)
        .map(|_| {
            proxy.forget();
            let started = Instant::now();
            run(&machine, &proxy.endpoint(), "check", OWN, &["--no-isolation"]).expect_ok();
            let first = proxy.exchanges().first().expect("a request").at;
            (proxy_began + first).saturating_duration_since(started)
        })
        .collect();
    times.sort();
    let median = times[times.len() / 2];
    eprintln!("from the start to the first request: {median:?} ({:?} to {:?})", times[0], times[9]);
    assert!(median < Duration::from_millis(100), "{times:?}");
}
