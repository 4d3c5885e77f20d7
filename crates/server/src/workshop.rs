//! A few threads for long computations, which give way to those that serve.
//!
//! Orders wait in a bounded queue; one that does not fit is refused at once.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

/// How far an order gives way to threads that serve (setpriority(2)): they get some ten times its share of a core.
const NICENESS: i32 = 10;

/// Something to compute.
pub(crate) type Order = Box<dyn FnOnce() + Send>;

/// The way to the threads; they end when it is dropped.
#[derive(Debug)]
pub(crate) struct Workshop {
    orders: SyncSender<Order>,
}

/// Why an order has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// As many orders as may wait are waiting.
    Busy,
    /// It panicked.
    Failed,
}

impl Workshop {
    /// A workshop of this many threads, each named after its trade, for which this many orders may wait.
    pub(crate) fn open(trade: &str, threads: usize, waiting: usize) -> io::Result<Workshop> {
        let (orders, queue) = sync_channel(waiting);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("{trade}-{number}")).spawn(move || work(&queue))?;
        }
        Ok(Workshop { orders })
    }

    /// Has something computed, whenever its turn comes. Fails if too many wait.
    pub(crate) fn submit(&self, order: Order) -> Result<(), Undone> {
        self.orders.try_send(order).map_err(|_| Undone::Busy)
    }

    /// Has something computed, and waits for its result.
    pub(crate) async fn order<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Undone> {
        let (result, coming) = oneshot::channel();
        // Who ordered may be gone by then.
        let order: Order = Box::new(move || drop(result.send(compute())));
        self.submit(order)?;
        coming.await.map_err(|_| Undone::Failed)
    }
}

/// What each thread does until nobody can order any more.
fn work(queue: &Mutex<Receiver<Order>>) {
    // Refused only where a process may not even slow itself down; then the orders are as important as all else.
    let _ = rustix::process::nice(NICENESS);
    loop {
        // Whoever waits for an order holds the queue; nobody else has anything to do meanwhile.
        let order = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(order) = order else { return };
        // The panic is said on standard error, and to who ordered by the end of the channel.
        let _ = catch_unwind(AssertUnwindSafe(order));
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::Poll;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().expect("a runtime")
    }

    /// Places an order that is not done at once.
    async fn place(order: &mut (impl Future<Output = Result<(), Undone>> + Unpin)) {
        poll_fn(|context| {
            assert_eq!(Pin::new(&mut *order).poll(context), Poll::Pending);
            Poll::Ready(())
        })
        .await;
    }

    #[test]
    fn orders_are_done_and_refused_and_survived() {
        let workshop = Workshop::open("test", 1, 1).expect("a thread can be started");
        runtime().block_on(async {
            assert_eq!(workshop.order(|| 6 * 7).await, Ok(42));
            assert_eq!(workshop.order(|| panic!("as it should")).await, Err::<(), _>(Undone::Failed));
            assert_eq!(workshop.order(|| "goes on").await, Ok("goes on"));

            let (begun, has_begun) = mpsc::channel();
            let (end, may_end) = mpsc::channel::<()>();
            let mut long = pin!(workshop.order(move || {
                begun.send(()).expect("the test waits for it");
                may_end.recv().expect("the test says when");
            }));
            place(&mut long).await;
            has_begun.recv().expect("it begins");
            let mut waiting = pin!(workshop.order(|| ()));
            place(&mut waiting).await;
            assert_eq!(workshop.order(|| ()).await, Err(Undone::Busy));
            end.send(()).expect("it waits");
            assert_eq!((long.await, waiting.await), (Ok(()), Ok(())));
        });
    }
}
