//! Where the lines go: a stream, or a file that is opened anew and rotated.
//!
//! Every write is whole lines, and the file changes between writes only: each line is whole in exactly one file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::console;

/// Where the lines go.
pub(crate) enum Destination {
    /// Standard output, or nowhere.
    Stream(Box<dyn Write + Send>),
    /// A file.
    File(File),
}

/// When a file is set aside, and how many are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    /// Before it grows beyond this many bytes; 0: however large.
    pub(crate) size_bytes: u64,
    /// When it was begun this long ago; zero: however old.
    pub(crate) age: Duration,
    /// How many files are kept besides the one that is written, at least 1.
    pub(crate) keep: u32,
}

/// A file that lines are appended to.
pub(crate) struct File {
    path: PathBuf,
    open: fs::File,
    /// When its first line was written.
    begun: SystemTime,
    rotation: Rotation,
    changing: Changing,
}

/// How changing files went the last time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changing {
    Works,
    /// It failed, and that was said.
    Fails,
}

impl Destination {
    /// Writes whole lines.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Destination::Stream(stream) => stream.write_all(lines).and_then(|()| stream.flush()),
            Destination::File(file) => file.write(lines),
        }
    }

    /// Opens a file anew by its path, so that another program can have moved it away.
    pub(super) fn reopen(&mut self) {
        match self {
            Destination::Stream(_) => {}
            Destination::File(file) => {
                file.changing = Changing::Works;
                let opened = file.begin_anew();
                file.judge(opened);
            }
        }
    }
}

impl File {
    /// Opens the file at `path`, or creates it.
    pub(crate) fn open(path: &Path, rotation: Rotation) -> io::Result<File> {
        let open = append_to(path)?;
        let begun = begun(&open);
        Ok(File { path: path.to_owned(), open, begun, rotation, changing: Changing::Works })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut metadata = self.open.metadata()?;
        if metadata.is_file() && self.is_due(metadata.len(), lines.len() as u64) {
            let rotated = self.rotate();
            self.judge(rotated);
            metadata = self.open.metadata()?;
        }
        if metadata.len() == 0 {
            self.begun = SystemTime::now();
        }
        self.open.write_all(lines).inspect_err(|_| {
            // What was written of a line before the disk was full is taken back, so that the next one begins a line.
            if metadata.is_file() {
                // If even that fails, the line is torn: nothing is left to try.
                let _ = self.open.set_len(metadata.len());
            }
        })
    }

    /// Whether a file of this length is set aside before so much is added.
    fn is_due(&self, length: u64, added: u64) -> bool {
        let Rotation { size_bytes, age, .. } = self.rotation;
        let is_full = size_bytes > 0 && length + added > size_bytes;
        // A clock that was set back makes a file young.
        let is_old = age > Duration::ZERO && self.begun.elapsed().is_ok_and(|elapsed| elapsed >= age);
        length > 0 && (is_full || is_old)
    }

    /// Sets the file aside as `FILE.1` and begins a new one; each older one moves by one, the oldest is removed.
    fn rotate(&mut self) -> io::Result<()> {
        let keep = self.rotation.keep;
        // Behind a gap nothing has to move.
        let free = (1..keep).find(|number| !self.numbered(*number).exists()).unwrap_or(keep);
        for number in (1..free).rev() {
            fs::rename(self.numbered(number), self.numbered(number + 1))?;
        }
        let aside = self.numbered(1);
        match fs::rename(&self.path, &aside) {
            Ok(()) => {}
            // Somebody else has set it aside.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.begin_anew(),
            Err(error) => return Err(error),
        }
        self.begin_anew().inspect_err(|_| {
            // The old file is still the one that is written; if its name is lost, its lines are not.
            let _ = fs::rename(&aside, &self.path);
        })
    }

    /// Opens what is at the path now; after an error the old file is still the one that is written.
    fn begin_anew(&mut self) -> io::Result<()> {
        self.open = append_to(&self.path)?;
        self.begun = begun(&self.open);
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        numbered(&self.path, number)
    }

    /// Says once that files cannot be changed.
    fn judge(&mut self, changed: io::Result<()>) {
        match (changed, self.changing) {
            (Ok(()), _) => self.changing = Changing::Works,
            (Err(_), Changing::Fails) => {}
            (Err(error), Changing::Works) => {
                self.changing = Changing::Fails;
                console::say(format_args!(
                    "no new file can be begun for the access log ({error}); the old one is written on"
                ));
            }
        }
    }
}

/// What the file at `path` is called once it was set aside `number` times.
pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn append_to(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// When a file was begun: also before this process, if the file system tells.
fn begun(file: &fs::File) -> SystemTime {
    file.metadata().and_then(|metadata| metadata.created()).unwrap_or_else(|_| SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFF: Rotation = Rotation { size_bytes: 0, age: Duration::ZERO, keep: 2 };

    /// Writes each text with this rotation; `expect` is what is in FILE, FILE.1 and so on.
    #[track_caller]
    fn check(rotation: Rotation, texts: &[&str], expect: &[&str]) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("log");
        let mut file = File::open(&path, rotation).expect("a new file");
        for text in texts {
            file.write(text.as_bytes()).expect("room for some bytes");
        }
        let names = (0..expect.len()).map(|number| match number {
            0 => path.clone(),
            number => file.numbered(number as u32),
        });
        let contents: Vec<_> = names.map(|name| fs::read_to_string(name).expect("a file")).collect();
        assert_eq!(contents, expect);
        let files = fs::read_dir(folder.path()).expect("our folder").count();
        assert_eq!(files, expect.len(), "no other file is left");
    }

    #[test]
    fn a_file_is_set_aside_before_it_grows_too_large_and_the_oldest_go() {
        check(OFF, &["1\n", "2\n", "3\n"], &["1\n2\n3\n"]);
        let by_size = Rotation { size_bytes: 4, ..OFF };
        check(by_size, &["1\n", "2\n"], &["1\n2\n"]);
        check(by_size, &["1\n", "2\n", "3\n"], &["3\n", "1\n2\n"]);
        check(by_size, &["longer\n", "2\n"], &["2\n", "longer\n"]);
        check(by_size, &["1 1\n", "2 2\n", "3 3\n", "4 4\n"], &["4 4\n", "3 3\n", "2 2\n"]);
        check(Rotation { keep: 1, ..by_size }, &["1 1\n", "2 2\n", "3 3\n"], &["3 3\n", "2 2\n"]);
    }

    #[test]
    fn a_file_is_set_aside_when_it_is_old() {
        // Whatever was written is older than this when the next text comes.
        check(Rotation { age: Duration::from_nanos(1), ..OFF }, &["1\n", "2\n"], &["2\n", "1\n"]);
        check(Rotation { age: Duration::from_hours(1), ..OFF }, &["1\n", "2\n"], &["1\n2\n"]);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_written_on() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("log");
        let by_size = Rotation { size_bytes: 4, age: Duration::ZERO, keep: 1 };
        let mut file = File::open(&path, by_size).expect("a new file");
        // A folder with something in it is no name that a file can be moved to.
        fs::create_dir_all(folder.path().join("log.1/full")).expect("a folder");
        for text in ["1 1\n", "2 2\n"] {
            file.write(text.as_bytes()).expect("room for some bytes");
        }
        assert!(file.changing == Changing::Fails);
        assert_eq!(fs::read_to_string(&path).expect("the old file"), "1 1\n2 2\n");
    }
}
