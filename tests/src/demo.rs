//! The demo's story: a real site goes to S3, the upload is killed halfway, resumed and proved.
//!
//! The server is s3s-fs in this process. Between it and the runner stands a [`FaultProxy`] without
//! faults, which counts what crosses the wire; for the first attempt it reads slowly, so that there
//! is a halfway to be killed at.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::fault::Operation;
use crate::{Embedded, Fault, FaultProxy, Finished, Holdfast, REGION, Rule, Script, archive, data};

const PART: u64 = 5 << 20;
const URL: &str = "s3://demo/site/wordpress.zip";

/// What went otherwise than the story says.
#[derive(Debug)]
pub struct Unexpected(String);

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Unexpected {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Tells the story on `out`, using this WordPress tree.
pub fn tell(tree: &Path, out: &mut dyn Write) -> Result<(), Unexpected> {
    let mut story = Story::begin(tree, out)?;
    story.upload_until_killed()?;
    story.upload_again()?;
    story.verify()?;
    story.get_and_compare()?;
    story.list()
}

struct Story<'a> {
    out: &'a mut dyn Write,
    step: usize,
    dir: tempfile::TempDir,
    server: Embedded,
    proxy: FaultProxy,
    holdfast: Holdfast,
    zip_bytes: u64,
    stored: (usize, u64),
}

impl<'a> Story<'a> {
    fn begin(tree: &Path, out: &'a mut dyn Write) -> Result<Self, Unexpected> {
        let dir = tempfile::Builder::new().prefix("holdfast-demo").tempdir()?;
        let began = Instant::now();
        let packed = archive::pack(tree, &dir.path().join("wordpress.zip"))?;
        let packing = began.elapsed();
        let server = Embedded::start()?;
        server.s3().create_bucket("demo");
        let proxy = FaultProxy::start(server.address(), Script::new());
        let mut story = Self {
            out,
            step: 0,
            dir,
            server,
            proxy,
            holdfast: Holdfast::new(),
            zip_bytes: packed.zip_bytes,
            stored: (0, 0),
        };
        story.heading("A real site")?;
        story.line(format!(
            "WordPress {} core: {} files, {}",
            archive::wordpress_version(tree),
            packed.files,
            megabytes(packed.bytes)
        ))?;
        story.line(format!("packed as wordpress.zip: {} in {}", megabytes(packed.zip_bytes), seconds(packing)))?;
        let endpoint = story.proxy.endpoint();
        story.line(format!("S3 server: s3s-fs inside this process, at {endpoint}, bucket `demo`"))?;
        Ok(story)
    }

    fn upload_until_killed(&mut self) -> Result<(), Unexpected> {
        let parts = self.zip_bytes.div_ceil(PART) as usize;
        let half = (parts / 2).max(1);
        self.heading("Upload, and pull the plug halfway")?;
        self.command(&["upload", "wordpress.zip", URL, "--part-size", "5MiB", "--concurrency", "2"])?;
        let slow = Rule::on_any(Operation::UploadPart(0)).always().then(Fault::SlowRead(12_000_000));
        self.proxy.set_script(Script::new().rule(slow));
        let mut running = self.holdfast.start(self.upload_args());
        let began = Instant::now();
        while self.parts_sent().0 < half {
            if running.has_ended() {
                return Err(ended_early(&running.wait()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let killed = running.kill();
        self.proxy.set_script(Script::new());
        self.stored = self.server.unfinished_parts();
        let (count, bytes) = self.stored;
        self.line(format!(
            "kill -9 after {} (requests slowed to 12 MB/s, so that there is a halfway); exit status {}",
            seconds(began.elapsed()),
            killed.code()
        ))?;
        self.line(format!("the server holds {count} of {parts} parts, {}, and no object", megabytes(bytes)))?;
        if self.server.s3().exists("demo", "site/wordpress.zip") {
            return Err(Unexpected("the object is there though the upload was killed".into()));
        }
        Ok(())
    }

    fn upload_again(&mut self) -> Result<(), Unexpected> {
        self.heading("The same command again")?;
        self.proxy.forget();
        let finished = self.run(self.upload_args())?;
        let (sent, sent_bytes) = self.parts_sent();
        let kept_bytes = self.zip_bytes.saturating_sub(sent_bytes);
        let resumed = finished
            .event("resumed")
            .ok_or_else(|| Unexpected(format!("the second run did not say that it resumed:\n{finished}")))?;
        self.line(format!(
            "resumed: {} parts kept, {} NOT sent again ({} %)",
            resumed["parts_kept"],
            megabytes(kept_bytes),
            kept_bytes * 100 / self.zip_bytes.max(1)
        ))?;
        self.line(format!(
            "sent, counted on the wire: {sent} parts, {} in {}",
            megabytes(sent_bytes),
            seconds(finished.time)
        ))?;
        if kept_bytes == 0 {
            return Err(Unexpected("everything was sent again".into()));
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<(), Unexpected> {
        self.heading("Is it what we sent?")?;
        self.command(&["verify", URL])?;
        let finished = self.run(self.args(&["verify", URL]))?;
        self.quote(&finished)?;
        self.line(format!("verified in {}", seconds(finished.time)))
    }

    fn get_and_compare(&mut self) -> Result<(), Unexpected> {
        self.heading("Get it back")?;
        self.command(&["get", URL, "--to", "back.zip"])?;
        let back = self.dir.path().join("back.zip");
        let back_name = back.display().to_string();
        let finished = self.run(self.args(&["get", URL, "--to", &back_name]))?;
        match data::first_difference(&self.dir.path().join("wordpress.zip"), &back)? {
            None => self.line(format!(
                "{} in {}: byte for byte the archive that was sent",
                megabytes(self.zip_bytes),
                seconds(finished.time)
            )),
            Some(at) => Err(Unexpected(format!("the copy differs from the archive at byte {at}"))),
        }
    }

    fn list(&mut self) -> Result<(), Unexpected> {
        self.heading("What is in the bucket")?;
        self.command(&["list", "s3://demo/site/"])?;
        let finished = self.run(self.args(&["list", "s3://demo/site/"]))?;
        self.quote(&finished)?;
        let (parts, _) = self.server.unfinished_parts();
        self.line(format!("unfinished parts left on the server: {parts}"))?;
        writeln!(self.out, "\nDone: killed halfway, resumed, verified, read back.")?;
        if parts == 0 { Ok(()) } else { Err(Unexpected("parts of an unfinished upload were left".into())) }
    }

    fn upload_args(&self) -> Vec<String> {
        let archive = self.dir.path().join("wordpress.zip").display().to_string();
        self.args(&["upload", &archive, URL, "--part-size", "5MiB", "--concurrency", "2", "--json"])
    }

    fn args(&self, words: &[&str]) -> Vec<String> {
        let endpoint = self.proxy.endpoint();
        let place = ["--endpoint", &endpoint, "--region", REGION];
        words.iter().chain(&place).map(|word| (*word).to_owned()).collect()
    }

    fn run(&self, args: Vec<String>) -> Result<Finished, Unexpected> {
        let finished = self.holdfast.run(args);
        if finished.code() == 0 { Ok(finished) } else { Err(ended_early(&finished)) }
    }

    /// Parts that the server took since the proxy last forgot, and their bytes.
    fn parts_sent(&self) -> (usize, u64) {
        let parts = self.proxy.of(Operation::UploadPart(0)).into_iter().filter(|e| e.status == Some(200));
        parts.fold((0, 0), |(count, bytes), part| (count + 1, bytes + part.body_read))
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{}. {text}", self.step)
    }

    fn line(&mut self, text: String) -> Result<(), Unexpected> {
        Ok(writeln!(self.out, "   {text}")?)
    }

    fn command(&mut self, words: &[&str]) -> io::Result<()> {
        writeln!(self.out, "   $ holdfast {} --endpoint …", words.join(" "))
    }

    fn quote(&mut self, finished: &Finished) -> io::Result<()> {
        let home = self.dir.path().display().to_string();
        for line in finished.stdout.lines().chain(finished.stderr.lines()).filter(|line| !line.trim().is_empty()) {
            writeln!(self.out, "   | {}", line.replace(&home, "."))?;
        }
        Ok(())
    }
}

fn ended_early(finished: &Finished) -> Unexpected {
    Unexpected(format!("the runner ended otherwise than it should:\n{finished}"))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
