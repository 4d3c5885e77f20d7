//! Opening what the settings name for reading at the start, without waiting for anybody.
//!
//! A FIFO would be waited for until somebody writes to it, and a device may do anything. A pipe that the shell has opened,
//! as for `<(…)` and `/dev/stdin`, has a writer, and is read to its end.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FsWord, OFlags, fcntl_getfl, fcntl_setfl, fstatfs, makedev};

/// The file system of pipes without a name (linux/magic.h, `PIPEFS_MAGIC`).
const PIPES: FsWord = 0x5049_5045;

/// `/dev/null` (null(4)), which is named where nothing is to be read.
const NULL: (u32, u32) = (1, 3);

/// Opens a regular file, a pipe that the shell has opened, or `/dev/null`.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // It is looked at before it is opened: to open a device may already do something.
    admit(&fs::metadata(path)?)?;
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    admit(&metadata)?;
    if metadata.file_type().is_fifo() && fstatfs(&file)?.f_type != PIPES {
        return Err(neither());
    }
    fcntl_setfl(&file, fcntl_getfl(&file)?.difference(OFlags::NONBLOCK))?;
    Ok(file)
}

/// Refuses what is never read. A folder fails by itself when it is read.
fn admit(metadata: &fs::Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let is_null = kind.is_char_device() && metadata.rdev() == makedev(NULL.0, NULL.1);
    if kind.is_file() || kind.is_dir() || kind.is_fifo() || is_null { Ok(()) } else { Err(neither()) }
}

fn neither() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a pipe that the shell has opened")
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _, pipe};
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    const NEITHER: &str = "it is neither a file nor a pipe that the shell has opened";

    #[test]
    fn what_is_read_and_what_is_not() {
        let check = |path: &Path, expect: Result<&str, &str>| {
            let mut text = String::new();
            let read = open(path).and_then(|mut file| file.read_to_string(&mut text)).map(|_| text);
            assert_eq!(
                read.map_err(|error| error.to_string()),
                expect.map(str::to_owned).map_err(str::to_owned)
            );
        };
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (file, fifo) = (folder.path().join("file"), folder.path().join("fifo"));
        fs::write(&file, "text").expect("our file");
        mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).expect("a FIFO");
        check(&file, Ok("text"));
        check(Path::new("/dev/null"), Ok(""));
        check(&fifo, Err(NEITHER));
        check(Path::new("/dev/zero"), Err(NEITHER));
        check(folder.path(), Err("Is a directory (os error 21)"));
        check(&folder.path().join("missing"), Err("No such file or directory (os error 2)"));

        let (reader, mut writer) = pipe().expect("a pipe");
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        // It is waited for what is written later.
        let writing = std::thread::spawn(move || writer.write_all(b"piped"));
        check(Path::new(&path), Ok("piped"));
        writing.join().expect("no panic").expect("it is read");
    }
}
