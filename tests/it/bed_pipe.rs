//! The shared line is no faster than it says, for one connection and for several. How close it comes
//! to its speed on an idle machine is seen in the benchmark.

use std::thread;
use std::time::{Duration, Instant};

use holdfast_testbed::pipe::Line;
use holdfast_testbed::{S3, SharedPipe, SinkServer, data};

/// A faster line than the benchmark's, to keep the test short: 16 MiB need 0.67 s.
const LINE: Line = Line { bits_per_second: 200_000_000, round_trip: Duration::from_millis(40) };

#[test]
fn an_empty_request_takes_the_handshake_and_one_round_trip() {
    let sink = SinkServer::start();
    let pipe = SharedPipe::start(sink.address(), LINE);
    let s3 = S3::new(pipe.endpoint());
    let first = timed(|| drop(s3.head("bed", "k")));
    assert!(first >= LINE.round_trip * 2, "{first:?}");
    let second = timed(|| drop(s3.head("bed", "k")));
    assert!(second >= LINE.round_trip, "{second:?}");
}

#[test]
fn four_connections_share_one_line() {
    let sink = SinkServer::start();
    let pipe = SharedPipe::start(sink.address(), LINE);
    let piece = data::bytes(1, 4 << 20);
    let time = timed(|| {
        thread::scope(|scope| {
            for n in 0..4 {
                let (s3, piece) = (S3::new(pipe.endpoint()), &piece);
                scope.spawn(move || s3.put("bed", &format!("k{n}"), piece));
            }
        });
    });
    let line = LINE.least_time(16 << 20);
    assert!(time >= line, "{time:?} is faster than the line's {line:?}");
    // Four lines in parallel would be four times as fast; four times as slow is a busy machine.
    assert!(time < line * 4, "{time:?} is far slower than the line's {line:?}");
    assert!(pipe.carried().0 > 16 << 20);
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}
