//! Whom TLS trusts, and what it says about the others.

use std::{io::Write, path::PathBuf};

use holdfast_core::abi::{Sent, TransportCause};
use tempfile::NamedTempFile;

use crate::{
    calls::{client, config, get},
    certs::{Authority, Validity},
    host::http::{Client, ClientConfig, Failure, HttpError},
    server::Server,
};

fn trusting(authority: &Authority) -> Client {
    let file = authority.file();
    Client::new(&ClientConfig { ca_file: Some(file.path().into()), ..config() }).unwrap()
}

fn greeting(config: std::sync::Arc<rustls::ServerConfig>) -> Server {
    Server::tls(config, |peer, _| {
        while peer.request().is_some() {
            peer.answer("200 OK", "hello");
        }
    })
}

fn assert_tls(failure: &Failure, words: &str) {
    assert_eq!((failure.cause, failure.sent), (TransportCause::Tls, Sent::No), "{failure}");
    assert!(failure.message.contains(words), "{failure}");
}

#[test]
fn a_private_authority_is_trusted_when_given() {
    let authority = Authority::new();
    let server = greeting(authority.server("127.0.0.1"));
    assert_eq!(get(&trusting(&authority), server.url("/")).unwrap().body, b"hello");
    let server = greeting(authority.server("localhost")).named("localhost");
    assert_eq!(get(&trusting(&authority), server.url("/")).unwrap().body, b"hello");
}

#[test]
fn an_unknown_authority_is_refused_with_the_way_out() {
    let server = greeting(Authority::new().server("127.0.0.1"));
    let failure = get(&client(), server.url("/")).unwrap_err();
    assert_tls(&failure, "is from an authority unknown here");
    assert!(failure.message.contains("--ca-file"), "{failure}");
    assert_tls(&get(&trusting(&Authority::new()), server.url("/")).unwrap_err(), "--ca-file");
    let server = greeting(Authority::named("Ours").server("127.0.0.1"));
    let failure = get(&trusting(&Authority::named("Ours")), server.url("/")).unwrap_err();
    assert_tls(&failure, "may have been made anew");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let server = greeting(authority.server("other.test"));
    let failure = get(&trusting(&authority), server.url("/")).unwrap_err();
    assert_tls(&failure, "is for another name: it names");
    assert!(failure.message.contains("other.test"), "{failure}");
}

#[test]
fn a_certificate_out_of_its_time_is_refused_with_a_word_on_the_clock() {
    let authority = Authority::new();
    let cases = [(Validity::Past, " expired "), (Validity::Future, "is not valid before")];
    for (validity, words) in cases {
        let server = greeting(authority.server_valid("127.0.0.1", validity, rustls::ALL_VERSIONS));
        let failure = get(&trusting(&authority), server.url("/")).unwrap_err();
        assert_tls(&failure, words);
        assert!(failure.message.contains("days"), "{failure}");
        assert!(failure.message.contains("clock"), "{failure}");
    }
}

#[test]
fn a_server_without_tls_is_told_from_one_with_a_bad_certificate() {
    let server = Server::plain(|peer, _| {
        peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.ignore();
    });
    let url = server.url("/").replace("http:", "https:");
    assert_tls(&get(&client(), url).unwrap_err(), "does not speak TLS on this port");
    let server = Server::plain(|peer, _| {
        let _ = peer.read(&mut [0; 10]);
        peer.half_close();
        peer.ignore();
    });
    let url = server.url("/").replace("http:", "https:");
    assert_tls(&get(&client(), url).unwrap_err(), "instead of answering with TLS");
}

#[test]
fn an_answer_cut_without_tls_end_is_not_whole() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("127.0.0.1"), |peer, _| {
        peer.request();
        // No length: only the end of TLS could tell that this is all.
        peer.say("HTTP/1.0 200 OK\r\n\r\n<ListAllMyBuckets");
    });
    let failure = get(&trusting(&authority), server.url("/")).unwrap_err();
    assert_eq!(failure.cause, TransportCause::Broken, "{failure}");
    assert!(failure.message.contains("was cut"), "{failure}");
}

#[test]
fn a_ca_file_that_is_none_is_refused_at_once() {
    let with = |contents: &str| {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(contents.as_bytes()).unwrap();
        let config = ClientConfig { ca_file: Some(file.path().into()), ..config() };
        Client::new(&config).unwrap_err().to_string()
    };
    assert!(with("").ends_with("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"));
    assert!(with("\u{30}\u{82}binary").contains("holds no certificate in PEM form"));
    let broken = with("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    assert!(broken.contains("is broken at certificate 1"), "{broken}");
    let no_certificate = with("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    assert!(no_certificate.contains("number 1, that is none"), "{no_certificate}");

    let missing = ClientConfig { ca_file: Some(PathBuf::from("/no/such/ca.pem")), ..config() };
    let error = Client::new(&missing).unwrap_err();
    assert!(matches!(error, HttpError::CaFile { .. }));
    assert_eq!(
        error.to_string(),
        "the CA file `/no/such/ca.pem` cannot be read: No such file or directory (os error 2)"
    );
}
