//! The command line. `--help` is the manual: what stands here is what a person reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Sends archives to S3 and proves that they arrived.
#[derive(Debug, Parser)]
#[command(
    name = "holdfast",
    version,
    max_term_width = 100,
    after_help = "Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a file of your own, \
                  the container's or the instance's role, or the job on stdin; never from the command line.\n\n\
                  Exit codes: 0 done, 1 unexpected, 2 usage or configuration, 3 done with warnings, \
                  10 no such object, 11 another run holds the lock, 12 permission denied, 13 integrity, \
                  14 unreachable or throttled beyond the budget, 15 already exists, 130 cancelled."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // one of it exists, once
pub enum Command {
    /// Test connection: what these keys may do, what they may not, and what to change
    ///
    /// Asks for everything that backups, restoring and retention will do, in about three round
    /// trips, and whether this key reaches anything outside its prefix. It leaves one small object
    /// behind for good, holdfast-site.json, which proves that reading works (`--no-marker`
    /// forgoes it), and fetches nobody's data.
    Check(Check),
    /// Send an archive that exists, and be sure that it arrived
    ///
    /// The archive is sent in parts, several at a time, each with a checksum that the server
    /// compares; at the end the server compares the checksum of the whole. Run the same command
    /// again after a crash, a reboot or Ctrl-C: it continues, and sends only what is missing.
    Upload(Upload),
    /// Back up a whole site: one ordinary zip in the bucket, and only what changed travels
    ///
    /// The files and the database become one object, PREFIX/SITE/TIME.zip, which any unzip opens.
    /// From the second time on the server copies what has not changed from the last backup. Each
    /// backup is complete in itself. Run the same command again after a crash: it continues.
    #[command(after_help = "Exit codes: 0 done; 3 done, and something was left out or changed while it was read; \
                            11 another run is backing up the same site.")]
    Backup(Backup),
    /// Get an object into a file, verified
    ///
    /// Ranges travel in parallel into FILE.holdfast-part, which is renamed when it is whole and
    /// its checksum agrees. Run the same command again after an interruption: it continues.
    Get(Get),
    /// Read an object and compare it with everything that is known of it
    ///
    /// Nothing is kept. Of a backup, every member is compared with the SHA-256 that its central
    /// directory holds. Any other object is compared with the checksum that the server has, with
    /// its ETag, and with what the upload from this machine wrote down.
    Verify(Verify),
    /// What a backup holds, and what has changed since the one before
    Show(Show),
    /// What one backup has that another has not
    ///
    /// One line a member: + added, - removed, M changed, t the same content with other times or
    /// modes.
    Diff(Diff),
    /// List objects
    List(List),
    /// The hoster's view: how old is each client's newest backup?
    ///
    /// A client is a prefix directly below the one that is named. Every client's objects are
    /// listed and nothing is read, so any backup counts, whichever tool sent it; `holdfast verify`
    /// says whether one is whole. It takes a key that may list all clients: `holdfast policy
    /// generate fleet` writes its policy.
    #[command(after_help = "Exit codes: 0 every client has a fresh backup; 3 one has not, or could not be listed, or \
                            there are no clients; 12 the clients cannot be listed at all.")]
    Fleet(Fleet),
    /// Delete the backups of one site that a policy has no use for any more
    ///
    /// Each rule keeps the newest backup of so many hours, days, weeks, months or years, counted in
    /// UTC from the newest on; a backup stays when any rule keeps it. The newest stays whatever the
    /// rules say, and so does one that is dated later than now. Only backups of the one site are
    /// touched, whatever else lies below the prefix.
    #[command(after_help = "Exit codes: 0 done; 3 something could not be deleted; 10 there is no such site; 12 the \
                            backups cannot be listed.")]
    Prune(Prune),
    /// Print a URL by which anyone can get one object, for a while
    ///
    /// Nothing is sent: the URL holds a signature of these keys, and ends with them. Whoever has it
    /// needs nothing else, so treat it like the backup itself.
    Presign(Presign),
    /// What this machine has sent, is sending, or has begun to send
    #[command(subcommand)]
    Job(Job),
    /// Who may do what: policies of IAM, written and judged without asking a server
    #[command(subcommand)]
    Policy(Policy),
    /// Say what an S3 error means: which permission is missing, on which ARN, and what to change
    ///
    /// Paste whatever you have: an error of any program or plugin, S3's XML, lines of the bucket's
    /// access log (REST.GET.UPLOADS ... 403), a CloudTrail event, or the id of a failed job. What
    /// stands around it does no harm. Nothing is sent anywhere.
    #[command(after_help = "Exit codes: 0 something was recognised, 2 nothing was.")]
    Explain(Explain),
    /// Load the sandboxed module and say how it runs here
    SelfTest(SelfTest),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// `holdfast check`
#[derive(Debug, Args)]
pub struct Check {
    /// Where backups go: s3://BUCKET/PREFIX/
    #[arg(value_name = "s3://BUCKET/PREFIX/")]
    pub prefix: String,
    /// Leave no holdfast-site.json behind; reading is then proved by the first backup
    #[arg(long)]
    pub no_marker: bool,
    /// Do not ask what this key reaches outside its prefix
    #[arg(long)]
    pub no_isolation: bool,
    /// The key of an object of another client, to ask (by a HEAD) whether this key can read it
    #[arg(long, value_name = "KEY", conflicts_with = "no_isolation")]
    pub canary: Option<String>,
    /// Backups will have this storage class
    #[arg(long, value_name = "CLASS")]
    pub storage_class: Option<String>,
    /// Backups will be encrypted at rest: `aes256`, `kms`, or `kms:KEY-ID`
    #[arg(long, value_name = "HOW")]
    pub encrypt: Option<String>,
    /// Backups will have this tag; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    pub tags: Vec<String>,
    /// How long to try when nothing answers, such as 5s, 1m
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = crate::units::parse_time)]
    pub retry_for: std::time::Duration,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: State,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast upload`
#[derive(Debug, Args)]
pub struct Upload {
    /// The archive; any regular file
    #[arg(required_unless_present = "job", conflicts_with = "job")]
    pub archive: Option<PathBuf>,
    /// Where it goes: s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ to keep the file's name
    #[arg(required_unless_present = "job", conflicts_with = "job", value_name = "s3://BUCKET/KEY")]
    pub to: Option<String>,
    /// Read the whole job as JSON (docs/job.md), keys included, from stdin
    #[arg(long, value_name = "-", value_parser = ["-"], hide_possible_values = true)]
    pub job: Option<String>,
    /// Replace an object that exists
    #[arg(long)]
    pub overwrite: bool,
    /// Length of the parts, such as 64MiB; planned from the archive's length when not given
    #[arg(long, value_name = "SIZE", value_parser = crate::units::parse_size)]
    pub part_size: Option<u64>,
    /// Storage class, such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    pub storage_class: Option<String>,
    /// Encryption at rest: `aes256`, `kms`, or `kms:KEY-ID`
    #[arg(long, value_name = "HOW")]
    pub encrypt: Option<String>,
    /// A tag of the object; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    pub tags: Vec<String>,
    /// Metadata of the object; may be given several times
    #[arg(long = "metadata", value_name = "NAME=VALUE")]
    pub metadata: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// Where backups go: s3://BUCKET/PREFIX/
    #[arg(value_name = "s3://BUCKET/PREFIX/")]
    pub to: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub what: BackupWhat,
    /// Say what would be read, sent and stored, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Read every file, even where size, times and inode say that it has not changed
    #[arg(long)]
    pub paranoid: bool,
    /// Send everything: copy nothing from the last backup
    #[arg(long, conflicts_with = "compact")]
    pub full: bool,
    /// Leave out the bytes of the last backup that nothing uses any more, such as deleted files
    #[arg(long)]
    pub compact: bool,
    /// Storage class, such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    pub storage_class: Option<String>,
    /// Encryption at rest: `aes256`, `kms`, or `kms:KEY-ID`
    #[arg(long, value_name = "HOW")]
    pub encrypt: Option<String>,
    /// A tag of the object; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    pub tags: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// What is backed up.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What is backed up")]
pub struct BackupWhat {
    /// A WordPress site: its files, and the database that its wp-config.php names
    #[arg(long, value_name = "DIR", required_unless_present_any = ["files", "database"])]
    pub wp_root: Option<PathBuf>,
    /// A tree of files, without a database
    #[arg(long, value_name = "DIR", conflicts_with = "wp_root")]
    pub files: Option<PathBuf>,
    /// A database, without files; or with those of `--files`
    #[arg(long, conflicts_with = "wp_root")]
    pub database: bool,
    /// The database server, in any of WordPress's forms: HOST, HOST:PORT, HOST:/SOCKET
    #[arg(long, value_name = "HOST", default_value = "localhost", env = "HOLDFAST_DB_HOST")]
    pub db_host: String,
    /// The database's name
    #[arg(long, value_name = "NAME", env = "HOLDFAST_DB_NAME")]
    pub db_name: Option<String>,
    /// The database's user; the password comes from HOLDFAST_DB_PASSWORD
    #[arg(long, value_name = "USER", env = "HOLDFAST_DB_USER")]
    pub db_user: Option<String>,
    /// Every table of the database, not only those with the site's prefix
    #[arg(long)]
    pub all_tables: bool,
    /// Leave out tables whose name matches; may be given several times
    #[arg(long = "skip-table", value_name = "GLOB")]
    pub skip_tables: Vec<String>,
    /// Keep these tables but not their rows; may be given several times
    #[arg(long = "skip-rows", value_name = "GLOB")]
    pub skip_rows: Vec<String>,
    /// Leave out files that match, in gitignore's syntax; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Keep files that match, whatever else leaves them out; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,
    /// Leave out what the patterns in this file match
    #[arg(long, value_name = "FILE")]
    pub exclude_from: Vec<PathBuf>,
    /// Keep caches and other backup tools' archives, which are left out otherwise
    #[arg(long)]
    pub no_default_excludes: bool,
    /// Stay on the root's file system
    #[arg(long)]
    pub one_file_system: bool,
    /// Back up even the whole machine's root, `/`
    #[arg(long)]
    pub allow_root: bool,
    /// Run at the priority of everything else
    #[arg(long)]
    pub no_nice: bool,
    /// The site's name in the bucket; else made of its address or its folder
    #[arg(long, value_name = "NAME")]
    pub site_name: Option<String>,
}

/// `holdfast get`
#[derive(Debug, Args)]
pub struct Get {
    /// The object
    #[arg(value_name = "s3://BUCKET/KEY")]
    pub from: String,
    /// Of a backup, one member, such as files/wp-config.php
    #[arg(long, value_name = "NAME")]
    pub member: Option<std::ffi::OsString>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Replace a file that exists
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast show`
#[derive(Debug, Args)]
pub struct Show {
    /// The backup
    #[arg(value_name = "s3://BUCKET/KEY")]
    pub backup: String,
    /// List its members
    #[arg(long)]
    pub members: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The older backup
    #[arg(value_name = "s3://BUCKET/OLDER")]
    pub older: String,
    /// The newer one, in the same bucket
    #[arg(value_name = "s3://BUCKET/NEWER")]
    pub newer: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The object
    #[arg(value_name = "s3://BUCKET/KEY")]
    pub object: String,
    /// Of a backup, read only so many of a hundred members
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub sample: Option<u8>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast list`
#[derive(Debug, Args)]
pub struct List {
    /// Where to look: s3://BUCKET or s3://BUCKET/PREFIX/
    #[arg(value_name = "s3://BUCKET/PREFIX/")]
    pub prefix: String,
    /// Everything below, not only this level
    #[arg(long, short = 'R')]
    pub recursive: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast fleet`
#[derive(Debug, Args)]
pub struct Fleet {
    /// What all clients' prefixes begin with: s3://BUCKET/home/
    #[arg(value_name = "s3://BUCKET/PREFIX/")]
    pub prefix: String,
    /// How old a newest backup may be, such as 26h, 7d; what is older is stale
    #[arg(long, value_name = "TIME", default_value = "26h", value_parser = crate::units::parse_time)]
    pub max_age: std::time::Duration,
    /// Names of clients that must be there, one a line; - for stdin
    #[arg(long, value_name = "FILE")]
    pub clients: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    /// One JSON document on stdout
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Say nothing but errors: the exit code tells
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    pub quiet: bool,
    /// Say more
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,
}

/// `holdfast prune`
#[derive(Debug, Args)]
pub struct Prune {
    /// What the site's folder is in: s3://BUCKET/PREFIX/
    #[arg(value_name = "s3://BUCKET/PREFIX/")]
    pub prefix: String,
    /// The site, by its folder's name or its id; needed where there are several
    #[arg(long, value_name = "NAME|ID")]
    pub site: Option<String>,
    /// Keep the last N backups
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Policy")]
    pub keep_last: u32,
    /// Keep the newest of each of N hours
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Policy")]
    pub keep_hourly: u32,
    /// Keep the newest of each of N days
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Policy")]
    pub keep_daily: u32,
    /// Keep the newest of each of N weeks, which begin on Monday
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Policy")]
    pub keep_weekly: u32,
    /// Keep the newest of each of N months
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Policy")]
    pub keep_monthly: u32,
    /// Keep the newest of each of N years
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Policy")]
    pub keep_yearly: u32,
    /// Keep everything that is older than the newest by no more than this, such as 30d
    #[arg(long, value_name = "TIME", value_parser = crate::units::parse_time, help_heading = "Policy")]
    pub keep_within: Option<std::time::Duration>,
    /// Keep the backup of this key, whatever the rules say; may be given several times
    #[arg(long, value_name = "KEY", help_heading = "Policy")]
    pub pin: Vec<String>,
    /// Only show what would go
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub transfer: Transfer,
    /// One JSON document on stdout
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Say nothing but errors: the exit code tells
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    pub quiet: bool,
    /// Say more
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,
}

/// `holdfast presign`
#[derive(Debug, Args)]
pub struct Presign {
    /// The object
    #[arg(value_name = "s3://BUCKET/KEY")]
    pub object: String,
    /// How long the URL is good for, such as 5m, 12h, 7d; at most 7 days
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = crate::units::parse_time)]
    pub expires: std::time::Duration,
    /// The name that a browser saves it under
    #[arg(long, value_name = "NAME")]
    pub file_name: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub storage: Storage,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: State,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: Output,
}

/// `holdfast job`
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // one of it exists, once
pub enum Job {
    /// All of them, newest first
    List {
        #[command(flatten)]
        #[allow(missing_docs)]
        state: State,
        /// One JSON document on stdout
        #[arg(long)]
        json: bool,
    },
    /// One of them
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        #[allow(missing_docs)]
        state: State,
        /// One JSON document on stdout
        #[arg(long)]
        json: bool,
    },
    /// Give up an interrupted job: abort its multipart upload, and forget it
    Cancel {
        /// Its id
        id: String,
        #[command(flatten)]
        #[allow(missing_docs)]
        storage: Storage,
        #[command(flatten)]
        #[allow(missing_docs)]
        transfer: Transfer,
        #[command(flatten)]
        #[allow(missing_docs)]
        output: Output,
    },
}

/// `holdfast policy`
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // one of it exists, once
pub enum Policy {
    /// Write the policies for a bucket of clients, and the commands that apply them
    ///
    /// The documents go to stdout, or with --out into files; the commands go to stderr, for you to
    /// read and paste. Each document holds what Holdfast needs and nothing else.
    Generate(PolicyGenerate),
    /// Find what policies let happen that nobody meant
    ///
    /// Give all documents of a bucket together: policies of IAM, the bucket's policy, its lifecycle.
    /// Each finding says where, what it lets happen, and what to put in its place. Exit code 3
    /// when something was found (notes alone do not count), 2 when a document cannot be read.
    Lint(PolicyLint),
    /// Say what policies let a client do, and whether clients can reach each other
    ///
    /// The policies are taken to be attached to every client (or to the bucket, when they name
    /// principals), and all of one account. Exit code 0: no client reaches another's prefix; 3: one
    /// does, or not every pair could be looked at; 2: something cannot be read.
    Simulate(PolicySimulate),
}

/// `holdfast policy lint`
#[derive(Debug, Args)]
pub struct PolicyLint {
    /// The documents, as JSON; - is stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The bucket that is meant; else the one that most ARNs name
    #[arg(long)]
    pub bucket: Option<String>,
    /// Where each client's backups are to be, in single quotes: 'home/${aws:username}/'
    #[arg(long)]
    pub prefix: Option<String>,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `holdfast policy generate`
#[derive(Debug, Args)]
pub struct PolicyGenerate {
    /// What to write
    #[arg(value_enum, default_value_t = PolicyKind::Set)]
    pub kind: PolicyKind,
    /// The bucket
    #[arg(long)]
    pub bucket: String,
    /// Where each client's backups are; in single quotes, or the shell replaces the variable
    #[arg(long, default_value = "home/${aws:username}/")]
    pub prefix: String,
    /// The client: the name of its IAM user
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// The IAM group of the clients, for the commands
    #[arg(long, value_name = "NAME", default_value = "holdfast-clients")]
    pub group: String,
    /// Leave out the permission for something that will not be done; may be given several times
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    pub without: Vec<PolicyFeature>,
    /// Leave out reading the bucket's safety settings: `check` can then not say whether a thief of
    /// the key could destroy backups
    #[arg(long)]
    pub minimal: bool,
    /// Objects are encrypted with this KMS key
    #[arg(long, value_name = "ARN")]
    pub kms_key: Option<String>,
    /// Objects are tagged
    #[arg(long)]
    pub tags: bool,
    /// The plugin BackWPup uses the keys too. It insists on listing multipart uploads, so every
    /// client will see the names of all clients' unfinished backups
    #[arg(long)]
    pub backwpup: bool,
    /// Whose policy language
    #[arg(long, value_enum, default_value_t = PolicyDialect::Aws)]
    pub dialect: PolicyDialect,
    /// Which AWS
    #[arg(long, value_enum, default_value_t = PolicyPartition::Aws)]
    pub partition: PolicyPartition,
    /// Write each document into a file of this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// With --out, replace files that exist
    #[arg(long, requires = "out")]
    pub overwrite: bool,
    /// One JSON document on stdout: documents, commands, notes
    #[arg(long)]
    pub json: bool,
}

/// `holdfast policy simulate`
#[derive(Debug, Args)]
pub struct PolicySimulate {
    /// Policies as JSON; - for stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The client: the name of its IAM user
    #[arg(long = "as", value_name = "CLIENT")]
    pub client: String,
    /// Where its objects are, such as home/client1/ or 'home/${aws:username}/'
    #[arg(long, value_name = "PREFIX/")]
    pub prefix: String,
    /// The bucket; the one that the policies name most often, when not given
    #[arg(long, value_name = "BUCKET")]
    pub bucket: Option<String>,
    /// Names of all clients, one a line: can any reach another? - for stdin
    #[arg(long, value_name = "FILE")]
    pub clients: Option<PathBuf>,
    /// Whose rules hold
    #[arg(long, value_enum, default_value_t = PolicyDialect::Aws)]
    pub dialect: PolicyDialect,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// What `holdfast policy generate` writes
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyKind {
    /// All that a bucket of clients needs: group policy, bucket policy, lifecycle
    Set,
    /// The policy of one client
    OneClient,
    /// One policy for all clients, by `${aws:username}`
    Group,
    /// For keys that only add, with Object Lock: whoever steals one destroys nothing
    WriteOnly,
    /// TLS only, and no overwriting
    BucketPolicy,
    /// End abandoned uploads, keep old versions 30 days
    Lifecycle,
    /// For the hoster's own key, which watches the fleet: it only lists
    Fleet,
}

/// `--without`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyFeature {
    /// Reading backups back
    Restore,
    /// Deleting backups that are due
    Retention,
    /// Copying what has not changed from the last backup
    Incremental,
}

/// `--dialect`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyDialect {
    /// IAM's; a user's name is text
    Aws,
    /// MinIO's; a * or ? in a user's name works as a wildcard
    Minio,
}

/// `--partition`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // as AWS calls them
pub enum PolicyPartition {
    Aws,
    AwsCn,
    AwsUsGov,
}

/// `holdfast explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The error; a job's id; or `-` to read it from stdin, as without it
    pub text: Vec<String>,
    /// The id of a job that failed; `holdfast job list` shows them
    #[arg(long, value_name = "RUN", conflicts_with = "text")]
    pub job: Option<String>,
    /// The bucket, where the error does not name it
    #[arg(long)]
    pub bucket: Option<String>,
    /// The prefix that is the client's own, such as home/client1/
    #[arg(long)]
    pub prefix: Option<String>,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: State,
}

/// `holdfast self-test`
#[derive(Debug, Args)]
pub struct SelfTest {
    /// Interpret the module even where machine code could run
    #[arg(long)]
    pub pulley: bool,
    /// One JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// Where storage is, and who we are to it.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Storage")]
pub struct Storage {
    /// The S3 endpoint, where it is not Amazon's: https://HOST[:PORT]
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_S3")]
    pub endpoint: Option<String>,
    /// The bucket's region; found out when not given
    #[arg(long, env = "AWS_REGION")]
    pub region: Option<String>,
    /// Whose S3 it is, for its quirks: aws, minio, cloudflare-r2, backblaze-b2, wasabi, …;
    /// known from most endpoints
    #[arg(long, value_name = "NAME", value_parser = provider_names())]
    pub provider: Option<String>,
    /// Put the bucket into the host name or into the path; known for most providers
    #[arg(long, value_enum)]
    pub addressing: Option<Addressing>,
    /// Use Amazon's IPv6 endpoints
    #[arg(long)]
    pub dualstack: bool,
    /// Fail if the bucket belongs to another AWS account
    #[arg(long, value_name = "ACCOUNT-ID")]
    pub expected_bucket_owner: Option<String>,
    /// Take the keys from this profile of the AWS shared files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Take the keys from this JSON file, which must be yours and have mode 0600
    #[arg(long, value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
    /// Send no keys: for public objects
    #[arg(long, conflicts_with_all = ["profile", "credentials_file"])]
    pub anonymous: bool,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "PEM", env = "AWS_CA_BUNDLE")]
    pub ca_file: Option<PathBuf>,
    /// Speak unencrypted HTTP with a public host. Everybody on the way can read the archive
    #[arg(long)]
    pub allow_http: bool,
}

/// How to send.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transfer")]
pub struct Transfer {
    /// Requests at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub concurrency: u32,
    /// How long to go on when nothing succeeds any more, such as 90s, 15m, 2h
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = crate::units::parse_time)]
    pub retry_for: std::time::Duration,
    /// Send no faster than this, such as 10M or 500KiB (a second, all connections together)
    #[arg(long, value_name = "RATE", value_parser = crate::units::parse_rate)]
    pub limit_rate: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: State,
}

/// Where jobs are remembered.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transfer")]
pub struct State {
    /// The state folder; else $XDG_STATE_HOME/holdfast or ~/.local/state/holdfast
    #[arg(long, value_name = "DIR", env = "HOLDFAST_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
}

/// How to speak.
#[derive(Debug, Args, Clone, Copy)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// JSON on stdout, one object a line
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
    /// Say more
    #[arg(long, short)]
    pub verbose: bool,
}

/// `--addressing`
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Addressing {
    /// https://BUCKET.HOST/KEY
    VirtualHost,
    /// https://HOST/BUCKET/KEY
    Path,
}

fn provider_names() -> clap::builder::PossibleValuesParser {
    use holdfast_core::provider::Provider;
    Provider::ALL
        .map(|provider| {
            let quirks = provider.quirks();
            clap::builder::PossibleValue::new(quirks.name).help(quirks.title)
        })
        .into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
