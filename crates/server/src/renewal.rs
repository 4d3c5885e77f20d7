//! Publishing anew: notices that the path of the folder to serve leads to another folder, as when a deployment flips a
//! link, and that error pages or certificates have changed, and hands the workers the new edition. Which files are the
//! server's own and not served is looked up as well.
//!
//! It looks about once a second and on SIGHUP, on a thread of its own: a look may wait for a disk, and no request waits
//! for a look. Transfers under way go on with the files that they have open. Where the counts are kept is decided at the
//! start and stays.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tallyd_http::media_type::MediaTypes;
use tokio::sync::watch;

use crate::backend::folder::{self, Folder, Links};
use crate::backend::withheld::Withheld;
use crate::config::{StartError, quoted, root};
use crate::console;
use crate::site::Edition;
use crate::site::error_pages::{ErrorPages, PageSource};
use crate::tls::files::CertificateFiles;

/// How often it is looked without being asked: soon enough for a person who has just deployed, and a few system calls.
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks for a look; the looking ends with it.
pub(crate) struct Renewal {
    requests: Sender<()>,
}

/// What is looked at, and what was found last.
pub(crate) struct Publisher {
    /// The path of the folder to serve.
    pub(crate) root: PathBuf,
    pub(crate) links: Links,
    /// What of it is not served.
    pub(crate) withheld: Arc<Withheld>,
    /// Where error pages are looked for.
    pub(crate) page_sources: Vec<PageSource>,
    pub(crate) media_types: MediaTypes,
    /// Whether the folder that the path leads to now may be served.
    pub(crate) admit: Box<dyn Fn() -> Result<(), StartError> + Send>,
    pub(crate) edition: Arc<Edition>,
    pub(crate) standing: Standing,
    pub(crate) certificates: CertificateFiles,
}

/// How the last look at the path ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// With a folder.
    Well,
    /// Without one, once: a folder that is replaced by moving it is not there for a moment.
    Missed,
    /// Without one, and that was said.
    Complained,
}

impl Renewal {
    /// Starts to look. The receiver has the first edition, and each that follows.
    pub(crate) fn start(mut publisher: Publisher) -> io::Result<(Renewal, watch::Receiver<Arc<Edition>>)> {
        publisher.read_pages();
        let (editions, receiver) = watch::channel(Arc::clone(&publisher.edition));
        let (requests, requested) = mpsc::channel();
        thread::Builder::new()
            .name("renewal".into())
            .spawn(move || keep_looking(publisher, &requested, &editions))?;
        Ok((Renewal { requests }, receiver))
    }

    /// Asks for a look now.
    pub(crate) fn look(&self) {
        // The thread ends only with this sender, or by a panic, which leaves the last edition in place.
        let _ = self.requests.send(());
    }
}

fn keep_looking(mut publisher: Publisher, requests: &Receiver<()>, editions: &watch::Sender<Arc<Edition>>) {
    loop {
        match requests.recv_timeout(INTERVAL) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        publisher.certificates.look();
        publisher.withheld.look();
        if publisher.look() == Look::Renewed {
            editions.send_replace(Arc::clone(&publisher.edition));
        }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// There is a new edition.
    Renewed,
    /// All is as it was.
    Unchanged,
}

impl Publisher {
    fn look(&mut self) -> Look {
        let before = Arc::clone(&self.edition);
        self.look_at_root();
        self.read_pages();
        if Arc::ptr_eq(&before, &self.edition) { Look::Unchanged } else { Look::Renewed }
    }

    fn look_at_root(&mut self) {
        // The folder is held open, so that no other can get its number meanwhile.
        if folder::identity_at(&self.root) == Ok(self.edition.folder.identity()) {
            self.standing = Standing::Well;
            return;
        }
        let reopened = root::open_folder(&self.root)
            .and_then(|root| Folder::new(root, self.links))
            .map(|folder| folder.without(Arc::clone(&self.withheld)));
        match (reopened, self.standing) {
            (Ok(folder), _) => self.replace(folder),
            (Err(_), Standing::Well) => self.standing = Standing::Missed,
            (Err(error), Standing::Missed) => {
                self.standing = Standing::Complained;
                console::say(format_args!(
                    "the folder {} cannot be opened anew ({error}); the one that it was is served on",
                    quoted(&self.root)
                ));
            }
            (Err(_), Standing::Complained) => {}
        }
    }

    fn replace(&mut self, folder: Folder) {
        match ((self.admit)(), self.standing) {
            (Ok(()), _) => {
                self.standing = Standing::Well;
                self.edition =
                    Arc::new(Edition { folder: Arc::new(folder), error_pages: ErrorPages::default() });
                console::say(format_args!(
                    "the folder {} was replaced; the new one is served",
                    quoted(&self.root)
                ));
            }
            (Err(_), Standing::Complained) => {}
            (Err(error), Standing::Well | Standing::Missed) => {
                self.standing = Standing::Complained;
                console::say(format_args!(
                    "the folder {} was replaced; the old one is served on: {error}",
                    quoted(&self.root)
                ));
            }
        }
    }

    fn read_pages(&mut self) {
        let Edition { folder, error_pages } = &*self.edition;
        let pages = ErrorPages::read(&self.page_sources, folder, &self.media_types, error_pages);
        if !pages.are_unchanged_since(error_pages) {
            self.edition = Arc::new(Edition { folder: Arc::clone(folder), error_pages: pages });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use tallyd_http::status::Status;

    use super::*;
    use crate::site::error_pages::sources;

    fn publisher(root: &Path, admit: Box<dyn Fn() -> Result<(), StartError> + Send>) -> Publisher {
        let folder = root::open_folder(root).and_then(|folder| Folder::new(folder, Links::Beneath));
        let edition = Edition {
            folder: Arc::new(folder.expect("the kernel guards it")),
            error_pages: ErrorPages::default(),
        };
        let mut publisher = Publisher {
            root: root.to_owned(),
            links: Links::Beneath,
            withheld: Arc::default(),
            page_sources: sources(&[]),
            media_types: MediaTypes::default(),
            admit,
            edition: Arc::new(edition),
            standing: Standing::Well,
            certificates: CertificateFiles::new(Vec::new(), Arc::default()),
        };
        publisher.read_pages();
        publisher
    }

    #[test]
    fn a_flipped_link_is_a_new_edition() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let (link, next) = (place.path().join("current"), place.path().join("next"));
        for release in ["1", "2"] {
            fs::create_dir(place.path().join(release)).expect("a folder");
            fs::write(place.path().join(release).join("404.html"), release).expect("a file");
        }
        symlink("1", &link).expect("a link");
        let mut publisher = publisher(&link, Box::new(|| Ok(())));
        let page = |publisher: &Publisher| {
            publisher.edition.error_pages.page(Status::NOT_FOUND).map(|page| page.content.to_vec())
        };
        let first = Arc::clone(&publisher.edition.folder);
        assert_eq!(page(&publisher), Some(b"1".to_vec()));
        publisher.look_at_root();
        assert!(Arc::ptr_eq(&first, &publisher.edition.folder), "the same folder is not opened anew");

        symlink("2", &next).and_then(|()| fs::rename(&next, &link)).expect("a link that is replaced");
        assert_eq!(publisher.look(), Look::Renewed);
        assert!(!Arc::ptr_eq(&first, &publisher.edition.folder));
        assert_eq!(page(&publisher), Some(b"2".to_vec()));

        // Gone, it is served on, and found again.
        fs::remove_file(&link).expect("the link was there");
        let second = Arc::clone(&publisher.edition.folder);
        for standing in [Standing::Missed, Standing::Complained, Standing::Complained] {
            publisher.look_at_root();
            assert_eq!(publisher.standing, standing);
        }
        assert!(Arc::ptr_eq(&second, &publisher.edition.folder));
        symlink("1", &link).expect("a link");
        assert_eq!(publisher.look(), Look::Renewed);
        assert_eq!((page(&publisher), publisher.standing), (Some(b"1".to_vec()), Standing::Well));
    }

    #[test]
    fn a_folder_that_may_not_be_served_does_not_replace_one_that_may() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let root = place.path().join("root");
        fs::create_dir(&root).expect("a folder");
        let mut publisher = publisher(&root, Box::new(|| Err(StartError::misfit("not this one"))));
        let first = Arc::clone(&publisher.edition.folder);
        fs::rename(&root, place.path().join("old"))
            .and_then(|()| fs::create_dir(&root))
            .expect("another folder");
        publisher.look_at_root();
        assert!(Arc::ptr_eq(&first, &publisher.edition.folder));
        assert_eq!(publisher.standing, Standing::Complained);
    }

    #[test]
    fn a_look_can_be_asked_for() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let (renewal, editions) =
            Renewal::start(publisher(place.path(), Box::new(|| Ok(())))).expect("a thread can be started");
        fs::write(place.path().join("404.html"), "new").expect("a file");
        renewal.look();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut editions = editions;
        runtime.block_on(editions.changed()).expect("the thread goes on");
        assert!(editions.borrow().error_pages.page(Status::NOT_FOUND).is_some());
        // It ends with the one who asks.
        drop(renewal);
        while runtime.block_on(editions.changed()).is_ok() {}
    }
}
