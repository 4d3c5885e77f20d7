//! Cold files beside hot ones: who waits for the disk waits alone.

use std::fs::{self, File};
use std::io::IoSliceMut;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use crate::harness::{Conn, Protocol, Server, Site, noise, on_every_protocol};

on_every_protocol! {
    cold_downloads_do_not_delay_hot_files,
}

const COLD_FILES: usize = 4;
/// How long each of them is: with the slow disk, seconds of it for all, or one where a client decrypts what comes.
fn cold_length(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Http1 => 24 << 20,
        Protocol::Http1Tls | Protocol::Http2 | Protocol::Http3 => 4 << 20,
    }
}

/// What the disk is slowed to, if that can be done: one read-ahead window then takes tens of milliseconds.
const BYTES_PER_SECOND: u64 = 16 << 20;

/// How often each state asks: enough for a 99th percentile.
const REQUESTS: usize = 1_500;

/// Twice the quiet state, and this: a time slice or two of a machine whose processors are taken (by the
/// downloading clients of this test, to begin with), and a fraction of what one wait for the slowed disk takes.
const NOISE: Duration = Duration::from_millis(12);

fn cold_downloads_do_not_delay_hot_files(protocol: Protocol) {
    // A place on a disk: the usual temporary folder may live in memory.
    let length = cold_length(protocol);
    let site = Site::within(Path::new(env!("CARGO_TARGET_TMPDIR")));
    site.file("hot", noise(4_000, 1));
    let cold: Vec<PathBuf> =
        (0..COLD_FILES).map(|seed| site.file(format!("cold{seed}"), noise(length, seed as u64))).collect();
    // One worker: the hard case, in which hot and cold share it.
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let disk = SlowDisk::for_process(server.pid(), &cold[0]);
    match &disk {
        Some(_) => println!("the disk is slowed to {BYTES_PER_SECOND} bytes per second for the server"),
        None => println!("not run on a slow disk: it cannot be slowed here; the disk is as fast as it is"),
    }
    let mut client = server.connect();
    let quiet = percentile_99(&mut client, &AtomicBool::new(true), REQUESTS);

    let mut was_cold = 0;
    for path in &cold {
        was_cold += usize::from(drop_from_page_cache(path, length));
    }
    println!("{was_cold} of {COLD_FILES} files dropped from the page cache");
    let is_running = AtomicBool::new(true);
    let (busy, took) = thread::scope(|scope| {
        let downloads: Vec<_> = (0..COLD_FILES)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || {
                        let start = Instant::now();
                        let answer = server.fetch(&format!("/cold{number}"));
                        assert!(answer.content == noise(length, number as u64), "/cold{number} differs");
                        start.elapsed()
                    }
                })
            })
            .collect();
        let hot = scope.spawn(|| percentile_99(&mut client, &is_running, usize::MAX));
        let took: Vec<Duration> = downloads.into_iter().map(|it| it.join().expect("a download")).collect();
        is_running.store(false, Ordering::Relaxed);
        (hot.join().expect("the hot client"), took)
    });
    println!("p99 of a hot file: quiet {quiet:?}, beside cold downloads {busy:?} (which took {took:?})");
    assert!(busy <= quiet * 2 + NOISE, "p99 of a hot file: quiet {quiet:?}, beside cold downloads {busy:?}");
}

/// Asks for the hot file, at most `requests` times and while `is_running`; the 99th percentile of the times.
fn percentile_99(client: &mut Conn, is_running: &AtomicBool, requests: usize) -> Duration {
    let mut times = Vec::new();
    while is_running.load(Ordering::Relaxed) && times.len() < requests {
        let start = Instant::now();
        assert_eq!(client.get("/hot").content.len(), 4_000);
        times.push(start.elapsed());
        // The client's own pace, so that the requests spread over the downloads.
        thread::sleep(Duration::from_millis(1));
    }
    assert!(times.len() > 20, "{} requests are too few to say anything", times.len());
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Writes the file to disk and drops it from memory; whether it is gone from there.
fn drop_from_page_cache(path: &Path, length: usize) -> bool {
    let file = File::open(path).expect("our file");
    file.sync_all().expect("the file reaches the disk");
    fadvise(&file, 0, None, Advice::DontNeed).expect("advice on our own file");
    let mut byte = [0];
    let middle = (length / 2) as u64;
    preadv2(&file, &mut [IoSliceMut::new(&mut byte)], middle, ReadWriteFlags::NOWAIT) == Err(Errno::AGAIN)
}

/// A block I/O control group (version 1) of our own, in which reading is slow.
struct SlowDisk {
    group: PathBuf,
}

impl SlowDisk {
    /// Slows the disk on which `file` lies for one process; `None` where that is not possible.
    fn for_process(pid: u32, file: &Path) -> Option<Self> {
        let device = fs::metadata(file).ok()?.dev();
        let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        let group = PathBuf::from(format!("/sys/fs/cgroup/blkio/tallyd-test-{pid}"));
        fs::create_dir(&group).ok()?;
        let disk = Self { group };
        let limit = disk.group.join("blkio.throttle.read_bps_device");
        fs::write(limit, format!("{number} {BYTES_PER_SECOND}")).ok()?;
        fs::write(disk.group.join("cgroup.procs"), pid.to_string()).ok()?;
        Some(disk)
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        // A group can be removed when it is empty: its process goes back to where it came from.
        if let Ok(processes) = fs::read_to_string(self.group.join("cgroup.procs")) {
            for pid in processes.lines() {
                // It may end just now, and then leaves the group as well.
                let _ = fs::write("/sys/fs/cgroup/blkio/cgroup.procs", pid);
            }
        }
        let _ = fs::remove_dir(&self.group);
    }
}
