//! Through a proxy: a tunnel for `https`, the whole URL for `http`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc,
    thread,
    time::Duration,
};

use holdfast_core::abi::{Method, Sent, TransportCause};

use crate::{
    calls::{Ask, Source, config, get},
    certs::Authority,
    host::http::{Client, ClientConfig, HttpError, Proxy},
    server::{Server, header},
};

/// A proxy that tunnels anything and keeps the heads it saw.
fn tunnelling() -> (Server, mpsc::Receiver<String>) {
    let (seen, heads) = mpsc::channel();
    let server = Server::plain(move |peer, _| {
        let head = peer.head().unwrap();
        let target = head.split(' ').nth(1).unwrap().to_owned();
        seen.send(head).unwrap();
        let mut there = TcpStream::connect(target).unwrap();
        peer.say("HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n");
        let (mut back, mut client) = (there.try_clone().unwrap(), peer.tcp().try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut back, &mut client);
            let _ = client.shutdown(std::net::Shutdown::Write);
        });
        let mut piece = [0; 65536];
        while let Ok(bytes) = peer.read(&mut piece) {
            if bytes == 0 || there.write_all(&piece[..bytes]).is_err() {
                break;
            }
        }
        let _ = there.shutdown(std::net::Shutdown::Write);
    });
    (server, heads)
}

/// A client of this proxy that trusts this authority.
fn through(proxy: &str, authority: Option<&Authority>) -> Client {
    let file = authority.map(Authority::file);
    Client::new(&ClientConfig {
        ca_file: file.as_ref().map(|file| file.path().into()),
        proxy: Proxy::Url(proxy.to_owned()),
        ..config()
    })
    .unwrap()
}

#[test]
fn https_goes_through_a_tunnel() {
    let authority = Authority::new();
    let target = Server::tls(authority.server("localhost"), |peer, _| {
        while let Some((_, body)) = peer.request() {
            peer.answer("200 OK", &body.len().to_string());
        }
    })
    .named("localhost");
    let (proxy, heads) = tunnelling();
    let with_password = proxy.url("/").replace("//", "//us%40er:sent%3Ainel@");
    let client = through(&with_password, Some(&authority));
    let mut source = Source::new(3 << 20);
    let ask = Ask::new(Method::Put, target.url("/b/k")).reader(&mut source, 3 << 20);
    assert_eq!(ask.send(&client).unwrap().body, b"3145728");
    assert_eq!(get(&client, target.url("/b/k")).unwrap().status, 200);

    let port = target.address.port();
    let head = heads.recv().unwrap();
    assert!(head.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")), "{head}");
    assert_eq!(header(&head, "host"), Some(format!("localhost:{port}").as_str()));
    assert_eq!(header(&head, "proxy-authorization"), Some("Basic dXNAZXI6c2VudDppbmVs"));
    assert_eq!((proxy.connections(), target.connections()), (1, 1));
}

#[test]
fn an_early_answer_is_heard_through_a_tunnel() {
    let authority = Authority::new();
    let target = Server::tls(authority.server("127.0.0.1"), |peer, _| {
        peer.head();
        peer.answer("503 Slow Down", "");
        peer.ignore();
    });
    let (proxy, _heads) = tunnelling();
    let client = through(&proxy.url(""), Some(&authority));
    let mut source = Source::new(256 << 20);
    let ask = Ask::new(Method::Put, target.url("/")).reader(&mut source, 256 << 20);
    assert_eq!(ask.send(&client).unwrap().status, 503);
}

#[test]
fn a_proxy_may_speak_tls_itself() {
    let authority = Authority::new();
    let target = Server::tls(authority.server("127.0.0.1"), |peer, _| {
        peer.request();
        peer.answer("200 OK", "inside");
    });
    let port = target.address.port();
    let proxy = Server::tls(authority.server("127.0.0.1"), move |peer, _| {
        let head = peer.head().unwrap();
        assert!(head.starts_with(&format!("CONNECT 127.0.0.1:{port} ")));
        peer.say("HTTP/1.1 200 OK\r\n\r\n");
        // One exchange, turn by turn: enough to carry a handshake and a call.
        let mut there = TcpStream::connect(("127.0.0.1", port)).unwrap();
        there.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        peer.tcp().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut piece = [0; 65536];
        for _ in 0..100 {
            match peer.read(&mut piece) {
                Ok(0) => return,
                Ok(bytes) => there.write_all(&piece[..bytes]).unwrap(),
                Err(_) => {}
            }
            if let Ok(bytes) = there.read(&mut piece)
                && peer.write_all(&piece[..bytes]).and_then(|()| peer.flush()).is_err()
            {
                return;
            }
        }
    });
    let client = through(&proxy.url(""), Some(&authority));
    assert_eq!(get(&client, target.url("/")).unwrap().body, b"inside");
}

#[test]
fn http_is_asked_of_the_proxy_by_its_whole_url() {
    let (seen, requests) = mpsc::channel();
    let proxy = Server::plain(move |peer, _| {
        while let Some(request) = peer.request() {
            seen.send(request).unwrap();
            peer.answer("200 OK", "");
        }
    });
    let client = through(&proxy.url("").replace("//", "//user:password@"), None);
    for _ in 0..2 {
        let ask = Ask::new(Method::Put, "http://s3.invalid:9000/b//../k%20?partNumber=1")
            .header("x-amz-date", "20261123T020000Z")
            .bytes(b"part");
        assert_eq!(ask.send(&client).unwrap().status, 200);
        let (head, body) = requests.recv().unwrap();
        let line = head.lines().next().unwrap();
        assert_eq!(line, "PUT http://s3.invalid:9000/b//../k%20?partNumber=1 HTTP/1.1");
        assert_eq!(header(&head, "host"), Some("s3.invalid:9000"));
        assert_eq!(header(&head, "proxy-authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
        assert_eq!(header(&head, "x-amz-date"), Some("20261123T020000Z"));
        assert_eq!(body, b"part");
    }
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_proxy_that_refuses_says_why() {
    let cases = [
        ("HTTP/1.1 403 Forbidden by policy\r\ncontent-length: 0\r\n\r\n", "403 Forbidden by policy"),
        ("HTTP/1.1 407 Auth\r\n\r\n", "does not accept the user name and password"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        ("SSH-2.0-x\r\n\r\n", "does not answer like an HTTP proxy"),
        ("HTTP/1.1 200 OK\r\n\r\nsurprise", "does not answer like an HTTP proxy"),
        ("", "hung up"),
    ];
    for (reply, words) in cases {
        let proxy = Server::plain(move |peer, _| {
            peer.head();
            peer.say(reply);
        });
        let client = through(&proxy.url("").replace("//", "//user:sentinel@"), None);
        let failure = get(&client, "https://s3.invalid/").unwrap_err();
        assert_eq!((failure.cause, failure.sent), (TransportCause::Proxy, Sent::No), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
        assert!(failure.message.contains(&proxy.address.port().to_string()), "{failure}");
        assert!(!format!("{failure:?}").contains("sentinel"));
    }
}

#[test]
fn a_forward_proxy_that_wants_a_password_is_no_answer() {
    let proxy = Server::responding(|_| "HTTP/1.1 407 Auth\r\ncontent-length: 0\r\n\r\n".into());
    let failure = get(&through(&proxy.url(""), None), "http://s3.invalid/").unwrap_err();
    assert_eq!(failure.cause, TransportCause::Proxy);
    assert!(failure.message.ends_with("asks for a user name and a password"), "{failure}");
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let proxy = Server::plain(|_, _| {});
    let url = proxy.url("");
    drop(proxy);
    let failure = get(&through(&url, None), "https://s3.invalid/").unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Proxy, Sent::No));
    assert!(failure.message.starts_with("cannot connect to the proxy 127.0.0.1:"), "{failure}");
    let failure = get(&through("proxy.invalid:3128", None), "http://s3.invalid/").unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Proxy, Sent::No));
    assert!(failure.message.contains("`proxy.invalid`"), "{failure}");
}

#[test]
fn the_environment_chooses_by_scheme_and_no_proxy_excepts() {
    let target = Server::responding(|_| "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ndirect".into());
    let proxy = Server::responding(|_| "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nproxied".into());
    let config = ClientConfig { proxy: Proxy::FromEnvironment, ..config() };
    let asked = |variables: &[(&str, String)]| {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let client = Client::with_environment(&config, &variable).unwrap();
        String::from_utf8(get(&client, target.url("/")).unwrap().body).unwrap()
    };
    let proxy_url = proxy.url("");
    let no_proxy = |list: &str| ("NO_PROXY", list.to_owned());
    assert_eq!(asked(&[]), "direct");
    assert_eq!(asked(&[("HTTP_PROXY", proxy_url.clone())]), "proxied");
    assert_eq!(asked(&[("http_proxy", proxy_url.clone())]), "proxied");
    assert_eq!(asked(&[("all_proxy", proxy_url.clone())]), "proxied");
    assert_eq!(asked(&[("HTTPS_PROXY", proxy_url.clone())]), "direct");
    assert_eq!(asked(&[("ALL_PROXY", proxy_url.clone()), no_proxy("localhost, 127.0.0.0/8")]), "direct");
    assert_eq!(asked(&[("ALL_PROXY", proxy_url), no_proxy("example.com")]), "proxied");
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    for url in ["socks5://user:sentinel@tor:9050", "http://user:sentinel@/", "sentinel sentinel"] {
        let config = ClientConfig { proxy: Proxy::Url(url.to_owned()), ..config() };
        let error = Client::new(&config).unwrap_err();
        assert!(matches!(error, HttpError::Proxy(_)));
        assert!(!format!("{error} {error:?} {config:?}").contains("sentinel"));
    }
}
