//! What goes out, byte for byte, and what comes back.

use std::sync::mpsc;

use holdfast_core::abi::{MAX_INLINE_LEN, Method, Sent, TransportCause};

use crate::{
    calls::{Ask, Source, client, get},
    server::Server,
};

/// A server that keeps the requests it got.
fn recorder(response: &'static str) -> (Server, mpsc::Receiver<(String, Vec<u8>)>) {
    let (seen, requests) = mpsc::channel();
    let server = Server::plain(move |peer, _| {
        while let Some(request) = peer.request() {
            seen.send(request).unwrap();
            peer.say(response);
        }
    });
    (server, requests)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[test]
fn a_request_holds_what_was_given_and_no_more() {
    let (server, requests) = recorder(OK);
    let ask = Ask::new(Method::Get, server.url("/bucket/key"))
        .header("x-amz-date", "20261123T020000Z")
        .header("Authorization", "AWS4-HMAC-SHA256 Credential=AK/x, Signature=0f")
        .header("x-amz-meta-name", "Zoë");
    assert_eq!(ask.send(&client()).unwrap().status, 200);
    let head = requests.recv().unwrap().0;
    let (line, headers) = head.trim_end().split_once("\r\n").unwrap();
    assert_eq!(line, "GET /bucket/key HTTP/1.1");
    let mut headers: Vec<_> = headers.split("\r\n").collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "authorization: AWS4-HMAC-SHA256 Credential=AK/x, Signature=0f",
            &format!("host: {}", server.address),
            "user-agent: holdfast-test",
            "x-amz-date: 20261123T020000Z",
            "x-amz-meta-name: Zoë",
        ]
    );
}

#[test]
fn what_ureq_finds_wrong_with_a_request_is_refused() {
    let (server, requests) = recorder(OK);
    let ask = Ask::new(Method::Get, server.url("/")).header("authorization", "sentinel ë");
    let failure = ask.send(&client()).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Refused, Sent::No), "{failure}");
    assert!(!failure.message.contains("sentinel"));
    assert!(requests.try_recv().is_err());
}

#[test]
fn odd_paths_and_queries_go_out_untouched() {
    let (server, requests) = recorder(OK);
    let client = client();
    for target in [
        "/a//../b%20%2B~%C3%A9",
        "/bucket/./.././x",
        "/bucket//?list-type=2&prefix=a%2Fb%20c&delimiter=%2F",
        "/b/k?uploads=",
        "/b/k?uploads",
        "/b/k?a=1&&b=%7E~*'()",
        "/%2e%2e/%2E",
        "/",
        "/?x",
    ] {
        assert_eq!(get(&client, server.url(target)).unwrap().status, 200, "{target}");
        let head = requests.recv().unwrap().0;
        assert_eq!(head.lines().next().unwrap(), format!("GET {target} HTTP/1.1"));
    }
}

#[test]
fn every_body_announces_its_length_and_none_is_chunked() {
    let (server, requests) = recorder(OK);
    let client = client();
    let url = server.url("/b/k");
    let mut source = Source::new(300_000);
    let asks = [
        (Ask::new(Method::Put, &url), Some("0"), 0),
        (Ask::new(Method::Post, &url), Some("0"), 0),
        (Ask::new(Method::Put, &url).bytes(b"hello"), Some("5"), 5),
        (Ask::new(Method::Post, &url).bytes(b""), Some("0"), 0),
        (Ask::new(Method::Put, &url).reader(&mut source, 300_000), Some("300000"), 300_000),
        (Ask::new(Method::Delete, &url), None, 0),
        (Ask::new(Method::Get, &url), None, 0),
    ];
    for (ask, announced, len) in asks {
        ask.send(&client).unwrap();
        let (head, body) = requests.recv().unwrap();
        assert_eq!(crate::server::header(&head, "content-length"), announced, "{head}");
        assert_eq!(crate::server::header(&head, "transfer-encoding"), None);
        assert_eq!(body.len(), len);
    }
}

#[test]
fn an_answer_to_head_announces_any_length_and_brings_nothing() {
    let (server, _requests) = recorder("HTTP/1.1 200 OK\r\ncontent-length: 5000000000000\r\netag: \"e\"\r\n\r\n");
    let answer = Ask::new(Method::Head, server.url("/b/k")).send(&client()).unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), Some("5000000000000"));
}

#[test]
fn a_given_user_agent_replaces_ours() {
    let (server, requests) = recorder(OK);
    Ask::new(Method::Get, server.url("/")).header("user-agent", "other/1").send(&client()).unwrap();
    let head = requests.recv().unwrap().0;
    assert_eq!(head.matches("user-agent").count(), 1);
    assert!(head.contains("user-agent: other/1\r\n"));
}

#[test]
fn more_of_the_source_than_announced_is_left_alone() {
    let (server, requests) = recorder(OK);
    let mut source = Source::new(1000);
    Ask::new(Method::Put, server.url("/")).reader(&mut source, 10).send(&client()).unwrap();
    assert_eq!(requests.recv().unwrap().1.len(), 10);
    assert_eq!(source.taken, 10);
}

#[test]
fn a_source_that_ends_too_soon_fails_the_call_as_local() {
    let server = Server::plain(|peer, _| {
        peer.head();
        peer.ignore();
    });
    let mut source = Source::new(1000);
    let ask = Ask::new(Method::Put, server.url("/")).reader(&mut source, 2000);
    let failure = ask.send(&client()).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Local, Sent::Maybe));
    assert_eq!(failure.message, "the source ended after 1000 of 2000 bytes");
}

#[test]
fn a_source_that_cannot_be_read_fails_the_call_as_local() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("bad sector"))
        }
    }
    let server = Server::plain(|peer, _| {
        peer.head();
        peer.ignore();
    });
    let ask = Ask::new(Method::Put, server.url("/"));
    let failure = ask.reader(&mut Broken, 10).send(&client()).unwrap_err();
    assert_eq!(failure.cause, TransportCause::Local);
    assert_eq!(failure.message, "the source cannot be read: bad sector");
}

#[test]
fn any_status_is_an_answer_and_redirects_are_not_followed() {
    let client = client();
    for status in [
        "200 OK",
        "206 Partial",
        "301 Moved",
        "307 Temporary",
        "400 Bad",
        "403 No",
        "404 Not Found",
        "412 Failed",
        "500 Oops",
        "503 Slow Down",
        "600 Odd",
    ] {
        let server = Server::responding(move |_| {
            format!(
                "HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:1/\r\nX-Amz-Request-Id: 4F\r\n\
                 Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
            )
        });
        let answer = get(&client, server.url("/")).unwrap();
        assert_eq!(answer.status.to_string(), status[..3]);
        assert_eq!(answer.body, b"abc");
        assert_eq!(answer.header("x-amz-request-id"), Some("4F"));
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn answers_without_a_body_end_where_their_head_does() {
    let server = Server::responding(|head| {
        match head {
            head if head.starts_with("HEAD") => "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n",
            head if head.contains("/304") => "HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n",
            _ => "HTTP/1.1 204 No Content\r\n\r\n",
        }
        .to_owned()
    });
    let client = client();
    let answer = Ask::new(Method::Head, server.url("/k")).send(&client).unwrap();
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("12345")));
    assert!(answer.body.is_empty());
    assert_eq!(get(&client, server.url("/304")).unwrap().status, 304);
    assert_eq!(Ask::new(Method::Delete, server.url("/k")).send(&client).unwrap().status, 204);
    assert_eq!(server.connections(), 1);
}

#[test]
fn chunked_and_close_delimited_answers_are_understood() {
    let server = Server::plain(|peer, _| {
        let (head, _) = peer.request().unwrap();
        if head.contains("/chunked") {
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            peer.say("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
        } else {
            peer.say("HTTP/1.0 200 OK\r\n\r\nhello world");
        }
    });
    // A client each: the server closes, and a connection that it just closed may not be known yet.
    assert_eq!(get(&client(), server.url("/chunked")).unwrap().body, b"hello world");
    assert_eq!(get(&client(), server.url("/closed")).unwrap().body, b"hello world");
}

#[test]
fn interim_answers_are_passed_over() {
    let server = Server::responding(|_| {
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
         HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
            .to_owned()
    });
    assert_eq!(get(&client(), server.url("/")).unwrap().body, b"ok");
}

#[test]
fn expect_continue_waits_for_leave() {
    let server = Server::plain(|peer, _| {
        let head = peer.head().unwrap();
        assert!(head.contains("expect: 100-continue"));
        peer.say("HTTP/1.1 100 Continue\r\n\r\n");
        peer.body(5);
        peer.answer("200 OK", "");
        // Another call: no leave is given, and after a second the body comes all the same.
        peer.head().unwrap();
        peer.body(5);
        peer.answer("200 OK", "");
    });
    let client = client();
    for _ in 0..2 {
        let ask = Ask::new(Method::Put, server.url("/")).header("expect", "100-continue");
        assert_eq!(ask.bytes(b"hello").send(&client).unwrap().status, 200);
    }
}

#[test]
fn a_truncated_answer_is_broken() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    });
    let failure = get(&client(), server.url("/")).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Broken, Sent::Maybe));
    assert!(failure.message.ends_with("closed the connection in the middle of its answer"));
}

#[test]
fn an_end_without_answer_is_broken() {
    for partial in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let server = Server::plain(move |peer, _| {
            peer.request();
            peer.say(partial);
        });
        let failure = get(&client(), server.url("/")).unwrap_err();
        assert_eq!((failure.cause, failure.sent), (TransportCause::Broken, Sent::Maybe));
        assert!(failure.message.contains("closed the connection without an answer"), "{failure}");
    }
}

#[test]
fn what_is_not_http_is_malformed() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nxx",
        "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{16}",
    ] {
        let server = Server::plain(move |peer, _| {
            peer.request();
            peer.say(garbage);
        });
        let failure = get(&client(), server.url("/")).unwrap_err();
        assert_eq!(failure.cause, TransportCause::Malformed, "{garbage:?}: {failure}");
        assert_eq!(failure.sent, Sent::Maybe);
    }
}

#[test]
fn headers_without_end_are_malformed() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\n");
        for n in 0..2000 {
            peer.say(&format!("x-{n}: {}\r\n", "a".repeat(100)));
        }
        peer.ignore();
    });
    let failure = get(&client(), server.url("/")).unwrap_err();
    assert_eq!(failure.cause, TransportCause::Malformed, "{failure}");
}

#[test]
fn an_inline_answer_that_is_too_long_is_malformed() {
    let server = Server::plain(|peer, number| {
        peer.request();
        if number == 0 {
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_INLINE_LEN + 1));
        } else {
            peer.say("HTTP/1.0 200 OK\r\n\r\n");
            let piece = "x".repeat(1 << 20);
            for _ in 0..=MAX_INLINE_LEN >> 20 {
                peer.say(&piece);
            }
        }
    });
    let client = client();
    for _ in 0..2 {
        let failure = get(&client, server.url("/")).unwrap_err();
        assert_eq!(failure.cause, TransportCause::Malformed);
        assert!(failure.message.contains("longer than 8388608 bytes"), "{failure}");
    }
}

#[test]
fn a_sink_takes_a_successful_answer_and_nothing_else() {
    let server = Server::responding(|head| {
        let status = if head.contains("/gone") { "404 Not Found" } else { "206 Partial Content" };
        format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\nhello")
    });
    let client = client();
    let mut sunk = Vec::new();
    let ask = Ask::new(Method::Get, server.url("/k")).sink(&mut sunk, 5);
    let progress = ask.progress.clone();
    let answer = ask.send(&client).unwrap();
    assert_eq!((answer.sunk, answer.body.as_slice()), (Some(5), &[][..]));
    assert_eq!((sunk.as_slice(), progress.received()), (&b"hello"[..], 5));

    let mut sunk = Vec::new();
    let answer = Ask::new(Method::Get, server.url("/gone")).sink(&mut sunk, 5).send(&client).unwrap();
    assert_eq!((answer.status, answer.sunk, answer.body.as_slice()), (404, None, &b"hello"[..]));
    assert!(sunk.is_empty());
}

#[test]
fn a_sink_in_the_middle_takes_a_range_and_nothing_else() {
    let server = Server::responding(|head| {
        let status = if head.contains("/range") { "206 Partial Content" } else { "200 OK" };
        format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\nhello")
    });
    let client = client();
    for (path, offset, taken) in [("/range", 0, true), ("/range", 7, true), ("/all", 0, true), ("/all", 7, false)] {
        let mut sunk = Vec::new();
        let result = Ask::new(Method::Get, server.url(path)).sink_from(&mut sunk, offset, 5).send(&client);
        assert_eq!(result.is_ok(), taken, "{path} from {offset}");
        if let Err(failure) = result {
            assert_eq!(failure.cause, TransportCause::Malformed);
            assert!(failure.message.contains("200 OK to a request for a range"), "{failure}");
            assert!(sunk.is_empty());
        }
    }
}

#[test]
fn another_range_than_the_one_asked_for_fails() {
    let server = Server::responding(|head| {
        let range = if head.contains("/another") { "bytes 8-12/99" } else { "bytes 7-11/99" };
        format!("HTTP/1.1 206 Partial Content\r\ncontent-range: {range}\r\ncontent-length: 5\r\n\r\n12345")
    });
    let client = client();
    for (path, taken) in [("/right", true), ("/another", false)] {
        let mut sunk = Vec::new();
        let result = Ask::new(Method::Get, server.url(path)).sink_from(&mut sunk, 7, 5).send(&client);
        assert_eq!((result.is_ok(), sunk.is_empty()), (taken, !taken), "{path}: {result:?}");
    }
}

#[test]
fn the_last_bytes_are_as_many_as_there_are() {
    let server = Server::responding(|head| {
        let status = if head.contains("/all") { "200 OK" } else { "206 Partial Content" };
        format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n12345")
    });
    let client = client();
    for (path, len, taken) in [
        ("/all", 5, true),
        ("/all", 9, true),
        ("/range", 5, true),
        ("/range", 9, true),
        ("/all", 4, false),
        ("/range", 4, false),
    ] {
        let mut sunk = Vec::new();
        let result = Ask::new(Method::Get, server.url(path)).sink_last(&mut sunk, len).send(&client);
        assert_eq!(
            result.as_ref().ok().and_then(|answer| answer.sunk),
            taken.then_some(5),
            "{path} of {len}: {result:?}"
        );
        assert_eq!(sunk, if taken { &b"12345"[..] } else { b"" });
    }
}

#[test]
fn a_sink_that_gets_another_length_fails() {
    let server = Server::plain(|peer, _| {
        let (head, _) = peer.request().unwrap();
        if head.contains("/announced") {
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        } else {
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            peer.say("5\r\nhello\r\n0\r\n\r\n");
        }
        peer.ignore();
    });
    let client = client();
    for path in ["/announced", "/chunked"] {
        for expected in [4, 6] {
            let mut sunk = Vec::new();
            let ask = Ask::new(Method::Get, server.url(path)).sink(&mut sunk, expected);
            let failure = ask.send(&client).unwrap_err();
            assert_eq!(failure.cause, TransportCause::Malformed, "{path} {expected}: {failure}");
            assert!(failure.message.contains("where"), "{failure}");
            assert!(sunk.len() as u64 <= expected);
        }
    }
}

#[test]
fn a_sink_that_cannot_be_written_fails_as_local() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk full"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let server = Server::responding(|_| "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".into());
    let failure = Ask::new(Method::Get, server.url("/")).into(&mut Full, 5).send(&client()).unwrap_err();
    assert_eq!(failure.cause, TransportCause::Local);
    assert_eq!(failure.message, "what was received cannot be written: disk full");
}

#[test]
fn a_truncated_sink_is_broken() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    });
    let mut sunk = Vec::new();
    let failure = Ask::new(Method::Get, server.url("/")).sink(&mut sunk, 100).send(&client()).unwrap_err();
    assert_eq!(failure.cause, TransportCause::Broken, "{failure}");
}

#[test]
fn nothing_can_be_injected_into_a_request() {
    let (server, requests) = recorder(OK);
    let client = client();
    for (name, value) in [
        ("x-amz-meta-a", "sentinel\r\nhost: evil.test"),
        ("x-amz-meta-a", "sentinel\nx: y"),
        ("x-amz-meta-a", "sentinel\0"),
        ("x-amz-meta-a\r\nhost", "sentinel"),
        ("x amz", "sentinel"),
        ("", "sentinel"),
        ("Host", "sentinel.evil.test"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "close"),
        ("proxy-authorization", "sentinel"),
    ] {
        let ask = Ask::new(Method::Put, server.url("/")).header(name, value).bytes(b"x");
        let failure = ask.send(&client).unwrap_err();
        assert_eq!((failure.cause, failure.sent), (TransportCause::Refused, Sent::No), "{name:?}");
        assert!(!failure.message.contains("sentinel"), "{failure}");
        assert!(!failure.message.contains(['\r', '\n']), "{failure}");
    }
    assert!(requests.try_recv().is_err());
    assert_eq!(server.connections(), 0);
}

#[test]
fn no_listener_is_a_connect_failure_and_nothing_was_sent() {
    let server = Server::plain(|_, _| {});
    let url = server.url("/b/k?X-Amz-Signature=sentinel");
    drop(server);
    let failure = get(&client(), url).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Connect, Sent::No));
    assert!(failure.message.contains("Connection refused (os error 111)"), "{failure}");
    assert!(!failure.message.contains("sentinel"));
}

#[test]
fn an_unknown_name_is_a_dns_failure() {
    let failure = get(&client(), "http://no-such-host.invalid/").unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Dns, Sent::No), "{failure}");
    assert!(failure.message.contains("`no-such-host.invalid`"), "{failure}");
}

#[test]
fn progress_counts_the_bytes_of_the_body_only() {
    let (server, _requests) = recorder(OK);
    let mut source = Source::new(1 << 20);
    let ask = Ask::new(Method::Put, server.url("/")).reader(&mut source, 1 << 20);
    let progress = ask.progress.clone();
    ask.send(&client()).unwrap();
    assert_eq!((progress.sent(), progress.received()), (1 << 20, 0));
}
