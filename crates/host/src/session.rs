//! Sessions, recorded and compared.
//!
//! A [`Trace`] is what was said in a session, one exchange a line, for bug reports and for tests:
//! the same inputs lead to the same outputs, in wasm and in process. Keys are taken out *before*
//! anything is kept, and a trace still replays: the stand-ins sign too, and signatures are left
//! out of the comparison.

use std::{
    io::{self, BufRead, Write},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_core::{
    abi::{AfterCancel, Frame, Input, Millis, Output, Session, SessionError},
    endpoint::Endpoint,
    job::{Job, List, Remembered, Target, Work},
    name::{Bucket, Prefix},
    secret::{Credentials, Secret},
};
use serde::{Deserialize, Serialize};

use crate::{
    fence::Fence,
    sandbox::{Backend, WasmSession},
};

/// Stands where a key stood.
const REDACTED: &str = "redacted";

/// Headers of requests whose values come of the keys.
const SIGNED: [&str; 2] = ["authorization", "x-amz-security-token"];

/// One input and what came of it, without keys.
#[derive(Debug, Clone, PartialEq)]
struct Exchange {
    input: Frame<Input>,
    output: Frame<Vec<Output>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    input: Input,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    input_body: String,
    outputs: Vec<Output>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    output_body: String,
}

/// What was said in a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace(Vec<Exchange>);

/// A session that keeps a trace.
#[derive(Debug)]
pub struct Recorder<S> {
    session: S,
    trace: Trace,
}

impl<S: Session> Recorder<S> {
    /// Records this session.
    pub fn new(session: S) -> Self {
        Self { session, trace: Trace::default() }
    }

    /// What was said so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }
}

impl<S: Session> Session for Recorder<S> {
    fn handle(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SessionError> {
        let output = self.session.handle(input)?;
        self.trace.0.push(Exchange { input: redact_input(input), output: redact_output(&output) });
        Ok(output)
    }
}

/// Two sessions that are told the same and must say the same.
#[derive(Debug)]
pub struct Pair<A, B>(pub A, pub B);

impl<A: Session, B: Session> Session for Pair<A, B> {
    fn handle(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SessionError> {
        let (first, second) = (self.0.handle(input)?, self.1.handle(input)?);
        if first == second {
            return Ok(first);
        }
        let (first, second) = (redact_output(&first), redact_output(&second));
        Err(SessionError(format!("two sessions differ: {first:?} and {second:?}")))
    }
}

impl Trace {
    /// Exchanges in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says the same again to a fresh session.
    ///
    /// # Errors
    /// When it breaks, or answers otherwise at some point; the message says which.
    pub fn replay(&self, session: &mut dyn Session) -> Result<(), SessionError> {
        for (at, exchange) in self.0.iter().enumerate() {
            let output = redact_output(&session.handle(&exchange.input)?);
            if output != exchange.output {
                let expected = &exchange.output;
                return Err(SessionError(format!("exchange {at} differs: {output:?} instead of {expected:?}")));
            }
        }
        Ok(())
    }

    /// Writes it as JSON lines.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        for Exchange { input, output } in &self.0 {
            let line = Line {
                input: input.header.clone(),
                input_body: STANDARD.encode(&input.body),
                outputs: output.header.clone(),
                output_body: STANDARD.encode(&output.body),
            };
            serde_json::to_writer(&mut to, &line)?;
            to.write_all(b"\n")?;
        }
        to.flush()
    }

    /// Reads what [`Trace::write`] wrote.
    ///
    /// # Errors
    /// When the reader fails, or a line is not an exchange.
    pub fn read(from: impl BufRead) -> io::Result<Self> {
        let decode = |text: &str| STANDARD.decode(text).map_err(io::Error::other);
        let exchange = |line: io::Result<String>| {
            let Line { input, input_body, outputs, output_body } = serde_json::from_str(&line?)?;
            Ok(Exchange {
                input: Frame { header: input, body: decode(&input_body)? },
                output: Frame { header: outputs, body: decode(&output_body)? },
            })
        };
        from.lines().map(exchange).collect::<io::Result<_>>().map(Self)
    }
}

fn redact_input(input: &Frame<Input>) -> Frame<Input> {
    let mut input = input.clone();
    if let Input::Start { credentials: Some(keys), .. } | Input::Credentials { credentials: Some(keys), .. } =
        &mut input.header
    {
        keys.secret_access_key = Secret::new(REDACTED.to_owned());
        keys.session_token = keys.session_token.as_ref().map(|_| Secret::new(REDACTED.to_owned()));
    }
    input
}

fn redact_output(output: &Frame<Vec<Output>>) -> Frame<Vec<Output>> {
    let mut output = output.clone();
    for output in &mut output.header {
        let Output::Request(request) = output else { continue };
        for (_, value) in request.headers.iter_mut().filter(|(name, _)| SIGNED.contains(&name.as_str())) {
            REDACTED.clone_into(value);
        }
    }
    output
}

/// What a self-test found.
#[derive(Debug, Clone)]
pub struct SelfTest {
    /// What runs the module here.
    pub backend: Backend,
    /// Why that is not machine code.
    pub native_refused: Option<String>,
    /// Until the module was ready.
    pub loading: Duration,
    /// For the first request to be signed.
    pub signing: Duration,
}

/// Loads the module and holds a conversation of two sentences with it: a request is signed, passes
/// the fence, and the job is cancelled. Nothing is sent.
///
/// # Errors
/// When the module does not run here, or says what it should not.
pub fn self_test(backend: Option<Backend>) -> Result<SelfTest, SessionError> {
    let broken = |what: &str| SessionError(format!("the self-test failed: {what}"));
    let begun = Instant::now();
    let session = match backend {
        Some(backend) => WasmSession::with_backend(backend, 1),
        None => WasmSession::new(1),
    };
    let mut session = session.map_err(|error| SessionError(error.to_string()))?;
    let loading = begun.elapsed();

    let job = example_job().ok_or_else(|| broken("no job"))?;
    let remembered = Remembered::default();
    let fence = Fence::new(&job, &remembered);
    let header = Input::Start {
        now: Millis(1_000),
        seed: 1,
        job: Box::new(job),
        credentials: Some(Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: None,
            expires_at: None,
        }),
        journal: Vec::new(),
        remembered,
    };
    let begun = Instant::now();
    let answer = session.handle(&Frame { header, body: Vec::new() })?;
    let signing = begun.elapsed();
    let request = answer.header.iter().find_map(|output| match output {
        Output::Request(request) => Some(request),
        _ => None,
    });
    let request = request.ok_or_else(|| broken("the module asked for nothing"))?;
    fence.check(request, &answer.body).map_err(|refusal| broken(&refusal.to_string()))?;
    if !request.headers.iter().any(|(name, _)| name == "authorization") {
        return Err(broken("the module's request is not signed"));
    }

    let header = Input::Cancel { now: Millis(2_000), then: AfterCancel::Abort, reason: "it was a test".to_owned() };
    let answer = session.handle(&Frame { header, body: Vec::new() })?;
    if !matches!(answer.header.last(), Some(Output::Done(_))) {
        return Err(broken("the module did not end its job"));
    }
    let (backend, native_refused) = (session.backend(), session.native_refused().map(str::to_owned));
    Ok(SelfTest { backend, native_refused, loading, signing })
}

fn example_job() -> Option<Job> {
    Some(Job {
        run: "self-test".to_owned(),
        target: Target {
            endpoint: Endpoint::aws(),
            region: None,
            bucket: Bucket::parse("example-bucket").ok()?,
            expected_owner: None,
        },
        work: Work::List(List { prefix: Prefix::parse("example/").ok()?, shallow: true }),
        patience_ms: 1_000,
        concurrency: 1,
    })
}
