//! The demo's story: a real WordPress is backed up, a day passes, only what changed travels, and any
//! unzip gives the site back.
//!
//! Between the runner and the server stands a [`FaultProxy`] without faults, which counts what crosses
//! the wire. The server is MinIO where it is installed, else s3s-fs in this process.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::backup::{self, Place, Report};
use crate::unzip::Reader;
use crate::wordpress::{self, WordPress};
use crate::{Embedded, FaultProxy, Finished, Holdfast, Minio, S3, Script, archive, binaries, tree};

const BUCKET: &str = "demo";
const PREFIX: &str = "home/client1/";

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

/// Tells the story on `out`, using this WordPress core.
pub fn tell(tree: &Path, out: &mut dyn Write) -> Result<(), Unexpected> {
    let mut story = Story::begin(tree, out)?;
    let first = story.night("The first night: everything")?;
    story.day()?;
    let second = story.night("The second night: what changed")?;
    story.table(&[&first, &second])?;
    story.delete_the_first(&first, &second)?;
    let zip = story.open(&second)?;
    story.compare(&zip)
}

enum Server {
    Minio(Minio),
    Embedded(Embedded),
}

struct Story<'a> {
    out: &'a mut dyn Write,
    step: usize,
    dir: tempfile::TempDir,
    server: Server,
    proxy: FaultProxy,
    holdfast: Holdfast,
    site: WordPress,
    place: Place,
}

struct Night {
    report: Report,
    on_the_wire: u64,
    time: Duration,
}

impl<'a> Story<'a> {
    fn begin(tree: &Path, out: &'a mut dyn Write) -> Result<Self, Unexpected> {
        let dir = tempfile::Builder::new().prefix("holdfast-demo").tempdir()?;
        let began = Instant::now();
        let site = WordPress::start();
        let making = began.elapsed();
        let server = Server::start()?;
        server.s3().create_bucket(BUCKET);
        let proxy = FaultProxy::start(server.address(), Script::new());
        let place = Place::new(proxy.endpoint(), BUCKET, PREFIX);
        let mut story = Self { out, step: 0, dir, server, proxy, holdfast: Holdfast::new(), site, place };
        story.heading("A real site")?;
        let files = tree::snapshot(story.site.root())?;
        let bytes = files.values().map(|facts| facts.size).sum();
        let tables = story.site.checksums(wordpress::DB_NAME).len();
        story.line(format!(
            "WordPress {} with MariaDB, installed in {}: {} files, {}, {tables} tables",
            archive::wordpress_version(tree),
            seconds(making),
            files.values().filter(|facts| facts.kind == tree::Kind::File).count(),
            megabytes(bytes)
        ))?;
        let line = format!("S3 server: {}, bucket `{BUCKET}`", story.server.name());
        story.line(line)?;
        Ok(story)
    }

    fn night(&mut self, title: &str) -> Result<Night, Unexpected> {
        self.heading(title)?;
        self.command(&format!("backup --wp-root htdocs {}", self.place.url()))?;
        self.proxy.forget();
        let finished = self.run(self.place.wp_root(&self.holdfast, self.site.root()))?;
        let on_the_wire = self.proxy.exchanges().iter().map(|exchange| exchange.body_read).sum();
        let report = Report::of(&finished);
        self.line(format!("{} in {}", report.key, seconds(finished.time)))?;
        self.line(format!(
            "sent, counted on the wire: {}; copied on the server: {}",
            megabytes(on_the_wire),
            megabytes(report.bytes_copied)
        ))?;
        Ok(Night { report, on_the_wire, time: finished.time })
    }

    fn day(&mut self) -> Result<(), Unexpected> {
        self.heading("A day passes")?;
        let day = self.site.work_a_day(1);
        self.line(format!("the post \"{}\" is edited", day.post))?;
        self.line(format!("a picture is added: {}, {}", day.image, megabytes(day.image_bytes)))
    }

    fn table(&mut self, nights: &[&Night]) -> Result<(), Unexpected> {
        writeln!(self.out)?;
        self.line(format!(
            "{:>8} {:>14} {:>14} {:>18} {:>9}",
            "night", "the backup has", "sent", "copied on server", "time"
        ))?;
        for (n, night) in nights.iter().enumerate() {
            self.line(format!(
                "{:>8} {:>14} {:>14} {:>18} {:>9}",
                n + 1,
                megabytes(night.report.len),
                megabytes(night.on_the_wire),
                megabytes(night.report.bytes_copied),
                seconds(night.time)
            ))?;
        }
        let [first, second] = nights else { return Ok(()) };
        if second.on_the_wire * 5 > first.on_the_wire {
            return Err(Unexpected("the second night sent more than a fifth of the first".into()));
        }
        Ok(())
    }

    fn delete_the_first(&mut self, first: &Night, second: &Night) -> Result<(), Unexpected> {
        self.heading("No chain: the first night is deleted")?;
        let s3 = self.server.s3();
        s3.delete(BUCKET, &first.report.key);
        let left = self.place.backups(&s3);
        self.line(format!("left in the bucket: {}", left.join(", ")))?;
        if left == [second.report.key.clone()] { Ok(()) } else { Err(Unexpected("another backup was expected".into())) }
    }

    fn open(&mut self, night: &Night) -> Result<PathBuf, Unexpected> {
        self.heading("Any unzip opens it")?;
        let zip = self.dir.path().join("backup.zip");
        let to = zip.display().to_string();
        self.command(&format!("get s3://{BUCKET}/{} --to backup.zip", night.report.key))?;
        let url = format!("s3://{BUCKET}/{}", night.report.key);
        self.run(["get", &url, "--to", &to, "--endpoint", &self.place.endpoint].map(str::to_owned).to_vec())?;
        writeln!(self.out, "   $ unzip -l backup.zip | head")?;
        let listed = Command::new("unzip").arg("-l").arg(&zip).output()?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for line in listed.lines().skip(1).take(11) {
            writeln!(self.out, "   | {line}")?;
        }
        if let Some(last) = listed.lines().last() {
            writeln!(self.out, "   | …\n   | {last}")?;
        }
        Ok(zip)
    }

    fn compare(&mut self, zip: &Path) -> Result<(), Unexpected> {
        self.heading("Is it the site?")?;
        let mut site = tree::snapshot(self.site.root())?;
        // unzip takes times from the headers beside the members, and a folder is not sent again for a new
        // file in it.
        let folders = site.values_mut().filter(|facts| facts.kind == tree::Kind::Directory);
        folders.for_each(|facts| facts.mtime_ns = 0);
        let differences = backup::differences(Reader::InfoZip, zip, &site);
        if !differences.is_empty() {
            return Err(Unexpected(format!("what unzip extracts is not the site:\n{differences}")));
        }
        self.line(format!(
            "unzip backup.zip: {} files and folders, with the bytes, modes and times that they have on the site",
            site.len()
        ))?;
        backup::load_dump(zip, self.site.database(), "restored");
        let (now, restored) = (self.site.checksums(wordpress::DB_NAME), self.site.checksums("restored"));
        if now != restored {
            return Err(Unexpected(format!("the tables differ:\n{now:?}\n{restored:?}")));
        }
        self.line(format!("cat database/*.sql | mariadb: {} tables, every checksum equal", now.len()))?;
        writeln!(self.out, "\nDone: a whole site in one zip; the second night sent what changed.")?;
        Ok(())
    }

    fn run(&self, args: Vec<String>) -> Result<Finished, Unexpected> {
        let finished = self.holdfast.run(args);
        match finished.code() {
            0 => Ok(finished),
            _ => Err(Unexpected(format!("the runner ended otherwise than it should:\n{finished}"))),
        }
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{}. {text}", self.step)
    }

    fn line(&mut self, text: String) -> Result<(), Unexpected> {
        Ok(writeln!(self.out, "   {text}")?)
    }

    fn command(&mut self, words: &str) -> io::Result<()> {
        writeln!(self.out, "   $ holdfast {words} --endpoint …")
    }
}

impl Server {
    fn start() -> io::Result<Self> {
        if binaries::cache_dir().join("bin/minio").is_file() {
            return Ok(Self::Minio(Minio::start()));
        }
        Embedded::start().map(Self::Embedded)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Minio(_) => "MinIO on this machine",
            Self::Embedded(_) => "s3s-fs inside this process",
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Minio(minio) => minio.address(),
            Self::Embedded(embedded) => embedded.address(),
        }
    }

    fn s3(&self) -> S3 {
        match self {
            Self::Minio(minio) => minio.s3(),
            Self::Embedded(embedded) => embedded.s3(),
        }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
