//! s3s-fs inside this process: nothing to install, good enough for the demo.
//!
//! It knows no ListMultipartUploads (501), no lifecycle and no Object Lock, accepts a wrong
//! checksum, and lists parts in any order and without ETags: [`crate::Minio`] and [`crate::Versitygw`] are the ones to test against.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::process::loopback;
use crate::{ACCESS_KEY, S3, SECRET};

/// A running s3s-fs.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Embedded {
    /// Starts one on a free loopback port, with its objects in a temporary folder.
    pub fn start() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("s3s-fs").tempdir()?;
        let files = FileSystem::new(dir.path()).map_err(|e| io::Error::other(format!("{e:?}")))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET));
        let service = builder.build();

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(loopback(0)))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("s3s-fs".into()).spawn(move || {
            runtime.spawn(async move {
                loop {
                    let Ok((socket, _)) = listener.accept().await else {
                        continue;
                    };
                    let service = service.clone();
                    tokio::spawn(async move {
                        let server = Builder::new(TokioExecutor::new());
                        // A client that hangs up is no event here.
                        server.serve_connection(TokioIo::new(socket), service).await.ok();
                    });
                }
            });
            runtime.block_on(stopped).ok();
            runtime.shutdown_background();
        })?;
        Ok(Self { address, dir, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client with the test bed's key.
    pub fn s3(&self) -> S3 {
        S3::new(self.endpoint())
    }

    /// How many parts of unfinished uploads it holds, and their bytes.
    pub fn unfinished_parts(&self) -> (usize, u64) {
        let is_part = |name: &str| name.contains("upload_id-") && name.contains(".part-");
        count(self.dir.path(), &is_part)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn count(dir: &Path, wanted: &dyn Fn(&str) -> bool) -> (usize, u64) {
    let Ok(entries) = fs::read_dir(dir) else {
        return (0, 0);
    };
    let mut sum = (0, 0);
    for entry in entries.flatten() {
        if let Ok(meta) = entry.metadata()
            && meta.is_file()
            && wanted(&entry.file_name().to_string_lossy())
        {
            sum = (sum.0 + 1, sum.1 + meta.len());
        }
    }
    sum
}
