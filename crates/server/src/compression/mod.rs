//! Compression on the fly: content that is worth a coding is encoded once for each version, on threads of its own, and
//! remembered within a budget that all workers share.
//!
//! Which coding a client gets is decided elsewhere, and so is which content is worth one.

pub(crate) mod codec;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tallyd_http::content_coding::ContentCoding;

use crate::backend::folder::{FileVersion, Patience, read_whole};
use crate::workshop::{Undone, Workshop};

/// The smallest content that is compressed, in bytes: below, what is gained is lost again in the head and in packets that
/// are not filled anyway.
pub(crate) const MIN_BYTES: u64 = 1024;

/// The largest content that is compressed, in bytes: half a second of one core, which the first client waits for. It is
/// held in memory meanwhile, once for each thread. What is larger is better compressed by its publisher.
pub(crate) const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Two, so that a long computation does not hold up all others; more would take cores away from serving.
const THREADS: usize = 2;

/// How many contents may wait for a thread. What does not fit goes out as it is.
const WAITING: usize = 256;

/// How long a client waits for a content to be compressed before it is sent as it is. The largest takes half a second;
/// the rest is for those that come before it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What remembering costs besides content: key and bookkeeping, in bytes.
const OVERHEAD_BYTES: u64 = 256;

/// Whether content is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compress {
    /// If it is worth it, for clients that accept it.
    On,
    /// It goes out as it is.
    Off,
}

/// Content to be compressed.
#[derive(Clone, Debug)]
pub(crate) enum Material {
    /// In memory.
    Memory(Arc<[u8]>),
    /// A file, which must still be of the version that it was.
    File(Arc<OwnedFd>),
}

/// What came of a compression.
#[derive(Clone, Debug)]
pub(crate) enum Product {
    /// The content in its coding.
    Encoded(Arc<[u8]>),
    /// It is not smaller in this coding, or is not of the version that it was.
    NotWorthIt,
}

/// Why nothing came of one. It may work the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fruitless {
    /// The content could not be read.
    Unread,
    /// Nobody has computed it.
    Undone(Undone),
}

/// One version of a file in one coding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    version: FileVersion,
    coding: ContentCoding,
}

/// Compresses, and remembers.
#[derive(Debug)]
pub(crate) struct Compressor {
    products: Cache<Key, Product, ByLength>,
    workshop: Workshop,
}

impl Compressor {
    /// A compressor that remembers at most `budget_bytes` of content.
    pub(crate) fn start(budget_bytes: u64) -> io::Result<Compressor> {
        let options = OptionsBuilder::new()
            // One shard, so that a content may be as large as the budget. It is asked for once for each version and worker.
            .shards(1)
            .estimated_items_capacity(
                usize::try_from(budget_bytes / (16 * 1024)).unwrap_or(usize::MAX).min(1 << 16),
            )
            .weight_capacity(budget_bytes)
            .build()
            .expect("both capacities are given");
        let products = Cache::with_options(
            options,
            ByLength,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Ok(Compressor { products, workshop: Workshop::open("compressor", THREADS, WAITING)? })
    }

    /// The content of this version in this coding; nothing if it takes too long or cannot be read now. Several who ask at once wait for
    /// one compression, which goes on when they have gone. Called on a worker's thread.
    pub(crate) async fn compress(
        self: &Arc<Self>,
        version: FileVersion,
        coding: ContentCoding,
        material: Material,
    ) -> Option<Product> {
        let compressor = Arc::clone(self);
        // A task, because the client who waits can go away, and others may be waiting for the same.
        let task = tokio::task::spawn_local(async move {
            let key = Key { version, coding };
            let order = compressor.workshop.order(move || produce(&version, coding, &material));
            let compress = async { order.await.map_err(Fruitless::Undone)? };
            compressor.products.get_or_insert_async(&key, compress).await
        });
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(Ok(product))) => Some(product),
            // A panic is not tried again on the same content.
            Ok(Ok(Err(Fruitless::Undone(Undone::Failed)))) => Some(Product::NotWorthIt),
            Ok(Ok(Err(Fruitless::Undone(Undone::Busy) | Fruitless::Unread)) | Err(_)) | Err(_) => None,
        }
    }
}

/// Compresses; on a thread that may take its time.
fn produce(version: &FileVersion, coding: ContentCoding, material: &Material) -> Result<Product, Fruitless> {
    let encoded = match material {
        Material::Memory(content) => smaller(coding, content),
        Material::File(file) => match read_whole(file, version, Patience::MayBlock) {
            Ok(Some(content)) => smaller(coding, &content),
            // The file is not that version any more: nobody will ask for it again.
            Ok(None) => None,
            Err(_) => return Err(Fruitless::Unread),
        },
    };
    Ok(encoded.map_or(Product::NotWorthIt, |encoded| Product::Encoded(encoded.into())))
}

fn smaller(coding: ContentCoding, content: &[u8]) -> Option<Vec<u8>> {
    codec::encode(coding, content).ok().filter(|encoded| encoded.len() < content.len())
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<Key, Product> for ByLength {
    fn weight(&self, _: &Key, product: &Product) -> u64 {
        match product {
            Product::Encoded(content) => OVERHEAD_BYTES + content.len() as u64,
            Product::NotWorthIt => OVERHEAD_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::fs::{self, File};
    use std::path::PathBuf;

    use tallyd_http::content_coding::PREFERENCE;
    use tokio::runtime::{Builder, LocalOptions};

    use super::*;
    use crate::backend::folder::{Folder, Found, Links};

    /// A folder with one file in it.
    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn with(content: &[u8]) -> Place {
            let place = Place { folder: tempfile::tempdir().expect("a folder for the test") };
            fs::write(place.path(), content).expect("a file");
            place
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("f")
        }

        fn open(&self) -> (FileVersion, Material) {
            let root = File::open(self.folder.path()).expect("it is there").into();
            let folder = Folder::new(root, Links::Beneath).expect("the kernel guards it");
            match folder.open(b"f", Patience::MayBlock) {
                Ok(Found::File(file)) => (file.version, Material::File(Arc::new(file.descriptor))),
                other => panic!("{other:?}"),
            }
        }
    }

    fn on_a_worker<T>(run: impl Future<Output = T>) -> T {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build_local(LocalOptions::default())
            .expect("a runtime");
        runtime.block_on(run)
    }

    fn start(budget_bytes: u64) -> Arc<Compressor> {
        Arc::new(Compressor::start(budget_bytes).expect("threads can be started"))
    }

    fn length(product: Option<Product>) -> Option<usize> {
        match product.expect("there is time") {
            Product::Encoded(content) => Some(content.len()),
            Product::NotWorthIt => None,
        }
    }

    #[test]
    fn all_who_ask_at_once_get_one_and_the_same_product() {
        let place = Place::with(&b"all the same ".repeat(50_000));
        let compressor = start(1 << 20);
        on_a_worker(async {
            let ask = || {
                let (compressor, (version, material)) = (Arc::clone(&compressor), place.open());
                tokio::task::spawn_local(async move {
                    compressor.compress(version, ContentCoding::Gzip, material).await
                })
            };
            let all: Vec<_> = (0..200).map(|_| ask()).collect();
            let mut first = None;
            for one in all {
                let Some(Product::Encoded(content)) = one.await.expect("no panic") else {
                    panic!("it is worth it")
                };
                assert!(Arc::ptr_eq(first.get_or_insert_with(|| Arc::clone(&content)), &content));
            }
        });
    }

    #[test]
    fn who_goes_away_takes_nothing_from_others() {
        let place = Place::with(&b"all the same ".repeat(50_000));
        let compressor = start(1 << 20);
        on_a_worker(async {
            let (version, material) = place.open();
            let gone = compressor.compress(version, ContentCoding::Gzip, material.clone());
            // It has begun when its time is up, and nobody waits for it.
            let waited = tokio::time::timeout(Duration::from_nanos(1), gone).await;
            let again = compressor.compress(version, ContentCoding::Gzip, material).await;
            assert!(length(again).is_some(), "{waited:?}");
        });
    }

    #[test]
    fn what_is_not_smaller_or_not_that_version_is_not_worth_it() {
        on_a_worker(async {
            let compressor = start(1 << 20);
            for coding in PREFERENCE {
                let place = Place::with(b"abc");
                let (version, material) = place.open();
                assert_eq!(length(compressor.compress(version, coding, material).await), None, "{coding:?}");

                let place = Place::with(&b"all the same ".repeat(100));
                let (version, material) = place.open();
                File::options().write(true).open(place.path()).and_then(|file| file.set_len(9)).expect("cut");
                assert_eq!(length(compressor.compress(version, coding, material).await), None, "{coding:?}");
            }
        });
    }

    #[test]
    fn what_could_not_be_read_is_tried_again() {
        on_a_worker(async {
            let compressor = start(1 << 20);
            let place = Place::with(&b"all the same ".repeat(100));
            let (version, material) = place.open();
            // A descriptor for writing stands for a disk that fails at the moment.
            let unreadable = File::options().write(true).open(place.path()).expect("a file").into();
            let failing = Material::File(Arc::new(unreadable));
            let product = compressor.compress(version, ContentCoding::Gzip, failing).await;
            assert!(product.is_none(), "{product:?}");
            let product = compressor.compress(version, ContentCoding::Gzip, material).await;
            assert!(matches!(product, Some(Product::Encoded(_))), "{product:?}");
        });
    }

    #[test]
    fn what_is_remembered_stays_within_the_budget() {
        on_a_worker(async {
            const BUDGET: u64 = 20_000;
            let compressor = start(BUDGET);
            for number in 0..50_u32 {
                let mut text = String::new();
                for at in 0..2_000 {
                    write!(text, "{} ", at * 7919 % (number + 1_000)).expect("a string takes all");
                }
                let place = Place::with(text.as_bytes());
                let (version, material) = place.open();
                let product = compressor.compress(version, ContentCoding::Gzip, material).await;
                assert!(length(product).is_some_and(|length| length > 1_000), "worth it, and not tiny");
                assert!(compressor.products.weight() <= BUDGET, "{}", compressor.products.weight());
            }
            assert!(!compressor.products.is_empty());
        });
    }
}
