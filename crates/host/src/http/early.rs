//! Is what has arrived in mid-body an answer?
//!
//! Only the first line matters: HTTP/1.1 knows interim answers (1xx), which announce nothing, and
//! final ones. [RFC 9110, 15.2](https://www.rfc-editor.org/rfc/rfc9110.html#section-15.2)

/// What the bytes at the front of the input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Too few bytes to tell.
    More,
    /// An interim answer of so many bytes.
    Interim(usize),
    /// A final answer, its status if it has one: `None` is not HTTP, which ends a call too.
    Final(Option<u16>),
}

/// `HTTP/1.1 200`: what must be there to know the status.
const STATUS_END: usize = 12;

/// No interim head is longer; one that is cannot be waited for.
const MAX_INTERIM_LEN: usize = 16 << 10;

pub(crate) fn verdict(input: &[u8]) -> Verdict {
    let expected = b"HTTP/1.";
    let known = input.len().min(expected.len());
    if input[..known] != expected[..known] {
        return Verdict::Final(None);
    }
    if input.len() < STATUS_END {
        return Verdict::More;
    }
    let status = std::str::from_utf8(&input[9..STATUS_END]).ok().and_then(|s| s.parse().ok());
    match status {
        // 101 changes the protocol: what follows is no HTTP, and the request is over.
        Some(100 | 102..=199) => match head_len(input) {
            Some(len) => Verdict::Interim(len),
            None if input.len() > MAX_INTERIM_LEN => Verdict::Final(None),
            None => Verdict::More,
        },
        status => Verdict::Final(status),
    }
}

/// Bytes up to and including the empty line that ends a head.
pub(crate) fn head_len(input: &[u8]) -> Option<usize> {
    input.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_interim_from_final() {
        let cases: &[(&str, Verdict)] = &[
            ("", Verdict::More),
            ("HTT", Verdict::More),
            ("HTTP/1.1 50", Verdict::More),
            ("HTTP/1.1 503", Verdict::Final(Some(503))),
            ("HTTP/1.0 200 OK\r\n", Verdict::Final(Some(200))),
            ("HTTP/1.1 101 Switching\r\n\r\n", Verdict::Final(Some(101))),
            ("HTTP/1.1 100 Continue\r\n", Verdict::More),
            ("HTTP/1.1 100 Continue\r\n\r\n", Verdict::Interim(25)),
            ("HTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.1 503", Verdict::Interim(28)),
            ("HTTP/1.1 abc", Verdict::Final(None)),
            ("SSH-2.0-", Verdict::Final(None)),
            ("H\0", Verdict::Final(None)),
        ];
        for (input, expected) in cases {
            assert_eq!(verdict(input.as_bytes()), *expected, "{input:?}");
        }
    }

    #[test]
    fn an_interim_head_without_end_is_not_waited_for() {
        let mut input = b"HTTP/1.1 102 x\r\n".to_vec();
        input.resize(MAX_INTERIM_LEN + 1, b'a');
        assert_eq!(verdict(&input), Verdict::Final(None));
    }
}
