//! What native code tells JavaScript, and how it answers a call.

#![deny(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::error::{KafkaError, KafkaResult};
use super::requests::Observer;

/// In the order in which a client emits them, JavaScript hears of them.
pub enum Event {
    /// A consume frame.
    Frame(FrameBuffer),
    /// Sends are complete: `Producer::take_deliveries` has them.
    Deliveries,
    Rebalance(Rebalance),
    Error(ErrorEvent),
    Log(LogEvent),
    /// librdkafka's statistics document, as it is.
    Statistics(String),
    /// `sasl.oauthbearer.config`, for whoever makes the token.
    TokenRefresh(String),
    /// Requests to brokers: those that are there when it crosses.
    Requests(Arc<Observer>),
}

#[derive(Debug, Clone, Serialize)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RebalanceKind {
    Assign,
    Revoke,
}

#[derive(Debug, Clone, Serialize)]
pub struct Rebalance {
    pub kind: RebalanceKind,
    /// The partitions may already belong to another member: nothing may be committed for them.
    pub lost: bool,
    pub cooperative: bool,
    pub generation: i32,
    pub partitions: Vec<TopicPartition>,
    #[serde(flatten)]
    pub member: Option<Member>,
}

/// What the coordinator knows this consumer as.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub member_id: String,
    /// Not to be confused with a rebalance's number: that of the group, or under KIP-848 the member's epoch.
    pub group_generation: i32,
    /// Of the join that led here, where librdkafka tells.
    pub leader_id: Option<String>,
    /// The assignor that the coordinator chose, likewise.
    pub protocol: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ErrorEvent {
    #[serde(flatten)]
    pub error: KafkaError,
    #[serde(flatten)]
    pub partition: Option<TopicPartition>,
}

#[derive(Debug, Clone, Serialize)]
pub struct LogEvent {
    /// syslog's, 0 to 7.
    pub level: i32,
    pub facility: String,
    pub message: String,
}

/// What an OAUTHBEARER provider gave.
pub struct Token {
    pub value: String,
    /// Milliseconds since the epoch.
    pub expires_ms: i64,
    pub principal: String,
    /// Name, value, name, value …
    pub extensions: Vec<String>,
}

/// Takes events to JavaScript. Called from any thread; never blocks.
pub trait EventSink: Send + Sync + 'static {
    fn emit(&self, event: Event);
}

/// Answers one call. Called once, from any thread.
pub type Done<T> = Box<dyn FnOnce(KafkaResult<T>) + Send>;

/// Memory of a frame; goes back to its pool when JavaScript has dropped the last view of it.
pub struct FrameBuffer {
    bytes: Vec<u8>,
    pool: Arc<FramePool>,
}

/// Those of all clients, on their way to JavaScript or held there.
static LIVE_FRAMES: AtomicUsize = AtomicUsize::new(0);

pub fn live_frames() -> usize {
    LIVE_FRAMES.load(Ordering::Relaxed)
}

impl FrameBuffer {
    pub fn new(bytes: Vec<u8>, pool: &Arc<FramePool>) -> FrameBuffer {
        LIVE_FRAMES.fetch_add(1, Ordering::Relaxed);
        FrameBuffer { bytes, pool: Arc::clone(pool) }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        LIVE_FRAMES.fetch_sub(1, Ordering::Relaxed);
        self.pool.give_back(std::mem::take(&mut self.bytes));
    }
}

/// Recycled frames: fresh large allocations cost page faults. V8 gives handled frames back many at a time, when it collects
/// garbage, so as much is kept as it may have let pile up until then.
#[derive(Default)]
pub struct FramePool(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    frames: Vec<Vec<u8>>,
    bytes: usize,
}

impl FramePool {
    const KEPT_BYTES: usize = 32 << 20;

    /// A frame with room for `least` bytes at least; a new one has room for `capacity`.
    pub fn take(&self, least: usize, capacity: usize) -> Vec<u8> {
        let recycled = self.0.lock().ok().and_then(|mut kept| {
            let frame = kept.frames.pop()?;
            kept.bytes -= frame.capacity();
            Some(frame)
        });
        match recycled {
            Some(frame) if frame.capacity() >= least => frame,
            // The sizes of messages have changed: what is too small goes, one at a time.
            _ => Vec::with_capacity(capacity.max(least)),
        }
    }

    /// Frees what is kept: nobody has needed it for a while.
    pub fn clear(&self) {
        let kept = self.0.lock().map(|mut kept| std::mem::take(&mut *kept));
        drop(kept);
    }

    fn give_back(&self, frame: Vec<u8>) {
        let size = frame.capacity();
        if size == 0 {
            return;
        }
        if let Ok(mut kept) = self.0.lock() {
            if kept.bytes + size <= Self::KEPT_BYTES {
                kept.bytes += size;
                kept.frames.push(frame);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_keeps_so_many_bytes_until_it_is_cleared() {
        let pool: Arc<FramePool> = Arc::default();
        let quarter = FramePool::KEPT_BYTES / 4;
        (0..6).for_each(|_| drop(FrameBuffer::new(Vec::with_capacity(quarter), &pool)));
        assert_eq!(pool.0.lock().unwrap().bytes, FramePool::KEPT_BYTES);
        assert!(pool.take(quarter, 1).capacity() >= quarter);
        assert_eq!(pool.0.lock().unwrap().frames.len(), 3);
        // Too small, so it is given up for a new one.
        assert!(pool.take(quarter + 1, 1).capacity() > quarter);
        assert_eq!(pool.0.lock().unwrap().bytes, 2 * quarter);
        pool.clear();
        assert_eq!(pool.0.lock().unwrap().bytes, 0);
        drop(FrameBuffer::new(Vec::with_capacity(FramePool::KEPT_BYTES + 1), &pool));
        assert!(pool.0.lock().unwrap().frames.is_empty());
        assert!(pool.take(1, 100).capacity() >= 100);
    }
}
