//! The threads that serve every client of the process: two workers for the event loops, and a pool for calls that block.
//! librdkafka's own threads do the network; libuv's pool is never used.

#![deny(unsafe_code)]

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{interval_at, Instant, Interval, MissedTickBehavior};

fn runtime() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .max_blocking_threads(512)
                .thread_name("kafka-oxide")
                .thread_keep_alive(Duration::from_secs(5))
                .enable_time()
                .build()
                .ok()
        })
        .as_ref()
}

/// Runs an event loop. False when the system gave no threads; `on_panic` when it ended in the one way that it must not.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static, on_panic: impl FnOnce() + Send + 'static) -> bool {
    let Some(runtime) = runtime() else { return false };
    let event_loop = runtime.spawn(task);
    runtime.spawn(async move {
        if event_loop.await.is_err() {
            on_panic();
        }
    });
    true
}

/// Runs something that may wait for the network or for threads to end.
pub fn blocking(work: impl FnOnce() + Send + 'static) {
    match runtime() {
        Some(runtime) => drop(runtime.spawn_blocking(work)),
        None => work(),
    }
}

/// Runs a short call that waits for librdkafka's main thread, inside an event loop, without holding up the other loops.
pub fn in_place<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Ticks at the same moments for every event loop with this period: fifty idle clients wake the process no more often than one.
pub fn ticks(period: Duration) -> Interval {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let now = Instant::now();
    let epoch = *EPOCH.get_or_init(|| now);
    let since = now.saturating_duration_since(epoch).as_nanos() % period.as_nanos().max(1);
    let mut ticks = interval_at(now + period - Duration::from_nanos(since as u64), period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
